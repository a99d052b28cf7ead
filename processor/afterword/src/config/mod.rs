//! The configuration: defaults < TOML file < `AFTERWORD_…` environment < flags. One table ([`table::SETTINGS`]) names every
//! key with its default, its range and its meaning; the layers are checked against it, and each value remembers where it
//! came from.
//!
//! Written by hand rather than with a configuration crate, because an unknown key must be an error that names the nearest
//! known one, and `config check` must say where each value came from.

mod accounts;
mod contradictions;
mod deliver;
mod layers;
mod named;
mod setting;
mod sources;
mod survey;
mod table;
mod telemetry;
mod values;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use afterword_web::sources::Source;

pub use accounts::{AccessConfig, grants};
pub use deliver::DeliverConfig;
use layers::{ACCOUNTS, SOURCES, WEBHOOKS};
pub use layers::{Layers, Origin, PROPERTIES, WORKSPACES};
pub use named::OF_WORKSPACES;
use named::{OF_ACCOUNTS, OF_SOURCES, OF_WEBHOOKS};
pub use setting::Setting;
pub use survey::{SurveyConfig, WorkspaceLook};
pub use table::SETTINGS;
pub use telemetry::TelemetryConfig;

use crate::failure::Failure;

/// A checked value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    Number(u64),
    Text(String),
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Value::Number(number) => number.fmt(f),
            Value::Text(text) => text.fmt(f),
        }
    }
}

/// Every setting's value in force and where it came from.
#[derive(Clone, Debug)]
pub struct Effective {
    values: BTreeMap<&'static str, (Value, Origin)>,
    properties: layers::Properties,
    workspaces: layers::Named,
    webhooks: layers::Named,
    sources: layers::Named,
    accounts: layers::Named,
}

/// The configuration as the program uses it. Has secrets in it, so it cannot be printed.
#[derive(Clone)]
pub struct Config {
    pub data_dir: PathBuf,
    pub log: LogKind,
    pub kafka: KafkaConfig,
    pub schema_registry: Option<RegistryConfig>,
    /// `None`: an SQLite file in the data directory.
    pub database_url: Option<String>,
    /// `None`: as the log was made, or the default of a new one.
    pub partitions: Option<u32>,
    pub log_cache_bytes: usize,
    pub retention_ms: Option<u64>,
    pub retention_bytes: Option<u64>,
    pub free_space_reserve_bytes: u64,
    pub poll_facts: usize,
    pub commit_facts: usize,
    pub commit_interval: Duration,
    pub debt_facts: u64,
    pub cache_bytes: usize,
    pub survey: SurveyConfig,
    pub deliver: DeliverConfig,
    /// By id, those that the configuration names.
    pub workspaces: BTreeMap<String, WorkspaceLook>,
    /// Help desks whose webhooks are received.
    pub sources: Vec<Source>,
    pub access: AccessConfig,
    pub reports_listen: SocketAddr,
    pub operations_listen: SocketAddr,
    pub body_limit_bytes: usize,
    pub connections: usize,
    pub request_timeout: Duration,
    pub stop_timeout: Duration,
    pub log_level: String,
    pub log_format: LogFormat,
    /// `None`: no traces are recorded.
    pub telemetry: Option<TelemetryConfig>,
}

/// How the program's own log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    Human,
    Json,
}

/// Which log holds the topics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum LogKind {
    /// A directory of this machine.
    Embedded,
    /// Apache Kafka.
    Kafka,
}

impl LogKind {
    /// As in the key `log.kind`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            LogKind::Embedded => "embedded",
            LogKind::Kafka => "kafka",
        }
    }
}

/// How Kafka is reached. Has secrets in it, so it cannot be printed.
#[derive(Clone, PartialEq, Eq)]
pub struct KafkaConfig {
    /// Not empty when the log is Kafka's.
    pub bootstrap_servers: String,
    pub group: String,
    /// Properties of librdkafka, none of which the program sets itself.
    pub properties: BTreeMap<String, String>,
}

/// How the schema registry is reached. Has secrets in it, so it cannot be printed.
#[derive(Clone, PartialEq, Eq)]
pub struct RegistryConfig {
    pub url: String,
    /// Name and password, when it asks for them.
    pub credentials: Option<(String, String)>,
}

const MIB: u64 = 1 << 20;
const DAY_MS: u64 = 86_400_000;

impl Effective {
    /// Lays the layers over each other and checks every value.
    ///
    /// # Errors
    /// With every fault there is, not the first alone.
    pub fn resolve(layers: &Layers) -> Result<Effective, Failure> {
        let resolved = layers::resolve(layers);
        let mut faults = resolved.faults;
        let effective = Effective {
            values: resolved.values,
            properties: resolved.properties,
            workspaces: resolved.workspaces,
            webhooks: resolved.webhooks,
            sources: resolved.sources,
            accounts: resolved.accounts,
        };
        if faults.is_empty() {
            faults = contradictions::find(&effective);
        }
        match faults.is_empty() {
            true => Ok(effective),
            false => Err(Failure::Configuration(faults)),
        }
    }

    /// The properties of librdkafka that somebody set: name, value, where it came from.
    pub fn properties(&self) -> impl Iterator<Item = (&str, &str, &Origin)> {
        let all = self.properties.iter();
        all.map(|(name, (value, origin))| (name.as_str(), value.as_str(), origin))
    }

    /// Every setting in the table's order, with its value and where that came from.
    pub fn iter(&self) -> impl Iterator<Item = (&'static Setting, &Value, &Origin)> {
        SETTINGS.iter().filter_map(|setting| {
            let (value, origin) = self.values.get(setting.key)?;
            Some((setting, value, origin))
        })
    }

    fn number(&self, key: &str) -> u64 {
        match self.values.get(key) {
            Some((Value::Number(number), _)) => *number,
            _ => 0,
        }
    }

    fn text(&self, key: &str) -> String {
        self.values
            .get(key)
            .map(|(value, _)| value.to_string())
            .unwrap_or_default()
    }

    fn optional(&self, key: &str) -> Option<String> {
        Some(self.text(key)).filter(|text| !text.is_empty())
    }

    fn log_kind(&self) -> LogKind {
        match self.text("log.kind").as_str() {
            "kafka" => LogKind::Kafka,
            _ => LogKind::Embedded,
        }
    }

    fn kafka(&self) -> KafkaConfig {
        let properties = self.properties();
        KafkaConfig {
            bootstrap_servers: self.text("kafka.bootstrap_servers"),
            group: self.text("kafka.group"),
            properties: properties
                .map(|(name, value, _)| (name.to_owned(), value.to_owned()))
                .collect(),
        }
    }

    fn schema_registry(&self) -> Option<RegistryConfig> {
        let password = self.text("schema_registry.password");
        Some(RegistryConfig {
            url: self.optional("schema_registry.url")?,
            credentials: self
                .optional("schema_registry.username")
                .map(|username| (username, password)),
        })
    }

    fn list(&self, key: &str) -> Vec<String> {
        let text = self.text(key);
        let parts = text
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty());
        parts.map(str::to_owned).collect()
    }

    /// What was set of workspaces, webhooks, sources and accounts: the whole key, the row, the value, where it came from.
    pub fn named(&self) -> impl Iterator<Item = (String, &'static Setting, &Value, &Origin)> {
        let tables = [
            (WORKSPACES, OF_WORKSPACES, &self.workspaces),
            (WEBHOOKS, OF_WEBHOOKS, &self.webhooks),
            (SOURCES, OF_SOURCES, &self.sources),
            (ACCOUNTS, OF_ACCOUNTS, &self.accounts),
        ];
        tables.into_iter().flat_map(|(table, rows, all)| {
            all.iter().flat_map(move |(id, values)| {
                rows.iter().filter_map(move |setting| {
                    let (value, origin) = values.get(setting.key)?;
                    let key = format!("{table}{id}.{}", setting.key);
                    Some((key, setting, value, origin))
                })
            })
        })
    }

    fn address(&self, key: &str) -> SocketAddr {
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        self.text(key).parse().unwrap_or(nowhere)
    }

    fn size(&self, key: &str) -> usize {
        usize::try_from(self.number(key)).unwrap_or(usize::MAX)
    }

    fn or_for_ever(&self, key: &str, unit: u64) -> Option<u64> {
        let number = self.number(key);
        (number > 0).then(|| number.saturating_mul(unit))
    }

    fn log_format(&self) -> LogFormat {
        use std::io::IsTerminal;
        match self.text("logging.format").as_str() {
            "human" => LogFormat::Human,
            "json" => LogFormat::Json,
            _ if std::io::stderr().is_terminal() => LogFormat::Human,
            _ => LogFormat::Json,
        }
    }

    /// The same as one struct.
    #[must_use]
    pub fn config(&self) -> Config {
        Config {
            data_dir: PathBuf::from(self.text("data_dir")),
            log: self.log_kind(),
            kafka: self.kafka(),
            schema_registry: self.schema_registry(),
            database_url: self.optional("reports.database_url"),
            partitions: u32::try_from(self.number("log.partitions"))
                .ok()
                .filter(|number| *number > 0),
            log_cache_bytes: self.size("log.cache_mib") << 20,
            retention_ms: self.or_for_ever("log.retention_days", DAY_MS),
            retention_bytes: self.or_for_ever("log.retention_mib", MIB),
            free_space_reserve_bytes: self.number("log.free_space_reserve_mib") * MIB,
            poll_facts: self.size("process.poll_facts"),
            commit_facts: self.size("process.commit_facts"),
            commit_interval: Duration::from_millis(self.number("process.commit_interval_ms")),
            debt_facts: self.number("process.debt_facts"),
            cache_bytes: self.size("process.cache_mib") << 20,
            survey: self.survey(),
            deliver: self.deliver(),
            workspaces: self.looks(),
            sources: self.sources(),
            access: self.access(),
            reports_listen: self.address("reports.listen"),
            operations_listen: self.address("operations.listen"),
            body_limit_bytes: self.size("http.body_limit_mib") << 20,
            connections: self.size("http.connections"),
            request_timeout: Duration::from_secs(self.number("http.request_timeout_s")),
            stop_timeout: Duration::from_secs(self.number("stop_timeout_s")),
            log_level: self.text("logging.level"),
            log_format: self.log_format(),
            telemetry: self.telemetry(),
        }
    }
}

/// What a file of this text says over the defaults, or every fault of it.
#[cfg(test)]
fn resolve_file(text: &str) -> Result<Effective, Vec<String>> {
    let layers = Layers {
        file: Some(("a.toml".into(), text.to_owned())),
        ..Layers::default()
    };
    Effective::resolve(&layers).map_err(|failure| match failure {
        Failure::Configuration(faults) => faults,
        other => vec![other.to_string()],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_valid_and_every_key_is_used() {
        let effective = Effective::resolve(&Layers::default()).expect("the defaults are valid");
        assert_eq!(effective.iter().count(), SETTINGS.len());
        let config = effective.config();
        assert_eq!(config.log, LogKind::Embedded);
        assert_eq!(config.kafka.group, "afterword");
        assert!(config.schema_registry.is_none() && config.database_url.is_none());
        assert_eq!(config.reports_listen.port(), 8081);
        assert_eq!(config.operations_listen.port(), 8082);
        assert_eq!(config.survey.listen.port(), 8080);
        assert!(config.survey.link_keys.is_none() && config.workspaces.is_empty());
        assert_eq!(config.look("w1").name, "w1");
        assert_eq!(config.retention_ms, None);
        assert_eq!(config.commit_interval, Duration::from_millis(100));
    }
}
