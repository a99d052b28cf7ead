//! `afterword config check`: every key, its value in force, and where that came from.

use afterword_log::kafka::properties::is_secret;
use serde_json::{Map, Value as Json, json};

use crate::config::{Effective, Origin, PROPERTIES, Setting, Value};
use crate::failure::Failure;
use crate::terminal::{self, Style, Table};

const SECRET: &str = "(secret)";

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
                (Value::Text(text), true) if !text.is_empty() => json!(SECRET),
                (Value::Number(number), _) => json!(number),
                (Value::Text(text), _) => json!(text),
            };
            let entry: Json = json!({ "value": value, "origin": origin.to_string(), "variable": setting.variable() });
            object.insert(setting.key.to_owned(), entry);
        }
        for (key, setting, value, origin) in effective.named() {
            let (value, origin) = (shown_of(setting, value), origin.to_string());
            object.insert(key, json!({ "value": value, "origin": origin }));
        }
        for (name, value, origin) in effective.properties() {
            let (value, variable) = (shown(name, value), variable(name));
            let entry =
                json!({ "value": value, "origin": origin.to_string(), "variable": variable });
            object.insert(format!("{PROPERTIES}{name}"), entry);
        }
        outln!("{:#}", Json::Object(object));
        return Ok(());
    }
    let colours = terminal::colours_on_stdout();
    let mut table = Table::new(&["key", "value", "from", "meaning"], &[]);
    for (setting, value, origin) in effective.iter() {
        let value = shown_of(setting, value);
        table.styled_row(row(setting.key, &value, origin, setting.about));
    }
    for (key, setting, value, origin) in effective.named() {
        let value = shown_of(setting, value);
        table.styled_row(row(&key, &value, origin, setting.about));
    }
    for (name, value, origin) in effective.properties() {
        let key = format!("{PROPERTIES}{name}");
        table.styled_row(row(&key, shown(name, value), origin, "librdkafka's own"));
    }
    out!("{}", table.render(0, colours));
    Ok(())
}

fn row(key: &str, value: &str, origin: &Origin, about: &str) -> Vec<(String, Option<Style>)> {
    vec![
        (key.to_owned(), None),
        (terminal::harmless(value), Some(Style::Bold)),
        (origin.to_string(), None),
        (about.to_owned(), Some(Style::Dim)),
    ]
}

fn shown_of(setting: &Setting, value: &Value) -> String {
    match value.to_string() {
        text if setting.secret && !text.is_empty() => SECRET.to_owned(),
        text => text,
    }
}

fn shown<'a>(property: &str, value: &'a str) -> &'a str {
    match is_secret(property) {
        true => SECRET,
        false => value,
    }
}

/// The environment variable that sets this property of librdkafka.
fn variable(property: &str) -> String {
    let name = property.to_uppercase().replace('.', "_");
    format!("AFTERWORD_KAFKA__PROPERTIES__{name}")
}
