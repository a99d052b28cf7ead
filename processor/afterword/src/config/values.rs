//! One value before and after it is checked against its row of the table.

use std::net::SocketAddr;

use super::Value;
use super::setting::{Kind, Setting};

/// A value before it is checked.
pub enum Raw {
    Text(String),
    Integer(String),
    Float(String),
    Boolean(bool),
    List(Vec<String>),
    Other(&'static str),
}

/// The value, or what was found instead of one.
pub fn check(setting: &Setting, raw: Raw) -> Result<Value, String> {
    let text = match (raw, setting.kind) {
        (Raw::Other(kind), _) => return Err(article(kind)),
        (Raw::Float(number) | Raw::Integer(number), Kind::Ratio) => number,
        (Raw::Float(_), _) => return Err("a float".to_owned()),
        (Raw::Boolean(_), _) => return Err("a boolean".to_owned()),
        (Raw::Integer(number), Kind::Number { .. }) | (Raw::Text(number), Kind::Number { .. }) => {
            number
        }
        (Raw::Integer(number), _) => return Err(format!("the number {number}")),
        (Raw::List(texts), Kind::List) if texts.iter().all(|text| is_member(text)) => {
            texts.join(",")
        }
        (Raw::List(_), Kind::List) => return Err("an empty text or a comma within".to_owned()),
        (Raw::List(_), _) => return Err("an array".to_owned()),
        (Raw::Text(text), _) => text,
    };
    let found = || match (setting.secret, text.is_empty()) {
        (_, true) => "nothing".to_owned(),
        (true, false) => "a secret that is not such a value".to_owned(),
        (false, false) => format!("`{text}`"),
    };
    match setting.kind {
        Kind::Number { least, most } => match text.trim().replace('_', "").parse::<u64>() {
            Ok(number) if (least..=most).contains(&number) => Ok(Value::Number(number)),
            _ => Err(found()),
        },
        Kind::Ratio if !is_ratio(&text) => Err(found()),
        Kind::Choice(words) if !words.contains(&text.as_str()) => Err(found()),
        Kind::Address if text.parse::<SocketAddr>().is_err() => Err(found()),
        Kind::Text if text.is_empty() => Err(found()),
        Kind::List if !text.is_empty() && text.split(',').any(|part| part.trim().is_empty()) => {
            Err(found())
        }
        Kind::Colour if !is_colour(&text) => Err(found()),
        Kind::Language if !is_language(&text) => Err(found()),
        _ => Ok(Value::Text(text)),
    }
}

fn is_ratio(text: &str) -> bool {
    text.parse::<f64>()
        .is_ok_and(|number| (0.0..=1.0).contains(&number))
}

/// Of a list: its members are joined by commas.
fn is_member(text: &str) -> bool {
    !text.trim().is_empty() && !text.contains(',')
}

fn is_colour(text: &str) -> bool {
    let digits = text.strip_prefix('#').unwrap_or_default();
    digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// As BCP 47 has them, no further than a computer needs to choose a text.
fn is_language(text: &str) -> bool {
    let mut parts = text.split('-');
    let first = parts.next().unwrap_or_default();
    let is_word = |part: &str| {
        (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    (2..=3).contains(&first.len())
        && first.bytes().all(|byte| byte.is_ascii_alphabetic())
        && parts.all(is_word)
}

/// The kind with the article that belongs before it.
pub fn article(kind: &str) -> String {
    let article = if kind.starts_with(['a', 'e', 'i', 'o', 'u']) {
        "an"
    } else {
        "a"
    };
    format!("{article} {kind}")
}
