//! What managers see, in a real Chromium: the pages of a running demo, by mouse, without a script, and on a telephone. The script is
//! `integration-tests/browser/managers.mjs`; its screenshots go to `browser/managers` in the build's directory.

// In a test, what must not fail may end it.
#![allow(clippy::unwrap_used)]

#[path = "../processes/binary.rs"]
mod binary;

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use afterword_integration_tests::browser::Script;
use afterword_integration_tests::kafka::free_ports;
use serde_json::Value;
use tempfile::TempDir;

/// How long the demo may take to make its history.
const PATIENCE: Duration = Duration::from_secs(180);
const LOOK: Duration = Duration::from_millis(200);

/// A demo that ends with this value, and its directory with it.
struct Demo {
    process: Child,
    _directory: TempDir,
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _: std::io::Result<()> = self.process.kill();
        let _: std::io::Result<std::process::ExitStatus> = self.process.wait();
    }
}

/// The rate is high enough for ratings to arrive while the pages are looked at.
fn demo(reports: &str, operations: &str) -> Demo {
    let directory = tempfile::tempdir().unwrap();
    let mut command = Command::new(binary::path());
    command.args(["demo", "--conversations", "4000", "--rate", "3"]);
    command.args([
        "--reports-listen",
        reports,
        "--operations-listen",
        operations,
    ]);
    command.arg("--data-dir").arg(directory.path().join("data"));
    command.stdout(Stdio::null()).stdin(Stdio::null());
    Demo {
        process: command.spawn().unwrap(),
        _directory: directory,
    }
}

/// Whether the history is there and live traffic has begun: then somebody has been happy today.
fn is_alive(summary: &str) -> bool {
    let agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .proxy(None)
        .build();
    let answer = ureq::Agent::new_with_config(agent).get(summary).call();
    let Ok(mut answer) = answer else { return false };
    let page = answer.body_mut().read_to_string().unwrap_or_default();
    answer.status() == 200 && !page.contains("<span class=\"number\">0</span>")
}

#[test]
fn a_managers_day() {
    let ports = free_ports(2);
    let [reports, operations] = [0, 1].map(|at| format!("127.0.0.1:{}", ports[at]));
    let mut demo = demo(&reports, &operations);
    let (address, began) = (format!("http://{reports}"), Instant::now());
    while !is_alive(&format!("{address}/acme/summary")) {
        assert!(demo.process.try_wait().unwrap().is_none(), "the demo ended");
        assert!(began.elapsed() < PATIENCE, "the demo has no history yet");
        std::thread::sleep(LOOK);
    }
    let _: Value = Script::new("managers", "managers")
        .with("address", address)
        .run();
}
