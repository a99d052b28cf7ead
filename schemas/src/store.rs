//! The writer schemas that are known.

use std::collections::BTreeMap;
use std::sync::Arc;

use apache_avro::Schema;
use apache_avro::rabin::Rabin;
use apache_avro::schema::ResolvedSchema;

use crate::RecordKind;
use crate::decode::compile::compile;
use crate::decode::error::DecodeError;
use crate::decode::framing::SchemaId;
use crate::decode::program::Program;
use crate::schema::{canonical_form, fingerprint};

/// The longest schema that is taken, in bytes of JSON. Ours are under 5 KiB.
const MAX_SCHEMA_BYTES: usize = 1 << 20;

/// The most schemas that a store keeps: far more than versions of seven records.
const MAX_SCHEMAS: usize = 10_000;

/// Why a schema cannot be registered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    #[error("expected a schema of at most {MAX_SCHEMA_BYTES} bytes, found {bytes} bytes")]
    TooLong { bytes: usize },
    #[error("expected an Avro schema, found something else: {0}")]
    Invalid(String),
    #[error(
        "expected a schema that refers to its types few times, found one that expands to too many fields"
    )]
    TooLarge,
    #[error("expected at most {MAX_SCHEMAS} schemas, found one more")]
    TooMany,
    #[error(
        "expected registry id {id} to stand for one schema for ever, found another; was the registry replaced?"
    )]
    IdTaken { id: u32 },
}

/// A writer's schema, compiled.
#[derive(Debug)]
pub(crate) struct Writer {
    pub(crate) schema: Schema,
    pub(crate) program: Program,
    canonical_form: String,
}

/// The writer schemas that are known, by fingerprint and by registry id, each compiled once.
///
/// A new store knows this build's own schemas by their fingerprints, those of apache-avro's reckoning too (which differ, see
/// the crate's README). Cloning is cheap: schemas are shared.
#[derive(Clone, Debug)]
pub struct SchemaStore {
    by_fingerprint: BTreeMap<u64, Arc<Writer>>,
    by_registry_id: BTreeMap<u32, Arc<Writer>>,
}

impl Default for SchemaStore {
    fn default() -> Self {
        Self::new()
    }
}

impl SchemaStore {
    /// A store with this build's own schemas.
    #[must_use]
    pub fn new() -> Self {
        let mut store = Self {
            by_fingerprint: BTreeMap::new(),
            by_registry_id: BTreeMap::new(),
        };
        for kind in RecordKind::ALL {
            let (_, writer) = store
                .add(kind.schema_text())
                .expect("a built-in schema compiles");
            let rabin = kind.schema().fingerprint::<Rabin>().bytes;
            let theirs = rabin
                .try_into()
                .map(u64::from_le_bytes)
                .expect("a fingerprint has 8 bytes");
            store.by_fingerprint.insert(theirs, writer);
        }
        store
    }

    /// Registers a writer's schema, as JSON text, by its fingerprint, and returns that. Once more does nothing.
    ///
    /// A schema that cannot be read as a fact is no error: each of its values is, when it is decoded.
    ///
    /// # Errors
    /// When it is no Avro schema, or too large.
    pub fn register(&mut self, text: &str) -> Result<u64, SchemaError> {
        self.add(text).map(|(fingerprint, _)| fingerprint)
    }

    /// Registers a writer's schema by a registry's id as well.
    ///
    /// # Errors
    /// As [`SchemaStore::register`], and when the id stands for another schema already.
    pub fn register_id(&mut self, id: u32, text: &str) -> Result<u64, SchemaError> {
        let (fingerprint, writer) = self.add(text)?;
        match self.by_registry_id.get(&id) {
            Some(known) if known.canonical_form != writer.canonical_form => {
                Err(SchemaError::IdTaken { id })
            }
            Some(_) => Ok(fingerprint),
            None if self.by_registry_id.len() >= MAX_SCHEMAS => Err(SchemaError::TooMany),
            None => {
                self.by_registry_id.insert(id, writer);
                Ok(fingerprint)
            }
        }
    }

    /// Whether values that name this schema can be read.
    #[must_use]
    pub fn knows(&self, id: SchemaId) -> bool {
        self.writer(id).is_ok()
    }

    /// The writer's schema that a value names.
    pub(crate) fn writer(&self, id: SchemaId) -> Result<&Writer, DecodeError> {
        let found = match id {
            SchemaId::Fingerprint(fingerprint) => self.by_fingerprint.get(&fingerprint),
            SchemaId::Registry(id) => self.by_registry_id.get(&id),
        };
        found
            .map(Arc::as_ref)
            .ok_or_else(|| DecodeError::not_known(id))
    }

    fn add(&mut self, text: &str) -> Result<(u64, Arc<Writer>), SchemaError> {
        if text.len() > MAX_SCHEMA_BYTES {
            return Err(SchemaError::TooLong { bytes: text.len() });
        }
        let invalid = |error: apache_avro::Error| SchemaError::Invalid(error.to_string());
        let schema = Schema::parse_str(text).map_err(invalid)?;
        let names = ResolvedSchema::new(&schema).map_err(invalid)?;
        let program =
            compile(&schema, names.get_names()).map_err(|_too_long| SchemaError::TooLarge)?;
        let canonical_form = canonical_form(&schema);
        let fingerprint = fingerprint(&schema);
        let writer = Arc::new(Writer {
            schema,
            program,
            canonical_form,
        });
        // The first stays: logical types are no part of a fingerprint, so that two schemas can have the same one.
        if !self.by_fingerprint.contains_key(&fingerprint) {
            if self.by_fingerprint.len() >= MAX_SCHEMAS {
                return Err(SchemaError::TooMany);
            }
            self.by_fingerprint.insert(fingerprint, Arc::clone(&writer));
        }
        Ok((fingerprint, writer))
    }
}
