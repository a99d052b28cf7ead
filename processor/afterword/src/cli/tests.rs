//! The command line holds together.

use super::*;
use clap::CommandFactory;

#[test]
fn the_command_line_is_sound() {
    Arguments::command().debug_assert();
}

#[test]
fn shares_have_one_default() {
    let Command::Simulate(simulate) = Arguments::parse_from(["afterword", "simulate"]).command
    else {
        panic!("expected simulate");
    };
    assert_eq!(
        format!("{:?}", simulate.shares),
        format!("{:?}", Shares::default())
    );
}
