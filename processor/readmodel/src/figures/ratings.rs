//! The list of ratings, the latest first by when they were first given.
//!
//! By days: the sums say which days, channels and reactions have any, so that a rare kind among millions is found without
//! walking through the others; within a day the indexes have the order.

use std::collections::BTreeMap;

use afterword_schemas::records::{Channel, Reaction};
use jiff::civil::Date;
use serde::Serialize;
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row as _};
use utoipa::ToSchema;

use crate::database::ReportDatabase;
use crate::error::ReadModelError;
use crate::figures::counted::COLUMNS as SUMS;
use crate::figures::cursor::Cursor;
use crate::figures::followed::FollowUp;
use crate::figures::spans::{Day, Span, spans};
use crate::figures::summary::day;
use crate::figures::sums::Sums;
use crate::figures::{Filter, Page, Period};
use crate::request::flag;
use crate::story::{StoryActor, time};

/// Reads of an index that one page may take; with more days than that it ends early and goes on.
const MAX_READS: usize = 400;

/// Which ratings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RatingFilter {
    pub filter: Filter,
    /// Empty: all.
    pub reactions: Vec<Reaction>,
    /// With a comment, or without; None: either.
    pub commented: Option<bool>,
    /// Marked as followed up, or not; None: either.
    pub followed_up: Option<bool>,
}

/// A rating as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Rating {
    pub request_id: String,
    pub conversation_id: String,
    pub customer: StoryActor,
    pub teammate_id: String,
    /// `messenger` or `email`.
    pub channel: String,
    #[serde(serialize_with = "time")]
    #[schema(value_type = String, format = DateTime)]
    pub requested_at: i64,
    #[serde(serialize_with = "time")]
    #[schema(value_type = String, format = DateTime)]
    pub first_rated_at: i64,
    /// The day under which it is counted.
    #[schema(format = Date)]
    pub rated_day: String,
    /// Of the last change.
    #[serde(serialize_with = "time")]
    #[schema(value_type = String, format = DateTime)]
    pub submitted_at: i64,
    #[schema(example = "great")]
    pub reaction: String,
    #[schema(required)]
    pub comment: Option<String>,
    /// How many changes it has had, the first answer being 1.
    pub revision: i64,
    /// Whether it was given or changed after the conversation was reopened.
    pub after_reopen: bool,
    /// Null when nobody has marked it.
    #[schema(required)]
    pub follow_up: Option<FollowUp>,
}

/// All columns, in the order of [`Rating::from_row`].
pub(crate) const COLUMNS: &str = "r.request_id, r.conversation_id, r.customer_kind, r.customer_id, r.teammate_id, r.channel, \
     r.requested_at, r.first_rated_at, r.rated_day, r.submitted_at, r.reaction, r.comment, r.revision, r.after_reopen, \
     f.changed_by, f.changed_at";

/// With the mark, if it stands.
pub(crate) const FROM: &str = "FROM requests r LEFT JOIN follow_ups f ON f.workspace_id = r.workspace_id \
     AND f.request_id = r.request_id AND f.followed_up = 1";

const ORDER: &str = "r.rated_day DESC, r.first_rated_at DESC, r.request_id DESC";

/// Later than any day of a period.
const LAST_DAY: &str = "9999-12-31";

impl Rating {
    pub(crate) fn from_row(row: &AnyRow) -> Result<Rating, ReadModelError> {
        let marked: Option<String> = row.try_get(14)?;
        let follow_up = match marked {
            None => None,
            Some(by) => Some(FollowUp {
                by,
                at: row.try_get(15)?,
            }),
        };
        Ok(Rating {
            request_id: row.try_get(0)?,
            conversation_id: row.try_get(1)?,
            customer: StoryActor {
                kind: row.try_get(2)?,
                id: row.try_get(3)?,
            },
            teammate_id: row.try_get(4)?,
            channel: row.try_get(5)?,
            requested_at: row.try_get(6)?,
            first_rated_at: row.try_get(7)?,
            rated_day: row.try_get(8)?,
            submitted_at: row.try_get(9)?,
            reaction: row.try_get(10)?,
            comment: row.try_get(11)?,
            revision: row.try_get(12)?,
            after_reopen: flag(row, 13)?,
            follow_up,
        })
    }

    fn place(&self) -> (&str, i64, &str) {
        (&self.rated_day, self.first_rated_at, &self.request_id)
    }
}

/// What the sums say: each day's rows, and the channels and reactions that it has and that are wanted.
#[derive(Default)]
struct Days {
    rows: BTreeMap<Date, Day>,
    parts: BTreeMap<Date, Vec<(Channel, Reaction)>>,
}

impl RatingFilter {
    fn wants(&self, reaction: Reaction) -> bool {
        self.reactions.is_empty() || self.reactions.contains(&reaction)
    }

    /// Conditions on what is not in the sums.
    fn conditions(&self) -> String {
        let mut conditions = String::new();
        match self.commented {
            Some(true) => conditions.push_str(" AND r.locked = 1"),
            Some(false) => conditions.push_str(" AND r.locked = 0"),
            None => {}
        }
        match self.followed_up {
            Some(true) => conditions.push_str(" AND f.request_id IS NOT NULL"),
            Some(false) => conditions.push_str(" AND f.request_id IS NULL"),
            None => {}
        }
        conditions
    }

    /// As a condition: symbols are this program's own, so they may stand in the text.
    fn reactions(&self) -> String {
        let wanted = Reaction::ALL
            .iter()
            .filter(|reaction| self.wants(**reaction));
        let symbols: Vec<_> = wanted
            .map(|reaction| format!("'{}'", reaction.symbol()))
            .collect();
        format!(" AND r.reaction IN ({})", symbols.join(", "))
    }

    fn channel(&self) -> String {
        match self.filter.channel {
            Some(channel) => format!(" AND r.channel = '{}'", channel.symbol()),
            None => String::new(),
        }
    }

    /// What is read of one span, each in the order of an index: a teammate's or a quiet one as a whole, else each channel's and
    /// reaction's part by itself, with and without comment.
    fn reads(&self, span: &Span, days: &Days) -> Vec<String> {
        let residual = self.conditions();
        if self.filter.teammate_id.is_some() || span.is_quiet() {
            let teammate = self
                .filter
                .teammate_id
                .as_ref()
                .map_or("", |_| " AND r.teammate_id = $8");
            let (reactions, channel) = (self.reactions(), self.channel());
            return vec![format!("{teammate}{reactions}{channel}{residual}")];
        }
        let parts = days
            .parts
            .get(&span.to)
            .map(Vec::as_slice)
            .unwrap_or_default();
        let mut reads = Vec::new();
        for locked in [0, 1] {
            if self.commented.is_some_and(|wanted| wanted != (locked == 1)) {
                continue;
            }
            for (channel, reaction) in parts {
                let (channel, reaction) = (channel.symbol(), reaction.symbol());
                reads.push(format!(
                    " AND r.channel = '{channel}' AND r.reaction = '{reaction}' AND r.locked = {locked}{residual}"
                ));
            }
        }
        reads
    }
}

impl ReportDatabase {
    /// A page of ratings, the latest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn ratings(
        &self,
        wanted: &RatingFilter,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<Rating>, ReadModelError> {
        if wanted.followed_up == Some(true) {
            return self.followed(wanted, after, limit).await;
        }
        let days = self.days_of_ratings(wanted, after).await?;
        let mut entries = Vec::<Rating>::new();
        let mut reads = 0;
        for span in spans(&days.rows) {
            let mut found = Vec::new();
            for read in wanted.reads(&span, &days) {
                reads += 1;
                let rest = limit - entries.len();
                found.extend(self.ratings_of(wanted, &span, &read, after, rest).await?);
            }
            found.sort_by(|a, b| b.place().cmp(&a.place()));
            entries.extend(found.into_iter().take(limit - entries.len()));
            if entries.len() == limit {
                return Ok(full(entries));
            }
            if reads >= MAX_READS {
                let next = Some(Cursor::new(span.from, i64::MIN, ""));
                return Ok(Page { entries, next });
            }
        }
        Ok(Page {
            entries,
            next: None,
        })
    }

    async fn days_of_ratings(
        &self,
        wanted: &RatingFilter,
        after: Option<&Cursor>,
    ) -> Result<Days, ReadModelError> {
        let Some(period) = up_to(wanted.filter.period, after) else {
            return Ok(Days::default());
        };
        let filter = wanted.filter.of_period(period);
        let sql = format!(
            "SELECT day, channel, {SUMS} FROM rating_days WHERE workspace_id = $1 AND teammate_id = $2 \
             AND day >= $3 AND day <= $4"
        );
        let query = sqlx::query(AssertSqlSafe(sql))
            .bind(&filter.workspace_id)
            .bind(filter.teammate())
            .bind(period.from.to_string())
            .bind(period.to.to_string());
        let mut days = Days::default();
        for row in query.fetch_all(self.readers()).await? {
            let channel = crate::request::symbol(&row, 1, Channel::from_symbol)?;
            let (date, sums) = (day(&row, 0)?, Sums::from_row(&row, 2)?);
            let of_day = days.rows.entry(date).or_default();
            of_day.rows += sums.ratings();
            if filter.channel.is_some_and(|wanted| wanted != channel) {
                continue;
            }
            if wanted.commented == Some(true) && sums.comments == 0 {
                continue;
            }
            let there = Reaction::ALL.iter().filter(|reaction| {
                wanted.wants(**reaction) && sums.reactions[**reaction as usize] > 0
            });
            for reaction in there {
                of_day.wanted += sums.reactions[*reaction as usize];
                days.parts
                    .entry(date)
                    .or_default()
                    .push((channel, *reaction));
            }
        }
        Ok(days)
    }

    async fn ratings_of(
        &self,
        wanted: &RatingFilter,
        span: &Span,
        conditions: &str,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Vec<Rating>, ReadModelError> {
        // Of one day the index has the order, when it is told that there is one.
        let (days, order) = match span.from == span.to {
            true => (
                "r.rated_day = $2 AND $2 = $3",
                ORDER.trim_start_matches("r.rated_day DESC, "),
            ),
            false => ("r.rated_day >= $2 AND r.rated_day <= $3", ORDER),
        };
        let sql = format!(
            "SELECT {COLUMNS} {FROM} WHERE r.workspace_id = $1 AND {days} AND r.revision > 0 \
             AND (r.rated_day, r.first_rated_at, r.request_id) < ($4, $5, $6){conditions} ORDER BY {order} LIMIT $7"
        );
        let mut query = sqlx::query(AssertSqlSafe(sql))
            .bind(&wanted.filter.workspace_id)
            .bind(span.from.to_string())
            .bind(span.to.to_string())
            .bind(after.map_or(LAST_DAY, |cursor| cursor.day.as_str()))
            .bind(after.map_or(i64::MAX, |cursor| cursor.at))
            .bind(after.map_or("", |cursor| cursor.id.as_str()))
            .bind(limit as i64);
        if let Some(teammate) = &wanted.filter.teammate_id {
            query = query.bind(teammate);
        }
        let rows = query.fetch_all(self.readers()).await?;
        rows.iter().map(Rating::from_row).collect()
    }

    /// From the marks, of which there are as many as people made.
    async fn followed(
        &self,
        wanted: &RatingFilter,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<Rating>, ReadModelError> {
        let filter = &wanted.filter;
        let (reactions, channel) = (wanted.reactions(), wanted.channel());
        let (conditions, teammate) = (wanted.conditions(), filter.teammate_id.as_deref());
        let of_teammate = teammate.map_or("", |_| " AND r.teammate_id = $8");
        let sql = format!(
            "SELECT {COLUMNS} FROM follow_ups f JOIN requests r ON r.request_id = f.request_id \
             AND r.workspace_id = f.workspace_id WHERE f.workspace_id = $1 AND f.followed_up = 1 AND r.revision > 0 \
             AND r.rated_day >= $2 AND r.rated_day <= $3 AND (r.rated_day, r.first_rated_at, r.request_id) < ($4, $5, $6)\
             {reactions}{channel}{conditions}{of_teammate} ORDER BY r.rated_day DESC, r.first_rated_at DESC, \
             r.request_id DESC LIMIT $7"
        );
        let mut query = sqlx::query(AssertSqlSafe(sql))
            .bind(&filter.workspace_id)
            .bind(filter.period.from.to_string())
            .bind(filter.period.to.to_string())
            .bind(after.map_or(LAST_DAY, |cursor| cursor.day.as_str()))
            .bind(after.map_or(i64::MAX, |cursor| cursor.at))
            .bind(after.map_or("", |cursor| cursor.id.as_str()))
            .bind(limit as i64);
        if let Some(teammate) = teammate {
            query = query.bind(teammate);
        }
        let rows = query.fetch_all(self.readers()).await?;
        let entries: Vec<_> = rows
            .iter()
            .map(Rating::from_row)
            .collect::<Result<_, _>>()?;
        Ok(match entries.len() == limit {
            true => full(entries),
            false => Page {
                entries,
                next: None,
            },
        })
    }
}

/// A page that has all that was asked for: it goes on after its last.
fn full(entries: Vec<Rating>) -> Page<Rating> {
    let last = entries.last();
    let next = last.map(|last| Cursor::new(&last.rated_day, last.first_rated_at, &last.request_id));
    Page { entries, next }
}

/// The days of the period up to the cursor's.
pub(crate) fn up_to(period: Period, after: Option<&Cursor>) -> Option<Period> {
    let to = after.and_then(|cursor| cursor.day.parse::<Date>().ok());
    let to = to.map_or(period.to, |to| to.min(period.to));
    (period.from <= to).then_some(Period { to, ..period })
}
