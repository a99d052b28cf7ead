//! The survey's page.

use afterword_integration_tests::browser::Script;
use serde_json::{Value, json};

use crate::world::World;

/// The ways in which the page is met: name, whether scripts run, width, height, light or dark.
const WAYS: [(&str, bool, u32, u32, &str); 4] = [
    ("desktop-light", true, 1280, 800, "light"),
    ("desktop-dark-noscript", false, 1280, 800, "dark"),
    ("phone-light-noscript", false, 360, 740, "light"),
    ("phone-dark", true, 360, 740, "dark"),
];

/// Locales that a browser asks for, and what it is given.
const LANGUAGES: [(&str, &str, &str); 6] = [
    ("en-GB", "en", "ltr"),
    ("de-AT", "de", "ltr"),
    ("fr-FR", "fr", "ltr"),
    ("es-MX", "es", "ltr"),
    ("ar-EG", "ar", "rtl"),
    ("ja-JP", "ja", "ltr"),
];

#[test]
fn a_customer_answers_changes_comments_and_cannot_change_again() {
    let world = World::new();
    for (name, scripts, width, height, scheme) in WAYS {
        let asked = world.close_a_conversation();
        let settings = json!({
            "javaScriptEnabled": scripts,
            "viewport": { "width": width, "height": height },
            "colorScheme": scheme,
        });
        let weight = Script::new("survey", "page")
            .with("link", asked.link.as_str())
            .with("name", name)
            .with("settings", settings)
            .run();
        println!("{name}: {weight}");
        let submissions = world.submissions(&asked);
        let told: Vec<_> = submissions
            .iter()
            .map(|one| {
                (
                    one["reaction"].as_str().unwrap(),
                    one["locked"].as_bool().unwrap(),
                )
            })
            .collect();
        assert_eq!(told, [("great", false), ("ok", false), ("ok", true)]);
        let comment = "The <b>second</b> lamp came & shines.\nThank you! 日本語 👍";
        let kept = submissions[2]["comment"].as_str().unwrap();
        assert_eq!(kept.replace("\r\n", "\n"), comment);
    }
}

#[test]
fn the_keyboard_alone_is_enough() {
    let world = World::new();
    let asked = world.close_a_conversation();
    let _: Value = Script::new("keyboard", "keyboard")
        .with("link", asked.link.as_str())
        .run();
    let submissions = world.submissions(&asked);
    let told: Vec<_> = submissions
        .iter()
        .map(|one| one["reaction"].as_str().unwrap())
        .collect();
    assert_eq!(told, ["great", "amazing", "amazing"]);
}

#[test]
fn every_language_fits_every_window() {
    let world = World::new();
    let asked = world.close_a_conversation();
    let languages =
        LANGUAGES.map(|(locale, lang, dir)| json!({ "locale": locale, "lang": lang, "dir": dir }));
    let _: Value = Script::new("languages", "languages")
        .with("link", asked.link.as_str())
        .with("languages", languages.to_vec())
        .run();
    assert_eq!(world.count("rating-submitted"), 0);
}
