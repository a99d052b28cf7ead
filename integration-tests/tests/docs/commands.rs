//! `docs/reference/cli.md`: what every command says of itself.

use std::fmt::Write;
use std::process::Command;

use crate::{binary, expect, must};

const HEAD: &str = "\
# Commands

What `afterword help` says of every command, made from the program by a test (`AFTERWORD_WRITE_DOCS=1 make test ARGS='--test docs'`). What they are for is told in
[operations.md](../operations.md#commands); the flags that every command has stand at the first one alone.
";

#[test]
fn the_reference_of_commands_is_what_the_program_says() {
    let mut text = HEAD.to_owned();
    tell(&[], &mut text);
    expect("docs/reference/cli.md", &text);
}

/// This command's help, then that of those below it.
fn tell(words: &[&str], text: &mut String) {
    let help = help(words);
    let shown = if words.is_empty() {
        help.clone()
    } else {
        without_common_flags(&help)
    };
    let name = ["afterword"].iter().chain(words).copied();
    let name = name.collect::<Vec<_>>().join(" ");
    writeln!(text, "\n## {name}\n\n```text\n{}\n```", shown.trim_end()).unwrap();
    for below in commands_in(&help) {
        tell(&[words, &[below]].concat(), text);
    }
}

fn help(words: &[&str]) -> String {
    let mut command = Command::new(binary::path());
    // It would be taken for a key of the configuration.
    command.env_remove("AFTERWORD_WRITE_DOCS");
    let help = must(command.args(words).arg("--help"));
    let lines = help.lines().map(str::trim_end);
    lines.collect::<Vec<_>>().join("\n")
}

/// The names in the list of commands; `help` itself says nothing.
fn commands_in(help: &str) -> Vec<&str> {
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let names = lines
        .take_while(|line| line.starts_with("  "))
        // A description that is long goes on further to the right.
        .filter(|line| !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").collect()
}

/// Leaves out what stands at the first command already: a flag's line, and all further to the right below it.
fn without_common_flags(help: &str) -> String {
    const COMMON: [&str; 6] = [
        "--config <FILE>",
        "--data-dir <DIR>",
        "--log <LOG>",
        "--bootstrap-servers <HOST:PORT,…>",
        "--set <KEY=VALUE>",
        "-h, --help",
    ];
    let mut kept: Vec<&str> = Vec::new();
    let mut leaving_out = false;
    for line in help.lines() {
        let indent = line.len() - line.trim_start().len();
        let is_flag = line.trim_start().starts_with('-') && indent <= 6;
        if is_flag || (indent < 6 && !line.is_empty()) {
            leaving_out = is_flag
                && COMMON
                    .iter()
                    .any(|flag| line.trim_start().starts_with(flag));
        }
        if !leaving_out {
            kept.push(line);
        }
    }
    // Nothing may be left of a list.
    let is_empty_heading = |index: usize| {
        let rest = kept[index + 1..].iter().find(|line| !line.is_empty());
        kept[index] == "Options:" && rest.is_none_or(|line| !line.starts_with(' '))
    };
    let indices = (0..kept.len()).filter(|index| !is_empty_heading(*index));
    indices
        .map(|index| kept[index])
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn common_flags_are_left_out() {
    let help = "Says\n\nUsage: afterword x [OPTIONS]\n\nOptions:\n      --config <FILE>\n          TOML file\n\n      --own <N>\n          Mine\n\n  -h, --help\n          Print help\n\nExample:\n  afterword x";
    let shown = "Says\n\nUsage: afterword x [OPTIONS]\n\nOptions:\n      --own <N>\n          Mine\n\nExample:\n  afterword x";
    assert_eq!(without_common_flags(help), shown);
    let none = "Usage: x\n\nOptions:\n      --config <FILE>\n          TOML file\n  -h, --help  Print help\n";
    assert_eq!(without_common_flags(none).trim_end(), "Usage: x");
    let listed =
        "Commands:\n  a   One\n        more of it\n  b   Two\n  help  Help\n\nOptions:\n  -h";
    assert_eq!(commands_in(listed), ["a", "b"]);
}
