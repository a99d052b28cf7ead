//! The table of keys in `docs/operations.md` has each key's default, as the program says it.

use std::fs;
use std::process::Command;

use afterword_integration_tests::kafka::repository;
use serde_json::Value;

use crate::{binary, must};

#[test]
fn the_table_of_keys_has_the_programs_defaults() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(binary::path());
    command.args(["config", "check", "--json"]);
    command.env_clear().current_dir(folder.path());
    let keys: Value = serde_json::from_str(&must(&mut command)).unwrap();
    let keys = keys.as_object().unwrap();
    assert!(keys.len() > 40, "{} keys", keys.len());
    let page = fs::read_to_string(repository().join("docs/operations.md")).unwrap();
    for (key, said) in keys {
        assert_eq!(said["origin"], "default", "{key}");
        let default = match &said["value"] {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            Value::Array(list) if list.is_empty() => String::new(),
            other => other.to_string(),
        };
        let row = match default.as_str() {
            "" => format!("| `{key}` | |"),
            default => format!("| `{key}` | `{default}` |"),
        };
        assert!(
            page.contains(&row),
            "docs/operations.md: expected a row that begins with {row}"
        );
    }
}
