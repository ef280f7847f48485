//! The log of incoming requests, as it is looked up, listed and cleared.

use std::collections::HashMap;

use domain::log::RequestStatus;
use domain::{RequestId, Timestamp, WebhookId};

use crate::commit::RequestRow;
use crate::error::StoreError;
use crate::events::sized;
use crate::filter::{Conditions, LogFilter, Slice};
use crate::params;
use crate::tx::{Row, Tx, Value, Work};

const COLUMNS: &str = "id, webhook_id, received_at, event_type, sender_ip, method, content_type, headers, payload, status, \
                       attempts, outcome, response_status, response_body, resent_from, sealed";

fn read(row: Row) -> Result<RequestRow, StoreError> {
    let mut row = row.read();
    Ok(RequestRow {
        id: row.parse("a request id")?,
        webhook_id: row.parse("a webhook id")?,
        received_at: row.time()?,
        event_type: row.text()?,
        sender_ip: row.text()?,
        method: row.text()?,
        content_type: row.text()?,
        headers: row.text()?,
        payload: row.text()?,
        status: row.named(RequestStatus::from_name, "a request status")?,
        attempts: row.int()?,
        outcome: row.text()?,
        response_status: u16::try_from(row.int()?).unwrap_or_default(),
        response_body: row.text()?,
        resent_from: row.opt_text()?.and_then(|id| id.parse().ok()),
        sealed: row.opt_blob()?,
    })
}

/// Looks up an entry.
pub struct GetRequest {
    /// Which.
    pub id: RequestId,
}

impl Work for GetRequest {
    type Output = Option<RequestRow>;

    async fn run<T: Tx>(&self, tx: &T) -> Result<Option<RequestRow>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM requests WHERE id = ?1");
        tx.query(&sql, params![self.id.to_string()]).await?.pop().map(read).transpose()
    }
}

/// The entries of these ids that there are.
pub(crate) async fn by_id<T: Tx>(
    tx: &T,
    ids: Vec<String>,
) -> Result<HashMap<RequestId, RequestRow>, StoreError> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let sql = format!("SELECT {COLUMNS} FROM requests WHERE id IN ?1");
    let rows = tx.query(&sql, vec![Value::Texts(ids)]).await?;
    rows.into_iter().map(|row| read(row).map(|request| (request.id, request))).collect()
}

/// Lists the entries of a webhook, the newest first.
pub struct ListRequests {
    /// The webhook.
    pub webhook_id: WebhookId,
    /// Which.
    pub filter: LogFilter<RequestId, RequestStatus>,
    /// The most to return.
    pub limit: usize,
}

impl Work for ListRequests {
    type Output = Slice<RequestRow>;

    async fn run<T: Tx>(&self, tx: &T) -> Result<Slice<RequestRow>, StoreError> {
        let (sql, params) = wanted(&self.webhook_id, &self.filter).query(
            "SELECT id, LENGTH(payload) + LENGTH(response_body) FROM requests",
            "id DESC",
            self.limit + 1,
        );
        let (ids, more) = sized(tx, &sql, params, self.limit).await?;
        let sql = format!("SELECT {COLUMNS} FROM requests WHERE id IN ?1 ORDER BY id DESC");
        let rows = tx.query(&sql, vec![Value::Texts(ids)]).await?;
        Ok(Slice { entries: rows.into_iter().map(read).collect::<Result<_, _>>()?, more })
    }
}

/// The conditions of a filter.
fn wanted(webhook_id: &WebhookId, filter: &LogFilter<RequestId, RequestStatus>) -> Conditions {
    let mut conditions = Conditions::default();
    conditions.on("webhook_id = ?", webhook_id.as_str().to_owned());
    if let Some(status) = filter.status {
        conditions.on("status = ?", status.as_str());
        if status != RequestStatus::Processed {
            // These have an index of their own.
            conditions.fixed("status <> 'processed'");
        }
    }
    conditions.on_some("event_type = ?", filter.event_type.clone());
    conditions.within("id", RequestId::lowest_at, (filter.since, filter.until), filter.before);
    conditions.on_part(&["payload", "headers", "outcome"], filter.contains.as_deref());
    conditions
}

/// Counts the entries that a retry of a selection runs: those that were rejected are none of them.
pub struct CountRequests {
    /// The webhook.
    pub webhook_id: WebhookId,
    /// Which.
    pub filter: LogFilter<RequestId, RequestStatus>,
}

impl Work for CountRequests {
    type Output = i64;

    async fn run<T: Tx>(&self, tx: &T) -> Result<i64, StoreError> {
        let mut conditions = wanted(&self.webhook_id, &self.filter);
        conditions.fixed("status <> 'rejected'");
        let (sql, params) = conditions.all("SELECT COUNT(*) FROM requests");
        let row = tx.query(&sql, params).await?.pop();
        row.map_or(Ok(0), |row| row.read().int())
    }
}

/// Those of these entries that there are and that belong to the webhook, the oldest first.
pub struct RequestsById {
    /// The webhook.
    pub webhook_id: WebhookId,
    /// The entries.
    pub ids: Vec<RequestId>,
}

impl Work for RequestsById {
    type Output = Vec<RequestRow>;

    async fn run<T: Tx>(&self, tx: &T) -> Result<Vec<RequestRow>, StoreError> {
        let found = by_id(tx, self.ids.iter().map(ToString::to_string).collect()).await?;
        let mut rows: Vec<RequestRow> =
            found.into_values().filter(|row| row.webhook_id == self.webhook_id).collect();
        rows.sort_by_key(|row| row.id);
        Ok(rows)
    }
}

/// The next of these entries, the oldest first.
pub struct NextRequests {
    /// The webhook.
    pub webhook_id: WebhookId,
    /// Which.
    pub filter: LogFilter<RequestId, RequestStatus>,
    /// Only what is newer.
    pub after: Option<RequestId>,
    /// The most to return.
    pub limit: usize,
}

impl Work for NextRequests {
    type Output = Vec<RequestRow>;

    async fn run<T: Tx>(&self, tx: &T) -> Result<Vec<RequestRow>, StoreError> {
        let mut conditions = wanted(&self.webhook_id, &self.filter);
        conditions.fixed("status <> 'rejected'");
        conditions.on_some("id > ?", self.after.map(|id| id.to_string()));
        let (sql, params) = conditions.query(&format!("SELECT {COLUMNS} FROM requests"), "id", self.limit);
        tx.query(&sql, params).await?.into_iter().map(read).collect()
    }
}

/// Lists what was stored for a webhook and not run yet, the oldest first. What has run and waits for a job is not among it.
pub struct ListAccepted {
    /// The webhook.
    pub webhook_id: WebhookId,
    /// Only those after this one.
    pub after: Option<RequestId>,
    /// The most to return.
    pub limit: usize,
}

impl Work for ListAccepted {
    type Output = Vec<RequestRow>;

    async fn run<T: Tx>(&self, tx: &T) -> Result<Vec<RequestRow>, StoreError> {
        // The second condition is that of the index.
        let sql = format!(
            "SELECT {COLUMNS} FROM requests WHERE webhook_id = ?1 AND status = ?2 AND status <> 'processed' \
             AND attempts = 0 AND id > ?3 ORDER BY id LIMIT ?4"
        );
        let after = self.after.map(|id| id.to_string()).unwrap_or_default();
        let limit = i64::try_from(self.limit).unwrap_or(i64::MAX);
        let params = params![self.webhook_id.as_str(), RequestStatus::Accepted.as_str(), after, limit];
        tx.query(&sql, params).await?.into_iter().map(read).collect()
    }
}

/// Clears the log of a webhook, the oldest entries first. What is not done yet stays: it is no log yet. Returns how many; to be called until that is 0.
pub struct ClearRequests {
    /// The webhook.
    pub webhook_id: WebhookId,
    /// Only what was received before.
    pub until: Timestamp,
    /// The most to delete in one transaction.
    pub limit: usize,
}

impl Work for ClearRequests {
    type Output = u64;

    async fn run<T: Tx>(&self, tx: &T) -> Result<u64, StoreError> {
        const SQL: &str = "DELETE FROM requests WHERE id IN ( \
               SELECT id FROM requests WHERE webhook_id = ?1 AND id < ?2 AND status NOT IN ('accepted', 'retrying') \
               ORDER BY id LIMIT ?3)";
        let until = RequestId::lowest_at(self.until).to_string();
        let limit = i64::try_from(self.limit).unwrap_or(i64::MAX);
        tx.execute(SQL, params![self.webhook_id.as_str(), until, limit]).await
    }
}
