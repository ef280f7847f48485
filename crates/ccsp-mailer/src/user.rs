//! The commands `user create`, `list` and `link`, on the database itself: they work with and without a running server.

use std::io::{BufRead, IsTerminal};

use anyhow::{Context, bail};
use api::links;
use clap::{Args, Subcommand, ValueEnum};
use comfy_table::Table;
use comfy_table::presets::NOTHING;
use domain::Email;
use domain::audit::{Act, TargetKind, Verb};
use domain::user::{Role, check_password};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use signature::{Secret, password, token};
use store::Store;
use store::users::{FindUser, InsertUser, ListUsers, Purpose, UserRow};

use crate::config::{CommonOptions, ConfigError};
use crate::{audit, data_dir, logging, setup};

/// What to do with people who log in.
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Add someone who may log in; the password is read from stdin, or asked for.
    Create(CreateOptions),
    /// List them.
    List(CommonOptions),
    /// Print a link by which someone chooses a new password.
    Link(LinkOptions),
}

/// Options of `create`.
#[derive(Debug, Args)]
pub struct CreateOptions {
    #[command(flatten)]
    common: CommonOptions,
    /// The address by which they log in
    #[arg(long, env = "CCSP_EMAIL", value_name = "EMAIL")]
    email: String,
    /// What they may do; each role includes those before it
    #[arg(long, env = "CCSP_ROLE", value_name = "ROLE", default_value = "owner")]
    role: RoleName,
}

/// Options of `link`.
#[derive(Debug, Args)]
pub struct LinkOptions {
    #[command(flatten)]
    common: CommonOptions,
    /// Whose
    #[arg(long, env = "CCSP_EMAIL", value_name = "EMAIL")]
    email: String,
    /// How the server is reached from outside
    #[arg(long, env = "CCSP_PUBLIC_URL", value_name = "URL", default_value = "http://127.0.0.1:8025")]
    public_url: String,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum RoleName {
    /// See
    Viewer,
    /// Change webhooks and subscribers as well
    Editor,
    /// Manage users and keys as well
    Owner,
}

impl From<RoleName> for Role {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::Viewer => Self::Viewer,
            RoleName::Editor => Self::Editor,
            RoleName::Owner => Self::Owner,
        }
    }
}

/// Runs the command.
pub async fn run(command: UserCommand) -> anyhow::Result<()> {
    match command {
        UserCommand::Create(options) => create(options).await,
        UserCommand::List(options) => list(&options).await,
        UserCommand::Link(options) => link(options).await,
    }
}

async fn create(options: CreateOptions) -> anyhow::Result<()> {
    let email = address(&options.email)?;
    let store = open(&options.common).await?;
    let given = ask_password()?;
    if let Err(fault) = check_password(&given, email.as_str()) {
        bail!("the password {fault}");
    }
    let mut random = StdRng::from_seed(data_dir::seed()?);
    let mut salt = [0; password::SALT_BYTES];
    random.fill_bytes(&mut salt);
    let now = setup::now();
    let row = UserRow {
        id: format!("usr_{}", token::generate_webhook_id(&mut random)),
        email: email.as_str().to_owned(),
        role: options.role.into(),
        password_hash: Some(password::hash(&given, salt)),
        created_at: now,
        updated_at: now,
    };
    let act = Act::new(TargetKind::User, Verb::Created).on(&row.id).named(&row.email);
    let act = act.making(&serde_json::json!({"email": row.email, "role": row.role}));
    let work = audit::noted(InsertUser { row }, act.if_done())?;
    if !store.write(work).await.context("the user could not be stored")? {
        bail!("{email} may log in already: `ccsp-mailer user link` makes a link to choose a new password");
    }
    println!("{email} may log in");
    Ok(())
}

async fn list(options: &CommonOptions) -> anyhow::Result<()> {
    let users = open(options).await?.read(ListUsers).await.context("the users could not be read")?;
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(["ID", "EMAIL", "ROLE", "CREATED"]);
    for user in users {
        table.add_row([user.id, user.email, user.role.as_str().to_owned(), user.created_at.to_string()]);
    }
    println!("{table}");
    Ok(())
}

async fn link(options: LinkOptions) -> anyhow::Result<()> {
    let email = address(&options.email)?;
    let store = open(&options.common).await?;
    let found = store.read(FindUser::Email(email.as_str().to_owned())).await;
    let Some(user) = found.context("the users could not be read")? else {
        bail!("nobody may log in as {email}: see `ccsp-mailer user list`");
    };
    let secret = Secret::new(token::generate_token(&mut StdRng::from_seed(data_dir::seed()?)));
    let act = Act::new(TargetKind::User, Verb::LinkMade).on(&user.id).named(&user.email);
    let (link, path) = links::link(&secret, Purpose::ChoosePassword(user.id), setup::now());
    store.write(audit::noted(link, act.always())?).await.context("the link could not be stored")?;
    println!("{}{path}", options.public_url.trim_end_matches('/'));
    Ok(())
}

fn address(text: &str) -> anyhow::Result<Email> {
    text.parse().map_err(|error| ConfigError(format!("--email {error}")).into())
}

fn ask_password() -> anyhow::Result<String> {
    if std::io::stdin().is_terminal() {
        return rpassword::prompt_password("Password: ").context("no password could be read");
    }
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).context("no password could be read from stdin")?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

async fn open(options: &CommonOptions) -> anyhow::Result<Store> {
    logging::start(options)?;
    setup::open_store(options).await
}
