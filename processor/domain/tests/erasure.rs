//! A customer who is taken out: nothing is decided otherwise, and neither id nor text is left.

mod support;

use afterword_domain::erasure::erased_text;
use afterword_domain::scenario::{OwnedEvent, OwnedPayload};
use afterword_domain::text::characters;
use afterword_domain::{Conversation, Erasure};
use afterword_schemas::records::{ActorKind, Format, OwnedActor, Timestamp};
use proptest::prelude::*;
use support::*;

const PSEUDONYM: &str = "erased-0";

fn noted(facts: &[OwnedEvent]) -> Erasure {
    let mut erasure = Erasure::new(WORKSPACE, "u1", PSEUDONYM);
    for fact in facts {
        if erasure.takes_part(&fact.as_event()) {
            erasure.note(CONVERSATION);
        }
    }
    erasure
}

fn erase(erasure: &mut Erasure, facts: &[OwnedEvent]) -> Vec<OwnedEvent> {
    let erased = facts.iter().map(|fact| {
        erasure
            .fact(&fact.as_event())
            .unwrap_or_else(|| fact.clone())
    });
    erased.collect()
}

fn stored(conversation: &Conversation) -> Vec<u8> {
    let mut bytes = Vec::new();
    conversation.encode(&mut bytes);
    bytes
}

fn comment(event_id: &str, customer_id: &str, text: &str) -> OwnedEvent {
    let request_id = afterword_domain::request_id(WORKSPACE, CONVERSATION);
    let payload = OwnedPayload::CommentLeft {
        request_id,
        customer_id: customer_id.to_owned(),
        text: text.to_owned(),
    };
    event(event_id, Timestamp(0), payload)
}

/// The texts of comments, after the customer was taken out of a conversation with these.
fn comments(texts: &[&str]) -> Vec<String> {
    let facts: Vec<_> = texts.iter().map(|text| comment("e", "u1", text)).collect();
    let mut erasure = Erasure::new(WORKSPACE, "u1", PSEUDONYM);
    erasure.note(CONVERSATION);
    let erased = erase(&mut erasure, &facts);
    let texts = erased.into_iter().map(|fact| match fact.payload {
        OwnedPayload::CommentLeft { text, .. } => text,
        other => panic!("{other:?}"),
    });
    texts.collect()
}

#[test]
fn comments_are_equal_where_they_were() {
    assert_eq!(
        comments(&["Thanks!", " Thanks! ", "Never again", "", " \n", "Thanks!"]),
        ["(erased)", "(erased)", "(erased 2)", "", " ", "(erased)"]
    );
    let long = comments(&[&"ä".repeat(5_001), &"ä".repeat(5_000)]);
    assert_eq!(characters(&long[0], Format::Plain, u32::MAX), 5_001);
    assert_eq!(long[1], "(erased 2)");
}

#[test]
fn who_only_has_the_same_id_stays() {
    let teammate = OwnedActor {
        kind: ActorKind::Teammate,
        id: "u1".to_owned(),
    };
    let close = event(
        "e1",
        Timestamp(0),
        OwnedPayload::ConversationClosed { by: teammate },
    );
    assert!(!noted(&[]).takes_part(&close.as_event()));
    let mut erasure = noted(&[]);
    erasure.note(CONVERSATION);
    assert_eq!(erasure.fact(&close.as_event()), None);
    let mut elsewhere = Erasure::new("w2", "u1", PSEUDONYM);
    elsewhere.note(CONVERSATION);
    assert_eq!(elsewhere.fact(&comment("e", "u1", "Hi").as_event()), None);
}

/// An answer in the customer's name does not make a conversation theirs, and says who they are all the same.
#[test]
fn an_answer_elsewhere_loses_its_own_text_alone() {
    let answer = comment("e1", "u1", "It was I");
    assert!(!noted(&[]).takes_part(&answer.as_event()));
    let mut erasure = noted(&[]);
    let erased = erasure.fact(&answer.as_event()).expect("it changes");
    assert_eq!(erased, comment("e1", PSEUDONYM, "(erased)"));
    assert_eq!(erasure.fact(&comment("e2", "u2", "Hi").as_event()), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Any text, in either format, counts the same afterwards, however far it is counted.
    #[test]
    fn a_text_counts_the_same(
        text in prop_oneof!["\\PC{0,300}", "[a-z<>/&;# \r\n\t\0é😀]{0,80}", "(<(p|br|div|b|/p|script|/script|head)>|&nbsp;|&amp;|[a-z ]|\r\n){0,60}"],
        at_most in prop_oneof![0u32..300, Just(u32::MAX)],
    ) {
        for format in [Format::Plain, Format::Html] {
            let erased = erased_text(&text, format);
            prop_assert_eq!(characters(&erased, format, u32::MAX), characters(&text, format, u32::MAX));
            prop_assert_eq!(characters(&erased, format, at_most), characters(&text, format, at_most));
            // Once more changes nothing.
            prop_assert_eq!(erased_text(&erased, format), erased);
        }
    }

    /// Folding the erased facts gives the erased outputs and the erased state, after every fact.
    #[test]
    fn nothing_is_decided_otherwise(facts in life()) {
        let mut erasure = noted(&facts);
        let mut expected = outputs_of(&facts);
        for output in &expected {
            if erasure.was_asked(output) {
                erasure.note(CONVERSATION);
            }
        }
        let erased = erase(&mut erasure, &facts);
        for output in &mut expected {
            if let Some(erased) = erasure.output(output) {
                *output = erased;
            }
        }
        prop_assert_eq!(outputs_of(&erased), expected);
        let (mut was, mut is) = (Conversation::default(), Conversation::default());
        for (before, after) in facts.iter().zip(&erased) {
            fold_into(&mut was, std::slice::from_ref(before));
            fold_into(&mut is, std::slice::from_ref(after));
            let mut erased = was.clone();
            if erasure.concerns(WORKSPACE, CONVERSATION) {
                erasure.state(CONVERSATION, &mut erased);
            }
            prop_assert_eq!(stored(&erased), stored(&is));
            prop_assert!(!erasure.is_named_in(&erased));
        }
        // Nothing is left to erase.
        let mut again = erasure.afresh();
        for fact in &erased {
            prop_assert_eq!(again.fact(&fact.as_event()), None);
        }
    }
}
