//! The projector of a service: its database, its task, and what is known of it.

use std::sync::{Arc, OnceLock};

use afterword_log::{EmbeddedLog, Log};
use afterword_readmodel::{
    Projector, ProjectorOptions, ProjectorStatistics, ReadModelError, ReportDatabase,
};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::config::Config;
use crate::failure::Failure;

/// The report database's file in the data directory.
const REPORT_FILE: &str = "report.db";

/// A projector at work.
pub struct Projecting {
    pub database: ReportDatabase,
    pub watch: ProjectorWatch,
    task: JoinHandle<Result<(), ReadModelError>>,
}

/// What a projector does now.
#[derive(Clone)]
pub struct ProjectorWatch {
    pub statistics: Arc<ProjectorStatistics>,
    ended: Arc<OnceLock<String>>,
}

impl ProjectorWatch {
    /// Why it does not project now, if it does not.
    #[must_use]
    pub fn impediment(&self) -> Option<String> {
        let ended = self.ended.get().cloned();
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
        log: &Arc<EmbeddedLog>,
        stop: watch::Receiver<bool>,
    ) -> Result<Projecting, Failure> {
        let (database, projector) = open(config, log).await?;
        let watch = ProjectorWatch {
            statistics: projector.statistics(),
            ended: Arc::default(),
        };
        let task = tokio::spawn(project(projector, Arc::clone(&watch.ended), stop));
        Ok(Projecting {
            database,
            watch,
            task,
        })
    }

    /// Waits for its end, after `stop` became true, and closes the database.
    ///
    /// # Errors
    /// When it had ended before with an error.
    pub async fn end(self) -> Result<(), String> {
        let ended = self.task.await;
        self.database.close().await;
        ended
            .map_err(|error| error.to_string())?
            .map_err(|error| error.to_string())
    }
}

/// Opens the report database in the data directory, and a projector on it.
///
/// # Errors
/// When the database cannot be opened or does not fit the log.
pub async fn open(
    config: &Config,
    log: &Arc<EmbeddedLog>,
) -> Result<(ReportDatabase, Projector), Failure> {
    let failed = |error: ReadModelError| Failure::while_doing("opening the report database", error);
    let database = ReportDatabase::open_file(&config.data_dir.join(REPORT_FILE))
        .await
        .map_err(failed)?;
    let log: Arc<dyn Log> = Arc::<EmbeddedLog>::clone(log);
    let projector = Projector::start(database.clone(), log, ProjectorOptions::default())
        .await
        .map_err(failed)?;
    Ok((database, projector))
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
