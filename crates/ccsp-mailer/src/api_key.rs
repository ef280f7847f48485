//! The commands `api-key create`, `list` and `revoke`.

use anyhow::{Context, bail};
use clap::{Args, Subcommand, ValueEnum};
use comfy_table::Table;
use comfy_table::presets::NOTHING;
use domain::audit::{Act, TargetKind, Verb};
use engine::{Engine, Scope};
use rand::SeedableRng;
use rand::rngs::StdRng;
use signature::token;
use store::Store;
use store::api_keys::{DeleteApiKey, InsertApiKey, ListApiKeys};
use store::config::ApiKeyRow;

use crate::config::CommonOptions;
use crate::{audit, data_dir, logging, setup};

/// What to do with API keys.
#[derive(Debug, Subcommand)]
pub enum ApiKeyCommand {
    /// Make a key and print it: it is not shown again.
    Create(CreateOptions),
    /// List the keys.
    List(CommonOptions),
    /// Make a key invalid.
    Revoke(RevokeOptions),
}

/// Options of `create`.
#[derive(Debug, Args)]
pub struct CreateOptions {
    #[command(flatten)]
    common: CommonOptions,
    /// What to call the key
    #[arg(long, env = "CCSP_NAME", value_name = "NAME")]
    name: String,
    /// What the key may do; each scope includes those before it
    #[arg(long, env = "CCSP_SCOPE", value_name = "SCOPE", default_value = "write")]
    scope: ScopeName,
}

/// Options of `revoke`.
#[derive(Debug, Args)]
pub struct RevokeOptions {
    #[command(flatten)]
    common: CommonOptions,
    /// The key's id, as `list` shows it
    #[arg(value_name = "ID")]
    id: String,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ScopeName {
    /// See everything but secrets
    Read,
    /// Change webhooks and subscribers as well
    Write,
    /// Manage keys as well
    Admin,
}

/// Runs the command.
pub async fn run(command: ApiKeyCommand) -> anyhow::Result<()> {
    match command {
        ApiKeyCommand::Create(options) => {
            let scope = match options.scope {
                ScopeName::Read => Scope::Read,
                ScopeName::Write => Scope::Write,
                ScopeName::Admin => Scope::Admin,
            };
            let (row, key) = new_key(&options.name, scope)?;
            let store = open(&options.common).await?;
            let act = Act::new(TargetKind::ApiKey, Verb::Created).on(&row.id).named(&row.name);
            let act = act.making(&serde_json::json!({"scope": row.scope}));
            let work = audit::noted(InsertApiKey { row }, act.always())?;
            store.write(work).await.context("the key could not be stored")?;
            println!("{key}");
        }
        ApiKeyCommand::List(options) => {
            let rows = open(&options).await?.read(ListApiKeys).await.context("the keys could not be read")?;
            let mut table = Table::new();
            table.load_style(NOTHING).set_header(["ID", "NAME", "SCOPE", "ENDS IN", "CREATED"]);
            for row in rows {
                table.add_row([row.id, row.name, row.scope, row.hint, row.created_at.to_string()]);
            }
            println!("{table}");
        }
        ApiKeyCommand::Revoke(options) => {
            let act = Act::new(TargetKind::ApiKey, Verb::Deleted).on(&options.id);
            let work = audit::noted(DeleteApiKey { id: options.id.clone() }, act.if_done())?;
            let revoked = open(&options.common).await?.write(work).await;
            if !revoked.context("the key could not be revoked")? {
                bail!("there is no key {}: see `ccsp-mailer api-key list`", options.id);
            }
        }
    }
    Ok(())
}

async fn open(options: &CommonOptions) -> anyhow::Result<Store> {
    logging::start(options)?;
    setup::open_store(options).await
}

/// Makes a key on a running engine.
pub async fn create(engine: &Engine, name: &str, scope: Scope) -> anyhow::Result<String> {
    let (row, key) = new_key(name, scope)?;
    engine.write(InsertApiKey { row }).await.context("the key could not be stored")?;
    Ok(key)
}

fn new_key(name: &str, scope: Scope) -> anyhow::Result<(ApiKeyRow, String)> {
    let name = domain::text::required_line(name)
        .map_err(|error| crate::config::ConfigError(format!("--name {error}")))?;
    let mut random = StdRng::from_seed(data_dir::seed()?);
    let key = token::generate_api_key(&mut random);
    let row = ApiKeyRow {
        id: token::generate_webhook_id(&mut random),
        name,
        scope: scope.as_str().to_owned(),
        hash: token::hash(key.expose()).as_bytes().to_vec(),
        hint: key.expose().chars().rev().take(4).collect::<Vec<_>>().into_iter().rev().collect(),
        created_at: setup::now(),
    };
    Ok((row, key.expose().to_owned()))
}
