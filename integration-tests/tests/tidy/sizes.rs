//! How long files and functions may be.

use crate::Finding;
use crate::source::{Source, item_end};

const FILE_LINES: usize = 400;
const FUNCTION_LINES: usize = 70;
/// In tests a function may be one table of cases, which is data and not something to follow.
const TEST_FILE_LINES: usize = 500;
const TEST_FUNCTION_LINES: usize = 130;

pub fn long_file(source: &Source) -> Option<Finding> {
    let is_test = !source.is_test.is_empty() && source.is_test.iter().all(|is_test| *is_test);
    let most = if is_test { TEST_FILE_LINES } else { FILE_LINES };
    let lines = source.text.len();
    let what = || format!("{lines} lines; a file has at most {most}: cut it where its parts part");
    (lines > most).then(|| Finding::new(source, 1, what()))
}

pub fn long_functions(source: &Source) -> Vec<Finding> {
    let lines: Vec<&str> = source.code.iter().map(String::as_str).collect();
    let mut findings = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let Some(name) = function_name(line) else {
            continue;
        };
        let is_test = source.is_test[index];
        let most = if is_test {
            TEST_FUNCTION_LINES
        } else {
            FUNCTION_LINES
        };
        let length = item_end(&lines, index) - index + 1;
        if length > most {
            let what = format!("fn {name} has {length} lines; a function has at most {most}");
            findings.push(Finding::new(source, index + 1, what));
        }
    }
    findings
}

/// The name of the function that is declared on this line. `fn(u8) -> u8` is a type and has none.
fn function_name(line: &str) -> Option<&str> {
    let (before, after) = match line.trim_start().strip_prefix("fn ") {
        Some(after) => ("", after),
        None => line.split_once(" fn ")?,
    };
    let declares = before.split_whitespace().all(|word| {
        word.starts_with("pub")
            || word.ends_with(')')
            || matches!(word, "const" | "async" | "unsafe" | "extern" | "default")
    });
    let end = after.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$'))?;
    (declares && end > 0).then(|| &after[..end])
}

#[test]
fn a_long_file_is_found() {
    let found = |path: &str, lines: usize| {
        let source = Source::new(path, &"\n".repeat(lines));
        long_file(&source).is_some()
    };
    assert!(!found("x/src/lib.rs", FILE_LINES));
    assert!(found("x/src/lib.rs", FILE_LINES + 1));
    assert!(!found("x/tests/y.rs", TEST_FILE_LINES));
    assert!(found("x/tests/y.rs", TEST_FILE_LINES + 1));
}

#[test]
fn a_long_function_is_found_and_its_neighbours_are_not() {
    let function = |lines: usize| {
        let body = "    a(\"}\"); // }\n".repeat(lines - 2);
        format!("impl X {{\n    pub(crate) async fn long<T>(\n{body}    }}\n}}\n")
    };
    // The signature is two lines of these: `fn …(` and `) {`.
    let with = |lines: usize| function(lines).replacen("a(\"}\"); // }", ") where T: Y {", 1);
    let found = |lines: usize| long_functions(&Source::new("x/src/lib.rs", &with(lines))).len();
    assert_eq!(found(FUNCTION_LINES), 0);
    assert_eq!(found(FUNCTION_LINES + 1), 1);
}

#[test]
fn what_is_a_function_is_known() {
    let check = |line: &str, name: Option<&str>| assert_eq!(function_name(line), name, "{line}");
    check("fn a() {", Some("a"));
    check("    pub const fn b<T>(x: T) -> T {", Some("b"));
    check("    pub(in crate::x) unsafe fn c(", Some("c"));
    check("        fn $name() {", Some("$name"));
    check("    f: fn (u8) -> u8,", None);
    check("    f: fn(u8) -> u8,", None);
    check("use a::function;", None);
}
