//! Facts as lines of NDJSON, and back.

use afterword_integration_tests::model::OwnedFact;
use afterword_schemas::json;

/// A fact as a line, with its line feed.
pub fn line_of(fact: &OwnedFact) -> String {
    let mut line = Vec::new();
    json::write(&fact.as_event(), None, &mut line);
    line.push(b'\n');
    String::from_utf8(line).unwrap()
}

/// The facts of lines; every line has to be one.
pub fn parse_lines(text: &str) -> Vec<OwnedFact> {
    let parse = |line: &str| match json::parse_fact(line.as_bytes()).unwrap() {
        json::ParsedFact::Fact { fact, .. } => OwnedFact::from(fact.as_event()),
        json::ParsedFact::PassedOver(what) => panic!("{what}: {line}"),
    };
    text.lines().map(parse).collect()
}
