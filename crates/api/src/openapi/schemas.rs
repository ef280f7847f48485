//! Schemas as they are derived from types, made into what clients and the validator need.

use serde_json::{Map, Value, json};

use super::{PAGE_PREFIX, SCHEMAS, body_schema, operations, patch_of};

/// The largest whole number that every JSON reader keeps exactly (RFC 8259, section 6).
const MAX_EXACT_INTEGER: i64 = (1 << 53) - 1;
/// What is said of a patch.
const PATCH_DESCRIPTION: &str =
    "A JSON merge patch (RFC 7396): what is left out stays as it is, and `null` sets it back to its default.";

/// Completes every schema of the document.
pub(super) fn complete(document: &mut Value) {
    each_schema(document, &mut merge_default);
    add_patches(document);
    flatten_components(&mut document["components"]["schemas"]);
    refer_to_entries(&mut document["components"]["schemas"]);
    each_schema(document, &mut close_variants);
    each_schema(document, &mut bound_integers);
}

/// A PATCH says what it is a patch of: its body is a merge patch (RFC 7396) of that.
fn add_patches(document: &mut Value) {
    let patches = operations(document).filter(|(_, method, _)| *method == "patch");
    let patched: Vec<(String, String)> = patches
        .filter_map(|(path, _, operation)| Some((path.to_owned(), body_schema(operation)?.to_owned())))
        .collect();
    for (path, whole) in patched {
        let patch = patch_of(&whole);
        let schemas = &document["components"]["schemas"];
        let mut schema = patch_of_object(&schemas[&whole], schemas);
        schema["description"] = PATCH_DESCRIPTION.into();
        document["components"]["schemas"][&patch] = schema;
        let content = json!({"schema": {"$ref": format!("{SCHEMAS}{patch}")}});
        document["paths"][path]["patch"]["requestBody"]["content"] =
            json!({"application/merge-patch+json": content, "application/json": content});
    }
}

/// The same members, of which none is required and each may be `null`; so on inwards, but not into arrays, which a merge
/// patch replaces.
fn patch_of_object(schema: &Value, schemas: &Value) -> Value {
    let or_null = |member: &Value| {
        let description = member["description"].as_str();
        let mut or_null = json!({"oneOf": [{"type": "null"}, patch_of_member(member, schemas)]});
        // What explains the member stays where readers look for it.
        if let Some(description) = description {
            or_null["description"] = description.into();
        }
        or_null
    };
    let mut patch = schema.clone();
    if let Some(members) = patch.as_object_mut() {
        members.shift_remove("required");
    }
    for member in
        patch.get_mut("properties").and_then(Value::as_object_mut).into_iter().flat_map(Map::values_mut)
    {
        *member = or_null(member);
    }
    if let Some(member) = patch.get_mut("additionalProperties").filter(|member| member.is_object()) {
        *member = or_null(member);
    }
    patch
}

fn patch_of_member(member: &Value, schemas: &Value) -> Value {
    let referred = member["$ref"].as_str().and_then(|reference| reference.strip_prefix(SCHEMAS));
    let target = referred.map_or(member, |name| &schemas[name]);
    if target["type"] == "object" { patch_of_object(target, schemas) } else { member.clone() }
}

/// Calls `change` for every object of the document that may be a schema, inner ones first.
fn each_schema(value: &mut Value, change: &mut impl FnMut(&mut Map<String, Value>)) {
    match value {
        Value::Object(members) => {
            members.values_mut().for_each(|member| each_schema(member, change));
            change(members);
        }
        Value::Array(items) => items.iter_mut().for_each(|item| each_schema(item, change)),
        _ => {}
    }
}

/// Entries of pages have schemas of their own: a page refers to that instead of repeating it.
fn refer_to_entries(schemas: &mut Value) {
    let Some(known) = schemas.as_object_mut() else { return };
    let names: Vec<String> = known.keys().cloned().collect();
    for name in names {
        let Some(entry) = name.strip_prefix(PAGE_PREFIX).filter(|entry| known.contains_key(*entry)) else {
            continue;
        };
        known[&name]["properties"]["data"]["items"] = json!({"$ref": format!("{SCHEMAS}{entry}")});
    }
}

/// What is told apart by its member `type` takes no members of its siblings, nor unknown ones.
fn close_variants(schema: &mut Map<String, Value>) {
    let variants = schema.get_mut("oneOf").and_then(Value::as_array_mut).into_iter().flatten();
    for variant in variants.filter(|variant| variant["properties"]["type"]["enum"].is_array()) {
        variant["additionalProperties"] = false.into();
    }
}

/// A schema that stands in its place and has a default is described as both of these: make it one.
fn merge_default(schema: &mut Map<String, Value>) {
    let Some([inline, with_default]) = schema.get("allOf").and_then(Value::as_array).map(Vec::as_slice)
    else {
        return;
    };
    if let (Some(mut merged), Some(default)) = (inline.as_object().cloned(), with_default.get("default")) {
        merged.insert("default".to_owned(), default.clone());
        *schema = merged;
    }
}

/// Gives whole numbers the bounds that their format has.
fn bound_integers(schema: &mut Map<String, Value>) {
    let (minimum, maximum) = match schema.get("format").and_then(Value::as_str) {
        Some("int64") => (-MAX_EXACT_INTEGER, MAX_EXACT_INTEGER),
        Some("int32") => (i64::from(i32::MIN), i64::from(i32::MAX)),
        _ => return,
    };
    schema.entry("minimum").or_insert(minimum.into());
    schema.entry("maximum").or_insert(maximum.into());
}

/// Turns what consists of several schemas into one object: a view whose settings are those of a body, which takes no other
/// members. An answer has all members of a body, also those that a body may leave out.
fn flatten_components(schemas: &mut Value) {
    let Some(known) = schemas.as_object().cloned() else { return };
    for (name, schema) in known.iter().filter(|(_, schema)| schema["allOf"].is_array()) {
        let (mut properties, mut required) = (Map::new(), Vec::new());
        // Its own members, which stand last, come first: an id before everything else.
        for part in schema["allOf"].as_array().into_iter().flatten().rev() {
            let referred = part["$ref"].as_str().and_then(|target| target.rsplit('/').next());
            let part = referred.map_or(part, |target| &known[target]);
            let members = part["properties"].as_object().cloned().unwrap_or_default();
            if part["additionalProperties"] == false {
                required.extend(members.keys().map(|name| json!(name)));
            } else {
                required.extend(part["required"].as_array().cloned().unwrap_or_default());
            }
            properties.extend(members);
        }
        schemas[name] = json!({
            "type": "object",
            "description": schema["description"],
            "required": required,
            "properties": properties,
        });
    }
}
