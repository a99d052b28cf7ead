//! Real Apache Kafka brokers for tests, each in a process of its own on random ports of the loopback device, and a real schema registry.
//!
//! Needed: Java 17 or later; the jars are fetched once, by `.ci/kafka`, from Maven Central. `.ci/services` installs and fetches everything.

mod broker;
mod certificates;
mod cluster;
mod options;
mod ports;
mod process;
mod registry;
mod tools;
mod worker;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

pub use broker::{CONSUMER, FLINK, compile, java_consumer, java_flink};
pub use certificates::Certificates;
pub use cluster::Cluster;
pub use options::{Options, PASSWORD, Security, USER};
pub use ports::{addresses, free_ports};
pub use process::{Process, tied};
pub use registry::Registry;
pub use tools::Consumed;
pub use worker::{WORKER, Worker, plugins};

/// The top of the checkout.
pub fn repository() -> &'static Path {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package
        .parent()
        .expect("the package lies in the repository")
}

/// The folder that `.ci/kafka` keeps this set of jars in.
fn jars(set: &'static str) -> PathBuf {
    static KNOWN: Mutex<BTreeMap<&str, PathBuf>> = Mutex::new(BTreeMap::new());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let fetch = || {
        let done = Command::new(repository().join(".ci/kafka"))
            .arg(set)
            .output();
        let done = done.expect("bash is needed for .ci/kafka");
        let errors = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), ".ci/kafka {set}: {errors}");
        PathBuf::from(String::from_utf8_lossy(&done.stdout).trim())
    };
    known.entry(set).or_insert_with(fetch).clone()
}

/// All jars of these sets, as Java wants them.
pub fn classes(sets: &[&'static str]) -> String {
    let each = sets.iter().map(|set| jars(set).join("*"));
    let texts: Vec<String> = each.map(|path| path.display().to_string()).collect();
    texts.join(":")
}
