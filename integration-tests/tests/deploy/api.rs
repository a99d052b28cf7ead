//! The JSON API against its own OpenAPI document: requests of every kind, made by schemathesis, to a running service.

use std::fs;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::customers::free_port;
use crate::place::Place;
use crate::service::Service;
use crate::{must, top};

/// What each answer is held against. Left out: that whatever fits the document's schemas is taken, for more is asked of a period, a
/// cursor or an address than a schema can say; then the answer is one of the 4xx that the document names.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,\
     response_schema_conformance,negative_data_rejection,unsupported_method,allow_header_conformance";
/// Requests of random content for each operation.
const EXAMPLES: &str = "30";

/// Runs it; ids in paths are these, or any.
fn hold_against_the_document(place: &Place, service: &Service, ids: &[(&str, &str)]) {
    let environment = must(&mut Command::new(top().join(".ci/checkers")));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("schemathesis.toml");
    let mut text = "[parameters]\n".to_owned();
    for (name, id) in ids {
        text.push_str(&format!("\"path.{name}\" = \"{id}\"\n"));
    }
    fs::write(&file, text).unwrap();
    let address = service
        .events_url()
        .unwrap()
        .replace("/events", "/openapi.json");
    let mut command = Command::new(format!("{}/bin/st", environment.trim()));
    command
        // It leaves files behind where it runs.
        .current_dir(folder.path())
        .arg("--config-file")
        .arg(&file)
        .args(["run", address.as_str()])
        .args(["--checks", CHECKS, "--max-examples", EXAMPLES])
        .args(["--phases", "examples,coverage,fuzzing"])
        .args(["--continue-on-failure", "--warnings", "off"])
        .args(["--suppress-health-check", "all"])
        .arg("--generation-deterministic")
        // A stream has no end to wait for.
        .args(["--exclude-path-regex", "/stream$"]);
    println!("{}", must(&mut command));
    let ready = service.get("/readyz").unwrap();
    assert_eq!(ready.status, 200, "{}", ready.body);
    drop(place.must(&["verify"]));
}

#[test]
fn the_api_does_as_its_document_says() {
    // With traces on, the header that puts facts into one is read too; nobody takes the spans, which impedes nothing.
    let nobody = format!("http://127.0.0.1:{}", free_port());
    let place = Place::new().with("telemetry.otlp_endpoint", nobody);
    let service = place.serve(&[]);
    service.wait_until_ready(Duration::from_secs(60));
    place.must(&["simulate", "--conversations", "200", "--days", "20"]);
    service.wait_for("a rating", Duration::from_secs(60), |_| {
        !place.tail("rating-submitted").is_empty()
    });
    let ratings = place.tail("rating-submitted");
    let rating: Value = serde_json::from_str(&ratings[0]).unwrap();
    let text = |name: &str| rating[name].as_str().unwrap();
    hold_against_the_document(&place, &service, &[]);
    let there = [
        ("workspace", text("workspace_id")),
        ("request", text("request_id")),
        ("conversation", text("conversation_id")),
        ("file", "ratings.csv"),
    ];
    hold_against_the_document(&place, &service, &there);
}
