//! The way of a delivery to its destination, into the log, and back from the table.

use std::sync::Arc;

use domain::WebhookId;
use domain::log::DeliveryStatus;
use engine::batch::Room;
use engine::send::{self, Exchange};
use rand::RngExt;
use store::queue::{CancelWaiting, Claim, DueDelivery, GiveBack, Waiting};
use store::record::{AttemptRow, Record};

use super::database::{Written, write};
use super::node::{Attempt, Outcomes};
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
                let request = send::request(&outgoing, &delivery, now)?;
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
        let exchange = Exchange { started, ended, request_headers, result };
        let row = send::judge(&outgoing, &delivery, &exchange);
        let asked = exchange
            .result
            .as_ref()
            .ok()
            .and_then(|response| response.headers.get("retry-after")?.to_str().ok()?.parse().ok());
        let due = next(&outgoing.webhook.settings.retry.schedule_seconds, &row, ended.millis(), asked);
        assert_eq!(row.due_at.map(|due| due.millis()), due, "{} is due then: {row:?}", delivery.id);
        self.due.entry((delivery.id, row.number)).or_default().push(due);
        self.node(life).outcomes.attempts.push(row);
        self.finish(life, &delivery.webhook_id);
        self.begin(life, &delivery.webhook_id);
    }

    fn finish(&mut self, life: u64, webhook_id: &WebhookId) {
        let node = self.node(life);
        let mut queues = node.memory.0.lock();
        queues.finish(webhook_id);
        let has_spilled = queues.has_spilled(webhook_id);
        drop(queues);
        let is_recording = std::mem::replace(&mut node.is_recording, true);
        if has_spilled {
            self.next(What::Refill { life });
        }
        if !is_recording {
            self.next(What::Record { life });
        }
    }

    /// Records outcomes, again and again until the database takes them.
    pub async fn record(&mut self, life: u64) {
        let (weather, now) = (self.weather(), self.time());
        let node = self.node(life);
        let (name, outcomes) = (node.name.clone(), std::mem::take(&mut node.outcomes));
        let Outcomes { attempts, given_back } = node.recording.take().unwrap_or(outcomes);
        let work = Record { node: name.clone(), attempts: attempts.clone(), now };
        let is_gone = attempts.iter().any(|attempt| attempt.deactivate.is_some());
        let due: Vec<i64> = attempts.iter().filter_map(|attempt| Some(attempt.due_at?.millis())).collect();
        self.tell(|| format!("node-{life} records {}: {weather:?}", attempts.len()));
        if !matches!(write(&self.database.store, weather, work).await, Written::Answered(Ok(()))) {
            self.node(life).recording = Some(Outcomes { attempts, given_back });
            return self.after(RECORD_AGAIN, What::Record { life });
        }
        if !given_back.is_empty() {
            let weather = self.weather();
            // Whether it worked or not: if not, its lease lasts as long as this process.
            let _ =
                write(&self.database.store, weather, GiveBack { node: name, deliveries: given_back }).await;
            self.sweep_all(now.millis() + SECOND);
        }
        for due in due {
            self.sweep_all(due);
        }
        if is_gone {
            for life in self.lives() {
                self.soon(SECOND, What::Refresh { life });
            }
        }
        let node = self.node(life);
        node.is_recording = !(node.outcomes.attempts.is_empty() && node.outcomes.given_back.is_empty());
        if node.is_recording {
            self.next(What::Record { life });
        }
    }

    /// Something in the table is due then. Every process looks every second; here only when there is something to see.
    pub fn sweep_all(&mut self, due: i64) {
        self.moments.insert(due);
        for life in self.lives() {
            self.sweep_at(life, due);
        }
    }

    pub fn sweep_at(&mut self, life: u64, at: i64) {
        let late = if self.scenario.exact { 0 } else { self.rng.random_range(0..SECOND) };
        let at = at.max(self.now()) + late;
        let node = self.node(life);
        if node.next_sweep.is_none_or(|next| next > at) {
            node.next_sweep = Some(at);
            self.at(at, What::Sweep { life });
        }
    }

    pub async fn sweep(&mut self, life: u64) {
        let now = self.time();
        // Another one may have been found to come earlier.
        if self.node(life).next_sweep.take_if(|next| *next <= now.millis()).is_none() {
            return;
        }
        for (webhook_id, due_at) in self.database.store.read(Waiting).await.unwrap() {
            let is_active = |world: &mut Self| {
                let outgoing = world.node(life).snapshot.outgoing.get(&webhook_id);
                outgoing.is_some_and(|outgoing| outgoing.is_active())
            };
            if !is_active(self) {
                self.refresh(life).await;
                let cancel = CancelWaiting { webhook_id: webhook_id.clone(), limit: 1_000 };
                if !is_active(self) {
                    self.database.store.write(cancel).await.unwrap();
                }
            } else if due_at <= now {
                self.node(life).memory.0.lock().mark_spilled(&webhook_id);
                self.sweep_at(life, now.millis() + SECOND);
            }
        }
        if let Some(next) = self.moments.range(now.millis() + 1..).next() {
            self.sweep_at(life, *next);
        }
        self.refill(life).await;
    }

    pub async fn refresh(&mut self, life: u64) {
        let snapshot = self.load().await;
        self.node(life).snapshot = snapshot;
    }

    /// Claims for destinations that have room, one after the other.
    pub async fn refill(&mut self, life: u64) {
        let node = self.node(life);
        if !node.refills.is_empty() {
            node.wants_refill = true;
            return;
        }
        let mut webhooks = node.memory.0.lock().destinations_to_refill();
        webhooks.sort();
        node.refills = webhooks.into();
        self.claim(life).await;
    }

    async fn claim(&mut self, life: u64) {
        let (weather, now, limit) = (self.weather(), self.time(), self.window);
        let node = self.node(life);
        let Some(webhook_id) = node.refills.front().cloned() else { return };
        let places = node.memory.0.lock().begin_refill(&webhook_id, limit);
        let claim = Claim { webhook_id: webhook_id.clone(), node: node.name.clone(), now, limit: places };
        let found = match write(&self.database.store, weather, claim).await {
            Written::Answered(Ok(found)) => Some(found),
            Written::Answered(Err(_)) | Written::AnswerLost(_) => None,
        };
        self.tell(|| {
            let count = found.as_ref().map(Vec::len);
            format!("node-{life} claims {places} of {webhook_id}: {weather:?}, {count:?}")
        });
        self.next(What::Claimed { life, places, found });
    }

    pub async fn claimed(&mut self, life: u64, places: usize, found: Option<Vec<DueDelivery>>) {
        let node = self.node(life);
        let webhook_id = node.refills.pop_front().unwrap();
        let left = places - found.as_ref().map_or(0, Vec::len);
        let memory: Arc<dyn Room> = node.memory.clone();
        memory.release(&webhook_id, left);
        match found {
            Some(found) => {
                if left > 0 {
                    self.node(life).memory.0.lock().mark_caught_up(&webhook_id);
                }
                self.take(life, found, &[]);
            }
            None => {
                // Nobody knows what waits there: look again.
                self.node(life).refills.clear();
                self.sweep_at(life, self.now() + SECOND);
            }
        }
        if !self.node(life).refills.is_empty() {
            self.claim(life).await;
        } else if std::mem::take(&mut self.node(life).wants_refill) {
            self.next(What::Refill { life });
        }
    }
}

/// When the next attempt is due: at its offset from the first, or at once if that is past; when the destination asks for
/// more patience then later, but not past the last offset.
fn next(schedule_seconds: &[u32], row: &AttemptRow, ended: i64, asked: Option<i64>) -> Option<i64> {
    if row.status != DeliveryStatus::Retrying {
        return None;
    }
    let offset = |seconds: u32| row.first_attempt_at.millis() + i64::from(seconds) * SECOND;
    let slot = offset(schedule_seconds[row.number as usize - 1]);
    let end = offset(*schedule_seconds.last().unwrap());
    let asked = ended + asked.unwrap_or(0) * SECOND;
    Some(slot.max(asked.min(end)).max(ended))
}
