//! The way of a delivery to its destination, into the log, and back from the table.

use std::ops::RangeInclusive;

use delivery::Sign;
use domain::log::DeliveryStatus;
use domain::{DeliveryId, WebhookId};
use engine::health::judge;
use engine::send::{self, Exchange};
use store::queue::{DueDelivery, GiveBack};
use store::record::{AttemptRow, Record};

use super::database::write;
use super::node::Attempt;
use super::world::{SECOND, What, World};

/// When recording is tried again.
const RECORD_AGAIN: i64 = 250;

impl World<'_> {
    /// Takes deliveries that have places.
    pub fn take(&mut self, life: u64, jobs: Vec<DueDelivery>, spilled: &[WebhookId]) {
        let destinations: Vec<WebhookId> = jobs.iter().map(|job| job.webhook_id.clone()).collect();
        {
            let mut queues = self.node(life).memory.0.lock();
            for job in jobs {
                let webhook_id = job.webhook_id.clone();
                queues.push(&webhook_id, job).unwrap();
            }
            spilled.iter().for_each(|webhook_id| queues.mark_spilled(webhook_id));
        }
        if !spilled.is_empty() {
            self.next(What::Refill { life });
        }
        destinations.iter().for_each(|webhook_id| self.begin(life, webhook_id));
    }

    /// Begins attempts of those that waited for a place.
    fn begin_turns(&mut self, life: u64) {
        loop {
            let turn = self.node(life).memory.0.lock().next_turn();
            let Some(webhook_id) = turn else { return };
            self.begin(life, &webhook_id);
        }
    }

    /// Begins as many attempts as may be under way at once.
    fn begin(&mut self, life: u64, webhook_id: &WebhookId) {
        loop {
            let node = self.node(life);
            let outgoing = node.snapshot.outgoing.get(webhook_id).cloned();
            let concurrency = outgoing.as_ref().map_or(1, |outgoing| outgoing.webhook.settings.concurrency);
            let started = node.memory.0.lock().start(webhook_id, usize::try_from(concurrency).unwrap());
            let Some(delivery) = started else { return };
            let now = self.time();
            let request = outgoing.filter(|outgoing| outgoing.is_active()).and_then(|outgoing| {
                let draft = send::draft(&outgoing, &delivery.event).ok()?;
                let request = send::sign(&outgoing, &delivery.event, draft, None, now).ok()?;
                Some((outgoing, request))
            });
            let Some((outgoing, request)) = request else {
                self.node(life).outcomes.given_back.push(delivery.id);
                self.finish(life, webhook_id);
                continue;
            };
            self.must_be_due(&delivery);
            let destination = self.destinations.get_mut(webhook_id).unwrap();
            let fate = destination.send(&outgoing, &request, now.millis(), &mut self.rng);
            self.exchanges += 1;
            let attempt = self.exchanges;
            self.tell(|| {
                let (id, count) = (delivery.id, delivery.attempts + 1);
                format!(
                    "node-{life} sends {id} to {webhook_id}, attempt {count}: {:?}",
                    fate.result.as_ref().map(|r| r.status)
                )
            });
            let under_way = Attempt {
                delivery,
                outgoing,
                started: now,
                request_headers: request.headers,
                result: fate.result,
            };
            self.node(life).in_flight.insert(attempt, under_way);
            self.after(fate.takes_ms, What::Ended { life, attempt });
        }
    }

    /// No attempt begins before it is due, nor after, if nothing stands in the way.
    fn must_be_due(&mut self, delivery: &DueDelivery) {
        if delivery.attempts == 0 {
            return;
        }
        let now = self.now();
        let due: Vec<i64> = self.due[&(delivery.id, delivery.attempts)].iter().flatten().copied().collect();
        assert!(due.iter().any(|due| now >= *due), "{} is sent at {now}, due at {due:?}", delivery.id);
        if self.scenario.exact {
            assert_eq!(due, [now], "{} is sent after it was due", delivery.id);
        }
    }

    pub fn ended(&mut self, life: u64, attempt: u64) {
        let ended = self.time();
        let Attempt { delivery, outgoing, started, request_headers, result } =
            self.node(life).in_flight.remove(&attempt).unwrap();
        let exchange = Exchange { started, ended, target: None, request_headers, request_body: None, result };
        let row = send::judge(&outgoing, &delivery, &exchange);
        let asked = exchange
            .result
            .as_ref()
            .ok()
            .and_then(|response| response.headers.get("retry-after")?.to_str().ok()?.parse().ok());
        let between = next(&outgoing.webhook.settings.retry.schedule_seconds, &row, ended.millis(), asked);
        let due = row.due_at.map(|due| due.millis());
        let is_right = due
            .zip(between.as_ref())
            .map_or(due.is_none() && between.is_none(), |(due, between)| between.contains(&due));
        assert!(is_right, "{} is due at {due:?}, not in {between:?}: {row:?}", delivery.id);
        self.due.entry((delivery.id, row.number)).or_default().push(due);
        self.node(life).outcomes.attempts.push(row);
        self.finish(life, &delivery.webhook_id);
        self.begin_turns(life);
        self.begin(life, &delivery.webhook_id);
    }

    fn finish(&mut self, life: u64, webhook_id: &WebhookId) {
        let node = self.node(life);
        let mut queues = node.memory.0.lock();
        queues.finish(webhook_id);
        let wants_refill = queues.wants_refill();
        drop(queues);
        let is_recording = std::mem::replace(&mut node.is_recording, true);
        if wants_refill {
            self.next(What::Refill { life });
        }
        if !is_recording {
            self.next(What::Record { life });
        }
    }

    /// Records outcomes, again and again until the database takes them.
    pub async fn record(&mut self, life: u64) {
        let node = self.node(life);
        let mut outcomes = node.recording.take().unwrap_or_else(|| std::mem::take(&mut node.outcomes));
        let Some(is_recorded) = self.record_attempts(life, &outcomes.attempts).await else {
            return self.crash_of(life);
        };
        if is_recorded {
            outcomes.attempts.clear();
            match self.give_back(life, &outcomes.given_back).await {
                Some(true) => outcomes.given_back.clear(),
                Some(false) => {}
                None => return self.crash_of(life),
            }
        }
        let is_done = outcomes.attempts.is_empty() && outcomes.given_back.is_empty();
        let node = self.node(life);
        if !is_done {
            node.recording = Some(outcomes);
            return self.after(RECORD_AGAIN, What::Record { life });
        }
        node.is_recording = !(node.outcomes.attempts.is_empty() && node.outcomes.given_back.is_empty());
        if node.is_recording {
            self.next(What::Record { life });
        }
    }

    /// Whether it is done, if the process knows.
    async fn record_attempts(&mut self, life: u64, attempts: &[AttemptRow]) -> Option<bool> {
        let (weather, node) = (self.weather(), self.node(life).name.clone());
        self.tell(|| format!("{node} records {}: {weather:?}", attempts.len()));
        let work = Record { node, attempts: attempts.into(), judge };
        let is_done = write(&self.database.store, weather, work).await.is_done();
        if is_done == Some(false) {
            return is_done;
        }
        self.what_is_delivered_stays_delivered().await;
        for due in attempts.iter().filter_map(|attempt| attempt.due_at) {
            self.sweep_all(due.millis());
        }
        self.start_what_follows(life, attempts, is_done.is_some());
        let gone = |attempt: &&AttemptRow| attempt.sign == Some(Sign::Gone);
        if attempts.iter().any(|attempt| gone(&attempt)) {
            self.settle(
                life,
                attempts.iter().filter(gone).map(|attempt| attempt.webhook_id.clone()).collect(),
            )
            .await;
            for life in self.lives() {
                self.soon(SECOND, What::Refresh { life });
            }
        }
        is_done
    }

    /// Of deliveries that follow each other the next ones can be claimed now: at once by this process, if it knows, or when
    /// one looks.
    fn start_what_follows(&mut self, life: u64, attempts: &[AttemptRow], knows: bool) {
        let followed: Vec<&AttemptRow> =
            attempts.iter().filter(|attempt| attempt.subject.is_some()).collect();
        if followed.is_empty() {
            return;
        }
        if knows {
            let mut queues = self.node(life).memory.0.lock();
            followed.iter().for_each(|attempt| queues.mark_spilled(&attempt.webhook_id));
            drop(queues);
            self.next(What::Refill { life });
        }
        self.sweep_all(self.now() + SECOND);
    }

    /// Whether it is done, if the process knows.
    async fn give_back(&mut self, life: u64, deliveries: &[DeliveryId]) -> Option<bool> {
        if deliveries.is_empty() {
            return Some(true);
        }
        let (weather, node) = (self.weather(), self.node(life).name.clone());
        self.tell(|| format!("{node} gives back {deliveries:?}: {weather:?}"));
        let work = GiveBack { node, deliveries: deliveries.to_vec() };
        let is_done = write(&self.database.store, weather, work).await.is_done();
        self.sweep_all(self.now() + SECOND);
        is_done
    }
}

/// When the next attempt is due: at its offset from the first, or after its distance from the one before if that is past; when the
/// destination asks for more patience then later, but not past the last offset. Jitter makes that a tenth of the distance from the one before
/// later, and the last one as much earlier.
fn next(
    schedule_seconds: &[u32],
    row: &AttemptRow,
    ended: i64,
    asked: Option<i64>,
) -> Option<RangeInclusive<i64>> {
    if row.status != DeliveryStatus::Retrying {
        return None;
    }
    let offset = |seconds: u32| row.first_attempt_at.millis() + i64::from(seconds) * SECOND;
    let number = row.number as usize;
    let slot = offset(schedule_seconds[number - 1]);
    let before = if number == 1 { offset(0) } else { offset(schedule_seconds[number - 2]) };
    let jitter = (slot - before) / 10;
    let end = offset(*schedule_seconds.last().unwrap());
    let slot = match ended + slot - before {
        _ if slot > ended => slot,
        late if end > ended => late.min(end),
        late => late,
    };
    let (earliest, latest) =
        if number == schedule_seconds.len() { (slot - jitter, slot) } else { (slot, slot + jitter) };
    let end = end.max(slot);
    let asked = ended + asked.unwrap_or(0) * SECOND;
    let at = |slot: i64| slot.max(asked.min(end)).max(ended);
    Some(at(earliest)..=at(latest))
}
