//! Made-up but lifelike traffic, always the same for the same seed: for `simulate` and `demo`.

mod conversation;
mod dice;
mod fact;
mod live;
mod people;
mod rhythm;
mod texts;

use std::collections::BTreeMap;

use afterword_schemas::records::{Target, Timestamp, WorkspaceSettings};

pub use fact::Made;
pub use live::Live;

use crate::cli::Shares;
use rhythm::Rhythm;

/// The workspace of the traffic.
pub const WORKSPACE: &str = "acme";
/// A workspace whose plan includes no ratings.
pub const NOT_LIVE: &str = "acme-trial";

/// What the demo calls them.
pub const NAMES: [(&str, &str); 2] = [(WORKSPACE, "Acme"), (NOT_LIVE, "Acme, trial")];

/// What traffic is made.
#[derive(Clone, Debug)]
pub struct Plan {
    pub seed: u64,
    /// Begins every conversation's id, so that two runs have different ones.
    pub tag: String,
    /// How many customers there are.
    pub customers: u64,
    pub shares: Shares,
    /// Whether conversations pass in seconds instead of days.
    pub is_live: bool,
    /// From when to when something was broken, so that few who wrote were happy.
    pub incident: Option<(i64, i64)>,
    /// When the history ends, if it is one: teammates change over its weeks.
    pub until_ms: Option<i64>,
}

impl Plan {
    /// The plan of a seed; `occasion` tells apart what must not have the same ids, such as two different ends of a history.
    #[must_use]
    pub fn new(seed: u64, occasion: i64, customers: u64, shares: Shares, is_live: bool) -> Plan {
        let mixed = (seed ^ 0x9e37_79b9_7f4a_7c15).wrapping_mul(0xff51_afd7_ed55_8ccd)
            ^ occasion.cast_unsigned().rotate_left(17);
        let mut rest = mixed.wrapping_mul(0xc4ce_b9fe_1a85_ec53) >> 34;
        let mut tag = String::new();
        for _ in 0..5 {
            tag.push(char::from(
                b"bcdfghjkmnpqrstvwxz23456789"[(rest % 27) as usize],
            ));
            rest /= 27;
        }
        Plan {
            seed: mixed,
            tag,
            customers,
            shares,
            is_live,
            incident: None,
            until_ms: None,
        }
    }

    /// The facts of one conversation, in the order in which they happen.
    #[must_use]
    pub fn conversation(&self, number: u64, begins_ms: i64) -> Vec<Made> {
        conversation::conversation(self, number, begins_ms)
    }
}

/// The settings that the traffic supposes: one workspace with a target, and one whose plan includes no ratings.
#[must_use]
pub fn settings() -> Vec<WorkspaceSettings> {
    let settings = |workspace_id: &str, plan_includes_ratings| WorkspaceSettings {
        workspace_id: workspace_id.to_owned(),
        version: 1,
        effective_from: Timestamp(0),
        live_for_users: true,
        live_for_leads: true,
        plan_includes_ratings,
        time_zone: "Europe/Dublin".to_owned(),
        target: Some(Target {
            positive_share: 0.85,
            minimum_ratings: 20,
        }),
        teammate_targets: BTreeMap::new(),
    };
    vec![settings(WORKSPACE, true), settings(NOT_LIVE, false)]
}

/// A history: every fact of many conversations, in the order of arrival, up to an end. Holds only the facts of the
/// conversations that are going on.
pub struct History {
    plan: Plan,
    rhythm: Rhythm,
    conversations: u64,
    begun: u64,
    next_begins_ms: Option<i64>,
    until_ms: i64,
    waiting: Waiting,
}

impl History {
    /// So many conversations, spread over the days before `until_ms` as people write: by day more than by night.
    #[must_use]
    pub fn new(mut plan: Plan, conversations: u64, days: u32, until_ms: i64) -> History {
        plan.incident = rhythm::incident(days, until_ms);
        plan.until_ms = Some(until_ms);
        let rhythm = Rhythm::new(days, until_ms);
        let mut history = History {
            plan,
            rhythm,
            conversations,
            begun: 0,
            next_begins_ms: None,
            until_ms,
            waiting: Waiting::default(),
        };
        history.next_begins_ms = history.begin_of_next();
        history
    }

    /// How much of it was told: conversations begun, and all.
    #[must_use]
    pub fn progress(&self) -> (u64, u64) {
        (self.begun, self.conversations)
    }

    fn begin_of_next(&self) -> Option<i64> {
        let share = self.begun as f64 / self.conversations as f64;
        (self.begun < self.conversations).then(|| self.rhythm.time_at(share))
    }
}

impl Iterator for History {
    type Item = Made;

    fn next(&mut self) -> Option<Made> {
        while let Some(begins_ms) = self.next_begins_ms {
            if self
                .waiting
                .first_arrives_ms()
                .is_some_and(|first| first < begins_ms)
            {
                break;
            }
            let facts = self.plan.conversation(self.begun, begins_ms);
            let until_ms = self.until_ms;
            self.waiting
                .add(facts.into_iter().filter(|made| made.arrives_ms < until_ms));
            self.begun += 1;
            self.next_begins_ms = self.begin_of_next();
        }
        self.waiting.take_before(i64::MAX)
    }
}

/// Facts that have not arrived yet, the earliest first; of two of one moment, the one made first.
#[derive(Default)]
pub struct Waiting {
    facts: BTreeMap<(i64, u64), Made>,
    made: u64,
}

impl Waiting {
    /// Adds facts.
    pub fn add(&mut self, facts: impl IntoIterator<Item = Made>) {
        for made in facts {
            self.made += 1;
            self.facts.insert((made.arrives_ms, self.made), made);
        }
    }

    /// The earliest, when it arrives before this moment.
    pub fn take_before(&mut self, moment_ms: i64) -> Option<Made> {
        self.first_arrives_ms().filter(|first| *first < moment_ms)?;
        self.facts.pop_first().map(|(_, made)| made)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.facts.is_empty()
    }

    fn first_arrives_ms(&self) -> Option<i64> {
        self.facts
            .first_key_value()
            .map(|((arrives_ms, _), _)| *arrives_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(seed: u64) -> Vec<Made> {
        let until_ms = 1_772_000_000_000;
        History::new(
            Plan::new(seed, until_ms, 500, Shares::default(), false),
            400,
            28,
            until_ms,
        )
        .collect()
    }

    #[test]
    fn a_seed_always_makes_the_same_history_in_the_order_of_arrival() {
        let made = history(7);
        assert!(made.len() > 2_000, "{}", made.len());
        assert_eq!(made, history(7));
        assert_ne!(made, history(8));
        assert!(made.is_sorted_by_key(|made| made.arrives_ms));
    }

    #[test]
    fn facts_of_one_id_are_the_same_fact() {
        let mut seen = BTreeMap::new();
        for mut made in history(1) {
            made.arrives_ms = 0;
            let there = seen
                .entry(made.event_id.clone())
                .or_insert_with(|| made.clone());
            assert_eq!(*there, made);
        }
    }
}
