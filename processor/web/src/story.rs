//! A conversation's story, read from the log: its facts as folded, every decision, its request, its rating's history, what
//! was refused. From the topics and not from the report database, so that it is true also where no projector runs.
//!
//! It reads through one partition of five topics and looks only at records whose key is the conversation.

use std::collections::BTreeSet;
use std::sync::Arc;

use afterword_log::{
    Batch, INDEX_HEADER, Log, LogError, Offset, Partition, RecordRef, SOURCE_HEADER, Topic,
    partition_for,
};
use afterword_schemas::json::{self, Source};
use afterword_schemas::records::{
    AnswerRefused, ConversationEvent, EligibilityDecided, RatingRequested, RatingSubmitted,
};
use afterword_schemas::{Decoded, OwnedRecord, Record, SchemaStore, Schemas};

/// Bytes of the log read at once.
const READ_BYTES: usize = 4 << 20;

/// Where an output came from: its fact's place, and its own place among the fact's outputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    pub topic: String,
    pub partition: i32,
    pub offset: i64,
    pub index: u32,
}

/// An output and its cause.
#[derive(Clone, Debug)]
pub struct Told<R> {
    pub record: R,
    pub cause: Cause,
}

/// A fact as it lies in the log.
#[derive(Clone, Debug)]
pub struct ToldFact {
    pub partition: Partition,
    pub offset: Offset,
    value: Vec<u8>,
}

/// Everything about one conversation of one workspace, each list in log order.
#[derive(Clone, Debug, Default)]
pub struct Story {
    pub workspace_id: String,
    pub conversation_id: String,
    pub facts: Vec<ToldFact>,
    pub decisions: Vec<Told<EligibilityDecided>>,
    pub requests: Vec<Told<RatingRequested>>,
    pub submissions: Vec<Told<RatingSubmitted>>,
    pub refusals: Vec<Told<AnswerRefused>>,
    /// Records under the conversation's key that are no facts: they lie in the dead letters, or were passed over.
    pub not_facts: u64,
    /// With which the facts are decoded.
    schemas: Arc<SchemaStore>,
}

/// What a search for a conversation's id found.
#[derive(Clone, Debug)]
pub enum Found {
    Nothing,
    One(Box<Story>),
    /// Several workspaces have a conversation of this id, and none was named.
    Several(Vec<String>),
}

impl Cause {
    /// Reads the headers of an output; its own place when it has none.
    #[must_use]
    pub fn of(topic: Topic, partition: Partition, record: &RecordRef<'_>) -> Cause {
        Cause::from_headers(record).unwrap_or_else(|| Cause {
            topic: topic.name().to_owned(),
            partition: i32::try_from(partition.0).unwrap_or(i32::MAX),
            offset: i64::try_from(record.offset.0).unwrap_or(i64::MAX),
            index: 0,
        })
    }

    fn from_headers(record: &RecordRef<'_>) -> Option<Cause> {
        let text = |name| std::str::from_utf8(record.header(name)?).ok();
        let mut parts = text(SOURCE_HEADER)?.rsplitn(3, '/');
        let offset = parts.next()?.parse().ok()?;
        let partition = parts.next()?.parse().ok()?;
        let topic = parts.next()?.to_owned();
        let index = text(INDEX_HEADER)?.parse().ok()?;
        Some(Cause {
            topic,
            partition,
            offset,
            index,
        })
    }

    /// As the JSON writer wants it.
    #[must_use]
    pub fn as_source(&self) -> Source<'_> {
        Source {
            topic: &self.topic,
            partition: self.partition,
            offset: self.offset,
            index: Some(self.index),
        }
    }
}

impl ToldFact {
    fn event(&self, schemas: &SchemaStore) -> Option<ConversationEvent<'_>> {
        match schemas.decode_fact(&self.value) {
            Ok(Decoded::Fact(event)) => Some(event),
            _ => None,
        }
    }
}

/// Searches the log for a conversation, in this workspace or in any.
///
/// # Errors
/// When the log cannot be read, or a schema must be asked for and the registry cannot tell.
pub fn find(
    log: &dyn Log,
    schemas: &Schemas,
    workspace_id: Option<&str>,
    conversation_id: &str,
) -> Result<Found, LogError> {
    let mut search = Search {
        log,
        schemas,
        key: conversation_id,
        workspaces: BTreeSet::new(),
    };
    let mut story = search.facts(workspace_id)?;
    let workspace_id = match (workspace_id, search.workspaces.len()) {
        (Some(workspace_id), _) => workspace_id.to_owned(),
        (None, 0) => return Ok(Found::Nothing),
        (None, 1) => search.workspaces.pop_first().unwrap_or_default(),
        (None, _) => return Ok(Found::Several(search.workspaces.into_iter().collect())),
    };
    story.decisions = search.outputs(Topic::EligibilityDecided, |r: &EligibilityDecided| {
        r.workspace_id == workspace_id
    })?;
    story.requests = search.outputs(Topic::RatingRequested, |r: &RatingRequested| {
        r.workspace_id == workspace_id
    })?;
    story.submissions = search.outputs(Topic::RatingSubmitted, |r: &RatingSubmitted| {
        r.workspace_id == workspace_id
    })?;
    story.refusals = search.outputs(Topic::AnswerRefused, |r: &AnswerRefused| {
        r.workspace_id == workspace_id
    })?;
    story.workspace_id = workspace_id;
    story.conversation_id = conversation_id.to_owned();
    match story.is_empty() {
        true => Ok(Found::Nothing),
        false => Ok(Found::One(Box::new(story))),
    }
}

struct Search<'a> {
    log: &'a dyn Log,
    schemas: &'a Schemas,
    key: &'a str,
    workspaces: BTreeSet<String>,
}

impl Search<'_> {
    fn facts(&mut self, workspace_id: Option<&str>) -> Result<Story, LogError> {
        let mut story = Story::default();
        let mut workspaces = std::mem::take(&mut self.workspaces);
        let schemas = self.scan(Topic::ConversationEvents, |partition, store, record| {
            let value = record.value.unwrap_or_default();
            match store.decode_fact(value) {
                Ok(Decoded::Fact(event))
                    if workspace_id.is_none_or(|id| id == event.workspace_id) =>
                {
                    if !workspaces.contains(event.workspace_id) {
                        workspaces.insert(event.workspace_id.to_owned());
                    }
                    story.facts.push(ToldFact {
                        partition,
                        offset: record.offset,
                        value: value.to_vec(),
                    });
                }
                Ok(Decoded::Fact(_)) => {}
                Ok(Decoded::PassedOver(_)) | Err(_) => story.not_facts += 1,
            }
        })?;
        self.workspaces = workspaces;
        story.schemas = schemas;
        Ok(story)
    }

    fn outputs<R: OwnedRecord>(
        &self,
        topic: Topic,
        is_wanted: impl Fn(&R) -> bool,
    ) -> Result<Vec<Told<R>>, LogError> {
        let mut told = Vec::new();
        self.scan(topic, |partition, store, record| {
            let decoded = store.decode::<R>(record.value.unwrap_or_default());
            if let Some(output) = decoded.ok().filter(&is_wanted) {
                told.push(Told {
                    record: output,
                    cause: Cause::of(topic, partition, record),
                });
            }
        })?;
        Ok(told)
    }

    /// Every record of this key in the partition of the key, to what was its end at the call. Returns the schemas with which
    /// all of them can be decoded.
    fn scan(
        &self,
        topic: Topic,
        mut each: impl FnMut(Partition, &SchemaStore, &RecordRef<'_>),
    ) -> Result<Arc<SchemaStore>, LogError> {
        let partition = partition_for(self.key.as_bytes(), self.log.partitions(topic));
        let bounds = self.log.bounds(topic, partition)?;
        let (mut from, mut batch) = (bounds.start, Batch::default());
        let mut schemas = self.schemas_for(&[])?;
        while from < bounds.end {
            self.log
                .read(topic, partition, from, READ_BYTES, &mut batch)?;
            let is_of_the_key = |record: &RecordRef<'_>| record.key == Some(self.key.as_bytes());
            let records: Vec<_> = batch.iter().filter(is_of_the_key).collect();
            schemas = self.schemas_for(&records)?;
            for record in &records {
                each(partition, &schemas, record);
            }
            match batch.next() {
                Some(next) => from = next,
                None => break,
            }
        }
        Ok(schemas)
    }

    fn schemas_for(&self, records: &[RecordRef<'_>]) -> Result<Arc<SchemaStore>, LogError> {
        let values = records.iter().filter_map(|record| record.value);
        let schemas = self.schemas.for_values(values);
        schemas.map_err(|unavailable| LogError::Wait(unavailable.to_string()))
    }
}

impl Story {
    /// The facts, decoded.
    pub fn events(&self) -> impl Iterator<Item = (&ToldFact, ConversationEvent<'_>)> {
        let facts = self.facts.iter();
        facts.filter_map(|fact| Some((fact, fact.event(&self.schemas)?)))
    }

    fn is_empty(&self) -> bool {
        self.facts.is_empty()
            && self.decisions.is_empty()
            && self.submissions.is_empty()
            && self.refusals.is_empty()
    }

    /// The story as one JSON object: `facts`, `decisions`, `request`, `rating` (its submissions) and `refusals`, each
    /// record as the contract prints it.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let mut out = b"{\"workspace_id\":".to_vec();
        put_text(&mut out, &self.workspace_id);
        out.extend_from_slice(b",\"conversation_id\":");
        put_text(&mut out, &self.conversation_id);
        put_list(&mut out, "facts", &self.facts, |fact, out| {
            if let Some(event) = fact.event(&self.schemas) {
                let partition = i32::try_from(fact.partition.0).unwrap_or(i32::MAX);
                let offset = i64::try_from(fact.offset.0).unwrap_or(i64::MAX);
                let topic = Topic::ConversationEvents.name();
                let source = Source {
                    topic,
                    partition,
                    offset,
                    index: None,
                };
                json::write(&event, Some(&source), out);
            }
        });
        put_list(&mut out, "decisions", &self.decisions, write_told);
        out.extend_from_slice(b",\"request\":");
        match self.requests.first() {
            Some(request) => write_told(request, &mut out),
            None => out.extend_from_slice(b"null"),
        }
        put_list(&mut out, "rating", &self.submissions, write_told);
        put_list(&mut out, "refusals", &self.refusals, write_told);
        let not_facts = format!(",\"records_not_folded\":{}}}", self.not_facts);
        out.extend_from_slice(not_facts.as_bytes());
        out
    }
}

fn write_told<R: Record>(told: &Told<R>, out: &mut Vec<u8>) {
    json::write(&told.record, Some(&told.cause.as_source()), out);
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(serde_json::Value::from(text).to_string().as_bytes());
}

fn put_list<T>(out: &mut Vec<u8>, name: &str, items: &[T], write: impl Fn(&T, &mut Vec<u8>)) {
    out.extend_from_slice(format!(",\"{name}\":[").as_bytes());
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write(item, out);
    }
    out.push(b']');
}
