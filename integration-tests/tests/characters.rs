//! Two independent counts of a text's characters must agree: the product's (html5gum, stopping early) and the naive
//! model's (html5ever, the whole visible string).

use afterword_domain::text::characters;
use afterword_integration_tests::facts::{Config, generate};
use afterword_integration_tests::model::{self, OwnedPayload};

#[test]
fn both_implementations_count_every_generated_text_alike() {
    let mut texts = 0;
    for seed in 0..400 {
        for fact in generate(seed, &Config::default()).facts {
            let OwnedPayload::MessageAdded { text, format, .. } = &fact.payload else {
                continue;
            };
            let expected = model::characters(text, *format);
            let found = characters(text, *format, u32::MAX);
            assert_eq!(found as usize, expected, "seed {seed}, {format}: {text:?}");
            let capped = characters(text, *format, 251);
            assert_eq!(
                capped as usize,
                expected.min(251),
                "stopping early: {text:?}"
            );
            texts += 1;
        }
    }
    assert!(texts > 10_000, "only {texts} texts were generated");
}
