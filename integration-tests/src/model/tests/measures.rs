//! Replies, the last teammate, who is included and of which kind: facts in any order.

use super::*;

fn last_teammate(facts: &[(i64, OwnedPayload)]) -> Option<String> {
    Case::with(facts).close(100).teammate_id
}

fn included(facts: &[(i64, OwnedPayload)]) -> Vec<(String, ActorKind)> {
    let case = Case::with(facts);
    case.conversation.history().included_customers()
}

#[test]
fn the_last_teammate_is_by_event_time_and_not_by_place_in_the_log() {
    let facts = [(9, says(mate("a"), "later")), (5, says(mate("z"), "late"))];
    assert_eq!(last_teammate(&facts).as_deref(), Some("a"));
}

#[test]
fn of_two_teammates_in_one_millisecond_the_greater_id_byte_by_byte() {
    for (lesser, greater) in [
        ("t1", "t10"),
        ("Z", "a"),
        ("t9", "tA"),
        ("z", "é"),
        // In UTF-16 it would be the other way round.
        ("\u{FFFD}", "\u{10000}"),
    ] {
        let one = [(5, says(mate(lesser), "")), (5, says(mate(greater), ""))];
        let other = [(5, says(mate(greater), "")), (5, says(mate(lesser), ""))];
        assert_eq!(last_teammate(&one).as_deref(), Some(greater));
        assert_eq!(last_teammate(&other).as_deref(), Some(greater));
    }
}

#[test]
fn closing_without_writing_makes_nobody_the_last_teammate() {
    let mut case = Case::eligible();
    let outputs = case.add(10, closed(mate("closer")));
    assert_eq!(request(&outputs).teammate_id, "t");
}

#[test]
fn an_empty_message_is_a_reply_all_the_same() {
    let facts = [(5, says(mate("t"), ""))];
    let decision = Case::with(&facts).close(6);
    assert!(decision.measured.teammate_replied);
    assert_eq!(decision.measured.milliseconds_since_last_reply, Some(1));
}

#[test]
fn an_opening_is_no_reply_but_has_characters() {
    for origin in [Origin::OutboundMessage, Origin::VisitorMessage] {
        let mut case = Case::with(&[
            (0, started(origin, mate("t"))),
            (5, writes(mate("t"), 100)),
            (5, writes(lead("l"), 1)),
            (4, writes(mate("s"), 10)),
        ]);
        let decision = case.close(10);
        assert!(!decision.measured.teammate_replied, "not later than 5");
        assert_eq!(decision.teammate_id, None);
        assert_eq!(decision.measured.characters, 111);
        assert_eq!(decision.measured.milliseconds_since_last_reply, Some(5));
        case.add(11, reopened());
        case.add(6, writes(mate("a"), 1));
        assert_eq!(case.close(12).teammate_id.as_deref(), Some("a"));
    }
}

#[test]
fn a_late_customers_message_turns_an_opening_into_a_reply() {
    let mut case = Case::with(&[
        (0, started(Origin::VisitorMessage, mate("t"))),
        (5, writes(mate("t"), 1)),
    ]);
    assert!(!case.close(10).measured.teammate_replied);
    case.add(11, reopened());
    case.add(4, writes(user("u"), 1));
    assert!(case.close(12).measured.teammate_replied);
}

#[test]
fn a_late_start_turns_a_reply_into_an_opening() {
    let mut case = Case::with(&[(5, writes(mate("t"), 1))]);
    assert!(case.close(10).measured.teammate_replied);
    case.add(11, reopened());
    case.add(12, started(Origin::OutboundMessage, mate("t")));
    assert!(!case.close(13).measured.teammate_replied);
}

#[test]
fn characters_are_counted_no_further_than_one_past_the_threshold() {
    for (written, measured) in [(250, 250), (251, 251), (252, 251), (9_999, 251)] {
        let facts = [(1, writes(mate("t"), written))];
        assert_eq!(Case::with(&facts).close(2).measured.characters, measured);
    }
}

#[test]
fn the_latest_fact_decides_who_is_included_and_of_one_millisecond_being_included() {
    let u = || user("u");
    assert_eq!(included(&[(5, joined(u())), (6, left(u()))]), []);
    assert_eq!(included(&[(6, left(u())), (5, joined(u()))]), []);
    assert_eq!(included(&[(5, joined(u())), (5, left(u()))]).len(), 1);
    assert_eq!(included(&[(5, left(u())), (5, says(u(), ""))]).len(), 1);
    assert_eq!(included(&[(5, left(u())), (6, says(u(), ""))]).len(), 1);
}

#[test]
fn a_customer_who_started_is_included_and_a_teammate_or_bot_is_not() {
    let origin = Origin::CustomerInitiated;
    assert_eq!(included(&[(0, started(origin, lead("l")))]).len(), 1);
    assert_eq!(included(&[(0, started(origin, mate("t")))]), []);
    assert_eq!(included(&[(0, joined(mate("t"))), (0, joined(bot()))]), []);
}

#[test]
fn the_kind_is_of_the_latest_fact_and_of_one_millisecond_user() {
    let of = |facts: &[(i64, OwnedPayload)]| included(facts)[0].1;
    assert_eq!(
        of(&[(5, joined(lead("x"))), (6, says(user("x"), ""))]),
        ActorKind::User
    );
    assert_eq!(
        of(&[(6, says(lead("x"), "")), (5, says(user("x"), ""))]),
        ActorKind::Lead
    );
    assert_eq!(
        of(&[(5, says(user("x"), "")), (5, says(lead("x"), ""))]),
        ActorKind::User
    );
    // Having left tells a kind too.
    assert_eq!(
        of(&[(5, left(user("x"))), (5, joined(lead("x")))]),
        ActorKind::User
    );
}

#[test]
fn a_lead_who_becomes_a_user_is_one_person_and_a_teammate_of_that_id_another() {
    let facts = [
        (1, joined(lead("x"))),
        (2, joined(user("x"))),
        (3, left(mate("x"))),
    ];
    assert_eq!(included(&facts), [("x".to_owned(), ActorKind::User)]);
}

#[test]
fn the_first_start_folded_decides_and_a_later_one_is_not_there_at_all() {
    let mut case = Case::with(&[(5, started(Origin::OutboundMessage, mate("t")))]);
    case.add(1, started(Origin::CustomerInitiated, user("u")));
    let decision = case.close(10);
    assert_eq!(decision.measured.origin, Some(Origin::OutboundMessage));
    assert_eq!(decision.measured.customers, 0);
}

#[test]
fn a_message_repeated_counts_once_before_and_after_the_threshold() {
    let mut case = Case::new();
    for _ in 0..3 {
        case.event("same", 1, writes(user("u"), 200));
    }
    assert_eq!(case.close(2).measured.characters, 200);
    case.event("other", 1, writes(user("u"), 200));
    case.event("same", 1, writes(user("u"), 200));
    case.add(3, reopened());
    assert_eq!(case.close(4).measured.characters, 251);
}

#[test]
fn what_is_folded_after_the_close_does_not_count_at_it() {
    let mut case = Case::with(&[(0, started(Origin::CustomerInitiated, user("u")))]);
    case.add(1, writes(user("u"), 250));
    assert_eq!(case.close(10).measured.characters, 250);
    case.add(9, writes(mate("t"), 1));
    case.add(11, reopened());
    assert_eq!(case.close(12).failed, []);
}
