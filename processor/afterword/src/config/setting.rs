//! What a row of the configuration is.

use super::table::SETTINGS;

/// What a setting's value may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A whole number, both ends included.
    Number { least: u64, most: u64 },
    /// A number from 0 to 1.
    Ratio,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Any text but an empty one.
    Text,
    /// Any text; an empty one means that there is none.
    OptionalText,
    /// An IP address and a port; port 0 takes any free one.
    Address,
    /// Texts: a list in TOML, joined by commas elsewhere. None is right too.
    List,
    /// A colour such as #0f766e.
    Colour,
    /// A language with or without a region, such as de or pt-BR.
    Language,
}

/// One row of the configuration.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// As in TOML, levels joined by dots.
    pub key: &'static str,
    pub default: &'static str,
    pub kind: Kind,
    pub about: &'static str,
    /// Never printed.
    pub secret: bool,
}
pub(super) const fn number(
    key: &'static str,
    default: &'static str,
    least: u64,
    most: u64,
    about: &'static str,
) -> Setting {
    let kind = Kind::Number { least, most };
    Setting {
        key,
        default,
        kind,
        about,
        secret: false,
    }
}

pub(super) const fn other(
    key: &'static str,
    default: &'static str,
    kind: Kind,
    about: &'static str,
) -> Setting {
    Setting {
        key,
        default,
        kind,
        about,
        secret: false,
    }
}

pub(super) const fn optional(key: &'static str, about: &'static str) -> Setting {
    other(key, "", Kind::OptionalText, about)
}

pub(super) const fn secret(key: &'static str, about: &'static str) -> Setting {
    Setting {
        secret: true,
        ..optional(key, about)
    }
}

pub(super) const fn list(key: &'static str, about: &'static str) -> Setting {
    other(key, "", Kind::List, about)
}

pub(super) const fn secrets(key: &'static str, about: &'static str) -> Setting {
    Setting {
        secret: true,
        ..list(key, about)
    }
}

impl Setting {
    /// The row of this key.
    #[must_use]
    pub fn of(key: &str) -> Option<&'static Setting> {
        SETTINGS.iter().find(|setting| setting.key == key)
    }

    /// The variable of the environment that sets it: `log.cache_mib` is `AFTERWORD_LOG__CACHE_MIB`.
    #[must_use]
    pub fn variable(&self) -> String {
        format!("AFTERWORD_{}", self.key.replace('.', "__").to_uppercase())
    }

    /// What a value must be, for messages.
    #[must_use]
    pub fn expected(&self) -> String {
        match self.kind {
            Kind::Number { least, most } => format!("a whole number from {least} to {most}"),
            Kind::Ratio => "a number from 0 to 1".to_owned(),
            Kind::Choice(words) => format!("one of {}", words.join(", ")),
            Kind::Text => "a text that is not empty".to_owned(),
            Kind::OptionalText => "a text".to_owned(),
            Kind::Address => "an IP address and a port, such as 127.0.0.1:8081".to_owned(),
            Kind::List => "a list of texts that are not empty".to_owned(),
            Kind::Colour => "a colour of six hexadecimal digits, such as #0f766e".to_owned(),
            Kind::Language => "a language, such as en or pt-BR".to_owned(),
        }
    }

    /// The known key that looks most like this one, when one does.
    #[must_use]
    pub fn nearest(key: &str) -> Option<&'static str> {
        let scored = SETTINGS.iter().map(|setting| {
            let last = setting.key.rsplit('.').next().unwrap_or(setting.key);
            let near = distance(key, setting.key).min(distance(key, last) + 1);
            (near, setting.key)
        });
        let (near, nearest) = scored.min()?;
        (near <= key.len().max(4) / 2).then_some(nearest)
    }
}

/// Levenshtein's distance in bytes.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_key_is_found() {
        assert_eq!(Setting::nearest("log.partition"), Some("log.partitions"));
        assert_eq!(Setting::nearest("debt_facts"), Some("process.debt_facts"));
        assert_eq!(Setting::nearest("datadir"), Some("data_dir"));
        assert_eq!(Setting::nearest("zzzzzzzzzzz"), None);
    }

    #[test]
    fn variables_have_two_underscores_between_levels() {
        let setting = Setting::of("log.cache_mib").expect("known");
        assert_eq!(setting.variable(), "AFTERWORD_LOG__CACHE_MIB");
    }
}
