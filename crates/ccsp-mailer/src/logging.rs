//! Log lines on stderr.

use std::io::IsTerminal;

use anyhow::Context;
use tracing_subscriber::EnvFilter;

use crate::config::{CommonOptions, ConfigError, LogFormat};

/// Starts logging.
pub fn start(options: &CommonOptions) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&options.log_level).map_err(|_| {
        ConfigError(format!(
            "--log-level {}: must be error, warn, info, debug, trace or a filter",
            options.log_level
        ))
    })?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match options.log_format {
        LogFormat::Human => lines.with_target(false).with_ansi(std::io::stderr().is_terminal()).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    started.map_err(|error| anyhow::anyhow!(error)).context("logging can't be started")
}
