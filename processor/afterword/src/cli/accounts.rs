//! `afterword accounts` on the command line.

use clap::{Args, Subcommand};

const INVITE_EXAMPLES: &str = "\
Whoever opens the link chooses a password, and has an account. The link works once; a later invitation of the same name
takes its place.

Examples:
  afterword accounts invite anna@example.com --manager
  afterword accounts invite carl@example.com --manager --workspace w1 --workspace w2
  afterword accounts invite ben@example.com --teammate ben --workspace w1";

const TOKEN_EXAMPLES: &str = "\
The token is printed once and kept nowhere; a program sends it as Authorization: Bearer TOKEN.

Scopes: events:write    facts in (POST /api/v1/events)
        reports:read    reports, conversations, settings
        ratings:write   mark ratings as followed up
        settings:write  new versions of the settings
        contacts:read, contacts:write

Examples:
  afterword accounts token create help-desk --scope events:write
  afterword accounts token create warehouse --scope reports:read --workspace w1 --days 365";

#[derive(Debug, Subcommand)]
pub enum Accounts {
    /// Makes a one-time link by which somebody gets an account
    Invite(Invite),
    /// Accounts, and invitations that were not used yet
    #[command(after_help = "Example:\n  afterword accounts list --json | jq '.accounts[].name'")]
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Keeps an account from signing in, and ends its sessions
    #[command(after_help = "Example:\n  afterword accounts disable anna@example.com")]
    Disable {
        /// The account's name
        name: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Lets a disabled account sign in again
    #[command(after_help = "Example:\n  afterword accounts enable anna@example.com")]
    Enable {
        /// The account's name
        name: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Makes a one-time link for a new password, and ends the account's sessions
    #[command(after_help = "Example:\n  afterword accounts reset anna@example.com")]
    Reset {
        /// The account's name
        name: String,
        /// The link is valid for so many hours
        #[arg(long, default_value_t = 72, value_parser = clap::value_parser!(u32).range(1..=720))]
        hours: u32,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// API tokens: programs that may
    #[command(subcommand)]
    Token(TokenCommand),
    /// Reads a password from standard input and prints its hash, for [accounts.NAME] of the configuration
    #[command(after_help = "Example:\n  afterword accounts hash < password-file")]
    Hash,
}

#[derive(Debug, Args)]
#[command(after_help = INVITE_EXAMPLES)]
pub struct Invite {
    /// The account's name: an email address, or another text without white space
    pub name: String,
    /// Sees and changes everything in the workspaces
    #[arg(long, required_unless_present = "teammate")]
    pub manager: bool,
    /// Is this teammate, and sees what is their own, where the workspace says so (key teammates_see)
    #[arg(
        long,
        value_name = "ID",
        conflicts_with = "manager",
        requires = "workspaces"
    )]
    pub teammate: Option<String>,
    /// In this workspace (repeatable); every one when none is named
    #[arg(long = "workspace", value_name = "ID")]
    pub workspaces: Vec<String>,
    /// The link is valid for so many hours
    #[arg(long, default_value_t = 72, value_parser = clap::value_parser!(u32).range(1..=720))]
    pub hours: u32,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Makes a token and prints it, this once
    #[command(after_help = TOKEN_EXAMPLES)]
    Create {
        /// What people call it by
        name: String,
        /// What it may do (repeatable)
        #[arg(long = "scope", value_name = "SCOPE", required = true)]
        scopes: Vec<String>,
        /// In this workspace (repeatable); every one when none is named
        #[arg(long = "workspace", value_name = "ID")]
        workspaces: Vec<String>,
        /// It ends after so many days; never when left out
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..=3_650))]
        days: Option<u32>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Every token with its id, without the secret
    #[command(after_help = "Example:\n  afterword accounts token list")]
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Ends a token for good
    #[command(after_help = "Example:\n  afterword accounts token revoke 3f2a9c11")]
    Revoke {
        /// The token's id, as `list` has it
        id: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}
