//! Whether the configured template can be used, before anything is queued that would need it.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use crate::{
    domain::{TemplateRef, Timestamp},
    ports::{Clock, Gate, MessageTemplate, TemplateStanding, Templates},
};

/// How long what the provider said is good for.
const FRESH: Duration = Duration::from_secs(10 * 60);

/// How many parameters the hub fills: the text, on one line.
const FILLED: usize = 1;

/// What is known of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TemplateFit {
    /// It can be used; the body, where the provider's list has it.
    Usable {
        /// With `{{1}}` for the text.
        body: Option<String>,
    },
    /// It cannot, and why.
    Unusable(&'static str),
}

/// The provider's templates, asked for when something needs one and remembered for ten minutes.
#[derive(Debug)]
pub(crate) struct TemplateRegistry {
    port: Arc<dyn Templates>,
    gate: Arc<Gate>,
    clock: Arc<dyn Clock>,
    known: Mutex<Option<(Timestamp, Arc<Vec<MessageTemplate>>)>>,
}

impl TemplateRegistry {
    pub(crate) fn new(port: Arc<dyn Templates>, gate: Arc<Gate>, clock: Arc<dyn Clock>) -> Self {
        Self {
            port,
            gate,
            clock,
            known: Mutex::new(None),
        }
    }

    /// Whether a template can be used. While the provider cannot be asked, what it said last stands, and a template that it
    /// never spoke of is taken for usable: the provider has the last word at sending.
    pub(crate) async fn fit(&self, wanted: &TemplateRef) -> TemplateFit {
        match self.list().await {
            Some(all) => template_fit(wanted, &all),
            None => TemplateFit::Usable { body: None },
        }
    }

    async fn list(&self) -> Option<Arc<Vec<MessageTemplate>>> {
        let now = self.clock.now();
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((at, all)) = &known
            && now.since(*at) < FRESH
            && *at <= now
        {
            return Some(Arc::clone(all));
        }
        match self.gate.call("templates.list", self.port.templates()).await {
            Ok(all) => {
                let all = Arc::new(all);
                *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, Arc::clone(&all)));
                Some(all)
            }
            Err(error) => {
                tracing::warn!(%error, "could not ask which templates there are");
                known.map(|(_, all)| all)
            }
        }
    }
}

/// Pure: what a list says of a template.
pub fn template_fit(wanted: &TemplateRef, all: &[MessageTemplate]) -> TemplateFit {
    let Some(found) = all.iter().find(|one| one.template == *wanted) else {
        let elsewhere = all.iter().any(|one| one.template.name == wanted.name);
        return TemplateFit::Unusable(if elsewhere {
            "the template does not exist in this language"
        } else {
            "the template does not exist"
        });
    };
    match found.standing {
        TemplateStanding::Approved => {}
        TemplateStanding::Pending => return TemplateFit::Unusable("the template is still under review"),
        TemplateStanding::Rejected => return TemplateFit::Unusable("the template was refused"),
        TemplateStanding::Paused => return TemplateFit::Unusable("the template is paused"),
        TemplateStanding::Disabled => return TemplateFit::Unusable("the template is disabled"),
    }
    if found.wants_more {
        return TemplateFit::Unusable("the template wants parameters outside its body");
    }
    if parameters(&found.body) != FILLED {
        return TemplateFit::Unusable("the template's body does not take one parameter");
    }
    TemplateFit::Usable {
        body: Some(found.body.clone()),
    }
}

/// How many parameters a body takes.
fn parameters(body: &str) -> usize {
    (1..).take_while(|n| body.contains(&format!("{{{{{n}}}}}"))).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(language: &str, standing: TemplateStanding, body: &str) -> MessageTemplate {
        MessageTemplate {
            template: TemplateRef {
                name: "update".into(),
                language: language.into(),
            },
            standing,
            body: body.into(),
            wants_more: false,
        }
    }

    #[test]
    fn language_status_and_parameter_count_decide() {
        use TemplateStanding::{Approved, Disabled, Paused, Pending, Rejected};
        let wanted = |language: &str| TemplateRef {
            name: "update".into(),
            language: language.into(),
        };
        let usable = |standing, body: &str| match template_fit(&wanted("es"), &[template("es", standing, body)]) {
            TemplateFit::Usable { .. } => None,
            TemplateFit::Unusable(why) => Some(why),
        };
        assert_eq!(usable(Approved, "News: {{1}}"), None);
        for standing in [Disabled, Paused, Pending, Rejected] {
            assert!(usable(standing, "News: {{1}}").is_some(), "{standing:?}");
        }
        for body in ["News", "News: {{1}} of {{2}}"] {
            assert!(usable(Approved, body).is_some(), "{body}");
        }
        let all = [template("es", Approved, "{{1}}")];
        assert_eq!(
            template_fit(&wanted("es_AR"), &all),
            TemplateFit::Unusable("the template does not exist in this language")
        );
        let mut more = template("es", Approved, "{{1}}");
        more.wants_more = true;
        assert!(matches!(template_fit(&wanted("es"), &[more]), TemplateFit::Unusable(_)));
    }
}
