//! Faults that come at exactly the wrong moment, each so that one defence has to hold. Each says `Err` when it finds
//! something that must not be.

use std::time::Duration;

use afterword_integration_tests::proxy::{Action, Api, OffsetCommit, Rule, Way};

use crate::script;
use crate::stage::{SOON, Stage, Under, expect};
use crate::wait::until;

fn hold(api: Api, client: &str) -> Rule {
    let rule = Rule::new(Way::ToBroker, Action::Hold);
    rule.of(&[api]).client(client).at_most(1)
}

/// The commit of one transaction waits in the network until the next one has one of its outputs written and the others
/// not. Then the process is killed.
pub fn a_late_end_txn(under: &Under) -> Result<(), String> {
    let mut stage = Stage::new(under, &[]);
    stage.import(&script::conversation("c1"));
    stage.catch_up(SOON)?;
    let end = stage.world.proxy().rule(hold(Api::END_TXN, "process-a"));
    stage.import(&script::conversation("c2"));
    expect(end.wait_matched(1, SOON), "an EndTxn to be held");
    // The client gives its connection up, and commits on another or starts over.
    stage.catch_up(SOON)?;
    let offsets = hold(Api::ADD_OFFSETS_TO_TXN, "process-a");
    let offsets = stage.world.proxy().rule(offsets);
    stage.import(&script::conversation("c3"));
    expect(
        offsets.wait_matched(1, SOON),
        "an AddOffsetsToTxn to be held",
    );
    end.release();
    expect(end.wait_late(1, SOON), "the late EndTxn to be answered");
    stage.a.kill();
    stage.start_a();
    stage.catch_up(SOON)?;
    offsets.release();
    stage.judge()
}

/// Commits never reach the broker, so that it ends the transaction as aborted; the process lives on.
pub fn an_end_txn_that_never_arrives(under: &Under) -> Result<(), String> {
    let keys = [("process.debt_facts", "0"), TRANSACTION_5_S];
    let mut stage = Stage::new(under, &keys);
    stage.import(&script::conversation("c1"));
    stage.catch_up(SOON)?;
    let rule = Rule::new(Way::ToBroker, Action::Swallow).of(&[Api::END_TXN]);
    let swallowed = stage.world.proxy().rule(rule);
    stage.import(&script::conversation("c2"));
    expect(swallowed.wait_matched(1, SOON), "an EndTxn to be swallowed");
    // Until the broker has given the transaction up.
    std::thread::sleep(Duration::from_secs(8));
    swallowed.release();
    stage.import(&script::conversation("c3"));
    stage.import(&script::rated("c2"));
    stage.judge()
}

/// Commits take effect, and nobody is told.
pub fn an_end_txn_whose_answer_never_arrives(under: &Under) -> Result<(), String> {
    let mut stage = Stage::new(under, &[]);
    stage.import(&script::conversation("c1"));
    stage.catch_up(SOON)?;
    let rule = Rule::new(Way::ToClient, Action::Swallow).of(&[Api::END_TXN]);
    let swallowed = stage.world.proxy().rule(rule);
    stage.import(&script::conversation("c2"));
    expect(swallowed.wait_matched(1, SOON), "an answer to be swallowed");
    // Until the process has given up waiting, and perhaps has tried again.
    std::thread::sleep(Duration::from_secs(13));
    swallowed.release();
    stage.import(&script::conversation("c3"));
    stage.import(&script::rated("c2"));
    stage.judge()
}

const TRANSACTION_5_S: (&str, &str) = ("kafka.properties.transaction.timeout.ms", "5000");
const TRANSACTION_60_S: (&str, &str) = ("kafka.properties.transaction.timeout.ms", "60000");

/// A process is killed in the middle of a commit. Its transaction must not block readers, nor the next owner, until it
/// times out.
pub fn a_dead_owners_transaction(under: &Under) -> Result<(), String> {
    let mut stage = Stage::new(under, &[TRANSACTION_60_S]);
    stage.import(&script::conversation("c1"));
    stage.catch_up(SOON)?;
    let end = stage.world.proxy().rule(hold(Api::END_TXN, "process-a"));
    stage.import(&script::conversation("c2"));
    expect(end.wait_matched(1, SOON), "an EndTxn to be held");
    stage.a.kill();
    stage.start_b();
    let result = stage.catch_up(Duration::from_secs(20));
    let result = result.map_err(|what| format!("a dead owner's transaction is in the way: {what}"));
    end.release();
    result?;
    stage.judge()
}

/// A process is frozen in the middle of a commit, another takes its place, and it wakes up.
pub fn a_zombie_that_commits(under: &Under) -> Result<(), String> {
    // Nothing times out meanwhile: when it wakes up, the answer that it waited for is there, and it goes on.
    let keys = [
        TRANSACTION_60_S,
        ("kafka.properties.socket.timeout.ms", "30000"),
    ];
    let mut stage = Stage::new(under, &keys);
    stage.import(&script::conversation("c1"));
    stage.catch_up(SOON)?;
    let offsets = hold(Api::ADD_OFFSETS_TO_TXN, "process-a");
    let offsets = stage.world.proxy().rule(offsets);
    stage.import(&script::conversation("c2"));
    expect(
        offsets.wait_matched(1, SOON),
        "an AddOffsetsToTxn to be held",
    );
    stage.a.freeze();
    stage.start_b();
    let watcher = &stage.watcher;
    let owns = until(SOON, || !watcher.known().of("process-b").is_empty());
    expect(owns, "process b to own the partition");
    stage.catch_up(SOON)?;
    offsets.release();
    expect(
        offsets.wait_late(1, SOON),
        "the AddOffsetsToTxn to be answered",
    );
    stage.a.thaw();
    std::thread::sleep(Duration::from_secs(4));
    // The true owner must not have been pushed aside.
    stage.import(&script::conversation("c3"));
    stage.judge()
}

/// A position that is committed has to say who commits it, so that the group's coordinator can refuse a zombie. (A new
/// owner's sweep is in nobody's name, and never committed.)
pub fn positions_name_their_member(under: &Under) -> Result<(), String> {
    let mut stage = Stage::new(under, &[]);
    stage.import(&script::conversation("c1"));
    stage.catch_up(SOON)?;
    let commits = stage.world.proxy().offset_commits();
    expect(!commits.is_empty(), "positions to be committed");
    let names = |commit: &OffsetCommit| commit.generation >= 0 && !commit.member.is_empty();
    match commits.iter().any(names) {
        true => stage.judge(),
        false => Err(format!(
            "positions were committed in nobody's name: {:?}",
            commits[commits.len() - 1]
        )),
    }
}

/// The former owner's last commit takes effect just before the new owner fences it off.
pub fn a_commit_just_before_the_fence(under: &Under) -> Result<(), String> {
    let mut stage = Stage::new(under, &[("process.debt_facts", "0")]);
    stage.import(&script::conversation("c1"));
    stage.catch_up(SOON)?;
    let end = stage.world.proxy().rule(hold(Api::END_TXN, "process-a"));
    stage.import(&script::conversation("c2"));
    expect(end.wait_matched(1, SOON), "an EndTxn to be held");
    stage.a.kill();
    // That of the partition; other producers of the process have no transactions.
    let fence = hold(Api::INIT_PRODUCER_ID, "process-b").transactional_id("-0");
    let fence = stage.world.proxy().rule(fence);
    stage.start_b();
    expect(
        fence.wait_matched(1, SOON),
        "process b to be about to fence",
    );
    end.release();
    expect(end.wait_late(1, SOON), "the late EndTxn to be answered");
    expect(
        end.late()[0].answer == Some(0),
        "the late EndTxn to be taken",
    );
    // The markers have to be written before anybody goes on.
    std::thread::sleep(Duration::from_millis(500));
    fence.release();
    stage.catch_up(SOON)?;
    // What depends on what was committed last.
    stage.import(&script::rated("c2"));
    stage.import(&script::closed_again("c2"));
    stage.judge()?;
    match stage.b.metric("afterword_task_restarts_total") {
        Some(0.0) => Ok(()),
        restarts => Err(format!(
            "expected a take-over at the first attempt, found {restarts:?} restarts"
        )),
    }
}

/// The only broker is killed while a transaction is open, and comes back when that has timed out: it may forget to mark
/// the transaction's records as aborted, and then the next commit of the same producer would commit them too.
pub fn a_broker_that_forgets(under: &Under) -> Result<(), String> {
    let mut stage = Stage::new(under, &[TRANSACTION_5_S]);
    stage.import(&script::conversation("c1"));
    stage.catch_up(SOON)?;
    let offsets = hold(Api::ADD_OFFSETS_TO_TXN, "process-a");
    let offsets = stage.world.proxy().rule(offsets);
    stage.import(&script::conversation("c2"));
    expect(
        offsets.wait_matched(1, SOON),
        "an AddOffsetsToTxn to be held",
    );
    stage.world.cluster.kill_broker(0);
    std::thread::sleep(Duration::from_secs(8));
    stage.world.cluster.start_broker(0);
    offsets.release();
    stage.catch_up(2 * SOON)?;
    stage.import(&script::conversation("c3"));
    stage.judge()
}

/// The position that is committed is the one to be read next: a process that starts again begins behind it.
pub fn a_start_where_the_last_one_ended(under: &Under) -> Result<(), String> {
    let mut stage = Stage::new(under, &[]);
    stage.import(&script::conversation("c1"));
    let caught_up = stage.catch_up(Duration::from_secs(15));
    stage.a.kill();
    stage.start_a();
    stage.import(&script::conversation("c2"));
    let judged = stage.judge();
    judged.and(caught_up)
}

/// The only broker forgets that a transaction was committed, on one topic of it: of an output, or of the changelog.
pub fn a_broker_that_forgets_a_commit(under: &Under) -> Result<(), String> {
    for topic in ["rating-requested", "rating-submitted", "state-changelog"] {
        let mut stage = Stage::new(under, &[]);
        stage.import(&script::conversation("c1"));
        stage.import(&script::rated("c1"));
        stage.catch_up(SOON)?;
        stage.a.kill();
        let forgetful = format!("{},forget:{topic}", under.off);
        let forgetful = Under {
            off: forgetful,
            ..under.clone()
        };
        let honest = std::mem::replace(&mut stage.under, forgetful);
        stage.start_a();
        for id in ["c2", "c3"] {
            stage.import(&script::conversation(id));
            stage.import(&script::rated(id));
            stage.catch_up(SOON)?;
        }
        stage.a.kill();
        stage.under = honest;
        stage.start_a();
        stage.import(&script::conversation("c4"));
        stage.judge().map_err(|found| format!("{topic}: {found}"))?;
    }
    Ok(())
}
