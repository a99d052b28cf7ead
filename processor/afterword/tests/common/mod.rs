//! Runs the real program on a data directory of its own.
#![allow(dead_code)]

use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(60);

/// A directory, and the program on it.
pub struct Home {
    directory: tempfile::TempDir,
}

/// What a command printed and how it ended.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

/// A service that runs; killed when the test forgets to stop it.
pub struct Running {
    child: Child,
    pub reports: String,
    pub operations: String,
}

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_afterword"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("AFTERWORD_") {
            command.env_remove(name);
        }
    }
    command
}

fn ended(output: Output) -> Ended {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    Ended {
        code: output.status.code(),
        out: text(output.stdout),
        err: text(output.stderr),
    }
}

impl Ended {
    /// Every line of the output as JSON.
    pub fn lines(&self) -> Vec<Value> {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.out
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect()
    }

    /// The whole output as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

impl Home {
    pub fn new() -> Home {
        Home {
            directory: tempfile::tempdir().expect("a directory"),
        }
    }

    pub fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// Writes a file beside the data directory.
    pub fn file(&self, name: &str, text: &str) -> String {
        let path = self.directory.path().join(name);
        std::fs::write(&path, text).expect("written");
        path.to_str().expect("UTF-8").to_owned()
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = program();
        command
            .args(arguments)
            .arg("--data-dir")
            .arg(self.data())
            .current_dir(self.directory.path());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ended {
        ended(
            self.command(arguments)
                .stdin(Stdio::null())
                .output()
                .expect("it ran"),
        )
    }

    pub fn run_with_input(&self, arguments: &[&str], input: &str) -> Ended {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it started");
        let mut stdin = child.stdin.take().expect("a pipe");
        stdin.write_all(input.as_bytes()).expect("written");
        drop(stdin);
        ended(child.wait_with_output().expect("it ran"))
    }

    /// Runs it with these variables set.
    pub fn run_with_environment(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Ended {
        let mut command = self.command(arguments);
        command.envs(variables.iter().copied());
        ended(command.output().expect("it ran"))
    }

    /// Starts a service on free ports and waits until it is found.
    pub fn start(&self) -> Running {
        let arguments = [
            "run",
            "--survey-listen",
            "127.0.0.1:0",
            "--reports-listen",
            "127.0.0.1:0",
            "--operations-listen",
            "127.0.0.1:0",
        ];
        let mut command = self.command(&arguments);
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it started");
        let nowhere = String::new();
        let mut running = Running {
            child,
            reports: nowhere.clone(),
            operations: nowhere,
        };
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            let file = std::fs::read(self.data().join("service.json")).unwrap_or_default();
            let file = serde_json::from_slice::<Value>(&file).unwrap_or_default();
            if file["pid"] == running.child.id() {
                let address =
                    |name: &str| format!("http://{}", file[name].as_str().expect("an address"));
                running.reports = address("reports");
                running.operations = address("operations");
                return running;
            }
            let ended = running.child.try_wait().expect("a process");
            assert_eq!(ended, None, "the service ended");
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("the service did not start");
    }
}

impl Running {
    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        let id = Pid::from_child(&self.child);
        kill_process(id, signal).expect("the process is there");
    }

    /// Waits for the end, and says how it was.
    pub fn wait(mut self) -> Option<i32> {
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            if let Some(status) = self.child.try_wait().expect("a process") {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("the service did not end");
    }

    /// Tells it to stop and waits.
    pub fn stop(self) {
        self.signal(Signal::TERM);
        assert_eq!(self.wait(), Some(0));
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A GET: status and body.
pub fn get(url: &str) -> (u16, String) {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .build()
        .into();
    let mut answer = agent.get(url).call().expect("an answer");
    (
        answer.status().as_u16(),
        answer.body_mut().read_to_string().expect("text"),
    )
}

/// A POST: status and body as JSON.
pub fn post(url: &str, kind: &str, body: &str) -> (u16, Value) {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .build()
        .into();
    let mut answer = agent
        .post(url)
        .content_type(kind)
        .send(body)
        .expect("an answer");
    let text = answer.body_mut().read_to_string().expect("text");
    (
        answer.status().as_u16(),
        serde_json::from_str(&text).unwrap_or_default(),
    )
}

/// Tries until it is true.
pub fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while Instant::now() < until {
        if is_so() {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("did not happen in time: {what}");
}

/// Facts written by hand: one conversation that is asked, rated, commented and locked, and one that is not asked.
pub fn facts() -> String {
    let long = "x".repeat(240);
    [
        r#"{"event_id":"e1","workspace_id":"w1","conversation_id":"c1","occurred_at":"2026-03-01T09:00:00.000Z","type":"conversation_started","origin":"customer_initiated","initiator":{"kind":"user","id":"u1"},"channel":"messenger"}"#.to_owned(),
        format!(r#"{{"event_id":"e2","workspace_id":"w1","conversation_id":"c1","occurred_at":"2026-03-01T09:00:01.000Z","type":"message_added","author":{{"kind":"user","id":"u1"}},"text":"{long}"}}"#),
        r#"{"event_id":"e3","workspace_id":"w1","conversation_id":"c1","occurred_at":"2026-03-01T10:00:00+01:00","type":"message_added","author":{"kind":"teammate","id":"anna"},"text":"Good morning!","format":"plain"}"#.to_owned(),
        r#"{"event_id":"e4","workspace_id":"w1","conversation_id":"c1","occurred_at":"2026-03-01T09:30:00.000Z","type":"conversation_closed","by":{"kind":"teammate","id":"anna"}}"#.to_owned(),
        r#"{"event_id":"e5","workspace_id":"w1","conversation_id":"c1","occurred_at":"2026-03-01T09:40:00.000Z","type":"reaction_selected","request_id":"REQUEST","customer_id":"u1","reaction":"great"}"#.replace("REQUEST", &request_id()),
        format!(r#"{{"event_id":"e6","workspace_id":"w1","conversation_id":"c1","occurred_at":"2026-03-01T09:41:00.000Z","type":"comment_left","request_id":"{}","customer_id":"u1","text":" Thanks! "}}"#, request_id()),
        format!(r#"{{"event_id":"e7","workspace_id":"w1","conversation_id":"c1","occurred_at":"2026-03-01T09:42:00.000Z","type":"reaction_selected","request_id":"{}","customer_id":"u1","reaction":"bad"}}"#, request_id()),
        r#"{"event_id":"f1","workspace_id":"w1","conversation_id":"c2","occurred_at":"2026-03-01T09:00:00.000Z","type":"message_added","author":{"kind":"lead","id":"l1"},"text":"Hi","visibility":null}"#.to_owned(),
        r#"{"event_id":"f2","workspace_id":"w1","conversation_id":"c2","occurred_at":"2026-03-01T09:05:00.000Z","type":"conversation_closed","by":{"kind":"bot","id":"b1"}}"#.to_owned(),
    ]
    .map(|line| line + "\n")
    .concat()
}

/// The id of the request of conversation c1 of workspace w1.
pub fn request_id() -> String {
    uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_URL, b"afterword\0w1\0c1").to_string()
}
