//! Putting another state of the whole directory in place of the present one, such that whoever is killed at any moment leaves
//! the one or the other: what is new is made in a folder beside it, that folder is given its final name by one rename, and from
//! then on whoever opens the log first carries its contents over. All of it under the log's lock.
//!
//! ```text
//! rewriting/   being made; whoever opens the log takes it away
//! rewritten/   complete; whoever opens the log puts what is in it into the directory
//!   db/          the log's database
//!   NAME         any other file of the directory
//!   NAME.gone    (empty) says that NAME is to go
//!   db.old/      the database that was there before, on its way out
//! ```

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::shared::DATABASE;
use super::{EmbeddedLog, lock};
use crate::error::LogError;

const MAKING: &str = "rewriting";
const COMPLETE: &str = "rewritten";
const OLD: &str = "db.old";
/// What a name ends with that says that a file is to go.
const GONE: &str = ".gone";

/// A new state of a directory in the making. Dropped without [`Replacement::complete`], it is taken away again.
#[derive(Debug)]
pub struct Replacement {
    directory: PathBuf,
    is_complete: bool,
}

impl Replacement {
    pub(super) fn begin(directory: &Path) -> io::Result<Replacement> {
        remove(&directory.join(MAKING))?;
        fs::create_dir(directory.join(MAKING))?;
        Ok(Replacement {
            directory: directory.to_owned(),
            is_complete: false,
        })
    }

    /// Where it is made: a file that is put here takes the place of the one of its name in the directory.
    #[must_use]
    pub fn place(&self) -> PathBuf {
        self.directory.join(MAKING)
    }

    /// Says that the file of this name in the directory is to go.
    ///
    /// # Errors
    /// When that cannot be written.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        File::create(self.place().join(format!("{name}{GONE}"))).map(drop)
    }

    /// From here on the new state counts. Every file that was put in place is durable by then; the next opening of the log, in
    /// this process or another, carries it over.
    ///
    /// # Errors
    /// When it cannot be made durable. The old state counts then, unless the very last step failed.
    pub fn complete(mut self) -> io::Result<()> {
        let place = self.place();
        // The log's lock of whoever looked into it.
        remove_file(&place.join(super::LOCK))?;
        for entry in fs::read_dir(&place)? {
            let path = entry?.path();
            File::open(&path)?.sync_all()?;
        }
        sync(&place)?;
        fs::rename(&place, self.directory.join(COMPLETE))?;
        self.is_complete = true;
        sync(&self.directory)
    }
}

impl Drop for Replacement {
    fn drop(&mut self) {
        if !self.is_complete
            && let Err(error) = remove(&self.place())
        {
            tracing::warn!(%error, place = %self.place().display(), "what was made cannot be removed; the next opening does");
        }
    }
}

impl EmbeddedLog {
    /// Carries a new state over that was completed and not put in place yet, unless another process has the log open: then that
    /// one has done it. For those who read other files of the directory than the log's.
    ///
    /// # Errors
    /// [`LogError::Wait`] when the directory cannot be written.
    pub fn settle(directory: &Path) -> Result<(), LogError> {
        if !directory.join(COMPLETE).exists() {
            return Ok(());
        }
        match lock(directory) {
            // Whoever opens the log settles before anything else.
            Err(super::OpenError::Locked { .. }) => Ok(()),
            Err(error) => Err(error.into()),
            Ok(_lock) => settle(directory),
        }
    }
}

/// Whether there is a database that waits to be put in place.
pub(super) fn awaits(directory: &Path) -> bool {
    directory.join(COMPLETE).join(DATABASE).exists()
}

/// Puts in place what is complete, and takes away what is not. The caller holds the log's lock.
pub(super) fn settle(directory: &Path) -> Result<(), LogError> {
    let settled = remove(&directory.join(MAKING)).and_then(|()| carry_over(directory));
    settled.map_err(|error| {
        LogError::Wait(format!(
            "what was rewritten cannot be put in place in {}: {error}",
            directory.display()
        ))
    })
}

/// Every step can be cut off and begun anew: what is done is in the folder no more.
fn carry_over(directory: &Path) -> io::Result<()> {
    let from = directory.join(COMPLETE);
    let entries = match fs::read_dir(&from) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    let mut names = Vec::new();
    for entry in entries {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    // What goes, goes first: a write-ahead log must not meet a database that it does not belong to.
    for name in names.iter().filter_map(|name| name.strip_suffix(GONE)) {
        remove_file(&directory.join(name))?;
    }
    let files = names
        .iter()
        .filter(|name| !name.ends_with(GONE) && name.as_str() != DATABASE && name.as_str() != OLD);
    for name in files {
        fs::rename(from.join(name), directory.join(name))?;
    }
    sync(directory)?;
    let (new, place, old) = (
        from.join(DATABASE),
        directory.join(DATABASE),
        from.join(OLD),
    );
    if new.exists() {
        if place.exists() {
            remove(&old)?;
            fs::rename(&place, &old)?;
        }
        fs::rename(&new, &place)?;
        sync(directory)?;
    }
    remove(&from)?;
    sync(directory)
}

fn remove(place: &Path) -> io::Result<()> {
    match fs::remove_dir_all(place) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn remove_file(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn sync(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn write(path: &Path, text: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn read(path: &Path) -> String {
        fs::read_to_string(path).unwrap()
    }

    /// A directory with an old state, and a new one that is complete.
    fn completed() -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        for name in ["db/CURRENT", "report.db", "report.db-wal", "link-keys"] {
            write(&path.join(name), "old");
        }
        let replacement = Replacement::begin(path).unwrap();
        write(&replacement.place().join("db/CURRENT"), "new");
        write(&replacement.place().join("report.db"), "new");
        write(&replacement.place().join("lock"), "");
        replacement.remove("report.db-wal").unwrap();
        replacement.complete().unwrap();
        directory
    }

    #[track_caller]
    fn check_new(path: &Path) {
        settle(path).unwrap();
        assert_eq!(read(&path.join("db/CURRENT")), "new");
        assert_eq!(read(&path.join("report.db")), "new");
        assert_eq!(read(&path.join("link-keys")), "old");
        let names = fs::read_dir(path).unwrap();
        let mut names: Vec<_> = names.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["db", "link-keys", "report.db"]);
    }

    #[test]
    fn what_is_not_complete_never_was() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        write(&path.join("db/CURRENT"), "old");
        let replacement = Replacement::begin(path).unwrap();
        write(&replacement.place().join("db/CURRENT"), "new");
        drop(replacement);
        assert!(!path.join(MAKING).exists());
        // Of a process that was killed.
        write(&path.join(MAKING).join("db/CURRENT"), "new");
        settle(path).unwrap();
        assert!(!path.join(MAKING).exists());
        assert_eq!(read(&path.join("db/CURRENT")), "old");
    }

    #[test]
    fn what_is_complete_is_put_in_place_from_wherever_it_was_cut_off() {
        check_new(completed().path());
        let cuts: [fn(&Path); 5] = [
            |path| fs::remove_file(path.join("report.db-wal")).unwrap(),
            |path| {
                fs::remove_file(path.join("report.db-wal")).unwrap();
                fs::rename(path.join("rewritten/report.db"), path.join("report.db")).unwrap();
            },
            |path| fs::rename(path.join("db"), path.join("rewritten/db.old")).unwrap(),
            |path| {
                fs::rename(path.join("db"), path.join("rewritten/db.old")).unwrap();
                fs::rename(path.join("rewritten/db"), path.join("db")).unwrap();
            },
            |path| {
                fs::rename(path.join("db"), path.join("rewritten/db.old")).unwrap();
                fs::rename(path.join("rewritten/db"), path.join("db")).unwrap();
                fs::remove_file(path.join("rewritten/db.old/CURRENT")).unwrap();
            },
        ];
        for cut in cuts {
            let directory = completed();
            cut(directory.path());
            check_new(directory.path());
            check_new(directory.path());
        }
    }
}
