//! Days in the spans in which they are read: many quiet days with one read, a busy one by itself.

use std::collections::BTreeMap;

use jiff::civil::Date;

/// Rows that one read may walk through and sort.
const MAX_ROWS: i64 = 5_000;

/// What the sums say of a day: its rows, and those of the kinds that are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Day {
    pub rows: i64,
    pub wanted: i64,
}

/// Days from `from` to `to` that are read together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub from: Date,
    pub to: Date,
    pub rows: i64,
    /// Of them, those of the kinds that are wanted.
    pub wanted: i64,
}

impl Span {
    /// Whether its rows are few enough to be sorted.
    pub fn is_quiet(&self) -> bool {
        self.rows <= MAX_ROWS
    }
}

/// The spans of the days that are wanted, the latest first. One that is not quiet has one day.
pub(crate) fn spans(days: &BTreeMap<Date, Day>) -> Vec<Span> {
    let mut spans = Vec::<Span>::new();
    let mut between = 0;
    for (date, day) in days.iter().rev() {
        between += day.rows;
        if day.wanted == 0 {
            continue;
        }
        match spans.last_mut() {
            Some(span) if span.rows + between <= MAX_ROWS => {
                span.from = *date;
                span.rows += between;
                span.wanted += day.wanted;
            }
            _ => spans.push(Span {
                from: *date,
                to: *date,
                rows: day.rows,
                wanted: day.wanted,
            }),
        }
        between = 0;
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn quiet_days_are_read_together_and_busy_ones_alone() {
        let day =
            |number: i8, rows: i64, wanted: i64| (date(2026, 5, number), Day { rows, wanted });
        let days = [
            day(1, 9, 9),
            day(2, 20_000, 0),
            day(3, 10, 2),
            day(4, 30_000, 12),
            day(5, 4_000, 40),
            day(6, 500, 0),
            day(7, 500, 3),
            day(8, 1, 0),
        ];
        let found = spans(&days.into_iter().collect());
        let span = |from: i8, to: i8, rows: i64, wanted: i64| Span {
            from: date(2026, 5, from),
            to: date(2026, 5, to),
            rows,
            wanted,
        };
        assert_eq!(
            found,
            [
                span(5, 7, 5_000, 43),
                span(4, 4, 30_000, 12),
                span(3, 3, 10, 2),
                span(1, 1, 9, 9)
            ]
        );
        assert!(found[0].is_quiet() && !found[1].is_quiet());
    }
}
