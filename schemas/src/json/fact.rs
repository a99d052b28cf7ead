//! From a JSON object to a fact.

use std::borrow::Cow;

use super::JsonError;
use super::members::Members;
use crate::decode::PassedOver;
use crate::fact::{EVENT, Field, IdSlot, KINDS, Kind, Need, SymbolSlot, Values};
use crate::records::{ConversationEvent, Payload};

/// What a well-formed JSON object is.
#[derive(Clone, Debug)]
pub enum ParsedFact<'a> {
    /// A fact, and the names of the members that say nothing, such as `author.name`.
    Fact {
        fact: JsonFact<'a>,
        ignored: Vec<String>,
    },
    /// No fact that this build knows; to be counted and warned of, never an error.
    PassedOver(PassedOver),
}

/// A fact that was read from JSON. Borrows what has no escapes.
#[derive(Clone, Debug)]
pub struct JsonFact<'a> {
    kind: Kind,
    values: Values,
    ids: [Cow<'a, str>; IdSlot::COUNT],
    text: Cow<'a, str>,
}

impl JsonFact<'_> {
    /// The fact as everybody else knows it.
    #[must_use]
    pub fn as_event(&self) -> ConversationEvent<'_> {
        self.values
            .event(self.kind, &self.ids.each_ref().map(Cow::as_ref), &self.text)
    }
}

/// Reads one fact from a JSON object; white space may stand around it.
///
/// `format`, `visibility` and `until` may be absent or null. Numbers of milliseconds are integers without fraction or
/// exponent. An unknown `type` passes the fact over whatever else is in the object, an unknown symbol does so in a fact
/// that is right otherwise.
///
/// # Errors
/// The first member that is missing, ill-typed or over a limit; none when the text is no JSON object (half a surrogate pair
/// in a string of a fact is refused, too) or longer than [`MAX_BYTES`](super::MAX_BYTES).
pub fn parse_fact(object: &[u8]) -> Result<ParsedFact<'_>, JsonError> {
    let mut members = Members::parse(object)?;
    let name = members.string("type")?;
    let Some(index) = Payload::KINDS.iter().position(|kind| *kind == name) else {
        return Ok(ParsedFact::PassedOver(PassedOver::kind(&name)));
    };
    let (_, kind, fields) = KINDS[index];
    let fact = JsonFact {
        kind,
        values: Values::default(),
        ids: Default::default(),
        text: Cow::default(),
    };
    let mut reading = Reading {
        fact,
        unknown_symbol: None,
        ignored: Vec::new(),
    };
    members.take("source")?;
    reading.fields(EVENT, &mut members)?;
    reading.fields(fields, &mut members)?;
    members.finish(&mut reading.ignored);
    Ok(match reading {
        Reading {
            unknown_symbol: Some(symbol),
            ..
        } => ParsedFact::PassedOver(symbol),
        Reading { fact, ignored, .. } => ParsedFact::Fact { fact, ignored },
    })
}

struct Reading<'a> {
    fact: JsonFact<'a>,
    unknown_symbol: Option<PassedOver>,
    ignored: Vec<String>,
}

impl<'a> Reading<'a> {
    fn fields(&mut self, fields: &[Field], members: &mut Members<'a>) -> Result<(), JsonError> {
        fields
            .iter()
            .try_for_each(|field| self.field(field, members))
    }

    fn field(&mut self, field: &Field, members: &mut Members<'a>) -> Result<(), JsonError> {
        let name = field.name;
        match field.need {
            Need::Id(slot) => self.fact.ids[slot as usize] = members.id(name)?,
            Need::Text => self.fact.text = members.text(name)?,
            Need::OccurredAt => self.fact.values.occurred_at = members.time(name)?,
            Need::Until => self.fact.values.until = members.optional_time(name)?,
            Need::Symbol(slot) => {
                let symbol = if field.has_default {
                    members.optional_string(name)?
                } else {
                    Some(members.string(name)?)
                };
                if let Some(symbol) = symbol {
                    self.symbol(slot, &members.path(name), &symbol);
                }
            }
            Need::Record(fields) => {
                let mut inner = members.object(name)?;
                self.fields(fields, &mut inner)?;
                inner.finish(&mut self.ignored);
            }
            // Its fields stand beside it.
            Need::Payload => {}
        }
        Ok(())
    }

    fn symbol(&mut self, slot: SymbolSlot, member: &str, symbol: &str) {
        if !self.fact.values.take_symbol(slot, symbol) {
            self.unknown_symbol
                .get_or_insert_with(|| PassedOver::symbol(member, symbol));
        }
    }
}
