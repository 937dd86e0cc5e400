//! Intercom's signature: `X-Hub-Signature` over the body with the app's client secret. It signs no time; repeats are
//! found by the ids of their messages.

use hmac::Hmac;
use secrecy::SecretString;
use sha1::Sha1;
use sha2::Sha256;

use super::{HeaderValues, Payload, SignatureError, Verified, check, hex_behind, only};

/// Proves that Intercom sent a notification; `signature` are the values of `X-Hub-Signature`.
///
/// What arrives in practice is `sha1=`, though older texts speak of SHA-256; a header that says `sha256=` is checked as
/// such, so a change on their side needs none on ours.
///
/// # Errors
/// Any [`SignatureError`] but `Stale`; the request is to be refused and nothing of it kept.
pub fn verify(
    secrets: &[SecretString],
    signature: HeaderValues<'_>,
    payload: Payload,
) -> Result<Verified<Payload>, SignatureError> {
    let value = only(signature)?;
    let key = if value.starts_with(b"sha256=") {
        let claimed: [u8; 32] = hex_behind(b"sha256=", value)?;
        check::<Hmac<Sha256>>(secrets, &[&payload.body], &claimed)?
    } else {
        let claimed: [u8; 20] = hex_behind(b"sha1=", value)?;
        check::<Hmac<Sha1>>(secrets, &[&payload.body], &claimed)?
    };
    Ok(Verified::signed(payload, key))
}

#[cfg(test)]
mod tests {
    use hmac::{KeyInit, Mac};

    use super::*;
    use crate::domain::Channel;

    const SECRET: &str = "intercom-demo-secret";
    const BODY: &[u8] = br#"{"type":"notification_event","app_id":"wkspdemo","topic":"ping","id":null,"data":{"type":"notification_event_data","item":{"type":"ping","message":"hello"}}}"#;
    const SIGNATURE: &str = "sha1=f33c330334b99fd5a3e4954f95b24fd6dcb10480";

    fn judge(secret: &str, signature: &[&str]) -> Result<(), SignatureError> {
        let payload = Payload {
            channel: Channel::Intercom,
            content_type: None,
            body: BODY.into(),
        };
        let signature: Vec<&[u8]> = signature.iter().map(|value| value.as_bytes()).collect();
        verify(&[secret.into()], &signature, payload).map(|_| ())
    }

    #[test]
    fn the_golden_vector_passes_in_both_cases_of_hexadecimal() {
        assert_eq!(judge(SECRET, &[SIGNATURE]), Ok(()));
        assert_eq!(judge(SECRET, &[&SIGNATURE.replacen("f33c", "F33C", 1)]), Ok(()));
    }

    #[test]
    fn sha_256_passes_where_the_header_says_so_and_only_with_its_own_code() {
        let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
        mac.update(BODY);
        let code = hex::encode(mac.finalize().into_bytes());
        assert_eq!(judge(SECRET, &[&format!("sha256={code}")]), Ok(()));
        assert_eq!(
            judge(SECRET, &[&format!("sha1={code}")]),
            Err(SignatureError::Malformed)
        );
        let longer = format!("sha256={}{}", &SIGNATURE[5..], "0".repeat(24));
        assert_eq!(judge(SECRET, &[&longer]), Err(SignatureError::Wrong));
    }

    #[test]
    fn anything_else_is_refused() {
        assert_eq!(judge("another", &[SIGNATURE]), Err(SignatureError::Wrong));
        assert_eq!(judge("", &[SIGNATURE]), Err(SignatureError::NoSecret));
        assert_eq!(judge(SECRET, &[]), Err(SignatureError::Missing));
        assert_eq!(judge(SECRET, &[SIGNATURE, SIGNATURE]), Err(SignatureError::Repeated));
        assert_eq!(judge(SECRET, &[&SIGNATURE[5..]]), Err(SignatureError::Malformed));
        assert_eq!(judge(SECRET, &["md5=00"]), Err(SignatureError::Malformed));
        assert_eq!(judge(SECRET, &["sha1=é"]), Err(SignatureError::Malformed));
    }
}
