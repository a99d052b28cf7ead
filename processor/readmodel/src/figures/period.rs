//! Periods of days, and what they are cut into. Days are those stored in the rows: the workspace's.

use jiff::civil::{Date, date};
use jiff::{Span, ToSpan};
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

/// The longest period that is answered, in days: three years and a bit.
pub const MAX_DAYS: i32 = 1_100;

/// Days from `from` to `to`, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Period {
    /// ISO date, in the workspace's time zone.
    #[serde(serialize_with = "iso")]
    #[schema(value_type = String, format = Date, example = "2026-03-01")]
    pub from: Date,
    /// ISO date, included.
    #[serde(serialize_with = "iso")]
    #[schema(value_type = String, format = Date, example = "2026-03-31")]
    pub to: Date,
}

/// How a period is cut into pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    Day,
    /// From Monday to Sunday.
    Week,
    Month,
}

impl Step {
    /// From its name.
    #[must_use]
    pub fn from_symbol(symbol: &str) -> Option<Step> {
        match symbol {
            "day" => Some(Step::Day),
            "week" => Some(Step::Week),
            "month" => Some(Step::Month),
            _ => None,
        }
    }

    /// The step with which a period gives a readable number of pieces.
    #[must_use]
    pub fn fitting(period: &Period) -> Step {
        match period.days() {
            ..=31 => Step::Day,
            32..=182 => Step::Week,
            _ => Step::Month,
        }
    }

    fn last_day_of_piece(self, day: Date) -> Date {
        match self {
            Step::Day => day,
            Step::Week => {
                day.saturating_add(i64::from(7 - day.weekday().to_monday_one_offset()).days())
            }
            Step::Month => day.last_of_month(),
        }
    }
}

impl Period {
    /// The period from one day to another.
    ///
    /// # Errors
    /// When it ends before it begins, is longer than [`MAX_DAYS`], or lies outside the years 1 to 9000.
    pub fn new(from: Date, to: Date) -> Result<Period, String> {
        let period = Period { from, to };
        if from > to {
            return Err(format!("expected from not after to, found {from} to {to}"));
        }
        if from < date(1, 1, 1) || to > date(9000, 12, 31) {
            return Err(format!(
                "expected the years 1 to 9000, found {from} to {to}"
            ));
        }
        if period.days() > MAX_DAYS {
            let days = period.days();
            return Err(format!("expected at most {MAX_DAYS} days, found {days}"));
        }
        Ok(period)
    }

    /// So many days that end with this one.
    #[must_use]
    pub fn ending(to: Date, days: i32) -> Period {
        let from = to.saturating_sub(i64::from(days - 1).days());
        Period { from, to }
    }

    /// How many days it has.
    #[must_use]
    pub fn days(&self) -> i32 {
        self.to.since(self.from).map_or(0, |span| span.get_days()) + 1
    }

    /// As many days right before it.
    #[must_use]
    pub fn before(&self) -> Period {
        let span: Span = i64::from(self.days()).days();
        Period {
            from: self.from.saturating_sub(span),
            to: self.from.saturating_sub(1.day()),
        }
    }

    /// It in pieces, in order; the first and the last may be cut short.
    #[must_use]
    pub fn pieces(&self, step: Step) -> Vec<Period> {
        let mut pieces = Vec::new();
        let mut from = self.from;
        while from <= self.to {
            let to = step.last_day_of_piece(from).min(self.to);
            pieces.push(Period { from, to });
            from = to.saturating_add(1.day());
        }
        pieces
    }

    /// Whether it has this day.
    #[must_use]
    pub fn has(&self, day: Date) -> bool {
        (self.from..=self.to).contains(&day)
    }

    /// The whole months in it (first and last, if any), and the days outside them.
    pub(crate) fn months(&self) -> (Option<(Date, Date)>, Vec<Period>) {
        let pieces = self.pieces(Step::Month);
        let is_whole =
            |piece: &Period| piece.from.day() == 1 && piece.to == piece.from.last_of_month();
        let whole: Vec<_> = pieces.iter().filter(|piece| is_whole(piece)).collect();
        let months = whole.first().zip(whole.last());
        let months = months.map(|(first, last)| (first.from, last.from));
        let rest = pieces.iter().filter(|piece| !is_whole(piece));
        (months, rest.copied().collect())
    }
}

fn iso<S: Serializer>(date: &Date, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(date)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn period(from: Date, to: Date) -> Period {
        Period { from, to }
    }

    #[test]
    fn pieces_cover_the_period_and_weeks_begin_on_mondays() {
        let may = period(date(2026, 5, 1), date(2026, 5, 31));
        assert_eq!(may.days(), 31);
        assert_eq!(may.pieces(Step::Day).len(), 31);
        assert_eq!(may.pieces(Step::Month), [may]);
        let weeks = may.pieces(Step::Week);
        // The first of May 2026 is a Friday.
        assert_eq!(weeks[0], period(date(2026, 5, 1), date(2026, 5, 3)));
        assert_eq!(weeks[1], period(date(2026, 5, 4), date(2026, 5, 10)));
        assert_eq!(weeks.iter().map(Period::days).sum::<i32>(), 31);
        assert_eq!(
            may.before(),
            period(date(2026, 3, 31), date(2026, 4, 30)),
            "as many days, not the month"
        );
    }

    #[test]
    fn whole_months_are_told_from_the_rest() {
        let long = period(date(2026, 1, 15), date(2026, 4, 30));
        let (months, rest) = long.months();
        assert_eq!(months, Some((date(2026, 2, 1), date(2026, 4, 1))));
        assert_eq!(rest, [period(date(2026, 1, 15), date(2026, 1, 31))]);
        let short = period(date(2026, 1, 15), date(2026, 2, 3));
        assert_eq!(short.months().0, None);
        assert_eq!(short.months().1.len(), 2);
    }

    #[test]
    fn impossible_periods_are_refused() {
        assert!(Period::new(date(2026, 1, 2), date(2026, 1, 1)).is_err());
        assert!(Period::new(date(2020, 1, 1), date(2026, 1, 1)).is_err());
        assert!(Period::new(date(-4, 1, 1), date(-4, 1, 2)).is_err());
        assert!(Period::new(date(2026, 1, 1), date(2026, 1, 1)).is_ok());
        assert_eq!(Period::ending(date(2026, 1, 28), 28).from, date(2026, 1, 1));
    }
}
