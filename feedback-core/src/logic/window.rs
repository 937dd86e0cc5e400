//! WhatsApp's 24 hours: free text only while a person's last message is younger than that, templates at any time.
//!
//! The window belongs to one person and one of our numbers, and it starts at the message's own timestamp, not at its
//! arrival: Meta redelivers for up to seven days.

use std::time::Duration;

use crate::domain::{SessionGrant, TemplateRef, TemplateUse, Timestamp, WhatsAppMode};

/// How long after a person's message free text is allowed.
pub const WINDOW: Duration = Duration::from_secs(24 * 60 * 60);

/// How much earlier the hub stops: a message must reach Meta, whose clock decides, before the window closes.
pub const SAFETY_MARGIN: Duration = Duration::from_secs(5 * 60);

/// Longest text that goes into a template's body parameter: the rendered body may have 1,024 characters in all.
pub const MAX_PARAMETER_CHARS: usize = 900;

/// Why nothing can be sent on WhatsApp now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Restricted {
    /// The 24 hours are over and no template is configured.
    #[error("the 24 hours since the person's last message are over, and no template is configured")]
    NoTemplate,
    /// The 24 hours are over and the text does not fit a template.
    #[error("the 24 hours since the person's last message are over, and the text is too long for the template")]
    TooLongForTemplate,
}

/// Whether the provider has just said (131047) that the window is closed, whatever our own arithmetic says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProviderSays {
    /// Nothing about it.
    Nothing,
    /// It is closed.
    Closed,
}

/// When free text stops being allowed for a person who last wrote at `last_message_at`; the margin is taken off.
pub fn closes_at(last_message_at: Timestamp) -> Timestamp {
    last_message_at.plus(WINDOW - SAFETY_MARGIN)
}

/// How `text` may go out at `now`.
///
/// # Errors
/// [`Restricted`] where the window is closed and no template can carry the text.
///
/// ```
/// use feedback_core::{domain::Timestamp, logic::window::{self, ProviderSays, Restricted}};
/// let wrote: Timestamp = "2026-01-01T00:00:00Z".parse()?;
/// let next_day: Timestamp = "2026-01-02T00:00:01Z".parse()?;
/// let mode = window::whatsapp_mode(Some(wrote), ProviderSays::Nothing, None, "Done!", next_day);
/// assert_eq!(mode, Err(Restricted::NoTemplate));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn whatsapp_mode(
    last_message_at: Option<Timestamp>,
    provider: ProviderSays,
    template: Option<&TemplateRef>,
    text: &str,
    now: Timestamp,
) -> Result<WhatsAppMode, Restricted> {
    let open = last_message_at
        .map(closes_at)
        .filter(|closes| provider == ProviderSays::Nothing && now < *closes);
    if let Some(closes) = open {
        return Ok(WhatsAppMode::Session(SessionGrant::until(closes)));
    }
    let template = template.ok_or(Restricted::NoTemplate)?;
    let parameter = one_line(text);
    if parameter.chars().count() > MAX_PARAMETER_CHARS {
        return Err(Restricted::TooLongForTemplate);
    }
    Ok(WhatsAppMode::Template(TemplateUse::new(
        template.clone(),
        vec![parameter],
    )))
}

/// A template parameter as Meta allows it: no newline, no tab, no run of more than four spaces.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const WROTE: Timestamp = Timestamp::UNIX_EPOCH;

    fn after(minutes: u64) -> Timestamp {
        WROTE.plus(Duration::from_secs(minutes * 60))
    }

    fn template() -> TemplateRef {
        TemplateRef {
            name: "ticket_update".into(),
            language: "es".into(),
        }
    }

    fn mode(now: Timestamp) -> &'static str {
        whatsapp_mode(Some(WROTE), ProviderSays::Nothing, Some(&template()), "hola", now)
            .unwrap()
            .as_str()
    }

    #[test]
    fn f82_free_text_until_23_55_and_the_template_from_then_on() {
        assert_eq!(mode(after(23 * 60 + 54)), "session");
        assert_eq!(mode(after(23 * 60 + 55)), "template");
        assert_eq!(mode(after(23 * 60 + 56)), "template");
        assert_eq!(mode(after(24 * 60 + 1)), "template");
    }

    #[test]
    fn f82_the_providers_word_closes_the_window() {
        let mode = whatsapp_mode(Some(WROTE), ProviderSays::Closed, Some(&template()), "hola", after(1)).unwrap();
        assert_eq!(mode.as_str(), "template");
    }

    #[test]
    fn a_person_who_never_wrote_has_no_window() {
        let mode = whatsapp_mode(None, ProviderSays::Nothing, None, "hola", after(1));
        assert_eq!(mode, Err(Restricted::NoTemplate));
    }

    #[test]
    fn a_text_of_several_lines_becomes_one_parameter_of_one_line() {
        let mode = whatsapp_mode(
            None,
            ProviderSays::Nothing,
            Some(&template()),
            "Listo.\n\n\tGracias      Ana",
            WROTE,
        );
        let Ok(WhatsAppMode::Template(template)) = mode else {
            panic!("template expected")
        };
        assert_eq!(template.parameters(), ["Listo. Gracias Ana"]);
    }

    #[test]
    fn a_text_that_a_template_cannot_carry_is_restricted_not_cut() {
        let long = "palabra ".repeat(200);
        let mode = whatsapp_mode(None, ProviderSays::Nothing, Some(&template()), &long, WROTE);
        assert_eq!(mode, Err(Restricted::TooLongForTemplate));
    }
}
