//! The configuration: defaults < TOML file < `AFTERWORD_…` environment < flags. One table ([`table::SETTINGS`]) names every
//! key with its default, its range and its meaning; the layers are checked against it, and each value remembers where it
//! came from.
//!
//! Written by hand rather than with a configuration crate, because an unknown key must be an error that names the nearest
//! known one, and `config check` must say where each value came from.

mod layers;
mod table;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

pub use layers::{Layers, Origin};
pub use table::{SETTINGS, Setting};

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
}

/// The configuration as the program uses it.
#[derive(Clone, Debug)]
pub struct Config {
    pub data_dir: PathBuf,
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
    pub reports_listen: SocketAddr,
    pub operations_listen: SocketAddr,
    pub body_limit_bytes: usize,
    pub connections: usize,
    pub request_timeout: Duration,
    pub stop_timeout: Duration,
    pub log_level: String,
    pub log_format: LogFormat,
}

/// How the program's own log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    Human,
    Json,
}

const MIB: u64 = 1 << 20;
const DAY_MS: u64 = 86_400_000;

impl Effective {
    /// Lays the layers over each other and checks every value.
    ///
    /// # Errors
    /// With every fault there is, not the first alone.
    pub fn resolve(layers: &Layers) -> Result<Effective, Failure> {
        let (values, faults) = layers::resolve(layers);
        if faults.is_empty() {
            Ok(Effective { values })
        } else {
            Err(Failure::Configuration(faults))
        }
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
            reports_listen: self.address("reports.listen"),
            operations_listen: self.address("operations.listen"),
            body_limit_bytes: self.size("http.body_limit_mib") << 20,
            connections: self.size("http.connections"),
            request_timeout: Duration::from_secs(self.number("http.request_timeout_s")),
            stop_timeout: Duration::from_secs(self.number("stop_timeout_s")),
            log_level: self.text("logging.level"),
            log_format: self.log_format(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_valid_and_every_key_is_used() {
        let effective = Effective::resolve(&Layers::default()).expect("the defaults are valid");
        assert_eq!(effective.iter().count(), SETTINGS.len());
        let config = effective.config();
        assert_eq!(config.reports_listen.port(), 8081);
        assert_eq!(config.operations_listen.port(), 8082);
        assert_eq!(config.retention_ms, None);
        assert_eq!(config.commit_interval, Duration::from_millis(100));
    }
}
