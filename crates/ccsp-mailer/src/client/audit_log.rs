//! The command `audit-log`: the last entries of the audit log, or those of a filter.

use clap::Args;
use domain::Timestamp;
use serde_json::Value;

use super::table::{self, Column, text};
use super::webhooks::pages;
use super::{Client, ClientOptions, Forbidden};

/// Options of `audit-log`.
#[derive(Debug, Args)]
pub struct AuditLogOptions {
    /// Only what this one did: an id, or a name such as the address of a user
    #[arg(long, env = "CCSP_ACTOR", value_name = "WHO")]
    actor: Option<String>,
    /// Only this, such as outgoing_webhook.updated, or outgoing_webhook for all that was done to one
    #[arg(long, env = "CCSP_ACTION", value_name = "ACTION")]
    action: Option<String>,
    /// Only what was done to this: an id, or a name
    #[arg(long, env = "CCSP_TARGET", value_name = "WHAT")]
    target: Option<String>,
    /// Only what was done then or later, such as 2026-01-31T12:00:00Z
    #[arg(long, env = "CCSP_SINCE", value_name = "TIME")]
    since: Option<Timestamp>,
    /// Only what was done before
    #[arg(long, env = "CCSP_UNTIL", value_name = "TIME")]
    until: Option<Timestamp>,
    /// Only entries that contain this text: in names, ids, addresses and changes
    #[arg(long, env = "CCSP_Q", value_name = "TEXT")]
    q: Option<String>,
    /// The most entries to show: the newest
    #[arg(long, env = "CCSP_LIMIT", value_name = "NUMBER", default_value = "20", value_parser = clap::value_parser!(u16).range(1..=10_000))]
    limit: u16,
    #[command(flatten)]
    client: ClientOptions,
}

/// What the pass of the server's own machine does not open.
const ADMINS: &str = "the audit log is for administrators: `ccsp-mailer api-key create --name audit --scope admin` makes a key, which \
                      goes into CCSP_API_KEY";

const COLUMNS: &[Column] = &[
    Column { head: "TIME", width: 24, cell: |entry| text(&entry["at"]) },
    Column { head: "WHO", width: 24, cell: |entry| called(&entry["actor"]) },
    Column { head: "FROM", width: 15, cell: |entry| text(&entry["address"]) },
    Column { head: "ACTION", width: 24, cell: |entry| text(&entry["action"]) },
    Column { head: "ON", width: 16, cell: |entry| called(&entry["target"]) },
    Column { head: "CHANGES", width: 0, cell: changes },
];

/// What people call it, or its id, or else its kind.
fn called(thing: &Value) -> String {
    let names = [&thing["name"], &thing["id"], &thing["kind"]];
    text(names.into_iter().find(|name| !name.is_null()).unwrap_or(&Value::Null))
}

fn changes(entry: &Value) -> String {
    let changes = entry["changes"].as_array().into_iter().flatten();
    let told = |change: &Value| {
        let [field, old, new] = ["field", "old", "new"].map(|member| text(&change[member]));
        format!("{field}: {old} -> {new}")
    };
    changes.map(told).collect::<Vec<_>>().join("; ")
}

/// Runs the command.
///
/// # Errors
/// What the server says against it.
pub async fn run(options: AuditLogOptions) -> anyhow::Result<()> {
    let client = Client::new(&options.client)?;
    let query = [
        ("actor", options.actor),
        ("action", options.action),
        ("target", options.target),
        ("since", options.since.map(|since| since.to_string())),
        ("until", options.until.map(|until| until.to_string())),
        ("q", options.q),
    ];
    let query: Vec<_> = query.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    let entries = pages(&client, "/audit-log", &query, usize::from(options.limit)).await;
    let entries =
        entries.map_err(|error| if error.is::<Forbidden>() { error.context(ADMINS) } else { error })?;
    if !options.client.json {
        table::line(&table::log_head(COLUMNS))?;
    }
    // The newest last, as in every log.
    for entry in entries.iter().rev() {
        table::line(&if options.client.json { entry.to_string() } else { table::log_line(COLUMNS, entry) })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_entry_is_a_line() {
        let entry = json!({
            "at": "2026-11-26T09:20:11.412Z", "address": null, "action": "outgoing_webhook.updated",
            "actor": {"kind": "command_line", "id": null, "name": null},
            "target": {"kind": "outgoing_webhook", "id": "f6e5d4c3b2a1", "name": "Hub\u{1b}[2J"},
            "changes": [{"field": "status", "old": "active", "new": "paused"}, {"field": "filter", "old": null, "new": "data.n > 1"}],
        });
        let expected = "2026-11-26T09:20:11.412Z  command_line              -                outgoing_webhook.updated  \
                        Hub [2J           status: active -> paused; filter: - -> data.n > 1";
        assert_eq!(table::log_line(COLUMNS, &entry), expected);
    }
}
