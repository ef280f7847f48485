//! API keys: made, listed, revoked. The keys themselves are not stored, only their hashes.

use crate::config::{ApiKeyRow, bump, read_api_key};
use crate::error::StoreError;
use crate::params;
use crate::tx::{Tx, Work};

/// Adds a key.
pub struct InsertApiKey {
    /// The key.
    pub row: ApiKeyRow,
}

impl Work for InsertApiKey {
    type Output = ();

    async fn run<T: Tx>(&self, tx: &T) -> Result<(), StoreError> {
        const SQL: &str = "INSERT INTO api_keys (id, name, scope, hash, hint, created_at) \
                           VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let ApiKeyRow { id, name, scope, hash, hint, created_at } = &self.row;
        bump(tx).await?;
        tx.execute(SQL, params![id, name, scope, hash.as_slice(), hint, *created_at]).await?;
        Ok(())
    }
}

/// Revokes a key, and tells whether there was one.
pub struct DeleteApiKey {
    /// Which.
    pub id: String,
}

impl Work for DeleteApiKey {
    type Output = bool;

    async fn run<T: Tx>(&self, tx: &T) -> Result<bool, StoreError> {
        bump(tx).await?;
        Ok(tx.execute("DELETE FROM api_keys WHERE id = ?1", params![&self.id]).await? > 0)
    }
}

/// All keys, newest first.
pub struct ListApiKeys;

impl Work for ListApiKeys {
    type Output = Vec<ApiKeyRow>;

    async fn run<T: Tx>(&self, tx: &T) -> Result<Vec<ApiKeyRow>, StoreError> {
        const SQL: &str =
            "SELECT id, name, scope, hash, hint, created_at FROM api_keys ORDER BY created_at DESC, id DESC";
        tx.query(SQL, vec![]).await?.into_iter().map(read_api_key).collect()
    }
}
