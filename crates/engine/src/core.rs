//! What the engine's parts share, and the two things that they all do with it: load the configuration, run a batch.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use domain::Timestamp;
use sandbox::{Sandbox, SandboxError};
use store::commit::Commit;
use store::config::LoadConfig;
use store::{Store, StoreError};
use tokio::sync::{Mutex as AsyncMutex, Notify, mpsc};
use tokio::time::Instant;

use crate::actions::script;
use crate::batch::Batch;
use crate::clock::Clock;
use crate::dispatch::Dispatcher;
use crate::engine::Retention;
use crate::item::{Decided, Done, Items, Shared};
use crate::outcome::Outcome;
use crate::receive::{Accepted, Transformed};
use crate::rerun::Rerun;
use crate::series::Series;
use crate::snapshot::Snapshot;
use crate::vault::Vault;

/// The place for which payloads are sealed.
const PAYLOAD_IDENTITY: &str = "request/payload";
/// How often a batch is decided again because the configuration changed under it, before the sender is told to come again.
const STALE_TRIES: usize = 5;

/// How often at most it is looked whether a webhook that is not known has just been made: strangers who guess ask for that.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// What the engine's parts share.
pub(crate) struct Core {
    pub(crate) store: Store,
    pub(crate) dispatcher: Arc<Dispatcher>,
    pub(crate) node: Arc<str>,
    /// How many nodes serve this database, by the last heartbeat of this one: each takes its share of a limit.
    pub(crate) nodes: Arc<AtomicU32>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) snapshot: Arc<ArcSwap<Snapshot>>,
    pub(crate) vault: Vault,
    pub(crate) clock: Clock,
    /// Held while the configuration is loaded: the last of those who asked before the last load that succeeded began.
    pub(crate) loaded: AsyncMutex<u64>,
    /// Held while someone looks whether there is a webhook that is not known: when the last look began.
    pub(crate) looked: AsyncMutex<Option<Instant>>,
    /// How many have asked for the configuration to be loaded.
    pub(crate) asked: AtomicU64,
    pub(crate) outcomes: mpsc::Sender<Outcome>,
    pub(crate) stopping: AtomicBool,
    pub(crate) log_retention: Retention,
    pub(crate) sandbox: Arc<Sandbox>,
    /// Tells that requests wait for actions that leave the process.
    pub(crate) jobs_due: Notify,
    /// Tells that a task was begun.
    pub(crate) tasks_due: Notify,
    /// Tells that there may be a mail to be sent.
    pub(crate) mails_due: Notify,
    /// What is counted of single webhooks.
    pub(crate) series: Series,
}

impl Core {
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// Loads the configuration if the stored one is another.
    pub(crate) async fn refresh(&self) -> Result<(), StoreError> {
        let mine = self.asked.fetch_add(1, Ordering::AcqRel) + 1;
        let mut loaded = self.loaded.lock().await;
        if *loaded >= mine {
            return Ok(());
        }
        let last = self.asked.load(Ordering::Acquire);
        let known = self.snapshot.load().version;
        if let Some(config) = self.store.read(LoadConfig { known }).await? {
            match Snapshot::after(&self.snapshot(), config, &self.vault) {
                Ok(snapshot) => self.snapshot.store(Arc::new(snapshot)),
                // The key was checked at the start: someone changed the database. Go on by what is known.
                Err(error) => tracing::error!(error = %error, "the configuration could not be loaded"),
            }
        }
        // Only now: a load that failed, or whose caller went away, served nobody.
        *loaded = last;
        Ok(())
    }

    /// The same for whom nobody vouches yet. However many ask, the database is asked once in a while, and all who came before
    /// that get what it says: so a stranger's guesses cost it nothing, and a webhook that was made a moment ago on another node is
    /// found by its first request.
    pub(crate) async fn look_again(&self) -> Result<(), StoreError> {
        let came = Instant::now();
        let mut looked = self.looked.lock().await;
        if looked.is_some_and(|looked| looked > came) {
            return Ok(());
        }
        if let Some(looked) = *looked {
            tokio::time::sleep_until(looked + LOOK_EVERY).await;
        }
        let begins = Instant::now();
        self.refresh().await?;
        *looked = Some(begins);
        Ok(())
    }

    /// Runs a batch, under the newest configuration.
    pub(crate) async fn commit(&self, items: Items) -> Result<Vec<Done>, StoreError> {
        let decided = self.decide(items, |batch| self.store.write(Commit::new(batch))).await?;
        Ok(self.settle(decided))
    }

    /// Hands on what a transaction left to do.
    pub(crate) fn settle(&self, mut decided: Decided) -> Vec<Done> {
        self.shared.feed.tell(decided.told.drain(..));
        if decided.has_jobs {
            self.jobs_due.notify_one();
        }
        self.dispatcher.take_decided(decided)
    }

    /// Seals the payload of a request whose log entry holds it redacted: what runs it later needs it as it came.
    pub(crate) fn sealed(&self, mut accepted: Box<Accepted>) -> Box<Accepted> {
        if let Some(original) = accepted.original.take().filter(|_| !accepted.is_refused()) {
            accepted.sealed = Some(self.vault.seal(PAYLOAD_IDENTITY, original.as_bytes()));
        }
        accepted
    }

    fn unsealed(&self, sealed: &[u8]) -> Option<String> {
        let opened = self.vault.open(PAYLOAD_IDENTITY, sealed);
        opened.ok().and_then(|payload| String::from_utf8(payload).ok())
    }

    /// Runs the webhook's script on a request, if it has one.
    ///
    /// # Errors
    /// If that may go better later. What the script itself does wrong is a part of the request.
    pub(crate) async fn transformed(&self, accepted: Box<Accepted>) -> Result<Box<Accepted>, SandboxError> {
        let Some((code, payload)) = accepted.to_transform() else { return Ok(accepted) };
        // What the log keeps of them: a request that is run again must be changed in the same way.
        let headers = serde_json::from_str(&accepted.headers).unwrap_or_default();
        // Boxed, as whatever is rare: each request would have room for it.
        let script = script::transform(&self.sandbox, code, payload, headers, accepted.received_at);
        let outcome = Box::pin(script).await;
        let result = match outcome {
            Err(error) if script::is_passing(&error) => return Err(error),
            outcome => outcome.map(Arc::new).map_err(|error| error.to_string()),
        };
        let transformed = Arc::new(Transformed { code: code.to_owned(), result });
        Ok(Box::new(accepted.transformed(&transformed)))
    }

    /// The same for a stored request.
    ///
    /// # Errors
    /// The same.
    pub(crate) async fn prepared(&self, mut rerun: Rerun) -> Result<Rerun, SandboxError> {
        if let Some(payload) = rerun.row.sealed.as_ref().and_then(|sealed| self.unsealed(sealed)) {
            rerun.row.payload = payload;
        }
        if let Some(accepted) = rerun.admit(&self.snapshot()) {
            rerun.transformed = self.transformed(Box::new(accepted)).await?.transformed;
        }
        Ok(rerun)
    }

    /// Runs a batch by `run`, again whenever the configuration changed under it.
    pub(crate) async fn decide<O, F>(
        &self,
        mut items: Items,
        run: impl Fn(Batch) -> F,
    ) -> Result<O, StoreError>
    where
        F: Future<Output = Result<O, StoreError>>,
    {
        for _ in 0..STALE_TRIES {
            let batch =
                Batch { shared: self.shared.clone(), snapshot: self.snapshot(), items: items.clone() };
            match run(batch).await {
                Err(StoreError::StaleConfig) => {}
                outcome => return outcome,
            }
            self.refresh().await?;
            let snapshot = self.snapshot();
            let mut anew = items.to_vec();
            anew.iter_mut().for_each(|item| item.under(&snapshot));
            items = anew.into();
        }
        Err(StoreError::StaleConfig)
    }
}
