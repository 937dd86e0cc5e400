//! Meta's signature over WhatsApp webhooks, and the handshake by which it learns that the endpoint is ours.

use hmac::Hmac;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use super::{HeaderValues, Payload, SignatureError, Verified, check, hex_behind, only};

/// Proves that Meta sent a delivery; `signature` are the values of `X-Hub-Signature-256`, and the secrets are the app's,
/// not the verify token. The older `X-Hub-Signature` may come along and means nothing.
///
/// # Errors
/// Any [`SignatureError`] but `Stale`; the request is to be refused and nothing of it kept.
pub fn verify(
    secrets: &[SecretString],
    signature: HeaderValues<'_>,
    payload: Payload,
) -> Result<Verified<Payload>, SignatureError> {
    let claimed: [u8; 32] = hex_behind(b"sha256=", only(signature)?)?;
    let key = check::<Hmac<Sha256>>(secrets, &[&payload.body], &claimed)?;
    Ok(Verified::signed(payload, key))
}

/// Longest challenge that the hub echoes. Meta's have about ten digits.
pub const MAX_CHALLENGE_BYTES: usize = 256;

/// Why a handshake is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HandshakeError {
    /// Not `hub.mode=subscribe` with a challenge, or a key came twice: answer 400.
    #[error("could not answer handshake: not a subscription with one challenge")]
    NotAHandshake,
    /// The token is another, or none is configured: answer 403.
    #[error("could not answer handshake: the verify token is not ours")]
    WrongToken,
    /// The challenge is too long or not printable ASCII: answer 400.
    #[error("could not answer handshake: the challenge is not at most {MAX_CHALLENGE_BYTES} printable characters")]
    UnprintableChallenge,
}

/// The challenge to answer with, verbatim and as plain text, from the decoded query of Meta's `GET`.
///
/// # Errors
/// [`HandshakeError`], with the status to answer.
pub fn handshake<'q>(
    query: impl IntoIterator<Item = (&'q str, &'q str)>,
    verify_token: &SecretString,
) -> Result<String, HandshakeError> {
    let [mut mode, mut token, mut challenge] = [None; 3];
    for (key, value) in query {
        let slot = match key {
            "hub.mode" => &mut mode,
            "hub.verify_token" => &mut token,
            "hub.challenge" => &mut challenge,
            _ => continue,
        };
        if slot.replace(value).is_some() {
            return Err(HandshakeError::NotAHandshake);
        }
    }
    let (Some("subscribe"), Some(token), Some(challenge)) = (mode, token, challenge) else {
        return Err(HandshakeError::NotAHandshake);
    };
    let expected = verify_token.expose_secret().as_bytes();
    if expected.is_empty() || !bool::from(expected.ct_eq(token.as_bytes())) {
        return Err(HandshakeError::WrongToken);
    }
    if !is_echoable(challenge) {
        return Err(HandshakeError::UnprintableChallenge);
    }
    Ok(challenge.to_owned())
}

/// True for what may be echoed to whoever asks: printable, and short.
pub(crate) fn is_echoable(challenge: &str) -> bool {
    !challenge.is_empty()
        && challenge.len() <= MAX_CHALLENGE_BYTES
        && challenge.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Channel;

    const BODY: &[u8] = br#"{"object":"whatsapp_business_account","entry":[],"note":"caf\u00e9"}"#;
    const SIGNATURE: &str = "sha256=4cbafd18b792393eb39a5bc91b2e09057a59cc621f212234e0bd51853573b3c7";

    fn judge(secret: &str, signature: &[&str], body: &[u8]) -> Result<(), SignatureError> {
        let payload = Payload {
            channel: Channel::WhatsApp,
            content_type: None,
            body: body.to_vec().into(),
        };
        let signature: Vec<&[u8]> = signature.iter().map(|value| value.as_bytes()).collect();
        verify(&[secret.into()], &signature, payload).map(|_| ())
    }

    #[test]
    fn the_golden_vector_passes_and_the_same_json_in_other_bytes_does_not() {
        assert_eq!(judge("meta-demo-secret", &[SIGNATURE], BODY), Ok(()));
        let reserialized = String::from_utf8(BODY.to_vec()).unwrap().replace("\\u00e9", "é");
        let verdict = judge("meta-demo-secret", &[SIGNATURE], reserialized.as_bytes());
        assert_eq!(verdict, Err(SignatureError::Wrong));
    }

    #[test]
    fn anything_else_is_refused() {
        assert_eq!(judge("verify-token", &[SIGNATURE], BODY), Err(SignatureError::Wrong));
        assert_eq!(judge("", &[SIGNATURE], BODY), Err(SignatureError::NoSecret));
        assert_eq!(judge("meta-demo-secret", &[], BODY), Err(SignatureError::Missing));
        assert_eq!(
            judge("meta-demo-secret", &[SIGNATURE, SIGNATURE], BODY),
            Err(SignatureError::Repeated)
        );
        let sha1 = "sha1=f33c330334b99fd5a3e4954f95b24fd6dcb10480";
        assert_eq!(judge("meta-demo-secret", &[sha1], BODY), Err(SignatureError::Malformed));
    }

    #[test]
    fn the_handshake_echoes_the_challenge_to_who_knows_the_token_and_to_nobody_else() {
        let long = "7".repeat(257);
        let ask = |mode, token, challenge| {
            let query = [
                ("hub.mode", mode),
                ("hub.verify_token", token),
                ("hub.challenge", challenge),
            ];
            handshake(query, &"vt-demo".into())
        };
        assert_eq!(ask("subscribe", "vt-demo", "0042"), Ok("0042".to_owned()));
        assert_eq!(ask("subscribe", "vt-dem0", "0042"), Err(HandshakeError::WrongToken));
        assert_eq!(ask("subscribe", "", "0042"), Err(HandshakeError::WrongToken));
        assert_eq!(
            ask("unsubscribe", "vt-demo", "0042"),
            Err(HandshakeError::NotAHandshake)
        );
        assert_eq!(
            ask("subscribe", "vt-demo", "a\nb"),
            Err(HandshakeError::UnprintableChallenge)
        );
        assert_eq!(
            ask("subscribe", "vt-demo", ""),
            Err(HandshakeError::UnprintableChallenge)
        );
        assert_eq!(
            ask("subscribe", "vt-demo", &long),
            Err(HandshakeError::UnprintableChallenge)
        );
        let empty = handshake(
            [
                ("hub.mode", "subscribe"),
                ("hub.verify_token", ""),
                ("hub.challenge", "1"),
            ],
            &"".into(),
        );
        assert_eq!(empty, Err(HandshakeError::WrongToken));
        let twice = [
            ("hub.mode", "subscribe"),
            ("hub.mode", "subscribe"),
            ("hub.challenge", "1"),
        ];
        assert_eq!(handshake(twice, &"vt-demo".into()), Err(HandshakeError::NotAHandshake));
    }
}
