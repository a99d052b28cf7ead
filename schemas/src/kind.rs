//! The seven records of the contract, by name.

use std::sync::LazyLock;

use apache_avro::Schema;
use apache_avro::schema_compatibility::{Compatibility, SchemaCompatibility};

use crate::schema;

/// One of the records of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecordKind {
    /// A fact: the only input of the fold.
    ConversationEvent,
    /// One version of one workspace's settings.
    WorkspaceSettings,
    /// The survey was sent.
    RatingRequested,
    /// One accepted change of a rating.
    RatingSubmitted,
    /// A close was judged.
    EligibilityDecided,
    /// An answer changed nothing.
    AnswerRefused,
    /// One teammate's day.
    TeammateScorecard,
}

/// The built-in schemas with their fingerprints, in the order of [`RecordKind::ALL`].
static BUILT_IN: LazyLock<Vec<(Schema, u64)>> = LazyLock::new(|| {
    let parse = |kind: &RecordKind| {
        let schema =
            Schema::parse_str(kind.schema_text()).expect("a built-in schema is valid Avro");
        let fingerprint = schema::fingerprint(&schema);
        (schema, fingerprint)
    };
    RecordKind::ALL.iter().map(parse).collect()
});

impl RecordKind {
    /// Every kind.
    pub const ALL: &'static [RecordKind] = &[
        RecordKind::ConversationEvent,
        RecordKind::WorkspaceSettings,
        RecordKind::RatingRequested,
        RecordKind::RatingSubmitted,
        RecordKind::EligibilityDecided,
        RecordKind::AnswerRefused,
        RecordKind::TeammateScorecard,
    ];

    /// The Avro record's name, in namespace `afterword`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            RecordKind::ConversationEvent => "ConversationEvent",
            RecordKind::WorkspaceSettings => "WorkspaceSettings",
            RecordKind::RatingRequested => "RatingRequested",
            RecordKind::RatingSubmitted => "RatingSubmitted",
            RecordKind::EligibilityDecided => "EligibilityDecided",
            RecordKind::AnswerRefused => "AnswerRefused",
            RecordKind::TeammateScorecard => "TeammateScorecard",
        }
    }

    /// The `type` in JSON; `None` for a fact, whose `type` is its payload's kind.
    #[must_use]
    pub const fn json_type(self) -> Option<&'static str> {
        match self {
            RecordKind::ConversationEvent => None,
            RecordKind::WorkspaceSettings => Some("workspace_settings"),
            RecordKind::RatingRequested => Some("rating_requested"),
            RecordKind::RatingSubmitted => Some("rating_submitted"),
            RecordKind::EligibilityDecided => Some("eligibility_decided"),
            RecordKind::AnswerRefused => Some("answer_refused"),
            RecordKind::TeammateScorecard => Some("teammate_scorecard"),
        }
    }

    /// The topic that carries it.
    #[must_use]
    pub const fn topic(self) -> &'static str {
        match self {
            RecordKind::ConversationEvent => "conversation-events",
            RecordKind::WorkspaceSettings => "workspace-settings",
            RecordKind::RatingRequested => "rating-requested",
            RecordKind::RatingSubmitted => "rating-submitted",
            RecordKind::EligibilityDecided => "eligibility-decided",
            RecordKind::AnswerRefused => "answer-refused",
            RecordKind::TeammateScorecard => "teammate-scorecards",
        }
    }

    /// The text of its `.avsc` file: what a schema registry is given.
    #[must_use]
    pub const fn schema_text(self) -> &'static str {
        match self {
            RecordKind::ConversationEvent => include_str!("../conversation-event.avsc"),
            RecordKind::WorkspaceSettings => include_str!("../workspace-settings.avsc"),
            RecordKind::RatingRequested => include_str!("../rating-requested.avsc"),
            RecordKind::RatingSubmitted => include_str!("../rating-submitted.avsc"),
            RecordKind::EligibilityDecided => include_str!("../eligibility-decided.avsc"),
            RecordKind::AnswerRefused => include_str!("../answer-refused.avsc"),
            RecordKind::TeammateScorecard => include_str!("../teammate-scorecard.avsc"),
        }
    }

    /// The CRC-64-AVRO fingerprint of the schema's canonical form.
    #[must_use]
    pub fn fingerprint(self) -> u64 {
        BUILT_IN[self as usize].1
    }

    /// Whether this build's schema reads all that this writer's may say, as the specification resolves schemas. A fact of a
    /// kind or with a symbol that is not known here counts as one that it cannot read, though it is passed over.
    ///
    /// # Errors
    /// Why not.
    pub fn can_read(self, writer: &str) -> Result<(), String> {
        let writer = Schema::parse_str(writer).map_err(|error| error.to_string())?;
        resolves(&writer, self.schema())
    }

    /// Whether this reader's schema reads all that this build may write.
    ///
    /// # Errors
    /// Why not.
    pub fn can_be_read_by(self, reader: &str) -> Result<(), String> {
        let reader = Schema::parse_str(reader).map_err(|error| error.to_string())?;
        resolves(self.schema(), &reader)
    }

    /// The parsed schema, which a reader resolves to.
    pub(crate) fn schema(self) -> &'static Schema {
        &BUILT_IN[self as usize].0
    }
}

fn resolves(writer: &Schema, reader: &Schema) -> Result<(), String> {
    match SchemaCompatibility::can_read(writer, reader) {
        Ok(Compatibility::Full) => Ok(()),
        Ok(Compatibility::Partial) => {
            Err("a symbol or a branch of a union is not known to the reader".to_owned())
        }
        Err(error) => Err(error.to_string()),
    }
}
