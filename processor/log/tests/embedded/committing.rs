//! Commits: whole, durable, fenced.

use afterword_log::{
    Commit, EmbeddedLog, Log, LogError, Meta, Offset, OutputRecord, Partition, PartitionLog,
    StateWrite, Topic,
};

use crate::{open, options, read_all, record};

/// A commit up to this position: an output to each of two topics, and states.
pub fn commit(next: u64, states: &[(&str, &str)]) -> Commit {
    let output = |topic| OutputRecord {
        topic,
        record: record("k", &next.to_string()),
    };
    let state = |(key, value): &(&str, &str)| StateWrite {
        key: key.as_bytes().to_vec(),
        value: value.as_bytes().to_vec(),
    };
    Commit {
        outputs: vec![
            output(Topic::EligibilityDecided),
            output(Topic::RatingRequested),
        ],
        states: states.iter().map(state).collect(),
        meta: Meta {
            stored_below: Offset(next),
            next: Offset(next),
            rules_version: 1,
            threshold_characters: 250,
            threshold_ms: 120_000,
            settings_next: Offset(3),
        },
    }
}

#[test]
fn a_commit_survives_without_a_close() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path(), 2);
    let mut task = log.task(Partition(1));
    assert_eq!(task.recover().unwrap(), None);
    let first = commit(5, &[("a", "1"), ("b", ""), ("", "empty key")]);
    task.commit(&first).unwrap();
    task.commit(&commit(7, &[("a", "2")])).unwrap();
    drop((log, task));
    let log = EmbeddedLog::open(directory.path(), options(2)).unwrap();
    let mut task = log.task(Partition(1));
    assert_eq!(task.recover().unwrap(), Some(commit(7, &[]).meta));
    let loaded = task.load(&[b"b", b"missing", b"a", b"", b"a"]).unwrap();
    let expected = [Some(""), None, Some("2"), Some("empty key"), Some("2")];
    assert_eq!(
        loaded,
        expected.map(|value| value.map(|value| value.as_bytes().to_vec()))
    );
    assert_eq!(task.load(&[]).unwrap(), Vec::<Option<Vec<u8>>>::new());
    for topic in [Topic::EligibilityDecided, Topic::RatingRequested] {
        assert_eq!(
            read_all(&log, topic, 1, 1),
            [(0, record("k", "5")), (1, record("k", "7"))]
        );
        assert_eq!(read_all(&log, topic, 0, 1), []);
    }
    let mut other = log.task(Partition(0));
    assert_eq!(other.recover().unwrap(), None);
    assert_eq!(other.load(&[b"a"]).unwrap(), [None]);
}

#[test]
fn a_task_that_recovered_later_owns_the_partition() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path(), 2);
    let mut old = log.task(Partition(0));
    let mut new = log.task(Partition(0));
    let mut beside = log.task(Partition(1));
    assert!(
        matches!(old.commit(&commit(1, &[])), Err(LogError::GiveUp(_))),
        "it never recovered"
    );
    old.recover().unwrap();
    beside.recover().unwrap();
    old.commit(&commit(1, &[("a", "old")])).unwrap();
    assert_eq!(new.recover().unwrap(), Some(commit(1, &[]).meta));
    assert!(matches!(
        old.commit(&commit(2, &[("a", "stale")])),
        Err(LogError::GiveUp(_))
    ));
    new.commit(&commit(2, &[("a", "new")])).unwrap();
    beside.commit(&commit(9, &[])).unwrap();
    assert_eq!(new.load(&[b"a"]).unwrap(), [Some(b"new".to_vec())]);
    assert_eq!(read_all(&log, Topic::RatingRequested, 0, 1).len(), 2);
    assert!(matches!(
        log.task(Partition(2)).recover(),
        Err(LogError::Stop(_))
    ));
}

#[test]
fn a_commit_never_goes_back() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path(), 1);
    let mut task = log.task(Partition(0));
    task.recover().unwrap();
    task.commit(&commit(5, &[])).unwrap();
    task.commit(&commit(5, &[])).unwrap();
    assert!(matches!(
        task.commit(&commit(4, &[("a", "1")])),
        Err(LogError::Stop(_))
    ));
    let mut ahead = commit(6, &[]);
    ahead.meta.stored_below = Offset(7);
    assert!(matches!(task.commit(&ahead), Err(LogError::Stop(_))));
    assert_eq!(task.load(&[b"a"]).unwrap(), [None]);
    assert_eq!(read_all(&log, Topic::RatingRequested, 0, 1).len(), 2);
    assert_eq!(
        log.bounds(Topic::RatingRequested, Partition(0))
            .unwrap()
            .end,
        Offset(2)
    );
}

#[test]
fn settings_are_read_from_any_task() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path(), 3);
    let records = (0..5)
        .map(|index| (Partition(0), record("w/1", &index.to_string())))
        .collect();
    log.append(Topic::WorkspaceSettings, records).unwrap();
    let mut batch = afterword_log::Batch::default();
    log.task(Partition(2))
        .settings(Offset(3), &mut batch)
        .unwrap();
    assert_eq!(
        batch
            .iter()
            .map(|record| record.offset.0)
            .collect::<Vec<_>>(),
        [3, 4]
    );
    log.task(Partition(2))
        .settings(Offset(5), &mut batch)
        .unwrap();
    assert!(batch.is_empty());
}
