//! Numbers, times and the rules' vocabulary in words, the same on every page.

use afterword_readmodel::figures::Interval;
use afterword_schemas::records::Reaction;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// A count with thousands set apart: 12,345.
pub fn count(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    match number < 0 {
        true => format!("−{out}"),
        false => out,
    }
}

/// A count and what is counted: "1 rating", "12 ratings".
pub fn counted(number: i64, one: &str, more: &str) -> String {
    let noun = if number == 1 { one } else { more };
    format!("{} {noun}", count(number))
}

/// A share with one decimal: 85.3%.
pub fn percent(share: f64) -> String {
    format!("{:.1}%", share * 100.0)
}

/// An interval of shares, without decimals: 80%–86%.
pub fn interval(interval: Interval) -> String {
    let [low, high] = [interval.low, interval.high].map(percent_short);
    format!("{low}–{high}")
}

/// A share without decimals: 85%. What is not quite none or all is not shown as such.
pub fn percent_short(share: f64) -> String {
    let rounded = (share * 100.0).round();
    match rounded {
        0.0 if share > 0.0 => "<1%".to_owned(),
        100.0 if share < 1.0 => ">99%".to_owned(),
        _ => format!("{rounded:.0}%"),
    }
}

/// A share, or a dash where there is nothing to divide by.
pub fn percent_or_dash(share: Option<f64>) -> String {
    share.map_or_else(|| "–".to_owned(), percent)
}

/// The difference of two shares in points: "up 2.1 points".
pub fn points(difference: f64) -> String {
    let tenths = (difference * 1_000.0).round() / 10.0;
    match tenths {
        0.0 => "unchanged".to_owned(),
        up if up > 0.0 => format!("up {up:.1} points"),
        down => format!("down {:.1} points", -down),
    }
}

/// The same with its sign and no words: +2.1.
pub fn signed_points(difference: f64) -> String {
    let tenths = (difference * 1_000.0).round() / 10.0;
    match tenths {
        0.0 => "0.0".to_owned(),
        up if up > 0.0 => format!("+{up:.1}"),
        down => format!("−{:.1}", -down),
    }
}

/// A difference with its sign: +12, −3, 0.
pub fn signed(difference: i64) -> String {
    match difference {
        0 => "0".to_owned(),
        more if more > 0 => format!("+{}", count(more)),
        less => count(less),
    }
}

/// The difference of two counts, as a share of the first: "up 12%".
pub fn change(before: i64, now: i64) -> String {
    if before == now {
        return "unchanged".to_owned();
    }
    if before == 0 {
        return "none before".to_owned();
    }
    let share = (now - before) as f64 / before as f64;
    let word = if share > 0.0 { "up" } else { "down" };
    format!("{word} {}", percent_short(share.abs()))
}

/// 23 Nov 2026.
pub fn date(day: Date) -> String {
    day.strftime("%-d %b %Y").to_string()
}

/// 23 Nov.
pub fn date_short(day: Date) -> String {
    day.strftime("%-d %b").to_string()
}

/// Mon 23 Nov.
pub fn weekday(day: Date) -> String {
    day.strftime("%a %-d %b").to_string()
}

/// From one day to another, without what both have.
pub fn days(from: Date, to: Date) -> String {
    if from == to {
        return date(from);
    }
    if from.year() == to.year() && from.month() == to.month() {
        return format!("{}–{}", from.day(), date(to));
    }
    if from.year() == to.year() {
        return format!("{} – {}", date_short(from), date(to));
    }
    format!("{} – {}", date(from), date(to))
}

/// Mon 23 Nov 2026, 11:24 in this zone.
pub fn moment(at_ms: i64, zone: &TimeZone) -> String {
    let Ok(instant) = Timestamp::from_millisecond(at_ms) else {
        return "beyond the calendar".to_owned();
    };
    let zoned = instant.to_zoned(zone.clone());
    zoned.strftime("%a %-d %b %Y, %H:%M").to_string()
}

/// The same with seconds.
pub fn exact_moment(at_ms: i64, zone: &TimeZone) -> String {
    let Ok(instant) = Timestamp::from_millisecond(at_ms) else {
        return "beyond the calendar".to_owned();
    };
    let zoned = instant.to_zoned(zone.clone());
    zoned.strftime("%a %-d %b %Y, %H:%M:%S").to_string()
}

/// As `<time datetime>` wants it.
pub fn machine_time(at_ms: i64) -> String {
    Timestamp::from_millisecond(at_ms).map_or_else(|_| String::new(), |at| format!("{at:.0}"))
}

/// A span in its two largest units: "3 days 4 h".
pub fn span(ms: i64) -> String {
    const UNITS: [(i64, &str, &str); 4] = [
        (86_400_000, " day", " days"),
        (3_600_000, " h", " h"),
        (60_000, " min", " min"),
        (1_000, " s", " s"),
    ];
    let (mut rest, mut parts) = (ms.saturating_abs(), Vec::new());
    for (unit, one, more) in UNITS {
        let number = rest / unit;
        if number > 0 {
            parts.push(format!("{number}{}", if number == 1 { one } else { more }));
            rest %= unit;
        }
    }
    parts.truncate(2);
    match parts.is_empty() {
        true => "less than a second".to_owned(),
        false => parts.join(" "),
    }
}

/// A reaction as people read it.
pub fn reaction(reaction: Reaction) -> &'static str {
    match reaction {
        Reaction::Terrible => "Terrible",
        Reaction::Bad => "Bad",
        Reaction::Ok => "OK",
        Reaction::Great => "Great",
        Reaction::Amazing => "Amazing",
    }
}

/// The same from its symbol; what is not known as it stands.
pub fn reaction_of(symbol: &str) -> String {
    Reaction::from_symbol(symbol)
        .map_or_else(|| symbol.to_owned(), |known| reaction(known).to_owned())
}

/// A channel as people read it.
pub fn channel(symbol: &str) -> &str {
    match symbol {
        "messenger" => "Messenger",
        "email" => "Email",
        other => other,
    }
}

/// What a criterion's failing means.
pub fn criterion(code: &str) -> &str {
    match code {
        "not_live" => "Ratings not live for this customer",
        "closed_by_non_teammate" => "Not closed by a teammate",
        "no_customer" => "No customer in the conversation",
        "no_teammate_reply" => "No teammate replied",
        "too_short" => "Conversation too short",
        "stale" => "Last reply too long ago",
        "group_conversation" => "Several customers",
        "already_requested" => "Asked before",
        "origin_not_customer" => "Not begun by the customer",
        other => other,
    }
}

/// Why an answer was refused.
pub fn refusal(code: &str) -> &str {
    match code {
        "no_request" => "no such request was sent",
        "deleted" => "the conversation is deleted",
        "not_the_asked_customer" => "not the customer who was asked",
        "comment_too_long" => "the comment is too long",
        "locked" => "the rating is locked by its comment",
        "comment_before_reaction" => "a comment before a reaction",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date as day;

    #[test]
    fn numbers_read_well() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(-1_234_567), "−1,234,567");
        assert_eq!(counted(1, "rating", "ratings"), "1 rating");
        assert_eq!(percent_short(0.999), ">99%");
        assert_eq!(percent_short(0.001), "<1%");
        assert_eq!(percent_short(1.0), "100%");
        assert_eq!(points(0.0004), "unchanged");
        assert_eq!(points(-0.021), "down 2.1 points");
        assert_eq!(signed_points(-0.021), "−2.1");
        assert_eq!(change(100, 112), "up 12%");
        assert_eq!(change(0, 3), "none before");
        assert_eq!(signed(-3), "−3");
    }

    #[test]
    fn times_read_well() {
        assert_eq!(days(day(2026, 11, 1), day(2026, 11, 23)), "1–23 Nov 2026");
        assert_eq!(
            days(day(2026, 10, 27), day(2026, 11, 23)),
            "27 Oct – 23 Nov 2026"
        );
        assert_eq!(
            days(day(2025, 12, 30), day(2026, 1, 2)),
            "30 Dec 2025 – 2 Jan 2026"
        );
        assert_eq!(span(90_061_000), "1 day 1 h");
        assert_eq!(span(12), "less than a second");
        let dublin = TimeZone::get("Europe/Dublin").unwrap_or(TimeZone::UTC);
        assert_eq!(moment(1_782_864_000_000, &dublin), "Wed 1 Jul 2026, 01:00");
    }
}
