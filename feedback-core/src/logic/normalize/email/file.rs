//! A file of a mail, out of the delivery that was kept: by the reference under which it was announced.

use super::{Format, json, raw};
use crate::logic::normalize::wire;

/// The bytes of a file inside a kept delivery; `None` where it does not hold them: they stayed with the mail provider, or the
/// reference is of another mail.
///
/// ```
/// use feedback_core::logic::normalize::email;
/// let mail = br#"{"from":"ana@example.test","attachments":[{"name":"a.txt","content":"aG9sYQ=="}]}"#;
/// assert_eq!(email::file(mail, "attachment:0").as_deref(), Some(&b"hola"[..]));
/// ```
pub fn file(delivery: &[u8], reference: &str) -> Option<Vec<u8>> {
    match Format::of(None, delivery)? {
        Format::Json => json::file(&wire::open(delivery)?.text, reference),
        Format::Raw => raw::file(delivery, reference.strip_prefix("part:")?.parse().ok()?),
    }
}
