//! Retention and compaction, beside readers and writers.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use afterword_log::{
    Batch, EmbeddedLog, EmbeddedOptions, Log, LogError, Offset, Partition, Record, Removed,
    Retention, Topic,
};

use crate::{open, options, read_all};

const TOPIC: Topic = Topic::ConversationEvents;

fn append(log: &EmbeddedLog, topic: Topic, records: Vec<Record>) {
    let records = records
        .into_iter()
        .map(|record| (Partition(0), record))
        .collect();
    log.append(topic, records).unwrap();
}

/// Ten batches of ten records; the n-th has timestamps from 100 n on.
fn ten_batches(log: &EmbeddedLog) {
    for batch in 0..10 {
        append(
            log,
            TOPIC,
            (0..10)
                .map(|index| Record::new("k", "v".repeat(100), 100 * batch + index))
                .collect(),
        );
    }
}

fn offsets(log: &EmbeddedLog, topic: Topic) -> Vec<u64> {
    read_all(log, topic, 0, 1_000)
        .into_iter()
        .map(|(offset, _)| offset)
        .collect()
}

fn older_than(ms: i64) -> Retention {
    Retention {
        older_than_ms: Some(ms),
        partition_bytes: None,
    }
}

fn everything(_: Topic, _: Partition) -> Offset {
    Offset(u64::MAX)
}

#[test]
fn retention_by_age_removes_whole_old_batches() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path(), 1);
    ten_batches(&log);
    assert_eq!(
        log.retain(&older_than(0), &everything).unwrap(),
        Removed::default()
    );
    assert_eq!(
        log.retain(&older_than(305), &everything).unwrap().records,
        30
    );
    let start = |log: &EmbeddedLog| log.bounds(TOPIC, Partition(0)).unwrap().start;
    assert_eq!(start(&log), Offset(30));
    assert_eq!(offsets(&log, TOPIC), (30..100).collect::<Vec<_>>());
    assert_eq!(
        log.retain(&older_than(i64::MAX), &everything)
            .unwrap()
            .records,
        60,
        "the last batch stays"
    );
    assert_eq!(offsets(&log, TOPIC), (90..100).collect::<Vec<_>>());
    drop(log);
    let log = open(directory.path(), 1);
    assert_eq!(start(&log), Offset(90));
    append(&log, TOPIC, vec![Record::new("k", "v", 0)]);
    assert_eq!(offsets(&log, TOPIC), (90..101).collect::<Vec<_>>());
}

#[test]
fn retention_never_touches_what_is_needed() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path(), 1);
    ten_batches(&log);
    let removed = log
        .retain(&older_than(i64::MAX), &|_, _| Offset(35))
        .unwrap();
    assert_eq!(removed.records, 30);
    assert_eq!(offsets(&log, TOPIC), (30..100).collect::<Vec<_>>());
    assert_eq!(
        log.retain(&older_than(i64::MAX), &|_, _| Offset(40))
            .unwrap()
            .records,
        10
    );
    assert_eq!(
        log.retain(&older_than(i64::MAX), &|_, _| Offset(0))
            .unwrap()
            .records,
        0
    );
}

#[test]
fn retention_by_bytes_keeps_about_as_many() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path(), 1);
    ten_batches(&log);
    let policy = Retention {
        older_than_ms: None,
        partition_bytes: Some(5_500),
    };
    let removed = log.retain(&policy, &everything).unwrap();
    assert_eq!(removed.records, 50, "{removed:?}");
    assert_eq!(
        log.retain(&policy, &everything).unwrap(),
        Removed::default()
    );
    drop(log);
    let log = open(directory.path(), 1);
    ten_batches(&log);
    assert_eq!(
        log.retain(&policy, &everything).unwrap().records,
        100,
        "the count goes on after an opening"
    );
}

#[test]
fn retention_gives_the_space_back() {
    let directory = tempfile::tempdir().unwrap();
    let options = EmbeddedOptions {
        write_buffer_bytes: 1 << 20,
        ..options(1)
    };
    let log = EmbeddedLog::open(directory.path(), options.clone()).unwrap();
    let mut noise = 7u64;
    let mut record = |bytes: usize| {
        let mut next = || {
            noise = noise
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (noise >> 56) as u8
        };
        Record::new("k", (0..bytes).map(|_| next()).collect::<Vec<u8>>(), 1)
    };
    for _ in 0..60 {
        append(&log, TOPIC, (0..10).map(|_| record(20_000)).collect());
        append(&log, TOPIC, vec![record(500)]);
    }
    let full = size(directory.path());
    assert!(full > 12_000_000, "{full}");
    log.retain(&older_than(2), &everything).unwrap();
    log.close().unwrap();
    drop(EmbeddedLog::open(directory.path(), options).unwrap());
    let rest = size(directory.path());
    assert!(rest < 3_000_000, "{rest} of {full} bytes are left");
}

fn size(directory: &std::path::Path) -> u64 {
    let entries = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap());
    let size_of = |entry: std::fs::DirEntry| match entry.metadata().unwrap() {
        metadata if metadata.is_dir() => size(&entry.path()),
        metadata => metadata.len(),
    };
    entries.map(size_of).sum()
}

#[test]
fn retention_beside_a_reader_and_a_writer() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path(), 1);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut batch = Batch::default();
            let mut next = Offset(0);
            while !done.load(Ordering::SeqCst) {
                log.read(TOPIC, Partition(0), next, 500, &mut batch)
                    .unwrap();
                let found: Vec<u64> = batch.iter().map(|record| record.offset.0).collect();
                assert!(found.windows(2).all(|pair| pair[0] < pair[1]));
                assert!(found.first().is_none_or(|first| *first >= next.0));
                next = Offset(next.0 / 2 + batch.next().map_or(0, |next| next.0 / 2));
            }
        });
        for round in 0..20 {
            append(
                &log,
                TOPIC,
                (0..10).map(|_| Record::new("k", "v", round)).collect(),
            );
            log.retain(&older_than(round - 2), &everything).unwrap();
        }
        done.store(true, Ordering::SeqCst);
        reader.join().unwrap();
    });
    assert_eq!(log.bounds(TOPIC, Partition(0)).unwrap().start, Offset(170));
}

fn settings(key: u32, value: &str) -> Record {
    Record::new(format!("key {key}"), value, 1)
}

/// The latest value of every key.
fn latest(records: &[(u64, Record)]) -> BTreeMap<Vec<u8>, Option<Vec<u8>>> {
    let pair = |(_, record): &(u64, Record)| (record.key.clone().unwrap(), record.value.clone());
    records.iter().map(pair).collect()
}

#[test]
fn compaction_keeps_the_latest_record_of_each_key_with_its_offset() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path(), 1);
    let topic = Topic::WorkspaceSettings;
    for round in 0..30 {
        append(
            &log,
            topic,
            (0..7)
                .map(|key| settings(key * (round % 3), &format!("{round}")))
                .collect(),
        );
    }
    append(
        &log,
        topic,
        vec![
            Record {
                key: None,
                ..settings(0, "without a key")
            },
            settings(100, "last"),
        ],
    );
    append(&log, topic, vec![settings(101, "in the last batch")]);
    let before = read_all(&log, topic, 0, usize::MAX);
    let removed = log.compact(topic).unwrap();
    let after = read_all(&log, topic, 0, 10);
    assert_eq!(removed.records as usize, before.len() - after.len());
    assert!(after.len() < 20, "{}", after.len());
    assert!(after.iter().all(|record| before.contains(record)));
    let keyed = |records: &[(u64, Record)]| {
        let keyed = records.iter().filter(|(_, record)| record.key.is_some());
        latest(&keyed.cloned().collect::<Vec<_>>())
    };
    assert_eq!(keyed(&after), keyed(&before));
    assert!(after.iter().any(|(_, record)| record.key.is_none()));
    assert_eq!(log.compact(topic).unwrap(), Removed::default());
    for from in 0..before.len() as u64 {
        let mut batch = Batch::default();
        log.read(topic, Partition(0), Offset(from), 1, &mut batch)
            .unwrap();
        let expected = after.iter().find(|(offset, _)| *offset >= from).unwrap().0;
        assert_eq!(batch.iter().next().unwrap().offset, Offset(expected));
    }
    let end = log.bounds(topic, Partition(0)).unwrap().end;
    drop(log);
    let log = open(directory.path(), 1);
    assert_eq!(log.bounds(topic, Partition(0)).unwrap().end, end);
    assert_eq!(read_all(&log, topic, 0, 10), after);
    assert!(matches!(log.compact(TOPIC), Err(LogError::Stop(_))));
}

#[test]
fn a_tombstone_stays_for_one_compaction() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path(), 1);
    let topic = Topic::TeammateScorecards;
    let tombstone = Record {
        value: None,
        ..settings(1, "")
    };
    append(&log, topic, vec![settings(1, "a"), settings(2, "b")]);
    append(&log, topic, vec![tombstone]);
    append(&log, topic, vec![settings(3, "c")]);
    assert_eq!(log.compact(topic).unwrap().records, 1);
    assert_eq!(offsets(&log, topic), [1, 2, 3]);
    assert_eq!(log.compact(topic).unwrap().records, 1);
    assert_eq!(offsets(&log, topic), [1, 3]);
}

#[test]
fn compaction_beside_readers_and_a_writer() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path(), 1);
    let topic = Topic::WorkspaceSettings;
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = |max_bytes| {
            let (log, done) = (&log, &done);
            move || {
                while !done.load(Ordering::SeqCst) {
                    let end = log.bounds(topic, Partition(0)).unwrap().end.0;
                    let all = read_all(log, topic, 0, max_bytes);
                    assert!(all.windows(2).all(|pair| pair[0].0 < pair[1].0));
                    assert!(all.last().map_or(0, |(offset, _)| offset + 1) >= end);
                    // Every key that was ever written is there.
                    let keys = latest(&all).len() as u64;
                    assert!(keys >= end.min(50), "{keys} keys of {end} records");
                }
            }
        };
        let readers = [scope.spawn(reader(usize::MAX)), scope.spawn(reader(300))];
        for round in 0..40u32 {
            append(
                &log,
                topic,
                (0..25)
                    .map(|index| settings((25 * round + index) % 50, "value"))
                    .collect(),
            );
            log.compact(topic).unwrap();
        }
        done.store(true, Ordering::SeqCst);
        readers
            .into_iter()
            .for_each(|reader| reader.join().unwrap());
    });
    assert_eq!(latest(&read_all(&log, topic, 0, usize::MAX)).len(), 50);
}
