//! Failures of the database that tests ask for.

use parking_lot::Mutex;

/// Where the next failure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The write fails, and nothing was written.
    BeforeWrite,
    /// The write fails after everything was written.
    AfterWrite,
    /// The database cannot be opened again.
    Reopen,
}

/// The failures to come, each once, in the order of their kinds.
#[derive(Debug, Default)]
pub(super) struct Faults(Mutex<Vec<Fault>>);

impl Faults {
    pub(super) fn plan(&self, faults: &[Fault]) {
        self.0.lock().extend_from_slice(faults);
    }

    fn happens(&self, fault: Fault) -> Result<(), String> {
        let mut planned = self.0.lock();
        match planned.iter().position(|planned| *planned == fault) {
            Some(index) => {
                planned.remove(index);
                Err(format!("planned: {fault:?}"))
            }
            None => Ok(()),
        }
    }

    pub(super) fn before_write(&self) -> Result<(), String> {
        self.happens(Fault::BeforeWrite)
    }

    pub(super) fn after_write(&self) -> Result<(), String> {
        self.happens(Fault::AfterWrite)
    }

    pub(super) fn before_reopen(&self) -> Result<(), String> {
        self.happens(Fault::Reopen)
    }
}
