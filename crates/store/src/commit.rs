//! The transaction at the heart: load what a batch needs, let it decide, write what it decided.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use domain::audit::Entry;
use domain::log::{DeliveryStatus, RequestStatus};
use domain::roster::Changed;
use domain::{
    DeliveryId, Email, Event, EventId, EventType, Named, RequestId, Subscriber, SubscriberId, Timestamp,
    WebhookId,
};
use futures_util::future::try_join_all;
use futures_util::try_join;
use serde::{Deserialize, Serialize};

use crate::audit;
use crate::config;
use crate::error::StoreError;
use crate::health::{self, Disabled, HealthRow};
use crate::imports::{self, ImportStep};
use crate::jobs::{self, JobRow};
use crate::mails::{self, MailRow};
use crate::request_stats;
use crate::resend::{self, Resent};
use crate::subscribers::{self, Versions};
use crate::tx::{Rows, Sequence, Tx, Value, Work};

/// What a batch needs loaded before it can decide.
#[derive(Debug, Default)]
pub struct Needs {
    /// Subscribers by address.
    pub emails: Vec<Email>,
    /// Subscribers by id.
    pub subscribers: Vec<SubscriberId>,
    /// Subscribers who are only looked at: nothing is reserved for who is not there.
    pub looked_at: Vec<Named>,
    /// Answers given before.
    pub dedupe: Vec<DedupeKey>,
    /// How the destinations of these webhooks do.
    pub health: Vec<WebhookId>,
    /// The version of the configuration by which the batch decides; if the stored one differs the batch is not run.
    pub config_version: i64,
}

/// What names a request that must not be acted upon twice.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DedupeKey {
    /// The incoming webhook.
    pub webhook_id: WebhookId,
    /// The sender's name for the request.
    pub key: String,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    /// Those of the wanted subscribers that exist. Whoever of them is changed by another transaction before this one writes makes
    /// it run again.
    pub subscribers: Vec<Subscriber>,
    /// Answers given before.
    pub dedupe: HashMap<DedupeKey, String>,
    /// Those of the wanted webhooks that do not do well. Nobody else changes them before this transaction ends.
    pub health: HashMap<WebhookId, HealthRow>,
    /// Ids for subscribers who will be new: one for each wanted address that was not found, and one for each subscriber
    /// wanted by id, whose address may become free.
    pub free_ids: Vec<SubscriberId>,
}

/// What is to be written.
#[derive(Debug, Default)]
pub struct Writes {
    /// Subscribers, in the order of their addresses.
    pub subscribers: Vec<Changed>,
    /// Events.
    pub events: Vec<Event>,
    /// An event that is none of those, and has one delivery.
    pub resent: Option<Resent>,
    /// Of these events, whom they are about.
    pub subjects: HashMap<EventId, SubscriberId>,
    /// Of these events, who wanted their kind and did not get them.
    pub skipped: HashMap<EventId, Skips>,
    /// Deliveries of these events.
    pub deliveries: Vec<NewDelivery>,
    /// New entries of the request log.
    pub requests: Vec<RequestRow>,
    /// Entries of the request log that were run again.
    pub retried: Vec<RequestRow>,
    /// Answers to remember.
    pub dedupe: Vec<(DedupeKey, DedupeAnswer)>,
    /// Requests that a job goes on with.
    pub jobs: Vec<JobRow>,
    /// Requests that no job goes on with any more.
    pub ended_jobs: Vec<RequestId>,
    /// How destinations do now.
    pub health: Vec<HealthRow>,
    /// Webhooks that are deactivated.
    pub disabled: Vec<Disabled>,
    /// What is told of it in the audit log.
    pub audit: Vec<Entry>,
    /// Mails that are to be sent.
    pub mails: Vec<MailRow>,
    /// How far an import has come with these subscribers.
    pub import: Option<ImportStep>,
}

/// Those who want events of a kind, and did not get one of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Skips {
    /// The first of them.
    pub first: Vec<Skipped>,
    /// How many more there were.
    pub more: u64,
}

/// An outgoing webhook that wants events of a kind, and did not get one of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// The webhook.
    pub webhook_id: WebhookId,
    /// Why, in words.
    pub reason: String,
}

/// An answer to remember.
#[derive(Debug)]
pub struct DedupeAnswer {
    /// What the batch makes of it is its own business.
    pub answer: String,
    /// When it may be forgotten.
    pub expires_at: Timestamp,
}

/// An entry of the request log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestRow {
    /// Unique, and sorts by time.
    pub id: RequestId,
    /// Where it came in.
    pub webhook_id: WebhookId,
    /// When.
    pub received_at: Timestamp,
    /// The event it names, or the webhook's.
    pub event_type: String,
    /// The address of the sender.
    pub sender_ip: String,
    /// The method.
    pub method: String,
    /// The content type as sent.
    pub content_type: String,
    /// Its headers as a JSON object, secrets masked.
    pub headers: String,
    /// Its body.
    pub payload: String,
    /// How it ended.
    pub status: RequestStatus,
    /// How often it was run.
    pub attempts: i64,
    /// What it came to, as JSON of [`domain::log::Outcome`].
    pub outcome: String,
    /// The status of the answer.
    pub response_status: u16,
    /// The body of the answer.
    pub response_body: String,
    /// The entry of which this one is another try with an edited payload.
    pub resent_from: Option<RequestId>,
    /// The payload as it came, sealed, where `payload` is redacted and the request is not done with.
    pub sealed: Option<Vec<u8>>,
}

/// A delivery as it is made.
#[derive(Clone, Debug)]
pub struct NewDelivery {
    /// Unique, and sorts by time.
    pub id: DeliveryId,
    /// Where to.
    pub webhook_id: WebhookId,
    /// What.
    pub event_id: EventId,
    /// What kind of event that is.
    pub event_type: EventType,
    /// When it was made, and is due.
    pub created_at: Timestamp,
    /// The process that will send it from memory; without one it waits in the table for who has room.
    pub node: Option<Arc<str>>,
    /// The subscriber whose deliveries follow each other, if they do. Such a one waits in the table.
    pub subject: Option<SubscriberId>,
}

/// A batch: what it needs, and how it decides. Deciding may happen several times; only the last one counts.
pub trait Decide: Send + Sync + 'static {
    /// What is returned to the caller after the commit.
    type Answer: Send + 'static;

    /// What to load.
    fn needs(&self) -> Needs;

    /// What to write, and what to answer.
    ///
    /// # Errors
    /// Rolls everything back.
    fn decide(&self, found: Found) -> Result<(Writes, Self::Answer), StoreError>;
}

/// Runs a batch as one transaction.
pub struct Commit<D> {
    batch: D,
    /// Whether it has run before: then others are after the same subscribers, and it locks them before it reads them.
    has_run: AtomicBool,
}

impl<D> Commit<D> {
    /// Of this batch.
    pub fn new(batch: D) -> Self {
        Self { batch, has_run: AtomicBool::new(false) }
    }
}

impl<D: Decide> Work for Commit<D> {
    type Output = D::Answer;

    async fn run<T: Tx>(&self, tx: &T) -> Result<D::Answer, StoreError> {
        let needs = self.batch.needs();
        let locks = self.has_run.swap(true, Ordering::Relaxed);
        let (found, versions) = load(tx, needs, locks).await?;
        let (writes, answer) = self.batch.decide(found)?;
        write(tx, &writes, &versions).await?;
        Ok(answer)
    }
}

/// A transaction that loads what a batch needs and lets it decide, and writes nothing.
pub struct Rehearse<D>(pub D);

impl<D: Decide> Work for Rehearse<D> {
    type Output = (Writes, D::Answer);

    async fn run<T: Tx>(&self, tx: &T) -> Result<(Writes, D::Answer), StoreError> {
        let (found, _) = load(tx, self.0.needs(), false).await?;
        self.0.decide(found)
    }
}

async fn load<T: Tx>(tx: &T, needs: Needs, locks: bool) -> Result<(Found, Versions), StoreError> {
    let mut emails: Vec<String> = needs.emails.iter().map(|email| email.as_str().to_owned()).collect();
    let mut ids: Vec<i64> = needs.subscribers.iter().map(|id| id.0).collect();
    for named in &needs.looked_at {
        match named {
            Named::Id(id) => ids.push(id.0),
            Named::Email(email) => emails.push(email.as_str().to_owned()),
        }
    }
    let locked = if locks { Some(subscribers::lock(tx, &emails, &ids).await?) } else { None };
    let (version, (found, versions), dedupe, health) = try_join!(
        config::version(tx),
        subscribers::load(tx, emails, ids),
        load_dedupe(tx, &needs.dedupe),
        health::lock(tx, &needs.health),
    )?;
    if version != needs.config_version {
        return Err(StoreError::StaleConfig);
    }
    // Whoever has come in between is not locked, and locking them now would be out of order.
    if locked.is_some_and(|locked| found.iter().any(|subscriber| !locked.contains(&subscriber.id))) {
        return Err(StoreError::Conflict);
    }
    let known: HashSet<&Email> = found.iter().map(|subscriber| &subscriber.email).collect();
    let missing: HashSet<&Email> = needs.emails.iter().filter(|email| !known.contains(email)).collect();
    // Whoever is wanted by id may be deleted, or move to another address, and leave theirs to someone new.
    let free_ids = match missing.len() + needs.subscribers.len() {
        0 => Vec::new(),
        missing => tx.reserve(Sequence::Subscribers, missing).await?,
    };
    let free_ids = free_ids.into_iter().map(SubscriberId).collect();
    Ok((Found { subscribers: found, dedupe, health, free_ids }, versions))
}

async fn load_dedupe<T: Tx>(tx: &T, keys: &[DedupeKey]) -> Result<HashMap<DedupeKey, String>, StoreError> {
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let mut names: HashMap<&WebhookId, Vec<String>> = HashMap::new();
    for key in keys {
        names.entry(&key.webhook_id).or_default().push(key.key.clone());
    }
    // One after the other webhook: all names of all of them are many more pairs than there are.
    const SQL: &str =
        "SELECT webhook_id, dedupe_key, answer FROM dedupe WHERE webhook_id = ?1 AND dedupe_key IN ?2";
    let mut loads = Vec::with_capacity(names.len());
    for (webhook_id, names) in names {
        loads.push(tx.query(SQL, vec![webhook_id.as_str().into(), Value::Texts(names)]));
    }
    let rows = try_join_all(loads).await?;
    rows.into_iter()
        .flatten()
        .map(|row| {
            let mut row = row.read();
            Ok((DedupeKey { webhook_id: row.parse("a webhook id")?, key: row.text()? }, row.text()?))
        })
        .collect()
}

async fn write<T: Tx>(tx: &T, writes: &Writes, versions: &Versions) -> Result<(), StoreError> {
    try_join!(
        subscribers::write(tx, &writes.subscribers, versions),
        insert_events(tx, writes),
        resend::insert(tx, writes.resent.as_ref()),
        insert_deliveries(tx, &writes.deliveries),
        insert_requests(tx, &writes.requests),
        update_requests(tx, &writes.retried),
        request_stats::count(tx, &writes.requests, &writes.retried),
        remember(tx, &writes.dedupe),
        jobs::put(tx, &writes.jobs),
        jobs::end(tx, &writes.ended_jobs),
        health::write(tx, &writes.health),
        mails::put(tx, &writes.mails),
        imports::advance(tx, writes.import.as_ref()),
        audit::put(tx, &writes.audit),
    )?;
    health::disable(tx, &writes.disabled).await
}

async fn insert_events<T: Tx>(tx: &T, writes: &Writes) -> Result<(), StoreError> {
    let mut rows = Rows::with_capacity(writes.events.len(), 8);
    for event in &writes.events {
        rows.push([
            event.id.to_string().into(),
            event.event_type.as_str().into(),
            event.occurred_at.into(),
            event.data.as_ref().into(),
            event.request_id.map(|id| id.to_string()).into(),
            // Ids and texts always have a JSON form.
            writes.skipped.get(&event.id).and_then(|skipped| serde_json::to_string(skipped).ok()).into(),
            writes.subjects.get(&event.id).map(|subscriber| subscriber.0).into(),
            event.subscriber.as_deref().into(),
        ]);
    }
    const SQL: &str = "INSERT INTO events (id, event_type, occurred_at, data, request_id, skipped, subscriber_id, \
                       subscriber) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    tx.execute_many(SQL, rows).await.map(|_| ())
}

pub(crate) async fn insert_deliveries<T: Tx>(tx: &T, deliveries: &[NewDelivery]) -> Result<(), StoreError> {
    let mut rows = Rows::with_capacity(deliveries.len(), 8);
    for delivery in deliveries {
        rows.push([
            delivery.id.to_string().into(),
            delivery.webhook_id.as_str().into(),
            delivery.event_id.to_string().into(),
            delivery.event_type.as_str().into(),
            delivery.created_at.into(),
            DeliveryStatus::Pending.as_str().into(),
            delivery.node.as_deref().into(),
            delivery.subject.map(|subscriber| subscriber.0).into(),
        ]);
    }
    const SQL: &str = "INSERT INTO deliveries (id, webhook_id, event_id, event_type, created_at, status, attempts, due_at, node, \
                       subject) VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, ?5, ?7, ?8)";
    tx.execute_many(SQL, rows).await.map(|_| ())
}

pub(crate) async fn insert_requests<T: Tx>(tx: &T, requests: &[RequestRow]) -> Result<(), StoreError> {
    let mut rows = Rows::with_capacity(requests.len(), 16);
    for request in requests {
        rows.push([
            request.id.to_string().into(),
            request.webhook_id.as_str().into(),
            request.received_at.into(),
            (&request.event_type).into(),
            (&request.sender_ip).into(),
            (&request.method).into(),
            (&request.content_type).into(),
            (&request.headers).into(),
            (&request.payload).into(),
            request.status.as_str().into(),
            request.attempts.into(),
            (&request.outcome).into(),
            i64::from(request.response_status).into(),
            (&request.response_body).into(),
            request.resent_from.map(|id| id.to_string()).into(),
            request.sealed.as_deref().into(),
        ]);
    }
    const SQL: &str = "INSERT INTO requests (id, webhook_id, received_at, event_type, sender_ip, method, content_type, headers, \
                       payload, status, attempts, outcome, response_status, response_body, resent_from, \
                       sealed) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)";
    tx.execute_many(SQL, rows).await.map(|_| ())
}

/// Someone else may have run the same request since it was read: then nothing of this run counts.
async fn update_requests<T: Tx>(tx: &T, requests: &[RequestRow]) -> Result<(), StoreError> {
    let mut rows = Rows::with_capacity(requests.len(), 7);
    for request in requests {
        rows.push([
            request.id.to_string().into(),
            request.status.as_str().into(),
            request.attempts.into(),
            (&request.outcome).into(),
            i64::from(request.response_status).into(),
            (&request.response_body).into(),
            i64::from(request.sealed.is_some()).into(),
        ]);
    }
    const SQL: &str = "UPDATE requests SET status = ?2, attempts = ?3, outcome = ?4, response_status = ?5, response_body = ?6, \
                       sealed = CASE WHEN ?7 = 1 THEN sealed ELSE NULL END \
                       WHERE id = ?1 AND attempts = ?3 - 1";
    let wanted = rows.len() as u64;
    let written = tx.execute_many(SQL, rows).await?;
    if written == wanted { Ok(()) } else { Err(StoreError::Conflict) }
}

/// Someone else may have answered the same request since we looked: then the batch runs again, and finds that answer.
async fn remember<T: Tx>(tx: &T, answers: &[(DedupeKey, DedupeAnswer)]) -> Result<(), StoreError> {
    let mut rows = Rows::with_capacity(answers.len(), 4);
    for (key, answer) in answers {
        rows.push([
            key.webhook_id.as_str().into(),
            (&key.key).into(),
            (&answer.answer).into(),
            answer.expires_at.into(),
        ]);
    }
    const SQL: &str = "INSERT INTO dedupe (webhook_id, dedupe_key, answer, expires_at) VALUES (?1, ?2, ?3, ?4) \
                       ON CONFLICT (webhook_id, dedupe_key) DO NOTHING";
    let wanted = rows.len() as u64;
    let written = tx.execute_many(SQL, rows).await?;
    if written == wanted { Ok(()) } else { Err(StoreError::Conflict) }
}
