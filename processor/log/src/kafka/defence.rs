//! The defences of exactly-once, each of which the long test suite switches off in turn, to show that it would be missed.
//! Without the cargo feature `defects`, which only the tests turn on, none can be switched off and nothing of this is left.

/// Before a topic in `KAFKA_DEFENCE_OFF`: what is committed to it is written as if a broker had forgotten that it was.
#[cfg(feature = "defects")]
const FORGET: &str = "forget:";

#[cfg(feature = "defects")]
fn switches() -> &'static [String] {
    use std::sync::OnceLock;
    static SWITCHES: OnceLock<Vec<String>> = OnceLock::new();
    SWITCHES.get_or_init(|| {
        let names = std::env::var("KAFKA_DEFENCE_OFF").unwrap_or_default();
        let names = names.split(',').filter(|name| !name.is_empty());
        names.map(str::to_owned).collect()
    })
}

/// Whether the test that runs this process lets commits to this topic be forgotten.
#[cfg(feature = "defects")]
pub(super) fn is_forgotten(topic: &str) -> bool {
    let topics = switches()
        .iter()
        .filter_map(|name| name.strip_prefix(FORGET));
    topics.into_iter().any(|name| topic.ends_with(name))
}

/// Never, in what people run.
#[cfg(not(feature = "defects"))]
pub(super) const fn is_forgotten(_topic: &str) -> bool {
    false
}

/// What keeps outputs exactly once where machines fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defence {
    /// Taking a partition over fences the former owner: both have the same transactional id.
    InitTransactionsFence,
    /// What a former owner left open is aborted once more, since a broker may have forgotten to.
    SweepAfterFence,
    /// The changelog is measured after the former owner was fenced, not before.
    MeasureAfterFence,
    /// When the outcome of a commit is unknown, memory is thrown away and what is committed is read again.
    StartOverInDoubt,
    /// A producer that may have left something on its way is not used again.
    NewProducerInDoubt,
    /// The local store is written after the transaction, not before.
    StoreAfterCommit,
    /// The position that is committed is the offset next to read.
    OffsetPlusOne,
    /// Nothing is committed for a partition that the group gave to another, and what is committed is so as a member of it.
    AbortOnLostAssignment,
    /// What the topics of outputs show is held against what was committed.
    AgreeWithOutputs,
    /// The projector applies each output once, by its headers.
    DedupByHeaders,
}

impl Defence {
    /// Every one, with its name for `KAFKA_DEFENCE_OFF`: names joined by commas.
    pub const ALL: [(Defence, &'static str); 10] = [
        (Defence::InitTransactionsFence, "init-transactions-fence"),
        (Defence::SweepAfterFence, "sweep-after-fence"),
        (Defence::MeasureAfterFence, "measure-after-fence"),
        (Defence::StartOverInDoubt, "start-over-in-doubt"),
        (Defence::NewProducerInDoubt, "new-producer-in-doubt"),
        (Defence::StoreAfterCommit, "store-after-commit"),
        (Defence::OffsetPlusOne, "offset-plus-one"),
        (Defence::AbortOnLostAssignment, "abort-on-lost-assignment"),
        (Defence::AgreeWithOutputs, "agree-with-outputs"),
        (Defence::DedupByHeaders, "dedup-by-headers"),
    ];

    /// Whether the test that runs this process has switched it off.
    #[cfg(feature = "defects")]
    #[must_use]
    pub fn is_off(self) -> bool {
        use std::sync::OnceLock;
        static OFF: OnceLock<Vec<Defence>> = OnceLock::new();
        let off = OFF.get_or_init(|| {
            let names = switches().iter().filter(|name| !name.starts_with(FORGET));
            names.map(|name| Defence::named(name)).collect()
        });
        off.contains(&self)
    }

    #[cfg(feature = "defects")]
    #[allow(
        clippy::disallowed_macros,
        reason = "defects are never in what people run"
    )]
    fn named(name: &str) -> Defence {
        let found = Defence::ALL.iter().find(|(_, known)| *known == name);
        let Some((defence, _)) = found else {
            eprintln!("KAFKA_DEFENCE_OFF names no defence: {name:?}");
            std::process::exit(2);
        };
        *defence
    }

    /// Never, in what people run.
    #[cfg(not(feature = "defects"))]
    #[must_use]
    pub const fn is_off(self) -> bool {
        let _ = self;
        false
    }
}
