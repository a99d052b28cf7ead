//! Sums of requests and ratings by teammate, day and channel: what a transaction adds to them. Scorecards, days and months are all
//! written from the same changes, so they cannot differ.

use std::collections::BTreeMap;

use afterword_schemas::records::{Channel, Reaction};
use sqlx::AnyConnection;

use crate::database::Dialect;
use crate::error::ReadModelError;
use crate::request::{Rating, Request};
use crate::scorecard;
use crate::sql::{Row, Table, Values};

/// Stands for all teammates; no id is empty.
pub(crate) const EVERYBODY: &str = "";

/// What a transaction adds to one sum. A change of reaction takes from one and adds to another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sums {
    pub requests: i64,
    pub requests_answered: i64,
    /// Of the requests, those whose rating is great or amazing.
    pub requests_positive: i64,
    pub reactions: [i64; Reaction::ALL.len()],
    pub comments: i64,
}

/// Workspace, teammate, day or month, channel: in the order in which all projectors lock the rows.
type Key = (String, String, String, &'static str);

/// What a transaction adds, by teammate, day and channel.
#[derive(Debug, Default)]
pub(crate) struct Changes(BTreeMap<Key, Sums>);

const DAYS: Table = table("rating_days", &COLUMNS_OF_DAYS, CONFLICT_OF_DAYS);
const MONTHS: Table = table("rating_months", &COLUMNS_OF_MONTHS, CONFLICT_OF_MONTHS);

macro_rules! columns {
    ($unit:literal) => {
        [
            "workspace_id",
            "teammate_id",
            $unit,
            "channel",
            "requests",
            "requests_answered",
            "requests_positive",
            "terrible",
            "bad",
            "ok",
            "great",
            "amazing",
            "comments",
        ]
    };
}

macro_rules! conflict {
    ($table:literal, $unit:literal) => {
        concat!(
            "ON CONFLICT (workspace_id, teammate_id, ",
            $unit,
            ", channel) DO UPDATE SET \
             requests = ",
            $table,
            ".requests + excluded.requests, \
             requests_answered = ",
            $table,
            ".requests_answered + excluded.requests_answered, \
             requests_positive = ",
            $table,
            ".requests_positive + excluded.requests_positive, \
             terrible = ",
            $table,
            ".terrible + excluded.terrible, bad = ",
            $table,
            ".bad + excluded.bad, \
             ok = ",
            $table,
            ".ok + excluded.ok, great = ",
            $table,
            ".great + excluded.great, \
             amazing = ",
            $table,
            ".amazing + excluded.amazing, \
             comments = ",
            $table,
            ".comments + excluded.comments"
        )
    };
}

const COLUMNS_OF_DAYS: [&str; 13] = columns!("day");
const COLUMNS_OF_MONTHS: [&str; 13] = columns!("month");
const CONFLICT_OF_DAYS: &str = conflict!("rating_days", "day");
const CONFLICT_OF_MONTHS: &str = conflict!("rating_months", "month");

const fn table(
    name: &'static str,
    columns: &'static [&'static str],
    conflict: &'static str,
) -> Table {
    Table {
        name,
        columns,
        conflict,
    }
}

/// Whether a reaction is a smiley or hearts.
pub(crate) fn is_positive(reaction: Reaction) -> bool {
    matches!(reaction, Reaction::Great | Reaction::Amazing)
}

/// The month of an ISO date.
fn month(day: &str) -> String {
    let end = day.len().saturating_sub("-dd".len());
    day.get(..end).unwrap_or(day).to_owned()
}

impl Sums {
    pub fn add(&mut self, other: &Sums) {
        self.requests += other.requests;
        self.requests_answered += other.requests_answered;
        self.requests_positive += other.requests_positive;
        for (sum, count) in self.reactions.iter_mut().zip(other.reactions) {
            *sum += count;
        }
        self.comments += other.comments;
    }
}

impl Changes {
    /// The sums of a request's teammate and channel, to be added to.
    pub fn of(&mut self, request: &Request, day: &str) -> &mut Sums {
        self.entry(
            &request.workspace_id,
            &request.teammate_id,
            day,
            request.channel,
        )
    }

    fn entry(&mut self, workspace: &str, teammate: &str, day: &str, channel: Channel) -> &mut Sums {
        let key = (
            workspace.to_owned(),
            teammate.to_owned(),
            day.to_owned(),
            channel.symbol(),
        );
        self.0.entry(key).or_default()
    }

    /// Counts the difference between the rating as the request has it and this one: an answer on the day of the request, the
    /// reaction and the comment on the day on which it was first given.
    pub fn count(&mut self, request: &Request, rating: &Rating) {
        let before = request.rating.as_ref();
        let asked = self.of(request, &request.requested_day);
        asked.requests_answered += i64::from(before.is_none());
        let was_positive = before.is_some_and(|before| is_positive(before.reaction));
        asked.requests_positive +=
            i64::from(is_positive(rating.reaction)) - i64::from(was_positive);
        let rated = self.of(request, &rating.rated_day);
        if let Some(before) = before {
            rated.reactions[before.reaction as usize] -= 1;
            rated.comments -= i64::from(before.comment.is_some());
        }
        rated.reactions[rating.reaction as usize] += 1;
        rated.comments += i64::from(rating.comment.is_some());
    }

    /// The same under another key.
    fn regrouped(&self, key: impl Fn(&Key) -> Key) -> BTreeMap<Key, Sums> {
        let mut regrouped = BTreeMap::<Key, Sums>::new();
        for (from, sums) in &self.0 {
            regrouped.entry(key(from)).or_default().add(sums);
        }
        regrouped
    }

    fn scorecards(&self) -> scorecard::Changes {
        let mut changes = scorecard::Changes::default();
        for ((workspace, teammate, day, _), sums) in &self.0 {
            let card = changes.of(workspace, teammate, day);
            card.requests += sums.requests;
            card.requests_answered += sums.requests_answered;
            for (sum, count) in card.reactions.iter_mut().zip(sums.reactions) {
                *sum += count;
            }
            card.comments += sums.comments;
        }
        changes
    }

    /// Adds everything to the rows: those over all teammates first, as their key comes first.
    pub async fn write(
        self,
        connection: &mut AnyConnection,
        dialect: Dialect,
    ) -> Result<(), ReadModelError> {
        self.scorecards().write(connection, dialect).await?;
        let everybody =
            self.regrouped(|(w, _, day, c)| (w.clone(), EVERYBODY.to_owned(), day.clone(), c));
        let mut days = Changes(everybody);
        days.0.extend(self.0);
        let months = days.regrouped(|(w, t, day, c)| (w.clone(), t.clone(), month(day), c));
        DAYS.write(connection, dialect, &changed(days.0)).await?;
        MONTHS.write(connection, dialect, &changed(months)).await?;
        Ok(())
    }
}

fn changed(sums: BTreeMap<Key, Sums>) -> Vec<(Key, Sums)> {
    let changed = sums
        .into_iter()
        .filter(|(_, sums)| *sums != Sums::default());
    changed.collect()
}

impl Row for (Key, Sums) {
    fn values(&self, values: &mut Values) {
        let ((workspace_id, teammate_id, unit, channel), sums) = self;
        values.text(workspace_id);
        values.text(teammate_id);
        values.text(unit);
        values.text(channel);
        values.integer(sums.requests);
        values.integer(sums.requests_answered);
        values.integer(sums.requests_positive);
        for count in sums.reactions {
            values.integer(count);
        }
        values.integer(sums.comments);
    }
}
