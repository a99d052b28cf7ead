//! `afterword deliveries`, `webhooks` and `contacts` on the command line.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

#[derive(Debug, Subcommand)]
pub enum Deliveries {
    /// What is to be sent, and what became of it: the youngest first
    #[command(after_help = "\
States: waiting, no_address (waits for one), sent, bounced (the mail server refused it for good), failed (tried in vain until it
was too old), too_old (never tried in time), answered, opted_out.

Examples:
  afterword deliveries list --state bounced --state failed
  afterword deliveries list --lane mail --workspace w1 --limit 500
  afterword deliveries list --json | jq -r 'select(.state == \"bounced\") | .request_id'")]
    List {
        #[command(flatten)]
        which: Which,
        /// So many at most
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
        limit: u32,
        /// As NDJSON, one delivery a line
        #[arg(long)]
        json: bool,
    },
    /// Has deliveries tried again, at once; their age counts from now
    #[command(after_help = "\
What was sent is sent again only when its id is named. A mail that is sent twice has the same Message-ID, a webhook the same
webhook-id.

Examples:
  afterword deliveries retry --state failed --lane webhook:crm
  afterword deliveries retry mail_b139f598-a267-5ce6-86df-efde7935a099")]
    Retry {
        /// Ids of deliveries, as `deliveries list` prints them
        ids: Vec<String>,
        #[command(flatten)]
        which: Which,
        /// The summary as JSON
        #[arg(long)]
        json: bool,
    },
}

/// Which deliveries.
#[derive(Debug, Args)]
pub struct Which {
    /// In this state (repeatable)
    #[arg(long = "state", value_name = "STATE")]
    pub states: Vec<String>,
    /// Of this lane: mail, events (not shared out among endpoints yet), or webhook:NAME
    #[arg(long, value_name = "LANE")]
    pub lane: Option<String>,
    /// Of this workspace
    #[arg(long)]
    pub workspace: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum Webhooks {
    /// Tells endpoints once more of what happened in a time, under the same ids
    #[command(after_help = "\
A receiver that knows a webhook-id already can pass it over. What still waits is not doubled. The role deliver sends them.

Examples:
  afterword webhooks replay --from 2026-03-01T00:00:00Z --to 2026-03-02T00:00:00Z
  afterword webhooks replay --from 2026-03-01T08:00:00Z --to 2026-03-01T09:30:00Z --event submitted --endpoint crm")]
    Replay(ReplayWebhooks),
}

#[derive(Debug, Args)]
pub struct ReplayWebhooks {
    /// From this time on, as in 2026-03-01T00:00:00Z
    #[arg(long, value_name = "TIME")]
    pub from: String,
    /// Until before this time
    #[arg(long, value_name = "TIME")]
    pub to: String,
    /// Only of this kind
    #[arg(long, value_enum)]
    pub event: Option<Event>,
    /// Only of this workspace
    #[arg(long)]
    pub workspace: Option<String>,
    /// Only to this endpoint [default: to all that are told of such events]
    #[arg(long, value_name = "NAME")]
    pub endpoint: Option<String>,
    /// The summary as JSON
    #[arg(long)]
    pub json: bool,
}

/// A kind of webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Event {
    /// rating.requested
    #[value(alias = "rating.requested")]
    Requested,
    /// rating.submitted
    #[value(alias = "rating.submitted")]
    Submitted,
}

#[derive(Debug, Subcommand)]
pub enum Contacts {
    /// Where customers are reached: NDJSON, or CSV with a heading
    #[command(after_help = "\
Members of a line, columns of CSV: workspace_id, customer_id, and any of email, name, locale, wants_mail (true or false; false:
is never sent a mail). Each line takes the place of what was known of that customer. Lines that are refused are told on standard
error as FILE:LINE: …, with nothing of what they say; the others are kept.

Examples:
  afterword contacts import contacts.csv
  echo '{\"workspace_id\":\"w1\",\"customer_id\":\"u1\",\"email\":\"ann@example.com\",\"locale\":\"de\"}' | afterword contacts import -")]
    Import {
        /// File of NDJSON, or of CSV when its name ends with .csv; - is standard input (NDJSON)
        file: PathBuf,
        /// The summary as JSON
        #[arg(long)]
        json: bool,
    },
}
