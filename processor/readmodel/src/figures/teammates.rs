//! A row each: what every teammate received in a period, before it, and over time.
//!
//! Whole months come from their own sums, so that a year of many teammates is quick too. Trends are read apart, since a list of
//! hundreds shows only some.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::civil::Date;
use serde::Serialize;
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row as _};
use utoipa::ToSchema;

use crate::database::ReportDatabase;
use crate::error::ReadModelError;
use crate::figures::counted::{Figures, TOTALS};
use crate::figures::cursor::Cursor;
use crate::figures::sums::Sums;
use crate::figures::targets::TargetResult;
use crate::figures::versions::SettingsVersion;
use crate::figures::{Filter, Page, Period, Step};

/// A piece of the period, for a small drawing.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct TrendPoint {
    #[serde(flatten)]
    pub period: Period,
    pub ratings: i64,
    pub positive: i64,
}

/// One teammate's row.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct TeammateFigures {
    pub teammate_id: String,
    pub figures: Figures,
    /// Of as many days right before.
    pub before: Figures,
    /// The positive share less that of the period before; null where either is.
    #[schema(required)]
    pub change: Option<f64>,
    /// The teammate's target, or the workspace's; null when there is none.
    #[schema(required)]
    pub target: Option<TargetResult>,
    /// The period in at most some forty pieces, in order.
    pub trend: Vec<TrendPoint>,
}

/// Ratings, and positive ones, of a teammate in a piece of the trend.
type Trends = BTreeMap<(String, i64), (i64, i64)>;

/// The step of the trend: a fortnight by day, a quarter by week, more by month.
fn step(period: &Period) -> Step {
    match period.days() {
        ..=14 => Step::Day,
        15..=92 => Step::Week,
        _ => Step::Month,
    }
}

/// What is read of one table: from one day or month to another.
struct Range {
    table: &'static str,
    unit: &'static str,
    from: String,
    to: String,
}

impl Range {
    fn days(days: &Period) -> Range {
        Range {
            table: "rating_days",
            unit: "day",
            from: days.from.to_string(),
            to: days.to.to_string(),
        }
    }

    /// The whole months of a period, and the days outside them.
    fn all(period: &Period) -> Vec<Range> {
        let (months, rest) = period.months();
        let months = months.map(|(first, last)| Range {
            table: "rating_months",
            unit: "month",
            from: month(first),
            to: month(last),
        });
        months
            .into_iter()
            .chain(rest.iter().map(Range::days))
            .collect()
    }

    /// The rows of so many teammates, $2 and on. Days and months are this program's own, so they may stand in the text.
    fn rows(&self, filter: &Filter, teammates: usize) -> String {
        let Range {
            table,
            unit,
            from,
            to,
        } = self;
        let marks: Vec<_> = (2..teammates + 2)
            .map(|number| format!("${number}"))
            .collect();
        let channel = match filter.channel {
            Some(channel) => format!(" AND channel = '{}'", channel.symbol()),
            None => String::new(),
        };
        format!(
            "FROM {table} WHERE workspace_id = $1 AND teammate_id IN ({}) AND {unit} >= '{from}' AND {unit} <= '{to}'{channel}",
            marks.join(", ")
        )
    }

    /// The number of the piece in which a row lies: the first that ends not before it.
    fn piece(&self, pieces: &[Period]) -> String {
        let mut piece = String::from("CASE");
        for (number, of) in pieces.iter().enumerate() {
            let last = match self.unit {
                "month" => month(of.to),
                _ => of.to.to_string(),
            };
            let _: Result<(), std::fmt::Error> =
                write!(piece, " WHEN {} <= '{last}' THEN {number}", self.unit);
        }
        piece + " ELSE 0 END"
    }
}

fn month(day: Date) -> String {
    day.strftime("%Y-%m").to_string()
}

impl ReportDatabase {
    /// A page of the teammates that have any request or rating in the filter's period, by id. `settings` are those whose
    /// targets count.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn teammates(
        &self,
        filter: &Filter,
        settings: Option<&SettingsVersion>,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<TeammateFigures>, ReadModelError> {
        let ids = self.teammate_ids(filter, after, limit).await?;
        let last = ids
            .last()
            .filter(|_| ids.len() == limit && filter.teammate_id.is_none());
        let next = last.map(|id| Cursor::new("", 0, id));
        let mut entries = self.without_trends(filter, settings, ids).await?;
        self.add_trends(filter, &mut entries).await?;
        Ok(Page { entries, next })
    }

    /// The same of at most `limit` teammates, by id, without trends.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn teammate_totals(
        &self,
        filter: &Filter,
        settings: Option<&SettingsVersion>,
        limit: usize,
    ) -> Result<Vec<TeammateFigures>, ReadModelError> {
        let ids = self.teammate_ids(filter, None, limit).await?;
        self.without_trends(filter, settings, ids).await
    }

    /// Reads the trend of each.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn add_trends(
        &self,
        filter: &Filter,
        rows: &mut [TeammateFigures],
    ) -> Result<(), ReadModelError> {
        let ids: Vec<String> = rows.iter().map(|row| row.teammate_id.clone()).collect();
        let pieces = filter.period.pieces(step(&filter.period));
        let trends = self.trends(filter, &ids, &pieces).await?;
        for row in rows {
            let points = pieces.iter().zip(0..).map(|(period, number)| {
                let found = trends.get(&(row.teammate_id.clone(), number));
                let (ratings, positive) = found.copied().unwrap_or_default();
                TrendPoint {
                    period: *period,
                    ratings,
                    positive,
                }
            });
            row.trend = points.collect();
        }
        Ok(())
    }

    async fn without_trends(
        &self,
        filter: &Filter,
        settings: Option<&SettingsVersion>,
        ids: Vec<String>,
    ) -> Result<Vec<TeammateFigures>, ReadModelError> {
        let within = self.sums_of(filter, &ids, &filter.period).await?;
        let before = self.sums_of(filter, &ids, &filter.period.before()).await?;
        let sums = |of: &BTreeMap<String, Sums>, id: &str| of.get(id).copied().unwrap_or_default();
        let rows = ids.into_iter().map(|id| {
            let (within, before) = (sums(&within, &id), sums(&before, &id));
            row(id, &within, &before, settings)
        });
        let rows = rows.filter(|row| {
            let figures = &row.figures;
            figures.requests > 0 || figures.ratings > 0 || filter.teammate_id.is_some()
        });
        Ok(rows.collect())
    }

    async fn sums_of(
        &self,
        filter: &Filter,
        ids: &[String],
        period: &Period,
    ) -> Result<BTreeMap<String, Sums>, ReadModelError> {
        let mut sums = BTreeMap::<String, Sums>::new();
        for range in Range::all(period) {
            let rows = range.rows(filter, ids.len());
            let sql = format!("SELECT teammate_id, {TOTALS} {rows} GROUP BY teammate_id");
            for row in self.rows_of(filter, ids, sql).await? {
                let of_range = Sums::from_row(&row, 1)?;
                sums.entry(row.try_get(0)?).or_default().add(&of_range);
            }
        }
        Ok(sums)
    }

    async fn trends(
        &self,
        filter: &Filter,
        ids: &[String],
        pieces: &[Period],
    ) -> Result<Trends, ReadModelError> {
        let ranges = match step(&filter.period) {
            Step::Month => Range::all(&filter.period),
            Step::Day | Step::Week => vec![Range::days(&filter.period)],
        };
        let mut trends = Trends::new();
        for range in ranges {
            let (piece, rows) = (range.piece(pieces), range.rows(filter, ids.len()));
            let sql = format!(
                "SELECT teammate_id, CAST(piece AS BIGINT), CAST(SUM(ratings) AS BIGINT), CAST(SUM(positive) AS BIGINT) FROM \
                 (SELECT teammate_id, {piece} AS piece, terrible + bad + ok + great + amazing AS ratings, \
                 great + amazing AS positive {rows}) AS t GROUP BY teammate_id, piece"
            );
            for row in self.rows_of(filter, ids, sql).await? {
                let of_piece = trends.entry((row.try_get(0)?, row.try_get(1)?));
                let (ratings, positive) = of_piece.or_default();
                *ratings += row.try_get::<i64, _>(2)?;
                *positive += row.try_get::<i64, _>(3)?;
            }
        }
        Ok(trends)
    }

    /// What a statement about these teammates finds.
    async fn rows_of(
        &self,
        filter: &Filter,
        ids: &[String],
        sql: String,
    ) -> Result<Vec<AnyRow>, ReadModelError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut query = sqlx::query(AssertSqlSafe(sql))
            .persistent(false)
            .bind(&filter.workspace_id);
        for id in ids {
            query = query.bind(id);
        }
        Ok(query.fetch_all(self.readers()).await?)
    }

    /// Those who have anything in the months of the period.
    pub(crate) async fn teammate_ids(
        &self,
        filter: &Filter,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Vec<String>, ReadModelError> {
        if let Some(only) = &filter.teammate_id {
            return Ok(vec![only.clone()]);
        }
        let sql = "SELECT DISTINCT teammate_id FROM rating_months WHERE workspace_id = $1 AND month >= $2 AND month <= $3 \
             AND teammate_id > $4 ORDER BY teammate_id LIMIT $5";
        let query = sqlx::query(sql)
            .bind(&filter.workspace_id)
            .bind(month(filter.period.from))
            .bind(month(filter.period.to))
            .bind(after.map_or("", |cursor| cursor.id.as_str()))
            .bind(limit as i64);
        let rows = query.fetch_all(self.readers()).await?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }
}

/// A row without its trend.
fn row(
    teammate_id: String,
    within: &Sums,
    before: &Sums,
    settings: Option<&SettingsVersion>,
) -> TeammateFigures {
    let (figures, before) = (Figures::of(within), Figures::of(before));
    let shares = figures.positive_share.zip(before.positive_share);
    let target = settings.and_then(|settings| settings.target_of(Some(&teammate_id)));
    TeammateFigures {
        teammate_id,
        change: shares.map(|(now, before)| now - before),
        target: target.map(|target| TargetResult::of(&target, within)),
        figures,
        before,
        trend: Vec::new(),
    }
}
