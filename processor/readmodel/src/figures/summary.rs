//! How happy the people were that the team talked to: a period, the one before it, and over time.

use jiff::civil::Date;
use serde::Serialize;
use sqlx::{AssertSqlSafe, Row as _};
use utoipa::ToSchema;

use crate::database::ReportDatabase;
use crate::error::ReadModelError;
use crate::figures::counted::{COLUMNS, Figures};
use crate::figures::sums::Sums;
use crate::figures::targets::TargetResult;
use crate::figures::versions::SettingsVersion;
use crate::figures::{Filter, Period, Step};

/// A piece of the period and its figures.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct PeriodFigures {
    #[serde(flatten)]
    pub period: Period,
    pub figures: Figures,
}

/// The summary of a period.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Summary {
    #[serde(flatten)]
    pub period: Period,
    pub figures: Figures,
    /// As many days right before.
    pub before: PeriodFigures,
    /// The workspace's target, or with the filter `teammate` that teammate's, as the settings have it at the period's end (or
    /// now, if that is earlier); null when there is none.
    #[schema(required)]
    pub target: Option<TargetResult>,
    pub by: Step,
    /// The period in pieces, in order.
    pub over_time: Vec<PeriodFigures>,
}

impl ReportDatabase {
    /// The summary of the filter's period, in pieces of this step. `settings` are those whose target counts.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn summary(
        &self,
        filter: &Filter,
        by: Step,
        settings: Option<&SettingsVersion>,
    ) -> Result<Summary, ReadModelError> {
        let (period, before) = (filter.period, filter.period.before());
        let whole = Period {
            from: before.from,
            to: period.to,
        };
        let days = self.sums_by_day(&filter.of_period(whole)).await?;
        let of = |period: &Period| {
            let mut sums = Sums::default();
            let inside = days.iter().filter(|(day, _)| period.has(*day));
            inside.for_each(|(_, day)| sums.add(day));
            sums
        };
        let piece = |period: Period| PeriodFigures {
            period,
            figures: Figures::of(&of(&period)),
        };
        let sums = of(&period);
        let target =
            settings.and_then(|settings| settings.target_of(filter.teammate_id.as_deref()));
        Ok(Summary {
            period,
            figures: Figures::of(&sums),
            before: piece(before),
            target: target.map(|target| TargetResult::of(&target, &sums)),
            by,
            over_time: period.pieces(by).into_iter().map(piece).collect(),
        })
    }

    /// The sums of each day and channel of the filter that has any, in the order of the days.
    pub(crate) async fn sums_by_day(
        &self,
        filter: &Filter,
    ) -> Result<Vec<(Date, Sums)>, ReadModelError> {
        let channel = match filter.channel {
            Some(channel) => format!(" AND channel = '{}'", channel.symbol()),
            None => String::new(),
        };
        let sql = format!(
            "SELECT day, {COLUMNS} FROM rating_days WHERE workspace_id = $1 AND teammate_id = $2 \
             AND day >= $3 AND day <= $4{channel} ORDER BY day"
        );
        let query = sqlx::query(AssertSqlSafe(sql))
            .bind(&filter.workspace_id)
            .bind(filter.teammate())
            .bind(filter.period.from.to_string())
            .bind(filter.period.to.to_string());
        let rows = query.fetch_all(self.readers()).await?;
        let read = |row| Ok((day(row, 0)?, Sums::from_row(row, 1)?));
        rows.iter().map(read).collect()
    }
}

/// The ISO date in this column.
pub(crate) fn day(row: &sqlx::any::AnyRow, column: usize) -> Result<Date, ReadModelError> {
    let text: String = row.try_get(column)?;
    text.parse()
        .map_err(|_| ReadModelError::Stop(format!("the report database says {text:?} for a day")))
}
