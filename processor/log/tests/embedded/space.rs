//! A disk that is full, and has space again.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use afterword_log::{
    EmbeddedLog, EmbeddedOptions, FreeSpace, Log, LogError, Offset, Partition, PartitionLog,
    Record, Retention, Topic,
};

use crate::committing::commit;
use crate::{options, read_all, record};

const TOPIC: Topic = Topic::ConversationEvents;

fn append(log: &EmbeddedLog, value: &str) -> Result<Vec<(Partition, Offset)>, LogError> {
    log.append(TOPIC, vec![(Partition(0), record("k", value))])
}

#[test]
fn the_reserve_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let free = Arc::new(AtomicU64::new(u64::MAX));
    let measured = Arc::clone(&free);
    let options = EmbeddedOptions {
        reserve_bytes: 1_000_000,
        free_space: Arc::new(move |_: &Path| Ok(measured.load(Ordering::SeqCst))),
        ..options(1)
    };
    let log = EmbeddedLog::open(directory.path(), options).unwrap();
    let mut task = log.task(Partition(0));
    task.recover().unwrap();
    append(&log, "a").unwrap();
    append(&log, "b").unwrap();
    assert_eq!(log.impediment(), None);
    free.store(1_000_010, Ordering::SeqCst);
    let Err(LogError::Wait(text)) = append(&log, &"x".repeat(5_000)) else {
        panic!("written into the reserve");
    };
    let name = directory.path().display().to_string();
    assert!(
        text.contains(&name) && text.contains("1000010") && text.contains("1000000"),
        "{text}"
    );
    assert!(matches!(
        task.commit(&commit(1, &[("a", "1")])),
        Err(LogError::Wait(_))
    ));
    assert!(log.impediment().unwrap().contains(&name));
    assert_eq!(read_all(&log, TOPIC, 0, 1).len(), 2, "reading goes on");
    let tidied = log.retain(
        &Retention {
            older_than_ms: Some(i64::MAX),
            partition_bytes: None,
        },
        &|_, _| Offset(9),
    );
    assert_eq!(tidied.unwrap().records, 1, "making room is allowed");
    free.store(2_000_000, Ordering::SeqCst);
    assert_eq!(log.impediment(), None);
    task.commit(&commit(1, &[("a", "1")])).unwrap();
    assert_eq!(append(&log, "c").unwrap(), [(Partition(0), Offset(2))]);
}

#[test]
fn free_space_that_cannot_be_measured_is_none() {
    let directory = tempfile::tempdir().unwrap();
    let options = EmbeddedOptions {
        free_space: Arc::new(|_: &Path| Err(std::io::Error::other("no such disk"))),
        ..options(1)
    };
    let log = EmbeddedLog::open(directory.path(), options).unwrap();
    let Err(LogError::Wait(text)) = append(&log, "a") else {
        panic!("written blindly");
    };
    assert!(text.contains("no such disk"), "{text}");
}

/// A disk of its own that is really full. Needs the right to mount one.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount() -> Option<SmallDisk> {
        let directory = tempfile::tempdir().unwrap();
        let mut mount = Command::new("mount");
        mount
            .args(["-t", "tmpfs", "-o", "size=24m", "afterword-test"])
            .arg(directory.path());
        let mounted = mount.output().is_ok_and(|output| output.status.success());
        mounted.then_some(SmallDisk(directory))
    }

    fn fill(&self) {
        let directory = self.0.path().join("filler");
        std::fs::create_dir_all(&directory).unwrap();
        let file = std::fs::read_dir(&directory).unwrap().count().to_string();
        // Ends with the disk.
        let _ = std::fs::write(directory.join(file), vec![7; 48 << 20]);
    }

    fn empty(&self) {
        std::fs::remove_dir_all(self.0.path().join("filler")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount")
            .arg("--lazy")
            .arg(self.0.path())
            .status();
        assert!(
            unmounted.is_ok_and(|status| status.success()),
            "the test's disk stays mounted"
        );
    }
}

#[test]
fn a_full_disk_is_noticed_before_a_write() {
    fill_a_small_disk(EmbeddedOptions::default().free_space);
}

/// Nothing warns: the database itself runs into the full disk, in a write, a flush or while it is opened again.
#[test]
fn a_full_disk_in_the_middle_of_a_write_is_survived() {
    fill_a_small_disk(Arc::new(|_: &Path| Ok(u64::MAX)));
}

fn fill_a_small_disk(free_space: FreeSpace) {
    let Some(disk) = SmallDisk::mount() else {
        println!("skipped: mounting a small disk is not allowed here");
        return;
    };
    let directory = disk.0.path().join("log");
    let options = EmbeddedOptions {
        reserve_bytes: 0,
        write_buffer_bytes: 1 << 20,
        free_space,
        ..options(1)
    };
    let log = EmbeddedLog::open(&directory, options.clone()).unwrap();
    let mut task = log.task(Partition(0));
    let mut acknowledged = Vec::new();
    for round in 1..=3 {
        // Opening the database again makes a little room; fill that up too.
        for _ in 0..3 {
            disk.fill();
            append_until_refused(&log, &mut acknowledged);
        }
        disk.empty();
        let started = Instant::now();
        while log.impediment().is_some() {
            assert!(
                started.elapsed() < Duration::from_secs(15),
                "{:?}",
                log.impediment()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        let committed = task.recover().unwrap().map_or(0, |meta| meta.next.0);
        assert_eq!(committed, round - 1);
        task.commit(&commit(round, &[("a", "1")])).unwrap();
        append_one(&log, &mut acknowledged).unwrap();
    }
    log.close().unwrap();
    drop((log, task));
    let log = EmbeddedLog::open(&directory, options).unwrap();
    let all = read_all(&log, TOPIC, 0, usize::MAX);
    let offsets: Vec<u64> = all.iter().map(|(offset, _)| *offset).collect();
    assert_eq!(offsets, (0..all.len() as u64).collect::<Vec<_>>());
    for (number, offset) in acknowledged.into_iter().enumerate() {
        let key = all[offset as usize].1.key.as_deref();
        assert_eq!(key, Some(number.to_string().as_bytes()), "at {offset}");
    }
    assert_eq!(
        read_all(&log, Topic::RatingRequested, 0, usize::MAX).len(),
        3
    );
}

/// Appends 30 KB under the key of how many were acknowledged before it.
fn append_one(log: &EmbeddedLog, acknowledged: &mut Vec<u64>) -> Result<(), LogError> {
    let mut noise = acknowledged.len() as u64 | 1;
    let mut next = || {
        noise = noise
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (noise >> 56) as u8
    };
    let value: Vec<u8> = (0..30_000).map(|_| next()).collect();
    let record = Record::new(acknowledged.len().to_string(), value, 1);
    let places = log.append(TOPIC, vec![(Partition(0), record)])?;
    acknowledged.push(places[0].1.0);
    Ok(())
}

fn append_until_refused(log: &EmbeddedLog, acknowledged: &mut Vec<u64>) {
    for _ in 0..2_000 {
        match append_one(log, acknowledged) {
            Ok(()) => {}
            Err(LogError::Wait(_) | LogError::StartOver(_)) => return,
            Err(error) => panic!("{error}"),
        }
    }
    panic!("a disk of 24 MiB took 60 MB");
}
