//! What waits in the database, and how large it is: for a page that shows how the server is doing.

use domain::WebhookId;
use futures_util::try_join;

use crate::error::StoreError;
use crate::params;
use crate::tx::{Tx, Value, Work};

/// The most of a kind that is counted: past it nobody asks how many exactly, and counting is to stay quick.
pub const MOST: i64 = 100_000;

/// What waits, each up to [`MOST`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Requests that are stored and not done with.
    pub requests: i64,
    /// Deliveries that are still to be made.
    pub deliveries: i64,
    /// The size of the database in bytes.
    pub bytes: i64,
}

/// Counts what waits.
pub struct CountBacklog {
    /// The incoming webhooks.
    pub incoming: Vec<WebhookId>,
}

impl Work for CountBacklog {
    type Output = Backlog;

    async fn run<T: Tx>(&self, tx: &T) -> Result<Backlog, StoreError> {
        // Each condition is that of an index of those few.
        const REQUESTS: &str = "SELECT COUNT(*) FROM (SELECT 1 FROM requests WHERE webhook_id IN ?1 \
               AND status IN ('accepted', 'retrying') AND status <> 'processed' LIMIT ?2) waiting";
        const WAITING: &str = "SELECT COUNT(*) FROM (SELECT 1 FROM deliveries WHERE due_at IS NOT NULL AND node IS NULL \
               LIMIT ?1) waiting";
        const LEASED: &str =
            "SELECT COUNT(*) FROM (SELECT 1 FROM deliveries WHERE node IS NOT NULL LIMIT ?1) leased";
        const BYTES: &str = "SELECT /*sqlite: page_count * page_size FROM pragma_page_count(), pragma_page_size() */ \
               /*pg: pg_database_size(current_database()) */";
        let ids = self.incoming.iter().map(|id| id.as_str().to_owned()).collect();
        let (requests, waiting, leased, bytes) = try_join!(
            number(tx, REQUESTS, vec![Value::Texts(ids), MOST.into()]),
            number(tx, WAITING, params![MOST]),
            number(tx, LEASED, params![MOST]),
            number(tx, BYTES, vec![]),
        )?;
        Ok(Backlog { requests, deliveries: (waiting + leased).min(MOST), bytes })
    }
}

async fn number<T: Tx>(tx: &T, sql: &'static str, params: Vec<Value<'_>>) -> Result<i64, StoreError> {
    tx.query(sql, params).await?.pop().map_or(Ok(0), |row| row.read().int())
}
