//! What a decision measures about the people and their messages. Each of these depends on the set of facts folded so far and
//! not on their order or number: they are greatest and least values with the tie-breaks of the rules, so late and
//! repeated facts do no harm and need no memory. The sum of characters alone needs one, while it is not over the threshold.

use afterword_schemas::records::{Actor, ActorKind, Format, Origin, Timestamp};

use crate::defect::Defect;
use crate::remembered;
use crate::text;

/// A customer whom any fact named as initiator, author or participant.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Customer {
    pub(crate) id: Box<str>,
    /// The latest time of such a fact.
    pub(crate) last_at: Timestamp,
    /// As of `last_at`; of the same millisecond, being included wins.
    pub(crate) included: bool,
    /// As of `last_at`; of the same millisecond, a user wins over a lead.
    pub(crate) is_user: bool,
}

impl Customer {
    pub(crate) fn kind(&self) -> ActorKind {
        if self.is_user {
            ActorKind::User
        } else {
            ActorKind::Lead
        }
    }
}

/// Whether a fact makes a customer included (joined, wrote, started) or not (left).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Presence {
    Included,
    Gone,
}

/// The latest public message by a teammate.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct TeammateMessage {
    pub(crate) at: Timestamp,
    pub(crate) teammate_id: Box<str>,
}

#[derive(Default, Clone, PartialEq, Debug)]
pub(crate) struct Registers {
    /// Ascending by id. It grows with distinct customers and nothing else.
    pub(crate) customers: Vec<Customer>,
    /// The earliest and the latest time of a customer's message.
    pub(crate) customer_messages: Option<(Timestamp, Timestamp)>,
    pub(crate) last_teammate_message: Option<TeammateMessage>,
    pub(crate) characters: Characters,
}

impl Registers {
    /// A fact that names somebody as initiator, author or participant.
    pub(crate) fn note_person(&mut self, actor: Actor<'_>, presence: Presence, at: Timestamp) {
        if !actor.kind.is_customer() {
            return;
        }
        let included = presence == Presence::Included;
        let is_user = actor.kind == ActorKind::User;
        match self
            .customers
            .binary_search_by(|known| (*known.id).cmp(actor.id))
        {
            Err(place) => {
                if self.customers.is_empty() {
                    // Most conversations have one customer.
                    self.customers.reserve_exact(1);
                }
                let id = actor.id.into();
                self.customers.insert(
                    place,
                    Customer {
                        id,
                        last_at: at,
                        included,
                        is_user,
                    },
                );
            }
            Ok(place) => {
                let Some(known) = self.customers.get_mut(place) else {
                    return;
                };
                if at > known.last_at {
                    (known.last_at, known.included, known.is_user) = (at, included, is_user);
                } else if at == known.last_at {
                    known.included =
                        included || (known.included && !Defect::LeavingWinsTies.is_on());
                    known.is_user |= is_user;
                }
            }
        }
    }

    /// A public message by a customer or a teammate; bots and systems leave nothing here.
    pub(crate) fn note_message(&mut self, author: Actor<'_>, at: Timestamp) {
        if author.kind.is_customer() {
            self.note_person(author, Presence::Included, at);
            self.customer_messages = Some(match self.customer_messages {
                None => (at, at),
                Some((first, _)) if Defect::LastReplyMovesBackwards.is_on() => (first, at),
                Some((first, last)) => (first.min(at), last.max(at)),
            });
        } else if author.kind == ActorKind::Teammate {
            let last = self.last_teammate_message.as_ref();
            let key = last.map(|last| (last.at, &*last.teammate_id));
            let is_tie = last.is_some_and(|last| last.at == at);
            if (key < Some((at, author.id))) != (is_tie && Defect::TeammateTieTheOtherWay.is_on()) {
                let teammate_id = match self.last_teammate_message.take() {
                    Some(last) if *last.teammate_id == *author.id => last.teammate_id,
                    _ => author.id.into(),
                };
                self.last_teammate_message = Some(TeammateMessage { at, teammate_id });
            }
        }
    }

    pub(crate) fn first_customer_message(&self) -> Option<Timestamp> {
        self.customer_messages.map(|(first, _)| first)
    }

    pub(crate) fn last_customer_message(&self) -> Option<Timestamp> {
        self.customer_messages.map(|(_, last)| last)
    }

    /// The teammate's reply with the latest time; of two in the same millisecond, that of the greater teammate id.
    ///
    /// To an outbound message or a message to visitors a teammate's message is a reply only when it is later than the
    /// earliest customer's message. Where any is, the latest is one, so the latest is all that need be kept.
    pub(crate) fn last_teammate_reply(&self, origin: Option<Origin>) -> Option<&TeammateMessage> {
        let has_opening = matches!(
            origin,
            Some(Origin::OutboundMessage | Origin::VisitorMessage)
        );
        let last = self.last_teammate_message.as_ref()?;
        let is_reply = !has_opening
            || self
                .first_customer_message()
                .is_some_and(|first| last.at > first);
        is_reply.then_some(last)
    }

    /// The time of the last reply, a customer's or a teammate's.
    pub(crate) fn last_reply(&self, origin: Option<Origin>) -> Option<Timestamp> {
        let teammate = self.last_teammate_reply(origin).map(|reply| reply.at);
        teammate.max(self.last_customer_message())
    }

    /// The customers who joined, wrote or started the conversation and have not left.
    pub(crate) fn included(&self) -> impl Iterator<Item = &Customer> {
        self.customers.iter().filter(|customer| customer.included)
    }
}

/// The sum of the characters of messages by customers and teammates, counted no further than needed.
#[derive(Default, Clone, PartialEq, Debug)]
pub(crate) struct Characters {
    pub(crate) sum: u32,
    /// The hashed ids of the messages in the sum, while it is not over the threshold: each has a character at least, so
    /// they are no more than the threshold.
    pub(crate) counted: Vec<u64>,
}

/// What a message's text did to the sum.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Counting {
    Counted,
    /// It is in the sum already.
    Repeated,
    /// The sum was over the threshold before, or the message has no characters.
    NotNeeded,
}

impl Characters {
    /// Adds a message once. `at_most` is one past the threshold.
    pub(crate) fn add(
        &mut self,
        event_id: &str,
        text: &str,
        format: Format,
        at_most: u32,
    ) -> Counting {
        if self.sum >= at_most {
            return Counting::NotNeeded;
        }
        let hash = remembered::hash(event_id);
        if self.counted.contains(&hash) && !Defect::RepeatedMessageCounts.is_on() {
            return Counting::Repeated;
        }
        let more = text::characters(text, format, at_most - self.sum);
        if more == 0 {
            return Counting::NotNeeded;
        }
        self.sum = self.sum.saturating_add(more);
        if self.sum >= at_most {
            self.counted = Vec::new();
        } else {
            self.counted.push(hash);
        }
        Counting::Counted
    }
}
