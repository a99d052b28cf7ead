//! Publication of scorecards to `teammate-scorecards`: absolute values with a revision, so that a repetition does no harm.
//!
//! One projector of a database publishes at a time, and holds the publication from reading the rows until they are in the log
//! and marked: were two to append at once, an older revision could come to lie behind a newer one, and compaction would keep
//! it. A publisher whose transaction failed may have lost that right while its append was under way. So what it appended
//! counts as unpublished again: then the present values come after it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use afterword_log::Log;
use afterword_schemas::records::TeammateScorecard;
use afterword_schemas::{RecordKind, Schemas};
use sqlx::{AnyConnection, Connection};
use tokio::time::{Instant, sleep};

use crate::database::ReportDatabase;
use crate::error::ReadModelError;
use crate::reader::off_thread;
use crate::scorecard;
use crate::statistics::ProjectorStatistics;

/// How long to leave the publication to another projector before asking for it again.
const BUSY_PAUSE: Duration = Duration::from_millis(50);

/// Publishes what the report database says is not published.
pub(crate) struct Publisher {
    database: ReportDatabase,
    log: Arc<dyn Log>,
    schemas: Arc<Schemas>,
    statistics: Arc<ProjectorStatistics>,
    /// Whether there may be something to publish: so it is at the start, since a crash may have left it.
    unpublished: bool,
    /// Appended by a transaction of which it is unknown whether it held the publication to its end. One append's at most.
    in_doubt: Arc<Vec<TeammateScorecard>>,
    published_at: Instant,
}

/// What one transaction of the publisher did.
enum Turn {
    /// Another projector is at it.
    Busy,
    /// So many scorecards were published.
    Published(usize),
}

impl Publisher {
    pub fn new(
        database: &ReportDatabase,
        log: &Arc<dyn Log>,
        schemas: &Arc<Schemas>,
        statistics: &Arc<ProjectorStatistics>,
    ) -> Publisher {
        Publisher {
            database: database.clone(),
            log: Arc::clone(log),
            schemas: Arc::clone(schemas),
            statistics: Arc::clone(statistics),
            unpublished: true,
            in_doubt: Arc::default(),
            published_at: Instant::now(),
        }
    }

    /// Scorecards may have changed.
    pub fn changed(&mut self) {
        self.unpublished = true;
    }

    /// Whether there may be something that is not published.
    pub fn is_pending(&self) -> bool {
        self.unpublished
    }

    /// How long ago it published last.
    pub fn idle_for(&self) -> Duration {
        self.published_at.elapsed()
    }

    /// Publishes the scorecards that the topic may not hold as they are, unless another projector does so now: then it is
    /// still pending. A crash in between publishes the same values again, with the same revision.
    pub async fn publish(&mut self) -> Result<(), ReadModelError> {
        while self.unpublished {
            match self.turn().await? {
                Turn::Busy => break,
                Turn::Published(count) => {
                    self.unpublished = count == scorecard::PUBLISHED_AT_ONCE;
                }
            }
        }
        self.published_at = Instant::now();
        Ok(())
    }

    /// Publishes, and waits for its turn, at most this long. What is left then is published by whoever has the publication,
    /// or at the next start.
    pub async fn publish_all(&mut self, patience: Duration) -> Result<(), ReadModelError> {
        let began = Instant::now();
        loop {
            self.publish().await?;
            if !self.unpublished || began.elapsed() >= patience {
                return Ok(());
            }
            sleep(BUSY_PAUSE).await;
        }
    }

    async fn turn(&mut self) -> Result<Turn, ReadModelError> {
        let mut connection = self.database.writer().await?;
        let turn = match self.settle_doubt(&mut connection).await {
            Ok(true) => self.publish_some(&mut connection).await,
            Ok(false) => Ok(Turn::Busy),
            Err(error) => Err(error),
        };
        if turn.is_err() {
            connection.close_on_drop();
        }
        turn
    }

    /// Makes good what an append in doubt may have put behind newer values; says whether that could be done now. In a
    /// transaction of its own, so that it is never forgotten; and only with the publication in hand, or another publisher
    /// could mark what it appended before.
    async fn settle_doubt(
        &mut self,
        connection: &mut AnyConnection,
    ) -> Result<bool, ReadModelError> {
        if self.in_doubt.is_empty() {
            return Ok(true);
        }
        let dialect = self.database.dialect();
        let in_doubt = &self.in_doubt;
        let settle = async {
            let mut transaction = connection.begin_with(dialect.begin()).await?;
            if !scorecard::try_lock(&mut transaction, dialect).await? {
                transaction.rollback().await?;
                return Ok(false);
            }
            scorecard::mark_unpublished(&mut transaction, dialect, in_doubt).await?;
            transaction.commit().await?;
            Ok(true)
        };
        let settled = dialect.limited(settle).await?;
        if settled {
            self.in_doubt = Arc::default();
        }
        Ok(settled)
    }

    async fn publish_some(
        &mut self,
        connection: &mut AnyConnection,
    ) -> Result<Turn, ReadModelError> {
        let dialect = self.database.dialect();
        let begin = async {
            let mut transaction = connection.begin_with(dialect.begin()).await?;
            let locked = scorecard::try_lock(&mut transaction, dialect).await?;
            let scorecards = match locked {
                true => scorecard::unpublished(&mut transaction).await?,
                false => Vec::new(),
            };
            if scorecards.is_empty() {
                transaction.rollback().await?;
                return Ok((None, locked, scorecards));
            }
            Ok((Some(transaction), locked, scorecards))
        };
        let (transaction, locked, scorecards) = dialect.limited(begin).await?;
        let Some(mut transaction) = transaction else {
            return Ok(if locked {
                Turn::Published(0)
            } else {
                Turn::Busy
            });
        };
        let scorecards = Arc::new(scorecards);
        self.in_doubt = Arc::clone(&scorecards);
        let (appended, schemas) = (Arc::clone(&scorecards), Arc::clone(&self.schemas));
        off_thread(&self.log, move |log| {
            let framing = schemas.framing(RecordKind::TeammateScorecard)?;
            scorecard::append(log, framing, now_ms(), &appended)
        })
        .await?;
        let mark = async {
            scorecard::mark_published(&mut transaction, dialect, &scorecards).await?;
            Ok(transaction.commit().await?)
        };
        dialect.limited(mark).await?;
        self.in_doubt = Arc::default();
        let published = &self.statistics.scorecards_published;
        published.fetch_add(scorecards.len() as u64, Ordering::Relaxed);
        Ok(Turn::Published(scorecards.len()))
    }
}

/// When a scorecard is published; nothing is decided by it.
fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    })
}
