//! The log of a service: the embedded one, open in this process, or Kafka.

use std::sync::Arc;
use std::time::{Duration, Instant};

use afterword_log::kafka::admin::{self, AdminError, Finding, Severity};
use afterword_log::kafka::{KafkaLog, KafkaOptions};
use afterword_log::{EmbeddedLog, Log, LogError, OpenError};
use afterword_web::Starting;

use super::file::ServiceFile;
use super::metrics::Metrics;
use crate::access;
use crate::checkpoint;
use crate::config::{Config, LogKind};
use crate::failure::Failure;

/// A command that has the log open is waited for so long.
const OPENING: Duration = Duration::from_secs(10);

/// Before Kafka is tried again.
const AGAIN: Duration = Duration::from_millis(500);

/// A log that is open here.
#[derive(Clone)]
pub enum Opened {
    Embedded(Arc<EmbeddedLog>),
    Kafka(Arc<KafkaLog>),
}

impl Opened {
    /// Opens the configured log.
    ///
    /// # Errors
    /// When it cannot be opened, with what to do.
    pub fn open(
        config: &Config,
        metrics: &Metrics,
        starting: &Starting,
    ) -> Result<Opened, Failure> {
        match config.log {
            LogKind::Embedded => embedded(config, metrics).map(Opened::Embedded),
            LogKind::Kafka => kafka(config, starting).map(Opened::Kafka),
        }
    }

    /// What everybody but the tasks needs of it.
    #[must_use]
    pub fn log(&self) -> Arc<dyn Log> {
        match self {
            Opened::Embedded(log) => Arc::<EmbeddedLog>::clone(log),
            Opened::Kafka(log) => Arc::<KafkaLog>::clone(log),
        }
    }

    /// Closes it.
    ///
    /// # Errors
    /// When the database cannot be closed.
    pub fn close(self) -> Result<(), LogError> {
        match self {
            Opened::Embedded(log) => log.close(),
            Opened::Kafka(_) => Ok(()),
        }
    }
}

/// Opens the embedded log; waits for a command that has it open, and not for another service.
fn embedded(config: &Config, metrics: &Metrics) -> Result<Arc<EmbeddedLog>, Failure> {
    let directory = &config.data_dir;
    let until = Instant::now() + OPENING;
    loop {
        let mut options = access::options(config);
        options.observer = Some(metrics.observer());
        match EmbeddedLog::open(directory, options) {
            Ok(log) => {
                checkpoint::tidy(directory);
                return Ok(log);
            }
            Err(OpenError::Locked { .. }) if Instant::now() < until => {
                if let (Some(file), Some(_)) =
                    (ServiceFile::read(directory), access::running(directory))
                {
                    return Err(Failure::Failed(format!(
                        "a service runs on {} already (process {}, operations on {}); end it, or name another directory with --data-dir",
                        directory.display(),
                        file.pid,
                        file.operations
                    )));
                }
                std::thread::sleep(Duration::from_millis(100));
            }
            Err(error) => return Err(access::explain(error, directory)),
        }
    }
}

/// Connects to Kafka, and refuses topics that would break a promise.
fn kafka(config: &Config, starting: &Starting) -> Result<Arc<KafkaLog>, Failure> {
    let options = access::kafka_options(config);
    let directory = &config.data_dir;
    std::fs::create_dir_all(directory).map_err(|error| {
        Failure::while_doing(
            format!("making the directory {}", directory.display()),
            error,
        )
    })?;
    loop {
        match check(config, &options) {
            Ok(checked) => break checked?,
            // They may be starting as well.
            Err(reason) => wait(starting, &reason),
        }
    }
    loop {
        match KafkaLog::open(options.clone()) {
            Ok(log) => return Ok(log),
            Err(LogError::Wait(reason)) => wait(starting, &reason),
            Err(error) => return Err(Failure::while_doing("opening the log on Kafka", error)),
        }
    }
}

fn wait(starting: &Starting, reason: &str) {
    tracing::warn!(reason, "waiting for Kafka");
    starting.waits(format!("waiting for Kafka: {reason}"));
    std::thread::sleep(AGAIN);
}

/// Whether the set-up holds the promises; the outer error says why no broker could be asked.
fn check(config: &Config, options: &KafkaOptions) -> Result<Result<(), Failure>, String> {
    match admin::check_for_run(options, config.debt_facts) {
        Ok(findings) => Ok(judge(&findings)),
        Err(AdminError::Unreachable(reason)) => Err(reason),
        Err(error) => Ok(Err(Failure::Failed(error.to_string()))),
    }
}

fn judge(findings: &[Finding]) -> Result<(), Failure> {
    let (broken, weak): (Vec<_>, Vec<_>) = findings
        .iter()
        .partition(|finding| finding.severity == Severity::Breaks);
    for finding in weak {
        if finding.severity == Severity::Note {
            tracing::debug!(%finding, "about the topics");
            continue;
        }
        tracing::warn!(%finding, "the topics are not as they should be");
    }
    if broken.is_empty() {
        return Ok(());
    }
    let list: Vec<_> = broken.iter().map(ToString::to_string).collect();
    Err(Failure::Failed(format!(
        "the set-up on Kafka would break a promise, so the service does not start; `afterword topics check` says more:\n  {}",
        list.join("\n  ")
    )))
}
