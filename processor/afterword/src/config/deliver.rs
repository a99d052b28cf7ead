//! What the configuration says of mails and webhooks.

use std::path::PathBuf;
use std::time::Duration;

use afterword_deliver::{Endpoint, MailOptions, Pace, Secret, Security, check_mailbox};
use afterword_readmodel::EventKind;

use super::contradictions::{after_scheme, origin};
use super::{Effective, layers};

/// Mails and webhooks. Has secrets in it, so it cannot be printed.
#[derive(Clone)]
pub struct DeliverConfig {
    /// `None`: no mails are sent.
    pub mail: Option<MailOptions>,
    pub endpoints: Vec<Endpoint>,
    pub max_age: Duration,
    pub keep: Duration,
    pub pace: Pace,
}

const DAY: Duration = Duration::from_secs(86_400);

/// Endpoints at most: each has a loop of its own.
const ENDPOINTS: usize = 64;

impl Effective {
    pub(super) fn deliver(&self) -> DeliverConfig {
        let seconds = |key| Duration::from_secs(self.number(key));
        DeliverConfig {
            mail: self.mail(),
            endpoints: self
                .webhooks
                .iter()
                .filter_map(|(name, values)| endpoint(name, values).ok())
                .collect(),
            max_age: seconds("deliver.max_age_s"),
            keep: DAY * u32::try_from(self.number("deliver.keep_days")).unwrap_or(u32::MAX),
            pace: Pace {
                claim: seconds("deliver.claim_s"),
                first_retry: Duration::from_millis(self.number("deliver.first_retry_ms")),
                longest_retry: seconds("deliver.longest_retry_s"),
                webhook: seconds("deliver.webhook_timeout_s"),
                ..Pace::default()
            },
        }
    }

    fn mail(&self) -> Option<MailOptions> {
        let password = self.text("deliver.smtp_password");
        Some(MailOptions {
            host: self.optional("deliver.smtp_host")?,
            port: u16::try_from(self.number("deliver.smtp_port")).unwrap_or_default(),
            security: match self.text("deliver.smtp_security").as_str() {
                "tls" => Security::Tls,
                "none" => Security::None,
                _ => Security::StartTls,
            },
            credentials: self
                .optional("deliver.smtp_username")
                .map(|username| (username, password)),
            ca_file: self.optional("deliver.smtp_ca_file").map(PathBuf::from),
            from: self.text("deliver.from"),
            reply_to: self.optional("deliver.reply_to"),
            connections: self.size("deliver.smtp_connections"),
        })
    }
}

/// An endpoint, or the member that is wrong and why. Neither an address nor a secret is part of the message.
fn endpoint(name: &str, values: &layers::Values) -> Result<Endpoint, (&'static str, String)> {
    let text = |key: &str| values.get(key).map(|(value, _)| value.to_string());
    let list = |key: &str| -> Vec<String> {
        let text = text(key).unwrap_or_default();
        let parts = text.split(',').map(str::trim);
        parts
            .filter(|part| !part.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
    if name.len() > 40 || !name.chars().all(is_name) {
        let expected = "a name of at most 40 of the characters a-z 0-9 _ -";
        return Err(("url", format!("expected {expected} after `webhooks.`")));
    }
    let url = text("url").unwrap_or_default();
    let rest = after_scheme(&url, &["http://", "https://"]);
    if rest.is_none_or(|rest| rest.is_empty() || rest.starts_with('/') || url.contains(' ')) {
        return Err((
            "url",
            "expected http://… or https://…, found none or another text".to_owned(),
        ));
    }
    let mut secrets = Vec::new();
    for key in ["secret", "former_secret"] {
        match text(key).filter(|text| !text.is_empty()) {
            Some(text) => secrets.push(Secret::parse(&text).map_err(|error| (key, error))?),
            None if key == "secret" => {
                let error = Secret::parse("").err().unwrap_or_default();
                return Err((key, format!("{error}; found none")));
            }
            None => {}
        }
    }
    let events = list("events").into_iter().map(|name| {
        EventKind::from_name(&name).ok_or_else(|| {
            let expected = "expected rating.requested or rating.submitted";
            ("events", format!("{expected}, found `{name}`"))
        })
    });
    Ok(Endpoint {
        name: name.to_owned(),
        url,
        secrets,
        workspaces: list("workspaces"),
        events: events.collect::<Result<_, _>>()?,
    })
}

/// What does not fit together.
pub(super) fn contradictions(effective: &Effective) -> Vec<String> {
    let mut faults: Vec<String> = effective
        .webhooks
        .iter()
        .filter_map(|(name, values)| {
            let (member, why) = endpoint(name, values).err()?;
            let place = values.get(member).or_else(|| values.values().next());
            let place = place.map_or(layers::Origin::Default, |(_, origin)| origin.clone());
            Some(format!("{place}: `webhooks.{name}.{member}`: {why}"))
        })
        .collect();
    if effective.webhooks.len() > ENDPOINTS {
        let found = effective.webhooks.len();
        faults.push(format!(
            "`webhooks`: expected at most {ENDPOINTS} endpoints, found {found}"
        ));
    }
    let single = [
        sender(effective),
        credentials(effective),
        unprotected(effective),
    ];
    faults.extend(single.into_iter().flatten());
    faults
}

fn sender(effective: &Effective) -> Option<String> {
    let has_server = effective.optional("deliver.smtp_host").is_some();
    let checked = ["deliver.from", "deliver.reply_to"]
        .into_iter()
        .find_map(|key| {
            let text = effective.text(key);
            let needed = key == "deliver.from" && has_server;
            (needed || !text.is_empty())
                .then(|| check_mailbox(key, &text).err())
                .flatten()
                .map(|error| (key, error))
        });
    checked.map(|(key, error)| format!("{}: {error}", origin(effective, key)))
}

fn credentials(effective: &Effective) -> Option<String> {
    let has = |key: &str| effective.optional(key).is_some();
    let (missing, given) = match (has("deliver.smtp_username"), has("deliver.smtp_password")) {
        (true, false) => ("deliver.smtp_password", "deliver.smtp_username"),
        (false, true) => ("deliver.smtp_username", "deliver.smtp_password"),
        _ => return None,
    };
    let place = origin(effective, given);
    Some(format!(
        "{place}: `{given}` is set: expected `{missing}` too, found none"
    ))
}

/// A password in the clear is for nobody but this machine to see.
fn unprotected(effective: &Effective) -> Option<String> {
    let host = effective.text("deliver.smtp_host");
    let is_here = matches!(host.as_str(), "localhost" | "127.0.0.1" | "::1");
    let is_open = effective.text("deliver.smtp_security") == "none";
    let has_password = effective.optional("deliver.smtp_password").is_some();
    (is_open && has_password && !is_here).then(|| {
        let place = origin(effective, "deliver.smtp_security");
        format!(
            "{place}: `deliver.smtp_security`: expected starttls or tls where a password goes to another machine, found `none`"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Layers;
    use crate::failure::Failure;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    fn resolve(pairs: &[(&str, &str)]) -> Result<Effective, Vec<String>> {
        let flag = |(key, value): &(&str, &str)| {
            ((*key).to_owned(), (*value).to_owned(), "--set".to_owned())
        };
        let resolved = Effective::resolve(&Layers {
            flags: pairs.iter().map(flag).collect(),
            ..Layers::default()
        });
        resolved.map_err(|failure| match failure {
            Failure::Configuration(faults) => faults,
            other => panic!("{other}"),
        })
    }

    fn refused(pairs: &[(&str, &str)], expected: &str) {
        let faults = resolve(pairs).expect_err("a contradiction");
        assert!(
            faults.len() == 1 && faults[0].contains(expected),
            "{faults:?}"
        );
        assert!(!faults[0].contains("hush"), "{faults:?}");
    }

    #[test]
    fn endpoints_are_read_and_what_is_wrong_with_them_is_told_without_their_secrets() {
        let url = ("webhooks.crm.url", "https://hush@crm.example.com/x");
        let secret = ("webhooks.crm.secret", SECRET);
        let events = ("webhooks.crm.events", "rating.submitted");
        let workspaces = ("webhooks.crm.workspaces", "w1, w2");
        let config = resolve(&[url, secret, events, workspaces])
            .expect("right")
            .config();
        let endpoint = &config.deliver.endpoints[0];
        assert_eq!((endpoint.name.as_str(), endpoint.secrets.len()), ("crm", 1));
        assert!(endpoint.is_told(EventKind::RatingSubmitted, "w2"));
        assert!(!endpoint.is_told(EventKind::RatingRequested, "w2"));
        assert!(!endpoint.is_told(EventKind::RatingSubmitted, "w3"));
        refused(&[url], "`webhooks.crm.secret`: expected whsec_");
        refused(&[url, ("webhooks.crm.secret", "hush")], "expected whsec_");
        refused(&[secret], "`webhooks.crm.url`: expected http://");
        refused(
            &[secret, ("webhooks.crm.url", "ftp://hush")],
            "expected http://",
        );
        refused(
            &[url, secret, ("webhooks.crm.events", "rated")],
            "found `rated`",
        );
        refused(
            &[
                ("webhooks.C R M.url", url.1),
                ("webhooks.C R M.secret", SECRET),
            ],
            "a name of at most 40",
        );
        refused(
            &[url, secret, ("webhooks.crm.method", "GET")],
            "unknown key `webhooks.crm.method`",
        );
    }

    #[test]
    fn a_mail_server_and_its_sender_go_together() {
        let host = ("deliver.smtp_host", "smtp.example.com");
        let from = ("deliver.from", "Acme <help@example.com>");
        let username = ("deliver.smtp_username", "mailer");
        let password = ("deliver.smtp_password", "hush");
        let none = ("deliver.smtp_security", "none");
        let config = resolve(&[host, from, username, password])
            .expect("right")
            .config();
        let mail = config.deliver.mail.expect("a mail server");
        assert_eq!((mail.port, mail.security), (587, Security::StartTls));
        refused(&[host], "`deliver.from`: expected an email address");
        refused(
            &[host, ("deliver.from", "nobody")],
            "`deliver.from`: expected an email address",
        );
        refused(
            &[host, from, username],
            "expected `deliver.smtp_password` too",
        );
        refused(&[host, from, username, password, none], "found `none`");
        let here = ("deliver.smtp_host", "localhost");
        assert!(resolve(&[here, from, username, password, none]).is_ok());
    }
}
