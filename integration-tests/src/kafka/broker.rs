//! One broker of a cluster: its files, and its process while it runs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;

use super::process::{Process, tied};
use super::{classes, repository};

const PATIENCE: Duration = Duration::from_secs(120);
/// A broker that hands its partitions over first.
const STOP_PATIENCE: Duration = Duration::from_secs(60);
/// What a broker says when its clients may come: the controllers know it, and it has recovered its logs.
const READY: &str = "Kafka Server started";

/// Sets of jars: what the example of docs/consumers/java.md needs, and a program that runs Flink.
pub const CONSUMER: &[&str] = &["broker", "consumer"];
pub const FLINK: &[&str] = &["flink"];

#[derive(Clone, Copy, Debug)]
pub struct Ports {
    pub plain: u16,
    pub controller: u16,
    pub proxied: u16,
    pub secure: u16,
}

#[derive(Debug)]
pub struct Broker {
    node: usize,
    folder: PathBuf,
    java: Vec<String>,
    process: Option<Process>,
    starts: u32,
}

impl Broker {
    /// Writes its configuration; [`Broker::format`] comes next.
    pub fn new(
        node: usize,
        folder: PathBuf,
        java: &[String],
        properties: &[(String, String)],
    ) -> Broker {
        fs::create_dir_all(&folder).unwrap();
        let common = repository().join("integration-tests/kafka/server.properties");
        let mut text = fs::read_to_string(common).unwrap();
        let own = [
            ("node.id".to_owned(), node.to_string()),
            (
                "log.dirs".to_owned(),
                folder.join("data").display().to_string(),
            ),
        ];
        for (name, value) in own.iter().chain(properties) {
            text.push_str(&format!("{name}={value}\n"));
        }
        fs::write(folder.join("server.properties"), text).unwrap();
        Broker {
            node,
            folder,
            java: java.to_vec(),
            process: None,
            starts: 0,
        }
    }

    /// Prepares its data folder, unless that is so already.
    pub fn format(&self, cluster_id: &str, users: &[String]) {
        if self.folder.join("data/meta.properties").exists() {
            return;
        }
        let mut command = java(&[], "kafka.tools.StorageTool");
        command.args(["format", "-t", cluster_id, "-c"]);
        command.arg(self.folder.join("server.properties"));
        for user in users {
            command.args(["--add-scram", user]);
        }
        let done = command
            .output()
            .expect("java is needed; `.ci/services` installs it");
        assert!(
            done.status.success(),
            "formatting broker {}: {}{}",
            self.node,
            String::from_utf8_lossy(&done.stdout),
            String::from_utf8_lossy(&done.stderr)
        );
    }

    /// Starts the process and does not wait.
    ///
    /// # Panics
    /// When it runs already.
    pub fn start(&mut self) {
        assert!(!self.is_running(), "broker {} runs already", self.node);
        self.starts += 1;
        let mut command = java(&self.java, "kafka.Kafka");
        command.arg(self.folder.join("server.properties"));
        let log = self.folder.join(format!("start-{}.log", self.starts));
        let name = format!("broker {}", self.node);
        self.process = Some(Process::spawn(&name, command, log));
    }

    /// # Panics
    /// When it does not run, or is not ready in time.
    pub fn wait(&mut self) {
        let process = self.running();
        let log = process.log().to_owned();
        process.wait_until(PATIENCE, || {
            let text = fs::read(&log).unwrap_or_default();
            String::from_utf8_lossy(&text).contains(READY)
        });
    }

    pub fn kill(&mut self) {
        self.running().kill();
        self.process = None;
    }

    pub fn stop(&mut self) {
        self.running().stop(STOP_PATIENCE);
        self.process = None;
    }

    pub fn signal(&mut self, signal: Signal) {
        self.running().signal(signal);
    }

    pub fn is_running(&mut self) -> bool {
        self.process.as_mut().is_some_and(Process::is_running)
    }

    pub fn log_tail(&self) -> String {
        self.process
            .as_ref()
            .map(Process::log_tail)
            .unwrap_or_default()
    }

    fn running(&mut self) -> &mut Process {
        let node = self.node;
        let process = self.process.as_mut();
        process.unwrap_or_else(|| panic!("broker {node} does not run"))
    }
}

/// Java with Kafka's jars, about to run this class.
pub fn java(options: &[String], class: &str) -> Command {
    let flags = repository().join("integration-tests/kafka/jvm.options");
    let mut command = tied("java");
    command.arg(format!("@{}", flags.display())).args(options);
    command.arg("-cp").arg(classes(&["broker"])).arg(class);
    command
}

/// Java about to run a class of this folder, with Kafka's clients and Avro.
pub fn java_consumer(folder: &Path, class: &str) -> Command {
    let mut command = tied("java");
    command.arg("-Dorg.slf4j.simpleLogger.defaultLogLevel=error");
    command.args(["-Dfile.encoding=UTF-8", "-Dstdout.encoding=UTF-8"]);
    let classes = format!("{}:{}", folder.display(), classes(CONSUMER));
    command.arg("-cp").arg(classes).arg(class);
    command
}

/// Java about to run a class of this folder, with Flink: 400 MB.
pub fn java_flink(folder: &Path, class: &str) -> Command {
    let mut command = tied("java");
    command.args(["-Xmx768m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]);
    command.arg("-Dorg.slf4j.simpleLogger.defaultLogLevel=error");
    command.args(["-Dfile.encoding=UTF-8", "-Dstdout.encoding=UTF-8"]);
    let classes = format!("{}:{}", folder.display(), classes(FLINK));
    command.arg("-cp").arg(classes).arg(class);
    command
}

/// The Java compiler about to compile a file with these sets of jars, into this folder.
pub fn compile(file: &Path, sets: &[&'static str], into: &Path) -> Command {
    let mut command = tied("javac");
    command.arg("-Xlint:all").arg("-cp").arg(classes(sets));
    command.arg("-d").arg(into).arg(file);
    command
}
