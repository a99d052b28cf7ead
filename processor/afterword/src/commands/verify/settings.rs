//! The settings topic, and which of its versions a partition's task knew when it decided.
//!
//! That depends on when the task had read the topic, which no record says. But what is known only grows, and a decision
//! names the version that judged it. So the least is supposed to be known that gives the decision its version; when
//! nothing does, the decision is not what the fold gives. A decision that goes back to less than an earlier one of its
//! partition knew is found this way.

use std::collections::BTreeMap;

use afterword_domain::SettingsTable;
use afterword_log::{Batch, Log, Offset, Partition, RecordRef, Topic};
use afterword_schemas::records::{Timestamp, WorkspaceSettings};
use afterword_schemas::{SchemaId, SchemaStore, schema_id};

use super::codec::Codec;
use super::reader::{Reader, Trouble, patiently};

/// Every version that is accepted, in the order of the topic.
#[derive(Default)]
pub struct Versions {
    accepted: Vec<(Offset, WorkspaceSettings)>,
    by_workspace: BTreeMap<String, Vec<usize>>,
    all: SettingsTable,
    next: Offset,
    /// Whether where a version stands does not tell when it became known: compaction has taken records away, or its schema
    /// may have been unknown when it was first read.
    is_unordered: bool,
}

impl Versions {
    /// Reads what has appeared since.
    ///
    /// # Errors
    /// When the topic cannot be read.
    pub fn catch_up(&mut self, log: &dyn Log, codec: Codec<'_>) -> Result<(), Trouble> {
        let mut reader = settings_reader(log, self.next)?;
        let mut batch = Batch::default();
        while read(&mut reader, &mut batch)? {
            let store = codec.of_batch(&batch)?;
            for record in batch.iter() {
                let named = schema_id(record.value.unwrap_or_default());
                let may_be_late = matches!(named, Ok(SchemaId::Registry(_)));
                self.is_unordered |= may_be_late || record.offset > self.next;
                self.next = record.offset.next();
                if let Ok(settings) = accept(&mut self.all, &store, &record) {
                    let workspace = settings.workspace_id.clone();
                    let place = self.accepted.len();
                    self.by_workspace.entry(workspace).or_default().push(place);
                    self.accepted.push((record.offset, settings));
                }
            }
        }
        Ok(())
    }
}

/// What one partition's task is known to have known.
pub struct Known<'a> {
    versions: &'a Versions,
    table: SettingsTable,
    /// So many of the accepted versions are in the table.
    taken: usize,
}

impl<'a> Known<'a> {
    pub fn nothing(versions: &'a Versions) -> Known<'a> {
        Known {
            versions,
            table: SettingsTable::default(),
            taken: 0,
        }
    }

    pub fn table(&self) -> &SettingsTable {
        &self.table
    }

    /// Every record of the topic before this was certainly read.
    pub fn read_below(&self) -> Offset {
        let last = self
            .taken
            .checked_sub(1)
            .map(|last| &self.versions.accepted[last]);
        last.map_or(Offset(0), |(offset, _)| offset.next())
    }

    /// Whether knowing more would change what is in force then.
    pub fn is_open(&self, workspace: &str, at: Timestamp) -> bool {
        let now = self.table.in_force(workspace, at).version;
        self.versions.all.in_force(workspace, at).version != now
    }

    /// Supposes the least to be known that makes this version the one in force then; nothing, when nothing does.
    pub fn suppose(&mut self, workspace: &str, at: Timestamp, version: i64) {
        let places = self.versions.by_workspace.get(workspace);
        let places = places.map_or(&[][..], Vec::as_slice);
        let of = |place: usize| &self.versions.accepted[place].1;
        let wanted = places
            .iter()
            .copied()
            .find(|place| of(*place).version == version);
        let Some(wanted) = wanted.filter(|wanted| of(*wanted).effective_from <= at) else {
            return;
        };
        let order = |settings: &WorkspaceSettings| (settings.effective_from, settings.version);
        if self.versions.is_unordered {
            let in_force = self.table.in_force(workspace, at);
            if order(in_force) < order(of(wanted)) {
                // A version is accepted once, so it is new or there already.
                let _ = self.table.insert(of(wanted).clone());
            }
            return;
        }
        let prevails = |place: &usize| {
            of(*place).effective_from <= at && order(of(*place)) > order(of(wanted))
        };
        let until = self.taken.max(wanted + 1);
        if places
            .iter()
            .take_while(|place| **place < until)
            .any(prevails)
        {
            return;
        }
        for place in self.taken..until {
            let _ = self.table.insert(of(place).clone());
        }
        self.taken = until;
    }
}

/// A record of the topic that no task accepts, with the class of its dead letter.
pub struct Refused<'a> {
    pub record: RecordRef<'a>,
    pub class: &'static str,
}

/// Reads the topic from its beginning up to an offset and shows every record that is refused; says whether records are
/// gone from among them.
///
/// # Errors
/// When the topic cannot be read, or `each` fails.
pub fn refused(
    log: &dyn Log,
    codec: Codec<'_>,
    mut each: impl FnMut(Refused<'_>) -> Result<(), Trouble>,
) -> Result<(), Trouble> {
    let mut table = SettingsTable::default();
    let mut reader = settings_reader(log, Offset(0))?;
    let mut batch = Batch::default();
    while read(&mut reader, &mut batch)? {
        let store = codec.of_batch(&batch)?;
        for record in batch.iter() {
            if let Err(class) = accept(&mut table, &store, &record) {
                each(Refused { record, class })?;
            }
        }
    }
    Ok(())
}

fn settings_reader(log: &dyn Log, next: Offset) -> Result<Reader<'_>, Trouble> {
    let topic = Topic::WorkspaceSettings;
    let end = patiently(|| log.bounds(topic, Partition(0)))?.end;
    Ok(Reader {
        log,
        topic,
        partition: Partition(0),
        next,
        end,
    })
}

/// As [`Reader::read`]; a compacted topic may end before its end.
fn read(reader: &mut Reader<'_>, batch: &mut Batch) -> Result<bool, Trouble> {
    match reader.read(batch) {
        Err(Trouble::Silent { .. }) => Ok(false),
        other => other,
    }
}

fn accept(
    table: &mut SettingsTable,
    store: &SchemaStore,
    record: &RecordRef<'_>,
) -> Result<WorkspaceSettings, &'static str> {
    let settings: WorkspaceSettings = store
        .decode(record.value.unwrap_or_default())
        .map_err(|error| error.class())?;
    match table.insert(settings.clone()) {
        Ok(_) => Ok(settings),
        Err(_) => Err("settings_conflict"),
    }
}
