//! The versions of workspaces' settings in the log. A version never changes: the first record of each stands.

use std::collections::BTreeMap;
use std::sync::Arc;

use afterword_log::{Batch, Log, LogError, Offset, Partition, Record, RecordRef, Topic};
use afterword_schemas::records::WorkspaceSettings;
use afterword_schemas::{Framing, RecordKind, SchemaStore, Schemas, Unavailable, encode};

const READ_BYTES: usize = 4 << 20;

/// Names who appended a version.
const AUTHOR_HEADER: &str = "afterword-by";

/// By workspace and version; the first record of each stands.
pub type Known = BTreeMap<(String, i64), WorkspaceSettings>;

fn waiting(unavailable: Unavailable) -> LogError {
    LogError::Wait(unavailable.to_string())
}

/// How settings are framed.
///
/// # Errors
/// `Wait` when the schema registry must be asked and cannot tell.
pub fn framing(schemas: &Schemas) -> Result<Framing, LogError> {
    schemas
        .framing(RecordKind::WorkspaceSettings)
        .map_err(waiting)
}

/// The record of a version; its key is the workspace's id, a slash, and the version.
#[must_use]
pub fn record_of(settings: &WorkspaceSettings, framing: Framing, by: Option<&str>) -> Record {
    let key = format!("{}/{}", settings.workspace_id, settings.version);
    let mut value = Vec::new();
    encode(settings, framing, &mut value);
    let record = Record::new(key, value, crate::now_ms());
    match by {
        Some(by) => record.with_header(AUTHOR_HEADER, by),
        None => record,
    }
}

/// Adds those versions that are not known yet.
///
/// # Errors
/// When the log cannot be read or takes nothing.
pub fn add(
    log: &dyn Log,
    schemas: &Schemas,
    versions: &[WorkspaceSettings],
    by: Option<&str>,
) -> Result<(), LogError> {
    let framing = framing(schemas)?;
    let known = known(log, schemas)?;
    let is_new = |settings: &&WorkspaceSettings| {
        !known.contains_key(&(settings.workspace_id.clone(), settings.version))
    };
    let records: Vec<_> = versions
        .iter()
        .filter(is_new)
        .map(|settings| (Partition(0), record_of(settings, framing, by)))
        .collect();
    match records.is_empty() {
        true => Ok(()),
        false => log.append(Topic::WorkspaceSettings, records).map(drop),
    }
}

/// All versions that the log holds.
///
/// # Errors
/// When the log cannot be read.
pub fn known(log: &dyn Log, schemas: &Schemas) -> Result<Known, LogError> {
    let mut known = Known::new();
    each(log, schemas, |store, record| {
        let decoded = record
            .value
            .and_then(|value| store.decode::<WorkspaceSettings>(value).ok());
        if let Some(settings) = decoded {
            known
                .entry((settings.workspace_id.clone(), settings.version))
                .or_insert(settings);
        }
    })?;
    Ok(known)
}

/// Every record of the topic, up to what was its end at the call.
///
/// # Errors
/// When the log cannot be read.
pub fn each(
    log: &dyn Log,
    schemas: &Schemas,
    mut record: impl FnMut(&SchemaStore, &RecordRef<'_>),
) -> Result<(), LogError> {
    let (topic, partition) = (Topic::WorkspaceSettings, Partition(0));
    let bounds = log.bounds(topic, partition)?;
    let (mut from, mut batch): (Offset, Batch) = (bounds.start, Batch::default());
    while from < bounds.end {
        log.read(topic, partition, from, READ_BYTES, &mut batch)?;
        let values = batch.iter().filter_map(|record| record.value);
        let store: Arc<SchemaStore> = schemas.for_values(values).map_err(waiting)?;
        batch.iter().for_each(|read| record(&store, &read));
        match batch.next() {
            Some(next) => from = next,
            None => break,
        }
    }
    Ok(())
}
