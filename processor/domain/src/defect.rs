//! Deliberate defects, switched on one at a time by the test suite to show that it would notice them. Without the cargo
//! feature `defects`, which only the tests turn on, every switch is a constant `false` and nothing of this is left.

/// A mistake that somebody could make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defect {
    /// Facts that are folded again after a crash emit their outputs again.
    RefoldEmits,
    /// Facts are folded again into states that hold them already.
    RefoldDoesNotSkip,
    /// A stored state names the position at which its batch began, not that up to which facts are in it.
    StateNamesAnOldPosition,
    /// The meta record claims that every state is stored.
    DebtNotRecorded,
    /// Records that the source delivers again are folded again.
    RedeliveryFolded,
    /// Memory is kept although the outcome of a commit is unknown.
    MemoryKeptInDoubt,
    /// New settings are taken in the middle of a batch.
    SettingsInsideABatch,
    /// New settings are taken while states are owed.
    SettingsWithoutPayingTheDebt,
    /// The committed position is that of the last fact read, not of the next to read.
    PositionOfTheLastRead,
    /// A record that cannot be decoded is dropped.
    PoisonDropped,
    /// Folding a snooze panics. Not among [`Defect::ALL`]: the engine must survive it.
    SnoozePanics,
    /// Event ids are not remembered.
    RepetitionCounts,
    /// A repeated message's characters count again.
    RepeatedMessageCounts,
    /// Of two teammates in the same millisecond the lesser id wins.
    TeammateTieTheOtherWay,
    /// A late message moves the last reply back.
    LastReplyMovesBackwards,
    /// Exactly seven days are too late.
    SevenDaysAreStale,
    /// 250 characters are enough.
    ThresholdPasses,
    /// Leaving wins over being included in the same millisecond.
    LeavingWinsTies,
    /// A message folded before the close that it is later than does not reopen.
    EarlyFoldedMessageDoesNotReopen,
    /// A request is sent again after a reopening.
    AskedAgainAfterReopening,
    /// A locked rating changes.
    LockIgnored,
}

impl Defect {
    /// Every defect that changes outputs.
    pub const ALL: [Defect; 20] = [
        Defect::RefoldEmits,
        Defect::RefoldDoesNotSkip,
        Defect::StateNamesAnOldPosition,
        Defect::DebtNotRecorded,
        Defect::RedeliveryFolded,
        Defect::MemoryKeptInDoubt,
        Defect::SettingsInsideABatch,
        Defect::SettingsWithoutPayingTheDebt,
        Defect::PositionOfTheLastRead,
        Defect::PoisonDropped,
        Defect::RepetitionCounts,
        Defect::RepeatedMessageCounts,
        Defect::TeammateTieTheOtherWay,
        Defect::LastReplyMovesBackwards,
        Defect::SevenDaysAreStale,
        Defect::ThresholdPasses,
        Defect::LeavingWinsTies,
        Defect::EarlyFoldedMessageDoesNotReopen,
        Defect::AskedAgainAfterReopening,
        Defect::LockIgnored,
    ];
}

#[cfg(feature = "defects")]
mod switch {
    use super::Defect;
    use std::cell::Cell;

    thread_local! {
        static ON: Cell<Option<Defect>> = const { Cell::new(None) };
    }

    impl Defect {
        /// Whether this defect is switched on for this thread.
        #[must_use]
        pub fn is_on(self) -> bool {
            ON.get() == Some(self)
        }

        /// Runs something on this thread with one defect, or none, switched on.
        pub fn with<T>(defect: Option<Defect>, run: impl FnOnce() -> T) -> T {
            let before = ON.replace(defect);
            let result = run();
            ON.set(before);
            result
        }
    }
}

#[cfg(not(feature = "defects"))]
impl Defect {
    /// Always false in a build without the feature `defects`.
    #[must_use]
    pub const fn is_on(self) -> bool {
        false
    }
}
