//! What holds of every conversation, whatever happens in it.

mod support;

use afterword_domain::scenario::{OwnedEvent, OwnedPayload};
use afterword_domain::{Conversation, Effects, Note, Rules, SettingsTable, fold};
use afterword_schemas::records::{
    ActorKind, Format, Output, OwnedActor, Thresholds, Timestamp, Visibility,
};
use proptest::prelude::*;
use support::*;

fn stored(conversation: &Conversation) -> Vec<u8> {
    let mut bytes = Vec::new();
    conversation.encode(&mut bytes);
    bytes
}

/// A close by a teammate, which every measured value can be read off.
fn probe(at: Timestamp) -> OwnedEvent {
    let by = OwnedActor {
        kind: ActorKind::Teammate,
        id: "t1".to_owned(),
    };
    event("probe", at, OwnedPayload::ConversationClosed { by })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// What a decision measures depends on the set of facts and not on their order or number.
    #[test]
    fn order_and_number_of_facts_do_not_change_what_is_measured(
        (facts, shuffled) in (start_payload(), moment(), prop::collection::vec((moment(), measured_payload()), 0..25))
            .prop_flat_map(|(start, at, rest)| {
                let mut facts = vec![(at, start)];
                facts.extend(rest);
                let facts = numbered(facts);
                // Each again somewhere, except for a start, of which the first folded decides.
                let mut more = facts.clone();
                more.extend_from_slice(&facts[1..]);
                (Just(facts), Just(more).prop_shuffle())
            }),
        at in moment(),
    ) {
        let mut facts = facts;
        let mut shuffled = shuffled;
        facts.push(probe(at));
        shuffled.push(probe(at));
        prop_assert_eq!(outputs_of(&facts), outputs_of(&shuffled));
    }

    /// Any repetition, near or far, of anything gives the same outputs.
    #[test]
    fn repetition_changes_nothing(facts in life(), repeats in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 0..20)) {
        let mut repeated = facts.clone();
        for (which, place) in repeats {
            if facts.is_empty() { break; }
            let again = which.get(&facts);
            let first = repeated.iter().position(|fact| fact == again).expect("it is there");
            let place = first + 1 + place.index(repeated.len() - first);
            repeated.insert(place, again.clone());
        }
        prop_assert_eq!(outputs_of(&facts), outputs_of(&repeated));
    }

    /// A state that is written and read back between any facts gives the same outputs, and is the same state.
    #[test]
    fn storing_changes_nothing(facts in life()) {
        let mut kept = Conversation::default();
        let mut read = Conversation::default();
        for fact in &facts {
            let expected = fold_into(&mut kept, std::slice::from_ref(fact));
            prop_assert_eq!(fold_into(&mut read, std::slice::from_ref(fact)), expected);
            let bytes = stored(&read);
            read = Conversation::decode(&bytes).expect("what was written");
            prop_assert_eq!(&read, &kept);
            prop_assert_eq!(stored(&read), bytes);
        }
    }

    /// Splitting a log anywhere is folding it: the fold is a function of what it was given.
    #[test]
    fn folding_in_parts_is_folding(facts in life(), split in any::<prop::sample::Index>()) {
        let (before, after) = facts.split_at(split.index(facts.len() + 1));
        let mut conversation = Conversation::default();
        let mut outputs = fold_into(&mut conversation, before);
        outputs.extend(fold_into(&mut conversation.clone(), after));
        prop_assert_eq!(outputs, outputs_of(&facts));
    }

    /// At most one request; a decision for each close that is a transition; revisions count up; the submissions, folded in
    /// order, give the rating; nothing changes after a comment; a refusal is told once.
    #[test]
    fn outputs_agree_with_each_other(facts in life()) {
        let outputs = outputs_of(&facts);
        let requests = outputs.iter().filter(|output| matches!(output, Output::RatingRequested(_))).count();
        prop_assert!(requests <= 1);
        let mut last = None;
        let mut refused = std::collections::BTreeSet::new();
        for (place, output) in outputs.iter().enumerate() {
            match output {
                Output::EligibilityDecided(decision) => {
                    prop_assert_eq!(decision.requested, decision.failed.is_empty());
                    prop_assert_eq!(decision.requested, decision.request_id.is_some());
                    let next_is_request = matches!(outputs.get(place + 1), Some(Output::RatingRequested(_)));
                    prop_assert_eq!(decision.requested, next_is_request);
                }
                Output::RatingRequested(_) => {}
                Output::RatingSubmitted(submitted) => {
                    let (revision, reaction, locked) = last.unwrap_or((0, None, false));
                    prop_assert!(!locked);
                    prop_assert_eq!(submitted.revision, revision + 1);
                    prop_assert_eq!(submitted.previous_reaction, reaction);
                    prop_assert_eq!(submitted.locked, submitted.comment.is_some());
                    prop_assert!(submitted.locked || reaction != Some(submitted.reaction));
                    last = Some((submitted.revision, Some(submitted.reaction), submitted.locked));
                }
                Output::AnswerRefused(answer) => prop_assert!(refused.insert(answer.event_id.clone())),
            }
        }
    }

    /// Whatever the thresholds, and whatever time it is.
    #[test]
    fn no_facts_panic(
        facts in life(),
        characters in prop_oneof![any::<i32>(), -2i32..400, Just(i32::MAX), Just(i32::MIN)],
        milliseconds in prop_oneof![any::<i64>(), Just(i64::MAX), Just(i64::MIN)],
    ) {
        let rules = Rules { thresholds: Thresholds { characters, milliseconds } };
        let mut conversation = Conversation::default();
        let mut effects = Effects::default();
        for fact in &facts {
            fold(&mut conversation, &fact.as_event(), &rules, &settings(), &mut effects);
            let read = Conversation::decode(&stored(&conversation));
            prop_assert_eq!(read.as_ref(), Ok(&conversation));
        }
        for output in &effects.outputs {
            if let Output::EligibilityDecided(decision) = output {
                prop_assert!(decision.measured.characters >= 0);
                prop_assert!(i64::from(decision.measured.characters) <= (i64::from(characters) + 1).max(0));
            }
        }
    }

    /// Bytes that are no stored conversation are an error, never a panic; what is read can be written and read again.
    #[test]
    fn damaged_bytes_never_panic(facts in life(), flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4), cut in any::<prop::sample::Index>()) {
        let mut conversation = Conversation::default();
        fold_into(&mut conversation, &facts);
        let whole = stored(&conversation);
        let mut damaged = whole.clone();
        for (place, byte) in flips {
            *place.get_mut(&mut damaged) = byte;
        }
        if let Ok(read) = Conversation::decode(&damaged) {
            let again = Conversation::decode(&stored(&read));
            prop_assert_eq!(again.as_ref(), Ok(&read));
            // And it can be folded on.
            fold_into(&mut read.clone(), &facts);
        }
        prop_assert!(Conversation::decode(&whole[..cut.index(whole.len())]).is_err());
        let mut longer = whole;
        longer.push(0);
        prop_assert!(Conversation::decode(&longer).is_err());
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Conversation::decode(&bytes);
        let mut right_format = bytes;
        right_format.insert(0, afterword_domain::stored::FORMAT);
        let _ = Conversation::decode(&right_format);
    }
}

/// A state does not grow with the number of messages, of repetitions, or of anything but distinct customers.
#[test]
fn the_size_of_a_state_is_bounded() {
    let rules = Rules::default();
    let settings = SettingsTable::default();
    let mut effects = Effects::default();
    let mut conversation = Conversation::default();
    let mut largest = 0;
    for n in 0..60_000_i64 {
        let (kind, id) = match n % 3 {
            0 => (ActorKind::User, "u1"),
            1 => (ActorKind::Lead, "u2"),
            _ => (ActorKind::Teammate, "t1"),
        };
        let author = OwnedActor {
            kind,
            id: id.to_owned(),
        };
        // Empty ones first, then one character each: the slowest way to the threshold.
        let text = if n < 20_000 { "" } else { "x" };
        let payload = match n {
            50_000.. => OwnedPayload::ConversationSnoozed {
                by: author,
                until: None,
            },
            _ => OwnedPayload::MessageAdded {
                author,
                text: text.to_owned(),
                format: Format::Plain,
                visibility: Visibility::Public,
            },
        };
        effects.clear();
        let fact = event(
            format!("e{n}"),
            Timestamp(1_772_323_200_000 + n * 1_000),
            payload,
        );
        fold(
            &mut conversation,
            &fact.as_event(),
            &rules,
            &settings,
            &mut effects,
        );
        let size = stored(&conversation).len();
        largest = largest.max(size);
        match n {
            0..20_000 => assert!(size <= 64, "{size} bytes after {n} messages without text"),
            20_000..=20_250 => assert!(size <= 64 + 8 * 250),
            20_251..50_000 => assert!(size <= 64, "{size} bytes over the threshold"),
            _ => assert!(size <= 64 + 8 * afterword_domain::REMEMBERED_IDS),
        }
    }
    assert!(largest > 8 * 1_000 && conversation.memory_bytes() < 20_000);
}

/// The one who repeats it is told so, and a conversation that overflows is counted once.
#[test]
fn an_overflow_is_counted_once() {
    let mut conversation = Conversation::default();
    let mut effects = Effects::default();
    for n in 0..5_000 {
        let by = OwnedActor {
            kind: ActorKind::System,
            id: "s".to_owned(),
        };
        let fact = event(
            format!("e{n}"),
            Timestamp(n),
            OwnedPayload::ConversationReopened { by },
        );
        fold(
            &mut conversation,
            &fact.as_event(),
            &Rules::default(),
            &SettingsTable::default(),
            &mut effects,
        );
    }
    assert_eq!(effects.notes, [Note::RememberedIdsOverflowed]);
    assert!(effects.outputs.is_empty());
    effects.clear();
    assert_eq!(effects, Effects::default());
}
