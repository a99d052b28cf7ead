//! Which schemas values are read with, and how those are framed that are compared byte by byte.

use std::sync::Arc;

use afterword_log::Batch;
use afterword_schemas::{Framing, Framings, RecordKind, SchemaStore, Schemas};

use super::reader::{Trouble, patiently};
use crate::registry;

/// Reads values.
#[derive(Clone, Copy)]
pub struct Codec<'a> {
    schemas: &'a Schemas,
    /// Of a registry too, where one is configured and has this build's schemas. Where not, values are decoded to be compared.
    framings: Framings,
}

impl Codec<'_> {
    pub fn new(schemas: &Schemas) -> Codec<'_> {
        let framings = schemas.framings().unwrap_or_default();
        Codec { schemas, framings }
    }

    /// The schemas of these records.
    ///
    /// # Errors
    /// When the registry must be asked and cannot tell.
    pub fn of_batch(&self, batch: &Batch) -> Result<Arc<SchemaStore>, Trouble> {
        Ok(patiently(|| registry::for_batch(self.schemas, batch))?)
    }

    /// The schema of this value.
    ///
    /// # Errors
    /// As [`Codec::of_batch`].
    pub fn of_value(&self, value: &[u8]) -> Result<Arc<SchemaStore>, Trouble> {
        let asked = || self.schemas.for_values([value]);
        Ok(patiently(|| asked().map_err(registry::waiting))?)
    }

    /// The framing of this build's records that looks like this value's.
    pub fn framing_like(&self, value: &[u8], kind: RecordKind) -> Framing {
        match value.first() {
            Some(0) => self.framings.of(kind),
            _ => Framing::SingleObject,
        }
    }
}
