//! The scorecard beside the toy chat.

use serde_json::{Value, json};

use super::DemoParts;
use crate::problem::Problem;

/// A teammate's sums of the latest day that has any, zeros before the first.
///
/// # Errors
/// When the report database cannot be read.
pub async fn of(demo: &DemoParts, teammate: &str) -> Result<Value, Problem> {
    let cards = demo.database.scorecards(demo.workspace, 1).await;
    let cards = cards.map_err(|error| Problem::unavailable(error.to_string(), 1))?;
    let card = cards.iter().find(|card| card.teammate_id == teammate);
    let figure = |of: fn(&afterword_readmodel::Scorecard) -> i64| card.map_or(0, of);
    Ok(json!({
        "asked": figure(|card| card.requests),
        "answered": figure(|card| card.requests_answered),
        "comments": figure(|card| card.comments),
        "terrible": figure(|card| card.terrible),
        "bad": figure(|card| card.bad),
        "ok": figure(|card| card.ok),
        "great": figure(|card| card.great),
        "amazing": figure(|card| card.amazing),
    }))
}
