//! What a fact's bytes are decoded by: a flat list of steps, compiled once for each writer's schema.

use super::cursor::{Cursor, Fault};
use super::error::DecodeError;
use super::skip::{SkipId, Skips};
use super::{Decoded, PassedOver};
use crate::fact::{IdSlot, Kind, SymbolSlot, Values};
use crate::limits::{self, LimitError};
use crate::records::{ActorKind, Channel, Format, Origin, Reaction, Timestamp, Visibility};

/// One step, and what the fact's writer calls that which it reads, such as `author.kind`.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) action: Action,
    pub(super) member: Box<str>,
}

/// What a step does. Jumps go forwards alone, so that every program ends.
#[derive(Clone, Debug)]
pub(super) enum Action {
    /// A `string`, or `bytes`.
    Id(IdSlot),
    /// A `fixed` of this many bytes.
    FixedId(IdSlot, usize),
    Text,
    FixedText(usize),
    OccurredAt(Width),
    Until(Width),
    Symbol(Symbols),
    /// A symbol that is written as a string.
    SymbolText(SymbolSlot),
    Kind(Kind),
    UnknownKind(Box<str>),
    /// A union, with the place at which each branch goes on.
    Union(Box<[usize]>),
    Jump(usize),
    Skip(SkipId),
    /// The writer's type cannot be read as what is needed; says so.
    Refuse(Box<str>),
}

/// How wide a writer's integer is. Both are written alike; an `int` has a smaller range.
#[derive(Clone, Copy, Debug)]
pub(super) enum Width {
    Int,
    Long,
}

/// A writer's symbols, by number: what each is here, or its name when it is nothing here.
type Table<T> = Box<[Result<T, Box<str>>]>;

/// A table of the enum that is needed.
#[derive(Clone, Debug)]
pub(super) enum Symbols {
    Origin(Table<Origin>),
    ActorKind(Table<ActorKind>),
    Channel(Table<Channel>),
    Format(Table<Format>),
    Visibility(Table<Visibility>),
    Reaction(Table<Reaction>),
}

impl Symbols {
    pub(super) fn new(slot: SymbolSlot, symbols: &[String]) -> Self {
        fn table<T>(symbols: &[String], from_symbol: fn(&str) -> Option<T>) -> Table<T> {
            symbols
                .iter()
                .map(|symbol| from_symbol(symbol).ok_or_else(|| symbol.as_str().into()))
                .collect()
        }
        match slot {
            SymbolSlot::Origin => Symbols::Origin(table(symbols, Origin::from_symbol)),
            SymbolSlot::ActorKind => Symbols::ActorKind(table(symbols, ActorKind::from_symbol)),
            SymbolSlot::Channel => Symbols::Channel(table(symbols, Channel::from_symbol)),
            SymbolSlot::Format => Symbols::Format(table(symbols, Format::from_symbol)),
            SymbolSlot::Visibility => Symbols::Visibility(table(symbols, Visibility::from_symbol)),
            SymbolSlot::Reaction => Symbols::Reaction(table(symbols, Reaction::from_symbol)),
        }
    }

    /// Reads the number of a symbol. `Ok(Err(_))` is the name of one that is nothing here.
    #[inline]
    fn read<'s>(
        &'s self,
        cursor: &mut Cursor<'_>,
        values: &mut Values,
    ) -> Result<Result<(), &'s str>, Fault> {
        #[inline]
        fn one<'s, T: Copy>(
            table: &'s Table<T>,
            cursor: &mut Cursor<'_>,
            slot: &mut T,
        ) -> Result<Result<(), &'s str>, Fault> {
            Ok(match &table[cursor.symbol(table.len())?] {
                Ok(value) => {
                    *slot = *value;
                    Ok(())
                }
                Err(name) => Err(name),
            })
        }
        match self {
            Symbols::Origin(table) => one(table, cursor, &mut values.origin),
            Symbols::ActorKind(table) => one(table, cursor, &mut values.actor_kind),
            Symbols::Channel(table) => one(table, cursor, &mut values.channel),
            Symbols::Format(table) => one(table, cursor, &mut values.format),
            Symbols::Visibility(table) => one(table, cursor, &mut values.visibility),
            Symbols::Reaction(table) => one(table, cursor, &mut values.reaction),
        }
    }
}

/// Why a fact whose bytes are well-formed is none, with the step at which it showed.
#[derive(Clone, Copy, Debug)]
enum Refusal {
    Limit(usize, LimitError),
    Incompatible(usize),
}

/// What has been decoded so far.
///
/// The last three are kept until the end, because of what goes first when several apply: malformed bytes, an unknown
/// kind of payload, a refusal, an unknown symbol.
#[derive(Debug, Default)]
struct Slots<'a> {
    ids: [&'a str; IdSlot::COUNT],
    text: &'a str,
    values: Values,
    kind: Option<Kind>,
    unknown_kind: Option<PassedOver>,
    refusal: Option<Refusal>,
    unknown_symbol: Option<PassedOver>,
}

/// A compiled writer's schema.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(super) steps: Vec<Step>,
    pub(super) skips: Skips,
    /// The whole record, whatever it is.
    pub(super) root: SkipId,
}

impl Program {
    /// Checks that `body` is one whole value of the writer's schema, nested within bounds.
    pub(crate) fn check(&self, body: &[u8]) -> Result<(), DecodeError> {
        let mut cursor = Cursor::new(body);
        let skipped = self.skips.skip(self.root, &mut cursor);
        skipped
            .and_then(|()| at_end(&cursor))
            .map_err(|fault| malformed("the record", fault, &cursor, body))
    }

    /// Decodes the body of a fact.
    pub(super) fn decode<'a>(&self, body: &'a [u8]) -> Result<Decoded<'a>, DecodeError> {
        let mut cursor = Cursor::new(body);
        let mut slots = Slots::default();
        let mut place = 0;
        while let Some(step) = self.steps.get(place) {
            match self.run(place, &step.action, &mut cursor, &mut slots) {
                Ok(next) => place = next,
                Err(fault) => return Err(malformed(&step.member, fault, &cursor, body)),
            }
        }
        at_end(&cursor).map_err(|fault| malformed("the record", fault, &cursor, body))?;
        match slots {
            Slots {
                unknown_kind: None,
                refusal: None,
                unknown_symbol: None,
                kind: Some(kind),
                ..
            } => Ok(Decoded::Fact(
                slots.values.event(kind, &slots.ids, slots.text),
            )),
            slots => self.no_fact(slots),
        }
    }

    #[cold]
    fn no_fact<'a>(&self, slots: Slots<'_>) -> Result<Decoded<'a>, DecodeError> {
        if let Some(kind) = slots.unknown_kind {
            return Ok(Decoded::PassedOver(kind));
        }
        match (slots.refusal, slots.unknown_symbol) {
            (Some(Refusal::Limit(place, error)), _) => {
                Err(DecodeError::limit(&self.steps[place].member, error))
            }
            (Some(Refusal::Incompatible(place)), _) => Err(self.incompatible(place)),
            (None, Some(symbol)) => Ok(Decoded::PassedOver(symbol)),
            (None, None) => Err(DecodeError::incompatible(
                "expected a payload, found none".to_owned(),
            )),
        }
    }

    fn incompatible(&self, place: usize) -> DecodeError {
        let step = &self.steps[place];
        let Action::Refuse(message) = &step.action else {
            return DecodeError::incompatible(String::new());
        };
        DecodeError::incompatible(format!("{}: {message}", step.member))
    }

    /// Runs the step at `place` and says which is next.
    #[inline]
    fn run<'a>(
        &self,
        place: usize,
        action: &Action,
        cursor: &mut Cursor<'a>,
        slots: &mut Slots<'a>,
    ) -> Result<usize, Fault> {
        match action {
            Action::Id(slot) => take_id(place, *slot, cursor.text()?, slots),
            Action::FixedId(slot, size) => take_id(place, *slot, fixed_text(cursor, *size)?, slots),
            Action::Text => take_text(place, cursor.text()?, slots),
            Action::FixedText(size) => take_text(place, fixed_text(cursor, *size)?, slots),
            Action::OccurredAt(width) => slots.values.occurred_at = time(cursor, *width)?,
            Action::Until(width) => slots.values.until = Some(time(cursor, *width)?),
            Action::Symbol(symbols) => {
                if let Err(name) = symbols.read(cursor, &mut slots.values)? {
                    self.unknown_symbol(place, name, slots);
                }
            }
            Action::SymbolText(slot) => {
                let symbol = cursor.text()?;
                if !slots.values.take_symbol(*slot, symbol) {
                    self.unknown_symbol(place, symbol, slots);
                }
            }
            Action::Kind(kind) => slots.kind = Some(*kind),
            Action::UnknownKind(name) => slots.unknown_kind = Some(PassedOver::kind(name)),
            Action::Union(branches) => return Ok(branches[cursor.branch(branches.len())?]),
            Action::Jump(target) => return Ok(*target),
            Action::Skip(id) => self.skips.skip(*id, cursor)?,
            Action::Refuse(_) => refuse(Refusal::Incompatible(place), slots),
        }
        Ok(place + 1)
    }

    #[cold]
    fn unknown_symbol(&self, place: usize, symbol: &str, slots: &mut Slots<'_>) {
        let member = &self.steps[place].member;
        slots
            .unknown_symbol
            .get_or_insert_with(|| PassedOver::symbol(member, symbol));
    }
}

#[inline]
fn time(cursor: &mut Cursor<'_>, width: Width) -> Result<Timestamp, Fault> {
    let milliseconds = match width {
        Width::Int => cursor.int(),
        Width::Long => cursor.long(),
    };
    milliseconds.map(Timestamp)
}

fn fixed_text<'a>(cursor: &mut Cursor<'a>, size: usize) -> Result<&'a str, Fault> {
    limits::utf8(cursor.fixed(size)?).ok_or(Fault::Utf8)
}

#[inline]
fn take_id<'a>(place: usize, slot: IdSlot, id: &'a str, slots: &mut Slots<'a>) {
    slots.ids[slot as usize] = id;
    if let Err(error) = limits::check_id(id) {
        refuse(Refusal::Limit(place, error), slots);
    }
}

#[inline]
fn take_text<'a>(place: usize, text: &'a str, slots: &mut Slots<'a>) {
    slots.text = text;
    if let Err(error) = limits::check_text(text) {
        refuse(Refusal::Limit(place, error), slots);
    }
}

/// The first refusal is the one that is told.
#[cold]
fn refuse(refusal: Refusal, slots: &mut Slots<'_>) {
    slots.refusal.get_or_insert(refusal);
}

fn at_end(cursor: &Cursor<'_>) -> Result<(), Fault> {
    match cursor.remaining() {
        0 => Ok(()),
        more => Err(Fault::Trailing(more)),
    }
}

#[cold]
fn malformed(member: &str, fault: Fault, cursor: &Cursor<'_>, body: &[u8]) -> DecodeError {
    DecodeError::malformed(member, fault, body.len() - cursor.remaining(), body.len())
}
