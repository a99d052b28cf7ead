//! How often the registry is asked for what it does not have, or while it does not answer.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use afterword_schemas::{RecordKind, SchemaRegistry, Unavailable};

/// An id that the registry does not have is asked for again after so long: it may be registered late, and a producer gone
/// wrong must not make a request of every record.
const UNKNOWN_FOR: Duration = Duration::from_secs(10);
/// The most ids remembered as unknown; beyond that all are asked for again.
const MAX_UNKNOWN: usize = 10_000;
/// After a failure nobody asks for so long: those who waited for the same answer would each wait for a time-out of their own.
const PAUSE: Duration = Duration::from_secs(1);

/// A registry that remembers for a while what it could not tell.
pub struct Patient<R> {
    registry: R,
    /// Held for moments only.
    bad_news: Mutex<BadNews>,
}

#[derive(Default)]
struct BadNews {
    /// Ids that the registry does not have, and when it said so.
    unknown: BTreeMap<u32, Instant>,
    failed: Option<(Instant, Unavailable)>,
}

impl<R> Patient<R> {
    pub fn new(registry: R) -> Patient<R> {
        Patient {
            registry,
            bad_news: Mutex::default(),
        }
    }

    fn bad_news(&self) -> MutexGuard<'_, BadNews> {
        self.bad_news.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ask<T>(&self, call: impl FnOnce(&R) -> Result<T, Unavailable>) -> Result<T, Unavailable> {
        if let Some((at, error)) = &self.bad_news().failed
            && at.elapsed() < PAUSE
        {
            return Err(error.clone());
        }
        let answer = call(&self.registry);
        let failed = answer.as_ref().err();
        self.bad_news().failed = failed.map(|error| (Instant::now(), error.clone()));
        answer
    }
}

impl<R: SchemaRegistry> SchemaRegistry for Patient<R> {
    fn schema(&self, id: u32) -> Result<Option<String>, Unavailable> {
        let said = self.bad_news().unknown.get(&id).copied();
        if said.is_some_and(|at| at.elapsed() < UNKNOWN_FOR) {
            return Ok(None);
        }
        let found = self.ask(|registry| registry.schema(id))?;
        let unknown = &mut self.bad_news().unknown;
        if found.is_some() {
            unknown.remove(&id);
        } else {
            if unknown.len() >= MAX_UNKNOWN {
                unknown.clear();
            }
            unknown.insert(id, Instant::now());
        }
        Ok(found)
    }

    fn id_of(&self, kind: RecordKind) -> Result<u32, Unavailable> {
        self.ask(|registry| registry.id_of(kind))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    /// Has nothing the first times that it is asked.
    struct Late {
        asked: AtomicU32,
        failures: u32,
    }

    impl SchemaRegistry for &Late {
        fn schema(&self, _: u32) -> Result<Option<String>, Unavailable> {
            match self.asked.fetch_add(1, Ordering::SeqCst) < self.failures {
                true => Err(Unavailable("away".to_owned())),
                false => Ok(None),
            }
        }

        fn id_of(&self, _: RecordKind) -> Result<u32, Unavailable> {
            self.schema(0).map(|_| 1)
        }
    }

    #[test]
    fn bad_news_is_remembered_for_a_while() {
        let late = Late {
            asked: AtomicU32::new(0),
            failures: 1,
        };
        let patient = Patient::new(&late);
        for _ in 0..3 {
            assert!(
                patient.schema(7).is_err() && patient.id_of(RecordKind::AnswerRefused).is_err()
            );
        }
        assert_eq!(late.asked.load(Ordering::SeqCst), 1);
        std::thread::sleep(PAUSE);
        for id in [7, 7, 8, 7] {
            assert_eq!(patient.schema(id), Ok(None));
        }
        assert_eq!(late.asked.load(Ordering::SeqCst), 3, "7 and 8 once each");
        assert_eq!(patient.id_of(RecordKind::AnswerRefused), Ok(1));
    }
}
