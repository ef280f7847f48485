//! What waits in the table, and its way back into memory.

use std::sync::Arc;

use domain::log::CancelReason;
use engine::batch::Room;
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
                let cancel = CancelWaiting {
                    webhook_id: webhook_id.clone(),
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
            Written::Answered(Err(_)) => None,
            Written::AnswerLost(_) => return self.crash_of(life),
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
