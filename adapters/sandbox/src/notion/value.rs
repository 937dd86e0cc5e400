//! One cell: checked on the way in, shaped on the way out.

use serde_json::{Value, json};

use super::{
    Refusal, rich_text,
    schema::{Kind, Property, Schema},
};

const URL_LIMIT: usize = 2_000;
const CHOICE_LIMIT: usize = 100;
/// A page shows no more rich text items of a cell than this; the rest is behind a route of its own.
pub(super) const SHOWN_ITEMS: usize = 25;

/// What a cell holds.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell {
    Text(Vec<Value>),
    /// The choice's id, so that a rename shows.
    Choice(Option<String>),
    Url(Option<String>),
}

impl Cell {
    pub(super) fn empty(kind: Kind) -> Self {
        match kind {
            Kind::Title | Kind::RichText => Self::Text(Vec::new()),
            Kind::Status | Kind::Select => Self::Choice(None),
            Kind::Url => Self::Url(None),
        }
    }

    /// Reads a cell of a request. A select may make a new choice, a status may not.
    pub(super) fn read(schema: &mut Schema, property: &Property, value: &Value) -> Result<Self, Refusal> {
        let (name, kind) = (property.name.as_str(), property.kind);
        let path = format!("body.properties.{name}.{}", kind.as_str());
        let object = value.as_object().ok_or_else(|| {
            Refusal::validation(format!(
                "body failed validation: body.properties.{name} should be an object."
            ))
        })?;
        if object
            .keys()
            .any(|key| key != "id" && key != "type" && key != kind.as_str())
            || !object.contains_key(kind.as_str())
        {
            return Err(Refusal::validation(format!(
                "{name} is expected to be {}.",
                kind.as_str()
            )));
        }
        let inner = &value[kind.as_str()];
        match kind {
            Kind::Title | Kind::RichText => rich_text::read(inner, &path).map(Self::Text),
            Kind::Status => read_status(property, inner, &path).map(Self::Choice),
            Kind::Select => read_select(schema, property, inner, &path).map(Self::Choice),
            Kind::Url => read_url(inner, &path).map(Self::Url),
        }
    }

    /// The cell as a page shows it.
    pub(super) fn shape(&self, property: &Property) -> Value {
        let kind = property.kind.as_str();
        let inner = match self {
            Self::Text(items) => items.iter().take(SHOWN_ITEMS).cloned().collect(),
            Self::Choice(id) => id.as_deref().and_then(|id| property.choice(id)).map_or(
                Value::Null,
                |choice| json!({"id": choice.id, "name": choice.name, "color": choice.color}),
            ),
            Self::Url(url) => json!(url),
        };
        json!({"id": property.id, "type": kind, kind: inner})
    }

    /// What a person reads, and what filters and sorts compare.
    pub(super) fn plain(&self, property: &Property) -> Option<String> {
        match self {
            Self::Text(items) => Some(rich_text::plain(items)).filter(|text| !text.is_empty()),
            Self::Choice(id) => id
                .as_deref()
                .and_then(|id| property.choice(id))
                .map(|choice| choice.name.clone()),
            Self::Url(url) => url.clone(),
        }
    }
}

fn read_status(property: &Property, value: &Value, path: &str) -> Result<Option<String>, Refusal> {
    let by_id = value["id"].as_str().and_then(|id| property.choice(id));
    let choice = by_id.or_else(|| value["name"].as_str().and_then(|name| property.choice_named(name)));
    match (choice, value["name"].as_str().or(value["id"].as_str())) {
        (Some(choice), _) => Ok(Some(choice.id.clone())),
        (None, Some(name)) => Err(Refusal::validation(format!(
            "Invalid status option. Status option \"{name}\" does not exist\"."
        ))),
        (None, None) => Err(Refusal::validation(format!(
            "body failed validation: {path}.name should be defined."
        ))),
    }
}

fn read_select(schema: &mut Schema, property: &Property, value: &Value, path: &str) -> Result<Option<String>, Refusal> {
    if value.is_null() {
        return Ok(None);
    }
    if let Some(choice) = value["id"].as_str().and_then(|id| property.choice(id)) {
        return Ok(Some(choice.id.clone()));
    }
    let name = value["name"].as_str().filter(|name| !name.is_empty());
    let name =
        name.ok_or_else(|| Refusal::validation(format!("body failed validation: {path}.name should be defined.")))?;
    if name.contains(',') {
        return Err(Refusal::validation(format!(
            "Invalid select option, commas not allowed: {name}"
        )));
    }
    if name.encode_utf16().count() > CHOICE_LIMIT {
        return Err(rich_text::too_long(&format!("{path}.name"), CHOICE_LIMIT, name.len()));
    }
    Ok(schema.select_choice(property.id, name))
}

fn read_url(value: &Value, path: &str) -> Result<Option<String>, Refusal> {
    match value {
        Value::Null => Ok(None),
        Value::String(url) if url.is_empty() => Err(Refusal::validation(format!(
            "body failed validation: {path}.length should be ≥ `1`, instead was `0`."
        ))),
        Value::String(url) if url.encode_utf16().count() > URL_LIMIT => {
            Err(rich_text::too_long(path, URL_LIMIT, url.len()))
        }
        Value::String(url) => Ok(Some(url.clone())),
        _ => Err(Refusal::validation(format!(
            "body failed validation: {path} should be a string."
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, value: Value) -> Result<Cell, Refusal> {
        let mut schema = Schema::demo();
        let property = schema.find(name).unwrap().clone();
        Cell::read(&mut schema, &property, &value)
    }

    #[test]
    fn unknown_status_is_refused_and_unknown_select_is_made() {
        assert!(read("Status", json!({"status": {"name": "Done"}})).is_ok());
        let refusal = read("Status", json!({"status": {"name": "Hecho"}})).unwrap_err();
        assert_eq!((refusal.status, refusal.code), (400, "validation_error"));
        assert!(matches!(
            read("Source", json!({"select": {"name": "email"}})),
            Ok(Cell::Choice(Some(_)))
        ));
        assert!(read("Source", json!({"select": {"name": "a, b"}})).is_err());
        assert!(read("Status", json!({"status": null})).is_err());
        assert!(matches!(
            read("Source", json!({"select": null})),
            Ok(Cell::Choice(None))
        ));
    }

    #[test]
    fn a_value_of_the_wrong_type_is_refused() {
        let refusal = read("Status", json!({"select": {"name": "Done"}})).unwrap_err();
        assert_eq!(refusal.message, "Status is expected to be status.");
    }

    #[test]
    fn an_empty_url_is_an_error_and_null_clears() {
        assert!(read("Hub link", json!({"url": ""})).is_err());
        assert!(matches!(read("Hub link", json!({"url": null})), Ok(Cell::Url(None))));
        assert!(
            read(
                "Hub link",
                json!({"url": format!("https://a.example/{}", "x".repeat(2_000))})
            )
            .is_err()
        );
    }
}
