//! What the tests share: a log, made-up outputs, a look at the tables.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "shared by tests that each use a part"
)]

pub mod logs;
pub mod naive;
pub mod world;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use afterword_log::{Batch, Log, Offset, Partition, Topic};
use afterword_readmodel::{Projector, ProjectorOptions, ReadModelError, ReportDatabase};
use afterword_schemas::SchemaStore;
use afterword_schemas::records::TeammateScorecard;
use sqlx::{Row, ValueRef};

/// A directory with a log and a report database.
pub struct Place {
    pub directory: tempfile::TempDir,
    pub log: Arc<dyn Log>,
}

impl Place {
    pub fn new(partitions: u32) -> Place {
        let directory = tempfile::tempdir().unwrap();
        let log = logs::open(&directory.path().join("log"), partitions);
        Place { directory, log }
    }

    pub fn file(&self) -> PathBuf {
        self.directory.path().join("report data.db")
    }

    pub async fn database(&self) -> ReportDatabase {
        ReportDatabase::open_file(&self.file()).await.unwrap()
    }

    pub async fn projector(&self) -> Projector {
        self.projector_with(ProjectorOptions::default()).await
    }

    pub async fn projector_with(&self, options: ProjectorOptions) -> Projector {
        Projector::start(self.database().await, Arc::clone(&self.log), options)
            .await
            .unwrap()
    }

    pub async fn drain(&self) -> Result<(), ReadModelError> {
        self.projector().await.drain().await
    }

    /// Every row of every table that is the same however it came about, as text.
    pub async fn tables(&self) -> Vec<String> {
        let queries = [
            "SELECT * FROM projector_positions ORDER BY 1, 2",
            "SELECT * FROM settings_versions ORDER BY 1, 2",
            "SELECT * FROM requests ORDER BY 1",
            "SELECT * FROM submissions ORDER BY 1, 2",
            "SELECT * FROM decisions ORDER BY 1, 2, 3, 4, 5",
            "SELECT * FROM decision_days ORDER BY 1, 2, 3",
            "SELECT * FROM refusals ORDER BY 1, 2, 3, 4, 5",
            "SELECT workspace_id, teammate_id, day, requests, requests_answered, terrible, bad, ok, great, amazing, \
             comments FROM scorecards ORDER BY 1, 2, 3",
        ];
        let mut rows = Vec::new();
        for query in queries {
            rows.push(query.to_owned());
            rows.extend(self.rows(query).await);
        }
        rows
    }

    /// The rows of a query, as text.
    pub async fn rows(&self, query: &str) -> Vec<String> {
        rows_of(&self.file(), query).await
    }

    /// The highest revision of each key of `teammate-scorecards`, and how many records the topic holds.
    pub fn published(&self) -> (Vec<(String, TeammateScorecard)>, usize) {
        let mut latest = std::collections::BTreeMap::<String, TeammateScorecard>::new();
        let mut count = 0;
        let schemas = SchemaStore::new();
        for (partition, key, value) in records(self.log.as_ref(), Topic::TeammateScorecards) {
            count += 1;
            let card: TeammateScorecard = schemas.decode(&value).unwrap();
            let partitions = self.log.partitions(Topic::TeammateScorecards);
            assert_eq!(
                partition,
                afterword_log::partition_for(key.as_bytes(), partitions)
            );
            match latest.get(&key) {
                Some(known) if known.revision > card.revision => {
                    panic!("{key}: revision {} after {}", card.revision, known.revision)
                }
                Some(known) if known.revision == card.revision => assert_eq!(known, &card),
                _ => drop(latest.insert(key, card)),
            }
        }
        (latest.into_iter().collect(), count)
    }
}

fn records(log: &dyn Log, topic: Topic) -> Vec<(Partition, String, Vec<u8>)> {
    let mut found = Vec::new();
    for number in 0..log.partitions(topic) {
        let (mut batch, mut next) = (Batch::default(), Offset(0));
        loop {
            log.read(topic, Partition(number), next, 1 << 20, &mut batch)
                .unwrap();
            let Some(after) = batch.next() else { break };
            next = after;
            found.extend(batch.iter().map(|record| {
                let key = String::from_utf8(record.key.unwrap().to_vec()).unwrap();
                (Partition(number), key, record.value.unwrap().to_vec())
            }));
        }
    }
    found
}

async fn rows_of(file: &Path, query: &str) -> Vec<String> {
    use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
    use sqlx::{ConnectOptions, Connection};
    let options = SqliteConnectOptions::new().filename(file).read_only(true);
    let mut connection: SqliteConnection = options.connect().await.unwrap();
    let query = sqlx::query(sqlx::AssertSqlSafe(query.to_owned()));
    let rows = query.fetch_all(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    rows.iter()
        .map(|row| {
            let values = (0..row.len()).map(|column| {
                if row.try_get_raw(column).unwrap().is_null() {
                    return "null".to_owned();
                }
                row.try_get::<String, _>(column)
                    .or_else(|_| row.try_get::<i64, _>(column).map(|value| value.to_string()))
                    .or_else(|_| row.try_get::<f64, _>(column).map(|value| value.to_string()))
                    .unwrap()
            });
            values.collect::<Vec<_>>().join(" | ")
        })
        .collect()
}
