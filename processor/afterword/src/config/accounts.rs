//! What the configuration says of who may see reports.

use std::num::NonZeroU32;
use std::time::Duration;

use afterword_readmodel::{Grant, Role};
use afterword_web::access::{AccessOptions, Reach, TeammatesSee, Visibility, account_name, secret};

use super::survey::network;
use super::{Config, Effective, Value, layers};
use crate::config::layers::ACCOUNTS;

/// Who may see reports. Has secrets in it, so it cannot be printed.
#[derive(Clone)]
pub struct AccessConfig {
    /// Without a slash at its end.
    pub public_origin: Option<String>,
    pub trusted_proxies: Vec<ipnet::IpNet>,
    pub session_idle: Duration,
    pub session_most: Duration,
    pub account_attempts: NonZeroU32,
    pub address_attempts: NonZeroU32,
    pub visibility: Visibility,
    pub accounts: Vec<NamedAccount>,
}

/// An account of the configuration.
#[derive(Clone)]
pub struct NamedAccount {
    /// In small letters.
    pub name: String,
    pub password_hash: String,
    pub grants: Vec<Grant>,
}

impl Effective {
    pub(super) fn access(&self) -> AccessConfig {
        let attempts = |key| {
            let number = u32::try_from(self.number(key)).unwrap_or(u32::MAX);
            NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN)
        };
        let proxies = self.list("reports.trusted_proxies");
        let url = self.optional("reports.public_url");
        AccessConfig {
            public_origin: url.map(|url| url.trim_end_matches('/').to_owned()),
            trusted_proxies: proxies.iter().filter_map(|text| network(text)).collect(),
            session_idle: Duration::from_secs(60 * self.number("access.session_idle_minutes")),
            session_most: Duration::from_secs(86_400 * self.number("access.session_days")),
            account_attempts: attempts("access.account_attempts"),
            address_attempts: attempts("access.address_attempts"),
            visibility: self.visibility(),
            accounts: self.accounts.iter().map(named).collect(),
        }
    }

    fn visibility(&self) -> Visibility {
        let of = |values: &layers::Values| match values.get("teammates_see") {
            Some((Value::Text(text), _)) if text == "own" => TeammatesSee::Own,
            _ => TeammatesSee::Nothing,
        };
        let each = self.workspaces.iter();
        Visibility(each.map(|(id, values)| (id.clone(), of(values))).collect())
    }
}

fn text(values: &layers::Values, key: &str) -> String {
    let held = values.get(key);
    held.map(|(value, _)| value.to_string()).unwrap_or_default()
}

fn list(values: &layers::Values, key: &str) -> Vec<String> {
    let text = text(values, key);
    let parts = text.split(',').map(str::trim);
    parts
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect()
}

fn named((name, values): (&String, &layers::Values)) -> NamedAccount {
    let role = match text(values, "role").as_str() {
        "teammate" => Role::Teammate(text(values, "teammate")),
        _ => Role::Manager,
    };
    NamedAccount {
        name: account_name(name).unwrap_or_default(),
        password_hash: text(values, "password_hash"),
        grants: grants(&list(values, "workspaces"), &role),
    }
}

/// The same role in each of these workspaces; in every one when none is named.
pub fn grants(workspaces: &[String], role: &Role) -> Vec<Grant> {
    let grant = |workspace_id: Option<&String>| Grant {
        workspace_id: workspace_id.cloned(),
        role: role.clone(),
    };
    match workspaces {
        [] => vec![grant(None)],
        named => {
            let mut named: Vec<_> = named.iter().collect();
            named.sort();
            named.dedup();
            named.into_iter().map(|id| grant(Some(id))).collect()
        }
    }
}

/// What does not fit together, each with the place of what should change.
pub(super) fn faults(effective: &Effective) -> Vec<String> {
    let of_accounts = effective.accounts.iter().filter_map(account_fault);
    let others = [public_url(effective), proxies(effective)];
    of_accounts.chain(others.into_iter().flatten()).collect()
}

/// The hash is never part of the fault.
fn account_fault((name, values): (&String, &layers::Values)) -> Option<String> {
    let place = values.values().next().map(|(_, origin)| origin)?;
    let key = |key: &str| format!("{place}: `{ACCOUNTS}{name}.{key}`");
    if let Err(expected) = account_name(name) {
        return Some(format!("{place}: `{ACCOUNTS}{name}`: {expected}"));
    }
    if !secret::is_password_hash(&text(values, "password_hash")) {
        let key = key("password_hash");
        return Some(format!(
            "{key}: expected a hash by Argon2id, as `afterword accounts hash` makes one, found {}",
            if values.contains_key("password_hash") {
                "another text"
            } else {
                "none"
            }
        ));
    }
    let is_teammate = text(values, "role") == "teammate";
    let teammate = text(values, "teammate");
    if is_teammate && list(values, "workspaces").is_empty() {
        let key = key("workspaces");
        return Some(format!(
            "{key}: expected the workspaces that the teammate belongs to, found none"
        ));
    }
    (is_teammate == teammate.is_empty()).then(|| {
        let key = key("teammate");
        format!("{key}: expected the teammate's id with the role teammate, and with no other role")
    })
}

fn public_url(effective: &Effective) -> Option<String> {
    let key = "reports.public_url";
    let url = effective.optional(key)?;
    let (scheme, rest) = url.split_once("://").unwrap_or_default();
    let host = rest.trim_end_matches('/');
    let is_host = !host.is_empty() && !host.contains(['/', '?', '#', '@', ' ', '\\']);
    let is_safe = match scheme {
        "https" => true,
        "http" => afterword_web::access::is_loopback(host),
        _ => false,
    };
    (!is_host || !is_safe).then(|| {
        let place = super::contradictions::origin(effective, key);
        format!("{place}: `{key}`: expected https://HOST, or http://HOST where that is this machine's loopback address (passwords go there), found `{url}`")
    })
}

fn proxies(effective: &Effective) -> Option<String> {
    let key = "reports.trusted_proxies";
    let proxies = effective.list(key);
    let wrong = proxies.iter().find(|text| network(text).is_none())?;
    let place = super::contradictions::origin(effective, key);
    Some(format!(
        "{place}: `{key}`: expected addresses or networks such as 10.0.0.0/8, found `{wrong}`"
    ))
}

impl Config {
    /// How access is set up.
    #[must_use]
    pub fn access_options(&self) -> AccessOptions {
        let access = &self.access;
        AccessOptions {
            reach: match self.reports_listen.ip().is_loopback() {
                true => Reach::Loopback,
                false => Reach::Network,
            },
            public_origin: access.public_origin.clone(),
            trusted_proxies: access.trusted_proxies.clone(),
            session_idle: access.session_idle,
            session_most: access.session_most,
            account_attempts: access.account_attempts,
            address_attempts: access.address_attempts,
            visibility: access.visibility.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::resolve_file as resolve;

    fn hash() -> String {
        secret::hash_password("correct horse battery").expect("hashed")
    }

    #[test]
    fn what_is_wrong_with_an_account_is_told_without_its_hash() {
        let hash = hash();
        let check = |text: &str, expected: &str| {
            let faults = resolve(&text.replace("HASH", &hash)).expect_err("wrong");
            let found = faults.join("\n");
            assert!(
                found.contains(expected) && !found.contains("$argon2id"),
                "{found}"
            );
        };
        check(
            "[accounts.anna]\nrole = 'manager'",
            "`accounts.anna.password_hash`: expected a hash by Argon2id",
        );
        check(
            "[accounts.anna]\npassword_hash = 'secret'",
            "found another text",
        );
        check(
            "[accounts.anna]\npassword_hash = 'HASH'\nrole = 'king'",
            "expected one of manager, teammate",
        );
        check(
            "[accounts.anna]\npassword_hash = 'HASH'\nrole = 'teammate'\nteammate = 'anna'",
            "expected the workspaces",
        );
        check(
            "[accounts.anna]\npassword_hash = 'HASH'\nteammate = 'anna'",
            "with the role teammate",
        );
        check(
            "[accounts.\"a b\"]\npassword_hash = 'HASH'",
            "without white space",
        );
        check(
            "[accounts.anna]\npasswort = 'HASH'",
            "expected accounts.NAME and one of password_hash",
        );
        for url in [
            "http://ratings.example.com",
            "ratings.example.com",
            "https://",
            "https://a/b",
            "https://u@h",
        ] {
            check(
                &format!("[reports]\npublic_url = '{url}'"),
                "`reports.public_url`: expected https://HOST",
            );
        }
        check(
            "[reports]\ntrusted_proxies = ['proxy']",
            "`reports.trusted_proxies`: expected addresses",
        );
    }

    #[test]
    fn accounts_have_a_role_in_workspaces() {
        let text = "[accounts.\"Anna@Example.com\"]\npassword_hash = 'HASH'\n[accounts.ben]\npassword_hash = 'HASH'\nrole = 'teammate'\nworkspaces = ['w2', 'w1']\nteammate = 't7'\n[workspaces.w1]\nteammates_see = 'own'\n";
        let effective = resolve(&text.replace("HASH", &hash())).expect("right");
        let access = effective.config().access;
        let [anna, ben] = access.accounts.as_slice() else {
            panic!("two accounts");
        };
        assert_eq!(anna.name, "anna@example.com");
        assert_eq!(anna.grants, grants(&[], &Role::Manager));
        let both = ["w1".to_owned(), "w2".to_owned()];
        assert_eq!(ben.grants, grants(&both, &Role::Teammate("t7".to_owned())));
        assert_eq!(access.visibility.0["w1"], TeammatesSee::Own);
    }
}
