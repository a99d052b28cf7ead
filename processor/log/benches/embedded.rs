//! What the embedded log costs, beside what the machine does without it in the same run.
//!
//!     cargo bench -p afterword-log --bench embedded [-- DIRECTORY]
//!
//! The directory (by default the system's for temporary files) says which disk is measured. `AFTERWORD_BENCH_RECORDS`
//! says how much the bulk runs append (3,000,000 records of 200 bytes).

#![allow(clippy::unwrap_used)]
#![allow(clippy::disallowed_macros, reason = "a benchmark")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use afterword_log::{
    Batch, Commit, EmbeddedLog, EmbeddedOptions, Log, Meta, Offset, Partition, PartitionLog,
    Record, StateWrite, Topic,
};

const TOPIC: Topic = Topic::ConversationEvents;
const VALUE_BYTES: usize = 200;
const PARTITIONS: u32 = 4;

fn main() {
    let given = std::env::args()
        .skip(1)
        .find(|argument| !argument.starts_with("--"));
    let directory = given.map_or_else(std::env::temp_dir, PathBuf::from);
    let scratch = tempfile::tempdir_in(directory).unwrap();
    println!("directory: {}", scratch.path().display());
    latency(scratch.path());
    throughput(scratch.path());
    states(scratch.path());
}

fn open(directory: &Path) -> Arc<EmbeddedLog> {
    let options = EmbeddedOptions {
        partitions: Some(PARTITIONS),
        ..EmbeddedOptions::default()
    };
    EmbeddedLog::open(directory, options).unwrap()
}

/// Bytes that compress about as well as events do: half of them repeat.
fn record(seed: u64) -> Record {
    let mut value = Vec::with_capacity(VALUE_BYTES);
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    while value.len() < VALUE_BYTES {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        value.extend_from_slice(&state.to_le_bytes());
        value.extend_from_slice(b"message_");
    }
    value.truncate(VALUE_BYTES);
    Record::new(format!("conversation-{}", seed / 12), value, seed as i64)
}

fn report(name: &str, figure: &str) {
    println!("{name:<58} {figure}");
}

fn percentiles(name: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    let figure = format!(
        "p50 {:7.3} ms   p99 {:7.3} ms   max {:7.3} ms",
        at(0.5),
        at(0.99),
        at(1.0)
    );
    report(name, &figure);
}

fn latency(scratch: &Path) {
    let mut file = std::fs::File::create(scratch.join("bare")).unwrap();
    let bare = (0..1_000).map(|_| {
        let started = Instant::now();
        file.write_all(&[7; 300]).unwrap();
        file.sync_data().unwrap();
        started.elapsed()
    });
    percentiles("bare: write 300 bytes to a file, fdatasync", bare.collect());
    let log = open(&scratch.join("latency"));
    for producers in [1u64, 16] {
        let appends = 1_000;
        let started = Instant::now();
        let times: Vec<Duration> = std::thread::scope(|scope| {
            let producer = |producer: u64| {
                let log = &log;
                scope.spawn(move || {
                    (0..appends)
                        .map(|index| timed_append(log, producer, index))
                        .collect::<Vec<_>>()
                })
            };
            let threads: Vec<_> = (0..producers).map(producer).collect();
            threads
                .into_iter()
                .flat_map(|thread| thread.join().unwrap())
                .collect()
        });
        let rate = times.len() as f64 / started.elapsed().as_secs_f64();
        percentiles(
            &format!("durable append of 1 record, {producers} producers ({rate:.0}/s)"),
            times,
        );
    }
}

fn timed_append(log: &EmbeddedLog, producer: u64, index: u64) -> Duration {
    let records = vec![(Partition(producer as u32 % PARTITIONS), record(index))];
    let started = Instant::now();
    log.append(TOPIC, records).unwrap();
    started.elapsed()
}

/// How much the bulk runs append.
fn bulk_records() -> u64 {
    std::env::var("AFTERWORD_BENCH_RECORDS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(3_000_000)
}

fn throughput(scratch: &Path) {
    let records = bulk_records();
    let cpu = cpu_seconds();
    let bare = bare_rocksdb(&scratch.join("bare-rocksdb"), records, 1_000);
    let cpu = (cpu_seconds() - cpu) / records as f64 * 1e9;
    let figure = format!(
        "{}               {cpu:.0} ns CPU a record",
        rate(records, bare)
    );
    report(
        "bare RocksDB: puts of 1,000 x 200 bytes as one value, sync",
        &figure,
    );
    let cpu = cpu_seconds();
    let made: usize = (0..records)
        .map(|index| record(index).value.map_or(0, |value| value.len()))
        .sum();
    let cpu = (cpu_seconds() - cpu) / made as f64 * VALUE_BYTES as f64 * 1e9;
    report(
        "making the records, which is in the figures around",
        &format!("{cpu:45.0} ns CPU a record"),
    );
    let log = open(&scratch.join("throughput"));
    for (producers, per_append) in [(1u64, 1_000u64), (4, 1_000), (1, 10_000)] {
        let cpu = cpu_seconds();
        let started = Instant::now();
        std::thread::scope(|scope| {
            for producer in 0..producers {
                let log = &log;
                scope.spawn(move || bulk(log, producer, records / producers, per_append));
            }
        });
        let took = started.elapsed();
        let cpu = (cpu_seconds() - cpu) / records as f64 * 1e9;
        let name = format!("append of {per_append} records, {producers} producers");
        let ratio = bare.as_secs_f64() / took.as_secs_f64();
        report(
            &name,
            &format!(
                "{}   {ratio:.2} x bare   {cpu:.0} ns CPU a record",
                rate(records, took)
            ),
        );
    }
    reading(&log);
    drop(log);
    let started = Instant::now();
    drop(open(&scratch.join("throughput")));
    report(
        "open and close again",
        &format!("{:.3} s", started.elapsed().as_secs_f64()),
    );
    report(
        "size on disk",
        &format!("{} MiB", size(&scratch.join("throughput")) >> 20),
    );
}

fn size(directory: &Path) -> u64 {
    let entries = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap());
    entries
        .map(|entry| match entry.metadata().unwrap() {
            metadata if metadata.is_dir() => size(&entry.path()),
            metadata => metadata.len(),
        })
        .sum()
}

fn rate(records: u64, took: Duration) -> String {
    format!("{:9.0} records/s", records as f64 / took.as_secs_f64())
}

/// Processor time of the whole process, its database's own threads included.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap_or("")
        .split_whitespace()
        .collect();
    let ticks = |index: usize| {
        fields
            .get(index)
            .and_then(|field| field.parse::<f64>().ok())
    };
    (ticks(11).unwrap_or(0.0) + ticks(12).unwrap_or(0.0)) / 100.0
}

/// Processor time of this thread: on a busy machine it says more than the time that passed.
fn thread_cpu_seconds() -> f64 {
    let schedule = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = schedule
        .split_whitespace()
        .next()
        .and_then(|field| field.parse::<f64>().ok());
    nanoseconds.unwrap_or(0.0) / 1e9
}

/// Appends with a template that is made once: the producer's own work is not what is measured.
fn bulk(log: &EmbeddedLog, producer: u64, records: u64, per_append: u64) {
    let partition = |index: u64| Partition(((producer + index) % u64::from(PARTITIONS)) as u32);
    for append in 0..records / per_append {
        let one = |index| (partition(append), record(append * per_append + index));
        log.append(TOPIC, (0..per_append).map(one).collect())
            .unwrap();
    }
}

fn bare_rocksdb(path: &Path, records: u64, per_append: u64) -> Duration {
    let mut options = rocksdb::Options::default();
    options.create_if_missing(true);
    options.set_compression_type(rocksdb::DBCompressionType::Lz4);
    let db = rocksdb::DB::open(&options, path).unwrap();
    let mut synced = rocksdb::WriteOptions::default();
    synced.set_sync(true);
    let started = Instant::now();
    for append in 0..records / per_append {
        let mut value = Vec::new();
        for index in 0..per_append {
            record(append * per_append + index).encode(&mut value);
        }
        let mut batch = rocksdb::WriteBatch::default();
        let mut key = [0; 13];
        key[4] = (append % u64::from(PARTITIONS)) as u8;
        key[5..].copy_from_slice(&(append * per_append).to_be_bytes());
        batch.put(key, &value);
        db.write_opt(batch, &synced).unwrap();
    }
    started.elapsed()
}

fn reading(log: &Arc<EmbeddedLog>) {
    let source = vec![7u8; 200 << 20];
    let mut copied = source.clone();
    let started = Instant::now();
    copied.copy_from_slice(std::hint::black_box(&source));
    std::hint::black_box(&copied);
    let copy = source.len() as f64 / started.elapsed().as_secs_f64();
    report("memory copy", &format!("{:9.0} MB/s", copy / 1e6));
    for max_records in [500, 4_000, 100_000] {
        let mut batch = Batch::default();
        let (mut records, mut bytes) = (0, 0);
        let (started, cpu) = (Instant::now(), thread_cpu_seconds());
        for partition in 0..PARTITIONS {
            let mut task = log.task(Partition(partition));
            let mut next = task.start().unwrap();
            let end = task.end().unwrap();
            while next < end {
                task.poll(next, max_records, Duration::ZERO, &mut batch)
                    .unwrap();
                records += batch.len() as u64;
                bytes += batch.bytes();
                next = batch.next().unwrap();
            }
        }
        let (took, cpu) = (started.elapsed(), thread_cpu_seconds() - cpu);
        let each = cpu / records as f64 * 1e9;
        let ratio = bytes as f64 / cpu / copy;
        let figure = format!(
            "{}   {each:.0} ns CPU a record   {ratio:.3} of memory copy",
            rate(records, took)
        );
        report(&format!("poll of at most {max_records} records"), &figure);
    }
    let started = thread_cpu_seconds();
    let mut batch = Batch::default();
    let polls = 2_000;
    for index in 0..polls {
        let from = Offset(index * 97);
        log.read(TOPIC, Partition(0), from, 1, &mut batch).unwrap();
    }
    let each = (thread_cpu_seconds() - started) / polls as f64 * 1e6;
    report(
        "read of one record somewhere",
        &format!("{each:9.1} us CPU"),
    );
}

fn states(scratch: &Path) {
    const KEYS: u64 = 2_000_000;
    const PER_COMMIT: u64 = 2_000;
    let log = open(&scratch.join("states"));
    let mut task = log.task(Partition(0));
    task.recover().unwrap();
    let key = |index: u64| {
        format!(
            "conversation-{:016x}",
            index.wrapping_mul(0x9e37_79b9_7f4a_7c15)
        )
        .into_bytes()
    };
    let (started, cpu) = (Instant::now(), cpu_seconds());
    for commit in 0..KEYS / PER_COMMIT {
        let state = |index| StateWrite {
            key: key(commit * PER_COMMIT + index),
            value: record(index).value.unwrap_or_default()[..60].to_vec(),
        };
        let next = Offset(commit + 1);
        let meta = Meta {
            stored_below: next,
            next,
            rules_version: 1,
            threshold_characters: 1,
            threshold_ms: 1,
            settings_next: Offset(0),
        };
        let states = (0..PER_COMMIT).map(state).collect();
        task.commit(&Commit {
            outputs: Vec::new(),
            states,
            meta,
        })
        .unwrap();
    }
    let cpu = (cpu_seconds() - cpu) / KEYS as f64 * 1e9;
    let figure = rate(KEYS, started.elapsed()).replace("records", "states ");
    report(
        "commits of 2,000 states of 60 bytes",
        &format!("{figure}   {cpu:.0} ns CPU a state"),
    );
    for (name, shift) in [("stored", 0), ("unknown", KEYS)] {
        let mut found = 0;
        let loads = 200;
        let mut times = 0.0;
        for load in 0..loads {
            let keys: Vec<Vec<u8>> = (0..500)
                .map(|index| key((load * 7_919 + index * 3_989) % KEYS + shift))
                .collect();
            let keys: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
            let started = thread_cpu_seconds();
            found += task.load(&keys).unwrap().iter().flatten().count();
            times += thread_cpu_seconds() - started;
        }
        let each = times / (loads * 500) as f64 * 1e9;
        report(
            &format!("load of 500 {name} keys of {KEYS}, a key"),
            &format!("{each:9.0} ns CPU ({found} found)"),
        );
    }
}
