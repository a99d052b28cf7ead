//! The schema registry: who has it (Confluent, Apicurio, Karapace, Redpanda) speaks Confluent's API.
//!
//! One subject a topic, `<topic>-value`, as serializers in other languages name it by default (TopicNameStrategy).

mod client;
mod patient;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use afterword_log::{Batch, LogError};
use afterword_schemas::{RecordKind, SchemaRegistry, SchemaStore, Schemas, Unavailable};

pub use client::{Registered, Registry, RegistryError, tls};

use crate::config::Config;
use patient::Patient;

/// The compatibility rule of every subject. Either side may be upgraded first, and a topic keeps values of every version
/// that ever was: so each version must read all others (`FULL_TRANSITIVE`), and not only the one before it (`FULL`), nor
/// only older ones (`BACKWARD`, a registry's usual default, which lets a producer drop a field that readers need).
///
/// It refuses a new kind of payload or a new symbol too. Readers of this program pass those over, but others may not, and a
/// fact that is passed over is never looked at again: whoever adds one upgrades the readers first, and says so to the
/// registry by relaxing the subject's rule for that one registration.
pub const RULE: &str = "FULL_TRANSITIVE";

/// The subject of a record's topic.
#[must_use]
pub fn subject(kind: RecordKind) -> String {
    format!("{}-value", kind.topic())
}

/// The schemas of this process: with the registry of the configuration, when it names one.
#[must_use]
pub fn schemas(config: &Config) -> Arc<Schemas> {
    let registry = config.schema_registry.as_ref().map(Registry::new);
    Arc::new(registry.map_or_else(Schemas::new, |registry| {
        Schemas::with_registry(Patient::new(registry))
    }))
}

/// The schemas with which these records are decoded, for those who read the log.
///
/// # Errors
/// `Wait` when a schema must be asked for and the registry cannot tell.
pub fn for_batch(schemas: &Schemas, batch: &Batch) -> Result<Arc<SchemaStore>, LogError> {
    let values = batch.iter().filter_map(|record| record.value);
    schemas.for_values(values).map_err(waiting)
}

/// What cannot be told now, as an error of the log: both are surroundings.
#[must_use]
pub fn waiting(unavailable: Unavailable) -> LogError {
    LogError::Wait(unavailable.to_string())
}

impl SchemaRegistry for Registry {
    fn schema(&self, id: u32) -> Result<Option<String>, Unavailable> {
        self.by_id(id)
            .map_err(|error| Unavailable(error.to_string()))
    }

    /// Looked up and not registered: that is a decision of whoever runs `afterword schemas register`, and a service needs no
    /// right to write. Until it is done, those who write wait.
    fn id_of(&self, kind: RecordKind) -> Result<u32, Unavailable> {
        let subject = subject(kind);
        match self.find(&subject, kind.schema_text()) {
            Ok(Some(registered)) => Ok(registered.id),
            Ok(None) => Err(Unavailable(format!(
                "expected this build's schema of {} in the schema registry, found none like it under the subject {subject}; \
                 run `afterword schemas register`",
                kind.name(),
            ))),
            Err(error) => Err(Unavailable(error.to_string())),
        }
    }
}
