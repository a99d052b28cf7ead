//! A copy of the report database in a file (SQLite), taken while others read and write it.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use afterword_log::Log;
use sqlx::any::{AnyConnectOptions, install_default_drivers};
use sqlx::{AnyConnection, ConnectOptions, Connection, Executor};

use crate::database::{ReportDatabase, url_of_file};
use crate::error::ReadModelError;
use crate::positions::{check_offsets, check_partitions, load};

/// Waits so long for a transaction of others to end.
const PATIENCE: &str = "PRAGMA busy_timeout = 30000";
/// Between looks whether the copy has begun.
const TURN: Duration = Duration::from_millis(5);

/// As long as this is there, nobody writes to the database in a file.
#[derive(Debug)]
pub struct Still(AnyConnection);

impl ReportDatabase {
    /// Copies the database in this file to another file, which must not exist, as it is while `meanwhile` is done. Nobody
    /// writes to it from before that begins until it has ended and the copy has a view of its own; then they go on, and the
    /// copy takes as long as it takes. Nothing is migrated.
    ///
    /// So what `meanwhile` copies of the log has everything that the copy has projected, and has told of no scorecard that
    /// the copy does not know: those are published after the transaction that made them.
    ///
    /// # Errors
    /// When the file cannot be read, the copy cannot be written, or others hold the database for 30 s.
    pub async fn copy_file<T>(
        file: &Path,
        copy: &Path,
        meanwhile: impl Future<Output = T>,
    ) -> Result<T, ReadModelError> {
        let still = ReportDatabase::hold_file(file).await?;
        let is_over = AtomicBool::new(false);
        let copying = async {
            let copied = ReportDatabase::compact_file(file, copy).await;
            is_over.store(true, Ordering::Release);
            copied
        };
        let holding = async {
            let done = meanwhile.await;
            // SQLite takes its view of the database before it writes the first byte of the copy.
            let has_begun = || std::fs::metadata(copy).is_ok_and(|found| found.len() > 0);
            while !is_over.load(Ordering::Acquire) && !has_begun() {
                tokio::time::sleep(TURN).await;
            }
            (done, still.release().await)
        };
        let (copied, (done, freed)) = tokio::join!(copying, holding);
        copied.and(freed)?;
        Ok(done)
    }

    /// Holds the database in this file still: whoever wants to write to it waits.
    ///
    /// # Errors
    /// When it cannot be opened, or others hold it for 30 s.
    pub async fn hold_file(file: &Path) -> Result<Still, ReadModelError> {
        let mut connection = connect(file, "mode=rw").await?;
        connection.execute(PATIENCE).await?;
        connection.execute("BEGIN IMMEDIATE").await?;
        Ok(Still(connection))
    }

    /// Copies the database in a file to another file, which must not exist, without any page that is free.
    ///
    /// # Errors
    /// When the one cannot be read or the other not be written.
    pub async fn compact_file(file: &Path, copy: &Path) -> Result<(), ReadModelError> {
        let to = copy.to_str().map(str::to_owned).ok_or_else(|| {
            let copy = copy.display();
            ReadModelError::Stop(format!("expected a path in UTF-8, found {copy}"))
        })?;
        let mut reader = connect(file, "mode=rw").await?;
        let copied = sqlx::query("VACUUM INTO $1").bind(to);
        let copied = copied.execute(&mut reader).await;
        copied
            .map_err(|error| ReadModelError::from(error).during("copying the report database"))?;
        Ok(reader.close().await?)
    }

    /// Takes free pages out of the database in this file, and what its write-ahead log has beside it: nothing of rows that were
    /// changed or removed is left in either.
    ///
    /// # Errors
    /// When it cannot be written, or others use it for 30 s.
    pub async fn vacuum_file(file: &Path) -> Result<(), ReadModelError> {
        let mut connection = connect(file, "mode=rw").await?;
        connection.execute(PATIENCE).await?;
        connection.execute("VACUUM").await?;
        let busy: i64 = sqlx::query_scalar("PRAGMA wal_checkpoint(TRUNCATE)")
            .fetch_one(&mut connection)
            .await?;
        connection.close().await?;
        match busy {
            0 => Ok(()),
            _ => Err(ReadModelError::Wait(format!(
                "others read the report database in {}: its old pages are still in its write-ahead log",
                file.display()
            ))),
        }
    }

    /// Whether the database in this file is whole and goes on where this log has it go on. Changes nothing.
    ///
    /// # Errors
    /// [`ReadModelError::Stop`] when it is damaged, or belongs to another state of the log.
    pub async fn check_file(file: &Path, log: &dyn Log) -> Result<(), ReadModelError> {
        let mut connection = connect(file, "immutable=1&mode=ro").await?;
        let found: String = sqlx::query_scalar("PRAGMA quick_check(1)")
            .fetch_one(&mut connection)
            .await?;
        if found != "ok" {
            return Err(ReadModelError::Stop(format!(
                "the report database in {} is damaged: {found}",
                file.display()
            )));
        }
        let positions = load(&mut connection).await?;
        connection.close().await?;
        check_partitions(log, &positions)?;
        check_offsets(log, &positions)
    }
}

impl Still {
    /// Lets others write again.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn release(mut self) -> Result<(), ReadModelError> {
        self.0.execute("ROLLBACK").await?;
        Ok(self.0.close().await?)
    }
}

/// One connection to the database in this file, in this mode of SQLite's; nothing is migrated.
async fn connect(file: &Path, mode: &str) -> Result<AnyConnection, ReadModelError> {
    install_default_drivers();
    let url = format!("{}?{mode}", url_of_file(file)?);
    let options: AnyConnectOptions = url.parse()?;
    let connected = options.disable_statement_logging().connect().await;
    connected.map_err(|error| ReadModelError::from(error).during("opening the report database"))
}
