//! The configuration: everything that a node keeps in memory to decide by, and its version.
//!
//! Invariant: whoever changes a row of it calls [`bump`] in the same transaction, and a webhook names the version that it was
//! changed in. A batch is decided by a version, and is written only if that is still the stored one, so no node ever acts by an
//! old configuration.

use domain::custom_field::CustomField;
use domain::{IncomingWebhook, ListId, OutgoingWebhook, Timestamp, WebhookId};
use futures_util::try_join;

use crate::custom_fields;
use crate::error::StoreError;
use crate::event_types::{self, EventTypeRow};
use crate::params;
use crate::presets::PresetRow;
use crate::tx::{Row, Tx, Work};

/// All of it, but for the webhooks that have not changed.
#[derive(Debug)]
pub struct Config {
    /// Grows with each change.
    pub version: i64,
    /// Incoming webhooks.
    pub incoming: Webhooks<IncomingWebhook>,
    /// Outgoing webhooks.
    pub outgoing: Webhooks<OutgoingWebhook>,
    /// API keys.
    pub api_keys: Vec<ApiKeyRow>,
    /// The lists that exist.
    pub lists: Vec<ListId>,
    /// Senders that users have described.
    pub presets: Vec<PresetRow>,
    /// The custom fields that are declared.
    pub custom_fields: Vec<CustomField>,
    /// The custom kinds of events, the newest first.
    pub event_types: Vec<EventTypeRow>,
}

/// The webhooks of one kind. There may be ten thousand, of which one has changed.
#[derive(Debug)]
pub struct Webhooks<W> {
    /// Those that there are, in order.
    pub ids: Vec<WebhookId>,
    /// Of them, those that were made or changed since the version that is known, each with its sealed secrets.
    pub changed: Vec<(W, Vec<u8>)>,
}

/// An API key as stored: the key itself is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKeyRow {
    /// Unique.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// `read`, `write` or `admin`.
    pub scope: String,
    /// SHA-256 of the key.
    pub hash: Vec<u8>,
    /// The key's last characters, to tell it from others.
    pub hint: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Loads what has changed of the configuration, unless the stored version is this one.
pub struct LoadConfig {
    /// The version that the caller has; 0 for none.
    pub known: i64,
}

impl Work for LoadConfig {
    type Output = Option<Config>;

    async fn run<T: Tx>(&self, tx: &T) -> Result<Option<Config>, StoreError> {
        let version = version(tx).await?;
        if version == self.known {
            return Ok(None);
        }
        const INCOMING: &str = "SELECT id, settings, created_at, updated_at, secrets FROM incoming_webhooks \
                                WHERE config_version > ?1";
        const OUTGOING: &str = "SELECT id, settings, disabled_reason, created_at, updated_at, secrets FROM outgoing_webhooks \
                                WHERE config_version > ?1";
        let (incoming, outgoing, api_keys, lists, presets, fields, event_types) = try_join!(
            webhooks(tx, "SELECT id FROM incoming_webhooks ORDER BY id", INCOMING, self.known, read_incoming),
            webhooks(tx, "SELECT id FROM outgoing_webhooks ORDER BY id", OUTGOING, self.known, read_outgoing),
            tx.query("SELECT id, name, scope, hash, hint, created_at FROM api_keys", vec![]),
            tx.query("SELECT id FROM lists", vec![]),
            tx.query("SELECT id, body FROM presets", vec![]),
            tx.query(custom_fields::SELECT, vec![]),
            tx.query(event_types::SELECT, vec![]),
        )?;
        Ok(Some(Config {
            version,
            incoming,
            outgoing,
            api_keys: api_keys.into_iter().map(read_api_key).collect::<Result<_, _>>()?,
            lists: lists.into_iter().map(|row| row.read().int().map(ListId)).collect::<Result<_, _>>()?,
            presets: presets.into_iter().map(read_preset).collect::<Result<_, _>>()?,
            custom_fields: fields.into_iter().map(custom_fields::read).collect::<Result<_, _>>()?,
            event_types: event_types.into_iter().map(event_types::read).collect::<Result<_, _>>()?,
        }))
    }
}

async fn webhooks<T: Tx, W>(
    tx: &T,
    ids: &str,
    changed: &str,
    known: i64,
    read: impl Fn(Row) -> Result<(W, Vec<u8>), StoreError>,
) -> Result<Webhooks<W>, StoreError> {
    let (ids, changed) = try_join!(tx.query(ids, vec![]), tx.query(changed, params![known]))?;
    Ok(Webhooks {
        ids: ids.into_iter().map(|row| row.read().parse("a webhook id")).collect::<Result<_, _>>()?,
        changed: changed.into_iter().map(read).collect::<Result<_, _>>()?,
    })
}

/// The stored version.
pub(crate) async fn version<T: Tx>(tx: &T) -> Result<i64, StoreError> {
    let rows = tx.query("SELECT value FROM meta WHERE name = 'config_version'", vec![]).await?;
    let row = rows
        .into_iter()
        .next()
        .ok_or(StoreError::Column { position: 1, expected: "the version of the configuration" })?;
    row.read().parse("a number")
}

/// Says that the configuration has changed. PostgreSQL keeps the row locked until the end of the transaction, so changes
/// follow each other.
///
/// # Errors
/// Those of the database.
pub async fn bump<T: Tx>(tx: &T) -> Result<(), StoreError> {
    const SQL: &str =
        "UPDATE meta SET value = CAST(CAST(value AS INTEGER) + 1 AS TEXT) WHERE name = 'config_version'";
    tx.execute(SQL, vec![]).await.map(|_| ())
}

/// The columns of [`read_incoming`] and [`read_outgoing`] but the last: what lists read.
fn read_incoming(row: Row) -> Result<(IncomingWebhook, Vec<u8>), StoreError> {
    let mut row = row.read();
    let webhook = IncomingWebhook {
        id: row.parse("a webhook id")?,
        settings: row.json()?,
        created_at: row.time()?,
        updated_at: row.time()?,
    };
    Ok((webhook, row.blob()?))
}

fn read_outgoing(row: Row) -> Result<(OutgoingWebhook, Vec<u8>), StoreError> {
    let mut row = row.read();
    let webhook = OutgoingWebhook {
        id: row.parse("a webhook id")?,
        settings: row.json()?,
        disabled_reason: row.opt_text()?,
        created_at: row.time()?,
        updated_at: row.time()?,
    };
    Ok((webhook, row.blob()?))
}

fn read_preset(row: Row) -> Result<PresetRow, StoreError> {
    let mut row = row.read();
    Ok(PresetRow { id: row.text()?, body: row.text()? })
}

pub(crate) fn read_api_key(row: Row) -> Result<ApiKeyRow, StoreError> {
    let mut row = row.read();
    Ok(ApiKeyRow {
        id: row.text()?,
        name: row.text()?,
        scope: row.text()?,
        hash: row.blob()?,
        hint: row.text()?,
        created_at: row.time()?,
    })
}

/// A named value that every node must agree on, such as the check of the master key: stored if there is none.
pub struct AgreeOn {
    /// Its name.
    pub name: String,
    /// What to store if there is none.
    pub value: String,
}

impl Work for AgreeOn {
    type Output = String;

    async fn run<T: Tx>(&self, tx: &T) -> Result<String, StoreError> {
        tx.execute(
            "INSERT INTO meta (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO NOTHING",
            params![&self.name, &self.value],
        )
        .await?;
        let rows = tx.query("SELECT value FROM meta WHERE name = ?1", params![&self.name]).await?;
        rows.into_iter().next().map_or(Ok(self.value.clone()), |row| row.read().text())
    }
}
