//! The parts of the pipeline that are measured.

use std::collections::HashMap;
use std::hint::black_box;
use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use afterword_domain::{Conversation, Effects, Rules, SettingsTable, fold as fold_fact};
use afterword_engine::{Engine, EngineMetrics, Task, TaskOptions};
use afterword_log::{EmbeddedLog, EmbeddedOptions, Log, Partition, Record, Topic};
use afterword_schemas::{Decoded, RecordKind, SchemaStore, Schemas};
use apache_avro::Schema;
use apache_avro::reader::datum::GenericDatumReader;

use super::facts::{Facts, PARTITIONS, partition};
use super::measure::{Table, cpu, each, median, thousands_a_second};

fn values(facts: &Facts) -> Vec<&[u8]> {
    facts
        .records
        .iter()
        .filter_map(|record| record.value.as_deref())
        .collect()
}

/// Decoding beside apache-avro with schema resolution, and beside copying the same bytes.
pub fn decode(facts: &Facts, table: &mut Table) {
    let (store, values) = (SchemaStore::new(), values(facts));
    let ours = median(|| {
        for value in &values {
            black_box(store.decode_fact(value)).ok();
        }
    });
    let schema = Schema::parse_str(RecordKind::ConversationEvent.schema_text());
    let schema = schema.expect("the schema is valid");
    let reader = GenericDatumReader::builder(&schema)
        .reader_schema(&schema)
        .build()
        .expect("the schema resolves against itself");
    let sample = &values[..values.len().min(20_000)];
    let peer = median(|| {
        for value in sample {
            let mut body = &value[10..];
            black_box(reader.read_value(&mut body)).ok();
        }
    });
    let mut copy = vec![0; 4_096];
    let copied = median(|| {
        for value in &values {
            copy[..value.len()].copy_from_slice(value);
            black_box(&mut copy);
        }
    });
    let (ours, peer, copied) = (
        each(ours, values.len()),
        each(peer, sample.len()),
        each(copied, values.len()),
    );
    table.compare(
        "decode a fact",
        format!("{ours:.0} ns"),
        "apache-avro, resolved",
        format!("{peer:.0} ns"),
        ours / peer,
    );
    table.compare(
        "decode a fact",
        format!("{ours:.0} ns"),
        "copying its bytes",
        format!("{copied:.0} ns"),
        ours / copied,
    );
}

/// The fold alone, states in a hash map, beside decoding.
pub fn fold(facts: &Facts, table: &mut Table) {
    let (store, values) = (SchemaStore::new(), values(facts));
    let run = |folds: bool| {
        let mut states: HashMap<String, Conversation> = HashMap::new();
        let (rules, settings, mut effects) = (
            Rules::default(),
            SettingsTable::default(),
            Effects::default(),
        );
        for value in &values {
            let Ok(Decoded::Fact(fact)) = store.decode_fact(value) else {
                continue;
            };
            if !folds {
                black_box(fact);
                continue;
            }
            effects.clear();
            if !states.contains_key(fact.conversation_id) {
                states.insert(fact.conversation_id.to_owned(), Conversation::default());
            }
            if let Some(state) = states.get_mut(fact.conversation_id) {
                fold_fact(state, &fact, &rules, &settings, &mut effects);
            }
            black_box(&effects);
        }
        states
    };
    let both = each(median(|| drop(black_box(run(true)))), values.len());
    let decode = each(median(|| drop(black_box(run(false)))), values.len());
    table.compare(
        "decode and fold a fact",
        format!("{both:.0} ns"),
        "decode alone",
        format!("{decode:.0} ns"),
        both / decode,
    );
    let states = run(true);
    let memory: usize = states.values().map(Conversation::memory_bytes).sum();
    let mut stored = Vec::new();
    states.values().for_each(|state| state.encode(&mut stored));
    table.note(
        "a settled state in memory",
        format!("{} B", memory / states.len().max(1)),
    );
    table.note(
        "a settled state as stored",
        format!("{} B", stored.len() / states.len().max(1)),
    );
}

fn open(directory: &std::path::Path) -> Arc<EmbeddedLog> {
    let options = EmbeddedOptions {
        partitions: Some(PARTITIONS),
        ..EmbeddedOptions::default()
    };
    EmbeddedLog::open(directory, options).expect("the log opens")
}

fn percentiles(mut times: Vec<Duration>) -> (Duration, Duration) {
    times.sort();
    (times[times.len() / 2], times[times.len() * 99 / 100])
}

/// One durable append after the other beside a bare write and sync of the same bytes.
pub fn append_latency(table: &mut Table) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let log = open(directory.path());
    let value = vec![7; 200];
    let time = |run: &mut dyn FnMut()| {
        let begun = Instant::now();
        run();
        begun.elapsed()
    };
    let ours = (0..500).map(|_| {
        time(&mut || {
            let record = Record::new("c", value.clone(), 0);
            log.append(Topic::ConversationEvents, vec![(Partition(0), record)])
                .expect("appended");
        })
    });
    let (p50, p99) = percentiles(ours.collect());
    let mut file = std::fs::File::create(directory.path().join("bare")).expect("a file");
    let bare = (0..500).map(|_| {
        time(&mut || {
            file.write_all(&value)
                .and_then(|()| file.sync_data())
                .expect("written");
        })
    });
    let (bare50, bare99) = percentiles(bare.collect());
    let ms = |time: Duration| format!("{:.2} ms", time.as_secs_f64() * 1_000.0);
    table.compare(
        "a durable append, p50",
        ms(p50),
        "write and fdatasync",
        ms(bare50),
        p50.as_secs_f64() / bare50.as_secs_f64(),
    );
    table.compare(
        "a durable append, p99",
        ms(p99),
        "write and fdatasync",
        ms(bare99),
        p99.as_secs_f64() / bare99.as_secs_f64(),
    );
}

fn load(log: &EmbeddedLog, facts: &Facts) -> (Duration, Duration) {
    let (begun, used) = (Instant::now(), cpu());
    for records in facts.records.chunks(5_000) {
        let records = records
            .iter()
            .map(|record| (partition(record), record.clone()))
            .collect();
        log.append(Topic::ConversationEvents, records)
            .expect("appended");
    }
    (begun.elapsed(), cpu() - used)
}

/// The same bytes through RocksDB alone: a synced write batch for every 5,000 facts.
fn bare_rocksdb(facts: &Facts) -> Duration {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let database = rocksdb::DB::open_default(directory.path()).expect("RocksDB opens");
    let mut options = rocksdb::WriteOptions::default();
    options.set_sync(true);
    let begun = Instant::now();
    for (number, records) in facts.records.chunks(5_000).enumerate() {
        let mut batch = rocksdb::WriteBatch::default();
        for (place, record) in records.iter().enumerate() {
            let key = (number * 5_000 + place) as u64;
            batch.put(
                key.to_be_bytes(),
                record.value.as_deref().unwrap_or_default(),
            );
        }
        database.write_opt(batch, &options).expect("written");
    }
    begun.elapsed()
}

/// From the log to committed decisions, at three debts, beside a bare RocksDB write batch of the facts.
pub fn engine(facts: &Facts, table: &mut Table) {
    let count = facts.records.len();
    let bare = bare_rocksdb(facts);
    for debt_facts in [0, 20_000, 200_000] {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let log = open(directory.path());
        let (appended, append_cpu) = load(&log, facts);
        if debt_facts == 0 {
            table.compare(
                "append facts, 5,000 at once",
                thousands_a_second(count, appended),
                "bare RocksDB write batch",
                thousands_a_second(count, bare),
                bare.as_secs_f64() / appended.as_secs_f64(),
            );
        }
        let registry = prometheus::Registry::new();
        let metrics = EngineMetrics::new(&registry).expect("a new registry");
        let options = TaskOptions {
            debt_facts,
            ..TaskOptions::default()
        };
        let (begun, used) = (Instant::now(), cpu());
        let tasks = (0..PARTITIONS)
            .map(|partition| log.task(Partition(partition)))
            .collect();
        let engine =
            Engine::start(tasks, options, Arc::new(Schemas::new()), metrics).expect("threads");
        engine.drain().expect("drained");
        let (took, used) = (begun.elapsed(), cpu() - used);
        let stored = counter(&registry, "afterword_states_stored_total");
        engine.stop().expect("stopped");
        table.compare(
            &format!("engine, debt {debt_facts}"),
            thousands_a_second(count, took),
            "bare RocksDB write batch",
            thousands_a_second(count, bare),
            bare.as_secs_f64() / took.as_secs_f64(),
        );
        table.note(
            &format!("  per CPU-second, debt {debt_facts}"),
            thousands_a_second(count, used),
        );
        table.note(
            &format!("  states stored a fact, debt {debt_facts}"),
            format!("{:.3}", stored / count as f64),
        );
        table.note(
            "  append and engine together",
            thousands_a_second(count, appended + took),
        );
        table.note(
            "  the same per CPU-second",
            thousands_a_second(count, append_cpu + used),
        );
    }
}

fn counter(registry: &prometheus::Registry, name: &str) -> f64 {
    let families = registry.gather();
    let family = families.iter().find(|family| family.name() == name);
    family.map_or(0.0, |family| {
        family
            .get_metric()
            .iter()
            .map(|metric| metric.get_counter().get_value())
            .sum()
    })
}

/// A crash with a full debt, and the time until every partition is where it was.
pub fn restore(facts: &Facts, table: &mut Table) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let log = open(directory.path());
    load(&log, facts);
    let metrics = EngineMetrics::new(&prometheus::Registry::new()).expect("a new registry");
    let schemas = Arc::new(Schemas::new());
    let make = |partition| {
        let options = TaskOptions {
            debt_facts: 200_000,
            ..TaskOptions::default()
        };
        Task::new(
            log.task(Partition(partition)),
            options,
            Arc::clone(&schemas),
            Arc::clone(&metrics),
        )
    };
    let begun = Instant::now();
    let mut owed = 0;
    for partition in 0..PARTITIONS {
        let mut task = make(partition);
        task.recover().expect("recovered");
        while task.step(begun.elapsed(), Duration::ZERO).expect("a step")
            != afterword_engine::Progress::Idle
        {}
        owed += task.committed().0 - task.stored_below().0;
        // Dropped without `finish`: what a crash leaves.
    }
    let begun = Instant::now();
    for partition in 0..PARTITIONS {
        let mut task = make(partition);
        task.recover().expect("recovered");
        while task.is_recovering() {
            task.step(begun.elapsed(), Duration::ZERO).expect("a step");
        }
    }
    let took = begun.elapsed();
    table.note(
        &format!("recover with {owed} facts owed"),
        format!("{:.0} ms", took.as_secs_f64() * 1_000.0),
    );
    table.note(
        "  facts folded again",
        thousands_a_second(usize::try_from(owed).unwrap_or(0), took),
    );
}
