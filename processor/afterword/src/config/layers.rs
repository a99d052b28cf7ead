//! The layers of the configuration, and how they lie over each other.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::Value;
use super::table::{Kind, SETTINGS, Setting};

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

/// A value before it is checked.
enum Raw {
    Text(String),
    Integer(String),
    Other(&'static str),
}

type Values = BTreeMap<&'static str, (Value, Origin)>;

/// Lays the layers over each other; returns the values and every fault.
pub fn resolve(layers: &Layers) -> (Values, Vec<String>) {
    let mut values = Values::new();
    let mut faults = Vec::new();
    for setting in SETTINGS {
        set(
            &mut values,
            &mut faults,
            setting.key,
            Raw::Text(setting.default.to_owned()),
            Origin::Default,
        );
    }
    if let Some((path, text)) = &layers.file {
        file(&mut values, &mut faults, path, text);
    }
    for (variable, text) in &layers.environment {
        environment(&mut values, &mut faults, variable, text);
    }
    for (key, text, flag) in &layers.flags {
        let origin = Origin::Flag { flag: flag.clone() };
        set(
            &mut values,
            &mut faults,
            key,
            Raw::Text(text.clone()),
            origin,
        );
    }
    (values, faults)
}

fn file(values: &mut Values, faults: &mut Vec<String>, path: &Path, text: &str) {
    match DeTable::parse(text) {
        Ok(table) => walk(values, faults, path, text, "", table.get_ref()),
        Err(error) => {
            let line = error.span().map_or(1, |span| line_of(text, span.start));
            faults.push(format!(
                "{}:{line}: expected TOML; {}",
                path.display(),
                error.message()
            ));
        }
    }
}

fn walk(
    values: &mut Values,
    faults: &mut Vec<String>,
    path: &Path,
    text: &str,
    above: &str,
    table: &DeTable<'_>,
) {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(name, _)| name.span().start);
    for (name, value) in entries {
        let key = match above {
            "" => name.get_ref().to_string(),
            above => format!("{above}.{}", name.get_ref()),
        };
        let line = line_of(text, name.span().start);
        let raw = match value.get_ref() {
            DeValue::Table(inner) if !is_known(&key) => {
                walk(values, faults, path, text, &key, inner);
                continue;
            }
            DeValue::String(text) => Raw::Text(text.to_string()),
            DeValue::Integer(number) => Raw::Integer(number.to_string()),
            other => Raw::Other(other.type_str()),
        };
        let path = path.to_owned();
        set(values, faults, &key, raw, Origin::File { path, line });
    }
}

fn is_known(key: &str) -> bool {
    Setting::of(key).is_some()
}

fn line_of(text: &str, at: usize) -> usize {
    1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count()
}

fn environment(values: &mut Values, faults: &mut Vec<String>, variable: &str, text: &str) {
    let Some(name) = variable.strip_prefix("AFTERWORD_") else {
        return;
    };
    if is_of_kubernetes(name) {
        return;
    }
    let key = name.to_lowercase().replace("__", ".");
    let origin = Origin::Environment {
        variable: variable.to_owned(),
    };
    set(values, faults, &key, Raw::Text(text.to_owned()), origin);
}

/// Kubernetes tells every container of a service named `afterword` its addresses in variables of these names.
fn is_of_kubernetes(name: &str) -> bool {
    ["SERVICE_HOST", "SERVICE_PORT", "PORT"]
        .iter()
        .any(|theirs| name == *theirs || name.starts_with(&format!("{theirs}_")))
}

fn set(values: &mut Values, faults: &mut Vec<String>, key: &str, raw: Raw, origin: Origin) {
    let Some(setting) = Setting::of(key) else {
        let hint = match Setting::nearest(key) {
            Some(nearest) => format!("did you mean `{nearest}`?"),
            None => "`afterword config check` lists the known keys".to_owned(),
        };
        faults.push(format!("{origin}: unknown key `{key}`; {hint}"));
        return;
    };
    match check(setting, raw) {
        Ok(value) => {
            values.insert(setting.key, (value, origin));
        }
        Err(found) => {
            let expected = setting.expected();
            faults.push(format!(
                "{origin}: `{key}`: expected {expected}, found {found}"
            ));
        }
    }
}

/// The value, or what was found instead of one.
fn check(setting: &Setting, raw: Raw) -> Result<Value, String> {
    let text = match (raw, setting.kind) {
        (Raw::Other(kind), _) => return Err(article(kind)),
        (Raw::Integer(number), Kind::Number { .. }) | (Raw::Text(number), Kind::Number { .. }) => {
            number
        }
        (Raw::Integer(number), _) => return Err(format!("the number {number}")),
        (Raw::Text(text), _) => text,
    };
    let found = || match (setting.secret, text.is_empty()) {
        (_, true) => "nothing".to_owned(),
        (true, false) => "a secret that is not such a value".to_owned(),
        (false, false) => format!("`{text}`"),
    };
    match setting.kind {
        Kind::Number { least, most } => match text.trim().replace('_', "").parse::<u64>() {
            Ok(number) if (least..=most).contains(&number) => Ok(Value::Number(number)),
            _ => Err(found()),
        },
        Kind::Choice(words) if !words.contains(&text.as_str()) => Err(found()),
        Kind::Address if text.parse::<SocketAddr>().is_err() => Err(found()),
        Kind::Text if text.is_empty() => Err(found()),
        _ => Ok(Value::Text(text)),
    }
}

fn article(kind: &str) -> String {
    let article = if kind.starts_with(['a', 'e', 'i', 'o', 'u']) {
        "an"
    } else {
        "a"
    };
    format!("{article} {kind}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(layers: &Layers) -> Vec<String> {
        resolve(layers).1
    }

    #[test]
    fn a_later_layer_lies_over_an_earlier_one() {
        let layers = Layers {
            file: Some((
                "a.toml".into(),
                "[log]\npartitions = 2\ncache_mib = 3\n".to_owned(),
            )),
            environment: vec![("AFTERWORD_LOG__CACHE_MIB".to_owned(), "5".to_owned())],
            flags: vec![(
                "data_dir".to_owned(),
                "/d".to_owned(),
                "--data-dir".to_owned(),
            )],
        };
        let (values, faults) = resolve(&layers);
        assert!(faults.is_empty(), "{faults:?}");
        let origin = Origin::File {
            path: "a.toml".into(),
            line: 2,
        };
        assert_eq!(values["log.partitions"], (Value::Number(2), origin));
        assert_eq!(values["log.cache_mib"].0, Value::Number(5));
        assert_eq!(values["data_dir"].0, Value::Text("/d".to_owned()));
    }

    #[test]
    fn every_fault_is_named_with_its_place() {
        let text = "data_dirr = 'x'\n[log]\npartitions = -1\ncache_mib = 'many'\n[reports]\nlisten = 8081\n";
        let layers = Layers {
            file: Some(("a.toml".into(), text.to_owned())),
            environment: vec![("AFTERWORD_LOGGING__FORMAT".to_owned(), "xml".to_owned())],
            flags: Vec::new(),
        };
        let faults = faults(&layers);
        assert_eq!(
            faults,
            [
                "a.toml:1: unknown key `data_dirr`; did you mean `data_dir`?",
                "a.toml:3: `log.partitions`: expected a whole number from 0 to 256, found `-1`",
                "a.toml:4: `log.cache_mib`: expected a whole number from 1 to 1048576, found `many`",
                "a.toml:6: `reports.listen`: expected an IP address and a port, such as 127.0.0.1:8081, found the number 8081",
                "AFTERWORD_LOGGING__FORMAT: `logging.format`: expected one of auto, human, json, found `xml`",
            ]
        );
    }

    #[test]
    fn what_is_no_toml_says_where() {
        let layers = Layers {
            file: Some(("a.toml".into(), "x = 1\n[log\n".to_owned())),
            ..Layers::default()
        };
        assert!(
            faults(&layers)[0].starts_with("a.toml:2: expected TOML"),
            "{:?}",
            faults(&layers)
        );
    }

    #[test]
    fn what_kubernetes_sets_is_no_key() {
        let variable = |name: &str| (name.to_owned(), "tcp://10.0.0.1:80".to_owned());
        let environment = vec![
            variable("AFTERWORD_PORT_8081_TCP"),
            variable("AFTERWORD_SERVICE_HOST"),
            variable("HOME"),
        ];
        assert_eq!(
            faults(&Layers {
                environment,
                ..Layers::default()
            }),
            Vec::<String>::new()
        );
    }
}
