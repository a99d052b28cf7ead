//! The program's own log lines, on standard error. No text and no id of a customer, conversation or teammate is in them.

use tracing_subscriber::EnvFilter;

use crate::config::{Config, LogFormat};
use crate::failure::Failure;
use crate::output::LogLines;

/// The filter of a level.
///
/// # Errors
/// When it is none that tracing reads.
pub fn filter(level: &str) -> Result<EnvFilter, Failure> {
    EnvFilter::try_new(level).map_err(|error| {
        Failure::Configuration(vec![format!(
            "`logging.level`: expected error, warn, info, debug, trace or target=level,…, found `{level}`: {error}"
        )])
    })
}

/// Starts writing log lines as the configuration says.
///
/// # Errors
/// When the level is none that tracing reads.
pub fn start(config: &Config) -> Result<(), Failure> {
    let filter = filter(&config.log_level)?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(|| LogLines);
    let started = match config.log_format {
        LogFormat::Human => lines
            .with_ansi(crate::terminal::colours_on_stderr())
            .with_target(false)
            .try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    started.map_err(|error| Failure::while_doing("starting the log lines", error))
}
