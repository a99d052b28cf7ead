//! `afterword settings`: the versions of workspaces' settings. A version never changes: what differs from a version that is
//! known is refused; the same again does nothing.

use std::collections::BTreeMap;
use std::io::{self, Write};

use afterword_log::{Batch, Log, LogError, Offset, Partition, Record, Topic};
use afterword_schemas::records::WorkspaceSettings;
use afterword_schemas::{Framing, RecordKind, SchemaStore, Schemas, encode, json};

use super::lines::{self, Lines};
use crate::access::{Access, Missing};
use crate::cli::Settings;
use crate::config::Config;
use crate::failure::Failure;
use crate::registry;
use crate::render::render;

const READ_BYTES: usize = 4 << 20;

/// By workspace and version; the first record of each stands.
type Known = BTreeMap<(String, i64), WorkspaceSettings>;

/// Prints versions, or adds some.
///
/// # Errors
/// When a line is refused, or the log cannot be reached.
pub fn execute(config: &Config, settings: &Settings) -> Result<(), Failure> {
    match settings {
        Settings::Get { workspace } => get(config, workspace.as_deref()),
        Settings::Put { file, json } => put(config, file, *json),
    }
}

fn get(config: &Config, workspace: Option<&str>) -> Result<(), Failure> {
    let access = Access::open(config, Missing::Refuse)?;
    let schemas = registry::schemas(config);
    let mut out = Vec::new();
    let read = each(&*access.log(), &schemas, |store, record| {
        let settings = record
            .value
            .and_then(|value| store.decode::<WorkspaceSettings>(value).ok());
        let is_wanted = settings
            .is_none_or(|settings| workspace.is_none_or(|wanted| wanted == settings.workspace_id));
        if is_wanted {
            render(
                store,
                Topic::WorkspaceSettings,
                Partition(0),
                record,
                &mut out,
            );
            out.push(b'\n');
        }
    });
    read.map_err(|error| Failure::while_doing("reading the settings", error))?;
    access.close()?;
    match io::stdout().write_all(&out) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

fn put(config: &Config, file: &std::path::Path, as_json: bool) -> Result<(), Failure> {
    let (given, mut refused) = read(file)?;
    let schemas = registry::schemas(config);
    let framing = schemas.framing(RecordKind::WorkspaceSettings)?;
    let access = Access::open(config, Missing::Create)?;
    let log = access.log();
    let mut known = known(&*log, &schemas)
        .map_err(|error| Failure::while_doing("reading the settings", error))?;
    let (mut records, mut repeated) = (Vec::new(), 0);
    for (line, settings) in given {
        let key = (settings.workspace_id.clone(), settings.version);
        match known.get(&key) {
            Some(there) if *there == settings => repeated += 1,
            Some(_) => refused.push((
                line,
                format!(
                    "expected a new version, found version {} of {}, which is known and differs; a version never changes: use a higher one",
                    settings.version,
                    crate::terminal::harmless(&settings.workspace_id)
                ),
            )),
            None => {
                records.push((Partition(0), record_of(&settings, framing)));
                known.insert(key, settings);
            }
        }
    }
    let added = records.len();
    if added > 0 {
        log.append(Topic::WorkspaceSettings, records)
            .map_err(|error| Failure::while_doing("adding the settings", error))?;
    }
    drop(log);
    access.close()?;
    refused.sort();
    for (line, error) in &refused {
        eprintln!("{}:{line}: {error}", lines::name(file));
    }
    match as_json {
        true => println!(
            "{}",
            serde_json::json!({ "added": added, "repeated": repeated, "refused": refused.len() })
        ),
        false => println!(
            "{added} versions added, {repeated} known already, {} refused",
            refused.len()
        ),
    }
    match refused.len() {
        0 => Ok(()),
        refused => Err(Failure::Failed(format!(
            "{refused} lines were refused (told above); the others are kept"
        ))),
    }
}

type Given = (Vec<(u64, WorkspaceSettings)>, Vec<(u64, String)>);

fn read(file: &std::path::Path) -> Result<Given, Failure> {
    let mut lines = Lines::open(file, 0)?;
    let (mut given, mut refused) = (Vec::new(), Vec::new());
    while let Some(block) = lines.block()? {
        for (number, line) in block.iter() {
            let line = line.unwrap_or_default();
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            match json::parse_settings(line) {
                Ok(parsed) => given.push((number, parsed.settings)),
                Err(error) => refused.push((number, error.to_string())),
            }
        }
    }
    Ok((given, refused))
}

/// The record of a version; its key is the workspace's id, a slash, and the version.
fn record_of(settings: &WorkspaceSettings, framing: Framing) -> Record {
    let key = format!("{}/{}", settings.workspace_id, settings.version);
    let mut value = Vec::new();
    encode(settings, framing, &mut value);
    Record::new(key, value, afterword_web::now_ms())
}

/// Adds those versions that are not known yet.
///
/// # Errors
/// When the log cannot be read or takes nothing.
pub fn add(
    log: &dyn Log,
    schemas: &Schemas,
    versions: Vec<WorkspaceSettings>,
) -> Result<(), LogError> {
    let framing = schemas
        .framing(RecordKind::WorkspaceSettings)
        .map_err(registry::waiting)?;
    let known = known(log, schemas)?;
    let is_new = |settings: &WorkspaceSettings| {
        !known.contains_key(&(settings.workspace_id.clone(), settings.version))
    };
    let records: Vec<_> = versions
        .iter()
        .filter(|settings| is_new(settings))
        .map(|settings| (Partition(0), record_of(settings, framing)))
        .collect();
    match records.is_empty() {
        true => Ok(()),
        false => log.append(Topic::WorkspaceSettings, records).map(drop),
    }
}

fn known(log: &dyn Log, schemas: &Schemas) -> Result<Known, LogError> {
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

fn each(
    log: &dyn Log,
    schemas: &Schemas,
    mut record: impl FnMut(&SchemaStore, &afterword_log::RecordRef<'_>),
) -> Result<(), LogError> {
    let (topic, partition) = (Topic::WorkspaceSettings, Partition(0));
    let bounds = log.bounds(topic, partition)?;
    let (mut from, mut batch): (Offset, Batch) = (bounds.start, Batch::default());
    while from < bounds.end {
        log.read(topic, partition, from, READ_BYTES, &mut batch)?;
        let store = registry::for_batch(schemas, &batch)?;
        batch.iter().for_each(|read| record(&store, &read));
        match batch.next() {
            Some(next) => from = next,
            None => break,
        }
    }
    Ok(())
}
