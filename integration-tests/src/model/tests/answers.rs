//! What the customer may do, and the order in which it is refused.

use super::*;
use Reaction::{Amazing, Bad, Ok, Terrible};
use RefusalReason::*;

fn reaction_to(request_id: &str, customer_id: &str) -> OwnedPayload {
    OwnedPayload::ReactionSelected {
        request_id: request_id.to_owned(),
        customer_id: customer_id.to_owned(),
        reaction: Ok,
    }
}

#[test]
fn a_first_reaction_is_revision_1() {
    let rating = submission(&Case::asked().add(20, reacts("u", Amazing)));
    assert_eq!(rating.revision, 1);
    assert_eq!((rating.previous_reaction, rating.reaction), (None, Amazing));
    assert_eq!(rating.requested_at, Timestamp(10));
    assert_eq!(rating.first_rated_at, Timestamp(20));
    assert_eq!(rating.submitted_at, Timestamp(20));
    assert_eq!((rating.comment, rating.locked), (None, false));
    assert_eq!(
        (rating.customer, rating.channel),
        (user("u"), Channel::Email)
    );
}

#[test]
fn a_reaction_changes_any_number_of_times_in_log_order_whatever_the_times() {
    let mut case = Case::asked();
    case.add(20, reacts("u", Amazing));
    case.add(30, reacts("u", Terrible));
    let rating = submission(&case.add(15, reacts("u", Bad)));
    assert_eq!(rating.revision, 3);
    assert_eq!(rating.previous_reaction, Some(Terrible));
    assert_eq!(rating.first_rated_at, Timestamp(20));
    assert_eq!(rating.submitted_at, Timestamp(15));
}

#[test]
fn a_comment_repeats_the_reaction_and_locks() {
    let mut case = Case::asked();
    case.add(20, reacts("u", Bad));
    let rating = submission(&case.add(21, comments("u", "\u{3000} not \r\n good\t")));
    assert_eq!(
        (rating.previous_reaction, rating.reaction),
        (Some(Bad), Bad)
    );
    assert_eq!(rating.comment.as_deref(), Some("not \r\n good"));
    assert!(rating.locked);
    check_refused(&mut case, reacts("u", Ok), Locked);
    check_refused(&mut case, comments("u", "other"), Locked);
}

#[test]
fn repeating_what_is_already_so_is_neither_submission_nor_refusal() {
    let mut case = Case::asked();
    case.add(20, reacts("u", Bad));
    assert_eq!(case.add(21, reacts("u", Bad)), []);
    case.add(22, comments("u", "why"));
    assert_eq!(case.add(23, reacts("u", Bad)), []);
    assert_eq!(case.add(24, comments("u", "  why\n")), []);
}

#[test]
fn without_a_request_or_with_another_id_there_is_no_request() {
    let mut open = Case::eligible();
    check_refused(&mut open, reacts("u", Ok), NoRequest);
    let mut asked = Case::asked();
    check_refused(&mut asked, reaction_to("another", "u"), NoRequest);
    let upper_case = request_id("w", "c").to_uppercase();
    check_refused(&mut asked, reaction_to(&upper_case, "u"), NoRequest);
}

#[test]
fn a_refusal_names_the_request_that_the_answer_named() {
    let refused = refusal(&Case::asked().add(20, reaction_to("another", "u")));
    assert_eq!(refused.request_id, "another");
    assert_eq!(refused.event_id, "e5");
}

#[test]
fn only_the_customer_who_was_asked_may_answer() {
    let mut case = Case::asked();
    case.add(11, joined(user("v")));
    check_refused(&mut case, reacts("v", Ok), NotTheAskedCustomer);
    check_refused(&mut case, reacts("t", Ok), NotTheAskedCustomer);
}

#[test]
fn who_was_asked_may_answer_after_leaving() {
    let mut case = Case::asked();
    case.add(11, left(user("u")));
    submission(&case.add(20, reacts("u", Ok)));
}

#[test]
fn a_comment_before_a_reaction_is_refused() {
    let mut case = Case::asked();
    check_refused(&mut case, comments("u", "good"), CommentBeforeReaction);
}

#[test]
fn a_comment_of_5000_characters_is_taken_and_of_5001_refused() {
    let mut case = Case::asked();
    case.add(20, reacts("u", Ok));
    check_refused(&mut case, comments("u", &"x".repeat(5_001)), CommentTooLong);
    // CR LF is one character, and white space at the ends none.
    let longest = format!("  x{}x\n", "\r\n".repeat(4_998));
    let rating = submission(&case.add(22, comments("u", &longest)));
    assert_eq!(rating.comment.as_deref(), Some(longest.trim()));
}

#[test]
fn a_comment_of_white_space_does_nothing_and_is_never_refused() {
    for text in ["", " ", "\r\n\t", "\u{85}\u{A0}\u{2028}\u{3000}"] {
        assert_eq!(Case::new().add(1, comments("x", text)), []);
        let mut gone = Case::asked();
        gone.add(11, deleted());
        assert_eq!(gone.add(12, comments("x", text)), []);
    }
    // A zero-width space is no White_Space.
    check_refused(&mut Case::new(), comments("u", "\u{200B}"), NoRequest);
}

#[test]
fn the_first_reason_that_applies_is_told() {
    let too_long = "x".repeat(5_001);
    let mut case = Case::asked();
    // No reaction yet, too long, by another customer.
    check_refused(&mut case, comments("v", &too_long), NotTheAskedCustomer);
    check_refused(&mut case, comments("u", &too_long), CommentTooLong);
    check_refused(&mut case, comments("u", "x"), CommentBeforeReaction);
    case.add(20, reacts("u", Ok));
    case.add(21, comments("u", "x"));
    check_refused(&mut case, comments("u", &too_long), CommentTooLong);
    check_refused(&mut case, reacts("v", Ok), NotTheAskedCustomer);
    case.add(22, deleted());
    check_refused(&mut case, comments("v", &too_long), Deleted);
    check_refused(&mut case, reacts("u", Ok), Deleted);
    check_refused(&mut case, reaction_to("another", "u"), NoRequest);
}

#[test]
fn an_answer_repeated_counts_once_even_when_it_would_change_something_now() {
    let mut case = Case::asked();
    case.event("a", 20, reacts("u", Bad));
    case.event("b", 21, reacts("u", Ok));
    assert_eq!(case.event("a", 20, reacts("u", Bad)).outputs, []);
    let refused = case.event("c", 22, comments("v", "x")).outputs;
    assert_eq!(refusal(&refused).reason, NotTheAskedCustomer);
    assert_eq!(case.event("c", 22, comments("v", "x")).outputs, []);
}

#[test]
fn an_answer_before_the_request_stays_refused_when_repeated_after_it() {
    let mut case = Case::eligible();
    case.event("a", 20, reacts("u", Bad));
    case.close(10);
    assert_eq!(case.event("a", 20, reacts("u", Bad)).outputs, []);
}

#[test]
fn the_rating_stays_with_the_teammate_of_the_request() {
    let mut case = Case::asked();
    case.add(12, writes(mate("z"), 1));
    assert_eq!(submission(&case.add(20, reacts("u", Ok))).teammate_id, "t");
}
