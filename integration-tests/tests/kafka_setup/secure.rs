//! A broker that demands TLS, and name and password: with them everything passes, without them the reason is told.

use afterword_integration_tests::kafka::{Cluster, Options, PASSWORD, Security};

use crate::{Program, alone};

/// The properties with one of them replaced, or left out.
fn other(
    properties: &[(String, String)],
    name: &str,
    value: Option<&str>,
) -> Vec<(String, String)> {
    let rest = properties.iter().filter(|(held, _)| held != name).cloned();
    let new = value.map(|value| (name.to_owned(), value.to_owned()));
    rest.chain(new).collect()
}

/// What no waiting mends ends every command, the service too.
fn refused(servers: &str, properties: &[(String, String)], expected: &[&str]) {
    let program = Program::new(servers, properties);
    let mut all = vec!["Kafka refuses"];
    all.extend(expected);
    failing(&program, &["run", "--drain"], &all);
    commands_fail(&program, &all);
}

fn commands_fail(program: &Program, expected: &[&str]) {
    let facts = program.file("facts.ndjson", FACTS);
    failing(program, &["topics", "check"], expected);
    failing(program, &["import", &facts], expected);
    failing(program, &["tail", "rating-requested"], expected);
}

fn failing(program: &Program, arguments: &[&str], expected: &[&str]) {
    let ended = program.run(arguments);
    assert_eq!(ended.code, Some(1), "{arguments:?} {ended:?}");
    for expected in expected {
        assert!(
            ended.err.contains(expected),
            "{expected}: {arguments:?} {ended:?}"
        );
    }
    assert!(!ended.err.contains("not-the-password"), "{ended:?}");
    assert!(!ended.err.contains(PASSWORD), "{ended:?}");
}

const FACTS: &str = concat!(
    r#"{"event_id":"e1","workspace_id":"w1","conversation_id":"c1","occurred_at":"2026-03-01T09:00:00.000Z","type":"conversation_started","origin":"customer_initiated","initiator":{"kind":"user","id":"u1"},"channel":"messenger"}"#,
    "\n",
    r#"{"event_id":"e2","workspace_id":"w1","conversation_id":"c1","occurred_at":"2026-03-01T09:01:00.000Z","type":"conversation_closed","by":{"kind":"teammate","id":"t1"}}"#,
    "\n",
);

/// Made, checked, written, decided and read.
fn all_passes(program: &Program) {
    program.must(&["topics", "create", "--partitions", "2"]);
    program.must(&["topics", "check"]);
    let facts = program.file("facts.ndjson", FACTS);
    program.must(&["import", &facts]);
    let summary = program.must(&["run", "--drain", "--json"]);
    let decided = program.must(&["tail", "eligibility-decided"]);
    assert_eq!(decided.lines().count(), 1, "{decided} {summary}");
    assert!(decided.contains("too_short"), "{decided}");
}

#[test]
fn name_and_password_over_tls() {
    let _turn = alone();
    let options = Options {
        security: Some(Security::Scram),
        ..Options::default()
    };
    let cluster = Cluster::start(1, options);
    let (servers, right) = (cluster.secure_bootstrap(), cluster.secure_properties());
    all_passes(&Program::new(&servers, &right));

    refused(
        &servers,
        &other(&right, "sasl.password", Some("not-the-password")),
        &["check sasl.username, sasl.password and sasl.mechanisms"],
    );
    refused(
        &servers,
        &other(&right, "ssl.ca.location", None),
        &["certificate", "check ssl.ca.location"],
    );
    refused(
        &servers,
        &other(&right, "ssl.ca.location", Some("missing.pem")),
        &["ssl.ca.location failed"],
    );
    // No broker answers in plain words: the service waits for one, as when all are away.
    let plain = Program::new(&servers, &[]);
    let expected = ["Kafka cannot be reached", "security.protocol"];
    commands_fail(&plain, &expected);
}

#[test]
fn a_certificate_of_the_client() {
    let _turn = alone();
    let options = Options {
        security: Some(Security::MutualTls),
        ..Options::default()
    };
    let cluster = Cluster::start(1, options);
    let (servers, right) = (cluster.secure_bootstrap(), cluster.secure_properties());
    all_passes(&Program::new(&servers, &right));
    let without = other(&right, "ssl.certificate.location", None);
    let without = other(&without, "ssl.key.location", None);
    refused(&servers, &without, &["ssl.certificate.location"]);
}
