//! Facts written by hand go in; what the rules say comes out, field by field.

mod common;

use common::{Home, facts, request_id};
use serde_json::{Value, json};

fn imported() -> Home {
    let home = Home::new();
    let file = home.file("facts.ndjson", &facts());
    let ended = home.run(&["import", &file, "--json", "--set", "log.partitions=1"]);
    assert_eq!(ended.json()["facts"], 9, "{ended:?}");
    home
}

fn drained() -> Home {
    let home = imported();
    let summary = home.run(&["run", "--drain", "--json"]).json();
    let expected = json!({ "facts": 9, "passed_over": 0, "dead_letters": 0, "decisions": 2, "requested": 1, "submissions": 2, "refusals": 1 });
    for (name, value) in expected.as_object().expect("an object") {
        assert_eq!(&summary[name], value, "{name} of {summary}");
    }
    home
}

fn source(offset: u64, index: u64) -> Value {
    json!({ "topic": "conversation-events", "partition": 0, "offset": offset, "index": index })
}

#[test]
fn decisions_and_requests_are_as_the_rules_say() {
    let home = drained();
    let decisions = home.run(&["tail", "eligibility-decided"]).lines();
    let measured = json!({
        "closed_by": "teammate", "plan": true, "live": true, "audience": "user", "customers": 1, "teammate_replied": true,
        "characters": 251, "milliseconds_since_last_reply": 1_799_000, "origin": "customer_initiated", "already_requested": false,
    });
    assert_eq!(
        decisions[0],
        json!({
            "type": "eligibility_decided", "workspace_id": "w1", "conversation_id": "c1", "decided_at": "2026-03-01T09:30:00.000Z",
            "requested": true, "failed": [], "measured": measured,
            "thresholds": { "characters": 250, "milliseconds": 604_800_000 }, "rules_version": 1, "settings_version": 0,
            "teammate_id": "anna", "request_id": request_id(), "source": source(3, 0),
        })
    );
    assert_eq!(
        decisions[1]["failed"],
        json!([
            "closed_by_non_teammate",
            "no_teammate_reply",
            "too_short",
            "origin_not_customer"
        ])
    );
    assert_eq!(decisions[1]["measured"]["origin"], "unknown");
    let requests = home.run(&["tail", "rating-requested"]).lines();
    assert_eq!(
        requests,
        [json!({
            "type": "rating_requested", "request_id": request_id(), "workspace_id": "w1", "conversation_id": "c1",
            "customer": { "kind": "user", "id": "u1" }, "teammate_id": "anna", "channel": "messenger",
            "requested_at": "2026-03-01T09:30:00.000Z", "settings_version": 0, "source": source(3, 1),
        })]
    );
}

#[test]
fn ratings_refusals_and_scorecards_follow() {
    let home = drained();
    let submissions = home.run(&["tail", "rating-submitted"]).lines();
    assert_eq!(submissions.len(), 2);
    assert_eq!(
        submissions[1],
        json!({
            "type": "rating_submitted", "request_id": request_id(), "workspace_id": "w1", "conversation_id": "c1",
            "customer": { "kind": "user", "id": "u1" }, "teammate_id": "anna", "channel": "messenger",
            "requested_at": "2026-03-01T09:30:00.000Z", "first_rated_at": "2026-03-01T09:40:00.000Z",
            "submitted_at": "2026-03-01T09:41:00.000Z", "revision": 2, "previous_reaction": "great", "reaction": "great",
            "comment": "Thanks!", "locked": true, "after_reopen": false, "source": source(5, 0),
        })
    );
    let refusals = home.run(&["tail", "answer-refused"]).lines();
    assert_eq!(
        (
            refusals.len(),
            &refusals[0]["reason"],
            &refusals[0]["event_id"]
        ),
        (1, &json!("locked"), &json!("e7"))
    );
    let cards = home.run(&["tail", "teammate-scorecards"]).lines();
    let last = cards.last().expect("a scorecard");
    for (name, value) in [
        ("requests", 1),
        ("requests_answered", 1),
        ("great", 1),
        ("bad", 0),
        ("comments", 1),
    ] {
        assert_eq!(last[name], value, "{name} of {last}");
    }
    assert_eq!(
        (&last["teammate_id"], &last["day"]),
        (&json!("anna"), &json!("2026-03-01"))
    );
}

#[test]
fn facts_come_out_as_they_can_go_in_again() {
    let home = imported();
    let first = home.run(&["tail", "conversation-events"]);
    let other = Home::new();
    let ended = other.run_with_input(
        &["import", "-", "--json", "--set", "log.partitions=1"],
        &first.out,
    );
    assert_eq!(
        (&ended.json()["facts"], &ended.json()["ignored_members"]),
        (&json!(9), &json!(0))
    );
    assert_eq!(other.run(&["tail", "conversation-events"]).out, first.out);
}

#[test]
fn outputs_are_the_same_in_any_batching() {
    let home = drained();
    let other = imported();
    let small = [
        "run",
        "--drain",
        "--set",
        "process.poll_facts=1",
        "--set",
        "process.commit_facts=1",
        "--set",
        "process.debt_facts=0",
    ];
    assert_eq!(other.run(&small).code, Some(0));
    for topic in [
        "eligibility-decided",
        "rating-requested",
        "rating-submitted",
        "answer-refused",
    ] {
        assert_eq!(
            home.run(&["tail", topic]).out,
            other.run(&["tail", topic]).out,
            "{topic}"
        );
    }
}

#[test]
fn bad_lines_are_refused_with_their_place_and_the_others_kept() {
    let home = Home::new();
    let good = facts();
    let mut lines: Vec<&str> = good.lines().collect();
    lines.insert(1, r#"{"event_id":"x","workspace_id":"w1","conversation_id":"c1","occurred_at":"2026-03-01T09:00:00Z","type":"conversation_closed","by":{"kind":"teammate"}}"#);
    lines.insert(2, "not JSON");
    lines.insert(3, r#"{"type":"telepathy"}"#);
    lines.insert(4, r#"{"event_id":"y","workspace_id":"w1","conversation_id":"c1","occurred_at":1772355600000,"type":"conversation_closed","by":{"kind":"wizard","id":"z"}}"#);
    lines.insert(5, "");
    let file = home.file("mixed.ndjson", &lines.join("\r\n"));
    let ended = home.run(&["import", &file, "--json"]);
    assert_eq!(ended.code, Some(1));
    let summary = ended.json();
    assert_eq!(
        (
            &summary["facts"],
            &summary["refused"],
            &summary["passed_over"]
        ),
        (&json!(9), &json!(2), &json!(2))
    );
    assert!(
        ended.err.contains("mixed.ndjson:2: by.id: expected"),
        "{}",
        ended.err
    );
    assert!(ended.err.contains("mixed.ndjson:3: "), "{}", ended.err);
    assert!(
        ended.err.contains("mixed.ndjson:4: warning: passed over"),
        "{}",
        ended.err
    );
    let only_warnings = home.run_with_input(&["import", "-"], "\u{feff}{\"type\":\"telepathy\"}\n");
    assert_eq!(only_warnings.code, Some(0), "{only_warnings:?}");
    assert_eq!(home.run(&["import", "missing.ndjson"]).code, Some(1));
}

#[test]
fn settings_are_put_once_and_never_change() {
    let home = Home::new();
    let version = |live: bool| {
        format!(
            r#"{{"workspace_id":"w1","version":1,"effective_from":"2026-01-01T00:00:00Z","live_for_users":{live},"live_for_leads":true,"plan_includes_ratings":true,"time_zone":"Europe/Berlin","target":{{"positive_share":0.9,"minimum_ratings":10}},"teammate_targets":{{}}}}"#
        )
    };
    assert_eq!(
        home.run_with_input(&["settings", "put", "-", "--json"], &version(false))
            .json()["added"],
        1
    );
    assert_eq!(
        home.run_with_input(&["settings", "put", "-", "--json"], &version(false))
            .json()["repeated"],
        1
    );
    let differing = home.run_with_input(&["settings", "put", "-"], &version(true));
    assert_eq!(differing.code, Some(1));
    assert!(
        differing
            .err
            .contains("standard input:1: expected a new version, found version 1 of w1"),
        "{differing:?}"
    );
    let got = home.run(&["settings", "get"]).lines();
    assert_eq!(
        (got.len(), &got[0]["live_for_users"], &got[0]["type"]),
        (1, &json!(false), &json!("workspace_settings"))
    );
    assert_eq!(home.run(&["settings", "get", "--workspace", "w2"]).out, "");
    home.run_with_input(&["import", "-"], &facts());
    assert_eq!(home.run(&["run", "--drain"]).code, Some(0));
    let decisions = home.run(&["tail", "eligibility-decided"]).lines();
    let of_c1 = decisions
        .iter()
        .find(|decision| decision["conversation_id"] == "c1")
        .expect("decided");
    assert_eq!(
        (&of_c1["failed"], &of_c1["settings_version"]),
        (&json!(["not_live"]), &json!(1))
    );
}

#[test]
fn the_number_of_partitions_never_changes() {
    let home = imported();
    let ended = home.run(&["topics", "--set", "log.partitions=2"]);
    assert_eq!(ended.code, Some(78), "{ended:?}");
    assert!(
        ended
            .err
            .contains("`log.partitions`: expected 1, with which the log in"),
        "{ended:?}"
    );
    let created = Home::new();
    assert_eq!(
        created
            .run(&["topics", "create", "--set", "log.partitions=3"])
            .code,
        Some(0)
    );
    assert_eq!(
        created
            .run(&["topics", "--json"])
            .json()
            .as_array()
            .map(Vec::len),
        Some(7 * 3 + 1)
    );
}

#[test]
fn the_story_is_told_whole() {
    let home = drained();
    let story = home.run(&["explain", "c1"]);
    let expected = include_str!("explain.txt").replace("REQUEST-ID", &request_id());
    assert_eq!(story.out, expected, "\n{}", story.out);
    let as_json = home
        .run(&["explain", "c1", "--workspace", "w1", "--json"])
        .json();
    assert_eq!(as_json["facts"].as_array().map(Vec::len), Some(7));
    assert_eq!(
        (
            &as_json["rating"][1]["comment"],
            &as_json["refusals"][0]["reason"]
        ),
        (&json!("Thanks!"), &json!("locked"))
    );
    assert_eq!(
        home.run(&["explain", "c1", "--workspace", "w2"]).code,
        Some(1)
    );
    let other = facts().replace("\"w1\"", "\"w2\"");
    home.run_with_input(&["import", "-"], &other);
    let several = home.run(&["explain", "c1"]);
    assert_eq!(several.code, Some(1));
    assert!(
        several.err.contains(
            "2 workspaces have a conversation c1; name one with --workspace:\n  w1\n  w2"
        ),
        "{several:?}"
    );
}

#[test]
fn a_simulated_history_is_always_the_same() {
    let home = Home::new();
    let arguments = [
        "simulate",
        "--out",
        "-",
        "--conversations",
        "50",
        "--until",
        "2026-03-01T00:00:00Z",
        "--seed",
        "3",
    ];
    let first = home.run(&arguments);
    assert_eq!(first.out, home.run(&arguments).out);
    assert!(first.lines().len() > 200);
    let ended = home.run(&["simulate", "--conversations", "50"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let summary = home.run(&["run", "--drain", "--json"]).json();
    assert!(summary["requested"].as_u64() > Some(10), "{summary}");
    let topics = home.run(&["topics", "--json"]).json();
    assert_eq!(topics.as_array().map(Vec::len), Some(29));
    assert_eq!(home.run(&["topics", "check"]).code, Some(0));
}
