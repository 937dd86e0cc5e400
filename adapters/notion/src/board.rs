//! The board as it was read once: its columns by id, so that a renamed one is still found.

use std::collections::BTreeMap;

use feedback_core::domain::TrackerStatus;
use serde_json::{Value, json};

use crate::{
    NotionConfig,
    status::Statuses,
    text,
    wire::{Choice, Choices, DataSource, Property, User, plain},
};

/// Notion's limit for the name of a select option.
const MAX_OPTION_UNITS: usize = 100;
/// Notion's limit for a URL.
const MAX_URL_UNITS: usize = 2_000;

/// What a column holds, as far as we write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Title,
    RichText,
    Status,
    Select,
    Url,
    /// Read, never written.
    Other,
}

/// One column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    /// As Notion spells it in answers.
    pub(crate) id: String,
    kind: Kind,
    options: Vec<Choice>,
}

/// The columns that we read and write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Board {
    pub(crate) data_source: String,
    pub(crate) name: String,
    /// Our own user id: its edits are ours.
    pub(crate) bot: String,
    pub(crate) title: Column,
    pub(crate) hub_id: Column,
    pub(crate) status: Option<Column>,
    pub(crate) statuses: Statuses,
    pub(crate) priority: Option<Column>,
    pub(crate) ticket_type: Option<Column>,
    pub(crate) source: Option<Column>,
    pub(crate) reporter: Option<Column>,
    pub(crate) sprint: Option<Column>,
    pub(crate) hub_link: Option<Column>,
    /// Names that were configured and that the board does not have.
    pub(crate) missing: Vec<String>,
}

/// What a board must have and has not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MissingColumn(pub(crate) String);

impl Board {
    pub(crate) fn new(source: &DataSource, bot: &User, config: &NotionConfig) -> Result<Self, MissingColumn> {
        let names = &config.properties;
        let columns = Columns(&source.properties);
        let mut missing = Vec::new();
        let mut optional = |name: &str| {
            let found = columns.find(name);
            if found.is_none() && !name.is_empty() {
                missing.push(name.to_owned());
            }
            found.map(Column::of)
        };
        let status = columns.find(&names.status);
        let choices = status.and_then(|property| property.status.as_ref().or(property.select.as_ref()));
        let statuses = Statuses::new(choices.unwrap_or(&Choices::default()), &config.statuses);
        let title = columns.0.values().find(|property| property.kind == "title");
        let hub_id = columns
            .find(&names.hub_id)
            .filter(|property| property.kind == "rich_text");
        Ok(Self {
            data_source: source.id.clone(),
            name: plain(&source.title),
            bot: bot.id.clone(),
            title: title.map(Column::of).ok_or_else(|| MissingColumn("the title".into()))?,
            hub_id: hub_id
                .map(Column::of)
                .ok_or_else(|| MissingColumn(names.hub_id.clone()))?,
            status: optional(&names.status),
            statuses,
            priority: optional(&names.priority),
            ticket_type: optional(&names.ticket_type),
            source: optional(&names.source),
            reporter: optional(&names.reporter),
            sprint: optional(&names.sprint),
            hub_link: optional(&names.hub_link),
            missing,
        })
    }

    /// The value that moves a page to a status; `None` where the board has no such option.
    pub(crate) fn status_value(&self, status: TrackerStatus) -> Option<(&str, Value)> {
        let column = self.status.as_ref()?;
        let option = self.statuses.option_for(status)?;
        let kind = match column.kind {
            Kind::Status => "status",
            Kind::Select => "select",
            Kind::Title | Kind::RichText | Kind::Url | Kind::Other => return None,
        };
        Some((&column.id, json!({ kind: {"id": option.id} })))
    }
}

impl Column {
    fn of(property: &Property) -> Self {
        let kind = match property.kind.as_str() {
            "title" => Kind::Title,
            "rich_text" => Kind::RichText,
            "status" => Kind::Status,
            "select" => Kind::Select,
            "url" => Kind::Url,
            _ => Kind::Other,
        };
        let choices = property.select.as_ref().or(property.status.as_ref());
        let options = choices.map(|choices| choices.options.clone()).unwrap_or_default();
        Self {
            id: property.id.clone(),
            kind,
            options,
        }
    }

    /// A text as this column takes it; `None` where it takes none. A select takes the option that means the same in one
    /// of the spellings, else a new one under the first.
    pub(crate) fn value(&self, spellings: &[&str]) -> Option<Value> {
        let text = *spellings.first()?;
        Some(match self.kind {
            Kind::Title => json!({"title": text::rich_text(text)}),
            Kind::RichText => json!({"rich_text": text::rich_text(text)}),
            Kind::Select if text.trim().is_empty() => json!({"select": null}),
            Kind::Select => {
                let known = self
                    .options
                    .iter()
                    .find(|option| spellings.iter().any(|text| same_name(text, &option.name)));
                // Commas are refused in names, and a cut name is better than a ticket that never arrives.
                let name = known.map_or_else(
                    || text::cut(&text.replace(',', " "), MAX_OPTION_UNITS),
                    |option| option.name.clone(),
                );
                json!({"select": {"name": name}})
            }
            Kind::Url if text.is_empty() || text.encode_utf16().count() > MAX_URL_UNITS => json!({"url": null}),
            Kind::Url => json!({"url": text}),
            Kind::Status | Kind::Other => return None,
        })
    }

    /// This column's value among a page's properties, whatever the column is called now.
    pub(crate) fn of_page<'p>(&self, properties: &'p BTreeMap<String, Value>) -> Option<&'p Value> {
        properties
            .values()
            .find(|value| value["id"].as_str().is_some_and(|id| same_id(id, &self.id)))
    }
}

struct Columns<'a>(&'a BTreeMap<String, Property>);

impl<'a> Columns<'a> {
    /// By name, or by id where a host configured ids.
    fn find(&self, key: &str) -> Option<&'a Property> {
        self.0
            .get(key)
            .or_else(|| self.0.values().find(|property| same_id(&property.id, key)))
    }
}

/// Ids are percent-encoded in some answers and plain in others.
fn same_id(one: &str, other: &str) -> bool {
    one == other || decoded(one) == decoded(other)
}

fn decoded(id: &str) -> Vec<u8> {
    let bytes = id.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let hex = id
            .get(at + 1..at + 3)
            .and_then(|pair| u8::from_str_radix(pair, 16).ok());
        match hex {
            Some(value) if byte == b'%' => {
                decoded.push(value);
                at += 3;
            }
            _ => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    decoded
}

/// `feature_request`, `Feature request` and `Feature-Request` are one name.
pub(crate) fn same_name(one: &str, other: &str) -> bool {
    let letters = |text: &str| -> Vec<char> {
        text.chars()
            .filter(|c| c.is_alphanumeric())
            .flat_map(char::to_lowercase)
            .collect()
    };
    let one = letters(one);
    !one.is_empty() && one == letters(other)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A board with Spanish names for its options, as `GET /v1/data_sources/{id}` gives it.
    pub(crate) fn source() -> DataSource {
        let select = |id: &str, names: &[&str]| {
            let options: Vec<Value> = names
                .iter()
                .map(|name| json!({"id": format!("{id}-{name}"), "name": name}))
                .collect();
            json!({"id": id, "type": "select", "select": {"options": options}})
        };
        serde_json::from_value(json!({
            "object": "data_source", "id": "22222222-2222-4222-8222-222222222222", "title": [{"plain_text": "Feedback"}],
            "properties": {
                "Nombre": {"id": "title", "type": "title", "title": {}},
                "Status": {"id": "st%3A1", "type": "status", "status": {
                    "options": [{"id": "o1", "name": "Sin empezar"}, {"id": "o2", "name": "En curso"}, {"id": "o3", "name": "Listo"}],
                    "groups": [{"option_ids": ["o1"]}, {"option_ids": ["o2"]}, {"option_ids": ["o3"]}]}},
                "Priority": select("prio", &["P0", "P1"]),
                "Type": select("type", &["Feature request", "Bug"]),
                "Source": select("src%5E", &["slack"]),
                "Reporter": {"id": "rptr", "type": "rich_text", "rich_text": {}},
                "Hub ID": {"id": "hb%5Bid", "type": "rich_text", "rich_text": {}},
                "Hub link": {"id": "link", "type": "url", "url": {}},
                "Owner": {"id": "ownr", "type": "people", "people": {}},
            },
        }))
        .unwrap()
    }

    pub(crate) fn board() -> Board {
        let bot = User {
            id: "66666666-6666-4666-8666-666666666666".into(),
            name: None,
        };
        Board::new(&source(), &bot, &NotionConfig::new("ntn_x".to_owned(), "2".repeat(32))).unwrap()
    }

    #[test]
    fn the_title_is_found_by_its_kind_and_what_is_missing_is_named() {
        let board = board();
        assert_eq!((board.title.id.as_str(), board.name.as_str()), ("title", "Feedback"));
        assert_eq!(board.missing, ["Sprint"]);
    }

    #[test]
    fn without_a_hub_id_no_page_could_be_found_again() {
        let mut source = source();
        source.properties.remove("Hub ID");
        let bot = User {
            id: "b".into(),
            name: None,
        };
        let board = Board::new(&source, &bot, &NotionConfig::new("ntn_x".to_owned(), "2".repeat(32)));
        assert_eq!(board, Err(MissingColumn("Hub ID".into())));
    }

    #[test]
    fn values_have_the_form_of_their_column() {
        let board = board();
        let of = |column: &Option<Column>, spellings: &[&str]| column.as_ref().unwrap().value(spellings).unwrap();
        assert_eq!(
            of(&board.ticket_type, &["feature_request"]),
            json!({"select": {"name": "Feature request"}})
        );
        assert_eq!(
            of(&board.source, &["Mail, old"]),
            json!({"select": {"name": "Mail  old"}})
        );
        assert_eq!(of(&board.hub_link, &[""]), json!({"url": null}));
        assert_eq!(
            board.status_value(TrackerStatus::Done),
            Some(("st%3A1", json!({"status": {"id": "o3"}})))
        );
    }

    #[test]
    fn ids_are_the_same_in_both_spellings() {
        assert!(same_id("st%3A1", "st:1") && same_id("hb%5Bid", "hb%5bid") && !same_id("a%zz", "a"));
        assert!(!same_id("%", "%2") && same_id("%é", "%é"));
    }
}
