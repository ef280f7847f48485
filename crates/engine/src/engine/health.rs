//! How destinations do, and what people do about it.

use domain::WebhookId;
use store::StoreError;
use store::health::{CountWaiting, HealthRow, LoadHealth, ProbeSoon};

use super::Engine;
use crate::health::Operations;

/// Deliveries that wait are counted up to here of each webhook: more is "many", and counting all of them takes time.
const MOST_WAITING: i64 = 10_000;

impl Engine {
    /// What is measured of single webhooks, in the text format of Prometheus.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn webhook_metrics(&self) -> Result<String, StoreError> {
        let (core, webhooks) = (&self.core, self.core.series.shown());
        let mut pending = core.store.read(CountWaiting { webhooks, most: MOST_WAITING }).await?;
        for (webhook_id, count) in &mut pending {
            *count += core.dispatcher.held(webhook_id);
        }
        Ok(core.series.render(&pending, |webhook_id| core.shared.gate.holds(webhook_id)))
    }

    /// What the operator sets of it.
    pub fn operations(&self) -> &Operations {
        &self.core.shared.operations
    }

    /// How the destinations of these webhooks do that do not do well.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn health(&self, webhooks: Vec<WebhookId>) -> Result<Vec<HealthRow>, StoreError> {
        self.core.store.read(LoadHealth { webhooks: Some(webhooks) }).await
    }

    /// Wakes the sweep: something in the table has become due because a person wants it sent. A destination that gets
    /// nothing at this moment is probed with what is due.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn wake(&self, webhook_id: &WebhookId) -> Result<(), StoreError> {
        self.core.dispatcher.due_in_table(webhook_id);
        self.core.dispatcher.room_again.notify_one();
        self.probe_soon(webhook_id).await
    }

    /// Has a destination probed that gets nothing at this moment: there is reason to think that it is well again.
    pub(crate) async fn probe_soon(&self, webhook_id: &WebhookId) -> Result<(), StoreError> {
        if self.core.shared.gate.holds(webhook_id) {
            self.core.store.write(ProbeSoon { webhook_id: webhook_id.clone() }).await?;
            self.core.shared.gate.changed.notify_one();
        }
        Ok(())
    }
}
