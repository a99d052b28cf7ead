//! The service: the embedded log, a task a partition, the projector, the listeners; started together, stopped in order.

pub mod drain;
pub mod file;
mod health;
mod listeners;
mod metrics;
mod process;
mod projecting;
mod retention;

use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use afterword_engine::{Engine, TaskOptions};
use afterword_log::{EmbeddedLog, EmbeddedPartition, Log, OpenError, Partition, Topic};
use afterword_readmodel::ReportDatabase;
use afterword_schemas::SchemaStore;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::access;
use crate::config::Config;
use crate::failure::Failure;
use crate::service::file::{Published, ServiceFile};
use crate::service::health::Health;
use crate::service::listeners::Listeners;
use crate::service::metrics::Metrics;
use crate::service::projecting::Projecting;
use crate::version;

/// What this process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Roles {
    pub process: bool,
    pub project: bool,
    pub report: bool,
}

/// The engine while it runs; taken out when it is stopped.
type SharedEngine = Arc<RwLock<Option<Engine>>>;

/// A running service.
pub struct Service {
    pub log: Arc<EmbeddedLog>,
    /// The reports listener's address, with the role `report`.
    pub reports: Option<SocketAddr>,
    pub operations: SocketAddr,
    pub health: Health,
    engine: SharedEngine,
    projecting: Option<Projecting>,
    others: Vec<JoinHandle<()>>,
    stop: watch::Sender<bool>,
    published: Published,
}

/// A command that has the log open is waited for so long.
const OPENING: Duration = Duration::from_secs(10);

impl Service {
    /// Opens the log and starts everything.
    ///
    /// # Errors
    /// When an address is taken, the log cannot be opened, or another service runs on it.
    pub async fn start(config: &Config, roles: Roles) -> Result<Service, Failure> {
        let listeners = Listeners::bind(config, roles).await?;
        let metrics = Arc::new(
            Metrics::new().map_err(|error| Failure::while_doing("registering metrics", error))?,
        );
        let log = open(config, &metrics)?;
        let engine = Arc::new(RwLock::new(match roles.process {
            true => Some(start_engine(config, &log, &metrics)?),
            false => None,
        }));
        let (stop, stopped) = watch::channel(false);
        let projecting = match roles.project {
            true => Some(Projecting::start(config, &log, stopped.clone()).await?),
            false => None,
        };
        let health = Health {
            log: Arc::clone(&log),
            engine: Arc::clone(&engine),
            projector: projecting
                .as_ref()
                .map(|projecting| projecting.watch.clone()),
            metrics,
        };
        let file = listeners.file();
        let mut others = listeners.serve(config, &health, &file.token, &stopped);
        let tidying = retention::run(config.clone(), health.clone(), stopped);
        others.push(tokio::spawn(tidying));
        let published = file
            .publish(&config.data_dir)
            .map_err(|error| Failure::while_doing("writing service.json", error))?;
        Ok(Service {
            log,
            reports: file.reports,
            operations: file.operations,
            health,
            engine,
            projecting,
            others,
            stop,
            published,
        })
    }

    /// The report database, with the role `project`.
    #[must_use]
    pub fn database(&self) -> Option<&ReportDatabase> {
        self.projecting
            .as_ref()
            .map(|projecting| &projecting.database)
    }

    /// Stops in order: the listeners finish what they answer, the tasks commit what they have, the projector ends its
    /// transaction, the databases are closed.
    ///
    /// # Errors
    /// When something had stopped before with an error.
    pub async fn stop(self) -> Result<(), Failure> {
        let _: Result<(), _> = self.stop.send(true);
        for task in self.others {
            let _: Result<(), _> = task.await;
        }
        let mut failed = Vec::new();
        let engine = self
            .engine
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(engine) = engine {
            failed.extend(blocking(move || engine.stop()).await.err());
        }
        if let Some(projecting) = self.projecting {
            failed.extend(projecting.end().await.err());
        }
        drop(self.published);
        let log = self.log;
        failed.extend(
            blocking(move || log.close().map_err(|error| error.to_string()))
                .await
                .err(),
        );
        match failed.is_empty() {
            true => Ok(()),
            false => Err(Failure::Failed(failed.join("; "))),
        }
    }
}

async fn blocking<F: FnOnce() -> Result<(), String> + Send + 'static>(
    call: F,
) -> Result<(), String> {
    tokio::task::spawn_blocking(call)
        .await
        .map_err(|error| error.to_string())?
}

/// Opens the embedded log for a service; waits for a command that has it open, and not for another service.
fn open(config: &Config, metrics: &Metrics) -> Result<Arc<EmbeddedLog>, Failure> {
    let directory = &config.data_dir;
    let until = Instant::now() + OPENING;
    loop {
        let mut options = access::options(config);
        options.observer = Some(metrics.observer());
        match EmbeddedLog::open(directory, options) {
            Ok(log) => return Ok(log),
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

fn start_engine(
    config: &Config,
    log: &Arc<EmbeddedLog>,
    metrics: &Metrics,
) -> Result<Engine, Failure> {
    let partitions = log.partitions(Topic::ConversationEvents);
    let tasks: Vec<EmbeddedPartition> = (0..partitions)
        .map(|partition| log.task(Partition(partition)))
        .collect();
    let options = TaskOptions {
        poll_records: config.poll_facts,
        commit_records: config.commit_facts,
        commit_interval: config.commit_interval,
        debt_facts: config.debt_facts,
        cache_bytes: config.cache_bytes,
        build: version::BUILD.to_owned(),
        ..TaskOptions::default()
    };
    Engine::start(
        tasks,
        options,
        Arc::new(SchemaStore::new()),
        Arc::clone(&metrics.engine),
    )
    .map_err(|error| Failure::while_doing("starting the tasks", error))
}
