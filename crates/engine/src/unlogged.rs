//! What was refused without an entry in the log: too much of it came. Every few seconds one entry says how much that was,
//! so that a flood shows, and can't fill the disk.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use domain::log::{FieldError, Outcome, RequestStatus};
use domain::{Timestamp, WebhookId};
use parking_lot::Mutex;
use store::commit::RequestRow;
use store::requests::InsertRequest;
use tokio::time::MissedTickBehavior;

use crate::core::Core;
use crate::error::chain;
use crate::limits::Limits;
use crate::receive::Reply;

/// How often there is such an entry, at most.
const PERIOD: Duration = Duration::from_secs(5);

/// What was refused without an entry, by webhook. There are as many as webhooks with a flood.
#[derive(Default)]
pub(crate) struct Unlogged(Mutex<HashMap<WebhookId, Flood>>);

/// What was refused of one webhook since the last entry about it.
struct Flood {
    since: Timestamp,
    reasons: BTreeMap<String, u64>,
    /// Of the last: what would be in its entry.
    event_type: String,
    sender: IpAddr,
    method: String,
    reply: Reply,
}

/// A request that was refused, as far as it is told of.
pub(crate) struct Refused<'a> {
    pub(crate) webhook_id: &'a WebhookId,
    pub(crate) event_type: &'a str,
    pub(crate) sender: IpAddr,
    pub(crate) method: &'a str,
    /// Why, as a stable code.
    pub(crate) reason: &'a str,
    pub(crate) reply: &'a Reply,
}

impl Unlogged {
    /// Counts one more.
    pub(crate) fn count(&self, refused: &Refused<'_>, now: Timestamp) {
        let mut floods = self.0.lock();
        let Some(flood) = floods.get_mut(refused.webhook_id) else {
            let flood = Flood {
                since: now,
                reasons: BTreeMap::from([(refused.reason.to_owned(), 1)]),
                event_type: refused.event_type.to_owned(),
                sender: refused.sender,
                method: refused.method.to_owned(),
                reply: refused.reply.clone(),
            };
            floods.insert(refused.webhook_id.clone(), flood);
            return;
        };
        match flood.reasons.get_mut(refused.reason) {
            Some(count) => *count += 1,
            None => {
                flood.reasons.insert(refused.reason.to_owned(), 1);
            }
        }
        flood.sender = refused.sender;
    }

    fn take(&self) -> HashMap<WebhookId, Flood> {
        std::mem::take(&mut self.0.lock())
    }
}

impl Flood {
    fn message(&self, now: Timestamp) -> String {
        let total: u64 = self.reasons.values().sum();
        let requests = if total == 1 { "request was" } else { "requests were" };
        let mut message = format!(
            "{total} more {requests} refused between {} and {now}, and not logged one by one:",
            self.since
        );
        for (reason, count) in &self.reasons {
            let _ = write!(message, " {reason} {count},");
        }
        message.truncate(message.len() - 1);
        message
    }
}

/// Writes the entries until the engine stops.
pub(crate) async fn run(core: Arc<Core>, limits: Arc<Limits>) {
    let mut timer = tokio::time::interval(PERIOD);
    timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !core.is_stopping() {
        timer.tick().await;
        flush(&core, &limits).await;
    }
}

/// Writes what there is to tell now.
pub(crate) async fn flush(core: &Core, limits: &Limits) {
    for (webhook_id, flood) in limits.unlogged.take() {
        let row = entry(core, webhook_id, &flood);
        if let Err(error) = core.store.write(InsertRequest { row }).await {
            tracing::warn!(error = %chain(&error), "how many requests were refused could not be logged");
        }
    }
}

fn entry(core: &Core, webhook_id: WebhookId, flood: &Flood) -> RequestRow {
    let now = core.now();
    let error = FieldError { field: "not_logged".to_owned(), message: flood.message(now) };
    let outcome = Outcome { errors: vec![error], ..Outcome::default() };
    RequestRow {
        id: core.shared.ids.lock().next(now),
        webhook_id,
        received_at: now,
        event_type: flood.event_type.clone(),
        sender_ip: flood.sender.to_string(),
        method: flood.method.clone(),
        content_type: String::new(),
        headers: "{}".to_owned(),
        payload: "null".to_owned(),
        status: RequestStatus::Rejected,
        attempts: 1,
        // Texts always have a JSON form.
        outcome: serde_json::to_string(&outcome).unwrap_or_default(),
        response_status: flood.reply.status,
        response_body: flood.reply.body.clone(),
        resent_from: None,
        sealed: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{ID, NOW};

    #[test]
    fn an_entry_tells_how_much_and_why() {
        let unlogged = Unlogged::default();
        let webhook_id: WebhookId = ID.parse().unwrap();
        let reply = Reply::refusal(401, "no");
        let refused = |reason| Refused {
            webhook_id: &webhook_id,
            event_type: "order_paid",
            sender: [203, 0, 113, 7].into(),
            method: "POST",
            reason,
            reply: &reply,
        };
        for reason in ["signature", "api_key", "signature"] {
            unlogged.count(&refused(reason), NOW);
        }
        let floods = unlogged.take();
        let message = floods[&webhook_id].message(NOW.plus_millis(5_000));
        assert!(message.starts_with("3 more requests were refused between 2026-"), "{message}");
        assert!(message.ends_with("not logged one by one: api_key 1, signature 2"), "{message}");
        assert!(unlogged.take().is_empty());
    }
}
