//! The projector of a service: its database, its task, and what is known of it.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use afterword_log::kafka::KafkaGroup;
use afterword_readmodel::{
    Projector, ProjectorOptions, ProjectorStatistics, ReadModelError, ReportDatabase,
};
use afterword_schemas::Schemas;
use afterword_trace::Tracer;
use afterword_web::Starting;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::Roles;
use super::opened::Opened;
use super::shares::{self, Partitions, Sharing};
use crate::config::{Config, LogKind};
use crate::failure::Failure;

/// The report database's file in the data directory.
pub const REPORT_FILE: &str = "report.db";

const BETWEEN_STARTS: Duration = Duration::from_secs(1);
const STANDING_BY: &str = "standing by: on Kafka only one process can project into a database file of its own. Start this one without the \
     role project, or name one PostgreSQL database for all (key reports.database_url)";

/// A projector at work.
pub struct Projecting {
    pub database: ReportDatabase,
    pub watch: ProjectorWatch,
    /// On Kafka.
    group: Option<Arc<KafkaGroup>>,
    task: JoinHandle<Result<(), ReadModelError>>,
}

/// What tasks and a projector read from, by which schemas, and where they leave their spans.
#[derive(Clone, Copy)]
pub struct Reads<'a> {
    pub opened: &'a Opened,
    pub schemas: &'a Arc<Schemas>,
    pub tracer: &'a Tracer,
}

impl<'a> Reads<'a> {
    /// Of these parts.
    #[must_use]
    pub fn of(opened: &'a Opened, schemas: &'a Arc<Schemas>, tracer: &'a Tracer) -> Reads<'a> {
        Reads {
            opened,
            schemas,
            tracer,
        }
    }
}

/// What a projector does now.
#[derive(Clone)]
pub struct ProjectorWatch {
    pub statistics: Arc<ProjectorStatistics>,
    ended: Arc<OnceLock<String>>,
    /// Where only one process can project: what this one has.
    turn: Option<Partitions>,
    group: Option<Arc<KafkaGroup>>,
}

impl ProjectorWatch {
    /// Why it does not project now, if it does not.
    #[must_use]
    pub fn impediment(&self) -> Option<String> {
        let ended = self.ended.get().cloned();
        if let Some(group) = self.group.as_ref().filter(|_| ended.is_none()) {
            let unreachable = group.unreachable();
            if let Some(reason) = unreachable {
                return Some(format!("no broker answers: {reason}"));
            }
            if !group.has_joined() {
                return Some("joining the group of projectors".to_owned());
            }
        }
        let stands_by = self
            .turn
            .as_ref()
            .is_some_and(|turn| turn.borrow().is_empty());
        if ended.is_none() && stands_by {
            return Some(STANDING_BY.to_owned());
        }
        ended.or_else(|| self.statistics.snapshot().waiting)
    }
}

impl Projecting {
    /// Opens the report database and projects until `stop` becomes true.
    ///
    /// # Errors
    /// When the database cannot be opened or does not fit the log.
    pub async fn start(
        config: &Config,
        reads: Reads<'_>,
        starting: &Starting,
        stop: watch::Receiver<bool>,
    ) -> Result<Projecting, Failure> {
        let sharing = match config.database_url {
            Some(_) => Sharing::Parts,
            None => Sharing::Whole,
        };
        let (group, partitions) = match reads.opened {
            Opened::Embedded(_) => (None, None),
            Opened::Kafka(log) => {
                let (group, partitions) = shares::join(log, sharing)
                    .map_err(|error| Failure::while_doing("joining the projectors", error))?;
                (Some(Arc::new(group)), Some(partitions))
            }
        };
        let turn = partitions.clone().filter(|_| sharing == Sharing::Whole);
        let (database, projector) = open(config, reads, starting, partitions).await?;
        let watch = ProjectorWatch {
            statistics: projector.statistics(),
            ended: Arc::default(),
            turn,
            group: group.clone(),
        };
        let task = tokio::spawn(project(projector, Arc::clone(&watch.ended), stop));
        Ok(Projecting {
            database,
            watch,
            group,
            task,
        })
    }

    /// Waits for its end, after `stop` became true, and closes the database.
    ///
    /// # Errors
    /// When it had ended before with an error.
    pub async fn end(self) -> Result<(), String> {
        let ended = self.task.await;
        let group = self.group;
        drop(self.watch);
        let left = tokio::task::spawn_blocking(move || drop(group)).await;
        self.database.close().await;
        left.map_err(|error| error.to_string())?;
        ended
            .map_err(|error| error.to_string())?
            .map_err(|error| error.to_string())
    }
}

fn failed(error: ReadModelError) -> Failure {
    Failure::while_doing("opening the report database", error)
}

/// Opens the report database of this configuration.
///
/// # Errors
/// When it cannot be opened.
pub async fn database(config: &Config) -> Result<ReportDatabase, ReadModelError> {
    match &config.database_url {
        Some(url) => ReportDatabase::open(url).await,
        None if std::fs::create_dir_all(&config.data_dir).is_err() => Err(ReadModelError::Stop(
            format!("the directory {} cannot be made", config.data_dir.display()),
        )),
        None => ReportDatabase::open_file(&config.data_dir.join(REPORT_FILE)).await,
    }
}

/// The report database of a process that does not project, if its roles need one that others project into. On Kafka a file here
/// would stay empty.
///
/// # Errors
/// When the database cannot be opened; while its server does not answer it is waited for.
pub async fn read_database(
    config: &Config,
    roles: Roles,
    starting: &Starting,
) -> Result<Option<ReportDatabase>, Failure> {
    let is_shared = config.log == LogKind::Embedded || config.database_url.is_some();
    let is_needed = roles.survey || roles.deliver || roles.report;
    if !is_shared || !is_needed {
        return Ok(None);
    }
    loop {
        match database(config).await {
            Ok(database) => return Ok(Some(database)),
            Err(ReadModelError::Wait(reason)) => {
                starting.waits(format!("the report database: {reason}"));
                tokio::time::sleep(BETWEEN_STARTS).await;
            }
            Err(error) => return Err(failed(error)),
        }
    }
}

/// Opens the report database, and a projector on it.
///
/// # Errors
/// When the database cannot be opened or does not fit the log.
pub async fn open(
    config: &Config,
    reads: Reads<'_>,
    starting: &Starting,
    partitions: Option<Partitions>,
) -> Result<(ReportDatabase, Projector), Failure> {
    let database = database(config).await.map_err(failed)?;
    let options = ProjectorOptions {
        schemas: Arc::clone(reads.schemas),
        partitions,
        tracer: reads.tracer.clone(),
        ..ProjectorOptions::default()
    };
    loop {
        match Projector::start(database.clone(), reads.opened.log(), options.clone()).await {
            Ok(projector) => return Ok((database, projector)),
            Err(ReadModelError::Wait(reason)) => {
                tracing::warn!(reason, "the projector waits before it starts");
                starting.waits(format!("the projector: {reason}"));
                tokio::time::sleep(BETWEEN_STARTS).await;
            }
            Err(error) => return Err(failed(error)),
        }
    }
}

async fn project(
    mut projector: Projector,
    ended: Arc<OnceLock<String>>,
    stop: watch::Receiver<bool>,
) -> Result<(), ReadModelError> {
    let run = projector.run(stop).await;
    if let Err(error) = &run {
        tracing::error!(%error, "the projector stopped");
        ended.get_or_init(|| format!("stopped: {error}"));
    }
    run
}
