//! The generator keeps its promises, and gets to everything.

use std::collections::BTreeMap;

use afterword_schemas::records::{ActorKind, Criterion, Format, Payload, Reaction, RefusalReason};

use super::dice::Dice;
use super::people::actor;
use super::texts::{comment_of, text_of, white_space};
use super::{Config, Entry, Poison, Reach, generate};
use crate::model::{
    DEFAULT_THRESHOLDS, NaiveFold, OwnedFact, OwnedPayload, characters, plain_characters,
};

#[test]
fn the_same_seed_gives_the_same_log() {
    let config = Config {
        poison_per_mille: 20,
        ..Config::default()
    };
    assert_eq!(generate(7, &config), generate(7, &config));
    assert_ne!(generate(7, &config).facts, generate(8, &config).facts);
}

#[test]
fn an_event_id_stands_for_one_fact() {
    for seed in 0..20 {
        let log = generate(seed, &Config::default());
        let mut by_id = BTreeMap::new();
        for fact in &log.facts {
            let first = by_id.entry(&fact.event_id).or_insert(fact);
            assert_eq!(*first, fact, "seed {seed}");
        }
        assert!(by_id.len() < log.facts.len(), "seed {seed} repeats nothing");
    }
}

#[test]
fn facts_keep_the_contracts_limits() {
    let config = Config {
        longest_per_mille: 5,
        ..Config::default()
    };
    for seed in 0..20 {
        for fact in generate(seed, &config).facts {
            for id in [&fact.event_id, &fact.workspace_id, &fact.conversation_id] {
                assert!((1..=256).contains(&id.len()) && !id.chars().any(char::is_control));
            }
            let event = fact.as_event();
            if let Payload::MessageAdded { text, .. } | Payload::CommentLeft { text, .. } =
                event.payload
            {
                assert!(text.chars().count() <= 262_144);
            }
            assert_eq!(OwnedFact::from(event), fact);
        }
    }
}

#[test]
fn entries_are_everything_in_the_order_of_the_log() {
    let config = Config {
        poison_per_mille: 50,
        ..Config::default()
    };
    let log = generate(3, &config);
    let entries = log.entries();
    let total = log.facts.len() + log.settings.len() + log.poison.len();
    assert_eq!(entries.len(), total);
    let facts = entries.iter().filter_map(|entry| match entry {
        Entry::Fact(index, _) => Some(*index),
        Entry::Settings(_) | Entry::Poison(_) => None,
    });
    assert!(facts.eq(0..log.facts.len()));
    assert_eq!(log.expected().len(), log.facts.len());
}

#[test]
fn texts_have_as_many_characters_as_wanted() {
    let mut dice = Dice::new(1);
    for wanted in (0..60).chain([249, 250, 251, 400]) {
        for _ in 0..40 {
            let (text, format) = text_of(&mut dice, wanted);
            assert_eq!(characters(&text, format), wanted, "{text:?}");
        }
    }
    for wanted in [1, 2, 30, 5_000, 5_001] {
        let comment = comment_of(&mut dice, wanted);
        assert_eq!(plain_characters(comment.trim()), wanted);
        assert_eq!(white_space(&mut dice).trim(), "");
    }
}

#[test]
fn poison_of_every_kind_occurs() {
    let config = Config {
        poison_per_mille: 200,
        ..Config::default()
    };
    let log = generate(1, &config);
    let of = |is: fn(&Poison) -> bool| log.poison.iter().filter(|each| is(&each.poison)).count();
    assert!(of(|poison| matches!(poison, Poison::Bytes(_))) > 5);
    assert!(of(|poison| matches!(poison, Poison::Truncated { .. })) > 5);
    assert!(of(|poison| matches!(poison, Poison::Illegal(_))) > 5);
}

/// What has to occur in 500 logs of 300 facts, and at least how often.
fn wanted() -> Vec<(String, usize)> {
    let mut wanted = Vec::new();
    for criterion in Criterion::ALL {
        wanted.push((format!("alone {criterion}"), 300));
    }
    for reason in RefusalReason::ALL {
        wanted.push((format!("refused {reason}"), 100));
    }
    for kind in Payload::KINDS {
        wanted.push((format!("fact {kind}"), 100));
    }
    for reaction in Reaction::ALL {
        wanted.push((format!("reaction {reaction}"), 100));
    }
    let others = [
        "request to user",
        "request to lead",
        "request by messenger",
        "request by email",
        "request by own settings",
        "comment",
        "after_reopen",
        "reaction changed",
        "change earlier than the first reaction",
        "answer that changes nothing",
        "customers 0",
        "customers 1",
        "customers 2",
        "customers 3",
        "closed by user",
        "closed by bot",
        "closed by system",
        "origin unknown",
        "origin custom_bot",
        "origin outbound_message",
        "origin visitor_message",
        "250 characters",
        "251 characters",
        "no plan",
        "switched off",
        "no reply",
        "in the millisecond of the last reply",
        "a week since the last reply",
        "a week and a millisecond",
        "before the last reply",
        "last teammates of one millisecond",
        "settings in force from the close on",
        "settings in force by their higher version",
        "note Repeat",
        "note LaterStart",
        "note AfterDeletion",
        "note CloseOfClosed",
        "note ReopenedAtOnce",
        "note ReopenedByMessage",
    ];
    wanted.extend(others.map(|name| (name.to_owned(), 100)));
    wanted.push(("request".to_owned(), 2_000));
    wanted
}

#[test]
fn five_hundred_seeds_get_to_everything() {
    let mut reach = Reach::default();
    for seed in 0..500 {
        reach += Reach::of_log(&generate(seed, &Config::default()));
    }
    println!("{reach}");
    for (name, least) in wanted() {
        let count = reach.of(&name);
        assert!(count >= least, "{name}: {count}, expected {least} or more");
    }
}

#[test]
fn beyond_memory_ids_are_forgotten() {
    let config = Config {
        settings_per_mille: 60,
        beyond_memory: true,
        differing_settings: true,
        extreme_times: true,
        ..Config::default()
    };
    let mut reach = Reach::default();
    for seed in 0..10 {
        reach += Reach::of_log(&generate(seed, &config));
    }
    println!("{reach}");
    assert!(reach.of("note MoreThanRemembered") > 50);
    assert!(reach.of("forgotten close decided again") > 0);
    assert!(reach.of("settings refused") > 0);
}

#[test]
fn half_of_the_texts_are_html() {
    let mut dice = Dice::new(2);
    let html = (0..1_000).filter(|_| text_of(&mut dice, 20).1 == Format::Html);
    assert!((400..600).contains(&html.count()));
}

/// Messages and participants in other orders, and more than once, up to a close: the same is decided.
#[test]
fn what_is_measured_depends_on_the_set_of_facts_alone() {
    for seed in 0..100 {
        let log = generate(seed, &Config::default());
        let id = &log.facts[0].conversation_id;
        let workspace_id = &log.facts[0].workspace_id;
        let of_one = log
            .facts
            .iter()
            .filter(|fact| fact.conversation_id == *id && fact.workspace_id == *workspace_id);
        let (starts, others): (Vec<&OwnedFact>, Vec<&OwnedFact>) = of_one
            .filter(|fact| [0, 1, 2, 3].contains(&fact.payload.as_payload().kind_index()))
            .partition(|fact| fact.payload.as_payload().kind_index() == 0);
        let decided = |others: &[&OwnedFact]| {
            let mut fold = NaiveFold::new(DEFAULT_THRESHOLDS);
            for fact in others.iter().chain(starts.first()) {
                fold.fold(fact);
            }
            fold.fold(&close_of(log.facts[0].clone())).outputs
        };
        let backwards: Vec<&OwnedFact> = others.iter().rev().copied().collect();
        let twice = [&others[..], &backwards[..]].concat();
        assert_eq!(decided(&others), decided(&backwards), "seed {seed}");
        assert_eq!(decided(&others), decided(&twice), "seed {seed}");
    }
}

fn close_of(fact: OwnedFact) -> OwnedFact {
    OwnedFact {
        event_id: "close".to_owned(),
        payload: OwnedPayload::ConversationClosed {
            by: actor(ActorKind::Teammate, "t1"),
        },
        ..fact
    }
}
