//! Reading the records that are no facts, through apache-avro's resolution. Nowhere on the way of a fact.

use std::collections::{BTreeMap, HashMap};

use apache_avro::error::Details;
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::types::Value;
use apache_avro::util::max_allocation_bytes;

use crate::RecordKind;
use crate::decode::error::DecodeError;
use crate::decode::framing;
use crate::encode::Record;
use crate::records::{
    ActorKind, AnswerRefused, Channel, Criterion, EligibilityDecided, Measured, Origin, OwnedActor,
    RatingRequested, RatingSubmitted, Reaction, RefusalReason, Target, TeammateScorecard,
    Thresholds, Timestamp, WorkspaceSettings,
};
use crate::store::{SchemaStore, Writer};

/// What apache-avro may allocate for one array or map, process-wide (its default is 512 MiB): items that take no byte, such
/// as nulls, can be any number in a few bytes.
const MAX_ALLOCATION_BYTES: usize = 16 << 20;

/// A record other than a fact: it owns what it says, and can be read back. For [`SchemaStore::decode`].
pub trait OwnedRecord: Record + FromAvro {
    /// Which record it is.
    const KIND: RecordKind;
}

/// A record out of Avro's generic form. Nobody outside can name, and so implement, this.
pub trait FromAvro: Sized {
    /// From the fields of the reader's schema.
    fn from_avro(fields: &mut Fields) -> Result<Self, DecodeError>;
}

impl SchemaStore {
    /// Decodes a value of the topic of `R`. Settings are validated too.
    ///
    /// # Errors
    /// The classes `framing`, `unknown_schema`, `incompatible_schema` (the writer's schema has not what is needed, or not
    /// as a type that can be read as it), `malformed`, `unknown_symbol` and, for settings, `invalid`.
    pub fn decode<R: OwnedRecord>(&self, value: &[u8]) -> Result<R, DecodeError> {
        let (id, body) = framing::split(value)?;
        let value = resolve(self.writer(id)?, body, R::KIND)?;
        R::from_avro(&mut Fields::new(value)?)
    }
}

fn resolve(writer: &Writer, mut body: &[u8], kind: RecordKind) -> Result<Value, DecodeError> {
    // Also keeps from apache-avro what it would take on trust: values without end, and bytes that end too early.
    writer.program.check(body)?;
    max_allocation_bytes(MAX_ALLOCATION_BYTES);
    let refused = |error: apache_avro::Error| {
        let message = format!(
            "expected {}, found what cannot be read as it: {error}",
            kind.name()
        );
        match error.details() {
            Details::GetEnumDefault { .. }
            | Details::FindUnionVariant {
                value: Value::Enum(..),
                ..
            } => DecodeError::unknown_symbol(message),
            _ => DecodeError::incompatible(message),
        }
    };
    let reader = GenericDatumReader::builder(&writer.schema)
        .reader_schema(kind.schema())
        .build()
        .map_err(refused)?;
    reader.read_value(&mut body).map_err(refused)
}

/// The fields of a record in Avro's generic form. What is asked for is there, since the value was resolved to the
/// reader's schema; a mistake in asking is an error all the same.
#[derive(Debug)]
pub struct Fields(HashMap<String, Value>);

impl Fields {
    fn new(value: Value) -> Result<Self, DecodeError> {
        match value {
            Value::Record(fields) => Ok(Self(fields.into_iter().collect())),
            _ => Err(unexpected("the record")),
        }
    }

    fn take<T>(
        &mut self,
        name: &'static str,
        convert: impl FnOnce(Value) -> Option<T>,
    ) -> Result<T, DecodeError> {
        self.0
            .remove(name)
            .and_then(convert)
            .ok_or_else(|| unexpected(name))
    }

    fn nullable<T>(
        &mut self,
        name: &'static str,
        convert: impl FnOnce(Value) -> Option<T>,
    ) -> Result<Option<T>, DecodeError> {
        self.take(name, |value| match value {
            Value::Union(_, inner) if *inner == Value::Null => Some(None),
            Value::Union(_, inner) => convert(*inner).map(Some),
            _ => None,
        })
    }

    fn record<T>(
        &mut self,
        name: &'static str,
        convert: impl FnOnce(&mut Fields) -> Result<T, DecodeError>,
    ) -> Result<T, DecodeError> {
        convert(&mut Fields::new(self.take(name, Some)?)?)
    }

    fn string(&mut self, name: &'static str) -> Result<String, DecodeError> {
        self.take(name, string)
    }

    fn long(&mut self, name: &'static str) -> Result<i64, DecodeError> {
        self.take(name, long)
    }

    fn int(&mut self, name: &'static str) -> Result<i32, DecodeError> {
        self.take(name, |value| {
            if let Value::Int(value) = value {
                Some(value)
            } else {
                None
            }
        })
    }

    fn double(&mut self, name: &'static str) -> Result<f64, DecodeError> {
        self.take(name, |value| {
            if let Value::Double(value) = value {
                Some(value)
            } else {
                None
            }
        })
    }

    fn boolean(&mut self, name: &'static str) -> Result<bool, DecodeError> {
        self.take(name, |value| {
            if let Value::Boolean(value) = value {
                Some(value)
            } else {
                None
            }
        })
    }

    fn time(&mut self, name: &'static str) -> Result<Timestamp, DecodeError> {
        self.take(name, |value| {
            if let Value::TimestampMillis(ms) = value {
                Some(Timestamp(ms))
            } else {
                None
            }
        })
    }

    fn symbol<T>(
        &mut self,
        name: &'static str,
        from: fn(&str) -> Option<T>,
    ) -> Result<T, DecodeError> {
        self.take(name, |value| symbol(value, from))
    }

    fn actor(&mut self, name: &'static str) -> Result<OwnedActor, DecodeError> {
        self.record(name, |actor| {
            Ok(OwnedActor {
                kind: actor.symbol("kind", ActorKind::from_symbol)?,
                id: actor.string("id")?,
            })
        })
    }
}

fn unexpected(name: &str) -> DecodeError {
    DecodeError::incompatible(format!(
        "{name}: expected what the reader's schema says, found something else"
    ))
}

fn string(value: Value) -> Option<String> {
    if let Value::String(value) = value {
        Some(value)
    } else {
        None
    }
}

fn long(value: Value) -> Option<i64> {
    if let Value::Long(value) = value {
        Some(value)
    } else {
        None
    }
}

fn symbol<T>(value: Value, from: fn(&str) -> Option<T>) -> Option<T> {
    if let Value::Enum(_, symbol) = value {
        from(&symbol)
    } else {
        None
    }
}

fn target(value: Value) -> Option<Target> {
    let mut fields = Fields::new(value).ok()?;
    let positive_share = fields.double("positive_share").ok()?;
    Some(Target {
        positive_share,
        minimum_ratings: fields.int("minimum_ratings").ok()?,
    })
}

impl FromAvro for RatingRequested {
    fn from_avro(fields: &mut Fields) -> Result<Self, DecodeError> {
        Ok(Self {
            request_id: fields.string("request_id")?,
            workspace_id: fields.string("workspace_id")?,
            conversation_id: fields.string("conversation_id")?,
            customer: fields.actor("customer")?,
            teammate_id: fields.string("teammate_id")?,
            channel: fields.symbol("channel", Channel::from_symbol)?,
            requested_at: fields.time("requested_at")?,
            settings_version: fields.long("settings_version")?,
        })
    }
}

impl FromAvro for RatingSubmitted {
    fn from_avro(fields: &mut Fields) -> Result<Self, DecodeError> {
        Ok(Self {
            request_id: fields.string("request_id")?,
            workspace_id: fields.string("workspace_id")?,
            conversation_id: fields.string("conversation_id")?,
            customer: fields.actor("customer")?,
            teammate_id: fields.string("teammate_id")?,
            channel: fields.symbol("channel", Channel::from_symbol)?,
            requested_at: fields.time("requested_at")?,
            first_rated_at: fields.time("first_rated_at")?,
            submitted_at: fields.time("submitted_at")?,
            revision: fields.int("revision")?,
            previous_reaction: fields.nullable("previous_reaction", |value| {
                symbol(value, Reaction::from_symbol)
            })?,
            reaction: fields.symbol("reaction", Reaction::from_symbol)?,
            comment: fields.nullable("comment", string)?,
            locked: fields.boolean("locked")?,
            after_reopen: fields.boolean("after_reopen")?,
        })
    }
}

impl FromAvro for EligibilityDecided {
    fn from_avro(fields: &mut Fields) -> Result<Self, DecodeError> {
        Ok(Self {
            workspace_id: fields.string("workspace_id")?,
            conversation_id: fields.string("conversation_id")?,
            decided_at: fields.time("decided_at")?,
            requested: fields.boolean("requested")?,
            failed: fields.take("failed", |value| {
                let Value::Array(items) = value else {
                    return None;
                };
                items
                    .into_iter()
                    .map(|item| symbol(item, Criterion::from_symbol))
                    .collect()
            })?,
            measured: fields.record("measured", measured)?,
            thresholds: fields.record("thresholds", |thresholds| {
                Ok(Thresholds {
                    characters: thresholds.int("characters")?,
                    milliseconds: thresholds.long("milliseconds")?,
                })
            })?,
            rules_version: fields.int("rules_version")?,
            settings_version: fields.long("settings_version")?,
            teammate_id: fields.nullable("teammate_id", string)?,
            request_id: fields.nullable("request_id", string)?,
        })
    }
}

fn measured(fields: &mut Fields) -> Result<Measured, DecodeError> {
    let origin = |symbol: &str| {
        if symbol == "unknown" {
            Some(None)
        } else {
            Origin::from_symbol(symbol).map(Some)
        }
    };
    Ok(Measured {
        closed_by: fields.symbol("closed_by", ActorKind::from_symbol)?,
        plan: fields.boolean("plan")?,
        live: fields.boolean("live")?,
        audience: fields.nullable("audience", |value| symbol(value, ActorKind::from_symbol))?,
        customers: fields.int("customers")?,
        teammate_replied: fields.boolean("teammate_replied")?,
        characters: fields.int("characters")?,
        milliseconds_since_last_reply: fields.nullable("milliseconds_since_last_reply", long)?,
        origin: fields.symbol("origin", origin)?,
        already_requested: fields.boolean("already_requested")?,
    })
}

impl FromAvro for AnswerRefused {
    fn from_avro(fields: &mut Fields) -> Result<Self, DecodeError> {
        Ok(Self {
            request_id: fields.string("request_id")?,
            workspace_id: fields.string("workspace_id")?,
            conversation_id: fields.string("conversation_id")?,
            event_id: fields.string("event_id")?,
            reason: fields.symbol("reason", RefusalReason::from_symbol)?,
            refused_at: fields.time("refused_at")?,
        })
    }
}

impl FromAvro for WorkspaceSettings {
    fn from_avro(fields: &mut Fields) -> Result<Self, DecodeError> {
        let settings = Self {
            workspace_id: fields.string("workspace_id")?,
            version: fields.long("version")?,
            effective_from: fields.time("effective_from")?,
            live_for_users: fields.boolean("live_for_users")?,
            live_for_leads: fields.boolean("live_for_leads")?,
            plan_includes_ratings: fields.boolean("plan_includes_ratings")?,
            time_zone: fields.string("time_zone")?,
            target: fields.nullable("target", target)?,
            teammate_targets: fields.take("teammate_targets", |value| {
                let Value::Map(entries) = value else {
                    return None;
                };
                let entries = entries
                    .into_iter()
                    .map(|(teammate, own)| Some((teammate, target(own)?)));
                entries.collect::<Option<BTreeMap<_, _>>>()
            })?,
        };
        settings
            .validate()
            .map_err(|error| DecodeError::invalid(error.to_string()))?;
        Ok(settings)
    }
}

impl FromAvro for TeammateScorecard {
    fn from_avro(fields: &mut Fields) -> Result<Self, DecodeError> {
        Ok(Self {
            workspace_id: fields.string("workspace_id")?,
            teammate_id: fields.string("teammate_id")?,
            day: fields.string("day")?,
            requests: fields.long("requests")?,
            requests_answered: fields.long("requests_answered")?,
            terrible: fields.long("terrible")?,
            bad: fields.long("bad")?,
            ok: fields.long("ok")?,
            great: fields.long("great")?,
            amazing: fields.long("amazing")?,
            comments: fields.long("comments")?,
            revision: fields.long("revision")?,
        })
    }
}

/// Declares records that own what they say.
macro_rules! owned_records {
    ($($name:ident),+ $(,)?) => { $(
        impl Record for $name {
            fn record_kind(&self) -> RecordKind {
                RecordKind::$name
            }
        }

        impl OwnedRecord for $name {
            const KIND: RecordKind = RecordKind::$name;
        }
    )+ };
}

owned_records!(
    RatingRequested,
    RatingSubmitted,
    EligibilityDecided,
    AnswerRefused,
    WorkspaceSettings,
    TeammateScorecard,
);
