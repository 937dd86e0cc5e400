//! WhatsApp's message templates.

/// A message template as Meta reviews it: a name in one language, with numbered gaps in its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// Exact, case and all.
    pub name: String,
    /// Exact: `es` is not `es_MX`.
    pub language: String,
    /// The body with `{{1}}`, `{{2}}`, … for its parameters.
    pub body: String,
    /// Whether it may be used.
    pub status: TemplateStatus,
}

impl Template {
    /// An approved template.
    pub fn approved(name: impl Into<String>, language: impl Into<String>, body: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            language: language.into(),
            body: body.into(),
            status: TemplateStatus::Approved,
        }
    }

    /// How many parameters the body takes: the highest gap number.
    pub fn parameters(&self) -> usize {
        let mut highest = 0;
        while self.body.contains(&format!("{{{{{}}}}}", highest + 1)) {
            highest += 1;
        }
        highest
    }

    /// The text that a person reads.
    pub(crate) fn fill(&self, parameters: &[String]) -> String {
        parameters
            .iter()
            .enumerate()
            .fold(self.body.clone(), |text, (index, value)| {
                text.replace(&format!("{{{{{}}}}}", index + 1), value)
            })
    }
}

/// What Meta thinks of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TemplateStatus {
    /// It may be used.
    Approved,
    /// Still under review: as if it did not exist.
    Pending,
    /// Paused for low quality: 132015.
    Paused,
    /// Disabled for good: 132016.
    Disabled,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_counts_and_fills_its_gaps() {
        let template = Template::approved("t", "en", "Ticket {{1}} is {{2}}");
        assert_eq!(template.parameters(), 2);
        assert_eq!(template.fill(&["#7".into(), "done".into()]), "Ticket #7 is done");
    }
}
