//! Kafka's own command line tools: consumers and administrators that know nothing of this project.

use std::process::Output;

use super::broker::java;
use super::cluster::Cluster;

/// How long Kafka's console consumer waits for one more record before it ends; on a busy machine, it needs seconds to join its group.
const CONSUMER_PATIENCE_MS: &str = "15000";

/// What Kafka's console consumer read.
#[derive(Clone, Debug)]
pub struct Consumed {
    /// Records, as the consumer counted them.
    pub count: u64,
    /// What it printed: one line a record, unless values contain line breaks. Bytes that are not UTF-8 are replaced.
    pub lines: Vec<String>,
}

impl Cluster {
    /// Runs a tool by the name of its class, with `--bootstrap-server` and these arguments.
    pub fn tool(&self, class: &str, arguments: &[&str]) -> Output {
        let quiet = "-Dorg.slf4j.simpleLogger.defaultLogLevel=error".to_owned();
        let mut command = java(&[quiet], class);
        command
            .args(["--bootstrap-server", &self.bootstrap()])
            .args(arguments);
        command
            .output()
            .expect("java is needed; `.ci/services` installs it")
    }

    /// As [`Cluster::tool`], and it must succeed.
    ///
    /// # Panics
    /// When it fails; with what it said.
    pub fn tool_output(&self, class: &str, arguments: &[&str]) -> String {
        let done = self.tool(class, arguments);
        let text = String::from_utf8_lossy(&done.stdout).into_owned();
        let errors = String::from_utf8_lossy(&done.stderr);
        assert!(
            done.status.success(),
            "{class} {arguments:?}: {text}{errors}"
        );
        text
    }

    /// Makes a topic, replicated to all brokers, with settings such as `cleanup.policy=compact`.
    pub fn create_topic(&self, name: &str, partitions: u32, settings: &[&str]) {
        let partitions = partitions.to_string();
        let mut arguments = vec!["--create", "--topic", name, "--partitions", &partitions];
        for setting in settings {
            arguments.extend(["--config", setting]);
        }
        self.tool_output("org.apache.kafka.tools.TopicCommand", &arguments);
    }

    /// All of a topic as Kafka's console consumer reads it, from the beginning until no more comes for some seconds.
    pub fn console_consumer(&self, topic: &str, read_committed: bool) -> Consumed {
        self.console_consumer_with(topic, read_committed, &[])
    }

    /// With more of its arguments, such as `--formatter-property print.key=true`.
    ///
    /// # Panics
    /// When it fails or does not say how many records it read.
    pub fn console_consumer_with(
        &self,
        topic: &str,
        read_committed: bool,
        more: &[&str],
    ) -> Consumed {
        let isolation = match read_committed {
            true => "read_committed",
            false => "read_uncommitted",
        };
        let mut arguments = vec!["--topic", topic, "--from-beginning"];
        arguments.extend(["--timeout-ms", CONSUMER_PATIENCE_MS]);
        arguments.extend(["--isolation-level", isolation]);
        arguments.extend(more);
        let class = "org.apache.kafka.tools.consumer.ConsoleConsumer";
        let done = self.tool(class, &arguments);
        let errors = String::from_utf8_lossy(&done.stderr);
        let count = errors.lines().find_map(|line| {
            let rest = line.strip_prefix("Processed a total of ")?;
            rest.strip_suffix(" messages")?.parse().ok()
        });
        let text = String::from_utf8_lossy(&done.stdout);
        Consumed {
            count: count.unwrap_or_else(|| panic!("the console consumer on {topic}: {errors}")),
            lines: text.lines().map(str::to_owned).collect(),
        }
    }

    /// A group's positions as Kafka's own tool describes them.
    pub fn describe_group(&self, group: &str) -> String {
        let class = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand";
        self.tool_output(class, &["--describe", "--group", group])
    }
}
