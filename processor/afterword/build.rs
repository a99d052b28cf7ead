//! Tells the program which commit it was built from, when that can be known.
//!
//! `cargo run` gives these variables to the program too: none may begin as those of its configuration do.
#![allow(clippy::disallowed_macros, reason = "cargo reads it")]

use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=BUILD_COMMIT");
    let given = std::env::var("BUILD_COMMIT")
        .ok()
        .filter(|commit| !commit.is_empty());
    let commit = given
        .or_else(of_git)
        .unwrap_or_else(|| "unknown".to_owned());
    let profile = std::env::var("PROFILE").unwrap_or_default();
    let target = std::env::var("TARGET").unwrap_or_default();
    println!("cargo::rustc-env=BUILT_FROM_COMMIT={commit}");
    println!("cargo::rustc-env=BUILT_WITH_PROFILE={profile}");
    println!("cargo::rustc-env=BUILT_FOR_TARGET={target}");
}

fn of_git() -> Option<String> {
    let output = Command::new("git")
        .args(["rev-parse", "--short=12", "HEAD"])
        .output()
        .ok()?;
    let commit = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| commit.trim().to_owned())
}
