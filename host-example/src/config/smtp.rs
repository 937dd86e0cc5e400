//! `SMTP`: mail that goes out.

use secrecy::SecretString;

use super::source::Source;

/// Its keys.
pub(super) const KEYS: &[&str] = &["url", "from", "subject", "unsubscribe", "authority"];

/// `SMTP`.
#[derive(Debug)]
pub(crate) struct SmtpSettings {
    /// The mail server; user and password are part of it.
    pub(crate) url: SecretString,
    /// Who the mails are from.
    pub(crate) from: String,
    /// Subject of a mail that answers none.
    pub(crate) subject: Option<String>,
    /// Where people say that they want no more.
    pub(crate) unsubscribe: Option<String>,
    /// A certificate authority of the company's own, in PEM.
    pub(crate) authority: Option<String>,
}

impl SmtpSettings {
    pub(super) fn read(source: &mut Source) -> Option<Self> {
        source.section_present("smtp").then(|| {
            let mut optional = |key| source.text("smtp", key);
            let (subject, unsubscribe, authority) =
                (optional("subject"), optional("unsubscribe"), optional("authority"));
            Self {
                url: SecretString::from(source.required("smtp", "url")),
                from: source.required("smtp", "from"),
                subject,
                unsubscribe,
                authority,
            }
        })
    }
}
