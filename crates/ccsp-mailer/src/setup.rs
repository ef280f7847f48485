//! What every command does first: open the database, with its schema up to date.

use anyhow::Context;
use domain::Timestamp;
use engine::{Clock, Engine, MAX_UNDER_WAY};
use outbound::{Client, IpNet};
use store::{Location, Store};

use crate::config::{CommonOptions, ServeOptions};
use crate::data_dir;
use crate::{SANDBOX_COMMAND, logging};

/// Opens the database and brings its schema up to date.
pub async fn open_store(options: &CommonOptions) -> anyhow::Result<Store> {
    let location = options.location()?;
    let option = match &location {
        Location::File(file) => {
            data_dir::create(&options.data_dir)?;
            format!("--data-dir: {}", file.display())
        }
        Location::Server(_) => "--database-url".to_owned(),
    };
    let store = Store::open(&location).with_context(|| option.clone())?;
    let steps =
        store.migrate(now()).await.with_context(|| format!("{option}: the database can't be used"))?;
    if steps > 0 {
        tracing::info!(steps, "the schema was brought up to date");
    }
    Ok(store)
}

/// The machine's time.
pub fn now() -> Timestamp {
    Clock::System.now()
}

/// Starts an engine on the database of these options.
pub async fn start_engine(options: &ServeOptions) -> anyhow::Result<Engine> {
    let mail = options.mail_server()?;
    let store = open_store(&options.common).await?;
    data_dir::create(&options.common.data_dir)?;
    let options = engine::Options {
        store,
        master_key: data_dir::master_key(&options.common.data_dir)?,
        client: client(&options.allow_private_destinations)?,
        log_retention: engine::Retention {
            age_ms: (options.log_retention_days > 0)
                .then(|| i64::from(options.log_retention_days) * 24 * 3_600 * 1_000),
            entries: (options.log_retention_entries > 0).then_some(options.log_retention_entries),
            audit_ms: (options.audit_retention_days > 0)
                .then(|| i64::from(options.audit_retention_days) * 24 * 3_600 * 1_000),
        },
        allow_private: options.allow_private_destinations.clone(),
        operations: engine::Operations {
            disable_after_seconds: options.disable_after_days * 24 * 3_600,
            alerts: engine::Alerts {
                to: options.alert_email.clone(),
                public_url: options.public_url.clone(),
            },
        },
        mail,
        clock: Clock::System,
        seed: data_dir::seed()?,
        sandbox: sandbox::Settings::new(
            std::env::current_exe().context("the program can't find itself")?,
            vec![SANDBOX_COMMAND.into()],
        ),
        under_way: quarter_of_files(MAX_UNDER_WAY),
        max_waiting: options.max_waiting_requests as usize,
    };
    Engine::start(options).await.context("the engine can't be started")
}

/// A quarter of the files that the process may open, and so many at most: for attempts under way, and for connections that are
/// kept. The rest is for senders and the database.
fn quarter_of_files(most: usize) -> usize {
    // A system that can't say how many has no limit.
    let files = rlimit::Resource::NOFILE.get_soft().unwrap_or(u64::MAX);
    usize::try_from(files / 4).map_or(most, |quarter| quarter.clamp(1, most))
}

fn client(allow_private: &[IpNet]) -> anyhow::Result<Client> {
    let default = outbound::Options::default();
    let max_open = quarter_of_files(default.max_open);
    let options = outbound::Options { allow_private: allow_private.to_vec(), max_open, ..default };
    Client::new(options).context("the HTTP client can't be made")
}

/// The command `migrate`.
pub async fn migrate(options: CommonOptions) -> anyhow::Result<()> {
    logging::start(&options)?;
    let location = options.location()?;
    if matches!(location, Location::File(_)) {
        data_dir::create(&options.data_dir)?;
    }
    let steps =
        Store::open(&location)?.migrate(now()).await.context("the schema can't be brought up to date")?;
    match steps {
        0 => println!("the schema is up to date"),
        1 => println!("1 step was needed: the schema is up to date"),
        steps => println!("{steps} steps were needed: the schema is up to date"),
    }
    Ok(())
}
