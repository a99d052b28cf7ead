//! JSON objects: nothing panics, and what is read, written and read again is the same.
#![no_main]

use afterword_schemas::json::{self, ParsedFact};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut text = Vec::new();
    if let Ok(ParsedFact::Fact { fact, .. }) = json::parse_fact(data) {
        json::write(&fact.as_event(), None, &mut text);
        let Ok(ParsedFact::Fact {
            fact: again,
            ignored,
        }) = json::parse_fact(&text)
        else {
            panic!("no fact any more")
        };
        assert_eq!(fact.as_event(), again.as_event());
        assert!(ignored.is_empty());
    }
    if let Ok(parsed) = json::parse_settings(data) {
        text.clear();
        json::write(&parsed.settings, None, &mut text);
        let again = json::parse_settings(&text).expect("what was written");
        assert_eq!(parsed.settings, again.settings);
    }
});
