//! `service.json` in the data directory: how a second process finds the service that has the log open.
//!
//! Readable by its owner alone, since whoever has the token may append and read everything. A file that a killed process
//! left behind is known by nobody answering at its address.

use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

const NAME: &str = "service.json";

/// What the file says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ServiceFile {
    pub pid: u32,
    /// The reports listener, when the process has one.
    pub reports: Option<SocketAddr>,
    /// The listener of the customers' pages, when the process has one.
    #[serde(default)]
    pub survey: Option<SocketAddr>,
    /// The operations listener; the log is reached there.
    pub operations: SocketAddr,
    pub token: String,
}

/// Takes the file away when the service ends.
#[derive(Debug)]
pub struct Published {
    path: PathBuf,
    token: String,
}

impl ServiceFile {
    /// The file of this directory, if there is one that can be read.
    #[must_use]
    pub fn read(directory: &Path) -> Option<ServiceFile> {
        let text = std::fs::read(directory.join(NAME)).ok()?;
        let mut file: ServiceFile = serde_json::from_slice(&text).ok()?;
        file.operations = reachable(file.operations);
        file.reports = file.reports.map(reachable);
        Some(file)
    }

    /// Writes the file, whole or not at all.
    ///
    /// # Errors
    /// When the directory cannot be written.
    pub fn publish(&self, directory: &Path) -> io::Result<Published> {
        let path = directory.join(NAME);
        let made = directory.join(format!("{NAME}.{}", self.pid));
        let _: io::Result<()> = std::fs::remove_file(&made);
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&made)?;
        file.write_all(serde_json::to_string_pretty(self)?.as_bytes())?;
        file.write_all(b"\n")?;
        std::fs::rename(&made, &path)?;
        Ok(Published {
            path,
            token: self.token.clone(),
        })
    }
}

impl Drop for Published {
    fn drop(&mut self) {
        let text = std::fs::read(&self.path).unwrap_or_default();
        let ours =
            serde_json::from_slice(&text).is_ok_and(|file: ServiceFile| file.token == self.token);
        if ours {
            let _: io::Result<()> = std::fs::remove_file(&self.path);
        }
    }
}

/// A listener on every address is reached on the loopback one.
fn reachable(address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => {
            SocketAddr::new(Ipv4Addr::LOCALHOST.into(), address.port())
        }
        IpAddr::V6(ip) if ip.is_unspecified() => {
            SocketAddr::new(Ipv6Addr::LOCALHOST.into(), address.port())
        }
        _ => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn it_is_its_owners_alone_and_goes_away() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = ServiceFile {
            pid: 7,
            reports: None,
            survey: None,
            operations: ([0, 0, 0, 0], 9).into(),
            token: "t".to_owned(),
        };
        let published = file.publish(directory.path()).expect("written");
        let metadata = std::fs::metadata(directory.path().join(NAME)).expect("there");
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
        let read = ServiceFile::read(directory.path()).expect("readable");
        assert_eq!(
            (read.operations, read.token.as_str()),
            (([127, 0, 0, 1], 9).into(), "t")
        );
        drop(published);
        assert!(ServiceFile::read(directory.path()).is_none());
    }
}
