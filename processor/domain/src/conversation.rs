//! A conversation's state and the fold. State and answers go in log order; what a decision measures does not depend on it
//! (see `registers`).

use afterword_schemas::records::{
    Actor, ActorKind, Channel, ConversationEvent, EligibilityDecided, Format, Origin, Output,
    OwnedActor, Payload, RatingRequested, Timestamp, Visibility,
};

use crate::defect::Defect;
use crate::effects::{Effects, Note};
use crate::eligibility::{Close, Rules};
use crate::rating::{Answer, Answering, Request, request_id};
use crate::registers::{Counting, Presence, Registers};
use crate::remembered::{Remembered, Remembering};
use crate::settings::SettingsTable;
use crate::text;

/// All that the fold knows of one conversation; it is known by its workspace and its id together, which every fact carries
/// and the state does not. The default is a conversation of which nothing was seen.
#[derive(Default, Clone, PartialEq, Debug)]
pub struct Conversation {
    pub(crate) start: Option<Start>,
    pub(crate) status: Status,
    pub(crate) registers: Registers,
    pub(crate) request: Option<Box<Request>>,
    pub(crate) remembered: Remembered,
}

/// The first start folded; a later one changes nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Start {
    pub(crate) origin: Origin,
    pub(crate) channel: Channel,
}

/// Rules, "State".
#[derive(Default, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Status {
    /// Also before anything was seen.
    #[default]
    Open,
    Snoozed,
    /// `at` is the time of the close that closed it.
    Closed {
        at: Timestamp,
    },
    /// Final. Of the rest no more is kept than that a request was sent and which answers were seen.
    Deleted {
        asked: bool,
    },
}

/// Folds one fact into its conversation; outputs and notes are added to `effects`.
///
/// `settings` are those known so far, of which the ones in force at a close judge it; a version that becomes known after
/// a decision never alters it. The thresholds must be the same through a conversation's life, since counting stops
/// at them: to judge by others, fold its facts again.
pub fn fold(
    conversation: &mut Conversation,
    fact: &ConversationEvent<'_>,
    rules: &Rules,
    settings: &SettingsTable,
    effects: &mut Effects,
) {
    Folding {
        fact,
        rules,
        settings,
        effects,
    }
    .fold(conversation);
}

struct Folding<'a, 'f> {
    fact: &'a ConversationEvent<'f>,
    rules: &'a Rules,
    settings: &'a SettingsTable,
    effects: &'a mut Effects,
}

impl Folding<'_, '_> {
    /// What is passed over comes first, then what is repeated, then what the fact does.
    fn fold(mut self, conversation: &mut Conversation) {
        let is_answer = matches!(
            self.fact.payload,
            Payload::ReactionSelected { .. } | Payload::CommentLeft { .. }
        );
        if conversation.is_deleted() && !is_answer {
            self.effects.notes.push(Note::PassedOverAfterDeletion);
            return;
        }
        if is_remembered(&self.fact.payload)
            && self.is_repeated(conversation)
            && !Defect::RepetitionCounts.is_on()
        {
            return;
        }
        self.apply(conversation);
    }

    /// What each kind of fact does.
    fn apply(&mut self, conversation: &mut Conversation) {
        let at = self.fact.occurred_at;
        match self.fact.payload {
            Payload::ConversationStarted {
                origin,
                initiator,
                channel,
            } => {
                self.started(conversation, Start { origin, channel }, initiator);
            }
            Payload::MessageAdded {
                author,
                text,
                format,
                visibility,
            } => {
                if visibility == Visibility::Public {
                    self.message(conversation, author, text, format);
                }
            }
            Payload::ParticipantJoined { participant } => {
                conversation
                    .registers
                    .note_person(participant, Presence::Included, at);
            }
            Payload::ParticipantLeft { participant } => {
                conversation
                    .registers
                    .note_person(participant, Presence::Gone, at);
            }
            Payload::ConversationClosed { by } => self.closed(conversation, by),
            Payload::ConversationSnoozed { .. } => conversation.status = Status::Snoozed,
            Payload::ConversationReopened { .. } => conversation.reopen(),
            Payload::ConversationDeleted { .. } => conversation.delete(),
            Payload::ReactionSelected {
                request_id,
                customer_id,
                reaction,
            } => {
                self.answered(
                    conversation,
                    request_id,
                    customer_id,
                    Answer::Reaction(reaction),
                );
            }
            Payload::CommentLeft {
                request_id,
                customer_id,
                text,
            } => {
                self.answered(
                    conversation,
                    request_id,
                    customer_id,
                    Answer::Comment(text::comment(text)),
                );
            }
        }
    }

    fn is_repeated(&mut self, conversation: &mut Conversation) -> bool {
        match conversation.remembered.remember(self.fact.event_id) {
            Remembering::Repeated => {
                self.effects.notes.push(Note::Repeated);
                return true;
            }
            Remembering::FirstForgotten => self.effects.notes.push(Note::RememberedIdsOverflowed),
            Remembering::New => {}
        }
        false
    }

    /// The first start folded decides; a later one changes nothing, its initiator neither, and is counted.
    fn started(&mut self, conversation: &mut Conversation, start: Start, initiator: Actor<'_>) {
        if conversation.start.is_some() {
            self.effects.notes.push(Note::LaterStart);
            return;
        }
        conversation.start = Some(start);
        conversation
            .registers
            .note_person(initiator, Presence::Included, self.fact.occurred_at);
    }

    /// A public message. By a bot or a system it does nothing; by a customer it reopens a conversation closed before it.
    fn message(
        &mut self,
        conversation: &mut Conversation,
        author: Actor<'_>,
        text: &str,
        format: Format,
    ) {
        let is_teammate = author.kind == ActorKind::Teammate;
        if !is_teammate && !author.kind.is_customer() {
            return;
        }
        let registers = &mut conversation.registers;
        registers.note_message(author, self.fact.occurred_at);
        let at_most = self.rules.count_at_most();
        if registers
            .characters
            .add(self.fact.event_id, text, format, at_most)
            == Counting::Repeated
        {
            self.effects.notes.push(Note::Repeated);
        }
        conversation.reopen_if_customer_wrote_later();
    }

    /// A close of an open or snoozed conversation is decided; one of a closed conversation is no transition.
    fn closed(&mut self, conversation: &mut Conversation, by: Actor<'_>) {
        if let Status::Closed { .. } = conversation.status {
            return;
        }
        let fact = self.fact;
        let close = Close {
            by: by.kind,
            at: fact.occurred_at,
            start: conversation.start,
            registers: &conversation.registers,
            already_requested: conversation.request.is_some()
                && !Defect::AskedAgainAfterReopening.is_on(),
            settings: self.settings.in_force(fact.workspace_id, fact.occurred_at),
            rules: self.rules,
        };
        let mut decision = close.decide(fact.workspace_id, fact.conversation_id);
        let request = conversation.request_for(&decision);
        decision.requested = request.is_some();
        decision.request_id = request
            .as_ref()
            .map(|_| request_id(fact.workspace_id, fact.conversation_id));
        let requested = request.as_ref().zip(decision.request_id.clone());
        let requested = requested.map(|(request, id)| rating_requested(id, request, &decision));
        self.effects
            .outputs
            .push(Output::EligibilityDecided(decision));
        self.effects
            .outputs
            .extend(requested.map(Output::RatingRequested));
        if let Some(request) = request {
            conversation.request = Some(Box::new(request));
        }
        conversation.status = Status::Closed {
            at: fact.occurred_at,
        };
        if !Defect::EarlyFoldedMessageDoesNotReopen.is_on() {
            conversation.reopen_if_customer_wrote_later();
        }
    }

    fn answered(
        &mut self,
        conversation: &mut Conversation,
        request_id: &str,
        customer_id: &str,
        answer: Answer<'_>,
    ) {
        let answering = Answering {
            fact: self.fact,
            request_id,
            customer_id,
            answer,
            deleted: conversation.is_deleted(),
            asked: conversation.is_asked(),
        };
        let output = answering.apply(conversation.request.as_deref_mut());
        self.effects.outputs.extend(output);
    }
}

/// Whether a repetition of such a fact would do harm, so that its id is remembered. Those of messages are too, in the sum of
/// characters; the others are harmless.
fn is_remembered(payload: &Payload<'_>) -> bool {
    match payload {
        Payload::ConversationClosed { .. }
        | Payload::ConversationSnoozed { .. }
        | Payload::ConversationReopened { .. }
        | Payload::ReactionSelected { .. }
        | Payload::CommentLeft { .. } => true,
        Payload::ConversationStarted { .. }
        | Payload::MessageAdded { .. }
        | Payload::ParticipantJoined { .. }
        | Payload::ParticipantLeft { .. }
        | Payload::ConversationDeleted { .. } => false,
    }
}

impl Conversation {
    fn is_deleted(&self) -> bool {
        matches!(self.status, Status::Deleted { .. })
    }

    /// Whether a request was ever sent.
    fn is_asked(&self) -> bool {
        self.request.is_some() || self.status == Status::Deleted { asked: true }
    }

    /// A reopening. Only of a closed conversation does it mark ratings given from then on: the end of a snooze is none.
    fn reopen(&mut self) {
        if let Status::Closed { .. } = self.status
            && let Some(request) = &mut self.request
        {
            request.after_reopen = true;
        }
        self.status = Status::Open;
    }

    /// A customer's message reopens a closed conversation when its time is later than that of the close that closed it, also
    /// when it was folded before that close.
    fn reopen_if_customer_wrote_later(&mut self) {
        if let Status::Closed { at } = self.status
            && self
                .registers
                .last_customer_message()
                .is_some_and(|message| message > at)
        {
            self.reopen();
        }
    }

    /// Deleted is final. What was said and by whom is forgotten.
    fn delete(&mut self) {
        let asked = self.request.is_some();
        let remembered = std::mem::take(&mut self.remembered);
        *self = Conversation {
            status: Status::Deleted { asked },
            remembered,
            ..Conversation::default()
        };
    }

    /// The request that a decision sends, if nothing failed: for the only included customer, about the last teammate.
    fn request_for(&self, decision: &EligibilityDecided) -> Option<Request> {
        if !decision.failed.is_empty() {
            return None;
        }
        let customer = self.registers.included().next()?;
        Some(Request {
            customer: OwnedActor {
                kind: customer.kind(),
                id: customer.id.to_string(),
            },
            teammate_id: decision.teammate_id.as_deref()?.into(),
            channel: self.start?.channel,
            requested_at: decision.decided_at,
            after_reopen: false,
            rating: None,
        })
    }
}

fn rating_requested(
    request_id: String,
    request: &Request,
    decision: &EligibilityDecided,
) -> RatingRequested {
    RatingRequested {
        request_id,
        workspace_id: decision.workspace_id.clone(),
        conversation_id: decision.conversation_id.clone(),
        customer: request.customer.clone(),
        teammate_id: request.teammate_id.to_string(),
        channel: request.channel,
        requested_at: request.requested_at,
        settings_version: decision.settings_version,
    }
}
