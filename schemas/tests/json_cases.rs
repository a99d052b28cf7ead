//! Objects as people and programs write them, and what is said when they are wrong.

use afterword_schemas::json::{ParsedFact, parse_fact, parse_settings};
use afterword_schemas::records::{Payload, Timestamp};

const MESSAGE: &str = r#"{"event_id":"e7","workspace_id":"w1","conversation_id":"c1",
    "occurred_at":"2026-03-01T09:00:00.000Z","type":"message_added",
    "author":{"kind":"user","id":"u1"},"text":"Hello","format":"plain"}"#;

/// Parses a message with one piece of its text replaced.
#[track_caller]
fn changed(from: &str, to: &str) -> String {
    assert!(MESSAGE.contains(from), "{from}");
    outcome(&MESSAGE.replacen(from, to, 1))
}

/// A fact's ignored members, or why it is none.
fn outcome(text: &str) -> String {
    match parse_fact(text.as_bytes()) {
        Ok(ParsedFact::Fact { ignored, .. }) => {
            format!("fact {}", ignored.join(" ")).trim_end().to_owned()
        }
        Ok(ParsedFact::PassedOver(passed)) => format!("{}: {passed}", passed.label()),
        Err(error) => error.to_string(),
    }
}

#[test]
fn facts() {
    for (from, to, expected) in [
        ("", "", "fact"),
        ("{", "  {\n", "fact"),
        (r#","format":"plain""#, "", "fact"),
        (
            r#""format":"plain""#,
            r#""format":null,"visibility":null"#,
            "fact",
        ),
        (r#""text":"Hello""#, r#""text":"""#, "fact"),
        (
            r#""text":"Hello""#,
            r#""text":"\u0000\ud83d\ude10""#,
            "fact",
        ),
        (r#""Hello""#, r#""Hello","source":{"topic":"t"}"#, "fact"),
        (
            r#""Hello""#,
            r#""Hello","nice":1,"until":"never""#,
            "fact nice until",
        ),
        (
            r#""id":"u1""#,
            r#""id":"u1","name":"Ann""#,
            "fact author.name",
        ),
        (
            r#""Hello""#,
            r#""Hello","odd":"\ud800","odd":2"#,
            "fact odd odd",
        ),
        (r#""2026-03-01T09:00:00.000Z""#, "-1", "fact"),
        (
            r#""2026-03-01T09:00:00.000Z""#,
            r#""2026-03-01T10:00:00+01:00""#,
            "fact",
        ),
        ("event_id", r"event\u005fid", "fact"),
    ] {
        assert_eq!(changed(from, to), expected, "{to}");
    }
}

#[test]
fn members_that_are_wrong() {
    let time = "a time in RFC 3339, or integer milliseconds since 1970";
    for (from, to, expected) in [
        (
            r#""event_id":"e7","#,
            "",
            "event_id: expected a string, found no such member",
        ),
        (r#""e7""#, "7", "event_id: expected a string, found 7"),
        (r#""e7""#, "null", "event_id: expected a string, found null"),
        (
            r#""e7""#,
            r#""""#,
            "event_id: expected an id of 1 to 256 bytes, found 0 bytes",
        ),
        (
            r#""e7""#,
            r#""a\u0085""#,
            "event_id: expected an id without control characters, found U+0085",
        ),
        (
            r#""e7""#,
            r#""e7","event_id":"e7""#,
            "event_id: expected one member of this name, found several",
        ),
        (
            r#""2026-03-01T09:00:00.000Z""#,
            r#""yesterday""#,
            &format!("occurred_at: expected {time}, found \"yesterday\""),
        ),
        (
            r#""2026-03-01T09:00:00.000Z""#,
            "1.5",
            &format!("occurred_at: expected {time}, found 1.5"),
        ),
        (
            r#""2026-03-01T09:00:00.000Z""#,
            "1e3",
            &format!("occurred_at: expected {time}, found 1e3"),
        ),
        (
            r#""2026-03-01T09:00:00.000Z""#,
            "9223372036854775808",
            &format!("occurred_at: expected {time}, found 9223372036854775808"),
        ),
        (
            r#"{"kind":"user","id":"u1"}"#,
            "null",
            "author: expected an object, found null",
        ),
        (
            r#"{"kind":"user","id":"u1"}"#,
            r#""u1""#,
            "author: expected an object, found \"u1\"",
        ),
        (
            r#"{"kind":"user","id":"u1"}"#,
            "[1]",
            "author: expected an object, found an array",
        ),
        (
            r#""kind":"user","#,
            "",
            "author.kind: expected a string, found no such member",
        ),
        (
            r#""kind":"user""#,
            r#""kind":{}"#,
            "author.kind: expected a string, found an object",
        ),
        (
            r#""id":"u1""#,
            r#""id":"u1","id":"u2""#,
            "author.id: expected one member of this name, found several",
        ),
        (
            r#""Hello""#,
            r#""\ud83d""#,
            "text: expected a string of Unicode characters, found half of a surrogate pair",
        ),
        (
            r#""Hello""#,
            r#""\ude10\ud83d""#,
            "text: expected a string of Unicode characters, found half of a surrogate pair",
        ),
        (
            r#""plain""#,
            "true",
            "format: expected a string, found true",
        ),
        (
            r#""message_added""#,
            "3",
            "type: expected a string, found 3",
        ),
        (
            r#""type":"message_added","#,
            "",
            "type: expected a string, found no such member",
        ),
    ] {
        assert_eq!(changed(from, to), expected, "{to}");
    }
    let long = "x".repeat(300);
    assert_eq!(
        changed("e7", &long),
        "event_id: expected an id of 1 to 256 bytes, found 300 bytes"
    );
    let found = format!("format: expected a string, found 1{}…", "0".repeat(39));
    assert_eq!(
        changed(r#""plain""#, &format!("1{}", "0".repeat(400))),
        found
    );
    let text = "😐".repeat(262_145);
    assert_eq!(
        changed("Hello", &text),
        "text: expected a text of at most 262144 characters, found 262145 characters"
    );
}

#[test]
fn what_is_no_object() {
    for (text, expected) in [
        ("[]", "expected an object, found an array"),
        ("\"x\"", "expected an object, found \"x\""),
        (
            "",
            "expected a JSON object, found what is none: EOF while parsing a value at line 1 column 0",
        ),
        (
            "{} {}",
            "expected a JSON object, found what is none: trailing characters at line 1 column 4",
        ),
        (
            "{\"type\":}",
            "expected a JSON object, found what is none: expected value at line 1 column 9",
        ),
        (
            "{'type':1}",
            "expected a JSON object, found what is none: key must be a string at line 1 column 2",
        ),
    ] {
        assert_eq!(outcome(text), expected);
    }
    let not_utf8 = parse_fact(b"{\"type\":\"\xff\"}").expect_err("no UTF-8");
    assert_eq!(not_utf8.to_string(), "expected UTF-8, found other bytes");
    let huge = vec![b' '; (4 << 20) + 1];
    let expected = "expected an object of at most 4194304 bytes, found 4194305 bytes";
    assert_eq!(
        parse_fact(&huge).expect_err("too long").to_string(),
        expected
    );
    let deep = format!("{{\"type\":\"x\",\"a\":{}", "[".repeat(100_000));
    assert!(parse_fact(deep.as_bytes()).is_err());
}

#[test]
fn what_is_passed_over() {
    let unknown = "payload_kind: unknown kind of payload \"rated\"";
    for object in [
        r#"{"type":"rated"}"#,
        r#"{"event_id":7,"text":"\ud800","type":"rated","event_id":8}"#,
        r#"{"type":"\u0072ated","author":3}"#,
    ] {
        assert_eq!(outcome(object), unknown);
    }
    assert_eq!(
        changed("user", "alien"),
        "enum_symbol: author.kind: unknown symbol \"alien\""
    );
    assert_eq!(
        changed("plain", "md"),
        "enum_symbol: format: unknown symbol \"md\""
    );
    // In a fact that is right otherwise.
    let wrong = MESSAGE.replace("user", "alien").replace(r#""Hello""#, "1");
    assert_eq!(outcome(&wrong), "text: expected a string, found 1");
    let expected = format!(
        "payload_kind: unknown kind of payload \"{}\"",
        "y".repeat(64)
    );
    assert_eq!(changed("message_added", &"y".repeat(1_000)), expected);
}

#[test]
fn digits_beyond_milliseconds_are_cut() {
    for (text, ms) in [
        ("1970-01-01T00:00:00.0019Z", 1),
        ("1969-12-31T23:59:59.9999Z", -1),
    ] {
        let object = MESSAGE.replace("2026-03-01T09:00:00.000Z", text);
        let Ok(ParsedFact::Fact { fact, .. }) = parse_fact(object.as_bytes()) else {
            panic!("no fact")
        };
        assert_eq!(fact.as_event().occurred_at, Timestamp(ms));
        assert!(matches!(
            fact.as_event().payload,
            Payload::MessageAdded { text: "Hello", .. }
        ));
    }
}

const SETTINGS: &str = r#"{"workspace_id":"w1","version":3,"effective_from":"2026-03-01T00:00:00Z",
    "live_for_users":true,"live_for_leads":false,"plan_includes_ratings":true,"time_zone":"Europe/Berlin",
    "target":{"positive_share":0.9,"minimum_ratings":20},"teammate_targets":{"t1":{"positive_share":1,"minimum_ratings":0}}}"#;

#[test]
fn settings() {
    let parsed = parse_settings(SETTINGS.as_bytes()).expect("settings");
    assert_eq!(parsed.settings.teammate_targets["t1"].positive_share, 1.0);
    assert_eq!(parsed.ignored, Vec::<String>::new());
    let outcome =
        |text: &str| parse_settings(text.as_bytes()).map(|parsed| parsed.ignored.join(" "));
    let changed = |from: &str, to: &str| {
        assert!(SETTINGS.contains(from), "{from}");
        outcome(&SETTINGS.replacen(from, to, 1)).unwrap_or_else(|error| error.to_string())
    };
    for (from, to, expected) in [
        (r#"{"positive_share":0.9,"minimum_ratings":20}"#, "null", ""),
        (
            r#""target":{"positive_share":0.9,"minimum_ratings":20},"#,
            "",
            "",
        ),
        (
            r#"{"t1":{"positive_share":1,"minimum_ratings":0}}"#,
            "null",
            "",
        ),
        (
            r#","teammate_targets":{"t1":{"positive_share":1,"minimum_ratings":0}}"#,
            "",
            "",
        ),
        (
            "{",
            r#"{"type":"workspace_settings","source":{},"x":1,"#,
            "x",
        ),
        (
            r#""minimum_ratings":20"#,
            r#""minimum_ratings":20,"max":1"#,
            "target.max",
        ),
        (
            "{",
            r#"{"type":"message_added","#,
            "type: expected workspace_settings, found \"message_added\"",
        ),
        (
            r#""version":3,"#,
            "",
            "version: expected an integer, found no such member",
        ),
        ("3", "0", "version: expected 1 or more, found 0"),
        ("3", "3.0", "version: expected an integer, found 3.0"),
        (
            "false",
            "0",
            "live_for_leads: expected true or false, found 0",
        ),
        (
            "Europe/Berlin",
            "Mars",
            "time_zone: expected an IANA name such as Europe/Berlin, found \"Mars\"",
        ),
        (
            "0.9",
            "90",
            "target.positive_share: expected 0.0 to 1.0, found 90",
        ),
        (
            "0.9",
            "\"0.9\"",
            "target.positive_share: expected a number, found \"0.9\"",
        ),
        (
            ":20}",
            ":2000000000000}",
            "target.minimum_ratings: expected an integer of 32 bits, found 2000000000000",
        ),
        (
            r#"{"positive_share":1,"minimum_ratings":0}"#,
            "{}",
            "teammate_targets.t1.positive_share: expected a number, found no such member",
        ),
        (
            r#""t1":"#,
            r#""t1":{},"t1":"#,
            "teammate_targets.t1: expected one member of this name, found several",
        ),
    ] {
        assert_eq!(changed(from, to), expected, "{to}");
    }
}
