//! The lines that begin with `=>`: what a fact must bring about.

use afterword_schemas::records::{
    ActorKind, Channel, Criterion, Origin, Reaction, RefusalReason, Timestamp,
};

use super::words::{Read, Words};
use crate::Note;

/// Everything that a fact brings about: no output passes that is not here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    pub outputs: Vec<ExpectedOutput>,
    /// Only a runner that sees the fold's notes can check these.
    pub counted: Vec<Note>,
}

/// An output with what is stated of it; the rest of it must agree with the facts and with the outputs before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExpectedOutput {
    /// A decision, and the request that follows it.
    Asked {
        customer_id: String,
        teammate_id: String,
        details: Vec<Detail>,
    },
    /// A decision without a request.
    NotAsked {
        failed: Vec<Criterion>,
        details: Vec<Detail>,
    },
    Rated {
        reaction: Reaction,
        comment: Option<String>,
        details: Vec<Detail>,
    },
    Refused {
        reason: RefusalReason,
    },
}

/// A field with its value, as stated in parentheses.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Detail {
    // Of a decision.
    ClosedBy(ActorKind),
    Plan(bool),
    Live(bool),
    Audience(Option<ActorKind>),
    Customers(i64),
    TeammateReplied(bool),
    Characters(i64),
    SinceLastReply(Option<i64>),
    Origin(Option<Origin>),
    AlreadyRequested(bool),
    Settings(i64),
    LastTeammate(Option<String>),
    // Of a request and of a rating.
    Kind(ActorKind),
    Channel(Channel),
    // Of a rating.
    Revision(i64),
    Before(Option<Reaction>),
    AfterReopen(bool),
    FirstRated(Timestamp),
}

/// On which outputs a detail may stand.
#[derive(Clone, Copy, PartialEq, Eq)]
enum On {
    Asked,
    NotAsked,
    Rated,
}

/// Reads what stands behind `=>` into `expected`.
pub(super) fn read(words: &mut Words<'_>, expected: &mut Expected) -> Read<()> {
    let what = "nothing, asked, not asked:, rated, refused: or counted:";
    match words.word(what)? {
        "nothing" if expected.outputs.is_empty() => {}
        "asked" => {
            let customer_id = words.word("a customer's id")?.to_owned();
            words.require("about")?;
            let teammate_id = words.word("a teammate's id")?.to_owned();
            let mut details = Vec::new();
            read_details(words, On::Asked, &mut details)?;
            expected.outputs.push(ExpectedOutput::Asked {
                customer_id,
                teammate_id,
                details,
            });
        }
        "not" => {
            words.require("asked:")?;
            expected.outputs.push(read_not_asked(words)?);
        }
        "rated" => {
            let reaction = words.symbol("a reaction", Reaction::from_symbol)?;
            let comment = if words.eat("with comment") {
                Some(words.text()?)
            } else {
                None
            };
            let mut details = Vec::new();
            read_details(words, On::Rated, &mut details)?;
            expected.outputs.push(ExpectedOutput::Rated {
                reaction,
                comment,
                details,
            });
        }
        "refused:" => {
            let reason = words.symbol("a reason for a refusal", RefusalReason::from_symbol)?;
            expected.outputs.push(ExpectedOutput::Refused { reason });
        }
        "counted:" => expected
            .counted
            .push(words.symbol("what is counted", note)?),
        other => return Err(format!("expected {what}, found `{other}`")),
    }
    words.end()
}

fn note(symbol: &str) -> Option<Note> {
    Note::ALL
        .iter()
        .copied()
        .find(|note| note.symbol() == symbol)
}

fn read_not_asked(words: &mut Words<'_>) -> Read<ExpectedOutput> {
    let mut failed = Vec::new();
    let mut details = Vec::new();
    loop {
        failed.push(words.symbol("a criterion's code", Criterion::from_symbol)?);
        read_details(words, On::NotAsked, &mut details)?;
        if !words.mark(',') {
            return Ok(ExpectedOutput::NotAsked { failed, details });
        }
    }
}

/// `(characters 120, settings 2)`, or nothing.
fn read_details(words: &mut Words<'_>, on: On, details: &mut Vec<Detail>) -> Read<()> {
    if !words.mark('(') {
        return Ok(());
    }
    loop {
        details.push(read_detail(words, on)?);
        if !words.mark(',') {
            return words.require_mark(')');
        }
    }
}

fn read_detail(words: &mut Words<'_>, on: On) -> Read<Detail> {
    let name = words.word("a field")?;
    let is_of_decision = on != On::Rated;
    let detail = match name {
        "closed_by" if is_of_decision => Detail::ClosedBy(kind(words)?),
        "plan" if is_of_decision => Detail::Plan(words.yes_or_no()?),
        "live" if is_of_decision => Detail::Live(words.yes_or_no()?),
        "audience" if is_of_decision => Detail::Audience(words.or_none(kind)?),
        "customers" if is_of_decision => Detail::Customers(words.number("a number")?),
        "teammate_replied" if is_of_decision => Detail::TeammateReplied(words.yes_or_no()?),
        "characters" if is_of_decision => Detail::Characters(words.number("a number")?),
        "since_last_reply" if is_of_decision => {
            Detail::SinceLastReply(words.or_none(Words::duration_ms)?)
        }
        "origin" if is_of_decision => {
            Detail::Origin(words.symbol("an origin or `unknown`", origin)?)
        }
        "already_requested" if is_of_decision => Detail::AlreadyRequested(words.yes_or_no()?),
        "settings" if is_of_decision => Detail::Settings(words.number("a version")?),
        "last_teammate" if is_of_decision => {
            Detail::LastTeammate(words.or_none(|words| words.word("an id").map(str::to_owned))?)
        }
        "kind" if on != On::NotAsked => Detail::Kind(kind(words)?),
        "channel" if on != On::NotAsked => {
            Detail::Channel(words.symbol("a channel", Channel::from_symbol)?)
        }
        "revision" if on == On::Rated => Detail::Revision(words.number("a number")?),
        "before" if on == On::Rated => {
            let reaction =
                |words: &mut Words<'_>| words.symbol("a reaction", Reaction::from_symbol);
            Detail::Before(words.or_none(reaction)?)
        }
        "after_reopen" if on == On::Rated => Detail::AfterReopen(words.yes_or_no()?),
        "first_rated" if on == On::Rated => Detail::FirstRated(words.time(&mut 1)?),
        _ => {
            return Err(format!(
                "`{name}` is no field of this output (see scenarios/README.md)"
            ));
        }
    };
    Ok(detail)
}

fn kind(words: &mut Words<'_>) -> Read<ActorKind> {
    words.symbol(
        "a kind (user, lead, teammate, bot, system)",
        ActorKind::from_symbol,
    )
}

/// The outer `Option` says whether the symbol is known.
fn origin(symbol: &str) -> Option<Option<Origin>> {
    match symbol {
        "unknown" => Some(None),
        symbol => Origin::from_symbol(symbol).map(Some),
    }
}
