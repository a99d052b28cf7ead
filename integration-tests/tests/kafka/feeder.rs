//! A producer of facts that never stops: it posts to the API of a process that does nothing else, repeats what was not
//! acknowledged, and now and then what was.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::http::Client;
use crate::stranger::Id;

/// Facts in a post, at most.
const CHUNK: usize = 12;

/// The facts that there are to feed.
pub struct Stock {
    pub lines: Vec<String>,
    pub ids: Vec<Id>,
}

struct Shared {
    url: Mutex<Option<String>>,
    paused: AtomicBool,
    /// Held during a post.
    turn: Mutex<()>,
    ended: AtomicBool,
    posted: AtomicU64,
    repeated: AtomicU64,
    acknowledged: Mutex<BTreeSet<usize>>,
}

/// The producer; it ends with this value.
pub struct Feeder {
    stock: Arc<Stock>,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Feeder {
    /// Begins to feed about so many facts a second, as soon as it is told where.
    pub fn new(stock: Arc<Stock>, seed: u64, a_second: u64) -> Feeder {
        let shared = Arc::new(Shared {
            url: Mutex::default(),
            paused: AtomicBool::new(false),
            turn: Mutex::default(),
            ended: AtomicBool::new(false),
            posted: AtomicU64::new(0),
            repeated: AtomicU64::new(0),
            acknowledged: Mutex::default(),
        });
        let (its_stock, its_shared) = (Arc::clone(&stock), Arc::clone(&shared));
        let between = Duration::from_micros(1_000_000 * (CHUNK as u64 / 2) / a_second.max(1));
        let thread = std::thread::spawn(move || feed(&its_stock, &its_shared, seed, between));
        Feeder {
            stock,
            shared,
            thread: Some(thread),
        }
    }

    /// Where events are posted from now on.
    pub fn post_to(&self, url: String) {
        *lock(&self.shared.url) = Some(url);
    }

    /// Stops for a while; when this returns, no post is under way.
    pub fn pause(&self) {
        self.shared.paused.store(true, Ordering::SeqCst);
        drop(lock(&self.shared.turn));
    }

    /// Fails the test when the producer had to give up.
    pub fn must_run(&self) {
        let thread = self.thread.as_ref().expect("a thread until the end");
        assert!(!thread.is_finished(), "the producer of facts gave up");
    }

    pub fn go_on(&self) {
        self.shared.paused.store(false, Ordering::SeqCst);
    }

    /// Facts posted, and how many of them were repetitions.
    pub fn posted(&self) -> (u64, u64) {
        let read = |count: &AtomicU64| count.load(Ordering::SeqCst);
        (read(&self.shared.posted), read(&self.shared.repeated))
    }

    /// What was acknowledged.
    pub fn acknowledged(&self) -> Vec<Id> {
        let acknowledged = lock(&self.shared.acknowledged);
        acknowledged
            .iter()
            .map(|index| self.stock.ids[*index].clone())
            .collect()
    }
}

impl Drop for Feeder {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn feed(stock: &Stock, shared: &Shared, seed: u64, between: Duration) {
    let mut dice = ChaCha8Rng::seed_from_u64(seed);
    let (client, mut next) = (Client::new(), 0_usize);
    while !shared.ended.load(Ordering::SeqCst) {
        let url = lock(&shared.url).clone();
        let turn = lock(&shared.turn);
        let (Some(url), false) = (url, shared.paused.load(Ordering::SeqCst)) else {
            drop(turn);
            std::thread::sleep(Duration::from_millis(5));
            continue;
        };
        let from = match dice.random_bool(0.1) {
            true => dice.random_range(next.saturating_sub(300)..=next),
            false => next,
        };
        let to = (from + dice.random_range(1..=CHUNK)).min(stock.lines.len());
        if post(stock, shared, &client, &url, from, to) {
            let repeated = next.min(to).saturating_sub(from);
            shared.repeated.fetch_add(repeated as u64, Ordering::SeqCst);
            next = next.max(to);
            if next == stock.lines.len() {
                // All of it once more: everything arrives twice.
                next = 0;
            }
        }
        drop(turn);
        std::thread::sleep(between);
    }
}

/// Posts some facts; true when they were acknowledged.
fn post(
    stock: &Stock,
    shared: &Shared,
    client: &Client,
    url: &str,
    from: usize,
    to: usize,
) -> bool {
    let lines = stock.lines[from..to].concat();
    shared
        .posted
        .fetch_add((to - from) as u64, Ordering::SeqCst);
    match client.post_lines(url, &lines) {
        Ok(answer) if answer.status == 200 => {
            lock(&shared.acknowledged).extend(from..to);
            true
        }
        Ok(answer) => {
            assert_eq!(answer.status, 503, "{}", answer.body);
            std::thread::sleep(Duration::from_millis(100));
            false
        }
        // Killed, or not listening: it may have been taken or not, and is sent again.
        Err(_) => {
            std::thread::sleep(Duration::from_millis(100));
            false
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
