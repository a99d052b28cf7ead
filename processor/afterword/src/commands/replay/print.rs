//! How the result is told: to people, or as JSON.

use std::io::{self, Write};

use afterword_log::{Offset, Partition, Topic};
use afterword_schemas::json as wire;
use afterword_schemas::records::{Criterion, EligibilityDecided, Timestamp};
use serde_json::{Value, json};

use super::super::decision::{measured_and_asked, time};
use super::Outcome;
use super::totals::{Pair, Totals};
use crate::output::{self, Stream};
use crate::terminal::{Style, Table, colours_on_stdout, grouped, harmless, paint};

/// Who reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Text,
    Json,
}

/// One line about a decision that differs.
#[must_use]
pub fn change(
    form: Form,
    (partition, source): (Partition, Offset),
    was: &EligibilityDecided,
    would_be: &EligibilityDecided,
) -> String {
    match form {
        Form::Text => in_words(was, would_be),
        Form::Json => json!({
            "workspace_id": was.workspace_id, "conversation_id": was.conversation_id,
            "source": {
                "topic": Topic::ConversationEvents.name(), "partition": partition.0, "offset": source.0,
            },
            "was": as_json(was), "would_be": as_json(would_be),
        })
        .to_string(),
    }
}

fn as_json(decided: &EligibilityDecided) -> Value {
    let mut line = Vec::new();
    wire::write(decided, None, &mut line);
    serde_json::from_slice(&line).unwrap_or_default()
}

fn in_words(was: &EligibilityDecided, would_be: &EligibilityDecided) -> String {
    let asked = |decided: &EligibilityDecided| {
        if decided.requested {
            "asked"
        } else {
            "not asked"
        }
    };
    let mut reasons = Vec::new();
    for criterion in Criterion::ALL {
        let (failed, fails) = (
            was.failed.contains(criterion),
            would_be.failed.contains(criterion),
        );
        if failed == fails {
            continue;
        }
        let (measured, wanted) =
            measured_and_asked(*criterion, &would_be.measured, &would_be.thresholds);
        let verb = if fails { "fails" } else { "holds" };
        reasons.push(format!(
            "{} {verb} ({measured}; asked for: {wanted})",
            criterion.symbol()
        ));
    }
    format!(
        "{} of {}, closed {}: {} → {}; {}",
        harmless(&was.conversation_id),
        harmless(&was.workspace_id),
        time(was.decided_at),
        asked(was),
        asked(would_be),
        reasons.join(", ")
    )
}

/// Prints it to standard output.
///
/// # Errors
/// When the list cannot be read back.
pub fn print(outcome: &mut Outcome, form: Form) -> io::Result<()> {
    let mut out = Stream::buffered();
    let printed = match form {
        Form::Json => in_json(outcome, &mut out),
        Form::Text => in_text(outcome, &mut out, colours_on_stdout()),
    };
    match printed.and_then(|()| out.flush()) {
        Err(error) if !output::is_lost() => Err(error),
        _ => Ok(()),
    }
}

fn in_json(outcome: &mut Outcome, out: &mut impl Write) -> io::Result<()> {
    let totals = &outcome.totals;
    let pair = |pair: &Pair| json!({ "was": pair.was, "would_be": pair.would_be });
    let criteria = Criterion::ALL.iter().zip(&totals.failed);
    let criteria =
        criteria.map(|(criterion, counts)| (criterion.symbol().to_owned(), pair(counts)));
    let bound = |at: Timestamp, open: i64| (at.0 != open).then(|| time(at));
    let head = json!({
        "supposed": {
            "characters": outcome.rules.thresholds.characters, "milliseconds": outcome.rules.thresholds.milliseconds,
            "rules_version": afterword_domain::RULES_VERSION, "settings_given": outcome.settings_given,
        },
        "workspace": outcome.window.workspace,
        "from": bound(outcome.window.from, i64::MIN), "until": bound(outcome.window.until, i64::MAX),
        "facts": totals.facts, "conversations": totals.conversations, "closes": totals.closes,
        "asked": pair(&totals.asked), "failed": Value::Object(criteria.collect()), "ratings": pair(&totals.ratings),
        "asked_now": totals.asked_now, "asked_no_more": totals.asked_no_more,
        "other_reasons": totals.other_reasons, "changed_conversations": totals.changed_conversations,
        "left_out": totals.left_out, "passes": outcome.passes, "not_folded": totals.not_folded,
        "seconds": outcome.took.as_secs_f64(),
    });
    let head = head.to_string();
    write!(
        out,
        "{},\n\"changed\":[",
        head.strip_suffix('}').unwrap_or(&head)
    )?;
    let mut between = "\n";
    outcome.changes.each(|line| {
        write!(out, "{between}{line}")?;
        between = ",\n";
        Ok(())
    })?;
    writeln!(out, "\n]}}")
}

fn in_text(outcome: &mut Outcome, out: &mut impl Write, colours: bool) -> io::Result<()> {
    let totals = &outcome.totals;
    writeln!(out, "{}", supposed(outcome))?;
    let mut table = Table::new(
        &["", "as it was", "as it would be", "difference"],
        &[1, 2, 3],
    );
    let mut row = |name: &str, pair: Pair| {
        let difference = i128::from(pair.would_be) - i128::from(pair.was);
        let size = grouped(u64::try_from(difference.unsigned_abs()).unwrap_or(u64::MAX));
        let difference = match difference.signum() {
            0 => String::new(),
            1 => format!("+{size}"),
            _ => format!("−{size}"),
        };
        table.row([
            name.to_owned(),
            grouped(pair.was),
            grouped(pair.would_be),
            difference,
        ]);
    };
    let (was, would_be) = (totals.closes, totals.closes);
    row("closes", Pair { was, would_be });
    row("asked", totals.asked);
    for (criterion, pair) in Criterion::ALL.iter().zip(&totals.failed) {
        row(&format!("  {} failed", criterion.symbol()), *pair);
    }
    row("ratings", totals.ratings);
    writeln!(out, "{}", table.render(0, colours))?;
    if totals.changed() > 0 {
        writeln!(out, "{}", paint("What differs", Style::Bold, colours))?;
    }
    let mut shown = 0;
    outcome.changes.each(|line| {
        shown += 1;
        writeln!(out, "  {line}")
    })?;
    let totals = &outcome.totals;
    if shown < totals.changed() {
        let rest = grouped(totals.changed() - shown);
        writeln!(out, "  … and {rest} more; --all shows them")?;
    }
    out.write_all(summary(totals, outcome.took.as_secs_f64()).as_bytes())
}

fn supposed(outcome: &Outcome) -> String {
    let thresholds = outcome.rules.thresholds;
    let given = match outcome.settings_given {
        0 => "the settings that judged".to_owned(),
        versions => format!("{versions} versions of settings that were given"),
    };
    format!(
        "Supposed: rules {}, over {} characters, within {} days of the last reply, {given}\n",
        afterword_domain::RULES_VERSION,
        thresholds.characters,
        thresholds.milliseconds as f64 / 86_400_000.0,
    )
}

fn summary(totals: &Totals, seconds: f64) -> String {
    let mut out = match totals.changed() {
        0 => "Nothing differs.\n".to_owned(),
        changed => format!(
            "{} decisions about {} conversations differ: {} asked now, {} asked no more, {} not asked for other reasons\n",
            grouped(changed),
            grouped(totals.changed_conversations),
            grouped(totals.asked_now),
            grouped(totals.asked_no_more),
            grouped(totals.other_reasons),
        ),
    };
    if totals.left_out > 0 {
        out.push_str(&format!(
            "{} conversations are left out: their beginning or their decisions are not in the log any more\n",
            grouped(totals.left_out)
        ));
    }
    if totals.not_folded > 0 {
        out.push_str(&format!(
            "{} facts behind the committed positions are not decided yet\n",
            grouped(totals.not_folded)
        ));
    }
    out.push_str(&format!(
        "{} facts of {} conversations folded in {seconds:.1} s; nothing was written\n",
        grouped(totals.facts),
        grouped(totals.conversations),
    ));
    out
}
