//! Reaching the brokers: one look at the cluster, and why it failed in words that a person can act on.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures_executor::block_on;
use parking_lot::Mutex;
use rdkafka::admin::{AdminClient, AdminOptions, OwnedResourceSpecifier, ResourceSpecifier};
use rdkafka::client::{ClientContext, DefaultClientContext};
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::groups::GroupList;
use rdkafka::message::DeliveryResult;
use rdkafka::metadata::Metadata;
use rdkafka::producer::{BaseProducer, Producer, ProducerContext};

use super::AdminError;
use crate::kafka::KafkaOptions;

/// How long the brokers may take to answer at all.
const REACHED_WITHIN: Duration = Duration::from_secs(15);
/// One look for an answer; between two, what the client has to say is heard.
const LOOK: Duration = Duration::from_secs(1);
/// So long it is listened to: a poll of no time hears one word only, and many are about something else.
const HEAR: Duration = Duration::from_millis(50);
/// How long one request may take.
pub const ANSWERED_WITHIN: Duration = Duration::from_secs(30);
/// More than this is the same again.
const REASONS: usize = 32;

/// The settings of a topic or a broker, by name. Empty when they may not be read.
pub type Settings = BTreeMap<String, String>;

/// What was found of a topic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SeenTopic {
    pub partitions: u32,
    /// Copies of the partition that has the fewest.
    pub replicas: u32,
    /// Partitions that nobody leads at the moment.
    pub leaderless: Vec<i32>,
    pub settings: Settings,
}

/// What was found of the cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Each broker's settings.
    pub brokers: BTreeMap<i32, Settings>,
    pub topics: BTreeMap<String, SeenTopic>,
}

/// Clients for one administrator's work.
pub struct Reached {
    producer: BaseProducer<Heard>,
    admin: AdminClient<DefaultClientContext>,
}

/// Hears why connections fail, which the failed request itself does not say.
#[derive(Default)]
struct Heard {
    reasons: Mutex<Vec<(Option<RDKafkaErrorCode>, String)>>,
}

impl ClientContext for Heard {
    fn log(&self, _level: RDKafkaLogLevel, facility: &str, message: &str) {
        tracing::debug!(target: "librdkafka", facility, message);
        // A connection that a broker ends is told in the log alone, after the name of a thread.
        if facility == "FAIL" {
            let said = message.split_once("]: ").map_or(message, |(_, said)| said);
            self.hear(None, said);
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.hear(error.rdkafka_error_code(), reason);
    }
}

impl Heard {
    fn hear(&self, code: Option<RDKafkaErrorCode>, reason: &str) {
        let mut reasons = self.reasons.lock();
        if reasons.len() < REASONS {
            reasons.push((code, reason.to_owned()));
        }
    }
}

impl ProducerContext for Heard {
    type DeliveryOpaque = ();

    fn delivery(&self, _result: &DeliveryResult<'_>, _opaque: ()) {}
}

impl Reached {
    /// Makes clients and waits until a broker answers.
    ///
    /// # Errors
    /// When none does within 15 s, or one refuses us.
    pub fn new(options: &KafkaOptions) -> Result<Reached, AdminError> {
        let mut config = ClientConfig::new();
        config.extend(options.properties.clone());
        config.set("bootstrap.servers", &options.bootstrap_servers);
        let made = |error: KafkaError| {
            let text = match &error {
                KafkaError::ClientCreation(text) => text.clone(),
                error => error.to_string(),
            };
            AdminError::Refused(format!(
                "expected [kafka.properties] with which a client can be made; librdkafka: {text}"
            ))
        };
        let heard = Heard::default();
        let producer: BaseProducer<Heard> = config.create_with_context(heard).map_err(made)?;
        let reached = Reached {
            producer,
            admin: config.create().map_err(made)?,
        };
        reached.wait(&options.bootstrap_servers)?;
        Ok(reached)
    }

    fn wait(&self, servers: &str) -> Result<(), AdminError> {
        let until = Instant::now() + REACHED_WITHIN;
        loop {
            let Err(error) = self.metadata(LOOK) else {
                return Ok(());
            };
            self.producer.poll(HEAR);
            let reasons = self.producer.context().reasons.lock();
            let refused = reasons.iter().rev().find_map(|(code, reason)| {
                let hint = hint(*code, reason)?;
                Some(AdminError::Refused(format!("{reason}; {hint}")))
            });
            if let Some(refused) = refused {
                return Err(refused);
            }
            if Instant::now() >= until {
                let telling = reasons
                    .iter()
                    .rev()
                    .find(|(code, _)| *code != Some(RDKafkaErrorCode::AllBrokersDown));
                let reason = telling.map_or_else(|| error.to_string(), |(_, said)| said.clone());
                return Err(AdminError::Unreachable(format!(
                    "expected a broker of {servers} to answer within {} s, found none: {reason}{}",
                    REACHED_WITHIN.as_secs(),
                    guess(&reason)
                )));
            }
        }
    }

    fn metadata(&self, wait: Duration) -> Result<Metadata, KafkaError> {
        self.producer.client().fetch_metadata(None, wait)
    }

    /// The client for requests.
    pub fn admin(&self) -> &AdminClient<DefaultClientContext> {
        &self.admin
    }

    /// The consumer groups that the brokers know, or this one of them.
    ///
    /// # Errors
    /// When the brokers do not answer.
    pub fn groups(&self, group: Option<&str>) -> Result<GroupList, AdminError> {
        let client = self.producer.client();
        let found = client.fetch_group_list(group, ANSWERED_WITHIN);
        found.map_err(|error| AdminError::Unreachable(format!("asking for groups: {error}")))
    }

    /// Looks at the brokers and at those of the topics that `is_wanted` names.
    ///
    /// # Errors
    /// When the brokers do not answer.
    pub fn look(&self, is_wanted: impl Fn(&str) -> bool) -> Result<Seen, AdminError> {
        let metadata = self
            .metadata(ANSWERED_WITHIN)
            .map_err(|error| AdminError::Unreachable(error.to_string()))?;
        let mut seen = Seen::default();
        for topic in metadata.topics() {
            if !is_wanted(topic.name()) || topic.partitions().is_empty() {
                continue;
            }
            let partitions = topic.partitions();
            let replicas = partitions.iter().map(|held| held.replicas().len()).min();
            let leaderless = partitions.iter().filter(|held| held.leader() < 0);
            let found = SeenTopic {
                partitions: u32::try_from(partitions.len()).unwrap_or(u32::MAX),
                replicas: replicas.map_or(0, |count| u32::try_from(count).unwrap_or(u32::MAX)),
                leaderless: leaderless.map(|held| held.id()).collect(),
                settings: Settings::new(),
            };
            seen.topics.insert(topic.name().to_owned(), found);
        }
        self.describe_topics(&mut seen)?;
        for broker in metadata.brokers() {
            let specifier = ResourceSpecifier::Broker(broker.id());
            // Who may not read the brokers' settings (as with a hosted Kafka) goes without.
            let described = self.describe(&[specifier]).unwrap_or_default();
            let settings = described.into_iter().next().map(|(_, settings)| settings);
            seen.brokers
                .insert(broker.id(), settings.unwrap_or_default());
        }
        Ok(seen)
    }

    fn describe_topics(&self, seen: &mut Seen) -> Result<(), AdminError> {
        let names: Vec<String> = seen.topics.keys().cloned().collect();
        let specifiers = names.iter().map(|name| ResourceSpecifier::Topic(name));
        let specifiers: Vec<_> = specifiers.collect();
        if specifiers.is_empty() {
            return Ok(());
        }
        for (specifier, settings) in self.describe(&specifiers)? {
            if let OwnedResourceSpecifier::Topic(name) = specifier
                && let Some(topic) = seen.topics.get_mut(&name)
            {
                topic.settings = settings;
            }
        }
        Ok(())
    }

    fn describe(
        &self,
        specifiers: &[ResourceSpecifier<'_>],
    ) -> Result<Vec<(OwnedResourceSpecifier, Settings)>, AdminError> {
        let options = AdminOptions::new().request_timeout(Some(ANSWERED_WITHIN));
        let described = block_on(self.admin.describe_configs(specifiers, &options))
            .map_err(|error| AdminError::Unreachable(error.to_string()))?;
        let resources = described.into_iter().flatten().map(|resource| {
            let entries = resource.entries.into_iter();
            let settings = entries.filter_map(|entry| Some((entry.name, entry.value?)));
            (resource.specifier, settings.collect())
        });
        Ok(resources.collect())
    }
}

/// What to do about an error that will not mend itself; `None` when it may.
fn hint(code: Option<RDKafkaErrorCode>, reason: &str) -> Option<&'static str> {
    match code {
        Some(RDKafkaErrorCode::Authentication | RDKafkaErrorCode::SaslAuthenticationFailed) => {
            Some("check sasl.username, sasl.password and sasl.mechanisms in [kafka.properties]")
        }
        // A broker that does not like our certificate says so when the handshake is over.
        code if code == Some(RDKafkaErrorCode::SSL) || reason.contains("SSL routines") => Some(
            "check ssl.ca.location (and ssl.certificate.location, ssl.key.location when the broker asks for a certificate) in [kafka.properties]",
        ),
        _ => None,
    }
}

/// What may be wrong when a broker ends the connection at the first request.
fn guess(reason: &str) -> &'static str {
    match reason.contains("APIVERSION_QUERY") {
        true => "; it may want another security.protocol in [kafka.properties]",
        false => "",
    }
}
