//! A small disk in memory, which can be filled.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// A mounted tmpfs, unmounted when this value goes.
pub struct Disk {
    /// Where it is mounted.
    folder: TempDir,
}

impl Disk {
    /// Mounts one of so many bytes; says why not when that is not permitted (it takes root).
    pub fn mount(bytes: u64) -> Result<Disk, String> {
        let folder = tempfile::Builder::new()
            .prefix("afterword-disk-")
            .tempdir()
            .unwrap();
        let options = format!("size={bytes},mode=0700");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &options, "tmpfs"])
            .arg(folder.path())
            .output();
        match mounted {
            Ok(output) if output.status.success() => Ok(Disk { folder }),
            Ok(output) => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
            Err(error) => Err(format!("mount: {error}")),
        }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn free(&self) -> u64 {
        let disk = rustix::fs::statvfs(self.path()).unwrap();
        disk.f_bavail * disk.f_frsize
    }

    fn filler(&self) -> PathBuf {
        self.path().join("filler")
    }

    /// Fills it until so many bytes are left, or fewer.
    pub fn fill(&self, left: u64) {
        let mut filler = File::options()
            .create(true)
            .append(true)
            .open(self.filler())
            .unwrap();
        let zeros = vec![0; 1 << 16];
        loop {
            let free = self.free();
            if free <= left {
                return;
            }
            let length = usize::try_from(free - left).unwrap().min(zeros.len());
            if filler.write(&zeros[..length]).is_err() {
                return;
            }
        }
    }

    /// Makes the filler longer or shorter until so many bytes are left.
    pub fn leave(&self, left: u64) {
        self.fill(left);
        let filler = File::options().write(true).open(self.filler()).unwrap();
        let length = filler.metadata().unwrap().len();
        filler
            .set_len(length.saturating_sub(left.saturating_sub(self.free())))
            .unwrap();
    }

    /// Takes the filler away.
    pub fn empty(&self) {
        fs::remove_file(self.filler()).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: a process that is just dying may still have files open.
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}
