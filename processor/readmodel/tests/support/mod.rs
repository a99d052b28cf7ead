//! What the tests share: a log, made-up outputs, a look at the tables.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "shared by tests that each use a part"
)]

pub mod closes;
pub mod gaps;
pub mod logs;
pub mod naive;
pub mod postgres;
pub mod proxy;
pub mod world;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use afterword_log::{Batch, Log, Offset, Partition, Topic};
use afterword_readmodel::{Projector, ProjectorOptions, ReadModelError, ReportDatabase};
use afterword_schemas::SchemaStore;
use afterword_schemas::records::TeammateScorecard;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, Row, ValueRef};

/// Which database holds the reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Sqlite,
    Postgres,
}

/// Makes a test of each of these functions for each database.
#[macro_export]
macro_rules! on_both_databases {
    ($($name:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name($crate::support::Kind::Sqlite).await;
            })*
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name($crate::support::Kind::Postgres).await;
            })*
        }
    };
}

/// A directory with a log, and a report database.
pub struct Place {
    pub log: Arc<dyn Log>,
    /// None: SQLite, in the directory.
    pub server: Option<postgres::Database>,
    pub directory: tempfile::TempDir,
}

impl Place {
    pub fn new(kind: Kind, partitions: u32) -> Place {
        let directory = tempfile::tempdir().unwrap();
        let log = logs::open(&directory.path().join("log"), partitions);
        let server = match kind {
            Kind::Sqlite => None,
            Kind::Postgres => Some(postgres::Server::shared().database()),
        };
        Place {
            log,
            server,
            directory,
        }
    }

    /// Another database, empty, over the same log.
    pub fn beside(&self, kind: Kind) -> Place {
        let mut place = Place::new(kind, 1);
        place.log = Arc::clone(&self.log);
        place
    }

    pub fn file(&self) -> PathBuf {
        self.directory.path().join("report data.db")
    }

    pub async fn database(&self) -> ReportDatabase {
        let opened = match &self.server {
            None => ReportDatabase::open_file(&self.file()).await,
            Some(database) => ReportDatabase::open(&database.url()).await,
        };
        opened.unwrap()
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
            "SELECT * FROM rating_days ORDER BY 1, 2, 3, 4",
            "SELECT * FROM rating_months ORDER BY 1, 2, 3, 4",
            "SELECT * FROM decision_teammate_days ORDER BY 1, 2, 3, 4",
            "SELECT * FROM measured_days ORDER BY 1, 2, 3, 4, 5",
        ];
        let mut rows = Vec::new();
        for query in queries {
            rows.push(query.to_owned());
            rows.extend(self.rows(query).await);
        }
        rows
    }

    /// Executes a statement behind the back of whoever has the database open.
    pub async fn execute(&self, statement: &str) {
        let sql = sqlx::AssertSqlSafe(statement.to_owned());
        match &self.server {
            None => {
                let options = SqliteConnectOptions::new().filename(self.file());
                let mut connection = options.connect().await.unwrap();
                sqlx::query(sql).execute(&mut connection).await.unwrap();
                connection.close().await.unwrap();
            }
            Some(database) => {
                let mut connection = database.connect().await;
                sqlx::query(sql).execute(&mut connection).await.unwrap();
                connection.close().await.unwrap();
            }
        }
    }

    /// The rows of a query, as text.
    pub async fn rows(&self, query: &str) -> Vec<String> {
        let sql = sqlx::AssertSqlSafe(query.to_owned());
        match &self.server {
            None => {
                let options = SqliteConnectOptions::new().filename(self.file());
                let mut connection = options.read_only(true).connect().await.unwrap();
                let rows = sqlx::query(sql).fetch_all(&mut connection).await.unwrap();
                connection.close().await.unwrap();
                rows.iter().map(text_of).collect()
            }
            Some(database) => {
                let mut connection = database.connect().await;
                let rows = sqlx::query(sql).fetch_all(&mut connection).await.unwrap();
                connection.close().await.unwrap();
                rows.iter().map(text_of).collect()
            }
        }
    }

    /// The highest revision of each key of `teammate-scorecards`, and how many records the topic holds.
    pub fn published(&self) -> (Vec<(String, TeammateScorecard)>, usize) {
        let published = self.publications();
        assert_eq!(published.older_after_newer, 0, "older after newer");
        (published.latest.into_iter().collect(), published.records)
    }

    /// What `teammate-scorecards` holds. A revision of a key is the same wherever it stands, and a key's last record, which
    /// compaction keeps, is its highest revision.
    pub fn publications(&self) -> Publications {
        let mut found = Publications::default();
        let mut last = BTreeMap::<String, i64>::new();
        let mut revisions = BTreeMap::<(String, i64), TeammateScorecard>::new();
        let schemas = SchemaStore::new();
        for (partition, key, value) in records(self.log.as_ref(), Topic::TeammateScorecards) {
            found.records += 1;
            let card: TeammateScorecard = schemas.decode(&value).unwrap();
            let partitions = self.log.partitions(Topic::TeammateScorecards);
            assert_eq!(
                partition,
                afterword_log::partition_for(key.as_bytes(), partitions)
            );
            let known = revisions.entry((key.clone(), card.revision));
            assert_eq!(known.or_insert_with(|| card.clone()), &card);
            let before = last.insert(key.clone(), card.revision);
            found.older_after_newer += usize::from(before > Some(card.revision));
            match found.latest.get(&key) {
                Some(known) if known.revision >= card.revision => {}
                _ => drop(found.latest.insert(key, card)),
            }
        }
        for (key, revision) in last {
            assert_eq!(found.latest[&key].revision, revision, "the last of {key}");
        }
        found
    }
}

/// What `teammate-scorecards` holds.
#[derive(Default)]
pub struct Publications {
    /// The highest revision of each key.
    pub latest: BTreeMap<String, TeammateScorecard>,
    pub records: usize,
    /// Records that stand behind a higher revision of their key.
    pub older_after_newer: usize,
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

/// A row of either database as text.
fn text_of<R: Row>(row: &R) -> String
where
    usize: sqlx::ColumnIndex<R>,
    for<'r> String: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
    for<'r> i64: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
    for<'r> i16: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
    for<'r> f64: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
{
    let value = |column: usize| {
        if row.try_get_raw(column).unwrap().is_null() {
            return "null".to_owned();
        }
        row.try_get::<String, _>(column)
            .or_else(|_| row.try_get::<i64, _>(column).map(|value| value.to_string()))
            .or_else(|_| row.try_get::<i16, _>(column).map(|value| value.to_string()))
            .or_else(|_| row.try_get::<f64, _>(column).map(|value| value.to_string()))
            .unwrap()
    };
    (0..row.len()).map(value).collect::<Vec<_>>().join(" | ")
}
