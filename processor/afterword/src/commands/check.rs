//! `afterword config check`: every key, its value in force, and where that came from.

use serde_json::{Map, Value as Json, json};

use crate::config::{Effective, Value};
use crate::failure::Failure;
use crate::terminal::{self, Style, Table};

/// Prints the configuration.
///
/// # Errors
/// When a value is right in itself and cannot be used.
pub fn execute(effective: &Effective, as_json: bool) -> Result<(), Failure> {
    crate::telemetry::filter(&effective.config().log_level)?;
    if as_json {
        let mut object = Map::new();
        for (setting, value, origin) in effective.iter() {
            let value = match (value, setting.secret) {
                (_, true) => json!("(secret)"),
                (Value::Number(number), _) => json!(number),
                (Value::Text(text), _) => json!(text),
            };
            let entry: Json = json!({ "value": value, "origin": origin.to_string(), "variable": setting.variable() });
            object.insert(setting.key.to_owned(), entry);
        }
        println!("{:#}", Json::Object(object));
        return Ok(());
    }
    let colours = terminal::colours_on_stdout();
    let mut table = Table::new(&["key", "value", "from", "meaning"], &[]);
    for (setting, value, origin) in effective.iter() {
        let value = match setting.secret {
            true => "(secret)".to_owned(),
            false => value.to_string(),
        };
        table.styled_row(vec![
            (setting.key.to_owned(), None),
            (terminal::harmless(&value), Some(Style::Bold)),
            (origin.to_string(), None),
            (setting.about.to_owned(), Some(Style::Dim)),
        ]);
    }
    print!("{}", table.render(0, colours));
    Ok(())
}
