//! One customer taken out of a directory: nothing of them is found in its bytes, and nothing else has changed.

use std::fs;
use std::path::Path;
use std::time::Duration;

use afterword_log::{Log, Partition, Record, Topic};
use serde_json::{Value, json};

use crate::closes::{reaction, request_id};
use crate::place::Place;

const ANNA: &str = "customer-4711-anna";
const EMAIL: &str = "anna.mustermann@example.com";
const NAME: &str = "Anna Mustermann-Schmidt";
const FOLDED: Duration = Duration::from_secs(60);

/// What is to be gone: ids, addresses, and of each text a part that stands nowhere else.
const GONE: [&str; 8] = [
    ANNA,
    EMAIL,
    NAME,
    "My parcel for Lindenstrasse 12 never came",
    "I have found your parcel, dear Anna",
    "It took you three weeks, shame on you",
    "Carol quotes: my parcel for Lindenstrasse",
    "an unreadable line that Anna wrote",
];
/// What is to stay.
const STAYING: [&str; 2] = [
    "Bert asks about his own invoice 2026-17",
    "Bert was content with everything",
];

/// A fact; `more` has the members of its kind.
fn fact(conversation: &str, id: u32, kind: &str, more: Value) -> String {
    let mut fact = json!({
        "event_id": format!("{conversation}-{id}"), "workspace_id": "w1", "conversation_id": conversation,
        "occurred_at": 1_772_440_000_000_i64 + i64::from(id) * 1_000, "type": kind,
    });
    let members = more.as_object().unwrap().clone();
    fact.as_object_mut().unwrap().extend(members);
    format!("{fact}\n")
}

fn user(id: &str) -> Value {
    json!({ "kind": "user", "id": id })
}

fn ben() -> Value {
    json!({ "kind": "teammate", "id": "ben" })
}

/// A conversation that is open, long enough to be asked about.
fn open(conversation: &str, customer: &str, channel: &str, texts: [&str; 2]) -> String {
    let long = |text: &str| format!("{text}. {}", "and so on, ".repeat(20));
    [
        fact(conversation, 1, "conversation_started", json!({ "origin": "customer_initiated", "initiator": user(customer), "channel": channel })),
        fact(conversation, 2, "message_added", json!({ "author": user(customer), "text": long(texts[0]) })),
        fact(conversation, 3, "message_added", json!({ "author": ben(), "text": format!("<p>{}</p>", long(texts[1])), "format": "html" })),
    ]
    .concat()
}

fn close(conversation: &str) -> String {
    fact(
        conversation,
        9,
        "conversation_closed",
        json!({ "by": ben() }),
    )
}

fn comment(conversation: &str, id: u32, customer: &str, text: &str) -> String {
    let request = request_id("w1", conversation);
    let more = json!({ "request_id": request, "customer_id": customer, "text": text });
    fact(conversation, id, "comment_left", more)
}

/// Everything that happens.
fn facts() -> String {
    let anna = [GONE[3], GONE[4]];
    let rated = |conversation: &str, customer: &str, text: &str| {
        let reaction = reaction("w1", conversation, customer, "bad", 1_772_440_010_000);
        format!("{reaction}{}", comment(conversation, 12, customer, text))
    };
    [
        open("c1", ANNA, "messenger", anna),
        close("c1"),
        comment("c1", 10, ANNA, "too early, before any reaction"),
        rated("c1", ANNA, GONE[5]),
        comment("c1", 13, ANNA, "and another comment, which is refused"),
        open("c2", ANNA, "email", anna),
        close("c2"),
        open("c3", "customer-0815-bert", "messenger", STAYING),
        close("c3"),
        rated("c3", "customer-0815-bert", STAYING[1]),
        open("c4", ANNA, "messenger", anna),
        fact(
            "c4",
            4,
            "participant_joined",
            json!({ "participant": user("carol") }),
        ),
        fact(
            "c4",
            5,
            "message_added",
            json!({ "author": user("carol"), "text": GONE[6] }),
        ),
        close("c4"),
        open("c5", ANNA, "messenger", anna),
    ]
    .concat()
}

/// A place where all of that has happened, among other conversations.
fn lived() -> Place {
    let place = Place::new();
    let others = [
        "simulate",
        "--conversations",
        "150",
        "--until",
        "2026-03-10T00:00:00Z",
    ];
    place.must(&others);
    place.import(&place.write("facts.ndjson", facts()));
    let log = place.log();
    let unreadable = Record::new("c1", GONE[7], 1_772_440_000_000);
    let partition = Partition(log.partitions(Topic::ConversationEvents) - 1);
    log.append(Topic::ConversationEvents, vec![(partition, unreadable)])
        .unwrap();
    log.close().unwrap();
    place.drain();
    let contact =
        json!({ "workspace_id": "w1", "customer_id": ANNA, "email": EMAIL, "name": NAME });
    let contact = place.write("contacts.ndjson", format!("{contact}\n"));
    place.must(&["contacts", "import", contact.to_str().unwrap()]);
    place
}

/// The first of the needles in the bytes of any file below the directory.
fn found<'n>(directory: &Path, needles: &[&'n str]) -> Option<(&'n str, String)> {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            let deeper = found(&path, needles);
            if deeper.is_some() {
                return deeper;
            }
            continue;
        }
        let bytes = fs::read(&path).unwrap();
        let is_in = |needle: &&&str| {
            let mut windows = bytes.windows(needle.len());
            windows.any(|window| window == needle.as_bytes())
        };
        if let Some(needle) = needles.iter().find(is_in) {
            return Some((needle, path.display().to_string()));
        }
    }
    None
}

const TOPICS: [&str; 7] = [
    "conversation-events",
    "rating-requested",
    "rating-submitted",
    "eligibility-decided",
    "answer-refused",
    "teammate-scorecards",
    "dead-letters",
];

/// All topics' lines.
fn tails(place: &Place) -> Vec<Vec<Value>> {
    let values = |topic| {
        let lines = place.tail(topic);
        let values = lines.iter().map(|line| serde_json::from_str(line).unwrap());
        values.collect::<Vec<Value>>()
    };
    TOPICS.map(values).into()
}

/// What the reports say, by their addresses.
fn figures(place: &Place) -> Vec<String> {
    let service = place.serve(&[]);
    service.wait_until_ready(FOLDED);
    let said = ["summary", "funnel", "teammates"].map(|what| {
        let path = format!("/api/v1/workspaces/w1/{what}?from=2026-03-01&to=2026-03-09");
        let answer = service.get_report(&path).unwrap();
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.body
    });
    assert!(service.stop().success());
    said.into()
}

fn erase(place: &Place) -> Value {
    let told = place.must(&["erase", "--workspace", "w1", "--customer", ANNA, "--json"]);
    serde_json::from_str(&told).unwrap()
}

#[test]
fn nothing_of_a_customer_is_left_and_nothing_else_changes() {
    let place = lived();
    let needles = |wanted: &[&'static str]| found(place.data(), wanted);
    assert!(needles(&[ANNA]).is_some() && needles(&[EMAIL]).is_some());
    let (before, figures_before) = (tails(&place), figures(&place));
    // What backups that were killed have left has it too.
    fs::create_dir_all(place.data().join("checkpoint/db")).unwrap();
    fs::write(place.data().join("checkpoint/db/1.sst"), GONE[3]).unwrap();

    let asked = ["erase", "--workspace", "w1", "--customer", ANNA];
    let dry = place.must(&[&asked[..], &["--dry-run", "--json"]].concat());
    let dry: Value = serde_json::from_str(&dry).unwrap();
    assert_eq!(tails(&place), before, "a dry run writes nothing");
    let told = erase(&place);
    for member in ["conversations", "log"] {
        assert_eq!(dry[member], told[member], "{member}: {dry} {told}");
    }
    assert_eq!(told["conversations"], 4, "{told}");
    assert_eq!(
        (
            &told["log"]["messages"],
            &told["log"]["comments"],
            &told["log"]["requests"]
        ),
        (&json!(9), &json!(3), &json!(2)),
        "{told}"
    );
    assert_eq!(told["report"]["contacts"], 1, "{told}");
    // The mail: too old, and of this customer all the same.
    assert_eq!(told["report"]["deliveries"], 1, "{told}");
    assert_eq!(told["search"]["records_with_id"], 0, "{told}");

    assert_eq!(needles(&GONE), None);
    place.must(&["verify"]);
    let after = tails(&place);
    check_topics(&before, &after, told["pseudonym"].as_str().unwrap());
    assert_eq!(figures(&place), figures_before);
    assert_eq!(needles(&GONE), None, "nor after a service ran on it");
    let again = place.run(&asked);
    assert_eq!(again.status.code(), Some(1), "{}", again.stdout);
    assert!(again.stderr.contains("found nothing"), "{}", again.stderr);
    goes_on(&place, told["pseudonym"].as_str().unwrap());
}

/// The same records in the same places, of which those that name nobody are the same.
fn check_topics(before: &[Vec<Value>], after: &[Vec<Value>], pseudonym: &str) {
    let said = serde_json::to_string(after).unwrap();
    for gone in GONE {
        assert!(!said.contains(gone), "{gone}");
    }
    for stays in STAYING {
        assert!(said.contains(stays), "{stays}");
    }
    for ((topic, before), after) in TOPICS.iter().zip(before).zip(after) {
        assert_eq!(before.len(), after.len(), "{topic}");
        let is_named = |line: &Value| line.to_string().contains(ANNA) || line["text"].is_string();
        for (was, is) in before.iter().zip(after) {
            for member in [
                "event_id",
                "source",
                "occurred_at",
                "revision",
                "reaction",
                "conversation_id",
            ] {
                assert_eq!(was[member], is[member], "{topic}: {member}");
            }
            let is_unreadable = *topic == "dead-letters" || was["type"] == "undecodable";
            let is_other = is_unreadable || is_named(was) && is != was;
            assert!(is_other || was == is, "{topic}: {was} {is}");
        }
    }
    let submitted = &after[2];
    let comments = submitted
        .iter()
        .filter(|line| line["customer"]["id"] == pseudonym);
    let comments: Vec<_> = comments.map(|line| line["comment"].clone()).collect();
    assert_eq!(comments, [Value::Null, json!("(erased)")]);
    assert_eq!(after[3], before[3], "decisions name nobody");
    assert_eq!(after[4], before[4], "nor do refusals");
    assert_eq!(after[5], before[5], "nor do scorecards");
}

/// The directory is one like any other: facts that were known are, and new ones are decided.
fn goes_on(place: &Place, pseudonym: &str) {
    let before = tails(place);
    // Known already: by its id, and by the rating that it locked.
    place.import(&place.write(
        "again.ndjson",
        [close("c1"), comment("c1", 12, ANNA, GONE[5])].concat(),
    ));
    place.drain();
    let lengths = |tails: &[Vec<Value>]| tails[1..6].iter().map(Vec::len).collect::<Vec<_>>();
    let mut expected = lengths(&before);
    assert_eq!(lengths(&tails(place)), expected, "repetitions");
    let answer = reaction("w1", "c2", pseudonym, "great", 1_772_450_000_000);
    place.import(&place.write("more.ndjson", close("c5") + &answer));
    place.drain();
    let after = tails(place);
    // The request of c5, the answer to that of c2, the decision about c5.
    for topic in [0, 1, 2] {
        expected[topic] += 1;
    }
    assert_eq!(lengths(&after)[..3], expected[..3]);
    let asked = after[1].iter().find(|line| line["conversation_id"] == "c5");
    assert_eq!(asked.unwrap()["customer"]["id"], pseudonym);
    place.must(&["verify"]);
}

#[test]
fn what_cannot_be_is_refused() {
    let place = Place::new();
    let asked = ["erase", "--workspace", "w1", "--customer", "u1"];
    let refused = |place: &Place, arguments: &[&str], words: &str| {
        let ran = place.run(arguments);
        assert_eq!(ran.status.code(), Some(1), "{words}: {}", ran.stdout);
        assert!(ran.stderr.contains(words), "{words}: {}", ran.stderr);
    };
    refused(&place, &asked, "expected a log in");
    assert!(!place.data().exists());
    place.import(&place.write("facts.ndjson", include_str!("by_hand.facts.ndjson")));
    place.drain();
    let before = tails(&place);
    let nobody = ["erase", "--workspace", "w1", "--customer", "nobody at all"];
    refused(&place, &nobody, "found nothing");
    let elsewhere = ["erase", "--workspace", "elsewhere", "--customer", "u1"];
    refused(&place, &elsewhere, "found nothing");
    let on_kafka = [
        &asked[..],
        &["--log", "kafka", "--bootstrap-servers", "127.0.0.1:1"],
    ]
    .concat();
    refused(&place, &on_kafka, "Kafka cannot be reached");
    let deleting = place.run(&[&asked[..], &["--delete-records"]].concat());
    assert_eq!(deleting.status.code(), Some(2), "{}", deleting.stdout);
    assert!(
        deleting.stderr.contains("records are rewritten"),
        "{}",
        deleting.stderr
    );
    let service = place.serve(&[]);
    refused(&place, &asked, "stop it first");
    assert!(service.stop().success());
    assert_eq!(tails(&place), before);
}

/// Another workspace's customer of the same id, a teammate of that name, and whoever is only named in an answer.
#[test]
fn who_has_the_same_id_elsewhere_stays() {
    let place = Place::new();
    let here = open("c1", "u1", "messenger", ["Hi", "Hello, u1"]) + &close("c1");
    let there = here.replace("\"w1\"", "\"w2\"");
    let teammate = open("c2", "u2", "messenger", ["Hi", "Hello"])
        + &fact(
            "c2",
            9,
            "conversation_closed",
            json!({ "by": { "kind": "teammate", "id": "u1" } }),
        );
    place.import(&place.write("facts.ndjson", here + &there + &teammate));
    place.drain();
    let before = tails(&place);
    place.must(&["erase", "--workspace", "w1", "--customer", "u1"]);
    place.must(&["verify"]);
    let after = tails(&place);
    let others = |lines: &[Vec<Value>]| -> Vec<Value> {
        let lines = lines.concat().into_iter();
        let others =
            lines.filter(|line| line["workspace_id"] == "w2" || line["conversation_id"] == "c2");
        others.collect()
    };
    assert_eq!(others(&after), others(&before));
    let erased = after[0].iter().filter(|line| line["workspace_id"] == "w1");
    let said = erased.map(Value::to_string).collect::<String>();
    assert!(!said.contains("Hello, u1") && said.contains("(erased)"));
}

/// What a service that was killed has not stored yet is folded again afterwards, from other facts to the same end.
#[test]
fn a_crash_before_it_does_no_harm() {
    let place = Place::new();
    let mut service = place.serve(&[]);
    let all = facts();
    service.post(&all);
    service.wait_until_folded(all.lines().count() as u64, FOLDED);
    service.process().kill();
    let told = erase(&place);
    assert_eq!(found(place.data(), &GONE), None);
    place.must(&["verify"]);
    place.drain();
    place.must(&["verify"]);
    assert_eq!(found(place.data(), &GONE), None);
    goes_on(&place, told["pseudonym"].as_str().unwrap());
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &to),
            false => drop(fs::copy(entry.path(), to).unwrap()),
        }
    }
}

/// When it is to be killed: at this time; or right after it began to write, or after what it wrote began to count.
fn begin_to_wait(place: &Place, kill: u64, after: Duration) -> std::time::Instant {
    let begun = std::time::Instant::now();
    let sign = match kill % 4 {
        0 | 1 => return begun + after,
        2 => "rewriting/report.db",
        _ => "rewritten",
    };
    let sign = place.data().join(sign);
    while !sign.exists() && begun.elapsed() < Duration::from_secs(5) {
        std::hint::spin_loop();
    }
    // The latter takes a few milliseconds.
    std::time::Instant::now() + Duration::from_micros(kill * 150)
}

/// Killed at whatever moment, it leaves the directory as it was or as it shall be; and the next one ends what was begun.
#[test]
fn killed_it_leaves_the_one_or_the_other() {
    let place = lived();
    let before = tails(&place);
    let arguments = ["erase", "--workspace", "w1", "--customer", ANNA];
    let kills = crate::number("AFTERWORD_KILLS").unwrap_or(12);
    let (mut whole_old, mut whole_new) = (0, 0);
    let length = {
        let timed = Place::new();
        copy(place.data(), timed.data());
        let begun = std::time::Instant::now();
        timed.must(&arguments);
        begun.elapsed()
    };
    for kill in 0..kills {
        let other = Place::new();
        copy(place.data(), other.data());
        let mut running = other.spawn(&arguments);
        let until = begin_to_wait(
            &other,
            kill,
            length.mul_f64((kill + 1) as f64 / kills as f64),
        );
        while std::time::Instant::now() < until && running.ended().is_none() {
            std::hint::spin_loop();
        }
        running.kill();
        // Opens it, and so puts in order what was left.
        let after = tails(&other);
        other.must(&["verify"]);
        other.drain();
        match after == before {
            true => whole_old += 1,
            false => {
                assert_eq!(found(other.data(), &GONE), None, "kill {kill}");
                whole_new += 1;
            }
        }
        let again = other.run(&arguments);
        assert_eq!(
            again.status.success(),
            after == before,
            "kill {kill}: {}",
            again.stderr
        );
        assert_eq!(found(other.data(), &GONE), None, "kill {kill}");
        for left in ["rewriting", "rewritten", "checkpoint"] {
            assert!(!other.data().join(left).exists(), "kill {kill}: {left}");
        }
        assert_eq!(other.tail("eligibility-decided").len(), before[3].len());
    }
    assert!(
        kills < 8 || whole_old > 0 && whole_new > 0,
        "{whole_old} {whole_new}"
    );
    println!("of {kills} killed, {whole_old} left it as it was, and {whole_new} as it shall be");
}
