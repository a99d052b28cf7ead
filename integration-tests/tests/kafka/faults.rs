//! The faults, and how many of each there have been.

use std::time::Duration;

use afterword_integration_tests::proxy::{Action, Api, Rule, Way};
use rand::RngExt;
use rand::seq::IndexedRandom;

use crate::round::Round;
use crate::wait::until;
use crate::world::SESSION;

/// Longest wait for a group to notice.
const NOTICE: Duration = Duration::from_secs(15);

/// Numbers of faults: those to reach, or those that were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Goals {
    /// Processes that decide, killed by SIGKILL.
    pub kills: u64,
    /// Processes frozen until the group had given their partitions to others, and then thawed.
    pub zombies: u64,
    /// Brokers killed by SIGKILL, and started again.
    pub broker_kills: u64,
    /// EndTxn requests that reached the broker after their client had given up the connection.
    pub late: u64,
    /// Partitions that passed from one process to another because one came or left in good order.
    pub moves: u64,
    /// Messages held, delayed, swallowed or cut, of other requests of a transaction and of their responses.
    pub disturbed: u64,
}

impl Goals {
    pub fn sum(&self) -> u64 {
        Fault::ALL.iter().map(|fault| fault.of(self)).sum()
    }

    pub fn add(&mut self, other: &Goals) {
        self.kills += other.kills;
        self.zombies += other.zombies;
        self.broker_kills += other.broker_kills;
        self.late += other.late;
        self.moves += other.moves;
        self.disturbed += other.disturbed;
    }
}

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    Kill,
    Zombie,
    BrokerKill,
    Late,
    Move,
    Disturb,
}

/// The requests of a transaction and of taking a partition over; EndTxn is [`Fault::Late`]'s when it is a request.
const DISTURBED: [(Api, Way); 12] = [
    (Api::ADD_OFFSETS_TO_TXN, Way::ToBroker),
    (Api::ADD_OFFSETS_TO_TXN, Way::ToBroker),
    (Api::ADD_OFFSETS_TO_TXN, Way::ToClient),
    (Api::END_TXN, Way::ToClient),
    (Api::END_TXN, Way::ToClient),
    (Api::TXN_OFFSET_COMMIT, Way::ToBroker),
    (Api::TXN_OFFSET_COMMIT, Way::ToClient),
    (Api::ADD_PARTITIONS_TO_TXN, Way::ToBroker),
    (Api::INIT_PRODUCER_ID, Way::ToBroker),
    (Api::INIT_PRODUCER_ID, Way::ToClient),
    (Api::PRODUCE, Way::ToBroker),
    (Api::PRODUCE, Way::ToClient),
];

impl Fault {
    pub const ALL: [Fault; 6] = [
        Fault::Kill,
        Fault::Zombie,
        Fault::BrokerKill,
        Fault::Late,
        Fault::Move,
        Fault::Disturb,
    ];

    /// Its number among these.
    pub fn of(self, goals: &Goals) -> u64 {
        match self {
            Fault::Kill => goals.kills,
            Fault::Zombie => goals.zombies,
            Fault::BrokerKill => goals.broker_kills,
            Fault::Late => goals.late,
            Fault::Move => goals.moves,
            Fault::Disturb => goals.disturbed,
        }
    }

    /// Lets it happen, once or to several at a time, and counts.
    pub fn happen(self, round: &mut Round) {
        match self {
            Fault::Kill => kill(round),
            Fault::Zombie => freeze(round),
            Fault::BrokerKill => kill_brokers(round),
            Fault::Late => hold_end_txn(round),
            Fault::Move => come_or_go(round),
            Fault::Disturb => disturb(round),
        }
    }
}

/// SIGKILL to one process or several, while they work, restore, or negotiate who owns what.
fn kill(round: &mut Round) {
    revive(round);
    // Half of the time long enough for the group to have settled.
    let range = if round.dice.random_bool(0.5) {
        0..=1_500
    } else {
        2_500..=5_000
    };
    round.wait(range);
    let most = *[1, 1, 1, 2, 2, round.members.len()]
        .choose(&mut round.dice)
        .unwrap();
    let left = round.course.goals.kills.saturating_sub(round.done.kills);
    for index in round.some_running(most.min(usize::try_from(left).unwrap())) {
        round.members[index].kill();
        round.done.kills += 1;
    }
    round.wait(0..=800);
    revive(round);
}

/// Starts those that do not run.
fn revive(round: &mut Round) {
    for index in 0..round.members.len() {
        if !round.members[index].is_running() {
            round.start(index);
        }
    }
}

/// SIGSTOP to one process or two, until the group has done without them, then SIGCONT.
fn freeze(round: &mut Round) {
    revive(round);
    settle(round);
    let left = round.course.goals.zombies - round.done.zombies;
    let most = round.dice.random_range(1..=2_u64).min(left);
    let most = usize::try_from(most).unwrap().min(round.members.len() - 1);
    let frozen = round.some_running(most);
    for index in &frozen {
        round.members[*index].freeze();
    }
    let names: Vec<String> = frozen
        .iter()
        .map(|index| round.members[*index].name.clone())
        .collect();
    let watcher = &round.watcher;
    let expelled = |name: &String| {
        !watcher
            .known()
            .clients
            .iter()
            .any(|of| of.contains(name.as_str()))
    };
    until(SESSION + NOTICE, || names.iter().all(expelled));
    round.done.zombies += names.iter().filter(|name| expelled(name)).count() as u64;
    round.wait(0..=1_500);
    for index in &frozen {
        round.members[*index].thaw();
    }
    round.wait(500..=2_000);
}

/// Waits until every running process is a member of the group; true when that is so.
fn settle(round: &Round) -> bool {
    let watcher = &round.watcher;
    let members = round.members.iter().filter(|member| member.is_running());
    let names: Vec<&str> = members.map(|member| member.name.as_str()).collect();
    until(NOTICE, || {
        let known = watcher.known();
        let is_in = |name: &&str| known.clients.iter().any(|client| client.contains(*name));
        known.clients.len() == names.len() && names.iter().all(is_in)
    })
}

/// SIGKILL to a broker, or to two of three; they come back.
fn kill_brokers(round: &mut Round) {
    revive(round);
    round.wait(0..=2_000);
    let brokers = round.course.plan.brokers;
    let left = round.course.goals.broker_kills - round.done.broker_kills;
    let first = round.dice.random_range(0..brokers);
    let mut killed = vec![first];
    if brokers == 3 && left > 1 && round.dice.random_bool(0.4) {
        killed.push((first + 1) % brokers);
    }
    for broker in &killed {
        round.world.cluster.kill_broker(*broker);
        round.done.broker_kills += 1;
    }
    round.wait(0..=2_000);
    let cluster = &round.world.cluster;
    std::thread::scope(|scope| {
        for broker in &killed {
            scope.spawn(|| cluster.start_broker(*broker));
        }
    });
    round.wait(0..=2_000);
}

/// Holds EndTxn requests until their clients have given up waiting, and lets them reach the broker then.
fn hold_end_txn(round: &mut Round) {
    revive(round);
    let left = round.course.goals.late - round.done.late;
    let rule = Rule::new(Way::ToBroker, Action::Hold).of(&[Api::END_TXN]);
    let several = round.dice.random_range(1..=3).min(left);
    let handle = round.world.proxy().rule(rule.at_most(several));
    let _ = handle.wait_matched(1, NOTICE);
    // Beyond the clients' patience, so that there is a next transaction, or a next owner.
    round.wait(2_300..=4_500);
    if round.dice.random_bool(0.2) {
        let kills = round.some_running(1);
        for index in kills {
            round.members[index].kill();
            round.done.kills += 1;
            round.start(index);
        }
        round.wait(0..=4_000);
    }
    handle.release();
    let held = usize::try_from(handle.matched()).unwrap();
    let _ = handle.wait_late(held, NOTICE);
    let late = handle.late();
    let count = late
        .iter()
        .filter(|late| late.client_gone && late.arrived)
        .count();
    round.done.late += count as u64;
}

/// One process leaves in good order, or one comes.
fn come_or_go(round: &mut Round) {
    settle(round);
    let before = round.watcher.known().moves;
    let away: Vec<usize> = (0..round.members.len())
        .filter(|index| !round.members[*index].is_running())
        .collect();
    let back = away.choose(&mut round.dice).copied();
    let most_are_away = away.len() + 2 > round.members.len();
    match back {
        Some(index) if most_are_away || round.dice.random_bool(0.5) => round.start(index),
        _ => {
            for index in round.some_running(1) {
                round.members[index].stop();
            }
        }
    }
    settle(round);
    round.done.moves += round.watcher.known().moves - before;
}

/// Any message of a transaction is held, delayed, swallowed, or the last of its connection.
fn disturb(round: &mut Round) {
    revive(round);
    let (api, way) = *DISTURBED.choose(&mut round.dice).unwrap();
    let actions = [
        Action::Hold,
        Action::Hold,
        Action::Delay(Duration::from_millis(1_500)),
        Action::Swallow,
        Action::Cut,
    ];
    let action = *actions.choose(&mut round.dice).unwrap();
    let left = round.course.goals.disturbed - round.done.disturbed;
    let most = round.dice.random_range(1..=3).min(left);
    let rule = Rule::new(way, action).of(&[api]).at_most(most);
    let handle = round.world.proxy().rule(rule);
    // Taking over happens when somebody comes.
    if api == Api::INIT_PRODUCER_ID {
        for index in round.some_running(1) {
            round.members[index].stop();
            round.start(index);
        }
    }
    let _ = handle.wait_matched(1, NOTICE);
    round.wait(500..=4_000);
    handle.release();
    round.done.disturbed += handle.matched();
}
