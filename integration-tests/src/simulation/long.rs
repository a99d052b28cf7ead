//! One conversation with more answers than ids are remembered, and a small one that becomes dirty somewhat later.
//!
//! Folding a fact twice does no harm while its id is remembered. Here it does: with a debt of somewhat more facts than ids
//! are remembered, the long conversation is stored while the small one is still owed, and after a crash then the answers
//! since come again.

use afterword_log::Offset;
use afterword_schemas::records::{
    ActorKind, Channel, Format, Origin, OwnedActor, Reaction, Timestamp, Visibility,
};

use crate::model::{OwnedFact, OwnedPayload, REMEMBERED, request_id};

/// The debt under which it must run, and the committed position at which to crash: the long conversation, begun at 0, is
/// stored by then, and the small one, begun at [`SMALL_AT`], is not.
pub(super) const DEBT_FACTS: u64 = REMEMBERED as u64 + 176;
pub(super) const CRASH_AT: Offset = Offset(DEBT_FACTS + 20);
const SMALL_AT: usize = 150;

const WORKSPACE: &str = "long";
const CONVERSATION: &str = "many-answers";

/// The facts, in log order.
pub(super) fn facts() -> Vec<OwnedFact> {
    let customer = actor(ActorKind::User, "u-long");
    let teammate = actor(ActorKind::Teammate, "t-long");
    let start = OwnedPayload::ConversationStarted {
        origin: Origin::CustomerInitiated,
        initiator: customer.clone(),
        channel: Channel::Email,
    };
    let reply = OwnedPayload::MessageAdded {
        author: teammate.clone(),
        text: "x".repeat(251),
        format: Format::Plain,
        visibility: Visibility::Public,
    };
    let close = OwnedPayload::ConversationClosed { by: teammate };
    let mut payloads = vec![start.clone(), reply, close];
    let reactions = Reaction::ALL.iter().cycle().take(REMEMBERED + 400);
    payloads.extend(reactions.map(|reaction| OwnedPayload::ReactionSelected {
        request_id: request_id(WORKSPACE, CONVERSATION),
        customer_id: customer.id.clone(),
        reaction: *reaction,
    }));
    let long = |(number, payload)| fact(CONVERSATION, number, payload);
    let mut facts: Vec<OwnedFact> = payloads.into_iter().enumerate().map(long).collect();
    facts.insert(SMALL_AT, fact("small", 100_000, start));
    facts
}

fn actor(kind: ActorKind, id: &str) -> OwnedActor {
    OwnedActor {
        kind,
        id: id.to_owned(),
    }
}

fn fact(conversation_id: &str, number: usize, payload: OwnedPayload) -> OwnedFact {
    OwnedFact {
        event_id: format!("long-{number}"),
        workspace_id: WORKSPACE.to_owned(),
        conversation_id: conversation_id.to_owned(),
        occurred_at: Timestamp(1_772_000_000_000 + number as i64),
        payload,
    }
}
