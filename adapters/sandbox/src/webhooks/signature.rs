//! One signature scheme for each provider, as the value of its header.

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::Sha256;

/// `X-Slack-Signature`: HMAC-SHA256 over version, timestamp and body.
///
/// ```
/// let body = br#"{"type":"event_callback","team_id":"T0DEMO","event_id":"Ev0DEMO1","event":{"type":"message","channel":"C0DEMO","user":"U0DEMO","text":"printer on fire","ts":"1767225600.000100"}}"#;
/// assert_eq!(
///     feedback_sandbox::webhooks::signature::slack("slack-demo-secret", 1_767_225_600, body),
///     "v0=e67d750c4e3eda7d0edd3d3e03ae34491c902eef68da282dbce16ed90d7976b8"
/// );
/// ```
pub fn slack(signing_secret: &str, timestamp: i64, body: &[u8]) -> String {
    format!(
        "v0={}",
        sha256(signing_secret, &[format!("v0:{timestamp}:").as_bytes(), body])
    )
}

/// `X-Hub-Signature`: HMAC-SHA1 over the body. There is no SHA-256 variant.
pub fn intercom(client_secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(client_secret.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(body);
    format!("sha1={}", hex::encode(mac.finalize().into_bytes()))
}

/// `X-Hub-Signature-256`: HMAC-SHA256 over the body as sent, escapes and all.
pub fn whatsapp(app_secret: &str, body: &[u8]) -> String {
    format!("sha256={}", sha256(app_secret, &[body]))
}

/// `X-Notion-Signature`: HMAC-SHA256 over the body.
pub fn notion(verification_token: &str, body: &[u8]) -> String {
    format!("sha256={}", sha256(verification_token, &[body]))
}

/// `X-Feedback-Signature`: HMAC-SHA256 over version, timestamp and body.
pub fn email(secret: &str, timestamp: i64, body: &[u8]) -> String {
    format!(
        "sha256={}",
        sha256(secret, &[format!("v1:{timestamp}:").as_bytes(), body])
    )
}

fn sha256(key: &str, parts: &[&[u8]]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("HMAC takes a key of any length");
    for part in parts {
        mac.update(part);
    }
    hex::encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slack_signs_as_its_documentation_says() {
        let body = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
        assert_eq!(
            slack("8f742231b10e8888abcd99yyyzzz85a5", 1_531_420_618, body.as_bytes()),
            "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
        );
    }

    #[test]
    fn intercom_signs_with_sha1() {
        let body = br#"{"type":"notification_event","app_id":"wkspdemo","topic":"ping","id":null,"data":{"type":"notification_event_data","item":{"type":"ping","message":"hello"}}}"#;
        assert_eq!(
            intercom("intercom-demo-secret", body),
            "sha1=f33c330334b99fd5a3e4954f95b24fd6dcb10480"
        );
    }

    #[test]
    fn whatsapp_signs_the_escaped_bytes() {
        let body = br#"{"object":"whatsapp_business_account","entry":[],"note":"caf\u00e9"}"#;
        assert_eq!(
            whatsapp("meta-demo-secret", body),
            "sha256=4cbafd18b792393eb39a5bc91b2e09057a59cc621f212234e0bd51853573b3c7"
        );
    }

    #[test]
    fn notion_signs_as_its_documentation_says() {
        let token = "secret_tMrlL1qK5vuQAh1b6cZGhFChZTSYJlce98V0pYn7yBl";
        let body = format!(r#"{{"verification_token":"{token}"}}"#);
        assert_eq!(
            notion(token, body.as_bytes()),
            "sha256=461e8cbcba8a75c3edd866f0e71280f5a85cbf21eff040ebd10fe266df38a735"
        );
    }
}
