//! A mail server and receivers of webhooks and of traces: real ones, in Python, with libraries of others.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use serde_json::Value;

/// A program that ends when this value goes.
pub struct Peer {
    child: Child,
    /// Its end is the program's.
    _input: ChildStdin,
    taken: PathBuf,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deliver")
}

/// The Python that has what they import, fetched when it is not there.
fn python() -> &'static str {
    static PYTHON: OnceLock<String> = OnceLock::new();
    PYTHON.get_or_init(|| {
        let fetched = Command::new(folder().join("fetch"))
            .stderr(Stdio::inherit())
            .output();
        let fetched = fetched.unwrap();
        assert!(
            fetched.status.success(),
            "integration-tests/deliver/fetch failed"
        );
        String::from_utf8(fetched.stdout).unwrap().trim().to_owned()
    })
}

impl Peer {
    /// Starts a script of this folder, and waits until it listens. `taken` is the file that it writes to.
    fn start(script: &str, port: u16, taken: &Path, arguments: &[&str]) -> Peer {
        let mut child = Command::new(python())
            .arg(folder().join(script))
            .arg(port.to_string())
            .arg(taken)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let stdout = child.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        assert_eq!(line.trim(), "ready", "{script} did not start");
        Peer {
            _input: child.stdin.take().unwrap(),
            child,
            taken: taken.to_owned(),
        }
    }

    /// What it took so far.
    pub fn taken(&self) -> Vec<Value> {
        let text = fs::read_to_string(&self.taken).unwrap_or_default();
        // The last line may still be written.
        let lines = text
            .split_inclusive('\n')
            .filter(|line| line.ends_with('\n'));
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// Waits until it took so many, at most a minute.
    pub fn wait_for(&self, count: usize) -> Vec<Value> {
        let began = Instant::now();
        loop {
            let taken = self.taken();
            if taken.len() >= count {
                return taken;
            }
            let waited = began.elapsed();
            assert!(
                waited < Duration::from_secs(60),
                "expected {count}, taken {taken:#?}"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port that nobody listens on now.
pub fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// The mail server, with arguments as its script says.
pub fn mail_server(port: u16, taken: &Path, arguments: &[&str]) -> Peer {
    Peer::start("mail_server.py", port, taken, arguments)
}

/// The receiver, which tries each of these secrets.
pub fn receiver(port: u16, taken: &Path, secrets: &[&str]) -> Peer {
    Peer::start("receiver.py", port, taken, secrets)
}

/// The receiver of traces.
pub fn trace_receiver(port: u16, taken: &Path) -> Peer {
    Peer::start("traces.py", port, taken, &[])
}
