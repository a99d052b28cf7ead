//! The service: the log, a task a partition, the projector, the listeners; started together, stopped in order.

mod delivering;
pub mod drain;
pub mod file;
mod guarding;
mod health;
mod listeners;
mod members;
mod metrics;
mod opened;
mod process;
pub mod projecting;
mod retention;
pub mod shares;
mod toy;

use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};

use afterword_engine::{Engine, TaskOptions};
use afterword_log::kafka::KafkaGroup;
use afterword_log::{EmbeddedPartition, Log, Partition, Topic};
use afterword_readmodel::ReportDatabase;
use afterword_schemas::Schemas;
use afterword_web::Starting;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use metrics::register;
pub use opened::Opened;
pub use toy::ToyChat;

use crate::config::Config;
use crate::failure::Failure;
use crate::links;
use crate::registry;
use crate::service::delivering::Delivering;
use crate::service::file::Published;
use crate::service::guarding::Guarding;
use crate::service::health::Health;
use crate::service::listeners::Listeners;
use crate::service::metrics::Metrics;
use crate::service::projecting::{Projecting, Reads};
use crate::traces::Traces;
use crate::version;

/// What this process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Roles {
    pub process: bool,
    pub project: bool,
    pub survey: bool,
    pub report: bool,
    pub deliver: bool,
}

/// The engine while it runs; taken out when it is stopped.
type SharedEngine = Arc<RwLock<Option<Engine>>>;

/// A running service.
pub struct Service {
    pub log: Arc<dyn Log>,
    pub schemas: Arc<Schemas>,
    /// The reports listener's address, with the role `report`.
    pub reports: Option<SocketAddr>,
    pub operations: SocketAddr,
    /// The customers' pages, with the role `survey`: the listener's address, and what links begin with.
    pub survey: Option<SocketAddr>,
    pub public_url: String,
    pub health: Health,
    opened: Opened,
    engine: SharedEngine,
    /// On Kafka, with the role `process`.
    group: Option<Arc<KafkaGroup>>,
    projecting: Option<Projecting>,
    delivering: Option<Delivering>,
    others: Vec<JoinHandle<()>>,
    stop: watch::Sender<bool>,
    published: Published,
    /// With the role `report`.
    guarding: Option<Guarding>,
    database: Option<ReportDatabase>,
    traces: Traces,
}

impl Service {
    /// Opens the log and starts everything.
    ///
    /// # Errors
    /// When an address is taken, the log cannot be opened, or another service runs on it.
    pub async fn start(config: &Config, roles: Roles) -> Result<Service, Failure> {
        Service::start_with(config, roles, None).await
    }

    /// The same with the toy chat of the demo.
    ///
    /// # Errors
    /// As above.
    pub async fn start_with(
        config: &Config,
        roles: Roles,
        toy: Option<ToyChat>,
    ) -> Result<Service, Failure> {
        if roles.survey {
            links::keys(config)?;
        }
        delivering::check(config, roles)?;
        let listeners = Listeners::bind(config, roles).await?;
        let survey = listeners.survey();
        let mut config = config.reached_at(survey);
        if let Some(toy) = &toy {
            config = toy.allowed_by(&config, survey);
        }
        Service::begin(&config, roles, listeners, toy).await
    }

    async fn begin(
        config: &Config,
        roles: Roles,
        listeners: Listeners,
        toy: Option<ToyChat>,
    ) -> Result<Service, Failure> {
        let metrics = Arc::new(Metrics::new().map_err(unregistered)?);
        let starting = Starting::default();
        let (stop, stopped) = watch::channel(false);
        let file = listeners.file();
        let mut serving = listeners.serve(config, &starting, &stopped);
        let guarding = Guarding::of(config, roles, &starting).await?;
        let opened = open(config, &metrics, &starting).await?;
        let traces = Traces::start(config, &metrics.spans)?;
        let (log, tracer) = (traces.log(opened.log()), traces.tracer());
        let schemas = registry::schemas(config);
        let reads = Reads::of(&opened, &schemas, &tracer);
        let start = || start_tasks(config, reads, &metrics);
        let tasks = roles.process.then(start).transpose()?;
        let (engine, group) = tasks.unwrap_or_default();
        let projecting = match roles.project {
            true => Some(Projecting::start(config, reads, &starting, stopped.clone()).await?),
            false => None,
        };
        let database = match &projecting {
            Some(projecting) => Some(projecting.database.clone()),
            None => projecting::read_database(config, roles, &starting).await?,
        };
        let deliver = |database| Delivering::start(config, database, &metrics.deliver, &stopped);
        let delivered = database.clone().filter(|_| roles.deliver);
        let delivering = delivered.map(deliver).transpose()?;
        let health = Health {
            log: Arc::clone(&log),
            opened: opened.clone(),
            group: group.clone(),
            schemas: Arc::clone(&schemas),
            engine: Arc::clone(&engine),
            projector: projecting.as_ref().map(|at_work| at_work.watch.clone()),
            deliverer: delivering.as_ref().map(|at_work| at_work.watch.clone()),
            database: database.clone(),
            metrics,
        };
        let access = Guarding::access(guarding.as_ref(), config, &health.metrics.access)?;
        serving.begin(config, &health, &file.token, access, toy)?;
        let mut others = std::mem::take(&mut serving.tasks);
        let tidying = retention::run(config.clone(), health.clone(), stopped);
        others.push(tokio::spawn(tidying));
        let published = file.publish(&config.data_dir).map_err(unpublished)?;
        Ok(Service {
            log,
            schemas,
            reports: file.reports,
            operations: file.operations,
            survey: file.survey,
            public_url: config.survey.public_url.clone(),
            health,
            opened,
            engine,
            group,
            projecting,
            delivering,
            others,
            stop,
            published,
            guarding,
            database,
            traces,
        })
    }

    /// The report database, where there is one.
    #[must_use]
    pub fn database(&self) -> Option<&ReportDatabase> {
        self.database.as_ref()
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
        if let Some(delivering) = self.delivering {
            delivering.end().await;
        }
        if let Some(projecting) = self.projecting {
            failed.extend(projecting.end().await.err());
        }
        if let Some(database) = self.database {
            database.close().await;
        }
        if let Some(guarding) = self.guarding {
            guarding.close().await;
        }
        drop(self.published);
        let traces = self.traces;
        failed.extend(
            blocking(move || {
                traces.stop();
                Ok(())
            })
            .await
            .err(),
        );
        // The tasks have ended; leaving lets others have the partitions at once.
        drop(self.health);
        let (group, opened) = (self.group, self.opened);
        failed.extend(
            blocking(move || {
                drop(group);
                opened.close().map_err(|error| error.to_string())
            })
            .await
            .err(),
        );
        match failed.is_empty() {
            true => Ok(()),
            false => Err(Failure::Failed(failed.join("; "))),
        }
    }
}

fn unregistered(error: prometheus::Error) -> Failure {
    Failure::while_doing("registering metrics", error)
}

fn unpublished(error: std::io::Error) -> Failure {
    Failure::while_doing("writing service.json", error)
}

/// The report database that is there, for commands beside the service.
///
/// # Errors
/// When there is none yet, or it cannot be opened.
pub async fn report_database(config: &Config) -> Result<ReportDatabase, Failure> {
    let file = config.data_dir.join(projecting::REPORT_FILE);
    if config.database_url.is_none() && !file.exists() {
        return Err(Failure::Failed(format!(
            "expected a report database at {}, found none; name another directory with --data-dir, or let `afterword run` make it",
            file.display()
        )));
    }
    let opened = projecting::database(config).await;
    opened.map_err(|error| Failure::while_doing("opening the report database", error))
}

async fn blocking<F: FnOnce() -> Result<(), String> + Send + 'static>(
    call: F,
) -> Result<(), String> {
    tokio::task::spawn_blocking(call)
        .await
        .map_err(|error| error.to_string())?
}

async fn open(
    config: &Config,
    metrics: &Arc<Metrics>,
    starting: &Starting,
) -> Result<Opened, Failure> {
    let (config, metrics, starting) = (config.clone(), Arc::clone(metrics), starting.clone());
    tokio::task::spawn_blocking(move || Opened::open(&config, &metrics, &starting))
        .await
        .map_err(|error| Failure::while_doing("opening the log", error))?
}

type Tasks = (SharedEngine, Option<Arc<KafkaGroup>>);

fn start_tasks(config: &Config, reads: Reads<'_>, metrics: &Metrics) -> Result<Tasks, Failure> {
    let options = TaskOptions {
        poll_records: config.poll_facts,
        commit_records: config.commit_facts,
        commit_interval: config.commit_interval,
        debt_facts: config.debt_facts,
        cache_bytes: config.cache_bytes,
        build: version::BUILD.to_owned(),
        tracer: reads.tracer.clone(),
    };
    let engine = Engine::new(
        options,
        Arc::clone(reads.schemas),
        Arc::clone(&metrics.engine),
    );
    match reads.opened {
        Opened::Embedded(log) => {
            for partition in 0..log.partitions(Topic::ConversationEvents) {
                let task: EmbeddedPartition = log.task(Partition(partition));
                engine
                    .take(task)
                    .map_err(|error| Failure::while_doing("starting the tasks", error))?;
            }
            Ok((Arc::new(RwLock::new(Some(engine))), None))
        }
        Opened::Kafka(log) => {
            let engine = Arc::new(RwLock::new(Some(engine)));
            let group = members::join(log, &engine)
                .map_err(|error| Failure::while_doing("joining the consumer group", error))?;
            Ok((engine, Some(Arc::new(group))))
        }
    }
}
