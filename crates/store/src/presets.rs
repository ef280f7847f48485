//! Senders that users have described. They are part of the configuration: each change names the version that it was decided
//! by, as those of [`webhooks`](crate::webhooks) do.

use crate::error::StoreError;
use crate::params;
use crate::tx::{Tx, Work};
use crate::webhooks::bump_from;

/// A description, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PresetRow {
    /// Unique.
    pub id: String,
    /// The description, as JSON.
    pub body: String,
}

/// Adds a description, or puts it in the place of the one with its id.
pub struct PutPreset {
    /// The configuration that it was decided by.
    pub version: i64,
    /// The description.
    pub row: PresetRow,
}

impl Work for PutPreset {
    type Output = ();

    async fn run<T: Tx>(&self, tx: &T) -> Result<(), StoreError> {
        const SQL: &str = "INSERT INTO presets (id, body) VALUES (?1, ?2) ON CONFLICT (id) DO UPDATE SET body = excluded.body";
        bump_from(tx, self.version).await?;
        tx.execute(SQL, params![&self.row.id, &self.row.body]).await.map(|_| ())
    }
}

/// Deletes a description.
pub struct DeletePreset {
    /// The configuration that it was decided by.
    pub version: i64,
    /// Which.
    pub id: String,
}

impl Work for DeletePreset {
    type Output = ();

    async fn run<T: Tx>(&self, tx: &T) -> Result<(), StoreError> {
        bump_from(tx, self.version).await?;
        tx.execute("DELETE FROM presets WHERE id = ?1", params![&self.id]).await.map(|_| ())
    }
}
