//! The data source's columns, and what may change in them while the hub runs.

use serde_json::{Value, json};

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Title,
    RichText,
    Status,
    Select,
    Url,
}

impl Kind {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Title => "title",
            Self::RichText => "rich_text",
            Self::Status => "status",
            Self::Select => "select",
            Self::Url => "url",
        }
    }
}

/// A choice of a select or status column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Choice {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) color: &'static str,
    /// Status columns sort their choices into groups.
    pub(super) group: Option<&'static str>,
}

impl Choice {
    fn shape(&self) -> Value {
        json!({"id": self.id, "name": self.name, "color": self.color, "description": null})
    }
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Property {
    /// As answers have it, percent-encoded where needed.
    pub(super) id: &'static str,
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) choices: Vec<Choice>,
}

impl Property {
    pub(super) fn choice(&self, id: &str) -> Option<&Choice> {
        self.choices.iter().find(|choice| choice.id == id)
    }

    pub(super) fn choice_named(&self, name: &str) -> Option<&Choice> {
        self.choices.iter().find(|choice| choice.name == name)
    }
}

/// All columns.
#[derive(Debug, Clone)]
pub(super) struct Schema {
    properties: Vec<Property>,
}

const GROUPS: [(&str, &str, &str); 3] = [
    ("grp-todo", "To-do", "gray"),
    ("grp-doing", "In progress", "blue"),
    ("grp-done", "Complete", "green"),
];
const COLORS: [&str; 6] = ["blue", "green", "yellow", "orange", "pink", "purple"];

impl Schema {
    /// The columns that the hub expects of a fresh workspace.
    pub(super) fn demo() -> Self {
        let plain = |id, name: &str, kind| Property {
            id,
            name: name.to_owned(),
            kind,
            choices: Vec::new(),
        };
        let status = |id: &str, name: &str, color, group| Choice {
            id: id.into(),
            name: name.into(),
            color,
            group: Some(group),
        };
        let select = |id, name: &str, names: &[&str]| Property {
            id,
            name: name.to_owned(),
            kind: Kind::Select,
            choices: names
                .iter()
                .zip(COLORS)
                .map(|(name, color)| Choice {
                    id: format!("{id}-{name}"),
                    name: (*name).to_owned(),
                    color,
                    group: None,
                })
                .collect(),
        };
        Self {
            properties: vec![
                plain("title", "Name", Kind::Title),
                Property {
                    id: "st%3A1",
                    name: "Status".into(),
                    kind: Kind::Status,
                    choices: vec![
                        status("opt-todo", "Not started", "default", "grp-todo"),
                        status("opt-doing", "In progress", "blue", "grp-doing"),
                        status("opt-done", "Done", "green", "grp-done"),
                    ],
                },
                select("prio", "Priority", &["P0", "P1", "P2", "P3", "P4", "P5"]),
                select("type", "Type", &["bug", "feature_request", "question", "incident"]),
                select("src%5E", "Source", &["slack", "intercom", "whatsapp"]),
                plain("rptr", "Reporter", Kind::RichText),
                plain("sprt", "Sprint", Kind::RichText),
                plain("hb%5Bid", "Hub ID", Kind::RichText),
                plain("link", "Hub link", Kind::Url),
            ],
        }
    }

    pub(super) fn properties(&self) -> &[Property] {
        &self.properties
    }

    /// By exact name, or by id in either spelling.
    pub(super) fn find(&self, key: &str) -> Option<&Property> {
        self.properties
            .iter()
            .find(|property| property.name == key || property.id == key || decode(property.id) == key)
    }

    pub(super) fn of_kind(&self, kind: Kind) -> Option<&Property> {
        self.properties.iter().find(|property| property.kind == kind)
    }

    /// A choice of a select column, made on the fly if it is new.
    pub(super) fn select_choice(&mut self, property_id: &str, name: &str) -> Option<String> {
        let property = self.properties.iter_mut().find(|property| property.id == property_id)?;
        if let Some(choice) = property.choice_named(name) {
            return Some(choice.id.clone());
        }
        let count = property.choices.len();
        let choice = Choice {
            id: format!("{}-{}", property.id, count + 1),
            name: name.to_owned(),
            color: COLORS[count % COLORS.len()],
            group: None,
        };
        property.choices.push(choice.clone());
        Some(choice.id)
    }

    pub(super) fn rename_property(&mut self, from: &str, to: &str) {
        if let Some(property) = self.properties.iter_mut().find(|property| property.name == from) {
            property.name = to.to_owned();
        }
    }

    pub(super) fn remove_property(&mut self, name: &str) {
        self.properties.retain(|property| property.name != name);
    }

    pub(super) fn rename_choice(&mut self, property: &str, from: &str, to: &str) {
        let property = self.properties.iter_mut().find(|known| known.name == property);
        if let Some(choice) =
            property.and_then(|property| property.choices.iter_mut().find(|choice| choice.name == from))
        {
            choice.name = to.to_owned();
        }
    }

    /// The `properties` of a data source.
    pub(super) fn shape(&self) -> Value {
        let mut shape = json!({});
        for property in &self.properties {
            let mut inner = json!({});
            if matches!(property.kind, Kind::Select | Kind::Status) {
                inner["options"] = property.choices.iter().map(Choice::shape).collect();
            }
            if property.kind == Kind::Status {
                inner["groups"] = GROUPS
                    .iter()
                    .map(|(id, name, color)| {
                        let members = property.choices.iter().filter(|choice| choice.group == Some(id));
                        let option_ids: Vec<&str> = members.map(|choice| choice.id.as_str()).collect();
                        json!({"id": id, "name": name, "color": color, "option_ids": option_ids})
                    })
                    .collect();
            }
            let kind = property.kind.as_str();
            shape[&property.name] =
                json!({"id": property.id, "name": property.name, "type": kind, "description": null, kind: inner});
        }
        shape
    }
}

/// Ids are percent-encoded in answers; requests may use either form.
pub(super) fn decode(id: &str) -> String {
    let mut decoded = Vec::with_capacity(id.len());
    let mut bytes = id.bytes();
    while let Some(byte) = bytes.next() {
        let pair: Vec<u8> = if byte == b'%' {
            bytes.clone().take(2).collect()
        } else {
            Vec::new()
        };
        match std::str::from_utf8(&pair)
            .ok()
            .and_then(|pair| u8::from_str_radix(pair, 16).ok())
        {
            Some(value) if pair.len() == 2 => {
                decoded.push(value);
                bytes.nth(1);
            }
            _ => decoded.push(byte),
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_found_by_name_and_by_either_spelling_of_its_id() {
        let schema = Schema::demo();
        for key in ["Status", "st%3A1", "st:1"] {
            assert_eq!(schema.find(key).unwrap().name, "Status");
        }
        assert!(schema.find("status").is_none(), "names are case-sensitive");
    }

    #[test]
    fn select_makes_choices_and_keeps_their_ids_over_a_rename() {
        let mut schema = Schema::demo();
        let made = schema.select_choice("src%5E", "email").unwrap();
        schema.rename_choice("Source", "email", "correo");
        assert_eq!(schema.find("Source").unwrap().choice(&made).unwrap().name, "correo");
        assert_eq!(schema.select_choice("src%5E", "correo"), Some(made));
    }

    #[test]
    fn the_status_column_names_its_groups() {
        let shape = Schema::demo().shape();
        assert_eq!(
            shape["Status"]["status"]["groups"][2]["option_ids"],
            json!(["opt-done"])
        );
        assert_eq!(shape["Hub ID"]["type"], "rich_text");
    }
}
