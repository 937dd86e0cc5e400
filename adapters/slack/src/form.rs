//! The form that somebody fills in who has said nothing yet: Block Kit, in two languages.

use std::time::Duration;

use feedback_core::{
    domain::Language,
    logic::normalize::{FORM_CALLBACK, WantedForm},
    ports::{PortError, PortErrorKind},
};
use feedback_http_client::Deadline;
use serde_json::{Value, json};

use crate::{Slack, mapping};

const OPEN_FORM: &str = "slack.open_form";

/// The trigger holds for three seconds, of which the delivery has used some.
const IN_ALL: Duration = Duration::from_millis(1900);

/// Which language somebody reads is worth less than the form.
const FOR_THE_LANGUAGE: Duration = Duration::from_millis(800);

/// The longest description: what Slack lets an input hold.
const MAX_CHARS: u32 = 3000;

impl Slack {
    /// `views.open`, in the person's language.
    pub(crate) async fn show_form(&self, form: &WantedForm) -> Result<(), PortError> {
        if form.trigger.is_empty() || !mapping::is_id(&form.user) {
            return Err(PortError::new(PortErrorKind::Rejected, OPEN_FORM).with_code("invalid_trigger_id"));
        }
        let deadline = Deadline::after(IN_ALL);
        let locale = self.locale_of(&form.user, Deadline::after(FOR_THE_LANGUAGE)).await;
        // English where Slack cannot say: a person who waits sees a form at least.
        let language = match locale {
            Ok(Some(locale)) if locale.starts_with("es") => Language::Spanish,
            _ => Language::English,
        };
        self.open_view(OPEN_FORM, &form.trigger, &view(form, language), deadline)
            .await
    }
}

/// Ids that the normalizer knows fields by, in the person's words.
fn view(form: &WantedForm, language: Language) -> Value {
    let words = match language {
        Language::English => [
            "Tell us what happened",
            "Send",
            "Cancel",
            "What happened?",
            "In a few words",
        ],
        Language::Spanish => [
            "Contanos qué pasó",
            "Enviar",
            "Cancelar",
            "¿Qué pasó?",
            "En pocas palabras",
        ],
    };
    let [title, submit, close, description, summary] = words.map(|text| json!({"type": "plain_text", "text": text}));
    let description = json!({
        "type": "input", "block_id": "description", "label": description,
        "element": {"type": "plain_text_input", "action_id": "description", "multiline": true, "max_length": MAX_CHARS},
    });
    let summary = json!({
        "type": "input", "block_id": "title", "label": summary, "optional": true,
        "element": {"type": "plain_text_input", "action_id": "title", "max_length": 120},
    });
    json!({
        "type": "modal", "callback_id": FORM_CALLBACK, "title": title, "submit": submit, "close": close,
        "private_metadata": form.place.as_deref().unwrap_or_default(), "blocks": [description, summary],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_keeps_slacks_limits_in_each_language() {
        let form = WantedForm {
            trigger: "1.2.x".into(),
            user: "U0DANA".into(),
            place: Some("C0SUPPORT".into()),
        };
        for language in [Language::English, Language::Spanish] {
            let view = view(&form, language);
            let title = view["title"]["text"].as_str().expect("a title");
            assert!(title.chars().count() <= 24, "{title}");
            assert_eq!(
                (&view["private_metadata"], &view["callback_id"]),
                (&json!("C0SUPPORT"), &json!(FORM_CALLBACK))
            );
        }
    }
}
