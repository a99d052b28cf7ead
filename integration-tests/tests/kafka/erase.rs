//! One customer taken out of states, report database and, with all that came before them, topics.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use serde_json::{Value, json};

use crate::closes::{now_ms, request_id};
use crate::http::Client;
use crate::member::program;
use crate::world::{CATCH_UP, GROUP, Plan, World};
use crate::{alone, binary, wait};

const ANNA: &str = "customer-4711-anna";
const EMAIL: &str = "anna.mustermann@example.com";
const CARLA: &str = "customer-2342-carla";
const NAMES: [&str; 2] = [ANNA, EMAIL];
/// What is to be gone: ids, addresses, and of each text a part that stands nowhere else.
const GONE: [&str; 6] = [
    ANNA,
    CARLA,
    EMAIL,
    "My parcel for Lindenstrasse 12 never came",
    "I have found your parcel, dear Anna",
    "It took you three weeks, shame on you",
];
const BERT: &str = "customer-0815-bert";
const PARTITIONS: u32 = 2;
/// Bytes can be searched for only where they are not compressed.
const PLAIN: [&str; 2] = ["--set", "kafka.properties.compression.codec=none"];
const NAMING: [&str; 3] = [
    "conversation-events",
    "rating-requested",
    "rating-submitted",
];
const CHANGELOG: &str = "afterword-state-changelog";
/// How long brokers may take to remove files, and to compact.
const REMOVED: Duration = Duration::from_secs(90);
/// How long erasures live that are killed: most of one goes by before it writes.
const LIVES_MS: [u64; 8] = [2_000, 5_000, 5_500, 6_000, 6_300, 6_600, 6_900, 7_200];
const CALL: Duration = Duration::from_secs(10);

fn fact(conversation: &str, id: u32, at_ms: i64, kind: &str, more: Value) -> String {
    let mut fact = json!({
        "event_id": format!("{conversation}-{id}"), "workspace_id": "w1", "conversation_id": conversation,
        "occurred_at": at_ms + i64::from(id) * 1_000, "type": kind,
    });
    let members = more.as_object().unwrap().clone();
    fact.as_object_mut().unwrap().extend(members);
    format!("{fact}\n")
}

/// A conversation that is open, long enough to be asked about.
fn open(conversation: &str, customer: &str, at_ms: i64, texts: [&str; 2]) -> String {
    let customer = json!({ "kind": "user", "id": customer });
    let ben = json!({ "kind": "teammate", "id": "ben" });
    let long = |text: &str| format!("{text}. {}", "and so on, ".repeat(20));
    let started =
        json!({ "origin": "customer_initiated", "initiator": customer, "channel": "messenger" });
    let said = |author: &Value, text: &str| json!({ "author": author, "text": long(text) });
    [
        fact(conversation, 1, at_ms, "conversation_started", started),
        fact(
            conversation,
            2,
            at_ms,
            "message_added",
            said(&customer, texts[0]),
        ),
        fact(
            conversation,
            3,
            at_ms,
            "message_added",
            said(&ben, texts[1]),
        ),
    ]
    .concat()
}

/// The same, closed and rated with a comment.
fn rated(conversation: &str, customer: &str, at_ms: i64, texts: [&str; 3]) -> String {
    let closed = json!({ "by": { "kind": "teammate", "id": "ben" } });
    let request = request_id("w1", conversation);
    let reaction = json!({ "request_id": request, "customer_id": customer, "reaction": "bad" });
    [
        open(conversation, customer, at_ms, [texts[0], texts[1]]),
        fact(conversation, 9, at_ms, "conversation_closed", closed),
        fact(conversation, 10, at_ms, "reaction_selected", reaction),
        comment(conversation, 11, customer, at_ms, texts[2]),
    ]
    .concat()
}

fn comment(conversation: &str, id: u32, customer: &str, at_ms: i64, text: &str) -> String {
    let request = request_id("w1", conversation);
    let more = json!({ "request_id": request, "customer_id": customer, "text": text });
    fact(conversation, id, at_ms, "comment_left", more)
}

/// The needles in the bytes of files below a directory, with the first file of each.
fn found<'n>(directory: &Path, needles: &[&'n str]) -> Vec<(&'n str, String)> {
    let mut found = Vec::new();
    for entry in walk(directory) {
        // A broker may just have removed it.
        let Ok(bytes) = fs::read(&entry) else {
            continue;
        };
        for needle in needles {
            let mut windows = bytes.windows(needle.len());
            if windows.any(|window| window == needle.as_bytes()) {
                found.push((*needle, entry.clone()));
            }
        }
    }
    found
}

fn walk(directory: &Path) -> Vec<String> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        match entry.path() {
            path if path.is_dir() => files.extend(walk(&path)),
            path => files.push(path.display().to_string()),
        }
    }
    files
}

struct Scene {
    world: World,
    now_ms: i64,
    imported: u32,
}

impl Scene {
    /// Anna and others have written and answered, and all of it is processed.
    fn new() -> Scene {
        let plan = Plan::new(binary::path(), 1, PARTITIONS)
            .with("kafka.properties.compression.codec", "none")
            .broker("log.retention.check.interval.ms", 1_000)
            .broker("log.cleaner.backoff.ms", 1_000)
            .broker("log.segment.delete.delay.ms", 100);
        let mut scene = Scene {
            world: World::new(plan),
            now_ms: now_ms() - 3_600_000,
            imported: 0,
        };
        let anna = [GONE[3], GONE[4], GONE[5]];
        let bert = ["Where is my invoice 2026-17", "It is here", "All was well"];
        let at_ms = scene.now_ms;
        let before: String = (0..30)
            .map(|number| rated(&format!("b{number}"), BERT, at_ms, bert))
            .collect();
        let after: String = (30..60)
            .map(|number| rated(&format!("b{number}"), BERT, at_ms, bert))
            .collect();
        scene.import(&before);
        scene.import(&rated("c1", ANNA, at_ms, anna));
        scene.import(&open("c2", ANNA, at_ms, [anna[0], anna[1]]));
        scene.import(&rated("c3", ANNA, at_ms, anna));
        scene.import(&after);
        scene.drain();
        let contact =
            json!({ "workspace_id": "w1", "customer_id": ANNA, "email": EMAIL, "name": "Anna" });
        let file = scene.world.path().join("contacts.ndjson");
        fs::write(&file, format!("{contact}\n")).unwrap();
        scene
            .world
            .must(&["contacts", "import", file.to_str().unwrap()]);
        scene
    }

    fn import(&mut self, lines: &str) {
        self.imported += 1;
        let path = self
            .world
            .path()
            .join(format!("facts-{}.ndjson", self.imported));
        fs::write(&path, lines).unwrap();
        let path = path.to_str().unwrap().to_owned();
        self.world.must(&[&["import", &path][..], &PLAIN].concat());
        fs::remove_file(path).unwrap();
    }

    /// Processes and projects everything, and ends in order.
    fn drain(&mut self) {
        self.world.must(&[&["run", "--drain"][..], &PLAIN].concat());
    }

    fn erase_of(&mut self, customer: &str, more: &[&str]) -> (bool, String) {
        let erase = ["erase", "--workspace", "w1", "--customer", customer];
        self.world.command(&[&erase[..], more, &PLAIN].concat())
    }

    fn erase(&mut self, more: &[&str]) -> (bool, String) {
        self.erase_of(ANNA, more)
    }

    fn erased(&mut self, more: &[&str]) -> Value {
        self.erased_of(ANNA, more)
    }

    fn erased_of(&mut self, customer: &str, more: &[&str]) -> Value {
        let (success, said) = self.erase_of(customer, &[&["--json"][..], more].concat());
        assert!(success, "{said}");
        let line = said.lines().find(|line| line.starts_with('{'));
        serde_json::from_str(line.unwrap_or_else(|| panic!("{said}"))).unwrap()
    }

    fn refused(&mut self, more: &[&str], why: &str) {
        let (success, said) = self.erase(more);
        assert!(!success && said.contains(why), "expected {why:?}: {said}");
    }

    fn tail(&mut self, topic: &str) -> Vec<String> {
        let said = self.world.must(&["tail", topic]);
        said.lines().map(str::to_owned).collect()
    }

    /// Whether an erasure was killed so long after its start, and had not ended before.
    fn is_killed_after(&self, delay: Duration) -> bool {
        let mut command = program(binary::path());
        command.args(["erase", "--workspace", "w1", "--customer", ANNA]);
        command.args(["--log", "kafka", "--bootstrap-servers"]);
        command.arg(self.world.bootstrap_servers()).args(PLAIN);
        command
            .arg("--data-dir")
            .arg(self.world.path().join("commands"));
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        std::thread::sleep(delay);
        let has_ended = child.try_wait().unwrap().is_some();
        child.kill().unwrap();
        child.wait().unwrap();
        // The group has it as a member until its session ends.
        let asker = consumer(&self.world, GROUP);
        let is_alone = wait::until(CATCH_UP, || {
            let found = asker.client().fetch_group_list(Some(GROUP), CALL).unwrap();
            found.groups().iter().all(|it| it.members().is_empty())
        });
        assert!(is_alone, "a member that was killed stays");
        !has_ended
    }

    /// What the reports say.
    fn figures(&mut self) -> Vec<String> {
        // In the directory of the commands: the report database is there.
        let mut service = self.world.member("commands");
        let servers = self.world.bootstrap_servers();
        let roles = ["process", "project", "report"];
        service.start(&self.world.running(&roles, &servers), "");
        service.wait_until_it_answers();
        self.world.catch_up(&mut [&mut service], CATCH_UP).unwrap();
        let base = service
            .events_url()
            .unwrap()
            .replace("/events", "/workspaces/w1");
        let get = |what: &str| {
            let url = format!("{base}/{what}?from=2026-01-01&to=2026-12-31");
            let answer = Client::new().get(&url).unwrap();
            assert_eq!(answer.status, 200, "{}", answer.body);
            answer.body
        };
        let figures = ["summary", "funnel", "teammates"].map(get).into();
        self.refused(&[], "a service runs");
        service.stop();
        figures
    }

    /// What is found in the program's directory, and in what brokers store.
    fn found<'n>(&self, place: &str, needles: &[&'n str]) -> Vec<(&'n str, String)> {
        found(&self.world.path().join(place), needles)
    }

    fn alter(&self, topic: &str, settings: &str) {
        let alter = ["--alter", "--entity-type", "topics", "--entity-name", topic];
        let class = "kafka.admin.ConfigCommand";
        let arguments = [&alter[..], &["--add-config", settings]].concat();
        self.world.cluster.tool_output(class, &arguments);
    }
}

/// Where a group is to stand.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stand {
    Start,
    End,
    /// After the last record, before the mark that ends its transaction.
    BeforeTheMark,
}

fn consumer(world: &World, group: &str) -> BaseConsumer {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", world.bootstrap_servers());
    config.set("group.id", group);
    config.create().unwrap()
}

/// Has a group stand so in a topic.
fn commit(world: &World, group: &str, topic: &str, stand: Stand) {
    let consumer = consumer(world, group);
    let mut places = TopicPartitionList::new();
    for partition in 0..PARTITIONS as i32 {
        let (start, end) = consumer.fetch_watermarks(topic, partition, CALL).unwrap();
        let offset = match stand {
            Stand::Start => start,
            Stand::End => end,
            Stand::BeforeTheMark => end - 1,
        };
        places
            .add_partition_offset(topic, partition, Offset::Offset(offset))
            .unwrap();
    }
    consumer.commit(&places, CommitMode::Sync).unwrap();
}

#[test]
fn a_customer_is_taken_out_of_kafka() {
    let _alone = alone();
    let mut scene = Scene::new();
    assert!(
        !scene.found("commands", &GONE).is_empty() && !scene.found("brokers", &GONE).is_empty()
    );
    let figures = scene.figures();
    let cards = scene.tail("teammate-scorecards");
    let changelog = scene.world.cluster.console_consumer(CHANGELOG, true).count;

    // What was not processed yet would bring the customer back.
    scene.import(&open("c4", ANNA, scene.now_ms, [GONE[3], GONE[4]]));
    scene.refused(&[], "not stored in states yet");
    scene.drain();
    let dry = scene.erased(&["--dry-run"]);
    assert_eq!(
        (&dry["conversations"], &dry["states"], &dry["pseudonym"]),
        (&json!(4), &json!(4), &Value::Null),
        "{dry}"
    );
    let text = scene.erase(&["--dry-run"]).1;
    assert!(text.contains("never: retention.ms has no end"), "{text}");

    let told = scene.erased(&[]);
    let pseudonym = told["pseudonym"].as_str().unwrap().to_owned();
    assert_eq!(
        (
            &told["report"]["comments"],
            &told["report"]["contacts"],
            &told["report"]["requests"]
        ),
        (&json!(2), &json!(1), &json!(2)),
        "{told}"
    );
    assert_eq!(told["topics"], dry["topics"], "records of topics stay");
    assert_eq!(told["topics"][0]["topic"], "conversation-events");
    assert_eq!(
        told["changelog"]["max_compaction_lag_ms"],
        json!(7 * 86_400_000)
    );
    assert_eq!(scene.found("commands", &NAMES), []);
    scene.world.verify().unwrap();
    assert_eq!(scene.figures(), figures);
    // Done again, it is the same customer; so is whoever answers.
    let again = scene.erased(&[]);
    assert_eq!(again["pseudonym"], pseudonym.as_str());
    assert_eq!(
        (&again["states"], &again["report"]["comments"]),
        (&json!(0), &json!(0)),
        "{again}"
    );
    goes_on(&mut scene, &pseudonym);
    let more = scene.tail("teammate-scorecards");
    assert_eq!(more[..cards.len()], cards[..]);

    deleted(&mut scene);
    rolled(&mut scene, changelog);
    scene.world.went_well();
}

#[test]
#[ignore = "kills an erasure again and again, and waits for each one's session: two minutes; `make test-kafka` runs it"]
fn an_erasure_that_was_killed_is_done_again() {
    let _alone = alone();
    let mut scene = Scene::new();
    let mut killed = 0;
    for delay in LIVES_MS {
        killed += u32::from(scene.is_killed_after(Duration::from_millis(delay)));
    }
    let mut told = (false, String::new());
    let erased = wait::until(CATCH_UP, || {
        told = scene.erase(&["--json"]);
        assert!(told.0 || told.1.contains("a service runs"), "{}", told.1);
        told.0
    });
    assert!(erased, "{}", told.1);
    let last: Value = serde_json::from_str(told.1.lines().next().unwrap()).unwrap();
    let again = scene.erased(&[]);
    assert_eq!(
        (
            &again["pseudonym"],
            &again["states"],
            &again["report"]["comments"]
        ),
        (&last["pseudonym"], &json!(0), &json!(0)),
        "{again}"
    );
    assert_eq!(scene.found("commands", &NAMES), []);
    scene.world.verify().unwrap();
    goes_on(&mut scene, last["pseudonym"].as_str().unwrap());
    scene.world.went_well();
    println!(
        "{killed} of {} were killed; the last one had {} states to do",
        LIVES_MS.len(),
        last["states"]
    );
}

/// A conversation that was open goes on: its customer is asked under the name that they have now, and answers so.
fn goes_on(scene: &mut Scene, pseudonym: &str) {
    let before = scene.tail("rating-submitted").len();
    let at_ms = scene.now_ms;
    let answer = json!({ "request_id": request_id("w1", "c2"), "customer_id": pseudonym, "reaction": "great" });
    let closed = json!({ "by": { "kind": "teammate", "id": "ben" } });
    scene.import(&fact("c2", 20, at_ms, "conversation_closed", closed));
    scene.import(&fact("c2", 21, at_ms, "reaction_selected", answer));
    scene.drain();
    let ratings = scene.tail("rating-submitted");
    assert_eq!(ratings.len(), before + 1, "{ratings:#?}");
    assert!(ratings.concat().contains(pseudonym), "{ratings:#?}");
}

/// Records are deleted once everybody has read them.
fn deleted(scene: &mut Scene) {
    // After all of Anna's, in every partition.
    let texts = [GONE[3], GONE[4], GONE[5]];
    let carla = (0..12).map(|number| rated(&format!("e{number}"), CARLA, scene.now_ms, texts));
    let carla: String = carla.collect();
    scene.import(&carla);
    scene.drain();
    let reading = "one-that-reads-slowly";
    commit(&scene.world, reading, NAMING[0], Stand::Start);
    scene.refused(&["--delete-records"], reading);
    assert!(scene.tail("conversation-events").concat().contains(ANNA));
    commit(&scene.world, reading, NAMING[0], Stand::End);
    let told = scene.erased(&["--delete-records"]);
    assert_eq!(told["records_deleted"], true, "{told}");
    for topic in NAMING {
        assert!(!scene.tail(topic).concat().contains(ANNA), "{topic}");
    }
    let facts = scene.tail("conversation-events").concat();
    assert!(facts.contains(BERT), "what came after it stays");
    scene.world.must(&["verify", "--kept-only"]);
    scene.refused(&[], "found nothing");

    let at_the_end = "one-that-has-read-all";
    commit(&scene.world, at_the_end, NAMING[1], Stand::BeforeTheMark);
    let dry = scene.erased_of(CARLA, &["--delete-records=all", "--dry-run"]);
    assert_eq!(dry["records_deleted"], false, "{dry}");
    let class = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand";
    let delete = ["--delete", "--group", at_the_end];
    scene.world.cluster.tool_output(class, &delete);
    let told = scene.erased_of(CARLA, &["--delete-records=all"]);
    assert_eq!(told["topics"][0]["partitions"], PARTITIONS, "{told}");
    for topic in NAMING {
        assert_eq!(scene.tail(topic).len(), 0, "{topic}");
    }
    scene.world.must(&["verify", "--kept-only"]);
}

/// Once other files are begun, and the changelog is compacted, nothing is left in the bytes that brokers store.
fn rolled(scene: &mut Scene, changelog: u64) {
    assert!(!scene.found("brokers", &GONE).is_empty());
    for topic in NAMING {
        scene.alter(topic, "segment.ms=1000");
    }
    let soon = "segment.ms=1000,max.compaction.lag.ms=1000,min.cleanable.dirty.ratio=0.01";
    scene.alter(CHANGELOG, soon);
    let mut round = 0;
    let gone = wait::until(REMOVED, || {
        // A file is closed when a later record comes.
        round += 1;
        let at_ms = now_ms();
        let texts = ["Where is my invoice 2026-18", "It is here", "All was well"];
        let facts = (0..12).map(|number| rated(&format!("d{round}-{number}"), BERT, at_ms, texts));
        let facts: String = facts.collect();
        scene.import(&facts);
        scene.drain();
        scene.found("brokers", &GONE).is_empty()
    });
    assert!(gone, "{:?}", scene.found("brokers", &GONE));
    assert_eq!(scene.found("commands", &GONE), []);
    scene.world.must(&["verify", "--kept-only"]);
    println!(
        "nothing is left in the bytes after {round} rounds; the changelog had {changelog} records"
    );
}
