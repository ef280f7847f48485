//! Long work that users ask for: what there is, who has which, how far it has come.

use std::sync::Arc;

use domain::Timestamp;

use crate::error::StoreError;
use crate::params;
use crate::tx::{Row, Tx, Work};

/// A task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskRow {
    /// Unique.
    pub id: String,
    /// What kind of work.
    pub kind: String,
    /// What exactly, as JSON.
    pub params: String,
    /// `running`, `done` or `cancelled`.
    pub state: String,
    /// How much there is to do.
    pub total: i64,
    /// How much of it is done, also without success.
    pub done: i64,
    /// How much of that without success.
    pub failed: i64,
    /// What was dealt with last.
    pub cursor: Option<String>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it last came further.
    pub updated_at: Timestamp,
}

const COLUMNS: &str = "id, kind, params, state, total, done, failed, cursor, created_at, updated_at";
const RUNNING: &str = "running";

fn read(row: Row) -> Result<TaskRow, StoreError> {
    let mut row = row.read();
    Ok(TaskRow {
        id: row.text()?,
        kind: row.text()?,
        params: row.text()?,
        state: row.text()?,
        total: row.int()?,
        done: row.int()?,
        failed: row.int()?,
        cursor: row.opt_text()?,
        created_at: row.time()?,
        updated_at: row.time()?,
    })
}

/// Adds a task.
pub struct InsertTask {
    /// The task.
    pub task: TaskRow,
}

impl Work for InsertTask {
    type Output = ();

    async fn run<T: Tx>(&self, tx: &T) -> Result<(), StoreError> {
        let sql = format!("INSERT INTO tasks ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)");
        let task = &self.task;
        let params = params![
            &task.id,
            &task.kind,
            &task.params,
            &task.state,
            task.total,
            task.done,
            task.failed,
            task.cursor.clone(),
            task.created_at,
            task.updated_at,
        ];
        tx.execute(&sql, params).await.map(|_| ())
    }
}

/// Looks up a task.
pub struct GetTask {
    /// Which.
    pub id: String,
}

impl Work for GetTask {
    type Output = Option<TaskRow>;

    async fn run<T: Tx>(&self, tx: &T) -> Result<Option<TaskRow>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM tasks WHERE id = ?1");
        tx.query(&sql, params![&self.id]).await?.pop().map(read).transpose()
    }
}

/// Lists tasks, the newest first.
pub struct ListTasks {
    /// Only those older than this one.
    pub before: Option<(Timestamp, String)>,
    /// The most to return.
    pub limit: usize,
}

impl Work for ListTasks {
    type Output = Vec<TaskRow>;

    async fn run<T: Tx>(&self, tx: &T) -> Result<Vec<TaskRow>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM tasks WHERE created_at < ?1 OR (created_at = ?1 AND id < ?2) \
             ORDER BY created_at DESC, id DESC LIMIT ?3"
        );
        let (at, id) = self.before.clone().unwrap_or((Timestamp::from_millis(i64::MAX), String::new()));
        let limit = i64::try_from(self.limit).unwrap_or(i64::MAX);
        tx.query(&sql, params![at, id, limit]).await?.into_iter().map(read).collect()
    }
}

/// Leases running tasks that nobody has, the oldest first.
pub struct ClaimTasks {
    /// Who takes them.
    pub node: Arc<str>,
    /// The most to take.
    pub limit: usize,
}

impl Work for ClaimTasks {
    type Output = Vec<TaskRow>;

    async fn run<T: Tx>(&self, tx: &T) -> Result<Vec<TaskRow>, StoreError> {
        let sql = format!(
            "UPDATE tasks SET node = ?1 WHERE id IN (SELECT id FROM tasks WHERE state = '{RUNNING}' AND node IS NULL \
             ORDER BY created_at LIMIT ?2 /*pg: FOR UPDATE SKIP LOCKED */) RETURNING {COLUMNS}"
        );
        let limit = i64::try_from(self.limit).unwrap_or(i64::MAX);
        tx.query(&sql, params![self.node.as_ref(), limit]).await?.into_iter().map(read).collect()
    }
}

/// Says how far a task has come. False if it is not this node's any more, or was cancelled.
pub struct Advance {
    /// The task as it is now; its state may be `done`.
    pub task: TaskRow,
    /// The node.
    pub node: Arc<str>,
}

impl Work for Advance {
    type Output = bool;

    async fn run<T: Tx>(&self, tx: &T) -> Result<bool, StoreError> {
        const SQL: &str = "UPDATE tasks SET state = ?2, done = ?3, failed = ?4, cursor = ?5, updated_at = ?6 \
                           WHERE id = ?1 AND state = 'running' AND COALESCE(node, '') = ?7";
        let task = &self.task;
        let params = params![
            &task.id,
            &task.state,
            task.done,
            task.failed,
            task.cursor.clone(),
            task.updated_at,
            self.node.as_ref(),
        ];
        Ok(tx.execute(SQL, params).await? == 1)
    }
}

/// Ends a task that is running: what is done is done. False if it was not running.
pub struct CancelTask {
    /// Which.
    pub id: String,
    /// Now.
    pub now: Timestamp,
}

impl Work for CancelTask {
    type Output = bool;

    async fn run<T: Tx>(&self, tx: &T) -> Result<bool, StoreError> {
        const SQL: &str = "UPDATE tasks SET state = 'cancelled', node = NULL, updated_at = ?2 WHERE id = ?1 AND state = 'running'";
        Ok(tx.execute(SQL, params![&self.id, self.now]).await? == 1)
    }
}
