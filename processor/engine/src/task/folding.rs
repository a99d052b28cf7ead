//! From a batch of records to folded states and outputs that wait for the commit.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use afterword_domain::defect::Defect;
use afterword_domain::fold;
use afterword_log::{Batch, LogError, PartitionLog, RecordRef, Topic};
use afterword_schemas::records::{ConversationEvent, Payload};
use afterword_schemas::{DecodeError, Decoded, SchemaStore};

use super::{Task, gone, wait};
use crate::key::write_key;
use crate::outputs::{Source, dead_letter, output_record};

/// The class of what names a schema that nobody knows.
const UNKNOWN_SCHEMA: &str = "unknown_schema";

/// A record of a batch after decoding.
enum Work<'a> {
    Fact(ConversationEvent<'a>),
    PassedOver(&'static str),
    Dead {
        class: &'static str,
        error: String,
    },
    /// Delivered again.
    Seen,
}

impl Work<'_> {
    /// The class of what made it a dead letter.
    fn error(&self) -> Option<&'static str> {
        match self {
            Work::Dead { class, .. } => Some(class),
            _ => None,
        }
    }
}

impl<L: PartitionLog> Task<L> {
    pub(super) fn fold_batch(&mut self, batch: &Batch) -> Result<(), LogError> {
        self.note_read();
        // With room from the start: growing would touch fresh memory with every batch.
        let mut records: Vec<RecordRef<'_>> = Vec::with_capacity(batch.len());
        records.extend(batch.iter());
        let schemas = self.schemas_for(&records)?;
        let mut works: Vec<Work<'_>> = Vec::with_capacity(records.len());
        for record in &records {
            works.push(self.decode(&schemas, record)?);
        }
        self.load_missing(&works)?;
        let mut key = Vec::new();
        for (record, work) in records.iter().zip(works) {
            self.work(record, work, &mut key)?;
        }
        Ok(())
    }

    /// The schemas of these records. While the registry cannot tell, this is no batch to fold, and what was folded before
    /// need not wait with it.
    fn schemas_for(&mut self, records: &[RecordRef<'_>]) -> Result<Arc<SchemaStore>, LogError> {
        let values = records.iter().filter_map(|record| record.value);
        self.schemas.for_values(values).or_else(|unavailable| {
            if self.has_pending() {
                self.commit()?;
            }
            Err(wait(unavailable))
        })
    }

    fn decode<'a>(
        &self,
        schemas: &SchemaStore,
        record: &RecordRef<'a>,
    ) -> Result<Work<'a>, LogError> {
        if record.offset < self.position && !Defect::RedeliveryFolded.is_on() {
            return Ok(Work::Seen);
        }
        if self.poisoned.contains(&record.offset) {
            let error = "folding it panicked; this is a defect of this build".to_owned();
            return Ok(Work::Dead {
                class: "panic",
                error,
            });
        }
        match schemas.decode_fact(record.value.unwrap_or_default()) {
            Ok(Decoded::Fact(fact)) => Ok(check_key(record, fact)),
            Ok(Decoded::PassedOver(what)) => Ok(Work::PassedOver(what.label())),
            // A debt never reaches over what was unknown, so this was known once.
            Err(error) if error.unknown_schema().is_some() && record.offset < self.committed => {
                Err(gone(&format!(
                    "the schema ({error}) by which the fact at offset {}",
                    record.offset
                )))
            }
            Err(error) => Ok(dead(&error)),
        }
    }

    fn load_missing(&mut self, works: &[Work<'_>]) -> Result<(), LogError> {
        let mut missing: BTreeSet<Vec<u8>> = BTreeSet::new();
        let (mut key, mut hits) = (Vec::new(), 0);
        for work in works {
            let Work::Fact(fact) = work else { continue };
            write_key(fact.workspace_id, fact.conversation_id, &mut key);
            if self.cache.contains(&key) {
                hits += 1;
            } else if !missing.contains(&key) {
                missing.insert(key.clone());
            }
        }
        self.pending.tally.cache_hits += hits;
        self.pending.tally.cache_misses += missing.len() as u64;
        let keys: Vec<&[u8]> = missing.iter().map(Vec::as_slice).collect();
        for (key, state) in keys.iter().zip(self.log.load(&keys)?) {
            if let Some(state) = state {
                self.cache.insert_loaded(key, state);
            }
        }
        Ok(())
    }

    fn work(
        &mut self,
        record: &RecordRef<'_>,
        work: Work<'_>,
        key: &mut Vec<u8>,
    ) -> Result<(), LogError> {
        let emits = record.offset >= self.committed || Defect::RefoldEmits.is_on();
        let outputs_before = self.pending.outputs.len();
        let error = work.error();
        match work {
            Work::Seen => return Ok(()),
            Work::Fact(fact) => {
                write_key(fact.workspace_id, fact.conversation_id, key);
                self.fold_fact(record, &fact, key)?;
            }
            Work::PassedOver(label) if emits => self.pending.tally.passed_over(label),
            Work::Dead { class, error } if emits && !Defect::PoisonDropped.is_on() => {
                self.pending.tally.dead_letter(class);
                self.pending.unreadable |= class == UNKNOWN_SCHEMA;
                let letter = dead_letter(&self.source(record), class, &error, &self.options.build);
                self.pending.outputs.push(letter);
            }
            Work::PassedOver(_) | Work::Dead { .. } => {}
        }
        if emits && self.options.tracer.is_on() {
            self.trace(record, outputs_before, error);
        }
        // Facts of the debt are in an earlier commit already.
        self.pending.facts += usize::from(record.offset >= self.committed);
        Ok(())
    }

    pub(super) fn source<'a>(&self, record: &'a RecordRef<'a>) -> Source<'a> {
        Source {
            topic: Topic::ConversationEvents,
            partition: self.log.partition(),
            record,
        }
    }

    fn fold_fact(
        &mut self,
        record: &RecordRef<'_>,
        fact: &ConversationEvent<'_>,
        key: &[u8],
    ) -> Result<(), LogError> {
        let Some(dirty) = self.cache.for_fact(key, record.offset)? else {
            return Ok(());
        };
        self.effects.clear();
        let (rules, settings, effects) = (&self.rules, self.settings.table(), &mut self.effects);
        let conversation = &mut dirty.conversation;
        let folded = catch_unwind(AssertUnwindSafe(|| {
            let is_snooze = matches!(fact.payload, Payload::ConversationSnoozed { .. });
            assert!(
                !(is_snooze && Defect::SnoozePanics.is_on()),
                "a deliberate defect"
            );
            fold(conversation, fact, rules, settings, effects);
        }));
        if folded.is_err() {
            self.poisoned.insert(record.offset);
            return Err(LogError::StartOver(format!(
                "folding the fact at offset {} panicked",
                record.offset
            )));
        }
        self.cache.recount(key);
        if record.offset < self.committed && !Defect::RefoldEmits.is_on() {
            return Ok(());
        }
        self.pending.tally.fact(fact, &self.effects);
        let source = self.source(record);
        for (index, output) in self.effects.outputs.iter().enumerate() {
            self.pending
                .outputs
                .push(output_record(output, index, &source, self.framings));
        }
        Ok(())
    }
}

fn check_key<'a>(record: &RecordRef<'a>, fact: ConversationEvent<'a>) -> Work<'a> {
    if record.key == Some(fact.conversation_id.as_bytes()) {
        return Work::Fact(fact);
    }
    let found = match record.key {
        None => "none".to_owned(),
        Some(key) => format!("{:?}", String::from_utf8_lossy(&key[..key.len().min(256)])),
    };
    let error = format!(
        "the record's key must be its conversation id {:?}, and it is {found}",
        fact.conversation_id
    );
    Work::Dead {
        class: "key",
        error,
    }
}

fn dead<'a>(error: &DecodeError) -> Work<'a> {
    Work::Dead {
        class: error.class(),
        error: error.to_string(),
    }
}
