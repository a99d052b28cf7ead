//! What no single value shows: keys that do not fit together, and texts that mean nothing.

use afterword_link::LinkKeys;

use super::deliver;
use super::survey::{is_origin, network};
use super::{Effective, LogKind, Origin};

/// The longest name of a topic that Kafka takes.
const TOPIC_NAME_BYTES: usize = 249;
/// After the group in the name of its changelog.
const CHANGELOG: &str = "-state-changelog";

/// Every contradiction, each with the place of the value that should change.
pub fn find(effective: &Effective) -> Vec<String> {
    let faults = [
        servers(effective),
        group(effective),
        registry(effective),
        registry_credentials(effective),
        database(effective),
        public_url(effective),
        link_keys(effective),
        proxies(effective),
        frame_ancestors(effective),
    ];
    let links = conversation_urls(effective);
    let delivered = deliver::contradictions(effective);
    let sources = super::sources::contradictions(effective);
    let access = super::accounts::faults(effective);
    let faults = faults.into_iter().flatten();
    let named = links.into_iter().chain(delivered).chain(sources);
    let named = named.chain(access);
    let named = named.chain(super::telemetry::contradictions(effective));
    faults.chain(named).collect()
}

fn servers(effective: &Effective) -> Option<String> {
    let key = "kafka.bootstrap_servers";
    let servers = effective.text(key);
    match (effective.log_kind(), origin(effective, "log.kind")) {
        (LogKind::Kafka, kind) if servers.is_empty() => Some(format!(
            "{kind}: `log.kind` is kafka: expected its brokers, found none; set `{key}` (--bootstrap-servers HOST:PORT,…)"
        )),
        (LogKind::Embedded, Origin::Default) if !servers.is_empty() => {
            let place = origin(effective, key);
            Some(format!(
                "{place}: `{key}` is set, and nothing says which log is meant; set `log.kind` to kafka (--log kafka), or to embedded"
            ))
        }
        _ if servers.is_empty() || servers.split(',').all(is_server) => None,
        _ => {
            let place = origin(effective, key);
            Some(format!(
                "{place}: `{key}`: expected HOST:PORT,HOST:PORT, found `{servers}`"
            ))
        }
    }
}

fn is_server(server: &str) -> bool {
    let Some((host, port)) = server.trim().rsplit_once(':') else {
        return false;
    };
    !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0)
}

fn group(effective: &Effective) -> Option<String> {
    let group = effective.text("kafka.group");
    let is_name = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let fits = group.len() + CHANGELOG.len() <= TOPIC_NAME_BYTES;
    (!fits || !group.chars().all(is_name)).then(|| {
        let place = origin(effective, "kafka.group");
        format!(
            "{place}: `kafka.group`: expected at most {} of the characters A-Z a-z 0-9 . _ - since the topic {{group}}{CHANGELOG} is named after it, found `{group}`",
            TOPIC_NAME_BYTES - CHANGELOG.len()
        )
    })
}

fn registry(effective: &Effective) -> Option<String> {
    let key = "schema_registry.url";
    let url = effective.optional(key)?;
    let place = origin(effective, key);
    let Some(rest) = after_scheme(&url, &["http://", "https://"]) else {
        return Some(format!(
            "{place}: `{key}`: expected http://… or https://…, found another text"
        ));
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return Some(format!(
            "{place}: `{key}`: expected no name and password within; set `schema_registry.username` and `schema_registry.password`"
        ));
    }
    authority
        .is_empty()
        .then(|| format!("{place}: `{key}`: expected a host, found `{url}`"))
}

fn registry_credentials(effective: &Effective) -> Option<String> {
    let has = |name: &str| effective.optional(&format!("schema_registry.{name}"));
    let (missing, given) = match (has("url"), has("username"), has("password")) {
        (None, Some(_), _) => ("url", "username"),
        (None, _, Some(_)) => ("url", "password"),
        (_, None, Some(_)) => ("username", "password"),
        (_, Some(_), None) => ("password", "username"),
        _ => return None,
    };
    let place = origin(effective, &format!("schema_registry.{given}"));
    Some(format!(
        "{place}: `schema_registry.{given}` is set: expected `schema_registry.{missing}` too, found none"
    ))
}

/// The URL has a password in it and is never part of the fault.
fn database(effective: &Effective) -> Option<String> {
    let key = "reports.database_url";
    let url = effective.optional(key)?;
    let rest = after_scheme(&url, &["postgres://", "postgresql://"]);
    rest.is_none_or(str::is_empty).then(|| {
        let place = origin(effective, key);
        format!("{place}: `{key}`: expected postgres://USER:PASSWORD@HOST:PORT/DATABASE, or nothing for an SQLite file in the data directory, found another text")
    })
}

fn public_url(effective: &Effective) -> Option<String> {
    let key = "survey.public_url";
    let url = effective.text(key);
    let rest = after_scheme(&url, &["http://", "https://"]);
    let fits = rest.is_some_and(|rest| !rest.is_empty() && !rest.contains(['?', '#', '@', ' ']));
    (!fits).then(|| {
        let place = origin(effective, key);
        format!("{place}: `{key}`: expected http://… or https://…, as customers reach the pages, found `{url}`")
    })
}

/// The keys are never part of the fault.
fn link_keys(effective: &Effective) -> Option<String> {
    let key = "survey.link_keys";
    let keys = effective.list(key);
    let fault = LinkKeys::parse(&keys).err().filter(|_| !keys.is_empty())?;
    Some(format!("{}: `{key}`: {fault}", origin(effective, key)))
}

fn frame_ancestors(effective: &Effective) -> Option<String> {
    let key = "survey.frame_ancestors";
    let origins = effective.list(key);
    let wrong = origins.iter().find(|text| !is_origin(text))?;
    let place = origin(effective, key);
    Some(format!(
        "{place}: `{key}`: expected origins such as https://www.example.com (no path, no *), found `{wrong}`"
    ))
}

fn proxies(effective: &Effective) -> Option<String> {
    let key = "survey.trusted_proxies";
    let proxies = effective.list(key);
    let wrong = proxies.iter().find(|text| network(text).is_none())?;
    let place = origin(effective, key);
    Some(format!(
        "{place}: `{key}`: expected addresses or networks such as 10.0.0.0/8, found `{wrong}`"
    ))
}

/// They become links on managers' pages, so nothing but the web.
fn conversation_urls(effective: &Effective) -> Vec<String> {
    let set = effective.named();
    let urls = set.filter(|(_, setting, _, _)| setting.key == "conversation_url");
    let wrong = urls.filter_map(|(key, _, value, origin)| {
        let text = value.to_string();
        let fits = after_scheme(&text, &["http://", "https://"])
            .is_some_and(|rest| rest.contains("{conversation}"));
        (!fits && !text.is_empty()).then(|| {
            format!("{origin}: `{key}`: expected http://… or https://… with {{conversation}} in it, found `{text}`")
        })
    });
    wrong.collect()
}

pub(super) fn after_scheme<'a>(url: &'a str, schemes: &[&str]) -> Option<&'a str> {
    schemes.iter().find_map(|scheme| url.strip_prefix(scheme))
}

pub(super) fn origin(effective: &Effective, key: &str) -> Origin {
    let held = effective.values.get(key);
    held.map_or(Origin::Default, |(_, origin)| origin.clone())
}

#[cfg(test)]
mod tests {
    use crate::config::{Effective, Layers};
    use crate::failure::Failure;

    fn check(pairs: &[(&str, &str)], expected: Option<&str>) {
        let flags = pairs.iter();
        let flags = flags
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned(), "--set".to_owned()))
            .collect();
        let resolved = Effective::resolve(&Layers {
            flags,
            ..Layers::default()
        });
        let faults = match resolved {
            Ok(_) => Vec::new(),
            Err(Failure::Configuration(faults)) => faults,
            Err(failure) => panic!("{failure}"),
        };
        assert_eq!(faults.len(), usize::from(expected.is_some()), "{faults:?}");
        if let Some(expected) = expected {
            assert!(faults[0].contains(expected), "{faults:?}");
            assert!(!faults[0].contains("hush"), "{faults:?}");
        }
    }

    #[test]
    fn kafka_and_its_brokers_go_together() {
        let kafka = ("log.kind", "kafka");
        let servers = |servers| ("kafka.bootstrap_servers", servers);
        check(&[kafka], Some("set `kafka.bootstrap_servers`"));
        check(&[servers("a:9092")], Some("set `log.kind` to kafka"));
        check(&[("log.kind", "embedded"), servers("a:9092")], None);
        check(&[kafka, servers("a:9092, [::1]:9093")], None);
        check(&[kafka, servers("a:9092,,b:1")], Some("expected HOST:PORT"));
        check(&[kafka, servers("a")], Some("expected HOST:PORT"));
    }

    #[test]
    fn links_and_workspaces_are_checked() {
        let good = afterword_link::LinkKeys::generate();
        let two = format!("{good}, {good}");
        let keys = |keys| ("survey.link_keys", keys);
        check(&[keys(good.as_str())], None);
        check(&[keys(two.as_str())], None);
        check(
            &[keys("hush")],
            Some("key 1 of 1: expected 32 random bytes"),
        );
        let url = |url| ("survey.public_url", url);
        check(&[url("https://survey.example.com/a/")], None);
        check(&[url("survey.example.com")], Some("expected http://"));
        check(&[url("https://a.example/?x")], Some("expected http://"));
        let proxies = |list| ("survey.trusted_proxies", list);
        check(&[proxies("10.0.0.0/8,::1,192.0.2.1")], None);
        check(&[proxies("10.0.0.0/8,proxy")], Some("found `proxy`"));
        let desk = |url| ("workspaces.w1.conversation_url", url);
        check(&[desk("https://desk.example/c/{conversation}")], None);
        check(&[desk("https://desk.example/c/")], Some("{conversation}"));
        check(&[desk("javascript:{conversation}")], Some("expected http"));
    }

    #[test]
    fn a_group_is_part_of_a_topics_name() {
        check(&[("kafka.group", "a.b_c-9")], None);
        check(&[("kafka.group", "a b")], Some("found `a b`"));
        check(&[("kafka.group", &"a".repeat(233))], None);
        check(&[("kafka.group", &"a".repeat(234))], Some("at most 233"));
    }

    #[test]
    fn what_holds_a_password_is_not_told() {
        let url = |url| ("schema_registry.url", url);
        let username = ("schema_registry.username", "a");
        let password = ("schema_registry.password", "hush");
        check(&[url("https://r:1/x"), username, password], None);
        check(&[url("r:8081")], Some("expected http://"));
        check(&[url("http://a:hush@r")], Some("schema_registry.password"));
        check(&[username, password], Some("`schema_registry.url` too"));
        check(
            &[url("http://r"), password],
            Some("`schema_registry.username` too"),
        );
        check(
            &[url("http://r"), username],
            Some("`schema_registry.password` too"),
        );
        let database = |url| ("reports.database_url", url);
        check(&[database("postgres://a:hush@h/d")], None);
        check(
            &[database("mysql://a:hush@h/d")],
            Some("expected postgres://"),
        );
    }
}
