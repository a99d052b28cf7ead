//! The configured log: Kafka, or that of a data directory, whoever has it open: the running service's over HTTP, or the
//! database itself when no service runs. Commands see one [`Log`] and need not know which.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use afterword_log::kafka::{KafkaLog, KafkaOptions, admin};
use afterword_log::{EmbeddedLog, EmbeddedOptions, Log, OpenError};

use crate::client::ServiceLog;
use crate::config::{Config, LogKind};
use crate::failure::Failure;
use crate::service::file::ServiceFile;

/// A log, and how it was reached.
pub enum Access {
    /// Opened here; nobody else can while this lives.
    Own(Arc<EmbeddedLog>),
    /// Another process's.
    Service(Arc<ServiceLog>),
    Kafka(Arc<KafkaLog>),
}

/// What to do when a directory holds no log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    Create,
    Refuse,
}

/// A service that is just starting or ending is waited for so long.
const STARTING: Duration = Duration::from_secs(10);
const BETWEEN: Duration = Duration::from_millis(100);

impl Access {
    /// Reaches the log of the configured directory.
    ///
    /// # Errors
    /// When it cannot be reached, with what to do.
    pub fn open(config: &Config, missing: Missing) -> Result<Access, Failure> {
        if config.log == LogKind::Kafka {
            let options = kafka_options(config);
            // It says why, where the log itself knows only that nobody answers.
            admin::reach(&options).map_err(|error| Failure::Failed(error.to_string()))?;
            return KafkaLog::open(options)
                .map(Access::Kafka)
                .map_err(|error| Failure::while_doing("opening the log on Kafka", error));
        }
        let directory = &config.data_dir;
        if missing == Missing::Refuse && !EmbeddedLog::exists(directory) {
            return Err(Failure::Failed(format!(
                "expected a log in {}, found none; name another directory with --data-dir, or make one with `afterword import` or `afterword topics create`",
                directory.display()
            )));
        }
        let until = Instant::now() + STARTING;
        loop {
            if let Some(log) = running(directory) {
                return Ok(Access::Service(Arc::new(log)));
            }
            match EmbeddedLog::open(directory, options(config)) {
                Ok(log) => return Ok(Access::Own(log)),
                Err(OpenError::Locked { .. }) if Instant::now() < until => {
                    std::thread::sleep(BETWEEN)
                }
                Err(error) => return Err(explain(error, directory)),
            }
        }
    }

    /// The log.
    #[must_use]
    pub fn log(&self) -> Arc<dyn Log> {
        match self {
            Access::Own(log) => Arc::<EmbeddedLog>::clone(log),
            Access::Service(log) => Arc::<ServiceLog>::clone(log),
            Access::Kafka(log) => Arc::<KafkaLog>::clone(log),
        }
    }

    /// Whether a service has it open.
    #[must_use]
    pub fn is_service(&self) -> bool {
        matches!(self, Access::Service(_))
    }

    /// Ends the access; what was opened here is closed.
    ///
    /// # Errors
    /// When the database cannot be closed.
    pub fn close(self) -> Result<(), Failure> {
        match self {
            Access::Own(log) => log
                .close()
                .map_err(|error| Failure::while_doing("closing the log", error)),
            Access::Service(_) | Access::Kafka(_) => Ok(()),
        }
    }
}

/// The service that runs on this directory, if one answers.
#[must_use]
pub fn running(directory: &Path) -> Option<ServiceLog> {
    ServiceLog::connect(&ServiceFile::read(directory)?)
}

/// The embedded log's options of this configuration.
#[must_use]
pub fn options(config: &Config) -> EmbeddedOptions {
    EmbeddedOptions {
        partitions: config.partitions,
        cache_bytes: config.log_cache_bytes,
        reserve_bytes: config.free_space_reserve_bytes,
        ..EmbeddedOptions::default()
    }
}

/// The options of the log on Kafka of this configuration.
#[must_use]
pub fn kafka_options(config: &Config) -> KafkaOptions {
    KafkaOptions {
        bootstrap_servers: config.kafka.bootstrap_servers.clone(),
        group: config.kafka.group.clone(),
        properties: config.kafka.properties.clone(),
        data_dir: config.data_dir.clone(),
        cache_bytes: config.log_cache_bytes,
    }
}

/// What a failed opening means for a person.
#[must_use]
pub fn explain(error: OpenError, directory: &Path) -> Failure {
    let directory: PathBuf = directory.to_owned();
    match error {
        OpenError::Locked { .. } => Failure::Failed(format!(
            "another process has the log in {} open and does not answer as a service; end it (another command may be at work), or name another directory with --data-dir",
            directory.display()
        )),
        OpenError::Partitions { stored, asked } => Failure::Configuration(vec![format!(
            "`log.partitions`: expected {stored}, with which the log in {} was made, found {asked}; leave the key out",
            directory.display()
        )]),
        error => Failure::while_doing(format!("opening the log in {}", directory.display()), error),
    }
}
