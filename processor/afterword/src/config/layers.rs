//! The layers of the configuration, and how they lie over each other.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use afterword_log::kafka::properties::refusal;
use toml::de::{DeArray, DeTable, DeValue};

use super::Value;
use super::named::{OF_ACCOUNTS, OF_SOURCES, OF_WEBHOOKS, OF_WORKSPACES};
use super::setting::Setting;
use super::table::SETTINGS;
use super::values::{Raw, article, check};

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    Default,
    File { path: PathBuf, line: usize },
    Environment { variable: String },
    Flag { flag: String },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::File { path, line } => write!(f, "{}:{line}", path.display()),
            Origin::Environment { variable } => f.write_str(variable),
            Origin::Flag { flag } => f.write_str(flag),
        }
    }
}

/// What lies over the defaults.
#[derive(Clone, Debug, Default)]
pub struct Layers {
    /// The file of `--config` and its text.
    pub file: Option<(PathBuf, String)>,
    /// Variables and values.
    pub environment: Vec<(String, String)>,
    /// Key, value, and the flag that says so.
    pub flags: Vec<(String, String, String)>,
}

/// By key.
pub type Values = BTreeMap<&'static str, (Value, Origin)>;

/// Properties of librdkafka that somebody set, each with where.
pub type Properties = BTreeMap<String, (String, Origin)>;

/// What was set of workspaces, webhooks, sources or accounts: by id or name, then by the name of the row.
pub type Named = BTreeMap<String, Values>;

/// What the layers say together, and every fault of them.
#[derive(Debug, Default)]
pub struct Resolved {
    pub values: Values,
    pub properties: Properties,
    pub workspaces: Named,
    pub webhooks: Named,
    pub sources: Named,
    pub accounts: Named,
    pub faults: Vec<String>,
}

/// Before the name of a property of librdkafka.
pub const PROPERTIES: &str = "kafka.properties.";
/// Before the id of a workspace.
pub const WORKSPACES: &str = "workspaces.";
/// Before the name of an endpoint.
pub const WEBHOOKS: &str = "webhooks.";
/// Before the name of a help desk.
pub const SOURCES: &str = "sources.";
/// Before the name of an account.
pub const ACCOUNTS: &str = "accounts.";

/// Lays the layers over each other.
pub fn resolve(layers: &Layers) -> Resolved {
    let mut resolved = Resolved::default();
    for setting in SETTINGS {
        let default = Raw::Text(setting.default.to_owned());
        resolved.set(setting.key, default, Origin::Default);
    }
    if let Some((path, text)) = &layers.file {
        resolved.file(path, text);
    }
    for (variable, text) in &layers.environment {
        resolved.environment(variable, text);
    }
    for (key, text, flag) in &layers.flags {
        let origin = Origin::Flag { flag: flag.clone() };
        resolved.set(key, Raw::Text(text.clone()), origin);
    }
    resolved
}

impl Resolved {
    fn file(&mut self, path: &Path, text: &str) {
        match DeTable::parse(text) {
            Ok(table) => self.walk(path, text, "", table.get_ref()),
            Err(error) => {
                let line = error.span().map_or(1, |span| line_of(text, span.start));
                self.faults.push(format!(
                    "{}:{line}: expected TOML; {}",
                    path.display(),
                    error.message()
                ));
            }
        }
    }

    fn walk(&mut self, path: &Path, text: &str, above: &str, table: &DeTable<'_>) {
        let mut entries: Vec<_> = table.iter().collect();
        entries.sort_by_key(|(name, _)| name.span().start);
        for (name, value) in entries {
            let key = match above {
                "" => name.get_ref().to_string(),
                above => format!("{above}.{}", name.get_ref()),
            };
            let line = line_of(text, name.span().start);
            let raw = match value.get_ref() {
                DeValue::Table(inner) if Setting::of(&key).is_none() => {
                    self.walk(path, text, &key, inner);
                    continue;
                }
                DeValue::String(text) => Raw::Text(text.to_string()),
                DeValue::Integer(number) => Raw::Integer(number.to_string()),
                DeValue::Float(number) => Raw::Float(number.to_string()),
                DeValue::Boolean(is) => Raw::Boolean(*is),
                DeValue::Array(members) => list(members),
                other => Raw::Other(other.type_str()),
            };
            let path = path.to_owned();
            self.set(&key, raw, Origin::File { path, line });
        }
    }

    fn environment(&mut self, variable: &str, text: &str) {
        let Some(name) = variable.strip_prefix("AFTERWORD_") else {
            return;
        };
        if is_of_kubernetes(name) {
            return;
        }
        let key = name.to_lowercase().replace("__", ".");
        // No property of librdkafka that can be set has an underscore, and no variable has a dot.
        let key = match key.strip_prefix(PROPERTIES) {
            Some(property) => format!("{PROPERTIES}{}", property.replace('_', ".")),
            None => key,
        };
        let origin = Origin::Environment {
            variable: variable.to_owned(),
        };
        self.set(&key, Raw::Text(text.to_owned()), origin);
    }

    fn set(&mut self, key: &str, raw: Raw, origin: Origin) {
        if let Some(property) = key.strip_prefix(PROPERTIES) {
            return self.set_property(property, raw, origin);
        }
        for table in [WORKSPACES, WEBHOOKS, SOURCES, ACCOUNTS] {
            if let Some(rest) = key.strip_prefix(table) {
                return self.set_named(table, rest, raw, origin);
            }
        }
        let Some(setting) = Setting::of(key) else {
            let hint = match Setting::nearest(key) {
                _ if PROPERTIES.strip_suffix('.') == Some(key) => {
                    "expected a table of librdkafka's properties".to_owned()
                }
                Some(nearest) => format!("did you mean `{nearest}`?"),
                None => "`afterword config check` lists the known keys".to_owned(),
            };
            self.faults
                .push(format!("{origin}: unknown key `{key}`; {hint}"));
            return;
        };
        match check(setting, raw) {
            Ok(value) => {
                self.values.insert(setting.key, (value, origin));
            }
            Err(found) => {
                let expected = setting.expected();
                self.faults.push(format!(
                    "{origin}: `{key}`: expected {expected}, found {found}"
                ));
            }
        }
    }

    /// `ID.KEY`: keys have no dot, ids may.
    fn set_named(&mut self, table: &'static str, key: &str, raw: Raw, origin: Origin) {
        let (id_is, rows, all) = match table {
            WORKSPACES => ("ID", OF_WORKSPACES, &mut self.workspaces),
            WEBHOOKS => ("NAME", OF_WEBHOOKS, &mut self.webhooks),
            SOURCES => ("NAME", OF_SOURCES, &mut self.sources),
            _ => ("NAME", OF_ACCOUNTS, &mut self.accounts),
        };
        let (id, name) = key.rsplit_once('.').unwrap_or(("", key));
        let setting = rows.iter().find(|setting| setting.key == name);
        let (Some(setting), false) = (setting, id.is_empty()) else {
            let names: Vec<_> = rows.iter().map(|setting| setting.key).collect();
            self.faults.push(format!(
                "{origin}: unknown key `{table}{key}`; expected {table}{id_is} and one of {}",
                names.join(", ")
            ));
            return;
        };
        match check(setting, raw) {
            Ok(value) => {
                let of_one = all.entry(id.to_owned()).or_default();
                of_one.insert(setting.key, (value, origin));
            }
            Err(found) => {
                let expected = setting.expected();
                self.faults.push(format!(
                    "{origin}: `{table}{key}`: expected {expected}, found {found}"
                ));
            }
        }
    }

    fn set_property(&mut self, property: &str, raw: Raw, origin: Origin) {
        let text = match raw {
            Raw::Text(text) | Raw::Integer(text) | Raw::Float(text) => text,
            Raw::Boolean(is) => is.to_string(),
            Raw::List(_) => return self.set_property(property, Raw::Other("array"), origin),
            Raw::Other(kind) => {
                self.faults.push(format!(
                    "{origin}: `{PROPERTIES}{property}`: expected a text, a number or a boolean, found {}",
                    article(kind)
                ));
                return;
            }
        };
        match refusal(property, &text) {
            Some(refusal) => self.faults.push(format!(
                "{origin}: `{PROPERTIES}{property}`: {refusal}; leave it out or put it right"
            )),
            None => {
                self.properties.insert(property.to_owned(), (text, origin));
            }
        }
    }
}

/// Texts alone; anything else is no list of ours.
fn list(members: &DeArray<'_>) -> Raw {
    let texts = members.iter().map(|member| match member.get_ref() {
        DeValue::String(text) => Some(text.to_string()),
        _ => None,
    });
    texts
        .collect::<Option<Vec<_>>>()
        .map_or(Raw::Other("array of other things than texts"), Raw::List)
}

fn line_of(text: &str, at: usize) -> usize {
    1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count()
}

/// Kubernetes tells every container of a service named `afterword` its addresses in variables of these names.
fn is_of_kubernetes(name: &str) -> bool {
    ["SERVICE_HOST", "SERVICE_PORT", "PORT"]
        .iter()
        .any(|theirs| name == *theirs || name.starts_with(&format!("{theirs}_")))
}

#[cfg(test)]
mod tests;
