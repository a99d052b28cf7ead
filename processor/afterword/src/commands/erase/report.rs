//! The report database: in the data directory a copy is made and erased in, on a server one transaction does it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use afterword_domain::request_id;
use afterword_log::{EmbeddedLog, Offset, Partition, Topic};
use afterword_readmodel::{
    ErasedRows, Erasing, Known, ProjectedPosition, ReadModelError, ReportDatabase, Still,
};
use tokio::runtime::Runtime;

use super::Erase;
use super::rewriter::Eraser;
use crate::config::Config;
use crate::failure::Failure;
use crate::service::projecting::{REPORT_FILE, database};

/// What is erased in; it never takes the place of anything.
const DRAFT: &str = "report.draft";
/// What SQLite keeps beside a database.
const BESIDE: [&str; 2] = ["report.db-wal", "report.db-shm"];

/// Where the report database is.
pub enum Report {
    None,
    File(PathBuf),
    Server(Box<Config>),
}

/// What was erased; as long as this is there, nobody writes to the file that it was copied from.
pub struct Erased {
    pub rows: ErasedRows,
    still: Option<(Runtime, Still)>,
}

fn runtime() -> Result<Runtime, Failure> {
    Runtime::new().map_err(|error| Failure::while_doing("starting the runtime", error))
}

fn failed(error: ReadModelError) -> Failure {
    Failure::while_doing("erasing", error)
}

impl Report {
    pub fn of(config: &Config) -> Report {
        let file = config.data_dir.join(REPORT_FILE);
        match &config.database_url {
            Some(_) => Report::Server(Box::new(config.clone())),
            None if file.exists() => Report::File(file),
            None => Report::None,
        }
    }

    async fn open(&self) -> Result<Option<ReportDatabase>, ReadModelError> {
        match self {
            Report::None => Ok(None),
            Report::File(file) => ReportDatabase::open_file(file).await.map(Some),
            Report::Server(config) => database(config).await.map(Some),
        }
    }

    /// What it knows of the customer.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn known(&self, erase: &Erase) -> Result<Known, Failure> {
        let known = runtime()?.block_on(async {
            let Some(database) = self.open().await? else {
                return Ok(Known::default());
            };
            let known = database.known_of(&erase.workspace, &erase.customer).await;
            database.close().await;
            known
        });
        known.map_err(failed)
    }

    /// Whether there is one.
    pub fn is_there(&self) -> bool {
        !matches!(self, Report::None)
    }

    /// Whether it is erased in a copy that takes its place.
    pub fn is_copied(&self) -> bool {
        matches!(self, Report::File(_))
    }

    /// Files that belong to the old database alone.
    pub fn beside(&self) -> &'static [&'static str] {
        match self {
            Report::File(_) => &BESIDE,
            Report::None | Report::Server(_) => &[],
        }
    }

    /// Erases: in a copy at that place, or on the server.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn erase(
        &self,
        erase: &Erase,
        place: &Path,
        eraser: &mut Eraser<'_>,
    ) -> Result<Erased, Failure> {
        let Report::File(file) = self else {
            let rows = self.erase_in_place(erase, eraser)?;
            return Ok(Erased { rows, still: None });
        };
        let runtime = runtime()?;
        let draft = place.join(DRAFT);
        let erased = runtime.block_on(async {
            let still = ReportDatabase::hold_file(file).await?;
            ReportDatabase::compact_file(file, &draft).await?;
            let database = ReportDatabase::open_file(&draft).await?;
            let rows = rows(database, erase, eraser).await?;
            ReportDatabase::compact_file(&draft, &place.join(REPORT_FILE)).await?;
            Ok((rows, still))
        });
        let (rows, still) = erased.map_err(failed)?;
        keep_alone(file, place)?;
        let still = Some((runtime, still));
        Ok(Erased { rows, still })
    }

    /// Erases where it is, in one transaction. Pages of a file that are free then are taken out of it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn erase_in_place(
        &self,
        erase: &Erase,
        eraser: &mut Eraser<'_>,
    ) -> Result<ErasedRows, Failure> {
        let erased = runtime()?.block_on(async {
            let Some(database) = self.open().await? else {
                return Ok(ErasedRows::default());
            };
            let rows = rows(database, erase, eraser).await?;
            if let Report::File(file) = self {
                ReportDatabase::vacuum_file(file).await?;
            }
            Ok(rows)
        });
        erased.map_err(failed)
    }

    /// How far the topics are projected into it; `None` when there is none.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn positions(&self) -> Result<Option<Vec<ProjectedPosition>>, Failure> {
        let positions = runtime()?.block_on(async {
            let Some(database) = self.open().await? else {
                return Ok(None);
            };
            let positions = database.positions().await;
            database.close().await;
            positions.map(Some)
        });
        positions.map_err(failed)
    }

    /// Has projecting go on from these offsets, where nothing lies before them that is not projected.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn pass_over(&self, places: &[(Topic, Partition, Offset)]) -> Result<(), Failure> {
        let passed = runtime()?.block_on(async {
            let Some(database) = self.open().await? else {
                return Ok(());
            };
            let passed = database.pass_over(places).await;
            database.close().await;
            passed
        });
        passed.map_err(failed)
    }

    /// Whether what was made at this place is whole and of this log.
    ///
    /// # Errors
    /// When it is not.
    pub fn fits(&self, place: &Path, log: &EmbeddedLog) -> Result<(), Failure> {
        let Report::File(_) = self else {
            return Ok(());
        };
        let file = place.join(REPORT_FILE);
        let checked = ReportDatabase::check_file(&file, log);
        runtime()?.block_on(checked).map_err(failed)
    }
}

/// Erases in an open database, and closes it.
async fn rows(
    database: ReportDatabase,
    erase: &Erase,
    eraser: &mut Eraser<'_>,
) -> Result<ErasedRows, ReadModelError> {
    let conversations = eraser.erasure.conversations().iter();
    let requests = conversations
        .map(|id| (request_id(&erase.workspace, id), id.clone()))
        .collect();
    let pseudonym = eraser.erasure.pseudonym().to_owned();
    let asked = std::mem::take(&mut eraser.asked);
    let erasing = Erasing {
        workspace_id: &erase.workspace,
        customer_id: &erase.customer,
        pseudonym: &pseudonym,
        requests: &requests,
        asked: &asked,
        now_ms: afterword_web::now_ms(),
    };
    let erasure = &mut eraser.erasure;
    let mut comment = |conversation: &str, text: &str| erasure.comment(conversation, text);
    let rows = database.erase(&erasing, &mut comment).await;
    database.close().await;
    rows
}

/// Takes the draft away, and lets the same people read the copy as the file it stands for.
fn keep_alone(file: &Path, place: &Path) -> io::Result<()> {
    for ending in ["", "-wal", "-shm"] {
        match fs::remove_file(place.join(format!("{DRAFT}{ending}"))) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    let permissions = fs::metadata(file)?.permissions();
    fs::set_permissions(place.join(REPORT_FILE), permissions)
}

impl Erased {
    /// Lets others write again.
    ///
    /// # Errors
    /// When the database fails.
    pub fn release(self) -> Result<(), Failure> {
        match self.still {
            Some((runtime, still)) => runtime.block_on(still.release()).map_err(failed),
            None => Ok(()),
        }
    }
}
