//! Whether a target is met, missed, or cannot be told yet.

use serde::Serialize;
use utoipa::ToSchema;

use crate::figures::honest::probability_below;
use crate::figures::sums::Sums;
use crate::figures::versions::TargetSettings;

/// Below this probability of missing it a target is met, above 1 less this it is missed.
const DOUBT: f64 = 0.05;

/// What can be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Met,
    Missed,
    Undecided,
}

/// Why it is undecided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// Fewer ratings than the target asks for.
    TooFewRatings,
    /// Enough, but the share is too near to the target to tell.
    TooClose,
}

/// A target, and what the ratings say of it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct TargetResult {
    /// The share of positive ratings aimed at, 0 to 1.
    pub positive_share: f64,
    /// With fewer ratings nothing is said.
    pub minimum_ratings: i32,
    pub verdict: Verdict,
    /// Why it is undecided; null otherwise.
    #[schema(required)]
    pub undecided_because: Option<Why>,
    /// The probability that the true share is below the target; null without ratings.
    #[schema(required)]
    pub probability_below: Option<f64>,
    /// How that probability is worked out: always `beta_posterior_jeffreys`, Beta(1/2 + positive, 1/2 + negative).
    pub method: &'static str,
}

impl TargetResult {
    pub(crate) fn of(target: &TargetSettings, sums: &Sums) -> TargetResult {
        let (ratings, positive) = (sums.ratings(), sums.positive());
        let probability = probability_below(target.positive_share, positive, ratings);
        let too_few = ratings < i64::from(target.minimum_ratings.max(1));
        let (verdict, because) = match probability {
            _ if too_few => (Verdict::Undecided, Some(Why::TooFewRatings)),
            // No share is certain to be 1, so the posterior would call even a spotless record missed.
            _ if target.positive_share >= 1.0 && positive == ratings => (Verdict::Met, None),
            Some(below) if below <= DOUBT => (Verdict::Met, None),
            Some(below) if below >= 1.0 - DOUBT => (Verdict::Missed, None),
            _ => (Verdict::Undecided, Some(Why::TooClose)),
        };
        TargetResult {
            positive_share: target.positive_share,
            minimum_ratings: target.minimum_ratings,
            verdict,
            undecided_because: because,
            probability_below: probability,
            method: "beta_posterior_jeffreys",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(share: f64, minimum: i32, positive: i64, negative: i64) -> (Verdict, Option<Why>) {
        let target = TargetSettings {
            positive_share: share,
            minimum_ratings: minimum,
        };
        let sums = Sums {
            reactions: [negative, 0, 0, positive, 0],
            ..Sums::default()
        };
        let result = TargetResult::of(&target, &sums);
        (result.verdict, result.undecided_because)
    }

    #[test]
    fn few_ratings_decide_nothing() {
        let few = (Verdict::Undecided, Some(Why::TooFewRatings));
        assert_eq!(verdict(0.8, 0, 0, 0), few);
        assert_eq!(verdict(0.8, 20, 19, 0), few);
        assert_eq!(verdict(0.8, 20, 20, 0), (Verdict::Met, None));
        let close = (Verdict::Undecided, Some(Why::TooClose));
        assert_eq!(verdict(0.8, 5, 8, 2), close);
        assert_eq!(verdict(0.8, 5, 300, 100), (Verdict::Missed, None));
    }

    #[test]
    fn the_ends_of_the_scale_make_sense() {
        assert_eq!(verdict(1.0, 1, 10, 0), (Verdict::Met, None));
        assert_eq!(verdict(1.0, 1, 10, 1), (Verdict::Missed, None));
        assert_eq!(verdict(0.0, 1, 0, 10), (Verdict::Met, None));
    }
}
