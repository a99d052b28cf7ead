//! Resolution of a writer's schema against what a reader needs, once, to a [`Program`].
//!
//! The rules are apache-avro's, which are the specification's and a little more (a `fixed` read as a string, a string read
//! as a symbol), but for these:
//! - A branch of the payload's union is told by the record's name without its namespace, as the specification says;
//!   apache-avro takes the first branch with the same fields, which would make every `ParticipantLeft` a join.
//! - A kind or a symbol that is not known here passes the fact over.
//! - A string with the logical type `uuid` is a string; a map is no record.
//! - Bytes that end too early are malformed; apache-avro reads a null there.
//!
//! What cannot be resolved becomes a step that refuses when a value gets there: a union may have branches that are never
//! written.

use apache_avro::Schema;
use apache_avro::schema::{NamesRef, RecordSchema, SchemaKind, UnionSchema, UuidSchema};

use super::program::{Action, Program, Step, Symbols, Width};
use super::skip::Builder;
use crate::fact::{EVENT, Field, IdSlot, KINDS, Need, SymbolSlot};

/// The longest program. Ours has about 80 steps; the bound is for a hostile schema, since a record that is referred to
/// from many places is compiled for each.
const MAX_STEPS: usize = 100_000;

/// A program would be longer than [`MAX_STEPS`].
#[derive(Debug)]
pub(crate) struct TooLong;

/// Compiles a writer's schema, whose references are all in `names`.
pub(crate) fn compile(writer: &Schema, names: &NamesRef<'_>) -> Result<Program, TooLong> {
    let mut compiler = Compiler {
        names,
        skips: Builder::new(names),
        steps: Vec::new(),
        path: Vec::new(),
    };
    let root = compiler.skips.add(writer);
    compiler.value(&Need::Record(EVENT), writer)?;
    Ok(Program {
        steps: compiler.steps,
        skips: compiler.skips.finish(),
        root,
    })
}

struct Compiler<'s> {
    names: &'s NamesRef<'s>,
    skips: Builder<'s>,
    steps: Vec<Step>,
    /// The writer's fields around the present one, below the payload.
    path: Vec<&'s str>,
}

impl<'s> Compiler<'s> {
    /// Steps for one value of type `writer`, of which `need` is needed.
    fn value(&mut self, need: &'static Need, writer: &'s Schema) -> Result<(), TooLong> {
        let writer = match writer {
            Schema::Ref { name } => self.names.get(name).copied().unwrap_or(writer),
            _ => writer,
        };
        if let Schema::Union(union) = writer {
            return self.union(need, union);
        }
        match (need, writer) {
            (Need::Record(fields), Schema::Record(record)) => return self.record(fields, record),
            (Need::Payload, _) => return self.payload(writer),
            // Null is what an untouched slot holds, and takes no byte.
            (Need::Until, Schema::Null) => return Ok(()),
            _ => {}
        }
        match leaf(need, writer) {
            Some(action) => self.push(action),
            None => {
                let found = SchemaKind::from(writer);
                let expected = expected(need);
                self.push(Action::Refuse(
                    format!("expected {expected}, found the writer's type {found:?}").into(),
                ))?;
                self.skip(writer)
            }
        }
    }

    fn union(&mut self, need: &'static Need, union: &'s UnionSchema) -> Result<(), TooLong> {
        let start = self.steps.len();
        self.push(Action::Union(Box::default()))?;
        let mut branches = Vec::new();
        let mut jumps = Vec::new();
        for branch in union.variants() {
            branches.push(self.steps.len());
            self.value(need, branch)?;
            jumps.push(self.steps.len());
            self.push(Action::Jump(0))?;
        }
        let end = self.steps.len();
        self.steps[start].action = Action::Union(branches.into());
        for jump in jumps {
            self.steps[jump].action = Action::Jump(end);
        }
        Ok(())
    }

    fn payload(&mut self, writer: &'s Schema) -> Result<(), TooLong> {
        let name = writer.name().map_or("", |name| name.name());
        let known = KINDS.iter().find(|(kind, ..)| *kind == name);
        match (known, writer) {
            (Some((_, kind, fields)), Schema::Record(record)) => {
                self.push(Action::Kind(*kind))?;
                let outside = std::mem::take(&mut self.path);
                self.record(fields, record)?;
                self.path = outside;
                Ok(())
            }
            _ => {
                let found = SchemaKind::from(writer);
                let name = if name.is_empty() {
                    format!("{found:?}")
                } else {
                    name.to_owned()
                };
                self.push(Action::UnknownKind(name.into()))?;
                self.skip(writer)
            }
        }
    }

    fn record(
        &mut self,
        fields: &'static [Field],
        writer: &'s RecordSchema,
    ) -> Result<(), TooLong> {
        for theirs in &writer.fields {
            self.path.push(&theirs.name);
            match fields.iter().find(|ours| ours.name == theirs.name) {
                Some(ours) => self.value(&ours.need, &theirs.schema)?,
                None => self.skip(&theirs.schema)?,
            }
            self.path.pop();
        }
        let missing = |ours: &&Field| {
            !ours.has_default && writer.fields.iter().all(|theirs| theirs.name != ours.name)
        };
        for ours in fields.iter().filter(missing) {
            self.path.push(ours.name);
            let found = format!(
                "expected {}, found no such field in the writer's schema",
                expected(&ours.need)
            );
            self.push(Action::Refuse(found.into()))?;
            self.path.pop();
        }
        Ok(())
    }

    fn skip(&mut self, writer: &'s Schema) -> Result<(), TooLong> {
        let id = self.skips.add(writer);
        self.push(Action::Skip(id))
    }

    fn push(&mut self, action: Action) -> Result<(), TooLong> {
        if self.steps.len() >= MAX_STEPS {
            return Err(TooLong);
        }
        let member = if self.path.is_empty() {
            "the record".into()
        } else {
            self.path.join(".").into()
        };
        self.steps.push(Step { action, member });
        Ok(())
    }
}

/// The step that reads a value that has no parts, if `writer` can be read as it.
fn leaf(need: &Need, writer: &Schema) -> Option<Action> {
    match need {
        Need::Id(slot) => id(*slot, writer),
        Need::Text => match writer {
            Schema::String | Schema::Uuid(UuidSchema::String) | Schema::Bytes => Some(Action::Text),
            Schema::Fixed(fixed) => Some(Action::FixedText(fixed.size)),
            _ => None,
        },
        Need::OccurredAt => width(writer).map(Action::OccurredAt),
        Need::Until => width(writer).map(Action::Until),
        Need::Symbol(slot) => match writer {
            Schema::Enum(symbols) => Some(Action::Symbol(Symbols::new(*slot, &symbols.symbols))),
            Schema::String => Some(Action::SymbolText(*slot)),
            _ => None,
        },
        Need::Record(_) | Need::Payload => None,
    }
}

fn id(slot: IdSlot, writer: &Schema) -> Option<Action> {
    match writer {
        Schema::String | Schema::Uuid(UuidSchema::String) | Schema::Bytes => Some(Action::Id(slot)),
        Schema::Fixed(fixed) => Some(Action::FixedId(slot, fixed.size)),
        _ => None,
    }
}

/// Other units of time are refused rather than taken for milliseconds.
fn width(writer: &Schema) -> Option<Width> {
    match writer {
        Schema::Int => Some(Width::Int),
        Schema::Long | Schema::TimestampMillis => Some(Width::Long),
        _ => None,
    }
}

fn expected(need: &Need) -> &'static str {
    match need {
        Need::Id(_) | Need::Text => "a string",
        Need::OccurredAt => "a long (timestamp-millis)",
        Need::Until => "null or a long (timestamp-millis)",
        Need::Symbol(SymbolSlot::Origin) => "the enum Origin",
        Need::Symbol(SymbolSlot::ActorKind) => "the enum ActorKind",
        Need::Symbol(SymbolSlot::Channel) => "the enum Channel",
        Need::Symbol(SymbolSlot::Format) => "the enum Format",
        Need::Symbol(SymbolSlot::Visibility) => "the enum Visibility",
        Need::Symbol(SymbolSlot::Reaction) => "the enum Reaction",
        Need::Record(_) => "a record",
        Need::Payload => "a record of one of the kinds of payload",
    }
}
