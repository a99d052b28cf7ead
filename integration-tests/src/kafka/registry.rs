//! Apicurio, a real schema registry with Confluent's API, kept in memory.

use std::time::Duration;

use rustix::process::Signal;
use tempfile::TempDir;

use super::process::{Process, tied};
use super::{free_ports, jars};

const PATIENCE: Duration = Duration::from_secs(120);
const RUNNER: &str = "apicurio-registry-app-3.0.9-runner.jar";

/// A running registry, killed when this is dropped.
#[derive(Debug)]
pub struct Registry {
    port: u16,
    process: Option<Process>,
    folder: TempDir,
    starts: u32,
}

impl Registry {
    /// Starts one and waits until it answers: 15 seconds and 300 MB.
    ///
    /// # Panics
    /// When something that is needed is missing: the message says what.
    pub fn start() -> Registry {
        let folder = tempfile::Builder::new()
            .prefix("afterword-registry-")
            .tempdir();
        let mut registry = Registry {
            port: free_ports(1)[0],
            process: None,
            folder: folder.unwrap(),
            starts: 0,
        };
        registry.start_again();
        registry
    }

    /// Confluent's API, as `schema_registry.url` wants it.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/apis/ccompat/v7", self.port)
    }

    /// SIGKILL. What was registered is gone with it.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// SIGSTOP, say, and SIGCONT: a registry that hangs.
    ///
    /// # Panics
    /// When it was killed.
    pub fn signal(&self, signal: Signal) {
        let process = self.process.as_ref();
        process.expect("the registry runs").signal(signal);
    }

    /// After [`Registry::kill`]: the same address, and empty.
    pub fn start_again(&mut self) {
        self.starts += 1;
        let mut command = tied("java");
        command.args(["-Xmx300m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]);
        command.arg("-Dquarkus.http.host=127.0.0.1");
        command.arg(format!("-Dquarkus.http.port={}", self.port));
        command.arg("-jar").arg(jars("registry").join(RUNNER));
        command.current_dir(self.folder.path());
        let log = self
            .folder
            .path()
            .join(format!("start-{}.log", self.starts));
        let mut process = Process::spawn("the schema registry", command, log);
        let subjects = format!("{}/subjects", self.url());
        process.wait_until(PATIENCE, || ureq::get(&subjects).call().is_ok());
        self.process = Some(process);
    }
}
