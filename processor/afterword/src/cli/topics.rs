//! `afterword topics` on the command line.

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  afterword topics                                                      what each partition holds
  afterword topics create --log kafka --bootstrap-servers kafka-1:9092  the topics, as they must be
  afterword topics check --log kafka --bootstrap-servers kafka-1:9092   what differs, and what it endangers")]
pub struct Topics {
    #[command(subcommand)]
    pub command: Option<TopicsCommand>,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Clone, Debug, Subcommand)]
pub enum TopicsCommand {
    /// Makes the topics that are missing; alters none that is there
    #[command(after_help = "\
On the embedded log: makes its directory, when there is none.

On Kafka: what is there stays as it is, and what differs is told with the command that mends it. Partitions cannot be
altered later without moving conversations away from their states: choose enough. Facts and outputs are kept for ever
unless --retention-days says otherwise. Ends with 1 when a promise would not hold on these topics.

Examples:
  afterword topics create
  afterword topics create --log kafka --bootstrap-servers kafka-1:9092 --partitions 24 --retention-days 400")]
    Create(CreateTopics),
    /// Says whether the topics are as they must be
    #[command(after_help = "\
On the embedded log: reads every record of every topic and says whether all can be read and decoded.

On Kafka: compares topics and brokers with what the promises rest on. `breaks`: a promise does not hold, and `afterword run`
refuses to start; `weakens`: all goes well until something else fails; `note`: worth knowing. Ends with 1 when anything
`breaks`.

Examples:
  afterword topics check --log kafka --bootstrap-servers kafka-1:9092
  afterword topics check --log kafka --bootstrap-servers kafka-1:9092 --json | jq '.[] | select(.severity == \"breaks\")'")]
    Check {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Clone, Debug, Args)]
pub struct CreateTopics {
    /// Partitions of every topic but the settings [default: 12 on Kafka, 4 on the embedded log]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub partitions: Option<u32>,
    /// Copies of each record (Kafka alone) [default: 3 with three brokers or more, else 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=32))]
    pub replication_factor: Option<u32>,
    /// Facts and outputs older than this are removed (Kafka alone) [default: never]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=36_500))]
    pub retention_days: Option<u32>,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}
