//! Folding facts: of one conversation, and of many.

use afterword_schemas::records::{Output, Thresholds, WorkspaceSettings};

use super::answer::{Answer, Said, answer};
use super::decision::{Close, decide};
use super::fact::{OwnedFact, OwnedPayload, is_answer};
use super::history::{History, REMEMBERED, State};
use super::settings::{learn, settings_in_force};

/// What came of folding one fact.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Folding {
    pub outputs: Vec<Output>,
    pub notes: Vec<Note>,
}

/// What happened beside the outputs; for statistics, no part of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Note {
    /// The event id is remembered: nothing happened.
    Repeat,
    /// Not the first start, and another event than the first: nothing happened.
    LaterStart,
    /// Passed over: the conversation was deleted before.
    AfterDeletion,
    /// A close of a closed conversation.
    CloseOfClosed,
    /// Closed, decided, and reopened at once by a customer's message folded before.
    ReopenedAtOnce,
    /// A customer's message reopened it.
    ReopenedByMessage,
    /// There are now more than 1,024 facts whose ids are to be remembered.
    MoreThanRemembered,
}

/// One conversation, known by everything it has seen.
#[derive(Clone, Debug)]
pub struct NaiveConversation {
    thresholds: Thresholds,
    history: History,
}

impl NaiveConversation {
    #[must_use]
    pub fn new(thresholds: Thresholds) -> Self {
        NaiveConversation {
            thresholds,
            history: History::default(),
        }
    }

    /// Everything that was folded.
    #[must_use]
    pub fn history(&self) -> &History {
        &self.history
    }

    /// Folds the next fact of this conversation in log order. `known` are the versions of settings known by now, of
    /// this workspace and maybe of others.
    pub fn fold(&mut self, fact: &OwnedFact, known: &[WorkspaceSettings]) -> Folding {
        if self.history.has_remembered(fact) {
            return noted(Note::Repeat);
        }
        // Later facts are passed over and counted, nothing is decided any more, and an answer is refused.
        if self.history.is_deleted() && !is_answer(fact) {
            return noted(Note::AfterDeletion);
        }
        // The first start folded decides; a later one changes nothing and is counted.
        if let (OwnedPayload::ConversationStarted { .. }, Some(first)) =
            (&fact.payload, self.history.start())
        {
            return noted(if first.event_id == fact.event_id {
                Note::Repeat
            } else {
                Note::LaterStart
            });
        }
        let before = self.history.state();
        self.history.push(fact);
        let outputs = self.outputs_of(fact, before, known);
        if let Some(folded) = self.history.folded.last_mut() {
            folded.outputs.clone_from(&outputs);
        }
        Folding {
            outputs,
            notes: self.notes_of(fact, before),
        }
    }

    /// What a fact that was just added to the history gives.
    fn outputs_of(
        &self,
        fact: &OwnedFact,
        before: State,
        known: &[WorkspaceSettings],
    ) -> Vec<Output> {
        match &fact.payload {
            // The question is asked each time a conversation becomes closed.
            OwnedPayload::ConversationClosed { by } if !matches!(before, State::Closed { .. }) => {
                let close = Close {
                    workspace_id: &fact.workspace_id,
                    conversation_id: &fact.conversation_id,
                    at: fact.occurred_at,
                    by: by.kind,
                };
                let settings = settings_in_force(known, &fact.workspace_id, fact.occurred_at);
                decide(close, &self.history, &settings, self.thresholds)
            }
            OwnedPayload::ReactionSelected {
                request_id,
                customer_id,
                reaction,
            } => self.answer(fact, request_id, customer_id, Said::Reaction(*reaction)),
            OwnedPayload::CommentLeft {
                request_id,
                customer_id,
                text,
            } => self.answer(fact, request_id, customer_id, Said::Comment(text)),
            _ => Vec::new(),
        }
    }

    fn answer(
        &self,
        fact: &OwnedFact,
        request_id: &str,
        customer_id: &str,
        said: Said<'_>,
    ) -> Vec<Output> {
        let given = Answer {
            workspace_id: &fact.workspace_id,
            conversation_id: &fact.conversation_id,
            event_id: &fact.event_id,
            at: fact.occurred_at,
            request_id,
            customer_id,
            said,
        };
        answer(given, &self.history)
    }

    fn notes_of(&self, fact: &OwnedFact, before: State) -> Vec<Note> {
        let after = self.history.state();
        let was_closed = matches!(before, State::Closed { .. });
        let mut notes = Vec::new();
        match &fact.payload {
            OwnedPayload::ConversationClosed { .. } if was_closed => {
                notes.push(Note::CloseOfClosed);
            }
            OwnedPayload::ConversationClosed { .. } if after == State::Open => {
                notes.push(Note::ReopenedAtOnce);
            }
            OwnedPayload::MessageAdded { .. } if was_closed && after == State::Open => {
                notes.push(Note::ReopenedByMessage);
            }
            _ => {}
        }
        if self.history.to_be_remembered().len() > REMEMBERED {
            notes.push(Note::MoreThanRemembered);
        }
        notes
    }
}

fn noted(note: Note) -> Folding {
    Folding {
        outputs: Vec::new(),
        notes: vec![note],
    }
}

/// Many conversations, and the settings known so far.
#[derive(Clone, Debug)]
pub struct NaiveFold {
    thresholds: Thresholds,
    known: Vec<WorkspaceSettings>,
    /// With workspace and conversation id: a conversation is known by both together.
    conversations: Vec<(String, String, NaiveConversation)>,
}

impl NaiveFold {
    #[must_use]
    pub fn new(thresholds: Thresholds) -> Self {
        NaiveFold {
            thresholds,
            known: Vec::new(),
            conversations: Vec::new(),
        }
    }

    /// A version of settings becomes known. False when it is refused: the version is known and differs.
    pub fn learn(&mut self, settings: &WorkspaceSettings) -> bool {
        learn(&mut self.known, settings)
    }

    /// The next fact in log order.
    pub fn fold(&mut self, fact: &OwnedFact) -> Folding {
        let known = self.known.clone();
        self.fold_knowing(fact, &known)
    }

    /// The next fact in log order, with these settings known and no others.
    pub fn fold_knowing(&mut self, fact: &OwnedFact, known: &[WorkspaceSettings]) -> Folding {
        let found = self.conversations.iter().position(|(workspace, id, _)| {
            *workspace == fact.workspace_id && *id == fact.conversation_id
        });
        let index = found.unwrap_or_else(|| {
            self.conversations.push((
                fact.workspace_id.clone(),
                fact.conversation_id.clone(),
                NaiveConversation::new(self.thresholds),
            ));
            self.conversations.len() - 1
        });
        self.conversations[index].2.fold(fact, known)
    }

    /// A conversation that has seen a fact.
    #[must_use]
    pub fn conversation(&self, workspace_id: &str, id: &str) -> Option<&NaiveConversation> {
        self.conversations
            .iter()
            .find(|(workspace, each, _)| workspace == workspace_id && each == id)
            .map(|(_, _, conversation)| conversation)
    }

    /// All versions of settings known so far.
    #[must_use]
    pub fn known(&self) -> &[WorkspaceSettings] {
        &self.known
    }
}
