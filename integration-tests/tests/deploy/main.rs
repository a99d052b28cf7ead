//! What operators get from `deploy/`, each checked by what will read it: the image's Dockerfile, the Compose files, the Helm chart, the
//! systemd unit, the Debian package, and what watches a running service: dashboards and alerts, on a real Prometheus.

// In a test, what must not fail may end it.
#![allow(clippy::unwrap_used)]

mod api;
#[allow(dead_code)]
#[path = "../processes/binary.rs"]
mod binary;
mod broken;
mod customers;
mod files;
#[allow(dead_code)]
#[path = "../processes/http.rs"]
mod http;
mod panels;
#[allow(dead_code)]
#[path = "../processes/peers.rs"]
mod peers;
#[allow(dead_code)]
#[path = "../processes/place.rs"]
mod place;
mod prometheus;
mod rules;
#[allow(dead_code)]
#[path = "../processes/service.rs"]
mod service;

use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder of the whole project.
fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .canonicalize()
        .unwrap()
}

/// Runs a command, in the project's folder unless it names another; returns what it printed when it ends well, and everything otherwise.
fn run(command: &mut Command) -> Result<String, String> {
    let named = format!("{command:?}");
    if command.get_current_dir().is_none() {
        command.current_dir(top());
    }
    let output = command
        .output()
        .map_err(|error| format!("{named}: {error}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match output.status.success() {
        true => Ok(text(&output.stdout)),
        false => Err(format!(
            "{named}: {}\n{}{}",
            output.status,
            text(&output.stdout),
            text(&output.stderr)
        )),
    }
}

/// Runs a command that has to end well.
fn must(command: &mut Command) -> String {
    run(command).unwrap_or_else(|problem| panic!("{problem}"))
}
