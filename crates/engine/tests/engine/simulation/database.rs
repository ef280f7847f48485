//! One database for many seeds, and its weather.

use std::path::Path;

use engine::{IncomingSecrets, OutgoingSecrets, Rotating, Vault};
use signature::Secret;
use store::{Location, Store, StoreError, Tx, Work};
use tempfile::TempDir;

use super::network::Destination;
use super::orders::Hook;
use crate::support::{NOW, Run, Statement, bump, put_incoming, put_list, put_outgoing, webhook_id};

/// The token of every incoming webhook.
pub const TOKEN: &str = "a-token-of-more-than-32-characters-as-it-should-be";

/// Memory, if the system has a file system in it.
const SHARED_MEMORY: &str = "/dev/shm";

/// A SQLite database, gone with this handle.
pub struct Database {
    pub store: Store,
    pub vault: Vault,
    _folder: TempDir,
}

impl Database {
    pub async fn create() -> Self {
        let memory = Path::new(SHARED_MEMORY);
        let place = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let folder = TempDir::new_in(place).unwrap();
        let store = Store::open(&Location::File(folder.path().join("simulation.sqlite"))).unwrap();
        store.migrate(NOW).await.unwrap();
        Self { store, vault: crate::support::vault(), _folder: folder }
    }

    /// Empties it, and sets up the webhooks.
    pub async fn reset<'a>(&self, destinations: impl Iterator<Item = (usize, &'a Destination)>) {
        let mut statements: Vec<Statement> = [
            "DELETE FROM nodes",
            "DELETE FROM incoming_webhooks",
            "DELETE FROM outgoing_webhooks",
            "DELETE FROM lists",
            "DELETE FROM tags",
            "DELETE FROM subscribers",
            "DELETE FROM subscriber_tags",
            "DELETE FROM list_members",
            "DELETE FROM requests",
            "DELETE FROM dedupe",
            "DELETE FROM events",
            "DELETE FROM webhook_health",
            "DELETE FROM deliveries",
            "DELETE FROM attempts",
            "DELETE FROM delivery_stats",
            "UPDATE sequences SET last = 0",
        ]
        .map(|sql| (sql, vec![]))
        .into();
        statements.push(put_list(1));
        for hook in Hook::ALL {
            let settings = serde_json::from_value(hook.settings()).unwrap();
            let secrets = IncomingSecrets {
                token: Rotating::new(Secret::new(TOKEN)),
                api_key: Rotating::new(Secret::new("api-key")),
                signing: Rotating::new(Secret::new("signing")),
                learns: false,
                call_headers: Default::default(),
            };
            statements.push(put_incoming(&self.vault, &webhook_id(hook.name()), &settings, &secrets));
        }
        for (number, destination) in destinations {
            let settings = serde_json::from_value(destination.settings.clone()).unwrap();
            let secrets = OutgoingSecrets::new(Secret::new(format!("secret-{number}")));
            let id = destination_id(number);
            statements.push(put_outgoing(&self.vault, &id, &settings, &secrets));
        }
        statements.push(bump());
        self.store.write(Run(statements)).await.unwrap();
    }
}

/// The id of an outgoing webhook.
pub fn destination_id(number: usize) -> domain::WebhookId {
    webhook_id(&format!("destination{number}"))
}

/// What happens to a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weather {
    Fine,
    /// It is rolled back.
    Refused,
    /// It is committed, and the process dies before it hears of it.
    AnswerLost,
}

/// What became of it.
pub enum Written<O> {
    /// As the process knows it.
    Answered(Result<O, StoreError>),
    /// Done, but the process does not know: it dies before it hears of it.
    AnswerLost(O),
}

impl<O> Written<O> {
    /// Whether it is done, if the process knows.
    pub fn is_done(&self) -> Option<bool> {
        match self {
            Written::Answered(answer) => Some(answer.is_ok()),
            Written::AnswerLost(_) => None,
        }
    }
}

/// Runs a transaction.
pub async fn write<W: Work>(store: &Store, weather: Weather, work: W) -> Written<W::Output> {
    match weather {
        Weather::Fine => Written::Answered(store.write(work).await),
        Weather::Refused => Written::Answered(store.write(Refused(work)).await),
        Weather::AnswerLost => match store.write(work).await {
            Ok(output) => Written::AnswerLost(output),
            error => Written::Answered(error),
        },
    }
}

/// What a process is told when the database does not answer.
fn no_answer() -> StoreError {
    StoreError::Unavailable("no answer".into())
}

/// A transaction that fails at its end.
struct Refused<W>(W);

impl<W: Work> Work for Refused<W> {
    type Output = W::Output;

    async fn run<T: Tx>(&self, tx: &T) -> Result<W::Output, StoreError> {
        self.0.run(tx).await?;
        Err(no_answer())
    }
}
