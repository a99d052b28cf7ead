//! `afterword contacts import`: the directory of contacts, from NDJSON or CSV.

use std::path::Path;

use afterword_readmodel::Contact;
use serde::Deserialize;
use serde_json::json;

use super::deliveries::on_database;
use super::lines::{self, Lines};
use crate::cli::Contacts;
use crate::config::Config;
use crate::failure::Failure;
use crate::terminal::grouped;

/// Longest line, in bytes.
const LINE_BYTES: usize = 16 * 1024;
/// Contacts of one transaction.
const AT_ONCE: usize = 1_000;

/// A line of NDJSON.
#[derive(Deserialize)]
struct Line {
    workspace_id: String,
    customer_id: String,
    email: Option<String>,
    name: Option<String>,
    locale: Option<String>,
    wants_mail: Option<bool>,
}

/// Workspace, customer, contact.
type Given = (String, String, Contact);

/// How lines are read.
enum Format {
    Json,
    /// With the columns of the heading, once it was read.
    Csv(Option<Vec<String>>),
}

/// Keeps the contacts of a file.
///
/// # Errors
/// When a line is refused, or the report database cannot be used.
pub fn execute(config: &Config, contacts: &Contacts) -> Result<(), Failure> {
    let Contacts::Import { file, json } = contacts;
    let mut lines = Lines::open(file, 0)?;
    let is_csv = file
        .extension()
        .is_some_and(|name| name.eq_ignore_ascii_case("csv"));
    let mut format = match is_csv {
        true => Format::Csv(None),
        false => Format::Json,
    };
    let (mut kept, mut refused) = (0_u64, 0_u64);
    on_database(config, async |database| {
        while let Some(block) = lines.block()? {
            let mut given = Vec::new();
            for (number, line) in block.iter() {
                match format.read(line) {
                    Ok(Some(contact)) => given.push(contact),
                    Ok(None) => {}
                    Err(why) => {
                        refused += 1;
                        tell(file, number, &why);
                    }
                }
            }
            for some in given.chunks(AT_ONCE) {
                let put = database.put_contacts(some, afterword_web::now_ms()).await;
                put.map_err(|error| Failure::while_doing("keeping the contacts", error))?;
                kept += some.len() as u64;
            }
        }
        Ok(())
    })?;
    match json {
        true => outln!("{}", json!({ "kept": kept, "refused": refused })),
        false => outln!(
            "{} contacts kept, {} refused",
            grouped(kept),
            grouped(refused)
        ),
    }
    match refused {
        0 => Ok(()),
        _ => Err(Failure::Failed(format!(
            "{refused} lines were refused (told above); the others are kept"
        ))),
    }
}

fn tell(file: &Path, line: u64, why: &str) {
    errln!("{}:{line}: {why}", lines::name(file));
}

impl Format {
    /// The contact of a line; none of an empty one or of the heading. The message has nothing of what the line says.
    fn read(&mut self, line: Option<&[u8]>) -> Result<Option<Given>, String> {
        let line = line.filter(|line| line.len() <= LINE_BYTES);
        let line =
            line.ok_or_else(|| format!("expected at most {LINE_BYTES} bytes, found more"))?;
        let line = std::str::from_utf8(line).map_err(|_| "expected UTF-8".to_owned())?;
        let line = line.trim_start_matches('\u{feff}').trim();
        if line.is_empty() {
            return Ok(None);
        }
        let line = match self {
            Format::Json => serde_json::from_str(line).map_err(|error| fault(&error))?,
            Format::Csv(None) => {
                *self = Format::Csv(Some(heading(line)?));
                return Ok(None);
            }
            Format::Csv(Some(columns)) => of_fields(columns, fields(line)?)?,
        };
        check(line).map(Some)
    }
}

/// serde_json's message repeats no value but for unknown variants and types, of which there are none here.
fn fault(error: &serde_json::Error) -> String {
    match error.is_data() {
        true => {
            "expected workspace_id and customer_id (texts), and any of email, name, locale (texts) and wants_mail (true or false)".to_owned()
        }
        false => format!("expected a JSON object, found a fault at byte {}", error.column()),
    }
}

fn check(line: Line) -> Result<Given, String> {
    for (member, id) in [
        ("workspace_id", &line.workspace_id),
        ("customer_id", &line.customer_id),
    ] {
        if id.is_empty() || id.len() > 256 || id.chars().any(char::is_control) {
            return Err(format!(
                "{member}: expected 1 to 256 bytes without control characters, found another text"
            ));
        }
    }
    let contact = Contact {
        email: line.email,
        name: line.name,
        locale: line.locale,
        wants_mail: line.wants_mail.unwrap_or(true),
    };
    let contact = contact
        .checked()
        .map_err(|(member, why)| format!("{member}: {why}"))?;
    Ok((line.workspace_id, line.customer_id, contact))
}

const COLUMNS: [&str; 6] = [
    "workspace_id",
    "customer_id",
    "email",
    "name",
    "locale",
    "wants_mail",
];

fn heading(line: &str) -> Result<Vec<String>, String> {
    let columns = fields(line)?;
    let unknown = columns
        .iter()
        .find(|name| !COLUMNS.contains(&name.as_str()));
    let missing = COLUMNS[..2]
        .iter()
        .find(|name| !columns.contains(&(**name).to_owned()));
    match (unknown, missing) {
        (None, None) => Ok(columns),
        _ => Err(format!(
            "expected a heading of {} and {}, and any of {}",
            COLUMNS[0],
            COLUMNS[1],
            COLUMNS[2..].join(", ")
        )),
    }
}

fn of_fields(columns: &[String], fields: Vec<String>) -> Result<Line, String> {
    if fields.len() != columns.len() {
        let (expected, found) = (columns.len(), fields.len());
        return Err(format!(
            "expected {expected} fields as in the heading, found {found}"
        ));
    }
    let field = |name: &str| {
        let at = columns.iter().position(|column| column == name)?;
        fields.get(at).cloned()
    };
    let wants_mail = match field("wants_mail").unwrap_or_default().trim() {
        "" => None,
        "true" => Some(true),
        "false" => Some(false),
        _ => return Err("wants_mail: expected true, false or nothing".to_owned()),
    };
    Ok(Line {
        workspace_id: field("workspace_id").unwrap_or_default(),
        customer_id: field("customer_id").unwrap_or_default(),
        email: field("email"),
        name: field("name"),
        locale: field("locale"),
        wants_mail,
    })
}

/// Fields of one line of CSV (RFC 4180); a field with a line break within is none of ours, as every line is one contact.
fn fields(line: &str) -> Result<Vec<String>, String> {
    let mut fields = vec![String::new()];
    let mut rest = line.chars().peekable();
    let mut is_quoted = false;
    while let Some(char) = rest.next() {
        let at = fields.len() - 1;
        match char {
            '"' if is_quoted && rest.peek() == Some(&'"') => {
                rest.next();
                fields[at].push('"');
            }
            '"' if is_quoted || fields[at].is_empty() => is_quoted = !is_quoted,
            ',' if !is_quoted => fields.push(String::new()),
            char => fields[at].push(char),
        }
    }
    match is_quoted {
        true => Err("expected a closing quotation mark on the same line".to_owned()),
        false => Ok(fields),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_is_read_as_it_is_written() {
        let read = |line: &str| fields(line).expect("fields");
        assert_eq!(read("a,\"b, \"\"c\"\"\",,d"), ["a", "b, \"c\"", "", "d"]);
        assert!(fields("a,\"b").is_err());
    }

    #[test]
    fn faults_name_the_member_and_not_the_value() {
        let mut csv = Format::Csv(None);
        assert!(csv.read(Some(b"customer_id,email")).is_err());
        let mut csv = Format::Csv(None);
        assert_eq!(
            csv.read(Some(b"\xef\xbb\xbfworkspace_id,customer_id,email")),
            Ok(None)
        );
        let given = csv
            .read(Some(b"w1,u1,ann@example.com"))
            .expect("right")
            .expect("a contact");
        assert_eq!(given.2.email.as_deref(), Some("ann@example.com"));
        for (line, expected) in [
            ("w1,u1", "expected 3 fields"),
            ("w1,,a@b.de", "customer_id: expected"),
            ("w1,u1,hush", "email: expected"),
        ] {
            let why = csv.read(Some(line.as_bytes())).expect_err("refused");
            assert!(why.starts_with(expected) && !why.contains("hush"), "{why}");
        }
        let mut json = Format::Json;
        let why = json
            .read(Some(b"{\"workspace_id\":\"hush\",\"customer_id\":7}"))
            .expect_err("refused");
        assert!(
            why.contains("customer_id") && !why.contains("hush"),
            "{why}"
        );
    }
}
