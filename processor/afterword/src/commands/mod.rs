//! The commands, one module each.

mod accounts;
mod backup;
mod check;
mod contacts;
mod decision;
mod deliveries;
mod demo;
mod erase;
mod explain;
mod history;
mod import;
mod lines;
mod replay;
mod run;
mod schemas;
mod scoreboard;
mod settings;
mod simulate;
mod tail;
mod topics;
mod verify;

use std::path::PathBuf;

use crate::cli::{Arguments, Command, Common, ConfigCommand};
use crate::config::{Config, Effective, Layers};
use crate::failure::Failure;

pub use backup::{Backup, Restore};
pub use erase::Erase;
pub use replay::Replay;
pub use schemas::Schemas;
pub use verify::Verify;

/// Does what the command line says.
///
/// # Errors
/// As [`Failure`] says.
pub fn execute(arguments: Arguments) -> Result<(), Failure> {
    let common = &arguments.common;
    match arguments.command {
        Command::Demo(demo) => demo::execute(common, &demo),
        Command::Run(run) => run::execute(common, &run),
        Command::Simulate(simulate) => simulate::execute(&configure(common, &[])?, &simulate),
        Command::Import(import) => import::execute(&configure(common, &[])?, &import),
        Command::Tail(tail) => tail::execute(&configure(common, &[])?, &tail),
        Command::Explain(explain) => explain::execute(&configure(common, &[])?, &explain),
        Command::Verify(verify) => verify::execute(&configure(common, &[])?, &verify),
        Command::Replay(replay) => replay::execute(&configure(common, &[])?, &replay),
        Command::Backup(backup) => backup::execute(&configure(common, &[])?, &backup),
        Command::Restore(restore) => backup::restore(&configure(common, &[])?, &restore),
        Command::Erase(erase) => erase::execute(&configure(common, &[])?, &erase),
        Command::Settings(settings) => settings::execute(&configure(common, &[])?, &settings),
        Command::Accounts(accounts) => accounts::execute(&configure(common, &[])?, &accounts),
        Command::Deliveries(which) => deliveries::execute(&configure(common, &[])?, &which),
        Command::Webhooks(webhooks) => deliveries::webhooks(&configure(common, &[])?, &webhooks),
        Command::Contacts(contacts) => contacts::execute(&configure(common, &[])?, &contacts),
        Command::Config(ConfigCommand::Check { json }) => {
            check::execute(&resolve(common, &[])?, json)
        }
        Command::Schemas(schemas) => schemas::execute(&configure(common, &[])?, &schemas),
        Command::Topics(topics) => topics::execute(&configure(common, &[])?, &topics),
    }
}

/// A flag of a command that sets a key: the key, the flag, its value.
type Flag<'a> = (&'a str, &'a str, Option<String>);

/// Reads every layer of the configuration.
fn resolve(common: &Common, flags: &[Flag<'_>]) -> Result<Effective, Failure> {
    let mut layers = Layers {
        environment: environment(),
        ..Layers::default()
    };
    if let Some(path) = &common.config {
        layers.file = Some((path.clone(), read(path)?));
    }
    for pair in &common.set {
        let (key, value) = pair.split_once('=').ok_or_else(|| {
            Failure::Usage(format!(
                "--set: expected KEY=VALUE, found `{pair}`; `afterword config check` lists the keys"
            ))
        })?;
        layers
            .flags
            .push((key.to_owned(), value.to_owned(), format!("--set {key}")));
    }
    let data_dir = common
        .data_dir
        .as_ref()
        .map(|path| path.to_string_lossy().into_owned());
    let log = common.log.map(|kind| kind.name().to_owned());
    let servers = common.bootstrap_servers.clone();
    let of_all = [
        ("data_dir", "--data-dir", data_dir),
        ("log.kind", "--log", log),
        ("kafka.bootstrap_servers", "--bootstrap-servers", servers),
    ];
    for (key, flag, value) in of_all.iter().chain(flags) {
        if let Some(value) = value {
            layers
                .flags
                .push(((*key).to_owned(), value.clone(), (*flag).to_owned()));
        }
    }
    Effective::resolve(&layers)
}

fn read(path: &PathBuf) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|error| {
        Failure::Configuration(vec![format!(
            "{}: expected a TOML file that can be read: {error}",
            path.display()
        )])
    })
}

fn environment() -> Vec<(String, String)> {
    let ours = std::env::vars_os().filter_map(|(name, value)| {
        let name = name.into_string().ok()?;
        name.starts_with("AFTERWORD_")
            .then(|| (name, value.to_string_lossy().into_owned()))
    });
    let mut ours: Vec<_> = ours.collect();
    ours.sort();
    ours
}

/// The configuration, and log lines as it says. What an erasure completed and could not put in place any more is put there before
/// anything is read.
fn configure(common: &Common, flags: &[Flag<'_>]) -> Result<Config, Failure> {
    let config = resolve(common, flags)?.config();
    crate::telemetry::start(&config)?;
    let settled = afterword_log::EmbeddedLog::settle(&config.data_dir);
    settled.map_err(|error| Failure::while_doing("ending an erasure", error))?;
    Ok(config)
}
