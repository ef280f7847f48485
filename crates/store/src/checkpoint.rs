//! Copies what SQLite has committed from its log into its file, beside the writer.
//!
//! A checkpoint waits for the disk several times. The writer must not, for everyone waits for it; so another connection does
//! it, passively: it copies what it can and blocks nobody. Only the writer can begin the log anew, and it does so by itself
//! once all of it has been copied. Under a load that never pauses that moment never comes: then the writer checkpoints the
//! little that is left, so that the log stays bounded.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::mpsc;

use crate::error::StoreError;
use crate::sqlite::database_error;

/// Pages of log after which the writer checkpoints, of 4 KiB: 64 MiB.
const LONG_LOG: i64 = 16_384;
/// Commits between two checkpoints beside the writer: some thousands of pages under load.
const COMMITS: u32 = 128;

/// Asks for checkpoints; the writer has it.
pub(crate) struct Checkpoints {
    commits: u32,
    wake: mpsc::Sender<()>,
    too_long: Arc<AtomicBool>,
}

impl Checkpoints {
    /// Starts the thread that makes them. It ends with what is returned.
    ///
    /// # Errors
    /// If the file can't be opened, or no thread be started.
    pub(crate) fn start(file: &Path, busy_timeout: Duration) -> Result<Self, StoreError> {
        let connection = Connection::open(file).map_err(database_error)?;
        connection.busy_timeout(busy_timeout).map_err(database_error)?;
        connection.execute_batch("PRAGMA synchronous = FULL").map_err(database_error)?;
        let (wake, mut woken) = mpsc::channel(1);
        let too_long = Arc::new(AtomicBool::new(false));
        let seen = too_long.clone();
        std::thread::Builder::new()
            .name("store-checkpoint".into())
            .spawn(move || {
                while woken.blocking_recv().is_some() {
                    match checkpoint(&connection) {
                        Ok(pages) => seen.store(pages > LONG_LOG, Ordering::Relaxed),
                        Err(error) => {
                            tracing::warn!(error = %error, "a checkpoint failed and will be tried again");
                        }
                    }
                }
            })
            .map_err(|error| StoreError::Unavailable(Box::new(error)))?;
        Ok(Self { commits: 0, wake, too_long })
    }

    /// Called by the writer after each commit.
    pub(crate) fn committed(&mut self, writer: &Connection) {
        self.commits += 1;
        if self.too_long.swap(false, Ordering::Relaxed)
            && let Err(error) = checkpoint(writer)
        {
            tracing::warn!(error = %error, "the log could not be begun anew");
        }
        if self.commits >= COMMITS {
            self.commits = 0;
            // If it is at it, it will find this too.
            let _ = self.wake.try_send(());
        }
    }
}

/// Copies what can be copied; tells how many pages are in the log (<https://www.sqlite.org/pragma.html#pragma_wal_checkpoint>).
fn checkpoint(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get(1))
}
