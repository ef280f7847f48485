//! Completes the OpenAPI document that the handlers describe: what holds for all operations is said here, once.

use std::collections::BTreeSet;

use domain::catalog;
use serde_json::{Map, Value, json};

use crate::BASE;
use crate::problem::{Code, MEDIA_TYPE};

/// The largest whole number that every JSON reader keeps exactly (RFC 8259, section 6).
const MAX_EXACT_INTEGER: i64 = (1 << 53) - 1;
/// The name of the security scheme.
const SCHEME: &str = "api_key";
/// What the name of the schema of a patch ends with, behind that of the whole.
const PATCH_SUFFIX: &str = "Patch";
/// What is said of it.
const PATCH_DESCRIPTION: &str =
    "A JSON merge patch (RFC 7396): what is left out stays as it is, and `null` sets it back to its default.";
/// What the name of the schema of a page begins with, in front of that of its entries.
const PAGE_PREFIX: &str = "Page_";
/// Where schemas are.
const SCHEMAS: &str = "#/components/schemas/";

/// Every operation of a document: its path, its method in lower case, and what is said of it.
pub fn operations(document: &Value) -> impl Iterator<Item = (&str, &str, &Value)> {
    let paths = document["paths"].as_object().into_iter().flatten();
    paths.flat_map(|(path, item)| {
        let operations = item.as_object().into_iter().flatten();
        operations.map(move |(method, operation)| (path.as_str(), method.as_str(), operation))
    })
}

/// The name of the schema of an operation's JSON body.
pub fn body_schema(operation: &Value) -> Option<&str> {
    let content = operation["requestBody"]["content"].as_object()?;
    let reference = content.values().next()?["schema"]["$ref"].as_str()?;
    reference.strip_prefix(SCHEMAS)
}

/// The name of the schema that a patch of this name is a patch of.
pub fn patched(name: &str) -> Option<&str> {
    name.strip_suffix(PATCH_SUFFIX)
}

/// The name of the schema of a patch of this schema.
pub fn patch_of(name: &str) -> String {
    format!("{name}{PATCH_SUFFIX}")
}

/// The scope that an operation asks for; `None` if it is for everyone.
pub fn scope(operation: &Value) -> Option<&str> {
    operation["security"][0][SCHEME][0].as_str()
}

/// Adds to what the handlers say of themselves all that holds for each of them.
pub fn complete(mut document: Value) -> Value {
    document["info"] = json!({
        "title": "CloudCusp Mailer",
        "version": env!("CARGO_PKG_VERSION"),
        "description": "Webhooks in and out of an email-marketing platform: subscribers, events, and what they cause.",
        "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
    });
    document["webhooks"] = webhooks();
    document["components"]["securitySchemes"] = json!({SCHEME: {
        "type": "http", "scheme": "bearer",
        "description": "An API key, as `ccsp-mailer api-key create` prints it. The role that an operation names is the least scope: `admin` includes `write`, and `write` includes `read`.",
    }});
    document["components"]["responses"] = problems();
    add_patches(&mut document);
    complete_operations(&mut document);
    flatten_components(&mut document["components"]["schemas"]);
    refer_to_entries(&mut document["components"]["schemas"]);
    each_schema(&mut document, &mut close_variants);
    each_schema(&mut document, &mut bound_integers);
    document
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

fn complete_operations(document: &mut Value) {
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
    for parameter in parameters.iter_mut().filter(|parameter| parameter["in"] == "query") {
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
    let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) else { return };
    for code in codes {
        let name = code.to_string();
        let reference = json!({"$ref": format!("#/components/responses/Problem{name}")});
        responses.entry(name).or_insert(reference);
    }
    responses.sort_keys();
}

/// One response for each status that problems have.
fn problems() -> Value {
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

/// What the program sends: one entry for each built-in event.
fn webhooks() -> Value {
    let entries = catalog::BUILT_IN.iter().map(|(name, description)| {
        let text = |schema: Value| json!({"schema": schema, "required": true});
        let header = |name: &str, description: &str| {
            let mut header = text(json!({"type": "string"}));
            header["in"] = "header".into();
            header["name"] = name.into();
            header["description"] = description.into();
            header
        };
        let mut data = catalog::schema(name);
        if let Some(data) = data.as_object_mut() {
            data.shift_remove("$schema");
        }
        let envelope = json!({
            "type": "object",
            "required": ["event", "timestamp", "data"],
            "properties": {
                "event": {"type": "string", "const": name.as_str()},
                "timestamp": {"type": "string", "format": "date-time"},
                "data": data,
            },
        });
        let example = json!({"event": name.as_str(), "timestamp": "2024-01-15T10:30:00Z", "data": catalog::example(name)});
        let operation = json!({
            "summary": description,
            "description": "Sent to every active outgoing webhook that subscribes to this event, again until it is answered with a 2xx or the schedule ends.",
            "parameters": [
                header("X-Webhook-Event", "The event."),
                header("X-Webhook-Id", "The delivery: the same on every attempt."),
                header("X-Webhook-Timestamp", "When the attempt was made, in seconds since the Unix epoch."),
                header("X-Webhook-Signature", "`sha256=` and the hex HMAC-SHA256 of the raw body, keyed with the secret's text."),
                header("webhook-id", "The delivery, by the Standard Webhooks specification."),
                header("webhook-timestamp", "When the attempt was made, by the Standard Webhooks specification."),
                header("webhook-signature", "`v1,` and the base64 signature, by the Standard Webhooks specification."),
            ],
            "requestBody": {"required": true, "content": {"application/json": {"schema": envelope, "example": example}}},
            "responses": {
                "2XX": {"description": "Taken: the event is delivered."},
                "410": {"description": "Not wanted any more: the webhook is deactivated."},
                "default": {"description": "Not taken: the delivery is tried again."},
            },
            "tags": ["Events sent"],
        });
        (name.to_string(), json!({"post": operation}))
    });
    Value::Object(entries.collect())
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
/// members. An answer has all of its members, always.
fn flatten_components(schemas: &mut Value) {
    let Some(known) = schemas.as_object().cloned() else { return };
    for (name, schema) in known.iter().filter(|(_, schema)| schema["allOf"].is_array()) {
        let mut properties = Map::new();
        // Its own members, which stand last, come first: an id before everything else.
        for part in schema["allOf"].as_array().into_iter().flatten().rev() {
            let referred = part["$ref"].as_str().and_then(|target| target.rsplit('/').next());
            let part = referred.map_or(part, |target| &known[target]);
            properties.extend(part["properties"].as_object().cloned().unwrap_or_default());
        }
        let required: Vec<&String> = properties.keys().collect();
        schemas[name] = json!({
            "type": "object",
            "description": schema["description"],
            "required": required,
            "properties": properties,
        });
    }
}

/// The path of an operation below [`BASE`], for people.
pub fn short_path(path: &str) -> &str {
    path.strip_prefix(BASE).unwrap_or(path)
}
