//! The one binary of Afterword: commands, configuration, telemetry, and which roles run. The work is done elsewhere.

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
    match commands::execute(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("afterword: {failure}");
            ExitCode::from(failure.exit_code())
        }
    }
}
