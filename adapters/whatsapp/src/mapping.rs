//! Between the hub's values and Meta's: pure.

use feedback_core::{
    domain::{OutboundMessage, Route, TemplateUse, WhatsAppMode},
    ports::{PortError, PortErrorKind},
};

use crate::wire::{Component, Content, Context, Language, Message, Parameter, Template, Text};

/// Longer texts are refused by Meta.
pub(crate) const MAX_TEXT_UNITS: usize = 4_096;

/// A message as Meta takes it, and the number that it is sent from.
pub(crate) struct Outgoing<'a> {
    pub(crate) phone_number_id: &'a str,
    pub(crate) message: Message<'a>,
}

/// The message of a route, or why there is none.
pub(crate) fn outgoing<'a>(message: &'a OutboundMessage, operation: &'static str) -> Result<Outgoing<'a>, PortError> {
    let refused = |code| PortError::new(PortErrorKind::Rejected, operation).with_code(code);
    let Route::WhatsApp {
        phone_number_id,
        to,
        quoted,
        mode,
    } = &message.route
    else {
        return Err(refused("foreign_route"));
    };
    let (to, recipient) = match Address::of(to) {
        Some(Address::Phone(digits)) => (Some(digits), None),
        Some(Address::User(id)) => (None, Some(id)),
        None => return Err(refused("invalid_recipient")),
    };
    let content = match mode {
        WhatsAppMode::Session(_) => {
            let body = message.approved.text();
            if body.encode_utf16().count() > MAX_TEXT_UNITS {
                return Err(refused("text_too_long").with_reason("over 4,096 characters"));
            }
            if body.trim().is_empty() {
                return Err(refused("no_text"));
            }
            Content::Text {
                text: Text {
                    body,
                    preview_url: false,
                },
            }
        }
        WhatsAppMode::Template(template) => Content::Template {
            template: template_of(template).ok_or_else(|| refused("invalid_parameter"))?,
        },
    };
    Ok(Outgoing {
        phone_number_id,
        message: Message {
            messaging_product: "whatsapp",
            recipient_type: "individual",
            to,
            recipient,
            content,
            context: quoted.as_deref().map(|message_id| Context { message_id }),
            biz_opaque_callback_data: message.marker.as_str(),
        },
    })
}

/// How a person is addressed.
#[derive(Debug, PartialEq, Eq)]
enum Address<'a> {
    /// Digits with country code, never rewritten: WhatsApp spells some numbers unlike their owners.
    Phone(&'a str),
    /// A business-scoped user id: country, dot, letters and digits.
    User(&'a str),
}

impl<'a> Address<'a> {
    fn of(text: &'a str) -> Option<Self> {
        if (5..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Some(Self::Phone(text));
        }
        let (country, id) = text.split_once('.')?;
        let is_country = country.len() == 2 && country.bytes().all(|byte| byte.is_ascii_uppercase());
        let is_rest = !id.is_empty() && id.len() <= 128 && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        (is_country && is_rest).then_some(Self::User(text))
    }
}

/// The template, if Meta would take its parameters: filled, on one line, and with at most four spaces in a row.
fn template_of(template: &TemplateUse) -> Option<Template<'_>> {
    let is_fit =
        |text: &String| !text.trim().is_empty() && !text.contains(['\n', '\r', '\t']) && !text.contains("     ");
    if !template.parameters().iter().all(is_fit) {
        return None;
    }
    let parameters: Vec<Parameter<'_>> = template
        .parameters()
        .iter()
        .map(|text| Parameter { kind: "text", text })
        .collect();
    let components = match parameters.is_empty() {
        true => Vec::new(),
        false => vec![Component {
            kind: "body",
            parameters,
        }],
    };
    let reference = template.template();
    Some(Template {
        name: &reference.name,
        language: Language {
            policy: "deterministic",
            code: &reference.language,
        },
        components,
    })
}

#[cfg(test)]
mod tests {
    use feedback_core::{
        domain::Timestamp,
        testing::outbound::{outbound, whatsapp_session, whatsapp_template},
    };
    use serde_json::json;

    use super::*;

    fn message(to: &str, quoted: Option<&str>, mode: WhatsAppMode, text: &str) -> OutboundMessage {
        let route = Route::WhatsApp {
            phone_number_id: "PN1".into(),
            to: to.into(),
            quoted: quoted.map(Into::into),
            mode,
        };
        outbound(route, text, Timestamp::UNIX_EPOCH)
    }

    fn session() -> WhatsAppMode {
        whatsapp_session(Timestamp::UNIX_EPOCH)
    }

    fn json_of(message: &OutboundMessage) -> serde_json::Value {
        serde_json::to_value(outgoing(message, "whatsapp.send").ok().unwrap().message).unwrap()
    }

    fn code_of(message: &OutboundMessage) -> String {
        outgoing(message, "whatsapp.send")
            .err()
            .unwrap()
            .code()
            .unwrap()
            .to_owned()
    }

    #[test]
    fn free_text_has_the_shape_that_meta_publishes() {
        let message = message(
            "15550109999",
            Some("wamid.DEMO1"),
            session(),
            "Ya está: *todo*\nhttps://x.example",
        );
        let expected = json!({
            "messaging_product": "whatsapp", "recipient_type": "individual", "to": "15550109999", "type": "text",
            "text": {"body": "Ya está: *todo*\nhttps://x.example", "preview_url": false},
            "context": {"message_id": "wamid.DEMO1"}, "biz_opaque_callback_data": message.marker.as_str(),
        });
        assert_eq!(json_of(&message), expected);
    }

    #[test]
    fn a_template_has_the_shape_that_meta_publishes() {
        let mode = whatsapp_template("ticket_update", "en_US", &["#4711", "solved"]);
        let message = message("15550109999", None, mode, "solved");
        let expected = json!({
            "messaging_product": "whatsapp", "recipient_type": "individual", "to": "15550109999", "type": "template",
            "template": {"name": "ticket_update", "language": {"policy": "deterministic", "code": "en_US"},
                "components": [{"type": "body", "parameters": [{"type": "text", "text": "#4711"}, {"type": "text", "text": "solved"}]}]},
            "biz_opaque_callback_data": message.marker.as_str(),
        });
        assert_eq!(json_of(&message), expected);
    }

    #[test]
    fn a_template_without_gaps_has_no_components() {
        let message = message("15550109999", None, whatsapp_template("plain", "es", &[]), "x");
        assert_eq!(json_of(&message)["template"].get("components"), None);
    }

    #[test]
    fn a_user_id_is_a_recipient_and_no_phone_number() {
        let sent = json_of(&message("US.1000000000000000001", None, session(), "hola"));
        assert_eq!(sent["recipient"], "US.1000000000000000001");
        assert_eq!(sent.get("to"), None);
    }

    #[test]
    fn addresses_are_digits_or_user_ids() {
        assert_eq!(Address::of("5491155501001"), Some(Address::Phone("5491155501001")));
        assert_eq!(Address::of("AR.abc123"), Some(Address::User("AR.abc123")));
        for text in [
            "",
            "123",
            "+5491155501001",
            "ana",
            "us.1",
            "USA.1",
            "US.",
            "US.1/2",
            "123456789012345678901",
        ] {
            assert_eq!(Address::of(text), None, "{text}");
        }
        assert_eq!(
            code_of(&message("+15550109999", None, session(), "hola")),
            "invalid_recipient"
        );
    }

    #[test]
    fn f76_what_meta_would_refuse_does_not_leave() {
        for parameter in ["", " ", "a\nb", "a\rb", "a\tb", "a     b"] {
            let mode = whatsapp_template("update", "es", &["ok", parameter]);
            assert_eq!(
                code_of(&message("15550109999", None, mode, "x")),
                "invalid_parameter",
                "{parameter:?}"
            );
        }
        let fits = message("15550109999", None, whatsapp_template("update", "es", &["a    b"]), "x");
        assert!(outgoing(&fits, "whatsapp.send").is_ok());
        assert_eq!(code_of(&message("15550109999", None, session(), " \n")), "no_text");
        // Two UTF-16 units each.
        let long = "😀".repeat(2_049);
        assert_eq!(
            code_of(&message("15550109999", None, session(), &long)),
            "text_too_long"
        );
    }

    #[test]
    fn a_route_of_another_channel_is_refused() {
        let slack = outbound(
            Route::Intercom {
                conversation: "1".into(),
            },
            "hola",
            Timestamp::UNIX_EPOCH,
        );
        assert_eq!(code_of(&slack), "foreign_route");
    }
}
