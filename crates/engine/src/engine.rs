//! The engine as its users see it: the use cases of the program.

mod about;
mod again;
mod audit;
mod health;
mod listen;
mod log;
mod once;
mod outgoing;
mod preview;
mod receiving;
mod recovery;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use domain::incoming::IncomingSettings;
use domain::log::FieldError;
use domain::{Ids, Timestamp};
use outbound::{Client, IpNet};
use parking_lot::Mutex;
use rand::SeedableRng;
use rand::rngs::StdRng;
use sandbox::{Sandbox, SandboxError};
use signature::MasterKey;
use store::commit::{Rehearse, Writes};
use store::config::{AgreeOn, LoadConfig};
use store::queue::Leave;
use store::{Store, StoreError, Work};
use tokio::sync::{Mutex as AsyncMutex, Notify, mpsc, oneshot};

use crate::actions::script;
use crate::attempt::Sender;
use crate::certificates::Certificates;
use crate::clock::Clock;
use crate::command::{Command, Executed};
use crate::core::Core;
use crate::dispatch::Dispatcher;
use crate::error::chain;
use crate::feed::{Listener, TooManyListeners};
use crate::forward;
use crate::health::{Gate, Operations, watch};
use crate::ingest::Ingest;
use crate::item::{Done, Item, Shared};
use crate::jobs::Jobs;
use crate::limits::Limits;
use crate::mails;
use crate::outcome::{OUTCOME_QUEUE, Outcome};
use crate::recorder;
use crate::refresh;
use crate::room::Room;
use crate::series::Series;
use crate::snapshot::Snapshot;
use crate::sweep;
use crate::tasks;
use crate::unlogged;
use crate::vault::{Vault, VaultError};

pub use listen::{Forwarded, GivenAnswer, LISTENER, NoAnswer, to_listener};
pub use log::Searched;
pub use outgoing::Tested;
pub use preview::Previewed;
pub use recovery::{UNDELIVERED, undelivered};

/// What an engine is started with.
pub struct Options {
    /// The database, with its schema up to date.
    pub store: Store,
    /// What seals secrets.
    pub master_key: MasterKey,
    /// The way out.
    pub client: Client,
    /// Networks that deliveries may go to although they are not public.
    pub allow_private: Vec<IpNet>,
    /// How much of the logs is kept.
    pub log_retention: Retention,
    /// What becomes of destinations that fail.
    pub operations: Operations,
    /// The present.
    pub clock: Clock,
    /// From which all randomness comes.
    pub seed: [u8; 32],
    /// What sends mails, if anything does.
    pub mail: Option<mail::Server>,
    /// How users' scripts are run.
    pub sandbox: sandbox::Settings,
    /// How many attempts may be under way at once, [`crate::MAX_UNDER_WAY`] at most: each takes a file of the process.
    pub under_way: usize,
    /// How many requests may wait to be stored, usually [`crate::MAX_WAITING`]; past them senders are told to come again.
    pub max_waiting: usize,
}

/// How much of the logs is kept; what is not done yet is kept in any case.
#[derive(Clone, Copy, Debug, Default)]
pub struct Retention {
    /// What is not older than so many milliseconds; all of it without it.
    pub age_ms: Option<i64>,
    /// Of each webhook's log the newest, so many, unless the webhook itself says how many.
    pub entries: Option<u32>,
    /// Of the audit log what is not older than so many milliseconds; all of it without it.
    pub audit_ms: Option<i64>,
}

/// Why a stored request could not be run again.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The database.
    #[error("the database could not be read or written")]
    Store(#[from] StoreError),
    /// The webhook's script, for a reason that passes.
    #[error("the webhook's transform could not be run now")]
    Script(#[from] SandboxError),
}

/// Why an engine could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database.
    #[error("the database could not be read")]
    Store(#[from] StoreError),
    /// The master key.
    #[error("the master key is not the one that this database's secrets are sealed with")]
    Vault(#[from] VaultError),
}

/// The engine. Clones share it.
#[derive(Clone)]
pub struct Engine {
    pub(crate) core: Arc<Core>,
    pub(crate) ingest: Arc<Ingest>,
    jobs: Arc<Jobs>,
    pub(crate) limits: Arc<Limits>,
    pub(crate) certificates: Arc<Certificates>,
    allow_private: Arc<[IpNet]>,
}

impl Engine {
    /// Starts it: loads the configuration, takes over what a process before this one left, and begins to send.
    ///
    /// # Errors
    /// If the database can't be read, or its secrets not be opened.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let mut random = StdRng::from_seed(options.seed);
        let vault = Vault::new(options.master_key, StdRng::from_rng(&mut random));
        check_master_key(&options.store, &vault).await?;
        let snapshot = Arc::new(ArcSwap::from_pointee(Snapshot::default()));
        let (outcomes, recorded) = mpsc::channel(OUTCOME_QUEUE);
        let clock = options.clock;
        let certificates = Arc::new(Certificates::new(options.client.clone()));
        let sandbox = Arc::new(Sandbox::new(options.sandbox));
        let (sender, refreshed) = Sender::new(options.client.clone(), sandbox.clone(), clock.clone());
        let nodes = Arc::new(AtomicU32::new(1));
        let gate: Arc<Gate> = Arc::default();
        let dispatcher = Arc::new(Dispatcher::new(
            sender,
            snapshot.clone(),
            outcomes.clone(),
            nodes.clone(),
            gate.clone(),
            options.under_way,
        ));
        let node: Arc<str> = vault.new_webhook_id().as_str().into();
        let room: Arc<dyn Room> = dispatcher.clone();
        let ids = Mutex::new(Ids::new(StdRng::from_rng(&mut random)));
        let shared = Arc::new(Shared {
            clock: clock.clone(),
            ids,
            node: node.clone(),
            room,
            feed: Arc::default(),
            gate,
            operations: options.operations,
        });
        let core = Arc::new(Core {
            store: options.store.clone(),
            dispatcher,
            node: node.clone(),
            nodes,
            shared,
            snapshot,
            vault,
            clock: clock.clone(),
            loaded: AsyncMutex::new(0),
            looked: AsyncMutex::default(),
            asked: AtomicU64::new(0),
            outcomes,
            stopping: AtomicBool::new(false),
            log_retention: options.log_retention,
            sandbox,
            jobs_due: Notify::new(),
            tasks_due: Notify::new(),
            mails_due: Notify::new(),
            series: Series::default(),
        });
        let config = core.store.read(LoadConfig { known: 0 }).await?;
        if let Some(config) = config {
            core.snapshot.store(Arc::new(Snapshot::new(config, &core.vault)?));
        }
        if !core.store.is_shared() {
            sweep::release_all(&core).await?;
        }
        sweep::join(&core).await?;
        let recording = recorder::run(options.store, core.shared.clone(), Arc::downgrade(&core), recorded);
        tokio::spawn(recording);
        tokio::spawn(watch::run(core.clone()));
        if let Some(server) = options.mail {
            tokio::spawn(mails::run(core.clone(), server));
        }
        sweep::start(&core);
        tokio::spawn(refresh::run(core.clone(), refreshed));
        tokio::spawn(tasks::run(core.clone()));
        tokio::spawn(forward::run(core.clone()));
        let ingest = Arc::new(Ingest::start(&core, options.max_waiting));
        let jobs = Jobs::start(&core, options.client);
        let allow_private = options.allow_private.into();
        let limits: Arc<Limits> = Arc::default();
        tokio::spawn(unlogged::run(core.clone(), limits.clone()));
        Ok(Self { core, ingest, jobs, limits, certificates, allow_private })
    }

    /// Stops it: starts no attempt any more, waits for those under way, gives back the rest.
    pub async fn stop(&self, patience: Duration) {
        self.core.stopping.store(true, Ordering::Relaxed);
        self.core.dispatcher.stop();
        let finished = async {
            self.jobs.idle().await;
            self.core.dispatcher.idle().await;
            self.core.shared.gate.idle().await;
            let (done, recorded) = oneshot::channel();
            let _ = self.core.outcomes.send(Outcome::Flush(done)).await;
            let _ = recorded.await;
        };
        unlogged::flush(&self.core, &self.limits).await;
        if tokio::time::timeout(patience, finished).await.is_err() {
            tracing::warn!("attempts are still under way: they will be made again");
        }
        if let Err(error) = self.core.store.write(Leave { node: self.core.node.clone() }).await {
            tracing::warn!(error = %chain(&error), "deliveries could not be given back: they wait until the lease ends");
        }
    }

    /// The present.
    pub fn now(&self) -> Timestamp {
        self.core.now()
    }

    /// The configuration in memory.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.core.snapshot()
    }

    /// Loads the configuration if the stored one is another.
    ///
    /// # Errors
    /// If the database can't be read.
    pub async fn refresh(&self) -> Result<(), StoreError> {
        self.core.refresh().await
    }

    /// What makes, seals and opens secrets.
    pub fn vault(&self) -> &Vault {
        &self.core.vault
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// If it does not.
    pub async fn ready(&self) -> Result<(), StoreError> {
        self.core.store.ping().await
    }

    /// Listens to what happens from now on.
    ///
    /// # Errors
    /// If too many do.
    pub fn listen(&self) -> Result<Listener, TooManyListeners> {
        self.core.shared.feed.listen()
    }

    /// Ends all listening: what waits for the end of connections must not wait for those.
    pub fn end_listening(&self) {
        self.core.shared.feed.end();
    }

    /// Runs a transaction that reads.
    ///
    /// # Errors
    /// Those of the transaction and of the database.
    pub async fn read<W: Work>(&self, work: W) -> Result<W::Output, StoreError> {
        self.core.store.read(work).await
    }

    /// Runs a transaction that changes the configuration or the log.
    ///
    /// # Errors
    /// Those of the transaction and of the database.
    pub async fn write<W: Work>(&self, work: W) -> Result<W::Output, StoreError> {
        let output = self.core.store.write(work).await?;
        self.refresh_after_write().await;
        Ok(output)
    }

    /// What was written is written: if the configuration can't be loaded now, a batch that needs it or the next poll does it.
    async fn refresh_after_write(&self) {
        if let Err(error) = self.core.refresh().await {
            tracing::warn!(error = %chain(&error), "the configuration could not be loaded yet");
        }
    }

    /// Carries out a command, with all that it causes, in one transaction.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn execute(&self, command: Command) -> Result<Executed, StoreError> {
        let core = self.core.clone();
        to_its_end(async move { executed(core.commit(vec![Item::Command(Box::new(command))].into()).await?) })
            .await
    }

    /// What a command would come to, and what it would write. Nothing is changed.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn rehearse(&self, command: Command) -> Result<(Executed, Writes), StoreError> {
        let items = vec![Item::Command(Box::new(command))];
        let run = |batch| self.core.store.write(Rehearse(batch));
        let (writes, decided) = self.core.decide(items.into(), run).await?;
        Ok((executed(decided.done)?, writes))
    }

    /// Everything that is wrong with a webhook's actions and its `transform`, by dotted path, beyond what their types say.
    ///
    /// # Errors
    /// If scripts can't be checked now.
    pub async fn check_scripts(&self, settings: &IncomingSettings) -> Result<Vec<FieldError>, SandboxError> {
        script::check(&self.core.sandbox, settings).await
    }

    /// Whether deliveries may go to this URL.
    ///
    /// # Errors
    /// Says why not.
    pub fn check_destination(&self, url: &str) -> Result<(), String> {
        let url = url::Url::parse(url).map_err(|error| format!("is not a URL: {error}"))?;
        outbound::check_url(&url, &self.allow_private).map_err(|error| error.to_string())
    }
}

/// Runs a transaction and what follows it, also when the caller goes away: what it made must get to the dispatcher.
async fn to_its_end<O: Send + 'static>(
    work: impl Future<Output = Result<O, StoreError>> + Send + 'static,
) -> Result<O, StoreError> {
    tokio::spawn(work).await.unwrap_or(Err(StoreError::Defect))
}

fn executed(done: Vec<Done>) -> Result<Executed, StoreError> {
    match done.into_iter().next() {
        Some(Done::Executed(executed)) => Ok(*executed),
        _ => Err(StoreError::Defect),
    }
}

/// Every node must have the key with which the secrets in the database are sealed.
async fn check_master_key(store: &Store, vault: &Vault) -> Result<(), StartError> {
    const IDENTITY: &str = "meta/master_key_check";
    let sealed = vault.seal(IDENTITY, b"ccsp-mailer");
    let value = serde_json::to_string(&sealed).unwrap_or_default();
    let stored = store.write(AgreeOn { name: "master_key_check".into(), value }).await?;
    let stored: Vec<u8> = serde_json::from_str(&stored).unwrap_or_default();
    vault.open(IDENTITY, &stored)?;
    Ok(())
}
