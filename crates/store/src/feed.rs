//! What nodes tell each other of what happens, while someone listens. It is lost without harm: the logs have all of it.

use std::sync::Arc;

use domain::Timestamp;

use crate::error::StoreError;
use crate::params;
use crate::tx::{Tx, Work};

/// How long what was told is kept: nodes look every second, so who has not read it by then does not listen.
const KEPT_MS: i64 = 60_000;
/// Rows read at once: ten seconds of ten nodes.
const MOST: i64 = 100;

/// Tells other nodes whether someone listens here and what happened here, and asks them for the same.
pub struct ExchangeFeed {
    /// This node.
    pub node: Arc<str>,
    /// Whether someone listens here.
    pub listens: bool,
    /// What happened here, under an id that sorts by time.
    pub told: Option<(String, String)>,
    /// Only what was told under later ids than this is asked for.
    pub after: String,
    /// Now.
    pub now: Timestamp,
}

/// What other nodes say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExchangedFeed {
    /// Whether someone listens there.
    pub is_heard: bool,
    /// What happened there, by id: nothing if nobody listens here.
    pub told: Vec<(String, String)>,
}

impl Work for ExchangeFeed {
    type Output = ExchangedFeed;

    async fn run<T: Tx>(&self, tx: &T) -> Result<ExchangedFeed, StoreError> {
        const SAY: &str = "UPDATE nodes SET listens = ?2 WHERE id = ?1 AND listens <> ?2";
        const ASK: &str = "SELECT COUNT(*) FROM nodes WHERE id <> ?1 AND listens = 1 AND expires_at > ?2";
        const TELL: &str = "INSERT INTO feed (id, node, made_at, entries) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (id) DO NOTHING";
        const FORGET: &str = "DELETE FROM feed WHERE made_at < ?1";
        const READ: &str = "SELECT id, entries FROM feed WHERE id > ?1 AND node <> ?2 ORDER BY id LIMIT ?3";
        let node = self.node.as_ref();
        tx.execute(SAY, params![node, i64::from(self.listens)]).await?;
        let heard = tx.query(ASK, params![node, self.now]).await?;
        let is_heard = heard.into_iter().next().map_or(Ok(0), |row| row.read().int())? > 0;
        if let Some((id, entries)) = &self.told {
            tx.execute(TELL, params![id, node, self.now, entries]).await?;
            tx.execute(FORGET, params![self.now.plus_millis(-KEPT_MS)]).await?;
        }
        if !self.listens {
            return Ok(ExchangedFeed { is_heard, told: Vec::new() });
        }
        let rows = tx.query(READ, params![&self.after, node, MOST]).await?;
        let read = |row: crate::tx::Row| {
            let mut row = row.read();
            Ok((row.text()?, row.text()?))
        };
        Ok(ExchangedFeed { is_heard, told: rows.into_iter().map(read).collect::<Result<_, StoreError>>()? })
    }
}
