//! What becomes of each record and each state of the log.

use afterword_domain::{Erasure, asked_customer, request_id};
use afterword_engine::dead;
use afterword_log::{LogError, Partition, Record, RecordRef, Rewriter, Topic, put_varint};
use afterword_schemas::records::{
    ActorKind, ConversationEvent, Format, Output, OwnedActor, OwnedEvent, OwnedPayload, Payload,
    Timestamp, Visibility,
};
use afterword_schemas::{
    DecodeError, Decoded, Framing, Record as AvroRecord, RecordKind, SchemaStore, Schemas, encode,
};

use super::PSEUDONYM;
use super::search::Pieces;
use super::values::{decode_output, decode_state, says};
use crate::registry;

/// How much was changed, or would be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Tally {
    pub facts: u64,
    pub messages: u64,
    pub comments: u64,
    pub requests: u64,
    pub submissions: u64,
    /// Facts that cannot be read by this build, and dead letters.
    pub unreadable: u64,
    pub states: u64,
}

/// Who says nothing.
const NOBODY: &str = "erased";

/// Takes one customer out of a log.
pub struct Eraser<'a> {
    pub erasure: Erasure,
    workspace_id: &'a str,
    customer_id: &'a str,
    schemas: &'a Schemas,
    pub tally: Tally,
    /// Texts that go.
    pub pieces: Pieces,
    /// Requests that went to the customer.
    pub asked: Vec<String>,
}

/// A value that is to be another.
enum Other {
    Value(Vec<u8>),
    /// One that cannot be read, and cannot be read after it either, with what is then said of it.
    Blank(DecodeError),
}

impl<'a> Eraser<'a> {
    pub fn new(
        erasure: Erasure,
        (workspace_id, customer_id): (&'a str, &'a str),
        schemas: &'a Schemas,
    ) -> Eraser<'a> {
        Eraser {
            erasure,
            workspace_id,
            customer_id,
            schemas,
            tally: Tally::default(),
            pieces: Pieces::default(),
            asked: Vec::new(),
        }
    }

    /// The same for looking through what was written: what it would change still is not erased.
    pub fn afresh(&self) -> Eraser<'a> {
        let who = (self.workspace_id, self.customer_id);
        Eraser::new(self.erasure.afresh(), who, self.schemas)
    }

    /// Notes the conversation of a record that says that the customer takes part in it; says whether it names them at all.
    ///
    /// # Errors
    /// When a schema must be asked for and cannot be.
    pub fn find(&mut self, topic: Topic, record: &RecordRef<'_>) -> Result<bool, LogError> {
        let Some(value) = record.value else {
            return Ok(false);
        };
        let store = self.store(value)?;
        if topic == Topic::ConversationEvents {
            let Ok(Decoded::Fact(fact)) = store.decode_fact(value) else {
                return Ok(false);
            };
            let takes_part = self.erasure.takes_part(&fact);
            if takes_part {
                self.erasure.note(fact.conversation_id);
            }
            return Ok(takes_part || self.erasure.answers(&fact));
        }
        let Some(output) = decode_output(&store, topic, value) else {
            return Ok(false);
        };
        let was_asked = self.erasure.was_asked(&output);
        match &output {
            Output::RatingRequested(requested) if was_asked => {
                self.erasure.note(&requested.conversation_id);
            }
            Output::RatingSubmitted(submitted) => {
                let conversation_id = &submitted.conversation_id;
                if was_asked {
                    self.erasure.note(conversation_id);
                }
                // What was taken is the one that gets no number.
                if let Some(comment) = &submitted.comment
                    && self
                        .erasure
                        .concerns(&submitted.workspace_id, conversation_id)
                {
                    self.erasure.comment(conversation_id, comment);
                }
            }
            _ => {}
        }
        Ok(was_asked)
    }

    /// The same of a state.
    ///
    /// # Errors
    /// [`LogError::Stop`] when it cannot be read.
    pub fn find_state(&mut self, key: &[u8], value: &[u8]) -> Result<bool, LogError> {
        let Some(conversation_id) = self.own(key) else {
            return Ok(false);
        };
        let (_, conversation) = decode_state(key, value)?;
        let is_named = self.erasure.is_named_in(&conversation);
        if is_named {
            self.erasure.note(conversation_id);
        }
        Ok(is_named)
    }

    /// What the customer is called in the state of a conversation in which they were asked, when they were erased in it before.
    ///
    /// # Errors
    /// [`LogError::Stop`] when it cannot be read.
    pub fn former(&self, key: &[u8], value: &[u8]) -> Result<Option<String>, LogError> {
        let Some(conversation_id) = self.own(key) else {
            return Ok(None);
        };
        let request_id = request_id(self.workspace_id, conversation_id);
        if !self.asked.contains(&request_id) {
            return Ok(None);
        }
        let (_, conversation) = decode_state(key, value)?;
        let asked = asked_customer(&conversation).filter(|id| id.starts_with(PSEUDONYM));
        Ok(asked.map(str::to_owned))
    }

    /// The conversation of a state of the customer's workspace.
    fn own<'k>(&self, key: &'k [u8]) -> Option<&'k str> {
        let id = key.strip_prefix(self.workspace_id.as_bytes())?;
        std::str::from_utf8(id.strip_prefix(&[0])?).ok()
    }

    fn store(&self, value: &[u8]) -> Result<std::sync::Arc<SchemaStore>, LogError> {
        self.schemas.for_values([value]).map_err(registry::waiting)
    }

    /// The bytes of a record in the framing of the value in whose place it is put.
    fn encoded(
        &self,
        record: &impl AvroRecord,
        kind: RecordKind,
        before: &[u8],
    ) -> Result<Vec<u8>, LogError> {
        let framing = match before.first() {
            Some(0) => self.schemas.framing(kind).map_err(registry::waiting)?,
            _ => Framing::SingleObject,
        };
        let mut value = Vec::new();
        encode(record, framing, &mut value);
        Ok(value)
    }

    /// What is to stand in place of the value of a fact, or of what should have been one.
    fn fact(&mut self, record: &RecordRef<'_>) -> Result<Option<Other>, LogError> {
        let Some(value) = record.value else {
            return Ok(None);
        };
        let store = self.store(value)?;
        match store.decode_fact(value) {
            Ok(Decoded::Fact(fact)) => {
                let Some(erased) = self.erasure.fact(&fact) else {
                    return Ok(None);
                };
                self.count(&fact, &erased);
                let kind = RecordKind::ConversationEvent;
                let value = self.encoded(&erased.as_event(), kind, value)?;
                Ok(Some(Other::Value(value)))
            }
            Ok(Decoded::PassedOver(_)) if self.is_theirs(record) => {
                let other = self.nothing_said(record)?;
                self.tally.unreadable += u64::from(other.is_some());
                Ok(other)
            }
            Err(_) if self.is_theirs(record) && !value.is_empty() => {
                self.tally.unreadable += 1;
                Ok(store.decode_fact(&[]).err().map(Other::Blank))
            }
            _ => Ok(None),
        }
    }

    fn count(&mut self, fact: &ConversationEvent<'_>, erased: &OwnedEvent) {
        self.tally.facts += 1;
        match (&fact.payload, &erased.payload) {
            (Payload::MessageAdded { text: was, .. }, OwnedPayload::MessageAdded { text, .. })
                if was != text =>
            {
                self.tally.messages += 1;
                self.pieces.add_text(was);
            }
            (Payload::CommentLeft { text: was, .. }, OwnedPayload::CommentLeft { text, .. })
                if was != text =>
            {
                self.tally.comments += 1;
                self.pieces.add_text(was.trim());
            }
            _ => {}
        }
    }

    /// Whether a record that cannot be read as a fact is of a conversation of theirs, or names them and their workspace.
    fn is_theirs(&self, record: &RecordRef<'_>) -> bool {
        let key = record.key.and_then(|key| std::str::from_utf8(key).ok());
        let value = record.value.unwrap_or_default();
        key.is_some_and(|key| self.erasure.concerns(self.workspace_id, key))
            || (says(value, self.customer_id) && says(value, self.workspace_id))
    }

    /// In place of a fact that this build passes over: one that does nothing at all, an internal note without a text. `None` where
    /// the record's key can be no conversation's: the note would be a dead letter.
    fn nothing_said(&self, record: &RecordRef<'_>) -> Result<Option<Other>, LogError> {
        let key = record.key.and_then(|key| std::str::from_utf8(key).ok());
        let author = OwnedActor {
            kind: ActorKind::System,
            id: NOBODY.to_owned(),
        };
        let note = OwnedEvent {
            event_id: NOBODY.to_owned(),
            workspace_id: self.workspace_id.to_owned(),
            conversation_id: key.unwrap_or_default().to_owned(),
            occurred_at: Timestamp(record.timestamp_ms),
            payload: OwnedPayload::MessageAdded {
                author,
                text: String::new(),
                format: Format::Plain,
                visibility: Visibility::Internal,
            },
        };
        let before = record.value.unwrap_or_default();
        let value = self.encoded(&note.as_event(), RecordKind::ConversationEvent, before)?;
        let is_readable = self.store(&value)?.decode_fact(&value).is_ok();
        Ok(is_readable.then_some(Other::Value(value)))
    }

    fn output(
        &mut self,
        topic: Topic,
        record: &RecordRef<'_>,
    ) -> Result<Option<Vec<u8>>, LogError> {
        let Some(value) = record.value else {
            return Ok(None);
        };
        let output = decode_output(&*self.store(value)?, topic, value);
        let Some(output) = output else {
            return Ok(None);
        };
        let is_asked = self.erasure.was_asked(&output);
        let Some(erased) = self.erasure.output(&output) else {
            return Ok(None);
        };
        match &erased {
            Output::RatingRequested(requested) => {
                self.tally.requests += 1;
                self.asked.push(requested.request_id.clone());
            }
            Output::RatingSubmitted(submitted) => {
                self.tally.submissions += 1;
                self.asked
                    .extend(is_asked.then(|| submitted.request_id.clone()));
            }
            _ => {}
        }
        self.encoded(&erased, erased.record_kind(), value).map(Some)
    }

    /// A dead letter is a fact's record with more headers; what becomes of that becomes of it.
    fn letter(&mut self, record: &RecordRef<'_>) -> Result<Option<Record>, LogError> {
        let source = record.header(dead::TOPIC);
        if source != Some(Topic::ConversationEvents.name().as_bytes()) {
            return Ok(None);
        }
        let before = self.tally;
        let Some(other) = self.fact(record)? else {
            return Ok(None);
        };
        self.tally = Tally {
            unreadable: before.unreadable + 1,
            ..before
        };
        let mut letter = record.to_record();
        let class_and_error = match other {
            Other::Value(value) => {
                letter.value = Some(value);
                let error = record.header(dead::ERROR).unwrap_or_default();
                let tells = says(error, self.customer_id);
                [None, tells.then(|| "(erased)".to_owned())]
            }
            Other::Blank(error) => {
                letter.value = Some(Vec::new());
                [Some(error.class().to_owned()), Some(error.to_string())]
            }
        };
        for (name, text) in [dead::CLASS, dead::ERROR].into_iter().zip(class_and_error) {
            let mut headers = letter.headers.iter_mut().rev();
            if let (Some(text), Some(header)) = (text, headers.find(|(found, _)| found == name)) {
                header.1 = Some(text.into_bytes());
            }
        }
        Ok(Some(letter))
    }
}

impl Rewriter for Eraser<'_> {
    fn record(
        &mut self,
        topic: Topic,
        _: Partition,
        record: &RecordRef<'_>,
    ) -> Result<Option<Record>, LogError> {
        let value = match topic {
            Topic::ConversationEvents => self.fact(record)?.map(|other| match other {
                Other::Value(value) => value,
                Other::Blank(_) => Vec::new(),
            }),
            Topic::RatingRequested | Topic::RatingSubmitted => self.output(topic, record)?,
            Topic::DeadLetters => return self.letter(record),
            // They name no customer and have no text of one.
            Topic::WorkspaceSettings
            | Topic::EligibilityDecided
            | Topic::AnswerRefused
            | Topic::TeammateScorecards => None,
        };
        Ok(value.map(|value| Record {
            value: Some(value),
            ..record.to_record()
        }))
    }

    fn state(&mut self, key: &[u8], value: &[u8]) -> Result<Option<Vec<u8>>, LogError> {
        let own = self.own(key);
        let Some(conversation_id) = own.filter(|id| self.erasure.concerns(self.workspace_id, id))
        else {
            return Ok(None);
        };
        let (applied, mut conversation) = decode_state(key, value)?;
        self.erasure.state(conversation_id, &mut conversation);
        let mut erased = Vec::with_capacity(value.len());
        put_varint(&mut erased, applied);
        conversation.encode(&mut erased);
        self.tally.states += u64::from(erased != value);
        Ok((erased != value).then_some(erased))
    }
}
