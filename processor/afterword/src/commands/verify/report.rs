//! What was found: differences, the first of them in full, and the counts of all.

use std::collections::BTreeMap;

use afterword_log::{Offset, Partition, Topic};

/// The topics whose records facts bring about, each with one stream of its own.
pub const OUTPUTS: [Topic; 5] = [
    Topic::EligibilityDecided,
    Topic::RatingRequested,
    Topic::RatingSubmitted,
    Topic::AnswerRefused,
    Topic::DeadLetters,
];

/// What a difference is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// None of a fact's outputs is there.
    Missing,
    /// Some of a fact's outputs are there and some not.
    Torn,
    /// An output is there again.
    Twice,
    /// An output is there that the fold does not give.
    Unexpected,
    /// An output, its key, its time or its headers are not as the fold gives them.
    Differs,
    /// An output stands behind one of a later fact.
    OutOfOrder,
    /// An output does not say properly where it comes from.
    Headers,
    /// Outputs are there of facts at or after the committed position: they would come out again.
    Ahead,
    /// The committed position is beyond the facts.
    Position,
    /// A second request in a conversation.
    AskedTwice,
    /// A rating, and no request before it.
    WithoutRequest,
    /// A rating's revisions are not 1, 2, 3, ….
    Revision,
    /// Folding a fact panics here, and it is no dead letter.
    Panics,
    /// A fact that this build can fold lies in the dead letters because another could not. No difference: it is told.
    SetAside,
}

impl Kind {
    /// For programs.
    #[must_use]
    pub const fn symbol(self) -> &'static str {
        match self {
            Kind::Missing => "missing",
            Kind::Torn => "torn",
            Kind::Twice => "twice",
            Kind::Unexpected => "unexpected",
            Kind::Differs => "differs",
            Kind::OutOfOrder => "out_of_order",
            Kind::Headers => "headers",
            Kind::Ahead => "ahead",
            Kind::Position => "position",
            Kind::AskedTwice => "asked_twice",
            Kind::WithoutRequest => "without_request",
            Kind::Revision => "revision",
            Kind::Panics => "panics",
            Kind::SetAside => "set_aside",
        }
    }

    /// Whether the outputs are proven all the same.
    #[must_use]
    pub const fn is_note(self) -> bool {
        matches!(self, Kind::SetAside)
    }
}

/// One difference.
#[derive(Clone, Debug)]
pub struct Finding {
    pub kind: Kind,
    pub partition: Partition,
    /// The fact (or the record of `source_topic`) that the output belongs to.
    pub source: Offset,
    pub source_topic: Topic,
    pub index: usize,
    /// The output topic.
    pub topic: Topic,
    /// Where the record that is wrong stands in it, when there is one.
    pub at: Option<Offset>,
    /// The key of the fact or of the output.
    pub conversation: Option<String>,
    pub detail: String,
}

/// Counts over facts and outputs.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    pub facts: u64,
    pub passed_over: u64,
    pub conversations: u64,
    /// By place in [`OUTPUTS`].
    pub expected: [u64; 5],
    pub proven: [u64; 5],
    /// Offsets of facts at or after the committed position.
    pub not_folded: u64,
    /// Outputs of facts after the position at which the proof ends.
    pub newer: u64,
    /// Conversations that may have begun in facts that retention removed, and the outputs that thus nobody can judge.
    pub cut_conversations: u64,
    pub unjudged: u64,
}

/// Differences and counts of a partition's pass, or of all.
#[derive(Clone, Debug)]
pub struct Report {
    pub tally: Tally,
    pub counts: BTreeMap<Kind, u64>,
    /// The first ones, by partition and source.
    findings: Vec<Finding>,
    most: usize,
}

impl Report {
    /// A report that shows so many differences in full.
    #[must_use]
    pub fn new(most: usize) -> Report {
        Report {
            tally: Tally::default(),
            counts: BTreeMap::new(),
            findings: Vec::new(),
            most,
        }
    }

    pub fn add(&mut self, finding: Finding) {
        *self.counts.entry(finding.kind).or_default() += 1;
        self.findings.push(finding);
        if self.findings.len() > 2 * self.most + 16 {
            self.keep_the_first();
        }
    }

    pub fn merge(&mut self, other: Report) {
        for (kind, count) in other.counts {
            *self.counts.entry(kind).or_default() += count;
        }
        self.findings.extend(other.findings);
        self.keep_the_first();
        self.tally.add(&other.tally);
    }

    fn keep_the_first(&mut self) {
        self.findings.sort_by_key(|finding| {
            let place = (finding.partition, finding.source, finding.index);
            (finding.kind.is_note(), place, finding.topic, finding.kind)
        });
        self.findings.truncate(self.most);
    }

    /// The first differences, and after them what is only told.
    #[must_use]
    pub fn findings(&mut self) -> &[Finding] {
        self.keep_the_first();
        &self.findings
    }

    /// How many differences there are.
    #[must_use]
    pub fn differences(&self) -> u64 {
        let real = self.counts.iter().filter(|(kind, _)| !kind.is_note());
        real.map(|(_, count)| count).sum()
    }
}

impl Tally {
    fn add(&mut self, other: &Tally) {
        self.facts += other.facts;
        self.passed_over += other.passed_over;
        self.conversations += other.conversations;
        for slot in 0..OUTPUTS.len() {
            self.expected[slot] += other.expected[slot];
            self.proven[slot] += other.proven[slot];
        }
        self.not_folded += other.not_folded;
        self.newer += other.newer;
        self.cut_conversations += other.cut_conversations;
        self.unjudged += other.unjudged;
    }
}
