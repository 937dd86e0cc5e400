//! Notion's signature: `X-Notion-Signature` over the body with the verification token of the subscription.

use bytes::Bytes;
use hmac::Hmac;
use secrecy::SecretString;
use sha2::Sha256;

use super::{HeaderValues, SignatureError, Verified, check, hex_behind, only};

/// Proves that Notion sent a signal; `signature` are the values of `X-Notion-Signature`. The result is a bare body and
/// no [`Payload`](super::Payload): Notion is a tracker, nobody reports through it.
///
/// # Errors
/// Any [`SignatureError`] but `Stale`; the request is to be refused and nothing of it kept.
pub fn verify(
    secrets: &[SecretString],
    signature: HeaderValues<'_>,
    body: Bytes,
) -> Result<Verified<Bytes>, SignatureError> {
    let claimed: [u8; 32] = hex_behind(b"sha256=", only(signature)?)?;
    let key = check::<Hmac<Sha256>>(secrets, &[&body], &claimed)?;
    Ok(Verified::signed(body, key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vector_of_the_provider_documentation_passes_and_others_do_not() {
        let token = "secret_tMrlL1qK5vuQAh1b6cZGhFChZTSYJlce98V0pYn7yBl";
        let body = format!(r#"{{"verification_token":"{token}"}}"#);
        let signature = "sha256=461e8cbcba8a75c3edd866f0e71280f5a85cbf21eff040ebd10fe266df38a735";
        let judge = |token: &str, signature: &str| {
            verify(&[token.into()], &[signature.as_bytes()], Bytes::from(body.clone())).map(|_| ())
        };
        assert_eq!(judge(token, signature), Ok(()));
        assert_eq!(judge(token, &signature.replace("8e8c", "8E8C")), Ok(()));
        assert_eq!(judge("secret_other", signature), Err(SignatureError::Wrong));
        assert_eq!(judge("", signature), Err(SignatureError::NoSecret));
        assert_eq!(judge(token, &signature[7..]), Err(SignatureError::Malformed));
    }
}
