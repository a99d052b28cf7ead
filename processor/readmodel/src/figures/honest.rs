//! What a small sample can say: an interval for a share, and the probability that the true share lies below a target.

/// The standard normal's quantile for 95 %, two-sided.
const Z: f64 = 1.959_963_984_540_054;

/// The Wilson score interval, 95 %, of a share seen `positive` times among `all`; None when there is nothing to see.
#[must_use]
pub fn wilson(positive: i64, all: i64) -> Option<(f64, f64)> {
    if all <= 0 {
        return None;
    }
    let n = all as f64;
    let share = positive as f64 / n;
    let z2 = Z * Z;
    let centre = share + z2 / (2.0 * n);
    let spread = Z * (share * (1.0 - share) / n + z2 / (4.0 * n * n)).sqrt();
    let scale = 1.0 + z2 / n;
    let low = if positive == 0 {
        0.0
    } else {
        (centre - spread) / scale
    };
    let high = if positive == all {
        1.0
    } else {
        (centre + spread) / scale
    };
    Some((low.clamp(0.0, 1.0), high.clamp(0.0, 1.0)))
}

/// The probability that the true share is below `target` after this was seen, by a Beta posterior with Jeffreys' prior:
/// Beta(1/2 + positive, 1/2 + negative). None when nothing was seen.
#[must_use]
pub fn probability_below(target: f64, positive: i64, all: i64) -> Option<f64> {
    if all <= 0 {
        return None;
    }
    let negative = (all - positive) as f64;
    Some(incomplete_beta(
        positive as f64 + 0.5,
        negative + 0.5,
        target,
    ))
}

/// The regularized incomplete beta function I_x(a, b), by Lentz's continued fraction (Numerical Recipes, 6.4).
fn incomplete_beta(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    let front =
        (ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b) + a * x.ln() + b * (1.0 - x).ln()).exp();
    // It converges quickly on this side of the mean; the other is its mirror.
    if x < (a + 1.0) / (a + b + 2.0) {
        (front * continued_fraction(a, b, x) / a).clamp(0.0, 1.0)
    } else {
        (1.0 - front * continued_fraction(b, a, 1.0 - x) / b).clamp(0.0, 1.0)
    }
}

fn continued_fraction(a: f64, b: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    // It takes about the square root of the larger of a and b.
    const MAX_ROUNDS: u32 = 100_000;
    let away_from_zero = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / away_from_zero(1.0 - (a + b) * x / (a + 1.0));
    let mut fraction = d;
    for round in 1..=MAX_ROUNDS {
        let m = f64::from(round);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / away_from_zero(1.0 + even * d);
        c = away_from_zero(1.0 + even / c);
        fraction *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / away_from_zero(1.0 + odd * d);
        c = away_from_zero(1.0 + odd / c);
        fraction *= d * c;
        if (d * c - 1.0).abs() < 1e-14 {
            break;
        }
    }
    fraction
}

/// The logarithm of the gamma function of a positive number, by Lanczos' approximation (g = 7, nine terms).
fn ln_gamma(x: f64) -> f64 {
    const TERMS: [f64; 9] = [
        0.999_999_999_999_809_9,
        676.520_368_121_885_1,
        -1_259.139_216_722_402_8,
        771.323_428_777_653_1,
        -176.615_029_162_140_6,
        12.507_343_278_686_905,
        -0.138_571_095_265_720_12,
        9.984_369_578_019_572e-6,
        1.505_632_735_149_311_6e-7,
    ];
    let x = x - 1.0;
    let mut sum = TERMS[0];
    let mut divisor = x;
    for term in &TERMS[1..] {
        divisor += 1.0;
        sum += term / divisor;
    }
    let t = x + 7.5;
    0.5 * (2.0 * std::f64::consts::PI).ln() + (x + 0.5) * t.ln() - t + sum.ln()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn near(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-6, "{found} is not {expected}");
    }

    #[test]
    fn the_interval_is_wilsons() {
        assert_eq!(wilson(0, 0), None);
        // Of R's binom::binom.confint(methods = "wilson").
        for (positive, all, low, high) in [
            (8, 10, 0.490_162_5, 0.943_317_8),
            (0, 10, 0.0, 0.277_532_8),
            (10, 10, 0.722_467_2, 1.0),
            (80, 100, 0.711_170_8, 0.866_633_1),
        ] {
            let (found_low, found_high) = wilson(positive, all).unwrap();
            near(found_low, low);
            near(found_high, high);
        }
    }

    #[test]
    fn the_posterior_is_a_beta_distributions() {
        assert_eq!(probability_below(0.9, 0, 0), None);
        // The arcsine distribution has a closed form.
        for x in [0.001_f64, 0.1, 0.5, 0.8, 0.999] {
            near(
                incomplete_beta(0.5, 0.5, x),
                2.0 / std::f64::consts::PI * x.sqrt().asin(),
            );
        }
        // And so have whole numbers: the sum of a binomial's tail.
        near(incomplete_beta(2.0, 3.0, 0.4), 0.5248);
        near(incomplete_beta(1.0, 1.0, 0.37), 0.37);
        assert_eq!(incomplete_beta(3.0, 4.0, 0.0), 0.0);
        assert_eq!(incomplete_beta(3.0, 4.0, 1.0), 1.0);
        // Around the mean of a large sample it is about a half.
        let half = probability_below(0.8, 8_000_000, 10_000_000).unwrap();
        assert!((half - 0.5).abs() < 0.01, "{half}");
        assert!(probability_below(0.9, 50, 100).unwrap() > 0.999_999);
        assert!(probability_below(0.5, 90, 100).unwrap() < 0.000_001);
    }
}
