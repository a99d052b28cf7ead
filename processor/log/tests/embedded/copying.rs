//! Copies of a log that is written meanwhile.

use std::sync::atomic::{AtomicU64, Ordering};

use afterword_log::{Log, Offset, Partition, PartitionLog, Topic};

use crate::committing::commit;
use crate::{open, read_all, record};

const FACTS: Topic = Topic::ConversationEvents;

#[test]
fn a_copy_has_all_that_was_acknowledged_and_every_group_whole() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(&directory.path().join("log"), 1);
    let acknowledged = AtomicU64::new(0);
    let is_over = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                let three = (0..3).map(|_| (Partition(0), record("k", "v"))).collect();
                let placed = log.append(FACTS, three).unwrap();
                acknowledged.store(placed[2].1.0 + 1, Ordering::SeqCst);
            }
        });
        for number in 0..5 {
            let before = acknowledged.load(Ordering::SeqCst);
            let place = directory.path().join(format!("copy-{number}"));
            log.checkpoint(&place).unwrap();
            let copy = open(&place, 1);
            assert_eq!(copy.id(), log.id());
            let held = read_all(&copy, FACTS, 0, usize::MAX).len() as u64;
            assert!(held >= before, "{held} of {before}");
            assert_eq!(held % 3, 0, "an append of three records is half there");
        }
        is_over.store(true, Ordering::Relaxed);
    });
}

#[test]
fn a_copy_goes_on_by_itself() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(&directory.path().join("log"), 1);
    let mut task = log.task(Partition(0));
    task.recover().unwrap();
    task.commit(&commit(1, &[])).unwrap();
    let place = directory.path().join("copy");
    log.checkpoint(&place).unwrap();
    let there = log.checkpoint(&place).unwrap_err().to_string();
    assert!(there.contains("exists"), "{there}");
    task.commit(&commit(2, &[])).unwrap();
    let copy = open(&place, 1);
    assert_eq!(copy.committed(Partition(0)).unwrap(), Some(Offset(1)));
    let mut other = copy.task(Partition(0));
    other.recover().unwrap();
    other.commit(&commit(2, &[])).unwrap();
    assert_eq!(log.committed(Partition(0)).unwrap(), Some(Offset(2)));
    // What the copy shares with the log outlives it.
    log.close().unwrap();
    drop((task, log));
    std::fs::remove_dir_all(directory.path().join("log")).unwrap();
    assert_eq!(
        read_all(&copy, Topic::EligibilityDecided, 0, usize::MAX).len(),
        2
    );
}
