//! Custom kinds of events, as they are declared: what they mean, and what their data looks like. They are part of the
//! configuration, which is where they are read.

use domain::{EventType, Timestamp};

use crate::error::StoreError;
use crate::params;
use crate::tx::{Row, Tx, Work};
use crate::webhooks::bump_from;

pub(crate) const SELECT: &str = "SELECT name, version, description, data_schema, example, created_at, updated_at \
                                 FROM event_types ORDER BY created_at DESC, name DESC";

/// A custom kind of event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventTypeRow {
    /// Unique.
    pub name: EventType,
    /// Counts the changes of the schema, from 1.
    pub version: u32,
    /// What it means.
    pub description: String,
    /// The JSON Schema of its data, as JSON.
    pub schema: Option<String>,
    /// An example of its data, as JSON.
    pub example: Option<String>,
    /// When it was declared.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

pub(crate) fn read(row: Row) -> Result<EventTypeRow, StoreError> {
    let mut row = row.read();
    Ok(EventTypeRow {
        name: row.parse("an event type")?,
        version: u32::try_from(row.int()?).unwrap_or(u32::MAX),
        description: row.text()?,
        schema: row.opt_text()?,
        example: row.opt_text()?,
        created_at: row.time()?,
        updated_at: row.time()?,
    })
}

/// Declares a custom kind.
pub struct InsertEventType {
    /// The configuration by which there is none of this name; another one is [`StoreError::StaleConfig`].
    pub version: i64,
    /// The kind.
    pub row: EventTypeRow,
}

impl Work for InsertEventType {
    type Output = ();

    async fn run<T: Tx>(&self, tx: &T) -> Result<(), StoreError> {
        const SQL: &str = "INSERT INTO event_types (name, version, description, data_schema, example, created_at, updated_at) \
                           VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        bump_from(tx, self.version).await?;
        let EventTypeRow { name, version, description, schema, example, created_at, updated_at } = &self.row;
        let (schema, example) = (schema.as_deref(), example.as_deref());
        let version = i64::from(*version);
        let params = params![name.as_str(), version, description, schema, example, *created_at, *updated_at];
        tx.execute(SQL, params).await.map(|_| ())
    }
}

/// Changes a custom kind; tells whether there is one.
pub struct UpdateEventType {
    /// The configuration that it was decided by; another one is [`StoreError::StaleConfig`].
    pub version: i64,
    /// The kind as it is to be.
    pub row: EventTypeRow,
}

impl Work for UpdateEventType {
    type Output = bool;

    async fn run<T: Tx>(&self, tx: &T) -> Result<bool, StoreError> {
        const SQL: &str = "UPDATE event_types SET version = ?2, description = ?3, data_schema = ?4, example = ?5, \
                           updated_at = ?6 WHERE name = ?1";
        bump_from(tx, self.version).await?;
        let EventTypeRow { name, version, description, schema, example, updated_at, .. } = &self.row;
        let (schema, example) = (schema.as_deref(), example.as_deref());
        let params = params![name.as_str(), i64::from(*version), description, schema, example, *updated_at];
        Ok(tx.execute(SQL, params).await? > 0)
    }
}
