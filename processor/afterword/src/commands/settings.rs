//! `afterword settings`: the versions of workspaces' settings. A version never changes: what differs from a version that is
//! known is refused; the same again does nothing.

use afterword_log::{Partition, Topic};
use afterword_schemas::records::WorkspaceSettings;
use afterword_schemas::{RecordKind, json};
use afterword_web::settings_log::{each, known, record_of};

use super::lines::{self, Lines};
use crate::access::{Access, Missing};
use crate::cli::Settings;
use crate::config::Config;
use crate::failure::Failure;
use crate::output;
use crate::registry;
use crate::render::render;

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
    output::bytes(&out);
    Ok(())
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
                records.push((Partition(0), record_of(&settings, framing, None)));
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
        errln!("{}:{line}: {error}", lines::name(file));
    }
    match as_json {
        true => outln!(
            "{}",
            serde_json::json!({ "added": added, "repeated": repeated, "refused": refused.len() })
        ),
        false => outln!(
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

/// Versions and refusals, each with its line.
type Given = (Vec<(u64, WorkspaceSettings)>, Vec<(u64, String)>);

/// Reads versions of settings from NDJSON.
///
/// # Errors
/// When the file cannot be read.
pub fn read(file: &std::path::Path) -> Result<Given, Failure> {
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
