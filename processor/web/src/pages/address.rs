//! Addresses of views: a path and its query, so that every view can be sent to a colleague.

use std::fmt::{self, Write as _};

/// A path and query parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Address {
    path: String,
    pairs: Vec<(&'static str, String)>,
}

/// An id as one segment of a path.
pub fn segment(id: &str) -> String {
    let mut out = String::new();
    for byte in id.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'@' => {
                out.push(char::from(byte));
            }
            other => {
                let _: fmt::Result = write!(out, "%{other:02X}");
            }
        }
    }
    out
}

impl Address {
    /// An address without a query.
    pub fn new(path: impl Into<String>) -> Address {
        Address {
            path: path.into(),
            pairs: Vec::new(),
        }
    }

    /// The same with this parameter; an empty value takes it away.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: impl fmt::Display) -> Address {
        let value = value.to_string();
        match self.pairs.iter().position(|(there, _)| *there == key) {
            Some(place) if value.is_empty() => {
                self.pairs.remove(place);
            }
            Some(place) => self.pairs[place].1 = value,
            None if value.is_empty() => {}
            None => self.pairs.push((key, value)),
        }
        self
    }

    /// The same parameters under another path.
    #[must_use]
    pub fn at(&self, path: impl Into<String>) -> Address {
        Address {
            path: path.into(),
            pairs: self.pairs.clone(),
        }
    }

    /// The same with these parameters only.
    #[must_use]
    pub fn only(mut self, keys: &[&str]) -> Address {
        self.pairs.retain(|(key, _)| keys.contains(key));
        self
    }

    /// Without its query: where its form goes.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The parameters but these, for hidden fields of a form.
    pub fn others(&self, keys: &[&str]) -> Vec<(&'static str, String)> {
        let others = self.pairs.iter().filter(|(key, _)| !keys.contains(key));
        others.cloned().collect()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)?;
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(&self.pairs);
        match self.pairs.is_empty() {
            true => Ok(()),
            false => write!(f, "?{}", query.finish()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_is_there_once_or_not_at_all() {
        let address = Address::new("/acme/ratings").with("from", "2026-01-01");
        let address = address.with("teammate", "a b&c").with("from", "2026-02-01");
        assert_eq!(
            address.to_string(),
            "/acme/ratings?from=2026-02-01&teammate=a+b%26c"
        );
        assert_eq!(
            address.with("teammate", "").to_string(),
            "/acme/ratings?from=2026-02-01"
        );
        assert_eq!(segment("a/b ü"), "a%2Fb%20%C3%BC");
    }
}
