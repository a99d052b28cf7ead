//! The rows that are written once and never changed: submissions, decisions, refusals; and the funnel's sums.

use afterword_schemas::records::{AnswerRefused, Criterion, Origin, RatingSubmitted, Reaction};

use crate::fold::{Decision, FunnelKey, FunnelSums, mask};
use crate::output::Source;
use crate::sql::{Row, Table, Values};

// No `ON CONFLICT`: repetitions were passed over by their headers, so a second row is an error to be seen, not hidden.
pub(crate) const SUBMISSIONS: Table = Table {
    name: "submissions",
    columns: &[
        "request_id",
        "revision",
        "submitted_at",
        "previous_reaction",
        "reaction",
        "comment",
        "locked",
        "after_reopen",
        "source_partition",
        "source_offset",
        "source_index",
    ],
    conflict: "",
};

pub(crate) const DECISIONS: Table = Table {
    name: "decisions",
    columns: &[
        "workspace_id",
        "conversation_id",
        "source_partition",
        "source_offset",
        "source_index",
        "decided_at",
        "decided_day",
        "requested",
        "failed",
        "failed_mask",
        "closed_by",
        "plan",
        "live",
        "audience",
        "customers",
        "teammate_replied",
        "characters",
        "milliseconds_since_last_reply",
        "origin",
        "already_requested",
        "threshold_characters",
        "threshold_milliseconds",
        "rules_version",
        "settings_version",
        "teammate_id",
        "request_id",
    ],
    conflict: "",
};

pub(crate) const REFUSALS: Table = Table {
    name: "refusals",
    columns: &[
        "workspace_id",
        "conversation_id",
        "source_partition",
        "source_offset",
        "source_index",
        "request_id",
        "event_id",
        "reason",
        "refused_at",
    ],
    conflict: "",
};

pub(crate) const FUNNEL: Table = Table {
    name: "decision_days",
    columns: &["workspace_id", "day", "failed_mask", "decided", "requested"],
    conflict: "ON CONFLICT (workspace_id, day, failed_mask) DO UPDATE SET \
         decided = decision_days.decided + excluded.decided, \
         requested = decision_days.requested + excluded.requested",
};

fn source_values(values: &mut Values, source: &Source) {
    values.integer(source.partition.into());
    values.unsigned(source.offset);
    values.integer(source.index.into());
}

impl Row for (Source, RatingSubmitted) {
    fn values(&self, values: &mut Values) {
        let (source, submitted) = self;
        values.text(&submitted.request_id);
        values.integer(submitted.revision.into());
        values.integer(submitted.submitted_at.0);
        values.text_or_null(submitted.previous_reaction.map(Reaction::symbol));
        values.text(submitted.reaction.symbol());
        values.text_or_null(submitted.comment.as_deref());
        values.flag(submitted.locked);
        values.flag(submitted.after_reopen);
        source_values(values, source);
    }
}

impl Row for Decision {
    fn values(&self, values: &mut Values) {
        let decided = &self.decided;
        let measured = &decided.measured;
        values.text(&decided.workspace_id);
        values.text(&decided.conversation_id);
        source_values(values, &self.source);
        values.integer(decided.decided_at.0);
        values.text(&self.day);
        values.flag(decided.requested);
        let failed: Vec<_> = decided
            .failed
            .iter()
            .map(|code| Criterion::symbol(*code))
            .collect();
        values.text(&failed.join(","));
        values.integer(mask(&decided.failed));
        values.text(measured.closed_by.symbol());
        values.flag(measured.plan);
        values.flag(measured.live);
        values.text_or_null(measured.audience.map(|kind| kind.symbol()));
        values.integer(measured.customers.into());
        values.flag(measured.teammate_replied);
        values.integer(measured.characters.into());
        values.integer_or_null(measured.milliseconds_since_last_reply);
        values.text(measured.origin.map_or("unknown", Origin::symbol));
        values.flag(measured.already_requested);
        values.integer(decided.thresholds.characters.into());
        values.integer(decided.thresholds.milliseconds);
        values.integer(decided.rules_version.into());
        values.integer(decided.settings_version);
        values.text_or_null(decided.teammate_id.as_deref());
        values.text_or_null(decided.request_id.as_deref());
    }
}

impl Row for (Source, AnswerRefused) {
    fn values(&self, values: &mut Values) {
        let (source, refused) = self;
        values.text(&refused.workspace_id);
        values.text(&refused.conversation_id);
        source_values(values, source);
        values.text(&refused.request_id);
        values.text(&refused.event_id);
        values.text(refused.reason.symbol());
        values.integer(refused.refused_at.0);
    }
}

impl Row for (FunnelKey, FunnelSums) {
    fn values(&self, values: &mut Values) {
        let ((workspace_id, day, failed_mask), sums) = self;
        values.text(workspace_id);
        values.text(day);
        values.integer(*failed_mask);
        values.integer(sums.decided);
        values.integer(sums.requested);
    }
}
