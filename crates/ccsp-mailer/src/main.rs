//! The program: command line, configuration, start and stop.

#![expect(clippy::print_stdout, reason = "a command answers on stdout; what is logged goes to stderr")]

mod api_key;
mod audit;
mod client;
mod config;
mod data_dir;
mod demo;
mod doctor;
mod entry;
mod linger;
mod logging;
mod serve;
mod server;
mod setup;
mod timeline;
mod unread;
mod user;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use mimalloc::MiMalloc;

/// Requests are taken in on one thread, written on another and freed on a third: the C library's allocator makes them wait
/// for each other there.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Receives webhooks, acts on subscribers, and sends webhooks.
#[derive(Debug, Parser)]
#[command(name = "ccsp-mailer", version, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server.
    Serve(config::ServeOptions),
    /// Create, list and revoke API keys.
    #[command(subcommand)]
    ApiKey(api_key::ApiKeyCommand),
    /// Add people who log in, list them, and let them choose a new password.
    #[command(subcommand)]
    User(user::UserCommand),
    /// List, show, make and try incoming webhooks, and follow what comes in.
    #[command(subcommand)]
    Incoming(client::incoming::IncomingCommand),
    /// List, show and make outgoing webhooks, follow what goes out, and send it again.
    #[command(subcommand)]
    Outgoing(client::outgoing::OutgoingCommand),
    /// Post a file to an incoming webhook as its sender would, signed.
    Send(client::send::SendOptions),
    /// Send events, as they happen, on to a program on this machine, signed.
    Listen(client::listen::ListenOptions),
    /// Show who did what.
    AuditLog(client::audit_log::AuditLogOptions),
    /// Show the whole round trip on this machine, with sample data that is gone afterwards.
    Demo(demo::DemoOptions),
    /// Bring the database's schema up to date.
    Migrate(config::CommonOptions),
    /// Check configuration, database, clock and network, and say what to mend.
    Doctor(config::ServeOptions),
}

/// What makes the program run users' scripts for the one that started it, and nothing else.
const SANDBOX_COMMAND: &str = "__sandbox";

fn main() -> ExitCode {
    // Before anything is started that a child would have to confine.
    if std::env::args_os().nth(1).is_some_and(|command| command == SANDBOX_COMMAND) {
        return match sandbox::worker::run() {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        };
    }
    let cli: Cli = match config::parse(std::env::args_os().collect()) {
        Ok(cli) => cli,
        Err(exit) => return exit.print(),
    };
    // One line, with everything behind it: what a person at a terminal, or a supervisor's log, needs.
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if is_unread(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("ccsp-mailer: {error:#}");
            ExitCode::from(exit_status(&error))
        }
    }
}

/// Whether nobody reads what is printed any more, as behind `| head`: then all is done.
fn is_unread(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

/// 1 unless the error says more; docs/cli.md lists them.
fn exit_status(error: &anyhow::Error) -> u8 {
    if error.is::<config::ConfigError>() {
        return config::EXIT_CONFIG;
    }
    if error.is::<client::Unreachable>() {
        return client::EXIT_UNREACHABLE;
    }
    if error.is::<client::Forbidden>() { client::EXIT_FORBIDDEN } else { 1 }
}

#[tokio::main]
async fn run(cli: Cli) -> anyhow::Result<()> {
    match cli.command {
        Command::Serve(options) => serve::run(options).await,
        Command::ApiKey(command) => api_key::run(command).await,
        Command::User(command) => user::run(command).await,
        Command::Incoming(command) => client::incoming::run(command).await,
        Command::Outgoing(command) => client::outgoing::run(command).await,
        Command::Send(options) => client::send::run(options).await,
        Command::Listen(options) => client::listen::run(options).await,
        Command::AuditLog(options) => client::audit_log::run(options).await,
        Command::Demo(options) => demo::run(options).await,
        Command::Migrate(options) => setup::migrate(options).await,
        Command::Doctor(options) => doctor::run(options).await,
    }
}
