//! Days in the spans in which they are read: many quiet days with one read, a busy one by itself.

use std::collections::BTreeMap;

use jiff::civil::Date;

/// Rows that one read may walk through and sort.
const MAX_ROWS: i64 = 5_000;

/// What the sums say of a day: its rows, and whether any of them is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Day {
    pub rows: i64,
    pub is_wanted: bool,
}

/// Days from `from` to `to` that are read together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub from: Date,
    pub to: Date,
    pub rows: i64,
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
        if !day.is_wanted {
            continue;
        }
        match spans.last_mut() {
            Some(span) if span.rows + between <= MAX_ROWS => {
                span.from = *date;
                span.rows += between;
            }
            _ => spans.push(Span {
                from: *date,
                to: *date,
                rows: day.rows,
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
        let day = |number: i8, rows: i64, is_wanted: bool| {
            (date(2026, 5, number), Day { rows, is_wanted })
        };
        let days = [
            day(1, 9, true),
            day(2, 20_000, false),
            day(3, 10, true),
            day(4, 30_000, true),
            day(5, 4_000, true),
            day(6, 500, false),
            day(7, 500, true),
            day(8, 1, false),
        ];
        let found = spans(&days.into_iter().collect());
        let span = |from: i8, to: i8, rows: i64| Span {
            from: date(2026, 5, from),
            to: date(2026, 5, to),
            rows,
        };
        assert_eq!(
            found,
            [
                span(5, 7, 5_000),
                span(4, 4, 30_000),
                span(3, 3, 10),
                span(1, 1, 9)
            ]
        );
        assert!(found[0].is_quiet() && !found[1].is_quiet());
    }
}
