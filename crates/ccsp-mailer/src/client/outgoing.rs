//! The commands `outgoing`.

use std::path::PathBuf;

use anyhow::bail;
use clap::{Args, Subcommand, ValueEnum};
use domain::{DeliveryId, Timestamp};
use serde_json::{Map, Value, json};

use super::logs::{Log, LogOptions};
use super::progress;
use super::table::{self, Column, pairs, status, text};
use super::webhooks::{Family, IdOptions, ListOptions, answered, id, json_file, settings};
use super::{Client, ClientOptions};

/// What to do with outgoing webhooks.
#[derive(Debug, Subcommand)]
pub enum OutgoingCommand {
    /// List them.
    List(ListOptions),
    /// Show one.
    Show(IdOptions),
    /// Make one, and show its secret, this once.
    Create(CreateOptions),
    /// Send a sample event to one, for real, and show what comes back.
    Test(TestOptions),
    /// Show what went out, and go on with it.
    Logs(LogOptions),
    /// Send finished deliveries again.
    Replay(ReplayOptions),
    /// Send one delivery again, with other data.
    Resend(ResendOptions),
}

const FAMILY: Family = Family {
    path: "/outgoing-webhooks",
    columns: &[
        Column { head: "ID", width: 12, cell: |webhook| text(&webhook["id"]) },
        Column { head: "STATUS", width: 10, cell: |webhook| status(&webhook["status"]) },
        Column { head: "EVENTS", width: 20, cell: |webhook| text(&webhook["events"]) },
        Column { head: "URL", width: 30, cell: |webhook| text(&webhook["url"]) },
        Column { head: "CREATED", width: 24, cell: |webhook| text(&webhook["created_at"]) },
        Column { head: "NAME", width: 0, cell: |webhook| text(&webhook["name"]) },
    ],
    details: &[
        Column { head: "id", width: 0, cell: |webhook| text(&webhook["id"]) },
        Column { head: "name", width: 0, cell: |webhook| text(&webhook["name"]) },
        Column { head: "description", width: 0, cell: |webhook| text(&webhook["description"]) },
        Column { head: "status", width: 0, cell: |webhook| status(&webhook["status"]) },
        Column { head: "because", width: 0, cell: |webhook| text(&webhook["disabled_reason"]) },
        Column { head: "URL", width: 0, cell: |webhook| text(&webhook["url"]) },
        Column { head: "method", width: 0, cell: |webhook| text(&webhook["method"]) },
        Column { head: "events", width: 0, cell: |webhook| text(&webhook["events"]) },
        Column { head: "signed by", width: 0, cell: |webhook| text(&webhook["signing"]["schemes"]) },
        Column { head: "headers", width: 0, cell: |webhook| names(&webhook["headers"]) },
        Column {
            head: "retried after s",
            width: 0,
            cell: |webhook| text(&webhook["retry"]["schedule_seconds"]),
        },
        Column { head: "timeout s", width: 0, cell: |webhook| text(&webhook["timeout_seconds"]) },
        Column { head: "concurrency", width: 0, cell: |webhook| text(&webhook["concurrency"]) },
        Column { head: "created", width: 0, cell: |webhook| text(&webhook["created_at"]) },
        Column { head: "changed", width: 0, cell: |webhook| text(&webhook["updated_at"]) },
    ],
};

const LOG: Log = Log {
    webhooks: "/outgoing-webhooks",
    path: "deliveries",
    made_at: "created_at",
    columns: &[
        Column { head: "TIME", width: 24, cell: |entry| text(&entry["created_at"]) },
        Column { head: "STATUS", width: 11, cell: |entry| status(&entry["status"]) },
        Column { head: "CODE", width: 4, cell: |entry| text(&last(entry)["http_status"]) },
        Column { head: "ID", width: 30, cell: |entry| text(&entry["id"]) },
        Column { head: "TRIES", width: 5, cell: |entry| attempts(entry).len().to_string() },
        Column { head: "EVENT", width: 20, cell: |entry| text(&entry["event_type"]) },
        Column { head: "WHAT", width: 0, cell: what },
    ],
};

/// The names of an object's members: the values may be secrets.
fn names(object: &Value) -> String {
    let members = object.as_object().into_iter().flatten();
    members.map(|(name, _)| text(&json!(name))).collect::<Vec<_>>().join(", ")
}

fn attempts(entry: &Value) -> &[Value] {
    entry["attempts"].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn last(entry: &Value) -> &Value {
    attempts(entry).last().unwrap_or(&Value::Null)
}

/// Whether it is a test, why the last attempt failed and when the next is due, or else how long it took.
fn what(entry: &Value) -> String {
    let last = last(entry);
    let next = match entry["next_attempt_at"].as_str() {
        Some(at) => format!("due {at}"),
        None => String::new(),
    };
    let outcome = match (last["error"].is_string(), last["duration_ms"].as_i64()) {
        (true, _) => text(&last["error"]),
        (false, Some(millis)) => format!("{millis} ms"),
        (false, None) => String::new(),
    };
    let test = if entry["test"] == true { "test".to_owned() } else { String::new() };
    [test, outcome, next].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ")
}

/// Runs the command.
///
/// # Errors
/// What the server says against it.
pub async fn run(command: OutgoingCommand) -> anyhow::Result<()> {
    match command {
        OutgoingCommand::List(options) => FAMILY.list(options).await,
        OutgoingCommand::Show(options) => FAMILY.show(options).await,
        OutgoingCommand::Create(options) => create(options).await,
        OutgoingCommand::Test(options) => test(options).await,
        OutgoingCommand::Logs(options) => LOG.run(options).await,
        OutgoingCommand::Replay(options) => replay(options).await,
        OutgoingCommand::Resend(options) => resend(options).await,
    }
}

/// Options of `create`.
#[derive(Debug, Args)]
pub struct CreateOptions {
    /// What to call it
    #[arg(long, env = "CCSP_NAME", value_name = "NAME", required_unless_present = "file")]
    name: Option<String>,
    /// Where deliveries go
    #[arg(long, env = "CCSP_URL", value_name = "URL", required_unless_present = "file")]
    url: Option<String>,
    /// The events that are sent, with commas: `subscriber_added,subscriber_tagged`
    #[arg(
        long,
        env = "CCSP_EVENTS",
        value_name = "EVENTS",
        value_delimiter = ',',
        required_unless_present = "file"
    )]
    events: Vec<String>,
    /// The secret that deliveries are signed with; without it, one is made
    #[arg(long, env = "CCSP_SECRET", value_name = "SECRET", hide_env_values = true)]
    secret: Option<String>,
    /// The settings as JSON, as the API takes them; - is stdin. The options above are put over it
    #[arg(long, env = "CCSP_FILE", value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(flatten)]
    client: ClientOptions,
}

async fn create(options: CreateOptions) -> anyhow::Result<()> {
    let signing = options.secret.map(|secret| json!({ "secret": secret }));
    let given = vec![
        ("name", options.name.map(Value::from)),
        ("url", options.url.map(Value::from)),
        ("events", (!options.events.is_empty()).then(|| options.events.into())),
        ("signing", signing),
    ];
    let settings = settings(options.file.as_deref(), given)?;
    let webhook = Client::new(&options.client)?.post(FAMILY.path, &settings).await?;
    if options.client.json {
        return Ok(table::json(&webhook)?);
    }
    let shown = pairs([
        ("id", answered(&webhook, "id")?),
        ("URL", text(&webhook["url"])),
        ("events", text(&webhook["events"])),
        ("secret", text(&webhook["signing"]["secret"])),
    ]);
    let note =
        "The secret is not shown again: give it to the receiver now, which verifies deliveries with it.";
    Ok(table::line(&format!("{shown}\n\n{note}"))?)
}

/// Options of `test`.
#[derive(Debug, Args)]
pub struct TestOptions {
    /// The webhook, as `outgoing list` shows it
    #[arg(value_name = "ID", value_parser = id)]
    id: String,
    /// The kind of event; the first of the webhook's if not given
    #[arg(long, env = "CCSP_EVENT", value_name = "EVENT")]
    event: Option<String>,
    /// The event's data, as JSON; - is stdin. An example of its kind if not given
    #[arg(long, env = "CCSP_FILE", value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(flatten)]
    client: ClientOptions,
}

async fn test(options: TestOptions) -> anyhow::Result<()> {
    let data = options.file.as_deref().map(json_file).transpose()?;
    let given = [("event_type", options.event.map(Value::from)), ("data", data)];
    let body: Map<String, Value> =
        given.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
    let path = format!("{}/{}/test", FAMILY.path, options.id);
    let result = Client::new(&options.client)?.post(&path, &body.into()).await?;
    if options.client.json {
        table::json(&result)?;
    } else {
        table::line(&table::details(TEST, &result))?;
    }
    if result["success"] != true {
        bail!("{}. {}", text(&result["error"]), text(&result["hint"]));
    }
    Ok(())
}

/// What is shown of a test.
const TEST: &[Column] = &[
    Column { head: "status", width: 0, cell: |result| text(&result["status"]) },
    Column { head: "time ms", width: 0, cell: |result| text(&result["time_ms"]) },
    Column { head: "sent to", width: 0, cell: |result| text(&result["request"]["url"]) },
    Column { head: "sent", width: 0, cell: |result| text(&result["request"]["body"]) },
    Column { head: "answer", width: 0, cell: |result| text(&result["response"]) },
    Column { head: "delivery", width: 0, cell: |result| text(&result["delivery_id"]) },
    Column { head: "otherwise skipped", width: 0, cell: |result| text(&result["skipped"]) },
];

/// Options of `replay`.
#[derive(Debug, Args)]
pub struct ReplayOptions {
    /// The webhook, as `outgoing list` shows it
    #[arg(value_name = "ID", value_parser = id)]
    id: String,
    /// Which finished deliveries
    #[arg(long, env = "CCSP_STATUS", value_name = "STATUS", default_value = "failed")]
    status: Which,
    /// Only those made then or later, such as 2026-01-31T12:00:00Z
    #[arg(long, env = "CCSP_SINCE", value_name = "TIME")]
    since: Option<Timestamp>,
    /// Only those made before
    #[arg(long, env = "CCSP_UNTIL", value_name = "TIME")]
    until: Option<Timestamp>,
    /// The most to send in a second; as fast as the destination takes them if not given
    #[arg(long, env = "CCSP_PER_SECOND", value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=10_000))]
    per_second: Option<u16>,
    /// Only say how many it would be
    #[arg(long, env = "CCSP_DRY_RUN")]
    dry_run: bool,
    #[command(flatten)]
    client: ClientOptions,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Which {
    /// Those that failed
    Failed,
    /// All of them
    All,
    /// None of them, but events that the webhook never got
    Missed,
}

async fn replay(options: ReplayOptions) -> anyhow::Result<()> {
    let status = match options.status {
        Which::Failed => "failed",
        Which::All => "all",
        Which::Missed => "missed",
    };
    let mut body = Map::from_iter([("status".to_owned(), json!(status))]);
    for (name, time) in [("since", options.since), ("until", options.until)] {
        body.extend(time.map(|time| (name.to_owned(), json!(time))));
    }
    body.extend(options.per_second.map(|rate| ("per_second".to_owned(), json!(rate))));
    body.insert("dry_run".to_owned(), options.dry_run.into());
    let client = Client::new(&options.client)?;
    let answer = client.post(&format!("{}/{}/replay", FAMILY.path, options.id), &body.into()).await?;
    if options.dry_run {
        return match options.client.json {
            true => Ok(table::json(&answer)?),
            false => Ok(table::line(&format!("would be sent again: {}", text(&answer["total"])))?),
        };
    }
    let task = progress::follow(&client, answer, options.client.json).await?;
    if options.client.json {
        table::json(&task)?;
    } else {
        table::line(&format!("sent again: {}", text(&task["done"])))?;
    }
    if task["state"] != "done" {
        let why = task["detail"].as_str().map_or_else(|| "somebody cancelled it".to_owned(), str::to_owned);
        bail!("not all of it was sent again: {why}");
    }
    Ok(())
}

/// Options of `resend`.
#[derive(Debug, Args)]
pub struct ResendOptions {
    /// The delivery, as `outgoing logs` shows it
    #[arg(value_name = "DELIVERY_ID")]
    delivery: DeliveryId,
    /// The data of the event to send instead, as JSON; - is stdin. What was sent if not given
    #[arg(long, env = "CCSP_FILE", value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(flatten)]
    client: ClientOptions,
}

async fn resend(options: ResendOptions) -> anyhow::Result<()> {
    let data = options.file.as_deref().map(json_file).transpose()?;
    let body = data.map_or_else(|| json!({}), |data| json!({ "data": data }));
    let path = format!("/deliveries/{}/resend", options.delivery);
    let made = Client::new(&options.client)?.post(&path, &body).await?;
    if options.client.json {
        return Ok(table::json(&made)?);
    }
    let shown = pairs([
        ("delivery", answered(&made, "id")?),
        ("webhook", text(&made["webhook_id"])),
        ("event", text(&made["event_type"])),
        ("webhook-id", text(&made["event_id"])),
        ("edited from", text(&made["resent_from"])),
    ]);
    Ok(table::line(&shown)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delivery_tells_how_it_stands() {
        assert_eq!(
            what(&json!({"attempts": [], "next_attempt_at": "2026-01-01T00:00:00Z"})),
            "due 2026-01-01T00:00:00Z"
        );
        let arrived = json!({"attempts": [{"error": "timed out"}, {"error": null, "duration_ms": 12}]});
        assert_eq!(what(&arrived), "12 ms");
        let retrying = json!({"attempts": [{"error": "timed out", "duration_ms": 9}], "next_attempt_at": "2026-01-01T00:00:00Z"});
        assert_eq!(what(&retrying), "timed out; due 2026-01-01T00:00:00Z");
    }
}
