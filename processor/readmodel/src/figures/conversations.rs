//! From a figure of the funnel down to its closes, the latest first: day by day, as the index has them. The sums say which days have
//! any, so that days without are never looked at.

use std::collections::BTreeMap;

use afterword_schemas::records::Criterion;
use jiff::ToSpan as _;
use jiff::civil::Date;
use serde::Serialize;
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row as _};
use utoipa::ToSchema;

use crate::database::ReportDatabase;
use crate::error::ReadModelError;
use crate::figures::cursor::Cursor;
use crate::figures::period::Period;
use crate::figures::ratings::up_to;
use crate::figures::spans::{Day, Span, spans};
use crate::figures::summary::day;
use crate::figures::{Filter, Page};
use crate::fold::mask;
use crate::story::{Measured, Thresholds, time};

/// Entries of the index that one page may walk through in search of a teammate's.
const MAX_WALKED: i64 = 200_000;

/// Days whose sums are looked at first; then twice as many before them, and so on, as most pages are full after a few.
const FIRST_DAYS: i64 = 8;

/// Which closes of the period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    All,
    /// Followed by a request.
    Asked,
    /// Not followed by a request.
    NotAsked,
    /// At which this criterion failed, whatever else did.
    HeldBackBy(Criterion),
    /// At which this criterion failed and nothing else.
    HeldBackByAlone(Criterion),
}

/// What is listed; the filter's channel is not looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConversationFilter {
    pub filter: Filter,
    pub outcome: Outcome,
}

/// A close and its decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ConversationClose {
    pub conversation_id: String,
    #[serde(serialize_with = "time")]
    #[schema(value_type = String, format = DateTime)]
    pub decided_at: i64,
    /// The day under which it is counted.
    #[schema(format = Date)]
    pub day: String,
    pub requested: bool,
    /// The criteria that failed, in the order of the rules.
    pub failed: Vec<String>,
    pub measured: Measured,
    pub thresholds: Thresholds,
    pub settings_version: i64,
    /// Who wrote last; null when no teammate replied.
    #[schema(required)]
    pub teammate_id: Option<String>,
    #[schema(required)]
    pub request_id: Option<String>,
    /// Offset and index of the fact, which tell closes of one millisecond apart.
    #[serde(skip)]
    place: String,
}

impl Outcome {
    /// Whether a mask is wanted, as SQL says it.
    fn condition(self, mask: &str) -> String {
        let bit = |criterion: Criterion| 1_i64 << criterion as i64;
        match self {
            Outcome::All => "TRUE".to_owned(),
            Outcome::Asked => format!("{mask} = 0"),
            Outcome::NotAsked => format!("{mask} <> 0"),
            Outcome::HeldBackBy(criterion) => format!("({mask} & {}) <> 0", bit(criterion)),
            Outcome::HeldBackByAlone(criterion) => format!("{mask} = {}", bit(criterion)),
        }
    }
}

/// In the order of [`ConversationClose::from_row`].
pub(crate) const COLUMNS: &str = "conversation_id, decided_at, decided_day, requested, failed, closed_by, plan, live, audience, \
     customers, teammate_replied, characters, milliseconds_since_last_reply, origin, already_requested, \
     threshold_characters, threshold_milliseconds, settings_version, teammate_id, request_id, source_partition, \
     source_offset, source_index";

/// A close's place in its partition, so that text sorts like numbers.
fn place(partition: i64, offset: i64, index: i64) -> String {
    format!("{partition:010}.{offset:020}.{index:05}")
}

fn unplace(place: &str) -> (i64, i64, i64) {
    let mut parts = place.split('.').map(|part| part.parse().unwrap_or(0));
    let mut part = || parts.next().unwrap_or(0);
    (part(), part(), part())
}

impl ReportDatabase {
    /// A page of closes, the latest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn closes(
        &self,
        wanted: &ConversationFilter,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<ConversationClose>, ReadModelError> {
        let mut entries = Vec::<ConversationClose>::new();
        let mut walked = 0;
        let mut rest = up_to(wanted.filter.period, after);
        let mut length = FIRST_DAYS;
        while let Some(Period {
            from: first, to, ..
        }) = rest
        {
            let from = to.saturating_sub((length - 1).days()).max(first);
            for span in spans(&self.days_of_closes(wanted, from, to).await?) {
                let rest = limit - entries.len();
                entries.extend(self.closes_of(wanted, &span, (after, rest)).await?);
                if let Some(last) = entries.last().filter(|_| entries.len() == limit) {
                    let next = Some(Cursor::new(&last.day, last.decided_at, &last.place));
                    return Ok(Page { entries, next });
                }
                walked += span.wanted;
                if wanted.filter.teammate_id.is_some() && walked > MAX_WALKED {
                    let next = Some(Cursor::new(span.from, i64::MIN, ""));
                    return Ok(Page { entries, next });
                }
            }
            let before = from.yesterday().ok().filter(|before| *before >= first);
            rest = before.map(|to| Period { from: first, to });
            length *= 2;
        }
        Ok(Page {
            entries,
            next: None,
        })
    }

    /// What the sums say of the days.
    async fn days_of_closes(
        &self,
        wanted: &ConversationFilter,
        from: Date,
        to: Date,
    ) -> Result<BTreeMap<Date, Day>, ReadModelError> {
        let filter = &wanted.filter;
        // Of a teammate, too, the index has the entries of all to walk through.
        let (join, condition) = match filter.teammate_id {
            None => ("", wanted.outcome.condition("d.failed_mask")),
            Some(_) => (
                "LEFT JOIN decision_teammate_days t ON t.workspace_id = d.workspace_id AND t.teammate_id = $4 \
                 AND t.day = d.day AND t.failed_mask = d.failed_mask",
                format!(
                    "t.decided > 0 AND {}",
                    wanted.outcome.condition("d.failed_mask")
                ),
            ),
        };
        let sql = format!(
            "SELECT d.day, CAST(SUM(d.decided) AS BIGINT), CAST(SUM(CASE WHEN {condition} THEN d.decided ELSE 0 END) AS BIGINT) \
             FROM decision_days d {join} WHERE d.workspace_id = $1 AND d.day >= $2 AND d.day <= $3 GROUP BY d.day"
        );
        let mut query = sqlx::query(AssertSqlSafe(sql))
            .bind(&filter.workspace_id)
            .bind(from.to_string())
            .bind(to.to_string());
        if let Some(teammate) = &filter.teammate_id {
            query = query.bind(teammate);
        }
        let rows = query.fetch_all(self.readers()).await?;
        rows.iter()
            .map(|row| {
                let (rows, wanted) = (row.try_get(1)?, row.try_get(2)?);
                Ok((day(row, 0)?, Day { rows, wanted }))
            })
            .collect()
    }

    async fn closes_of(
        &self,
        wanted: &ConversationFilter,
        span: &Span,
        (after, limit): (Option<&Cursor>, usize),
    ) -> Result<Vec<ConversationClose>, ReadModelError> {
        let since = match span.is_quiet() {
            true => None,
            false => self.since(wanted, span, (after, limit)).await?,
        };
        let teammate = wanted.filter.teammate_id.as_deref();
        let sql = format!(
            "SELECT {COLUMNS} FROM decisions WHERE workspace_id = $1 AND {} AND decided_at >= $4 \
             AND (decided_day, decided_at, source_partition, source_offset, source_index) < ($5, $6, $7, $8, $9){} \
             ORDER BY decided_day DESC, decided_at DESC, source_partition DESC, source_offset DESC, source_index DESC LIMIT $10",
            days_and_masks(wanted, span, "$11"),
            teammate.map_or("", |_| " AND teammate_id = $11"),
        );
        let (partition, offset, index) = after.map_or((0, 0, 0), |cursor| unplace(&cursor.id));
        let mut query = sqlx::query(AssertSqlSafe(sql))
            .bind(&wanted.filter.workspace_id)
            .bind(span.from.to_string())
            .bind(span.to.to_string())
            .bind(since.unwrap_or(i64::MIN))
            .bind(after.map_or("9999-12-31", |cursor| cursor.day.as_str()))
            .bind(after.map_or(i64::MAX, |cursor| cursor.at))
            .bind(partition)
            .bind(offset)
            .bind(index)
            .bind(limit as i64);
        if let Some(teammate) = teammate {
            query = query.bind(teammate);
        }
        let rows = query.fetch_all(self.readers()).await?;
        rows.iter().map(ConversationClose::from_row).collect()
    }

    /// The time from which on a busy day has enough for the page, if it has: found in the index alone, so that no more rows are read
    /// than are shown. Those of the cursor's own millisecond come on top.
    async fn since(
        &self,
        wanted: &ConversationFilter,
        span: &Span,
        (after, limit): (Option<&Cursor>, usize),
    ) -> Result<Option<i64>, ReadModelError> {
        let teammate = wanted.filter.teammate_id.as_deref();
        let sql = format!(
            "SELECT decided_at FROM decisions WHERE workspace_id = $1 AND {} AND decided_at < $4{} \
             ORDER BY decided_at DESC LIMIT 1 OFFSET $5",
            days_and_masks(wanted, span, "$6"),
            teammate.map_or("", |_| " AND teammate_id = $6"),
        );
        let day = span.to.to_string();
        let before = after.filter(|cursor| cursor.day == day);
        let mut query = sqlx::query_scalar(AssertSqlSafe(sql))
            .bind(&wanted.filter.workspace_id)
            .bind(&day)
            .bind(&day)
            .bind(before.map_or(i64::MAX, |cursor| cursor.at))
            .bind(limit as i64 - 1);
        if let Some(teammate) = teammate {
            query = query.bind(teammate);
        }
        Ok(query.fetch_optional(self.readers()).await?)
    }
}

/// The days of a span, $2 to $3, and the masks that are wanted. Those of one day are named, from the sums, so that the index is entered
/// at each of them.
fn days_and_masks(wanted: &ConversationFilter, span: &Span, teammate: &str) -> String {
    let condition = wanted.outcome.condition("failed_mask");
    if span.from < span.to {
        return format!("decided_day >= $2 AND decided_day <= $3 AND {condition}");
    }
    let sums = match wanted.filter.teammate_id {
        None => "decision_days WHERE workspace_id = $1".to_owned(),
        Some(_) => {
            format!("decision_teammate_days WHERE workspace_id = $1 AND teammate_id = {teammate}")
        }
    };
    format!(
        "decided_day = $2 AND $2 = $3 AND failed_mask IN (SELECT failed_mask FROM {sums} AND day = $2 AND {condition})"
    )
}

impl ConversationClose {
    /// Partition, offset and index of the fact.
    pub(crate) fn place(&self) -> (i64, i64, i64) {
        unplace(&self.place)
    }

    /// What failed, as bits.
    pub(crate) fn mask(&self) -> i64 {
        let failed = self.failed.iter();
        let known = failed.filter_map(|code| Criterion::from_symbol(code));
        mask(&known.collect::<Vec<_>>())
    }

    pub(crate) fn from_row(row: &AnyRow) -> Result<ConversationClose, ReadModelError> {
        let flag = |column: usize| crate::request::flag(row, column);
        let failed: String = row.try_get(4)?;
        let codes = failed.split(',').filter(|code| !code.is_empty());
        Ok(ConversationClose {
            conversation_id: row.try_get(0)?,
            decided_at: row.try_get(1)?,
            day: row.try_get(2)?,
            requested: flag(3)?,
            failed: codes.map(str::to_owned).collect(),
            measured: Measured {
                closed_by: row.try_get(5)?,
                plan: flag(6)?,
                live: flag(7)?,
                audience: row.try_get(8)?,
                customers: row.try_get(9)?,
                teammate_replied: flag(10)?,
                characters: row.try_get(11)?,
                milliseconds_since_last_reply: row.try_get(12)?,
                origin: row.try_get(13)?,
                already_requested: flag(14)?,
            },
            thresholds: Thresholds {
                characters: row.try_get(15)?,
                milliseconds: row.try_get(16)?,
            },
            settings_version: row.try_get(17)?,
            teammate_id: row.try_get(18)?,
            request_id: row.try_get(19)?,
            place: place(row.try_get(20)?, row.try_get(21)?, row.try_get(22)?),
        })
    }
}
