//! `afterword replay`: what other rules or settings would have decided, held against what a run under them does decide.

mod common;

use common::{Ended, Home, facts};
use serde_json::{Value, json};

/// What `replay --json` prints.
fn replay(home: &Home, arguments: &[&str]) -> Value {
    let arguments: Vec<&str> = ["replay", "--json"]
        .iter()
        .chain(arguments)
        .copied()
        .collect();
    let ended = home.run(&arguments);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    ended.json()
}

fn must(home: &Home, arguments: &[&str]) -> Ended {
    let ended = home.run(arguments);
    assert_eq!(ended.code, Some(0), "{arguments:?}: {ended:?}");
    ended
}

/// Two conversations of `common::facts`, decided.
fn two() -> Home {
    let home = Home::new();
    let file = home.file("facts.ndjson", &facts());
    must(&home, &["import", &file]);
    must(&home, &["run", "--drain"]);
    home
}

/// Made-up conversations, decided.
fn many(conversations: &str) -> Home {
    let home = Home::new();
    let until = ["--until", "2026-03-08T00:00:00Z", "--seed", "7"];
    let simulate = [
        "simulate",
        "--set",
        "log.partitions=1",
        "--conversations",
        conversations,
        "--days",
        "14",
    ];
    must(&home, &[&simulate[..], &until[..]].concat());
    must(&home, &["run", "--drain"]);
    home
}

fn settings(version: u32, from: &str, users: bool, leads: bool) -> String {
    format!(
        "{{\"workspace_id\":\"w1\",\"version\":{version},\"effective_from\":\"{from}\",\"live_for_users\":{users},\
         \"live_for_leads\":{leads},\"plan_includes_ratings\":true,\"time_zone\":\"UTC\",\"target\":null,\"teammate_targets\":{{}}}}\n"
    )
}

/// What would fail at the one close of this conversation that differs.
fn would_fail<'a>(found: &'a Value, conversation: &str) -> &'a Value {
    let changed = found["changed"].as_array().expect("a list");
    let mut its = changed
        .iter()
        .filter(|change| change["conversation_id"] == conversation);
    match (its.next(), its.next()) {
        (Some(one), None) => &one["would_be"]["failed"],
        _ => panic!("expected one close of {conversation}: {found}"),
    }
}

#[test]
fn what_makes_no_sense_is_refused() {
    let home = two();
    let check = |arguments: &[&str], code: i32, words: &str| {
        let arguments: Vec<&str> = ["replay"].iter().chain(arguments).copied().collect();
        let ended = home.run(&arguments);
        assert_eq!(ended.code, Some(code), "{arguments:?}: {ended:?}");
        assert!(ended.err.contains(words), "{arguments:?}: {ended:?}");
        assert_eq!(ended.out, "", "{arguments:?}");
    };
    check(&["--from", "yesterday"], 2, "--from: expected a date");
    check(&["--instead"], 2, "--settings");
    check(&["--characters", "-1"], 2, "--characters");
    let bad = home.file("bad.ndjson", "{\"workspace_id\":\"w1\"}\n");
    check(&["--settings", &bad], 1, "bad.ndjson:1: ");
    let line = settings(1, "2026-01-01T00:00:00Z", true, true);
    let twice = home.file("twice.ndjson", &(line.clone() + &line));
    check(&["--settings", &twice], 1, "twice.ndjson:2: ");
    let nowhere = Home::new();
    assert_eq!(nowhere.run(&["replay"]).code, Some(1));
}

#[test]
fn the_same_rules_change_nothing() {
    let found = replay(&two(), &[]);
    assert_eq!(found["closes"], 2, "{found}");
    assert_eq!(found["asked"], json!({ "was": 1, "would_be": 1 }));
    assert_eq!(found["ratings"], json!({ "was": 1, "would_be": 1 }));
    assert_eq!(found["changed"], json!([]));
    let ended = must(&two(), &["replay"]);
    assert!(ended.out.contains("Nothing differs."), "{ended:?}");
}

#[test]
fn other_thresholds_show_who_would_be_asked_no_more() {
    let home = two();
    let found = replay(&home, &["--characters", "253"]);
    assert_eq!(found["asked"], json!({ "was": 1, "would_be": 0 }));
    // Asked nobody, rated by nobody.
    assert_eq!(found["ratings"], json!({ "was": 1, "would_be": 0 }));
    assert_eq!(
        found["failed"]["too_short"],
        json!({ "was": 1, "would_be": 2 })
    );
    assert_eq!(
        (&found["asked_no_more"], &found["asked_now"]),
        (&json!(1), &json!(0))
    );
    let change = &found["changed"][0];
    assert_eq!(change["conversation_id"], "c1", "{found}");
    assert_eq!(change["was"]["failed"], json!([]));
    assert_eq!(change["would_be"]["failed"], json!(["too_short"]));
    assert_eq!(change["would_be"]["measured"]["characters"], 253);
    assert_eq!(
        replay(&home, &["--characters", "252"])["changed"],
        json!([])
    );
    let stale = replay(&home, &["--days", "0"]);
    assert_eq!(would_fail(&stale, "c1"), &json!(["stale"]));
    let told = must(&home, &["replay", "--characters", "253"]).out;
    assert!(
        told.contains("c1 of w1, closed 2026-03-01T09:30:00.000Z: asked → not asked; too_short fails (253 characters; asked for: over 253)"),
        "{told}"
    );
    // Nothing was written.
    assert_eq!(must(&home, &["tail", "rating-requested"]).lines().len(), 1);
    assert_eq!(must(&home, &["verify"]).code, Some(0));
}

#[test]
fn a_part_can_be_chosen() {
    let home = two();
    let closes = |arguments: &[&str]| {
        let arguments = [&["--characters", "300"], arguments].concat();
        let found = replay(&home, &arguments);
        (
            found["closes"].clone(),
            found["changed"].as_array().map(Vec::len),
        )
    };
    assert_eq!(closes(&["--workspace", "w2"]), (json!(0), Some(0)));
    assert_eq!(closes(&["--workspace", "w1"]), (json!(2), Some(1)));
    assert_eq!(closes(&["--from", "2026-03-02"]), (json!(0), Some(0)));
    assert_eq!(
        closes(&["--from", "2026-03-01", "--to", "2026-03-01"]),
        (json!(2), Some(1))
    );
    let (from, to) = ("2026-03-01T09:30:00Z", "2026-03-01T09:30:00.001Z");
    assert_eq!(closes(&["--from", from, "--to", to]), (json!(1), Some(1)));
}

/// Facts of a log are decided anew under the settings: what comes out is what `replay` said.
#[test]
fn what_it_says_of_settings_is_what_a_run_under_them_decides() {
    let home = many("400");
    let workspaces: std::collections::BTreeSet<String> =
        must(&home, &["tail", "eligibility-decided"])
            .lines()
            .iter()
            .map(|line| line["workspace_id"].as_str().expect("an id").to_owned())
            .collect();
    let lines: String = workspaces
        .iter()
        .map(|workspace| {
            settings(9, "2026-02-20T00:00:00Z", true, false)
                .replace("\"w1\"", &format!("\"{workspace}\""))
        })
        .collect();
    let file = home.file("settings.ndjson", &lines);
    let found = replay(&home, &["--settings", &file, "--instead", "--all"]);
    assert!(found["asked_no_more"].as_u64() > Some(0), "{found}");

    let again = Home::new();
    let facts = again.file(
        "facts.ndjson",
        &must(&home, &["tail", "conversation-events"]).out,
    );
    must(&again, &["settings", "put", &file]);
    must(&again, &["import", &facts]);
    must(&again, &["run", "--drain"]);
    let decided = must(&again, &["tail", "eligibility-decided"]).lines();
    let asked = decided
        .iter()
        .filter(|line| line["requested"] == true)
        .count();
    assert_eq!(found["asked"]["would_be"], asked, "{}", found["asked"]);
    assert_eq!(found["closes"], decided.len());
    let not_live = |line: &&Value| {
        line["failed"]
            .as_array()
            .is_some_and(|all| all.contains(&json!("not_live")))
    };
    let not_live = decided.iter().filter(not_live).count();
    assert_eq!(found["failed"]["not_live"]["would_be"], not_live);
    let changed = found["changed"].as_array().map(Vec::len).expect("a list") as u64;
    let counted = ["asked_now", "asked_no_more", "other_reasons"].map(|name| found[name].as_u64());
    assert_eq!(Some(changed), counted.iter().copied().sum::<Option<u64>>());
}

#[test]
fn settings_that_became_known_late_do_not_count_as_a_change() {
    let home = two();
    let late = home.file(
        "late.ndjson",
        &settings(1, "2026-01-01T00:00:00Z", false, false),
    );
    must(&home, &["settings", "put", &late]);
    assert_eq!(replay(&home, &[])["changed"], json!([]));
    // Given, they are as if they had been known.
    let found = replay(&home, &["--settings", &late]);
    assert_eq!(would_fail(&found, "c1"), &json!(["not_live"]));
    assert_eq!(found["failed"]["not_live"]["would_be"], 2, "{found}");
}

#[test]
fn the_list_and_the_memory_are_bounded() {
    let home = many("3000");
    let other = ["--characters", "600"];
    let few = replay(&home, &other);
    assert_eq!(few["changed"].as_array().map(Vec::len), Some(20));
    let all = replay(&home, &[&other[..], &["--all"]].concat());
    let listed = all["changed"].as_array().map(Vec::len).expect("a list");
    assert!(listed > 20, "{listed}");
    let passes = replay(
        &home,
        &[&other[..], &["--all", "--memory-mib", "1"]].concat(),
    );
    assert!(passes["passes"].as_u64() > Some(1), "{}", passes["passes"]);
    for name in [
        "closes",
        "asked",
        "failed",
        "ratings",
        "conversations",
        "facts",
        "changed_conversations",
    ] {
        assert_eq!(passes[name], all[name], "{name}");
        assert_eq!(few[name], all[name], "{name}");
    }
    assert_eq!(passes["changed"].as_array().map(Vec::len), Some(listed));
}

#[test]
fn beside_a_service_it_says_the_same() {
    let home = two();
    let alone = replay(&home, &["--characters", "300"]);
    let running = home.start();
    let beside = replay(&home, &["--characters", "300"]);
    running.stop();
    for name in ["asked", "failed", "ratings", "changed", "left_out"] {
        assert_eq!(alone[name], beside[name], "{name}");
    }
}
