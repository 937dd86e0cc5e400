//! Query filters: what may be asked, and whether a page matches.

use chrono::{DateTime, DurationRound, NaiveDate, TimeDelta, Utc};
use serde_json::Value;

use super::{
    Refusal,
    page::Page,
    schema::{Kind, Property, Schema},
};

/// Compound filters nest this deep.
const DEPTH: usize = 2;

/// A filter that was checked against the schema.
#[derive(Debug)]
pub(super) enum Filter {
    All(Vec<Self>),
    Any(Vec<Self>),
    Created(DateTest),
    Edited(DateTest),
    Property(Box<Property>, TextTest),
}

/// A condition on a moment, compared by the minute as Notion stores it.
#[derive(Debug)]
pub(super) enum DateTest {
    Equals(Moment),
    Before(Moment),
    After(Moment),
    OnOrBefore(Moment),
    OnOrAfter(Moment),
}

/// A minute, or a whole day for a bare date.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    from: DateTime<Utc>,
    until: DateTime<Utc>,
}

/// A condition on what a cell reads.
#[derive(Debug)]
pub(super) enum TextTest {
    Equals(String),
    DoesNotEqual(String),
    Contains(String),
    DoesNotContain(String),
    StartsWith(String),
    EndsWith(String),
    IsEmpty,
    IsNotEmpty,
}

impl Filter {
    pub(super) fn read(value: &Value, schema: &Schema) -> Result<Self, Refusal> {
        Self::read_at(value, schema, "body.filter", 0)
    }

    fn read_at(value: &Value, schema: &Schema, path: &str, depth: usize) -> Result<Self, Refusal> {
        for (name, wrap) in [("and", Self::All as fn(Vec<Self>) -> Self), ("or", Self::Any)] {
            let Some(parts) = value.get(name) else { continue };
            if depth == DEPTH {
                return Err(Refusal::validation(format!(
                    "body failed validation: {path}: filters nest two levels deep at most."
                )));
            }
            let Some(parts) = parts.as_array() else {
                return Err(invalid(&format!("{path}.{name}"), "an array"));
            };
            let parts = parts
                .iter()
                .enumerate()
                .map(|(index, part)| Self::read_at(part, schema, &format!("{path}.{name}[{index}]"), depth + 1));
            return parts.collect::<Result<_, _>>().map(wrap);
        }
        if let Some(timestamp) = value.get("timestamp") {
            return read_timestamp(value, timestamp, path);
        }
        let Some(key) = value["property"].as_str() else {
            return Err(invalid(&format!("{path}.property"), "defined"));
        };
        let property = schema
            .find(key)
            .ok_or_else(|| Refusal::validation(format!("Could not find property with name or id: {key}")))?;
        let kind = property.kind.as_str();
        let Some(condition) = value.get(kind) else {
            return Err(Refusal::validation(format!(
                "database property {kind} does not match filter of {path}"
            )));
        };
        let test = TextTest::read(condition, property.kind, &format!("{path}.{kind}"))?;
        Ok(Self::Property(Box::new(property.clone()), test))
    }

    pub(super) fn matches(&self, page: &Page) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.matches(page)),
            Self::Any(parts) => parts.iter().any(|part| part.matches(page)),
            Self::Created(test) => test.holds(page.created_at),
            Self::Edited(test) => test.holds(page.last_edited_at),
            Self::Property(property, test) => test.holds(page.plain(property).as_deref()),
        }
    }
}

fn invalid(path: &str, expected: &str) -> Refusal {
    Refusal::validation(format!("body failed validation: {path} should be {expected}."))
}

fn read_timestamp(value: &Value, timestamp: &Value, path: &str) -> Result<Filter, Refusal> {
    if value.get("property").is_some() {
        return Err(invalid(&format!("{path}.property"), "not present"));
    }
    let wrap: fn(DateTest) -> Filter = match timestamp.as_str() {
        Some("created_time") => Filter::Created,
        Some("last_edited_time") => Filter::Edited,
        _ => {
            return Err(invalid(
                &format!("{path}.timestamp"),
                "`\"created_time\"` or `\"last_edited_time\"`",
            ));
        }
    };
    let name = timestamp.as_str().unwrap_or_default();
    DateTest::read(&value[name], &format!("{path}.{name}")).map(wrap)
}

/// Takes the one operator of a condition.
fn only_operator<'a>(condition: &'a Value, path: &str) -> Result<(&'a str, &'a Value), Refusal> {
    let operators = condition.as_object().ok_or_else(|| invalid(path, "an object"))?;
    match operators.iter().next() {
        Some((name, value)) if operators.len() == 1 => Ok((name, value)),
        _ => Err(invalid(path, "an object with one condition")),
    }
}

impl DateTest {
    fn read(condition: &Value, path: &str) -> Result<Self, Refusal> {
        let (name, value) = only_operator(condition, path)?;
        let wrap: fn(Moment) -> Self = match name {
            "equals" => Self::Equals,
            "before" => Self::Before,
            "after" => Self::After,
            "on_or_before" => Self::OnOrBefore,
            "on_or_after" => Self::OnOrAfter,
            _ => {
                return Err(Refusal::validation(format!(
                    "body failed validation: {path}.{name} should be not present."
                )));
            }
        };
        let moment = value.as_str().and_then(Moment::read);
        moment
            .map(wrap)
            .ok_or_else(|| invalid(&format!("{path}.{name}"), "a valid ISO 8601 date string"))
    }

    fn holds(&self, at: DateTime<Utc>) -> bool {
        let at = minute(at);
        match self {
            Self::Equals(moment) => moment.from <= at && at < moment.until,
            Self::Before(moment) => at < moment.from,
            Self::After(moment) => at >= moment.until,
            Self::OnOrBefore(moment) => at < moment.until,
            Self::OnOrAfter(moment) => at >= moment.from,
        }
    }
}

fn minute(at: DateTime<Utc>) -> DateTime<Utc> {
    at.duration_trunc(TimeDelta::minutes(1)).unwrap_or(at)
}

impl Moment {
    fn read(text: &str) -> Option<Self> {
        if let Ok(at) = DateTime::parse_from_rfc3339(text) {
            let at = at.with_timezone(&Utc);
            // The bound itself keeps its seconds; only what is compared with it was rounded.
            return Some(Self {
                from: at,
                until: at + TimeDelta::milliseconds(1),
            });
        }
        let day = text.parse::<NaiveDate>().ok()?.and_hms_opt(0, 0, 0)?.and_utc();
        Some(Self {
            from: day,
            until: day + TimeDelta::days(1),
        })
    }
}

impl TextTest {
    fn read(condition: &Value, kind: Kind, path: &str) -> Result<Self, Refusal> {
        let (name, value) = only_operator(condition, path)?;
        let is_choice = matches!(kind, Kind::Select | Kind::Status);
        let wrap: fn(String) -> Self = match name {
            "is_empty" | "is_not_empty" if value != true => return Err(invalid(&format!("{path}.{name}"), "`true`")),
            "is_empty" => return Ok(Self::IsEmpty),
            "is_not_empty" => return Ok(Self::IsNotEmpty),
            "equals" => Self::Equals,
            "does_not_equal" => Self::DoesNotEqual,
            "contains" if !is_choice => Self::Contains,
            "does_not_contain" if !is_choice => Self::DoesNotContain,
            "starts_with" if !is_choice => Self::StartsWith,
            "ends_with" if !is_choice => Self::EndsWith,
            _ => {
                return Err(Refusal::validation(format!(
                    "body failed validation: {path}.{name} should be not present."
                )));
            }
        };
        value
            .as_str()
            .map(|text| wrap(text.to_owned()))
            .ok_or_else(|| invalid(&format!("{path}.{name}"), "a string"))
    }

    fn holds(&self, text: Option<&str>) -> bool {
        let value = text.unwrap_or_default();
        match self {
            Self::Equals(wanted) => text.is_some() && value == wanted,
            Self::DoesNotEqual(wanted) => value != wanted,
            Self::Contains(part) => lower(value).contains(&lower(part)),
            Self::DoesNotContain(part) => !lower(value).contains(&lower(part)),
            Self::StartsWith(part) => lower(value).starts_with(&lower(part)),
            Self::EndsWith(part) => lower(value).ends_with(&lower(part)),
            Self::IsEmpty => value.is_empty(),
            Self::IsNotEmpty => !value.is_empty(),
        }
    }
}

fn lower(text: &str) -> String {
    text.to_lowercase()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::{
        super::{Author, value::Cell},
        *,
    };

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn page(edited: &str) -> Page {
        let text = Cell::Text(vec![super::super::rich_text::from_text("01J-ÁRBOL")]);
        let cells = BTreeMap::from([("hb%5Bid", text), ("st%3A1", Cell::Choice(Some("opt-done".into())))]);
        Page::new("p".into(), at(edited), Author::Integration, cells)
    }

    fn matches(filter: Value, page: &Page) -> bool {
        Filter::read(&filter, &Schema::demo()).unwrap().matches(page)
    }

    #[test]
    fn edits_are_seen_by_the_minute() {
        let page = page("2026-01-01T10:04:37.500Z");
        let filter =
            |operator: &str, time: &str| json!({"timestamp": "last_edited_time", "last_edited_time": {operator: time}});
        assert!(matches(filter("on_or_after", "2026-01-01T10:04:00.000Z"), &page));
        assert!(
            !matches(filter("on_or_after", "2026-01-01T10:04:30.000Z"), &page),
            "the stamp is 10:04:00"
        );
        assert!(!matches(filter("after", "2026-01-01T10:04:00.000Z"), &page));
        assert!(matches(filter("equals", "2026-01-01"), &page));
        assert!(matches(filter("before", "2026-01-02"), &page));
    }

    #[test]
    fn properties_are_compared_by_what_they_read() {
        let page = page("2026-01-01T10:04:37Z");
        let cases = [
            (
                json!({"property": "Hub ID", "rich_text": {"equals": "01J-ÁRBOL"}}),
                true,
            ),
            (json!({"property": "Hub ID", "rich_text": {"equals": "01J"}}), false),
            (json!({"property": "hb[id", "rich_text": {"starts_with": "01j"}}), true),
            (json!({"property": "Status", "status": {"equals": "Done"}}), true),
            (
                json!({"property": "Status", "status": {"does_not_equal": "Done"}}),
                false,
            ),
            (json!({"property": "Priority", "select": {"is_empty": true}}), true),
            (
                json!({"or": [{"property": "Status", "status": {"equals": "x"}}, {"property": "Name", "title": {"is_empty": true}}]}),
                true,
            ),
        ];
        for (filter, expected) in cases {
            assert_eq!(matches(filter.clone(), &page), expected, "{filter}");
        }
    }

    #[test]
    fn wrong_filters_are_refused() {
        for bad in [
            json!({"timestamp": "last_edited_time", "property": "x", "last_edited_time": {"after": "2026-01-01"}}),
            json!({"timestamp": "last_edited_time", "last_edited_time": {"after": "yesterday"}}),
            json!({"property": "Nope", "rich_text": {"equals": "x"}}),
            json!({"property": "Status", "select": {"equals": "Done"}}),
            json!({"property": "Status", "status": {"contains": "Do"}}),
            json!({"and": [{"or": [{"and": []}]}]}),
        ] {
            assert!(Filter::read(&bad, &Schema::demo()).is_err(), "{bad}");
        }
    }
}
