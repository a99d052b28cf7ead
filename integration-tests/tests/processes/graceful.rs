//! A stop by SIGTERM under load, and other processes beside a running service.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use afterword_integration_tests::facts::{Config, generate};
use afterword_integration_tests::model::OwnedFact;
use afterword_log::{Log, Meta, PartitionLog, Topic};
use serde_json::Value;

use crate::http::Client;
use crate::outputs::{self, differences, line_of, modelled, story};
use crate::place::Place;
use crate::scorecards;
use crate::service::Service;

const FOLDED: Duration = Duration::from_secs(60);
const POST_LINES: usize = 25;
/// So that no debt is paid before the end because it has grown too large.
const DEBT: u64 = 1_000_000;

fn facts(seed: u64, count: usize) -> (Vec<OwnedFact>, Vec<String>) {
    let config = Config {
        facts: count,
        conversations: 20,
        settings_per_mille: 0,
        ..Config::default()
    };
    let facts = generate(seed, &config).facts;
    let lines = facts.iter().map(line_of).collect();
    (facts, lines)
}

/// Posts the lines, some at a time, from one producer; returns how many were acknowledged when the service went away.
fn post_until_gone(url: &str, lines: &[String], many: &AtomicBool) -> usize {
    let client = Client::new();
    let mut acknowledged = 0;
    for chunk in lines.chunks(POST_LINES) {
        match client.post_lines(url, &chunk.concat()) {
            Ok(answer) if answer.status == 200 => acknowledged += chunk.len(),
            Ok(answer) => {
                assert_eq!(answer.status, 503, "{}", answer.body);
                return acknowledged;
            }
            Err(_) => return acknowledged,
        }
        many.fetch_or(acknowledged >= lines.len() / 4, Ordering::Relaxed);
    }
    acknowledged
}

/// What each partition's last commit says of itself, and the end of its facts; no process may have the log open.
fn metas(place: &Place) -> Vec<(Meta, u64)> {
    let log = place.log();
    let metas = outputs::partitions(&log, Topic::ConversationEvents).filter_map(|partition| {
        let end = log
            .bounds(Topic::ConversationEvents, partition)
            .unwrap()
            .end;
        let meta = log.task(partition).recover().unwrap();
        assert!(
            meta.is_some() || end.0 == 0,
            "partition {partition} holds facts and was never committed"
        );
        Some((meta?, end.0))
    });
    metas.collect()
}

fn debt(metas: &[(Meta, u64)]) -> u64 {
    metas
        .iter()
        .map(|(meta, _)| meta.next.0 - meta.stored_below.0)
        .sum()
}

#[test]
fn sigterm_under_load_ends_with_everything_stored() {
    let place = Place::new().with("process.debt_facts", DEBT);
    let (facts, lines) = facts(1, 4_000);
    let service = place.serve(&[]);
    let (url, many) = (service.events_url().unwrap(), AtomicBool::new(false));
    let (acknowledged, status) = std::thread::scope(|scope| {
        let producer = scope.spawn(|| post_until_gone(&url, &lines, &many));
        service.wait_for("a good part to be posted", FOLDED, |_| {
            many.load(Ordering::Relaxed)
        });
        let status = service.stop();
        (producer.join().unwrap(), status)
    });
    assert_eq!(status.code(), Some(0));
    assert!(
        acknowledged > 0 && acknowledged < facts.len(),
        "{acknowledged} of {} acknowledged",
        facts.len()
    );
    assert!(
        !place.data().join("service.json").exists(),
        "a service that ended is no longer announced"
    );
    let stopped = metas(&place);
    assert_eq!(
        debt(&stopped),
        0,
        "a graceful stop pays the debt: {stopped:?}"
    );
    assert!(
        outputs::facts(&place.log()).len() >= acknowledged,
        "an acknowledged fact is lost"
    );

    let service = place.serve(&[]);
    service.wait_until_ready(FOLDED);
    // Facts that arrived while it stopped are folded for the first time now; of those before, none again.
    let unfolded: u64 = stopped.iter().map(|(meta, end)| end - meta.next.0).sum();
    let debt = service.metric("afterword_debt_facts").unwrap();
    assert!(
        debt <= unfolded as f64,
        "a debt of {debt}, and {unfolded} facts were not folded yet"
    );
    // The producer does not know what arrived last; it repeats that.
    let rest = lines[acknowledged..].concat();
    assert_eq!(service.post(&rest).status, 200);
    check_against_the_model(&place, service, &facts);
}

#[test]
fn a_kill_leaves_a_debt_and_a_stop_does_not() {
    // Without this the test above would prove little.
    let place = Place::new().with("process.debt_facts", DEBT);
    let (facts, lines) = facts(2, 1_000);
    let mut service = place.serve(&[]);
    assert_eq!(service.post(&lines.concat()).status, 200);
    service.wait_until_folded(facts.len() as u64, FOLDED);
    service.process().kill();
    drop(service);
    let killed = metas(&place);
    assert!(
        debt(&killed) > 0,
        "nothing was left to be folded again: {killed:?}"
    );
    let service = place.serve(&[]);
    service.wait_until_ready(FOLDED);
    check_against_the_model(&place, service, &facts);
    assert_eq!(debt(&metas(&place)), 0);
}

/// Waits until all is folded, stops the service, and compares.
fn check_against_the_model(place: &Place, service: Service, facts: &[OwnedFact]) {
    service.wait_for("all to be folded", FOLDED, |service| {
        service.metric("afterword_lag_facts") == Some(0.0)
    });
    assert_eq!(service.stop().code(), Some(0));
    let log = place.log();
    assert_eq!(outputs::violations(&log, &[]), Vec::<String>::new());
    let found = outputs::outputs(&log);
    let found = story(found.iter().map(|sourced| &sourced.output));
    let parted = differences(&story(modelled(facts, &[]).iter().flatten()), &found);
    assert!(parted.is_empty(), "{}", parted[0]);
}

#[test]
fn other_processes_work_beside_a_running_service() {
    let place = Place::new();
    let settings = place.write("settings.ndjson", include_str!("by_hand.settings.ndjson"));
    let service = place.serve(&[]);
    place.put_settings(&settings);
    assert_eq!(place.must(&["settings", "get"]).lines().count(), 2);
    // The service takes new settings between batches: what comes after them is judged by them.
    service.wait_until_ready(FOLDED);
    place.import(&place.write("facts.ndjson", include_str!("by_hand.facts.ndjson")));
    service.wait_until_folded(72, FOLDED);
    assert_eq!(place.tail("conversation-events").len(), 72);
    assert_eq!(place.tail("eligibility-decided").len(), 14);
    assert_eq!(place.tail("rating-requested").len(), 6);
    let explained = place.must(&["explain", "c1", "--workspace", "acme"]);
    assert!(
        ["already_requested", "t1", "amazing", "locked"]
            .iter()
            .all(|word| explained.contains(word)),
        "{explained}"
    );
    let mut told = service
        .get_report("/api/v1/workspaces/acme/conversations/c1")
        .unwrap()
        .json();
    // A mark lies in the report database alone; what is explained comes from the log.
    let mark = told.as_object_mut().unwrap().remove("follow_up");
    assert_eq!(mark, Some(Value::Null));
    assert_eq!(told["rating"].as_array().map(Vec::len), Some(3), "{told}");
    assert_eq!(told["refusals"].as_array().map(Vec::len), Some(1), "{told}");
    let story = || {
        serde_json::from_str::<Value>(&place.must(&[
            "explain",
            "c1",
            "--workspace",
            "acme",
            "--json",
        ]))
        .unwrap()
    };
    assert_eq!(story(), told);
    let is_told = || {
        service
            .metric("afterword_scorecards_published_total")
            .is_some_and(|cards| cards >= 5.0)
    };
    service.wait_for("the scorecards to be published", FOLDED, |_| is_told());
    assert_eq!(service.stop().code(), Some(0));
    // The same commands, now on the log itself.
    assert_eq!(place.tail("rating-submitted").len(), 5);
    assert_eq!(place.tail("answer-refused").len(), 6);
    assert_eq!(story(), told);
    assert_eq!(
        scorecards::told(&place.tail("teammate-scorecards")).len(),
        5
    );
}

#[test]
fn two_services_cannot_share_a_log() {
    let place = Place::new();
    let service = place.serve(&[]);
    let free = [
        "run",
        "--survey-listen",
        "127.0.0.1:0",
        "--reports-listen",
        "127.0.0.1:0",
        "--operations-listen",
        "127.0.0.1:0",
    ];
    let second = place.run(&free);
    assert_eq!(second.status.code(), Some(1), "{}", second.stderr);
    assert!(!second.stderr.is_empty());
    assert_eq!(
        service.get("/livez").map(|answer| answer.status),
        Some(200),
        "the first goes on"
    );
    assert_eq!(service.stop().code(), Some(0));
}
