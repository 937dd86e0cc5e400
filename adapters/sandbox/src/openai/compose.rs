//! An answer to any schema: property names and enums say what is wanted.

use serde_json::{Value, json};

use super::{
    concern::Concern,
    reading::{Language, Reading},
    strict_schema::is_of_type,
};

/// References are followed this far, so that a recursive schema ends.
const DEPTH: usize = 8;

/// A value that the schema accepts.
pub(super) fn answer(schema: &Value, reading: &Reading) -> Value {
    Composer { root: schema, reading }.value(schema, "", 0)
}

/// Plain words for a person, in their language.
pub(super) fn sentence(reading: &Reading) -> String {
    let title = &reading.title;
    match (reading.language, reading.concern) {
        (Language::Spanish, Concern::Feature) => {
            format!("¡Buenas noticias! Ya está disponible lo que nos pediste: «{title}». Gracias por la idea.")
        }
        (Language::Spanish, Concern::Question) => format!(
            "Sobre tu consulta «{title}»: ya tenemos la respuesta y la dejamos resuelta. Gracias por escribirnos."
        ),
        (Language::Spanish, _) => {
            format!("Ya está resuelto lo que nos contaste: «{title}». Gracias por avisarnos, y disculpá las molestias.")
        }
        (Language::English, Concern::Feature) => {
            format!("Good news: what you asked for is now available: \"{title}\". Thank you for the idea.")
        }
        (Language::English, Concern::Question) => format!(
            "About your question \"{title}\": we now have the answer, and it is sorted out. Thank you for writing."
        ),
        (Language::English, _) => format!(
            "What you told us about is now fixed: \"{title}\". Thank you for letting us know, and sorry for the trouble."
        ),
    }
}

fn summary(reading: &Reading) -> String {
    let title = &reading.title;
    match reading.language {
        Language::Spanish => format!("La persona informa: {title}."),
        Language::English => format!("The person reports: {title}."),
    }
}

struct Composer<'a> {
    root: &'a Value,
    reading: &'a Reading,
}

impl Composer<'_> {
    fn value(&self, schema: &Value, name: &str, depth: usize) -> Value {
        if depth > DEPTH {
            return Value::Null;
        }
        if let Some(target) = schema["$ref"].as_str() {
            let pointer = target.trim_start_matches('#');
            return self
                .root
                .pointer(pointer)
                .map_or(Value::Null, |schema| self.value(schema, name, depth + 1));
        }
        if let Some(constant) = schema.get("const") {
            return constant.clone();
        }
        if let Some(choices) = schema["enum"].as_array() {
            return self.choice(choices, name);
        }
        if let Some(parts) = schema["anyOf"].as_array() {
            let part = parts.iter().find(|part| part["type"] != "null").or(parts.first());
            return part.map_or(Value::Null, |part| self.value(part, name, depth + 1));
        }
        if is_of_type(schema, "object") {
            let properties = schema["properties"].as_object().into_iter().flatten();
            return properties
                .map(|(key, property)| (key.clone(), self.value(property, key, depth + 1)))
                .collect();
        }
        if is_of_type(schema, "array") {
            let count = schema["minItems"].as_u64().unwrap_or(0);
            return (0..count)
                .map(|_| self.value(&schema["items"], name, depth + 1))
                .collect();
        }
        if is_of_type(schema, "string") {
            return self.text(schema, name);
        }
        if is_of_type(schema, "integer") {
            let value = bounded(
                schema,
                if is_about_rank(name) {
                    self.reading.severity as f64
                } else {
                    1.0
                },
            );
            return json!(value as i64);
        }
        if is_of_type(schema, "number") {
            return json!(bounded(schema, 0.8));
        }
        if is_of_type(schema, "boolean") {
            return json!(false);
        }
        Value::Null
    }

    fn choice(&self, choices: &[Value], name: &str) -> Value {
        let names: Vec<String> = choices
            .iter()
            .map(|choice| choice.as_str().unwrap_or_default().to_lowercase())
            .collect();
        let lower = name.to_lowercase();
        let index = if names.iter().any(|name| name == "es" || name == "en") {
            let wanted = match self.reading.language {
                Language::Spanish => "es",
                Language::English => "en",
            };
            names.iter().position(|name| name == wanted)
        } else if is_about_rank(&lower) {
            self.rank(&names)
        } else {
            names
                .iter()
                .position(|name| stems(self.reading.concern).iter().any(|stem| name.contains(stem)))
        };
        index
            .and_then(|index| choices.get(index))
            .or(choices.iter().find(|choice| !choice.is_null()))
            .cloned()
            .unwrap_or_default()
    }

    /// `P2`, `2`, or a word such as `high`; else the place in the list, taken as worst first.
    fn rank(&self, names: &[String]) -> Option<usize> {
        let severity = self.reading.severity;
        let numbered = names
            .iter()
            .position(|name| name.trim_start_matches(['p', 's']).parse() == Ok(severity));
        let words: &[&str] = match severity {
            0 => &["critical", "urgent", "crítica", "critica", "blocker"],
            1 => &["high", "alta", "urgent"],
            2 | 3 => &["medium", "normal", "media"],
            _ => &["low", "baja", "minor"],
        };
        let worded = names.iter().position(|name| words.contains(&name.as_str()));
        numbered
            .or(worded)
            .or_else(|| names.len().checked_sub(1).map(|last| severity.min(last)))
    }

    fn text(&self, schema: &Value, name: &str) -> Value {
        let lower = name.to_lowercase();
        let about = |stems: &[&str]| stems.iter().any(|stem| lower.contains(stem));
        let text = if about(&["title", "subject", "titulo", "headline"]) {
            self.reading.title.clone()
        } else if about(&["language", "locale", "idioma"]) {
            match self.reading.language {
                Language::Spanish => "es".to_owned(),
                Language::English => "en".to_owned(),
            }
        } else if about(&["summary", "resumen", "description"]) {
            summary(self.reading)
        } else if about(&["reason", "rationale", "explanation", "evidence", "why", "note"]) {
            match self.reading.language {
                Language::Spanish => "Según las palabras del mensaje.".to_owned(),
                Language::English => "Judging by the words of the message.".to_owned(),
            }
        } else {
            sentence(self.reading)
        };
        match schema["maxLength"]
            .as_u64()
            .and_then(|limit| usize::try_from(limit).ok())
        {
            Some(limit) => json!(text.chars().take(limit).collect::<String>()),
            None => json!(text),
        }
    }
}

fn is_about_rank(name: &str) -> bool {
    ["priority", "severity", "urgency", "prioridad", "severidad", "urgencia"]
        .iter()
        .any(|stem| name.to_lowercase().contains(stem))
}

fn stems(concern: Concern) -> &'static [&'static str] {
    match concern {
        Concern::Incident => &["incident", "outage", "emergency"],
        Concern::Bug => &["bug", "defect", "error", "problem"],
        Concern::Feature => &["feature", "request", "improvement", "idea"],
        Concern::Question => &["question", "help", "how"],
    }
}

fn bounded(schema: &Value, value: f64) -> f64 {
    let low = schema["minimum"].as_f64().unwrap_or(f64::MIN);
    let high = schema["maximum"].as_f64().unwrap_or(f64::MAX);
    if low <= high { value.clamp(low, high) } else { low }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(text: &str) -> Reading {
        Reading::of(&[("user".into(), text.into())])
    }

    #[test]
    fn enums_are_answered_from_the_words() {
        let schema = json!({"type": "object", "properties": {
            "type": {"type": "string", "enum": ["bug", "feature_request", "question", "incident"]},
            "priority": {"type": "string", "enum": ["P0", "P1", "P2", "P3", "P4", "P5"]},
            "confidence": {"type": "number", "minimum": 0, "maximum": 0.5},
            "summary": {"type": "string", "maxLength": 30},
            "hint": {"type": ["string", "null"]},
            "tags": {"type": "array", "items": {"type": "string"}},
        }});
        let answer = answer(&schema, &reading("La factura sale con error, me cobraron de más"));
        assert_eq!(answer["type"], "bug");
        assert_eq!(answer["priority"], "P1");
        assert_eq!(answer["confidence"], 0.5);
        assert!(answer["summary"].as_str().unwrap().chars().count() <= 30);
        assert_eq!(answer["tags"], json!([]));
    }

    #[test]
    fn other_names_for_the_same_things_work_as_well() {
        let schema = json!({"type": "object", "properties": {
            "category": {"enum": ["other", "defect"]}, "severity": {"enum": ["low", "medium", "high"]}, "lang": {"enum": ["en", "es"]},
        }});
        let answer = answer(&schema, &reading("no funciona la búsqueda"));
        assert_eq!(
            answer,
            json!({"category": "defect", "severity": "medium", "lang": "es"})
        );
    }

    #[test]
    fn references_and_recursion_end() {
        let schema = json!({
            "type": "object", "properties": {"node": {"$ref": "#/$defs/node"}},
            "$defs": {"node": {"type": "object", "properties": {"next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}}}},
        });
        assert!(answer(&schema, &reading("x"))["node"].is_object());
    }

    #[test]
    fn a_draft_is_in_the_readers_language() {
        assert!(sentence(&reading("No puedo exportar el reporte")).starts_with("Ya está resuelto"));
        assert!(sentence(&reading("The export fails with an error")).starts_with("What you told us"));
    }
}
