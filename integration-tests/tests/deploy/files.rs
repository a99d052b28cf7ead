//! The files of `deploy/`, each read by the program or the schema that reads it in earnest: `integration-tests/deploy/check.py` says how.

use std::process::Command;

use crate::{binary, must, top};

/// Runs one of the checks in the environment that `.ci/checkers` makes.
fn check(what: &str) {
    let environment = must(&mut Command::new(top().join(".ci/checkers")));
    let mut command = Command::new(format!("{}/bin/python", environment.trim()));
    command.arg("integration-tests/deploy/check.py").arg(what);
    // The configuration in these files goes through the program itself.
    command.env("PROGRAM", binary::path());
    println!("{}", must(&mut command));
}

#[test]
fn the_image_is_made_as_it_should_be() {
    check("image");
}

#[test]
fn compose_files_are_valid_and_their_configuration_is_right() {
    check("compose");
}

#[test]
fn the_chart_renders_to_what_kubernetes_knows() {
    check("chart");
}

#[test]
fn the_unit_is_valid_and_shuts_the_service_in() {
    check("unit");
}

#[test]
fn the_debian_package_holds_what_it_should() {
    check("package");
}

#[test]
fn a_release_is_whole_and_lists_its_components() {
    check("release");
}
