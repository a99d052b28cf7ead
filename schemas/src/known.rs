//! The schemas of a log: those that are known, and a registry to ask for the others.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use crate::decode::framing::{Framing, SchemaId, schema_id};
use crate::kind::RecordKind;
use crate::store::{SchemaError, SchemaStore};

/// The most ids remembered whose schemas are none; beyond that all are asked for again.
const MAX_USELESS: usize = 10_000;

/// A schema registry, as far as decoding and encoding need one. Calls block, and end in bounded time.
pub trait SchemaRegistry: Send + Sync {
    /// The Avro schema of this id, as JSON text; `None` when the registry has none. Asked for again as long as there is none,
    /// or no answer: how often the registry itself is to hear of that is decided behind this call.
    ///
    /// # Errors
    /// When the registry cannot tell now.
    fn schema(&self, id: u32) -> Result<Option<String>, Unavailable>;

    /// The id under which this build's schema of a record is registered.
    ///
    /// # Errors
    /// When the registry cannot tell now, or it is not registered yet.
    fn id_of(&self, kind: RecordKind) -> Result<u32, Unavailable>;
}

/// The registry cannot tell: it is away, refuses us, or is not set up yet. Never the fault of a record: the caller waits, and
/// asks again. The text says what was expected, what was found, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unavailable(pub String);

/// How each record is framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Framings([Framing; RecordKind::ALL.len()]);

impl Framings {
    /// How records of this kind are framed.
    #[must_use]
    pub fn of(&self, kind: RecordKind) -> Framing {
        self.0[kind as usize]
    }
}

impl Default for Framings {
    /// Single-object encoding.
    fn default() -> Framings {
        Framings([Framing::SingleObject; RecordKind::ALL.len()])
    }
}

/// The schemas that a process knows, shared by all that read and write; and a registry, where one is configured, that is
/// asked once for each id that is not known.
#[derive(Default)]
pub struct Schemas {
    store: RwLock<Arc<SchemaStore>>,
    /// This build's ids.
    own: RwLock<[Option<u32>; RecordKind::ALL.len()]>,
    registry: Option<Box<dyn SchemaRegistry>>,
    /// Held while the registry is asked, so that one asks and the others learn from it. Ids whose schemas are no Avro.
    asking: Mutex<BTreeSet<u32>>,
}

impl Schemas {
    /// This build's own, without a registry: values are written in single-object encoding.
    #[must_use]
    pub fn new() -> Schemas {
        Schemas::default()
    }

    /// With a registry: values are written in Confluent's wire format.
    #[must_use]
    pub fn with_registry(registry: impl SchemaRegistry + 'static) -> Schemas {
        Schemas {
            registry: Some(Box::new(registry)),
            ..Schemas::default()
        }
    }

    /// The schemas with which these values are decoded: what they name and nobody knows yet has been asked for. What is
    /// unknown all the same, the registry does not have (or there is none), and decoding says so.
    ///
    /// # Errors
    /// When the registry must be asked and cannot tell.
    pub fn for_values<'a>(
        &self,
        values: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<Arc<SchemaStore>, Unavailable> {
        let mut store = self.store();
        let Some(registry) = self.registry.as_deref() else {
            return Ok(store);
        };
        let mut last = None;
        for value in values {
            let Ok(SchemaId::Registry(id)) = schema_id(value) else {
                continue;
            };
            // Neighbours are mostly of one writer.
            if last.replace(id) != Some(id) && !store.knows(SchemaId::Registry(id)) {
                self.ask(registry, id)?;
                store = self.store();
            }
        }
        Ok(store)
    }

    /// How records of this kind are framed.
    ///
    /// # Errors
    /// When the registry must be asked and cannot tell.
    pub fn framing(&self, kind: RecordKind) -> Result<Framing, Unavailable> {
        let Some(registry) = self.registry.as_deref() else {
            return Ok(Framing::SingleObject);
        };
        let known = || self.own.read().unwrap_or_else(PoisonError::into_inner)[kind as usize];
        if let Some(id) = known() {
            return Ok(Framing::Confluent(id));
        }
        let _one_asks = self.asking();
        if let Some(id) = known() {
            return Ok(Framing::Confluent(id));
        }
        let id = registry.id_of(kind)?;
        self.learn(id, kind.schema_text())
            .map_err(|error| Unavailable(error.to_string()))?;
        self.own.write().unwrap_or_else(PoisonError::into_inner)[kind as usize] = Some(id);
        Ok(Framing::Confluent(id))
    }

    /// How records of every kind are framed.
    ///
    /// # Errors
    /// When the registry must be asked and cannot tell.
    pub fn framings(&self) -> Result<Framings, Unavailable> {
        let mut framings = Framings::default();
        for kind in RecordKind::ALL {
            framings.0[*kind as usize] = self.framing(*kind)?;
        }
        Ok(framings)
    }

    fn ask(&self, registry: &dyn SchemaRegistry, id: u32) -> Result<(), Unavailable> {
        let mut useless = self.asking();
        if self.store().knows(SchemaId::Registry(id)) || useless.contains(&id) {
            return Ok(());
        }
        let Some(text) = registry.schema(id)? else {
            return Ok(());
        };
        if self.learn(id, &text).is_err() {
            if useless.len() >= MAX_USELESS {
                useless.clear();
            }
            useless.insert(id);
        }
        Ok(())
    }

    fn learn(&self, id: u32, text: &str) -> Result<(), SchemaError> {
        let mut store = SchemaStore::clone(&self.store());
        match store.register_id(id, text) {
            Err(SchemaError::TooMany) => {
                // Far more than there are writers: what is still in use is asked for again.
                store = SchemaStore::new();
                store.register_id(id, text)?;
            }
            other => drop(other?),
        }
        *self.store.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(store);
        Ok(())
    }

    fn store(&self) -> Arc<SchemaStore> {
        Arc::clone(&self.store.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn asking(&self) -> MutexGuard<'_, BTreeSet<u32>> {
        self.asking.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
