//! PostgreSQL: a pool of connections, statements pipelined, batches as one statement each.

use std::collections::HashMap;
use std::error::Error;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use deadpool_postgres::{Client, Manager, ManagerConfig, Pool, QueueMode, RecyclingMethod, Runtime};
use futures_util::future::join;
use futures_util::{FutureExt, poll};
use parking_lot::Mutex;
use tokio::sync::MutexGuard;
use tokio::time::timeout;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

use crate::dialect;
use crate::error::StoreError;
use crate::tx::{Row, Rows, Sequence, Tx, Value, Work};

/// Connections of one node: two cores keep few busy, and every node needs its share of the server's.
const CONNECTIONS: usize = 16;
/// How often a transaction is run again when it meets another one on the same rows.
const TRIES: usize = 20;
/// How long a caller waits for a connection before it is told that the database is not available.
const WAIT: Duration = Duration::from_secs(5);
/// After how long without a word the system asks whether the other side of a connection is still there.
const KEEPALIVE: Duration = Duration::from_secs(30);
/// Numbers taken from a sequence at once: asking for each would be a round trip a batch. Those left over at a stop are gaps.
const SEQUENCE_BLOCK: usize = 256;

/// Every statement of ours has its index, whatever the planner believes of a table that it knows nothing of yet. Compiling
/// plans costs more than our short statements do.
const PLANNER: &str = "-c enable_seqscan=off -c jit=off";

/// A database on a server.
#[derive(Clone)]
pub struct Postgres {
    pool: Pool,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// The portable statements in PostgreSQL's form.
    single: Mutex<HashMap<String, Arc<str>>>,
    /// The portable statements in the form that takes a batch.
    many: Mutex<HashMap<String, Arc<str>>>,
    reserved: Mutex<HashMap<&'static str, Vec<i64>>>,
}

impl Postgres {
    /// Prepares to connect; the first transaction does.
    ///
    /// # Errors
    /// If the address is not one of PostgreSQL.
    pub fn open(url: &str) -> Result<Self, StoreError> {
        let mut config: tokio_postgres::Config =
            url.parse().map_err(|error| StoreError::Address(Box::new(error)))?;
        config.connect_timeout(WAIT).keepalives_idle(KEEPALIVE).tcp_user_timeout(KEEPALIVE);
        if config.get_application_name().is_none() {
            config.application_name("ccsp-mailer");
        }
        let options =
            config.get_options().map_or_else(|| PLANNER.to_owned(), |own| format!("{PLANNER} {own}"));
        config.options(options);
        let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| StoreError::Address(Box::new(error)))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager =
            Manager::from_config(config, tokio_postgres_rustls::MakeRustlsConnect::new(tls), recycling);
        let pool = Pool::builder(manager)
            .max_size(CONNECTIONS)
            // The one that was used last: each has plans of its own, and making one of a partitioned table takes some 10 ms.
            .queue_mode(QueueMode::Lifo)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(WAIT))
            .create_timeout(Some(WAIT))
            .build()
            .map_err(|error| StoreError::Address(Box::new(error)))?;
        Ok(Self { pool, shared: Arc::default() })
    }

    /// Runs a transaction, again if it met another one on the same rows.
    ///
    /// # Errors
    /// Those of the transaction and of its commit.
    pub async fn write<W: Work>(&self, work: W) -> Result<W::Output, StoreError> {
        let this = self.clone();
        // A task of its own: a caller that goes away must not leave a transaction half-way on a pooled connection.
        let running = tokio::spawn(async move {
            let mut outcome = Err(StoreError::Conflict);
            for _ in 0..TRIES {
                outcome = this.run(&work, "BEGIN").await;
                if !matches!(outcome, Err(StoreError::Conflict)) {
                    break;
                }
            }
            outcome
        });
        running.await.map_err(|error| StoreError::Unavailable(Box::new(error)))?
    }

    /// Runs a transaction that only reads, from one state of the database.
    ///
    /// # Errors
    /// Those of the transaction.
    pub async fn read<W: Work>(&self, work: W) -> Result<W::Output, StoreError> {
        let this = self.clone();
        let running =
            tokio::spawn(
                async move { this.run(&work, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await },
            );
        running.await.map_err(|error| StoreError::Unavailable(Box::new(error)))?
    }

    async fn run<W: Work>(&self, work: &W, begin: &str) -> Result<W::Output, StoreError> {
        let client = self.pool.get().await.map_err(|error| StoreError::Unavailable(Box::new(error)))?;
        let uses = Client::metrics(&client).recycle_count;
        let tx = PostgresTx { client, shared: self.shared.clone(), turn: Turn::default() };
        // Prepared statements keep plans that were made when the tables were smaller: they are made anew at each doubling.
        let begin = if uses.is_power_of_two() { format!("{begin}; DISCARD PLANS") } else { begin.to_owned() };
        match timeout(work.time_limit(), tx.run(work, &begin)).await {
            Ok(outcome) => outcome,
            Err(elapsed) => {
                // What the connection is in the middle of, nobody knows: it must not be used again.
                drop(Client::take(tx.client));
                Err(StoreError::Unavailable(Box::new(elapsed)))
            }
        }
    }

    /// Runs statements that are a transaction of their own.
    pub(crate) async fn batch(&self, sql: &str) -> Result<(), StoreError> {
        let client = self.pool.get().await.map_err(|error| StoreError::Unavailable(Box::new(error)))?;
        let outcome = client.batch_execute(sql).await.map_err(database_error);
        if outcome.is_err() {
            // If even this fails the connection is gone, and the transaction with it.
            let _ = client.batch_execute("ROLLBACK").await;
        }
        outcome
    }
}

/// A connection with its transaction.
pub(crate) struct PostgresTx {
    client: Client,
    shared: Arc<Shared>,
    turn: Turn,
}

/// Whose turn it is to send: what is asked for at once is sent in the order in which it was asked for, also where one statement must
/// be prepared first and the next is already. Locks are taken in the order in which statements arrive, and in another order batches would
/// wait for each other.
type Turn = tokio::sync::Mutex<()>;

/// Runs what is sent when it is polled first, and gives the turn away as soon as it is.
async fn sent<T>(turn: MutexGuard<'_, ()>, running: impl Future<Output = T>) -> T {
    let mut running = pin!(running);
    let first = poll!(running.as_mut());
    drop(turn);
    match first {
        Poll::Ready(output) => output,
        Poll::Pending => running.await,
    }
}

fn known(cache: &Mutex<HashMap<String, Arc<str>>>, sql: &str) -> Option<Arc<str>> {
    cache.lock().get(sql).cloned()
}

impl PostgresTx {
    async fn run<W: Work>(&self, work: &W, begin: &str) -> Result<W::Output, StoreError> {
        // Both are sent at once: the first is polled first.
        // A defect must not leave its transaction open on a connection that others use next.
        let working = AssertUnwindSafe(work.run(self)).catch_unwind();
        let (begun, outcome) = join(self.client.batch_execute(begin), working).await;
        begun.map_err(database_error)?;
        match outcome.unwrap_or(Err(StoreError::Defect)) {
            Ok(output) => self.client.batch_execute("COMMIT").await.map(|()| output).map_err(database_error),
            Err(error) => {
                // If even this fails the connection is gone, and the transaction with it.
                let _ = self.client.batch_execute("ROLLBACK").await;
                Err(error)
            }
        }
    }

    async fn single(&self, sql: &str) -> Result<tokio_postgres::Statement, StoreError> {
        let text = known(&self.shared.single, sql).unwrap_or_else(|| {
            let fresh: Arc<str> = dialect::postgres(sql).into();
            self.shared.single.lock().insert(sql.to_owned(), fresh.clone());
            fresh
        });
        self.client.prepare_cached(&text).await.map_err(database_error)
    }

    /// The form that takes a batch. The server tells the types of the parameters, from the form that takes one row.
    async fn many(&self, sql: &str) -> Result<tokio_postgres::Statement, StoreError> {
        let text = match known(&self.shared.many, sql) {
            Some(text) => text,
            None => {
                let types: Vec<String> =
                    self.single(sql).await?.params().iter().map(|t| t.name().to_owned()).collect();
                let fresh: Arc<str> = dialect::postgres_many(sql, &types)
                    .ok_or_else(|| StoreError::Database("a statement that can't take a batch".into()))?
                    .into();
                self.shared.many.lock().insert(sql.to_owned(), fresh.clone());
                fresh
            }
        };
        self.client.prepare_cached(&text).await.map_err(database_error)
    }
}

impl Tx for PostgresTx {
    async fn query<'a>(&'a self, sql: &'a str, params: Vec<Value<'a>>) -> Result<Vec<Row>, StoreError> {
        let turn = self.turn.lock().await;
        let statement = self.single(sql).await?;
        let params: Vec<&(dyn ToSql + Sync)> =
            params.iter().map(|value| value as &(dyn ToSql + Sync)).collect();
        let rows = sent(turn, self.client.query(&statement, &params)).await.map_err(database_error)?;
        rows.iter().map(own).collect()
    }

    async fn execute<'a>(&'a self, sql: &'a str, params: Vec<Value<'a>>) -> Result<u64, StoreError> {
        let turn = self.turn.lock().await;
        let statement = self.single(sql).await?;
        let params: Vec<&(dyn ToSql + Sync)> =
            params.iter().map(|value| value as &(dyn ToSql + Sync)).collect();
        sent(turn, self.client.execute(&statement, &params)).await.map_err(database_error)
    }

    async fn execute_many<'a>(&'a self, sql: &'a str, rows: Rows<'a>) -> Result<u64, StoreError> {
        if rows.is_empty() {
            return Ok(0);
        }
        let turn = self.turn.lock().await;
        let statement = self.many(sql).await?;
        let columns = columns(&statement, &rows);
        let params = as_params(&columns);
        sent(turn, self.client.execute(&statement, &params)).await.map_err(database_error)
    }

    async fn touch_many<'a>(
        &'a self,
        sql: &'a str,
        rows: Rows<'a>,
        _keys: usize,
    ) -> Result<Vec<Row>, StoreError> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let turn = self.turn.lock().await;
        let statement = self.many(sql).await?;
        let columns = columns(&statement, &rows);
        let params = as_params(&columns);
        let found = sent(turn, self.client.query(&statement, &params)).await.map_err(database_error)?;
        found.iter().map(own).collect()
    }

    async fn reserve(&self, sequence: Sequence, count: usize) -> Result<Vec<i64>, StoreError> {
        let take = |reserved: &mut Vec<i64>| {
            (reserved.len() >= count).then(|| reserved.split_off(reserved.len() - count))
        };
        if let Some(numbers) = take(self.shared.reserved.lock().entry(sequence.name()).or_default()) {
            return Ok(numbers);
        }
        let block = i64::try_from(count.max(SEQUENCE_BLOCK)).unwrap_or(i64::MAX);
        let sql = "SELECT nextval(CAST(CAST(?1 AS TEXT) AS REGCLASS)) FROM generate_series(CAST(1 AS INTEGER), ?2) ORDER BY 1 DESC";
        let rows = self.query(sql, crate::params![sequence.name(), block]).await?;
        let fresh = rows.into_iter().map(|row| row.read().int()).collect::<Result<Vec<i64>, _>>()?;
        let mut reserved = self.shared.reserved.lock();
        let reserved = reserved.entry(sequence.name()).or_default();
        reserved.splice(0..0, fresh);
        Ok(take(reserved).unwrap_or_default())
    }
}

/// One parameter of all rows of a batch, as an array.
#[derive(Debug)]
struct Column<'a> {
    rows: &'a Rows<'a>,
    index: usize,
}

fn columns<'a>(statement: &tokio_postgres::Statement, rows: &'a Rows<'a>) -> Vec<Column<'a>> {
    (0..statement.params().len()).map(|index| Column { rows, index }).collect()
}

fn as_params<'a>(columns: &'a [Column<'a>]) -> Vec<&'a (dyn ToSql + Sync)> {
    columns.iter().map(|column| column as &(dyn ToSql + Sync)).collect()
}

impl ToSql for Column<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        let values: Vec<&Value<'_>> = self.rows.column(self.index).collect();
        values.to_sql(ty, out)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

impl ToSql for Value<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Value::Null => Ok(IsNull::Yes),
            Value::Int(value) if *ty == Type::INT4 => i32::try_from(*value)?.to_sql(ty, out),
            Value::Int(value) => value.to_sql(ty, out),
            Value::Text(value) => value.as_ref().to_sql(ty, out),
            Value::Blob(value) => value.as_ref().to_sql(ty, out),
            Value::Ints(values) => values.to_sql(ty, out),
            Value::Texts(values) => values.to_sql(ty, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

fn own(row: &tokio_postgres::Row) -> Result<Row, StoreError> {
    let mut values = Vec::with_capacity(row.len());
    for (index, column) in row.columns().iter().enumerate() {
        let value = match *column.type_() {
            Type::INT8 => row.try_get::<_, Option<i64>>(index).map(|value| value.map(Value::Int)),
            Type::INT4 => {
                row.try_get::<_, Option<i32>>(index).map(|value| value.map(|value| Value::Int(value.into())))
            }
            Type::BYTEA => row
                .try_get::<_, Option<Vec<u8>>>(index)
                .map(|value| value.map(|value| Value::Blob(value.into()))),
            Type::TEXT | Type::VARCHAR => row
                .try_get::<_, Option<String>>(index)
                .map(|value| value.map(|value| Value::Text(value.into()))),
            _ => {
                return Err(StoreError::Column {
                    position: index + 1,
                    expected: "a number, a text or bytes",
                });
            }
        };
        values.push(value.map_err(database_error)?.unwrap_or(Value::Null));
    }
    Ok(Row(values))
}

fn database_error(error: tokio_postgres::Error) -> StoreError {
    let Some(state) = error.code() else { return StoreError::Unavailable(Box::new(error)) };
    let conflicts = [
        SqlState::T_R_SERIALIZATION_FAILURE,
        SqlState::T_R_DEADLOCK_DETECTED,
        SqlState::UNIQUE_VIOLATION,
        SqlState::LOCK_NOT_AVAILABLE,
        // A statement behind the one that failed, in one go with it, may be heard of first.
        SqlState::IN_FAILED_SQL_TRANSACTION,
    ];
    // Classes 08, 53, 57 and 58 of PostgreSQL's appendix A: connection, resources, operator intervention, system.
    let passing = ["08", "53", "57", "58"].iter().any(|class| state.code().starts_with(class));
    if conflicts.contains(state) {
        StoreError::Conflict
    } else if passing {
        StoreError::Unavailable(Box::new(error))
    } else {
        StoreError::Database(Box::new(error))
    }
}
