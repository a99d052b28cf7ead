//! Appends and reads: order, offsets, and what concurrent readers see.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use afterword_log::{
    Batch, Bounds, EmbeddedLog, EmbeddedObserver, EmbeddedOptions, GroupWritten, Log, LogError,
    Offset, Partition, PartitionLog, Record, Topic,
};

use crate::{open, options, read_all, record};

const TOPIC: Topic = Topic::ConversationEvents;

#[test]
fn records_come_back_as_they_were_appended() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path(), 3);
    let mut odd = record("k", "v").with_header("h", "x");
    odd.headers.push(("null".to_owned(), None));
    odd.timestamp_ms = -1;
    let records = vec![
        (Partition(2), odd.clone()),
        (Partition(0), Record::default()),
        (Partition(2), record("b", "2")),
    ];
    let places = log.append(TOPIC, records).unwrap();
    assert_eq!(
        places,
        [
            (Partition(2), Offset(0)),
            (Partition(0), Offset(0)),
            (Partition(2), Offset(1))
        ]
    );
    assert_eq!(
        read_all(&log, TOPIC, 2, 1),
        [(0, odd), (1, record("b", "2"))]
    );
    assert_eq!(read_all(&log, TOPIC, 0, 1), [(0, Record::default())]);
    assert_eq!(read_all(&log, TOPIC, 1, 1), []);
    assert_eq!(log.append(TOPIC, Vec::new()).unwrap(), []);
    let bounds = log.bounds(TOPIC, Partition(2)).unwrap();
    assert_eq!(
        bounds,
        Bounds {
            start: Offset(0),
            end: Offset(2)
        }
    );
}

#[test]
fn big_appends_are_cut_and_read_in_any_pieces() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path(), 1);
    let numbered = |index: u64| (Partition(0), record("k", &format!("{index:0200}")));
    log.append(TOPIC, (0..3).map(numbered).collect()).unwrap();
    let places = log
        .append(TOPIC, (3..10_000).map(numbered).collect())
        .unwrap();
    assert_eq!(places.last(), Some(&(Partition(0), Offset(9_999))));
    let big = record("big", &"x".repeat(1 << 20));
    log.append(TOPIC, vec![(Partition(0), big)]).unwrap();
    for max_bytes in [700, 100_000, usize::MAX] {
        let all = read_all(&log, TOPIC, 0, max_bytes);
        assert_eq!(all.len(), 10_001);
        for (index, (offset, record)) in all.iter().take(10_000).enumerate() {
            assert_eq!((*offset, record), (index as u64, &numbered(index as u64).1));
        }
    }
    let mut task = log.task(Partition(0));
    let mut batch = Batch::default();
    task.poll(Offset(995), 500, Duration::ZERO, &mut batch)
        .unwrap();
    let offsets: Vec<u64> = batch.iter().map(|record| record.offset.0).collect();
    assert_eq!(offsets, (995..1_495).collect::<Vec<_>>());
}

#[test]
fn partitions_that_do_not_exist_and_appends_that_are_too_big_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path(), 2);
    let append =
        |topic, partition| log.append(topic, vec![(Partition(partition), record("k", "v"))]);
    assert!(matches!(append(TOPIC, 2), Err(LogError::Stop(_))));
    assert!(matches!(
        append(Topic::WorkspaceSettings, 1),
        Err(LogError::Stop(_))
    ));
    assert!(append(Topic::WorkspaceSettings, 0).is_ok());
    let half = "x".repeat(33 << 20);
    let big = (0..2).map(|_| (Partition(0), record("k", &half))).collect();
    assert!(matches!(log.append(TOPIC, big), Err(LogError::Stop(_))));
    assert_eq!(read_all(&log, TOPIC, 0, 1), []);
}

#[test]
fn readers_beside_many_producers_never_see_a_gap() {
    const PRODUCERS: u64 = 8;
    const APPENDS: u64 = 40;
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path(), 2);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..2)
            .map(|partition| {
                scope.spawn({
                    let (log, done) = (&log, &done);
                    move || follow(log, Partition(partition), done)
                })
            })
            .collect();
        let producers: Vec<_> = (0..PRODUCERS)
            .map(|producer| {
                scope.spawn({
                    let log = &log;
                    move || produce(log, producer, APPENDS)
                })
            })
            .collect();
        producers
            .into_iter()
            .for_each(|producer| producer.join().unwrap());
        done.store(true, Ordering::SeqCst);
        let seen: u64 = readers
            .into_iter()
            .map(|reader| reader.join().unwrap())
            .sum();
        assert_eq!(seen, PRODUCERS * APPENDS * 6);
    });
}

/// Appends six records at once to two partitions and checks the answer against the log.
fn produce(log: &EmbeddedLog, producer: u64, appends: u64) {
    for append in 0..appends {
        let value = |index: u64| record(&producer.to_string(), &format!("{append}/{index}"));
        let records: Vec<_> = (0..6)
            .map(|index| (Partition(index as u32 % 2), value(index)))
            .collect();
        let places = log.append(TOPIC, records.clone()).unwrap();
        for ((partition, offset), (_, expected)) in places.into_iter().zip(records) {
            let mut batch = Batch::default();
            log.read(TOPIC, partition, offset, 1, &mut batch).unwrap();
            let found = batch
                .iter()
                .next()
                .map(|record| (record.offset, record.to_record()));
            assert_eq!(
                found,
                Some((offset, expected)),
                "an acknowledged record is not there"
            );
        }
    }
}

/// Reads until the producers are done: offsets without a gap, each producer's records in its order.
fn follow(log: &EmbeddedLog, partition: Partition, done: &AtomicBool) -> u64 {
    let mut next = Offset(0);
    let mut batch = Batch::default();
    let mut last = std::collections::HashMap::new();
    loop {
        let was_done = done.load(Ordering::SeqCst);
        let grown = log.wait_for(TOPIC, partition, next, Duration::from_millis(20));
        log.read(TOPIC, partition, next, 1_000, &mut batch).unwrap();
        assert!(
            !grown || !batch.is_empty(),
            "something was announced and is not there"
        );
        for record in batch.iter() {
            assert_eq!(record.offset, next);
            next = next.next();
            let (append, index) = std::str::from_utf8(record.value.unwrap())
                .unwrap()
                .split_once('/')
                .unwrap();
            let place = (
                append.parse::<u64>().unwrap(),
                index.parse::<u64>().unwrap(),
            );
            let before = last.insert(record.key.unwrap().to_vec(), place);
            assert!(before < Some(place), "{before:?} before {place:?}");
        }
        if was_done && !grown {
            return next.0;
        }
    }
}

#[derive(Default)]
struct Groups(Mutex<Vec<GroupWritten>>);

impl EmbeddedObserver for Groups {
    fn group_written(&self, group: &GroupWritten) {
        self.0.lock().unwrap().push(*group);
    }
}

#[test]
fn concurrent_producers_share_a_sync() {
    let directory = tempfile::tempdir().unwrap();
    let groups = Arc::new(Groups::default());
    let options = EmbeddedOptions {
        observer: Some(groups.clone()),
        ..options(1)
    };
    let log = EmbeddedLog::open(directory.path(), options).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                for _ in 0..20 {
                    log.append(TOPIC, vec![(Partition(0), record("k", "v"))])
                        .unwrap();
                }
            });
        }
    });
    let groups = groups.0.lock().unwrap();
    let records: u64 = groups.iter().map(|group| group.records).sum();
    let requests: usize = groups.iter().map(|group| group.requests).sum();
    assert_eq!((records, requests), (320, 320));
    assert!(
        groups.len() < 320,
        "no two of 320 appends of 16 threads shared a write"
    );
}

#[test]
fn waiting_ends_with_the_record_or_with_the_time() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path(), 1);
    assert!(!log.wait_for(TOPIC, Partition(0), Offset(0), Duration::from_millis(20)));
    assert!(!log.wait_for(TOPIC, Partition(9), Offset(0), Duration::from_secs(60)));
    std::thread::scope(|scope| {
        let mut task = log.task(Partition(0));
        let waiting = scope.spawn(move || {
            let mut batch = Batch::default();
            task.poll(Offset(0), 10, Duration::MAX, &mut batch).unwrap();
            batch.len()
        });
        std::thread::sleep(Duration::from_millis(20));
        log.append(TOPIC, vec![(Partition(0), record("k", "v"))])
            .unwrap();
        assert_eq!(waiting.join().unwrap(), 1);
    });
}
