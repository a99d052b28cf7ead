//! Stopwatches, and the table that is printed.

use std::time::{Duration, Instant};

use super::facts::Facts;

/// Rounds of which the median is taken.
const ROUNDS: usize = 5;

/// The median duration of several runs.
pub fn median(mut run: impl FnMut()) -> Duration {
    let mut times: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let begun = Instant::now();
            run();
            begun.elapsed()
        })
        .collect();
    times.sort();
    times[ROUNDS / 2]
}

/// Processor time that this process has used, all threads together.
pub fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(") ").next().unwrap_or_default();
    let mut fields = after_name
        .split(' ')
        .skip(11)
        .map(|field| field.parse::<u64>().unwrap_or(0));
    let ticks = fields.next().unwrap_or(0) + fields.next().unwrap_or(0);
    // A tick is 10 ms on every Linux that Rust supports.
    Duration::from_millis(ticks * 10)
}

/// Rows of: what, its figure, what it is compared to, that one's figure, the ratio.
pub struct Table {
    rows: Vec<[String; 5]>,
}

impl Table {
    pub fn new(facts: &Facts) -> Table {
        println!(
            "{} facts of {} conversations, {} bytes a fact\n",
            facts.records.len(),
            facts.conversations,
            facts.bytes / facts.records.len().max(1),
        );
        let heading = ["what", "figure", "beside", "its figure", "ratio"].map(str::to_owned);
        Table {
            rows: vec![heading],
        }
    }

    /// A row with a peer.
    pub fn compare(&mut self, what: &str, figure: String, peer: &str, peers: String, ratio: f64) {
        eprintln!("{what}: {figure}");
        let ratio = if ratio >= 100.0 {
            format!("{ratio:.0}")
        } else {
            format!("{ratio:.2}")
        };
        self.rows
            .push([what.to_owned(), figure, peer.to_owned(), peers, ratio]);
    }

    /// A row without one.
    pub fn note(&mut self, what: &str, figure: String) {
        eprintln!("{what}: {figure}");
        self.rows.push([
            what.to_owned(),
            figure,
            String::new(),
            String::new(),
            String::new(),
        ]);
    }

    pub fn print(&self) {
        let width = |column: usize| {
            self.rows
                .iter()
                .map(|row| row[column].chars().count())
                .max()
                .unwrap_or(0)
        };
        let widths: Vec<usize> = (0..5).map(width).collect();
        println!();
        for row in &self.rows {
            println!(
                "{:<w0$}  {:>w1$}  {:<w2$}  {:>w3$}  {:>w4$}",
                row[0],
                row[1],
                row[2],
                row[3],
                row[4],
                w0 = widths[0],
                w1 = widths[1],
                w2 = widths[2],
                w3 = widths[3],
                w4 = widths[4],
            );
        }
    }
}

/// Nanoseconds for each of so many.
pub fn each(time: Duration, count: usize) -> f64 {
    time.as_nanos() as f64 / count.max(1) as f64
}

/// So many in a second, in thousands.
pub fn thousands_a_second(count: usize, time: Duration) -> String {
    format!("{:.0} k/s", count as f64 / time.as_secs_f64() / 1_000.0)
}
