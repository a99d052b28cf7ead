//! What the customer may do with the request: react, change the reaction, comment once.

use afterword_schemas::records::{
    AnswerRefused, Output, RatingSubmitted, Reaction, RefusalReason, Timestamp,
};

use super::history::History;
use super::text::plain_characters;

/// A comment has at most this many characters, white space at its ends not counted.
pub const COMMENT_LIMIT: usize = 5_000;

/// An answer to a request, as a fact says it.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    pub workspace_id: &'a str,
    pub conversation_id: &'a str,
    pub event_id: &'a str,
    pub at: Timestamp,
    pub request_id: &'a str,
    pub customer_id: &'a str,
    pub said: Said<'a>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said<'a> {
    Reaction(Reaction),
    /// As it came, white space at its ends and all.
    Comment(&'a str),
}

/// What became of an answer.
#[derive(Debug)]
enum Verdict {
    Nothing,
    Refused(RefusalReason),
    Accepted(RatingSubmitted),
}

/// The submission or the refusal that the answer gives, if it gives any.
#[must_use]
pub fn answer(answer: Answer<'_>, history: &History) -> Vec<Output> {
    match judge(answer, history) {
        Verdict::Nothing => Vec::new(),
        Verdict::Accepted(submission) => vec![Output::RatingSubmitted(submission)],
        Verdict::Refused(reason) => vec![Output::AnswerRefused(AnswerRefused {
            request_id: answer.request_id.to_owned(),
            workspace_id: answer.workspace_id.to_owned(),
            conversation_id: answer.conversation_id.to_owned(),
            event_id: answer.event_id.to_owned(),
            reason,
            refused_at: answer.at,
        })],
    }
}

/// In this order, and the first that applies.
fn judge(answer: Answer<'_>, history: &History) -> Verdict {
    // A comment is kept, compared and counted without the white space at its ends.
    let said = match answer.said {
        Said::Comment(text) => Said::Comment(text.trim()),
        reaction => reaction,
    };
    if said == Said::Comment("") {
        return Verdict::Nothing;
    }
    let request = match history.request() {
        Some(request) if request.request_id == answer.request_id => request,
        _ => return Verdict::Refused(RefusalReason::NoRequest),
    };
    if history.is_deleted() {
        return Verdict::Refused(RefusalReason::Deleted);
    }
    if answer.customer_id != request.customer.id {
        return Verdict::Refused(RefusalReason::NotTheAskedCustomer);
    }
    if let Said::Comment(text) = said
        && plain_characters(text) > COMMENT_LIMIT
    {
        return Verdict::Refused(RefusalReason::CommentTooLong);
    }
    let rating = history.rating();
    let is_so_already = rating.is_some_and(|rating| match said {
        Said::Reaction(reaction) => rating.reaction == reaction,
        Said::Comment(text) => rating.comment.as_deref() == Some(text),
    });
    if is_so_already {
        return Verdict::Nothing;
    }
    if rating.is_some_and(|rating| rating.comment.is_some()) {
        return Verdict::Refused(RefusalReason::Locked);
    }
    let (reaction, comment) = match (said, rating) {
        (Said::Reaction(reaction), _) => (reaction, None),
        (Said::Comment(text), Some(rating)) => (rating.reaction, Some(text.to_owned())),
        (Said::Comment(_), None) => {
            return Verdict::Refused(RefusalReason::CommentBeforeReaction);
        }
    };
    Verdict::Accepted(RatingSubmitted {
        request_id: request.request_id.clone(),
        workspace_id: request.workspace_id.clone(),
        conversation_id: request.conversation_id.clone(),
        customer: request.customer.clone(),
        teammate_id: request.teammate_id.clone(),
        channel: request.channel,
        requested_at: request.requested_at,
        first_rated_at: rating.map_or(answer.at, |rating| rating.first_rated_at),
        submitted_at: answer.at,
        revision: rating.map_or(1, |rating| rating.revision + 1),
        previous_reaction: rating.map(|rating| rating.reaction),
        reaction,
        locked: comment.is_some(),
        comment,
        after_reopen: history.was_reopened_since_request(),
    })
}
