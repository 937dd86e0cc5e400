//! Signature checks: who really sent a webhook. Each is over the raw bytes, in constant time, before any parsing.
//!
//! One function for each provider. All refuse when no secret is configured, and try every configured secret, so that a
//! secret can be rotated. Header values come as the HTTP layer has them: all values of that header's name, since a
//! request with two signatures is refused and never judged by its first.
//!
//! ```
//! use feedback_core::{
//!     domain::Channel,
//!     logic::verify::{Payload, SignatureError, whatsapp},
//! };
//!
//! let secrets = ["meta-demo-secret".into()];
//! let body = br#"{"object":"whatsapp_business_account","entry":[],"note":"caf\u00e9"}"#;
//! let payload = Payload { channel: Channel::WhatsApp, content_type: None, body: body.as_slice().into() };
//! let signature = b"sha256=4cbafd18b792393eb39a5bc91b2e09057a59cc621f212234e0bd51853573b3c7".as_slice();
//! assert!(whatsapp::verify(&secrets, &[signature], payload.clone()).is_ok());
//! assert_eq!(whatsapp::verify(&secrets, &[], payload).unwrap_err(), SignatureError::Missing);
//! ```

use std::fmt;

use bytes::Bytes;
use hmac::{KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use crate::domain::{Channel, Timestamp};

pub mod email;
pub mod intercom;
pub mod notion;
pub mod slack;
pub mod whatsapp;

/// All values of one header of a request, as bytes: none where it is absent, several where it was repeated.
pub type HeaderValues<'a> = &'a [&'a [u8]];

/// Why a request is not the provider's. Every case is a refusal; the distinction is for metrics, never for the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// No secret is configured, or only empty ones: nothing can be proved.
    #[error("could not verify signature: no secret is configured")]
    NoSecret,
    /// A header is absent or empty.
    #[error("could not verify signature: a header is missing")]
    Missing,
    /// A header came more than once: no scheme defines a list.
    #[error("could not verify signature: a header was repeated")]
    Repeated,
    /// A header is not of the provider's form.
    #[error("could not verify signature: a header is malformed")]
    Malformed,
    /// The signature is of another body or by another secret.
    #[error("could not verify signature: it does not match")]
    Wrong,
    /// Rightly signed, but at a time that is too far from now: a replay, or a clock that is wrong.
    #[error("could not verify signature: its time is not now")]
    Stale(Drift),
}

/// Which way a signed time is off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drift {
    /// Signed too long ago: a replay, or a clock of ours that is ahead.
    Past,
    /// Signed in our future: a clock of ours that is behind.
    Future,
}

impl SignatureError {
    /// The name in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoSecret => "no_secret",
            Self::Missing => "missing",
            Self::Repeated => "repeated",
            Self::Malformed => "malformed",
            Self::Wrong => "wrong",
            Self::Stale(_) => "stale_timestamp",
        }
    }
}

/// The time that a header says, in seconds since 1970.
fn unix_seconds(text: &[u8]) -> Result<i64, SignatureError> {
    let is_number = text.iter().all(u8::is_ascii_digit);
    let text = std::str::from_utf8(text).ok().filter(|_| is_number);
    text.and_then(|text| text.parse().ok()).ok_or(SignatureError::Malformed)
}

/// That a signed time is near now. Asked after the signature, whose check costs about as much as reading the body did: so it is
/// known that a time which is off is the provider's own, and not a forger's.
fn signed_now(seconds: i64, now: Timestamp, window_seconds: u64) -> Result<(), SignatureError> {
    let now = now.unix_seconds();
    match seconds.abs_diff(now) > window_seconds {
        false => Ok(()),
        true if seconds < now => Err(SignatureError::Stale(Drift::Past)),
        true => Err(SignatureError::Stale(Drift::Future)),
    }
}

/// The one value of a header.
fn only<'a>(values: HeaderValues<'a>) -> Result<&'a [u8], SignatureError> {
    match values {
        [] | [[]] => Err(SignatureError::Missing),
        [value] => Ok(value),
        _ => Err(SignatureError::Repeated),
    }
}

/// The `N` bytes behind a prefix, in hexadecimal of either case.
fn hex_behind<const N: usize>(prefix: &[u8], value: &[u8]) -> Result<[u8; N], SignatureError> {
    let digits = value.strip_prefix(prefix).ok_or(SignatureError::Malformed)?;
    let mut bytes = [0; N];
    hex::decode_to_slice(digits, &mut bytes).map_err(|_| SignatureError::Malformed)?;
    Ok(bytes)
}

/// Compares a claimed code with that of every secret, and says whose it is. All secrets are tried even after a match, so
/// that the time says nothing about which one it was.
fn check<M: Mac + KeyInit>(
    secrets: &[SecretString],
    signed: &[&[u8]],
    claimed: &[u8],
) -> Result<KeyId, SignatureError> {
    let mut any_secret = false;
    let mut signer = None;
    for secret in secrets
        .iter()
        .map(ExposeSecret::expose_secret)
        .filter(|secret| !secret.is_empty())
    {
        let Ok(mut mac) = <M as KeyInit>::new_from_slice(secret.as_bytes()) else {
            continue;
        };
        any_secret = true;
        for part in signed {
            mac.update(part);
        }
        if mac.verify_slice(claimed).is_ok() {
            signer = Some(secret);
        }
    }
    match (any_secret, signer) {
        (false, _) => Err(SignatureError::NoSecret),
        (true, Some(secret)) => Ok(KeyId::of(secret)),
        (true, None) => Err(SignatureError::Wrong),
    }
}

/// Which of the configured secrets a delivery was signed with: a short digest of it, so that the timeline shows when the
/// previous one is used no more and can be retired. It proves nothing and opens nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyId([u8; 4]);

impl KeyId {
    /// The id of a secret, the same in every process.
    pub fn of(secret: &str) -> Self {
        let digest = Sha256::new()
            .chain_update(b"feedback-hub signing key id\0")
            .chain_update(secret.as_bytes())
            .finalize();
        let mut id = [0; 4];
        id.iter_mut().zip(digest).for_each(|(byte, digit)| *byte = digit);
        Self(id)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

/// The body of a webhook as it came, and the endpoint that took it.
#[derive(Clone, PartialEq, Eq)]
pub struct Payload {
    /// Channel of the endpoint.
    pub channel: Channel,
    /// The request's content type, as sent: Slack sends JSON and forms.
    pub content_type: Option<String>,
    /// Raw bytes.
    pub body: Bytes,
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Payload({}, {} bytes)", self.channel, self.body.len())
    }
}

/// Something whose sender was proved by a signature: the only thing that normalizers accept, so an unsigned webhook
/// cannot become a ticket.
///
/// ```compile_fail
/// use feedback_core::logic::verify::{Payload, Verified};
/// fn forge(payload: Payload) -> Verified<Payload> {
///     Verified { proved: payload, signed_by: None } // the fields are private, and there is no public maker
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified<P> {
    proved: P,
    signed_by: Option<KeyId>,
}

impl<P> Verified<P> {
    /// For the signature checks of this module.
    fn signed(proved: P, key: KeyId) -> Self {
        Self {
            proved,
            signed_by: Some(key),
        }
    }

    /// For the replay of deliveries that passed a check when they came.
    pub(crate) fn vouch(proved: P) -> Self {
        Self {
            proved,
            signed_by: None,
        }
    }

    /// What was proved.
    pub fn get(&self) -> &P {
        &self.proved
    }

    /// Which secret proved it; `None` for a replay.
    pub fn signed_by(&self) -> Option<KeyId> {
        self.signed_by
    }
}

#[cfg(test)]
mod tests {
    use hmac::Hmac;

    use super::*;

    /// Each scheme's source, without its tests.
    fn sources() -> [(&'static str, &'static str); 6] {
        [
            ("mod", include_str!("mod.rs")),
            ("slack", include_str!("slack.rs")),
            ("intercom", include_str!("intercom.rs")),
            ("whatsapp", include_str!("whatsapp.rs")),
            ("notion", include_str!("notion.rs")),
            ("email", include_str!("email.rs")),
        ]
        .map(|(name, source)| (name, source.split("#[cfg(test)]").next().unwrap_or_default()))
    }

    #[test]
    fn f46_no_scheme_compares_by_itself_and_the_one_comparison_takes_constant_time() {
        for (name, source) in sources() {
            for comparison in [" == ", " != ", ".eq(", ".cmp(", "matches!(claimed"] {
                assert!(!source.contains(comparison), "{name} compares with {comparison}");
            }
        }
        let [(_, shared), schemes @ ..] = sources();
        assert_eq!(shared.matches(".verify_slice(claimed)").count(), 1);
        for (name, source) in schemes {
            assert!(
                source.contains("check::<Hmac<"),
                "{name} leaves its comparison to the shared check"
            );
        }
    }

    #[test]
    fn f50_every_secret_is_tried_and_the_one_that_signed_is_named() {
        let secrets: Vec<SecretString> = ["", "new", "old"].map(SecretString::from).into();
        let code = |secret: &str| {
            let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
            mac.update(b"body");
            mac.finalize().into_bytes()
        };
        let judged = |secret: &str| check::<Hmac<Sha256>>(&secrets, &[b"bo", b"dy"], &code(secret));
        assert_eq!(judged("old"), Ok(KeyId::of("old")));
        assert_eq!(judged("new"), Ok(KeyId::of("new")));
        assert_eq!(judged("retired"), Err(SignatureError::Wrong));
        assert_eq!(judged(""), Err(SignatureError::Wrong), "an empty secret proves nothing");
        assert_ne!(KeyId::of("old"), KeyId::of("new"));
        assert_eq!(KeyId::of("old").to_string().len(), 8);
    }
}
