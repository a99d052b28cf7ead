//! One pass over a partition: its facts are folded in a plain loop, without an engine, a cache or a store, and joined with
//! the outputs that are there, which stand in the order of their facts.
//!
//! A pass judges the conversations of one bucket. With more buckets there are more passes, and each needs less memory.

use std::time::Duration;

use afterword_domain::Rules;
use afterword_log::{Bounds, Log, Offset, Partition, RecordRef, Topic};
use afterword_schemas::records::{ConversationEvent, Payload};
use afterword_schemas::{Decoded, SchemaStore};

use super::super::history::conversations::Conversations;
use super::super::history::walk::{Visit, Walk};
use super::codec::Codec;
use super::compare;
use super::found::{Cause, Stream};
use super::judging::{Judge, JudgedBy};
use super::reader::{Bucket, Reader, Trouble};
use super::report::{Finding, Kind, OUTPUTS, Report};
use super::settings::{Known, Versions};

/// Dead letters of these classes are no matter of the bytes alone: another build panicked, or did not know the schema yet.
const SET_ASIDE: [&str; 3] = ["panic", "quarantine", "unknown_schema"];

/// What a pass goes over.
#[derive(Clone, Copy)]
pub struct Plan<'a> {
    pub log: &'a dyn Log,
    pub codec: Codec<'a>,
    pub versions: &'a Versions,
    pub partition: Partition,
    /// The facts from the first kept one on, up to the position that was committed.
    pub facts: Bounds,
    /// What the output topics held a moment later, by place in [`OUTPUTS`].
    pub outputs: [Bounds; 5],
    pub bucket: Bucket,
    pub memory_bytes: usize,
    pub patience: Duration,
    /// How many differences are shown in full.
    pub most: usize,
}

/// What is known of a conversation's outputs.
#[derive(Default)]
pub struct Held {
    /// The fact whose request was found, and the revision of the rating that was found last.
    pub asked: Option<Offset>,
    pub revision: i32,
    /// Whether a difference of it was told.
    pub is_told: bool,
}

/// A pass at work.
pub struct Pass<'a> {
    plan: Plan<'a>,
    judge: Judge<'a>,
    known: Known<'a>,
    rules: Rules,
    conversations: Conversations<Held>,
}

/// What came of a pass.
pub struct Passed {
    pub report: Report,
    /// Every settings record before this was certainly known to the partition's task.
    pub settings_below: Offset,
}

impl<'a> Pass<'a> {
    pub fn new(plan: Plan<'a>) -> Pass<'a> {
        let stream = |slot: usize| {
            let bounds = plan.outputs[slot];
            let reader = Reader {
                log: plan.log,
                topic: OUTPUTS[slot],
                partition: plan.partition,
                next: bounds.start,
                end: bounds.end,
            };
            let source = Topic::ConversationEvents;
            Stream::new(reader, source, bounds, plan.bucket, plan.patience)
        };
        let streams = std::array::from_fn(stream);
        Pass {
            plan,
            judge: Judge::new(&plan, streams),
            known: Known::nothing(plan.versions),
            rules: Rules::default(),
            conversations: Conversations::new(plan.facts.start),
        }
    }

    /// Goes over the facts and then over what is left of the outputs. `told` is called with the offsets gone by.
    ///
    /// # Errors
    /// As [`Trouble`] says.
    pub fn run(mut self, told: &mut dyn FnMut(u64)) -> Result<Passed, Trouble> {
        let plan = self.plan;
        let walk = Walk {
            log: plan.log,
            codec: plan.codec,
            partition: plan.partition,
            facts: plan.facts,
            bucket: plan.bucket,
            memory_bytes: plan.memory_bytes,
        };
        walk.run(&mut self, told)?;
        self.judge.rest(plan.facts.end)?;
        let tally = &mut self.judge.report.tally;
        tally.conversations = self.conversations.count();
        tally.cut_conversations = self.conversations.count_cut();
        Ok(Passed {
            report: self.judge.report,
            settings_below: self.known.read_below(),
        })
    }

    fn fact(
        &mut self,
        record: &RecordRef<'_>,
        fact: &ConversationEvent<'_>,
    ) -> Result<(), Trouble> {
        let is_past_judging = self.follow_settings(record.offset, fact)?;
        let settings = self.known.table();
        let (held, outputs) = self.conversations.fold(fact, &self.rules, settings);
        held.is_cut |= is_past_judging;
        let Ok(outputs) = outputs else {
            let detail = "folding it panics in this build, and it is no dead letter".to_owned();
            self.judge
                .tell(Kind::Panics, record, 0, Topic::DeadLetters, detail);
            return Ok(());
        };
        if held.is_cut {
            return self.judge.pass_over(record.offset);
        }
        if outputs.is_empty() {
            return Ok(());
        }
        self.judge.outputs(record, outputs, &mut held.more)
    }

    /// Supposes those settings to be known that the decision of a close shows. True when that cannot be found out any more.
    fn follow_settings(
        &mut self,
        source: Offset,
        fact: &ConversationEvent<'_>,
    ) -> Result<bool, Trouble> {
        let (workspace, at) = (fact.workspace_id, fact.occurred_at);
        let is_close = matches!(fact.payload, Payload::ConversationClosed { .. });
        if !is_close || !self.known.is_open(workspace, at) {
            return Ok(false);
        }
        let judged_by = self.judge.judged_by(source)?;
        if let JudgedBy::Version(version) = judged_by {
            self.known.suppose(workspace, at, version);
        }
        Ok(judged_by == JudgedBy::Removed)
    }

    /// The class under which a fact that can be folded was set aside as a dead letter, if it was.
    fn set_aside(&mut self, source: Offset) -> Result<Option<&'static str>, Trouble> {
        let Some(found) = self.judge.letters().head()? else {
            return Ok(None);
        };
        if found.cause.as_ref().ok()
            != Some(&Cause {
                offset: source,
                index: 0,
            })
        {
            return Ok(None);
        }
        let class = compare::class(&found.record);
        Ok(SET_ASIDE.into_iter().find(|known| class == Some(known)))
    }

    fn put_aside(&mut self, record: &RecordRef<'_>, class: &'static str) -> Result<(), Trouble> {
        let detail =
            format!("it can be folded by this build, and lies in the dead letters as `{class}`");
        self.judge
            .tell(Kind::SetAside, record, 0, Topic::DeadLetters, detail);
        self.judge.letter(record, class)
    }
}

impl Visit for Pass<'_> {
    fn record(&mut self, store: &SchemaStore, record: &RecordRef<'_>) -> Result<(), Trouble> {
        self.judge.report.tally.facts += 1;
        self.judge.clear_before(record.offset)?;
        match store.decode_fact(record.value.unwrap_or_default()) {
            Ok(Decoded::Fact(fact)) if record.key == Some(fact.conversation_id.as_bytes()) => {
                match self.set_aside(record.offset)? {
                    Some(class) => self.put_aside(record, class),
                    None => self.fact(record, &fact),
                }
            }
            Ok(Decoded::Fact(_)) => self.judge.letter(record, "key"),
            Ok(Decoded::PassedOver(_)) => {
                self.judge.report.tally.passed_over += 1;
                Ok(())
            }
            Err(error) => self.judge.letter(record, error.class()),
        }
    }

    fn held_bytes(&self) -> usize {
        self.conversations.bytes()
    }
}

/// A difference that belongs to a fact.
pub fn of_fact(
    kind: Kind,
    partition: Partition,
    record: &RecordRef<'_>,
    index: usize,
    topic: Topic,
    detail: String,
) -> Finding {
    Finding {
        kind,
        partition,
        source: record.offset,
        source_topic: Topic::ConversationEvents,
        index,
        topic,
        at: None,
        conversation: text(record.key),
        detail,
    }
}

/// A key as people write it.
pub fn text(key: Option<&[u8]>) -> Option<String> {
    key.map(|key| String::from_utf8_lossy(&key[..key.len().min(256)]).into_owned())
}
