//! The settings topic followed as a table. Its records are taken between batches only, so that every fact of a commit was
//! judged with the same versions known, and the commit names how far the topic had been read.

use afterword_domain::SettingsTable;
use afterword_log::{
    Batch, LogError, Offset, OutputRecord, Partition, PartitionLog, RecordRef, Topic,
};
use afterword_schemas::SchemaStore;
use afterword_schemas::records::WorkspaceSettings;

use crate::outputs::{Source, dead_letter};

/// The versions known, and how far the topic has been read.
#[derive(Debug, Default)]
pub struct SettingsFollower {
    table: SettingsTable,
    next: Offset,
    batch: Batch,
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

    /// Reads what has appeared, without taking it; says whether there is anything.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn poll(&mut self, log: &mut impl PartitionLog) -> Result<bool, LogError> {
        log.settings(self.next, &mut self.batch)?;
        Ok(!self.batch.is_empty())
    }

    /// Takes what was polled. Returns what had to be refused as dead letters: of all partitions the first tells.
    pub fn take(
        &mut self,
        schemas: &SchemaStore,
        partition: Partition,
        build: &str,
    ) -> Vec<OutputRecord> {
        let batch = std::mem::take(&mut self.batch);
        let mut refused = Vec::new();
        for record in batch.iter().filter(|record| record.offset >= self.next) {
            if let Err((class, error)) = take_record(&mut self.table, schemas, &record) {
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
        refused
    }

    /// Builds the table as it was when the topic had been read up to `until`.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn take_until(
        &mut self,
        until: Offset,
        log: &mut impl PartitionLog,
        schemas: &SchemaStore,
    ) -> Result<(), LogError> {
        while self.next < until && self.poll(log)? {
            for record in self.batch.iter().filter(|record| record.offset < until) {
                // What is refused was told when it was first read.
                let _ = take_record(&mut self.table, schemas, &record);
            }
            self.next = self.batch.next().unwrap_or(until).min(until);
        }
        self.next = until;
        Ok(())
    }
}

fn take_record(
    table: &mut SettingsTable,
    schemas: &SchemaStore,
    record: &RecordRef<'_>,
) -> Result<(), (&'static str, String)> {
    let settings: WorkspaceSettings = schemas
        .decode(record.value.unwrap_or_default())
        .map_err(|error| (error.class(), error.to_string()))?;
    match table.insert(settings) {
        Ok(_) => Ok(()),
        Err(conflict) => Err(("settings_conflict", conflict.to_string())),
    }
}
