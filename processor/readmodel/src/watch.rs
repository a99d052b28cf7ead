//! Waiting for the log without asking it again and again: a small thread a topic partition sleeps in [`Log::wait_for`] and
//! wakes the projector. There are four for every partition of the log, and one for the settings.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use afterword_log::{Log, Offset};
use tokio::sync::Notify;

use crate::error::ReadModelError;
use crate::positions::{Place, Positions};

/// How long one wait lasts, and so how long a stop may take.
const WAIT: Duration = Duration::from_millis(500);

/// The threads. They end within [`WAIT`] of [`Watchers::stop`], or of a drop.
pub(crate) struct Watchers {
    shared: Arc<Shared>,
    threads: Vec<(Place, Arc<AtomicU64>, JoinHandle<()>)>,
}

#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    notify: Notify,
}

impl Watchers {
    /// Starts a thread for each of these topic partitions.
    pub fn start(log: &Arc<dyn Log>, positions: &Positions) -> Result<Watchers, ReadModelError> {
        let shared = Arc::new(Shared::default());
        let mut threads = Vec::with_capacity(positions.len());
        for (&place, position) in positions {
            let next = Arc::new(AtomicU64::new(position.next.0));
            let (log, own_shared, own_next) =
                (Arc::clone(log), Arc::clone(&shared), Arc::clone(&next));
            let name = format!("watch {} {}", place.0, place.1);
            let thread = thread::Builder::new().name(name).stack_size(128 << 10);
            let thread = thread.spawn(move || watch(log.as_ref(), place, &own_next, &own_shared));
            let thread = thread.map_err(|error| {
                ReadModelError::Wait(format!("a thread that watches the log: {error}"))
            })?;
            threads.push((place, next, thread));
        }
        Ok(Watchers { shared, threads })
    }

    /// Tells the threads what is projected now.
    pub fn moved(&self, positions: &Positions) {
        for (place, next, thread) in &self.threads {
            let Some(position) = positions.get(place) else {
                continue;
            };
            if next.swap(position.next.0, Ordering::AcqRel) != position.next.0 {
                thread.thread().unpark();
            }
        }
    }

    /// Ends the threads and waits until they have let go of the log.
    pub async fn stop(mut self) {
        self.tell_to_stop();
        let threads = std::mem::take(&mut self.threads);
        let joined = tokio::task::spawn_blocking(move || {
            for (_, _, thread) in threads {
                if thread.join().is_err() {
                    tracing::error!("a thread that watches the log panicked");
                }
            }
        });
        joined.await.ok();
    }

    fn tell_to_stop(&self) {
        self.shared.stop.store(true, Ordering::Release);
        for (_, _, thread) in &self.threads {
            thread.thread().unpark();
        }
    }

    /// Returns when the log may hold something that is not projected.
    pub async fn woken(&self) {
        self.shared.notify.notified().await;
    }
}

impl Drop for Watchers {
    fn drop(&mut self) {
        self.tell_to_stop();
    }
}

fn watch(log: &dyn Log, (topic, partition): Place, next: &AtomicU64, shared: &Shared) {
    while !shared.stop.load(Ordering::Acquire) {
        let from = next.load(Ordering::Acquire);
        let began = Instant::now();
        let holds = log.wait_for(topic, partition, Offset(from), WAIT);
        if holds {
            shared.notify.notify_one();
        }
        // Until it is projected there is nothing to wait for; and a log that returns early (it was closed) is not asked again
        // at once.
        while next.load(Ordering::Acquire) == from && !shared.stop.load(Ordering::Acquire) {
            let rest = WAIT.saturating_sub(began.elapsed());
            if rest.is_zero() {
                break;
            }
            thread::park_timeout(rest);
        }
    }
}
