//! The simulator: one seed makes the facts, how they arrive, how they are batched, what fails and when the process
//! crashes. The engine's own task runs on the simulated log; afterwards its outputs must be those of the naive model, and
//! its stored states those of a plain fold of the log.

mod check;
mod long;
mod plan;
mod run;
mod traced;

pub use check::Violation;
pub use plan::Plan;
pub use run::{simulate, simulate_long};

use afterword_domain::defect::Defect;
use afterword_log::simulated::BackendDefect;

/// A mistake to be noticed, in the fold and the engine or in the backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sabotage {
    Code(Defect),
    Backend(BackendDefect),
}

impl Sabotage {
    /// Every mistake that the simulator must notice.
    pub fn all() -> impl Iterator<Item = Sabotage> {
        let code = Defect::ALL.into_iter().map(Sabotage::Code);
        code.chain(BackendDefect::ALL.into_iter().map(Sabotage::Backend))
    }
}
