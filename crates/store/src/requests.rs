//! The log of incoming requests, as it is looked up, listed and cleared.

use std::collections::HashMap;

use domain::log::RequestStatus;
use domain::network::Network;
use domain::{RequestId, WebhookId};
use serde::{Deserialize, Serialize};

use crate::commit::{RequestRow, insert_requests};
use crate::error::StoreError;
use crate::filter::{Conditions, LogFilter, names};
use crate::look::Log;
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

/// Entries of a webhook's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestsOf {
    /// The webhook.
    pub webhook_id: WebhookId,
    /// Which.
    pub filter: LogFilter<RequestId, RequestStatus>,
    /// Those that came from there.
    pub sender: Option<Network>,
    /// Those that nothing is left to do about.
    pub done: bool,
}

/// The statuses of what something is left to do about.
const OPEN: [RequestStatus; 2] = [RequestStatus::Accepted, RequestStatus::Retrying];

impl Log for RequestsOf {
    type Id = RequestId;
    const ID: &'static str = "id";
    const TABLE: &'static str = "requests";
    const ALL: &'static str = "requests";
    const SIZE: &'static str = "LENGTH(payload) + LENGTH(response_body)";

    async fn ways<T: Tx>(&self, _: &T) -> Result<Vec<Conditions>, StoreError> {
        let mut way = self.filter.way("id", RequestId::lowest_at);
        way.on("webhook_id = ?", self.webhook_id.as_str().to_owned());
        let statuses = self.filter.distinct();
        if statuses.is_empty() || statuses.contains(&RequestStatus::Processed) {
            return Ok(vec![way]);
        }
        let of_status = |status: &RequestStatus| {
            let mut way = way.clone();
            // Spelled out for the index of those that did not simply go well.
            way.fixed(&format!("status = '{}' AND status <> 'processed'", status.as_str()));
            way
        };
        Ok(statuses.iter().map(of_status).collect())
    }

    fn rest(&self, conditions: &mut Conditions) {
        let filter = &self.filter;
        if filter.statuses.contains(&RequestStatus::Processed) {
            conditions.fixed(&format!("status IN ({})", names(&filter.statuses, RequestStatus::as_str)));
        }
        if self.done {
            conditions.fixed(&format!("status NOT IN ({})", names(&OPEN, RequestStatus::as_str)));
        }
        conditions.on_some("event_type = ?", filter.event_type.clone());
        let within =
            "/*pg: sender_ip::inet <<= CAST(? AS TEXT)::inet */ /*sqlite: in_network(sender_ip, ?) */";
        conditions.on_some(within, self.sender.map(|network| network.to_string()));
        conditions.on_part(&["payload", "headers", "outcome"], filter.contains.as_deref());
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

/// Adds an entry of what happened without a transaction of its own.
pub struct InsertRequest {
    /// The entry.
    pub row: RequestRow,
}

impl Work for InsertRequest {
    type Output = ();

    async fn run<T: Tx>(&self, tx: &T) -> Result<(), StoreError> {
        insert_requests(tx, std::slice::from_ref(&self.row)).await
    }
}
