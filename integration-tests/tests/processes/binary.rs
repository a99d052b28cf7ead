//! Where the program is. It belongs to another package, so cargo does not tell these tests.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::SystemTime;

/// Folders of the packages that the program is made of.
const SOURCES: [&str; 2] = ["schemas", "processor"];
/// Files outside them that matter as well.
const GROUND: [&str; 3] = ["Cargo.toml", "Cargo.lock", "rust-toolchain.toml"];

/// The program: `AFTERWORD_BIN`, or the one beside this test, built anew when any of its sources is younger.
///
/// `cargo test --workspace` has built it a moment ago; `cargo test -p afterword-integration-tests` has not.
pub fn path() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| match std::env::var_os("AFTERWORD_BIN") {
        Some(given) => given_path(Path::new(&given)),
        None => built(),
    })
}

fn given_path(given: &Path) -> PathBuf {
    // Relative to where the person stands who typed it, which cargo does not keep: so it must not be.
    assert!(
        given.is_absolute() && given.is_file(),
        "AFTERWORD_BIN must be the absolute path of a program, and it is {given:?}"
    );
    given.to_owned()
}

fn built() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let profile = test
        .ancestors()
        .nth(2)
        .expect("tests run in TARGET/PROFILE/deps");
    let binary = profile.join("afterword");
    if is_stale(&binary) {
        build(profile);
    }
    assert!(
        binary.is_file(),
        "there is no {}; build it with `cargo build -p afterword`, or name one with AFTERWORD_BIN",
        binary.display()
    );
    binary
}

fn is_stale(binary: &Path) -> bool {
    let Ok(made) = fs::metadata(binary).and_then(|found| found.modified()) else {
        return true;
    };
    let ground = GROUND
        .iter()
        .map(|name| root().join(name))
        .filter_map(|path| time_of(&path));
    let sources = SOURCES
        .iter()
        .filter_map(|folder| youngest(&root().join(folder)));
    ground.chain(sources).any(|changed| changed > made)
}

fn time_of(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|found| found.modified()).ok()
}

/// When the last file below this folder changed, those left out that are not part of the program.
fn youngest(folder: &Path) -> Option<SystemTime> {
    let entries = fs::read_dir(folder).ok()?.flatten();
    let times = entries.filter_map(|entry| {
        let path = entry.path();
        let name = entry.file_name();
        match path.is_dir() {
            true if ["tests", "benches", "scenarios", "fuzz"]
                .iter()
                .any(|other| name == *other) =>
            {
                None
            }
            true => youngest(&path),
            false => time_of(&path),
        }
    });
    times.max()
}

/// Cargo's lock is free while tests run.
fn build(profile: &Path) {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let name = profile
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or("debug");
    let target = profile.parent().expect("a target directory");
    eprintln!("the program is missing or older than its sources: cargo build -p afterword");
    let mut command = Command::new(cargo);
    command
        .current_dir(root())
        .args(["build", "--package", "afterword", "--target-dir"])
        .arg(target);
    command.args(["--profile", if name == "debug" { "dev" } else { name }]);
    let status = command.status();
    assert!(
        status.as_ref().is_ok_and(std::process::ExitStatus::success),
        "the program could not be built ({status:?}): do it with `cargo build -p afterword`, or name one with AFTERWORD_BIN"
    );
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
