//! Publication of scorecards to `teammate-scorecards`: absolute values with a revision, so that a repetition does no harm.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use afterword_log::Log;
use afterword_schemas::Framing;
use afterword_schemas::records::TeammateScorecard;
use sqlx::Connection;
use tokio::time::Instant;

use crate::database::ReportDatabase;
use crate::error::ReadModelError;
use crate::reader::off_thread;
use crate::scorecard;
use crate::statistics::ProjectorStatistics;

/// Publishes what the report database says is not published.
pub(crate) struct Publisher {
    database: ReportDatabase,
    log: Arc<dyn Log>,
    framing: Framing,
    statistics: Arc<ProjectorStatistics>,
    /// Whether there may be something to publish: so it is at the start, since a crash may have left it.
    unpublished: bool,
    published_at: Instant,
}

impl Publisher {
    pub fn new(
        database: &ReportDatabase,
        log: &Arc<dyn Log>,
        framing: Framing,
        statistics: &Arc<ProjectorStatistics>,
    ) -> Publisher {
        Publisher {
            database: database.clone(),
            log: Arc::clone(log),
            framing,
            statistics: Arc::clone(statistics),
            unpublished: true,
            published_at: Instant::now(),
        }
    }

    /// Scorecards may have changed.
    pub fn changed(&mut self) {
        self.unpublished = true;
    }

    /// How long ago it published last.
    pub fn idle_for(&self) -> Duration {
        self.published_at.elapsed()
    }

    /// Publishes the scorecards that the topic may not hold as they are, and then remembers that it does. A crash in between
    /// publishes the same values again, with the same revision.
    pub async fn publish(&mut self) -> Result<(), ReadModelError> {
        while self.unpublished {
            let mut reader = self.database.readers().acquire().await?;
            let scorecards = Arc::new(scorecard::unpublished(&mut reader).await?);
            drop(reader);
            if !scorecards.is_empty() {
                let (appended, framing) = (Arc::clone(&scorecards), self.framing);
                off_thread(&self.log, move |log| {
                    scorecard::append(log, framing, now_ms(), &appended)
                })
                .await?;
                self.mark_published(&scorecards).await?;
            }
            self.unpublished = scorecards.len() == scorecard::PUBLISHED_AT_ONCE;
        }
        self.published_at = Instant::now();
        Ok(())
    }

    async fn mark_published(&self, scorecards: &[TeammateScorecard]) -> Result<(), ReadModelError> {
        let dialect = self.database.dialect();
        let mut connection = self.database.writer().await?;
        let marked = async {
            let mut transaction = connection.begin_with(dialect.begin()).await?;
            scorecard::mark_published(&mut transaction, dialect, scorecards).await?;
            Ok::<_, ReadModelError>(transaction.commit().await?)
        }
        .await;
        if marked.is_err() {
            connection.close_on_drop();
        }
        marked?;
        let published = &self.statistics.scorecards_published;
        published.fetch_add(scorecards.len() as u64, Ordering::Relaxed);
        Ok(())
    }
}

/// When a scorecard is published; nothing is decided by it.
fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    })
}
