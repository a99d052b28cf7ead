//! Every setting there is, one row each.

/// What a setting's value may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A whole number, both ends included.
    Number { least: u64, most: u64 },
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Any text but an empty one.
    Text,
    /// Any text; an empty one means that there is none.
    OptionalText,
    /// An IP address and a port; port 0 takes any free one.
    Address,
    /// Texts: a list in TOML, joined by commas elsewhere. None is right too.
    List,
    /// A colour such as #0f766e.
    Colour,
    /// A language with or without a region, such as de or pt-BR.
    Language,
}

/// One row of the configuration.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// As in TOML, levels joined by dots.
    pub key: &'static str,
    pub default: &'static str,
    pub kind: Kind,
    pub about: &'static str,
    /// Never printed.
    pub secret: bool,
}

const fn number(
    key: &'static str,
    default: &'static str,
    least: u64,
    most: u64,
    about: &'static str,
) -> Setting {
    let kind = Kind::Number { least, most };
    Setting {
        key,
        default,
        kind,
        about,
        secret: false,
    }
}

const fn other(
    key: &'static str,
    default: &'static str,
    kind: Kind,
    about: &'static str,
) -> Setting {
    Setting {
        key,
        default,
        kind,
        about,
        secret: false,
    }
}

const fn optional(key: &'static str, about: &'static str) -> Setting {
    other(key, "", Kind::OptionalText, about)
}

const fn secret(key: &'static str, about: &'static str) -> Setting {
    Setting {
        secret: true,
        ..optional(key, about)
    }
}

const fn list(key: &'static str, about: &'static str) -> Setting {
    other(key, "", Kind::List, about)
}

const fn secrets(key: &'static str, about: &'static str) -> Setting {
    Setting {
        secret: true,
        ..list(key, about)
    }
}

const MIB_MOST: u64 = 1 << 20;

/// The table. `docs` and `config check` print it; the layers are checked against it.
pub const SETTINGS: &[Setting] = &[
    other(
        "data_dir",
        "afterword-data",
        Kind::Text,
        "directory of the embedded log or of what is kept of Kafka's, and of the report database",
    ),
    number(
        "stop_timeout_s",
        "30",
        1,
        3_600,
        "how long a stop may take before the process ends anyway",
    ),
    other(
        "log.kind",
        "embedded",
        Kind::Choice(&["embedded", "kafka"]),
        "which log holds the topics: a directory of this machine, or Apache Kafka",
    ),
    number(
        "log.partitions",
        "0",
        0,
        256,
        "partitions of every topic of the embedded log but the settings, fixed once it is made; 0: as it was made, 4 for a new one",
    ),
    number(
        "log.cache_mib",
        "64",
        1,
        MIB_MOST,
        "memory for blocks read from disk",
    ),
    number(
        "log.retention_days",
        "0",
        0,
        36_500,
        "facts and outputs older than this are removed; 0 keeps them for ever",
    ),
    number(
        "log.retention_mib",
        "0",
        0,
        1 << 40,
        "each partition of a topic keeps at most so much; 0 keeps everything",
    ),
    number(
        "log.free_space_reserve_mib",
        "256",
        0,
        MIB_MOST,
        "appends wait while less than this is free on the disk",
    ),
    optional(
        "kafka.bootstrap_servers",
        "Kafka's brokers, HOST:PORT,HOST:PORT; needed with log.kind kafka",
    ),
    other(
        "kafka.group",
        "afterword",
        Kind::Text,
        "consumer group of all processes that share the work; part of the changelog's name and of transactional ids",
    ),
    optional(
        "schema_registry.url",
        "schema registry (http or https) whose ids go before values; empty: single-object encoding, which needs none",
    ),
    optional("schema_registry.username", "for a registry that asks"),
    secret("schema_registry.password", "for a registry that asks"),
    secret(
        "reports.database_url",
        "report database: postgres://…; empty: an SQLite file in the data directory",
    ),
    number(
        "process.poll_facts",
        "5000",
        1,
        100_000,
        "facts a task reads at once",
    ),
    number(
        "process.commit_facts",
        "10000",
        1,
        1_000_000,
        "facts after which a task commits at the latest",
    ),
    number(
        "process.commit_interval_ms",
        "100",
        1,
        60_000,
        "time after which a task commits at the latest",
    ),
    number(
        "process.debt_facts",
        "200000",
        0,
        100_000_000,
        "facts folded again after a crash at most; 0 stores every state at once",
    ),
    number(
        "process.cache_mib",
        "64",
        1,
        MIB_MOST,
        "memory for conversations, each partition",
    ),
    other(
        "survey.listen",
        "127.0.0.1:8080",
        Kind::Address,
        "the customers' pages",
    ),
    other(
        "survey.public_url",
        "http://127.0.0.1:8080",
        Kind::Text,
        "where customers reach these pages from outside: what links begin with",
    ),
    secrets(
        "survey.link_keys",
        "keys of links, each 32 random bytes in base64: the first makes new links, all open them; empty: one is made and kept in the data directory",
    ),
    list(
        "survey.trusted_proxies",
        "addresses (or networks such as 10.0.0.0/8) of proxies whose X-Forwarded-For says who asks",
    ),
    number(
        "survey.outcome_timeout_ms",
        "2000",
        0,
        30_000,
        "how long a page waits for what became of an answer before it says that it is kept",
    ),
    number(
        "survey.link_posts_a_minute",
        "30",
        1,
        100_000,
        "answers sent by one link in a minute; more are told to wait",
    ),
    number(
        "survey.address_requests_a_minute",
        "600",
        1,
        10_000_000,
        "requests of one address (IPv6: of one /64 network) in a minute; more are told to wait",
    ),
    other(
        "reports.listen",
        "127.0.0.1:8081",
        Kind::Address,
        "reports and the JSON API",
    ),
    other(
        "operations.listen",
        "127.0.0.1:8082",
        Kind::Address,
        "/metrics, /livez, /readyz",
    ),
    number(
        "http.body_limit_mib",
        "16",
        1,
        1_024,
        "largest body of a request",
    ),
    number(
        "http.connections",
        "512",
        1,
        65_536,
        "connections at a time, each listener; more wait",
    ),
    number(
        "http.request_timeout_s",
        "30",
        1,
        3_600,
        "how long a request may take, its body included",
    ),
    other(
        "logging.level",
        "info",
        Kind::Text,
        "error, warn, info, debug, trace, or target=level,… as tracing reads them",
    ),
    other(
        "logging.format",
        "auto",
        Kind::Choice(&["auto", "human", "json"]),
        "auto: human on a terminal, JSON otherwise",
    ),
];

/// What may stand in a table `[workspaces.ID]`: how one workspace looks to its customers and managers.
pub const OF_WORKSPACES: &[Setting] = &[
    optional("name", "the workspace's name; empty: its id"),
    other(
        "colour",
        "#0f766e",
        Kind::Colour,
        "what its pages and mails are tinted with",
    ),
    other(
        "locale",
        "en",
        Kind::Language,
        "language where the customer's is not known",
    ),
    optional(
        "conversation_url",
        "link into the team's help desk, with {conversation} where the id belongs",
    ),
];

impl Setting {
    /// The row of this key.
    #[must_use]
    pub fn of(key: &str) -> Option<&'static Setting> {
        SETTINGS.iter().find(|setting| setting.key == key)
    }

    /// The variable of the environment that sets it: `log.cache_mib` is `AFTERWORD_LOG__CACHE_MIB`.
    #[must_use]
    pub fn variable(&self) -> String {
        format!("AFTERWORD_{}", self.key.replace('.', "__").to_uppercase())
    }

    /// What a value must be, for messages.
    #[must_use]
    pub fn expected(&self) -> String {
        match self.kind {
            Kind::Number { least, most } => format!("a whole number from {least} to {most}"),
            Kind::Choice(words) => format!("one of {}", words.join(", ")),
            Kind::Text => "a text that is not empty".to_owned(),
            Kind::OptionalText => "a text".to_owned(),
            Kind::Address => "an IP address and a port, such as 127.0.0.1:8081".to_owned(),
            Kind::List => "a list of texts that are not empty".to_owned(),
            Kind::Colour => "a colour of six hexadecimal digits, such as #0f766e".to_owned(),
            Kind::Language => "a language, such as en or pt-BR".to_owned(),
        }
    }

    /// The known key that looks most like this one, when one does.
    #[must_use]
    pub fn nearest(key: &str) -> Option<&'static str> {
        let scored = SETTINGS.iter().map(|setting| {
            let last = setting.key.rsplit('.').next().unwrap_or(setting.key);
            let near = distance(key, setting.key).min(distance(key, last) + 1);
            (near, setting.key)
        });
        let (near, nearest) = scored.min()?;
        (near <= key.len().max(4) / 2).then_some(nearest)
    }
}

/// Levenshtein's distance in bytes.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_key_is_found() {
        assert_eq!(Setting::nearest("log.partition"), Some("log.partitions"));
        assert_eq!(Setting::nearest("debt_facts"), Some("process.debt_facts"));
        assert_eq!(Setting::nearest("datadir"), Some("data_dir"));
        assert_eq!(Setting::nearest("zzzzzzzzzzz"), None);
    }

    #[test]
    fn variables_have_two_underscores_between_levels() {
        let setting = Setting::of("log.cache_mib").expect("known");
        assert_eq!(setting.variable(), "AFTERWORD_LOG__CACHE_MIB");
    }
}
