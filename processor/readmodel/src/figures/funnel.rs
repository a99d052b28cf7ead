//! From closes to answers, and what each criterion held back.

use afterword_schemas::records::Criterion;
use serde::Serialize;
use sqlx::Row as _;
use utoipa::ToSchema;

use crate::database::ReportDatabase;
use crate::error::ReadModelError;
use crate::figures::sums::Sums;
use crate::figures::thresholds::OtherThresholds;
use crate::figures::{Filter, Period};

/// What one criterion held back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct HeldBack {
    /// Its code.
    #[schema(example = "too_short")]
    pub criterion: &'static str,
    /// Closes at which it failed, whatever else did.
    pub closes: i64,
    /// Of those, closes at which nothing else failed.
    pub alone: i64,
}

/// The funnel of a period.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Funnel {
    #[serde(flatten)]
    pub period: Period,
    /// Times that a conversation became closed in the period.
    pub closes: i64,
    /// Of those, followed by a request.
    pub asked: i64,
    /// Of those requests, answered by now.
    pub answered: i64,
    /// Every criterion, in the order of the rules. A close may fall at several, so these do not add up.
    pub held_back: Vec<HeldBack>,
    pub other_thresholds: OtherThresholds,
}

const ALL: &str = "SELECT failed_mask, CAST(SUM(decided) AS BIGINT), CAST(SUM(requested) AS BIGINT) FROM decision_days \
     WHERE workspace_id = $1 AND day >= $2 AND day <= $3 GROUP BY failed_mask";
const TEAMMATE: &str = "SELECT failed_mask, CAST(SUM(decided) AS BIGINT), CAST(SUM(requested) AS BIGINT) \
     FROM decision_teammate_days WHERE workspace_id = $1 AND day >= $2 AND day <= $3 AND teammate_id = $4 \
     GROUP BY failed_mask";

impl ReportDatabase {
    /// The funnel of the filter's period; its teammate is the last one of the conversation at the close. Its channel is not
    /// looked at: a close has none.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn funnel(&self, filter: &Filter) -> Result<Funnel, ReadModelError> {
        let sql = match filter.teammate_id {
            Some(_) => TEAMMATE,
            None => ALL,
        };
        let mut query = sqlx::query(sql)
            .bind(&filter.workspace_id)
            .bind(filter.period.from.to_string())
            .bind(filter.period.to.to_string());
        if let Some(teammate) = &filter.teammate_id {
            query = query.bind(teammate);
        }
        let mut masks = Vec::<(i64, i64)>::new();
        let mut asked = 0;
        for row in query.fetch_all(self.readers()).await? {
            masks.push((row.try_get(0)?, row.try_get(1)?));
            asked += row.try_get::<i64, _>(2)?;
        }
        let both = Filter {
            channel: None,
            ..filter.clone()
        };
        let mut sums = Sums::default();
        let days = self.sums_by_day(&both).await?;
        days.iter().for_each(|(_, day)| sums.add(day));
        Ok(Funnel {
            period: filter.period,
            closes: masks.iter().map(|(_, closes)| closes).sum(),
            asked,
            answered: sums.requests_answered,
            held_back: Criterion::ALL
                .iter()
                .map(|one| held_back(*one, &masks))
                .collect(),
            other_thresholds: self.other_thresholds(filter).await?,
        })
    }
}

fn held_back(criterion: Criterion, masks: &[(i64, i64)]) -> HeldBack {
    let bit = 1 << criterion as i64;
    let sum = |wanted: &dyn Fn(i64) -> bool| -> i64 {
        let matching = masks.iter().filter(|(mask, _)| wanted(*mask));
        matching.map(|(_, closes)| closes).sum()
    };
    HeldBack {
        criterion: criterion.symbol(),
        closes: sum(&|mask| mask & bit != 0),
        alone: sum(&|mask| mask == bit),
    }
}
