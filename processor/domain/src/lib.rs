//! The rules of conversation ratings as a pure fold: facts about one conversation go in, decisions come out.
//!
//! | a sentence of the rules about | lives in |
//! | --- | --- |
//! | when a request is sent, the nine criteria, live, the last reply, origin | [`eligibility`] |
//! | state, reopening, deletion, what a repeated fact does, the order of things | [`conversation`] |
//! | replies, included customers and their kinds, the sum of characters | `registers` |
//! | what the customer may do, refusals, submissions | [`rating`] |
//! | which settings are in force at a close | [`settings`] |
//! | what counts as a character, plain and HTML | [`text`] |
//! | which event ids are remembered, and how many | `remembered` |
//! | taking a customer out without deciding otherwise | [`erasure`] |
//! | the bytes of a stored conversation | [`stored`], and `coding` for its numbers |
//!
//! Where the rules leave something open, this is what the code does:
//!
//! - A fact that is passed over after a deletion is not remembered, so it pushes no answer's id out.
//! - A refusal names the request that the answer named, whether there is such a one or not.
//! - A version of settings below 1 is refused like a changed one: 0 is the built-in default.
//! - The sum of characters is counted up to the threshold in force, so thresholds are the same through a conversation's life; to
//!   judge by others, fold its facts again.
//! - A customer's message in a snoozed conversation leaves it snoozed: only a closed one is reopened by it.
//! - What is open in counting HTML is decided in `html`.
//!
//! Nothing here does I/O, reads a clock, logs, waits or panics: the same facts, settings and rules give the same outputs,
//! byte for byte, on any machine and in any batching.

mod coding;
pub mod conversation;
pub mod defect;
pub mod effects;
pub mod eligibility;
pub mod erasure;
mod html;
mod memory;
pub mod rating;
mod registers;
mod remembered;
#[cfg(feature = "scenarios")]
pub mod scenario;
pub mod settings;
pub mod stored;
pub mod text;

pub use conversation::{Conversation, fold};
pub use effects::{Effects, Note};
pub use eligibility::Rules;
pub use erasure::{Erasure, asked_customer};
pub use rating::{MAX_COMMENT_CHARACTERS, request_id};
pub use remembered::REMEMBERED_IDS;
pub use settings::{Insertion, SettingsConflict, SettingsTable};
pub use stored::StateError;

/// The version of the rules that this code is; every decision records it. Raise it with any change that could decide
/// differently.
pub const RULES_VERSION: i32 = 1;
