//! What a decision measures: each word of the rules as a look through the whole history.

use afterword_schemas::records::{ActorKind, Origin, Timestamp};

use super::fact::OwnedPayload;
use super::history::{History, Message};

/// A fact in which a customer is initiator, author or participant.
#[derive(Clone, Copy, Debug)]
struct Appearance<'a> {
    at: Timestamp,
    id: &'a str,
    kind: ActorKind,
    /// Joined, wrote or started; not: left.
    included: bool,
}

impl History {
    /// The sum over messages by customers and teammates; bots' texts and the survey itself do not count.
    #[must_use]
    pub fn character_sum(&self) -> usize {
        self.messages()
            .iter()
            .filter(|message| by_customer(message) || by_teammate(message))
            .map(|message| message.characters)
            .sum()
    }

    /// Whether any customer has written.
    #[must_use]
    pub fn customer_wrote(&self) -> bool {
        self.messages().iter().any(by_customer)
    }

    /// The teammates' replies.
    ///
    /// A teammate's message is a reply; but in a conversation with origin `outbound_message` or `visitor_message` only
    /// when it is later than the earliest customer's message.
    #[must_use]
    pub fn teammate_replies(&self) -> Vec<Message<'_>> {
        let messages = self.messages();
        let earliest_of_customers = messages
            .iter()
            .filter(|message| by_customer(message))
            .map(|message| message.at)
            .min();
        let opened_by_us = matches!(
            self.start().map(|start| start.origin),
            Some(Origin::OutboundMessage | Origin::VisitorMessage)
        );
        messages
            .into_iter()
            .filter(by_teammate)
            .filter(|message| {
                !opened_by_us || earliest_of_customers.is_some_and(|earliest| message.at > earliest)
            })
            .collect()
    }

    /// The time of the last reply: of all customers' messages and all teammates' replies the latest.
    #[must_use]
    pub fn last_reply_at(&self) -> Option<Timestamp> {
        let by_customers = self
            .messages()
            .into_iter()
            .filter(by_customer)
            .map(|message| message.at)
            .max();
        let by_teammates = self
            .teammate_replies()
            .into_iter()
            .map(|message| message.at)
            .max();
        by_customers.max(by_teammates)
    }

    /// The teammate of the teammate's reply with the latest time; of two in the same millisecond, the one whose
    /// teammate id is greater, byte by byte.
    #[must_use]
    pub fn last_teammate(&self) -> Option<String> {
        self.teammate_replies()
            .into_iter()
            .max_by_key(|reply| (reply.at, reply.author.id.as_bytes()))
            .map(|reply| reply.author.id.clone())
    }

    /// The customers included, each with their kind, by id.
    ///
    /// Per customer the fact with the latest time decides whether they are included; of the same millisecond, being
    /// included wins.
    #[must_use]
    pub fn included_customers(&self) -> Vec<(String, ActorKind)> {
        let appearances = self.appearances();
        let mut ids: Vec<&str> = appearances.iter().map(|each| each.id).collect();
        ids.sort_unstable();
        ids.dedup();
        ids.into_iter()
            .filter(|id| {
                appearances
                    .iter()
                    .filter(|each| each.id == *id)
                    .max_by_key(|each| (each.at, each.included))
                    .is_some_and(|decisive| decisive.included)
            })
            .filter_map(|id| Some((id.to_owned(), kind_of(id, &appearances)?)))
            .collect()
    }

    /// Every fact with a customer as initiator, author or participant. Of starts, only the first folded: a later one
    /// changes nothing.
    fn appearances(&self) -> Vec<Appearance<'_>> {
        let mut appearances = Vec::new();
        if let Some(start) = self.start() {
            appearances.push((start.at, start.initiator, true));
        }
        for message in self.messages() {
            appearances.push((message.at, message.author, true));
        }
        for folded in &self.folded {
            let at = folded.fact.occurred_at;
            match &folded.fact.payload {
                OwnedPayload::ParticipantJoined { participant } => {
                    appearances.push((at, participant, true));
                }
                OwnedPayload::ParticipantLeft { participant } => {
                    appearances.push((at, participant, false));
                }
                _ => {}
            }
        }
        appearances
            .into_iter()
            .filter(|(_, actor, _)| actor.kind.is_customer())
            .map(|(at, actor, included)| Appearance {
                at,
                id: &actor.id,
                kind: actor.kind,
                included,
            })
            .collect()
    }
}

/// A person's kind is that of the fact with the latest time; of the same millisecond, `user` wins.
fn kind_of(id: &str, appearances: &[Appearance<'_>]) -> Option<ActorKind> {
    appearances
        .iter()
        .filter(|each| each.id == id)
        .max_by_key(|each| (each.at, each.kind == ActorKind::User))
        .map(|decisive| decisive.kind)
}

fn by_customer(message: &Message<'_>) -> bool {
    message.author.kind.is_customer()
}

fn by_teammate(message: &Message<'_>) -> bool {
    message.author.kind == ActorKind::Teammate
}
