//! `docs/consumers/flink.md`: its statements, run by Flink through a registry, give what `afterword tail` has.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use afterword_integration_tests::examples::blocks;
use afterword_integration_tests::kafka::{
    FLINK, Process, Registry, compile, java_flink, repository,
};
use rdkafka::ClientConfig;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

use crate::consumers::{TOPIC, history_through, set, through};
use crate::world::World;
use crate::{alone, examples, wait};

const PAGE: &str = "consumers/flink.md";
const PATIENCE: Duration = Duration::from_secs(90);
/// How long a result must stay as it is: more than expected would come now.
const STAYS: Duration = Duration::from_secs(3);
/// Records that come twice.
const REPEATED: usize = 20;

/// Rows without their order; a number with a fraction to nine digits.
type Rows = Vec<Vec<String>>;

#[test]
#[ignore = "fetches Flink, 150 MB, and needs a schema registry: two minutes; `make test-kafka` runs it"]
fn flink_gets_the_right_scorecards_and_ratings_through_the_registry() {
    let _alone = alone();
    let registry = Registry::start();
    let mut world = through(&registry);
    let aborted = history_through(&mut world, &registry);
    let set = set(&registry);
    let set = ["--set", set.as_str()];
    world.must(&[&["run", "--drain"][..], &set].concat());
    let flink = Flink::new(&world, &registry);

    let mut cards = flink.start("scorecards", &flink.scorecards);
    let days = positive(&world.must(&[&["tail", "teammate-scorecards"][..], &set].concat()));
    flink.must_show(&mut cards, &days);
    let more = ["simulate", "--conversations", "200", "--seed", "77"];
    world.must(&[&more[..], &set].concat());
    world.must(&[&["run", "--drain"][..], &set].concat());
    let more = positive(&world.must(&[&["tail", "teammate-scorecards"][..], &set].concat()));
    assert_ne!(more, days);
    flink.must_show(&mut cards, &more);
    drop(cards);

    // Every committed record, and none of those that were aborted.
    let told = world.must(&[&["tail", TOPIC][..], &set].concat());
    let answers = by_reaction(&told);
    let all = replaced(&flink.ratings, PRESENT, "FROM ratings\n");
    let mut process = flink.start("all", &all);
    flink.must_show(&mut process, &answers);
    drop(process);

    repeat(&world);
    let mut process = flink.start("ratings", &flink.ratings);
    flink.must_show(&mut process, &rows(examples::ratings(&told)));
    drop(process);
    let headers =
        "PARTITION BY headers['afterword-source'], headers['afterword-index'] ORDER BY revision";
    let page = fs::read_to_string(repository().join("docs").join(PAGE)).unwrap();
    assert!(page.contains(headers));
    let newest = "PARTITION BY request_id ORDER BY revision DESC";
    let once = replaced(&flink.ratings, newest, headers);
    let mut process = flink.start("answers", &once);
    flink.must_show(&mut process, &answers);
    drop(process);

    flink.refused();
    flink.leaves_the_enum_out(examples::objects(&told).count() + REPEATED);
    world.went_well();
    println!(
        "Flink: {} days; {answers:?}, with {aborted} aborted records and {REPEATED} repeated ones",
        more.len()
    );
}

/// The part of the page's second query that takes the newest of each rating, which the test leaves out once.
const PRESENT: &str = "FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY request_id ORDER BY revision DESC) AS place FROM ratings)
WHERE place = 1
";

struct Flink {
    folder: PathBuf,
    /// The page's statements, with this machine's addresses.
    scorecards: String,
    ratings: String,
}

impl Flink {
    fn new(world: &World, registry: &Registry) -> Flink {
        let folder = examples::folder(world, "flink");
        let source = repository().join("integration-tests/kafka/flink/Statements.java");
        examples::printed(compile(&source, FLINK, &folder));
        let here = |statements: &String| {
            let text = replaced(statements, examples::BROKER, &world.bootstrap_servers());
            replaced(&text, examples::REGISTRY, &registry.url())
        };
        let blocks = blocks(PAGE, "sql");
        let blocks: Vec<String> = blocks.iter().map(here).collect();
        let [scorecards, ratings] = blocks.try_into().expect("two blocks of statements");
        Flink {
            folder,
            scorecards,
            ratings,
        }
    }

    fn start(&self, name: &str, statements: &str) -> Process {
        let file = self.folder.join(name).with_extension("sql");
        fs::write(&file, statements).unwrap();
        let mut command = java_flink(&self.folder, "Statements");
        command.arg(&file).current_dir(&self.folder);
        Process::spawn("Flink", command, file.with_extension("log"))
    }

    /// Waits until the result is this, and a little longer.
    fn must_show(&self, process: &mut Process, expected: &Rows) {
        let shown = wait::until(PATIENCE, || {
            assert!(process.is_running(), "{}", process.log_tail());
            result(process) == *expected
        });
        let found = result(process);
        assert!(shown, "expected {expected:?}, found {found:?}");
        std::thread::sleep(STAYS);
        assert_eq!(result(process), *expected);
    }

    /// What the page says of tables that do not fit.
    fn refused(&self) {
        let without = self.without_schema();
        let nullable = replaced(&self.ratings, "reaction STRING NOT NULL", "reaction STRING");
        let cases = [
            (
                "without",
                without,
                "Found afterword.Reaction, expecting string",
            ),
            ("nullable", nullable, "does not match the table schema"),
        ];
        for (name, statements, message) in cases {
            let mut process = self.start(name, &statements);
            let ended = wait::until(PATIENCE, || !process.is_running());
            let said = fs::read_to_string(process.log()).unwrap();
            assert!(ended && said.contains(message), "{name}: {said}");
        }
    }

    /// The second table without its enum and without a schema, and with an end.
    fn leaves_the_enum_out(&self, records: usize) {
        let table = replaced(
            &self.without_schema(),
            "    reaction STRING NOT NULL, ",
            "    ",
        );
        let (table, _) = table.split_once("SELECT").unwrap();
        let bounded = "'scan.bounded.mode' = 'latest-offset'";
        let page = fs::read_to_string(repository().join("docs").join(PAGE)).unwrap();
        assert!(page.contains(bounded));
        let start = "    'scan.startup.mode'";
        let table = replaced(table, start, &format!("    {bounded},\n{start}"));
        let count = format!("{table}SELECT COUNT(*) AS answers FROM ratings;\n");
        let mut process = self.start("leaving-out", &count);
        let ended = wait::until(PATIENCE, || !process.is_running());
        let said = process.log_tail();
        assert!(ended, "{said}");
        assert_eq!(result(&process), [[records.to_string()]], "{said}");
    }

    fn without_schema(&self) -> String {
        let (before, rest) = self
            .ratings
            .split_once(",\n    'avro-confluent.schema'")
            .unwrap();
        let (_, after) = rest.split_once("]}'\n").unwrap();
        format!("{before}\n{after}")
    }
}

/// Some committed records once more, headers and all: what a consumer sees that is stopped between its result and its position.
fn repeat(world: &World) {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", world.bootstrap_servers());
    let producer: BaseProducer = config.create().unwrap();
    let records = world.stranger().read_topic(TOPIC);
    assert!(records.len() > REPEATED);
    for record in &records[..REPEATED] {
        let (source, index) = record.source.as_ref().unwrap();
        let headers = [("afterword-source", source), ("afterword-index", index)];
        let headers = headers
            .into_iter()
            .fold(OwnedHeaders::new(), |all, (key, text)| {
                let value = Some(text.as_bytes());
                all.insert(Header { key, value })
            });
        let again = BaseRecord::to(TOPIC).partition(record.partition);
        let again = again
            .key(&record.key)
            .payload(&record.value)
            .headers(headers);
        producer.send(again).map_err(|(error, _)| error).unwrap();
    }
    producer.flush(PATIENCE).unwrap();
}

/// What the changes that a query has printed come to.
fn result(process: &Process) -> Rows {
    let text = fs::read_to_string(process.log()).unwrap();
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let mut rows: BTreeMap<Vec<String>, i64> = BTreeMap::new();
    for line in whole.lines() {
        let Some((change, row)) = line.split_once('[') else {
            continue;
        };
        let by = match change {
            "+I" | "+U" => 1,
            "-U" | "-D" => -1,
            _ => continue,
        };
        let row = row.strip_suffix(']').unwrap().split(", ");
        *rows.entry(row.map(rounded).collect()).or_default() += by;
    }
    let mut found = Rows::new();
    for (row, count) in rows {
        assert!((0..=1).contains(&count), "{row:?} is there {count} times");
        found.extend((count == 1).then_some(row));
    }
    found
}

fn rounded(field: &str) -> String {
    let number = field.parse::<f64>().ok().filter(|_| field.contains('.'));
    number.map_or_else(|| field.to_owned(), |number| format!("{number:.9}"))
}

/// Answers and those with a comment by reaction, of what `tail` prints.
fn by_reaction(told: &str) -> Rows {
    let mut answers: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    for answer in examples::objects(told) {
        let reaction = examples::text(&answer, "reaction").to_owned();
        let counts = answers.entry(reaction).or_default();
        counts.0 += 1;
        counts.1 += u64::from(!answer["comment"].is_null());
    }
    rows(answers)
}

fn rows(by_reaction: BTreeMap<String, (u64, u64)>) -> Rows {
    let row = |(reaction, (count, comments)): (String, (u64, u64))| {
        vec![reaction, count.to_string(), comments.to_string()]
    };
    by_reaction.into_iter().map(row).collect()
}

/// Workspace, day, ratings and the share of positive ones, of what `tail` prints.
fn positive(told: &str) -> Rows {
    let mut days: BTreeMap<(String, String), (i64, i64)> = BTreeMap::new();
    for card in examples::scorecards(told).values() {
        let of = |name: &str| card[name].as_i64().unwrap();
        let text = |name| examples::text(card, name).to_owned();
        let day = days.entry((text("workspace_id"), text("day"))).or_default();
        let positive = of("great") + of("amazing");
        day.0 += of("terrible") + of("bad") + of("ok") + positive;
        day.1 += positive;
    }
    let row = |((workspace, day), (ratings, positive)): ((String, String), (i64, i64))| {
        let share = match ratings {
            0 => "null".to_owned(),
            _ => format!("{:.9}", positive as f64 / ratings as f64),
        };
        vec![workspace, day, ratings.to_string(), share]
    };
    days.into_iter().map(row).collect()
}

/// As [`str::replace`], of what must be there.
pub fn replaced(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "expected {from:?} in {text}");
    text.replace(from, to)
}
