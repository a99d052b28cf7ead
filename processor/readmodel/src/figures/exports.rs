//! Everything of a period for other programs, page by page in the order of an index. No statement stays open between two pages,
//! so a slow reader holds up nobody.

use std::collections::VecDeque;

use jiff::civil::Date;
use sqlx::AssertSqlSafe;

use crate::database::ReportDatabase;
use crate::error::ReadModelError;
use crate::figures::Filter;
use crate::figures::conversations::{self, ConversationClose};
use crate::figures::ratings::{self, Rating};
use crate::figures::summary::day;

/// Rows read at once.
const PAGE_ROWS: usize = 2_000;

/// Ratings of a period: by the day on which they were first given, then by channel, reaction, and with or without comment, then
/// by time.
#[derive(Debug)]
pub struct RatingsExport {
    database: ReportDatabase,
    filter: Filter,
    days: VecDeque<Date>,
    last: Option<Rating>,
    /// How many there are, by the sums, when the export begins.
    pub rows: i64,
}

/// Decisions of a period: by day, then by exactly what failed, then by time.
#[derive(Debug)]
pub struct DecisionsExport {
    database: ReportDatabase,
    filter: Filter,
    days: VecDeque<Date>,
    last: Option<ConversationClose>,
    /// How many there are, by the sums, when the export begins.
    pub rows: i64,
}

impl ReportDatabase {
    /// Begins to export the ratings of the filter.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn export_ratings(&self, filter: &Filter) -> Result<RatingsExport, ReadModelError> {
        let sums = self.sums_by_day(filter).await?;
        let rated = sums.iter().filter(|(_, sums)| sums.ratings() > 0);
        let mut days: VecDeque<_> = rated.map(|(day, _)| *day).collect();
        // A row a channel.
        days.make_contiguous().sort_unstable();
        let mut distinct: Vec<_> = days.into();
        distinct.dedup();
        Ok(RatingsExport {
            database: self.clone(),
            filter: filter.clone(),
            days: distinct.into(),
            last: None,
            rows: sums.iter().map(|(_, sums)| sums.ratings()).sum(),
        })
    }

    /// Begins to export the decisions of the filter, whose channel is not looked at.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn export_decisions(
        &self,
        filter: &Filter,
    ) -> Result<DecisionsExport, ReadModelError> {
        let (table, teammate) = match filter.teammate_id {
            Some(_) => ("decision_teammate_days", " AND teammate_id = $4"),
            None => ("decision_days", ""),
        };
        let sql = format!(
            "SELECT day, CAST(SUM(decided) AS BIGINT) FROM {table} WHERE workspace_id = $1 AND day >= $2 AND day <= $3{teammate} \
             GROUP BY day ORDER BY day"
        );
        let mut query = sqlx::query(AssertSqlSafe(sql))
            .bind(&filter.workspace_id)
            .bind(filter.period.from.to_string())
            .bind(filter.period.to.to_string());
        if let Some(teammate) = &filter.teammate_id {
            query = query.bind(teammate);
        }
        let (mut days, mut rows) = (VecDeque::new(), 0);
        for row in query.fetch_all(self.readers()).await? {
            days.push_back(day(&row, 0)?);
            rows += sqlx::Row::try_get::<i64, _>(&row, 1)?;
        }
        Ok(DecisionsExport {
            database: self.clone(),
            filter: filter.clone(),
            days,
            last: None,
            rows,
        })
    }
}

impl RatingsExport {
    /// The next rows; None at the end.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn page(&mut self) -> Result<Option<Vec<Rating>>, ReadModelError> {
        while let Some(day) = self.days.front() {
            let page = self.read(&day.to_string()).await?;
            if page.len() < PAGE_ROWS {
                self.days.pop_front();
                self.last = None;
            } else {
                self.last = page.last().cloned();
            }
            if !page.is_empty() {
                return Ok(Some(page));
            }
        }
        Ok(None)
    }

    async fn read(&self, day: &str) -> Result<Vec<Rating>, ReadModelError> {
        let channel = match self.filter.channel {
            Some(channel) => format!(" AND r.channel = '{}'", channel.symbol()),
            None => String::new(),
        };
        let teammate = self.filter.teammate_id.as_deref();
        let of_teammate = teammate.map_or("", |_| " AND r.teammate_id = $9");
        let sql = format!(
            "SELECT {} {} WHERE r.workspace_id = $1 AND r.rated_day = $2 AND r.revision > 0{channel}{of_teammate} \
             AND (r.channel, r.reaction, r.locked, r.first_rated_at, r.request_id) > ($3, $4, $5, $6, $7) \
             ORDER BY r.channel, r.reaction, r.locked, r.first_rated_at, r.request_id LIMIT $8",
            ratings::COLUMNS,
            ratings::FROM,
        );
        let last = self.last.as_ref();
        let text = |field: fn(&Rating) -> &str| last.map_or("", field);
        let mut query = sqlx::query(AssertSqlSafe(sql))
            .bind(&self.filter.workspace_id)
            .bind(day)
            .bind(text(|last| &last.channel))
            .bind(text(|last| &last.reaction))
            .bind(last.map_or(0, |last| i16::from(last.comment.is_some())))
            .bind(last.map_or(i64::MIN, |last| last.first_rated_at))
            .bind(text(|last| &last.request_id))
            .bind(PAGE_ROWS as i64);
        if let Some(teammate) = teammate {
            query = query.bind(teammate);
        }
        let rows = query.fetch_all(self.database.readers()).await?;
        rows.iter().map(Rating::from_row).collect()
    }
}

impl DecisionsExport {
    /// The next rows; None at the end.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn page(&mut self) -> Result<Option<Vec<ConversationClose>>, ReadModelError> {
        while let Some(day) = self.days.front() {
            let page = self.read(&day.to_string()).await?;
            if page.len() < PAGE_ROWS {
                self.days.pop_front();
                self.last = None;
            } else {
                self.last = page.last().cloned();
            }
            if !page.is_empty() {
                return Ok(Some(page));
            }
        }
        Ok(None)
    }

    async fn read(&self, day: &str) -> Result<Vec<ConversationClose>, ReadModelError> {
        let teammate = self.filter.teammate_id.as_deref();
        let of_teammate = teammate.map_or("", |_| " AND teammate_id = $9");
        let sql = format!(
            "SELECT {} FROM decisions WHERE workspace_id = $1 AND decided_day = $2{of_teammate} \
             AND (failed_mask, decided_at, source_partition, source_offset, source_index) > ($3, $4, $5, $6, $7) \
             ORDER BY failed_mask, decided_at, source_partition, source_offset, source_index LIMIT $8",
            conversations::COLUMNS,
        );
        let last = self.last.as_ref();
        let place = last.map_or((0, 0, 0), ConversationClose::place);
        let mut query = sqlx::query(AssertSqlSafe(sql))
            .bind(&self.filter.workspace_id)
            .bind(day)
            .bind(last.map_or(-1, ConversationClose::mask))
            .bind(last.map_or(i64::MIN, |last| last.decided_at))
            .bind(place.0)
            .bind(place.1)
            .bind(place.2)
            .bind(PAGE_ROWS as i64);
        if let Some(teammate) = teammate {
            query = query.bind(teammate);
        }
        let rows = query.fetch_all(self.database.readers()).await?;
        rows.iter().map(ConversationClose::from_row).collect()
    }
}
