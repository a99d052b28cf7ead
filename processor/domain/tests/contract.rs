//! What the outside relies on of the fold: ids, symbols, versions, the order of outputs.

mod support;

use afterword_domain::{
    MAX_COMMENT_CHARACTERS, Note, REMEMBERED_IDS, RULES_VERSION, Rules, request_id,
};
use afterword_schemas::records::Output;
use support::{exchange, numbered, outputs_of};

#[test]
fn the_numbers_of_the_rules() {
    let thresholds = Rules::default().thresholds;
    assert_eq!(
        (thresholds.characters, thresholds.milliseconds),
        (250, 604_800_000)
    );
    assert_eq!(
        (MAX_COMMENT_CHARACTERS, REMEMBERED_IDS, RULES_VERSION),
        (5_000, 1_024, 1)
    );
}

/// Computed with another implementation: Python's `uuid.uuid5(uuid.NAMESPACE_URL, "afterword\0w1\0c1")`.
#[test]
fn a_request_id_is_the_uuid_of_its_conversation() {
    assert_eq!(
        request_id("w1", "c1"),
        "b139f598-a267-5ce6-86df-efde7935a099"
    );
    assert_eq!(
        request_id("Größe", "字/1"),
        "e58e5cb4-2119-5ffd-b8b4-c4f22c5434b8"
    );
    assert_ne!(request_id("w", "1c"), request_id("w1", "c"));
}

#[test]
fn a_decision_comes_before_its_request() {
    let outputs = outputs_of(&numbered(exchange()));
    let [
        Output::EligibilityDecided(decision),
        Output::RatingRequested(request),
    ] = outputs.as_slice()
    else {
        panic!("{outputs:#?}")
    };
    assert_eq!(decision.request_id.as_ref(), Some(&request.request_id));
    assert_eq!(request.request_id, request_id("w1", "c1"));
}

#[test]
fn every_note_has_its_own_symbol() {
    let symbols: std::collections::BTreeSet<_> =
        Note::ALL.iter().map(|note| note.symbol()).collect();
    assert_eq!(symbols.len(), Note::ALL.len());
    assert!(
        symbols
            .iter()
            .all(|symbol| symbol.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'))
    );
}
