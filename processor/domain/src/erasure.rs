//! Taking one customer out of what was said, such that nothing is decided otherwise: the customer gets a pseudonym, texts become
//! others that count the same, and comments others that are equal exactly where they were.
//!
//! All texts of a conversation go in which the customer takes part, whoever wrote them: others name and quote them.

use std::collections::{BTreeMap, BTreeSet};

use afterword_schemas::records::{
    ConversationEvent, Format, Output, OwnedActor, OwnedEvent, OwnedPayload, Payload,
};

use crate::conversation::Conversation;
use crate::rating::{MAX_COMMENT_CHARACTERS, digest};
use crate::text;

/// What stands in place of a text.
const ERASED: &str = "(erased)";
/// Fills a text up to its length: one character in plain text and in HTML.
const FILL: &str = "x";

/// One customer of one workspace who is to be forgotten.
#[derive(Clone, Debug)]
pub struct Erasure {
    workspace_id: String,
    customer_id: String,
    pseudonym: String,
    conversations: BTreeSet<String>,
    /// Of each conversation the comments that were seen, by their digests, and the number in what replaces them, from 0.
    comments: BTreeMap<String, BTreeMap<u128, usize>>,
}

/// A text of the same length as the rules count it, that says nothing.
#[must_use]
pub fn erased_text(text: &str, format: Format) -> String {
    let count = text::characters(text, format, u32::MAX);
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    match count.checked_sub(ERASED.len()) {
        Some(more) => format!("{ERASED}{}", FILL.repeat(more)),
        None => FILL.repeat(count),
    }
}

fn erased_comment(number: usize) -> String {
    match number {
        0 => ERASED.to_owned(),
        number => format!("(erased {})", number.saturating_add(1)),
    }
}

/// The numbers of comments, by their digests.
fn numbers(seen: &BTreeMap<u128, usize>) -> impl Iterator<Item = usize> {
    seen.values().copied()
}

/// The digests of what stands in place of a comment: one that could be kept, and one that was too long.
fn erased_digests(number: usize) -> [u128; 2] {
    let erased = erased_comment(number);
    [digest(&too_long(erased.clone())), digest(&erased)]
}

/// The id of the customer who was asked in this conversation.
#[must_use]
pub fn asked_customer(conversation: &Conversation) -> Option<&str> {
    let request = conversation.request.as_deref()?;
    Some(&request.customer.id)
}

/// Longer than a comment may be.
fn too_long(mut comment: String) -> String {
    let longest = MAX_COMMENT_CHARACTERS.saturating_add(1);
    let missing = longest.saturating_sub(text::plain(&comment, longest));
    comment.push_str(&FILL.repeat(usize::try_from(missing).unwrap_or_default()));
    comment
}

impl Erasure {
    /// Of this customer, who is called so from now on. The pseudonym is an id that nobody has.
    #[must_use]
    pub fn new(workspace_id: &str, customer_id: &str, pseudonym: &str) -> Erasure {
        Erasure {
            workspace_id: workspace_id.to_owned(),
            customer_id: customer_id.to_owned(),
            pseudonym: pseudonym.to_owned(),
            conversations: BTreeSet::new(),
            comments: BTreeMap::new(),
        }
    }

    /// For looking through what was erased: of that it changes nothing.
    #[must_use]
    pub fn afresh(&self) -> Erasure {
        let mut afresh = self.clone();
        afresh.recognise();
        for seen in afresh.comments.values_mut() {
            let erased: Vec<u128> = numbers(seen).flat_map(erased_digests).collect();
            seen.retain(|digest, _| erased.contains(digest));
        }
        afresh
    }

    /// What stands in place of the comments that were seen stays as it is, where an erasure before this one has put it.
    pub fn recognise(&mut self) {
        for seen in self.comments.values_mut() {
            for number in numbers(seen).collect::<Vec<_>>() {
                for digest in erased_digests(number) {
                    seen.entry(digest).or_insert(number);
                }
            }
        }
    }

    /// What the customer is called from now on.
    #[must_use]
    pub fn pseudonym(&self) -> &str {
        &self.pseudonym
    }

    /// Calls the customer so from now on: where a part was erased before, the rest is to say the same.
    pub fn call(&mut self, pseudonym: &str) {
        pseudonym.clone_into(&mut self.pseudonym);
    }

    /// The conversations in which the customer takes part, as far as they were noted.
    #[must_use]
    pub fn conversations(&self) -> &BTreeSet<String> {
        &self.conversations
    }

    /// Says that the customer takes part in this conversation of their workspace.
    pub fn note(&mut self, conversation_id: &str) {
        if !self.conversations.contains(conversation_id) {
            self.conversations.insert(conversation_id.to_owned());
        }
    }

    /// Whether the customer takes part in this conversation, as far as was noted.
    #[must_use]
    pub fn concerns(&self, workspace_id: &str, conversation_id: &str) -> bool {
        workspace_id == self.workspace_id && self.conversations.contains(conversation_id)
    }

    /// Whether a fact says that the customer takes part in its conversation. An answer does not: anybody may name anybody in one.
    #[must_use]
    pub fn takes_part(&self, fact: &ConversationEvent<'_>) -> bool {
        let actor = match fact.payload {
            Payload::ConversationStarted { initiator, .. } => initiator,
            Payload::MessageAdded { author, .. } => author,
            Payload::ParticipantJoined { participant }
            | Payload::ParticipantLeft { participant } => participant,
            Payload::ConversationClosed { by }
            | Payload::ConversationSnoozed { by, .. }
            | Payload::ConversationReopened { by }
            | Payload::ConversationDeleted { by } => by,
            Payload::ReactionSelected { .. } | Payload::CommentLeft { .. } => return false,
        };
        fact.workspace_id == self.workspace_id
            && actor.kind.is_customer()
            && actor.id == self.customer_id
    }

    /// The fact as it is to be from now on; `None` when it stays as it is.
    pub fn fact(&mut self, fact: &ConversationEvent<'_>) -> Option<OwnedEvent> {
        let is_concerned = self.concerns(fact.workspace_id, fact.conversation_id);
        if !is_concerned && !self.answers(fact) {
            return None;
        }
        let mut erased = OwnedEvent::from(*fact);
        match &mut erased.payload {
            OwnedPayload::ConversationStarted { initiator, .. } => self.rename(initiator),
            OwnedPayload::MessageAdded {
                author,
                text,
                format,
                ..
            } => {
                self.rename(author);
                *text = erased_text(text, *format);
            }
            OwnedPayload::ParticipantJoined { participant }
            | OwnedPayload::ParticipantLeft { participant } => self.rename(participant),
            OwnedPayload::ConversationClosed { by }
            | OwnedPayload::ConversationSnoozed { by, .. }
            | OwnedPayload::ConversationReopened { by }
            | OwnedPayload::ConversationDeleted { by } => self.rename(by),
            OwnedPayload::ReactionSelected { customer_id, .. } => self.rename_id(customer_id),
            OwnedPayload::CommentLeft {
                customer_id, text, ..
            } => {
                self.rename_id(customer_id);
                *text = self.comment(fact.conversation_id, text);
            }
        }
        (erased.as_event() != *fact).then_some(erased)
    }

    /// The output as it is to be from now on; `None` when it stays as it is.
    pub fn output(&mut self, output: &Output) -> Option<Output> {
        let mut erased = output.clone();
        match &mut erased {
            Output::RatingRequested(requested) if requested.workspace_id == self.workspace_id => {
                self.rename(&mut requested.customer);
            }
            Output::RatingSubmitted(submitted)
                if self.concerns(&submitted.workspace_id, &submitted.conversation_id) =>
            {
                self.rename(&mut submitted.customer);
                if let Some(comment) = &mut submitted.comment {
                    *comment = self.comment(&submitted.conversation_id, comment);
                }
            }
            // Decisions and refusals name no customer.
            _ => return None,
        }
        (erased != *output).then_some(erased)
    }

    /// Whether an output says that the customer was asked in its conversation.
    #[must_use]
    pub fn was_asked(&self, output: &Output) -> bool {
        let (workspace_id, customer) = match output {
            Output::RatingRequested(requested) => (&requested.workspace_id, &requested.customer),
            Output::RatingSubmitted(submitted) => (&submitted.workspace_id, &submitted.customer),
            _ => return false,
        };
        *workspace_id == self.workspace_id && customer.id == self.customer_id
    }

    /// Whether a state of the customer's workspace names the customer.
    #[must_use]
    pub fn is_named_in(&self, conversation: &Conversation) -> bool {
        let mut customers = conversation.registers.customers.iter();
        let asked = conversation.request.as_deref();
        customers.any(|known| *known.id == *self.customer_id)
            || asked.is_some_and(|request| request.customer.id == self.customer_id)
    }

    /// Makes the state of a conversation that concerns the customer what folding the erased facts would give.
    pub fn state(&mut self, conversation_id: &str, conversation: &mut Conversation) {
        let customers = &mut conversation.registers.customers;
        for known in customers
            .iter_mut()
            .filter(|known| *known.id == *self.customer_id)
        {
            known.id = self.pseudonym.as_str().into();
        }
        customers.sort_by(|one, other| one.id.cmp(&other.id));
        let Some(request) = conversation.request.as_deref_mut() else {
            return;
        };
        self.rename_id(&mut request.customer.id);
        if let Some(seen) = request
            .rating
            .as_mut()
            .and_then(|rating| rating.comment_digest.as_mut())
        {
            *seen = digest(&self.numbered(conversation_id, *seen));
        }
    }

    /// What stands in place of a comment of this conversation: equal for equal ones, refused for its length where it was. The
    /// first that is asked for gets no number.
    pub fn comment(&mut self, conversation_id: &str, comment: &str) -> String {
        let kept = text::comment(comment);
        if kept.is_empty() {
            return if comment.is_empty() { "" } else { " " }.to_owned();
        }
        let erased = self.numbered(conversation_id, digest(kept));
        let is_too_long =
            text::plain(kept, MAX_COMMENT_CHARACTERS.saturating_add(1)) > MAX_COMMENT_CHARACTERS;
        if is_too_long {
            too_long(erased)
        } else {
            erased
        }
    }

    fn numbered(&mut self, conversation_id: &str, digest: u128) -> String {
        let seen = self.comments.entry(conversation_id.to_owned()).or_default();
        let next = seen.values().max().map_or(0, |last| last.saturating_add(1));
        erased_comment(*seen.entry(digest).or_insert(next))
    }

    /// Whether the fact is an answer in this customer's name.
    #[must_use]
    pub fn answers(&self, fact: &ConversationEvent<'_>) -> bool {
        let (Payload::ReactionSelected { customer_id, .. }
        | Payload::CommentLeft { customer_id, .. }) = fact.payload
        else {
            return false;
        };
        fact.workspace_id == self.workspace_id && customer_id == self.customer_id
    }

    fn rename(&self, actor: &mut OwnedActor) {
        if actor.kind.is_customer() {
            self.rename_id(&mut actor.id);
        }
    }

    fn rename_id(&self, id: &mut String) {
        if *id == self.customer_id {
            id.clone_from(&self.pseudonym);
        }
    }
}
