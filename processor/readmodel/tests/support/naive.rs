//! Scorecards by a second, naive way: all outputs of a request at hand, its last revision looked up, its days worked out.

use std::collections::BTreeMap;

use afterword_schemas::records::{Output, RatingSubmitted};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::world::Made;

/// Requests, answered, five reactions, comments.
pub type Sums = [i64; 8];

pub fn scorecards(
    made: &[Made],
    zone: impl Fn(&str) -> &'static str,
) -> BTreeMap<[String; 3], Sums> {
    let mut sums = BTreeMap::<[String; 3], Sums>::new();
    let mut latest = BTreeMap::<&str, &RatingSubmitted>::new();
    let day = |workspace: &str, at: i64| {
        let zone = TimeZone::get(zone(workspace)).unwrap();
        let instant = Timestamp::from_millisecond(at).unwrap();
        instant.to_zoned(zone).strftime("%F").to_string()
    };
    for made in made {
        match &made.output {
            Output::RatingRequested(sent) => {
                let day = day(&sent.workspace_id, sent.requested_at.0);
                let key = [sent.workspace_id.clone(), sent.teammate_id.clone(), day];
                sums.entry(key).or_default()[0] += 1;
            }
            Output::RatingSubmitted(submission) => {
                let known = latest.entry(&submission.request_id).or_insert(submission);
                if known.revision < submission.revision {
                    *known = submission;
                }
            }
            _ => {}
        }
    }
    for last in latest.values() {
        let key = |day| [last.workspace_id.clone(), last.teammate_id.clone(), day];
        let asked = key(day(&last.workspace_id, last.requested_at.0));
        sums.entry(asked).or_default()[1] += 1;
        let rated = sums
            .entry(key(day(&last.workspace_id, last.first_rated_at.0)))
            .or_default();
        let column = ["terrible", "bad", "ok", "great", "amazing"];
        let column = column
            .iter()
            .position(|symbol| *symbol == last.reaction.symbol())
            .unwrap();
        rated[2 + column] += 1;
        rated[7] += i64::from(last.comment.is_some());
    }
    sums
}
