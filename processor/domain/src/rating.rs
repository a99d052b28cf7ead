//! The rating: whom it is for, and what the customer may do. Rules, "Whom a rating is for" and "What the customer may do".

use afterword_schemas::records::{
    AnswerRefused, Channel, ConversationEvent, Output, OwnedActor, RatingSubmitted, Reaction,
    RefusalReason, Timestamp,
};
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_128;

use crate::defect::Defect;
use crate::text;

/// The longest comment, in characters as of plain text without the white space at its ends. A longer one is refused, never
/// cut.
pub const MAX_COMMENT_CHARACTERS: u32 = 5_000;

/// The namespace of request ids (RFC 9562's for URLs).
const NAMESPACE: Uuid = Uuid::from_u128(0x6ba7_b811_9dad_11d1_80b4_00c0_4fd4_30c8);

/// The id of a conversation's only request: the UUIDv5 over `afterword`, 0x00, the workspace id, 0x00, the conversation id.
#[must_use]
pub fn request_id(workspace_id: &str, conversation_id: &str) -> String {
    let mut name = Vec::with_capacity(11 + workspace_id.len() + conversation_id.len());
    name.extend_from_slice(b"afterword\0");
    name.extend_from_slice(workspace_id.as_bytes());
    name.push(0);
    name.extend_from_slice(conversation_id.as_bytes());
    Uuid::new_v5(&NAMESPACE, &name).to_string()
}

/// A request that was sent, as it stood then: nobody dodges or collects a rating afterwards.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Request {
    pub(crate) customer: OwnedActor,
    /// The last teammate.
    pub(crate) teammate_id: Box<str>,
    pub(crate) channel: Channel,
    pub(crate) requested_at: Timestamp,
    /// Whether the conversation left the closed state by a reopening since.
    pub(crate) after_reopen: bool,
    pub(crate) rating: Option<Rating>,
}

/// The answer so far.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Rating {
    pub(crate) reaction: Reaction,
    pub(crate) revision: i32,
    /// The time of the submission with revision 1.
    pub(crate) first_rated_at: Timestamp,
    /// The xxh3-128 of the comment, once there is one: the rating is locked. Nothing but equality is asked of it, and the
    /// worst that two comments with one digest can do is that the second is passed over instead of refused.
    pub(crate) comment_digest: Option<u128>,
}

/// What a customer answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Answer<'a> {
    Reaction(Reaction),
    /// Without the white space at its ends.
    Comment(&'a str),
}

/// An answer, the request it names, and whose it is.
pub(crate) struct Answering<'a> {
    pub(crate) fact: &'a ConversationEvent<'a>,
    pub(crate) request_id: &'a str,
    pub(crate) customer_id: &'a str,
    pub(crate) answer: Answer<'a>,
    /// Whether the conversation was deleted.
    pub(crate) deleted: bool,
    /// Whether a request was ever sent: what was asked is forgotten at a deletion, that it was asked is not.
    pub(crate) asked: bool,
}

impl Answering<'_> {
    /// Applies the answer to the request: a submission, a refusal, or nothing.
    pub(crate) fn apply(&self, request: Option<&mut Request>) -> Option<Output> {
        if self.answer == Answer::Comment("") {
            return None;
        }
        if let Some(reason) = self.inadmissible(request.as_deref()) {
            return Some(self.refused(reason));
        }
        let request = request?;
        if self.is_already_so(request) {
            return None;
        }
        if let Some(reason) = self.too_late_or_too_early(request) {
            return Some(self.refused(reason));
        }
        self.submit(request).map(Output::RatingSubmitted)
    }

    /// The reasons that come before an answer is compared with the rating, in their order.
    fn inadmissible(&self, request: Option<&Request>) -> Option<RefusalReason> {
        let fact = self.fact;
        let is_of_asked = request.is_some_and(|request| request.customer.id == self.customer_id);
        let is_too_long = match self.answer {
            Answer::Reaction(_) => false,
            Answer::Comment(text) => {
                text::plain(text, MAX_COMMENT_CHARACTERS + 1) > MAX_COMMENT_CHARACTERS
            }
        };
        let names_request =
            self.asked && self.request_id == request_id(fact.workspace_id, fact.conversation_id);
        first_that_applies(&[
            (RefusalReason::NoRequest, !names_request),
            (RefusalReason::Deleted, self.deleted),
            (RefusalReason::NotTheAskedCustomer, !is_of_asked),
            (RefusalReason::CommentTooLong, is_too_long),
        ])
    }

    /// Repeating what is already so changes nothing, is no submission and is not refused, locked or not.
    fn is_already_so(&self, request: &Request) -> bool {
        let rating = request.rating.as_ref();
        match self.answer {
            Answer::Reaction(reaction) => rating.is_some_and(|rating| rating.reaction == reaction),
            Answer::Comment(text) => {
                rating.is_some_and(|rating| rating.comment_digest == Some(digest(text)))
            }
        }
    }

    /// The reasons that come after, in their order.
    fn too_late_or_too_early(&self, request: &Request) -> Option<RefusalReason> {
        let is_locked = request
            .rating
            .is_some_and(|rating| rating.comment_digest.is_some())
            && !Defect::LockIgnored.is_on();
        let is_before_reaction =
            request.rating.is_none() && matches!(self.answer, Answer::Comment(_));
        first_that_applies(&[
            (RefusalReason::Locked, is_locked),
            (RefusalReason::CommentBeforeReaction, is_before_reaction),
        ])
    }

    /// Makes the change. `None` for a comment without a reaction, which was refused before.
    fn submit(&self, request: &mut Request) -> Option<RatingSubmitted> {
        let at = self.fact.occurred_at;
        let before = request.rating;
        let (reaction, comment) = match self.answer {
            Answer::Reaction(reaction) => (reaction, None),
            Answer::Comment(text) => (before?.reaction, Some(text)),
        };
        let rating = Rating {
            reaction,
            revision: before.map_or(1, |before| before.revision.saturating_add(1)),
            first_rated_at: before.map_or(at, |before| before.first_rated_at),
            comment_digest: comment.map(digest),
        };
        request.rating = Some(rating);
        Some(RatingSubmitted {
            request_id: self.request_id.to_owned(),
            workspace_id: self.fact.workspace_id.to_owned(),
            conversation_id: self.fact.conversation_id.to_owned(),
            customer: request.customer.clone(),
            teammate_id: request.teammate_id.to_string(),
            channel: request.channel,
            requested_at: request.requested_at,
            first_rated_at: rating.first_rated_at,
            submitted_at: at,
            revision: rating.revision,
            previous_reaction: before.map(|before| before.reaction),
            reaction,
            comment: comment.map(str::to_owned),
            locked: comment.is_some(),
            after_reopen: request.after_reopen,
        })
    }

    fn refused(&self, reason: RefusalReason) -> Output {
        Output::AnswerRefused(AnswerRefused {
            request_id: self.request_id.to_owned(),
            workspace_id: self.fact.workspace_id.to_owned(),
            conversation_id: self.fact.conversation_id.to_owned(),
            event_id: self.fact.event_id.to_owned(),
            reason,
            refused_at: self.fact.occurred_at,
        })
    }
}

fn first_that_applies(reasons: &[(RefusalReason, bool)]) -> Option<RefusalReason> {
    reasons
        .iter()
        .find(|(_, applies)| *applies)
        .map(|(reason, _)| *reason)
}

pub(crate) fn digest(comment: &str) -> u128 {
    xxh3_128(comment.as_bytes())
}
