//! Opening and closing.

use std::time::{Duration, Instant};

use afterword_log::{
    Batch, EmbeddedLog, EmbeddedOptions, Log, LogError, Offset, OpenError, Partition, PartitionLog,
    Topic,
};

use crate::{open, options, read_all, record};

#[test]
fn a_log_is_open_once() {
    let directory = tempfile::tempdir().unwrap();
    assert!(!EmbeddedLog::exists(directory.path()));
    let log = open(directory.path(), 1);
    assert!(EmbeddedLog::exists(directory.path()));
    let second = EmbeddedLog::open(directory.path(), options(1));
    assert!(
        matches!(&second, Err(OpenError::Locked { .. })),
        "{:?}",
        second.err()
    );
    drop(log);
    open(directory.path(), 1);
}

#[test]
fn the_number_of_partitions_is_fixed_at_creation() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path(), 3);
    let id = log.id().to_owned();
    drop(log);
    let other = EmbeddedLog::open(directory.path(), options(4));
    assert!(matches!(
        other,
        Err(OpenError::Partitions {
            stored: 3,
            asked: 4
        })
    ));
    let log = EmbeddedLog::open(directory.path(), EmbeddedOptions::default()).unwrap();
    assert_eq!(log.partitions(Topic::ConversationEvents), 3);
    assert_eq!(log.partitions(Topic::WorkspaceSettings), 1);
    assert_eq!(log.id(), id);
    assert_eq!(id.len(), 36);
    let fresh = tempfile::tempdir().unwrap();
    assert!(matches!(
        EmbeddedLog::open(fresh.path(), options(0)),
        Err(OpenError::PartitionsOutOfRange { .. })
    ));
    let fresh = EmbeddedLog::open(fresh.path(), EmbeddedOptions::default()).unwrap();
    assert_eq!(fresh.partitions(Topic::RatingSubmitted), 4);
    assert_ne!(fresh.id(), id);
}

#[test]
fn a_closed_log_says_so_and_another_can_be_opened() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path(), 1);
    let mut task = log.task(Partition(0));
    let append = |log: &EmbeddedLog| {
        log.append(
            Topic::ConversationEvents,
            vec![(Partition(0), record("k", "v"))],
        )
    };
    append(&log).unwrap();
    log.close().unwrap();
    log.close().unwrap();
    let again = open(directory.path(), 1);
    assert!(matches!(append(&log), Err(LogError::GiveUp(_))));
    assert!(matches!(task.recover(), Err(LogError::GiveUp(_))));
    assert!(matches!(task.load(&[b"k"]), Err(LogError::GiveUp(_))));
    assert!(matches!(task.end(), Err(LogError::GiveUp(_))));
    let mut batch = Batch::default();
    let read = log.read(
        Topic::ConversationEvents,
        Partition(0),
        Offset(0),
        1,
        &mut batch,
    );
    assert!(matches!(read, Err(LogError::GiveUp(_))));
    assert!(log.impediment().is_some());
    assert_eq!(read_all(&again, Topic::ConversationEvents, 0, 1).len(), 1);
    append(&again).unwrap();
}

#[test]
fn everybody_is_answered_when_the_log_closes() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path(), 1);
    let acknowledged: u64 = std::thread::scope(|scope| {
        let producer = || {
            let mut acknowledged = 0;
            loop {
                match log.append(
                    Topic::ConversationEvents,
                    vec![(Partition(0), record("k", "v"))],
                ) {
                    Ok(_) => acknowledged += 1,
                    Err(LogError::GiveUp(_) | LogError::StartOver(_)) => return acknowledged,
                    Err(error) => panic!("{error}"),
                }
            }
        };
        let producers: Vec<_> = (0..8).map(|_| scope.spawn(producer)).collect();
        std::thread::sleep(Duration::from_millis(50));
        log.close().unwrap();
        producers
            .into_iter()
            .map(|producer| producer.join().unwrap())
            .sum()
    });
    let log = open(directory.path(), 1);
    let started = Instant::now();
    assert_eq!(
        read_all(&log, Topic::ConversationEvents, 0, usize::MAX).len() as u64,
        acknowledged
    );
    assert!(started.elapsed() < Duration::from_secs(5));
}
