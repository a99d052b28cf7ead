//! Facts as the model keeps them.

pub use afterword_schemas::records::{OwnedEvent as OwnedFact, OwnedPayload};

/// Whether this is the customer's answer to a request: a reaction or a comment.
#[must_use]
pub fn is_answer(fact: &OwnedFact) -> bool {
    matches!(
        fact.payload,
        OwnedPayload::ReactionSelected { .. } | OwnedPayload::CommentLeft { .. }
    )
}
