//! Measures the program against the bare limit of the machine, in one run.
//!
//! Figures of different runs are not comparable: machines drift, and others use them. So everything is a **ratio** to a bare
//! handler measured in the same run, by the same generator, with the same requests, right before and after.
//!
//! Each server runs as a process of its own, so that its time and memory are its own. See [`scenario`] for what is measured.

mod bare;
mod bombs;
mod clock;
mod cost;
mod flood;
mod load;
mod machine;
mod many;
mod process;
mod receiver;
mod report;
mod scenario;
mod seed;
mod strangers;
mod subject;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

#[derive(Debug, Parser)]
#[command(name = "bench", about = "Measures the program against the bare limit of the machine")]
struct Cli {
    #[command(subcommand)]
    role: Option<Role>,
    #[command(flatten)]
    options: Options,
}

#[derive(Debug, Subcommand)]
enum Role {
    /// The bare handler, as a child process.
    #[command(hide = true)]
    Bare,
    /// The receiver of deliveries, as a child process.
    #[command(hide = true)]
    Receiver,
}

/// What to measure, and how long.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// Seconds of each measurement, after a warm-up of a fifth of it
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Rows stored before the measurements with much stored
    #[arg(long, default_value_t = 1_000_000)]
    stored: usize,
    /// The databases
    #[arg(long, value_delimiter = ',', default_values = ["sqlite", "postgres"])]
    database: Vec<Database>,
    /// Requests of the flood
    #[arg(long, default_value_t = 200_000)]
    flood: u64,
    /// The measurements: idle, ingest, cost, loop, stored, many, hang, strangers, flood, bombs
    #[arg(long, value_delimiter = ',', default_values = ["idle", "ingest", "cost", "loop", "stored", "many", "hang", "strangers", "flood", "bombs"])]
    only: Vec<Measurement>,
    /// The program
    #[arg(long, default_value = "target/release/ccsp-mailer")]
    binary: PathBuf,
    /// Where data folders are made: on a real disk, or commits cost nothing
    #[arg(long, default_value = "target")]
    folder: PathBuf,
    /// The file that is written
    #[arg(long, default_value = "BENCHMARKS.md")]
    output: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Database {
    Sqlite,
    Postgres,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Measurement {
    Idle,
    Ingest,
    Cost,
    Loop,
    Stored,
    Many,
    Hang,
    Strangers,
    Flood,
    Bombs,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    match cli.role {
        Some(Role::Bare) => bare::run().await,
        Some(Role::Receiver) => receiver::run().await,
        None => {
            let report = scenario::run(&cli.options).await?;
            report.publish(&cli.options.output)
        }
    }
}
