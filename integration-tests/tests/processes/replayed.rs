//! `afterword replay` against the naive model under the same other thresholds.

use afterword_integration_tests::facts::{Config, generate};
use afterword_integration_tests::model::NaiveFold;
use afterword_schemas::records::{Criterion, EligibilityDecided, Output, Thresholds};
use serde_json::{Value, json};

use crate::outputs::{self, line_of};
use crate::place::Place;

const DAY_MS: i64 = 86_400_000;

/// What the model decides of the facts that stand in the log, and how many rate.
fn modelled(place: &Place, thresholds: Thresholds) -> (Vec<EligibilityDecided>, u64) {
    let mut fold = NaiveFold::new(thresholds);
    let (mut decided, mut ratings) = (Vec::new(), 0);
    for (_, _, fact) in outputs::facts(&place.log()) {
        for output in fold.fold(&fact).outputs {
            match output {
                Output::EligibilityDecided(one) => decided.push(one),
                Output::RatingSubmitted(submitted) => ratings += u64::from(submitted.revision == 1),
                _ => {}
            }
        }
    }
    (decided, ratings)
}

#[test]
fn other_thresholds_decide_as_the_model_does_under_them() {
    let config = Config {
        facts: 4_000,
        conversations: 30,
        settings_per_mille: 0,
        ..Config::default()
    };
    let lines: String = generate(21, &config).facts.iter().map(line_of).collect();
    let place = Place::new();
    place.import(&place.write("facts.ndjson", lines));
    place.drain();
    let (was, ratings_were) = modelled(
        &place,
        afterword_integration_tests::model::DEFAULT_THRESHOLDS,
    );
    let mut differing = 0;
    for (characters, days) in [(250, 7), (40, 7), (251, 7), (250, 1), (400, 30)] {
        let thresholds = Thresholds {
            characters,
            milliseconds: i64::from(days) * DAY_MS,
        };
        let (would_be, ratings) = modelled(&place, thresholds);
        let (characters, days) = (characters.to_string(), days.to_string());
        let told = place.must(&[
            "replay",
            "--characters",
            &characters,
            "--days",
            &days,
            "--all",
            "--json",
        ]);
        let told: Value = serde_json::from_str(&told).unwrap();
        let count = |counted: &dyn Fn(&EligibilityDecided) -> bool| {
            let number = |all: &[EligibilityDecided]| all.iter().filter(|one| counted(one)).count();
            json!({ "was": number(&was), "would_be": number(&would_be) })
        };
        assert_eq!(told["closes"], was.len(), "{characters} {days}");
        assert_eq!(
            told["asked"],
            count(&|one| one.requested),
            "{characters} {days}"
        );
        for criterion in Criterion::ALL {
            let expected = count(&|one| one.failed.contains(criterion));
            assert_eq!(
                told["failed"][criterion.symbol()],
                expected,
                "{criterion} {characters} {days}"
            );
        }
        assert_eq!(
            told["ratings"],
            json!({ "was": ratings_were, "would_be": ratings })
        );
        let differs = |(was, would_be): &(&EligibilityDecided, &EligibilityDecided)| {
            was.requested != would_be.requested || was.failed != would_be.failed
        };
        let expected = was.iter().zip(&would_be).filter(differs).count();
        assert_eq!(
            told["changed"].as_array().map(Vec::len),
            Some(expected),
            "{characters} {days}"
        );
        assert_eq!(told["left_out"], 0);
        differing += expected;
    }
    assert!(differing > 0, "nothing was proven");
}
