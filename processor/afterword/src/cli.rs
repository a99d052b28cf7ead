//! The command line.

mod accounts;
mod deliver;
mod topics;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::config::LogKind;
use crate::version;

pub use accounts::{Accounts, Invite, TokenCommand};
pub use deliver::{Contacts, Deliveries, Event, ReplayWebhooks, Webhooks, Which};
pub use topics::{CreateTopics, Topics, TopicsCommand};

/// Facts about conversations go in, decisions come out, each exactly once, and people see them.
#[derive(Debug, Parser)]
#[command(name = "afterword", version = version::LONG, arg_required_else_help = true, subcommand_required = true)]
#[command(after_help = "\
Examples:
  afterword demo                                     see everything at work, with made-up traffic
  afterword run --data-dir /var/lib/afterword        the service
  afterword import events.ndjson                     facts in, one JSON object a line
  afterword run --drain                              decide all that is there, then end
  afterword tail rating-submitted                    ratings out, one JSON object a line
  afterword explain c1                               why a conversation was asked, or not

Exit codes: 0 done, 1 failed or something was refused, 2 usage, 78 bad configuration.")]
pub struct Arguments {
    #[command(flatten)]
    pub common: Common,
    #[command(subcommand)]
    pub command: Command,
}

/// Flags of every command.
#[derive(Debug, Args)]
pub struct Common {
    /// TOML file of the configuration
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Directory of the embedded log and the report database [default: afterword-data]
    #[arg(long, global = true, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Which log holds the topics [default: embedded]
    #[arg(long, global = true, value_enum)]
    pub log: Option<LogKind>,
    /// Kafka's brokers (with --log kafka)
    #[arg(long, global = true, value_name = "HOST:PORT,…")]
    pub bootstrap_servers: Option<String>,
    /// Sets any key of the configuration, such as log.partitions=8 (repeatable)
    #[arg(long = "set", global = true, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Everything in one process, with made-up history and live traffic
    Demo(Demo),
    /// The service: decides, projects, and answers over HTTP
    Run(Run),
    /// Writes made-up but lifelike traffic to the log
    Simulate(Simulate),
    /// Facts in: NDJSON, one event a line
    Import(Import),
    /// A topic out: NDJSON, from the beginning to the present end
    Tail(Tail),
    /// A conversation: its events, every decision with each criterion, its rating's history
    Explain(Explain),
    /// Proves the outputs against an independent fold of the facts: nothing missing, nothing twice
    Verify(crate::commands::Verify),
    /// Folds history again under other rules or settings and prints what would differ; writes nothing
    Replay(crate::commands::Replay),
    /// Copies the embedded log, its report database and the keys of links, while a service runs or not
    Backup(crate::commands::Backup),
    /// Puts a backup in place in a new data directory, after all of it was checked
    Restore(crate::commands::Restore),
    /// Takes one customer's texts and identity out of the data directory, while no service runs
    Erase(crate::commands::Erase),
    /// The settings of workspaces
    #[command(subcommand)]
    Settings(Settings),
    /// Who may see reports, and programs that may
    #[command(subcommand)]
    Accounts(Accounts),
    /// Mails and webhooks: what waits, what became of them, trying again
    #[command(subcommand)]
    Deliveries(Deliveries),
    /// Webhooks of what happened, once more
    #[command(subcommand)]
    Webhooks(Webhooks),
    /// Where customers are reached whose id is no email address
    #[command(subcommand)]
    Contacts(Contacts),
    /// This build's schemas in the schema registry
    #[command(subcommand)]
    Schemas(crate::commands::Schemas),
    /// The configuration of this program
    #[command(subcommand)]
    Config(ConfigCommand),
    /// The topics of the log
    #[command(args_conflicts_with_subcommands = true)]
    Topics(Topics),
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  afterword demo --for 60 --conversations 2000")]
pub struct Demo {
    /// Ends by itself after so many seconds
    #[arg(long = "for", value_name = "SECONDS")]
    pub seconds: Option<u64>,
    /// Live conversations begun a second
    #[arg(long, default_value_t = 0.25, value_name = "A_SECOND")]
    pub rate: f64,
    /// Address of the customers' pages; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS")]
    pub survey_listen: Option<String>,
    /// Address of the reports and the JSON API; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS")]
    pub reports_listen: Option<String>,
    /// Address of /metrics, /livez and /readyz; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS")]
    pub operations_listen: Option<String>,
    /// Conversations of the made-up history
    #[arg(long, default_value_t = 10_000)]
    pub conversations: u64,
    /// The same seed makes the same history
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

/// What a process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// Folds facts into decisions, requests and ratings
    Process,
    /// Projects them into the report database
    Project,
    /// The customers' pages
    Survey,
    /// Reports and the JSON API
    Report,
    /// Sends mails and webhooks
    Deliver,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  afterword run                                  all roles on the embedded log in ./afterword-data
  afterword run --data-dir /srv/aw --config /etc/afterword.toml
  afterword run --drain --json                   decide and project all the log holds, then end")]
pub struct Run {
    /// Runs this role (repeatable); all that are built when none is named
    #[arg(long = "role", value_enum)]
    pub roles: Vec<Role>,
    /// Folds and projects all that the log holds, prints a summary, then ends
    #[arg(long)]
    pub drain: bool,
    /// The summary of --drain as JSON
    #[arg(long, requires = "drain")]
    pub json: bool,
    /// Address of the customers' pages; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS")]
    pub survey_listen: Option<String>,
    /// Address of the reports and the JSON API; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS")]
    pub reports_listen: Option<String>,
    /// Address of /metrics, /livez and /readyz; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS")]
    pub operations_listen: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  afterword simulate --conversations 10000 --days 28   four weeks up to now, as fast as the log takes them
  afterword simulate --live --rate 50                  50 conversations a second until Ctrl-C
  afterword simulate --out - --seed 7 | head           the same facts as NDJSON")]
pub struct Simulate {
    /// How many conversations; with --live until stopped when left out
    #[arg(long)]
    pub conversations: Option<u64>,
    /// The history's length in days, up to now
    #[arg(long, default_value_t = 28, value_parser = clap::value_parser!(u32).range(1..=3_650))]
    pub days: u32,
    /// The history's end, as in 2026-03-01T00:00:00Z [default: now]; with it, a seed always makes the same facts
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// Conversations begin now, at --rate, each of them sped up
    #[arg(long)]
    pub live: bool,
    /// Conversations begun a second, with --live
    #[arg(long, default_value_t = 5.0, requires = "live")]
    pub rate: f64,
    /// The same seed makes the same traffic
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Writes NDJSON to this file (- is standard output) instead of the log
    #[arg(long, value_name = "FILE", conflicts_with = "live")]
    pub out: Option<PathBuf>,
    /// The summary as JSON
    #[arg(long, conflicts_with = "out")]
    pub json: bool,
    #[command(flatten)]
    pub shares: Shares,
}

/// Of 1,000 conversations, how many are made ineligible in which way.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Shares, each of 1,000 conversations")]
pub struct Shares {
    /// Closed by a bot
    #[arg(long, default_value_t = 60, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=1_000))]
    pub closed_by_bot: u32,
    /// No teammate ever replies
    #[arg(long, default_value_t = 30, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=1_000))]
    pub no_reply: u32,
    /// Shorter than the threshold
    #[arg(long, default_value_t = 120, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=1_000))]
    pub short: u32,
    /// Closed more than a week after the last reply
    #[arg(long, default_value_t = 40, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=1_000))]
    pub stale: u32,
    /// Several customers
    #[arg(long, default_value_t = 30, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=1_000))]
    pub group: u32,
    /// Begun by a message to customers or by a custom bot
    #[arg(long, default_value_t = 60, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=1_000))]
    pub outbound: u32,
    /// The customer has left before the close
    #[arg(long, default_value_t = 10, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=1_000))]
    pub no_customer: u32,
    /// Of a workspace whose plan includes no ratings
    #[arg(long, default_value_t = 20, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=1_000))]
    pub not_live: u32,
    /// Reopened after the first close
    #[arg(long, default_value_t = 90, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=1_000))]
    pub reopened: u32,
    /// Snoozed before the close
    #[arg(long, default_value_t = 80, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=1_000))]
    pub snoozed: u32,
    /// Of the requests, those that are answered
    #[arg(long, default_value_t = 550, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=1_000))]
    pub answered: u32,
    /// Of the facts, those that are sent twice
    #[arg(long, default_value_t = 10, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=1_000))]
    pub repeated: u32,
    /// Of the facts, those that arrive late
    #[arg(long, default_value_t = 10, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=1_000))]
    pub late: u32,
}

/// What a line of an imported file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum ImportFormat {
    /// A fact
    Facts,
    /// A conversation, as `GET /conversations/{id}` of Intercom's API answers
    Intercom,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Each line is one JSON object; what is refused is told on standard error as FILE:LINE: member: expected …, found ….
Running it again after a failure is harmless: an event id counts once.

Examples:
  afterword import january.ndjson february.ndjson
  zcat events.ndjson.gz | afterword import -
  afterword import --format intercom --workspace w1 conversations.ndjson")]
pub struct Import {
    /// Files of NDJSON; - is standard input
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// What a line is: a fact, or a conversation as Intercom's API gives it
    #[arg(long, value_enum, default_value_t = ImportFormat::Facts)]
    pub format: ImportFormat,
    /// The workspace of the conversations, where a line is no fact
    #[arg(long, value_name = "ID", required_if_eq("format", "intercom"))]
    pub workspace: Option<String>,
    /// The summary as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Topics: conversation-events, workspace-settings, rating-requested, rating-submitted, eligibility-decided,
        answer-refused, teammate-scorecards, dead-letters

Facts are printed as they can be imported again. Outputs have one member more, `source`: the place of the fact that
caused them; settings and scorecards their own place.

Partition 0 is printed whole, then 1, and so on; with --follow, new records follow as they come.

Examples:
  afterword tail eligibility-decided | jq 'select(.requested | not) | .failed'
  afterword tail rating-submitted --follow")]
pub struct Tail {
    /// The topic's name
    pub topic: String,
    /// Goes on with what is yet to come, until Ctrl-C
    #[arg(long, short)]
    pub follow: bool,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  afterword explain c1\n  afterword explain c1 --workspace w1 --json"
)]
pub struct Explain {
    /// The conversation's id
    pub conversation: String,
    /// The workspace's id; needed when several have a conversation of this id
    #[arg(long)]
    pub workspace: Option<String>,
    /// The story as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Subcommand)]
pub enum Settings {
    /// Every version known, as NDJSON (a version that differs from one already known is never taken)
    Get {
        /// Only this workspace's
        #[arg(long)]
        workspace: Option<String>,
    },
    /// Adds versions: NDJSON of workspace settings
    #[command(visible_alias = "set")]
    #[command(after_help = "\
Example of a line:
  {\"workspace_id\":\"w1\",\"version\":1,\"effective_from\":\"2026-03-01T00:00:00Z\",\"live_for_users\":true,\"live_for_leads\":false,
   \"plan_includes_ratings\":true,\"time_zone\":\"Europe/Berlin\",\"target\":null,\"teammate_targets\":{}}")]
    Put {
        /// File of NDJSON; - is standard input
        file: PathBuf,
        /// The summary as JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Prints every key with its value and where that came from; exit code 78 when anything is wrong
    Check {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

impl Default for Shares {
    /// As the flags' own defaults, which a test compares.
    fn default() -> Shares {
        Shares {
            closed_by_bot: 60,
            no_reply: 30,
            short: 120,
            stale: 40,
            group: 30,
            outbound: 60,
            no_customer: 10,
            not_live: 20,
            reopened: 90,
            snoozed: 80,
            answered: 550,
            repeated: 10,
            late: 10,
        }
    }
}

#[cfg(test)]
mod tests;
