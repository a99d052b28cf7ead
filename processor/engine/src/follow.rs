//! The settings topic followed as a table. Its records are taken between batches only, so that every fact of a commit was
//! judged with the same versions known, and the commit names how far the topic had been read.

use afterword_domain::SettingsTable;
use afterword_log::{
    Batch, LogError, Offset, OutputRecord, Partition, PartitionLog, RecordRef, Topic,
};
use afterword_schemas::records::WorkspaceSettings;
use afterword_schemas::{SchemaStore, Schemas, Unavailable};

use crate::outputs::{Source, dead_letter};

/// The versions known, and how far the topic has been read.
#[derive(Debug, Default)]
pub struct SettingsFollower {
    table: SettingsTable,
    next: Offset,
    batch: Batch,
    unreadable: bool,
}

impl SettingsFollower {
    /// The versions known.
    pub fn table(&self) -> &SettingsTable {
        &self.table
    }

    /// Every settings record before this is known, and none after it.
    pub fn next(&self) -> Offset {
        self.next
    }

    /// Whether a record was passed over because its schema was unknown: the next start may be able to read it.
    pub fn has_unreadable(&self) -> bool {
        self.unreadable
    }

    /// Reads what has appeared, without taking it; says whether there is anything.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn poll(&mut self, log: &mut impl PartitionLog) -> Result<bool, LogError> {
        log.settings(self.next, &mut self.batch)?;
        Ok(!self.batch.is_empty())
    }

    /// Takes what was polled. Returns what had to be refused as dead letters: of all partitions the first tells.
    ///
    /// # Errors
    /// When the registry must be asked for a schema and cannot tell; nothing is taken then.
    pub fn take(
        &mut self,
        schemas: &Schemas,
        partition: Partition,
        build: &str,
    ) -> Result<Vec<OutputRecord>, Unavailable> {
        let schemas = schemas.for_values(values(&self.batch))?;
        let batch = std::mem::take(&mut self.batch);
        let mut refused = Vec::new();
        let from = self.next;
        for record in batch.iter().filter(|record| record.offset >= from) {
            if let Err((class, error)) = self.take_record(&schemas, &record) {
                let source = Source {
                    topic: Topic::WorkspaceSettings,
                    partition: Partition(0),
                    record: &record,
                };
                tracing::warn!(
                    offset = record.offset.0,
                    class,
                    error,
                    "a settings record was refused"
                );
                refused.push(dead_letter(&source, class, &error, build));
            }
        }
        self.next = self.next.max(batch.next().unwrap_or(self.next));
        self.batch = batch;
        if partition != Partition(0) {
            refused.clear();
        }
        Ok(refused)
    }

    /// Builds the table as it was when the topic had been read up to `until`.
    ///
    /// # Errors
    /// When the log cannot be read, or a schema must be asked for and the registry cannot tell.
    pub fn take_until(
        &mut self,
        until: Offset,
        log: &mut impl PartitionLog,
        schemas: &Schemas,
    ) -> Result<(), LogError> {
        while self.next < until && self.poll(log)? {
            let schemas = schemas
                .for_values(values(&self.batch))
                .map_err(|unavailable| LogError::Wait(unavailable.to_string()))?;
            let batch = std::mem::take(&mut self.batch);
            for record in batch.iter().filter(|record| record.offset < until) {
                // What is refused was told when it was first read.
                let _ = self.take_record(&schemas, &record);
            }
            self.next = batch.next().unwrap_or(until).min(until);
            self.batch = batch;
        }
        self.next = until;
        Ok(())
    }

    fn take_record(
        &mut self,
        schemas: &SchemaStore,
        record: &RecordRef<'_>,
    ) -> Result<(), (&'static str, String)> {
        let decoded = schemas.decode::<WorkspaceSettings>(record.value.unwrap_or_default());
        let settings = decoded.map_err(|error| {
            self.unreadable |= error.unknown_schema().is_some();
            (error.class(), error.to_string())
        })?;
        match self.table.insert(settings) {
            Ok(_) => Ok(()),
            Err(conflict) => Err(("settings_conflict", conflict.to_string())),
        }
    }
}

fn values(batch: &Batch) -> impl Iterator<Item = &[u8]> {
    batch.iter().filter_map(|record| record.value)
}
