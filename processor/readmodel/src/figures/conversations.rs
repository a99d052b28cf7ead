//! From a figure of the funnel down to its closes, the latest first: day by day, each day's by exactly what failed, as the index
//! has them. The sums say which days have any, so that days without are never looked at.

use std::collections::BTreeMap;

use afterword_schemas::records::Criterion;
use jiff::civil::Date;
use serde::Serialize;
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row as _};
use utoipa::ToSchema;

use crate::database::ReportDatabase;
use crate::error::ReadModelError;
use crate::figures::cursor::Cursor;
use crate::figures::spans::{Day, Span, spans};
use crate::figures::summary::day;
use crate::figures::{Filter, Page};
use crate::fold::mask;
use crate::story::{Measured, Thresholds, time};

/// Entries of the index that one page may walk through in search of a teammate's.
const MAX_WALKED: i64 = 200_000;

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
    fn wants(self, mask: i64) -> bool {
        let bit = |criterion: Criterion| 1 << criterion as i64;
        match self {
            Outcome::All => true,
            Outcome::Asked => mask == 0,
            Outcome::NotAsked => mask != 0,
            Outcome::HeldBackBy(criterion) => mask & bit(criterion) != 0,
            Outcome::HeldBackByAlone(criterion) => mask == bit(criterion),
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

/// What the sums say: each day's rows, and the masks that are wanted, with how many entries the index has of each.
#[derive(Default)]
struct Days {
    rows: BTreeMap<Date, Day>,
    masks: BTreeMap<Date, BTreeMap<i64, i64>>,
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
        let days = self.days_of_closes(wanted, after).await?;
        let mut entries = Vec::<ConversationClose>::new();
        let mut walked = 0;
        for span in spans(&days.rows) {
            let mut found = Vec::new();
            for masks in days.reads(&span) {
                walked += masks.iter().map(|(_, rows)| rows).sum::<i64>();
                let rest = limit - entries.len();
                found.extend(self.closes_of(wanted, &span, &masks, (after, rest)).await?);
            }
            found.sort_by(|a, b| b.rank().cmp(&a.rank()));
            entries.extend(found.into_iter().take(limit - entries.len()));
            if let Some(last) = entries.last().filter(|_| entries.len() == limit) {
                let next = Cursor::new(&last.day, last.decided_at, &last.place);
                return Ok(Page {
                    next: Some(next),
                    entries,
                });
            }
            if wanted.filter.teammate_id.is_some() && walked > MAX_WALKED {
                let next = Some(Cursor::new(span.from, i64::MIN, ""));
                return Ok(Page { entries, next });
            }
        }
        Ok(Page {
            entries,
            next: None,
        })
    }

    /// The days up to the cursor's that have what is wanted, by the sums.
    async fn days_of_closes(
        &self,
        wanted: &ConversationFilter,
        after: Option<&Cursor>,
    ) -> Result<Days, ReadModelError> {
        let filter = &wanted.filter;
        let to = filter.period.to.to_string();
        let to = after.map_or(to.clone(), |cursor| to.min(cursor.day.clone()));
        // Of a teammate, too, the index has the entries of all to walk through.
        let sql = match filter.teammate_id {
            None => {
                "SELECT day, failed_mask, decided, 1 FROM decision_days WHERE workspace_id = $1 AND day >= $2 AND day <= $3"
            }
            Some(_) => {
                "SELECT d.day, d.failed_mask, d.decided, CASE WHEN t.decided > 0 THEN 1 ELSE 0 END FROM decision_days d \
                 LEFT JOIN decision_teammate_days t ON t.workspace_id = d.workspace_id AND t.teammate_id = $4 AND t.day = d.day \
                 AND t.failed_mask = d.failed_mask WHERE d.workspace_id = $1 AND d.day >= $2 AND d.day <= $3"
            }
        };
        let mut query = sqlx::query(sql)
            .bind(&filter.workspace_id)
            .bind(filter.period.from.to_string())
            .bind(to);
        if let Some(teammate) = &filter.teammate_id {
            query = query.bind(teammate);
        }
        let mut days = Days::default();
        for row in query.fetch_all(self.readers()).await? {
            let date = day(&row, 0)?;
            let (mask, rows): (i64, i64) = (row.try_get(1)?, row.try_get(2)?);
            let of_day = days.rows.entry(date).or_default();
            of_day.rows += rows;
            if row.try_get::<i32, _>(3)? == 1 && wanted.outcome.wants(mask) {
                of_day.is_wanted = true;
                days.masks.entry(date).or_default().insert(mask, rows);
            }
        }
        Ok(days)
    }

    async fn closes_of(
        &self,
        wanted: &ConversationFilter,
        span: &Span,
        masks: &[(i64, i64)],
        (after, limit): (Option<&Cursor>, usize),
    ) -> Result<Vec<ConversationClose>, ReadModelError> {
        let teammate = wanted.filter.teammate_id.as_deref();
        // Of one day and mask the index has the order, when it is told that there is one.
        let (days, order) = match span.from == span.to {
            true => ("decided_day = $2 AND $2 = $3", ""),
            false => (
                "decided_day >= $2 AND decided_day <= $3",
                "decided_day DESC, ",
            ),
        };
        let failed = match masks {
            [(one, _)] => format!("= {one}"),
            several => {
                let several: Vec<_> = several.iter().map(|(mask, _)| mask.to_string()).collect();
                format!("IN ({})", several.join(", "))
            }
        };
        let sql = format!(
            "SELECT {COLUMNS} FROM decisions WHERE workspace_id = $1 AND {days} AND failed_mask {failed} \
             AND (decided_day, decided_at, source_partition, source_offset, source_index) < ($4, $5, $6, $7, $8){} \
             ORDER BY {order}decided_at DESC, source_partition DESC, source_offset DESC, source_index DESC LIMIT $9",
            teammate.map_or("", |_| " AND teammate_id = $10"),
        );
        let at = after.map_or(i64::MAX, |cursor| cursor.at);
        let (partition, offset, index) = after.map_or((0, 0, 0), |cursor| unplace(&cursor.id));
        let mut query = sqlx::query(AssertSqlSafe(sql))
            .bind(&wanted.filter.workspace_id)
            .bind(span.from.to_string())
            .bind(span.to.to_string())
            .bind(after.map_or("9999-12-31", |cursor| cursor.day.as_str()))
            .bind(at)
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
}

impl Days {
    /// What is read of one span: all its masks at once when it is quiet, else one after the other.
    fn reads(&self, span: &Span) -> Vec<Vec<(i64, i64)>> {
        let mut masks = BTreeMap::<i64, i64>::new();
        for (_, of_day) in self.masks.range(span.from..=span.to) {
            for (mask, rows) in of_day {
                *masks.entry(*mask).or_default() += rows;
            }
        }
        match span.is_quiet() {
            true => vec![masks.into_iter().collect()],
            false => masks.into_iter().map(|one| vec![one]).collect(),
        }
    }
}

impl ConversationClose {
    fn rank(&self) -> (&str, i64, &str) {
        (&self.day, self.decided_at, &self.place)
    }

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
