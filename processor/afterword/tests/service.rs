//! A service, and other processes that find it.

mod common;

use common::{Home, eventually, facts, get, post, request_id};
use rustix::process::Signal;
use serde_json::json;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

fn decisions(home: &Home) -> usize {
    home.run(&["tail", "eligibility-decided"]).lines().len()
}

#[test]
fn commands_go_through_the_service_while_it_runs() {
    let home = Home::new();
    let service = home.start();
    let mode = std::fs::metadata(home.data().join("service.json"))
        .expect("there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let ended = home.run_with_input(&["import", "-", "--json"], &facts());
    assert_eq!(ended.json()["facts"], 9, "{ended:?}");
    eventually("both closes are decided", || decisions(&home) == 2);
    eventually("the refusal is told", || {
        home.run(&["explain", "c1"]).out.contains("locked")
    });
    let version = r#"{"workspace_id":"w1","version":1,"effective_from":0,"live_for_users":true,"live_for_leads":true,"plan_includes_ratings":true,"time_zone":"UTC","target":null,"teammate_targets":{}}"#;
    assert_eq!(
        home.run_with_input(&["settings", "put", "-"], version).code,
        Some(0)
    );
    assert_eq!(
        home.run(&["settings", "get", "--workspace", "w1"])
            .lines()
            .len(),
        1
    );
    assert_eq!(home.run(&["topics", "check"]).code, Some(0));
    let second = home.run(&[
        "run",
        "--survey-listen",
        "127.0.0.1:0",
        "--reports-listen",
        "127.0.0.1:0",
        "--operations-listen",
        "127.0.0.1:0",
    ]);
    assert_eq!(second.code, Some(1));
    assert!(second.err.contains("a service runs on "), "{second:?}");
    service.stop();
    assert!(!home.data().join("service.json").exists());
    assert_eq!(decisions(&home), 2);
}

#[test]
fn facts_and_stories_over_http() {
    let home = Home::new();
    let service = home.start();
    let (status, answer) = post(
        &format!("{}/api/v1/events", service.reports),
        "application/x-ndjson",
        &facts(),
    );
    assert_eq!((status, &answer["accepted"]), (200, &json!(9)), "{answer}");
    let url = format!("{}/api/v1/workspaces/w1/conversations/c1", service.reports);
    eventually("the story is whole", || {
        let story: serde_json::Value = serde_json::from_str(&get(&url).1).unwrap_or_default();
        story["request"]["request_id"] == json!(request_id())
            && story["refusals"]
                .as_array()
                .is_some_and(|all| all.len() == 1)
    });
    eventually("ready", || {
        get(&format!("{}/readyz", service.operations)).0 == 200
    });
    let (status, metrics) = get(&format!("{}/metrics", service.operations));
    assert_eq!(status, 200);
    for line in [
        "afterword_facts_total{kind=\"message_added\"} 3",
        "afterword_decisions_total{outcome=\"requested\"} 1",
        "afterword_criterion_failures_total{criterion=\"too_short\"} 1",
        "afterword_refusals_total{reason=\"locked\"} 1",
        "afterword_build_info{",
        "afterword_append_seconds_count",
        "afterword_projector_lag_records{",
        "afterword_process_resident_memory_bytes",
    ] {
        assert!(metrics.contains(line), "{line} in {metrics}");
    }
    assert!(
        metrics
            .lines()
            .all(|line| line.starts_with('#') || line.starts_with("afterword_")),
        "{metrics}"
    );
    service.stop();
}

#[test]
fn a_killed_service_leaves_nothing_in_the_way() {
    let home = Home::new();
    let service = home.start();
    home.run_with_input(&["import", "-"], &facts());
    service.signal(Signal::KILL);
    assert_eq!(service.wait(), None);
    assert!(home.data().join("service.json").exists());
    assert_eq!(home.run(&["tail", "conversation-events"]).lines().len(), 9);
    let service = home.start();
    eventually("both closes are decided", || decisions(&home) == 2);
    service.signal(Signal::INT);
    assert_eq!(service.wait(), Some(0));
}

#[test]
fn an_import_whose_service_dies_says_what_is_durable() {
    let home = Home::new();
    let service = home.start();
    let mut import = home.command(&["import", "-"]);
    import.stdin(Stdio::piped()).stderr(Stdio::piped());
    let mut import = import.spawn().expect("it started");
    let mut stdin = import.stdin.take().expect("a pipe");
    let lines = |first: usize, last: usize| -> String {
        let line = |n| {
            format!(
                r#"{{"event_id":"e{n}","workspace_id":"w1","conversation_id":"c{n}","occurred_at":0,"type":"conversation_deleted","by":{{"kind":"system","id":"s"}}}}"#
            ) + "\n"
        };
        (first..last).map(line).collect()
    };
    stdin
        .write_all(lines(0, 5_000).as_bytes())
        .expect("written");
    eventually("the first block is durable", || {
        home.run(&["tail", "conversation-events"]).lines().len() == 5_000
    });
    service.signal(Signal::KILL);
    service.wait();
    stdin
        .write_all(lines(5_000, 10_000).as_bytes())
        .expect("written");
    // Standard input stays open: the import ends all the same.
    let output = import.wait_with_output().expect("it ran");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("5,000 facts are durable, those of standard input up to line 5000"),
        "{said}"
    );
    assert!(said.contains("harmless"), "{said}");
    drop(stdin);
    let again = home.run_with_input(&["import", "-", "--json"], &lines(0, 10_000));
    assert_eq!(again.json()["facts"], 10_000);
    let summary = home.run(&["run", "--drain", "--json"]).json();
    assert_eq!(summary["dead_letters"], 0, "{summary}");
}

#[test]
fn an_address_that_is_taken_is_told() {
    let home = Home::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let ended = home.run(&[
        "run",
        "--survey-listen",
        "127.0.0.1:0",
        "--reports-listen",
        &address,
        "--operations-listen",
        "127.0.0.1:0",
    ]);
    assert_eq!(ended.code, Some(1));
    assert!(
        ended.err.contains(&format!("cannot listen on {address}"))
            && ended.err.contains("--reports-listen"),
        "{ended:?}"
    );
}

#[test]
fn the_demo_fills_a_scoreboard_and_ends() {
    let home = Home::new();
    let listen = [
        "--survey-listen",
        "127.0.0.1:0",
        "--reports-listen",
        "127.0.0.1:0",
        "--operations-listen",
        "127.0.0.1:0",
    ];
    let mut arguments = vec![
        "demo",
        "--for",
        "2",
        "--conversations",
        "200",
        "--rate",
        "20",
    ];
    arguments.extend(listen);
    let ended = home.run(&arguments);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    for said in [
        "/readyz",
        "/metrics",
        "/api/v1/workspaces/acme/conversations/",
        "A survey, as its customer sees it:\n\n  http://127.0.0.1:",
        "explain ",
        "asked",
        "positive",
    ] {
        assert!(ended.out.contains(said), "{said} in {}", ended.out);
    }
}
