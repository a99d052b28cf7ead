//! Counts and what follows from them.

use afterword_schemas::records::Reaction;
use serde::Serialize;
use sqlx::Row as _;
use sqlx::any::AnyRow;
use utoipa::ToSchema;

use crate::error::ReadModelError;
use crate::figures::honest::wilson;
use crate::figures::sums::{Sums, is_positive};

/// The columns of the sums, in the order of [`Sums::from_row`].
pub(crate) const COLUMNS: &str =
    "requests, requests_answered, requests_positive, terrible, bad, ok, great, amazing, comments";

/// The same, added up. PostgreSQL's SUM of BIGINT is NUMERIC.
pub(crate) const TOTALS: &str = "CAST(SUM(requests) AS BIGINT), CAST(SUM(requests_answered) AS BIGINT), \
     CAST(SUM(requests_positive) AS BIGINT), CAST(SUM(terrible) AS BIGINT), CAST(SUM(bad) AS BIGINT), \
     CAST(SUM(ok) AS BIGINT), CAST(SUM(great) AS BIGINT), CAST(SUM(amazing) AS BIGINT), CAST(SUM(comments) AS BIGINT)";

/// How many ratings have a reaction.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ReactionCount {
    /// `terrible`, `bad`, `ok`, `great` or `amazing`.
    #[schema(example = "great")]
    pub reaction: &'static str,
    pub count: i64,
    /// Of all ratings, 0 to 1; null when there are none.
    #[schema(required)]
    pub share: Option<f64>,
}

/// A 95 % interval by Wilson's score: what the share may be, given how few ratings there are.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema)]
pub struct Interval {
    pub low: f64,
    pub high: f64,
}

/// What the positive share of everybody asked in the period may be: `worst` if all who did not answer were unhappy, `best` if
/// all were happy.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema)]
pub struct Bounds {
    pub worst: f64,
    pub best: f64,
}

/// The figures of a period. Shares and rates are 0 to 1, and null where there is nothing to divide by.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Figures {
    /// Ratings first given in the period, by their present reaction, worst to best.
    pub reactions: Vec<ReactionCount>,
    /// Ratings first given in the period.
    pub ratings: i64,
    /// Of those, great or amazing.
    pub positive: i64,
    #[schema(required)]
    pub positive_share: Option<f64>,
    #[schema(required)]
    pub positive_interval: Option<Interval>,
    /// Of the ratings, those with a comment.
    pub comments: i64,
    /// Requests sent in the period.
    pub requests: i64,
    /// Of those requests, answered by now.
    pub requests_answered: i64,
    /// Of those requests, answered and great or amazing by now.
    pub requests_positive: i64,
    #[schema(required)]
    pub response_rate: Option<f64>,
    /// Of the period's own requests, as the response rate is.
    #[schema(required)]
    pub bounds: Option<Bounds>,
}

fn share(part: i64, whole: i64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

impl Sums {
    /// Reads [`COLUMNS`] or [`TOTALS`], from this column on.
    pub fn from_row(row: &AnyRow, first: usize) -> Result<Sums, ReadModelError> {
        let count = |index: usize| row.try_get::<i64, _>(first + index);
        Ok(Sums {
            requests: count(0)?,
            requests_answered: count(1)?,
            requests_positive: count(2)?,
            reactions: [count(3)?, count(4)?, count(5)?, count(6)?, count(7)?],
            comments: count(8)?,
        })
    }

    pub fn ratings(&self) -> i64 {
        self.reactions.iter().sum()
    }

    pub fn positive(&self) -> i64 {
        let positive = Reaction::ALL
            .iter()
            .filter(|reaction| is_positive(**reaction));
        positive
            .map(|reaction| self.reactions[*reaction as usize])
            .sum()
    }
}

impl Figures {
    pub(crate) fn of(sums: &Sums) -> Figures {
        let (ratings, positive) = (sums.ratings(), sums.positive());
        let count = |reaction: &Reaction| {
            let count = sums.reactions[*reaction as usize];
            ReactionCount {
                reaction: reaction.symbol(),
                count,
                share: share(count, ratings),
            }
        };
        let unanswered = sums.requests - sums.requests_answered;
        let bounds = share(sums.requests_positive, sums.requests)
            .zip(share(sums.requests_positive + unanswered, sums.requests));
        Figures {
            reactions: Reaction::ALL.iter().map(count).collect(),
            ratings,
            positive,
            positive_share: share(positive, ratings),
            positive_interval: wilson(positive, ratings).map(|(low, high)| Interval { low, high }),
            comments: sums.comments,
            requests: sums.requests,
            requests_answered: sums.requests_answered,
            requests_positive: sums.requests_positive,
            response_rate: share(sums.requests_answered, sums.requests),
            bounds: bounds.map(|(worst, best)| Bounds { worst, best }),
        }
    }
}
