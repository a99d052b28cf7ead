//! What several tests share: made-up facts from small pools, so that ids and times meet often.
#![allow(dead_code)]

use afterword_domain::scenario::{OwnedEvent, OwnedPayload};
use afterword_domain::{Conversation, Effects, Rules, SettingsTable, fold, request_id};
use afterword_schemas::records::{
    ActorKind, Channel, Format, Origin, Output, OwnedActor, Reaction, Timestamp, Visibility,
    WorkspaceSettings,
};
use proptest::prelude::*;
use proptest::sample::select;

pub const WORKSPACE: &str = "w1";
pub const CONVERSATION: &str = "c1";

pub fn customer() -> impl Strategy<Value = OwnedActor> {
    let kinds = select(vec![ActorKind::User, ActorKind::Lead]);
    (kinds, select(vec!["u1", "u1", "u1", "u2", "u3"])).prop_map(|(kind, id)| OwnedActor {
        kind,
        id: id.to_owned(),
    })
}

pub fn anybody() -> impl Strategy<Value = OwnedActor> {
    let others = (
        select(vec![
            ActorKind::Teammate,
            ActorKind::Teammate,
            ActorKind::Bot,
            ActorKind::System,
        ]),
        select(vec!["t1", "t2", "u1"]),
    );
    prop_oneof![
        customer(),
        others.prop_map(|(kind, id)| OwnedActor {
            kind,
            id: id.to_owned()
        })
    ]
}

/// Few moments, so that many facts tie; some a week apart, and the ends of time.
pub fn moment() -> impl Strategy<Value = Timestamp> {
    prop_oneof![
        8 => (0i64..6).prop_map(|ms| Timestamp(1_772_323_200_000 + ms)),
        4 => (0i64..4).prop_map(|days| Timestamp(1_772_323_200_000 + days * 302_400_000)),
        1 => any::<i64>().prop_map(Timestamp),
        1 => select(vec![i64::MIN, i64::MIN + 1, -1, 0, i64::MAX - 1, i64::MAX]).prop_map(Timestamp),
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        2 => (0usize..130).prop_map(|n| "x".repeat(n)),
        1 => Just(String::new()),
        1 => "[a-z<>&é \r\n]{0,20}",
    ]
}

/// Messages, joins and leaves: what a decision measures beside the start.
pub fn measured_payload() -> impl Strategy<Value = OwnedPayload> {
    let visibility = select(vec![
        Visibility::Public,
        Visibility::Public,
        Visibility::Public,
        Visibility::Internal,
    ]);
    let format = select(vec![Format::Plain, Format::Html]);
    prop_oneof![
        4 => (anybody(), text(), format, visibility).prop_map(|(author, text, format, visibility)| {
            OwnedPayload::MessageAdded { author, text, format, visibility }
        }),
        1 => anybody().prop_map(|participant| OwnedPayload::ParticipantJoined { participant }),
        1 => anybody().prop_map(|participant| OwnedPayload::ParticipantLeft { participant }),
    ]
}

pub fn start_payload() -> impl Strategy<Value = OwnedPayload> {
    let origins = vec![
        Origin::CustomerInitiated,
        Origin::CustomerInitiated,
        Origin::VisitorMessage,
        Origin::OutboundMessage,
        Origin::CustomBot,
    ];
    (select(origins), anybody(), select(Channel::ALL)).prop_map(|(origin, initiator, channel)| {
        OwnedPayload::ConversationStarted {
            origin,
            initiator,
            channel,
        }
    })
}

fn answer_payload() -> impl Strategy<Value = OwnedPayload> {
    let request =
        prop_oneof![9 => Just(request_id(WORKSPACE, CONVERSATION)), 1 => Just("other".to_owned())];
    let customer_id = select(vec!["u1", "u1", "u1", "u2"]).prop_map(str::to_owned);
    let comment = prop_oneof![
        Just("Thanks".to_owned()),
        Just(" Thanks\n".to_owned()),
        Just(" \t".to_owned()),
        Just("No".to_owned()),
        Just("x".repeat(5_001)),
    ];
    prop_oneof![
        3 => (request.clone(), customer_id.clone(), select(Reaction::ALL)).prop_map(|(request_id, customer_id, reaction)| {
            OwnedPayload::ReactionSelected { request_id, customer_id, reaction }
        }),
        2 => (request, customer_id, comment).prop_map(|(request_id, customer_id, text)| {
            OwnedPayload::CommentLeft { request_id, customer_id, text }
        }),
    ]
}

pub fn any_payload() -> impl Strategy<Value = OwnedPayload> {
    prop_oneof![
        8 => measured_payload(),
        2 => start_payload(),
        6 => answer_payload(),
        5 => anybody().prop_map(|by| OwnedPayload::ConversationClosed { by }),
        1 => anybody().prop_map(|by| OwnedPayload::ConversationSnoozed { by, until: None }),
        2 => anybody().prop_map(|by| OwnedPayload::ConversationReopened { by }),
    ]
}

pub fn deletion_payload() -> impl Strategy<Value = OwnedPayload> {
    anybody().prop_map(|by| OwnedPayload::ConversationDeleted { by })
}

pub fn event(
    event_id: impl Into<String>,
    occurred_at: Timestamp,
    payload: OwnedPayload,
) -> OwnedEvent {
    OwnedEvent {
        event_id: event_id.into(),
        workspace_id: WORKSPACE.to_owned(),
        conversation_id: CONVERSATION.to_owned(),
        occurred_at,
        payload,
    }
}

pub fn numbered(facts: Vec<(Timestamp, OwnedPayload)>) -> Vec<OwnedEvent> {
    let facts = facts.into_iter().enumerate();
    facts
        .map(|(n, (at, payload))| event(format!("e{n}"), at, payload))
        .collect()
}

/// A start and an ordinary exchange with a close, so that made-up facts after it meet a request; then anything at all.
pub fn life() -> impl Strategy<Value = Vec<OwnedEvent>> {
    let ordinary = prop::bool::weighted(0.7);
    let anything = prop_oneof![30 => any_payload(), 1 => deletion_payload()];
    (ordinary, prop::collection::vec((moment(), anything), 0..40)).prop_map(
        |(ordinary, anything)| {
            let mut facts = if ordinary { exchange() } else { Vec::new() };
            facts.extend(anything);
            numbered(facts)
        },
    )
}

/// An exchange that is asked about.
pub fn exchange() -> Vec<(Timestamp, OwnedPayload)> {
    let at = |ms: i64| Timestamp(1_772_323_200_000 + ms);
    let user = || OwnedActor {
        kind: ActorKind::User,
        id: "u1".to_owned(),
    };
    let teammate = || OwnedActor {
        kind: ActorKind::Teammate,
        id: "t1".to_owned(),
    };
    let message = |author, text: String| OwnedPayload::MessageAdded {
        author,
        text,
        format: Format::Plain,
        visibility: Visibility::Public,
    };
    vec![
        (
            at(0),
            OwnedPayload::ConversationStarted {
                origin: Origin::CustomerInitiated,
                initiator: user(),
                channel: Channel::Messenger,
            },
        ),
        (at(1), message(user(), "x".repeat(200))),
        (at(2), message(teammate(), "x".repeat(100))),
        (at(3), OwnedPayload::ConversationClosed { by: teammate() }),
    ]
}

pub fn settings() -> SettingsTable {
    let mut table = SettingsTable::default();
    for (version, from, users) in [
        (1, 1_772_323_200_002, true),
        (2, 1_772_323_200_004, false),
        (3, 1_772_400_000_000, true),
    ] {
        let settings = WorkspaceSettings {
            workspace_id: WORKSPACE.to_owned(),
            version,
            effective_from: Timestamp(from),
            live_for_users: users,
            live_for_leads: true,
            plan_includes_ratings: true,
            time_zone: "UTC".to_owned(),
            target: None,
            teammate_targets: Default::default(),
        };
        table.insert(settings).expect("a new version");
    }
    table
}

pub fn fold_into(conversation: &mut Conversation, facts: &[OwnedEvent]) -> Vec<Output> {
    let mut effects = Effects::default();
    let settings = settings();
    for fact in facts {
        fold(
            conversation,
            &fact.as_event(),
            &Rules::default(),
            &settings,
            &mut effects,
        );
    }
    effects.outputs
}

pub fn outputs_of(facts: &[OwnedEvent]) -> Vec<Output> {
    fold_into(&mut Conversation::default(), facts)
}
