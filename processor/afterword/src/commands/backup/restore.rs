//! `afterword restore`: puts a backup in place, after all of it was checked.

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use afterword_log::EmbeddedLog;
use clap::Args;
use serde_json::json;

use super::manifest::{self, Manifest, NAME, ReportPart};
use super::{DATABASE, Filling, KEYS, REPORT, differs, fits};
use crate::access;
use crate::config::{Config, LogKind};
use crate::failure::Failure;
use crate::terminal::{Progress, grouped};

/// Where files wait until all of them are checked.
const WAITING: &str = "restoring";
/// Faults that are told, of many.
const TOLD: usize = 10;

#[derive(Debug, Args)]
#[command(after_help = "\
Every file is copied and held against the manifest, and the log is opened, before anything is put in place: a backup that is
torn, changed or not finished leaves nothing behind. Nothing is written over: name a new data directory.

Before the first start read docs/backup.md: what was sent after the backup is sent once more.

Examples:
  afterword restore /mnt/backups/2026-03-01 --data-dir /srv/afterword
  afterword verify --data-dir /srv/afterword                       proves it, and may take its time")]
pub struct Restore {
    /// The backup
    pub directory: PathBuf,
    /// The summary as JSON
    #[arg(long)]
    pub json: bool,
}

/// Restores into the data directory of the configuration.
///
/// # Errors
/// When there is something in that directory, or the backup is not whole.
pub fn execute(config: &Config, restore: &Restore) -> Result<(), Failure> {
    if config.log == LogKind::Kafka {
        return Err(Failure::Failed(
            "a backup holds an embedded log; expected log.kind `embedded`, found `kafka`"
                .to_owned(),
        ));
    }
    let started = Instant::now();
    let manifest = Manifest::read(&restore.directory)?;
    complete(&restore.directory, &manifest)?;
    let mut filling = Filling::begin(&config.data_dir, "the data")?;
    let failed = |error: io::Error| Failure::while_doing("restoring", error);
    let waiting = config.data_dir.join(WAITING);
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true).mode(0o700);
    builder.create(waiting.join(DATABASE)).map_err(failed)?;
    let mut progress = Progress::new("restoring");
    copy_all(&restore.directory, &waiting, &manifest, &mut progress)?;
    opens(config, &waiting, &manifest)?;
    put_in_place(&waiting, &config.data_dir, &manifest).map_err(failed)?;
    filling.done = true;
    progress.clear();
    tell(config, restore, &manifest, started);
    Ok(())
}

fn refused(directory: &Path, faults: &[String]) -> Failure {
    let more = faults.len().saturating_sub(TOLD);
    let more = match more {
        0 => String::new(),
        more => format!("\n  … and {more} more"),
    };
    let told = &faults[..faults.len().min(TOLD)];
    Failure::Failed(format!(
        "the backup in {} is not as it was made; nothing was restored:\n  {}{more}",
        directory.display(),
        told.join("\n  ")
    ))
}

/// Whether exactly the files of the manifest are there.
fn complete(directory: &Path, manifest: &Manifest) -> Result<(), Failure> {
    let there = manifest::files(directory)
        .map_err(|error| Failure::while_doing("reading the backup", error))?;
    let missing = manifest
        .files
        .keys()
        .filter(|name| !there.contains_key(*name));
    let mut faults: Vec<String> = missing
        .map(|name| format!("{name}: expected a file, found none"))
        .collect();
    let strange = there
        .keys()
        .filter(|name| *name != NAME && !manifest.files.contains_key(*name));
    faults.extend(strange.map(|name| format!("{name}: found, and the manifest does not name it")));
    let has_report = manifest.files.contains_key(REPORT);
    if has_report != (manifest.report == ReportPart::Included) {
        faults.push(format!("{NAME}: contradicts itself about {REPORT}"));
    }
    match faults.is_empty() {
        true => Ok(()),
        false => Err(refused(directory, &faults)),
    }
}

/// Copies every file, and holds what was read against the manifest.
fn copy_all(
    from: &Path,
    to: &Path,
    manifest: &Manifest,
    progress: &mut Progress,
) -> Result<(), Failure> {
    let (whole, mut done) = (manifest.bytes(), 0);
    let mut faults = Vec::new();
    for (name, expected) in &manifest.files {
        let mut told = |bytes| {
            done += bytes;
            progress.show(done, Some(whole), "copying and checking files");
        };
        let found = manifest::copy(&from.join(name), &to.join(name), &mut told)
            .map_err(|error| Failure::while_doing("restoring", error))?;
        if found != *expected {
            faults.push(differs(name, expected, &found));
        }
    }
    match faults.is_empty() {
        true => Ok(()),
        false => Err(refused(from, &faults)),
    }
}

/// Whether it is the log of the manifest, and the report database is its own.
fn opens(config: &Config, waiting: &Path, manifest: &Manifest) -> Result<(), Failure> {
    let failed = |error: &dyn std::fmt::Display| {
        Failure::while_doing("opening the log of the backup", error)
    };
    let mut options = access::options(config);
    options.partitions = None;
    let log = EmbeddedLog::open(waiting, options).map_err(|error| failed(&error))?;
    let ends = manifest::ends(&*log).map_err(|error| failed(&error))?;
    if log.id() != manifest.log.id || ends != manifest.log.ends {
        return Err(Failure::Failed(format!(
            "expected the log {} as the manifest tells of it, found {} with other ends of its topics; nothing was restored",
            manifest.log.id,
            log.id()
        )));
    }
    if manifest.report == ReportPart::Included {
        fits(&waiting.join(REPORT), &log)?;
    }
    log.close().map_err(|error| failed(&error))
}

/// The log comes last: without it a directory holds nothing that a service would take.
fn put_in_place(waiting: &Path, data_dir: &Path, manifest: &Manifest) -> io::Result<()> {
    for name in [KEYS, REPORT] {
        if manifest.files.contains_key(name) {
            fs::rename(waiting.join(name), data_dir.join(name))?;
        }
    }
    manifest::sync(&waiting.join(DATABASE))?;
    fs::rename(waiting.join(DATABASE), data_dir.join(DATABASE))?;
    fs::remove_dir_all(waiting)?;
    manifest::sync(data_dir)
}

fn tell(config: &Config, restore: &Restore, manifest: &Manifest, started: Instant) {
    let seconds = started.elapsed().as_secs_f64();
    let (files, bytes) = (manifest.files.len(), manifest.bytes());
    if restore.json {
        outln!(
            "{}",
            json!({
                "data_dir": config.data_dir, "files": files, "bytes": bytes, "build": manifest.build,
                "begun_at": manifest.begun_at, "log": manifest.log, "report": manifest.report, "seconds": seconds,
            })
        );
        return;
    }
    outln!(
        "Restored to {}: {} files, {} bytes in {seconds:.1} s, as they were on {} ({}).\n\
         Before the first start: docs/backup.md says what is sent once more. `afterword verify` proves the log.",
        config.data_dir.display(),
        grouped(files as u64),
        grouped(bytes),
        manifest.begun_at,
        manifest.build
    );
    if manifest.report == ReportPart::Elsewhere {
        outln!(
            "Its report database was on a server: restore that too, to a moment that is not later."
        );
    }
}
