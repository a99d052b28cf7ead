//! `docs/consumers/connect.md`: its worker, plugins and connector bring ratings into a real PostgreSQL, as `afterword tail` has them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use afterword_integration_tests::examples::{blocks, commands, write_files};
use afterword_integration_tests::kafka::{Registry, WORKER, Worker, classes, plugins};
use serde_json::{Value, json};
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Row};

use crate::consumers::{TOPIC, history_through, set, through};
use crate::flink::replaced;
use crate::member::program;
use crate::postgres::{Database, PASSWORD, Server, USER};
use crate::world::World;
use crate::{alone, binary, examples};

const PAGE: &str = "consumers/connect.md";
const PATIENCE: Duration = Duration::from_secs(90);
/// How long a table must stay as it is: more than expected would come now.
const STAYS: Duration = Duration::from_secs(3);
/// What the page calls these.
const WORKER_URL: &str = "http://connect:8083";
const DATABASE: &str = "jdbc:postgresql://postgres/ratings";
const CORE_API: &str = "http://registry:8081/apis/registry/v2";
const PLUGINS: &str = "/opt/connect/plugins";
const SECRETS: &str = "/etc/connect/secrets.properties";
const KAFKAS_JARS: &str = "/opt/kafka/libs/*";
/// All of a table of submissions but what a table's own key adds, in no order.
const SUBMISSION: &str = "jsonb_build_array(request_id, revision, workspace_id, conversation_id, customer_kind, customer_id, \
    teammate_id, channel, previous_reaction, reaction, comment, locked, after_reopen, \
    to_char(requested_at, 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'), to_char(first_rated_at, 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'), \
    to_char(submitted_at, 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'))::text";

#[test]
#[ignore = "fetches Kafka Connect and its plugins, 70 MB, and needs a schema registry: two minutes; `make test-kafka` runs it"]
fn kafka_connect_brings_each_rating_into_postgresql_once() {
    let _alone = alone();
    let registry = Registry::start();
    ids_that_differ(&registry);
    let mut world = through(&registry);
    let aborted = history_through(&mut world, &registry);
    let mut sink = Sink::start(&world, &registry);
    let told = sink.must_have_what_is_told(&mut world);

    // The worker dies, and what comes meanwhile has comments that PostgreSQL cannot hold as they are.
    sink.worker.kill();
    comments_with_nul(&mut world, &sink.set);
    sink.worker.start_again();
    let with_nul = sink.must_have_what_is_told(&mut world);
    assert!(with_nul.contains("\\u0000") && !told.contains("\\u0000"));
    assert_eq!(sink.present(), examples::ratings(&with_nul));

    // Everything once more, over rows that are wrong and beside one that is missing.
    sink.query("UPDATE submissions SET reaction = 'lost' WHERE teammate_id <> 'nobody'");
    sink.query("DELETE FROM submissions WHERE revision = 1");
    for command in &sink.commands[4..7] {
        sink.run_until_it_succeeds(command);
    }
    sink.must_have_what_is_told(&mut world);

    let records = submissions(&with_nul).len();
    let aborted = usize::try_from(aborted).unwrap();
    sink.places("places", true, records);
    sink.places("uncommitted", false, records + aborted);
    sink.scorecards(&mut world);
    world.went_well();
    println!(
        "Kafka Connect: {records} submissions in PostgreSQL and by tail; {aborted} more lie in the topic, aborted"
    );
}

/// The page's worker and connector, and where they write to.
struct Sink {
    worker: Worker,
    database: Database,
    folder: PathBuf,
    /// The page's commands, with this machine's addresses and folders.
    commands: Vec<String>,
    connector: Value,
    /// How a command of the program is told of the registry.
    set: String,
}

impl Sink {
    /// Follows the page up to the connector.
    fn start(world: &World, registry: &Registry) -> Sink {
        let folder = examples::folder(world, "connect");
        let plugin_path = folder.join("plugins");
        plugins(&plugin_path);
        write_files(PAGE, "java", &folder);
        write_files(PAGE, "properties", &folder);
        let properties = fs::read_to_string(folder.join("worker.properties")).unwrap();
        let properties = replaced(&properties, examples::BROKER, &world.bootstrap_servers());
        let properties = replaced(&properties, PLUGINS, plugin_path.to_str().unwrap());
        let properties = replaced(&properties, "replication.factor=3", "replication.factor=1");
        let here = |command: String| {
            let command = command.replace(KAFKAS_JARS, &classes(WORKER));
            command.replace(PLUGINS, plugin_path.to_str().unwrap())
        };
        let mut commands: Vec<String> = commands(PAGE).into_iter().map(here).collect();
        let names: Vec<&str> = commands.iter().map(|line| first_word(line)).collect();
        let expected = ["javac", "jar", "connect-distributed.sh"];
        assert_eq!(names[..3], expected);
        assert_eq!(names[3..], ["curl"; 4]);
        run(&commands[0], &folder).unwrap();
        run(&commands[1], &folder).unwrap();
        let worker = Worker::start(&folder, &properties);
        for command in &mut commands[3..] {
            *command = replaced(command, WORKER_URL, &worker.url());
        }
        let database = Server::shared().database();
        let connector = connector(&folder, registry, &database);
        let sink = Sink {
            worker,
            database,
            folder,
            commands,
            connector,
            set: set(registry),
        };
        sink.create(&sink.connector);
        sink
    }

    /// By the page's command.
    fn create(&self, connector: &Value) {
        fs::write(self.folder.join("ratings.json"), connector.to_string()).unwrap();
        run(&self.commands[3], &self.folder).unwrap();
    }

    /// Until the table has what `tail` prints, each once, and a little longer. Returns what that was.
    fn must_have_what_is_told(&self, world: &mut World) -> String {
        let told = world.must(&["tail", TOPIC, "--set", &self.set]);
        self.must_have("submissions", SUBMISSION, &submissions(&told));
        told
    }

    /// Until these columns of the table are these rows, and a little longer.
    fn must_have(&self, table: &str, columns: &str, expected: &[Value]) {
        let until = Instant::now() + PATIENCE;
        while self.rows(table, columns) != expected && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(200));
        }
        std::thread::sleep(STAYS);
        let found = self.rows(table, columns);
        let unexpected: Vec<_> = found.iter().filter(|row| !expected.contains(row)).collect();
        assert!(
            found == expected,
            "{table}: expected {} rows, found {}; not expected: {:?}; the worker: {}",
            expected.len(),
            found.len(),
            &unexpected[..unexpected.len().min(3)],
            self.worker.log_tail()
        );
    }

    fn rows(&self, table: &str, columns: &str) -> Vec<Value> {
        let exists = self.query(&format!("SELECT to_regclass('{table}')::text"));
        if exists[0].get::<Option<String>, _>(0).is_none() {
            return Vec::new();
        }
        let rows = self.query(&format!("SELECT {columns} FROM {table}"));
        let row = |row: &PgRow| serde_json::from_str(row.get(0)).unwrap();
        sorted(rows.iter().map(row).collect())
    }

    fn query(&self, sql: &str) -> Vec<PgRow> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.unwrap().block_on(async {
            let mut connection = self.database.connect().await;
            let query = sqlx::query(AssertSqlSafe(sql.to_owned()));
            query.fetch_all(&mut connection).await.unwrap()
        })
    }

    /// What the page's query gives.
    fn present(&self) -> examples::Ratings {
        let rows = self.query(&blocks(PAGE, "sql").concat());
        let count = |row: &PgRow, index| u64::try_from(row.get::<i64, usize>(index)).unwrap();
        let rating = |row: &PgRow| (row.get(0), (count(row, 1), count(row, 2)));
        rows.iter().map(rating).collect::<BTreeMap<_, _>>()
    }

    fn run_until_it_succeeds(&self, command: &str) {
        let until = Instant::now() + PATIENCE;
        while let Err(said) = run(command, &self.folder) {
            assert!(Instant::now() < until, "{said}");
            std::thread::sleep(Duration::from_millis(500));
        }
    }

    /// A row for each place in the topic, as the page says for records without a key of their own: `records` of them.
    fn places(&self, table: &str, read_committed: bool, records: usize) {
        let mut connector = self.connector.clone();
        connector["name"] = json!(table);
        let config = connector["config"].as_object_mut().unwrap();
        config.insert("collection.name.format".to_owned(), json!(table));
        config.insert("primary.key.mode".to_owned(), json!("kafka"));
        config.remove("primary.key.fields").unwrap();
        if !read_committed {
            config.remove("consumer.override.isolation.level").unwrap();
        }
        self.create(&connector);
        let until = Instant::now() + PATIENCE;
        while self.rows(table, SUBMISSION).len() < records && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(200));
        }
        std::thread::sleep(STAYS);
        let found = self.rows(table, SUBMISSION).len();
        assert_eq!(found, records, "{table}: {}", self.worker.log_tail());
    }

    /// The latest of each scorecard, as the page says.
    fn scorecards(&self, world: &mut World) {
        let mut connector = self.connector.clone();
        connector["name"] = json!("cards");
        let config = connector["config"].as_object_mut().unwrap();
        config.insert("topics".to_owned(), json!("teammate-scorecards"));
        config.insert("collection.name.format".to_owned(), json!("cards"));
        let key = json!("workspace_id,teammate_id,day");
        config.insert("primary.key.fields".to_owned(), key);
        self.create(&connector);
        let told = world.must(&["tail", "teammate-scorecards", "--set", &self.set]);
        let columns = [
            "workspace_id",
            "teammate_id",
            "day",
            "requests",
            "requests_answered",
            "terrible",
            "bad",
            "ok",
            "great",
            "amazing",
            "comments",
            "revision",
        ];
        let cards = examples::scorecards(&told);
        let row = |card: &Value| Value::from(columns.map(|name| card[name].clone()).to_vec());
        let expected = sorted(cards.values().map(row).collect());
        let columns = format!("jsonb_build_array({})::text", columns.join(", "));
        self.must_have("cards", &columns, &expected);
    }
}

/// The page's connector with this machine's addresses, and the file with the password.
fn connector(folder: &Path, registry: &Registry, database: &Database) -> Value {
    let secrets = folder.join("secrets.properties");
    fs::write(&secrets, format!("password={PASSWORD}\n")).unwrap();
    let text = blocks(PAGE, "json").concat();
    let url = format!(
        "jdbc:postgresql://127.0.0.1:{}/{}",
        database.port(),
        database.name()
    );
    let text = replaced(&text, DATABASE, &url);
    let core = registry.url().replace("ccompat/v7", "registry/v2");
    let text = replaced(&text, CORE_API, &core);
    let text = replaced(&text, SECRETS, secrets.to_str().unwrap());
    let user = "\"connection.username\": \"ratings\"";
    let text = replaced(&text, user, &user.replace("ratings", USER));
    serde_json::from_str(&text).unwrap()
}

/// Registers one schema under two subjects, so that the registry's two kinds of ids differ from then on.
fn ids_that_differ(registry: &Registry) {
    for subject in ["one", "two"] {
        let url = format!("{}/subjects/{subject}/versions", registry.url());
        let request = ureq::post(&url).header("content-type", "application/json");
        let schema = json!({"schema": "\"string\""}).to_string();
        request.send(schema.as_bytes()).unwrap();
    }
}

/// Lifelike history in which every comment begins with U+0000.
fn comments_with_nul(world: &mut World, set: &str) {
    let file = world.path().join("nul.ndjson");
    let mut command = program(binary::path());
    command.args(["simulate", "--conversations", "100", "--seed", "11"]);
    examples::printed({
        command.arg("--out").arg(&file);
        command
    });
    let facts = fs::read_to_string(&file).unwrap();
    fs::write(&file, comments_changed(&facts)).unwrap();
    world.must(&["import", file.to_str().unwrap(), "--set", set]);
    world.must(&["run", "--drain", "--set", set]);
}

fn comments_changed(facts: &str) -> String {
    let changed = |line: &str| {
        let mut fact: Value = serde_json::from_str(line).unwrap();
        if fact["type"] == "comment_left" {
            fact["text"] = json!(format!("\0{}", examples::text(&fact, "text")));
        }
        format!("{fact}\n")
    };
    facts.lines().map(changed).collect()
}

/// The rows of what `tail` prints; the columns are those of [`SUBMISSION`].
fn submissions(told: &str) -> Vec<Value> {
    let row = |rating: Value| {
        let of = |name: &str| rating[name].clone();
        let comment = rating["comment"].as_str();
        let comment = comment.map(|comment| comment.replace('\0', "\u{fffd}"));
        json!([
            of("request_id"),
            of("revision"),
            of("workspace_id"),
            of("conversation_id"),
            rating["customer"]["kind"],
            rating["customer"]["id"],
            of("teammate_id"),
            of("channel"),
            of("previous_reaction"),
            of("reaction"),
            comment,
            of("locked"),
            of("after_reopen"),
            of("requested_at"),
            of("first_rated_at"),
            of("submitted_at")
        ])
    };
    sorted(examples::objects(told).map(row).collect())
}

fn sorted(mut rows: Vec<Value>) -> Vec<Value> {
    rows.sort_by_cached_key(Value::to_string);
    rows
}

fn first_word(line: &str) -> &str {
    line.split(' ').next().unwrap_or_default()
}

/// Runs a line of a page in a shell; `Err` has what it said.
fn run(command: &str, folder: &Path) -> Result<(), String> {
    let mut shell = Command::new("sh");
    let done = shell
        .args(["-c", command])
        .current_dir(folder)
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let said = format!("{command}: {}{}", text(&done.stdout), text(&done.stderr));
    done.status.success().then_some(()).ok_or(said)
}
