//! A data directory, and the program called on it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use afterword_log::{EmbeddedLog, EmbeddedOptions};
use tempfile::TempDir;

use crate::binary;
use crate::service::Service;

/// Longest time that a command of a short test may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// A data directory with a configuration; all of it goes away with this value.
pub struct Place {
    /// Beside the data: what processes printed.
    ground: TempDir,
    data: PathBuf,
    /// Keys of the configuration.
    keys: Vec<(String, String)>,
    patience: Duration,
    started: AtomicU32,
}

/// How a command ended and what it printed.
pub struct Ran {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

impl Place {
    /// A new place with an empty data directory.
    pub fn new() -> Place {
        let ground = tempfile::Builder::new()
            .prefix("afterword-")
            .tempdir()
            .unwrap();
        let data = ground.path().join("data");
        Place {
            ground,
            data,
            keys: Vec::new(),
            patience: PATIENCE,
            started: AtomicU32::new(0),
        }
    }

    /// The same with the data somewhere else.
    pub fn with_data(mut self, data: &Path) -> Place {
        self.data = data.to_owned();
        self
    }

    /// The same with a key of the configuration set.
    pub fn with(mut self, key: &str, value: impl ToString) -> Place {
        self.keys.push((key.to_owned(), value.to_string()));
        self
    }

    /// The same with commands that may take so long.
    pub fn patient(mut self, patience: Duration) -> Place {
        self.patience = patience;
        self
    }

    /// The data directory.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// A file beside the data directory.
    pub fn file(&self, name: &str) -> PathBuf {
        self.ground.path().join(name)
    }

    /// Writes a file beside the data directory.
    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.file(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// The program with this place's configuration, its output going to files; returns their common name as well.
    pub fn command(&self, arguments: &[&str]) -> (Command, PathBuf) {
        let number = self.started.fetch_add(1, Ordering::Relaxed);
        let name = self.file(&format!("{number:04}-{}", arguments[0]));
        let mut command = Command::new(binary::path());
        for (variable, _) in std::env::vars_os() {
            // What is meant for these tests is no key of the program's configuration.
            if variable.to_string_lossy().starts_with("AFTERWORD_") {
                command.env_remove(variable);
            }
        }
        command.args(arguments).arg("--data-dir").arg(&self.data);
        for (key, value) in &self.keys {
            command.arg("--set").arg(format!("{key}={value}"));
        }
        command.stdin(Stdio::null());
        command.stdout(File::create(name.with_extension("out")).unwrap());
        command.stderr(File::create(name.with_extension("err")).unwrap());
        (command, name)
    }

    /// Starts the program and lets it run.
    pub fn spawn(&self, arguments: &[&str]) -> Running {
        self.spawn_with(arguments, |_| {})
    }

    /// The same, with the command changed before.
    pub fn spawn_with(&self, arguments: &[&str], change: impl FnOnce(&mut Command)) -> Running {
        let (mut command, name) = self.command(arguments);
        change(&mut command);
        let child = command
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", binary::path().display()));
        let arguments = arguments
            .iter()
            .take(12)
            .copied()
            .collect::<Vec<_>>()
            .join(" ");
        Running {
            child,
            name,
            arguments,
        }
    }

    /// Runs a command to its end.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        self.spawn(arguments).wait(self.patience)
    }

    /// Runs a command that has to succeed; returns what it printed.
    pub fn must(&self, arguments: &[&str]) -> String {
        let ran = self.run(arguments);
        assert!(
            ran.status.success(),
            "`afterword {}` ended with {}: {}",
            arguments.join(" "),
            ran.status,
            ran.stderr
        );
        ran.stdout
    }

    /// Imports files that have to be right.
    pub fn import(&self, file: &Path) {
        self.must(&["import", file.to_str().unwrap()]);
    }

    /// Adds versions of settings.
    pub fn put_settings(&self, file: &Path) {
        self.must(&["settings", "put", file.to_str().unwrap()]);
    }

    /// Decides and projects all there is.
    pub fn drain(&self) {
        self.must(&["run", "--drain"]);
    }

    /// The lines of a topic.
    pub fn tail(&self, topic: &str) -> Vec<String> {
        self.must(&["tail", topic])
            .lines()
            .map(str::to_owned)
            .collect()
    }

    /// Starts the service on free ports and waits until it answers.
    pub fn serve(&self, arguments: &[&str]) -> Service {
        let service = self.start(arguments);
        service.wait_until_it_answers();
        service
    }

    /// Starts the service on free ports.
    pub fn start(&self, arguments: &[&str]) -> Service {
        let free = [
            "run",
            "--survey-listen",
            "127.0.0.1:0",
            "--reports-listen",
            "127.0.0.1:0",
            "--operations-listen",
            "127.0.0.1:0",
        ];
        let arguments: Vec<&str> = free.iter().chain(arguments).copied().collect();
        Service::new(self.spawn(&arguments), &self.data)
    }

    /// The log itself, while no process has it open.
    pub fn log(&self) -> std::sync::Arc<EmbeddedLog> {
        EmbeddedLog::open(&self.data, EmbeddedOptions::default()).unwrap()
    }
}

/// A process of the program; killed when this value goes.
pub struct Running {
    child: Child,
    name: PathBuf,
    arguments: String,
}

impl Running {
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// SIGKILL, as a power failure of the process; returns how it ended, which may have been earlier.
    pub fn kill(&mut self) -> ExitStatus {
        self.child.kill().unwrap();
        self.child.wait().unwrap()
    }

    /// SIGTERM.
    pub fn terminate(&self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    }

    /// Waits until it ends; longer than this is a failure.
    pub fn wait(mut self, at_most: Duration) -> Ran {
        let status = self.wait_for_end(at_most);
        Ran {
            status,
            stdout: self.printed("out"),
            stderr: self.printed("err"),
        }
    }

    /// The same, to be asked afterwards.
    pub fn wait_for_end(&mut self, at_most: Duration) -> ExitStatus {
        let until = Instant::now() + at_most;
        loop {
            if let Some(status) = self.ended() {
                return status;
            }
            assert!(
                Instant::now() < until,
                "`afterword {}` did not end in {at_most:?}: {}",
                self.arguments,
                self.last_words()
            );
            std::thread::sleep(Duration::from_millis(3));
        }
    }

    /// How many lines of standard error have these words.
    pub fn times_said(&self, words: &str) -> usize {
        self.printed("err")
            .lines()
            .filter(|line| line.contains(words))
            .count()
    }

    fn printed(&self, stream: &str) -> String {
        String::from_utf8_lossy(&fs::read(self.name.with_extension(stream)).unwrap_or_default())
            .into_owned()
    }

    /// The end of what it said on standard error.
    pub fn last_words(&self) -> String {
        let said = self.printed("err");
        let lines: Vec<&str> = said.lines().collect();
        let last = lines[lines.len().saturating_sub(10)..].iter();
        last.map(|line| line.chars().take(400).collect::<String>())
            .collect::<Vec<_>>()
            .join("\n")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!(
                "--- `afterword {}` (pid {}) said:\n{}",
                self.arguments,
                self.pid(),
                self.last_words()
            );
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
