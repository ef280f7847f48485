//! What happens, live: each request, each event and each attempt of a delivery, told to who listens once it is in the log.
//!
//! Invariants: while nobody listens this costs one look at a number; it never makes the pipeline wait, since a listener that
//! is too slow misses entries, and is told how many. What was missed is in the log: nothing is kept here. Neighbours:
//! `decide` and `recorder` tell, `forward` carries entries between nodes, the API shows them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use domain::catalog;
use domain::log::{DeliveryStatus, FieldError, Outcome, RequestStatus};
use domain::{DeliveryId, Event, EventId, EventType, RequestId, Timestamp, WebhookId};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use store::commit::RequestRow;
use store::record::AttemptRow;
use tokio::sync::{broadcast, watch};

/// Entries that a listener may be behind before it misses some: a few batches, about half a mebibyte.
const BEHIND: usize = 1_024;
/// Listeners of one node: a page of the web admin and a terminal each for a large team. Every one of them costs a copy of
/// each entry.
const MAX_LISTENERS: usize = 64;

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Entry {
    /// A request came in, or was run again.
    Request(RequestEntry),
    /// A delivery was tried.
    Delivery(Box<DeliveryEntry>),
    /// It was told how the destination of an outgoing webhook does. In front of the events, as one of which it could be read.
    Health(Box<HealthEntry>),
    /// An event happened.
    Event(EventEntry),
}

/// How the destination of an outgoing webhook does from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthEntry {
    /// The event that tells it. Unique, and sorts by time.
    pub id: EventId,
    /// What it tells: `webhook_failing`, `webhook_disabled` or `webhook_recovered`.
    pub event_type: EventType,
    /// Whose destination.
    pub webhook_id: WebhookId,
    /// What people call that webhook.
    pub webhook_name: String,
    /// When.
    pub at: Timestamp,
    /// The status of the last answer that was a failure, if there was one.
    pub http_status: Option<i64>,
    /// Why that failed, as a stable code.
    pub error_code: Option<String>,
    /// Why the webhook was deactivated, if it was.
    pub reason: Option<String>,
}

/// An event as the feed tells it: without its data, which the log has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventEntry {
    /// Unique, and sorts by time.
    pub id: EventId,
    /// What kind.
    pub event_type: EventType,
}

impl From<&Event> for Entry {
    fn from(event: &Event) -> Self {
        Self::Event(EventEntry { id: event.id, event_type: event.event_type.clone() })
    }
}

/// A request as the feed shows it: without headers and payload, which the log has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestEntry {
    /// Unique, and sorts by time.
    pub id: RequestId,
    /// Where it came in.
    pub webhook_id: WebhookId,
    /// When.
    pub received_at: Timestamp,
    /// The event that it names, or else the webhook's.
    pub event_type: String,
    /// The address of the sender.
    pub sender_ip: String,
    /// The method.
    pub method: String,
    /// How it stands.
    pub status: RequestStatus,
    /// How often it was run.
    pub attempts: i64,
    /// What the sender was answered.
    pub response_status: u16,
    /// The first of its errors.
    pub error: Option<FieldError>,
}

/// An attempt of a delivery as the feed shows it: without headers and bodies, which the log has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryEntry {
    /// The delivery. Unique, and sorts by time.
    pub id: DeliveryId,
    /// Where it went.
    pub webhook_id: WebhookId,
    /// What was sent.
    pub event_id: EventId,
    /// What kind of event that is.
    pub event_type: EventType,
    /// How the delivery stands now.
    pub status: DeliveryStatus,
    /// Whether it was made to try the webhook.
    pub test: bool,
    /// When it is tried next.
    pub next_attempt_at: Option<Timestamp>,
    /// The attempt.
    pub attempt: AttemptEntry,
}

/// An attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptEntry {
    /// Counted from 1.
    pub number: u32,
    /// When it began.
    pub at: Timestamp,
    /// How long it took, in milliseconds.
    pub duration_ms: i64,
    /// The status of the answer, if there was one.
    pub http_status: Option<u16>,
    /// Why it failed, as a stable code.
    pub error_code: Option<String>,
    /// Why it failed, in words.
    pub error: Option<String>,
}

impl From<&RequestRow> for Entry {
    fn from(row: &RequestRow) -> Self {
        let outcome: Outcome = serde_json::from_str(&row.outcome).unwrap_or_default();
        Self::Request(RequestEntry {
            id: row.id,
            webhook_id: row.webhook_id.clone(),
            received_at: row.received_at,
            event_type: row.event_type.clone(),
            sender_ip: row.sender_ip.clone(),
            method: row.method.clone(),
            status: row.status,
            attempts: row.attempts,
            response_status: row.response_status,
            error: outcome.errors.into_iter().next(),
        })
    }
}

impl Entry {
    /// The entry of an event that tells how a destination does, if this is one.
    pub(crate) fn health(event: &Event) -> Option<Self> {
        #[derive(Deserialize)]
        struct Told {
            webhook_id: WebhookId,
            webhook_name: String,
            http_status: Option<i64>,
            error_code: Option<String>,
            reason: Option<String>,
        }
        let of_webhooks = [catalog::WEBHOOK_FAILING, catalog::WEBHOOK_DISABLED, catalog::WEBHOOK_RECOVERED];
        if !of_webhooks.contains(&event.event_type) {
            return None;
        }
        let Told { webhook_id, webhook_name, http_status, error_code, reason } =
            serde_json::from_str(&event.data).ok()?;
        let (id, event_type, at) = (event.id, event.event_type.clone(), event.occurred_at);
        let entry =
            HealthEntry { id, event_type, webhook_id, webhook_name, at, http_status, error_code, reason };
        Some(Self::Health(Box::new(entry)))
    }

    /// The entry of an attempt.
    pub(crate) fn attempt(row: &AttemptRow, event: &Event, test: bool) -> Self {
        Self::Delivery(Box::new(DeliveryEntry {
            id: row.delivery_id,
            webhook_id: row.webhook_id.clone(),
            event_id: event.id,
            event_type: event.event_type.clone(),
            status: row.status,
            test,
            next_attempt_at: row.due_at,
            attempt: AttemptEntry {
                number: row.number,
                at: row.attempted_at,
                duration_ms: row.duration_ms,
                http_status: row.http_status,
                error_code: row.error_code.map(str::to_owned),
                error: row.error.clone(),
            },
        }))
    }
}

/// There are as many listeners as there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{MAX_LISTENERS} listen already, which is the most")]
pub struct TooManyListeners;

/// Where entries are told.
#[derive(Debug)]
pub struct Feed {
    entries: broadcast::Sender<Told>,
    listeners: AtomicUsize,
    /// Whether someone listens on another node.
    elsewhere: AtomicBool,
    /// What is to be told there, and how much found no room.
    outbox: Mutex<(Vec<Entry>, u64)>,
    ended: watch::Sender<bool>,
}

impl Default for Feed {
    fn default() -> Self {
        Self {
            entries: broadcast::Sender::new(BEHIND),
            listeners: AtomicUsize::new(0),
            elsewhere: AtomicBool::new(false),
            outbox: Mutex::default(),
            ended: watch::Sender::new(false),
        }
    }
}

impl Feed {
    /// Whether anybody listens.
    fn is_heard(&self) -> bool {
        self.is_heard_here() || self.elsewhere.load(Ordering::Relaxed)
    }

    /// Makes what is to be told, if anybody listens. If not, nothing is made: that is all that the feed costs then.
    pub(crate) fn heard<E>(&self, make: impl FnOnce() -> E) -> Option<E> {
        self.is_heard().then(make)
    }

    /// Whether anybody listens on this node.
    pub(crate) fn is_heard_here(&self) -> bool {
        self.listeners.load(Ordering::Relaxed) > 0
    }

    /// Whether anybody listens on another node.
    pub(crate) fn heard_elsewhere(&self, is_heard: bool) {
        self.elsewhere.store(is_heard, Ordering::Relaxed);
    }

    /// Tells what happened on this node.
    pub(crate) fn tell(&self, entries: impl IntoIterator<Item = Entry>) {
        let elsewhere = self.elsewhere.load(Ordering::Relaxed);
        for entry in entries {
            if elsewhere {
                let mut outbox = self.outbox.lock();
                if outbox.0.len() < BEHIND { outbox.0.push(entry.clone()) } else { outbox.1 += 1 }
            }
            self.tell_here([entry], 0);
        }
    }

    /// Tells what happened anywhere to those who listen on this node.
    pub(crate) fn tell_here(&self, entries: impl IntoIterator<Item = Entry>, missed: u64) {
        // The last listener may have gone just now.
        for entry in entries {
            let _ = self.entries.send(Told::Entry(Arc::new(entry)));
        }
        if missed > 0 {
            let _ = self.entries.send(Told::Missed(missed));
        }
    }

    /// What is to be told on other nodes, and how much more there was.
    pub(crate) fn take_outbox(&self) -> (Vec<Entry>, u64) {
        std::mem::take(&mut *self.outbox.lock())
    }

    /// Listens from now on.
    pub(crate) fn listen(self: &Arc<Self>) -> Result<Listener, TooManyListeners> {
        let one_more = |count| (count < MAX_LISTENERS).then_some(count + 1);
        self.listeners
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, one_more)
            .map_err(|_| TooManyListeners)?;
        let (entries, ended) = (self.entries.subscribe(), self.ended.subscribe());
        Ok(Listener { entries, ended, feed: self.clone() })
    }

    /// Ends all listening: a connection that stays open must not hold up the end of the process.
    pub(crate) fn end(&self) {
        self.ended.send_replace(true);
    }
}

/// What a listener is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// Something happened.
    Entry(Arc<Entry>),
    /// The listener was too slow, and missed so many.
    Missed(u64),
}

/// One who listens, until it is dropped.
#[derive(Debug)]
pub struct Listener {
    entries: broadcast::Receiver<Told>,
    ended: watch::Receiver<bool>,
    feed: Arc<Feed>,
}

impl Listener {
    /// What happened next; `None` once the engine stops.
    pub async fn next(&mut self) -> Option<Told> {
        tokio::select! {
            biased;
            _ = self.ended.wait_for(|ended| *ended) => None,
            told = self.entries.recv() => match told {
                Ok(told) => Some(told),
                Err(broadcast::error::RecvError::Lagged(missed)) => Some(Told::Missed(missed)),
                Err(broadcast::error::RecvError::Closed) => None,
            },
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.feed.listeners.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::NOW;

    fn entry(n: i64) -> Entry {
        Entry::Request(RequestEntry {
            id: RequestId::lowest_at(NOW.plus_millis(n)),
            webhook_id: "a1b2c3d4e5f6".parse().unwrap(),
            received_at: NOW,
            event_type: "subscriber_added".into(),
            sender_ip: "192.0.2.1".into(),
            method: "POST".into(),
            status: RequestStatus::Processed,
            attempts: 1,
            response_status: 200,
            error: None,
        })
    }

    #[tokio::test]
    async fn who_listens_is_told_and_who_is_slow_is_told_how_much_it_missed() {
        let feed = Arc::new(Feed::default());
        feed.tell([entry(0)]);
        assert!(!feed.is_heard());
        let mut listener = feed.listen().unwrap();
        assert!(feed.is_heard());
        feed.tell([entry(1)]);
        assert_eq!(listener.next().await, Some(Told::Entry(Arc::new(entry(1)))), "nothing from before");
        let behind = i64::try_from(BEHIND).unwrap();
        feed.tell((0..behind + 5).map(entry));
        assert_eq!(listener.next().await, Some(Told::Missed(5)));
        assert_eq!(listener.next().await, Some(Told::Entry(Arc::new(entry(5)))));
        feed.end();
        assert_eq!(listener.next().await, None, "although there is more");
        drop(listener);
        assert!(!feed.is_heard());
    }

    #[test]
    fn while_nobody_listens_nothing_is_made() {
        let feed = Arc::new(Feed::default());
        assert_eq!(feed.heard(|| -> Entry { panic!("made for nobody") }), None);
        let listener = feed.listen().unwrap();
        assert_eq!(feed.heard(|| entry(1)), Some(entry(1)));
        drop(listener);
        assert_eq!(feed.heard(|| -> Entry { panic!("made for nobody") }), None);
        feed.heard_elsewhere(true);
        assert_eq!(feed.heard(|| entry(2)), Some(entry(2)));
    }

    fn told(event_type: EventType, data: &str) -> Option<Entry> {
        let id = EventId::lowest_at(NOW);
        Entry::health(&Event {
            id,
            event_type,
            occurred_at: NOW,
            data: data.into(),
            request_id: None,
            subscriber: None,
        })
    }

    #[test]
    fn how_a_destination_does_is_told_by_its_event() {
        let data = r#"{"webhook_id":"a1b2c3d4e5f6","webhook_name":"Shop","webhook_host":"x","failing_since":null,
            "failed_attempts":3,"http_status":410,"error_code":"http_status","reason":"it is gone"}"#;
        let Some(Entry::Health(entry)) = told(catalog::WEBHOOK_DISABLED, data) else { panic!("an entry") };
        assert_eq!((entry.webhook_name.as_str(), entry.http_status), ("Shop", Some(410)));
        assert_eq!((entry.at, entry.reason.as_deref()), (NOW, Some("it is gone")));
        let text = serde_json::to_string(&Entry::Health(entry.clone())).unwrap();
        assert_eq!(serde_json::from_str::<Entry>(&text).unwrap(), Entry::Health(entry));
        assert_eq!(told(catalog::SUBSCRIBER_ADDED, data), None);
        assert_eq!(told(catalog::WEBHOOK_FAILING, "{}"), None, "someone published it, who does not know");
    }

    #[test]
    fn listeners_are_few() {
        let feed = Arc::new(Feed::default());
        let mut all: Vec<Listener> = (0..MAX_LISTENERS).map(|_| feed.listen().unwrap()).collect();
        assert_eq!(feed.listen().unwrap_err(), TooManyListeners);
        all.pop();
        assert!(feed.listen().is_ok());
    }

    #[test]
    fn entries_are_read_back_as_what_they_are() {
        let event = Entry::Event(EventEntry {
            id: EventId::lowest_at(NOW),
            event_type: "order_paid".parse().unwrap(),
        });
        for entry in [entry(1), event] {
            let text = serde_json::to_string(&entry).unwrap();
            assert_eq!(serde_json::from_str::<Entry>(&text).unwrap(), entry);
        }
    }
}
