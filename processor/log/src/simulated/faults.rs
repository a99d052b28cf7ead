//! How often what fails, and the defects that a backend could have.

/// Probabilities, each for one call.
#[derive(Clone, Copy, Debug)]
pub struct Faults {
    /// A poll returns nothing although there is something.
    pub empty_poll: f64,
    /// A poll returns again what was read before.
    pub redelivery: f64,
    /// A poll, load or settings read asks to start over.
    pub read_failure: f64,
    /// A commit is refused whole by the surroundings.
    pub wait: f64,
    /// The process crashes in a commit: before it, or after it and before the answer.
    pub crash: f64,
    /// A commit's outcome stays unknown: it was written, it was lost, or it arrives later.
    pub in_doubt: f64,
    /// A delayed commit arrives at a call of its partition.
    pub arrival: f64,
}

impl Faults {
    /// Nothing fails.
    #[must_use]
    pub const fn none() -> Faults {
        Faults {
            empty_poll: 0.0,
            redelivery: 0.0,
            read_failure: 0.0,
            wait: 0.0,
            crash: 0.0,
            in_doubt: 0.0,
            arrival: 0.0,
        }
    }

    /// Everything fails now and then.
    #[must_use]
    pub const fn some() -> Faults {
        Faults {
            empty_poll: 0.2,
            redelivery: 0.1,
            read_failure: 0.01,
            wait: 0.05,
            crash: 0.08,
            in_doubt: 0.08,
            arrival: 0.3,
        }
    }
}

/// Mistakes of a backend, switched on by tests to show that they would be noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackendDefect {
    /// The position is written on its own, before the outputs.
    PositionBeforeOutputs,
    /// The outputs are written on their own, before the position.
    OutputsBeforePosition,
    /// The states are written on their own, before the rest.
    StatesBeforeTheRest,
    /// A delayed commit of a former owner is let in after the take-over.
    LateCommitNotFenced,
}

impl BackendDefect {
    /// Every one.
    pub const ALL: [BackendDefect; 4] = [
        BackendDefect::PositionBeforeOutputs,
        BackendDefect::OutputsBeforePosition,
        BackendDefect::StatesBeforeTheRest,
        BackendDefect::LateCommitNotFenced,
    ];
}
