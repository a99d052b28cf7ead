//! Where retention has removed facts or outputs, no more is claimed than what is left can prove.

use afterword_log::{Offset, Partition, Retention, Topic};
use serde_json::json;

use crate::common::Home;
use crate::world::{open, source, untouched, verify};

/// Removes about the older half of one topic's partition 0, or nothing.
fn cut(home: &Home, cut: Topic) {
    let log = open(home);
    let policy = Retention {
        older_than_ms: Some(i64::MAX),
        partition_bytes: None,
    };
    let end = |topic| {
        afterword_log::Log::bounds(&*log, topic, Partition(0))
            .expect("bounds")
            .end
    };
    let keep_from = |topic, partition| match (topic, partition) {
        (topic, Partition(0)) if topic == cut => Offset(end(topic).0 / 2),
        _ => Offset(0),
    };
    let removed = log.retain(&policy, &keep_from).expect("retained");
    assert!(removed.records > 0);
    log.close().expect("closed");
}

#[test]
fn facts_that_are_gone_leave_conversations_unjudged() {
    let home = untouched().write();
    cut(&home, Topic::ConversationEvents);
    let (ended, json) = verify(&home, &[]);
    assert_eq!(
        (ended.code, &json["proven"]),
        (Some(1), &json!(false)),
        "{json}"
    );
    assert!(ended.err.contains("--kept-only"), "{ended:?}");
    assert!(json["cut_conversations"].as_u64() > Some(0), "{json}");
    assert_eq!(json["difference_count"], 0, "{json}");
    assert_eq!(verify(&home, &["--kept-only"]).0.code, Some(0));
}

#[test]
fn outputs_that_are_gone_are_unjudged() {
    let home = untouched().write();
    cut(&home, Topic::EligibilityDecided);
    let (ended, json) = verify(&home, &[]);
    assert_eq!(
        (ended.code, &json["difference_count"]),
        (Some(1), &json!(0)),
        "{json}"
    );
    assert!(json["unjudged"].as_u64() > Some(0), "{json}");
    let (ended, json) = verify(&home, &["--kept-only"]);
    assert_eq!(
        (ended.code, &json["proven"]),
        (Some(0), &json!(true)),
        "{json}"
    );
}

#[test]
fn what_is_left_is_judged_all_the_same() {
    let mut world = untouched();
    let decisions = world.records(Topic::EligibilityDecided, 0);
    let gone = decisions.remove(decisions.len() - 3);
    let home = world.write();
    cut(&home, Topic::EligibilityDecided);
    let (ended, json) = verify(&home, &["--kept-only"]);
    assert_eq!(
        (ended.code, &json["difference_count"]),
        (Some(1), &json!(1)),
        "{json}"
    );
    assert_eq!(
        json["differences"][0]["source"]["offset"],
        source(&gone),
        "{json}"
    );
}
