//! The rules by hand-written cases.

mod answers;
mod eligibility;
mod measures;
mod states;
mod texts;

use std::collections::BTreeMap;

use afterword_schemas::records::{
    ActorKind, AnswerRefused, Channel, Criterion, EligibilityDecided, Format, Origin, Output,
    OwnedActor, RatingRequested, RatingSubmitted, Reaction, RefusalReason, Timestamp, Visibility,
    WorkspaceSettings,
};

use super::{DEFAULT_THRESHOLDS, Folding, NaiveConversation, OwnedFact, OwnedPayload, request_id};

const WEEK_MS: i64 = 604_800_000;

fn actor(kind: ActorKind, id: &str) -> OwnedActor {
    OwnedActor {
        kind,
        id: id.to_owned(),
    }
}

fn user(id: &str) -> OwnedActor {
    actor(ActorKind::User, id)
}

fn lead(id: &str) -> OwnedActor {
    actor(ActorKind::Lead, id)
}

fn mate(id: &str) -> OwnedActor {
    actor(ActorKind::Teammate, id)
}

fn bot() -> OwnedActor {
    actor(ActorKind::Bot, "operator")
}

fn started(origin: Origin, initiator: OwnedActor) -> OwnedPayload {
    OwnedPayload::ConversationStarted {
        origin,
        initiator,
        channel: Channel::Email,
    }
}

fn message(author: OwnedActor, text: &str, format: Format, visibility: Visibility) -> OwnedPayload {
    OwnedPayload::MessageAdded {
        author,
        text: text.to_owned(),
        format,
        visibility,
    }
}

fn says(author: OwnedActor, text: &str) -> OwnedPayload {
    message(author, text, Format::Plain, Visibility::Public)
}

/// A public message of that many characters.
fn writes(author: OwnedActor, characters: usize) -> OwnedPayload {
    says(author, &"x".repeat(characters))
}

fn notes(author: OwnedActor, characters: usize) -> OwnedPayload {
    let text = "x".repeat(characters);
    message(author, &text, Format::Plain, Visibility::Internal)
}

fn joined(participant: OwnedActor) -> OwnedPayload {
    OwnedPayload::ParticipantJoined { participant }
}

fn left(participant: OwnedActor) -> OwnedPayload {
    OwnedPayload::ParticipantLeft { participant }
}

fn closed(by: OwnedActor) -> OwnedPayload {
    OwnedPayload::ConversationClosed { by }
}

fn snoozed() -> OwnedPayload {
    OwnedPayload::ConversationSnoozed {
        by: mate("t"),
        until: None,
    }
}

fn reopened() -> OwnedPayload {
    OwnedPayload::ConversationReopened { by: mate("t") }
}

fn deleted() -> OwnedPayload {
    OwnedPayload::ConversationDeleted { by: mate("t") }
}

fn reacts(customer_id: &str, reaction: Reaction) -> OwnedPayload {
    OwnedPayload::ReactionSelected {
        request_id: request_id("w", "c"),
        customer_id: customer_id.to_owned(),
        reaction,
    }
}

fn comments(customer_id: &str, text: &str) -> OwnedPayload {
    OwnedPayload::CommentLeft {
        request_id: request_id("w", "c"),
        customer_id: customer_id.to_owned(),
        text: text.to_owned(),
    }
}

fn settings(version: i64, effective_from: i64) -> WorkspaceSettings {
    WorkspaceSettings {
        workspace_id: "w".to_owned(),
        version,
        effective_from: Timestamp(effective_from),
        live_for_users: true,
        live_for_leads: true,
        plan_includes_ratings: true,
        time_zone: "Europe/Berlin".to_owned(),
        target: None,
        teammate_targets: BTreeMap::new(),
    }
}

/// Conversation `c` of workspace `w`.
struct Case {
    conversation: NaiveConversation,
    known: Vec<WorkspaceSettings>,
    events: usize,
}

impl Case {
    fn new() -> Case {
        Case {
            conversation: NaiveConversation::new(DEFAULT_THRESHOLDS),
            known: Vec::new(),
            events: 0,
        }
    }

    /// User `u` started and wrote 200 characters at 1 ms, teammate `t` answered with 51 at 2 ms: 251, eligible.
    fn eligible() -> Case {
        Case::with(&[
            (0, started(Origin::CustomerInitiated, user("u"))),
            (1, writes(user("u"), 200)),
            (2, writes(mate("t"), 51)),
        ])
    }

    /// Eligible, closed at 10 ms by the teammate, asked.
    fn asked() -> Case {
        let mut case = Case::eligible();
        let outputs = case.add(10, closed(mate("t")));
        assert!(decision(&outputs).requested);
        case
    }

    fn with(facts: &[(i64, OwnedPayload)]) -> Case {
        let mut case = Case::new();
        for (at, payload) in facts {
            case.add(*at, payload.clone());
        }
        case
    }

    /// Folds a fact with an event id of its own.
    fn add(&mut self, at: i64, payload: OwnedPayload) -> Vec<Output> {
        self.events += 1;
        let event_id = format!("e{}", self.events);
        self.event(&event_id, at, payload).outputs
    }

    fn event(&mut self, event_id: &str, at: i64, payload: OwnedPayload) -> Folding {
        let fact = OwnedFact {
            event_id: event_id.to_owned(),
            workspace_id: "w".to_owned(),
            conversation_id: "c".to_owned(),
            occurred_at: Timestamp(at),
            payload,
        };
        self.conversation.fold(&fact, &self.known)
    }

    /// Closes by a teammate and says what was decided.
    fn close(&mut self, at: i64) -> EligibilityDecided {
        decision(&self.add(at, closed(mate("t"))))
    }
}

fn decision(outputs: &[Output]) -> EligibilityDecided {
    match &outputs[0] {
        Output::EligibilityDecided(decision) => decision.clone(),
        other => panic!("expected a decision, found {other:?}"),
    }
}

fn request(outputs: &[Output]) -> RatingRequested {
    match &outputs[1] {
        Output::RatingRequested(request) => request.clone(),
        other => panic!("expected a request, found {other:?}"),
    }
}

fn submission(outputs: &[Output]) -> RatingSubmitted {
    match outputs {
        [Output::RatingSubmitted(submission)] => submission.clone(),
        other => panic!("expected one submission, found {other:?}"),
    }
}

fn refusal(outputs: &[Output]) -> AnswerRefused {
    match outputs {
        [Output::AnswerRefused(refusal)] => refusal.clone(),
        other => panic!("expected one refusal, found {other:?}"),
    }
}

/// These facts, then a close by a teammate at `at`: what fails.
fn check_failed(facts: &[(i64, OwnedPayload)], at: i64, expected: &[Criterion]) {
    let decision = Case::with(facts).close(at);
    assert_eq!(decision.failed, expected, "{:?}", decision.measured);
    assert_eq!(decision.requested, expected.is_empty());
}

fn check_refused(case: &mut Case, answer: OwnedPayload, expected: RefusalReason) {
    assert_eq!(refusal(&case.add(50, answer)).reason, expected);
}
