//! A process that is killed in the middle of its writes: everything acknowledged is there, and every commit is whole.
//! The test runs this same program again as the process to be killed.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

use afterword_log::{EmbeddedLog, Log, Offset, Partition, PartitionLog, Topic};

use crate::committing::commit;
use crate::{open, options, read_all, record};

const DIRECTORY: &str = "AFTERWORD_TEST_CRASH_DIRECTORY";
const KILLS: u64 = 20;
const PRODUCERS: u32 = 2;

#[test]
fn what_was_acknowledged_survives_a_kill() {
    let directory = tempfile::tempdir().unwrap();
    let mut acknowledged = vec![0u64; PRODUCERS as usize];
    let mut committed = 0;
    for kill in 0..KILLS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "crashing::child_that_is_killed",
                "--exact",
                "--ignored",
                "--nocapture",
                "--test-threads=1",
            ])
            .env(DIRECTORY, directory.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut lines = lines.map_while(Result::ok);
        // A different number of acknowledgements each time, and somewhere in the middle of the next.
        let mut note = |line: String| {
            if let Some(next) = line.strip_prefix("committed ") {
                committed = next.parse().unwrap();
            } else if let Some((producer, count)) = line
                .strip_prefix("appended ")
                .and_then(|line| line.split_once(' '))
            {
                acknowledged[producer.parse::<usize>().unwrap()] = count.parse().unwrap();
            }
        };
        lines
            .by_ref()
            .take(20 + 3 * kill as usize)
            .for_each(&mut note);
        std::thread::sleep(Duration::from_micros(300 * kill));
        child.kill().unwrap();
        lines.for_each(&mut note);
        child.wait().unwrap();
        check(directory.path(), &acknowledged, committed);
    }
}

fn check(directory: &std::path::Path, acknowledged: &[u64], committed: u64) {
    let log = EmbeddedLog::open(directory, options(PRODUCERS + 1)).unwrap();
    for (producer, count) in acknowledged.iter().enumerate() {
        let all = read_all(&log, Topic::ConversationEvents, producer as u32, usize::MAX);
        assert!(
            *count > 0 && all.len() as u64 >= *count,
            "{} of {count}",
            all.len()
        );
        for (index, (offset, record)) in all.iter().enumerate() {
            assert_eq!(
                (*offset, record.value.as_deref()),
                (index as u64, Some(index.to_string().as_bytes()))
            );
        }
        assert_eq!(all.len() % 3, 0, "an append of three records is half there");
    }
    let mut task = log.task(Partition(PRODUCERS));
    let next = task.recover().unwrap().map_or(0, |meta| meta.next.0);
    assert!(next >= committed);
    for topic in [Topic::EligibilityDecided, Topic::RatingRequested] {
        assert_eq!(
            read_all(&log, topic, PRODUCERS, usize::MAX).len() as u64,
            next
        );
    }
    let expected = (next > 0).then(|| next.to_string().into_bytes());
    assert_eq!(
        task.load(&[b"x", b"y"]).unwrap(),
        [expected.clone(), expected]
    );
}

#[test]
#[ignore = "a part of what_was_acknowledged_survives_a_kill"]
fn child_that_is_killed() {
    let Ok(directory) = std::env::var(DIRECTORY) else {
        return;
    };
    let log = open(std::path::Path::new(&directory), PRODUCERS + 1);
    std::thread::scope(|scope| {
        for producer in 0..PRODUCERS {
            let log = &log;
            scope.spawn(move || append_for_ever(log, Partition(producer)));
        }
        let mut task = log.task(Partition(PRODUCERS));
        let mut next = task.recover().unwrap().map_or(Offset(0), |meta| meta.next);
        loop {
            next = next.next();
            let text = next.to_string();
            task.commit(&commit(next.0, &[("x", &text), ("y", &text)]))
                .unwrap();
            say(&format!("committed {next}"));
        }
    });
}

fn append_for_ever(log: &EmbeddedLog, partition: Partition) {
    loop {
        let end = log
            .bounds(Topic::ConversationEvents, partition)
            .unwrap()
            .end
            .0;
        let records = (end..end + 3).map(|index| (partition, record("k", &index.to_string())));
        log.append(Topic::ConversationEvents, records.collect())
            .unwrap();
        say(&format!("appended {partition} {}", end + 3));
    }
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "\n{line}").unwrap();
    out.flush().unwrap();
}
