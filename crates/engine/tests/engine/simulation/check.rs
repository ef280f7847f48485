//! What must hold when the world has come to rest.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use store::{Row, StoreError};

use super::model::{Entry, Person};
use super::world::World;
use crate::support::Look;

struct Request {
    id: String,
    entry: Entry,
}

struct Event {
    id: String,
    kind: String,
    email: String,
    request_id: String,
    data: String,
}

struct Delivery {
    id: String,
    webhook_id: String,
    event_id: String,
    status: String,
    attempts: i64,
    first_attempt_at: Option<i64>,
    is_due: bool,
    node: Option<String>,
    subject: Option<i64>,
}

struct Attempt {
    number: i64,
    at: i64,
    duration_ms: i64,
    http_status: Option<i64>,
}

impl World<'_> {
    /// Checks everything.
    pub async fn check(&self) {
        let (requests, events) = (self.requests().await, self.events().await);
        self.senders_are_answered(&requests);
        self.the_log_is_the_models(requests, &events);
        assert_eq!(self.people().await, self.model.people, "the subscribers are not those of the model");
        let deliveries = self.deliveries().await;
        self.each_event_has_its_deliveries(&events, &deliveries);
        let attempts = self.attempts().await;
        let none = Vec::new();
        for delivery in &deliveries {
            self.a_delivery_is_at_its_end(delivery, attempts.get(&delivery.id).unwrap_or(&none));
        }
        self.destinations_saw_what_happened(&events);
        self.who_is_deactivated_was_told_once().await;
        self.the_order_is_kept(&deliveries, &attempts);
        self.statistics_are_those_of_the_log().await;
    }

    /// The change and its event are one.
    async fn who_is_deactivated_was_told_once(&self) {
        let told = "SELECT json_extract(data, '$.webhook_id') FROM events WHERE event_type = 'webhook_disabled' ORDER BY 1";
        let disabled = "SELECT id FROM outgoing_webhooks WHERE disabled_reason IS NOT NULL ORDER BY 1";
        let ids = async |sql| self.look(sql, |row| row.read().text()).await;
        assert_eq!(ids(told).await, ids(disabled).await, "deactivated without being told, or told twice");
    }

    /// Of one subscriber, where the order is kept, a delivery begins after the one before it has come to its end.
    fn the_order_is_kept(&self, deliveries: &[Delivery], attempts: &BTreeMap<String, Vec<Attempt>>) {
        let mut ends: BTreeMap<(&str, i64), i64> = BTreeMap::new();
        for delivery in deliveries {
            let in_order =
                self.destinations[delivery.webhook_id.as_str()].settings["ordering"] == "subscriber";
            assert_eq!(delivery.subject.is_some(), in_order, "the subject of {}", delivery.id);
            let (Some(subject), Some(attempts)) = (delivery.subject, attempts.get(&delivery.id)) else {
                continue;
            };
            let end = ends.entry((&delivery.webhook_id, subject)).or_default();
            let begins = attempts.first().map_or(i64::MAX, |attempt| attempt.at);
            assert!(begins >= *end, "{} begins {} ms early", delivery.id, *end - begins);
            *end = attempts.iter().map(|attempt| attempt.at + attempt.duration_ms).max().unwrap_or(*end);
        }
    }

    /// Each attempt of the log is counted once, and each delivery that has come to its end.
    async fn statistics_are_those_of_the_log(&self) {
        const COUNTED: &str = "SELECT webhook_id, SUM(attempts), SUM(retry_attempts), SUM(duration_ms), SUM(delivered), \
             SUM(failed) FROM delivery_stats GROUP BY webhook_id ORDER BY webhook_id";
        const LOGGED: &str = "SELECT d.webhook_id, COUNT(*), SUM(a.number > 1), SUM(a.duration_ms), \
             (SELECT COUNT(*) FROM deliveries WHERE webhook_id = d.webhook_id AND status = 'delivered'), \
             (SELECT COUNT(*) FROM deliveries WHERE webhook_id = d.webhook_id AND status = 'failed') \
             FROM attempts a JOIN deliveries d ON d.id = a.delivery_id GROUP BY d.webhook_id ORDER BY d.webhook_id";
        let read = |row: Row| {
            let mut row = row.read();
            Ok((row.text()?, [row.int()?, row.int()?, row.int()?, row.int()?, row.int()?]))
        };
        let counted: Vec<(String, [i64; 5])> = self.look(COUNTED, read).await;
        assert_eq!(
            counted,
            self.look(LOGGED, read).await,
            "attempts, retries, milliseconds, delivered, failed"
        );
    }

    /// Nobody takes back what was recorded: it would be sent again. To be called after each record.
    pub async fn what_is_delivered_stays_delivered(&mut self) {
        const SQL: &str = "SELECT id FROM deliveries WHERE status = 'delivered'";
        if self.scenario.pauses == 0 {
            return;
        }
        let delivered = self.look(SQL, |row| row.read().text()).await.into_iter().collect();
        assert!(self.delivered.is_subset(&delivered), "a delivery is not delivered any more");
        self.delivered = delivered;
    }

    async fn look<A: Send + 'static>(
        &self,
        sql: &'static str,
        read: impl Fn(Row) -> Result<A, StoreError> + Send + Sync + 'static,
    ) -> Vec<A> {
        self.database.store.read(Look { sql, read }).await.unwrap()
    }

    fn senders_are_answered(&self, requests: &[Request]) {
        let stored: BTreeMap<&str, &Request> =
            requests.iter().map(|request| (request.id.as_str(), request)).collect();
        for (number, post) in self.posts.iter().enumerate() {
            let reply = post.reply.as_ref().unwrap_or_else(|| panic!("post {number} got no answer"));
            let body: Value = serde_json::from_str(&reply.body).unwrap();
            let id = body["request_id"].as_str().unwrap();
            let request = stored.get(id).unwrap_or_else(|| panic!("post {number} is acknowledged and lost"));
            assert_eq!(request.entry.body.as_bytes(), self.orders[post.order].body, "another body is stored");
        }
    }

    fn the_log_is_the_models(&self, requests: Vec<Request>, events: &[Event]) {
        let mut caused: BTreeMap<&str, Vec<(String, String)>> = BTreeMap::new();
        for event in events {
            caused.entry(&event.request_id).or_default().push((event.kind.clone(), event.email.clone()));
        }
        let mut log: Vec<Entry> = requests
            .into_iter()
            .map(|request| Entry {
                events: caused.remove(request.id.as_str()).unwrap_or_default(),
                ..request.entry
            })
            .collect();
        let mut expected = self.model.log.clone();
        log.sort();
        expected.sort();
        assert_eq!(log, expected, "the log is not that of the model");
        assert!(caused.is_empty(), "events of no request: {caused:?}");
    }

    fn each_event_has_its_deliveries(&self, events: &[Event], deliveries: &[Delivery]) {
        let mut expected = BTreeSet::new();
        for event in events {
            for (webhook_id, destination) in &self.destinations {
                let wanted = destination.settings["events"].as_array().unwrap();
                // One that was deactivated meanwhile gets none of what came later.
                let gone =
                    self.scenario.gone && !deliveries.iter().any(|d| of(d, event, webhook_id.as_str()));
                if wanted.iter().any(|kind| kind == &event.kind) && !gone {
                    expected.insert((event.id.as_str(), webhook_id.as_str()));
                }
            }
        }
        let made: Vec<_> = deliveries.iter().map(|d| (d.event_id.as_str(), d.webhook_id.as_str())).collect();
        assert_eq!(made.len(), expected.len(), "an event has too many deliveries, or too few");
        assert_eq!(made.into_iter().collect::<BTreeSet<_>>(), expected, "deliveries of the wrong events");
    }

    fn a_delivery_is_at_its_end(&self, delivery: &Delivery, attempts: &[Attempt]) {
        let Delivery { id, status, .. } = delivery;
        assert_eq!(delivery.node, None, "{id} is still leased");
        assert!(!delivery.is_due, "{id} is still due");
        let destination = &self.destinations[delivery.webhook_id.as_str()];
        let schedule: Vec<i64> =
            serde_json::from_value(destination.settings["retry"]["schedule_seconds"].clone()).unwrap();
        let numbers: Vec<i64> = attempts.iter().map(|attempt| attempt.number).collect();
        // A process that was taken for dead records what it did, and has no say in what comes of it.
        let count = if self.scenario.pauses > 0 { numbers.len() as i64 } else { delivery.attempts };
        assert_eq!(numbers, (1..=count).collect::<Vec<_>>(), "the attempts of {id}");
        assert!(count >= delivery.attempts, "attempts of {id} are missing");
        assert!(attempts.len() <= schedule.len() + 1, "{id} was tried too often");
        if let Some(first) = attempts.first() {
            self.attempts_are_at_their_offsets(delivery, attempts, first.at, &schedule);
        }
        let seen = destination.seen.get(&delivery.event_id);
        let last = attempts.last().and_then(|attempt| attempt.http_status);
        match status.as_str() {
            "delivered" => {
                assert!(seen.is_some_and(|seen| seen.accepted > 0), "{id} did not arrive");
                // A process that was taken for dead may have recorded another attempt under this number.
                assert!(self.scenario.pauses > 0 || last == Some(200), "{id} was not answered so: {last:?}");
            }
            "failed" if seen.is_some_and(|seen| seen.is_refused) => {}
            "failed" => assert_eq!(attempts.len(), schedule.len() + 1, "{id} was given up"),
            "cancelled" => assert!(self.scenario.gone, "{id} is cancelled"),
            other => panic!("{id} ended as {other}"),
        }
        if self.scenario.crashes == 0 {
            assert_eq!(seen.map_or(0, |seen| seen.sent), attempts.len(), "{id} was sent in secret");
        }
    }

    fn attempts_are_at_their_offsets(
        &self,
        delivery: &Delivery,
        attempts: &[Attempt],
        first: i64,
        schedule: &[i64],
    ) {
        if self.scenario.pauses == 0 {
            assert_eq!(delivery.first_attempt_at, Some(first), "the first attempt of {}", delivery.id);
        }
        // Jitter brings the last one forward, by a tenth of its distance.
        let end = schedule.last().map_or(0, |last| first + last * 1_000);
        let distances = std::iter::once(&0).chain(schedule).zip(schedule);
        let earliest = distances.map(|(before, seconds)| {
            let slot = first + seconds * 1_000;
            if slot == end { slot - (seconds - before) * 100 } else { slot }
        });
        let slots = std::iter::once(first).chain(earliest);
        let ends = attempts.iter().map(|attempt| attempt.at + attempt.duration_ms);
        for ((attempt, slot), previous_end) in
            attempts.iter().zip(slots).zip(std::iter::once(first).chain(ends))
        {
            let earliest = slot.max(previous_end);
            assert!(
                attempt.at >= earliest || self.scenario.pauses > 0,
                "attempt {} of {} is {} ms early",
                attempt.number,
                delivery.id,
                earliest - attempt.at
            );
        }
    }

    fn destinations_saw_what_happened(&self, events: &[Event]) {
        let known: BTreeMap<&str, &Event> = events.iter().map(|event| (event.id.as_str(), event)).collect();
        for (webhook_id, destination) in &self.destinations {
            for (id, seen) in &destination.seen {
                let event = known
                    .get(id.as_str())
                    .unwrap_or_else(|| panic!("{webhook_id} got {id}, which is no event"));
                let body: Value = serde_json::from_slice(&seen.body).unwrap();
                let data: Value = serde_json::from_str(&event.data).unwrap();
                assert_eq!((&body["event"], &body["data"]), (&Value::from(event.kind.as_str()), &data));
            }
        }
    }

    async fn requests(&self) -> Vec<Request> {
        const SQL: &str = "SELECT id, payload, status, response_status FROM requests ORDER BY id";
        let read = |row: Row| {
            let mut row = row.read();
            let (id, body, status) = (row.text()?, row.text()?, row.text()?);
            let http_status = u16::try_from(row.int()?).unwrap();
            Ok(Request { id, entry: Entry { body, status, http_status, events: Vec::new() } })
        };
        self.look(SQL, read).await
    }

    async fn events(&self) -> Vec<Event> {
        const SQL: &str = "SELECT id, event_type, data, request_id FROM events \
             WHERE event_type <> 'webhook_disabled' ORDER BY id";
        let read = |row: Row| {
            let mut row = row.read();
            let (id, kind, data, request_id) = (row.text()?, row.text()?, row.text()?, row.text()?);
            let fields: Value = serde_json::from_str(&data).unwrap();
            let email = fields["email"].as_str().unwrap().to_owned();
            Ok(Event { id, kind, email, request_id, data })
        };
        self.look(SQL, read).await
    }

    async fn people(&self) -> BTreeMap<&'static str, Person> {
        const SQL: &str = "SELECT email, status, first_name, \
             (SELECT GROUP_CONCAT(tag) FROM subscriber_tags WHERE subscriber_id = id), \
             (SELECT COUNT(*) FROM list_members WHERE subscriber_id = id AND list_id = 1 AND list_members.status = 'subscribed') \
             FROM subscribers";
        let read = |row: Row| {
            let mut row = row.read();
            let (email, status, name) = (row.text()?, row.text()?, row.opt_text()?);
            let (tags, lists) = (row.opt_text()?.unwrap_or_default(), row.int()?);
            let tags =
                tags.split(',').filter(|tag| !tag.is_empty()).map(|tag| known(&["half", "vip", "web"], tag));
            let status = known(&["subscribed", "pending", "unsubscribed"], &status);
            let person = Person { status, name, tags: tags.collect(), is_on_list: lists > 0 };
            Ok((known(&super::orders::EMAILS, &email), person))
        };
        self.look(SQL, read).await.into_iter().collect()
    }

    async fn deliveries(&self) -> Vec<Delivery> {
        const SQL: &str = "SELECT id, webhook_id, event_id, status, attempts, first_attempt_at, due_at, node, subject FROM deliveries \
             ORDER BY id";
        let read = |row: Row| {
            let mut row = row.read();
            Ok(Delivery {
                id: row.text()?,
                webhook_id: row.text()?,
                event_id: row.text()?,
                status: row.text()?,
                attempts: row.int()?,
                first_attempt_at: row.opt_int()?,
                is_due: row.opt_int()?.is_some(),
                node: row.opt_text()?,
                subject: row.opt_int()?,
            })
        };
        self.look(SQL, read).await
    }

    async fn attempts(&self) -> BTreeMap<String, Vec<Attempt>> {
        const SQL: &str = "SELECT delivery_id, number, attempted_at, duration_ms, http_status FROM attempts \
                           ORDER BY delivery_id, number";
        let read = |row: Row| {
            let mut row = row.read();
            let (id, number) = (row.text()?, row.int()?);
            let (at, duration_ms, http_status) = (row.int()?, row.int()?, row.opt_int()?);
            Ok((id, Attempt { number, at, duration_ms, http_status }))
        };
        let mut attempts: BTreeMap<String, Vec<Attempt>> = BTreeMap::new();
        for (id, attempt) in self.look(SQL, read).await {
            attempts.entry(id).or_default().push(attempt);
        }
        attempts
    }
}

fn of(delivery: &Delivery, event: &Event, webhook_id: &str) -> bool {
    delivery.event_id == event.id && delivery.webhook_id == webhook_id
}

/// The same text, of those that can be there.
fn known(texts: &[&'static str], text: &str) -> &'static str {
    texts.iter().find(|known| **known == text).unwrap_or_else(|| panic!("{text} comes from nowhere"))
}
