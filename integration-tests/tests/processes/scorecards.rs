//! Teammates' scorecards, added up once more from the ratings.

use std::collections::BTreeMap;

use afterword_schemas::records::{Output, RatingSubmitted, Reaction, Timestamp};
use serde_json::{Map, Value};

/// Workspace, teammate, day.
pub type Key = (String, String, String);
/// Requests, answered, the five reactions, comments.
pub type Sums = [i64; 8];

const MEMBERS: [&str; 8] = [
    "requests",
    "requests_answered",
    "terrible",
    "bad",
    "ok",
    "great",
    "amazing",
    "comments",
];

/// What the scorecards must be, `hours` being how far each workspace's clocks are from UTC.
pub fn added_up<'a>(
    outputs: impl Iterator<Item = &'a Output> + Clone,
    hours: &dyn Fn(&str) -> i64,
) -> BTreeMap<Key, Sums> {
    let mut ratings: BTreeMap<&str, &RatingSubmitted> = BTreeMap::new();
    for output in outputs.clone() {
        if let Output::RatingSubmitted(submitted) = output {
            let latest = ratings.entry(&submitted.request_id).or_insert(submitted);
            if submitted.revision > latest.revision {
                *latest = submitted;
            }
        }
    }
    let mut sums: BTreeMap<Key, Sums> = BTreeMap::new();
    let day_of = |workspace: &str, time: Timestamp| day(time.0 + 3_600_000 * hours(workspace));
    for output in outputs {
        let Output::RatingRequested(request) = output else {
            continue;
        };
        let key = |time| {
            (
                request.workspace_id.clone(),
                request.teammate_id.clone(),
                day_of(&request.workspace_id, time),
            )
        };
        let rating = ratings.get(request.request_id.as_str());
        let sent = sums.entry(key(request.requested_at)).or_default();
        sent[0] += 1;
        sent[1] += i64::from(rating.is_some());
        if let Some(rating) = rating {
            let rated = sums.entry(key(rating.first_rated_at)).or_default();
            let place = Reaction::ALL
                .iter()
                .position(|reaction| *reaction == rating.reaction);
            rated[2 + place.unwrap()] += 1;
            rated[7] += i64::from(rating.comment.is_some());
        }
    }
    sums
}

/// What `tail teammate-scorecards` says now: of each key the highest revision.
pub fn told(lines: &[String]) -> BTreeMap<Key, Sums> {
    let mut latest: BTreeMap<Key, (i64, Sums)> = BTreeMap::new();
    for line in lines {
        let card: Map<String, Value> = serde_json::from_str(line).unwrap();
        assert_eq!(card["type"], "teammate_scorecard", "{line}");
        let text = |name: &str| card[name].as_str().unwrap().to_owned();
        let number = |name: &str| card[name].as_i64().unwrap();
        let revision = number("revision");
        let sums = MEMBERS.map(number);
        let entry = latest
            .entry((text("workspace_id"), text("teammate_id"), text("day")))
            .or_insert((revision, sums));
        if revision > entry.0 {
            *entry = (revision, sums);
        }
    }
    latest
        .into_iter()
        .map(|(key, (_, sums))| (key, sums))
        .collect()
}

/// The ISO date of a time: Howard Hinnant's `civil_from_days`.
fn day(milliseconds: i64) -> String {
    let days = milliseconds.div_euclid(86_400_000) + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[test]
fn days_are_those_of_the_calendar() {
    assert_eq!(day(0), "1970-01-01");
    assert_eq!(day(-1), "1969-12-31");
    assert_eq!(day(1_709_208_000_000), "2024-02-29");
    assert_eq!(day(1_767_225_599_999), "2025-12-31");
}
