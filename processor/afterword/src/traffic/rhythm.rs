//! When people write: by day more than by night, on weekdays more than at weekends, and most of all when something is broken.

const HOUR_MS: i64 = 3_600_000;
const HOURS_OF_A_DAY: i64 = 24;
const DAY_MS: i64 = HOURS_OF_A_DAY * HOUR_MS;

/// Relative traffic of each hour of a day, UTC.
const BY_HOUR: [u32; 24] = [
    2, 1, 1, 1, 1, 2, 4, 8, 14, 18, 20, 19, 16, 17, 19, 18, 16, 13, 10, 8, 7, 6, 4, 3,
];
/// Relative traffic of each day; 1970-01-01, day 0, was a Thursday.
const BY_DAY: [u32; 7] = [10, 9, 4, 3, 11, 10, 10];

/// An incident of a made-up history begins this long before its end, or a day or two earlier when that is at a weekend.
const INCIDENT_DAYS_AGO: i64 = 9;
/// A history shorter than this has none.
const INCIDENT_NEEDS_DAYS: u32 = 14;
/// From when to when on its day, UTC.
const INCIDENT_HOURS: (i64, i64) = (7, 18);
/// So many times as many people write then.
const INCIDENT_TRAFFIC: u32 = 2;

/// The day on which something was broken, in a history of so many days before `until_ms`: from when to when.
#[must_use]
pub fn incident(days: u32, until_ms: i64) -> Option<(i64, i64)> {
    let mut day = until_ms.div_euclid(DAY_MS) - INCIDENT_DAYS_AGO;
    // Day 0 was a Thursday, so days 2 and 3 of each week of days are a weekend.
    while matches!(day.rem_euclid(7), 2 | 3) {
        day -= 1;
    }
    let at = |hour: i64| day * DAY_MS + hour * HOUR_MS;
    (days >= INCIDENT_NEEDS_DAYS).then(|| (at(INCIDENT_HOURS.0), at(INCIDENT_HOURS.1)))
}

/// Spreads shares of the whole traffic over time.
#[derive(Debug)]
pub struct Rhythm {
    start_ms: i64,
    /// The traffic of all hours up to and with this one.
    sums: Vec<u64>,
}

impl Rhythm {
    /// The rhythm of so many days before `until_ms`.
    #[must_use]
    pub fn new(days: u32, until_ms: i64) -> Rhythm {
        let hours = i64::from(days) * HOURS_OF_A_DAY;
        let start_ms = until_ms - hours * HOUR_MS;
        let incident = incident(days, until_ms);
        let weight = |hour: i64| {
            let hours_since_1970 = (start_ms + hour * HOUR_MS).div_euclid(HOUR_MS);
            let of_day = hours_since_1970.rem_euclid(HOURS_OF_A_DAY) as usize;
            let of_week = hours_since_1970.div_euclid(HOURS_OF_A_DAY).rem_euclid(7) as usize;
            let at_ms = start_ms + hour * HOUR_MS;
            let is_incident = incident.is_some_and(|(from, to)| (from..to).contains(&at_ms));
            let times = if is_incident { INCIDENT_TRAFFIC } else { 1 };
            u64::from(BY_HOUR[of_day] * BY_DAY[of_week] * times)
        };
        let mut sum = 0;
        let sums = (0..hours).map(|hour| {
            sum += weight(hour);
            sum
        });
        Rhythm {
            start_ms,
            sums: sums.collect(),
        }
    }

    /// The time before which this share (0 to 1) of the traffic lies.
    #[must_use]
    pub fn time_at(&self, share: f64) -> i64 {
        let whole = self.sums.last().copied().unwrap_or(0) as f64;
        let wanted = share.clamp(0.0, 1.0) * whole;
        let hour = self
            .sums
            .partition_point(|sum| (*sum as f64) <= wanted)
            .min(self.sums.len().saturating_sub(1));
        let before = hour.checked_sub(1).map_or(0, |before| self.sums[before]) as f64;
        let within = self.sums.get(hour).map_or(0.0, |sum| {
            (wanted - before) / (*sum as f64 - before).max(1.0)
        });
        let hours = i64::try_from(hour).unwrap_or(0);
        self.start_ms + hours * HOUR_MS + (within.clamp(0.0, 1.0) * HOUR_MS as f64) as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_never_goes_back_and_stays_within_its_days() {
        let rhythm = Rhythm::new(7, 7 * 24 * HOUR_MS);
        let times: Vec<i64> = (0..=1_000)
            .map(|share| rhythm.time_at(f64::from(share) / 1_000.0))
            .collect();
        assert!(times.is_sorted());
        assert_eq!(times.first(), Some(&0));
        assert!(times.iter().all(|time| *time <= 7 * 24 * HOUR_MS));
    }
}
