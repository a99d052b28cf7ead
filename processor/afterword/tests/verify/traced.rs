//! An output may belong to its fact's trace and to no other.

use afterword_log::Topic;

use crate::world::{source, untouched, verify};

const SAMPLED: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const OTHER: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203332-01";

/// The first decision and its fact bear these headers; `difference` is what is then told, or nothing.
fn check(of_fact: Option<&str>, of_output: Option<&str>, difference: Option<&str>) {
    let mut world = untouched();
    let decision = &mut world.records(Topic::EligibilityDecided, 0)[0];
    let at = usize::try_from(source(decision)).expect("an offset");
    if let Some(header) = of_output {
        *decision = decision.clone().with_header("traceparent", header);
    }
    let fact = &mut world.records(Topic::ConversationEvents, 0)[at];
    if let Some(header) = of_fact {
        *fact = fact.clone().with_header("traceparent", header);
    }
    let (ended, told) = verify(&world.write(), &[]);
    let case = format!("{of_fact:?} {of_output:?}: {told:#}");
    assert_eq!(ended.code, Some(i32::from(difference.is_some())), "{case}");
    if let Some(difference) = difference {
        assert!(told.to_string().contains(difference), "{case}");
    }
}

#[test]
fn an_output_of_another_trace_is_found() {
    let fact = Some("traceparent: expected the fact's");
    check(Some(SAMPLED), Some(OTHER), fact);
    check(None, Some(SAMPLED), fact);
    let not_sampled = SAMPLED.replace("-01", "-00");
    check(Some(&not_sampled), Some(&not_sampled), fact);
    check(Some(SAMPLED), Some(SAMPLED), None);
    // As builds before this one wrote it.
    check(Some(SAMPLED), None, None);
}
