//! `afterword backup` and `afterword restore`: the embedded log, its report database and the keys of links, copied while a
//! service runs, and put in place elsewhere.
//!
//! In this order: nobody may write to the report database; the service makes a checkpoint of its log (hard links); the copy
//! of the report database has begun; all go on. So the log in the backup has everything that the report database in it has
//! projected, and has told of no scorecard that this does not know. Then files are copied, the checkpoint is opened as a log,
//! and the two are held against each other.

mod manifest;
mod restore;

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use afterword_link::KEY_FILE;
use afterword_log::{EmbeddedLog, LogError};
use afterword_readmodel::ReportDatabase;
use afterword_schemas::records::Timestamp;
use clap::Args;
use serde_json::json;

use super::decision::time;
use super::run::with_runtime;
use crate::access::{self, Access, Missing};
use crate::checkpoint;
use crate::config::{Config, LogKind};
use crate::failure::Failure;
use crate::service::projecting::REPORT_FILE;
use crate::terminal::{Progress, grouped};
use manifest::{LogPart, Manifest, ReportPart};
pub use restore::{Restore, execute as restore};

const REPORT: &str = REPORT_FILE;
const KEYS: &str = KEY_FILE;
const DATABASE: &str = "db";

#[derive(Debug, Args)]
#[command(after_help = "\
Copies the embedded log, the report database in the data directory (scorecards, and what is in no log: accounts, contacts,
marks, what was sent) and the keys of links. A service may run meanwhile: all that was acknowledged before the backup began
is in it. At the end every file is read back, and the log in it is opened. The configuration is not in it.

Whoever has it can read every text: keep it as safe as the data directory.

Examples:
  afterword backup /mnt/backups/2026-03-01                       of ./afterword-data
  afterword restore /mnt/backups/2026-03-01 --data-dir /srv/aw   into a new directory")]
pub struct Backup {
    /// Where it goes: a directory that is empty or not there yet
    pub directory: PathBuf,
    /// The summary as JSON
    #[arg(long)]
    pub json: bool,
}

/// A directory that is filled; emptied again unless all goes well.
struct Filling {
    directory: PathBuf,
    made: bool,
    done: bool,
}

impl Filling {
    /// Takes a directory that is empty or not there.
    ///
    /// # Errors
    /// When there is something in it, or it cannot be made.
    fn begin(directory: &Path, what: &str) -> Result<Filling, Failure> {
        let shown = directory.display();
        let unusable = |error| Failure::while_doing(format!("making the directory {shown}"), error);
        let mut builder = fs::DirBuilder::new();
        builder.recursive(false).mode(0o700);
        let made = match builder.create(directory) {
            Ok(()) => true,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => false,
            Err(error) => return Err(unusable(error)),
        };
        let mut entries = fs::read_dir(directory).map_err(unusable)?;
        if entries.next().is_some() {
            return Err(Failure::Failed(format!(
                "expected a directory for {what} that is empty or not there yet, found something in {shown}; nothing is written over"
            )));
        }
        Ok(Filling {
            directory: directory.to_owned(),
            made,
            done: false,
        })
    }
}

impl Drop for Filling {
    fn drop(&mut self) {
        if self.done {
            return;
        }
        for entry in fs::read_dir(&self.directory)
            .into_iter()
            .flatten()
            .flatten()
        {
            let path = entry.path();
            // What cannot be removed is no backup either: it has no manifest.
            let _: io::Result<()> = match path.is_dir() {
                true => fs::remove_dir_all(path),
                false => fs::remove_file(path),
            };
        }
        if self.made {
            let _: io::Result<()> = fs::remove_dir(&self.directory);
        }
    }
}

/// The checkpoint in the data directory; goes away with this value.
struct Staged(PathBuf);

impl Drop for Staged {
    fn drop(&mut self) {
        if let Err(error) = checkpoint::remove(&self.0) {
            tracing::warn!(%error, place = %self.0.display(), "the checkpoint of the backup cannot be removed; the next one does");
        }
    }
}

/// Makes a backup.
///
/// # Errors
/// When there is something where it shall go, the log cannot be reached, or what was copied is not what was read.
pub fn execute(config: &Config, backup: &Backup) -> Result<(), Failure> {
    if config.log == LogKind::Kafka {
        return Err(Failure::Failed(
            "a backup is one of the embedded log; on Kafka the brokers keep the copies, and the report database is backed up with the means of its server (docs/backup.md)"
                .to_owned(),
        ));
    }
    let started = Instant::now();
    let begun_at = time(Timestamp(afterword_web::now_ms()));
    let access = Access::open(config, Missing::Refuse)?;
    let failed = |error: io::Error| Failure::while_doing("backing up", error);
    let _one_at_a_time = checkpoint::lock(&config.data_dir).map_err(failed)?;
    let mut filling = Filling::begin(&backup.directory, "the backup")?;
    apart(&config.data_dir, &backup.directory)?;
    let mut progress = Progress::new("backing up");
    progress.show(0, None, "report database and a checkpoint of the log");
    let staged = Staged(checkpoint::place(&config.data_dir));
    let report = take(config, &access, &backup.directory)?;
    access.close()?;
    let mut manifest = Manifest::new(
        LogPart {
            id: String::new(),
            ends: Default::default(),
        },
        report,
        begun_at,
    );
    copy_files(
        config,
        &staged.0,
        &backup.directory,
        &mut manifest,
        &mut progress,
    )
    .map_err(failed)?;
    manifest.log = judge(config, &staged.0, &backup.directory, report)?;
    drop(staged);
    read_back(&backup.directory, &manifest, &mut progress)?;
    manifest.write(&backup.directory).map_err(failed)?;
    filling.done = true;
    progress.clear();
    tell(backup, &manifest, started);
    Ok(())
}

/// A backup within the data directory would go with it.
fn apart(data_dir: &Path, directory: &Path) -> Result<(), Failure> {
    let (data, backup) = (data_dir.canonicalize()?, directory.canonicalize()?);
    match backup.starts_with(&data) {
        true => Err(Failure::Failed(format!(
            "expected a directory outside the data directory {}, found {}",
            data.display(),
            backup.display()
        ))),
        false => Ok(()),
    }
}

/// Copies the report database and has the checkpoint made, as the head of this module says.
fn take(config: &Config, access: &Access, directory: &Path) -> Result<ReportPart, Failure> {
    let data_dir = config.data_dir.clone();
    let asked: Box<dyn FnOnce() -> Result<(), LogError> + Send> = match access {
        Access::Service(service) => {
            let service = Arc::clone(service);
            Box::new(move || service.checkpoint())
        }
        Access::Own(log) => {
            let log = Arc::clone(log);
            Box::new(move || checkpoint::make(&log, &data_dir))
        }
        Access::Kafka(_) => Box::new(|| Err(LogError::Stop("no embedded log".to_owned()))),
    };
    let unmade = |error: LogError| Failure::while_doing("copying the log", error);
    let file = config.data_dir.join(REPORT);
    let report = match &config.database_url {
        Some(_) => ReportPart::Elsewhere,
        None if file.exists() => ReportPart::Included,
        None => ReportPart::None,
    };
    if report != ReportPart::Included {
        asked().map_err(unmade)?;
        return Ok(report);
    }
    let copy = directory.join(REPORT);
    with_runtime(async {
        // Not before it is polled: the report database must stand still by then.
        let meanwhile = async { tokio::task::spawn_blocking(asked).await };
        let copied = ReportDatabase::copy_file(&file, &copy, meanwhile).await;
        let made = copied.map_err(|error| Failure::while_doing("backing up", error))?;
        let made = made.map_err(|error| Failure::while_doing("copying the log", error))?;
        made.map_err(unmade)
    })?;
    Ok(report)
}

/// Copies what the checkpoint holds and the keys, and takes the sums of all.
fn copy_files(
    config: &Config,
    staged: &Path,
    directory: &Path,
    manifest: &mut Manifest,
    progress: &mut Progress,
) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.mode(0o700).create(directory.join(DATABASE))?;
    let mut sources = manifest::files(staged)?;
    // Taken away again: it says who has the checkpoint open.
    sources.remove("lock");
    let keys = config.data_dir.join(KEYS);
    if keys.exists() {
        sources.insert(KEYS.to_owned(), keys);
    }
    let length = |path: &PathBuf| fs::metadata(path).map_or(0, |found| found.len());
    let whole: u64 = sources.values().map(length).sum();
    let mut done = 0;
    for (name, source) in sources {
        let mut told = |bytes| {
            done += bytes;
            progress.show(done, Some(whole), "copying files");
        };
        let sum = manifest::copy(&source, &directory.join(&name), &mut told)?;
        manifest.files.insert(name, sum);
    }
    let report = directory.join(REPORT);
    if manifest.report == ReportPart::Included {
        let permissions = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        fs::set_permissions(&report, permissions)?;
        fs::File::open(&report)?.sync_all()?;
        let sum = manifest::sum(&report, &mut |_| ())?;
        manifest.files.insert(REPORT.to_owned(), sum);
    }
    manifest::sync(&directory.join(DATABASE))?;
    manifest::sync(directory)
}

/// Opens the log of which the files were copied, and holds the copied report database against it.
fn judge(
    config: &Config,
    staged: &Path,
    directory: &Path,
    report: ReportPart,
) -> Result<LogPart, Failure> {
    let doubted = |error: &dyn std::fmt::Display| {
        Failure::while_doing("opening the log that was copied", error)
    };
    let mut options = access::options(config);
    options.partitions = None;
    let log = EmbeddedLog::open(staged, options).map_err(|error| doubted(&error))?;
    let part = LogPart {
        id: log.id().to_owned(),
        ends: manifest::ends(&*log).map_err(|error| doubted(&error))?,
    };
    if report == ReportPart::Included {
        fits(&directory.join(REPORT), &log)?;
    }
    log.close().map_err(|error| doubted(&error))?;
    Ok(part)
}

/// Whether this report database is whole, and of this log.
fn fits(report: &Path, log: &Arc<EmbeddedLog>) -> Result<(), Failure> {
    with_runtime(async {
        let checked = ReportDatabase::check_file(report, &**log).await;
        checked.map_err(|error| {
            Failure::while_doing("holding the report database against the log", error)
        })
    })
}

/// Reads every file of the backup once more.
fn read_back(
    directory: &Path,
    manifest: &Manifest,
    progress: &mut Progress,
) -> Result<(), Failure> {
    let (whole, mut done) = (manifest.bytes(), 0);
    for (name, expected) in &manifest.files {
        let mut told = |bytes| {
            done += bytes;
            progress.show(done, Some(whole), "reading it back");
        };
        let found = manifest::sum(&directory.join(name), &mut told)
            .map_err(|error| Failure::while_doing("reading the backup back", error))?;
        if found != *expected {
            return Err(Failure::Failed(differs(name, expected, &found)));
        }
    }
    Ok(())
}

fn differs(name: &str, expected: &manifest::Sum, found: &manifest::Sum) -> String {
    format!(
        "{name}: expected {} bytes with SHA-256 {}, found {} bytes with {}",
        expected.bytes, expected.sha256, found.bytes, found.sha256
    )
}

fn tell(backup: &Backup, manifest: &Manifest, started: Instant) {
    let seconds = started.elapsed().as_secs_f64();
    let (files, bytes) = (manifest.files.len(), manifest.bytes());
    if backup.json {
        outln!(
            "{}",
            json!({
                "directory": backup.directory, "files": files, "bytes": bytes, "build": manifest.build,
                "begun_at": manifest.begun_at, "log": manifest.log, "report": manifest.report, "seconds": seconds,
            })
        );
        return;
    }
    outln!(
        "Backed up and read back: {} files, {} bytes in {seconds:.1} s, with all that was acknowledged before {}.",
        grouped(files as u64),
        grouped(bytes),
        manifest.begun_at
    );
    match manifest.report {
        ReportPart::Included => {}
        ReportPart::None => outln!("There was no report database yet; the projector makes it."),
        ReportPart::Elsewhere => outln!(
            "The report database is on a server and not in it: back it up there, before the log and not after it (docs/backup.md)."
        ),
    }
}
