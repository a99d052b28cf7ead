//! The layers of the configuration, and how they lie over each other.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use afterword_log::kafka::properties::refusal;
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
    Float(String),
    Boolean(bool),
    Other(&'static str),
}

type Values = BTreeMap<&'static str, (Value, Origin)>;

/// Properties of librdkafka that somebody set, each with where.
pub type Properties = BTreeMap<String, (String, Origin)>;

/// What the layers say together, and every fault of them.
#[derive(Debug, Default)]
pub struct Resolved {
    pub values: Values,
    pub properties: Properties,
    pub faults: Vec<String>,
}

/// Before the name of a property of librdkafka.
pub const PROPERTIES: &str = "kafka.properties.";

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

    fn set_property(&mut self, property: &str, raw: Raw, origin: Origin) {
        let text = match raw {
            Raw::Text(text) | Raw::Integer(text) | Raw::Float(text) => text,
            Raw::Boolean(is) => is.to_string(),
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

fn line_of(text: &str, at: usize) -> usize {
    1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count()
}

/// Kubernetes tells every container of a service named `afterword` its addresses in variables of these names.
fn is_of_kubernetes(name: &str) -> bool {
    ["SERVICE_HOST", "SERVICE_PORT", "PORT"]
        .iter()
        .any(|theirs| name == *theirs || name.starts_with(&format!("{theirs}_")))
}

/// The value, or what was found instead of one.
fn check(setting: &Setting, raw: Raw) -> Result<Value, String> {
    let text = match (raw, setting.kind) {
        (Raw::Other(kind), _) => return Err(article(kind)),
        (Raw::Float(_), _) => return Err("a float".to_owned()),
        (Raw::Boolean(_), _) => return Err("a boolean".to_owned()),
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
        resolve(layers).faults
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
        let Resolved { values, faults, .. } = resolve(&layers);
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

    #[test]
    fn properties_of_librdkafka_are_taken_from_every_layer() {
        let text = "[kafka.properties]\n\"security.protocol\" = 'SSL'\nsocket.keepalive.enable = true\nlinger.ms = 0.5\nfetch.max.bytes = 1000\n";
        let variable = |name: &str| format!("AFTERWORD_KAFKA__PROPERTIES__{name}");
        let flag = "--set kafka.properties.client.id".to_owned();
        let layers = Layers {
            file: Some(("a.toml".into(), text.to_owned())),
            environment: vec![(variable("FETCH_MAX_BYTES"), "2000".to_owned())],
            flags: vec![(
                "kafka.properties.client.id".to_owned(),
                "a".to_owned(),
                flag,
            )],
        };
        let resolved = resolve(&layers);
        assert_eq!(resolved.faults, Vec::<String>::new());
        let texts = resolved.properties.iter();
        let texts: Vec<_> = texts
            .map(|(name, (text, _))| (name.as_str(), text.as_str()))
            .collect();
        assert_eq!(
            texts,
            [
                ("client.id", "a"),
                ("fetch.max.bytes", "2000"),
                ("linger.ms", "0.5"),
                ("security.protocol", "SSL"),
                ("socket.keepalive.enable", "true"),
            ]
        );
    }

    #[test]
    fn properties_that_would_break_a_promise_are_refused() {
        let text = "[kafka.properties.enable]\nidempotence = false\n".to_owned();
        let flags = [
            "kafka.properties",
            "kafka.properties.acks",
            "kafka.properties.sasl.passwort",
        ];
        let flags = flags.map(|key| (key.to_owned(), "hush".to_owned(), format!("--set {key}")));
        let layers = Layers {
            file: Some(("a.toml".into(), text)),
            flags: flags.to_vec(),
            ..Layers::default()
        };
        let faults = faults(&layers);
        for (fault, expected) in faults.iter().zip([
            "a.toml:2: `kafka.properties.enable.idempotence`: the program sets this itself: without it",
            "--set kafka.properties: unknown key `kafka.properties`; expected a table",
            "--set kafka.properties.acks: `kafka.properties.acks`: the program sets this itself: an acknowledgement",
            "--set kafka.properties.sasl.passwort: `kafka.properties.sasl.passwort`: librdkafka refuses it",
        ]) {
            assert!(fault.starts_with(expected) && !fault.contains("hush"), "{fault}");
        }
        assert_eq!(faults.len(), 4, "{faults:?}");
    }
}
