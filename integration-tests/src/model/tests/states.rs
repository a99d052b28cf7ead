//! Open, snoozed, closed, deleted; repetitions of what changes them.

use super::*;
use crate::model::{Note, REMEMBERED, State};

fn state(case: &Case) -> State {
    case.conversation.history().state()
}

#[test]
fn a_close_of_a_closed_conversation_is_no_transition() {
    let mut case = Case::asked();
    assert_eq!(case.add(20, closed(mate("t"))), []);
    // The close that closed it is still the one at 10 ms.
    case.add(15, writes(user("u"), 1));
    assert_eq!(state(&case), State::Open);
}

#[test]
fn a_snooze_asks_nothing_and_snoozed_then_closed_is_an_ordinary_close() {
    let mut case = Case::eligible();
    assert_eq!(case.add(5, snoozed()), []);
    assert_eq!(state(&case), State::Snoozed);
    assert!(case.close(10).requested);
}

#[test]
fn a_snoozed_conversation_stays_snoozed_when_the_customer_writes() {
    let mut case = Case::with(&[(1, snoozed()), (2, writes(user("u"), 1))]);
    assert_eq!(state(&case), State::Snoozed);
    case.add(3, reopened());
    assert_eq!(state(&case), State::Open);
}

#[test]
fn closed_snoozed_closed_is_decided_twice() {
    let mut case = Case::asked();
    case.add(11, snoozed());
    assert_eq!(case.close(12).failed, [Criterion::AlreadyRequested]);
}

#[test]
fn a_customers_later_message_reopens_and_one_of_the_same_millisecond_does_not() {
    let mut case = Case::asked();
    case.add(10, writes(user("u"), 1));
    assert_eq!(state(&case), State::Closed { at: Timestamp(10) });
    case.add(11, writes(mate("t"), 1));
    case.add(11, writes(bot(), 1));
    case.add(11, notes(user("u"), 1));
    assert_eq!(state(&case), State::Closed { at: Timestamp(10) });
    case.add(11, writes(lead("someone"), 1));
    assert_eq!(state(&case), State::Open);
}

#[test]
fn a_message_folded_before_an_earlier_close_reopens_at_once_after_the_decision() {
    let mut case = Case::eligible();
    case.add(50, writes(user("u"), 1));
    let folding = case.event("close", 10, closed(mate("t")));
    assert!(decision(&folding.outputs).requested);
    assert_eq!(folding.notes, [Note::ReopenedAtOnce]);
    assert_eq!(state(&case), State::Open);
    let rating = submission(&case.add(60, reacts("u", Reaction::Ok)));
    assert!(rating.after_reopen);
}

#[test]
fn a_reopening_is_in_log_order_whatever_its_time() {
    let mut case = Case::asked();
    case.add(-5, reopened());
    assert_eq!(state(&case), State::Open);
}

#[test]
fn after_reopen_is_marked_from_then_on_also_when_closed_again() {
    let mut case = Case::asked();
    assert!(!submission(&case.add(11, reacts("u", Reaction::Ok))).after_reopen);
    case.add(12, writes(user("u"), 1));
    case.close(13);
    assert!(submission(&case.add(14, reacts("u", Reaction::Bad))).after_reopen);
}

#[test]
fn a_reopening_before_the_request_marks_nothing() {
    let mut case = Case::new();
    case.close(1);
    case.add(2, reopened());
    for (at, payload) in [
        (3, started(Origin::CustomerInitiated, user("u"))),
        (4, writes(user("u"), 250)),
        (5, writes(mate("t"), 1)),
    ] {
        case.add(at, payload);
    }
    assert!(case.close(10).requested);
    assert!(!submission(&case.add(11, reacts("u", Reaction::Ok))).after_reopen);
}

#[test]
fn the_end_of_a_snooze_is_no_reopening() {
    let mut case = Case::asked();
    case.add(11, snoozed());
    assert!(!submission(&case.add(12, reacts("u", Reaction::Ok))).after_reopen);
    case.add(13, reopened());
    assert!(!submission(&case.add(14, reacts("u", Reaction::Bad))).after_reopen);
    case.close(15);
    case.add(16, reopened());
    assert!(submission(&case.add(17, reacts("u", Reaction::Ok))).after_reopen);
}

#[test]
fn a_reopening_of_an_open_conversation_marks_nothing() {
    let mut case = Case::eligible();
    case.add(3, reopened());
    case.close(10);
    assert!(!submission(&case.add(11, reacts("u", Reaction::Ok))).after_reopen);
}

#[test]
fn after_a_deletion_nothing_is_decided_and_answers_are_refused_once() {
    let mut case = Case::asked();
    case.add(11, deleted());
    assert_eq!(case.add(12, reopened()), []);
    assert_eq!(case.add(13, closed(mate("t"))), []);
    let answer = reacts("nobody", Reaction::Ok);
    let refused = refusal(&case.event("answer", 14, answer.clone()).outputs);
    assert_eq!(refused.reason, RefusalReason::Deleted);
    assert_eq!(refused.refused_at, Timestamp(14));
    assert_eq!(case.event("answer", 14, answer).notes, [Note::Repeat]);
}

#[test]
fn deleted_before_it_was_asked_an_answer_is_to_no_request() {
    let mut case = Case::with(&[(1, deleted())]);
    check_refused(
        &mut case,
        reacts("u", Reaction::Ok),
        RefusalReason::NoRequest,
    );
}

#[test]
fn a_close_repeated_counts_once() {
    let mut case = Case::eligible();
    assert_eq!(case.event("close", 10, closed(mate("t"))).outputs.len(), 2);
    case.add(11, reopened());
    let again = case.event("close", 10, closed(mate("t")));
    assert_eq!(again.notes, [Note::Repeat]);
    assert_eq!(state(&case), State::Open);
}

#[test]
fn the_latest_1024_are_remembered_by_when_first_folded() {
    let mut case = Case::new();
    case.event("close", 10, closed(mate("t")));
    for n in 1..REMEMBERED {
        case.event(&format!("s{n}"), 11, snoozed());
    }
    // Recognised as a repetition, which does not make it later.
    assert_eq!(
        case.event("close", 10, closed(mate("t"))).notes,
        [Note::Repeat]
    );
    case.event("one more", 11, snoozed());
    let forgotten = case.event("close", 10, closed(mate("t")));
    assert_eq!(forgotten.outputs.len(), 1, "decided once more");
    // Now it is the latest, and the oldest snooze is forgotten.
    assert_eq!(
        case.event("close", 10, closed(mate("t"))).notes,
        [Note::Repeat]
    );
    case.event("s1", 11, snoozed());
    assert_eq!(state(&case), State::Snoozed);
    assert_eq!(case.event("s3", 11, snoozed()).notes, [Note::Repeat]);
}

#[test]
fn messages_do_not_push_others_out_of_memory() {
    let mut case = Case::new();
    case.event("close", 10, closed(mate("t")));
    for n in 0..=REMEMBERED {
        case.event(&format!("m{n}"), 1, writes(mate("t"), 1));
        case.event(&format!("j{n}"), 1, joined(mate("t")));
    }
    assert_eq!(
        case.event("close", 10, closed(mate("t"))).notes,
        [Note::Repeat]
    );
}
