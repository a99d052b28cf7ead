//! A worker of Kafka Connect, as `connect-distributed.sh` starts one.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::process::{Process, tied};
use super::{classes, free_ports, jars};

const PATIENCE: Duration = Duration::from_secs(120);
/// Sets of jars: a worker's own.
pub const WORKER: &[&str] = &["broker", "connect"];

/// A running worker, killed when this is dropped.
#[derive(Debug)]
pub struct Worker {
    port: u16,
    folder: PathBuf,
    process: Option<Process>,
    starts: u32,
}

/// Makes a folder for `plugin.path`: with Apicurio's Avro converter and Debezium's JDBC sink.
///
/// # Panics
/// When it is there already.
pub fn plugins(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    let sink = jars("connect-sink").join("debezium-connector-jdbc");
    symlink(sink, folder.join("debezium-connector-jdbc")).unwrap();
    let converter = jars("connect-converter");
    symlink(converter, folder.join("apicurio-registry-converter")).unwrap();
}

impl Worker {
    /// Starts one with these properties, to which its address is added, and waits until it answers: 10 seconds and 400 MB.
    ///
    /// # Panics
    /// When something that is needed is missing: the message says what.
    pub fn start(folder: &Path, properties: &str) -> Worker {
        let port = free_ports(1)[0];
        let text = format!("{properties}\nlisteners=http://127.0.0.1:{port}\n");
        fs::write(folder.join("worker.properties"), text).unwrap();
        let mut worker = Worker {
            port,
            folder: folder.to_owned(),
            process: None,
            starts: 0,
        };
        worker.start_again();
        worker
    }

    /// Its REST API.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// What it said last.
    pub fn log_tail(&self) -> String {
        let process = self.process.as_ref();
        process.map(Process::log_tail).unwrap_or_default()
    }

    /// After [`Worker::kill`]: the same worker.
    pub fn start_again(&mut self) {
        self.starts += 1;
        let mut command = tied("java");
        command.args(["-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]);
        // What it writes must not depend on where it runs.
        command.arg("-Duser.timezone=America/New_York");
        command.arg("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn");
        command.arg("-cp").arg(classes(WORKER));
        command.arg("org.apache.kafka.connect.cli.ConnectDistributed");
        command.arg(self.folder.join("worker.properties"));
        let log = self.folder.join(format!("worker-{}.log", self.starts));
        let mut process = Process::spawn("Kafka Connect", command, log);
        let connectors = format!("{}/connectors", self.url());
        process.wait_until(PATIENCE, || ureq::get(&connectors).call().is_ok());
        self.process = Some(process);
    }
}
