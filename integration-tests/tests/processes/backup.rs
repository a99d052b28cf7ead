//! Backups: taken while a service is fed, restored elsewhere, and refused when anything about them is not as it was.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use afterword_integration_tests::facts::{Config, generate};
use afterword_integration_tests::model::OwnedFact;
use serde_json::Value;

use crate::http::Client;
use crate::outputs::{self, differences, line_of, modelled, story};
use crate::place::Place;
use crate::scorecards;

const FOLDED: Duration = Duration::from_secs(60);
const POST_LINES: usize = 25;
const CONTACT: &str = "/api/v1/workspaces/w1/contacts/u1";

/// Posts all lines, some at a time, and counts those that are acknowledged.
fn post_all(url: &str, lines: &[String], acknowledged: &AtomicUsize) {
    let client = Client::new();
    for chunk in lines.chunks(POST_LINES) {
        let answer = client.post_lines(url, &chunk.concat()).unwrap();
        assert_eq!(answer.status, 200, "{}", answer.body);
        acknowledged.fetch_add(chunk.len(), Ordering::SeqCst);
    }
}

/// A backup that was taken when so many facts had been acknowledged.
struct Taken {
    directory: PathBuf,
    acknowledged: usize,
    told: Value,
}

fn take(place: &Place, name: &str, acknowledged: &AtomicUsize) -> Taken {
    let before = acknowledged.load(Ordering::SeqCst);
    let directory = place.file(name);
    let told = place.must(&["backup", directory.to_str().unwrap(), "--json"]);
    assert!(
        !place.data().join("checkpoint").exists(),
        "nothing is left in the data directory"
    );
    Taken {
        directory,
        acknowledged: before,
        told: serde_json::from_str(&told).unwrap(),
    }
}

#[test]
fn taken_under_load_and_restored_elsewhere() {
    let config = Config {
        facts: 6_000,
        conversations: 20,
        settings_per_mille: 0,
        ..Config::default()
    };
    let facts = generate(11, &config).facts;
    let lines: Vec<String> = facts.iter().map(line_of).collect();
    let place = Place::new();
    let service = place.serve(&[]);
    let contact = place.write(
        "contacts.ndjson",
        r#"{"workspace_id":"w1","customer_id":"u1","email":"u1@example.com"}"#,
    );
    place.must(&["contacts", "import", contact.to_str().unwrap()]);
    // What a backup that was killed would have left behind.
    fs::create_dir_all(place.data().join("checkpoint/db")).unwrap();
    let (url, acknowledged) = (service.events_url().unwrap(), AtomicUsize::new(0));
    let (taken, during) = std::thread::scope(|scope| {
        let producer = scope.spawn(|| post_all(&url, &lines, &acknowledged));
        let reach = |share: usize| {
            service.wait_for("facts to be posted", FOLDED, |_| {
                acknowledged.load(Ordering::SeqCst) >= lines.len() * share / 8
            });
        };
        reach(1);
        let first = take(&place, "first", &acknowledged);
        let during = acknowledged.load(Ordering::SeqCst) - first.acknowledged;
        reach(4);
        let second = take(&place, "second", &acknowledged);
        producer.join().unwrap();
        ([first, second], during)
    });
    assert!(
        during > 0,
        "the service went on taking facts while the backup was made"
    );
    let keys = fs::read(place.data().join("link-keys")).unwrap();
    assert_eq!(service.stop().code(), Some(0));
    for taken in taken {
        assert_eq!(taken.told["report"], "included", "{}", taken.told);
        check(&taken, &facts, &lines, &keys);
    }
}

/// Restores it, and goes on there as if nothing had been: all that comes out is what the rules say.
fn check(taken: &Taken, facts: &[OwnedFact], lines: &[String], keys: &[u8]) {
    let place = Place::new();
    place.must(&["restore", taken.directory.to_str().unwrap()]);
    place.must(&["verify"]);
    let named = |fact: &OwnedFact| {
        (
            fact.workspace_id.clone(),
            fact.conversation_id.clone(),
            fact.event_id.clone(),
        )
    };
    let there = outputs::facts(&place.log());
    let there: BTreeSet<_> = there.iter().map(|(_, _, fact)| named(fact)).collect();
    let missing = facts[..taken.acknowledged]
        .iter()
        .find(|fact| !there.contains(&named(fact)));
    assert!(
        missing.is_none(),
        "acknowledged before, and not in it: {missing:?}"
    );
    let restored = place.data().join("link-keys");
    assert_eq!(fs::read(&restored).unwrap(), keys);
    let mode = fs::metadata(&restored).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    let service = place.serve(&[]);
    service.wait_until_ready(FOLDED);
    let contact = service.get_report(CONTACT).unwrap();
    assert_eq!(
        contact.json()["email"],
        "u1@example.com",
        "{}",
        contact.body
    );
    // The producer does not know what arrived last; it repeats that.
    let rest = &lines[taken.acknowledged..];
    let url = service.events_url().unwrap();
    post_all(&url, rest, &AtomicUsize::new(0));
    service.wait_for("all to be folded and projected", FOLDED, |service| {
        service.metric("afterword_lag_facts") == Some(0.0)
            && service.metric("afterword_projector_lag_records") == Some(0.0)
    });
    assert_eq!(service.stop().code(), Some(0));
    place.must(&["verify"]);
    let log = place.log();
    assert_eq!(outputs::violations(&log, &[]), Vec::<String>::new());
    let found: Vec<_> = outputs::outputs(&log)
        .into_iter()
        .map(|sourced| sourced.output)
        .collect();
    let parted = differences(
        &story(modelled(facts, &[]).iter().flatten()),
        &story(&found),
    );
    assert!(parted.is_empty(), "{}", parted[0]);
    drop(log);
    // Of each key the highest revision: one of before the backup must not stand above the present one.
    let cards = scorecards::told(&place.tail("teammate-scorecards"));
    let added = scorecards::added_up(found.iter(), &|_| 0);
    let empty = |sums: &scorecards::Sums| sums.iter().all(|sum| *sum == 0);
    let cards: Vec<_> = cards.into_iter().filter(|(_, sums)| !empty(sums)).collect();
    assert_eq!(cards, added.into_iter().collect::<Vec<_>>());
}

/// A place with something in it, and a backup of it that was taken while no service ran.
fn backed_up() -> (Place, PathBuf) {
    let place = Place::new();
    place.import(&place.write("facts.ndjson", include_str!("by_hand.facts.ndjson")));
    place.drain();
    let backup = place.file("backup");
    place.must(&["backup", backup.to_str().unwrap()]);
    (place, backup)
}

fn restore(place: &Place, backup: &Path) -> crate::place::Ran {
    place.run(&["restore", backup.to_str().unwrap()])
}

/// A file of the backup's log, of this kind.
fn file_of_log(backup: &Path, ending: &str) -> PathBuf {
    let entries = fs::read_dir(backup.join("db")).unwrap();
    let mut paths = entries.map(|entry| entry.unwrap().path());
    let found = paths.find(|path| path.to_str().unwrap().ends_with(ending));
    found.unwrap_or_else(|| panic!("no {ending} in {}", backup.display()))
}

fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] ^= 1;
    fs::write(path, bytes).unwrap();
}

fn cut(path: &Path) {
    let bytes = fs::read(path).unwrap();
    fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
}

#[test]
fn what_is_torn_or_changed_is_refused_and_leaves_nothing() {
    type Harm = fn(&Path);
    let harms: [(Harm, &str); 9] = [
        (
            |backup| flip(&file_of_log(backup, ".sst"), 40),
            ".sst: expected",
        ),
        (|backup| cut(&file_of_log(backup, ".sst")), ".sst: expected"),
        (
            |backup| fs::remove_file(file_of_log(backup, "CURRENT")).unwrap(),
            "db/CURRENT: expected a file, found none",
        ),
        (
            |backup| flip(&backup.join("report.db"), 5_000),
            "report.db: expected",
        ),
        (
            |backup| fs::write(backup.join("db/999999.sst"), "x").unwrap(),
            "db/999999.sst: found",
        ),
        (
            |backup| fs::remove_file(backup.join("manifest.json")).unwrap(),
            "found none",
        ),
        (
            |backup| cut(&backup.join("manifest.json")),
            "manifest.json: expected",
        ),
        (
            |backup| {
                let path = backup.join("manifest.json");
                let text = fs::read_to_string(&path).unwrap();
                fs::write(&path, text.replace("\"report.db\"", "\"../report.db\"")).unwrap();
            },
            "a file that no backup has",
        ),
        (
            |backup| {
                let path = backup.join("manifest.json");
                let mut manifest: Value =
                    serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
                manifest["log"]["id"] = "another".into();
                fs::write(&path, manifest.to_string()).unwrap();
            },
            "expected the log another",
        ),
    ];
    for (harm, words) in harms {
        let (_place, backup) = backed_up();
        harm(&backup);
        let elsewhere = Place::new();
        let ran = restore(&elsewhere, &backup);
        assert_eq!(ran.status.code(), Some(1), "{words}: {}", ran.stdout);
        assert!(ran.stderr.contains(words), "{words}: {}", ran.stderr);
        assert!(!elsewhere.data().exists(), "{words}: something was left");
    }
}

#[test]
fn nothing_is_written_over() {
    let (place, backup) = backed_up();
    let before = fs::read(backup.join("manifest.json")).unwrap();
    let again = place.run(&["backup", backup.to_str().unwrap()]);
    assert_eq!(again.status.code(), Some(1), "{}", again.stdout);
    assert!(
        again.stderr.contains("nothing is written over"),
        "{}",
        again.stderr
    );
    assert_eq!(fs::read(backup.join("manifest.json")).unwrap(), before);
    let within = place.data().join("backup");
    let within = place.run(&["backup", within.to_str().unwrap()]);
    assert!(
        within.stderr.contains("outside the data directory"),
        "{}",
        within.stderr
    );
    assert!(!place.data().join("backup").exists());
    let over = restore(&place, &backup);
    assert_eq!(over.status.code(), Some(1), "{}", over.stdout);
    assert!(
        over.stderr.contains("nothing is written over"),
        "{}",
        over.stderr
    );
    place.must(&["verify"]);

    // An empty directory, as a mount would be, is taken.
    let elsewhere = Place::new();
    fs::create_dir(elsewhere.data()).unwrap();
    assert!(restore(&elsewhere, &backup).status.success());
    elsewhere.must(&["verify"]);
    assert_eq!(
        elsewhere.tail("rating-requested"),
        place.tail("rating-requested")
    );
    let names = fs::read_dir(elsewhere.data()).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let names: BTreeSet<String> = names.collect();
    assert!(!names.contains("restoring"), "{names:?}");
}

#[test]
fn there_is_nothing_to_back_up_where_there_is_no_log() {
    let place = Place::new();
    let backup = place.file("backup");
    let ran = place.run(&["backup", backup.to_str().unwrap()]);
    assert_eq!(ran.status.code(), Some(1));
    assert!(ran.stderr.contains("expected a log in"), "{}", ran.stderr);
    assert!(!backup.exists());
}
