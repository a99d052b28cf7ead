//! What must stand in the outputs: what the naive model says of the very facts that stand in the input.

use std::collections::BTreeMap;

use afterword_integration_tests::model::{DEFAULT_THRESHOLDS, NaiveFold, OwnedFact};
use afterword_schemas::records::Output;
use afterword_schemas::{Decoded, SchemaStore};

use crate::stranger::{INPUT, OUTPUTS, Stored, Stranger};

/// Violations that are told one by one.
const TOLD: usize = 5;

/// Each output must be what the model says of its fact, from that fact's very place, and none may be missing. All of
/// the input must have been folded, by the default settings.
pub fn violations(stranger: &Stranger) -> Vec<String> {
    let store = SchemaStore::new();
    let nothing = Vec::new();
    let records = |topic: &str| stranger.records.get(topic).unwrap_or(&nothing);
    let mut fold = NaiveFold::new(DEFAULT_THRESHOLDS);
    let mut expected = BTreeMap::new();
    for record in records(INPUT) {
        let fact = match store.decode_fact(&record.value) {
            Ok(Decoded::Fact(fact)) => OwnedFact::from(fact),
            other => panic!(
                "{INPUT}/{}/{} is no fact: {other:?}",
                record.partition, record.offset
            ),
        };
        let source = format!("{INPUT}/{}/{}", record.partition, record.offset);
        for (index, output) in fold.fold(&fact).outputs.into_iter().enumerate() {
            expected.insert((source.clone(), index.to_string()), output);
        }
    }
    let mut violations = Vec::new();
    for topic in OUTPUTS {
        for record in records(topic) {
            let found = decoded(&store, topic, record);
            let source = record.source.clone().unwrap_or_default();
            let expected = expected.remove(&source);
            if expected.as_ref() != Some(&found) {
                let place = format!("{topic}/{}/{}", record.partition, record.offset);
                violations.push(format!(
                    "{place} of {source:?}: expected {expected:?}, found {found:?}"
                ));
            }
        }
    }
    let missing = expected.len();
    let first = expected.iter().take(TOLD);
    violations
        .extend(first.map(|(source, output)| {
            format!("missing, one of {missing}: {output:?} of {source:?}")
        }));
    violations
}

fn decoded(store: &SchemaStore, topic: &str, record: &Stored) -> Output {
    let value = &record.value;
    match topic {
        "eligibility-decided" => Output::EligibilityDecided(store.decode(value).unwrap()),
        "rating-requested" => Output::RatingRequested(store.decode(value).unwrap()),
        "rating-submitted" => Output::RatingSubmitted(store.decode(value).unwrap()),
        "answer-refused" => Output::AnswerRefused(store.decode(value).unwrap()),
        other => panic!("{other} is no topic of outputs"),
    }
}
