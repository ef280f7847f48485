//! The reference as a page: the OpenAPI document as plain HTML, without scripts and without anything from elsewhere.

use std::fmt::Write;

use serde_json::Value;

use crate::BASE;
use crate::openapi::{operations, scope, short_path};
use crate::problem::Code;

const STYLE: &str = include_str!("reference.css");

/// The page of the whole interface.
pub fn page(document: &Value) -> String {
    let mut html = String::new();
    let _ = write!(html, "<p>{}</p>", prose(&document["info"]["description"]));
    let _ = write!(
        html,
        "<p>Paths are below <code>{BASE}</code>. The same as OpenAPI: <a href=\"{BASE}/openapi.json\">openapi.json</a>. \
         What can go wrong: <a href=\"/docs/errors\">errors</a>.</p><nav><ul>"
    );
    let tags = document["tags"].as_array().map_or(&[][..], Vec::as_slice);
    for tag in tags.iter().map(|tag| text(&tag["name"])) {
        let _ = write!(html, "<li><a href=\"#{}\">{}</a></li>", anchor(tag), escape(tag));
    }
    html.push_str("<li><a href=\"#schemas\">Schemas</a></li></ul></nav>");
    for tag in tags {
        let (name, description) = (text(&tag["name"]), prose(&tag["description"]));
        let _ = write!(html, "<h2 id=\"{}\">{}</h2><p>{description}</p>", anchor(name), escape(name));
        for (path, method, operation) in operations(document).filter(|(_, _, op)| op["tags"][0] == name) {
            push_operation(&mut html, path, method, operation);
        }
    }
    push_events(&mut html, &document["webhooks"]);
    html.push_str("<h2 id=\"schemas\">Schemas</h2>");
    for (name, schema) in document["components"]["schemas"].as_object().into_iter().flatten() {
        push_schema(&mut html, name, schema);
    }
    frame("Reference", &html)
}

/// The page that explains every kind of problem.
pub fn errors_page() -> String {
    let mut html = "<p>Errors are <code>application/problem+json</code> (RFC 9457). Their member <code>type</code> leads here. \
                    Back to the <a href=\"/docs\">reference</a>.</p>"
        .to_owned();
    for code in Code::ALL {
        let (name, status) = (code.as_str(), code.status().as_u16());
        let _ = write!(
            html,
            "<h2 id=\"{name}\"><code>{name}</code></h2><p><b>{status}</b> {}.</p>",
            escape(code.title())
        );
        let _ = write!(html, "<p>{}</p>", prose(&code.help().into()));
    }
    frame("Errors", &html)
}

fn frame(title: &str, body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <meta name=\"color-scheme\" content=\"light dark\"><title>{title} · CloudCusp Mailer</title><style>{STYLE}</style></head>\
         <body><main><h1>{title}</h1>{body}</main></body></html>"
    )
}

fn push_operation(html: &mut String, path: &str, method: &str, operation: &Value) {
    let id = operation["operationId"].as_str().unwrap_or_default();
    let _ = write!(
        html,
        "<section><h3 id=\"{id}\"><span class=\"{method}\">{}</span> <code>{}</code></h3><p><b>{}.</b> {} ",
        method.to_ascii_uppercase(),
        escape(short_path(path)),
        prose(&operation["summary"]),
        prose(&operation["description"]),
    );
    match scope(operation) {
        Some(scope) => {
            let _ = write!(html, "Needs a key of scope <code>{scope}</code>.</p>");
        }
        None => html.push_str("Needs no key.</p>"),
    }
    push_parameters(html, &operation["parameters"]);
    for (media_type, content) in operation["requestBody"]["content"].as_object().into_iter().flatten() {
        let _ = write!(html, "<p>Body, <code>{media_type}</code>: {}</p>", type_of(&content["schema"]));
    }
    push_responses(html, &operation["responses"]);
    html.push_str("</section>");
}

/// Its own answers one by one, the problems that all operations have in one line.
fn push_responses(html: &mut String, responses: &Value) {
    let responses = responses.as_object().into_iter().flatten();
    let (common, own): (Vec<_>, Vec<_>) = responses.partition(|(_, response)| response.get("$ref").is_some());
    html.push_str("<ul>");
    for (status, response) in own {
        let schema = response["content"].as_object().and_then(|content| content.values().next());
        let shown = schema.map(|content| type_of(&content["schema"])).unwrap_or_default();
        let _ = write!(html, "<li><code>{status}</code> {} {shown}</li>", prose(&response["description"]));
    }
    if !common.is_empty() {
        let statuses: Vec<String> =
            common.iter().map(|(status, _)| format!("<code>{status}</code>")).collect();
        let _ = write!(html, "<li>{} <a href=\"/docs/errors\">problems</a></li>", statuses.join(" "));
    }
    html.push_str("</ul>");
}

fn push_parameters(html: &mut String, parameters: &Value) {
    let Some(parameters) = parameters.as_array().filter(|all| !all.is_empty()) else { return };
    html.push_str("<table><tr><th>Parameter<th>In<th>Type<th>Meaning");
    for parameter in parameters {
        let _ = write!(
            html,
            "<tr><td><code>{}</code><td>{}<td>{}<td>{} {}",
            escape(text(&parameter["name"])),
            escape(text(&parameter["in"])),
            type_of(&parameter["schema"]),
            prose(&parameter["description"]),
            limits(&parameter["schema"]),
        );
    }
    html.push_str("</table>");
}

fn push_events(html: &mut String, webhooks: &Value) {
    for (name, item) in webhooks.as_object().into_iter().flatten() {
        let example = &item["post"]["requestBody"]["content"]["application/json"]["example"];
        let example = serde_json::to_string_pretty(example).unwrap_or_default();
        let (name, summary) = (escape(name), prose(&item["post"]["summary"]));
        let _ = write!(
            html,
            "<h3 id=\"event-{name}\"><code>{name}</code></h3><p>{summary}</p><pre>{}</pre>",
            escape(&example)
        );
    }
}

fn push_schema(html: &mut String, name: &str, schema: &Value) {
    let name = escape(name);
    let description = prose(&schema["description"]);
    let _ =
        write!(html, "<section><h3 id=\"schema-{name}\">{name}</h3><p>{description} {}</p>", limits(schema));
    push_members(html, schema);
    for variant in schema["oneOf"].as_array().into_iter().flatten() {
        let tag = text(&variant["properties"]["type"]["enum"][0]);
        let _ =
            write!(html, "<h4><code>{}</code></h4><p>{}</p>", escape(tag), prose(&variant["description"]));
        push_members(html, variant);
    }
    html.push_str("</section>");
}

fn push_members(html: &mut String, schema: &Value) {
    let Some(members) = schema["properties"].as_object() else { return };
    html.push_str("<table><tr><th>Member<th>Type<th>Meaning");
    for (name, member) in members {
        let required =
            schema["required"].as_array().is_some_and(|all| all.iter().any(|one| one == name.as_str()));
        let mark = if required { " <b title=\"required\">*</b>" } else { "" };
        let (name, kind) = (escape(name), type_of(member));
        let _ = write!(
            html,
            "<tr><td><code>{name}</code>{mark}<td>{kind}<td>{} {}",
            prose(&member["description"]),
            limits(member)
        );
    }
    html.push_str("</table>");
}

/// The type of a value in words, with a link to a schema that has a name.
fn type_of(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next()) {
        let name = escape(name);
        return format!("<a href=\"#schema-{name}\">{name}</a>");
    }
    if let Some(alternatives) = schema["oneOf"].as_array() {
        return alternatives.iter().map(type_of).collect::<Vec<_>>().join(" or ");
    }
    let kinds: Vec<&str> = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().map(text).collect(),
        kind => vec![text(kind)],
    };
    let named = kinds.iter().map(|kind| match *kind {
        "array" => format!("array of {}", type_of(&schema["items"])),
        "" => "any".to_owned(),
        kind => escape(kind),
    });
    named.collect::<Vec<_>>().join(" or ")
}

/// What a schema says of its values beside their type.
fn limits(schema: &Value) -> String {
    let mut limits = Vec::new();
    if let Some(values) = schema["enum"].as_array() {
        let values: Vec<String> =
            values.iter().map(|value| format!("<code>{}</code>", escape(text(value)))).collect();
        limits.push(format!("One of {}.", values.join(", ")));
    }
    if let Some(pattern) = schema["pattern"].as_str() {
        limits.push(format!("Matches <code>{}</code>.", escape(pattern)));
    }
    for (lower, upper, unit) in [
        ("minimum", "maximum", ""),
        ("minLength", "maxLength", " characters"),
        ("minItems", "maxItems", " items"),
    ] {
        match (schema[lower].as_i64(), schema[upper].as_i64()) {
            (Some(lower), Some(upper)) => limits.push(format!("{lower} to {upper}{unit}.")),
            (Some(lower), None) => limits.push(format!("At least {lower}{unit}.")),
            (None, Some(upper)) => limits.push(format!("At most {upper}{unit}.")),
            (None, None) => {}
        }
    }
    limits.join(" ")
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn anchor(text: &str) -> String {
    text.to_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), "-")
}

/// A text of the document: what stands between backquotes is code.
fn prose(value: &Value) -> String {
    let mut html = String::new();
    for (index, part) in text(value).split('`').enumerate() {
        if index % 2 == 1 {
            let _ = write!(html, "<code>{}</code>", escape(part));
        } else {
            html.push_str(&escape(part));
        }
    }
    html
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn texts_are_escaped() {
        assert_eq!(prose(&json!("a `<b>` & c")), "a <code>&lt;b&gt;</code> &amp; c");
    }

    #[test]
    fn types_are_named_and_linked() {
        assert_eq!(
            type_of(&json!({"type": ["array", "null"], "items": {"type": "string"}})),
            "array of string or null"
        );
        assert_eq!(
            type_of(&json!({"$ref": "#/components/schemas/Rule"})),
            "<a href=\"#schema-Rule\">Rule</a>"
        );
        assert_eq!(
            limits(&json!({"minLength": 1, "maxLength": 5, "enum": ["a"]})),
            "One of <code>a</code>. 1 to 5 characters."
        );
    }
}
