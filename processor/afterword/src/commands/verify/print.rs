//! How the result is told: to people, or as JSON.

use serde_json::{Value, json};

use super::Outcome;
use super::compare::place;
use super::report::{Finding, OUTPUTS};
use crate::terminal::{Style, Table, colours_on_stdout, grouped, harmless, paint};

/// Prints it to standard output.
pub fn print(outcome: &mut Outcome, as_json: bool) {
    match as_json {
        true => outln!("{:#}", to_json(outcome)),
        false => out!("{}", describe(outcome, colours_on_stdout())),
    }
}

fn facts_per_second(outcome: &Outcome) -> u64 {
    let seconds = outcome.took.as_secs_f64().max(1e-6);
    (outcome.report.tally.facts as f64 / seconds) as u64
}

fn to_json(outcome: &mut Outcome) -> Value {
    let is_proven = outcome.is_proven();
    let rate = facts_per_second(outcome);
    let partitions: Vec<Value> = outcome
        .proofs
        .iter()
        .map(|proof| {
            json!({
                "partition": proof.partition.0, "from": proof.facts.start.0, "committed": proof.facts.end.0,
                "passes": proof.passes,
            })
        })
        .collect();
    let differences = outcome.report.differences();
    let findings: Vec<Value> = outcome.report.findings().iter().map(finding).collect();
    let report = &outcome.report;
    let tally = &report.tally;
    let outputs = OUTPUTS.iter().enumerate().map(|(slot, topic)| {
        let counts = json!({ "expected": tally.expected[slot], "proven": tally.proven[slot] });
        (topic.name().to_owned(), counts)
    });
    let counts = report
        .counts
        .iter()
        .map(|(kind, count)| (kind.symbol().to_owned(), json!(count)));
    json!({
        "proven": is_proven,
        "facts": tally.facts, "passed_over": tally.passed_over, "conversations": tally.conversations,
        "outputs": Value::Object(outputs.collect()),
        "not_folded": tally.not_folded, "newer": tally.newer, "unjudged": tally.unjudged, "cut_conversations": tally.cut_conversations,
        "counts": Value::Object(counts.collect()),
        "difference_count": differences,
        "differences": findings,
        "partitions": partitions,
        "seconds": outcome.took.as_secs_f64(), "facts_per_second": rate,
    })
}

fn finding(finding: &Finding) -> Value {
    json!({
        "kind": finding.kind.symbol(), "topic": finding.topic.name(), "partition": finding.partition.0,
        "offset": finding.at.map(|at| at.0),
        "source": {
            "topic": finding.source_topic.name(), "partition": finding.partition.0,
            "offset": finding.source.0, "index": finding.index,
        },
        "key": finding.conversation, "detail": finding.detail,
    })
}

fn describe(outcome: &mut Outcome, colours: bool) -> String {
    let is_proven = outcome.is_proven();
    let rate = facts_per_second(outcome);
    let mut out = String::new();
    let findings: String = outcome
        .report
        .findings()
        .iter()
        .map(|finding| line(finding, colours))
        .collect();
    let (report, tally) = (&outcome.report, &outcome.report.tally);
    out.push_str(&findings);
    let shown = report.counts.values().sum::<u64>();
    if shown > 0 {
        let counts: Vec<String> = report
            .counts
            .iter()
            .map(|(kind, count)| format!("{} {}", kind.symbol().replace('_', " "), grouped(*count)))
            .collect();
        out.push_str(&format!("\nIn all: {}\n", counts.join(" · ")));
    }
    let mut table = Table::new(&["topic", "expected", "proven"], &[1, 2]);
    for (slot, topic) in OUTPUTS.into_iter().enumerate() {
        let (expected, proven) = (tally.expected[slot], tally.proven[slot]);
        let style = (expected != proven).then_some(Style::Bad);
        table.styled_row(vec![
            (topic.name().to_owned(), None),
            (grouped(expected), None),
            (grouped(proven), style),
        ]);
    }
    out.push_str(&format!("\n{}\n", table.render(0, colours)));
    let passes = outcome.proofs.iter().map(|proof| proof.passes).max();
    let passes = match passes {
        Some(passes) if passes > 1 => format!(", in up to {passes} passes"),
        _ => String::new(),
    };
    out.push_str(&format!(
        "{} facts of {} conversations in {} partitions folded in {:.1} s ({} facts/s){passes}\n",
        grouped(tally.facts),
        grouped(tally.conversations),
        outcome.proofs.len(),
        outcome.took.as_secs_f64(),
        grouped(rate),
    ));
    out.push_str(&left_out(outcome));
    out.push_str(&match is_proven {
        true => {
            let kept = match outcome.has_unjudged() {
                true => " for what retention has kept",
                false => "",
            };
            let text = format!("Proven{kept}: nothing missing, nothing twice, nothing torn.\n");
            paint(&text, Style::Good, colours)
        }
        false => paint("Not proven.\n", Style::Bad, colours),
    });
    out
}

/// What was not judged, and why.
fn left_out(outcome: &Outcome) -> String {
    let tally = &outcome.report.tally;
    let mut out = String::new();
    if tally.not_folded > 0 {
        out.push_str(&format!(
            "{} facts behind the committed positions are not folded yet\n",
            grouped(tally.not_folded)
        ));
    }
    if tally.newer > 0 {
        out.push_str(&format!(
            "{} records are newer than the positions at which this began: not judged\n",
            grouped(tally.newer)
        ));
    }
    if outcome.has_unjudged() {
        out.push_str(&format!(
            "Retention has removed old facts or outputs: {} conversations may have begun in what is gone, and {} outputs \
             cannot be judged\n",
            grouped(tally.cut_conversations),
            grouped(tally.unjudged)
        ));
    }
    out
}

/// One difference in one line.
fn line(finding: &Finding, colours: bool) -> String {
    let source = place(finding.source_topic, finding.partition, finding.source);
    let key = finding.conversation.as_deref().unwrap_or("no key");
    let at = finding
        .at
        .map_or_else(String::new, |at| format!(", at offset {at}"));
    let style = if finding.kind.is_note() {
        Style::Warning
    } else {
        Style::Bad
    };
    let kind = finding.kind.symbol().replace('_', " ");
    format!(
        "{source} ({}): {} in {}, index {}{at}: {}\n",
        harmless(key),
        paint(&kind, style, colours),
        finding.topic,
        finding.index,
        harmless(&finding.detail)
    )
}
