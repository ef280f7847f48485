//! Long work that users ask for: what there is, who has which, how far it has come.

use std::sync::Arc;

use domain::{Timestamp, WebhookId};

use crate::error::StoreError;
use crate::filter::Conditions;
use crate::params;
use crate::tx::{Row, Tx, Value, Work};

/// A task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskRow {
    /// Unique.
    pub id: String,
    /// What kind of work.
    pub kind: String,
    /// What exactly, as JSON.
    pub params: String,
    /// Whose log it works on; `None` if it is none's.
    pub webhook_id: Option<WebhookId>,
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
    /// Why it did not come to its end, if it did not.
    pub detail: Option<String>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it last came further.
    pub updated_at: Timestamp,
}

const COLUMNS: &str =
    "id, kind, params, webhook_id, state, total, done, failed, cursor, detail, created_at, updated_at";
/// The state of a task that is not at its end.
pub const RUNNING: &str = "running";
/// The state of a task that has come to its end.
pub const DONE: &str = "done";
/// The state of a task that ended before.
pub const CANCELLED: &str = "cancelled";

fn read(row: Row) -> Result<TaskRow, StoreError> {
    let mut row = row.read();
    Ok(TaskRow {
        id: row.text()?,
        kind: row.text()?,
        params: row.text()?,
        webhook_id: row.opt_text()?.and_then(|id| id.parse().ok()),
        state: row.text()?,
        total: row.int()?,
        done: row.int()?,
        failed: row.int()?,
        cursor: row.opt_text()?,
        detail: row.opt_text()?,
        created_at: row.time()?,
        updated_at: row.time()?,
    })
}

/// Adds tasks, but those for whose webhook one is running that they can't run beside.
pub struct InsertTasks {
    /// The tasks.
    pub tasks: Vec<TaskRow>,
    /// Kinds that they can't run beside on the same log.
    pub alone_among: &'static [&'static str],
}

/// What became of tasks that were to be added.
#[derive(Debug, Default)]
pub struct Begun {
    /// Those that were added.
    pub tasks: Vec<TaskRow>,
    /// Those that were in the way of the others.
    pub running: Vec<TaskRow>,
}

impl Work for InsertTasks {
    type Output = Begun;

    async fn run<T: Tx>(&self, tx: &T) -> Result<Begun, StoreError> {
        // Of two that begin at once the second must see the first. SQLite has one writer.
        const ALONE: &str =
            "/*pg: SELECT CAST(pg_advisory_xact_lock(1667462001) AS TEXT) */ /*sqlite: SELECT '' */";
        tx.query(ALONE, vec![]).await?;
        let webhooks = self.tasks.iter().filter_map(|task| Some(task.webhook_id.as_ref()?.to_string()));
        let running = format!(
            "SELECT {COLUMNS} FROM tasks WHERE state = '{RUNNING}' AND webhook_id IN ?1 AND kind IN ?2 ORDER BY id"
        );
        let kinds = self.alone_among.iter().map(|kind| (*kind).to_owned()).collect();
        let params = vec![Value::Texts(webhooks.collect()), Value::Texts(kinds)];
        let running: Vec<TaskRow> =
            tx.query(&running, params).await?.into_iter().map(read).collect::<Result<_, _>>()?;
        let is_free = |task: &&TaskRow| running.iter().all(|other| other.webhook_id != task.webhook_id);
        let tasks: Vec<TaskRow> = self.tasks.iter().filter(is_free).cloned().collect();
        let sql = format!(
            "INSERT INTO tasks ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
        );
        for task in &tasks {
            let params = params![
                &task.id,
                &task.kind,
                &task.params,
                task.webhook_id.as_ref().map(WebhookId::as_str),
                &task.state,
                task.total,
                task.done,
                task.failed,
                task.cursor.clone(),
                task.detail.clone(),
                task.created_at,
                task.updated_at,
            ];
            tx.execute(&sql, params).await?;
        }
        Ok(Begun { tasks, running })
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
#[derive(Clone, Debug, Default)]
pub struct ListTasks {
    /// Those of this webhook.
    pub webhook_id: Option<WebhookId>,
    /// Those of this kind.
    pub kind: Option<String>,
    /// Those in this state.
    pub state: Option<String>,
    /// Only those older than this one.
    pub before: Option<(Timestamp, String)>,
    /// The most to return.
    pub limit: usize,
}

impl Work for ListTasks {
    type Output = Vec<TaskRow>;

    async fn run<T: Tx>(&self, tx: &T) -> Result<Vec<TaskRow>, StoreError> {
        let mut conditions = Conditions::default();
        conditions.on_some("webhook_id = ?", self.webhook_id.as_ref().map(|id| id.as_str().to_owned()));
        conditions.on_some("kind = ?", self.kind.clone());
        conditions.on_some("state = ?", self.state.clone());
        if let Some((at, id)) = self.before.clone() {
            conditions.on_two("(created_at < ? OR (created_at = ? AND id < ??))", at, id);
        }
        let select = format!("SELECT {COLUMNS} FROM tasks");
        let (sql, params) = conditions.query(&select, "created_at DESC, id DESC", self.limit);
        tx.query(&sql, params).await?.into_iter().map(read).collect()
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
            "UPDATE tasks SET node = ?1 WHERE id IN ONCE (SELECT id FROM tasks WHERE state = '{RUNNING}' AND node IS NULL \
             ORDER BY created_at LIMIT ?2 /*pg: FOR UPDATE SKIP LOCKED */) RETURNING {COLUMNS}"
        );
        let limit = i64::try_from(self.limit).unwrap_or(i64::MAX);
        tx.query(&sql, params![self.node.as_ref(), limit]).await?.into_iter().map(read).collect()
    }
}

/// Says how far a task has come. False if it is not this node's any more, or was cancelled.
pub struct Advance {
    /// The task as it is now; its state may be another.
    pub task: TaskRow,
    /// The node.
    pub node: Arc<str>,
}

impl Work for Advance {
    type Output = bool;

    async fn run<T: Tx>(&self, tx: &T) -> Result<bool, StoreError> {
        advance(tx, &self.task, &self.node).await
    }
}

/// Whether a task is running, and this node's.
pub(crate) async fn is_held<T: Tx>(tx: &T, id: &str, node: &str) -> Result<bool, StoreError> {
    const SQL: &str = "SELECT id FROM tasks WHERE id = ?1 AND state = 'running' AND COALESCE(node, '') = ?2 /*pg: FOR UPDATE */";
    Ok(!tx.query(SQL, params![id, node]).await?.is_empty())
}

pub(crate) async fn advance<T: Tx>(tx: &T, task: &TaskRow, node: &str) -> Result<bool, StoreError> {
    const SQL: &str = "UPDATE tasks SET state = ?2, total = ?3, done = ?4, failed = ?5, cursor = ?6, detail = ?7, \
                       updated_at = ?8 WHERE id = ?1 AND state = 'running' AND COALESCE(node, '') = ?9";
    let params = params![
        &task.id,
        &task.state,
        task.total,
        task.done,
        task.failed,
        task.cursor.clone(),
        task.detail.clone(),
        task.updated_at,
        node,
    ];
    Ok(tx.execute(SQL, params).await? == 1)
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
