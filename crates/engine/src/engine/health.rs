//! How destinations do, and what people do about it.

use domain::WebhookId;
use store::StoreError;
use store::health::{HealthRow, LoadHealth, ProbeSoon};

use super::Engine;
use crate::health::Operations;

impl Engine {
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
