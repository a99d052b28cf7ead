//! What the pages say, in every language there is: Fluent texts under `texts/`, chosen by the customer's `Accept-Language`.

use std::sync::OnceLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource};

/// A language that the pages speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Language {
    /// As in HTML's `lang`.
    pub tag: &'static str,
    /// As in HTML's `dir`.
    pub direction: &'static str,
    index: usize,
}

const SOURCES: [(&str, &str, &str); 6] = [
    ("en", "ltr", include_str!("../../texts/en/survey.ftl")),
    ("de", "ltr", include_str!("../../texts/de/survey.ftl")),
    ("fr", "ltr", include_str!("../../texts/fr/survey.ftl")),
    ("es", "ltr", include_str!("../../texts/es/survey.ftl")),
    ("ar", "rtl", include_str!("../../texts/ar/survey.ftl")),
    ("ja", "ltr", include_str!("../../texts/ja/survey.ftl")),
];

/// Ranges of an `Accept-Language` that are looked at; browsers send a handful.
const RANGES: usize = 32;

type Bundle = FluentBundle<FluentResource>;

impl Language {
    /// The first language that the header asks for and the pages speak, by its weights; otherwise the workspace's own;
    /// otherwise English.
    #[must_use]
    pub fn choose(accept_language: Option<&str>, workspaces: &str) -> Language {
        let mut ranges: Vec<(f32, &str)> = accept_language
            .unwrap_or_default()
            .split(',')
            .take(RANGES)
            .filter_map(range)
            .collect();
        // Stable: what comes first wins among equals.
        ranges.sort_by(|a, b| b.0.total_cmp(&a.0));
        let asked = ranges
            .iter()
            .filter_map(|(_, tag)| Language::of(tag))
            .next();
        asked
            .or_else(|| Language::of(workspaces))
            .unwrap_or_else(|| Language::at(0))
    }

    /// By the part before the region: `pt-BR` is `pt`.
    fn of(tag: &str) -> Option<Language> {
        let primary = tag.split('-').next().unwrap_or_default();
        let is_it = |source: &(&str, &str, &str)| source.0.eq_ignore_ascii_case(primary);
        SOURCES.iter().position(is_it).map(Language::at)
    }

    fn at(index: usize) -> Language {
        let (tag, direction, _) = SOURCES[index];
        Language {
            tag,
            direction,
            index,
        }
    }

    /// A text without arguments.
    #[must_use]
    pub fn say(self, name: &str) -> String {
        self.say_with(name, &[])
    }

    /// A text with arguments. Each is isolated, so that a name in Latin letters does not disturb an Arabic sentence.
    #[must_use]
    pub fn say_with(self, name: &str, arguments: &[(&str, &str)]) -> String {
        let bundle = &bundles()[self.index];
        let pattern = bundle.get_message(name).and_then(|message| message.value());
        // A test holds every language to every name.
        let Some(pattern) = pattern else {
            return name.to_owned();
        };
        let mut given = FluentArgs::with_capacity(arguments.len());
        for (name, value) in arguments {
            given.set(*name, *value);
        }
        let mut errors = Vec::new();
        let text = bundle.format_pattern(pattern, Some(&given), &mut errors);
        text.into_owned()
    }
}

/// `de-AT;q=0.8` as its weight and its tag; nothing when it is refused (`q=0`) or makes no sense.
fn range(text: &str) -> Option<(f32, &str)> {
    let (tag, parameters) = text.split_once(';').unwrap_or((text, ""));
    let weight = match parameters.trim().strip_prefix("q=") {
        Some(weight) => weight.trim().parse().ok()?,
        None => 1.0_f32,
    };
    (weight > 0.0 && weight <= 1.0).then_some((weight, tag.trim()))
}

fn bundles() -> &'static [Bundle] {
    static BUNDLES: OnceLock<Vec<Bundle>> = OnceLock::new();
    BUNDLES.get_or_init(|| {
        SOURCES
            .iter()
            .map(|source| bundle(source.0, source.2))
            .collect()
    })
}

fn bundle(tag: &str, source: &str) -> Bundle {
    let language = tag.parse().unwrap_or_default();
    let mut bundle = Bundle::new_concurrent(vec![language]);
    // What could not be read is left out, and missed by the test below.
    let resource = FluentResource::try_new(source.to_owned()).unwrap_or_else(|(read, _)| read);
    bundle.add_resource_overriding(resource);
    bundle
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_customers_language_is_chosen() {
        let check = |header: &str, workspaces: &str, expected: &str| {
            assert_eq!(
                Language::choose(Some(header), workspaces).tag,
                expected,
                "{header}"
            );
        };
        check("de", "en", "de");
        check("de-AT,de;q=0.9", "en", "de");
        check("pt-BR,pt;q=0.9,es;q=0.8,en;q=0.7", "en", "es");
        check("en;q=0.5, AR;q=0.9", "en", "ar");
        check("ja;q=0,fr;q=0.1", "en", "fr");
        check("nl", "fr-CA", "fr");
        check("*", "ja", "ja");
        check("", "nl", "en");
        check(";;;,q=,de;q=x,de;q=7,\u{1F600}", "en", "en");
        assert_eq!(Language::choose(None, "ar").direction, "rtl");
    }

    #[test]
    fn every_language_says_everything_with_the_same_arguments() {
        let arguments = |line: &str| {
            let mut found: Vec<String> = line
                .match_indices("{ $")
                .map(|(at, _)| line[at..].split('}').next().unwrap_or_default().to_owned())
                .collect();
            found.sort();
            found
        };
        let entries = |source: &'static str| -> Vec<(&str, Vec<String>)> {
            let lines = source.lines().filter(|line| !line.starts_with('#'));
            lines
                .filter_map(|line| Some((line.split_once(" = ")?.0, arguments(line))))
                .collect()
        };
        let english = entries(SOURCES[0].2);
        assert!(english.len() > 40);
        for (index, (tag, _, source)) in SOURCES.iter().enumerate() {
            assert_eq!(entries(source), english, "{tag}");
            FluentResource::try_new((*source).to_owned()).expect("no errors in the file");
            for (name, arguments) in &english {
                let names: Vec<&str> = arguments
                    .iter()
                    .map(|name| &name[3..name.len() - 1])
                    .collect();
                let given: Vec<(&str, &str)> = names.iter().map(|name| (*name, "<7>")).collect();
                let text = Language::at(index).say_with(name, &given);
                assert_eq!(
                    text.matches("<7>").count(),
                    given.len(),
                    "{tag} {name}: {text}"
                );
                assert!(text != *name && !text.contains('$'), "{tag} {name}: {text}");
            }
        }
    }
}
