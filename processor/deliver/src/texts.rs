//! The texts of mails, by language. The files are `texts/*.ftl`; each has every text, which a test checks.

use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource};
use unic_langid::LanguageIdentifier;

type Bundle = FluentBundle<FluentResource>;

const FILES: [(&str, &str); 6] = [
    ("en", include_str!("../texts/en.ftl")),
    ("de", include_str!("../texts/de.ftl")),
    ("fr", include_str!("../texts/fr.ftl")),
    ("es", include_str!("../texts/es.ftl")),
    ("ar", include_str!("../texts/ar.ftl")),
    ("ja", include_str!("../texts/ja.ftl")),
];

static BUNDLES: LazyLock<Vec<(&'static str, Bundle)>> = LazyLock::new(|| {
    let bundles = FILES
        .into_iter()
        .map(|(lang, text)| (lang, bundle(lang, text)));
    bundles.collect()
});

fn bundle(lang: &'static str, text: &str) -> Bundle {
    let identifier: LanguageIdentifier = lang.parse().unwrap_or_default();
    let mut bundle = FluentBundle::new_concurrent(vec![identifier]);
    // Marks around what is put in keep a Latin name in its place within Arabic; elsewhere they are noise in a subject.
    bundle.set_use_isolating(lang == "ar");
    // What a file has wrong is passed over, and the rest kept; the test finds it.
    let resource = FluentResource::try_new(text.to_owned()).unwrap_or_else(|(rest, _)| rest);
    bundle.add_resource_overriding(resource);
    bundle
}

/// One language's texts.
#[derive(Clone, Copy)]
pub struct Texts {
    pub lang: &'static str,
    bundle: &'static Bundle,
}

impl Texts {
    /// The first of these languages that is here, a region left aside; English when none is.
    pub fn of<'a>(wanted: impl IntoIterator<Item = &'a str>) -> Texts {
        let bundles = &*BUNDLES;
        let mut found = wanted.into_iter().filter_map(|tag| {
            let language = tag
                .split(['-', '_'])
                .next()
                .unwrap_or_default()
                .to_ascii_lowercase();
            bundles.iter().find(|(lang, _)| *lang == language)
        });
        let (lang, bundle) = found.next().unwrap_or(&bundles[0]);
        Texts { lang, bundle }
    }

    /// A text with the workspace's name in its place; its own name when there is none.
    pub fn say(&self, name: &str, workspace: &str) -> String {
        let pattern = self
            .bundle
            .get_message(name)
            .and_then(|message| message.value());
        let Some(pattern) = pattern else {
            return name.to_owned();
        };
        let mut arguments = FluentArgs::new();
        arguments.set("workspace", workspace);
        let mut errors = Vec::new();
        let said = self
            .bundle
            .format_pattern(pattern, Some(&arguments), &mut errors);
        said.into_owned()
    }

    /// Whether it is read from right to left.
    pub fn is_right_to_left(&self) -> bool {
        self.lang == "ar"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_says_everything() {
        let names = |text: &str| -> Vec<String> {
            let lines = text.lines().filter_map(|line| line.split_once(" = "));
            lines.map(|(name, _)| name.to_owned()).collect()
        };
        let expected = names(FILES[0].1);
        assert!(expected.len() > 5);
        for (lang, text) in FILES {
            assert_eq!(names(text), expected, "{lang}");
            let parsed = FluentResource::try_new(text.to_owned());
            assert!(parsed.is_ok(), "{lang}: {:?}", parsed.err());
            let texts = Texts::of([lang]);
            for name in &expected {
                let said = texts.say(name, "Acme");
                assert!(
                    said != *name && !said.contains('{'),
                    "{lang} {name}: {said}"
                );
            }
            assert!(texts.say("subject", "Acme").contains("Acme"), "{lang}");
        }
    }

    #[test]
    fn the_first_language_that_is_here_is_taken() {
        let lang = |wanted: &[&str]| Texts::of(wanted.iter().copied()).lang;
        assert_eq!(lang(&["pt-BR", "DE-at", "fr"]), "de");
        assert_eq!(lang(&["", "xx"]), "en");
        assert!(Texts::of(["ar-EG"]).is_right_to_left());
    }
}
