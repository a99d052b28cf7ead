//! A decision for people: each criterion, what was measured, and what it asks for.

use afterword_schemas::json;
use afterword_schemas::records::{
    Criterion, EligibilityDecided, Measured, Origin, Thresholds, Timestamp,
};
use afterword_web::story::Told;

use crate::terminal::{Style, Table, harmless, paint};

/// A time as the contract writes it.
#[must_use]
pub fn time(time: Timestamp) -> String {
    let mut out = Vec::new();
    json::write_time(time, &mut out);
    String::from_utf8_lossy(&out).trim_matches('"').to_owned()
}

/// A decision and its table.
#[must_use]
pub fn decision(told: &Told<EligibilityDecided>, colours: bool) -> String {
    let decided = &told.record;
    let outcome = match decided.requested {
        true => paint("a request was sent", Style::Good, colours),
        false => paint("no request", Style::Bad, colours),
    };
    let settings = match decided.settings_version {
        0 => "default settings".to_owned(),
        version => format!("settings version {version}"),
    };
    let teammate = decided
        .teammate_id
        .as_deref()
        .map_or_else(|| "nobody".to_owned(), harmless);
    let title = paint("Closed", Style::Bold, colours);
    let heading = format!(
        "\n{title} {}: {outcome}\n  rules {}, {settings}, last teammate: {teammate}, caused by {}/{}\n",
        time(decided.decided_at),
        decided.rules_version,
        told.cause.partition,
        told.cause.offset
    );
    heading + &criteria(decided).render(2, colours)
}

fn criteria(decided: &EligibilityDecided) -> Table {
    let mut table = Table::new(&["", "criterion", "measured", "asked for"], &[]);
    for criterion in Criterion::ALL {
        let held = !decided.failed.contains(criterion);
        let (mark, style) = if held {
            ("✓", Style::Good)
        } else {
            ("✗", Style::Bad)
        };
        let (measured, asked) =
            measured_and_asked(*criterion, &decided.measured, &decided.thresholds);
        let name = (!held).then_some(Style::Bad);
        table.styled_row(vec![
            (mark.to_owned(), Some(style)),
            (criterion.symbol().to_owned(), name),
            (measured, None),
            (asked, Some(Style::Dim)),
        ]);
    }
    table
}

/// What was measured for a criterion, and what it asks for.
#[must_use]
pub fn measured_and_asked(
    criterion: Criterion,
    measured: &Measured,
    thresholds: &Thresholds,
) -> (String, String) {
    let yes = |yes: bool| if yes { "yes" } else { "no" }.to_owned();
    match criterion {
        Criterion::NotLive => {
            let audience = measured
                .audience
                .map_or_else(|| "its audience".to_owned(), |kind| format!("{kind}s"));
            (
                format!(
                    "plan {}, live for {audience} {}",
                    yes(measured.plan),
                    yes(measured.live)
                ),
                "the plan includes ratings, and they are live for this customer".to_owned(),
            )
        }
        Criterion::ClosedByNonTeammate => (
            format!("closed by a {}", measured.closed_by),
            "a teammate".to_owned(),
        ),
        Criterion::NoCustomer => (customers(measured), "at least 1".to_owned()),
        Criterion::NoTeammateReply => (
            format!("a teammate replied: {}", yes(measured.teammate_replied)),
            "yes".to_owned(),
        ),
        Criterion::TooShort => {
            let over = measured.characters > thresholds.characters;
            let over = if over { "over " } else { "" };
            let shown = measured.characters.min(thresholds.characters);
            (
                format!("{over}{shown} characters"),
                format!("over {}", thresholds.characters),
            )
        }
        Criterion::Stale => {
            let since = match measured.milliseconds_since_last_reply {
                None => "there was no reply".to_owned(),
                Some(ms) if ms < 0 => format!(
                    "the last reply is {} later than the close",
                    span(ms.saturating_neg())
                ),
                Some(ms) => format!("{} since the last reply", span(ms)),
            };
            (since, format!("at most {}", span(thresholds.milliseconds)))
        }
        Criterion::GroupConversation => (customers(measured), "at most 1".to_owned()),
        Criterion::AlreadyRequested => (
            format!("asked before: {}", yes(measured.already_requested)),
            "no".to_owned(),
        ),
        Criterion::OriginNotCustomer => {
            let origin = measured.origin.map_or("unknown", Origin::symbol);
            (
                origin.to_owned(),
                "customer_initiated, or visitor_message once a customer wrote".to_owned(),
            )
        }
    }
}

fn customers(measured: &Measured) -> String {
    match measured.customers {
        1 => "1 customer".to_owned(),
        customers => format!("{customers} customers"),
    }
}

/// A span of time, exact to the millisecond.
fn span(ms: i64) -> String {
    const UNITS: [(i64, &str); 4] = [
        (86_400_000, "d"),
        (3_600_000, "h"),
        (60_000, "min"),
        (1_000, "s"),
    ];
    let (mut rest, mut parts) = (ms, Vec::new());
    for (unit, name) in UNITS {
        if rest >= unit {
            parts.push(format!("{} {name}", rest / unit));
            rest %= unit;
        }
    }
    if rest > 0 || parts.is_empty() {
        parts.push(format!("{rest} ms"));
    }
    parts.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_exact() {
        assert_eq!(span(604_800_000), "7 d");
        assert_eq!(span(604_800_001), "7 d 1 ms");
        assert_eq!(span(0), "0 ms");
        assert_eq!(span(90_061_000), "1 d 1 h 1 min 1 s");
    }
}
