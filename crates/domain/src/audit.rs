//! What the audit log says: who did what to which thing, and what changed by it. Nothing of a secret stands there, and no query
//! of a URL.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::id::AuditId;
use crate::log::named_enum;

/// The most changes of one entry: more than any resource has fields.
pub const MAX_CHANGES: usize = 100;
/// The most characters of a value's JSON: a script of 256 KiB would make the log as large as what it is about.
pub const MAX_VALUE_CHARS: usize = 2_000;
/// What stands for a secret.
const MASK: &str = "••••";

named_enum!(
    /// A kind of who does things.
    ActorKind {
        /// A person with a session.
        User = "user",
        /// A program with an API key.
        ApiKey = "api_key",
        /// Who runs the command line on the server's machine.
        CommandLine = "command_line",
        /// The server itself.
        Program = "program",
        /// Someone who has not said who they are.
        Nobody = "nobody",
    }
);

named_enum!(
    /// A kind of what things are done to.
    TargetKind {
        /// A key of the REST API.
        ApiKey = "api_key",
        /// The audit log.
        AuditLog = "audit_log",
        /// A custom field of subscribers.
        CustomField = "custom_field",
        /// A delivery.
        Delivery = "delivery",
        /// A custom kind of event.
        EventType = "event_type",
        /// An incoming webhook.
        IncomingWebhook = "incoming_webhook",
        /// A list.
        List = "list",
        /// An outgoing webhook.
        OutgoingWebhook = "outgoing_webhook",
        /// A description of a sender.
        Preset = "preset",
        /// A request in the log of an incoming webhook.
        Request = "request",
        /// Subscribers.
        Subscriber = "subscriber",
        /// A tag.
        Tag = "tag",
        /// Long work, such as a recovery.
        Task = "task",
        /// Someone who logs in.
        User = "user",
    }
);

named_enum!(
    /// What was done.
    Verb {
        /// Its API key was replaced.
        ApiKeyReplaced = "api_key_replaced",
        /// It was cancelled before its end.
        Cancelled = "cancelled",
        /// It was made.
        Created = "created",
        /// It was deleted.
        Deleted = "deleted",
        /// The program deactivated it.
        Disabled = "disabled",
        /// It was taken out as a file.
        Exported = "exported",
        /// A file of it was taken in.
        Imported = "imported",
        /// A link was made by which they choose a password.
        LinkMade = "link_made",
        /// Its log was cleared.
        LogCleared = "log_cleared",
        /// Its log was taken out as a file.
        LogExported = "log_exported",
        /// They logged in.
        LoggedIn = "logged_in",
        /// Someone tried to log in, and could not.
        LogInFailed = "log_in_failed",
        /// They logged out.
        LoggedOut = "logged_out",
        /// They chose a password.
        PasswordChanged = "password_changed",
        /// It was sent again with an edited payload.
        Resent = "resent",
        /// It was done again.
        Retried = "retried",
        /// Its secret was replaced.
        SecretReplaced = "secret_replaced",
        /// The first of them chose how to log in.
        SetUp = "set_up",
        /// It was begun.
        Started = "started",
        /// Its token was replaced.
        TokenReplaced = "token_replaced",
        /// It was changed.
        Updated = "updated",
    }
);

/// Who does something, and from where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// What they are.
    pub kind: ActorKind,
    /// The id of the user or the key.
    pub id: Option<String>,
    /// The address of the user, or the name of the key, as it was then.
    pub name: Option<String>,
    /// The address that they came from.
    pub address: Option<String>,
    /// The name of the HTTP request.
    pub request_id: Option<String>,
}

impl Actor {
    /// Who did not come over HTTP.
    pub fn here(kind: ActorKind) -> Self {
        Self { kind, id: None, name: None, address: None, request_id: None }
    }
}

/// What something is done to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// What it is.
    pub kind: TargetKind,
    /// Its id, if it is one thing.
    pub id: Option<String>,
    /// What people call it, as it was then.
    pub name: Option<String>,
}

/// A field that is another now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = AuditChange)]
pub struct Change {
    /// The field, as a dotted path.
    #[schema(example = "retry.schedule")]
    pub field: String,
    /// What it was; `null` if it was not there. Secrets and long values are not shown.
    pub old: Value,
    /// What it is now; `null` if it is not there.
    pub new: Value,
}

/// What is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Act {
    /// To what.
    pub target: Target,
    /// What.
    pub verb: Verb,
    /// What changed by it.
    pub changes: Vec<Change>,
}

impl Act {
    /// Something that is done to things of a kind.
    pub fn new(kind: TargetKind, verb: Verb) -> Self {
        Self { target: Target { kind, id: None, name: None }, verb, changes: Vec::new() }
    }

    /// To the one with this id.
    #[must_use]
    pub fn on(mut self, id: impl ToString) -> Self {
        self.target.id = Some(id.to_string());
        self
    }

    /// People call it so.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.target.name = Some(name.into());
        self
    }

    /// It was so, with secrets masked, and is another now.
    #[must_use]
    pub fn changing(mut self, before: &impl Serialize, after: &impl Serialize) -> Self {
        self.changes = changes(before, after);
        self
    }

    /// It is so from now on.
    #[must_use]
    pub fn making(self, after: &impl Serialize) -> Self {
        self.changing(&(), after)
    }

    /// It was so.
    #[must_use]
    pub fn ending(self, before: &impl Serialize) -> Self {
        self.changing(before, &())
    }

    /// This, whatever a transaction comes to.
    pub fn always<O>(self) -> impl Fn(&O) -> Option<Act> + Send + Sync + 'static {
        move |_| Some(self.clone())
    }

    /// This, if a transaction did it.
    pub fn if_done(self) -> impl Fn(&bool) -> Option<Act> + Send + Sync + 'static {
        move |done| done.then(|| self.clone())
    }
}

/// An entry of the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Unique, and sorts by time.
    pub id: AuditId,
    /// Who did it.
    pub actor: Actor,
    /// What they did.
    pub act: Act,
}

impl Entry {
    /// The name of what was done, such as `outgoing_webhook.updated`.
    pub fn action(&self) -> String {
        format!("{}.{}", self.act.target.kind.as_str(), self.act.verb.as_str())
    }
}

/// Which acts are meant: `outgoing_webhook.updated`, or `outgoing_webhook` for whatever is done to one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActionPattern {
    /// To things of this kind.
    pub kind: TargetKind,
    /// This, or anything.
    pub verb: Option<Verb>,
}

/// The text names nothing that is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not the name of an action, such as outgoing_webhook.updated or user")]
pub struct ActionError;

impl FromStr for ActionPattern {
    type Err = ActionError;

    fn from_str(text: &str) -> Result<Self, ActionError> {
        let (kind, verb) = text.split_once('.').map_or((text, None), |(kind, verb)| (kind, Some(verb)));
        let kind = TargetKind::from_name(kind).ok_or(ActionError)?;
        let verb = verb.map(|verb| Verb::from_name(verb).ok_or(ActionError)).transpose()?;
        Ok(Self { kind, verb })
    }
}

/// The fields that differ, objects field by field. What is `null` is as what is not there.
fn changes(before: &impl Serialize, after: &impl Serialize) -> Vec<Change> {
    let value = |of: Result<Value, serde_json::Error>| of.unwrap_or_default();
    let (before, after) = (value(serde_json::to_value(before)), value(serde_json::to_value(after)));
    let mut changes = Vec::new();
    compare("", &before, &after, &mut changes);
    changes.truncate(MAX_CHANGES);
    changes
}

fn compare(field: &str, before: &Value, after: &Value, changes: &mut Vec<Change>) {
    let empty = Map::new();
    let members = |value: &Value| value.is_object() || (field.is_empty() && value.is_null());
    if !members(before) || !members(after) {
        if before != after {
            let (old, new) = (shown(field, before), shown(field, after));
            changes.push(Change { field: field.to_owned(), old, new });
        }
        return;
    }
    let (before, after) = (before.as_object().unwrap_or(&empty), after.as_object().unwrap_or(&empty));
    let names = before.keys().chain(after.keys().filter(|name| !before.contains_key(*name)));
    for name in names {
        let field = if field.is_empty() { name.clone() } else { format!("{field}.{name}") };
        let member = |of: &Map<String, Value>| of.get(name).cloned().unwrap_or_default();
        compare(&field, &member(before), &member(after), changes);
    }
}

/// What is kept of a value: nothing of what may be a secret, and not all of what is long.
fn shown(field: &str, value: &Value) -> Value {
    let mut value = value.clone();
    conceal(&mut value, field == "headers" || field.starts_with("headers."));
    let text = value.to_string();
    match text.char_indices().nth(MAX_VALUE_CHARS) {
        Some((end, _)) => Value::String(format!("{}…", &text[..end])),
        None => value,
    }
}

/// Takes out secrets, which come masked but for their last characters, the values of headers, and the queries of URLs.
fn conceal(value: &mut Value, is_header: bool) {
    match value {
        Value::String(text) if is_header || text.starts_with('•') => MASK.clone_into(text),
        Value::String(text) if text.starts_with("http://") || text.starts_with("https://") => {
            if let Some((address, _)) = text.split_once('?') {
                *text = format!("{address}?{MASK}");
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| conceal(item, is_header)),
        Value::Object(members) => {
            members.iter_mut().for_each(|(name, value)| conceal(value, is_header || name == "headers"));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(before: Value, after: Value) -> Vec<(String, Value, Value)> {
        let told = changes(&before, &after).into_iter();
        told.map(|change| (change.field, change.old, change.new)).collect()
    }

    #[test]
    fn changes_name_the_fields_that_differ() {
        let before =
            json!({"name": "A", "retry": {"schedule": "default", "n": 1}, "tags": ["x"], "same": {"a": 1}});
        let after = json!({"name": "B", "retry": {"schedule": "extended", "n": 1}, "tags": ["x", "y"], "same": {"a": 1},
            "filter": "x"});
        assert_eq!(
            told(before, after),
            [
                ("name".into(), json!("A"), json!("B")),
                ("retry.schedule".into(), json!("default"), json!("extended")),
                ("tags".into(), json!(["x"]), json!(["x", "y"])),
                ("filter".into(), json!(null), json!("x")),
            ]
        );
    }

    #[test]
    fn what_is_made_or_ended_is_told_without_what_is_not_there() {
        let it = json!({"name": "A", "filter": null});
        assert_eq!(told(Value::Null, it.clone()), [("name".into(), json!(null), json!("A"))]);
        assert_eq!(told(it, Value::Null), [("name".into(), json!("A"), json!(null))]);
    }

    #[test]
    fn nothing_of_a_secret_is_told_but_that_it_changed() {
        let before = json!({"secret": "••••1234", "url": "https://a.example/x?key=1", "headers": {"X-Key": "one"},
            "actions": [{"type": "call_api", "headers": {"X-A": "b"}, "url": "https://b.example/?t=1"}]});
        let after = json!({"secret": "••••5678", "url": "https://a.example/x?key=2", "headers": {"X-Key": "two"},
            "actions": []});
        let text = json!(changes(&before, &after)).to_string();
        for secret in ["1234", "5678", "key=", "one", "two", "t=1", "\"b\""] {
            assert!(!text.contains(secret), "{secret}: {text}");
        }
        assert_eq!(changes(&before, &after).len(), 4);
    }

    #[test]
    fn long_values_and_many_changes_are_cut() {
        let many: Map<String, Value> =
            (0..200).map(|n| (format!("f{n}"), json!("é".repeat(5_000)))).collect();
        let changes = changes(&(), &many);
        assert_eq!(changes.len(), MAX_CHANGES);
        assert_eq!(changes[0].new.as_str().unwrap().chars().count(), MAX_VALUE_CHARS + 1);
    }

    #[test]
    fn actions_are_named_by_kind_and_verb() {
        let pattern = |text: &str| text.parse::<ActionPattern>();
        let updated = ActionPattern { kind: TargetKind::OutgoingWebhook, verb: Some(Verb::Updated) };
        assert_eq!(pattern("outgoing_webhook.updated"), Ok(updated));
        assert_eq!(pattern("user"), Ok(ActionPattern { kind: TargetKind::User, verb: None }));
        for wrong in ["", ".", "user.", "users", "user.flown", "user.updated.x"] {
            assert_eq!(pattern(wrong), Err(ActionError), "{wrong}");
        }
    }
}
