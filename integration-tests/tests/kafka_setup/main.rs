//! Setting Kafka up for the program, against real brokers: `topics create|check`, what `run` refuses, TLS and SASL.

// In a test, what must not fail may end it.
#![allow(clippy::unwrap_used)]

#[path = "../processes/binary.rs"]
mod binary;
mod secure;
mod topics;

use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tempfile::TempDir;

/// One cluster at a time: several at once on a small machine would only be slow.
fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The program on a Kafka, with a directory and a configuration of its own.
struct Program {
    folder: TempDir,
}

/// How a command ended.
#[derive(Debug)]
struct Ended {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Program {
    /// With these servers and properties of librdkafka, all told in a file.
    fn new(servers: &str, properties: &[(String, String)]) -> Program {
        let mut text = format!(
            "[log]\nkind = \"kafka\"\n[reports]\nlisten = \"127.0.0.1:0\"\n[operations]\nlisten = \"127.0.0.1:0\"\n[kafka]\nbootstrap_servers = \"{servers}\"\n[kafka.properties]\n"
        );
        for (name, value) in properties {
            text.push_str(&format!("\"{name}\" = {value:?}\n"));
        }
        let folder = tempfile::Builder::new()
            .prefix("afterword-")
            .tempdir()
            .unwrap();
        std::fs::write(folder.path().join("a.toml"), text).unwrap();
        Program { folder }
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        let mut command = Command::new(binary::path());
        for (variable, _) in std::env::vars_os() {
            // What is meant for these tests is no key of the program's configuration.
            if variable.to_string_lossy().starts_with("AFTERWORD_") {
                command.env_remove(variable);
            }
        }
        command
            .args(arguments)
            .arg("--config")
            .arg(self.folder.path().join("a.toml"))
            .arg("--data-dir")
            .arg(self.folder.path().join("data"))
            .stdin(Stdio::null());
        let done = command.output().unwrap();
        Ended {
            code: done.status.code(),
            out: String::from_utf8_lossy(&done.stdout).into_owned(),
            err: String::from_utf8_lossy(&done.stderr).into_owned(),
        }
    }

    /// As [`Program::run`], and it must succeed; returns what was printed.
    fn must(&self, arguments: &[&str]) -> String {
        let ended = self.run(arguments);
        assert_eq!(ended.code, Some(0), "{arguments:?} {ended:?}");
        ended.out
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }
}
