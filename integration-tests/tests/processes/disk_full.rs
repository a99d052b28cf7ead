//! A full disk: the service says so, loses nothing it acknowledged, and goes on when there is space again.

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use serde_json::Value;

use crate::disk::Disk;
use crate::outputs;
use crate::place::Place;
use crate::service::Service;

const DISK_BYTES: u64 = 192 << 20;
/// How soon the service must notice either change.
const NOTICE: Duration = Duration::from_secs(30);
/// How long a little space may last until a write has failed.
const TIGHT: Duration = Duration::from_secs(120);
const LEFT_BYTES: u64 = 1 << 20;
/// Of one text: about 1.7 kB, and about 200 kB.
const WORDS: u64 = 100;
const FAT_WORDS: u64 = 12_000;
/// What the system says to a write that finds no space.
const NO_SPACE: &str = "No space left";
const FOLDED: Duration = Duration::from_secs(60);
/// What is asked of the reserve.
const RESERVE_MIB: u64 = 64;

/// Conversations that producers have posted, and how they were answered.
#[derive(Default)]
struct Posted {
    /// The number of the next conversation.
    next: AtomicU64,
    acknowledged: Mutex<HashSet<u64>>,
    /// Answered 503 with `Retry-After`.
    refused: AtomicU64,
    stop: AtomicBool,
    /// `/livez` answered anything but 200.
    dead: AtomicU64,
}

/// A conversation that ends with a request: four facts, of which one has so many words.
fn conversation(number: u64, words: u64) -> String {
    let head = |event: u64, minute: u64| {
        format!(
            "{{\"event_id\":\"e{event}\",\"workspace_id\":\"w\",\"conversation_id\":\"c{number}\",\
             \"occurred_at\":\"2026-03-02T09:{minute:02}:00.000Z\","
        )
    };
    let user = "{\"kind\":\"user\",\"id\":\"u\"}";
    let teammate = "{\"kind\":\"teammate\",\"id\":\"t\"}";
    // Noise of a kind: the log's compression must not make it nothing.
    let text: String = (0..words)
        .map(|word| {
            format!(
                "{:x} ",
                (number << 32 | word).wrapping_mul(0x9E37_79B9_7F4A_7C15)
            )
        })
        .collect();
    [
        format!("{}\"type\":\"conversation_started\",\"origin\":\"customer_initiated\",\"initiator\":{user},\"channel\":\"email\"}}\n", head(1, 0)),
        format!("{}\"type\":\"message_added\",\"author\":{user},\"text\":\"{text}\"}}\n", head(2, 1)),
        format!("{}\"type\":\"message_added\",\"author\":{teammate},\"text\":\"Done.\"}}\n", head(3, 2)),
        format!("{}\"type\":\"conversation_closed\",\"by\":{teammate}}}\n", head(4, 3)),
    ]
    .concat()
}

/// Posts conversations until told to stop; one that is refused is posted again until it is not.
fn produce(service: &Service, posted: &Posted, words: u64) {
    while !posted.stop.load(Ordering::Relaxed) {
        let number = posted.next.fetch_add(1, Ordering::Relaxed);
        let lines = conversation(number, words);
        while !posted.stop.load(Ordering::Relaxed) {
            let answer = service.post(&lines);
            match answer.status {
                200 => {
                    posted.acknowledged.lock().unwrap().insert(number);
                    break;
                }
                503 => {
                    assert!(
                        answer.retry_after.is_some(),
                        "503 without Retry-After: {}",
                        answer.body
                    );
                    posted.refused.fetch_add(1, Ordering::Relaxed);
                }
                other => panic!("expected 200 or 503, found {other}: {}", answer.body),
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Looks at `/livez` all the time.
fn watch(service: &Service, posted: &Posted) {
    while !posted.stop.load(Ordering::Relaxed) {
        if service
            .get("/livez")
            .is_none_or(|answer| answer.status != 200)
        {
            posted.dead.fetch_add(1, Ordering::Relaxed);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Sets `stop` even when the thread that should do it panics; scoped threads would be waited for for ever.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A disk of its own, or a word why there is none.
fn disk() -> Option<Disk> {
    let disk = Disk::mount(DISK_BYTES);
    disk.map_err(|reason| {
        eprintln!("SKIPPED: no small disk can be mounted here, it takes root ({reason})")
    })
    .ok()
}

/// Two times: the disk becomes full under load, stays so for a while, and is freed again.
fn fill_and_free(reserve_mib: u64, left_bytes: u64) {
    let Some(disk) = disk() else { return };
    let place = Place::new()
        .with_data(&disk.path().join("data"))
        .with("log.free_space_reserve_mib", reserve_mib);
    let service = place.serve(&[]);
    let posted = Posted::default();
    let times = std::thread::scope(|scope| {
        let _stop = Stop(&posted.stop);
        for _ in 0..2 {
            scope.spawn(|| produce(&service, &posted, WORDS));
        }
        scope.spawn(|| watch(&service, &posted));
        [(); 2].map(|()| full_and_free_again(&service, &posted, &disk, left_bytes))
    });
    assert_eq!(
        posted.dead.load(Ordering::Relaxed),
        0,
        "/livez must answer 200 all the time"
    );
    check_all_decided(&place, service, &posted);
    println!(
        "reserve {reserve_mib} MiB, filled to {left_bytes} bytes: noticed and back again after {times:?}; {} conversations \
         acknowledged, {} posts refused",
        posted.acknowledged.lock().unwrap().len(),
        posted.refused.load(Ordering::Relaxed)
    );
}

fn acknowledged(posted: &Posted) -> usize {
    posted.acknowledged.lock().unwrap().len()
}

/// Returns how long it took to notice, and to be back.
fn full_and_free_again(
    service: &Service,
    posted: &Posted,
    disk: &Disk,
    left_bytes: u64,
) -> (Duration, Duration) {
    let before = acknowledged(posted);
    service.wait_for("some conversations to be taken", NOTICE, |_| {
        acknowledged(posted) >= before + 20
    });
    let refused = posted.refused.load(Ordering::Relaxed);
    disk.fill(left_bytes);
    let noticed = service.wait_for("/readyz to be 503 and to say why", NOTICE, |service| {
        // What is left shrinks as the service uses it, and grows when it tidies up.
        disk.fill(left_bytes);
        service
            .get("/readyz")
            .is_some_and(|answer| answer.status == 503 && says_why(&answer.json()))
    });
    service.wait_for("a post to be refused", NOTICE, |_| {
        disk.fill(left_bytes);
        posted.refused.load(Ordering::Relaxed) > refused
    });
    std::thread::sleep(Duration::from_secs(2));
    let full = acknowledged(posted);
    disk.empty();
    let back = service.wait_until_ready(NOTICE);
    service.wait_for("conversations to be taken again", NOTICE, |_| {
        acknowledged(posted) >= full + 20
    });
    (noticed, back)
}

/// A check that is not all right, with a reason that a person can act on.
fn says_why(readiness: &Value) -> bool {
    let checks = readiness["checks"].as_array();
    checks.into_iter().flatten().any(|check| {
        let detail = check["detail"].as_str().unwrap_or_default().to_lowercase();
        check["ok"] == false && (detail.contains("space") || detail.contains("full"))
    })
}

/// Everything acknowledged is in the log and decided, while the service still runs and after it has ended.
fn check_all_decided(place: &Place, service: Service, posted: &Posted) {
    let acknowledged = posted.acknowledged.lock().unwrap();
    let wanted = acknowledged.len() as f64;
    service.wait_for(
        "every acknowledged conversation to be decided",
        FOLDED,
        |service| {
            service
                .metric("afterword_requests_total")
                .is_some_and(|requests| requests >= wanted)
        },
    );
    assert!(service.stop().success());
    let log = place.log();
    assert_eq!(outputs::violations(&log, &[]), Vec::<String>::new());
    let decided: HashSet<String> = outputs::outputs(&log)
        .iter()
        .map(|found| outputs::conversation_of(&found.output).1)
        .collect();
    let lost: Vec<_> = acknowledged
        .iter()
        .filter(|number| !decided.contains(&format!("c{number}")))
        .collect();
    assert!(lost.is_empty(), "acknowledged and not decided: {lost:?}");
}

/// There is always a little space, so that the program goes on writing, until the database needs more at once than there is.
#[test]
fn writes_that_fail_for_want_of_space_are_in_doubt_and_lose_nothing() {
    let Some(disk) = disk() else { return };
    let place = Place::new()
        .with_data(&disk.path().join("data"))
        .with("log.free_space_reserve_mib", 0);
    let service = place.serve(&[]);
    let posted = Posted::default();
    let failed = || service.times_said(NO_SPACE);
    std::thread::scope(|scope| {
        let _stop = Stop(&posted.stop);
        for _ in 0..2 {
            scope.spawn(|| produce(&service, &posted, FAT_WORDS));
        }
        scope.spawn(|| watch(&service, &posted));
        service.wait_for("some conversations to be taken", NOTICE, |_| {
            acknowledged(&posted) >= 20
        });
        service.wait_for("a write to fail", TIGHT, |_| {
            disk.leave(LEFT_BYTES);
            std::thread::sleep(Duration::from_millis(40));
            failed() > 0
        });
        std::thread::sleep(Duration::from_secs(2));
        let full = acknowledged(&posted);
        disk.empty();
        service.wait_until_ready(NOTICE);
        service.wait_for("conversations to be taken again", NOTICE, |_| {
            acknowledged(&posted) >= full + 20
        });
    });
    assert_eq!(
        posted.dead.load(Ordering::Relaxed),
        0,
        "/livez must answer 200 all the time"
    );
    println!(
        "{} writes failed, {} conversations acknowledged",
        failed(),
        acknowledged(&posted)
    );
    check_all_decided(&place, service, &posted);
}

#[test]
fn a_disk_filled_up_to_the_reserve_stops_intake_and_loses_nothing() {
    fill_and_free(RESERVE_MIB, 8 << 20);
}

#[test]
fn a_disk_filled_to_the_last_byte_stops_intake_and_loses_nothing() {
    fill_and_free(0, 0);
}
