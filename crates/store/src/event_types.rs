//! Custom kinds of events, as they are declared: what they mean, and what their data looks like.

use domain::{EventType, Timestamp};

use crate::error::StoreError;
use crate::params;
use crate::tx::{Row, Tx, Work};

/// A custom kind of event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventTypeRow {
    /// Unique.
    pub name: EventType,
    /// What it means.
    pub description: String,
    /// The JSON Schema of its data, as JSON.
    pub schema: Option<String>,
    /// An example of its data, as JSON.
    pub example: Option<String>,
    /// When it was declared.
    pub created_at: Timestamp,
}

/// All custom kinds, the newest first. There are at most as many as [`InsertEventType`] lets in.
pub struct EventTypes;

impl Work for EventTypes {
    type Output = Vec<EventTypeRow>;

    async fn run<T: Tx>(&self, tx: &T) -> Result<Vec<EventTypeRow>, StoreError> {
        const SQL: &str = "SELECT name, description, data_schema, example, created_at FROM event_types \
                           ORDER BY created_at DESC, name DESC";
        tx.query(SQL, vec![]).await?.into_iter().map(read).collect()
    }
}

fn read(row: Row) -> Result<EventTypeRow, StoreError> {
    let mut row = row.read();
    Ok(EventTypeRow {
        name: row.parse("an event type")?,
        description: row.text()?,
        schema: row.opt_text()?,
        example: row.opt_text()?,
        created_at: row.time()?,
    })
}

/// What became of a declaration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Declared {
    /// It is declared.
    Declared,
    /// There is one of that name.
    Exists,
    /// There are as many as there may be.
    TooMany,
}

/// Declares a custom kind.
pub struct InsertEventType {
    /// The kind.
    pub row: EventTypeRow,
    /// How many there may be.
    pub most: i64,
}

impl Work for InsertEventType {
    type Output = Declared;

    async fn run<T: Tx>(&self, tx: &T) -> Result<Declared, StoreError> {
        const SQL: &str = "INSERT INTO event_types (name, description, data_schema, example, created_at) \
                           VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (name) DO NOTHING";
        let count = tx.query("SELECT COUNT(*) FROM event_types", vec![]).await?;
        if count.into_iter().next().map_or(Ok(0), |row| row.read().int())? >= self.most {
            return Ok(Declared::TooMany);
        }
        let EventTypeRow { name, description, schema, example, created_at } = &self.row;
        let params = params![name.as_str(), description, schema.as_deref(), example.as_deref(), *created_at];
        let inserted = tx.execute(SQL, params).await? > 0;
        Ok(if inserted { Declared::Declared } else { Declared::Exists })
    }
}
