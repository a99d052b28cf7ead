//! The log as those see it who append facts: some facts get a trace on their way in.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use afterword_log::{Batch, Bounds, Log, LogError, Offset, Partition, Record, Topic};
use afterword_trace::{
    Parent, Place, Span, SpanId, Step, TRACEPARENT, TraceContext, TraceId, Tracer, parent,
};
use rand::RngExt;

/// Another log, with traces.
pub struct TracedLog {
    log: Arc<dyn Log>,
    tracer: Tracer,
    /// Of facts whose sender has begun no trace: how many are to have one, from 0 to 1.
    sample_ratio: f64,
}

impl TracedLog {
    /// Whoever appends facts through this log may leave a `traceparent` on them; a new trace is begun for so many of the others.
    pub fn new(log: Arc<dyn Log>, tracer: Tracer, sample_ratio: f64) -> TracedLog {
        TracedLog {
            log,
            tracer,
            sample_ratio,
        }
    }

    /// The span of appending this fact, with its parent, if it is sampled.
    fn begun(&self, record: &Record) -> Option<(TraceContext, Option<SpanId>)> {
        let mut dice = rand::rng();
        let span_id = SpanId(dice.random_range(1..=u64::MAX).to_be_bytes());
        match record.header(TRACEPARENT).map(parent) {
            Some(Parent::Sampled(parent)) => {
                let trace_id = parent.trace_id;
                return Some((TraceContext { trace_id, span_id }, Some(parent.span_id)));
            }
            Some(Parent::NotSampled) => return None,
            Some(Parent::Malformed) | None => {}
        }
        let trace_id = dice.random_range(1..=u128::MAX);
        let trace = TraceContext {
            trace_id: TraceId(trace_id.to_be_bytes()),
            span_id,
        };
        is_chosen(trace_id, self.sample_ratio).then_some((trace, None))
    }

    /// Gives the record its trace, if it has one, and begins the span of appending it.
    fn mark(&self, partition: Partition, record: &mut Record, now: SystemTime) -> Option<Span> {
        let begun = self.begun(record);
        record.headers.retain(|(name, _)| name != TRACEPARENT);
        let (context, parent) = begun?;
        let value = context.to_string().into_bytes();
        record.headers.push((TRACEPARENT.to_owned(), Some(value)));
        let place = Place {
            topic: Topic::ConversationEvents.name(),
            partition: partition.0,
            offset: None,
        };
        let step = (Step::Append, place);
        Some(Span::new(context, parent, step, record.key.as_deref(), now))
    }
}

/// By the trace's id, as everybody decides it who samples by a ratio: the last 63 bits of it are as good as a die.
fn is_chosen(trace_id: u128, ratio: f64) -> bool {
    let number = (trace_id as u64) >> 1;
    (number as f64) < ratio * (1_u64 << 63) as f64
}

impl Log for TracedLog {
    fn append(
        &self,
        topic: Topic,
        mut records: Vec<(Partition, Record)>,
    ) -> Result<Vec<(Partition, Offset)>, LogError> {
        if topic != Topic::ConversationEvents {
            return self.log.append(topic, records);
        }
        let began = SystemTime::now();
        let marked = records
            .iter_mut()
            .enumerate()
            .filter_map(|(index, (partition, record))| {
                Some((index, self.mark(*partition, record, began)?))
            });
        let spans: Vec<(usize, Span)> = marked.collect();
        let appended = self.log.append(topic, records);
        let ended = SystemTime::now();
        for (index, mut span) in spans {
            span.ended = ended;
            match &appended {
                Ok(places) => span.place.offset = places.get(index).map(|(_, offset)| offset.0),
                Err(error) => span.error = Some(class(error)),
            }
            self.tracer.record(span);
        }
        appended
    }

    fn partitions(&self, topic: Topic) -> u32 {
        self.log.partitions(topic)
    }

    fn read(
        &self,
        topic: Topic,
        partition: Partition,
        from: Offset,
        max_bytes: usize,
        batch: &mut Batch,
    ) -> Result<(), LogError> {
        self.log.read(topic, partition, from, max_bytes, batch)
    }

    fn bounds(&self, topic: Topic, partition: Partition) -> Result<Bounds, LogError> {
        self.log.bounds(topic, partition)
    }

    fn committed(&self, partition: Partition) -> Result<Option<Offset>, LogError> {
        self.log.committed(partition)
    }

    fn wait_for(
        &self,
        topic: Topic,
        partition: Partition,
        from: Offset,
        at_most: Duration,
    ) -> bool {
        self.log.wait_for(topic, partition, from, at_most)
    }

    fn impediment(&self) -> Option<String> {
        self.log.impediment()
    }
}

fn class(error: &LogError) -> &'static str {
    match error {
        LogError::Wait(_) => "wait",
        LogError::StartOver(_) => "start_over",
        LogError::GiveUp(_) => "give_up",
        LogError::Stop(_) => "stop",
    }
}

#[test]
fn a_ratio_chooses_so_many() {
    let mut dice = rand::rng();
    let ids: Vec<u128> = (0..20_000).map(|_| dice.random()).collect();
    let chosen = |ratio| ids.iter().filter(|id| is_chosen(**id, ratio)).count();
    assert_eq!((chosen(0.0), chosen(1.0)), (0, ids.len()));
    assert!((1_500..2_500).contains(&chosen(0.1)), "{}", chosen(0.1));
}
