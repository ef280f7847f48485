//! Webhooks: configured, changed, deleted.
//!
//! Each change names the version of the configuration that it was decided by, and is refused with
//! [`StoreError::StaleConfig`] if that is not the stored one any more: a change of one setting never undoes another's, and
//! what a webhook names, such as a list, is still there.

use domain::{IncomingWebhook, OutgoingWebhook, WebhookId};

use crate::config::{bump, version};
use crate::error::StoreError;
use crate::health;
use crate::missed;
use crate::params;
use crate::tx::{Tx, Work};

/// Which of the two kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From a sender to here.
    Incoming,
    /// From here to a destination.
    Outgoing,
}

/// Adds an incoming webhook.
pub struct InsertIncoming {
    /// The configuration that it was decided by.
    pub version: i64,
    /// The webhook.
    pub webhook: IncomingWebhook,
    /// Its secrets, sealed.
    pub secrets: Vec<u8>,
}

impl Work for InsertIncoming {
    type Output = ();

    async fn run<T: Tx>(&self, tx: &T) -> Result<(), StoreError> {
        const SQL: &str = "INSERT INTO incoming_webhooks (id, settings, secrets, created_at, updated_at, config_version) \
                           VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let version = bump_from(tx, self.version).await?;
        let IncomingWebhook { id, settings, created_at, updated_at } = &self.webhook;
        let (settings, secrets) = (json(settings)?, self.secrets.as_slice());
        tx.execute(SQL, params![id.as_str(), settings, secrets, *created_at, *updated_at, version]).await?;
        Ok(())
    }
}

/// Changes an incoming webhook. Returns whether there is one.
pub struct UpdateIncoming {
    /// The configuration that it was decided by.
    pub version: i64,
    /// The webhook as it is to be.
    pub webhook: IncomingWebhook,
    /// Its secrets, sealed.
    pub secrets: Vec<u8>,
}

impl Work for UpdateIncoming {
    type Output = bool;

    async fn run<T: Tx>(&self, tx: &T) -> Result<bool, StoreError> {
        const SQL: &str = "UPDATE incoming_webhooks SET settings = ?2, secrets = ?3, updated_at = ?4, config_version = ?5 \
                           WHERE id = ?1";
        let version = bump_from(tx, self.version).await?;
        let IncomingWebhook { id, settings, updated_at, .. } = &self.webhook;
        let (settings, secrets) = (json(settings)?, self.secrets.as_slice());
        let touched = tx.execute(SQL, params![id.as_str(), settings, secrets, *updated_at, version]).await?;
        Ok(touched > 0)
    }
}

/// Adds an outgoing webhook.
pub struct InsertOutgoing {
    /// The configuration that it was decided by.
    pub version: i64,
    /// The webhook.
    pub webhook: OutgoingWebhook,
    /// Its secrets, sealed.
    pub secrets: Vec<u8>,
}

impl Work for InsertOutgoing {
    type Output = ();

    async fn run<T: Tx>(&self, tx: &T) -> Result<(), StoreError> {
        const SQL: &str = "INSERT INTO outgoing_webhooks (id, settings, secrets, disabled_reason, created_at, updated_at, \
                           config_version) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        let version = bump_from(tx, self.version).await?;
        let OutgoingWebhook { id, settings, disabled_reason, created_at, updated_at } = &self.webhook;
        let (settings, secrets) = (json(settings)?, self.secrets.as_slice());
        let reason = disabled_reason.as_deref();
        tx.execute(SQL, params![id.as_str(), settings, secrets, reason, *created_at, *updated_at, version])
            .await?;
        Ok(())
    }
}

/// Changes an outgoing webhook. Returns whether there is one.
pub struct UpdateOutgoing {
    /// The configuration that it was decided by.
    pub version: i64,
    /// The webhook as it is to be.
    pub webhook: OutgoingWebhook,
    /// Its secrets, sealed.
    pub secrets: Vec<u8>,
}

impl Work for UpdateOutgoing {
    type Output = bool;

    async fn run<T: Tx>(&self, tx: &T) -> Result<bool, StoreError> {
        const SQL: &str = "UPDATE outgoing_webhooks SET settings = ?2, secrets = ?3, disabled_reason = ?4, updated_at = ?5, \
                           config_version = ?6 WHERE id = ?1";
        // What kept it from working may be mended now.
        health::probe_soon(tx, &self.webhook.id).await?;
        let version = bump_from(tx, self.version).await?;
        let OutgoingWebhook { id, settings, disabled_reason, updated_at, .. } = &self.webhook;
        let (settings, secrets) = (json(settings)?, self.secrets.as_slice());
        let reason = disabled_reason.as_deref();
        let touched =
            tx.execute(SQL, params![id.as_str(), settings, secrets, reason, *updated_at, version]).await?;
        Ok(touched > 0)
    }
}

/// Deletes a webhook, and tells whether there was one. Its log stays until retention takes it.
pub struct DeleteWebhook {
    /// The version by which it was decided.
    pub version: i64,
    /// Of which kind.
    pub direction: Direction,
    /// Which.
    pub id: WebhookId,
}

impl Work for DeleteWebhook {
    type Output = bool;

    async fn run<T: Tx>(&self, tx: &T) -> Result<bool, StoreError> {
        let sql = match self.direction {
            Direction::Incoming => "DELETE FROM incoming_webhooks WHERE id = ?1",
            Direction::Outgoing => "DELETE FROM outgoing_webhooks WHERE id = ?1",
        };
        if self.direction == Direction::Outgoing {
            health::forget(tx, &self.id).await?;
            missed::forget(tx, &self.id).await?;
        }
        bump_from(tx, self.version).await?;
        Ok(tx.execute(sql, params![self.id.as_str()]).await? > 0)
    }
}

/// [`bump`], if the stored version is this one; gives the new one. The row is locked before it is read: two changes decided by
/// the same version can't both go through.
pub(crate) async fn bump_from<T: Tx>(tx: &T, decided_by: i64) -> Result<i64, StoreError> {
    bump(tx).await?;
    let new = version(tx).await?;
    if new == decided_by + 1 { Ok(new) } else { Err(StoreError::StaleConfig) }
}

pub(crate) fn json(settings: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(settings).map_err(|error| StoreError::Database(Box::new(error)))
}
