//! The logs: searched, counted, cleared, and worked on by tasks.
//!
//! However long a log is, nobody holds a connection for long: it is looked through in pieces, and a page that would take too
//! long ends early and says how far it came.

use std::time::Duration;

use store::look::{Count, Log, Look, Order, Piece, fit};
use store::missed::Missed;
use store::recovery::Progress;
use store::tasks::{RUNNING, TaskRow};
use store::{StoreError, Work};
use tokio::time::Instant;

use super::Engine;
use crate::missed::{self, MissedBy};
use crate::tasks::{CHUNK, Job, piece};

/// How long a page may take before it ends early: people do not notice so little.
const PATIENCE: Duration = Duration::from_millis(150);
/// How long a piece should take: the connection is free again after that.
const PIECE: Duration = Duration::from_millis(20);
/// Entries looked at in the first piece of a page. Entries may have a mebibyte each; of those that are small, the next piece
/// has more.
const FIRST_ROWS: usize = 200;
/// The most entries looked at in a piece.
const MAX_ROWS: usize = 20_000;
/// Entries counted in one transaction: some milliseconds.
const COUNTED_ROWS: usize = 20_000;
/// How long it may take to count the events that a webhook never got: as long as someone waits who has asked for it.
const COUNTING: Duration = Duration::from_secs(10);
/// The most pieces of a log that are cleared while the caller waits.
const MAX_PIECES: usize = 20;

/// A page of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Searched<Id> {
    /// What was found, the newest first.
    pub ids: Vec<Id>,
    /// Behind which the next page begins; `None` if this is the last.
    pub next: Option<Id>,
    /// Whether the page ended early: what is older than `next` was not looked at.
    pub ended_early: bool,
}

impl Engine {
    /// A page of a log, behind an entry.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn search<L: Log>(
        &self,
        log: &L,
        behind: Option<L::Id>,
        limit: usize,
    ) -> Result<Searched<L::Id>, StoreError> {
        let began = Instant::now();
        let (mut from, mut rows, mut found) = (behind, FIRST_ROWS, Vec::new());
        loop {
            let began_piece = Instant::now();
            let piece = Piece { from, order: Order::NewestFirst, limit: limit - found.len(), rows };
            let look = self.core.store.read(Look { log: log.clone(), piece }).await?;
            found.extend(look.entries);
            from = look.next;
            let is_full = found.len() >= limit;
            let is_late = began.elapsed() >= PATIENCE;
            if is_full || is_late || from.is_none() {
                let (ids, is_cut) = fit(found, limit);
                let next = if is_cut { ids.last().copied() } else { from };
                let ended_early = !is_full && !is_cut && from.is_some();
                return Ok(Searched { ids, next, ended_early });
            }
            rows = next_rows(rows, began_piece.elapsed());
        }
    }

    /// How many entries these are.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn count<L: Log>(&self, log: &L) -> Result<i64, StoreError> {
        let (mut from, mut total) = (None, 0);
        loop {
            let (count, next) =
                self.core.store.read(Count { log: log.clone(), from, rows: COUNTED_ROWS }).await?;
            total += count;
            match next {
                Some(next) => from = Some(next),
                None => return Ok(total),
            }
        }
    }

    /// How many events a webhook never got that it would get today; `None` if that takes too long to say.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn count_missed(&self, missed: &MissedBy) -> Result<Option<i64>, StoreError> {
        let snapshot = self.snapshot();
        let Some(outgoing) = snapshot.outgoing.get(&missed.webhook_id) else { return Ok(Some(0)) };
        let (began, choose) = (Instant::now(), missed::choose(&self.core, outgoing));
        let (mut from, mut total) = (None, 0);
        while began.elapsed() < COUNTING {
            let piece = Missed {
                webhook_id: missed.webhook_id.clone(),
                log: missed.log(),
                piece: piece(from, CHUNK),
                choose: choose.clone(),
                most: usize::MAX,
                sends: false,
            };
            let Progress { done, next } = self.core.store.read(piece).await?;
            total += i64::try_from(done).unwrap_or(i64::MAX);
            from = next.and_then(|next| next.parse().ok());
            if from.is_none() {
                return Ok(Some(total));
            }
        }
        Ok(None)
    }

    /// Does pieces of something at once, if they are not too many; how many entries that was, and whether it is all.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn at_once<Id, W>(&self, work: impl Fn(Option<Id>) -> W) -> Result<(u64, bool), StoreError>
    where
        Id: std::str::FromStr,
        W: Work<Output = Progress>,
    {
        let (mut from, mut done) = (None, 0);
        for _ in 0..MAX_PIECES {
            let progress = self.core.store.write(work(from)).await?;
            done += progress.done;
            from = progress.next.and_then(|next| next.parse().ok());
            if from.is_none() {
                return Ok((done, true));
            }
        }
        Ok((done, false))
    }

    /// A task that is not stored yet: on so many entries, of which so many are done already.
    pub fn task(&self, job: &Job, (total, done): (i64, i64)) -> TaskRow {
        let now = self.now();
        TaskRow {
            id: self.vault().new_webhook_id().to_string(),
            kind: job.kind().to_owned(),
            // Texts and numbers always have a JSON form.
            params: serde_json::to_string(job).unwrap_or_default(),
            webhook_id: job.webhook_id().cloned(),
            state: RUNNING.to_owned(),
            total,
            done,
            failed: 0,
            cursor: None,
            detail: None,
            created_at: now,
            updated_at: now,
        }
    }

    /// Says that a task was inserted.
    pub fn wake_tasks(&self) {
        self.core.tasks_due.notify_one();
    }
}

/// How many entries the next piece looks at, after one of so many that took so long.
fn next_rows(rows: usize, took: Duration) -> usize {
    if took > PIECE { (rows / 2).max(FIRST_ROWS) } else { (rows * 2).min(MAX_ROWS) }
}
