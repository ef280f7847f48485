//! Log lines on stderr.

use std::io::IsTerminal;

use anyhow::Context;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use crate::config::{CommonOptions, ConfigError, LogFormat};

/// Below this the driver logs the parameters of statements, payloads and all, and that must not happen at any level.
const DRIVER: &str = "tokio_postgres=warn";

/// Starts logging.
pub fn start(options: &CommonOptions) -> anyhow::Result<()> {
    let filter = filter(&options.log_level).ok_or_else(|| {
        ConfigError(format!(
            "--log-level {}: must be error, warn, info, debug, trace or a filter such as info,engine=debug",
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

/// The filter takes any word for the name of a module: a misspelt level would silence the log.
fn filter(text: &str) -> Option<EnvFilter> {
    let level = |directive: &str| directive.rsplit('=').next().unwrap_or_default().trim().to_owned();
    let is_level = |level: String| !level.is_empty() && level.parse::<LevelFilter>().is_ok();
    let all_name_levels = text.split(',').map(level).all(is_level);
    if !all_name_levels {
        return None;
    }
    // The later directive wins over an earlier one for the same module.
    Some(EnvFilter::try_new(text).ok()?.add_directive(DRIVER.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_names_levels() {
        for right in ["info", "DEBUG", "off", "info,engine=debug"] {
            assert!(filter(right).is_some(), "{right}");
        }
        for wrong in ["", "loud", "loud=", "info,engine=loud", "engine", "info,"] {
            assert!(filter(wrong).is_none(), "{wrong}");
        }
    }
}
