//! Everything that a conversation has seen, and what can be read off it by looking through all of it.
//!
//! Nothing is kept besides the facts in the order in which they were folded, and what each of them gave: every question
//! is answered by reading the whole history again.

use afterword_schemas::records::{
    Channel, Origin, Output, OwnedActor, RatingRequested, RatingSubmitted, Timestamp, Visibility,
};

use super::fact::{OwnedFact, OwnedPayload};
use super::text::characters;

/// Of closes, snoozes, reopenings, reactions and comments the ids of the latest 1,024 are remembered.
pub const REMEMBERED: usize = 1_024;

/// A fact that was folded, and what came of it.
#[derive(Clone, Debug)]
pub struct Folded {
    pub fact: OwnedFact,
    /// The characters of its text when it is a message, else 0. (They follow from the fact alone.)
    pub characters: usize,
    pub outputs: Vec<Output>,
}

/// A public message.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    pub at: Timestamp,
    pub author: &'a OwnedActor,
    pub characters: usize,
}

/// The first start folded.
#[derive(Clone, Copy, Debug)]
pub struct Start<'a> {
    pub event_id: &'a str,
    pub at: Timestamp,
    pub origin: Origin,
    pub initiator: &'a OwnedActor,
    pub channel: Channel,
}

/// Open (also before anything was seen), snoozed, or closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Open,
    Snoozed,
    /// With the time of the close that closed it.
    Closed {
        at: Timestamp,
    },
}

/// All facts folded so far, in the order in which they were folded: repetitions and what was passed over are not in it.
#[derive(Clone, Debug, Default)]
pub struct History {
    pub folded: Vec<Folded>,
}

impl History {
    /// Adds a fact that has given no outputs yet.
    pub fn push(&mut self, fact: &OwnedFact) {
        let characters = match &fact.payload {
            OwnedPayload::MessageAdded { text, format, .. } => characters(text, *format),
            _ => 0,
        };
        self.folded.push(Folded {
            fact: fact.clone(),
            characters,
            outputs: Vec::new(),
        });
    }

    fn facts(&self) -> impl Iterator<Item = &OwnedFact> {
        self.folded.iter().map(|folded| &folded.fact)
    }

    /// Whether this fact is a repetition: the same event id twice in one conversation counts once.
    ///
    /// Of closes, snoozes, reopenings, reactions and comments only the latest 1,024 by when first folded are
    /// remembered; one that was forgotten is folded again, and is then the latest.
    ///
    /// Of messages the rules remember the ids only while the character sum is not yet over the threshold. Here all of
    /// them are, for ever, which is the same: once the sum is over the threshold, a message folded twice can't be told
    /// from one folded once. The sum is reported no further than one past the threshold; the last reply, the last
    /// teammate, the earliest customer's message, who is included and of which kind are maxima and minima over facts;
    /// and it can't reopen either: if its time is later than the close that closed the conversation, then the
    /// conversation was reopened at once when that close was folded behind the message, or by the message itself.
    ///
    /// Of all other facts a repetition changes nothing, remembered or not.
    #[must_use]
    pub fn has_remembered(&self, fact: &OwnedFact) -> bool {
        let among_messages = self
            .facts()
            .filter(|each| matches!(each.payload, OwnedPayload::MessageAdded { .. }))
            .any(|each| each.event_id == fact.event_id);
        let among_the_latest_others = self
            .to_be_remembered()
            .into_iter()
            .rev()
            .take(REMEMBERED)
            .any(|each| each.event_id == fact.event_id);
        among_messages || among_the_latest_others
    }

    /// All closes, snoozes, reopenings, reactions and comments, remembered still or not any more.
    #[must_use]
    pub fn to_be_remembered(&self) -> Vec<&OwnedFact> {
        self.facts()
            .filter(|fact| is_remembered_kind(&fact.payload))
            .collect()
    }

    /// Deleted is final.
    #[must_use]
    pub fn is_deleted(&self) -> bool {
        self.facts()
            .any(|fact| matches!(fact.payload, OwnedPayload::ConversationDeleted { .. }))
    }

    /// The first start folded decides; `None` when the start was never seen.
    #[must_use]
    pub fn start(&self) -> Option<Start<'_>> {
        self.facts().find_map(|fact| match &fact.payload {
            OwnedPayload::ConversationStarted {
                origin,
                initiator,
                channel,
            } => Some(Start {
                event_id: &fact.event_id,
                at: fact.occurred_at,
                origin: *origin,
                initiator,
                channel: *channel,
            }),
            _ => None,
        })
    }

    /// All messages: public ones, an internal note does nothing at all.
    #[must_use]
    pub fn messages(&self) -> Vec<Message<'_>> {
        self.folded
            .iter()
            .filter_map(|folded| match &folded.fact.payload {
                OwnedPayload::MessageAdded {
                    author,
                    visibility: Visibility::Public,
                    ..
                } => Some(Message {
                    at: folded.fact.occurred_at,
                    author,
                    characters: folded.characters,
                }),
                _ => None,
            })
            .collect()
    }

    /// The request that was sent; at most one per conversation, ever.
    #[must_use]
    pub fn request(&self) -> Option<&RatingRequested> {
        self.outputs().find_map(|output| match output {
            Output::RatingRequested(request) => Some(request),
            _ => None,
        })
    }

    /// The rating as its latest submission says it; every submission says all of it.
    #[must_use]
    pub fn rating(&self) -> Option<&RatingSubmitted> {
        self.outputs()
            .filter_map(|output| match output {
                Output::RatingSubmitted(submission) => Some(submission),
                _ => None,
            })
            .last()
    }

    fn outputs(&self) -> impl Iterator<Item = &Output> {
        self.folded.iter().flat_map(|folded| &folded.outputs)
    }

    /// Open, snoozed or closed, in log order.
    #[must_use]
    pub fn state(&self) -> State {
        self.walk().0
    }

    /// Whether the conversation left the closed state by a reopening since its request.
    #[must_use]
    pub fn was_reopened_since_request(&self) -> bool {
        self.walk().1
    }

    /// Goes through the states from the beginning.
    fn walk(&self) -> (State, bool) {
        let mut state = State::Open;
        let mut request_was_sent = false;
        let mut reopened_since_request = false;
        let mut customers_wrote_at: Vec<Timestamp> = Vec::new();
        for Folded { fact, outputs, .. } in &self.folded {
            let before = state;
            match &fact.payload {
                // A close makes it closed (a close of a closed conversation is no transition).
                OwnedPayload::ConversationClosed { .. }
                    if !matches!(before, State::Closed { .. }) =>
                {
                    state = State::Closed {
                        at: fact.occurred_at,
                    };
                }
                // A snooze makes it snoozed (a closed one too).
                OwnedPayload::ConversationSnoozed { .. } => state = State::Snoozed,
                OwnedPayload::ConversationReopened { .. } => state = State::Open,
                OwnedPayload::MessageAdded {
                    author, visibility, ..
                } if author.kind.is_customer() && *visibility == Visibility::Public => {
                    customers_wrote_at.push(fact.occurred_at);
                }
                _ => {}
            }
            // Decided, and so asked, before it can be reopened by what was written.
            if has_request(outputs) {
                request_was_sent = true;
            }
            // A customer's message reopens a closed conversation when its time is later than that of the close that
            // closed it, also when the message was folded before that close.
            if let State::Closed { at } = state
                && customers_wrote_at.iter().any(|wrote_at| *wrote_at > at)
            {
                state = State::Open;
            }
            // The end of a snooze is no reopening, and a snooze is none either.
            let closed_now_or_before = matches!(before, State::Closed { .. })
                || matches!(fact.payload, OwnedPayload::ConversationClosed { .. });
            if closed_now_or_before && state == State::Open && request_was_sent {
                reopened_since_request = true;
            }
        }
        (state, reopened_since_request)
    }
}

fn has_request(outputs: &[Output]) -> bool {
    outputs
        .iter()
        .any(|output| matches!(output, Output::RatingRequested(_)))
}

/// Those of which the latest 1,024 are remembered, whether they changed anything or not.
fn is_remembered_kind(payload: &OwnedPayload) -> bool {
    matches!(
        payload,
        OwnedPayload::ConversationClosed { .. }
            | OwnedPayload::ConversationSnoozed { .. }
            | OwnedPayload::ConversationReopened { .. }
            | OwnedPayload::ReactionSelected { .. }
            | OwnedPayload::CommentLeft { .. }
    )
}
