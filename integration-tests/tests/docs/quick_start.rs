//! `docs/quick-start.md`, run from its first command to its last as it stands there.

use std::fs;

use afterword_integration_tests::examples;
use afterword_integration_tests::kafka::repository;

use crate::stage::{CHAT, CUSTOMER, SERVICE, Stage};

/// The commands of the page as a script.
fn script() -> String {
    let mut script = String::new();
    let commands = examples::commands("quick-start.md");
    assert!(commands.len() > 12, "{commands:?}");
    for command in commands {
        let is_service = command.starts_with("afterword run") && !command.contains("--drain");
        script.push_str(&command);
        if command == "python3 chat.py" {
            script.push_str(CHAT);
        } else if is_service {
            script.push_str(SERVICE);
        } else if command.starts_with("curl") {
            script.push_str(CUSTOMER);
        }
        script.push('\n');
    }
    script
}

#[test]
fn the_quick_start_leads_to_a_rating() {
    let stage = Stage::new();
    fs::create_dir(stage.path().join("docs")).unwrap();
    let facts = repository().join("docs/example.ndjson");
    fs::copy(facts, stage.path().join("docs/example.ndjson")).unwrap();
    let printed = stage.run(&script());
    for words in [
        "\"accepted\":4",
        "✗  no_teammate_reply",
        "Conversation mine of workspace w1",
        "Proven: nothing missing, nothing twice",
    ] {
        assert!(printed.contains(words), "no {words:?}: {printed}");
    }
}
