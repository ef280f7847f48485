//! What the demo shows: each request as a small timeline, from its arrival to that of the webhooks it caused.

use std::collections::{HashMap, HashSet};

use domain::Timestamp;
use serde_json::Value;

/// A webhook that reached the receiver.
pub struct Arrival {
    /// When.
    pub at: Timestamp,
    /// What kind of event.
    pub event: String,
    /// Which event.
    pub event_id: String,
    /// Whether its signature was right.
    pub verified: bool,
}

/// What was shown so far.
#[derive(Default)]
pub struct Timeline {
    shown: HashSet<String>,
    /// When the request came in that caused an event.
    causes: HashMap<String, Timestamp>,
    /// Webhooks that came before the log was looked at for their cause.
    early: Vec<Arrival>,
}

impl Timeline {
    /// Shows a request of the log, unless it was shown.
    pub fn request(&mut self, entry: &Value) {
        let id = entry["id"].as_str().unwrap_or_default();
        if !self.shown.insert(id.to_owned()) {
            return;
        }
        let received: Timestamp =
            entry["received_at"].as_str().and_then(|text| text.parse().ok()).unwrap_or_default();
        println!("{received}  request {id}");
        let sender = entry["sender_ip"].as_str().unwrap_or_default();
        line(
            0,
            "received",
            &format!("POST from {sender}, event {}", entry["event_type"].as_str().unwrap_or_default()),
        );
        for action in items(&entry["actions"]) {
            let (name, detail) =
                (action["type"].as_str().unwrap_or_default(), action["detail"].as_str().unwrap_or_default());
            line(action["duration_ms"].as_i64().unwrap_or(0), name, detail);
        }
        for note in items(&entry["warnings"]) {
            line(0, "warning", note.as_str().unwrap_or_default());
        }
        for error in items(&entry["errors"]) {
            line(0, "error", error["message"].as_str().unwrap_or_default());
        }
        let status = entry["status"].as_str().unwrap_or_default();
        line(0, status, &format!("stored on disk, answered {}", entry["response"]["status"]));
        for event in items(&entry["events"]) {
            self.causes.insert(event.as_str().unwrap_or_default().to_owned(), received);
        }
        for arrival in std::mem::take(&mut self.early) {
            self.arrival(arrival);
        }
    }

    /// Shows a webhook at the receiver, behind the request that caused it.
    pub fn arrival(&mut self, arrival: Arrival) {
        let Some(cause) = self.causes.get(&arrival.event_id) else {
            self.early.push(arrival);
            return;
        };
        let proof = if arrival.verified { "signature verified" } else { "SIGNATURE NOT VALID" };
        let after = arrival.at.millis() - cause.millis();
        line(
            after,
            "delivered",
            &format!("{} reached the receiver, {proof} ({})", arrival.event, arrival.event_id),
        );
    }
}

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

fn line(after_ms: i64, what: &str, detail: &str) {
    println!("  +{after_ms:>4} ms  {what:<16} {detail}");
}
