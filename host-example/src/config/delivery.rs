//! `DELIVERY`: how resolutions and receipts reach their reporters.

use std::time::Duration;

use feedback_core::{
    domain::Language,
    usecases::{ReceiptText, Receipts},
};

use super::source::Source;

/// Its keys.
pub(super) const KEYS: &[&str] = &[
    "settle_seconds",
    "ambiguous_after_seconds",
    "on_ambiguous",
    "retry_base_seconds",
    "retry_cap_seconds",
    "receipts",
    "receipt_text",
    "receipt_text_en",
    "receipt_text_es",
];

/// `DELIVERY`.
#[derive(Debug, Clone)]
pub(crate) struct DeliveryKeys {
    /// Before an unknown send is read back.
    pub(crate) settle: Duration,
    /// How long a blind provider may still report.
    pub(crate) ambiguous_after: Duration,
    /// Retry once instead of asking.
    pub(crate) on_ambiguous: OnAmbiguous,
    /// First step of retries.
    pub(crate) retry_base: Duration,
    /// Longest step of retries.
    pub(crate) retry_cap: Duration,
    /// Which reports get a receipt.
    pub(crate) receipts: Receipts,
    /// The receipt's words in place of ours; `{number}` stands for the ticket's.
    pub(crate) receipt_text: ReceiptText,
}

/// `DELIVERY.ON_AMBIGUOUS`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnAmbiguous {
    /// A person says what happened.
    Ask,
    /// One more try.
    RetryOnce,
}

impl DeliveryKeys {
    pub(super) fn read(source: &mut Source) -> Self {
        let on_ambiguous = match source.take("delivery", "on_ambiguous").as_deref() {
            None | Some("ask") => OnAmbiguous::Ask,
            Some("retry_once") => OnAmbiguous::RetryOnce,
            Some(_) => {
                source.wrong("DELIVERY.ON_AMBIGUOUS must be ask or retry_once");
                OnAmbiguous::Ask
            }
        };
        Self {
            settle: source.seconds("delivery", "settle_seconds", 30),
            ambiguous_after: source.seconds("delivery", "ambiguous_after_seconds", 900),
            on_ambiguous,
            retry_base: source.seconds("delivery", "retry_base_seconds", 5),
            retry_cap: source.seconds("delivery", "retry_cap_seconds", 3600),
            receipts: receipts(source),
            receipt_text: receipt_text(source),
        }
    }
}

fn receipts(source: &mut Source) -> Receipts {
    let word = source
        .take("delivery", "receipts")
        .unwrap_or_default()
        .to_ascii_lowercase();
    match word.as_str() {
        "" | "off" | "false" => Receipts::Off,
        "threads" => Receipts::BeginThreads,
        "on" | "true" => Receipts::Everywhere,
        _ => {
            source.wrong("DELIVERY.RECEIPTS must be on, threads or off");
            Receipts::Off
        }
    }
}

/// The receipt's words in place of ours: for every language, and for each.
fn receipt_text(source: &mut Source) -> ReceiptText {
    let mut words = |key: &str| source.take("delivery", key).filter(|text| !text.trim().is_empty());
    let (every, english, spanish) = (
        words("receipt_text"),
        words("receipt_text_en"),
        words("receipt_text_es"),
    );
    let mut text = every.map_or_else(ReceiptText::default, ReceiptText::new);
    for (language, own) in [(Language::English, english), (Language::Spanish, spanish)] {
        if let Some(own) = own {
            text = text.in_language(language, own);
        }
    }
    text
}
