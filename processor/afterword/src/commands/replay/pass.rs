//! One pass over a partition: each close is decided again, and held against the decision that stands in the log.

use std::io;
use std::time::Duration;

use afterword_domain::{Rules, SettingsTable};
use afterword_log::{Bounds, Offset, RecordRef, Topic};
use afterword_schemas::records::{
    ConversationEvent, EligibilityDecided, Output, Payload, RatingSubmitted, Timestamp,
};
use afterword_schemas::{Decoded, SchemaStore};

use super::super::history::conversations::Conversations;
use super::super::history::found::{Found, Stream};
use super::super::history::reader::{Reader, Trouble};
use super::super::history::walk::{Visit, Walk};
use super::print::{self, Form};
use super::supposed::Supposed;
use super::totals::{Changes, Totals};

/// Which closes count.
#[derive(Clone, Debug)]
pub struct Window {
    /// All when none is named.
    pub workspace: Option<String>,
    /// From the first of these moments up to, and without, the second.
    pub from: Timestamp,
    pub until: Timestamp,
}

impl Window {
    fn has(&self, at: Timestamp) -> bool {
        self.from <= at && at < self.until
    }

    fn has_workspace(&self, workspace: &str) -> bool {
        self.workspace
            .as_deref()
            .is_none_or(|wanted| wanted == workspace)
    }
}

/// What a pass goes over.
#[derive(Clone, Copy)]
pub struct Plan<'a> {
    pub walk: Walk<'a>,
    /// What the topics of decisions and of ratings held a moment later.
    pub decisions: Bounds,
    pub ratings: Bounds,
    pub rules: &'a Rules,
    pub window: &'a Window,
    pub form: Form,
}

/// What else is known of a conversation: whether any decision about it differs.
#[derive(Default)]
struct Differs(bool);

/// A pass at work.
pub struct Pass<'a> {
    plan: Plan<'a>,
    decisions: Stream<'a>,
    ratings: Stream<'a>,
    conversations: Conversations<Differs>,
    supposed: &'a mut Supposed,
    /// For facts that no settings judge.
    nothing: SettingsTable,
    totals: &'a mut Totals,
    changes: &'a mut Changes,
    /// Why the list of changes could not be kept, if so.
    unkept: Option<io::Error>,
}

fn stream<'a>(walk: &Walk<'a>, topic: Topic, bounds: Bounds) -> Stream<'a> {
    let reader = Reader {
        log: walk.log,
        topic,
        partition: walk.partition,
        next: bounds.start,
        end: bounds.end,
    };
    let source = Topic::ConversationEvents;
    Stream::new(reader, source, bounds, walk.bucket, Duration::ZERO)
}

/// The output of exactly this fact; those of facts before it go.
fn take(stream: &mut Stream<'_>, source: Offset) -> Result<Option<Found>, Trouble> {
    while let Some(found) = stream.head()? {
        match &found.cause {
            Ok(cause) if cause.offset > source => return Ok(None),
            Ok(cause) if cause.offset == source => return Ok(stream.take()),
            _ => drop(stream.take()),
        }
    }
    Ok(None)
}

fn value(found: Option<Found>) -> Option<Vec<u8>> {
    found.and_then(|found| found.record.value)
}

impl<'a> Pass<'a> {
    pub fn new(
        plan: Plan<'a>,
        supposed: &'a mut Supposed,
        totals: &'a mut Totals,
        changes: &'a mut Changes,
    ) -> Pass<'a> {
        let of = |topic, bounds| stream(&plan.walk, topic, bounds);
        Pass {
            decisions: of(Topic::EligibilityDecided, plan.decisions),
            ratings: of(Topic::RatingSubmitted, plan.ratings),
            conversations: Conversations::new(plan.walk.facts.start),
            plan,
            supposed,
            nothing: SettingsTable::default(),
            totals,
            changes,
            unkept: None,
        }
    }

    /// Goes over the facts. `told` is called with the offsets gone by.
    ///
    /// # Errors
    /// As [`Trouble`] says.
    pub fn run(mut self, told: &mut dyn FnMut(u64)) -> Result<Option<io::Error>, Trouble> {
        let walk = self.plan.walk;
        walk.run(&mut self, told)?;
        self.totals.conversations += self.conversations.count();
        self.totals.left_out += self.conversations.count_cut();
        Ok(self.unkept)
    }

    fn fact(&mut self, source: Offset, fact: &ConversationEvent<'_>) -> Result<(), Trouble> {
        self.totals.facts += 1;
        match fact.payload {
            Payload::ConversationClosed { .. } => self.close(source, fact),
            Payload::ReactionSelected { .. } => self.reaction(source, fact),
            _ => {
                let rules = self.plan.rules;
                let (entry, outputs) = self.conversations.fold(fact, rules, &self.nothing);
                entry.is_cut |= outputs.is_err();
                Ok(())
            }
        }
    }

    fn close(&mut self, source: Offset, fact: &ConversationEvent<'_>) -> Result<(), Trouble> {
        let codec = self.plan.walk.codec;
        let was: Option<EligibilityDecided> = match value(take(&mut self.decisions, source)?) {
            Some(value) => codec.of_value(&value)?.decode(&value).ok(),
            None => None,
        };
        let judged_by = was.as_ref().map(|was| was.settings_version);
        let table = judged_by.and_then(|version| self.supposed.table(fact.workspace_id, version));
        let is_unsettled = was.is_some() && table.is_none();
        let table = table.unwrap_or(&self.nothing);
        let (entry, outputs) = self.conversations.fold(fact, self.plan.rules, table);
        entry.is_cut |= outputs.is_err();
        let decided = outputs.unwrap_or_default().iter().find_map(decision);
        // A close that was decided, and of which the log does not show how, or the other way about.
        entry.is_cut |= is_unsettled || decided.is_some() != was.is_some();
        let (Some(was), Some(would_be)) = (was, decided) else {
            return Ok(());
        };
        if entry.is_cut || !self.plan.window.has(fact.occurred_at) {
            return Ok(());
        }
        if self.totals.close(&was, would_be) {
            self.totals.changed_conversations += u64::from(!entry.more.0);
            entry.more.0 = true;
            if self.changes.has_room() {
                let place = (self.plan.walk.partition, source);
                let line = print::change(self.plan.form, place, &was, would_be);
                self.unkept = self.changes.add(&line).err().or(self.unkept.take());
            }
        }
        Ok(())
    }

    fn reaction(&mut self, source: Offset, fact: &ConversationEvent<'_>) -> Result<(), Trouble> {
        let codec = self.plan.walk.codec;
        let was: Option<RatingSubmitted> = match value(take(&mut self.ratings, source)?) {
            Some(value) => codec.of_value(&value)?.decode(&value).ok(),
            None => None,
        };
        let rules = self.plan.rules;
        let (entry, outputs) = self.conversations.fold(fact, rules, &self.nothing);
        entry.is_cut |= outputs.is_err();
        if entry.is_cut {
            return Ok(());
        }
        let window = self.plan.window;
        let counts = |rating: &RatingSubmitted| {
            u64::from(rating.revision == 1 && window.has(rating.requested_at))
        };
        let would_be = outputs.unwrap_or_default().iter().find_map(rating);
        self.totals.ratings.was += was.as_ref().map_or(0, counts);
        self.totals.ratings.would_be += would_be.map_or(0, counts);
        Ok(())
    }
}

fn decision(output: &Output) -> Option<&EligibilityDecided> {
    match output {
        Output::EligibilityDecided(decided) => Some(decided),
        _ => None,
    }
}

fn rating(output: &Output) -> Option<&RatingSubmitted> {
    match output {
        Output::RatingSubmitted(submitted) => Some(submitted),
        _ => None,
    }
}

impl Visit for Pass<'_> {
    /// What is no fact lies in the dead letters, and changes nothing here either.
    fn record(&mut self, store: &SchemaStore, record: &RecordRef<'_>) -> Result<(), Trouble> {
        match store.decode_fact(record.value.unwrap_or_default()) {
            Ok(Decoded::Fact(fact))
                if record.key == Some(fact.conversation_id.as_bytes())
                    && self.plan.window.has_workspace(fact.workspace_id) =>
            {
                self.fact(record.offset, &fact)
            }
            _ => Ok(()),
        }
    }

    fn held_bytes(&self) -> usize {
        self.conversations.bytes()
    }
}
