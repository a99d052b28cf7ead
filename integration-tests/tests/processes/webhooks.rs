//! Webhooks to a receiver that verifies them with the reference library of Standard Webhooks.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use crate::closes::{asked, now_ms, reaction, request_id};
use crate::peers::{free_port, receiver};
use crate::place::Place;

const PATIENCE: Duration = Duration::from_secs(60);
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const FORMER: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

fn place(endpoints: &[(&str, String)]) -> Place {
    let place = Place::new()
        .with("log.partitions", 1)
        .with("deliver.first_retry_ms", 100)
        .with("survey.public_url", "https://survey.example.com");
    endpoints.iter().fold(place, |place, (name, url)| {
        place
            .with(&format!("webhooks.{name}.url"), url)
            .with(&format!("webhooks.{name}.secret"), SECRET)
    })
}

fn url(port: u16, path: &str) -> String {
    format!("http://127.0.0.1:{port}{path}")
}

/// How many deliveries are in each state, by lane and state.
fn states(place: &Place) -> BTreeMap<String, usize> {
    let listed = place.must(&["deliveries", "list", "--json", "--limit", "1000"]);
    let mut states = BTreeMap::new();
    for line in listed.lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        let name = format!(
            "{} {}",
            row["lane"].as_str().unwrap(),
            row["state"].as_str().unwrap()
        );
        *states.entry(name).or_default() += 1;
    }
    states
}

#[test]
fn requests_and_ratings_are_told_signed_and_complete() {
    let port = free_port();
    let place = place(&[("crm", url(port, "/ok")), ("chat", url(port, "/chat"))])
        .with("webhooks.crm.former_secret", FORMER)
        .with("webhooks.chat.events", "rating.requested")
        .with("webhooks.chat.workspaces", "w1");
    let receiver = receiver(port, &place.file("webhooks"), &[SECRET, FORMER]);
    let service = place.serve(&[]);
    service.post(&asked("w1", "c1", "u1", "messenger", now_ms()));
    service.post(&reaction("w1", "c1", "u1", "great", now_ms()));
    service.post(&asked("w2", "c1", "u1", "messenger", now_ms()));
    let taken = receiver.wait_for(4);
    service.wait_for("the queue to be empty", PATIENCE, |_| {
        states(&place).keys().all(|name| name.ends_with(" sent"))
    });
    assert_eq!(receiver.taken().len(), 4);
    let of = |path: &str, id: &str| {
        let found = taken
            .iter()
            .find(|told| told["path"] == *path && told["id"] == *id);
        found
            .unwrap_or_else(|| panic!("{path} {id}: {taken:#?}"))
            .clone()
    };
    let request = request_id("w1", "c1");
    let requested = of("/ok", &format!("requested_{request}"));
    assert_eq!(
        requested["verified"],
        json!([true, true]),
        "by either secret"
    );
    let chat = of("/chat", &format!("requested_{request}"));
    assert_eq!(chat["verified"], json!([true, false]));
    assert_eq!(chat["body"]["type"], "rating.requested");
    let data = &chat["body"]["data"];
    assert_eq!(data["customer"], json!({ "kind": "user", "id": "u1" }));
    assert_eq!(
        (&data["conversation_id"], &data["teammate_id"]),
        (&"c1".into(), &"ben".into())
    );
    let link = data["link"].as_str().unwrap();
    assert!(
        link.starts_with("https://survey.example.com/r/") && !link.contains(&request),
        "{link}"
    );
    let submitted = of("/ok", &format!("submitted_{request}_1"));
    // As the topic has it, with its source.
    let tailed = place.tail("rating-submitted");
    assert_eq!(
        submitted["body"]["data"],
        serde_json::from_str::<Value>(&tailed[0]).unwrap()
    );
    of("/ok", &format!("requested_{}", request_id("w2", "c1")));
    assert_eq!(service.times_said("whsec_"), 0);
}

/// Runs the example of the documentation on what came; true when it is content.
fn example_accepts(told: &Value, secret: &str) -> bool {
    let page = include_str!("../../../docs/webhooks.md");
    let example = page.split("```python").nth(1).unwrap();
    let example = example.split("```").next().unwrap();
    let call = "import json, sys; told = json.loads(sys.argv[2]); \
                verify(sys.argv[1], told['headers'], told['raw'].encode())";
    let ran = std::process::Command::new("python3")
        .args([
            "-c",
            &format!("{example}\n{call}"),
            secret,
            &told.to_string(),
        ])
        .output();
    ran.unwrap().status.success()
}

#[test]
fn the_documentations_example_verifies() {
    let port = free_port();
    let place = place(&[("crm", url(port, "/ok"))]);
    let receiver = receiver(port, &place.file("webhooks"), &[SECRET]);
    let service = place.serve(&[]);
    service.post(&asked("w1", "c1", "u1", "messenger", now_ms()));
    let told = receiver.wait_for(1).remove(0);
    assert!(example_accepts(&told, SECRET));
    assert!(!example_accepts(&told, FORMER));
    let mut forged = told.clone();
    forged["raw"] = told["raw"].as_str().unwrap().replace("ben", "ann").into();
    assert!(!example_accepts(&forged, SECRET));
    let mut late = told;
    late["headers"]["webhook-timestamp"] = "1614265330".into();
    assert!(!example_accepts(&late, SECRET));
}

#[test]
fn a_receiver_that_fails_or_is_down_gets_everything_later() {
    let port = free_port();
    let place = place(&[("crm", url(port, "/fail-2/x"))]);
    let service = place.serve(&[]);
    for number in 0..5 {
        service.post(&asked(
            "w1",
            &format!("c{number}"),
            "u1",
            "messenger",
            now_ms(),
        ));
    }
    service.wait_for("it to be told", PATIENCE, |service| {
        service
            .metric("afterword_deliver_unreachable")
            .unwrap_or_default()
            > 0.0
    });
    assert_eq!(
        service.get("/readyz").unwrap().status,
        200,
        "not this service's fault"
    );
    let receiver = receiver(port, &place.file("webhooks"), &[SECRET]);
    service.wait_for("all to be sent", PATIENCE, |_| {
        states(&place).get("webhook:crm sent") == Some(&5)
    });
    let taken = receiver.taken();
    assert_eq!(taken.len(), 15, "each twice in vain, then once");
    assert!(
        taken.iter().all(|told| told["verified"] == json!([true])),
        "{taken:#?}"
    );
}

#[test]
fn what_a_receiver_says_is_bounded_and_no_redirect_is_followed() {
    let port = free_port();
    let endpoints =
        ["big", "gone", "redirect", "slow"].map(|name| (name, url(port, &format!("/{name}"))));
    let place = place(&endpoints)
        .with("deliver.webhook_timeout_s", 1)
        .with("deliver.longest_retry_s", 1);
    let receiver = receiver(port, &place.file("webhooks"), &[SECRET]);
    let service = place.serve(&[]);
    service.post(&asked("w1", "c1", "u1", "messenger", now_ms()));
    service.wait_for(
        "the gone one to fail and the big one to be taken",
        PATIENCE,
        |_| {
            let states = states(&place);
            states.contains_key("webhook:gone failed") && states.contains_key("webhook:big sent")
        },
    );
    service.wait_for("several attempts at the others", PATIENCE, |_| {
        let count = |path: &str| {
            receiver
                .taken()
                .iter()
                .filter(|told| told["path"] == *path)
                .count()
        };
        count("/redirect") > 2 && count("/slow") > 1
    });
    assert!(receiver.taken().iter().all(|told| told["path"] != "/ok"));
    let states = states(&place);
    assert_eq!(
        states.get("webhook:redirect waiting"),
        Some(&1),
        "{states:?}"
    );
    assert_eq!(states.get("webhook:slow waiting"), Some(&1), "{states:?}");
    assert!(service.stop().success());
}

#[test]
fn a_replay_tells_again_under_the_same_ids() {
    let port = free_port();
    let place = place(&[("crm", url(port, "/ok"))]);
    let at = now_ms() - 10 * 86_400_000;
    let facts = [
        asked("w1", "c1", "u1", "messenger", at),
        reaction("w1", "c1", "u1", "bad", at + 1_000),
        asked("w1", "c2", "u1", "messenger", at + 86_400_000),
    ];
    let file = place.write("facts.ndjson", facts.concat());
    place.import(&file);
    place.drain();
    let receiver = receiver(port, &place.file("webhooks"), &[SECRET]);
    let service = place.serve(&["--role", "deliver"]);
    service.wait_for("all to be too old", PATIENCE, |_| {
        states(&place).get("webhook:crm too_old") == Some(&3)
    });
    assert_eq!(receiver.taken().len(), 0, "history is not told by itself");
    let time = |ms: i64| {
        let text = std::process::Command::new("date")
            .args([
                "-u",
                "-d",
                &format!("@{}", ms / 1_000),
                "+%Y-%m-%dT%H:%M:%SZ",
            ])
            .output();
        String::from_utf8(text.unwrap().stdout)
            .unwrap()
            .trim()
            .to_owned()
    };
    let (from, to) = (time(at - 1_000), time(at + 60_000));
    let queued = place.must(&["webhooks", "replay", "--from", &from, "--to", &to, "--json"]);
    assert_eq!(queued.trim(), "{\"queued\":2}");
    let taken = receiver.wait_for(2);
    let mut ids: Vec<_> = taken
        .iter()
        .map(|told| told["id"].as_str().unwrap().to_owned())
        .collect();
    ids.sort();
    let request = request_id("w1", "c1");
    assert_eq!(
        ids,
        [
            format!("requested_{request}"),
            format!("submitted_{request}_1")
        ]
    );
    let only = [
        "--event",
        "submitted",
        "--endpoint",
        "crm",
        "--workspace",
        "w1",
    ];
    let mut again = vec!["webhooks", "replay", "--from", &from, "--to", &to];
    again.extend(only);
    place.must(&again);
    assert_eq!(
        receiver.wait_for(3)[2]["id"],
        format!("submitted_{request}_1")
    );
    let unknown = place.run(&[
        "webhooks",
        "replay",
        "--from",
        &from,
        "--to",
        &to,
        "--endpoint",
        "nobody",
    ]);
    assert_eq!(unknown.status.code(), Some(2));
}
