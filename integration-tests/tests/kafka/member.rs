//! One process of the program: started, stopped, frozen and killed as often as it takes, on one data directory.

use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use afterword_integration_tests::kafka::tied;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::http::{Answer, Client};
use crate::wait::until;

/// How long a process may take to end after SIGTERM; the program itself gives up after 30 s.
const STOP: Duration = Duration::from_secs(45);
/// How long a process may take to answer after its start.
const START: Duration = Duration::from_secs(60);

/// A process of the program; killed when this value goes.
pub struct Member {
    pub name: String,
    program: PathBuf,
    data: PathBuf,
    /// Where what it prints goes, a file a start.
    prints: PathBuf,
    child: Option<Child>,
    starts: u32,
    frozen: bool,
    client: Client,
}

impl Member {
    /// Nothing runs yet. `ground` is where its data directory and what it prints will be.
    pub fn new(name: &str, program: &Path, ground: &Path) -> Member {
        Member {
            name: name.to_owned(),
            program: program.to_owned(),
            data: ground.join(name),
            prints: ground.to_owned(),
            child: None,
            starts: 0,
            frozen: false,
            client: Client::new(),
        }
    }

    /// Starts it with these arguments, and with defences switched off when any are named.
    pub fn start(&mut self, arguments: &[String], defences_off: &str) {
        assert!(self.child.is_none(), "{} runs already", self.name);
        self.starts += 1;
        fs::create_dir_all(&self.data).unwrap();
        let mut command = program(&self.program);
        command.args(arguments).arg("--data-dir").arg(&self.data);
        command.args([
            "--set",
            &format!("kafka.properties.client.id={}", self.name),
        ]);
        if !defences_off.is_empty() {
            command.env("KAFKA_DEFENCE_OFF", defences_off);
        }
        command.stdin(Stdio::null());
        command.stdout(Stdio::null());
        command.stderr(File::create(self.prints_now()).unwrap());
        let child = command.spawn();
        self.child =
            Some(child.unwrap_or_else(|error| panic!("{}: {error}", self.program.display())));
    }

    fn prints_now(&self) -> PathBuf {
        self.prints
            .join(format!("{}.{:04}.log", self.name, self.starts))
    }

    pub fn is_running(&self) -> bool {
        self.child.is_some()
    }

    pub fn is_frozen(&self) -> bool {
        self.frozen
    }

    /// Fails the test when the process has ended by itself.
    pub fn must_run(&mut self) {
        let Some(child) = &mut self.child else {
            return;
        };
        if let Some(status) = child.try_wait().unwrap() {
            panic!(
                "{} ended by itself with {status}; it said:\n{}",
                self.name,
                self.last_words()
            );
        }
    }

    fn signal(&self, signal: Signal) {
        let child = self.child.as_ref().expect("a running process");
        kill_process(Pid::from_child(child), signal).unwrap();
    }

    /// SIGKILL. A process that had ended by itself is a failure.
    pub fn kill(&mut self) {
        self.must_run();
        let mut child = self.child.take().expect("a running process");
        child.kill().unwrap();
        child.wait().unwrap();
        self.frozen = false;
    }

    /// SIGSTOP: it does nothing any more, and does not know.
    pub fn freeze(&mut self) {
        self.must_run();
        self.signal(Signal::STOP);
        self.frozen = true;
    }

    /// SIGCONT: it goes on as if nothing had been.
    pub fn thaw(&mut self) {
        self.signal(Signal::CONT);
        self.frozen = false;
    }

    /// SIGTERM, not waited for.
    pub fn terminate(&mut self) {
        self.must_run();
        self.signal(Signal::TERM);
    }

    /// SIGTERM; it has to end well.
    pub fn stop(&mut self) {
        self.terminate();
        self.must_end_well();
    }

    /// After [`Member::terminate`].
    fn must_end_well(&mut self) {
        let status = self.wait_for_end(STOP);
        // So early that it did not listen for signals yet.
        let had_begun = !self.said().is_empty();
        assert!(
            status.success() || !had_begun && status.signal() == Some(15),
            "{} ended with {status} after SIGTERM; it said:\n{}",
            self.name,
            self.last_words()
        );
    }

    /// Waits for an end that somebody asked for.
    pub fn wait_for_end(&mut self, at_most: Duration) -> ExitStatus {
        let began = Instant::now();
        loop {
            let child = self.child.as_mut().expect("a running process");
            if let Some(status) = child.try_wait().unwrap() {
                self.child = None;
                self.frozen = false;
                return status;
            }
            assert!(
                began.elapsed() < at_most,
                "{} did not end in {at_most:?}; it said:\n{}",
                self.name,
                self.last_words()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// What its file says, once it is there.
    fn addresses(&self) -> Option<Value> {
        let text = fs::read(self.data.join("service.json")).ok()?;
        let file: Value = serde_json::from_slice(&text).ok()?;
        // A process that was killed has left its own behind.
        let pid = self.child.as_ref()?.id();
        (file["pid"] == pid).then_some(file)
    }

    /// Where events are posted.
    pub fn events_url(&self) -> Option<String> {
        let file = self.addresses()?;
        Some(format!(
            "http://{}/api/v1/events",
            file["reports"].as_str()?
        ))
    }

    /// Something of its operations listener.
    pub fn get(&self, path: &str) -> Option<Answer> {
        let file = self.addresses()?;
        let url = format!("http://{}{path}", file["operations"].as_str()?);
        self.client.get(&url).ok()
    }

    /// The value of a metric, all labels together.
    pub fn metric(&self, name: &str) -> Option<f64> {
        let text = self.get("/metrics")?.body;
        let values = text.lines().filter_map(|line| {
            let rest = line.strip_prefix(name)?;
            let value = match rest.strip_prefix('{') {
                Some(labelled) => labelled.rsplit_once("} ")?.1,
                None => rest.strip_prefix(' ')?,
            };
            value.parse::<f64>().ok()
        });
        values.fold(None, |sum, value| Some(sum.unwrap_or(0.0) + value))
    }

    pub fn wait_until_it_answers(&mut self) {
        let answers = until(START, || {
            self.must_run();
            let answer = self.get("/livez");
            answer.is_some_and(|answer| answer.status == 200)
        });
        assert!(
            answers,
            "{} does not answer; it said:\n{}",
            self.name,
            self.last_words()
        );
    }

    fn said(&self) -> String {
        let said = fs::read(self.prints_now()).unwrap_or_default();
        String::from_utf8_lossy(&said).into_owned()
    }

    /// The end of what it said since its latest start.
    pub fn last_words(&self) -> String {
        let said = self.said();
        // On one broker that is so, and said at every start.
        let warned = |line: &&str| !line.contains("replication factor: expected 3");
        let lines: Vec<&str> = said.lines().filter(warned).collect();
        let last = lines[lines.len().saturating_sub(12)..].iter();
        last.map(|line| line.chars().take(500).collect::<String>())
            .collect::<Vec<_>>()
            .join("\n")
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        if std::thread::panicking() && self.child.is_some() {
            eprintln!("--- {} said:\n{}", self.name, self.last_words());
        }
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The program, without what is meant for these tests. It dies with the test.
pub fn program(path: &Path) -> Command {
    let mut command = tied(path.to_str().expect("a path of UTF-8"));
    for (variable, _) in std::env::vars_os() {
        let name = variable.to_string_lossy();
        if name.starts_with("AFTERWORD_") || name == "KAFKA_DEFENCE_OFF" {
            command.env_remove(&variable);
        }
    }
    command
}
