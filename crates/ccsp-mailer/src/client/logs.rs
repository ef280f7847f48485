//! The commands `logs`: the last entries of a log, and with `--follow` each new one as it comes.
//!
//! Following is asking once a second for what is newer than the newest that was shown, less a little: entries become
//! visible in the order in which they are committed, which is not quite that of their times. What was shown is remembered
//! for that long. An entry that is not done is shown again when it stands otherwise.

use std::collections::HashMap;
use std::time::Duration;

use clap::Args;
use domain::Timestamp;
use serde_json::Value;
use tokio::signal::unix::{SignalKind, signal};

use super::table::{self, Column, text};
use super::webhooks::{PAGE, id, page, pages};
use super::{Client, ClientOptions, Unreachable};

/// How often a log that is followed is asked for more.
const LOOK: Duration = Duration::from_secs(1);
/// How often a server that does not answer is asked.
const LOOK_FOR_SERVER: Duration = Duration::from_secs(2);
/// How much later than a newer one an entry may become visible, in milliseconds: longer than a transaction takes
/// but in an outage.
const OVERLAP_MS: i64 = 5_000;
/// The most entries that are asked for again because one of them is not done: half a page.
const MAX_HELD: usize = 100;
/// The most pages that one look reads: of a flood, the last 5,000 entries are shown.
const MAX_PAGES: usize = 25;

/// Options of `logs`.
#[derive(Debug, Args)]
pub struct LogOptions {
    /// The webhook, as `list` shows it
    #[arg(value_name = "ID", value_parser = id)]
    id: String,
    /// Go on with new entries as they come, until Ctrl-C
    #[arg(long, short, env = "CCSP_FOLLOW")]
    follow: bool,
    /// Only entries of this status, such as failed
    #[arg(long, env = "CCSP_STATUS", value_name = "STATUS")]
    status: Option<String>,
    /// Only entries of this kind of event
    #[arg(long, env = "CCSP_EVENT", value_name = "EVENT")]
    event: Option<String>,
    /// Only entries from then on, such as 2026-01-31T12:00:00Z
    #[arg(long, env = "CCSP_SINCE", value_name = "TIME")]
    since: Option<Timestamp>,
    /// Only entries whose payload contains this text
    #[arg(long, env = "CCSP_Q", value_name = "TEXT")]
    q: Option<String>,
    /// The most entries to begin with: the newest
    #[arg(long, env = "CCSP_LIMIT", value_name = "NUMBER", default_value = "20", value_parser = clap::value_parser!(u16).range(1..=10_000))]
    limit: u16,
    #[command(flatten)]
    client: ClientOptions,
}

/// A kind of log.
pub struct Log {
    /// The path of the webhooks.
    pub webhooks: &'static str,
    /// What stands behind the webhook's id in its path.
    pub path: &'static str,
    /// The member that says when an entry was made.
    pub made_at: &'static str,
    /// What a line shows.
    pub columns: &'static [Column],
}

impl Log {
    /// The command.
    ///
    /// # Errors
    /// What the server says against it.
    pub async fn run(&self, options: LogOptions) -> anyhow::Result<()> {
        let client = Client::new(&options.client)?;
        let mut follower = Follower {
            log: self,
            path: format!("{}/{}/{}", self.webhooks, options.id, self.path),
            filter: filter(&options),
            since: options.since,
            shown: HashMap::new(),
        };
        let mut entries =
            pages(&client, &follower.path, &follower.query(), usize::from(options.limit)).await?;
        follower.remember(&entries);
        // One for all rounds: between two of them none may be missed.
        let mut interrupts = signal(SignalKind::interrupt())?;
        if !options.client.json {
            table::line(&table::log_head(self.columns))?;
        }
        loop {
            for entry in entries.iter().rev() {
                table::line(&if options.client.json {
                    entry.to_string()
                } else {
                    table::log_line(self.columns, entry)
                })?;
            }
            if !options.follow {
                return Ok(());
            }
            tokio::select! {
                more = follower.next(&client) => entries = more?,
                _ = interrupts.recv() => return Ok(()),
            }
        }
    }
}

fn filter(options: &LogOptions) -> Vec<(&'static str, String)> {
    let named = [("status", &options.status), ("event_type", &options.event), ("q", &options.q)];
    named.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))).collect()
}

struct Follower<'a> {
    log: &'a Log,
    path: String,
    filter: Vec<(&'static str, String)>,
    /// From when on there may be entries that were not shown.
    since: Option<Timestamp>,
    /// What was shown since then, by its id.
    shown: HashMap<String, Shown>,
}

/// An entry as it was shown.
#[derive(Debug)]
struct Shown {
    at: Timestamp,
    status: String,
    attempts: Value,
}

impl Shown {
    fn is_open(&self) -> bool {
        matches!(self.status.as_str(), "pending" | "retrying" | "accepted")
    }

    fn is_as(&self, entry: &Value) -> bool {
        text(&entry["status"]) == self.status && attempts(entry) == self.attempts
    }
}

impl Follower<'_> {
    fn query(&self) -> Vec<(&'static str, String)> {
        let since = self.since.map(|since| ("since", since.to_string()));
        self.filter.iter().cloned().chain(since).collect()
    }

    /// The new entries, newest first, as soon as there are some. A server that is away is waited for.
    async fn next(&mut self, client: &Client) -> anyhow::Result<Vec<Value>> {
        let mut is_away = false;
        loop {
            tokio::time::sleep(if is_away { LOOK_FOR_SERVER } else { LOOK }).await;
            match self.look(client).await {
                Ok(entries) => {
                    if is_away {
                        eprintln!("ccsp-mailer: the server answers again");
                        is_away = false;
                    }
                    if !entries.is_empty() {
                        return Ok(entries);
                    }
                }
                Err(error) if error.is::<Unreachable>() => {
                    if !is_away {
                        eprintln!("ccsp-mailer: the server does not answer: waiting for it");
                    }
                    is_away = true;
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn look(&mut self, client: &Client) -> anyhow::Result<Vec<Value>> {
        let (query, mut entries, mut cursor) = (self.query(), Vec::new(), None);
        for _ in 0..MAX_PAGES {
            let (found, next) = page(client, &self.path, &query, PAGE, cursor).await?;
            entries.extend(
                found
                    .into_iter()
                    .filter(|entry| self.shown.get(id_of(entry)).is_none_or(|shown| !shown.is_as(entry))),
            );
            cursor = next;
            if cursor.is_none() {
                break;
            }
        }
        self.remember(&entries);
        Ok(entries)
    }

    fn remember(&mut self, entries: &[Value]) {
        for entry in entries {
            let Some(at) = entry[self.log.made_at].as_str().and_then(|text| text.parse().ok()) else {
                continue;
            };
            let shown = Shown { at, status: text(&entry["status"]), attempts: attempts(entry) };
            self.shown.insert(id_of(entry).to_owned(), shown);
        }
        let Some(newest) = self.shown.values().map(|shown| shown.at).max() else { return };
        let settled = newest.plus_millis(-OVERLAP_MS);
        let open = self.shown.values().filter(|shown| shown.is_open()).map(|shown| shown.at).min();
        let held = open.filter(|_| self.shown.len() <= MAX_HELD).unwrap_or(settled).min(settled);
        let since = self.since.map_or(held, |before| before.max(held));
        self.since = Some(since);
        self.shown.retain(|_, shown| shown.at >= since);
    }
}

/// How often it was tried: a delivery lists its attempts, a request counts them.
fn attempts(entry: &Value) -> Value {
    entry["attempts"].as_array().map_or_else(|| entry["attempts"].clone(), |list| list.len().into())
}

fn id_of(entry: &Value) -> &str {
    entry["id"].as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const LOG: Log = Log { webhooks: "/w", path: "l", made_at: "at", columns: &[] };

    fn entry(id: &str, at: &str) -> Value {
        json!({"id": id, "at": at})
    }

    fn follower() -> Follower<'static> {
        Follower { log: &LOG, path: String::new(), filter: Vec::new(), since: None, shown: HashMap::new() }
    }

    #[test]
    fn what_was_shown_is_remembered_as_long_as_older_entries_may_come() {
        let mut follower = follower();
        follower.remember(&[]);
        assert_eq!(follower.query(), []);
        follower.remember(&[entry("b", "2026-01-01T00:00:06Z"), entry("a", "2026-01-01T00:00:00Z")]);
        assert_eq!(follower.query(), [("since", "2026-01-01T00:00:01Z".to_owned())]);
        assert_eq!(follower.shown.keys().collect::<Vec<_>>(), ["b"]);
        follower.remember(&[entry("c", "2026-01-01T00:00:05Z")]);
        assert_eq!(follower.since, Some("2026-01-01T00:00:01Z".parse().unwrap()), "never back");
    }

    #[test]
    fn an_entry_that_is_not_done_is_asked_for_again() {
        let mut follower = follower();
        let stands = |status: &str, attempts: i64| json!({"id": "a", "at": "2026-01-01T00:00:00Z", "status": status, "attempts": attempts});
        follower.remember(&[entry("b", "2026-01-01T00:01:00Z"), stands("retrying", 1)]);
        assert_eq!(follower.query(), [("since", "2026-01-01T00:00:00Z".to_owned())]);
        assert!(follower.shown["a"].is_as(&stands("retrying", 1)));
        assert!(!follower.shown["a"].is_as(&stands("retrying", 2)));
        follower.remember(&[stands("failed", 2)]);
        assert_eq!(follower.query(), [("since", "2026-01-01T00:00:55Z".to_owned())]);

        follower.remember(&[json!({"id": "a", "at": "2026-01-01T00:01:00Z", "status": "pending"})]);
        let many: Vec<Value> = (0..MAX_HELD).map(|n| entry(&n.to_string(), "2026-01-01T00:02:00Z")).collect();
        follower.remember(&many);
        assert_eq!(
            follower.query(),
            [("since", "2026-01-01T00:01:55Z".to_owned())],
            "among so many it is not waited for"
        );
    }
}
