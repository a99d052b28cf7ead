//! What the configuration says of the customers' pages, and of workspaces' looks.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use afterword_link::LinkKeys;
use ipnet::IpNet;

use super::{Config, Effective, OF_WORKSPACES, layers};

/// The customers' pages. Has secrets in it, so it cannot be printed.
#[derive(Clone)]
pub struct SurveyConfig {
    pub listen: SocketAddr,
    /// Without a slash at its end.
    pub public_url: String,
    /// As configured, the first mints; `None`: those of the data directory.
    pub link_keys: Option<LinkKeys>,
    pub trusted_proxies: Vec<IpNet>,
    /// Origins, `https://www.example.com`: who may show the pages in a frame.
    pub frame_ancestors: Vec<String>,
    /// How long a page waits for what became of an answer.
    pub outcome_timeout: Duration,
    pub link_posts_a_minute: u32,
    pub address_requests_a_minute: u32,
}

/// How a workspace looks to its customers and managers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkspaceLook {
    pub name: String,
    /// `#rrggbb`.
    pub colour: String,
    /// Where the customer's language is not known, such as `de` or `pt-BR`.
    pub locale: String,
    /// Into the team's help desk; `{conversation}` stands for the id.
    pub conversation_url: Option<String>,
}

impl Effective {
    pub(super) fn looks(&self) -> BTreeMap<String, WorkspaceLook> {
        let look = |(id, values): (&String, &layers::Values)| {
            let mut look = WorkspaceLook::of(id);
            for (key, (value, _)) in values {
                let text = value.to_string();
                match *key {
                    "colour" => look.colour = text,
                    "locale" => look.locale = text,
                    "conversation_url" => look.conversation_url = Some(text),
                    _ if text.is_empty() => {}
                    _ => look.name = text,
                }
            }
            look.conversation_url = look.conversation_url.filter(|text| !text.is_empty());
            (id.clone(), look)
        };
        self.workspaces.iter().map(look).collect()
    }

    pub(super) fn survey(&self) -> SurveyConfig {
        let number = |key| u32::try_from(self.number(key)).unwrap_or(u32::MAX);
        let proxies = self.list("survey.trusted_proxies");
        SurveyConfig {
            listen: self.address("survey.listen"),
            public_url: self
                .text("survey.public_url")
                .trim_end_matches('/')
                .to_owned(),
            link_keys: LinkKeys::parse(&self.list("survey.link_keys")).ok(),
            trusted_proxies: proxies.iter().filter_map(|text| network(text)).collect(),
            frame_ancestors: self.list("survey.frame_ancestors"),
            outcome_timeout: Duration::from_millis(self.number("survey.outcome_timeout_ms")),
            link_posts_a_minute: number("survey.link_posts_a_minute"),
            address_requests_a_minute: number("survey.address_requests_a_minute"),
        }
    }
}

/// What links begin with when nothing says so: the default of `survey.listen`.
const DEFAULT_URL: &str = "http://127.0.0.1:8080";

impl Config {
    /// The same, once the listener of the customers' pages is bound: where nothing says what links begin with, they begin
    /// with its address.
    #[must_use]
    pub fn reached_at(&self, listener: Option<SocketAddr>) -> Config {
        let mut config = self.clone();
        match listener {
            Some(address)
                if config.survey.public_url == DEFAULT_URL && !address.ip().is_unspecified() =>
            {
                config.survey.public_url = format!("http://{address}");
            }
            _ => {}
        }
        config
    }

    /// How a workspace looks, named in the configuration or not.
    #[must_use]
    pub fn look(&self, workspace_id: &str) -> WorkspaceLook {
        let named = self.workspaces.get(workspace_id);
        named
            .cloned()
            .unwrap_or_else(|| WorkspaceLook::of(workspace_id))
    }
}

impl WorkspaceLook {
    /// As the table's defaults say.
    fn of(workspace_id: &str) -> WorkspaceLook {
        let default = |key| {
            let setting = OF_WORKSPACES.iter().find(|setting| setting.key == key);
            setting.map_or("", |setting| setting.default).to_owned()
        };
        WorkspaceLook {
            name: workspace_id.to_owned(),
            colour: default("colour"),
            locale: default("locale"),
            conversation_url: None,
        }
    }
}

/// An address alone is the network of that one.
pub fn network(text: &str) -> Option<IpNet> {
    let address = || text.parse::<IpAddr>().map(IpNet::from);
    text.parse().or_else(|_| address()).ok()
}

/// Whether a text is an origin, as browsers write it: scheme, host and perhaps a port, nothing behind.
pub fn is_origin(text: &str) -> bool {
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    let (host, port) = match rest.map(|rest| rest.rsplit_once(':')) {
        Some(Some((host, port))) if !port.ends_with(']') => (Some(host), Some(port)),
        _ => (rest, None),
    };
    let is_of_host = |c: char| c.is_ascii_alphanumeric() || ".-[]:".contains(c);
    host.is_some_and(|host| !host.is_empty() && host.chars().all(is_of_host))
        && port.is_none_or(|port| port.parse::<u16>().is_ok())
}

#[test]
fn origins_are_known() {
    for origin in [
        "https://www.example.com",
        "http://localhost:8080",
        "https://[::1]:8443",
        "http://[::1]",
    ] {
        assert!(is_origin(origin), "{origin}");
    }
    for other in [
        "",
        "*",
        "'self'",
        "https:",
        "https://",
        "www.example.com",
        "https://a.example/",
        "https://a.example/x",
        "https://a b",
        "https://a.example; script-src *",
        "https://a.example:x",
        "https://*.example.com",
    ] {
        assert!(!is_origin(other), "{other}");
    }
}
