//! The log when its database fails: what callers are told, and that it is true.

#![allow(clippy::unwrap_used)]

use std::time::{Duration, Instant};

use super::faults::Fault;
use super::*;
use crate::commit::{Commit, Meta, OutputRecord, PartitionLog, StateWrite};

fn open(directory: &Path) -> Arc<EmbeddedLog> {
    let options = EmbeddedOptions {
        partitions: Some(2),
        reserve_bytes: 0,
        ..EmbeddedOptions::default()
    };
    EmbeddedLog::open(directory, options).unwrap()
}

fn append(log: &EmbeddedLog, value: &str) -> Result<Vec<(Partition, Offset)>, LogError> {
    let record = Record::new("key", value, 1);
    log.append(Topic::ConversationEvents, vec![(Partition(0), record)])
}

fn values(log: &EmbeddedLog, topic: Topic) -> Vec<String> {
    let mut batch = Batch::default();
    log.read(topic, Partition(0), Offset(0), usize::MAX, &mut batch)
        .unwrap();
    let text =
        |record: crate::RecordRef<'_>| String::from_utf8(record.value.unwrap().to_vec()).unwrap();
    batch.iter().map(text).collect()
}

fn commit(next: u64, value: &str) -> Commit {
    Commit {
        outputs: vec![OutputRecord {
            topic: Topic::RatingRequested,
            record: Record::new("key", value, 1),
        }],
        states: vec![StateWrite {
            key: b"key".to_vec(),
            value: value.as_bytes().to_vec(),
        }],
        meta: Meta {
            stored_below: Offset(next),
            next: Offset(next),
            rules_version: 1,
            threshold_characters: 1,
            threshold_ms: 1,
            settings_next: Offset(0),
        },
    }
}

fn until_healthy(log: &EmbeddedLog) {
    let started = Instant::now();
    while log.impediment().is_some() {
        assert!(
            started.elapsed() < Duration::from_secs(10),
            "{:?}",
            log.impediment()
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_write_that_failed_before_it_was_written_is_to_be_tried_again() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path());
    append(&log, "a").unwrap();
    log.shared.faults.plan(&[Fault::BeforeWrite]);
    assert!(matches!(append(&log, "b"), Err(LogError::Wait(_))));
    assert_eq!(append(&log, "c").unwrap(), [(Partition(0), Offset(1))]);
    assert_eq!(values(&log, Topic::ConversationEvents), ["a", "c"]);
}

#[test]
fn a_write_that_failed_after_it_was_written_is_acknowledged() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path());
    append(&log, "a").unwrap();
    log.shared.faults.plan(&[Fault::AfterWrite]);
    assert_eq!(append(&log, "b").unwrap(), [(Partition(0), Offset(1))]);
    assert_eq!(append(&log, "c").unwrap(), [(Partition(0), Offset(2))]);
    assert_eq!(values(&log, Topic::ConversationEvents), ["a", "b", "c"]);
}

#[test]
fn a_commit_in_doubt_is_found_out_by_recovering() {
    for (fault, expected) in [(Fault::BeforeWrite, 1), (Fault::AfterWrite, 2)] {
        let directory = tempfile::tempdir().unwrap();
        let log = open(directory.path());
        let mut task = log.task(Partition(0));
        task.recover().unwrap();
        task.commit(&commit(1, "first")).unwrap();
        log.shared.faults.plan(&[fault, Fault::Reopen]);
        let failed = task.commit(&commit(2, "second"));
        assert!(matches!(failed, Err(LogError::StartOver(_))), "{failed:?}");
        assert!(matches!(task.recover(), Err(LogError::Wait(_))));
        assert!(matches!(append(&log, "refused"), Err(LogError::Wait(_))));
        until_healthy(&log);
        let unrecovered = task.commit(&commit(2, "second"));
        assert!(
            matches!(unrecovered, Err(LogError::GiveUp(_))),
            "{unrecovered:?}"
        );
        let meta = task.recover().unwrap().unwrap();
        assert_eq!(meta.next, Offset(expected));
        let outputs = values(&log, Topic::RatingRequested);
        assert_eq!(outputs.len() as u64, expected);
        let state = task.load(&[b"key"]).unwrap().remove(0).unwrap();
        assert_eq!(&state, outputs.last().unwrap().as_bytes());
    }
}

#[test]
fn an_append_in_doubt_may_be_there_and_is_never_half_there() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path());
    log.shared
        .faults
        .plan(&[Fault::AfterWrite, Fault::Reopen, Fault::Reopen]);
    assert!(matches!(append(&log, "a"), Err(LogError::StartOver(_))));
    assert!(log.impediment().unwrap().contains("planned"));
    until_healthy(&log);
    assert_eq!(append(&log, "a").unwrap(), [(Partition(0), Offset(1))]);
    assert_eq!(values(&log, Topic::ConversationEvents), ["a", "a"]);
}

#[test]
fn a_reader_who_waits_sees_what_the_opening_found() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path());
    log.shared.faults.plan(&[Fault::AfterWrite, Fault::Reopen]);
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            log.wait_for(
                Topic::ConversationEvents,
                Partition(0),
                Offset(0),
                Duration::from_secs(10),
            )
        });
        assert!(append(&log, "a").is_err());
        assert!(waiting.join().unwrap());
    });
}

#[test]
fn damaged_batches_stop_the_reader_and_name_the_place() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path());
    for value in ["a", "b", "c"] {
        append(&log, value).unwrap();
    }
    let key = keys::record_key(Topic::ConversationEvents, Partition(0), Offset(1));
    for damaged in [&b""[..], &[9; 30], &[1; 40]] {
        let (reply, answer) = bounded(1);
        let kind = Kind::Tidy(vec![request::Change::Put(key, damaged.to_vec())]);
        let write = Write {
            chunks: Vec::new(),
            kind,
            bytes: 0,
            reply,
        };
        assert!(log.requests.send(Request::Write(write)).is_ok());
        answer.recv().unwrap().unwrap();
        let mut batch = Batch::default();
        let read = log.read(
            Topic::ConversationEvents,
            Partition(0),
            Offset(0),
            usize::MAX,
            &mut batch,
        );
        let Err(LogError::Stop(text)) = read else {
            panic!("{read:?}");
        };
        assert!(text.contains("conversation-events/0/1"), "{text}");
    }
}

#[test]
fn another_format_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(DATABASE);
    drop(open(directory.path()));
    let database = Database::open(&path, &EmbeddedOptions::default()).unwrap();
    let mut batch = WriteBatch::default();
    batch.put_cf(database.meta(), FORMAT_KEY, 7u32.to_be_bytes());
    database.write(batch, &WriteOptions::default()).unwrap();
    drop(database);
    let opened = EmbeddedLog::open(directory.path(), EmbeddedOptions::default());
    assert!(matches!(
        opened,
        Err(OpenError::Format {
            stored: 7,
            known: FORMAT
        })
    ));
}
