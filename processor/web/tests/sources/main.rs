//! Webhooks of help desks: payloads as their documentation and integrations show them, shortened and with invented people.
//!
//! `DESK/NN-….json` is a conversation that ends in a request for a rating, `DESK/others/` is what else may come, and
//! `DESK/facts.txt` and `DESK/others.txt` say which facts they give.

#![allow(clippy::unwrap_used, reason = "tests")]

mod conversations;
mod mapping;
mod receiving;
mod world;

use std::path::{Path, PathBuf};

use afterword_web::sources::SourceKind;
use serde_json::Value;

/// A webhook: the name of its file, and its bytes.
pub struct Webhook {
    pub name: String,
    pub body: Vec<u8>,
}

impl Webhook {
    pub fn value(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// Where a desk's payloads lie.
pub fn folder(kind: SourceKind) -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sources");
    tests.join(kind.name())
}

/// The webhooks of a folder in the order of their names.
pub fn webhooks(folder: &Path) -> Vec<Webhook> {
    let entries = std::fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|kind| kind == "json"))
        .collect();
    paths.sort();
    assert!(!paths.is_empty(), "{folder:?}");
    let read = |path: PathBuf| Webhook {
        name: path.file_stem().unwrap().to_str().unwrap().to_owned(),
        body: std::fs::read(path).unwrap(),
    };
    paths.into_iter().map(read).collect()
}
