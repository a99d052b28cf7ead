//! The members of one JSON object, each as the text it has, taken by name.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::JsonError;
use super::time::parse_time;
use crate::limits;
use crate::records::Timestamp;

/// How much of a value an error repeats, in characters.
const MAX_QUOTED_CHARS: usize = 40;

/// One object. Values stay text until they are asked for, so that one of them can decide what the others have to be.
pub(super) struct Members<'a> {
    /// The members around this object, such as `author`.
    around: String,
    members: Vec<Member<'a>>,
}

struct Member<'a> {
    name: Cow<'a, str>,
    value: &'a RawValue,
    taken: bool,
}

impl<'a> Members<'a> {
    /// The members of an object that is the whole of `text`, but for white space around it.
    pub(super) fn parse(text: &'a [u8]) -> Result<Self, JsonError> {
        if text.len() > super::MAX_BYTES {
            let expected = format!("an object of at most {} bytes", super::MAX_BYTES);
            return Err(JsonError::new(
                "",
                expected,
                format!("{} bytes", text.len()),
            ));
        }
        let text = limits::utf8(text).ok_or_else(|| JsonError::new("", "UTF-8", "other bytes"))?;
        Self::of(String::new(), text)
    }

    fn of(around: String, text: &'a str) -> Result<Self, JsonError> {
        match serde_json::from_str(text) {
            Ok(Object(members)) => Ok(Self { around, members }),
            Err(error) if error.is_data() => Err(JsonError::new(
                &around,
                "an object",
                described(text.trim_start()),
            )),
            Err(error) => Err(JsonError::new(
                &around,
                "a JSON object",
                format!("what is none: {error}"),
            )),
        }
    }

    /// The member's name with those around it.
    pub(super) fn path(&self, name: &str) -> String {
        if self.around.is_empty() {
            name.to_owned()
        } else {
            format!("{}.{name}", self.around)
        }
    }

    fn error(&self, name: &str, expected: &str, found: impl ToString) -> JsonError {
        JsonError::new(&self.path(name), expected, found)
    }

    /// The text of a member's value, if it is there.
    pub(super) fn take(&mut self, name: &str) -> Result<Option<&'a str>, JsonError> {
        let mut found = self.members.iter_mut().filter(|member| member.name == name);
        let first = found.next().map(|member| {
            member.taken = true;
            member.value.get()
        });
        match found.next() {
            Some(_) => Err(self.error(name, "one member of this name", "several")),
            None => Ok(first),
        }
    }

    /// The same, where null says as much as nothing.
    pub(super) fn take_optional(&mut self, name: &str) -> Result<Option<&'a str>, JsonError> {
        Ok(self.take(name)?.filter(|value| *value != "null"))
    }

    fn required(&mut self, name: &str, expected: &str) -> Result<&'a str, JsonError> {
        self.take(name)?
            .ok_or_else(|| self.error(name, expected, "no such member"))
    }

    fn ill_typed(&self, name: &str, expected: &str, value: &str) -> JsonError {
        self.error(name, expected, described(value))
    }

    /// The text that a member's value is, given the value.
    fn text_of(&self, name: &str, value: &'a str) -> Result<Cow<'a, str>, JsonError> {
        if !value.starts_with('"') {
            return Err(self.ill_typed(name, "a string", value));
        }
        // All that can still be wrong with it.
        let lone = |_| {
            self.error(
                name,
                "a string of Unicode characters",
                "half of a surrogate pair",
            )
        };
        serde_json::from_str(value)
            .map(|Text(text)| text)
            .map_err(lone)
    }

    pub(super) fn string(&mut self, name: &str) -> Result<Cow<'a, str>, JsonError> {
        let value = self.required(name, "a string")?;
        self.text_of(name, value)
    }

    pub(super) fn id(&mut self, name: &str) -> Result<Cow<'a, str>, JsonError> {
        let id = self.string(name)?;
        limits::check_id(&id).map_err(|error| JsonError::limit(&self.path(name), error))?;
        Ok(id)
    }

    pub(super) fn text(&mut self, name: &str) -> Result<Cow<'a, str>, JsonError> {
        let text = self.string(name)?;
        limits::check_text(&text).map_err(|error| JsonError::limit(&self.path(name), error))?;
        Ok(text)
    }

    /// A string, or the default's absence.
    pub(super) fn optional_string(
        &mut self,
        name: &str,
    ) -> Result<Option<Cow<'a, str>>, JsonError> {
        self.take_optional(name)?
            .map(|value| self.text_of(name, value))
            .transpose()
    }

    pub(super) fn time(&mut self, name: &str) -> Result<Timestamp, JsonError> {
        let value = self.required(name, EXPECTED_TIME)?;
        self.time_of(name, value)
    }

    pub(super) fn optional_time(&mut self, name: &str) -> Result<Option<Timestamp>, JsonError> {
        self.take_optional(name)?
            .map(|value| self.time_of(name, value))
            .transpose()
    }

    fn time_of(&self, name: &str, value: &'a str) -> Result<Timestamp, JsonError> {
        let time = match value.parse() {
            Ok(milliseconds) => Some(Timestamp(milliseconds)),
            Err(_) if value.starts_with('"') => parse_time(&self.text_of(name, value)?),
            Err(_) => None,
        };
        time.ok_or_else(|| self.ill_typed(name, EXPECTED_TIME, value))
    }

    /// A number that Rust reads as `T`; what JSON takes for a number and `T` does not is refused.
    pub(super) fn number<T: std::str::FromStr>(
        &mut self,
        name: &str,
        expected: &str,
    ) -> Result<T, JsonError> {
        let value = self.required(name, expected)?;
        value
            .parse()
            .map_err(|_| self.ill_typed(name, expected, value))
    }

    pub(super) fn boolean(&mut self, name: &str) -> Result<bool, JsonError> {
        let expected = "true or false";
        match self.required(name, expected)? {
            "true" => Ok(true),
            "false" => Ok(false),
            other => Err(self.ill_typed(name, expected, other)),
        }
    }

    pub(super) fn object(&mut self, name: &str) -> Result<Members<'a>, JsonError> {
        let value = self.required(name, "an object")?;
        Members::of(self.path(name), value)
    }

    /// The same, or nothing.
    pub(super) fn optional_object(&mut self, name: &str) -> Result<Option<Members<'a>>, JsonError> {
        let path = self.path(name);
        self.take_optional(name)?
            .map(|value| Members::of(path, value))
            .transpose()
    }

    /// The names of all members.
    pub(super) fn names(&self) -> Vec<String> {
        self.members
            .iter()
            .map(|member| member.name.as_ref().to_owned())
            .collect()
    }

    /// Adds the members that nobody took to `ignored`.
    pub(super) fn finish(self, ignored: &mut Vec<String>) {
        let rest = self.members.iter().filter(|member| !member.taken);
        ignored.extend(rest.map(|member| self.path(&member.name)));
    }
}

const EXPECTED_TIME: &str = "a time in RFC 3339, or integer milliseconds since 1970";

/// A value, for an error.
fn described(value: &str) -> String {
    match value.as_bytes().first() {
        Some(b'{') => "an object".to_owned(),
        Some(b'[') => "an array".to_owned(),
        _ => match value.char_indices().nth(MAX_QUOTED_CHARS) {
            Some((end, _)) => format!("{}…", &value[..end]),
            None => value.to_owned(),
        },
    }
}

struct Object<'a>(Vec<Member<'a>>);

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;

        impl<'de> Visitor<'de> for Collect {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
                let mut members = Vec::with_capacity(8);
                while let Some((Text(name), value)) = map.next_entry()? {
                    members.push(Member {
                        name,
                        value,
                        taken: false,
                    });
                }
                Ok(Object(members))
            }
        }

        deserializer.deserialize_map(Collect)
    }
}

/// A string, borrowed where it has no escapes.
struct Text<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Borrow;

        impl<'de> Visitor<'de> for Borrow {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }

        deserializer.deserialize_str(Borrow)
    }
}
