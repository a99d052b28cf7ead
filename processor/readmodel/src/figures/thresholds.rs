//! What would change at another threshold, from what was measured: closes that one criterion alone held back, and closes that
//! were asked about.

use serde::Serialize;
use sqlx::Row as _;
use utoipa::ToSchema;

use crate::database::ReportDatabase;
use crate::error::ReadModelError;
use crate::figures::Filter;
use crate::figures::closes::{ASKED_DAYS, CHARACTERS, CHARACTERS_STEP, LAST_DAY, STALE_DAYS};

/// Another threshold, and how many closes it would have let through or held back; everything else as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct OtherThreshold {
    /// Characters that a conversation must be over, or days since the last reply that it may at most have.
    pub threshold: i64,
    /// Positive: so many more closes would pass. Negative: so many fewer.
    pub closes: i64,
}

/// What other thresholds would have done. Closes are counted, not conversations: of several closes of one conversation only the
/// first that passes is asked about, so these are the most that could change. A higher threshold of characters cannot be told:
/// they are counted no further than one past the threshold in force.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct OtherThresholds {
    /// In place of `too_short`'s, by steps of 25 characters, up to what was measured.
    pub characters: Vec<OtherThreshold>,
    /// In place of `stale`'s, in days, 1 to 90.
    pub days: Vec<OtherThreshold>,
}

const SELECT: &str = "SELECT measure, bucket, CAST(SUM(decided) AS BIGINT) FROM measured_days WHERE workspace_id = $1 \
     AND teammate_id = $2 AND day >= $3 AND day <= $4 GROUP BY measure, bucket ORDER BY measure, bucket";

/// Days told one by one; from here on only some.
const EACH_DAY_TO: i64 = 14;
const LATER_DAYS: [i64; 5] = [21, 30, 45, 60, LAST_DAY];

impl ReportDatabase {
    /// What other thresholds would have done in the filter's period; its channel is not looked at, since a close has none.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn other_thresholds(
        &self,
        filter: &Filter,
    ) -> Result<OtherThresholds, ReadModelError> {
        let query = sqlx::query(SELECT)
            .bind(&filter.workspace_id)
            .bind(filter.teammate())
            .bind(filter.period.from.to_string())
            .bind(filter.period.to.to_string());
        let mut measured = Vec::<(String, i64, i64)>::new();
        for row in query.fetch_all(self.readers()).await? {
            measured.push((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?));
        }
        Ok(thresholds(&measured))
    }
}

fn thresholds(measured: &[(String, i64, i64)]) -> OtherThresholds {
    let sum = |measure: &str, wanted: &dyn Fn(i64) -> bool| -> i64 {
        let matching = measured
            .iter()
            .filter(|(name, bucket, _)| name == measure && wanted(*bucket));
        matching.map(|(_, _, count)| count).sum()
    };
    let of_characters = measured.iter().filter(|(name, ..)| name == CHARACTERS);
    let most = of_characters.map(|(_, bucket, _)| *bucket).max();
    let steps = 0..most.unwrap_or(0) / CHARACTERS_STEP;
    let characters = steps.map(|step| {
        let threshold = step * CHARACTERS_STEP;
        OtherThreshold {
            threshold,
            closes: sum(CHARACTERS, &|bucket| bucket > threshold),
        }
    });
    let days = (1..=EACH_DAY_TO)
        .chain(LATER_DAYS)
        .map(|threshold| OtherThreshold {
            threshold,
            closes: sum(STALE_DAYS, &|bucket| bucket <= threshold)
                - sum(ASKED_DAYS, &|bucket| bucket > threshold),
        });
    OtherThresholds {
        characters: characters.collect(),
        days: days.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_threshold_moves_what_lies_between() {
        let measured = [
            (CHARACTERS, 25, 3),
            (CHARACTERS, 250, 4),
            (ASKED_DAYS, 0, 10),
            (ASKED_DAYS, 6, 2),
            (STALE_DAYS, 9, 5),
            (STALE_DAYS, 91, 7),
        ];
        let measured = measured.map(|(name, bucket, count)| (name.to_owned(), bucket, count));
        let found = thresholds(&measured);
        let at = |list: &[OtherThreshold], threshold: i64| {
            let found = list.iter().find(|other| other.threshold == threshold);
            found.map(|other| other.closes)
        };
        assert_eq!(at(&found.characters, 0), Some(7));
        assert_eq!(at(&found.characters, 25), Some(4));
        assert_eq!(at(&found.characters, 225), Some(4));
        assert_eq!(at(&found.characters, 250), None, "as it is");
        assert_eq!(at(&found.days, 5), Some(-2));
        assert_eq!(at(&found.days, 7), Some(0));
        assert_eq!(at(&found.days, 9), Some(5));
        assert_eq!(at(&found.days, 90), Some(5));
    }
}
