//! Signed deliveries as providers send them: every field that a real one has, since skipping them is part of the work.

use bytes::Bytes;
use feedback_core::{
    domain::{Channel, Timestamp},
    logic::verify::{Payload, SignatureError, Verified, intercom, slack, whatsapp},
};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::Sha256;

/// What all providers sign with here.
pub const SECRET: &str = "bench-signing-secret-of-32-bytes";
/// When Slack signs, and when it is.
pub const SIGNED_AT: i64 = 1_767_225_600;

/// A webhook as the HTTP layer has it.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// Channel of the endpoint.
    pub channel: Channel,
    /// The request's content type.
    pub content_type: &'static str,
    /// The signature header.
    pub signature: String,
    /// Slack's time header.
    pub timestamp: String,
    /// Raw bytes.
    pub body: Bytes,
}

impl Delivery {
    fn sign(channel: Channel, content_type: &'static str, body: String) -> Self {
        let timestamp = SIGNED_AT.to_string();
        let signature = match channel {
            Channel::Slack => code::<Hmac<Sha256>>("v0=", &["v0:", &timestamp, ":", &body]),
            Channel::Intercom => code::<Hmac<Sha1>>("sha1=", &[&body]),
            _ => code::<Hmac<Sha256>>("sha256=", &[&body]),
        };
        Self {
            channel,
            content_type,
            signature,
            timestamp,
            body: body.into(),
        }
    }

    /// Checks the signature as an endpoint of the hub does.
    ///
    /// # Errors
    /// Never for a delivery made here, unless somebody changed it.
    pub fn verified(&self) -> Result<Verified<Payload>, SignatureError> {
        let secrets = [SECRET.into()];
        let payload = Payload {
            channel: self.channel,
            content_type: Some(self.content_type.to_owned()),
            body: self.body.clone(),
        };
        let signature = [self.signature.as_bytes()];
        match self.channel {
            Channel::Slack => {
                let timestamp = [self.timestamp.as_bytes()];
                let headers = slack::SlackHeaders {
                    signature: &signature,
                    timestamp: &timestamp,
                };
                let now = Timestamp::from_unix_seconds(SIGNED_AT).unwrap_or(Timestamp::UNIX_EPOCH);
                slack::verify(&secrets, &headers, payload, now)
            }
            Channel::Intercom => intercom::verify(&secrets, &signature, payload),
            _ => whatsapp::verify(&secrets, &signature, payload),
        }
    }
}

fn code<M: Mac + KeyInit>(prefix: &str, signed: &[&str]) -> String {
    let mut mac = <M as KeyInit>::new_from_slice(SECRET.as_bytes()).expect("HMAC takes keys of any length");
    for part in signed {
        mac.update(part.as_bytes());
    }
    format!("{prefix}{}", hex::encode(mac.finalize().into_bytes()))
}

/// A message in a channel, with the blocks that Slack repeats every text in.
pub fn slack_event(user: u64, number: u64, text: &str) -> Delivery {
    let json_text = serde_json::Value::from(text);
    let (seconds, micros) = (SIGNED_AT + (number / 1_000_000).cast_signed(), number % 1_000_000);
    let body = format!(
        r#"{{"token":"XXYYZZ0123456789abcdefgh","team_id":"T0ACME1234","context_team_id":"T0ACME1234","context_enterprise_id":null,"api_app_id":"A0HELP1234","event":{{"type":"message","user":"U0DANA{user:04}","ts":"{seconds}.{micros:06}","client_msg_id":"5f0d0c1e-0000-4000-8000-{number:012}","text":{json_text},"team":"T0ACME1234","blocks":[{{"type":"rich_text","block_id":"kJ3x","elements":[{{"type":"rich_text_section","elements":[{{"type":"text","text":{json_text}}}]}}]}}],"channel":"C0SUPPORT1","event_ts":"{seconds}.{micros:06}","channel_type":"channel"}},"type":"event_callback","event_id":"Ev0A{number:08}","event_time":{seconds},"authorizations":[{{"enterprise_id":null,"team_id":"T0ACME1234","user_id":"U0BOT12345","is_bot":true,"is_enterprise_install":false}}],"is_ext_shared_channel":false,"event_context":"4-eyJldCI6Im1lc3NhZ2UiLCJ0aWQiOiJUMEFDTUUxMjM0IiwiYWlkIjoiQTBIRUxQMTIzNCIsImNpZCI6IkMwU1VQUE9SVDEifQ"}}"#
    );
    Delivery::sign(Channel::Slack, "application/json", body)
}

/// A slash command, which comes as a form.
pub fn slack_command() -> Delivery {
    let body = "token=XXYYZZ0123456789abcdefgh&team_id=T0ACME1234&team_domain=acme-support&channel_id=C0SUPPORT1&channel_name=support&user_id=U0DANA1234&user_name=dana.o&command=%2Ffeedback&text=La+exportaci%C3%B3n+de+facturas+se+queda+colgada+al+60%25+desde+ayer%2C+y+no+podemos+cerrar+el+mes&api_app_id=A0HELP1234&is_enterprise_install=false&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT0ACME1234%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    Delivery::sign(Channel::Slack, "application/x-www-form-urlencoded", body.to_owned())
}

/// What a person writes in Intercom's messenger: some paragraphs.
pub const PARAGRAPHS: &str = "<p>Hola, desde ayer la exportaci&oacute;n de facturas se queda colgada al 60&nbsp;%.</p>\\n<p>Lo probamos en Chrome &amp; Firefox:<br>\\n1. Facturas &gt; Exportar<br>\\n2. Elegir &quot;todo el mes&quot;<br>\\n3. Esperar</p>\\n<p>&iquest;Pueden mirarlo hoy? Tenemos que cerrar el mes.</p>";

/// What a person pastes there: a list, a link, emphasis.
pub const MARKUP: &str = "<p>Hola, la exportaci&oacute;n <b>se cuelga</b>. Pasos:</p><ul><li>Facturas &gt; Exportar</li><li>Elegir el mes</li></ul><p>Se ve en <a href=\\\"https://app.example.test/export/17\\\" target=\\\"_blank\\\">esta p&aacute;gina</a>.</p>";

/// A conversation that a customer opened; `html` is escaped for JSON.
pub fn intercom_notification(html: &str) -> Delivery {
    let body = format!(
        r#"{{"type":"notification_event","app_id":"wksp0001","data":{{"type":"notification_event_data","item":{{"type":"conversation","id":"900100200300","created_at":1767225600,"updated_at":1767225608,"waiting_since":1767225608,"snoozed_until":null,"source":{{"type":"conversation","id":"80001200300","delivered_as":"customer_initiated","subject":"","body":"{html}","author":{{"type":"user","id":"66aa0f6e2b5d4c0011223344","name":"Dana Ortega","email":"dana.ortega@example.test"}},"attachments":[],"url":"https://app.example.test/invoices","redacted":false}},"contacts":{{"type":"contact.list","contacts":[{{"type":"contact","id":"66aa0f6e2b5d4c0011223344","external_id":"cust-90210"}}]}},"first_contact_reply":{{"created_at":1767225600,"type":"conversation","url":"https://app.example.test/invoices"}},"admin_assignee_id":null,"team_assignee_id":null,"open":true,"state":"open","read":false,"tags":{{"type":"tag.list","tags":[]}},"priority":"not_priority","sla_applied":null,"statistics":{{"type":"conversation_statistics","time_to_assignment":null,"time_to_admin_reply":null,"time_to_first_close":null,"time_to_last_close":null,"median_time_to_reply":null,"first_contact_reply_at":1767225600,"first_assignment_at":null,"first_admin_reply_at":null,"first_close_at":null,"last_assignment_at":null,"last_assignment_admin_reply_at":null,"last_contact_reply_at":1767225600,"last_admin_reply_at":null,"last_close_at":null,"last_closed_by_id":null,"count_reopens":0,"count_assignments":0,"count_conversation_parts":1}},"conversation_rating":null,"teammates":{{"type":"admin.list","admins":[]}},"title":null,"custom_attributes":{{"Language":"Spanish","Plan":"Pro"}},"topics":{{}},"ticket":null,"linked_objects":{{"type":"list","data":[],"total_count":0,"has_more":false}},"ai_agent":null,"ai_agent_participated":false,"conversation_parts":{{"type":"conversation_part.list","conversation_parts":[],"total_count":0}}}}}},"links":{{}},"id":"notif_0a1b2c3d-0000-4000-8000-000000000010","topic":"conversation.user.created","delivery_status":"pending","delivery_attempts":1,"delivered_at":0,"first_sent_at":1767225610,"created_at":1767225609,"self":null}}"#
    );
    Delivery::sign(Channel::Intercom, "application/json", body)
}

/// So many messages in one delivery.
pub fn whatsapp_delivery(messages: usize) -> Delivery {
    let list = |item: fn(usize) -> String| (0..messages).map(item).collect::<Vec<_>>().join(",");
    let contacts = list(|at| format!(r#"{{"profile":{{"name":"Dana {at}"}},"wa_id":"1555010{at:04}"}}"#));
    let texts = list(|at| {
        format!(
            r#"{{"from":"1555010{at:04}","id":"wamid.HBgLMTU1NTAxMDk5OTkVAgASGBQzQTdBNjI2QzhCQzBD{at:04}","timestamp":"1767225800","text":{{"body":"Hola, la exportaci\u00f3n de facturas se queda colgada al 60 % desde ayer, \u00bfpueden mirarlo?"}},"type":"text"}}"#
        )
    });
    let body = format!(
        r#"{{"object":"whatsapp_business_account","entry":[{{"id":"102290129340398","changes":[{{"value":{{"messaging_product":"whatsapp","metadata":{{"display_phone_number":"15550783881","phone_number_id":"106540352242922"}},"contacts":[{contacts}],"messages":[{texts}]}},"field":"messages"}}]}}]}}"#
    );
    Delivery::sign(Channel::WhatsApp, "application/json", body)
}
