//! The one binary of Afterword: commands, configuration, telemetry, and which roles run. The work is done elsewhere.

#[macro_use]
mod output;

mod access;
mod checkpoint;
mod cli;
mod client;
mod commands;
mod config;
mod failure;
mod links;
mod registry;
mod render;
mod service;
mod telemetry;
mod terminal;
mod traces;
mod traffic;
mod version;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::Arguments;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let (done, code) = match Arguments::try_parse() {
        Ok(arguments) => (commands::execute(arguments), 0),
        Err(answer) => (Ok(()), answered(&answer)),
    };
    let mut code = code;
    for failure in [done, output::finish()].into_iter().filter_map(Result::err) {
        errln!("afterword: {failure}");
        code = match code {
            0 => failure.exit_code(),
            earlier => earlier,
        };
    }
    ExitCode::from(code)
}

/// Prints what a command line leads to that is no command's: help, the version, or what is wrong with it. Returns the exit code.
fn answered(answer: &clap::Error) -> u8 {
    let printed = answer.print();
    if !answer.use_stderr() {
        output::keep(printed);
    }
    u8::try_from(answer.exit_code()).unwrap_or(1)
}
