//! `docs/sources/README.md`, "Try it without a help desk": its commands as they stand there lead to a rating.

use std::fs;
use std::os::unix::fs::symlink;

use afterword_integration_tests::examples;
use afterword_integration_tests::kafka::repository;

use crate::stage::{CHAT, CUSTOMER, SERVICE, Stage};

const PAGE: &str = "sources/README.md";

#[test]
fn recorded_webhooks_of_a_help_desk_lead_to_a_rating() {
    let stage = Stage::new();
    symlink(
        repository().join("processor"),
        stage.path().join("processor"),
    )
    .unwrap();
    let configuration = &examples::blocks(PAGE, "toml")[0];
    fs::write(stage.path().join("desk.toml"), configuration).unwrap();
    let blocks = examples::blocks(PAGE, "sh");
    let [service, desk] = &blocks[..] else {
        panic!("expected the service and the help desk, found {blocks:#?}")
    };
    let service = service.trim_end();
    let printed = stage.run(&format!(
        "python3 chat.py{CHAT}\n{service}{SERVICE}\n{desk}{CUSTOMER}afterword explain 215469000000123\n"
    ));
    for words in [
        "{\"facts\":2}",
        "\"conversation_id\":\"215469000000123\"",
        "Request sent",
        "great",
    ] {
        assert!(printed.contains(words), "no {words:?}: {printed}");
    }
}
