//! Puts a log together, step by step, with the model beside it to know where each conversation stands.

use std::collections::VecDeque;

use super::dice::Dice;
use super::plan::{self, Gap, Length, Step, Who};
use super::poison::any_poison;
use super::thread::{Surroundings, Thread};
use super::versions::next_version;
use super::{Config, GeneratedLog};
use crate::model::{
    DEFAULT_THRESHOLDS, History, NaiveConversation, NaiveFold, OwnedFact, PlacedSettings,
    REMEMBERED, State,
};

/// Around moments that days, months, years and time zones are sensitive to.
const EPOCHS_MS: &[i64] = &[
    // 2026-03-02T09:00:00Z, a Monday like any other.
    1_772_442_000_000,
    // 2026-03-29T01:00:00Z, when Europe's clocks go forward; 2026-10-25T01:00:00Z, when they go back.
    1_774_746_000_000,
    1_792_890_000_000,
    // 2025-12-31T23:59:59.999Z.
    1_767_225_599_999,
    // 2024-02-29T12:00:00Z.
    1_709_208_000_000,
    // The epoch itself: some times are before it.
    0,
];

const WORKSPACES: &[&str] = &["w1", "w2", "w/3", "ω%4"];
const CONVERSATIONS: &[&str] = &["c1", "c2", "c/3", "%", "会話", "c10"];

/// The log of this seed.
#[must_use]
pub fn generate(seed: u64, config: &Config) -> GeneratedLog {
    let mut generator = Generator::new(seed, config);
    for _ in 0..config.conversations.max(1) {
        generator.open_thread(0);
    }
    while generator.log.facts.len() + generator.held.len() < config.facts {
        generator.advance();
    }
    if config.beyond_memory {
        generator.go_beyond_memory();
    }
    for held in std::mem::take(&mut generator.held) {
        generator.append(held.fact);
    }
    generator.log
}

/// A fact that happened and comes into the log later.
struct Held {
    /// How many more facts come first.
    behind: usize,
    fact: OwnedFact,
}

struct Generator<'a> {
    config: &'a Config,
    dice: Dice,
    fold: NaiveFold,
    threads: Vec<Thread>,
    /// The one that the last fact was of.
    current: usize,
    held: Vec<Held>,
    log: GeneratedLog,
    events: usize,
    opened: usize,
}

impl<'a> Generator<'a> {
    fn new(seed: u64, config: &'a Config) -> Self {
        Generator {
            config,
            dice: Dice::new(seed),
            fold: NaiveFold::new(DEFAULT_THRESHOLDS),
            threads: Vec::new(),
            current: 0,
            held: Vec::new(),
            log: GeneratedLog {
                seed,
                ..GeneratedLog::default()
            },
            events: 0,
            opened: 0,
        }
    }

    /// A new conversation at this place among those that go on. Its id is another workspace's conversation's too, as a
    /// rule: a conversation is known by workspace and id together.
    fn open_thread(&mut self, place: usize) {
        let workspaces = self.config.workspaces.clamp(1, WORKSPACES.len());
        let workspace_id = WORKSPACES[self.opened % workspaces];
        let number = self.opened / workspaces;
        let name = CONVERSATIONS[number % CONVERSATIONS.len()];
        let round = number / CONVERSATIONS.len();
        let conversation_id = if round == 0 {
            name.to_owned()
        } else {
            format!("{name}-{round}")
        };
        self.opened += 1;
        let clock_ms = *self.dice.pick(EPOCHS_MS);
        let thread = Thread::new(&mut self.dice, workspace_id, &conversation_id, clock_ms);
        if self.threads.len() < self.config.conversations.max(1) {
            self.threads.push(thread);
        } else {
            self.threads[place] = thread;
        }
    }

    /// Appends or holds back one fact, after whatever comes between.
    fn advance(&mut self) {
        if self.dice.chance(600) {
            self.current = self.dice.index(self.threads.len());
        }
        if self.dice.chance(self.config.settings_per_mille) {
            self.append_settings();
        }
        if self.dice.chance(self.config.poison_per_mille) {
            self.append_poison();
        }
        if self.dice.chance(self.config.repeats_per_mille) && !self.log.facts.is_empty() {
            self.repeat();
            return;
        }
        let fact = self.next_fact();
        if self.dice.chance(self.config.late_per_mille) {
            let behind = if self.dice.chance(600) {
                self.dice.count(1..=4)
            } else {
                self.dice.count(5..=80)
            };
            self.held.push(Held { behind, fact });
        } else {
            self.append(fact);
        }
        self.release_held();
    }

    fn release_held(&mut self) {
        let mut due = Vec::new();
        for mut held in std::mem::take(&mut self.held) {
            if held.behind == 0 {
                due.push(held.fact);
            } else {
                held.behind -= 1;
                self.held.push(held);
            }
        }
        for fact in due {
            self.append(fact);
        }
    }

    fn append(&mut self, fact: OwnedFact) {
        self.fold.fold(&fact);
        self.log.facts.push(fact);
    }

    fn append_settings(&mut self) {
        let thread = &self.threads[self.current];
        let settings = next_version(
            &mut self.dice,
            &thread.workspace_id,
            thread.clock_ms,
            self.fold.known(),
            self.config.differing_settings,
        );
        self.fold.learn(&settings);
        self.log.settings.push(PlacedSettings {
            position: self.log.facts.len(),
            settings,
        });
    }

    /// What is poisonous is made of a fact that would have been the next one, and now never was.
    fn append_poison(&mut self) {
        let fact = self.next_fact();
        let position = self.log.facts.len();
        let poison = any_poison(&mut self.dice, fact, position);
        self.log.poison.push(poison);
    }

    /// One of the latest facts again, or any.
    fn repeat(&mut self) {
        let length = self.log.facts.len();
        let among = if self.dice.chance(500) {
            length.min(8)
        } else {
            length
        };
        let index = length - 1 - self.dice.index(among);
        self.append(self.log.facts[index].clone());
    }

    /// What happens next in the present conversation.
    fn next_fact(&mut self) -> OwnedFact {
        if self.threads[self.current].plan.is_empty() {
            self.plan_ahead();
        }
        let step = self.threads[self.current].plan.pop_front();
        self.fact_of(step.unwrap_or(Step::Reopen))
    }

    fn fact_of(&mut self, step: Step) -> OwnedFact {
        let step = match step {
            Step::Write(by, _) if self.dice.chance(self.config.longest_per_mille) => {
                Step::Write(by, Length::Longest)
            }
            step => step,
        };
        let thread = &mut self.threads[self.current];
        let conversation = self
            .fold
            .conversation(&thread.workspace_id, &thread.conversation_id);
        let around = Surroundings {
            history: conversation.map(NaiveConversation::history),
            known: self.fold.known(),
            extreme_times: self.config.extreme_times,
        };
        let (occurred_at, payload) = thread.act(step, &mut self.dice, &around);
        self.events += 1;
        OwnedFact {
            event_id: event_id(&mut self.dice, self.events),
            workspace_id: thread.workspace_id.clone(),
            conversation_id: thread.conversation_id.clone(),
            occurred_at,
            payload,
        }
    }

    fn history(&self) -> Option<&History> {
        let thread = &self.threads[self.current];
        self.fold
            .conversation(&thread.workspace_id, &thread.conversation_id)
            .map(NaiveConversation::history)
    }

    /// The next scene of the present conversation, or the opening of another in its place.
    fn plan_ahead(&mut self) {
        let Some(history) = self.history() else {
            self.threads[self.current].plan = plan::opening(&mut self.dice);
            return;
        };
        let (is_deleted, is_asked) = (history.is_deleted(), history.request().is_some());
        let is_closed = matches!(history.state(), State::Closed { .. });
        let dice = &mut self.dice;
        if dice.chance(if is_deleted || is_asked { 250 } else { 100 }) {
            self.open_thread(self.current);
            self.threads[self.current].plan = plan::opening(&mut self.dice);
            return;
        }
        type Scene = fn(&mut Dice) -> VecDeque<Step>;
        let scenes: &[(u32, Scene)] = match (is_deleted, is_asked, is_closed) {
            (true, _, _) => &[(1, plan::answers), (1, plan::chaos)],
            (_, true, true) => &[
                (50, plan::answers),
                (25, plan::reopening),
                (10, plan::chaos),
                (4, plan::deletion),
            ],
            (_, true, false) => &[
                (20, plan::answers),
                (20, plan::towards_a_close),
                (10, plan::chaos),
                (4, plan::deletion),
            ],
            (_, false, true) => &[
                (50, plan::repair),
                (10, plan::answers),
                (10, plan::chaos),
                (1, plan::deletion),
            ],
            (_, false, false) => &[
                (60, plan::towards_a_close),
                (5, plan::answers),
                (10, plan::chaos),
                (1, plan::deletion),
            ],
        };
        let scene = dice.weighted(scenes);
        self.threads[self.current].plan = scene(dice);
    }

    /// So many facts that are to be remembered that the oldest of them are forgotten, and then repetitions of those
    /// next to the limit, on both sides of it.
    fn go_beyond_memory(&mut self) {
        if self.history().is_none_or(History::is_deleted) {
            self.open_thread(self.current);
        }
        let before = self.to_be_remembered().len();
        let count = |history: &History| history.to_be_remembered().len();
        while self.history().map_or(0, count) < REMEMBERED + before / 2 + 2 {
            let step = self.dice.weighted(&[
                (20, Step::Snooze),
                (5, Step::Reopen),
                (2, Step::Close(Who::Teammate, Gap::Whenever)),
                (10, Step::React),
                (1, Step::Comment),
            ]);
            let fact = self.fact_of(step);
            self.append(fact);
        }
        for _ in 0..30 {
            let facts = self.to_be_remembered();
            let oldest_remembered = facts.len() - REMEMBERED;
            let (least, most) = (oldest_remembered.saturating_sub(8), oldest_remembered + 3);
            let index = self.dice.count(least..=most);
            self.append(facts[index].clone());
        }
    }

    fn to_be_remembered(&self) -> Vec<OwnedFact> {
        let facts = self.history().map(History::to_be_remembered);
        facts.unwrap_or_default().into_iter().cloned().collect()
    }
}

/// An id that no other event has; sometimes as long as an id may be: 256 bytes.
fn event_id(dice: &mut Dice, number: usize) -> String {
    let id = format!("e{number}");
    if dice.chance(10) {
        format!("{id:-<256}")
    } else {
        id
    }
}
