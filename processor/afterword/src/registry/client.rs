//! Confluent's API of a schema registry, as much of it as is needed.
//!
//! Seven calls, written here rather than taken from `schema_registry_converter`: that crate brings a second HTTP client
//! (reqwest) and decodes to trees of values, keeps failures for as long as the process lives, and has no bound on what it
//! keeps; what is needed beyond it, subjects' rules and verdicts with reasons, would be written here all the same.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use thiserror::Error;
use ureq::Agent;
use ureq::tls::{RootCerts, TlsConfig, TlsProvider};

use crate::config::RegistryConfig;

const CONNECT: Duration = Duration::from_secs(2);
/// For a whole call. A task waits for it, so it is short; whoever gets no answer asks again.
const ANSWER: Duration = Duration::from_secs(5);
/// The longest answer: a schema of a megabyte, every character of it escaped.
const LONGEST_ANSWER: u64 = 4 << 20;
/// Of a message of the registry, so much is passed on.
const MESSAGE_CHARS: usize = 500;
const CONTENT_TYPE: &str = "application/vnd.schemaregistry.v1+json";

/// Why a call failed. Never has the password in it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RegistryError {
    /// It does not answer, refuses us, or is something else.
    #[error("{0}")]
    Unavailable(String),
    /// It answers, and what was asked for cannot be done: the schema breaks the subject's rule, or is none.
    #[error("{0}")]
    Refused(String),
}

/// One version of a subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    pub id: u32,
    pub version: i64,
    pub schema: String,
}

/// Whether a schema may become a subject's next version; if not, why, as far as the registry says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub is_compatible: bool,
    pub reasons: Vec<String>,
}

/// A registry. Cannot be printed: it has a secret in it.
pub struct Registry {
    agent: Agent,
    url: String,
    authorization: Option<String>,
}

/// The error codes by which a 404 tells that the registry knows no such thing, from one of somebody else at its address.
const NOT_THERE: std::ops::RangeInclusive<i64> = 40_401..=40_499;

/// OpenSSL is here for librdkafka; the system says whom to trust, as for every other program of the machine.
#[must_use]
pub fn tls() -> TlsConfig {
    TlsConfig::builder()
        .provider(TlsProvider::NativeTls)
        .root_certs(RootCerts::PlatformVerifier)
        .build()
}

impl Registry {
    /// The registry of this configuration; nothing is asked yet.
    #[must_use]
    pub fn new(config: &RegistryConfig) -> Registry {
        let agent = Agent::config_builder()
            .timeout_connect(Some(CONNECT))
            .timeout_global(Some(ANSWER))
            .http_status_as_error(false)
            .tls_config(tls())
            // It is as near as the brokers, which are reached without one.
            .proxy(None)
            .build();
        let authorization = config.credentials.as_ref().map(|(name, password)| {
            format!("Basic {}", STANDARD.encode(format!("{name}:{password}")))
        });
        Registry {
            agent: Agent::new_with_config(agent),
            url: config.url.trim_end_matches('/').to_owned(),
            authorization,
        }
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The Avro schema of this id; `None` when there is none, or it is of another kind.
    ///
    /// # Errors
    /// As [`RegistryError`] says, like every call.
    pub fn by_id(&self, id: u32) -> Result<Option<String>, RegistryError> {
        let Some(answer) = self.get(&format!("/schemas/ids/{id}"))? else {
            return Ok(None);
        };
        let kind = answer["schemaType"].as_str().unwrap_or("AVRO");
        if kind != "AVRO" {
            tracing::warn!(id, kind, "a schema of the registry is no Avro schema");
            return Ok(None);
        }
        self.text(&answer, "schema").map(Some)
    }

    /// The version of the subject that is this schema.
    ///
    /// # Errors
    /// As [`RegistryError`] says.
    pub fn find(&self, subject: &str, schema: &str) -> Result<Option<Registered>, RegistryError> {
        let found = self.post(&format!("/subjects/{subject}"), schema)?;
        found.map(|answer| self.registered(&answer)).transpose()
    }

    /// The latest version of the subject.
    ///
    /// # Errors
    /// As [`RegistryError`] says.
    pub fn latest(&self, subject: &str) -> Result<Option<Registered>, RegistryError> {
        let found = self.get(&format!("/subjects/{subject}/versions/latest"))?;
        found.map(|answer| self.registered(&answer)).transpose()
    }

    /// Makes this schema a version of the subject, unless it is one already, and returns its id.
    ///
    /// # Errors
    /// As [`RegistryError`] says; `Refused` when it breaks the subject's rule.
    pub fn register(&self, subject: &str, schema: &str) -> Result<u32, RegistryError> {
        let path = format!("/subjects/{subject}/versions");
        let answer = self.post(&path, schema)?;
        answer
            .as_ref()
            .and_then(|answer| u32::try_from(answer["id"].as_u64()?).ok())
            .ok_or_else(|| self.unexpected("an id", &answer.unwrap_or_default()))
    }

    /// Whether this schema may follow the subject's versions, by its rule.
    ///
    /// # Errors
    /// As [`RegistryError`] says.
    pub fn judge(&self, subject: &str, schema: &str) -> Result<Verdict, RegistryError> {
        let path = format!("/compatibility/subjects/{subject}/versions/latest?verbose=true");
        let answer = self.post(&path, schema)?.unwrap_or_default();
        let is_compatible = answer["is_compatible"]
            .as_bool()
            .ok_or_else(|| self.unexpected("is_compatible", &answer))?;
        let reasons = answer["messages"].as_array().into_iter().flatten();
        let reasons = reasons.filter_map(Value::as_str).map(shortened).collect();
        Ok(Verdict {
            is_compatible,
            reasons,
        })
    }

    /// The compatibility rule in force for the subject: its own, or the registry's.
    ///
    /// # Errors
    /// As [`RegistryError`] says.
    pub fn rule(&self, subject: &str) -> Result<Option<String>, RegistryError> {
        let found = self.get(&format!("/config/{subject}?defaultToGlobal=true"))?;
        found
            .map(|answer| self.text(&answer, "compatibilityLevel"))
            .transpose()
    }

    /// Gives the subject a rule of its own.
    ///
    /// # Errors
    /// As [`RegistryError`] says.
    pub fn set_rule(&self, subject: &str, rule: &str) -> Result<(), RegistryError> {
        let request = self.agent.put(format!("{}/config/{subject}", self.url));
        let request = self.headed(request).content_type(CONTENT_TYPE);
        let body = json!({ "compatibility": rule }).to_string();
        match self.answer(request.send(body))? {
            Some(_) => Ok(()),
            None => Err(RegistryError::Refused(format!(
                "expected the subject {subject} to take a rule, found no such subject"
            ))),
        }
    }

    fn get(&self, path: &str) -> Result<Option<Value>, RegistryError> {
        let request = self.agent.get(format!("{}{path}", self.url));
        self.answer(self.headed(request).call())
    }

    fn post(&self, path: &str, schema: &str) -> Result<Option<Value>, RegistryError> {
        let request = self.agent.post(format!("{}{path}", self.url));
        let request = self.headed(request).content_type(CONTENT_TYPE);
        let body = json!({ "schema": schema, "schemaType": "AVRO" }).to_string();
        self.answer(request.send(body))
    }

    fn headed<B>(&self, request: ureq::RequestBuilder<B>) -> ureq::RequestBuilder<B> {
        let request = request.header("accept", CONTENT_TYPE);
        match &self.authorization {
            Some(authorization) => request.header("authorization", authorization),
            None => request,
        }
    }

    /// The answer's body; `None` when the registry says that it knows no such thing.
    fn answer(
        &self,
        answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> Result<Option<Value>, RegistryError> {
        let away = |error: ureq::Error| {
            self.unavailable(&format!(
                "no answer ({error}); is it running, and reachable from here?"
            ))
        };
        let mut answer = answer.map_err(away)?;
        let status = answer.status().as_u16();
        let limited = answer.body_mut().with_config().limit(LONGEST_ANSWER);
        let bytes = limited.read_to_vec().map_err(away)?;
        let body: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        let code = body["error_code"].as_i64().unwrap_or(0);
        let message = shortened(body["message"].as_str().unwrap_or("no message"));
        match status {
            200..=299 if !body.is_null() => Ok(Some(body)),
            404 if NOT_THERE.contains(&code) => Ok(None),
            409 | 422 => Err(RegistryError::Refused(format!("{message} (status {status})"))),
            401 | 403 => Err(self.unavailable(&format!(
                "status {status} ({message}); check schema_registry.username and schema_registry.password, and what that \
                 account may do"
            ))),
            404 | 200..=299 => Err(self.unavailable(&format!(
                "status {status} and not its kind of answer; check schema_registry.url: with some registries the API has a \
                 path of its own, such as /apis/ccompat/v7"
            ))),
            _ => Err(self.unavailable(&format!("status {status}: {message}"))),
        }
    }

    fn unavailable(&self, found: &str) -> RegistryError {
        RegistryError::Unavailable(format!(
            "expected a schema registry at {}, found {found}",
            self.url
        ))
    }

    fn unexpected(&self, member: &str, found: &Value) -> RegistryError {
        self.unavailable(&format!(
            "an answer without `{member}`: {}",
            shortened(&found.to_string())
        ))
    }

    fn text(&self, answer: &Value, member: &str) -> Result<String, RegistryError> {
        let text = answer[member].as_str().map(str::to_owned);
        text.ok_or_else(|| self.unexpected(member, answer))
    }

    fn registered(&self, answer: &Value) -> Result<Registered, RegistryError> {
        let id = answer["id"].as_u64().and_then(|id| u32::try_from(id).ok());
        Ok(Registered {
            id: id.ok_or_else(|| self.unexpected("id", answer))?,
            version: answer["version"]
                .as_i64()
                .ok_or_else(|| self.unexpected("version", answer))?,
            schema: self.text(answer, "schema")?,
        })
    }
}

fn shortened(text: &str) -> String {
    crate::terminal::harmless(&text.chars().take(MESSAGE_CHARS).collect::<String>())
}
