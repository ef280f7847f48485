//! The commands `incoming`.

use std::fmt::Write;
use std::path::PathBuf;

use anyhow::bail;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::logs::{Log, LogOptions};
use super::sample::{Sample, shell_line};
use super::table::{self, Column, numbered, pairs, status, text};
use super::webhooks::{Family, IdOptions, ListOptions, answered, settings};
use super::{Client, ClientOptions, fault, send};

/// What to do with incoming webhooks.
#[derive(Debug, Subcommand)]
pub enum IncomingCommand {
    /// List them.
    List(ListOptions),
    /// Show one.
    Show(IdOptions),
    /// Make one, and show its address and its secrets, this once.
    Create(CreateOptions),
    /// Tell what one would do with a request, without doing it; or send it one.
    Test(TestOptions),
    /// Show what came in, and go on with it.
    Logs(LogOptions),
}

const FAMILY: Family = Family {
    path: "/incoming-webhooks",
    columns: &[
        Column { head: "ID", width: 12, cell: |webhook| text(&webhook["id"]) },
        Column { head: "STATUS", width: 10, cell: |webhook| status(&webhook["status"]) },
        Column { head: "EVENT", width: 20, cell: |webhook| text(&webhook["event_type"]) },
        Column { head: "SENDER", width: 10, cell: |webhook| text(&webhook["preset"]) },
        Column { head: "SIGNED BY", width: 12, cell: |webhook| text(&webhook["signature"]["scheme"]) },
        Column { head: "CREATED", width: 24, cell: |webhook| text(&webhook["created_at"]) },
        Column { head: "NAME", width: 0, cell: |webhook| text(&webhook["name"]) },
    ],
    details: &[
        Column { head: "id", width: 0, cell: |webhook| text(&webhook["id"]) },
        Column { head: "name", width: 0, cell: |webhook| text(&webhook["name"]) },
        Column { head: "description", width: 0, cell: |webhook| text(&webhook["description"]) },
        Column { head: "status", width: 0, cell: |webhook| status(&webhook["status"]) },
        Column { head: "URL", width: 0, cell: |webhook| text(&webhook["url"]) },
        Column { head: "event", width: 0, cell: |webhook| text(&webhook["event_type"]) },
        Column { head: "sender", width: 0, cell: |webhook| text(&webhook["preset"]) },
        Column { head: "signed by", width: 0, cell: |webhook| text(&webhook["signature"]["scheme"]) },
        Column { head: "API key", width: 0, cell: |webhook| required(&webhook["require_api_key"]) },
        Column { head: "allowed from", width: 0, cell: |webhook| text(&webhook["ip_allowlist"]) },
        Column { head: "rate limit", width: 0, cell: |webhook| text(&webhook["rate_limit"]) },
        Column { head: "filter", width: 0, cell: |webhook| text(&webhook["filter"]) },
        Column { head: "mapping", width: 0, cell: |webhook| numbered(&webhook["mapping"]) },
        Column { head: "actions", width: 0, cell: |webhook| numbered(&webhook["actions"]) },
        Column { head: "created", width: 0, cell: |webhook| text(&webhook["created_at"]) },
        Column { head: "changed", width: 0, cell: |webhook| text(&webhook["updated_at"]) },
    ],
};

const LOG: Log = Log {
    webhooks: "/incoming-webhooks",
    path: "requests",
    made_at: "received_at",
    columns: &[
        Column { head: "TIME", width: 24, cell: |entry| text(&entry["received_at"]) },
        Column { head: "STATUS", width: 11, cell: |entry| status(&entry["status"]) },
        Column { head: "CODE", width: 4, cell: |entry| text(&entry["response"]["status"]) },
        Column { head: "ID", width: 30, cell: |entry| text(&entry["id"]) },
        Column { head: "FROM", width: 15, cell: |entry| text(&entry["sender_ip"]) },
        Column { head: "EVENT", width: 20, cell: |entry| text(&entry["event_type"]) },
        Column { head: "WHAT", width: 0, cell: what },
    ],
};

fn required(flag: &Value) -> String {
    if *flag == true { "required".to_owned() } else { String::new() }
}

/// Why an entry failed, or else what its actions did.
fn what(entry: &Value) -> String {
    let list = |name: &str| entry[name].as_array().cloned().unwrap_or_default();
    let errors: Vec<String> = list("errors").iter().map(fault_of).collect();
    if !errors.is_empty() {
        return errors.join("; ");
    }
    let actions: Vec<String> = list("actions").iter().map(|action| text(&action["type"])).collect();
    if actions.is_empty() { text(&entry["response"]["body"]["message"]) } else { actions.join(", ") }
}

fn fault_of(error: &Value) -> String {
    format!("{}: {}", text(&error["field"]), text(&error["message"]))
}

/// Runs the command.
///
/// # Errors
/// What the server says against it.
pub async fn run(command: IncomingCommand) -> anyhow::Result<()> {
    match command {
        IncomingCommand::List(options) => FAMILY.list(options).await,
        IncomingCommand::Show(options) => FAMILY.show(options).await,
        IncomingCommand::Create(options) => create(options).await,
        IncomingCommand::Test(options) => test(options).await,
        IncomingCommand::Logs(options) => LOG.run(options).await,
    }
}

/// Options of `create`.
#[derive(Debug, Args)]
pub struct CreateOptions {
    /// What to call it
    #[arg(long, env = "CCSP_NAME", value_name = "NAME", required_unless_present = "file")]
    name: Option<String>,
    /// The event it is for, such as `subscriber_added`
    #[arg(long, env = "CCSP_EVENT", value_name = "EVENT", required_unless_present = "file")]
    event: Option<String>,
    /// The sender, if it is one that the program knows, such as stripe: GET /presets lists them
    #[arg(long, env = "CCSP_PRESET", value_name = "SENDER")]
    preset: Option<String>,
    /// How requests are signed: none, `hmac_sha256`, `standard_webhooks`, basic or preset
    #[arg(long, env = "CCSP_SCHEME", value_name = "SCHEME")]
    scheme: Option<String>,
    /// The secret that the sender gave you; without it, one is made for you to give to the sender
    #[arg(long, env = "CCSP_SECRET", value_name = "SECRET", hide_env_values = true)]
    secret: Option<String>,
    /// What to do, in order: `apply_tag`, or `add_subscriber:{"lists":[1],"tags":["web"]}`
    #[arg(long = "action", env = "CCSP_ACTION", value_name = "TYPE[:JSON]", value_parser = action)]
    actions: Vec<Value>,
    /// The settings as JSON, as the API takes them; - is stdin. The options above are put over it
    #[arg(long, env = "CCSP_FILE", value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(flatten)]
    client: ClientOptions,
}

/// An action: its type, and what else it has as JSON.
fn action(given: &str) -> Result<Value, String> {
    let (kind, members) = given.split_once(':').unwrap_or((given, "{}"));
    let members: Value =
        serde_json::from_str(members).map_err(|error| format!("has no JSON behind its type: {error}"))?;
    let Value::Object(members) = members else {
        return Err("must have a JSON object behind its type".to_owned());
    };
    let mut action = json!({ "type": kind });
    if let Value::Object(all) = &mut action {
        all.extend(members);
    }
    Ok(action)
}

async fn create(options: CreateOptions) -> anyhow::Result<()> {
    let signature = [("scheme", &options.scheme), ("secret", &options.secret)];
    let signature: serde_json::Map<_, _> = signature
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), json!(value.as_ref()?))))
        .collect();
    let given = vec![
        ("name", options.name.map(Value::from)),
        ("event_type", options.event.map(Value::from)),
        ("preset", options.preset.map(Value::from)),
        ("signature", (!signature.is_empty()).then(|| signature.into())),
        ("actions", (!options.actions.is_empty()).then(|| options.actions.into())),
    ];
    let settings = settings(options.file.as_deref(), given)?;
    let client = Client::new(&options.client)?;
    let webhook = client.post(FAMILY.path, &settings).await?;
    if options.client.json {
        return Ok(table::json(&webhook)?);
    }
    let sample = Sample::of(&client, &webhook).await?;
    let shown = pairs([
        ("id", answered(&webhook, "id")?),
        ("URL", answered(&webhook, "url")?),
        ("token", text(&webhook["token"])),
        ("API key", text(&webhook["api_key"])),
        ("secret", text(&webhook["signature"]["secret"])),
    ]);
    let line = shell_line(&webhook, &sample);
    Ok(table::line(&format!(
        "{shown}\n\nAPI key and secret are not shown again: keep them now. Whoever has the URL can post to it.\n\nTry it:\n\n{line}"
    ))?)
}

/// Options of `test`.
#[derive(Debug, Args)]
pub struct TestOptions {
    /// Which, as `incoming list` shows it
    #[arg(value_name = "ID", value_parser = super::webhooks::id)]
    id: String,
    /// The payload, as JSON; - is stdin. Without it, a sample that fits the webhook
    #[arg(long, env = "CCSP_FILE", value_name = "FILE")]
    file: Option<PathBuf>,
    /// Send it for real, signed as its sender would: it is acted upon and logged. See also the command send
    #[arg(long, env = "CCSP_SEND")]
    send: bool,
    #[command(flatten)]
    client: ClientOptions,
}

async fn test(options: TestOptions) -> anyhow::Result<()> {
    let client = Client::new(&options.client)?;
    let path = format!("{}/{}", FAMILY.path, options.id);
    let sample = match &options.file {
        Some(file) => Sample::from_file(file)?,
        None => Sample::of(&client, &client.get(&path, &[]).await?).await?,
    };
    if options.send {
        return send::post(&client, &options.id, sample.posted()?, options.client.json).await;
    }
    let payload: Value = serde_json::from_str(&sample.body)
        .map_err(|error| fault(&format!("--file: without --send only JSON can be tried: {error}")))?;
    let preview = client.post(&format!("{path}/preview"), &json!({ "payload": payload })).await?;
    if options.client.json {
        table::json(&preview)?;
    } else {
        table::line(&told(&preview))?;
    }
    if preview["status"] == "failed" {
        bail!("the webhook would refuse this request: see errors");
    }
    Ok(())
}

/// What would become of a request.
fn told(preview: &Value) -> String {
    let list = |name: &str| preview[name].as_array().cloned().unwrap_or_default();
    let mut text_of =
        format!("{}, answered {}\n", status(&preview["status"]), text(&preview["response"]["status"]));
    let mut section = |name: &str, lines: Vec<String>| {
        for (index, line) in lines.iter().enumerate() {
            let head = if index == 0 { name } else { "" };
            let _ = writeln!(text_of, "{head:<12}{line}");
        }
    };
    section("errors", list("errors").iter().map(fault_of).collect());
    section("warnings", list("warnings").iter().map(text).collect());
    section("actions", list("actions").iter().map(action_line).collect());
    section("subscribers", list("subscribers").iter().map(change_line).collect());
    section("events", list("events").iter().map(|event| text(&event["event_type"])).collect());
    let delivery =
        |delivery: &Value| format!("{} to {}", text(&delivery["event_type"]), text(&delivery["webhook_id"]));
    section("deliveries", list("deliveries").iter().map(delivery).collect());
    text_of.push_str("Nothing was changed, stored or sent.");
    text_of
}

fn action_line(action: &Value) -> String {
    format!("{} {} {}", text(&action["type"]), status(&action["status"]), text(&action["detail"]))
}

fn change_line(change: &Value) -> String {
    let verb = match (change["before"].is_null(), change["after"].is_null()) {
        (true, _) => "made",
        (_, true) => "deleted",
        _ => "changed",
    };
    let subscriber = if change["after"].is_null() { &change["before"] } else { &change["after"] };
    format!("{} {verb}: {}", text(&subscriber["email"]), text(&with_values(subscriber)))
}

/// A subscriber without what it doesn't have, or what says nothing in a preview.
fn with_values(subscriber: &Value) -> Value {
    let is_telling = |name: &str, value: &Value| {
        let is_empty = value.is_null() || *value == json!("") || *value == json!([]) || *value == json!({});
        !is_empty && !["id", "email", "created_at", "updated_at"].contains(&name)
    };
    let members = subscriber.as_object().into_iter().flatten();
    members
        .filter(|(name, value)| is_telling(name, value))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_is_a_type_and_json() {
        assert_eq!(action("apply_tag"), Ok(json!({"type": "apply_tag"})));
        assert_eq!(action(r#"apply_tag:{"tags":["a"]}"#), Ok(json!({"type": "apply_tag", "tags": ["a"]})));
        assert!(action("apply_tag:tags").is_err() && action("apply_tag:[1]").is_err());
    }

    #[test]
    fn an_entry_tells_why_it_failed_or_what_was_done() {
        let failed = json!({"errors": [{"field": "email", "message": "is missing"}], "actions": [{"type": "apply_tag"}]});
        assert_eq!(what(&failed), "email: is missing");
        assert_eq!(what(&json!({"errors": [], "actions": [{"type": "apply_tag"}]})), "apply_tag");
        let ignored = json!({"actions": [], "response": {"body": {"message": "Ignored: another event"}}});
        assert_eq!(what(&ignored), "Ignored: another event");
    }

    #[test]
    fn a_preview_is_told_in_lines() {
        let preview = json!({
            "status": "processed", "response": {"status": 200}, "warnings": ["one", "two"], "errors": [],
            "actions": [{"type": "add_subscriber", "status": "done", "detail": "created"}],
            "subscribers": [{"before": null, "after": {"id": 1, "email": "a@example.com", "tags": ["web"], "phone": ""}}],
            "events": [{"event_type": "subscriber_added"}], "deliveries": [],
        });
        let expected = "✓ processed, answered 200\nwarnings    one\n            two\nactions     add_subscriber ✓ done created\n\
            subscribers a@example.com made: {\"tags\":[\"web\"]}\nevents      subscriber_added\nNothing was changed, stored or sent.";
        assert_eq!(told(&preview), expected);
    }
}
