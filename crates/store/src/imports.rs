//! Files of subscribers that a task takes in: the file, what of it was refused, and how far the task has come, which is
//! written with the subscribers themselves.

use std::sync::Arc;

use domain::Timestamp;

use crate::error::StoreError;
use crate::params;
use crate::tasks::{self, InsertTasks, TaskRow};
use crate::tx::{Rows, Tx, Value, Work};

/// Begins a task with its file.
pub struct InsertImport {
    /// The task.
    pub task: TaskRow,
    /// The file.
    pub body: Vec<u8>,
}

impl Work for InsertImport {
    type Output = ();

    async fn run<T: Tx>(&self, tx: &T) -> Result<(), StoreError> {
        const SQL: &str =
            "INSERT INTO imports (task_id, body, added, updated, created_at) VALUES (?1, ?2, 0, 0, ?3)";
        InsertTasks { tasks: vec![self.task.clone()], alone_among: &[] }.run(tx).await?;
        tx.execute(SQL, params![&self.task.id, self.body.as_slice(), self.task.created_at]).await.map(|_| ())
    }
}

/// Loads the file of a task, if it is still kept.
pub struct ImportBody {
    /// The task.
    pub task_id: String,
}

impl Work for ImportBody {
    type Output = Option<Vec<u8>>;

    async fn run<T: Tx>(&self, tx: &T) -> Result<Option<Vec<u8>>, StoreError> {
        const SQL: &str = "SELECT body FROM imports WHERE task_id = ?1";
        tx.query(SQL, params![&self.task_id]).await?.pop().map(|row| row.read().blob()).transpose()
    }
}

/// What became of a line that was not taken in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The line of the file at which its row begins, counted from 1.
    pub line: i64,
    /// Why.
    pub reason: String,
}

/// How far an import has come, beyond what its task says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportRow {
    /// The task.
    pub task: TaskRow,
    /// Subscribers that are new.
    pub added: i64,
    /// Subscribers that were changed.
    pub updated: i64,
    /// The first lines that were refused.
    pub refusals: Vec<Refusal>,
}

/// Looks up an import.
pub struct GetImport {
    /// The task.
    pub task_id: String,
    /// The most refusals to load.
    pub refusals: usize,
}

impl Work for GetImport {
    type Output = Option<ImportRow>;

    async fn run<T: Tx>(&self, tx: &T) -> Result<Option<ImportRow>, StoreError> {
        let Some(task) = (tasks::GetTask { id: self.task_id.clone() }).run(tx).await? else {
            return Ok(None);
        };
        const COUNTS: &str = "SELECT added, updated FROM imports WHERE task_id = ?1";
        let Some(row) = tx.query(COUNTS, params![&self.task_id]).await?.pop() else { return Ok(None) };
        let mut row = row.read();
        let (added, updated) = (row.int()?, row.int()?);
        const REFUSALS: &str =
            "SELECT line, reason FROM import_refusals WHERE task_id = ?1 ORDER BY line LIMIT ?2";
        let limit = i64::try_from(self.refusals).unwrap_or(i64::MAX);
        let rows = tx.query(REFUSALS, params![&self.task_id, limit]).await?;
        let refusals = rows.into_iter().map(|row| {
            let mut row = row.read();
            Ok(Refusal { line: row.int()?, reason: row.text()? })
        });
        Ok(Some(ImportRow { task, added, updated, refusals: refusals.collect::<Result<_, StoreError>>()? }))
    }
}

/// A piece of an import, to be written with the subscribers that it made and changed.
#[derive(Clone, Debug)]
pub struct ImportStep {
    /// The task as it is behind the piece.
    pub task: TaskRow,
    /// The node that has it.
    pub node: Arc<str>,
    /// Subscribers of the piece that are new.
    pub added: i64,
    /// Subscribers of the piece that were changed.
    pub updated: i64,
    /// Lines of the piece that were refused.
    pub refusals: Vec<Refusal>,
}

/// Writes how far an import has come. If the task is another node's, or was cancelled, that is a conflict: nothing of the
/// piece is to be.
pub(crate) async fn advance<T: Tx>(tx: &T, step: Option<&ImportStep>) -> Result<(), StoreError> {
    let Some(step) = step else { return Ok(()) };
    if !tasks::advance(tx, &step.task, &step.node).await? {
        return Err(StoreError::Conflict);
    }
    const COUNTS: &str = "UPDATE imports SET added = added + ?2, updated = updated + ?3 WHERE task_id = ?1";
    tx.execute(COUNTS, params![&step.task.id, step.added, step.updated]).await?;
    const REFUSALS: &str = "INSERT INTO import_refusals (task_id, line, reason) VALUES (?1, ?2, ?3)";
    let mut rows = Rows::default();
    for refusal in &step.refusals {
        rows.push([step.task.id.as_str().into(), refusal.line.into(), refusal.reason.as_str().into()]);
    }
    tx.execute_many(REFUSALS, rows).await.map(|_| ())
}

/// Forgets the files, and the reports, of imports that were begun before a moment and have ended.
pub struct ForgetImports {
    /// The moment.
    pub before: Timestamp,
}

impl Work for ForgetImports {
    type Output = ();

    async fn run<T: Tx>(&self, tx: &T) -> Result<(), StoreError> {
        const OLD: &str = "DELETE FROM imports WHERE created_at < ?1 \
             AND NOT EXISTS (SELECT 1 FROM tasks WHERE id = task_id AND state = 'running') RETURNING task_id";
        let gone = tx.query(OLD, params![self.before]).await?;
        let gone = gone.into_iter().map(|row| row.read().text()).collect::<Result<_, _>>()?;
        let refusals = "DELETE FROM import_refusals WHERE task_id IN ?1";
        tx.execute(refusals, vec![Value::Texts(gone)]).await.map(|_| ())
    }
}
