//! Tidying the queue: what grew too old, what found an address, what may be forgotten; and how much waits.

use std::collections::BTreeMap;

use sqlx::any::AnyRow;
use sqlx::{Connection, Row as _};

use super::{DeliveryState, Lane};
use crate::database::ReportDatabase;
use crate::error::ReadModelError;
use crate::sql::execute_in;

/// What one sweep did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// What was too old, by lane: `TooOld` when it was never tried, `Failed` when it was tried in vain.
    pub ended: BTreeMap<(Lane, DeliveryState), u64>,
    /// Removed: final for long enough.
    pub forgotten: u64,
}

/// What waits in a lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backlog {
    pub lane: Lane,
    /// To be tried.
    pub waiting: u64,
    /// Waiting for an address.
    pub without_address: u64,
    /// Milliseconds since 1970 from which the oldest's age counts.
    pub oldest_ms: i64,
}

/// Rows that one statement changes, so that it holds its locks for a moment only.
const AT_ONCE: i64 = 2_000;

/// A row that is being tried right now is left alone: its claim says what becomes of it. So are events: they are shared out first.
const OLD: &str = "SELECT delivery_id, lane, attempts FROM deliveries WHERE finished_at IS NULL AND counted_from < $1 \
     AND (claim IS NULL OR due_at < $2) AND lane <> 'events' ORDER BY counted_from LIMIT $3";

const FOUND_ADDRESS: &str = "UPDATE deliveries SET state = 'waiting', due_at = 0 WHERE state = 'no_address' \
     AND EXISTS (SELECT 1 FROM contacts WHERE contacts.workspace_id = deliveries.workspace_id \
     AND contacts.customer_id = deliveries.customer_id AND (email IS NOT NULL OR wants_mail = 0))";

const FORGET: &str = "DELETE FROM deliveries WHERE delivery_id IN \
     (SELECT delivery_id FROM deliveries WHERE finished_at IS NOT NULL AND finished_at < $1 LIMIT $2)";

const BACKLOG: &str = "SELECT lane, CAST(SUM(CASE WHEN state = 'waiting' THEN 1 ELSE 0 END) AS BIGINT), \
     CAST(SUM(CASE WHEN state = 'no_address' THEN 1 ELSE 0 END) AS BIGINT), MIN(counted_from) \
     FROM deliveries WHERE finished_at IS NULL GROUP BY lane ORDER BY lane";

struct Old {
    delivery_id: String,
    lane: Lane,
    state: DeliveryState,
}

impl Old {
    fn from_row(row: &AnyRow) -> Result<Old, ReadModelError> {
        let attempts: i64 = row.try_get(2)?;
        Ok(Old {
            delivery_id: row.try_get(0)?,
            lane: Lane::parse(row.try_get::<String, _>(1)?.as_str()),
            state: match attempts {
                0 => DeliveryState::TooOld,
                _ => DeliveryState::Failed,
            },
        })
    }
}

impl ReportDatabase {
    /// Ends what counts from before `oldest_ms`, forgets what was final before `kept_ms`, and lets go what has an address now.
    /// Times are milliseconds since 1970.
    ///
    /// # Errors
    /// When the database cannot be written; what was done until then stays.
    pub async fn sweep_deliveries(
        &self,
        now_ms: i64,
        oldest_ms: i64,
        kept_ms: i64,
    ) -> Result<Swept, ReadModelError> {
        let mut swept = Swept::default();
        while self.end_old(now_ms, oldest_ms, &mut swept).await? {}
        let mut connection = self.writer().await?;
        sqlx::query(FOUND_ADDRESS).execute(&mut *connection).await?;
        loop {
            let forget = sqlx::query(FORGET).bind(kept_ms).bind(AT_ONCE);
            let forgotten = forget.execute(&mut *connection).await?.rows_affected();
            swept.forgotten += forgotten;
            if forgotten < AT_ONCE as u64 {
                return Ok(swept);
            }
        }
    }

    /// Ends some that are too old, and says whether there may be more.
    async fn end_old(
        &self,
        now_ms: i64,
        oldest_ms: i64,
        swept: &mut Swept,
    ) -> Result<bool, ReadModelError> {
        let dialect = self.dialect();
        let mut connection = self.writer().await?;
        let ended = async {
            let mut transaction = connection.begin_with(dialect.begin()).await?;
            let select = sqlx::AssertSqlSafe(format!("{OLD}{}", dialect.passing_over_locked()));
            let query = sqlx::query(select)
                .bind(oldest_ms)
                .bind(now_ms)
                .bind(AT_ONCE);
            let rows = query.fetch_all(&mut *transaction).await?;
            let old: Vec<_> = rows.iter().map(Old::from_row).collect::<Result<_, _>>()?;
            for state in [DeliveryState::TooOld, DeliveryState::Failed] {
                let of_state = old.iter().filter(|old| old.state == state);
                let ids: Vec<_> = of_state.map(|old| old.delivery_id.as_str()).collect();
                let update = format!(
                    "UPDATE deliveries SET state = '{}', finished_at = {now_ms}, claim = NULL WHERE delivery_id",
                    state.symbol()
                );
                execute_in(&mut transaction, dialect, &update, &ids).await?;
            }
            transaction.commit().await?;
            Ok(old)
        };
        let ended = dialect.limited(ended).await;
        if ended.is_err() {
            connection.close_on_drop();
        }
        let ended = ended?;
        let more = ended.len() as i64 == AT_ONCE;
        for Old { lane, state, .. } in ended {
            *swept.ended.entry((lane, state)).or_default() += 1;
        }
        Ok(more)
    }

    /// What waits, by lane; lanes in which nothing waits are left out.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn delivery_backlog(&self) -> Result<Vec<Backlog>, ReadModelError> {
        let rows = sqlx::query(BACKLOG).fetch_all(self.readers()).await?;
        let number = |row: &AnyRow, column: usize| row.try_get::<i64, _>(column);
        rows.iter()
            .map(|row| {
                Ok(Backlog {
                    lane: Lane::parse(row.try_get::<String, _>(0)?.as_str()),
                    waiting: number(row, 1)?.unsigned_abs(),
                    without_address: number(row, 2)?.unsigned_abs(),
                    oldest_ms: number(row, 3)?,
                })
            })
            .collect()
    }
}
