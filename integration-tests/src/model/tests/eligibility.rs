//! When a request is sent: each criterion at its edge.

use super::*;
use Criterion::*;

fn from_customer() -> (i64, OwnedPayload) {
    (0, started(Origin::CustomerInitiated, user("u")))
}

#[test]
fn an_eligible_close_is_decided_and_asked() {
    let mut case = Case::eligible();
    let outputs = case.add(10, closed(mate("t")));
    assert_eq!(outputs.len(), 2);
    let request = request(&outputs);
    assert_eq!(request.customer, user("u"));
    assert_eq!(request.teammate_id, "t");
    assert_eq!(request.channel, Channel::Email);
    assert_eq!(request.requested_at, Timestamp(10));
    assert_eq!(decision(&outputs).request_id, Some(request.request_id));
}

#[test]
fn the_request_id_is_a_uuid_v5_of_workspace_and_conversation() {
    assert_eq!(
        request_id("w1", "c1"),
        "b139f598-a267-5ce6-86df-efde7935a099"
    );
    assert_ne!(request_id("w1", "c"), request_id("w", "1c"));
}

#[test]
fn of_250_characters_it_is_too_short_and_of_251_not() {
    let of = |characters: usize| {
        [
            from_customer(),
            (1, writes(user("u"), 200)),
            (2, writes(mate("t"), characters - 200)),
        ]
    };
    check_failed(&of(250), 10, &[TooShort]);
    check_failed(&of(251), 10, &[]);
}

#[test]
fn a_week_since_the_last_reply_is_not_stale_and_a_millisecond_more_is() {
    assert_eq!(Case::eligible().close(2 + WEEK_MS).failed, []);
    assert_eq!(Case::eligible().close(3 + WEEK_MS).failed, [Stale]);
}

#[test]
fn a_last_reply_later_than_the_close_is_not_stale() {
    let decision = Case::eligible().close(-WEEK_MS);
    assert_eq!(decision.failed, []);
    assert_eq!(
        decision.measured.milliseconds_since_last_reply,
        Some(-WEEK_MS - 2)
    );
}

#[test]
fn without_any_reply_nothing_is_stale() {
    let mut case = Case::with(&[from_customer()]);
    let decision = case.close(2 * WEEK_MS);
    assert_eq!(decision.failed, [NoTeammateReply, TooShort]);
    assert_eq!(decision.measured.milliseconds_since_last_reply, None);
    assert_eq!(decision.teammate_id, None);
}

#[test]
fn a_bot_a_customer_or_the_system_may_close_but_asks_nothing() {
    for by in [bot(), user("u"), lead("u"), actor(ActorKind::System, "s")] {
        let decision = decision(&Case::eligible().add(10, closed(by.clone())));
        assert_eq!(decision.failed, [ClosedByNonTeammate]);
        assert_eq!(decision.measured.closed_by, by.kind);
    }
}

#[test]
fn without_a_customer_there_is_nobody_to_ask() {
    let mut case = Case::eligible();
    case.add(3, left(user("u")));
    let decision = case.close(10);
    assert_eq!(decision.failed, [NoCustomer]);
    assert_eq!(decision.measured.audience, None);
}

#[test]
fn two_customers_are_a_group_until_one_has_left() {
    let mut case = Case::eligible();
    case.add(3, joined(lead("v")));
    let decision = case.close(10);
    assert_eq!(decision.failed, [GroupConversation]);
    assert_eq!(decision.measured.customers, 2);
    assert_eq!(decision.measured.audience, None);
    case.add(11, reopened());
    case.add(12, left(lead("v")));
    assert_eq!(case.close(13).failed, []);
}

#[test]
fn a_bots_answer_is_no_teammates_reply_and_has_no_characters() {
    check_failed(
        &[
            from_customer(),
            (1, writes(user("u"), 250)),
            (2, writes(bot(), 99)),
        ],
        10,
        &[NoTeammateReply, TooShort],
    );
}

#[test]
fn a_bot_that_answered_first_changes_nothing_of_the_origin() {
    check_failed(
        &[
            from_customer(),
            (1, writes(user("u"), 250)),
            (2, writes(bot(), 99)),
            (3, writes(mate("t"), 1)),
        ],
        10,
        &[],
    );
}

#[test]
fn an_internal_note_does_nothing_at_all() {
    let mut case = Case::with(&[
        from_customer(),
        (1, writes(user("u"), 250)),
        (2, notes(mate("t"), 99)),
        (3, notes(user("v"), 99)),
    ]);
    let decision = case.close(4 + WEEK_MS);
    assert_eq!(decision.failed, [NoTeammateReply, TooShort, Stale]);
    assert_eq!(decision.measured.customers, 1);
}

#[test]
fn all_failing_criteria_are_reported_in_the_order_of_the_table() {
    let mut case = Case::new();
    case.known.push(WorkspaceSettings {
        plan_includes_ratings: false,
        ..settings(1, 0)
    });
    let outputs = case.add(10, closed(bot()));
    let expected = [
        NotLive,
        ClosedByNonTeammate,
        NoCustomer,
        NoTeammateReply,
        TooShort,
        OriginNotCustomer,
    ];
    assert_eq!(decision(&outputs).failed, expected);
    assert_eq!(outputs.len(), 1);
}

#[test]
fn an_outbound_message_or_a_custom_bot_never_asks() {
    for origin in [Origin::OutboundMessage, Origin::CustomBot] {
        check_failed(
            &[
                (0, started(origin, bot())),
                (1, writes(user("u"), 250)),
                (2, writes(mate("t"), 1)),
            ],
            10,
            &[OriginNotCustomer],
        );
    }
}

#[test]
fn a_message_to_visitors_asks_once_a_customer_has_written() {
    let start = (0, started(Origin::VisitorMessage, mate("t")));
    let opening = (1, writes(mate("t"), 251));
    let silent = [start.clone(), opening.clone(), (2, joined(lead("l")))];
    check_failed(&silent, 10, &[NoTeammateReply, OriginNotCustomer]);
    check_failed(
        &[
            start,
            opening,
            (2, writes(lead("l"), 1)),
            (3, writes(mate("t"), 1)),
        ],
        10,
        &[],
    );
}

#[test]
fn an_unseen_start_is_no_customers() {
    let facts = [(1, writes(user("u"), 250)), (2, writes(mate("t"), 1))];
    check_failed(&facts, 10, &[OriginNotCustomer]);
    assert_eq!(Case::with(&facts).close(10).measured.origin, None);
}

#[test]
fn the_initiators_kind_never_alters_the_origin() {
    check_failed(
        &[
            (0, started(Origin::CustomerInitiated, bot())),
            (1, writes(user("u"), 250)),
            (2, writes(mate("t"), 1)),
        ],
        10,
        &[],
    );
}

#[test]
fn once_asked_it_is_never_asked_again() {
    let mut case = Case::asked();
    case.add(11, reopened());
    let decision = case.close(12);
    assert_eq!(decision.failed, [AlreadyRequested]);
    assert_eq!(decision.request_id, None);
    assert_eq!(decision.teammate_id.as_deref(), Some("t"));
}

#[test]
fn the_audience_switches_are_separate() {
    let mut case = Case::eligible();
    case.known.push(WorkspaceSettings {
        live_for_users: false,
        ..settings(1, 0)
    });
    assert_eq!(case.close(10).failed, [NotLive]);
    case.add(11, reopened());
    case.add(12, joined(lead("u")));
    let decision = case.close(13);
    assert_eq!(decision.failed, []);
    assert_eq!(decision.measured.audience, Some(ActorKind::Lead));
}

#[test]
fn with_none_or_several_included_either_switch_makes_it_live() {
    let mut case = Case::eligible();
    case.known.push(WorkspaceSettings {
        live_for_users: false,
        ..settings(1, 0)
    });
    case.add(3, joined(lead("l")));
    assert_eq!(case.close(10).failed, [GroupConversation]);
    case.add(11, reopened());
    case.add(12, left(lead("l")));
    case.add(12, left(user("u")));
    assert_eq!(case.close(13).failed, [NoCustomer]);
    case.add(14, reopened());
    case.add(14, joined(user("u")));
    case.add(14, joined(user("v")));
    assert_eq!(case.close(15).failed, [NotLive, GroupConversation]);
}

#[test]
fn a_plan_without_ratings_is_not_live() {
    let mut case = Case::eligible();
    case.known.push(WorkspaceSettings {
        plan_includes_ratings: false,
        ..settings(1, 10)
    });
    let decision = case.close(10);
    assert_eq!(decision.failed, [NotLive]);
    assert!(!decision.measured.plan && !decision.measured.live);
}

#[test]
fn the_version_in_force_is_the_latest_not_after_the_close_and_on_a_tie_the_higher() {
    let mut case = Case::eligible();
    case.known = vec![
        settings(4, 7),
        settings(5, 7),
        settings(1, 8),
        settings(9, 11),
    ];
    case.known.push(WorkspaceSettings {
        workspace_id: "other".to_owned(),
        ..settings(99, 9)
    });
    for (at, version) in [(6, 0), (7, 5), (8, 1), (10, 1), (11, 9)] {
        assert_eq!(case.close(at).settings_version, version, "closed at {at}");
        case.add(at, reopened());
    }
}

#[test]
fn the_fold_of_many_keeps_the_first_of_two_differing_versions_and_workspaces_apart() {
    let mut fold = crate::model::NaiveFold::new(DEFAULT_THRESHOLDS);
    assert!(fold.learn(&settings(1, 5)));
    assert!(fold.learn(&settings(1, 5)));
    assert!(!fold.learn(&settings(1, 6)));
    let fact = |workspace: &str| OwnedFact {
        event_id: "e".to_owned(),
        workspace_id: workspace.to_owned(),
        conversation_id: "c".to_owned(),
        occurred_at: Timestamp(5),
        payload: closed(mate("t")),
    };
    assert_eq!(decision(&fold.fold(&fact("w")).outputs).settings_version, 1);
    assert_eq!(decision(&fold.fold(&fact("v")).outputs).settings_version, 0);
    assert_eq!(fold.fold(&fact("v")).outputs, []);
}
