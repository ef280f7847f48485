//! What waits in the table, and its way back into memory.

use std::iter;

use domain::WebhookId;
use domain::log::CancelReason;
use rand::RngExt;
use store::queue::{CancelWaiting, Claim, DueDelivery, Waiting};

use super::database::{Written, write};
use super::world::{SECOND, What, World};

impl World<'_> {
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
                let outgoing = self.node(life).snapshot.outgoing.get(&webhook_id);
                let cancel = CancelWaiting {
                    webhook_id: webhook_id.clone(),
                    seen: outgoing.map(|outgoing| outgoing.webhook.updated_at),
                    reason: CancelReason::WebhookDisabled,
                    limit: 1_000,
                };
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

    /// Claims for destinations that have room, one transaction after the other.
    pub async fn refill(&mut self, life: u64) {
        let node = self.node(life);
        if node.is_claiming {
            node.wants_refill = true;
            return;
        }
        self.claim(life).await;
    }

    async fn claim(&mut self, life: u64) {
        let (weather, now, most) = (self.weather(), self.time(), self.rng.random_range(1..=3));
        let node = self.node(life);
        let wants: Vec<(WebhookId, usize)> = {
            let mut queues = node.memory.0.lock();
            let next = || {
                let webhook_id = queues.next_to_refill()?;
                let places = queues.begin_refill(&webhook_id, usize::MAX);
                Some((webhook_id, places))
            };
            iter::from_fn(next).take(most).collect()
        };
        if wants.is_empty() {
            return;
        }
        node.is_claiming = true;
        let claim = Claim { wants: wants.clone(), node: node.name.clone(), now };
        let found = match write(&self.database.store, weather, claim).await {
            Written::Answered(Ok(found)) => Some(found),
            Written::Answered(Err(_)) => None,
            Written::AnswerLost(_) => return self.crash_of(life),
        };
        self.tell(|| {
            let count = found.as_ref().map(Vec::len);
            format!("node-{life} claims {wants:?}: {weather:?}, {count:?}")
        });
        self.next(What::Claimed { life, wants, found });
    }

    pub async fn claimed(
        &mut self,
        life: u64,
        wants: Vec<(WebhookId, usize)>,
        found: Option<Vec<DueDelivery>>,
    ) {
        let node = self.node(life);
        node.is_claiming = false;
        let wants_refill = std::mem::take(&mut node.wants_refill);
        let Some(found) = found else {
            let mut queues = node.memory.0.lock();
            wants.iter().for_each(|(webhook_id, places)| queues.abandon_refill(webhook_id, *places));
            drop(queues);
            // Nobody knows what waits there: look again.
            self.sweep_at(life, self.now() + SECOND);
            if wants_refill {
                self.next(What::Refill { life });
            }
            return;
        };
        for (webhook_id, places) in &wants {
            let of_it = found.iter().filter(|delivery| delivery.webhook_id == *webhook_id).count();
            node.memory.0.lock().end_refill(webhook_id, places - of_it);
        }
        self.take(life, found, &[]);
        self.claim(life).await;
    }
}
