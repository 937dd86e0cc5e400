//! Our own signature on mails that a forwarding function delivers: HMAC-SHA256 over version, time and body, with a time
//! that must be near now. Mail providers sign their webhooks in a dozen ways, or not at all, and none of them signs a
//! mail that was rewritten on the way; so what stands between them and the hub signs, with a secret that both know:
//!
//! ```text
//! X-Feedback-Timestamp: 1767225600
//! X-Feedback-Signature: sha256=<hex of HMAC-SHA256(secret, "v1:" + timestamp + ":" + body)>
//! ```

use hmac::Hmac;
use secrecy::SecretString;
use sha2::Sha256;

use super::{HeaderValues, Payload, SignatureError, Verified, check, hex_behind, only, signed_now, unix_seconds};
use crate::domain::Timestamp;

/// How far the signed time may be from now, in either direction.
pub const WINDOW_SECONDS: u64 = 300;

/// The headers that the forwarding function signs with.
#[derive(Debug, Clone, Copy)]
pub struct EmailHeaders<'a> {
    /// `X-Feedback-Signature`.
    pub signature: HeaderValues<'a>,
    /// `X-Feedback-Timestamp`: whole seconds since 1970.
    pub timestamp: HeaderValues<'a>,
}

/// Proves that our forwarding function sent a mail.
///
/// # Errors
/// Any [`SignatureError`]; the request is to be refused and nothing of it kept.
pub fn verify(
    secrets: &[SecretString],
    headers: &EmailHeaders<'_>,
    payload: Payload,
    now: Timestamp,
) -> Result<Verified<Payload>, SignatureError> {
    let claimed: [u8; 32] = hex_behind(b"sha256=", only(headers.signature)?)?;
    let signed_at = only(headers.timestamp)?;
    let seconds = unix_seconds(signed_at)?;
    let key = check::<Hmac<Sha256>>(secrets, &[b"v1:", signed_at, b":", &payload.body], &claimed)?;
    signed_now(seconds, now, WINDOW_SECONDS)?;
    Ok(Verified::signed(payload, key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{domain::Channel, logic::verify::Drift};

    const SECRET: &str = "email-demo-secret";
    const SIGNED_AT: &str = "1767225600";
    const BODY: &[u8] = br#"{"from":"dana@example.test","text":"printer on fire"}"#;
    /// Made with `openssl dgst -sha256 -hmac email-demo-secret` over `v1:1767225600:` and the body.
    const SIGNATURE: &str = "sha256=c7ef0617d1339b3a8ccbbfef34a5a886354d56e2b6f8b913fdc83f1314170a00";

    fn judge(
        secrets: &[&str],
        signature: &[&str],
        timestamp: &[&str],
        body: &[u8],
        now: i64,
    ) -> Result<(), SignatureError> {
        let secrets: Vec<SecretString> = secrets.iter().map(|secret| SecretString::from(*secret)).collect();
        let signature: Vec<&[u8]> = signature.iter().map(|value| value.as_bytes()).collect();
        let timestamp: Vec<&[u8]> = timestamp.iter().map(|value| value.as_bytes()).collect();
        let headers = EmailHeaders {
            signature: &signature,
            timestamp: &timestamp,
        };
        let payload = Payload {
            channel: Channel::Email,
            content_type: None,
            body: body.to_vec().into(),
        };
        let now = Timestamp::from_unix_seconds(now).unwrap();
        verify(&secrets, &headers, payload, now).map(|_| ())
    }

    #[test]
    fn the_golden_vector_passes_within_the_window_and_under_either_secret() {
        for now in [1_767_225_300, 1_767_225_600, 1_767_225_900] {
            assert_eq!(judge(&[SECRET], &[SIGNATURE], &[SIGNED_AT], BODY, now), Ok(()));
        }
        let both = ["the-next-secret", SECRET];
        assert_eq!(judge(&both, &[SIGNATURE], &[SIGNED_AT], BODY, 1_767_225_600), Ok(()));
    }

    #[test]
    fn another_body_time_or_secret_is_wrong_and_another_hour_is_stale() {
        let now = 1_767_225_600;
        let judge_with = |signature: &[&str], timestamp: &[&str]| judge(&[SECRET], signature, timestamp, BODY, now);
        assert_eq!(
            judge(&[SECRET], &[SIGNATURE], &[SIGNED_AT], b"{}", now),
            Err(SignatureError::Wrong)
        );
        assert_eq!(judge_with(&[SIGNATURE], &["1767225601"]), Err(SignatureError::Wrong));
        assert_eq!(
            judge(&["other"], &[SIGNATURE], &[SIGNED_AT], BODY, now),
            Err(SignatureError::Wrong)
        );
        for (now, drift) in [(now - 301, Drift::Future), (now + 301, Drift::Past)] {
            assert_eq!(
                judge(&[SECRET], &[SIGNATURE], &[SIGNED_AT], BODY, now),
                Err(SignatureError::Stale(drift))
            );
            assert_eq!(
                judge(&["other"], &[SIGNATURE], &[SIGNED_AT], BODY, now),
                Err(SignatureError::Wrong),
                "nobody else can make the hub doubt its clock"
            );
        }
    }

    #[test]
    fn anything_else_is_refused() {
        let now = 1_767_225_600;
        let judge_with = |signature: &[&str], timestamp: &[&str]| judge(&[SECRET], signature, timestamp, BODY, now);
        assert_eq!(
            judge(&[""], &[SIGNATURE], &[SIGNED_AT], BODY, now),
            Err(SignatureError::NoSecret)
        );
        assert_eq!(judge_with(&[], &[SIGNED_AT]), Err(SignatureError::Missing));
        assert_eq!(judge_with(&[SIGNATURE], &[]), Err(SignatureError::Missing));
        assert_eq!(
            judge_with(&[SIGNATURE, SIGNATURE], &[SIGNED_AT]),
            Err(SignatureError::Repeated)
        );
        assert_eq!(
            judge_with(&[SIGNATURE], &[SIGNED_AT, SIGNED_AT]),
            Err(SignatureError::Repeated)
        );
        assert_eq!(
            judge_with(&[&SIGNATURE[7..]], &[SIGNED_AT]),
            Err(SignatureError::Malformed)
        );
        for time in ["+1767225600", "-1", "1767225600.0", "now", "99999999999999999999"] {
            assert_eq!(
                judge_with(&[SIGNATURE], &[time]),
                Err(SignatureError::Malformed),
                "{time}"
            );
        }
    }
}
