//! The figures of a summary: what each is, was before, and how it came about; and what a target's result means.

use afterword_readmodel::figures::{Figures, Interval, Summary, TargetResult, Verdict, Why};

use super::chart::{self, Counts};
use super::words;

/// With fewer ratings a share says little, and the page says so.
pub const FEW: i64 = 20;

/// One figure: what it is called, what it is now and was before, and how it came about.
pub struct Card {
    pub label: &'static str,
    pub value: String,
    pub before: String,
    pub notes: Vec<String>,
    pub drawing: String,
    pub how: String,
}

/// A verdict on a target: a class of the stylesheet, a sign and words.
pub struct Judged {
    pub class: &'static str,
    pub sign: &'static str,
    pub words: &'static str,
    pub reason: String,
}

/// Counts in the order of the reactions.
pub fn counts(figures: &Figures) -> Counts {
    let mut counts = Counts::default();
    for (count, reaction) in counts.iter_mut().zip(&figures.reactions) {
        *count = reaction.count;
    }
    counts
}

/// The figures in their order, the positive share first.
pub fn cards(summary: &Summary, target: Option<&TargetResult>) -> Vec<Card> {
    let (now, before) = (&summary.figures, &summary.before.figures);
    vec![
        positive(now, before, target),
        Card {
            label: "Ratings",
            value: words::count(now.ratings),
            before: counted_before(before.ratings, now.ratings),
            notes: vec![format!("{} with a comment", words::count(now.comments))],
            drawing: String::new(),
            how: "Ratings that customers first gave in these days. A rating that is changed later stays on the day on which it was first given, with its present reaction; so a figure of the past may still move a little.".to_owned(),
        },
        response(now, before),
        Card {
            label: "Comments",
            value: words::count(now.comments),
            before: counted_before(before.comments, now.comments),
            notes: match now.ratings {
                0 => Vec::new(),
                ratings => vec![format!("{} of the ratings", words::percent(now.comments as f64 / ratings as f64))],
            },
            drawing: String::new(),
            how: "Of the ratings first given in these days, those that have a comment by now. A comment locks its rating: neither can change after it.".to_owned(),
        },
        bounds(now),
    ]
}

fn counted_before(before: i64, now: i64) -> String {
    format!(
        "{} before, {}",
        words::count(before),
        words::change(before, now)
    )
}

fn positive(now: &Figures, before: &Figures, target: Option<&TargetResult>) -> Card {
    let target_share = target.map(|target| target.positive_share);
    let mut notes = Vec::new();
    if let Some(interval) = now.positive_interval {
        notes.push(format!(
            "95% sure: between {} and {}",
            words::percent(interval.low),
            words::percent(interval.high)
        ));
    }
    if (1..FEW).contains(&now.ratings) {
        notes.push(format!(
            "Only {}: this may be chance.",
            words::counted(now.ratings, "rating", "ratings")
        ));
    }
    Card {
        label: "Positive share",
        value: words::percent_or_dash(now.positive_share),
        before: match now.positive_share.zip(before.positive_share) {
            Some((share, earlier)) => format!(
                "{} before, {}",
                words::percent(earlier),
                words::points(share - earlier)
            ),
            None => "nothing to compare".to_owned(),
        },
        notes,
        drawing: chart::interval(
            "Positive share",
            now.positive_share,
            now.positive_interval,
            target_share,
        ),
        how: format!(
            "{} of {} were great or amazing. The band is the 95% interval by Wilson’s score: where the share of many more ratings like these would lie. It is wide when there are few.",
            words::count(now.positive),
            words::counted(now.ratings, "rating", "ratings"),
        ),
    }
}

fn response(now: &Figures, before: &Figures) -> Card {
    Card {
        label: "Response rate",
        value: words::percent_or_dash(now.response_rate),
        before: match now.response_rate.zip(before.response_rate) {
            Some((rate, earlier)) => format!("{} before, {}", words::percent(earlier), words::points(rate - earlier)),
            None => "nothing to compare".to_owned(),
        },
        notes: vec![format!(
            "{} of {} answered",
            words::count(now.requests_answered),
            words::counted(now.requests, "request", "requests")
        )],
        drawing: String::new(),
        how: "Of the requests sent in these days, those answered by now, on whatever day. Filters apply to both halves. Answers to earlier requests count among the ratings and not here, so the two numbers differ.".to_owned(),
    }
}

fn bounds(now: &Figures) -> Card {
    let unanswered = now.requests - now.requests_answered;
    let (value, drawing) = match now.bounds {
        Some(bounds) => {
            let interval = Interval {
                low: bounds.worst,
                high: bounds.best,
            };
            (
                format!(
                    "{} to {}",
                    words::percent_short(bounds.worst),
                    words::percent_short(bounds.best)
                ),
                chart::interval(
                    "Positive share if everybody had answered",
                    None,
                    Some(interval),
                    None,
                ),
            )
        }
        None => ("–".to_owned(), String::new()),
    };
    Card {
        label: "If everybody had answered",
        value,
        before: format!("{} did not answer", words::counted(unanswered, "customer", "customers")),
        notes: Vec::new(),
        drawing,
        how: "The positive share of everybody who was asked in these days: from the worst case, in which all who did not answer were unhappy, to the best, in which all were happy. No statistics can narrow it; only more answers can.".to_owned(),
    }
}

/// What a target's result means.
pub fn judged(target: &TargetResult) -> Judged {
    let aim = words::percent_short(target.positive_share);
    let below = target.probability_below.map_or_else(String::new, |below| {
        format!("{} likely below {aim}", words::percent_short(below))
    });
    let few = || {
        let least = i64::from(target.minimum_ratings);
        format!(
            "{aim}, from {} on",
            words::counted(least, "rating", "ratings")
        )
    };
    let (class, sign, said, reason) = match (target.verdict, target.undecided_because) {
        (Verdict::Met, _) => ("met", "✓", "Target met", below),
        (Verdict::Missed, _) => ("missed", "✗", "Target missed", below),
        (Verdict::Undecided, Some(Why::TooFewRatings)) => ("open", "○", "Too few to say", few()),
        (Verdict::Undecided, _) => ("open", "○", "Too close to say", below),
    };
    Judged {
        class,
        sign,
        words: said,
        reason,
    }
}
