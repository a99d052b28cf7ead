//! What the proxy does to which messages, and what came of it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::wire::{Api, Request};

/// Which way a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Requests, from client to broker.
    ToBroker,
    /// Responses, from broker to client; they are told by their request.
    ToClient,
}

/// What is done to a message. As in a network, what is behind it on its connection waits with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Kept until [`Handle::release`], also when the client's connection is long gone.
    Hold,
    /// Kept for a while.
    Delay(Duration),
    /// Never delivered; the connection stays.
    Swallow,
    /// Not delivered, and its connection is cut on both sides.
    Cut,
}

/// A rule: which messages, and what is done to them.
#[derive(Clone, Debug)]
pub struct Rule {
    way: Way,
    action: Action,
    apis: Vec<Api>,
    broker: Option<usize>,
    client: Option<String>,
    transactional_id: Option<String>,
    after: u64,
    at_most: u64,
}

impl Rule {
    /// For all messages of this way, until it is narrowed.
    #[must_use]
    pub fn new(way: Way, action: Action) -> Rule {
        Rule {
            way,
            action,
            apis: Vec::new(),
            broker: None,
            client: None,
            transactional_id: None,
            after: 0,
            at_most: u64::MAX,
        }
    }

    /// Only these APIs'.
    #[must_use]
    pub fn of(mut self, apis: &[Api]) -> Rule {
        self.apis = apis.to_vec();
        self
    }

    /// Only of connections to this broker, by its index.
    #[must_use]
    pub fn broker(mut self, index: usize) -> Rule {
        self.broker = Some(index);
        self
    }

    /// Only of clients whose name has these characters.
    #[must_use]
    pub fn client(mut self, part: &str) -> Rule {
        self.client = Some(part.to_owned());
        self
    }

    /// Only of transactional ids that end so.
    #[must_use]
    pub fn transactional_id(mut self, end: &str) -> Rule {
        self.transactional_id = Some(end.to_owned());
        self
    }

    /// Not the first so many.
    #[must_use]
    pub fn after(mut self, messages: u64) -> Rule {
        self.after = messages;
        self
    }

    /// Only the next so many.
    #[must_use]
    pub fn at_most(mut self, messages: u64) -> Rule {
        self.at_most = messages;
        self
    }

    fn is_for(&self, way: Way, broker: usize, request: &Request) -> bool {
        let holds = |wanted: &Option<String>, found: &dyn Fn(&str) -> bool| {
            wanted.as_deref().is_none_or(found)
        };
        let id = request.transactional_id.as_deref();
        self.way == way
            && (self.apis.is_empty() || self.apis.contains(&request.api))
            && self.broker.is_none_or(|wanted| wanted == broker)
            && holds(&self.client, &|part| request.client.contains(part))
            && holds(&self.transactional_id, &|end| {
                id.is_some_and(|id| id.ends_with(end))
            })
    }
}

/// A held message that went on at last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Late {
    pub held_for: Duration,
    /// Whether the client that sent it had closed the connection by then.
    pub client_gone: bool,
    /// A request: the broker has answered it. A response: the client was there.
    pub arrived: bool,
    /// The broker's answer to a late request, where it is known: 0 is success.
    pub answer: Option<i16>,
}

#[derive(Debug, Default)]
struct State {
    /// Messages that it would have been for.
    passed: u64,
    matched: u64,
    holding: usize,
    open: bool,
    late: Vec<Late>,
}

#[derive(Debug)]
struct Gate {
    rule: Rule,
    removed: AtomicBool,
    state: Mutex<State>,
    changed: Condvar,
}

impl Gate {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A rule in force; it stays in force when this value goes.
#[derive(Clone, Debug)]
pub struct Handle(Arc<Gate>);

impl Handle {
    /// How many messages it was applied to.
    #[must_use]
    pub fn matched(&self) -> u64 {
        self.0.lock().matched
    }

    /// How many messages it holds now.
    #[must_use]
    pub fn holding(&self) -> usize {
        self.0.lock().holding
    }

    /// The held messages that went on.
    #[must_use]
    pub fn late(&self) -> Vec<Late> {
        self.0.lock().late.clone()
    }

    /// Waits until it was applied to so many messages; false when that takes longer.
    #[must_use]
    pub fn wait_matched(&self, messages: u64, at_most: Duration) -> bool {
        self.wait(at_most, |state| state.matched >= messages)
    }

    /// Waits until so many held messages have arrived; false when that takes longer.
    #[must_use]
    pub fn wait_late(&self, messages: usize, at_most: Duration) -> bool {
        let arrived = |state: &State| state.late.iter().filter(|late| late.arrived).count();
        self.wait(at_most, |state| arrived(state) >= messages)
    }

    /// Lets go what is held. The rule applies to nothing any more.
    pub fn release(&self) {
        self.remove();
        self.0.lock().open = true;
        self.0.changed.notify_all();
    }

    /// The rule applies to no further message; what it holds, it goes on holding.
    pub fn remove(&self) {
        self.0.removed.store(true, Ordering::SeqCst);
    }

    fn wait(&self, at_most: Duration, holds: impl Fn(&State) -> bool) -> bool {
        let until = Instant::now() + at_most;
        let mut state = self.0.lock();
        while !holds(&state) {
            let Some(left) = until.checked_duration_since(Instant::now()) else {
                return false;
            };
            let waited = self.0.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// Takes part in the message's way: waits as long as the rule holds it. `Hold` gives the time that it took.
    pub(super) fn hold(&self) -> Duration {
        let started = Instant::now();
        let mut state = self.0.lock();
        state.holding += 1;
        self.0.changed.notify_all();
        while !state.open {
            let waited = self.0.changed.wait(state);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
        state.holding -= 1;
        started.elapsed()
    }

    pub(super) fn action(&self) -> Action {
        self.0.rule.action
    }

    /// Tells that a held message went on; returns its place, to add the answer.
    pub(super) fn went_on(&self, late: Late) -> usize {
        let mut state = self.0.lock();
        state.late.push(late);
        self.0.changed.notify_all();
        state.late.len() - 1
    }

    pub(super) fn answered(&self, place: usize, error: Option<i16>) {
        if let Some(late) = self.0.lock().late.get_mut(place) {
            (late.answer, late.arrived) = (error, true);
        }
        self.0.changed.notify_all();
    }
}

/// All rules; of several that are for a message the first counts.
#[derive(Debug, Default)]
pub(super) struct Rules(Mutex<Vec<Handle>>);

impl Rules {
    fn lock(&self) -> MutexGuard<'_, Vec<Handle>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(&self, rule: Rule) -> Handle {
        let handle = Handle(Arc::new(Gate {
            rule,
            removed: AtomicBool::new(false),
            state: Mutex::default(),
            changed: Condvar::new(),
        }));
        self.lock().push(handle.clone());
        handle
    }

    /// The rule for this message; it counts as applied.
    pub(super) fn of(&self, way: Way, broker: usize, request: &Request) -> Option<Handle> {
        let mut rules = self.lock();
        rules.retain(|handle| !handle.0.removed.load(Ordering::SeqCst));
        let found = rules.iter().find(|handle| {
            let rule = &handle.0.rule;
            let mut state = handle.0.lock();
            if !rule.is_for(way, broker, request) || state.matched >= rule.at_most {
                return false;
            }
            state.passed += 1;
            state.passed > rule.after
        });
        let handle = found?.clone();
        drop(rules);
        handle.0.lock().matched += 1;
        handle.0.changed.notify_all();
        Some(handle)
    }

    /// Ends every rule and lets go what they hold.
    pub(super) fn clear(&self) {
        // Held messages of rules that were removed before are released by whoever has their handle.
        for handle in std::mem::take(&mut *self.lock()) {
            handle.release();
        }
    }
}
