//! A row each: what every teammate received in a period, before it, and over time.
//!
//! A page of teammates at a time; whole months come from their own sums, so that a year of many teammates is quick too.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::civil::Date;
use serde::Serialize;
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

/// The sums of a teammate by piece; the period before is piece -1.
type Pieces = BTreeMap<(String, i64), Sums>;

const BEFORE: i64 = -1;

/// The step of the trend: a fortnight by day, a quarter by week, more by month.
fn step(period: &Period) -> Step {
    match period.days() {
        ..=14 => Step::Day,
        15..=92 => Step::Week,
        _ => Step::Month,
    }
}

/// What is read of one table: from one day or month to another, each row under the piece that ends not before it.
struct Range {
    table: &'static str,
    unit: &'static str,
    from: String,
    to: String,
    /// The last day or month of each piece, and the piece's number, in order.
    pieces: Vec<(String, i64)>,
}

impl Range {
    fn days(from: Date, to: Date, pieces: Vec<(String, i64)>) -> Range {
        Range {
            table: "rating_days",
            unit: "day",
            from: from.to_string(),
            to: to.to_string(),
            pieces,
        }
    }

    fn months((first, last): (Date, Date), pieces: Vec<(String, i64)>) -> Range {
        Range {
            table: "rating_months",
            unit: "month",
            from: month(first),
            to: month(last),
            pieces,
        }
    }

    /// The days and months are this program's own, so they may stand in the text.
    fn sql(&self, teammates: usize, channel: &str) -> String {
        let Range {
            table,
            unit,
            from,
            to,
            pieces,
        } = self;
        let mut piece = String::from("CASE");
        for (last, number) in pieces {
            let _: Result<(), std::fmt::Error> =
                write!(piece, " WHEN {unit} <= '{last}' THEN {number}");
        }
        let marks: Vec<_> = (2..teammates + 2)
            .map(|number| format!("${number}"))
            .collect();
        let marks = marks.join(", ");
        format!(
            "SELECT teammate_id, CAST(piece AS BIGINT), {TOTALS} FROM (SELECT {piece} ELSE 0 END AS piece, s.* FROM {table} s \
             WHERE workspace_id = $1 AND teammate_id IN ({marks}) AND {unit} >= '{from}' AND {unit} <= '{to}'{channel}) AS t \
             GROUP BY teammate_id, piece"
        )
    }
}

fn month(day: Date) -> String {
    day.strftime("%Y-%m").to_string()
}

/// Everything that is to be read for a period and the one before it.
fn ranges(period: &Period) -> Vec<Range> {
    let (before, step) = (period.before(), step(period));
    let numbered = period.pieces(step).into_iter().zip(0..);
    let numbered: Vec<(Period, i64)> = numbered.collect();
    if step != Step::Month {
        let mut pieces = vec![(before.to.to_string(), BEFORE)];
        pieces.extend(numbered.iter().map(|(piece, n)| (piece.to.to_string(), *n)));
        return vec![Range::days(before.from, period.to, pieces)];
    }
    let mut ranges = Vec::new();
    let (months, rest) = before.months();
    ranges.extend(months.map(|months| Range::months(months, vec![(month(months.1), BEFORE)])));
    let days = |piece: &Period, number: i64| {
        let pieces = vec![(piece.to.to_string(), number)];
        Range::days(piece.from, piece.to, pieces)
    };
    ranges.extend(rest.iter().map(|piece| days(piece, BEFORE)));
    let (months, rest) = period.months();
    let number = |day: Date| numbered.iter().find(|(piece, _)| piece.has(day));
    if let Some(months) = months {
        let inside = numbered
            .iter()
            .filter(|(piece, _)| !rest.contains(piece))
            .map(|(piece, n)| (month(piece.from), *n));
        ranges.push(Range::months(months, inside.collect()));
    }
    let rest = rest.iter().map(|piece| {
        let number = number(piece.from).map_or(0, |(_, number)| *number);
        days(piece, number)
    });
    ranges.extend(rest);
    ranges
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
        let mut sums = Pieces::new();
        for range in ranges(&filter.period) {
            self.add_pieces(filter, &ids, &range, &mut sums).await?;
        }
        let rows = ids.into_iter().map(|id| row(filter, id, &sums, settings));
        let entries = rows.filter(|row| {
            let figures = &row.figures;
            figures.requests > 0 || figures.ratings > 0 || filter.teammate_id.is_some()
        });
        Ok(Page {
            entries: entries.collect(),
            next,
        })
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

    async fn add_pieces(
        &self,
        filter: &Filter,
        ids: &[String],
        range: &Range,
        sums: &mut Pieces,
    ) -> Result<(), ReadModelError> {
        if ids.is_empty() {
            return Ok(());
        }
        let channel = match filter.channel {
            Some(channel) => format!(" AND channel = '{}'", channel.symbol()),
            None => String::new(),
        };
        let sql = AssertSqlSafe(range.sql(ids.len(), &channel));
        let mut query = sqlx::query(sql)
            .persistent(false)
            .bind(&filter.workspace_id);
        for id in ids {
            query = query.bind(id);
        }
        for row in query.fetch_all(self.readers()).await? {
            let key = (row.try_get(0)?, row.try_get(1)?);
            sums.entry(key).or_default().add(&Sums::from_row(&row, 2)?);
        }
        Ok(())
    }
}

fn row(
    filter: &Filter,
    teammate_id: String,
    sums: &Pieces,
    settings: Option<&SettingsVersion>,
) -> TeammateFigures {
    let piece = |number: i64| {
        let found = sums.get(&(teammate_id.clone(), number));
        found.copied().unwrap_or_default()
    };
    let mut all = Sums::default();
    let mut trend = Vec::new();
    for (period, number) in filter
        .period
        .pieces(step(&filter.period))
        .into_iter()
        .zip(0..)
    {
        let sums = piece(number);
        all.add(&sums);
        trend.push(TrendPoint {
            period,
            ratings: sums.ratings(),
            positive: sums.positive(),
        });
    }
    let (figures, before) = (Figures::of(&all), Figures::of(&piece(BEFORE)));
    let shares = figures.positive_share.zip(before.positive_share);
    let target = settings.and_then(|settings| settings.target_of(Some(&teammate_id)));
    TeammateFigures {
        teammate_id,
        change: shares.map(|(now, before)| now - before),
        target: target.map(|target| TargetResult::of(&target, &all)),
        figures,
        before,
        trend,
    }
}
