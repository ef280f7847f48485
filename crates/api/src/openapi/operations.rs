//! What holds for all operations alike: their names, the header of those that create, and the problems that they can answer.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{scope, short_path};
use crate::problem::{Code, MEDIA_TYPE};

/// The header of a change that is meant for one version.
const IF_MATCH: &str = "If-Match";

/// Completes every operation of the document.
pub(super) fn complete(document: &mut Value) {
    let Some(paths) = document["paths"].as_object_mut() else { return };
    for (path, item) in paths {
        let Some(operations) = item.as_object_mut() else { continue };
        for (method, operation) in operations {
            name_operation(operation, path);
            describe_parameters(operation, method);
            describe_creation(operation);
            describe_problems(operation, path);
        }
    }
}

/// Handlers are named for what they do in their file; an operation's name has to be unique among all.
fn name_operation(operation: &mut Value, path: &str) {
    let name = operation["operationId"].as_str().unwrap_or_default().to_owned();
    let steps = short_path(path).split('/').filter(|step| !step.is_empty() && !step.starts_with('{'));
    let steps: Vec<String> = steps.map(|step| step.replace(['-', '.'], "_")).collect();
    operation["operationId"] = format!("{name}_{}", steps.join("_")).into();
}

fn describe_creation(operation: &mut Value) {
    if let Some(created) = operation.get_mut("responses").and_then(|responses| responses.get_mut("201")) {
        created["headers"] = json!({
            "Location": {"description": "The path of what was made, if it has one.", "schema": {"type": "string", "format": "uri-reference"}},
            "Idempotency-Replayed": {"description": "There if this is the answer to an earlier request with the same `Idempotency-Key`.", "schema": {"type": "string", "const": "true"}},
        });
    }
}

fn describe_parameters(operation: &mut Value, method: &str) {
    let creates = method == "post" && operation["responses"].get("201").is_some();
    if operation.get("parameters").is_none() && creates {
        operation["parameters"] = json!([]);
    }
    let Some(parameters) = operation.get_mut("parameters").and_then(Value::as_array_mut) else { return };
    for parameter in parameters.iter_mut().filter(|parameter| parameter["in"] != "path") {
        // A parameter that is optional may be left out; there is no way to write a null.
        if let Some(kind) = parameter["schema"]["type"].as_array().and_then(|kinds| kinds.first()).cloned() {
            parameter["schema"]["type"] = kind;
        }
    }
    if creates {
        parameters.push(json!({
            "in": "header", "name": "Idempotency-Key", "required": false,
            "description": "Names this request: sent again under the same key within 24 hours it is not carried out again, and gets the first answer with `Idempotency-Replayed: true`.",
            "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$", "examples": ["3f1c8a52-7d0e"]},
        }));
    }
}

/// The problems that an operation can answer, from what it takes: its extractors and the database give them.
fn describe_problems(operation: &mut Value, path: &str) {
    let mut codes = BTreeSet::new();
    if scope(operation).is_some() {
        codes.extend([401, 403, 500, 503]);
        // Unknown parameters are refused.
        codes.insert(400);
    }
    if path.contains('{') {
        codes.insert(404);
    }
    if operation.get("requestBody").is_some() {
        codes.extend([400, 408, 413, 415, 422]);
    }
    if operation["parameters"].as_array().into_iter().flatten().any(|parameter| parameter["name"] == IF_MATCH)
    {
        codes.insert(412);
    }
    let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) else { return };
    for code in codes {
        let name = code.to_string();
        let reference = json!({"$ref": format!("#/components/responses/Problem{name}")});
        responses.entry(name).or_insert(reference);
    }
    responses.sort_keys();
}

/// One response for each status that problems have.
pub(super) fn problems() -> Value {
    let mut responses = Map::new();
    for code in Code::ALL {
        let status = code.status().as_u16();
        let response = responses.entry(format!("Problem{status}")).or_insert_with(|| {
            let mut response = json!({
                "description": "",
                "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
            });
            let header = match code {
                Code::Unauthorized => Some(("WWW-Authenticate", json!({"type": "string"}))),
                Code::Unavailable => Some(("Retry-After", json!({"type": "integer", "minimum": 0}))),
                _ => None,
            };
            if let Some((name, schema)) = header {
                response["headers"] = json!({name: {"schema": schema, "required": true}});
            }
            response
        });
        let known = response["description"].as_str().unwrap_or_default();
        let separator = if known.is_empty() { "" } else { " · " };
        response["description"] = format!("{known}{separator}`{}`: {}", code.as_str(), code.title()).into();
    }
    responses.into()
}
