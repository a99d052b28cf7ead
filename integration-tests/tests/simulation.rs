//! The simulator over many seeds, and the proof that it notices mistakes.
//!
//! `AFTERWORD_SEEDS` says how many seeds (1,000 when unset); `AFTERWORD_SEED` runs that one alone.

use afterword_domain::defect::Defect;
use afterword_integration_tests::simulation::{Sabotage, simulate, simulate_long};

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name} must be a whole number, and it is {text:?}")),
    )
}

fn run(seed: u64) {
    if let Err(violation) = simulate(seed, None) {
        panic!(
            "seed {seed}: {violation}\nrepeat it with: AFTERWORD_SEED={seed} cargo test -p afterword-integration-tests \
             --test simulation every_seed"
        );
    }
}

#[test]
fn every_seed_gives_the_outputs_of_the_naive_model() {
    if let Some(seed) = number("AFTERWORD_SEED") {
        return run(seed);
    }
    let seeds = number("AFTERWORD_SEEDS").unwrap_or(1_000);
    let first = number("AFTERWORD_FIRST_SEED").unwrap_or(0);
    for seed in first..first + seeds {
        run(seed);
        if seeds > 1_000 && (seed - first + 1).is_multiple_of(seeds / 20) {
            eprintln!("{} of {seeds} seeds", seed - first + 1);
        }
    }
    println!("{seeds} seeds, no violation");
}

/// A defect of the fold costs the facts that meet it, which become dead letters, and no other.
#[test]
fn a_fact_whose_folding_panics_is_a_dead_letter() {
    for seed in 0..20 {
        let simulated = simulate(seed, Some(Sabotage::Code(Defect::SnoozePanics)));
        simulated.unwrap_or_else(|violation| panic!("seed {seed}: {violation}"));
    }
}

#[test]
fn a_debt_longer_than_the_memory_of_ids_is_folded_once() {
    simulate_long(None).unwrap_or_else(|violation| panic!("{violation}"));
}

/// Every deliberate defect must be noticed within as many seeds as the test command runs.
#[test]
fn every_deliberate_defect_is_noticed() {
    let mut missed = Vec::new();
    for sabotage in Sabotage::all() {
        let noticed = match sabotage {
            // Nothing else makes it do harm: while an id is remembered, folding its fact twice does none.
            Sabotage::Code(defect @ Defect::RefoldDoesNotSkip) => simulate_long(Some(defect))
                .err()
                .map(|violation| (0, violation)),
            _ => (0..1_000).find_map(|seed| Some((seed, simulate(seed, Some(sabotage)).err()?))),
        };
        match noticed {
            Some((seed, violation)) => {
                let text = violation.to_string();
                println!(
                    "{:<45} seed {seed:>3}: {}",
                    format!("{sabotage:?}"),
                    text.lines().next().unwrap_or_default()
                );
            }
            None => missed.push(sabotage),
        }
    }
    assert!(missed.is_empty(), "not noticed by 1,000 seeds: {missed:?}");
}
