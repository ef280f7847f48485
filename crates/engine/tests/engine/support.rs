//! What the cases share: secrets, stored webhooks, and the short ways to write and look.

use domain::incoming::IncomingSettings;
use domain::outgoing::OutgoingSettings;
use domain::{Timestamp, WebhookId};
use engine::{IncomingSecrets, OutgoingSecrets, Vault};
use rand::SeedableRng;
use rand::rngs::StdRng;
use signature::MasterKey;
use store::{Row, StoreError, Tx, Value, Work, params};

/// The moment at which every case starts.
pub const NOW: Timestamp = Timestamp::from_millis(1_792_000_000_000);

/// The key of all cases.
pub fn master_key() -> MasterKey {
    MasterKey::generate(&mut StdRng::seed_from_u64(1))
}

/// A vault with that key.
pub fn vault() -> Vault {
    Vault::new(master_key(), StdRng::seed_from_u64(2))
}

/// An id of a webhook: this name, filled up to twelve characters.
pub fn webhook_id(name: &str) -> WebhookId {
    format!("{name:0<12}").parse().unwrap()
}

/// A statement with its parameters.
pub type Statement = (&'static str, Vec<Value<'static>>);

/// Statements as a whole transaction.
pub struct Run(pub Vec<Statement>);

impl Work for Run {
    type Output = ();

    async fn run<T: Tx>(&self, tx: &T) -> Result<(), StoreError> {
        for (sql, params) in &self.0 {
            tx.execute(sql, params.clone()).await?;
        }
        Ok(())
    }
}

/// A query as a whole transaction.
pub struct Look<R> {
    pub sql: &'static str,
    pub read: R,
}

impl<A: Send + 'static, R: Fn(Row) -> Result<A, StoreError> + Send + Sync + 'static> Work for Look<R> {
    type Output = Vec<A>;

    async fn run<T: Tx>(&self, tx: &T) -> Result<Vec<A>, StoreError> {
        tx.query(self.sql, vec![]).await?.into_iter().map(&self.read).collect()
    }
}

/// Stores an incoming webhook, as of the next version of the configuration.
pub fn put_incoming(
    vault: &Vault,
    id: &WebhookId,
    settings: &IncomingSettings,
    secrets: &IncomingSecrets,
) -> Statement {
    const SQL: &str = "INSERT INTO incoming_webhooks (id, settings, secrets, created_at, updated_at, config_version) \
                       VALUES (?1, ?2, ?3, ?4, ?4, (SELECT CAST(value AS INTEGER) + 1 FROM meta WHERE name = 'config_version')) \
                       ON CONFLICT (id) DO UPDATE SET settings = excluded.settings, secrets = excluded.secrets, \
                       config_version = excluded.config_version";
    let settings = serde_json::to_string(settings).unwrap();
    (SQL, params![id.as_str().to_owned(), settings, vault.seal_incoming(id, secrets), NOW])
}

/// Stores an outgoing webhook, as of the next version of the configuration.
pub fn put_outgoing(
    vault: &Vault,
    id: &WebhookId,
    settings: &OutgoingSettings,
    secrets: &OutgoingSecrets,
) -> Statement {
    const SQL: &str = "INSERT INTO outgoing_webhooks (id, settings, secrets, created_at, updated_at, config_version) \
                       VALUES (?1, ?2, ?3, ?4, ?4, (SELECT CAST(value AS INTEGER) + 1 FROM meta WHERE name = 'config_version')) \
                       ON CONFLICT (id) DO UPDATE SET settings = excluded.settings, secrets = excluded.secrets, \
                       config_version = excluded.config_version";
    let settings = serde_json::to_string(settings).unwrap();
    (SQL, params![id.as_str().to_owned(), settings, vault.seal_outgoing(id, secrets), NOW])
}

/// Says that the configuration has changed: to be run with what changes it.
pub fn bump() -> Statement {
    let sql =
        "UPDATE meta SET value = CAST(CAST(value AS INTEGER) + 1 AS TEXT) WHERE name = 'config_version'";
    (sql, vec![])
}

/// Stores a list.
pub fn put_list(id: i64) -> Statement {
    let sql =
        "INSERT INTO lists (id, name, description, created_at, updated_at) VALUES (?1, 'List', '', ?2, ?2)";
    (sql, params![id, NOW])
}
