//! SQLite: one writer thread that merges what waits into one durable commit, and a pool of read-only connections.

use std::collections::HashMap;
use std::future::{Future, ready};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use domain::network::Network;
use futures_util::FutureExt;
use parking_lot::Mutex;
use rusqlite::functions::FunctionFlags;
use rusqlite::types::{ToSqlOutput, Value as SqlValue, ValueRef};
use rusqlite::{Connection, ErrorCode, OpenFlags, ToSql};
use tokio::sync::{Semaphore, mpsc, oneshot};

use crate::checkpoint::Checkpoints;
use crate::dialect;
use crate::error::StoreError;
use crate::tx::{Row, Rows, Sequence, Tx, Value, Work};

/// Statements kept prepared: more than the program has.
const PREPARED_STATEMENTS: usize = 256;
/// How long a statement waits for another process (the command line's) that writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Reads at once: they are short, and each holds a connection with a cache of its own.
const READERS: usize = 4;
/// Transactions that wait for the writer; past it, callers wait for room.
const WRITE_QUEUE: usize = 1_024;
/// Transactions merged into one commit, so that none waits long for those in front of it.
const MERGED_TRANSACTIONS: usize = 64;
/// Page cache of the writer in KiB: what it touches again and again are the last pages of each table and index.
const WRITER_CACHE_KIB: u32 = 16 * 1_024;
/// Page cache of each reader in KiB.
const READER_CACHE_KIB: u32 = 2 * 1_024;

/// A database in a file.
#[derive(Clone)]
pub struct Sqlite {
    writer: mpsc::Sender<Box<dyn Job>>,
    readers: Arc<Readers>,
}

struct Readers {
    file: PathBuf,
    idle: Mutex<Vec<SqliteTx>>,
    room: Semaphore,
}

impl Sqlite {
    /// Opens or creates the file and starts the writer.
    ///
    /// # Errors
    /// If the file can't be opened as a database.
    pub fn open(file: &Path) -> Result<Self, StoreError> {
        let connection = Connection::open(file).map_err(database_error)?;
        // WAL with FULL: a commit is on disk when it returns (<https://www.sqlite.org/pragma.html#pragma_synchronous>).
        connection
            .execute_batch(&format!(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -{WRITER_CACHE_KIB}; \
                 PRAGMA temp_store = MEMORY; PRAGMA wal_autocheckpoint = 0;"
            ))
            .map_err(database_error)?;
        let tx = SqliteTx::new(connection)?;
        let checkpoints = Checkpoints::start(file, BUSY_TIMEOUT)?;
        let (writer, jobs) = mpsc::channel(WRITE_QUEUE);
        std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || write_loop(&tx, jobs, checkpoints))
            .map_err(|error| StoreError::Unavailable(Box::new(error)))?;
        let readers =
            Readers { file: file.to_owned(), idle: Mutex::new(Vec::new()), room: Semaphore::new(READERS) };
        Ok(Self { writer, readers: Arc::new(readers) })
    }

    /// Runs a transaction that writes.
    ///
    /// # Errors
    /// Those of the transaction and of its commit.
    pub async fn write<W: Work>(&self, work: W) -> Result<W::Output, StoreError> {
        let (reply, answer) = oneshot::channel();
        let job = Pending { work, outcome: None, reply };
        self.writer.send(Box::new(job)).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }

    /// Runs a transaction that only reads, beside the writer.
    ///
    /// # Errors
    /// Those of the transaction.
    pub async fn read<W: Work>(&self, work: W) -> Result<W::Output, StoreError> {
        let readers = self.readers.clone();
        let _room = self.readers.room.acquire().await.map_err(|_| gone())?;
        let reading = tokio::task::spawn_blocking(move || {
            let idle = readers.idle.lock().pop();
            let tx = match idle {
                Some(tx) => tx,
                None => readers.open()?,
            };
            tx.batch("BEGIN")?;
            let output = run_now(&work, &tx);
            tx.batch("COMMIT")?;
            readers.idle.lock().push(tx);
            output
        });
        reading.await.map_err(|error| StoreError::Unavailable(Box::new(error)))?
    }
}

impl Readers {
    fn open(&self) -> Result<SqliteTx, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.file, flags).map_err(database_error)?;
        connection
            .execute_batch(&format!("PRAGMA cache_size = -{READER_CACHE_KIB};"))
            .map_err(database_error)?;
        SqliteTx::new(connection)
    }
}

/// A transaction that waits for the writer, and its caller's place in line.
trait Job: Send {
    /// Runs it inside the open transaction; false if it is to be rolled back.
    fn run(&mut self, tx: &SqliteTx) -> bool;
    /// Tells the caller, once the commit has succeeded or failed.
    fn answer(self: Box<Self>, commit: Result<(), StoreError>);
}

struct Pending<W: Work> {
    work: W,
    outcome: Option<Result<W::Output, StoreError>>,
    reply: oneshot::Sender<Result<W::Output, StoreError>>,
}

impl<W: Work> Job for Pending<W> {
    fn run(&mut self, tx: &SqliteTx) -> bool {
        let outcome = run_now(&self.work, tx);
        let keep = outcome.is_ok();
        self.outcome = Some(outcome);
        keep
    }

    fn answer(self: Box<Self>, commit: Result<(), StoreError>) {
        let outcome = match (self.outcome, commit) {
            (Some(Err(error)), _) | (_, Err(error)) => Err(error),
            (Some(Ok(output)), Ok(())) => Ok(output),
            (None, Ok(())) => Err(gone()),
        };
        // A caller that has gone away does not change what is stored.
        let _ = self.reply.send(outcome);
    }
}

fn run_now<W: Work>(work: &W, tx: &SqliteTx) -> Result<W::Output, StoreError> {
    // The writer serves everyone: a defect in one transaction must not end it.
    let run =
        std::panic::AssertUnwindSafe(|| work.run(tx).now_or_never().unwrap_or(Err(StoreError::Suspended)));
    std::panic::catch_unwind(run).unwrap_or(Err(StoreError::Defect))
}

fn write_loop(tx: &SqliteTx, mut jobs: mpsc::Receiver<Box<dyn Job>>, mut checkpoints: Checkpoints) {
    while let Some(first) = jobs.blocking_recv() {
        let mut batch = vec![first];
        while batch.len() < MERGED_TRANSACTIONS
            && let Ok(next) = jobs.try_recv()
        {
            batch.push(next);
        }
        let mut commit = run_batch(tx, &mut batch);
        if commit.is_err() && tx.is_open() {
            commit = tx.batch("ROLLBACK").and(commit);
        }
        for job in batch {
            job.answer(commit.as_ref().copied().map_err(again));
        }
        checkpoints.committed(&tx.connection.lock());
    }
}

fn run_batch(tx: &SqliteTx, batch: &mut [Box<dyn Job>]) -> Result<(), StoreError> {
    tx.batch("BEGIN IMMEDIATE")?;
    for job in batch.iter_mut() {
        tx.batch("SAVEPOINT job")?;
        if !job.run(tx) {
            tx.batch("ROLLBACK TO job")?;
        }
        tx.batch("RELEASE job")?;
    }
    tx.batch("COMMIT")
}

/// The same failure, for each who waited for the commit.
fn again(error: &StoreError) -> StoreError {
    StoreError::Unavailable(error.to_string().into())
}

fn gone() -> StoreError {
    StoreError::Unavailable("the store has stopped".into())
}

/// A connection with its transaction. The lock is never contended: a transaction has one user.
pub(crate) struct SqliteTx {
    connection: Mutex<Connection>,
    rewritten: Mutex<HashMap<String, Arc<str>>>,
}

impl SqliteTx {
    fn new(connection: Connection) -> Result<Self, StoreError> {
        connection.busy_timeout(BUSY_TIMEOUT).map_err(database_error)?;
        connection.set_prepared_statement_cache_capacity(PREPARED_STATEMENTS);
        rusqlite::vtab::array::load_module(&connection).map_err(database_error)?;
        add_in_network(&connection).map_err(database_error)?;
        Ok(Self { connection: Mutex::new(connection), rewritten: Mutex::default() })
    }

    pub(crate) fn batch(&self, sql: &str) -> Result<(), StoreError> {
        self.connection.lock().execute_batch(sql).map_err(database_error)
    }

    fn is_open(&self) -> bool {
        !self.connection.lock().is_autocommit()
    }

    fn rewrite(&self, sql: &str) -> Arc<str> {
        let mut rewritten = self.rewritten.lock();
        if let Some(known) = rewritten.get(sql) {
            return known.clone();
        }
        let fresh: Arc<str> = dialect::sqlite(sql).into();
        if rewritten.len() < PREPARED_STATEMENTS {
            rewritten.insert(sql.to_owned(), fresh.clone());
        }
        fresh
    }

    fn query_now(&self, sql: &str, params: &[Value<'_>]) -> Result<Vec<Row>, StoreError> {
        let connection = self.connection.lock();
        let mut statement = connection.prepare_cached(&self.rewrite(sql)).map_err(database_error)?;
        let width = statement.column_count();
        let mut found = statement.query(rusqlite::params_from_iter(params)).map_err(database_error)?;
        let mut rows = Vec::new();
        while let Some(row) = found.next().map_err(database_error)? {
            let columns = (0..width).map(|i| row.get_ref(i).map_err(database_error).and_then(own));
            rows.push(Row(columns.collect::<Result<_, _>>()?));
        }
        Ok(rows)
    }

    /// Tells of each row how many rows of the table it touched.
    fn execute_rows<'r, 'v: 'r>(
        &self,
        sql: &str,
        rows: impl Iterator<Item = &'r [Value<'v>]>,
        mut tell: impl FnMut(&'r [Value<'v>], usize),
    ) -> Result<(), StoreError> {
        let connection = self.connection.lock();
        let mut statement = connection.prepare_cached(&self.rewrite(sql)).map_err(database_error)?;
        for row in rows {
            tell(row, statement.execute(rusqlite::params_from_iter(row)).map_err(database_error)?);
        }
        Ok(())
    }

    fn count_rows<'r, 'v: 'r>(
        &self,
        sql: &str,
        rows: impl Iterator<Item = &'r [Value<'v>]>,
    ) -> Result<u64, StoreError> {
        let mut all = 0;
        self.execute_rows(sql, rows, |_, touched| all += touched as u64).map(|()| all)
    }
}

impl Tx for SqliteTx {
    fn query<'a>(
        &'a self,
        sql: &'a str,
        params: Vec<Value<'a>>,
    ) -> impl Future<Output = Result<Vec<Row>, StoreError>> + Send + 'a {
        ready(self.query_now(sql, &params))
    }

    fn execute<'a>(
        &'a self,
        sql: &'a str,
        params: Vec<Value<'a>>,
    ) -> impl Future<Output = Result<u64, StoreError>> + Send + 'a {
        ready(self.count_rows(sql, std::iter::once(params.as_slice())))
    }

    fn execute_many<'a>(
        &'a self,
        sql: &'a str,
        rows: Rows<'a>,
    ) -> impl Future<Output = Result<u64, StoreError>> + Send + 'a {
        ready(self.count_rows(sql, rows.iter()))
    }

    fn touch_many<'a>(
        &'a self,
        sql: &'a str,
        rows: Rows<'a>,
        keys: usize,
    ) -> impl Future<Output = Result<Vec<Row>, StoreError>> + Send + 'a {
        let mut of = Vec::with_capacity(rows.len());
        let done = self.execute_rows(sql, rows.iter(), |row, touched| {
            if touched > 0 {
                of.push(Row(row.iter().take(keys).cloned().map(Value::into_owned).collect()));
            }
        });
        ready(done.map(|()| of))
    }

    fn reserve(
        &self,
        sequence: Sequence,
        count: usize,
    ) -> impl Future<Output = Result<Vec<i64>, StoreError>> + Send {
        const SQL: &str = "UPDATE sequences SET last = last + ?2 WHERE name = ?1 RETURNING last";
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        let last = self.query_now(SQL, &[sequence.name().into(), count.into()]).and_then(|mut rows| {
            rows.pop().ok_or(StoreError::Column { position: 1, expected: "a sequence" })?.read().int()
        });
        ready(last.map(|last| (last - count + 1..=last).collect()))
    }
}

/// `in_network(address, network)`: what `<<=` is on PostgreSQL.
fn add_in_network(connection: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    connection.create_scalar_function("in_network", 2, flags, |arguments| {
        let (address, network) = (arguments.get_raw(0).as_str()?, arguments.get_raw(1).as_str()?);
        let (Ok(address), Ok(network)) = (address.parse(), network.parse::<Network>()) else {
            return Ok(false);
        };
        Ok(network.contains(address))
    })
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Value::Null => ToSqlOutput::Borrowed(ValueRef::Null),
            Value::Int(value) => ToSqlOutput::Borrowed(ValueRef::Integer(*value)),
            Value::Text(value) => ToSqlOutput::Borrowed(ValueRef::Text(value.as_bytes())),
            Value::Blob(value) => ToSqlOutput::Borrowed(ValueRef::Blob(value)),
            Value::Ints(values) => array(values.iter().copied().map(SqlValue::Integer)),
            Value::Texts(values) => array(values.iter().cloned().map(SqlValue::Text)),
        })
    }
}

/// What `rarray` takes: a counted pointer of a type of this name, which the statement drops with its parameters.
fn array(values: impl Iterator<Item = SqlValue>) -> ToSqlOutput<'static> {
    ToSqlOutput::from_rc(Rc::new(values.collect::<Vec<SqlValue>>()), c"rarray")
}

fn own(value: ValueRef<'_>) -> Result<Value<'static>, StoreError> {
    Ok(match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(value) => Value::Int(value),
        ValueRef::Text(value) => {
            let text =
                String::from_utf8(value.to_vec()).map_err(|error| StoreError::Database(Box::new(error)))?;
            Value::Text(text.into())
        }
        ValueRef::Blob(value) => Value::Blob(value.to_vec().into()),
        ValueRef::Real(_) => {
            return Err(StoreError::Column { position: 0, expected: "a number without a fraction" });
        }
    })
}

pub(crate) fn database_error(error: rusqlite::Error) -> StoreError {
    let passing = |code| {
        matches!(
            code,
            ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::DiskFull
                | ErrorCode::CannotOpen
                | ErrorCode::SystemIoFailure
                | ErrorCode::ReadOnly
                | ErrorCode::OutOfMemory
        )
    };
    if error.sqlite_error_code().is_some_and(passing) {
        StoreError::Unavailable(Box::new(error))
    } else {
        StoreError::Database(Box::new(error))
    }
}
