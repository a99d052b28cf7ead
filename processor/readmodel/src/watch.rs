//! Waiting for the log without asking it again and again: a small thread a topic partition sleeps in [`Log::wait_for`] and
//! wakes the projector. There are four for every partition that is projected here, and one for the settings.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use afterword_log::{Log, Offset};
use tokio::sync::Notify;

use crate::error::ReadModelError;
use crate::positions::{Place, Position, Positions};

/// How long one wait lasts, and so how long a stop may take.
const WAIT: Duration = Duration::from_millis(500);

/// The threads. They end within [`WAIT`] of [`Watchers::stop`], or of a drop.
#[derive(Default)]
pub(crate) struct Watchers {
    notify: Arc<Notify>,
    threads: BTreeMap<Place, Watcher>,
    /// Told to end, because their partitions are no longer projected here.
    ending: Vec<JoinHandle<()>>,
}

struct Watcher {
    shared: Arc<Shared>,
    thread: JoinHandle<()>,
}

struct Shared {
    stop: AtomicBool,
    next: AtomicU64,
    notify: Arc<Notify>,
}

impl Watcher {
    fn start(
        log: &Arc<dyn Log>,
        place: Place,
        position: &Position,
        notify: &Arc<Notify>,
    ) -> Result<Watcher, ReadModelError> {
        let shared = Arc::new(Shared {
            stop: AtomicBool::new(false),
            next: AtomicU64::new(position.next.0),
            notify: Arc::clone(notify),
        });
        let (log, own) = (Arc::clone(log), Arc::clone(&shared));
        let name = format!("watch {} {}", place.0, place.1);
        let thread = thread::Builder::new().name(name).stack_size(128 << 10);
        let thread = thread.spawn(move || watch(log.as_ref(), place, &own));
        let thread = thread.map_err(|error| {
            ReadModelError::Wait(format!("a thread that watches the log: {error}"))
        })?;
        Ok(Watcher { shared, thread })
    }

    fn moved(&self, position: &Position) {
        let next = position.next.0;
        if self.shared.next.swap(next, Ordering::AcqRel) != next {
            self.thread.thread().unpark();
        }
    }

    fn tell_to_stop(&self) {
        self.shared.stop.store(true, Ordering::Release);
        self.thread.thread().unpark();
    }
}

impl Watchers {
    /// Watches these topic partitions and no others, from where they are projected now.
    pub fn follow(
        &mut self,
        log: &Arc<dyn Log>,
        positions: &Positions,
    ) -> Result<(), ReadModelError> {
        for (place, position) in positions {
            match self.threads.entry(*place) {
                Entry::Occupied(watcher) => watcher.get().moved(position),
                Entry::Vacant(vacant) => {
                    vacant.insert(Watcher::start(log, *place, position, &self.notify)?);
                }
            }
        }
        self.ending.retain(|thread| !thread.is_finished());
        let is_gone = |place: &Place, _: &mut Watcher| !positions.contains_key(place);
        for (_, watcher) in self.threads.extract_if(.., is_gone) {
            watcher.tell_to_stop();
            self.ending.push(watcher.thread);
        }
        Ok(())
    }

    /// Ends the threads and waits until they have let go of the log.
    pub async fn stop(mut self) {
        let threads = std::mem::take(&mut self.threads);
        threads.values().for_each(Watcher::tell_to_stop);
        let mut ending = std::mem::take(&mut self.ending);
        ending.extend(threads.into_values().map(|watcher| watcher.thread));
        let joined = tokio::task::spawn_blocking(move || {
            for thread in ending {
                if thread.join().is_err() {
                    tracing::error!("a thread that watches the log panicked");
                }
            }
        });
        joined.await.ok();
    }

    /// Returns when the log may hold something that is not projected.
    pub async fn woken(&self) {
        self.notify.notified().await;
    }
}

impl Drop for Watchers {
    fn drop(&mut self) {
        self.threads.values().for_each(Watcher::tell_to_stop);
    }
}

fn watch(log: &dyn Log, (topic, partition): Place, shared: &Shared) {
    while !shared.stop.load(Ordering::Acquire) {
        let from = shared.next.load(Ordering::Acquire);
        let began = Instant::now();
        let holds = log.wait_for(topic, partition, Offset(from), WAIT);
        if holds {
            shared.notify.notify_one();
        }
        // Until it is projected there is nothing to wait for; and a log that returns early (it was closed, or what it holds
        // are gaps of which it cannot say where they end) is not asked again at once.
        while shared.next.load(Ordering::Acquire) == from && !shared.stop.load(Ordering::Acquire) {
            let rest = WAIT.saturating_sub(began.elapsed());
            if rest.is_zero() {
                break;
            }
            thread::park_timeout(rest);
        }
    }
}
