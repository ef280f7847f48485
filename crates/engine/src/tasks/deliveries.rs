//! Deliveries that are sent again, or cancelled.

use domain::DeliveryId;
use store::StoreError;
use store::deliveries::DeliveriesOf;
use store::missed::Missed;
use store::recovery::{CancelOpen, PutBack};
use store::tasks::{RUNNING, TaskRow};
use tokio::time::Instant;

use super::{CHUNK, Running, piece};
use crate::missed::{self, MissedBy};
use crate::outcome::Outcome;

/// Deliveries taken out of memory that are held for the pieces to come: a few windows of a webhook.
const MAX_WITHDRAWN: usize = 4_096;

impl Running<'_> {
    pub(super) async fn retry_deliveries(
        &self,
        log: &DeliveriesOf,
        per_second: Option<u32>,
    ) -> Result<Option<TaskRow>, StoreError> {
        let webhook_id = &log.webhook_id;
        let gets_deliveries =
            self.core.snapshot().outgoing.get(webhook_id).is_some_and(|outgoing| outgoing.gets_deliveries());
        if !gets_deliveries {
            return self.give_up("the webhook is inactive, or was deleted").await;
        }
        let began = Instant::now();
        let put_back = |from| PutBack {
            log: log.clone(),
            piece: piece(from, super::chunk(per_second)),
            now: self.core.now(),
        };
        let task = self.step(put_back).await?;
        self.core.dispatcher.due_in_table(webhook_id);
        self.core.dispatcher.room_again.notify_one();
        if let Some(task) = task.as_ref().filter(|task| task.state == RUNNING) {
            self.pace(began, task.done - self.task.done, per_second).await;
        }
        Ok(task)
    }

    pub(super) async fn send_missed(
        &self,
        missed: &MissedBy,
        per_second: Option<u32>,
    ) -> Result<Option<TaskRow>, StoreError> {
        let webhook_id = &missed.webhook_id;
        let snapshot = self.core.snapshot();
        let Some(outgoing) = snapshot.outgoing.get(webhook_id).filter(|outgoing| outgoing.gets_deliveries())
        else {
            return self.give_up("the webhook is inactive, or was deleted").await;
        };
        let began = Instant::now();
        let send = |from| Missed {
            webhook_id: webhook_id.clone(),
            log: missed.log(),
            piece: piece(from, CHUNK),
            choose: missed::choose(self.core, outgoing),
            most: super::chunk(per_second),
            sends: true,
        };
        let task = self.step(send).await?;
        self.core.dispatcher.due_in_table(webhook_id);
        self.core.dispatcher.room_again.notify_one();
        if let Some(task) = task.as_ref().filter(|task| task.state == RUNNING) {
            self.pace(began, task.done - self.task.done, per_second).await;
        }
        Ok(task)
    }

    /// All of it, from the oldest on. What this node has in memory is taken out first, so that it is not sent while its row
    /// is cancelled; what is under way at this moment is not stopped.
    pub(super) async fn cancel_deliveries(&self, log: &DeliveriesOf) -> Result<Option<TaskRow>, StoreError> {
        let mut withdrawn = Vec::new();
        let outcome = self.cancel_all(log, &mut withdrawn).await;
        // The rows that are not cancelled go back to the table.
        for id in withdrawn {
            let _ = self.core.outcomes.send(Outcome::GivenBack(id)).await;
        }
        outcome
    }

    async fn cancel_all(
        &self,
        log: &DeliveriesOf,
        withdrawn: &mut Vec<DeliveryId>,
    ) -> Result<Option<TaskRow>, StoreError> {
        let cancel = |log: DeliveriesOf, from, withdrawn: &[DeliveryId]| CancelOpen {
            log,
            piece: piece(from, CHUNK),
            node: self.core.node.clone(),
            withdrawn: withdrawn.to_vec(),
            now: self.core.now(),
        };
        let mut running = Running { core: self.core, places: self.places, task: self.task.clone() };
        loop {
            if withdrawn.len() < MAX_WITHDRAWN {
                withdrawn.extend(self.core.dispatcher.withdraw(&log.webhook_id));
            }
            let work = cancel(log.clone(), running.from(), withdrawn);
            match running.last_step(work, false).await? {
                Some(task) => running.task = task,
                None => return Ok(None),
            }
            if self.core.is_stopping() {
                return Ok(None);
            }
            let Some(cursor) = running.from::<DeliveryId>() else { break };
            // Of those before the cursor, what is not cancelled is not to be.
            for id in withdrawn.extract_if(.., |id| *id <= cursor) {
                let _ = self.core.outcomes.send(Outcome::GivenBack(id)).await;
            }
        }
        // What came into memory behind our back.
        withdrawn.extend(self.core.dispatcher.withdraw(&log.webhook_id));
        let mut rest = log.clone();
        rest.filter.ids = Some(match &log.filter.ids {
            Some(ids) => withdrawn.iter().filter(|id| ids.contains(id)).copied().collect(),
            None => withdrawn.clone(),
        });
        let mut work = cancel(rest, None, withdrawn);
        work.piece.limit = withdrawn.len() + 1;
        work.piece.rows = withdrawn.len() + 1;
        running.last_step(work, true).await
    }
}
