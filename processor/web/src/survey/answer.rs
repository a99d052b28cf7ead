//! What became of an answer, in words and as a status.

use axum::http::StatusCode;

use afterword_readmodel::Standing;
use afterword_schemas::records::RefusalReason;

use super::form::COMMENT_CHARACTERS;
use super::page::Said;
use super::stamps::{Kind, Outcome, Sent};
use super::texts::Language;

/// What the page says of an outcome.
pub fn words(language: Language, outcome: &Outcome, standing: &Standing, sent: &[Sent]) -> Said {
    let chosen = sent.iter().rev().find_map(|sent| match sent.kind {
        Kind::Reaction(symbol) => Some(symbol),
        Kind::Comment => None,
    });
    let is_comment = sent.iter().any(|sent| sent.kind == Kind::Comment);
    let stands = standing.reaction.as_deref();
    let reaction = |symbol: Option<&str>| language.say(symbol.unwrap_or("ok"));
    let say = |name: &str, symbol| language.say_with(name, &[("reaction", &reaction(symbol))]);
    match outcome {
        Outcome::Pending => Said::status(language.say("pending")),
        Outcome::Refused(reason) => refused(language, reason, 0).1,
        Outcome::SentBefore => Said::alert(say("sent-before", stands)),
        _ if is_comment => Said::status(language.say("comment-saved")),
        Outcome::Saved => Said::status(say("saved", chosen.or(stands))),
        Outcome::Changed => Said::status(say("changed", chosen.or(stands))),
        Outcome::Unchanged => Said::status(say("unchanged", chosen.or(stands))),
    }
}

/// What the page says of a refusal, and the status.
pub fn refused(language: Language, reason: &str, characters: usize) -> (StatusCode, Said) {
    let (status, name) = match RefusalReason::from_symbol(reason) {
        Some(RefusalReason::Locked) => (StatusCode::CONFLICT, "refused-locked"),
        Some(RefusalReason::Deleted) => (StatusCode::GONE, "refused-deleted"),
        Some(RefusalReason::CommentBeforeReaction) => {
            (StatusCode::CONFLICT, "refused-before-reaction")
        }
        Some(RefusalReason::CommentTooLong) => return too_long(language, characters),
        _ => (StatusCode::CONFLICT, "refused-other"),
    };
    (status, Said::alert(language.say(name)))
}

/// With the count, the limit, and how much to take away.
pub fn too_long(language: Language, characters: usize) -> (StatusCode, Said) {
    let over = characters.saturating_sub(COMMENT_CHARACTERS);
    let numbers = [characters, COMMENT_CHARACTERS, over].map(|number| number.to_string());
    let arguments = [
        ("count", &*numbers[0]),
        ("limit", &*numbers[1]),
        ("over", &*numbers[2]),
    ];
    let text = language.say_with("refused-too-long", &arguments);
    (StatusCode::UNPROCESSABLE_ENTITY, Said::alert(text))
}
