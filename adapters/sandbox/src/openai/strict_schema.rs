//! What a schema must look like to be accepted, above all in strict mode.

use serde_json::Value;

const FORBIDDEN: [&str; 8] = [
    "default",
    "allOf",
    "not",
    "oneOf",
    "if",
    "then",
    "else",
    "dependentSchemas",
];
const DEPTH: usize = 10;

/// Checks a `json_schema` object: name, and the rules of strict mode if it asks for that.
pub(super) fn check(named: &Value) -> Result<(), String> {
    let name = named["name"]
        .as_str()
        .ok_or("Missing required parameter: 'response_format.json_schema.name'.")?;
    let is_name = (1..=64).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    if !is_name {
        return Err(
            "Invalid 'response_format.json_schema.name': string does not match pattern '^[a-zA-Z0-9_-]+$'.".into(),
        );
    }
    let schema = &named["schema"];
    if !schema.is_object() {
        return Err("Missing required parameter: 'response_format.json_schema.schema'.".into());
    }
    if named["strict"] != true {
        return Ok(());
    }
    let invalid = |reason: String| format!("Invalid schema for response_format '{name}': {reason}");
    if schema["type"] != "object" {
        return Err(invalid("schema must be a JSON Schema of 'type: \"object\"'.".into()));
    }
    check_node(schema, "()", 0).map_err(invalid)?;
    for definitions in ["$defs", "definitions"] {
        for (name, definition) in schema[definitions].as_object().into_iter().flatten() {
            check_node(definition, name, 1).map_err(invalid)?;
        }
    }
    Ok(())
}

fn check_node(node: &Value, context: &str, depth: usize) -> Result<(), String> {
    if depth > DEPTH {
        return Err(format!("In context={context}, the schema nests too deep."));
    }
    let Some(fields) = node.as_object() else {
        return Err(format!("In context={context}, schema must be an object."));
    };
    if let Some(keyword) = fields.keys().find(|key| FORBIDDEN.contains(&key.as_str())) {
        return Err(format!("In context={context}, '{keyword}' is not permitted."));
    }
    if !["type", "anyOf", "$ref", "enum", "const"]
        .iter()
        .any(|key| fields.contains_key(*key))
    {
        return Err(format!("In context={context}, schema must have a 'type' key."));
    }
    for part in node["anyOf"].as_array().into_iter().flatten() {
        check_node(part, context, depth + 1)?;
    }
    if is_of_type(node, "array") {
        check_node(&node["items"], &format!("{context}.items"), depth + 1)?;
    }
    if is_of_type(node, "object") {
        check_object(node, context, depth)?;
    }
    Ok(())
}

fn check_object(node: &Value, context: &str, depth: usize) -> Result<(), String> {
    if node["additionalProperties"] != false {
        return Err(format!(
            "In context={context}, 'additionalProperties' is required to be supplied and to be false."
        ));
    }
    let required: Vec<&str> = node["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    for (name, property) in node["properties"].as_object().into_iter().flatten() {
        if !required.contains(&name.as_str()) {
            return Err(format!(
                "In context={context}, 'required' is required to be supplied and to be an array including every key in properties. Missing '{name}'."
            ));
        }
        check_node(property, &format!("{context}.{name}"), depth + 1)?;
    }
    Ok(())
}

/// `type` is a name or a list of names.
pub(super) fn is_of_type(node: &Value, name: &str) -> bool {
    node["type"] == name
        || node["type"]
            .as_array()
            .is_some_and(|types| types.iter().any(|kind| kind == name))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn named(schema: Value) -> Value {
        json!({"name": "triage", "strict": true, "schema": schema})
    }

    #[test]
    fn a_good_schema_passes() {
        let schema = json!({
            "type": "object", "additionalProperties": false, "required": ["type", "note"],
            "properties": {"type": {"type": "string", "enum": ["a"]}, "note": {"type": ["string", "null"]}},
        });
        assert_eq!(check(&named(schema)), Ok(()));
    }

    #[test]
    fn strict_mode_is_strict() {
        for bad in [
            json!({"type": "array", "items": {"type": "string"}}),
            json!({"type": "object", "required": [], "properties": {}}),
            json!({"type": "object", "additionalProperties": false, "required": [], "properties": {"a": {"type": "string"}}}),
            json!({"type": "object", "additionalProperties": false, "required": ["a"], "properties": {"a": {"type": "string", "default": "x"}}}),
            json!({"type": "object", "additionalProperties": false, "required": ["a"], "properties": {"a": {"oneOf": []}}}),
            json!({"type": "object", "additionalProperties": false, "required": ["a"], "properties": {"a": {"description": "no type"}}}),
        ] {
            assert!(check(&named(bad.clone())).is_err(), "{bad}");
        }
        assert!(check(&json!({"name": "not a name!", "schema": {}})).is_err());
    }
}
