//! The OpenAPI document: how to read it, and how what the handlers describe becomes complete. What holds for all of them is
//! said here, once.

mod operations;
mod schemas;
mod webhooks;

use serde_json::{Value, json};

use crate::BASE;

/// The name of the security scheme.
const SCHEME: &str = "api_key";
/// What the name of the schema of a patch ends with, behind that of the whole.
const PATCH_SUFFIX: &str = "Patch";
/// What the name of the schema of a page begins with, in front of that of its entries.
const PAGE_PREFIX: &str = "Page_";
/// The family of what the program sends.
const SENT_TAG: &str = "Events sent";
/// Where schemas are.
pub(crate) const SCHEMAS: &str = "#/components/schemas/";

/// The families of operations, in the order in which the reference shows them, and what each is about.
const TAGS: &[(&str, &str)] = &[
    ("Receiving", "What senders post to."),
    ("Incoming webhooks", "Who may post, and what is done with what is posted."),
    ("Requests", "The log of what was posted, and what became of it."),
    ("Outgoing webhooks", "Which events go where, and how."),
    ("Hooks", "How integrations such as Zapier and n8n subscribe to an event."),
    ("Deliveries", "The log of what was sent, with all attempts, and its statistics."),
    ("Events", "What happened here, or is to be told as if it had."),
    ("Event types", "The kinds of events, built in and declared."),
    (
        "Subscribers",
        "People who get mail. A change made here causes the same events as one that a webhook makes.",
    ),
    ("Lists", "What subscribers are on."),
    ("Tags", "What subscribers are marked with."),
    ("Custom fields", "What the values of subscribers' own fields may be."),
    ("Tasks", "Long work that was asked for, such as retrying many requests, and how far it has come."),
    ("API keys", "Programs that may use this interface."),
    ("Users", "People who log in with a browser, and their sessions."),
    ("Audit log", "Who did what, and what it was before."),
    ("Server", "How the server is doing, and this document."),
    (SENT_TAG, "What outgoing webhooks get."),
];

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
    document["tags"] =
        TAGS.iter().map(|(name, description)| json!({"name": name, "description": description})).collect();
    document["webhooks"] = webhooks::all();
    document["components"]["securitySchemes"] = json!({SCHEME: {
        "type": "http", "scheme": "bearer",
        "description": "An API key, as `ccsp-mailer api-key create` prints it. The role that an operation names is the least scope: `admin` includes `write`, and `write` includes `read`. The session of a browser takes its place (`POST /session`).",
    }});
    document["components"]["responses"] = operations::problems();
    schemas::complete(&mut document);
    operations::complete(&mut document);
    document
}

/// The path of an operation below [`BASE`], for people.
pub fn short_path(path: &str) -> &str {
    path.strip_prefix(BASE).unwrap_or(path)
}
