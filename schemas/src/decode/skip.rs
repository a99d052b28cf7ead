//! Reading past values that nobody needs, checking their form on the way.

use std::collections::HashMap;

use apache_avro::Schema;
use apache_avro::schema::{DecimalSchema, InnerDecimalSchema, NamesRef, UuidSchema};

use super::cursor::{Cursor, Fault};

/// How deep a value that is skipped may nest. A schema can be recursive, so a value's depth is its writer's choice.
const MAX_DEPTH: u32 = 64;

/// A place in [`Skips`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SkipId(usize);

/// The form of a value, as far as it takes to find its end. Logical types are the types below them.
#[derive(Clone, Debug)]
enum Form {
    /// Always takes no byte at all: null, and what consists of it.
    Nothing,
    Boolean,
    Int,
    Long,
    Fixed(usize),
    Bytes,
    Text,
    Enum {
        symbols: usize,
    },
    Array(SkipId),
    Map(SkipId),
    Union(Vec<SkipId>),
    /// The fields that take bytes.
    Record(Vec<SkipId>),
}

/// The forms of a writer's schema: a graph, since named types may be recursive.
#[derive(Clone, Debug, Default)]
pub(crate) struct Skips {
    forms: Vec<Form>,
}

impl Skips {
    /// Reads past one value.
    pub(crate) fn skip(&self, id: SkipId, cursor: &mut Cursor<'_>) -> Result<(), Fault> {
        self.skip_nested(id, cursor, MAX_DEPTH)
    }

    fn skip_nested(&self, id: SkipId, cursor: &mut Cursor<'_>, depth: u32) -> Result<(), Fault> {
        let depth = depth.checked_sub(1).ok_or(Fault::TooDeep(MAX_DEPTH))?;
        match &self.forms[id.0] {
            Form::Nothing => Ok(()),
            Form::Boolean => cursor.boolean(),
            Form::Int => cursor.int().map(drop),
            Form::Long => cursor.long().map(drop),
            Form::Fixed(size) => cursor.fixed(*size).map(drop),
            Form::Bytes => cursor.bytes().map(drop),
            Form::Text => cursor.text().map(drop),
            Form::Enum { symbols } => cursor.symbol(*symbols).map(drop),
            Form::Array(items) => self.skip_blocks(
                cursor,
                |cursor| self.skip_nested(*items, cursor, depth),
                *items,
            ),
            Form::Map(values) => {
                let entry = |cursor: &mut Cursor<'_>| {
                    cursor.text()?;
                    self.skip_nested(*values, cursor, depth)
                };
                self.skip_blocks(cursor, entry, SkipId::TEXT)
            }
            Form::Union(branches) => {
                let branch = cursor.branch(branches.len())?;
                self.skip_nested(branches[branch], cursor, depth)
            }
            Form::Record(fields) => fields
                .iter()
                .try_for_each(|field| self.skip_nested(*field, cursor, depth)),
        }
    }

    /// Items that take no byte are not counted out, since their number is not bounded by the bytes. All others are.
    fn skip_blocks(
        &self,
        cursor: &mut Cursor<'_>,
        mut skip_item: impl FnMut(&mut Cursor<'_>) -> Result<(), Fault>,
        item: SkipId,
    ) -> Result<(), Fault> {
        let takes_bytes = !self.is_nothing(item);
        loop {
            match cursor.block()? {
                0 => return Ok(()),
                count if takes_bytes => (0..count).try_for_each(|_| skip_item(cursor))?,
                _ => {}
            }
        }
    }

    fn is_nothing(&self, id: SkipId) -> bool {
        matches!(self.forms[id.0], Form::Nothing)
    }
}

impl SkipId {
    /// Where [`Builder::new`] puts the form of a map's key.
    const TEXT: SkipId = SkipId(0);
}

/// Compiles schemas to forms, each named type once.
pub(crate) struct Builder<'s> {
    names: &'s NamesRef<'s>,
    named: HashMap<&'s str, SkipId>,
    skips: Skips,
}

impl<'s> Builder<'s> {
    pub(crate) fn new(names: &'s NamesRef<'s>) -> Self {
        let skips = Skips {
            forms: vec![Form::Text],
        };
        Self {
            names,
            named: HashMap::new(),
            skips,
        }
    }

    pub(crate) fn finish(self) -> Skips {
        self.skips
    }

    /// The form of `schema`, whose references are all among the names.
    pub(crate) fn add(&mut self, schema: &'s Schema) -> SkipId {
        if let Schema::Ref { name } = schema {
            return match (self.named.get(name.as_ref()), self.names.get(name)) {
                (Some(id), _) => *id,
                (None, Some(target)) => self.add(target),
                (None, None) => self.push(Form::Nothing),
            };
        }
        if let Some(name) = schema.name() {
            if let Some(id) = self.named.get(name.as_ref()) {
                return *id;
            }
            // Taken before its parts are looked at, so that they can refer to it. A record that contains itself
            // without end has no value; what stands here meanwhile only must not be `Nothing`.
            let id = self.push(Form::Union(Vec::new()));
            self.named.insert(name.as_ref(), id);
            self.skips.forms[id.0] = self.form(schema);
            return id;
        }
        let form = self.form(schema);
        self.push(form)
    }

    fn push(&mut self, form: Form) -> SkipId {
        self.skips.forms.push(form);
        SkipId(self.skips.forms.len() - 1)
    }

    fn form(&mut self, schema: &'s Schema) -> Form {
        match schema {
            // A reference is followed before.
            Schema::Null | Schema::Ref { .. } => Form::Nothing,
            Schema::Boolean => Form::Boolean,
            Schema::Int | Schema::Date | Schema::TimeMillis => Form::Int,
            Schema::Long
            | Schema::TimeMicros
            | Schema::TimestampMillis
            | Schema::TimestampMicros
            | Schema::TimestampNanos
            | Schema::LocalTimestampMillis
            | Schema::LocalTimestampMicros
            | Schema::LocalTimestampNanos => Form::Long,
            Schema::Float => Form::Fixed(size_of::<f32>()),
            Schema::Double => Form::Fixed(size_of::<f64>()),
            Schema::Bytes | Schema::BigDecimal | Schema::Uuid(UuidSchema::Bytes) => Form::Bytes,
            Schema::Decimal(DecimalSchema {
                inner: InnerDecimalSchema::Bytes,
                ..
            }) => Form::Bytes,
            Schema::String | Schema::Uuid(UuidSchema::String) => Form::Text,
            Schema::Fixed(fixed)
            | Schema::Duration(fixed)
            | Schema::Uuid(UuidSchema::Fixed(fixed))
            | Schema::Decimal(DecimalSchema {
                inner: InnerDecimalSchema::Fixed(fixed),
                ..
            }) => match fixed.size {
                0 => Form::Nothing,
                size => Form::Fixed(size),
            },
            Schema::Enum(symbols) => Form::Enum {
                symbols: symbols.symbols.len(),
            },
            Schema::Array(array) => Form::Array(self.add(&array.items)),
            Schema::Map(map) => Form::Map(self.add(&map.types)),
            Schema::Union(union) => Form::Union(
                union
                    .variants()
                    .iter()
                    .map(|branch| self.add(branch))
                    .collect(),
            ),
            Schema::Record(record) => {
                let fields: Vec<_> = record
                    .fields
                    .iter()
                    .map(|field| self.add(&field.schema))
                    .collect();
                let fields: Vec<_> = fields
                    .into_iter()
                    .filter(|id| !self.skips.is_nothing(*id))
                    .collect();
                if fields.is_empty() {
                    Form::Nothing
                } else {
                    Form::Record(fields)
                }
            }
        }
    }
}
