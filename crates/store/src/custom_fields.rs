//! Custom fields that are declared. They are part of the configuration, which is where they are read.

use domain::custom_field::CustomField;

use crate::config::bump;
use crate::error::StoreError;
use crate::params;
use crate::tx::{Row, Tx, Work};
use crate::webhooks::{bump_from, json};

pub(crate) const SELECT: &str = "SELECT name, settings, created_at, updated_at FROM custom_fields";

pub(crate) fn read(row: Row) -> Result<CustomField, StoreError> {
    let mut row = row.read();
    Ok(CustomField {
        name: row.text()?,
        settings: row.json()?,
        created_at: row.time()?,
        updated_at: row.time()?,
    })
}

/// Declares a field.
pub struct InsertCustomField {
    /// The configuration by which there is none of this name; another one is [`StoreError::StaleConfig`].
    pub version: i64,
    /// The field.
    pub field: CustomField,
}

impl Work for InsertCustomField {
    type Output = ();

    async fn run<T: Tx>(&self, tx: &T) -> Result<(), StoreError> {
        const SQL: &str =
            "INSERT INTO custom_fields (name, settings, created_at, updated_at) VALUES (?1, ?2, ?3, ?4)";
        bump_from(tx, self.version).await?;
        let CustomField { name, settings, created_at, updated_at } = &self.field;
        tx.execute(SQL, params![name, json(settings)?, *created_at, *updated_at]).await?;
        Ok(())
    }
}

/// Changes a field; tells whether there is one.
pub struct UpdateCustomField {
    /// The configuration that it was decided by; another one is [`StoreError::StaleConfig`].
    pub version: i64,
    /// The field as it is to be.
    pub field: CustomField,
}

impl Work for UpdateCustomField {
    type Output = bool;

    async fn run<T: Tx>(&self, tx: &T) -> Result<bool, StoreError> {
        const SQL: &str = "UPDATE custom_fields SET settings = ?2, updated_at = ?3 WHERE name = ?1";
        bump_from(tx, self.version).await?;
        let CustomField { name, settings, updated_at, .. } = &self.field;
        Ok(tx.execute(SQL, params![name, json(settings)?, *updated_at]).await? > 0)
    }
}

/// Takes back the declaration of a field; tells whether there was one. Subscribers keep their values.
pub struct DeleteCustomField {
    /// Which.
    pub name: String,
}

impl Work for DeleteCustomField {
    type Output = bool;

    async fn run<T: Tx>(&self, tx: &T) -> Result<bool, StoreError> {
        let deleted = tx.execute("DELETE FROM custom_fields WHERE name = ?1", params![&self.name]).await? > 0;
        bump(tx).await?;
        Ok(deleted)
    }
}
