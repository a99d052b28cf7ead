//! Records that no reader can take for a fact: each is a dead letter, and the partition goes on.

use super::dice::Dice;
use super::thread::TEXT_LIMIT;
use crate::model::{OwnedFact, OwnedPayload};

/// A poisonous record, and where in the log it is: behind `position` facts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacedPoison {
    pub position: usize,
    /// The record's key, so that it lies in the same partition as other facts.
    pub conversation_id: String,
    pub poison: Poison,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Poison {
    /// These bytes as the value. Neither framing begins like this, or none with a schema that exists.
    Bytes(Vec<u8>),
    /// The value of this fact with that many bytes cut off its end: every byte of an Avro record is needed.
    Truncated {
        fact: OwnedFact,
        missing_bytes: usize,
    },
    /// A fact that can be written and read, but breaks the contract's limits on ids or texts.
    Illegal(OwnedFact),
}

/// Any poison; `fact` has an event id that no other fact of the log has.
pub fn any_poison(dice: &mut Dice, fact: OwnedFact, position: usize) -> PlacedPoison {
    PlacedPoison {
        position,
        conversation_id: fact.conversation_id.clone(),
        poison: match dice.index(3) {
            0 => Poison::Bytes(undecodable(dice)),
            1 => Poison::Truncated {
                fact,
                missing_bytes: dice.count(1..=8),
            },
            _ => Poison::Illegal(illegal(dice, fact)),
        },
    }
}

fn undecodable(dice: &mut Dice) -> Vec<u8> {
    let length = dice.count(0..=64);
    let noise = dice.bytes(length);
    let begin: &[u8] = match dice.index(7) {
        0 => return Vec::new(),
        // A framing broken off.
        1 => return vec![0],
        2 => return vec![0xC3, 0x01, 0x00],
        // A schema id and a fingerprint that nobody has.
        3 => &[0, 0x7F, 0xFF, 0xFF, 0xFF],
        4 => &[0xC3, 0x01, 0xDE, 0xAD, 0xDE, 0xAD, 0xDE, 0xAD, 0xDE, 0xAD],
        // No framing at all.
        5 => b"{\"event_id\":",
        _ => &[0xC3, 0x02],
    };
    [begin, &noise].concat()
}

fn illegal(dice: &mut Dice, fact: OwnedFact) -> OwnedFact {
    let bad_ids = [
        String::new(),
        "x".repeat(257),
        // 257 bytes, though fewer characters.
        format!("{}x", "é".repeat(128)),
        "a\0b".to_owned(),
        "a\n".to_owned(),
        "\u{7F}".to_owned(),
        "\u{85}".to_owned(),
    ];
    let bad_id = dice.pick(&bad_ids).clone();
    let mut bad = fact;
    match dice.index(4) {
        0 => bad.event_id = bad_id,
        1 => bad.workspace_id = bad_id,
        2 => bad.conversation_id = bad_id,
        _ => spoil_payload(&mut bad.payload, bad_id),
    }
    bad
}

fn spoil_payload(payload: &mut OwnedPayload, bad_id: String) {
    match payload {
        OwnedPayload::ConversationStarted { initiator, .. } => initiator.id = bad_id,
        OwnedPayload::MessageAdded { text, .. } => *text = "t".repeat(TEXT_LIMIT + 1),
        OwnedPayload::ParticipantJoined { participant }
        | OwnedPayload::ParticipantLeft { participant } => participant.id = bad_id,
        OwnedPayload::ConversationClosed { by }
        | OwnedPayload::ConversationSnoozed { by, .. }
        | OwnedPayload::ConversationReopened { by }
        | OwnedPayload::ConversationDeleted { by } => by.id = bad_id,
        OwnedPayload::ReactionSelected { request_id, .. } => *request_id = bad_id,
        OwnedPayload::CommentLeft { customer_id, .. } => *customer_id = bad_id,
    }
}
