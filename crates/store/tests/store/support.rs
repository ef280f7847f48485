//! What the cases share: databases, ids, and the short ways to write and look.

use std::sync::{Arc, Mutex};

use domain::{Ids, Subscriber, Timestamp};
use rand::SeedableRng;
use rand::rngs::StdRng;
use store::commit::{Commit, Decide, Found, Needs, Writes};
use store::{Location, Row, Store, StoreError, Tx, Value, Work};
use testkit::TestDatabase;
use tokio::sync::Semaphore;
use ulid::Ulid;

/// The moment at which every case starts.
pub const NOW: Timestamp = Timestamp::from_millis(1_792_000_000_123);

/// Makes a test of each case for each database.
macro_rules! conformance {
    ($($case:ident),+ $(,)?) => {
        mod on_sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                super::$case(&crate::support::Database::sqlite().await).await;
            })+
        }

        mod on_postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                super::$case(&crate::support::Database::postgres().await).await;
            })+
        }
    };
}

/// A database for one case, gone with it.
pub struct Database {
    /// A handle, with the schema in place.
    pub store: Store,
    /// Where it is.
    pub location: Location,
    ids: Mutex<Ids>,
    _place: Place,
}

/// What has to live as long as the database.
enum Place {
    Folder(#[expect(dead_code, reason = "held for its drop")] tempfile::TempDir),
    Cluster(#[expect(dead_code, reason = "held for its drop")] TestDatabase),
}

impl Database {
    /// A SQLite database with the schema.
    pub async fn sqlite() -> Self {
        let database = Self::empty(false).await;
        database.store.migrate(NOW).await.unwrap();
        database
    }

    /// A PostgreSQL database with the schema.
    pub async fn postgres() -> Self {
        let database = Self::empty(true).await;
        database.store.migrate(NOW).await.unwrap();
        database
    }

    /// A database with nothing in it, on a server or in a file.
    pub async fn empty(on_server: bool) -> Self {
        let (location, place) = if on_server {
            let database = TestDatabase::create().await.unwrap();
            (Location::Server(database.url().to_owned()), Place::Cluster(database))
        } else {
            let folder = tempfile::tempdir().unwrap();
            (Location::File(folder.path().join("ccsp.sqlite")), Place::Folder(folder))
        };
        let store = Store::open(&location).unwrap();
        Self { store, location, ids: Mutex::new(Ids::new(StdRng::seed_from_u64(1))), _place: place }
    }

    /// An id made at this moment, greater than all before.
    pub fn id_at<Id: From<Ulid>>(&self, moment: Timestamp) -> Id {
        self.ids.lock().unwrap().next(moment)
    }

    /// An id made now.
    pub fn id<Id: From<Ulid>>(&self) -> Id {
        self.id_at(NOW)
    }

    /// Writes what was decided before, having looked at whom it changes.
    pub async fn put(&self, writes: impl Fn() -> Writes + Send + Sync + 'static) {
        let writes = Arc::new(writes);
        let wanted = writes.clone();
        let needs = move || {
            let known = wanted().subscribers.into_iter().filter_map(|change| change.before);
            Needs { subscribers: known.map(|subscriber| subscriber.id).collect(), ..Needs::default() }
        };
        let decide = plan(needs, move |_| Ok((writes(), ())));
        commit(&self.store, decide).await.unwrap();
    }

    /// Loads subscribers as a batch would.
    pub async fn load(&self, emails: &[&str]) -> Vec<Subscriber> {
        let emails: Vec<domain::Email> = emails.iter().map(|email| email.parse().unwrap()).collect();
        let needs = move || Needs { emails: emails.clone(), ..Needs::default() };
        let found =
            commit(&self.store, plan(needs, |found: Found| Ok((Writes::default(), found.subscribers))));
        found.await.unwrap()
    }

    /// One number.
    pub async fn int(&self, sql: &'static str) -> i64 {
        self.ints(sql).await[0]
    }

    /// A column of numbers.
    pub async fn ints(&self, sql: &'static str) -> Vec<i64> {
        let work = Look { sql, params: vec![], read: |row| row.read().int() };
        self.store.read(work).await.unwrap()
    }

    /// A column of texts.
    pub async fn texts(&self, sql: &'static str) -> Vec<String> {
        let work = Look { sql, params: vec![], read: |row| row.read().text() };
        self.store.read(work).await.unwrap()
    }

    /// Runs a statement.
    pub async fn run(&self, sql: &'static str, params: Vec<Value<'static>>) -> u64 {
        self.store.write(Run { sql, params }).await.unwrap()
    }
}

/// A query as a whole transaction.
pub struct Look<A> {
    pub sql: &'static str,
    pub params: Vec<Value<'static>>,
    pub read: fn(Row) -> Result<A, StoreError>,
}

impl<A: Send + 'static> Work for Look<A> {
    type Output = Vec<A>;

    async fn run<T: Tx>(&self, tx: &T) -> Result<Vec<A>, StoreError> {
        tx.query(self.sql, self.params.clone()).await?.into_iter().map(self.read).collect()
    }
}

/// A statement as a whole transaction.
pub struct Run {
    pub sql: &'static str,
    pub params: Vec<Value<'static>>,
}

impl Work for Run {
    type Output = u64;

    async fn run<T: Tx>(&self, tx: &T) -> Result<u64, StoreError> {
        tx.execute(self.sql, self.params.clone()).await
    }
}

/// A batch made of two closures.
pub struct Plan<N, F> {
    needs: N,
    decide: F,
}

/// A batch that needs and decides so; the version of the configuration is the one that migrations leave.
pub fn plan<N, F, A>(needs: N, decide: F) -> Plan<N, F>
where
    N: Fn() -> Needs + Send + Sync + 'static,
    F: Fn(Found) -> Result<(Writes, A), StoreError> + Send + Sync + 'static,
{
    Plan { needs, decide }
}

impl<N, F, A> Decide for Plan<N, F>
where
    N: Fn() -> Needs + Send + Sync + 'static,
    F: Fn(Found) -> Result<(Writes, A), StoreError> + Send + Sync + 'static,
    A: Send + 'static,
{
    type Answer = A;

    fn needs(&self) -> Needs {
        let needs = (self.needs)();
        let config_version = if needs.config_version == 0 { 1 } else { needs.config_version };
        Needs { config_version, ..needs }
    }

    fn decide(&self, found: Found) -> Result<(Writes, A), StoreError> {
        (self.decide)(found)
    }
}

/// A turn for each connection to the database: who waits for one of those loses patience on a slow machine.
pub fn turns() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(16))
}

/// Runs a batch.
pub async fn commit<D: Decide>(store: &Store, batch: D) -> Result<D::Answer, StoreError> {
    store.write(Commit::new(batch)).await
}
