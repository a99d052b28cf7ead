//! Calls of the log, which block: reads for one transaction, away from the async threads.

use std::sync::Arc;
use std::time::SystemTime;

use afterword_log::{Batch, Log, Partition, Topic};
use afterword_schemas::Schemas;
use tokio::task::spawn_blocking;

use crate::apply::Reads;
use crate::error::ReadModelError;
use crate::output::{SettingsRead, read_outputs, read_settings};
use crate::positions::Positions;

/// As many versions of settings go into one transaction, and a read's worth more.
const MAX_SETTINGS: usize = 1_000;

/// No topic partition is read in smaller pieces than this, however many there are.
const MIN_READ_BYTES: usize = 16 << 10;

/// Reads what there is after these positions, about `max_bytes` in all. Blocks.
///
/// Outputs first, then the settings to their end, to be folded the other way round: so the settings by which an output was
/// decided are always known when it is folded. When there are too many of them for one transaction, they go alone.
///
/// Spans of outputs begin at `read_at`; without it there are none.
pub(crate) fn read(
    log: &dyn Log,
    schemas: &Schemas,
    positions: &Positions,
    max_bytes: usize,
    read_at: Option<SystemTime>,
    batch: &mut Batch,
) -> Result<Reads, ReadModelError> {
    let mut reads = Reads::default();
    let places = positions.len().max(1);
    let share_bytes = (max_bytes / places).max(MIN_READ_BYTES.min(max_bytes));
    let is_output = |topic: Topic| topic != Topic::WorkspaceSettings;
    for (place, position) in positions.iter().filter(|((topic, _), _)| is_output(*topic)) {
        let read = read_outputs(log, schemas, *place, position, share_bytes, read_at, batch)?;
        reads.outputs.push((*place, read));
    }
    let settings_place = (Topic::WorkspaceSettings, Partition(0));
    let mut settings = SettingsRead {
        position: positions.get(&settings_place).copied().unwrap_or_default(),
        ..SettingsRead::default()
    };
    while read_settings(log, schemas, &mut settings, share_bytes, batch)? {
        if settings.versions.len() >= MAX_SETTINGS {
            reads.outputs.clear();
            break;
        }
    }
    reads.settings = settings;
    Ok(reads)
}

/// Calls the log where blocking is allowed.
pub(crate) async fn off_thread<T: Send + 'static>(
    log: &Arc<dyn Log>,
    call: impl FnOnce(&dyn Log) -> Result<T, ReadModelError> + Send + 'static,
) -> Result<T, ReadModelError> {
    let log = Arc::clone(log);
    let done = spawn_blocking(move || call(log.as_ref())).await;
    done.map_err(|error| ReadModelError::Stop(format!("a call of the log: {error}")))?
}
