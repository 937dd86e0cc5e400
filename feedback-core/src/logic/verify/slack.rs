//! Slack's signature: HMAC-SHA256 over version, time and body, with a time that must be near now.

use hmac::Hmac;
use secrecy::SecretString;
use sha2::Sha256;

use super::{HeaderValues, Payload, SignatureError, Verified, check, hex_behind, only, signed_now, unix_seconds};
use crate::domain::Timestamp;

/// How far the signed time may be from now, in either direction: the provider's own rule.
pub const WINDOW_SECONDS: u64 = 300;

/// The headers that Slack signs with.
#[derive(Debug, Clone, Copy)]
pub struct SlackHeaders<'a> {
    /// `X-Slack-Signature`.
    pub signature: HeaderValues<'a>,
    /// `X-Slack-Request-Timestamp`.
    pub timestamp: HeaderValues<'a>,
}

/// Proves that Slack sent a request: event, command and interaction alike.
///
/// # Errors
/// Any [`SignatureError`]; the request is to be refused and nothing of it kept.
pub fn verify(
    secrets: &[SecretString],
    headers: &SlackHeaders<'_>,
    payload: Payload,
    now: Timestamp,
) -> Result<Verified<Payload>, SignatureError> {
    let claimed: [u8; 32] = hex_behind(b"v0=", only(headers.signature)?)?;
    let signed_at = only(headers.timestamp)?;
    let seconds = unix_seconds(signed_at)?;
    let key = check::<Hmac<Sha256>>(secrets, &[b"v0:", signed_at, b":", &payload.body], &claimed)?;
    signed_now(seconds, now, WINDOW_SECONDS)?;
    Ok(Verified::signed(payload, key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{domain::Channel, logic::verify::Drift};

    const SECRET: &str = "slack-demo-secret";
    const SIGNED_AT: i64 = 1_767_225_600;
    const BODY: &[u8] = br#"{"type":"event_callback","team_id":"T0DEMO","event_id":"Ev0DEMO1","event":{"type":"message","channel":"C0DEMO","user":"U0DEMO","text":"printer on fire","ts":"1767225600.000100"}}"#;
    const SIGNATURE: &str = "v0=e67d750c4e3eda7d0edd3d3e03ae34491c902eef68da282dbce16ed90d7976b8";

    fn payload(body: &[u8]) -> Payload {
        Payload {
            channel: Channel::Slack,
            content_type: None,
            body: body.to_vec().into(),
        }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix_seconds(seconds).unwrap()
    }

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
        let headers = SlackHeaders {
            signature: &signature,
            timestamp: &timestamp,
        };
        verify(&secrets, &headers, payload(body), at(now)).map(|_| ())
    }

    #[test]
    fn the_vector_of_the_provider_documentation_passes() {
        let body = b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
        let signature = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";
        let secret = "8f742231b10e8888abcd99yyyzzz85a5";
        assert_eq!(
            judge(&[secret], &[signature], &["1531420618"], body, 1_531_420_618),
            Ok(())
        );
    }

    #[test]
    fn a_json_vector_passes_and_one_flipped_byte_does_not() {
        assert_eq!(judge(&[SECRET], &[SIGNATURE], &["1767225600"], BODY, SIGNED_AT), Ok(()));
        let mut flipped = BODY.to_vec();
        flipped[20] ^= 1;
        let verdict = judge(&[SECRET], &[SIGNATURE], &["1767225600"], &flipped, SIGNED_AT);
        assert_eq!(verdict, Err(SignatureError::Wrong));
    }

    #[test]
    fn the_time_may_be_300_seconds_off_in_either_direction_and_not_one_more() {
        for (offset, verdict) in [
            (299, Ok(())),
            (300, Ok(())),
            (301, Err(SignatureError::Stale(Drift::Past))),
            (-300, Ok(())),
            (-301, Err(SignatureError::Stale(Drift::Future))),
        ] {
            assert_eq!(
                judge(&[SECRET], &[SIGNATURE], &["1767225600"], BODY, SIGNED_AT + offset),
                verdict,
                "{offset}"
            );
        }
    }

    #[test]
    fn a_time_that_was_not_signed_does_not_pass() {
        let verdict = judge(&[SECRET], &[SIGNATURE], &["1767225601"], BODY, SIGNED_AT);
        assert_eq!(verdict, Err(SignatureError::Wrong));
    }

    #[test]
    fn every_malformed_header_is_refused_by_its_name() {
        use SignatureError::{Malformed, Missing, Repeated};
        let upper = SIGNATURE.replacen("e67d", "E67D", 1);
        assert_eq!(judge(&[SECRET], &[&upper], &["1767225600"], BODY, SIGNED_AT), Ok(()));
        let joined = format!("{SIGNATURE}, {SIGNATURE}");
        let wrong_version = SIGNATURE.replacen("v0", "v1", 1);
        let cases: &[(&[&str], &[&str], SignatureError)] = &[
            (&[], &["1767225600"], Missing),
            (&[""], &["1767225600"], Missing),
            (&[SIGNATURE], &[], Missing),
            (&[SIGNATURE], &[""], Missing),
            (&[SIGNATURE, SIGNATURE], &["1767225600"], Repeated),
            (&[SIGNATURE], &["1767225600", "1767225600"], Repeated),
            (&[&joined], &["1767225600"], Malformed),
            (&[&wrong_version], &["1767225600"], Malformed),
            (&["v0="], &["1767225600"], Malformed),
            (&["v0=zz"], &["1767225600"], Malformed),
            (&[&SIGNATURE[..66]], &["1767225600"], Malformed),
            (&[&SIGNATURE[3..]], &["1767225600"], Malformed),
            (&[SIGNATURE], &["now"], Malformed),
            (&[SIGNATURE], &["-1767225600"], Malformed),
            (&[SIGNATURE], &["99999999999999999999"], Malformed),
        ];
        for (signature, timestamp, error) in cases {
            let verdict = judge(&[SECRET], signature, timestamp, BODY, SIGNED_AT);
            assert_eq!(verdict, Err(*error), "{signature:?} {timestamp:?}");
        }
    }

    #[test]
    fn no_secret_refuses_everything_and_two_secrets_allow_rotation() {
        let judge_with = |secrets: &[&str]| judge(secrets, &[SIGNATURE], &["1767225600"], BODY, SIGNED_AT);
        assert_eq!(judge_with(&[]), Err(SignatureError::NoSecret));
        assert_eq!(judge_with(&["", ""]), Err(SignatureError::NoSecret));
        assert_eq!(judge_with(&["new", SECRET]), Ok(()));
        assert_eq!(judge_with(&["new"]), Err(SignatureError::Wrong));
    }
}
