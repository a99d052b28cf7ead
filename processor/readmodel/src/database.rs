//! The report database: opening it, and its connections.
//!
//! One layer for SQLite and PostgreSQL: sqlx's `Any` driver. What it cannot do is kept out of the schema and the queries: it
//! has no booleans on SQLite (flags are SMALLINT), no NUMERIC (sums are cast to BIGINT), no arrays (keys go in lists), and
//! does not translate placeholders (`$1` means the same on both; see `sql.rs` for statements with many).

use std::path::Path;
use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sqlx::any::{AnyConnectOptions, AnyPoolOptions, install_default_drivers};
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyConnection, AnyPool, ConnectOptions, Connection, Executor, SqlSafeStr};

use crate::error::ReadModelError;
use crate::postgres;

/// Connections that only read.
const READERS: u32 = 4;

/// How long a caller waits for a free connection to SQLite.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(30);

/// For every connection to SQLite.
///
/// `synchronous = FULL`, not `NORMAL`: a scorecard's revision is published to the log right after the transaction that made
/// it. Were that transaction lost with the power, the same revision would be published again with other values, and a
/// reader that knows it already would pass the right ones over.
const PRAGMAS: &str = "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
     PRAGMA temp_store = MEMORY; PRAGMA journal_size_limit = 67108864;";
/// 64 MiB of pages, and checkpoints of 32 MiB, since a transaction of the projector touches many.
const WRITER_PRAGMAS: &str = "PRAGMA cache_size = -65536; PRAGMA wal_autocheckpoint = 8192;";
const READER_PRAGMAS: &str = "PRAGMA cache_size = -8192; PRAGMA query_only = ON;";

/// Which database is behind the layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
    Postgres,
}

/// The report database. A clone is another handle on the same connections: one that writes, a few that read.
#[derive(Clone, Debug)]
pub struct ReportDatabase {
    writer: AnyPool,
    readers: AnyPool,
    dialect: Dialect,
}

impl Dialect {
    fn of(url: &str) -> Result<Dialect, ReadModelError> {
        match url.split_once(':').map(|(scheme, _)| scheme) {
            Some("sqlite") => Ok(Dialect::Sqlite),
            Some("postgres" | "postgresql") => Ok(Dialect::Postgres),
            _ => Err(ReadModelError::Stop(format!(
                "expected the report database's URL to begin with sqlite: or postgres:, found {:?}",
                // Not the whole: it may carry a password.
                url.split(['/', '@']).next().unwrap_or_default()
            ))),
        }
    }

    /// Opens a transaction that means to write. SQLite takes its lock at once: a transaction that reads first and
    /// writes later would be refused, without waiting, when another wrote in between.
    pub(crate) fn begin(self) -> &'static str {
        match self {
            Dialect::Sqlite => "BEGIN IMMEDIATE",
            Dialect::Postgres => "BEGIN",
        }
    }

    /// Whether several projectors may work on one database, each on partitions of its own. SQLite is for one.
    pub(crate) fn is_shared(self) -> bool {
        self == Dialect::Postgres
    }

    /// Does work of one transaction, with an end to it.
    pub(crate) async fn limited<T>(
        self,
        work: impl Future<Output = Result<T, ReadModelError>>,
    ) -> Result<T, ReadModelError> {
        if self == Dialect::Sqlite {
            return work.await;
        }
        let limit = postgres::TRANSACTION_TIMEOUT;
        tokio::time::timeout(limit, work).await.unwrap_or_else(|_| {
            let seconds = limit.as_secs();
            Err(ReadModelError::Wait(format!(
                "the report database did not answer within {seconds} s"
            )))
        })
    }

    fn writer_session(self) -> String {
        match self {
            Dialect::Sqlite => format!("{PRAGMAS}{WRITER_PRAGMAS}"),
            Dialect::Postgres => postgres::writer_session(),
        }
    }

    fn reader_session(self) -> String {
        match self {
            Dialect::Sqlite => format!("{PRAGMAS}{READER_PRAGMAS}"),
            Dialect::Postgres => postgres::reader_session(),
        }
    }
}

impl ReportDatabase {
    /// Opens the database of this URL, makes it when it is a SQLite file that does not exist, and migrates it.
    ///
    /// `sqlite:///absolute/report.db`, `sqlite://relative.db` (a `%` escapes as in any URL), or
    /// `postgres://user:password@host:port/database`, with `?sslmode=verify-full&sslrootcert=…` and the like.
    ///
    /// # Errors
    /// When it cannot be reached or written, was made by a later build, or the URL is of no database known here. The message
    /// says what to do, and never the password.
    pub async fn open(url: &str) -> Result<ReportDatabase, ReadModelError> {
        let dialect = Dialect::of(url)?;
        install_default_drivers();
        let url = match dialect {
            Dialect::Sqlite => with_creation(url),
            Dialect::Postgres => url.to_owned(),
        };
        let connect = async {
            let options: AnyConnectOptions = url.parse()?;
            let options = options.disable_statement_logging();
            // A pool tries again until it times out, and then says only that it did; one connection says why. And migrations
            // may take longer than a session's limits allow.
            let mut first = first_connection(dialect, &options).await?;
            migrate(&mut first, dialect).await?;
            first.close().await?;
            let writer = pool(dialect, 1, dialect.writer_session());
            let readers = pool(dialect, READERS, dialect.reader_session());
            Ok::<_, ReadModelError>(ReportDatabase {
                writer: writer.connect_lazy_with(options.clone()),
                readers: readers.connect_lazy_with(options),
                dialect,
            })
        };
        let opened = connect.await;
        opened.map_err(|error| error.during("opening the report database"))
    }

    /// Opens the SQLite database in this file.
    ///
    /// # Errors
    /// As [`ReportDatabase::open`].
    pub async fn open_file(path: &Path) -> Result<ReportDatabase, ReadModelError> {
        ReportDatabase::open(&url_of_file(path)?).await
    }

    /// Closes every connection; running queries end first.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    pub(crate) fn dialect(&self) -> Dialect {
        self.dialect
    }

    pub(crate) fn readers(&self) -> &AnyPool {
        &self.readers
    }

    /// The one connection that writes.
    pub(crate) async fn writer(&self) -> Result<PoolConnection<Any>, ReadModelError> {
        Ok(self.writer.acquire().await?)
    }
}

/// The URL of the SQLite database in this file.
pub(crate) fn url_of_file(path: &Path) -> Result<String, ReadModelError> {
    const KEPT: AsciiSet = NON_ALPHANUMERIC
        .remove(b'/')
        .remove(b'.')
        .remove(b'-')
        .remove(b'_');
    let text = path.to_str().ok_or_else(|| {
        let path = path.display();
        ReadModelError::Stop(format!("expected a path in UTF-8, found {path}"))
    })?;
    Ok(format!("sqlite://{}", utf8_percent_encode(text, &KEPT)))
}

/// Asks SQLite to make the file when there is none, unless the URL says what it wants.
fn with_creation(url: &str) -> String {
    let separator = if url.contains('?') { '&' } else { '?' };
    if url.contains("mode=") {
        url.to_owned()
    } else {
        format!("{url}{separator}mode=rwc")
    }
}

async fn first_connection(
    dialect: Dialect,
    options: &AnyConnectOptions,
) -> Result<AnyConnection, ReadModelError> {
    if dialect == Dialect::Sqlite {
        let mut connection = options.connect().await?;
        connection.execute(PRAGMAS).await?;
        // A migration may sort more than memory holds.
        connection.execute("PRAGMA temp_store = FILE").await?;
        return Ok(connection);
    }
    postgres::check_url(options)?;
    match tokio::time::timeout(postgres::CONNECT_TIMEOUT, options.connect()).await {
        Ok(connected) => connected.map_err(|error| postgres::not_connected(error, options)),
        Err(_) => Err(postgres::silent(options)),
    }
}

/// Connections that begin with these statements.
fn pool(dialect: Dialect, connections: u32, session: String) -> AnyPoolOptions {
    let acquire_timeout = match dialect {
        Dialect::Sqlite => ACQUIRE_TIMEOUT,
        Dialect::Postgres => postgres::ACQUIRE_TIMEOUT,
    };
    let session: std::sync::Arc<str> = session.into();
    AnyPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(acquire_timeout)
        .test_before_acquire(dialect == Dialect::Postgres)
        .max_lifetime(None)
        .idle_timeout(None)
        .after_connect(move |connection, _| {
            let session = sqlx::AssertSqlSafe(std::sync::Arc::clone(&session));
            Box::pin(async move { connection.execute(session).await.map(drop) })
        })
}

/// Brings the tables up to this build. On PostgreSQL under a lock of the database, so that processes may start together.
async fn migrate(connection: &mut AnyConnection, dialect: Dialect) -> Result<(), ReadModelError> {
    let migrations = [
        (
            1,
            "report database",
            include_str!("../migrations/0001_report_database.sql"),
        ),
        (
            2,
            "deliveries",
            include_str!("../migrations/0002_deliveries.sql"),
        ),
        (3, "reports", include_str!("../migrations/0003_reports.sql")),
        (4, "survey", include_str!("../migrations/0004_survey.sql")),
        (5, "access", include_str!("../migrations/0005_access.sql")),
    ];
    let migrations = migrations.map(|(version, description, sql)| {
        let kind = MigrationType::Simple;
        let sql = match dialect {
            Dialect::Sqlite => sql.into_sql_str(),
            Dialect::Postgres => sqlx::AssertSqlSafe(postgres::migration(sql)).into_sql_str(),
        };
        Migration::new(version, description.into(), kind, sql, false)
    });
    let migrator = Migrator::with_migrations(migrations.to_vec());
    // On the connection itself: through `Migrator::run` the future could not move between threads.
    let done = migrator.run_direct(None, connection, false).await;
    done.map_err(|error| match error {
        sqlx::migrate::MigrateError::Execute(error)
        | sqlx::migrate::MigrateError::ExecuteMigration(error, _) => {
            ReadModelError::from(error).during("making its tables")
        }
        sqlx::migrate::MigrateError::VersionMissing(version) => ReadModelError::Stop(format!(
            "the report database has migration {version}, which this build does not know: run the build that made it, \
             or a later one"
        )),
        error => ReadModelError::Stop(error.to_string()),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use sqlx::Row as _;

    async fn pragma(pool: &AnyPool, name: &'static str) -> String {
        let row = sqlx::query(name).fetch_one(pool).await.unwrap();
        row.try_get::<String, _>(0)
            .or_else(|_| row.try_get::<i64, _>(0).map(|value| value.to_string()))
            .unwrap()
    }

    #[tokio::test]
    async fn what_is_committed_survives_a_loss_of_power() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a b%20?c.db");
        let database = ReportDatabase::open_file(&path).await.unwrap();
        assert!(path.exists());
        for pool in [&database.writer, &database.readers] {
            assert_eq!(pragma(pool, "PRAGMA journal_mode").await, "wal");
            assert_eq!(pragma(pool, "PRAGMA synchronous").await, "2", "FULL");
        }
        let refused = sqlx::query("DELETE FROM requests").execute(&database.readers);
        assert!(refused.await.is_err(), "readers only read");
    }

    #[tokio::test]
    async fn errors_say_what_to_do() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("report.db");
        let error =
            |result: Result<ReportDatabase, ReadModelError>| result.unwrap_err().to_string();
        let found = error(ReportDatabase::open("mysql://u:secret@h/d").await);
        assert!(
            found.contains("begin with sqlite:") && !found.contains("secret"),
            "{found}"
        );
        let found =
            error(ReportDatabase::open_file(&directory.path().join("none/report.db")).await);
        assert!(
            found.contains("opening the report database") && found.contains("unable to open"),
            "{found}"
        );
        std::fs::write(
            &path,
            "no database, but long enough to look at: it is text".repeat(20),
        )
        .unwrap();
        let found = ReportDatabase::open_file(&path).await;
        assert!(matches!(&found, Err(ReadModelError::Stop(_))), "{found:?}");

        std::fs::remove_file(&path).unwrap();
        let database = ReportDatabase::open_file(&path).await.unwrap();
        let later = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
                     VALUES (99, 'later', 1, x'00', 0)";
        sqlx::query(later).execute(&database.writer).await.unwrap();
        database.close().await;
        let found = error(ReportDatabase::open_file(&path).await);
        assert!(
            found.contains("migration 99") && found.contains("later one"),
            "{found}"
        );
    }
}
