//! How a cluster of brokers is set up.

use std::path::PathBuf;

use super::certificates::Certificates;

/// The one user of a listener that wants a name and a password.
pub const USER: &str = "afterword";
pub const PASSWORD: &str = "demanded-by-the-test";

/// What the listener `secure` of each broker demands of its clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// TLS with the broker's certificate alone.
    Tls,
    /// TLS, and a certificate of the client.
    MutualTls,
    /// TLS, and name and password by SASL/PLAIN.
    Plain,
    /// TLS, and name and password by SASL/SCRAM-SHA-512.
    Scram,
}

/// What differs from a plain cluster.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// One port a broker: a second listener tells its clients to come to these, where a proxy stands. See `Cluster::proxied_port`.
    pub advertised: Vec<u16>,
    /// A third listener that demands this.
    pub security: Option<Security>,
    /// Lines for every broker's `server.properties`, such as `("log.retention.check.interval.ms", "1000")`.
    pub properties: Vec<(String, String)>,
    /// Arguments of every broker's Java, such as `-Xmx1g`.
    pub java: Vec<String>,
    /// Where to keep everything, and leave it; in a temporary folder otherwise.
    pub directory: Option<PathBuf>,
}

impl Options {
    /// With one more line in `server.properties`.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Options {
        self.properties.push((name.to_owned(), value.to_owned()));
        self
    }
}

impl Security {
    /// The listener's protocol, in Kafka's words.
    pub fn protocol(self) -> &'static str {
        match self {
            Security::Tls | Security::MutualTls => "SSL",
            Security::Plain | Security::Scram => "SASL_SSL",
        }
    }

    /// Lines of `server.properties` for the listener.
    pub fn of_broker(self, certificates: &Certificates) -> Vec<(String, String)> {
        let mut lines = vec![
            ("ssl.keystore.type", "PEM".to_owned()),
            ("ssl.keystore.location", certificates.file("server.pem")),
        ];
        let module = "org.apache.kafka.common.security";
        match self {
            Security::Tls => {}
            Security::MutualTls => lines.extend([
                ("ssl.truststore.type", "PEM".to_owned()),
                ("ssl.truststore.location", certificates.file("ca.pem")),
                ("ssl.client.auth", "required".to_owned()),
            ]),
            Security::Plain => lines.extend([
                ("sasl.enabled.mechanisms", "PLAIN".to_owned()),
                (
                    "plain.sasl.jaas.config",
                    format!("{module}.plain.PlainLoginModule required user_{USER}=\"{PASSWORD}\";"),
                ),
            ]),
            Security::Scram => lines.extend([
                ("sasl.enabled.mechanisms", "SCRAM-SHA-512".to_owned()),
                (
                    "scram-sha-512.sasl.jaas.config",
                    format!("{module}.scram.ScramLoginModule required;"),
                ),
            ]),
        }
        let prefixed =
            |(name, value): (&str, String)| (format!("listener.name.secure.{name}"), value);
        lines.into_iter().map(prefixed).collect()
    }

    /// What a client of librdkafka must be told.
    pub fn of_client(self, certificates: &Certificates) -> Vec<(String, String)> {
        let mut lines = vec![
            ("security.protocol", self.protocol().to_owned()),
            ("ssl.ca.location", certificates.file("ca.pem")),
        ];
        let mechanism = match self {
            Security::Tls => None,
            Security::MutualTls => {
                lines.extend([
                    ("ssl.certificate.location", certificates.file("client.crt")),
                    ("ssl.key.location", certificates.file("client.key")),
                ]);
                None
            }
            Security::Plain => Some("PLAIN"),
            Security::Scram => Some("SCRAM-SHA-512"),
        };
        if let Some(mechanism) = mechanism {
            lines.extend([
                ("sasl.mechanism", mechanism.to_owned()),
                ("sasl.username", USER.to_owned()),
                ("sasl.password", PASSWORD.to_owned()),
            ]);
        }
        let owned = |(name, value): (&str, String)| (name.to_owned(), value);
        lines.into_iter().map(owned).collect()
    }
}
