//! What Meta posts to an app, escaped as Meta escapes it.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use url::form_urlencoded;

use super::{JSON, SignedRequest, Webhook, WebhookSecrets};
use crate::Provider;

/// The business number that a delivery is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BusinessNumber {
    /// The business account.
    pub business_account_id: String,
    /// The number's id.
    pub phone_number_id: String,
    /// The number that people see.
    pub display_phone_number: String,
}

/// A person's text message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WhatsAppReport {
    /// The message's identity.
    pub wamid: String,
    /// Digits with country code.
    pub from: String,
    /// The name in the person's profile.
    pub profile_name: String,
    /// The business-scoped user id, which comes along with the number since 2026.
    pub user_id: Option<String>,
    /// The text.
    pub text: String,
    /// When it was written: the 24 hours start here.
    pub at: DateTime<Utc>,
    /// The message that it quotes.
    pub quoted: Option<String>,
}

/// What became of a message that the hub sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WhatsAppStatus {
    /// The message.
    pub wamid: String,
    /// `sent`, `delivered`, `read` or `failed`.
    pub status: String,
    /// Who it was for.
    pub recipient: String,
    /// When.
    pub at: DateTime<Utc>,
    /// The tag that the hub sent along.
    pub callback_data: Option<String>,
    /// Code, title and details, for `failed`.
    pub error: Option<(i64, String, String)>,
}

impl WhatsAppReport {
    fn contact(&self) -> Value {
        let mut contact = json!({"profile": {"name": self.profile_name}, "wa_id": self.from});
        if let Some(user_id) = &self.user_id {
            contact["user_id"] = json!(user_id);
        }
        contact
    }

    fn message(&self) -> Value {
        let mut message = json!({
            "from": self.from,
            "id": self.wamid,
            "timestamp": self.at.timestamp().to_string(),
            "type": "text",
            "text": {"body": self.text},
        });
        if let Some(user_id) = &self.user_id {
            message["from_user_id"] = json!(user_id);
        }
        if let Some(quoted) = &self.quoted {
            message["context"] = json!({"id": quoted});
        }
        message
    }
}

impl WhatsAppStatus {
    fn value(&self) -> Value {
        let mut status = json!({
            "id": self.wamid,
            "status": self.status,
            "timestamp": self.at.timestamp().to_string(),
            "recipient_id": self.recipient,
        });
        if let Some(data) = &self.callback_data {
            status["biz_opaque_callback_data"] = json!(data);
        }
        if let Some((code, title, details)) = &self.error {
            status["errors"] = json!([{
                "code": code, "title": title, "message": title, "error_data": {"details": details},
            }]);
        }
        status
    }
}

fn delivery(number: &BusinessNumber, content: Value) -> Webhook {
    let mut value = json!({
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": number.display_phone_number, "phone_number_id": number.phone_number_id},
    });
    if let (Value::Object(value), Value::Object(content)) = (&mut value, content) {
        value.extend(content);
    }
    webhook(&json!({
        "object": "whatsapp_business_account",
        "entry": [{"id": number.business_account_id, "changes": [{"field": "messages", "value": value}]}],
    }))
}

pub(crate) fn messages(number: &BusinessNumber, reports: &[WhatsAppReport]) -> Webhook {
    let mut contacts: Vec<Value> = Vec::new();
    for contact in reports.iter().map(WhatsAppReport::contact) {
        if !contacts.contains(&contact) {
            contacts.push(contact);
        }
    }
    let messages: Vec<Value> = reports.iter().map(WhatsAppReport::message).collect();
    delivery(number, json!({"contacts": contacts, "messages": messages}))
}

/// One message that is a picture.
pub(crate) fn picture(number: &BusinessNumber, report: &WhatsAppReport, media: &Value) -> Webhook {
    let mut message = report.message();
    if let Value::Object(message) = &mut message {
        message.remove("text");
        message.insert("type".to_owned(), json!("image"));
        message.insert("image".to_owned(), media.clone());
    }
    delivery(number, json!({"contacts": [report.contact()], "messages": [message]}))
}

pub(crate) fn statuses(number: &BusinessNumber, statuses: &[WhatsAppStatus]) -> Webhook {
    let statuses: Vec<Value> = statuses.iter().map(WhatsAppStatus::value).collect();
    delivery(number, json!({"statuses": statuses}))
}

fn webhook(body: &Value) -> Webhook {
    Webhook {
        provider: Provider::WhatsApp,
        content_type: JSON,
        body: ascii_json(body).into(),
    }
}

/// JSON in ASCII: `\u` with lower-case hexadecimal digits, surrogate pairs beyond the first plane, and `\/`.
fn ascii_json(value: &Value) -> String {
    let plain = value.to_string();
    let mut ascii = String::with_capacity(plain.len() + plain.len() / 8);
    let mut units = [0_u16; 2];
    for character in plain.chars() {
        match character {
            // Outside strings JSON has no slash, so each one stands in a string.
            '/' => ascii.push_str("\\/"),
            character if character.is_ascii() => ascii.push(character),
            character => {
                for unit in character.encode_utf16(&mut units) {
                    ascii.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    ascii
}

/// Messages of one or more people to one number, in one delivery.
pub fn whatsapp_messages(
    number: &BusinessNumber,
    reports: &[WhatsAppReport],
    secrets: &WebhookSecrets,
    now: DateTime<Utc>,
) -> SignedRequest {
    messages(number, reports).sign(secrets, now)
}

/// Statuses of messages that the hub sent, in one delivery.
pub fn whatsapp_statuses(
    number: &BusinessNumber,
    reports: &[WhatsAppStatus],
    secrets: &WebhookSecrets,
    now: DateTime<Utc>,
) -> SignedRequest {
    statuses(number, reports).sign(secrets, now)
}

/// Any other body that Meta might post, escaped as Meta does it.
pub fn whatsapp_delivery(body: &Value, secrets: &WebhookSecrets, now: DateTime<Utc>) -> SignedRequest {
    webhook(body).sign(secrets, now)
}

/// Path and query of the subscription handshake, a GET. The hub answers with the bare challenge.
pub fn whatsapp_handshake(verify_token: &str, challenge: &str) -> String {
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("hub.mode", "subscribe")
        .append_pair("hub.challenge", challenge)
        .append_pair("hub.verify_token", verify_token)
        .finish();
    format!("/webhooks/whatsapp?{query}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number() -> BusinessNumber {
        BusinessNumber {
            business_account_id: "WABA-1".into(),
            phone_number_id: "PN-1".into(),
            display_phone_number: "15550100000".into(),
        }
    }

    fn report(wamid: &str, text: &str) -> WhatsAppReport {
        WhatsAppReport {
            wamid: wamid.into(),
            from: "5491155501001".into(),
            profile_name: "Lucía".into(),
            user_id: Some("AR.1000000000000000001".into()),
            text: text.into(),
            at: DateTime::from_timestamp(1_767_225_800, 0).unwrap(),
            quoted: None,
        }
    }

    #[test]
    fn bodies_are_ascii_with_lower_case_escapes() {
        let request = whatsapp_messages(
            &number(),
            &[report("wamid.1", "¿mañana? 🎉 https://a.example/b")],
            &WebhookSecrets::default(),
            DateTime::UNIX_EPOCH,
        );
        assert!(request.body.is_ascii());
        let text = std::str::from_utf8(&request.body).unwrap();
        assert!(
            text.contains(r#""body":"\u00bfma\u00f1ana? \ud83c\udf89 https:\/\/a.example\/b""#),
            "{text}"
        );
        let parsed: Value = serde_json::from_slice(&request.body).unwrap();
        let message = &parsed["entry"][0]["changes"][0]["value"]["messages"][0];
        assert_eq!(message["text"]["body"], "¿mañana? 🎉 https://a.example/b");
        assert_eq!(message["timestamp"], "1767225800");
    }

    #[test]
    fn a_batch_names_each_person_once() {
        let reports = [report("wamid.1", "uno"), report("wamid.2", "dos")];
        let request = whatsapp_messages(&number(), &reports, &WebhookSecrets::default(), DateTime::UNIX_EPOCH);
        let parsed: Value = serde_json::from_slice(&request.body).unwrap();
        let value = &parsed["entry"][0]["changes"][0]["value"];
        assert_eq!(value["messages"].as_array().unwrap().len(), 2);
        assert_eq!(value["contacts"].as_array().unwrap().len(), 1);
    }

    #[test]
    fn a_failed_status_says_why_and_echoes_our_tag() {
        let status = WhatsAppStatus {
            wamid: "wamid.OURS".into(),
            status: "failed".into(),
            recipient: "5491155501001".into(),
            at: DateTime::UNIX_EPOCH,
            callback_data: Some("outbox:o-77".into()),
            error: Some((131_047, "Re-engagement message".into(), "window closed".into())),
        };
        let request = whatsapp_statuses(&number(), &[status], &WebhookSecrets::default(), DateTime::UNIX_EPOCH);
        let parsed: Value = serde_json::from_slice(&request.body).unwrap();
        let status = &parsed["entry"][0]["changes"][0]["value"]["statuses"][0];
        assert_eq!(status["errors"][0]["code"], 131_047);
        assert_eq!(status["biz_opaque_callback_data"], "outbox:o-77");
    }

    #[test]
    fn the_handshake_is_a_query() {
        assert_eq!(
            whatsapp_handshake("t k", "1158201444"),
            "/webhooks/whatsapp?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=t+k"
        );
    }
}
