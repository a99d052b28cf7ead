//! The rules once more: naive, slow, and kept for tests alone.
//!
//! The product folds each fact into a small state of registers. This model keeps every fact instead and answers each
//! question by reading the whole history again, in the words of the rules. It shares no code with the product but the
//! plain data of the wire contract, so where the two agree, it is unlikely to be by a common mistake.
//!
//! Where to find what: the criteria in [`decision`], what they measure in [`measure`], the states and what counts as a
//! repetition in [`history`], the customer's answers in [`answer`], characters in [`text`], settings in [`settings`].
//!
//! # Where the rules leave a choice
//!
//! What the words of the rules settle only on second reading, and how it is read here:
//!
//! * **A later start** is not there at all: its initiator is not included by it and gets no kind from it.
//! * **The character sum** includes messages of customers who have left, and of teammates whose message is no reply.
//! * **`live` as measured** is the whole first row: plan and switch. `plan` stands beside it on its own.
//! * **A close of a closed conversation** does not move the time of "the close that closed it".
//! * **A message reopens** what is closed, never what is snoozed.
//! * **Reopened at once** by a message folded before the close happens after the close was decided and asked about, so
//!   the answers to that request are `after_reopen`.
//! * **Closed, snoozed, then reopened** is the end of a snooze: not `after_reopen`.
//! * **`after_reopen`** is of the submission: the first reaction may be without it and a later change with it.
//! * **After a deletion** answers are still remembered (a refusal is told once); what is passed over is not.
//! * **Remembered by when first folded**: a repetition that is recognised does not move its id to the front. A fact
//!   folded again after its id was forgotten is the latest.
//! * **A comment of white space** is remembered too: whether it changed anything or not.
//! * **`refused.request_id`** is the one that the answer named, not the conversation's.
//! * **HTML**: `<template>`s nest (the contents of the outer one go on behind the inner one's end tag); nothing in
//!   a head opens or closes a template, and nothing in a template a head; a slash before the `>` closes nothing; U+0000 is nothing, as in a browser; U+FEFF is a character;
//!   the line break at the start of a `textarea` is white space like any other; white space made by character
//!   references (`&#32;`, `&Tab;`) collapses too.

pub mod answer;
pub mod conversation;
pub mod decision;
pub mod fact;
pub mod history;
pub mod measure;
pub mod settings;
pub mod text;

#[cfg(test)]
mod tests;

use afterword_schemas::records::{Output, Thresholds, WorkspaceSettings};

pub use answer::COMMENT_LIMIT;
pub use conversation::{Folding, NaiveConversation, NaiveFold, Note};
pub use decision::{DEFAULT_THRESHOLDS, RULES_VERSION, request_id};
pub use fact::{OwnedFact, OwnedPayload, is_answer};
pub use history::{History, REMEMBERED, State};
pub use settings::{PlacedSettings, default_settings, settings_in_force};
pub use text::{characters, html_characters, html_visible, plain_characters};

/// The outputs of each fact of a log, index for index. A version of settings is known to fact `i` when its position is
/// `i` or less.
#[must_use]
pub fn fold_all(
    facts: &[OwnedFact],
    settings: &[PlacedSettings],
    thresholds: Thresholds,
) -> Vec<Vec<Output>> {
    let known_to = |index: usize| {
        let mut known = Vec::new();
        for placed in settings.iter().filter(|placed| placed.position <= index) {
            settings::learn(&mut known, &placed.settings);
        }
        known
    };
    fold_knowing(facts, &known_to, thresholds)
}

/// The outputs of each fact of a log, index for index, where `known_to` says which versions of settings were known when
/// a fact was folded.
#[must_use]
pub fn fold_knowing(
    facts: &[OwnedFact],
    known_to: &dyn Fn(usize) -> Vec<WorkspaceSettings>,
    thresholds: Thresholds,
) -> Vec<Vec<Output>> {
    let mut fold = NaiveFold::new(thresholds);
    facts
        .iter()
        .enumerate()
        .map(|(index, fact)| fold.fold_knowing(fact, &known_to(index)).outputs)
        .collect()
}
