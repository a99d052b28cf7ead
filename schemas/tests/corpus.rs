//! Known bytes: a change here is a change for everybody who has read or written one.

use afterword_schemas::records::*;
use afterword_schemas::{Decoded, Framing, Record, RecordKind, SchemaStore, encode};

/// Computed independently, from the specification.
#[test]
fn fingerprints() {
    let expected = [
        ("ConversationEvent", 0x0fcb_95f3_9d78_c988),
        ("WorkspaceSettings", 0xb2bd_7b2a_131a_63d4),
        ("RatingRequested", 0xc1e4_239c_eddd_2f76),
        ("RatingSubmitted", 0xd1cf_dee5_31ea_d424),
        ("EligibilityDecided", 0xa0dd_ca89_20c7_5d04),
        ("AnswerRefused", 0xd22b_1a9c_45b1_4a0e),
        ("TeammateScorecard", 0x5b5a_bd65_7f47_dbad),
    ];
    let found: Vec<_> = RecordKind::ALL
        .iter()
        .map(|kind| (kind.name(), kind.fingerprint()))
        .collect();
    assert_eq!(found, expected, "{found:016x?}");
}

fn hex(record: &impl Record, framing: Framing) -> String {
    let mut out = Vec::new();
    encode(record, framing, &mut out);
    out.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<_> = hex.chars().filter_map(|digit| digit.to_digit(16)).collect();
    digits
        .chunks(2)
        .map(|pair| (pair[0] * 16 + pair[1]) as u8)
        .collect()
}

fn event(payload: Payload<'_>) -> ConversationEvent<'_> {
    let occurred_at = Timestamp(1_772_355_600_000);
    ConversationEvent {
        event_id: "e7",
        workspace_id: "w1",
        conversation_id: "c1",
        occurred_at,
        payload,
    }
}

/// Little-endian.
const FACT_FINGERPRINT: &str = "88c9789df395cb0f";

/// Every kind of payload, with the body that follows the four first fields.
#[test]
fn facts() {
    let user = Actor {
        kind: ActorKind::User,
        id: "u1",
    };
    let teammate = Actor {
        kind: ActorKind::Teammate,
        id: "t1",
    };
    let started = Payload::ConversationStarted {
        origin: Origin::VisitorMessage,
        initiator: user,
        channel: Channel::Email,
    };
    let message = Payload::MessageAdded {
        author: user,
        text: "Héllo 😐",
        format: Format::Html,
        visibility: Visibility::Internal,
    };
    let until = Some(Timestamp(-1));
    let reaction = Payload::ReactionSelected {
        request_id: "r1",
        customer_id: "u1",
        reaction: Reaction::Amazing,
    };
    let cases = [
        (started, "00 02 00 04 7531 02"),
        (message, "02 00 04 7531 16 48c3a96c6c6f20f09f9890 02 02"),
        (
            Payload::ParticipantJoined {
                participant: teammate,
            },
            "04 04 04 7431",
        ),
        (
            Payload::ParticipantLeft { participant: user },
            "06 00 04 7531",
        ),
        (
            Payload::ConversationClosed { by: teammate },
            "08 04 04 7431",
        ),
        (
            Payload::ConversationSnoozed {
                by: teammate,
                until: None,
            },
            "0a 04 04 7431 00",
        ),
        (
            Payload::ConversationSnoozed {
                by: teammate,
                until,
            },
            "0a 04 04 7431 02 01",
        ),
        (Payload::ConversationReopened { by: user }, "0c 00 04 7531"),
        (
            Payload::ConversationDeleted { by: teammate },
            "0e 04 04 7431",
        ),
        (reaction, "10 04 7231 04 7531 08"),
        (
            Payload::CommentLeft {
                request_id: "r1",
                customer_id: "u1",
                text: "",
            },
            "12 04 7231 04 7531 00",
        ),
    ];
    let mut store = SchemaStore::new();
    store
        .register_id(258, RecordKind::ConversationEvent.schema_text())
        .expect("our own");
    for (payload, rest) in cases {
        let body = format!("04 6537 04 7731 04 6331 80fa818a9567 {rest}").replace(' ', "");
        let single = format!("c301{FACT_FINGERPRINT}{body}");
        let confluent = format!("0000000102{body}");
        assert_eq!(hex(&event(payload), Framing::SingleObject), single);
        assert_eq!(hex(&event(payload), Framing::Confluent(258)), confluent);
        for known in [single, confluent] {
            assert_eq!(
                store.decode_fact(&bytes(&known)),
                Ok(Decoded::Fact(event(payload))),
                "{known}"
            );
        }
    }
}

#[test]
fn outputs() {
    let customer = OwnedActor {
        kind: ActorKind::Lead,
        id: "u1".to_owned(),
    };
    let requested = RatingRequested {
        request_id: "r1".to_owned(),
        workspace_id: "w1".to_owned(),
        conversation_id: "c1".to_owned(),
        customer: customer.clone(),
        teammate_id: "t1".to_owned(),
        channel: Channel::Email,
        requested_at: Timestamp(1),
        settings_version: 64,
    };
    let submitted = RatingSubmitted {
        request_id: "r1".to_owned(),
        workspace_id: "w1".to_owned(),
        conversation_id: "c1".to_owned(),
        customer,
        teammate_id: "t1".to_owned(),
        channel: Channel::Messenger,
        requested_at: Timestamp(1),
        first_rated_at: Timestamp(2),
        submitted_at: Timestamp(3),
        revision: 2,
        previous_reaction: Some(Reaction::Bad),
        reaction: Reaction::Great,
        comment: Some("ty".to_owned()),
        locked: true,
        after_reopen: false,
    };
    let decided = EligibilityDecided {
        workspace_id: "w1".to_owned(),
        conversation_id: "c1".to_owned(),
        decided_at: Timestamp(1),
        requested: false,
        failed: vec![Criterion::NotLive, Criterion::OriginNotCustomer],
        measured: Measured {
            closed_by: ActorKind::System,
            plan: true,
            live: false,
            audience: Some(ActorKind::Lead),
            customers: 1,
            teammate_replied: true,
            characters: 251,
            milliseconds_since_last_reply: None,
            origin: None,
            already_requested: false,
        },
        thresholds: Thresholds {
            characters: 250,
            milliseconds: 604_800_000,
        },
        rules_version: 1,
        settings_version: 0,
        teammate_id: Some("t1".to_owned()),
        request_id: None,
    };
    let refused = AnswerRefused {
        request_id: "r1".to_owned(),
        workspace_id: "w1".to_owned(),
        conversation_id: "c1".to_owned(),
        event_id: "e7".to_owned(),
        reason: RefusalReason::Locked,
        refused_at: Timestamp(1),
    };
    let target = Target {
        positive_share: 0.5,
        minimum_ratings: 10,
    };
    let settings = WorkspaceSettings {
        workspace_id: "w1".to_owned(),
        version: 1,
        effective_from: Timestamp(0),
        live_for_users: true,
        live_for_leads: false,
        plan_includes_ratings: true,
        time_zone: "UTC".to_owned(),
        target: Some(target),
        teammate_targets: [("t1".to_owned(), target)].into(),
    };
    let scorecard = TeammateScorecard {
        workspace_id: "w1".to_owned(),
        teammate_id: "t1".to_owned(),
        day: "2026-03-01".to_owned(),
        requests: 1,
        requests_answered: 2,
        terrible: 3,
        bad: 4,
        ok: 5,
        great: 6,
        amazing: 7,
        comments: 8,
        revision: 9,
    };
    let cases = [
        (
            hex(&requested, Framing::Confluent(1)),
            "04 7231 04 7731 04 6331 02 04 7531 04 7431 02 02 8001",
        ),
        (
            hex(&submitted, Framing::Confluent(1)),
            "04 7231 04 7731 04 6331 02 04 7531 04 7431 00 02 04 06 04 02 02 06 02 04 7479 01 00",
        ),
        (
            hex(&decided, Framing::Confluent(1)),
            "04 7731 04 6331 02 00 04 00 10 00 08 01 00 02 02 02 01 f603 00 08 00 f403 8090e4c004 02 00 02 04 7431 00",
        ),
        (
            hex(&refused, Framing::Confluent(1)),
            "04 7231 04 6331 04 7731 04 6537 08 02",
        ),
        (
            hex(&settings, Framing::Confluent(1)),
            "04 7731 02 00 01 00 01 06 555443 02 000000000000e03f 14 02 04 7431 000000000000e03f 14 00",
        ),
        (
            hex(&scorecard, Framing::Confluent(1)),
            "04 7731 04 7431 14 323032362d30332d3031 02 04 06 08 0a 0c 0e 10 12",
        ),
    ];
    for (found, expected) in cases {
        assert_eq!(found, format!("0000000001{expected}").replace(' ', ""));
    }
}
