//! The account's templates.

use async_trait::async_trait;
use feedback_core::{
    domain::TemplateRef,
    ports::{MessageTemplate, PortError, PortErrorKind, TemplateStanding, Templates},
};

use crate::{
    WhatsApp,
    wire::{ListedComponent, ListedTemplate},
};

/// Pages beyond these are not asked for: an account has 250 templates at most, in a few languages each.
const MAX_PAGES: usize = 50;

#[async_trait]
impl Templates for WhatsApp {
    #[tracing::instrument(name = "whatsapp.templates", skip_all)]
    async fn templates(&self) -> Result<Vec<MessageTemplate>, PortError> {
        let mut all = Vec::new();
        let mut after: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let page = self.template_page(after.as_deref()).await?;
            all.extend(page.data.into_iter().map(message_template));
            after = page.paging.next.and(page.paging.cursors.after);
            if after.is_none() {
                return Ok(all);
            }
        }
        // A part of the list would say of the rest that it does not exist.
        Err(PortError::new(PortErrorKind::Unavailable, "whatsapp.templates").with_code("too_many_templates"))
    }
}

fn message_template(template: ListedTemplate) -> MessageTemplate {
    let body = template.components.iter().find(|component| component.kind == "BODY");
    MessageTemplate {
        body: body.and_then(|body| body.text.clone()).unwrap_or_default(),
        wants_more: template.components.iter().any(wants_parameters),
        standing: match template.status.as_str() {
            "APPROVED" => TemplateStanding::Approved,
            "REJECTED" => TemplateStanding::Rejected,
            "PAUSED" => TemplateStanding::Paused,
            "DISABLED" | "DELETED" | "ARCHIVED" => TemplateStanding::Disabled,
            // `PENDING`, `IN_APPEAL`, and what Meta adds next year: not approved.
            _ => TemplateStanding::Pending,
        },
        template: TemplateRef {
            name: template.name,
            language: template.language,
        },
    }
}

/// Whether a component other than the body wants parameters.
fn wants_parameters(component: &ListedComponent) -> bool {
    let has_gap = |text: &Option<String>| text.as_ref().is_some_and(|text| text.contains("{{"));
    match component.kind.as_str() {
        "HEADER" => has_gap(&component.text) || component.format.as_deref().is_some_and(|format| format != "TEXT"),
        "BUTTONS" => component.buttons.iter().any(|button| has_gap(&button.url)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> MessageTemplate {
        message_template(serde_json::from_str(json).expect("a template"))
    }

    #[test]
    fn a_template_is_read_with_what_it_wants() {
        let plain = read(
            r#"{"name":"update","language":"es","status":"APPROVED","id":"1","components":[
                {"type":"BODY","text":"Hola: {{1}}","example":{"body_text":[["x"]]}},{"type":"FOOTER","text":"Acme"}]}"#,
        );
        assert_eq!((plain.body.as_str(), plain.wants_more), ("Hola: {{1}}", false));
        assert_eq!(plain.standing, TemplateStanding::Approved);
        for component in [
            r#"{"type":"HEADER","format":"IMAGE"}"#,
            r#"{"type":"HEADER","format":"TEXT","text":"Ticket {{1}}"}"#,
            r#"{"type":"BUTTONS","buttons":[{"type":"URL","text":"Open","url":"https://acme.example/{{1}}"}]}"#,
        ] {
            let json = format!(r#"{{"name":"u","language":"es","status":"APPROVED","components":[{component}]}}"#);
            assert!(read(&json).wants_more, "{component}");
        }
    }

    #[test]
    fn what_is_not_approved_is_not_usable() {
        let standing = |status: &str| read(&format!(r#"{{"name":"u","language":"es","status":"{status}"}}"#)).standing;
        assert_eq!(standing("PAUSED"), TemplateStanding::Paused);
        assert_eq!(standing("DISABLED"), TemplateStanding::Disabled);
        assert_eq!(standing("REJECTED"), TemplateStanding::Rejected);
        assert_eq!(standing("SOMETHING_NEW"), TemplateStanding::Pending);
    }
}
