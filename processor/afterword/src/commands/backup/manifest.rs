//! What a backup says of itself: which build made it, when, of which log, and every file with its length and checksum.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Component, Path, PathBuf};

use afterword_log::{Log, LogError, Partition, Topic};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::failure::Failure;

/// The manifest's name in the backup. A directory without it is no backup.
pub const NAME: &str = "manifest.json";
/// The form of manifests that this build writes and reads.
const FORMAT: u32 = 1;
/// Longest manifest that is read: some 100,000 files.
const MOST_BYTES: u64 = 32 << 20;
const PIECE_BYTES: usize = 1 << 20;

/// The manifest.
#[derive(Debug, Serialize, Deserialize)]
pub struct Manifest {
    pub format: u32,
    /// The build that made the backup.
    pub build: String,
    /// When it was begun; what was acknowledged before is in it.
    pub begun_at: String,
    pub log: LogPart,
    /// The report database of this log.
    pub report: ReportPart,
    /// By path below the backup's directory.
    pub files: BTreeMap<String, Sum>,
}

/// The log in it.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogPart {
    pub id: String,
    /// By topic, for each partition the offset after its last record.
    pub ends: BTreeMap<String, Vec<u64>>,
}

/// Where the report database is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportPart {
    /// In the backup.
    Included,
    /// There was none yet; the projector makes it.
    None,
    /// On a server, which has backups of its own.
    Elsewhere,
}

/// A file's length in bytes and its SHA-256 in hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sum {
    pub bytes: u64,
    pub sha256: String,
}

impl Manifest {
    pub fn new(log: LogPart, report: ReportPart, begun_at: String) -> Manifest {
        Manifest {
            format: FORMAT,
            build: crate::version::BUILD.to_owned(),
            begun_at,
            log,
            report,
            files: BTreeMap::new(),
        }
    }

    /// Bytes of all files.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.files.values().map(|sum| sum.bytes).sum()
    }

    /// Writes it, whole or not at all.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, directory: &Path) -> io::Result<()> {
        let draft = directory.join(format!("{NAME}.new"));
        let mut file = create(&draft)?;
        serde_json::to_writer_pretty(&mut file, self)?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        fs::rename(&draft, directory.join(NAME))?;
        sync(directory)
    }

    /// Reads that of a backup.
    ///
    /// # Errors
    /// When there is none, or it is of a later build, or it names files that no backup has.
    pub fn read(directory: &Path) -> Result<Manifest, Failure> {
        let path = directory.join(NAME);
        let wrong = |what: String| {
            Failure::Failed(format!(
                "{}: expected the manifest of a whole backup, found {what}",
                path.display()
            ))
        };
        let file = File::open(&path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => {
                wrong("none: the backup was not finished, or is none".to_owned())
            }
            _ => wrong(error.to_string()),
        })?;
        let mut text = Vec::new();
        file.take(MOST_BYTES)
            .read_to_end(&mut text)
            .map_err(|error| wrong(error.to_string()))?;
        let manifest: Manifest =
            serde_json::from_slice(&text).map_err(|error| wrong(error.to_string()))?;
        if manifest.format != FORMAT {
            return Err(wrong(format!(
                "one of format {}, made by {}, and this build reads {FORMAT}: use that build",
                manifest.format, manifest.build
            )));
        }
        match manifest.files.keys().find(|path| !is_ours(path)) {
            Some(strange) => Err(wrong(format!("a file that no backup has: {strange:?}"))),
            None => Ok(manifest),
        }
    }
}

/// Whether a path may stand in a manifest: it stays below the directory, and is something that backups have.
fn is_ours(path: &str) -> bool {
    let mut parts = Path::new(path).components();
    let is_plain = |part: Option<Component<'_>>| matches!(part, Some(Component::Normal(_)));
    match path.strip_prefix("db/") {
        Some(_) => {
            let within = is_plain(parts.next()) && is_plain(parts.next());
            within && parts.next().is_none() && !path.ends_with('/')
        }
        None => path == super::REPORT || path == super::KEYS,
    }
}

/// How far every topic of this log goes.
///
/// # Errors
/// When it was closed.
pub fn ends(log: &dyn Log) -> Result<BTreeMap<String, Vec<u64>>, LogError> {
    let mut ends = BTreeMap::new();
    for topic in Topic::ALL {
        let partitions = (0..log.partitions(topic)).map(Partition);
        let of_topic: Result<Vec<u64>, LogError> = partitions
            .map(|partition| Ok(log.bounds(topic, partition)?.end.0))
            .collect();
        ends.insert(topic.name().to_owned(), of_topic?);
    }
    Ok(ends)
}

/// A new file that its owner alone may read.
///
/// # Errors
/// When there is one of this name, or it cannot be made.
pub fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    options.open(path)
}

/// Copies a file, syncs it, and says what was read. `told` is called with the bytes of each piece.
///
/// # Errors
/// When either cannot be used, with its name.
pub fn copy(from: &Path, to: &Path, told: &mut dyn FnMut(u64)) -> io::Result<Sum> {
    let mut copy = create(to).map_err(|error| named(to, &error))?;
    let sum = read(from, &mut |piece| {
        told(piece.len() as u64);
        copy.write_all(piece).map_err(|error| named(to, &error))
    })?;
    copy.sync_all().map_err(|error| named(to, &error))?;
    Ok(sum)
}

/// Length and checksum of a file. `told` is called with the bytes of each piece.
///
/// # Errors
/// When it cannot be read, with its name.
pub fn sum(path: &Path, told: &mut dyn FnMut(u64)) -> io::Result<Sum> {
    read(path, &mut |piece| {
        told(piece.len() as u64);
        Ok(())
    })
}

fn read(path: &Path, each: &mut dyn FnMut(&[u8]) -> io::Result<()>) -> io::Result<Sum> {
    let mut file = File::open(path).map_err(|error| named(path, &error))?;
    let (mut hasher, mut bytes) = (Sha256::new(), 0);
    let mut buffer = vec![0; PIECE_BYTES];
    loop {
        let read = file
            .read(&mut buffer)
            .map_err(|error| named(path, &error))?;
        if read == 0 {
            break;
        }
        hasher.update(&buffer[..read]);
        each(&buffer[..read])?;
        bytes += read as u64;
    }
    let digest = hasher.finalize();
    let sha256 = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Sum { bytes, sha256 })
}

fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

/// Makes the names in a directory durable.
///
/// # Errors
/// When it cannot be synced.
pub fn sync(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// The files below a directory, by path; one level of folders is looked into.
///
/// # Errors
/// When it cannot be read.
pub fn files(directory: &Path) -> io::Result<BTreeMap<String, PathBuf>> {
    let mut found = BTreeMap::new();
    let mut list = |folder: &Path, prefix: &str, deeper: &mut Vec<(PathBuf, String)>| {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            match entry.file_type()?.is_dir() {
                true => deeper.push((entry.path(), format!("{name}/"))),
                false => drop(found.insert(name, entry.path())),
            }
        }
        Ok::<(), io::Error>(())
    };
    let mut folders = Vec::new();
    list(directory, "", &mut folders)?;
    for (folder, prefix) in folders {
        let mut deeper = Vec::new();
        list(&folder, &prefix, &mut deeper)?;
        for (path, name) in deeper {
            // Named, and in no manifest: then it is told.
            list(&path, &name, &mut Vec::new())?;
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_backup_has_may_be_named() {
        for ours in ["db/000012.sst", "db/CURRENT", "report.db", "link-keys"] {
            assert!(is_ours(ours), "{ours}");
        }
        let strange = [
            "",
            "db",
            "db/",
            "db/..",
            "db/../x",
            "../x",
            "/etc/x",
            "db/a/b",
            "x",
            "report.db/x",
            "db//a/..",
        ];
        for strange in strange {
            assert!(!is_ours(strange), "{strange}");
        }
    }

    #[test]
    fn a_copy_has_the_sum_of_what_was_read() {
        let directory = tempfile::tempdir().expect("a directory");
        let (from, to) = (directory.path().join("a"), directory.path().join("b"));
        std::fs::write(&from, b"abc").expect("written");
        let mut told = 0;
        let copied = copy(&from, &to, &mut |bytes| told += bytes).expect("copied");
        // As FIPS 180-2 has it.
        assert_eq!(
            copied.sha256,
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!((copied.bytes, told), (3, 3));
        assert_eq!(sum(&to, &mut |_| ()).expect("read"), copied);
        let again = copy(&from, &to, &mut |_| ()).expect_err("it is there");
        assert!(again.to_string().contains("b: "), "{again}");
    }
}
