//! What a filled form states, whoever posts it: a workflow, a modal, a chat's flow. Labels are the operator's own words,
//! in English or Spanish, so fields are recognised by the words that labels are made of.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

use super::{Stated, wire::clean};
use crate::domain::{MAX_TITLE_CHARS, Priority, TicketType, shortened};

/// A field that the hub understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    /// One line that says what it is about.
    Title,
    /// The report itself.
    Description,
    /// How bad it is.
    Priority,
    /// What kind of report it is.
    Type,
    /// Who fills the form in.
    Reporter,
    /// Their address.
    Email,
}

/// Words of labels, the more telling field first: an "issue type" is a type, a "problem summary" a title.
const LABELS: [(Field, &[&str]); 6] = [
    (
        Field::Priority,
        &[
            "priority",
            "prioridad",
            "prio",
            "urgency",
            "urgencia",
            "urgent",
            "severity",
            "severidad",
            "gravedad",
        ],
    ),
    (Field::Type, &["type", "tipo", "category", "categoria", "kind"]),
    (Field::Email, &["email", "mail", "correo"]),
    (
        Field::Reporter,
        &[
            "reporter",
            "requester",
            "submitter",
            "submitted",
            "reported",
            "requested",
            "solicitante",
            "reportado",
            "enviado",
            "solicitado",
        ],
    ),
    (
        Field::Title,
        &["title", "titulo", "subject", "asunto", "summary", "resumen", "headline"],
    ),
    (
        Field::Description,
        &[
            "description",
            "descripcion",
            "describe",
            "details",
            "detail",
            "detalles",
            "detalle",
            "problem",
            "problema",
            "issue",
            "happened",
            "message",
            "mensaje",
            "feedback",
            "comment",
            "comments",
            "comentario",
            "comentarios",
        ],
    ),
];

/// The field that a label or an element's id names.
pub(super) fn field_of(label: &str) -> Option<Field> {
    if label.chars().count() > 60 {
        return None;
    }
    let folded = fold(label);
    let words: Vec<&str> = folded.split(|c: char| !c.is_alphanumeric()).collect();
    LABELS
        .iter()
        .find(|(_, known)| words.iter().any(|word| known.contains(word)))
        .map(|(field, _)| *field)
}

fn fold(text: &str) -> String {
    text.nfd()
        .filter(|c| !is_combining_mark(*c))
        .flat_map(char::to_lowercase)
        .collect()
}

/// The level that an option of a form names, by the words that the triage rules use too.
pub(super) fn priority_of(value: &str) -> Option<Priority> {
    let folded = fold(value);
    folded
        .split(|c: char| !c.is_alphanumeric())
        .find_map(|word| match word {
            "p0" | "sev0" | "critical" | "critica" | "critico" | "blocker" | "bloqueante" | "highest" | "maxima" => {
                Some(Priority::P0)
            }
            "p1" | "sev1" | "urgent" | "urgente" | "high" | "alta" | "alto" => Some(Priority::P1),
            "p2" | "sev2" | "medium" | "media" | "medio" => Some(Priority::P2),
            "p3" | "sev3" | "normal" => Some(Priority::P3),
            "p4" | "low" | "baja" | "bajo" => Some(Priority::P4),
            "p5" | "lowest" | "minima" | "trivial" => Some(Priority::P5),
            _ => None,
        })
}

/// The type that an option of a form names.
pub(super) fn type_of(value: &str) -> Option<TicketType> {
    let folded = fold(value);
    folded
        .split(|c: char| !c.is_alphanumeric())
        .find_map(|word| match word {
            "incident" | "incidente" | "outage" | "caida" => Some(TicketType::Incident),
            "bug" | "error" | "defect" | "defecto" | "fallo" | "falla" => Some(TicketType::Bug),
            "feature" | "idea" | "enhancement" | "improvement" | "mejora" | "funcionalidad" | "sugerencia"
            | "suggestion" => Some(TicketType::FeatureRequest),
            "question" | "pregunta" | "consulta" | "duda" | "help" | "ayuda" => Some(TicketType::Question),
            _ => None,
        })
}

/// A form as far as it was understood.
#[derive(Default)]
pub(super) struct Form {
    title: Option<String>,
    description: Option<String>,
    priority: Option<Priority>,
    ticket_type: Option<TicketType>,
    /// Whatever names the person: an id in the provider's markup, or a name.
    pub(super) reporter: Option<String>,
    /// Their address, as typed.
    pub(super) email: Option<String>,
    rest: Vec<String>,
    known_fields: usize,
}

impl Form {
    /// Takes one field. What the hub does not understand stays in the text under its label.
    pub(super) fn put(&mut self, label: &str, value: &str) {
        let value = clean(value);
        if value.is_empty() {
            return;
        }
        let is_taken = match field_of(label) {
            Some(Field::Title) => fill(&mut self.title, &value),
            Some(Field::Description) => fill(&mut self.description, &value),
            Some(Field::Reporter) => fill(&mut self.reporter, &value),
            Some(Field::Email) => fill(&mut self.email, &value),
            Some(Field::Priority) => fill_read(&mut self.priority, priority_of(&value)),
            Some(Field::Type) => fill_read(&mut self.ticket_type, type_of(&value)),
            None => false,
        };
        if is_taken {
            self.known_fields += 1;
        } else {
            self.rest.push(format!("{}: {value}", clean(label)));
        }
    }

    /// Reads a post in which each label stands in its own line or before a colon.
    pub(super) fn from_post(text: &str) -> Self {
        let mut form = Self::default();
        let mut open: Option<(&str, String)> = None;
        let mut preamble = Vec::new();
        for line in text.lines() {
            if let Some((label, value)) = labelled(line) {
                if let Some((label, value)) = open.replace((label, value.to_owned())) {
                    form.put(label, &value);
                }
            } else if let Some((label, value)) = &mut open {
                // A one-line field ends with its line; what follows is the report's again.
                let is_one_line = !matches!(field_of(label), Some(Field::Description) | None);
                if is_one_line && !value.is_empty() && !line.trim().is_empty() {
                    preamble.push(line);
                } else {
                    value.push('\n');
                    value.push_str(line);
                }
            } else {
                preamble.push(line);
            }
        }
        if let Some((label, value)) = open {
            form.put(label, &value);
        }
        if form.description.is_none() {
            let words = clean(&preamble.join("\n"));
            if !words.is_empty() {
                form.rest.insert(0, words);
            }
        }
        form
    }

    /// True where it says what the report is, and something about it: a bot's prose does not.
    pub(super) fn is_report(&self) -> bool {
        self.has_words() && self.known_fields >= 2
    }

    /// True where it says what the report is.
    pub(super) fn has_words(&self) -> bool {
        self.title.is_some() || self.description.is_some()
    }

    /// What it states, and its words.
    pub(super) fn into_parts(self) -> (Stated, String) {
        let mut words: Vec<String> = self.description.into_iter().chain(self.rest).collect();
        if words.is_empty() {
            words.extend(self.title.clone());
        }
        let stated = Stated {
            title: self.title.map(|title| shortened(&title, MAX_TITLE_CHARS)),
            ticket_type: self.ticket_type,
            priority: self.priority,
        };
        (stated, words.join("\n"))
    }
}

/// A form's answer as text: options and lists are joined, and what has no words is empty.
pub(super) fn value_text(value: &serde_json::Value) -> String {
    use serde_json::Value;
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(is_set) => (if *is_set { "yes" } else { "no" }).to_owned(),
        Value::Array(values) => values
            .iter()
            .map(value_text)
            .filter(|text| !text.is_empty())
            .collect::<Vec<_>>()
            .join(", "),
        Value::Object(object) => {
            let named = ["title", "text", "value", "name"]
                .iter()
                .find_map(|key| object.get(*key));
            named.map(value_text).unwrap_or_default()
        }
        Value::Null => String::new(),
    }
}

fn fill(slot: &mut Option<String>, value: &str) -> bool {
    let is_free = slot.is_none();
    if is_free {
        *slot = Some(value.to_owned());
    }
    is_free
}

fn fill_read<T>(slot: &mut Option<T>, read: Option<T>) -> bool {
    let is_taken = slot.is_none() && read.is_some();
    if is_taken {
        *slot = read;
    }
    is_taken
}

/// A label that the hub understands, and what stands behind it in the line: `*Title:* x`, `Title: x`, `*Title*`.
fn labelled(line: &str) -> Option<(&str, &str)> {
    let line = line.trim().trim_start_matches(['•', '-', '>', ' ']);
    let marks = ['*', '_', ' ', '`'];
    let (label, value) = match line.split_once(':') {
        Some((label, value)) => (label, value),
        None => (line.strip_prefix('*')?.strip_suffix('*')?, ""),
    };
    let label = label.trim_matches(marks);
    field_of(label)?;
    Some((label, value.trim_start_matches(marks).trim_end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(post: &str) -> (Stated, String) {
        let form = Form::from_post(post);
        assert!(form.is_report());
        form.into_parts()
    }

    #[test]
    fn a_post_of_labelled_lines_is_a_form_in_either_language() {
        let english = "New request from <@U0DANA>\n*Title:* Badge broken\n*Description:*\nDoor 3 stays shut.\nSince Monday.\n*Priority:* High\n*Type:* Bug";
        let spanish =
            "Título: Badge broken\nDescripción: Door 3 stays shut.\nSince Monday.\nPrioridad: alta\nTipo: error";
        for post in [english, spanish] {
            let (stated, text) = read(post);
            assert_eq!(stated.title.as_deref(), Some("Badge broken"));
            assert_eq!(stated.priority, Some(Priority::P1));
            assert_eq!(stated.ticket_type, Some(TicketType::Bug));
            assert_eq!(text, "Door 3 stays shut.\nSince Monday.");
        }
    }

    #[test]
    fn labels_may_stand_in_their_own_line() {
        let (stated, text) = read("*What happened?*\nNo sound\n*How urgent is it?*\nP2");
        assert_eq!((stated.priority, text.as_str()), (Some(Priority::P2), "No sound"));
    }

    #[test]
    fn what_is_not_understood_stays_in_the_text() {
        let mut form = Form::default();
        form.put("summary", "Badge");
        form.put("Office", "Córdoba");
        form.put("priority", "when you can");
        form.put("details", "");
        let (stated, text) = form.into_parts();
        assert_eq!(text, "Office: Córdoba\npriority: when you can");
        assert_eq!(stated.priority, None);
    }

    #[test]
    fn prose_is_no_form() {
        for prose in [
            "Deploy finished: 12 files",
            "Issue: see the board",
            "",
            "*Build passed*",
            "Priority: high",
        ] {
            assert!(!Form::from_post(prose).is_report(), "{prose}");
        }
    }

    #[test]
    fn the_more_telling_word_of_a_label_decides() {
        for (label, field) in [
            ("issue_type", Some(Field::Type)),
            ("Problem summary", Some(Field::Title)),
            ("priority_select", Some(Field::Priority)),
            ("Reported by", Some(Field::Reporter)),
            ("Correo electrónico", Some(Field::Email)),
            ("office", None),
        ] {
            assert_eq!(field_of(label), field, "{label}");
        }
    }
}
