//! Scorecards by a second, naive way: all outputs of a request at hand, its last revision looked up, its days worked out.

use std::collections::{BTreeMap, BTreeSet};

use afterword_readmodel::figures::{Figures, Filter, RatingFilter};
use afterword_schemas::records::{
    Channel, EligibilityDecided, Output, RatingRequested, RatingSubmitted, Reaction,
};
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

/// Outputs with their days worked out, to be counted one by one.
pub struct Outputs {
    decisions: Vec<(String, EligibilityDecided)>,
    requests: Vec<(String, RatingRequested)>,
    /// The last submission of each request, and the day of the first.
    ratings: BTreeMap<String, (String, RatingSubmitted)>,
}

/// Figures as counted.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Count {
    pub requests: i64,
    pub answered: i64,
    pub answered_positive: i64,
    pub reactions: [i64; 5],
    pub comments: i64,
}

impl Count {
    pub fn of_figures(figures: &Figures) -> Count {
        let reactions: Vec<_> = figures
            .reactions
            .iter()
            .map(|reaction| reaction.count)
            .collect();
        let count = Count {
            requests: figures.requests,
            answered: figures.requests_answered,
            answered_positive: figures.requests_positive,
            reactions: reactions.try_into().unwrap(),
            comments: figures.comments,
        };
        assert_eq!(
            (count.ratings(), count.positive()),
            (figures.ratings, figures.positive)
        );
        let share = |part: i64, whole: i64| (whole > 0).then(|| part as f64 / whole as f64);
        assert_eq!(
            figures.positive_share,
            share(figures.positive, figures.ratings)
        );
        assert_eq!(figures.response_rate, share(count.answered, count.requests));
        count
    }

    pub fn ratings(&self) -> i64 {
        self.reactions.iter().sum()
    }

    pub fn positive(&self) -> i64 {
        self.reactions[3] + self.reactions[4]
    }
}

fn is_positive(reaction: Reaction) -> bool {
    reaction == Reaction::Great || reaction == Reaction::Amazing
}

impl Outputs {
    pub fn of(made: &[Made], zones: &[(&str, &str)]) -> Outputs {
        let day = |workspace: &str, at: i64| {
            let zone = zones.iter().find(|(id, _)| *id == workspace).unwrap().1;
            let zone = TimeZone::get(zone).unwrap();
            let instant = Timestamp::from_millisecond(at).unwrap();
            instant.to_zoned(zone).strftime("%F").to_string()
        };
        let mut outputs = Outputs {
            decisions: Vec::new(),
            requests: Vec::new(),
            ratings: BTreeMap::new(),
        };
        for made in made {
            match &made.output {
                Output::EligibilityDecided(decided) => {
                    let day = day(&decided.workspace_id, decided.decided_at.0);
                    outputs.decisions.push((day, decided.clone()));
                }
                Output::RatingRequested(sent) => {
                    let day = day(&sent.workspace_id, sent.requested_at.0);
                    outputs.requests.push((day, sent.clone()));
                }
                Output::RatingSubmitted(submitted) => {
                    let day = day(&submitted.workspace_id, submitted.first_rated_at.0);
                    let known = outputs.ratings.get(&submitted.request_id);
                    if known.is_none_or(|(_, known)| known.revision < submitted.revision) {
                        let rating = (day, submitted.clone());
                        outputs.ratings.insert(submitted.request_id.clone(), rating);
                    }
                }
                Output::AnswerRefused(_) => {}
            }
        }
        outputs
    }

    pub fn count(&self, filter: &Filter) -> Count {
        let mut count = Count::default();
        let requests = self.requests.iter().filter(|(day, sent)| {
            is_wanted(
                filter,
                day,
                &sent.workspace_id,
                &sent.teammate_id,
                sent.channel,
            )
        });
        for (_, sent) in requests {
            count.requests += 1;
            if let Some((_, rating)) = self.ratings.get(&sent.request_id) {
                count.answered += 1;
                count.answered_positive += i64::from(is_positive(rating.reaction));
            }
        }
        for (day, rating) in self.ratings.values() {
            if is_wanted(
                filter,
                day,
                &rating.workspace_id,
                &rating.teammate_id,
                rating.channel,
            ) {
                count.reactions[rating.reaction as usize] += 1;
                count.comments += i64::from(rating.comment.is_some());
            }
        }
        count
    }

    /// Those with a request or a rating in the period.
    pub fn teammates(&self, filter: &Filter) -> BTreeSet<String> {
        let requests = self.requests.iter().filter(|(day, sent)| {
            is_wanted(
                filter,
                day,
                &sent.workspace_id,
                &sent.teammate_id,
                sent.channel,
            )
        });
        let ratings = self.ratings.values().filter(|(day, rating)| {
            is_wanted(
                filter,
                day,
                &rating.workspace_id,
                &rating.teammate_id,
                rating.channel,
            )
        });
        let requests = requests.map(|(_, sent)| sent.teammate_id.clone());
        requests
            .chain(ratings.map(|(_, rating)| rating.teammate_id.clone()))
            .collect()
    }

    /// The ids of the requests, sorted.
    pub fn ratings(&self, wanted: &RatingFilter, marked: &BTreeSet<String>) -> Vec<String> {
        let ratings = self.ratings.values().filter(|(day, rating)| {
            is_wanted(
                &wanted.filter,
                day,
                &rating.workspace_id,
                &rating.teammate_id,
                rating.channel,
            ) && (wanted.reactions.is_empty() || wanted.reactions.contains(&rating.reaction))
                && wanted
                    .commented
                    .is_none_or(|commented| commented == rating.comment.is_some())
                && wanted
                    .followed_up
                    .is_none_or(|up| up == marked.contains(&rating.request_id))
        });
        ratings
            .map(|(_, rating)| rating.request_id.clone())
            .collect()
    }

    /// Conversations and times of closes, sorted.
    pub fn closes(
        &self,
        filter: &Filter,
        is_of_them: impl Fn(&EligibilityDecided) -> bool,
    ) -> Vec<(String, i64)> {
        let closes = self.decisions.iter().filter(|(day, close)| {
            let teammate = close.teammate_id.as_deref().unwrap_or_default();
            is_wanted(filter, day, &close.workspace_id, teammate, Channel::Email)
                && is_of_them(close)
        });
        let mut closes: Vec<_> = closes
            .map(|(_, close)| (close.conversation_id.clone(), close.decided_at.0))
            .collect();
        closes.sort();
        closes
    }
}

fn is_wanted(
    filter: &Filter,
    day: &str,
    workspace: &str,
    teammate: &str,
    channel: Channel,
) -> bool {
    filter.workspace_id == workspace
        && filter.period.has(day.parse().unwrap())
        && filter
            .teammate_id
            .as_ref()
            .is_none_or(|wanted| wanted == teammate)
        && filter.channel.is_none_or(|wanted| wanted == channel)
}
