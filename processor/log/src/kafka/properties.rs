//! Which of librdkafka's properties may be set from outside, and which are never printed.

use rdkafka::ClientConfig;

/// Properties that the program sets itself, since its promises rest on them, and why.
#[rustfmt::skip]
const OWN: &[(&str, &str)] = &[
    ("bootstrap.servers", "it is the key kafka.bootstrap_servers"),
    ("metadata.broker.list", "it is the key kafka.bootstrap_servers"),
    ("group.id", "it is the key kafka.group"),
    ("group.instance.id", "a static member that is killed would block its partitions"),
    ("group.protocol", "the program gives partitions up as the classic protocol asks"),
    ("group.protocol.type", "the program gives partitions up as the classic protocol asks"),
    ("group.remote.assignor", "the program gives partitions up as the classic protocol asks"),
    ("partition.assignment.strategy", "partitions move by cooperative-sticky, so that the others go on"),
    ("enable.auto.commit", "positions are committed with the outputs, in one transaction"),
    ("auto.commit.enable", "positions are committed with the outputs, in one transaction"),
    ("enable.auto.offset.store", "positions are committed with the outputs, in one transaction"),
    ("offset.store.method", "positions are committed with the outputs, in one transaction"),
    ("offset.store.path", "positions are committed with the outputs, in one transaction"),
    ("auto.offset.reset", "a position that is lost must stop the partition, never be guessed"),
    ("enable.partition.eof", "the program needs it to know where a partition ends"),
    ("isolation.level", "what is not committed must never be read"),
    ("check.crcs", "damaged records must be noticed"),
    ("transactional.id", "it is the group and the partition, so that a new owner fences the former one"),
    ("enable.idempotence", "without it a producer writes twice or out of order when it tries again"),
    ("enable.gapless.guarantee", "the program decides itself what follows a failed record"),
    ("acks", "an acknowledgement must come from all replicas in sync"),
    ("request.required.acks", "an acknowledgement must come from all replicas in sync"),
    ("max.in.flight", "more than 5 would lose the order of the records"),
    ("max.in.flight.requests.per.connection", "more than 5 would lose the order of the records"),
    ("message.max.bytes", "the largest fact must fit"),
    ("delivery.report.only.error", "the program waits for every record's acknowledgement"),
    ("produce.offset.report", "the program tells producers where each record went"),
    ("allow.auto.create.topics", "topics are made by `afterword topics create`, as they must be"),
    ("topic.blacklist", "no topic may be hidden from the program"),
    ("enabled_events", "the program decides itself which events it takes"),
    ("log.queue", "the program decides itself which events it takes"),
    ("test.mock.num.brokers", "a mock broker keeps nothing"),
];

/// Says why this property may not be set to this value, if so: it is the program's own, or librdkafka refuses it. The
/// value of a secret is never part of the answer.
#[must_use]
pub fn refusal(name: &str, value: &str) -> Option<String> {
    if let Some((_, reason)) = OWN.iter().find(|(own, _)| *own == name) {
        return Some(format!("the program sets this itself: {reason}"));
    }
    let mut config = ClientConfig::new();
    config.set(name, value);
    let error = config.create_native_config().err()?;
    match (&error, is_secret(name)) {
        (_, true) => Some("librdkafka refuses it".to_owned()),
        (rdkafka::error::KafkaError::ClientConfig(_, said, _, _), false) => {
            Some(format!("librdkafka refuses it: {said}"))
        }
        (error, false) => Some(format!("librdkafka refuses it: {error}")),
    }
}

/// Whether the property's value may never be shown.
#[must_use]
pub fn is_secret(name: &str) -> bool {
    let told = ["sasl.mechanism", "sasl.mechanisms"];
    let parts = ["password", "passphrase", "secret"];
    !told.contains(&name)
        && (name.starts_with("sasl.")
            || name.starts_with("ssl.key.")
            || name.starts_with("ssl.keystore.")
            || name.ends_with(".pem")
            || parts.iter().any(|part| name.contains(part)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_promises_rest_on_is_refused_with_its_reason() {
        for (name, reason) in OWN {
            let refusal = refusal(name, "true").expect("refused");
            assert!(refusal.contains(reason), "{name}: {refusal}");
        }
    }

    #[test]
    fn what_librdkafka_knows_passes() {
        for (name, value) in [
            ("security.protocol", "SASL_SSL"),
            ("sasl.mechanisms", "SCRAM-SHA-512"),
            ("ssl.ca.location", "/somewhere/ca.pem"),
            ("linger.ms", "0.5"),
            ("socket.keepalive.enable", "true"),
            ("fetch.max.bytes", "1000000"),
        ] {
            assert_eq!(refusal(name, value), None, "{name}");
        }
    }

    #[test]
    fn what_librdkafka_refuses_is_said_but_for_secrets() {
        let check = |name: &str, value: &str, expected: &str| {
            let refusal = refusal(name, value).expect("refused");
            assert!(refusal.contains(expected), "{name}: {refusal}");
            assert!(!refusal.contains("hidden"), "{name}: {refusal}");
        };
        check(
            "security.protocoll",
            "SSL",
            "No such configuration property",
        );
        check("security.protocol", "TLS", "TLS");
        check("sasl.oauthbearer.method", "hidden", "librdkafka refuses it");
    }

    #[test]
    fn secrets_are_known() {
        for name in [
            "sasl.password",
            "sasl.username",
            "ssl.key.password",
            "ssl.key.pem",
            "ssl.keystore.password",
            "ssl.ca.pem",
        ] {
            assert!(is_secret(name), "{name}");
        }
        for name in ["sasl.mechanisms", "ssl.ca.location", "security.protocol"] {
            assert!(!is_secret(name), "{name}");
        }
    }
}
