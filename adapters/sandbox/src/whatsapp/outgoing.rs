//! What a request to send must look like. Pure: the answer depends on the request and the templates only.

use serde_json::Value;

use super::{WhatsAppContent, canonical_wa_id, errors::Refusal};
use crate::config::{Template, TemplateStatus};

const TEXT_LIMIT: usize = 4_096;
const CALLBACK_DATA_LIMIT: usize = 512;
const TEMPLATE_BODY_LIMIT: usize = 1_024;

/// A request that can be carried out.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outgoing {
    /// Marks a person's message as read.
    MarkRead { message_id: String },
    Message {
        /// As the hub wrote it.
        input: String,
        /// As WhatsApp has it.
        to: String,
        content: WhatsAppContent,
        callback_data: Option<String>,
        quoted: Option<String>,
    },
}

impl Outgoing {
    pub(super) fn read(request: &Value, templates: &[Template]) -> Result<Self, Refusal> {
        if !request.is_object() {
            return Err(Refusal::new(100, "The request is not a JSON object"));
        }
        if request["messaging_product"] != "whatsapp" {
            return Err(Refusal::new(100, "The parameter messaging_product is required."));
        }
        if !request["status"].is_null() {
            return mark_read(request);
        }
        match &request["recipient_type"] {
            Value::Null => {}
            Value::String(kind) if kind == "individual" => {}
            _ => return Err(Refusal::new(100, "Param recipient_type must be one of {INDIVIDUAL}")),
        }
        let (input, to) = recipient(request)?;
        let callback_data = optional_text(request, "biz_opaque_callback_data")?;
        if callback_data
            .as_ref()
            .is_some_and(|data| data.chars().count() > CALLBACK_DATA_LIMIT)
        {
            return Err(Refusal::new(
                100,
                "Param biz_opaque_callback_data must be at most 512 characters long.",
            ));
        }
        let quoted = match &request["context"] {
            Value::Null => None,
            context => Some(
                context["message_id"]
                    .as_str()
                    .ok_or_else(|| Refusal::new(131_009, "context.message_id is required"))?
                    .to_owned(),
            ),
        };
        let content = match request["type"].as_str() {
            None if request["type"].is_null() => text(&request["text"])?,
            Some("text") => text(&request["text"])?,
            Some("template") => template(&request["template"], templates)?,
            Some(other) => {
                return Err(Refusal::new(
                    131_051,
                    format!("Message type {other} is not supported here"),
                ));
            }
            None => return Err(Refusal::new(100, "Param type must be a string")),
        };
        Ok(Self::Message {
            input,
            to,
            content,
            callback_data,
            quoted,
        })
    }
}

fn mark_read(request: &Value) -> Result<Outgoing, Refusal> {
    if request["status"] != "read" {
        return Err(Refusal::new(100, "Param status must be one of {READ}"));
    }
    let message_id = request["message_id"]
        .as_str()
        .ok_or_else(|| Refusal::new(131_008, "message_id is required"))?;
    Ok(Outgoing::MarkRead {
        message_id: message_id.to_owned(),
    })
}

/// A phone number in `to`, or a business-scoped user id in `recipient`; with both, `to` wins.
fn recipient(request: &Value) -> Result<(String, String), Refusal> {
    if let Some(to) = optional_text(request, "to")? {
        let is_number = to
            .chars()
            .all(|character| character.is_ascii_digit() || " +-()".contains(character));
        let wa_id = canonical_wa_id(&to);
        if !is_number || !(7..=15).contains(&wa_id.len()) {
            return Err(Refusal::new(131_009, "Param to is not a valid phone number"));
        }
        return Ok((to, wa_id));
    }
    let Some(recipient) = optional_text(request, "recipient")? else {
        return Err(Refusal::new(100, "The parameter to is required."));
    };
    let is_user_id = recipient.split_once('.').is_some_and(|(country, rest)| {
        country.len() == 2
            && country.bytes().all(|byte| byte.is_ascii_uppercase())
            && (1..=128).contains(&rest.len())
            && rest.bytes().all(|byte| byte.is_ascii_alphanumeric())
    });
    if is_user_id {
        Ok((recipient.clone(), recipient))
    } else {
        Err(Refusal::new(131_009, "Param recipient is not a valid user id"))
    }
}

fn optional_text(request: &Value, name: &str) -> Result<Option<String>, Refusal> {
    match &request[name] {
        Value::Null => Ok(None),
        Value::String(text) if text.is_empty() => Err(Refusal::new(100, format!("Param {name} must not be empty"))),
        Value::String(text) => Ok(Some(text.clone())),
        _ => Err(Refusal::new(100, format!("Param {name} must be a string"))),
    }
}

fn text(text: &Value) -> Result<WhatsAppContent, Refusal> {
    let body = text["body"]
        .as_str()
        .ok_or_else(|| Refusal::new(100, "The parameter text['body'] is required."))?;
    if body.trim().is_empty() {
        return Err(Refusal::new(100, "Param text['body'] must be a non-empty string."));
    }
    if body.chars().count() > TEXT_LIMIT {
        return Err(Refusal::new(
            100,
            "Param text['body'] must be at most 4096 characters long.",
        ));
    }
    Ok(WhatsAppContent::Text { body: body.to_owned() })
}

fn template(request: &Value, templates: &[Template]) -> Result<WhatsAppContent, Refusal> {
    let missing = |name: &str| Refusal::new(131_008, format!("{name} is required"));
    let name = request["name"].as_str().ok_or_else(|| missing("template['name']"))?;
    let language = request["language"]["code"]
        .as_str()
        .ok_or_else(|| missing("template['language']['code']"))?;
    if !matches!(request["language"]["policy"].as_str(), None | Some("deterministic")) {
        return Err(Refusal::new(
            100,
            "Param template['language']['policy'] must be one of {DETERMINISTIC}",
        ));
    }
    let known = templates
        .iter()
        .find(|template| template.name == name && template.language == language);
    let usable = known.filter(|template| template.status != TemplateStatus::Pending);
    let template =
        usable.ok_or_else(|| Refusal::new(132_001, format!("template name ({name}) does not exist in {language}")))?;
    match template.status {
        TemplateStatus::Paused => return Err(Refusal::new(132_015, "Template is paused due to low quality")),
        TemplateStatus::Disabled => return Err(Refusal::new(132_016, "Template is disabled")),
        TemplateStatus::Approved | TemplateStatus::Pending => {}
    }
    let parameters = body_parameters(request)?;
    let expected = template.parameters();
    if parameters.len() != expected {
        let given = parameters.len();
        let details = format!(
            "body: number of localizable_params ({given}) does not match the expected number of params ({expected})"
        );
        return Err(Refusal::new(132_000, details));
    }
    for parameter in &parameters {
        check_parameter(parameter)?;
    }
    let body = template.fill(&parameters);
    if body.chars().count() > TEMPLATE_BODY_LIMIT {
        return Err(Refusal::new(132_005, "Translated text too long"));
    }
    Ok(WhatsAppContent::Template {
        name: name.to_owned(),
        language: language.to_owned(),
        parameters,
        body,
    })
}

fn body_parameters(request: &Value) -> Result<Vec<String>, Refusal> {
    let components = match &request["components"] {
        Value::Null => return Ok(Vec::new()),
        Value::Array(components) => components,
        _ => return Err(Refusal::new(100, "Param template['components'] must be an array")),
    };
    let mut parameters = Vec::new();
    for component in components {
        if component["type"]
            .as_str()
            .is_none_or(|kind| !kind.eq_ignore_ascii_case("body"))
        {
            return Err(Refusal::new(132_012, "The templates of this account have a body only"));
        }
        for parameter in component["parameters"].as_array().into_iter().flatten() {
            if parameter["type"] != "text" {
                return Err(Refusal::new(132_012, "body: parameters must be of type text"));
            }
            let text = parameter["text"].as_str().filter(|text| !text.is_empty());
            parameters.push(
                text.ok_or_else(|| Refusal::new(131_008, "Parameter of type text is missing text value"))?
                    .to_owned(),
            );
        }
    }
    Ok(parameters)
}

fn check_parameter(text: &str) -> Result<(), Refusal> {
    if text.contains(['\n', '\r', '\t']) || text.contains("     ") {
        return Err(Refusal::new(
            100,
            "Param text cannot have new-line/tab characters or more than 4 consecutive spaces",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn templates() -> Vec<Template> {
        let mut paused = Template::approved("slow", "es", "Hola");
        paused.status = TemplateStatus::Paused;
        vec![Template::approved("ticket_update", "es", "Ticket {{1}}: {{2}}"), paused]
    }

    fn message(changes: Value) -> Value {
        let mut request = json!({
            "messaging_product": "whatsapp", "recipient_type": "individual", "to": "15550109999", "type": "text",
            "text": {"body": "hola"},
        });
        request
            .as_object_mut()
            .unwrap()
            .extend(changes.as_object().unwrap().clone());
        request
    }

    fn template_with(parameters: &[&str]) -> Value {
        let parameters: Vec<Value> = parameters
            .iter()
            .map(|text| json!({"type": "text", "text": text}))
            .collect();
        message(json!({"type": "template", "template": {
            "name": "ticket_update", "language": {"policy": "deterministic", "code": "es"},
            "components": [{"type": "body", "parameters": parameters}],
        }}))
    }

    #[test]
    fn bad_requests_are_refused_with_metas_codes() {
        let long = "x".repeat(4_097);
        let cases = [
            (json!([]), 100),
            (message(json!({"messaging_product": "sms"})), 100),
            (message(json!({"to": null})), 100),
            (message(json!({"to": "nobody"})), 131_009),
            (message(json!({"recipient_type": "group"})), 100),
            (message(json!({"text": {"body": ""}})), 100),
            (message(json!({"text": {"body": long}})), 100),
            (message(json!({"biz_opaque_callback_data": "y".repeat(513)})), 100),
            (message(json!({"type": "hologram"})), 131_051),
            (
                message(json!({"type": "template", "template": {"name": "none", "language": {"code": "es"}}})),
                132_001,
            ),
            (
                message(
                    json!({"type": "template", "template": {"name": "ticket_update", "language": {"code": "es_MX"}}}),
                ),
                132_001,
            ),
            (
                message(json!({"type": "template", "template": {"name": "slow", "language": {"code": "es"}}})),
                132_015,
            ),
            (
                message(json!({"type": "template", "template": {"name": "ticket_update", "language": {}}})),
                131_008,
            ),
            (template_with(&["#1"]), 132_000),
            (template_with(&["#1", "dos\nlíneas"]), 100),
            (template_with(&["#1", "un\ttab"]), 100),
            (template_with(&["#1", "cinco     espacios"]), 100),
            (template_with(&["#1", &"z".repeat(1_024)]), 132_005),
        ];
        for (request, code) in cases {
            let refusal = Outgoing::read(&request, &templates()).expect_err(&request.to_string());
            assert_eq!(refusal.code, code, "{request}");
        }
    }

    #[test]
    fn a_template_is_filled_in() {
        let Ok(Outgoing::Message { content, .. }) =
            Outgoing::read(&template_with(&["#1", "listo    ya"]), &templates())
        else {
            panic!("a valid template was refused");
        };
        assert_eq!(content.body(), "Ticket #1: listo    ya");
    }

    #[test]
    fn a_user_id_goes_into_recipient() {
        let mut request = message(json!({"recipient": "US.1000000000000000001"}));
        request.as_object_mut().unwrap().remove("to");
        let Ok(Outgoing::Message { to, .. }) = Outgoing::read(&request, &[]) else {
            panic!("a valid user id was refused");
        };
        assert_eq!(to, "US.1000000000000000001");
    }
}
