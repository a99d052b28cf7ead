//! Stopwatches and what `/proc` tells.

use std::fs;
use std::process::Child;
use std::time::{Duration, Instant};

/// Clock ticks a second in `/proc`, on every Linux that people run.
const TICKS: f64 = 100.0;
const LOOK: Duration = Duration::from_millis(5);

/// What something took.
#[derive(Clone, Copy, Debug)]
pub struct Spent {
    pub seconds: f64,
    pub cpu_seconds: f64,
}

/// User and system time of a process so far, all its threads; `self` is a process too.
pub fn cpu_seconds(process: &str) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    // The 14th and 15th field, counted behind the name in parentheses.
    let behind = stat.rsplit_once(')').unwrap().1;
    let fields = behind.split_whitespace().skip(11).take(2);
    let ticks: f64 = fields.map(|field| field.parse::<f64>().unwrap()).sum();
    ticks / TICKS
}

/// Waits until the process has ended well, and says what it spent in all.
pub fn to_its_end(child: &mut Child, began: Instant) -> Spent {
    let process = child.id().to_string();
    loop {
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
        // It has ended, and its figures stay until it is waited for.
        if stat
            .rsplit_once(')')
            .unwrap()
            .1
            .trim_start()
            .starts_with('Z')
        {
            break;
        }
        std::thread::sleep(LOOK);
    }
    let spent = Spent {
        seconds: began.elapsed().as_secs_f64(),
        cpu_seconds: cpu_seconds(&process),
    };
    let status = child.wait().unwrap();
    assert!(status.success(), "it ended with {status}");
    spent
}

/// What happens here and now, in this process.
pub fn here<T>(work: impl FnOnce() -> T) -> (T, Spent) {
    let (began, before) = (Instant::now(), cpu_seconds("self"));
    let done = work();
    let spent = Spent {
        seconds: began.elapsed().as_secs_f64(),
        cpu_seconds: cpu_seconds("self") - before,
    };
    (done, spent)
}

pub fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// `p50 1.0  p90 2.0  p99 3.0  max 4.0 ms`.
pub fn percentiles(mut times: Vec<Duration>) -> String {
    assert!(!times.is_empty(), "nothing was measured");
    times.sort();
    let at = |share: f64| {
        let index = (times.len() as f64 * share) as usize;
        times[index.min(times.len() - 1)].as_secs_f64() * 1e3
    };
    format!(
        "p50 {:6.1}  p90 {:6.1}  p99 {:6.1}  max {:6.1} ms  ({} of them)",
        at(0.50),
        at(0.90),
        at(0.99),
        at(1.0),
        times.len()
    )
}

/// Of the last minute.
pub fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or_default().to_owned()
}
