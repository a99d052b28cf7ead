//! How a workspace looks to its customers.

use std::collections::BTreeMap;

/// A workspace's name, colour and language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    pub name: String,
    /// `#rrggbb`.
    pub colour: String,
    /// Where the customer's language is not known.
    pub locale: String,
}

/// Those of the workspaces that were given one, by id; the others are called by their id.
pub type Looks = BTreeMap<String, Look>;

/// Black or white, whichever stands out more from the colour: at least 4.5 to 1 from any (WCAG 2.2, contrast minimum).
#[must_use]
pub fn ink_on(colour: &str) -> &'static str {
    // Where the contrasts with black and with white are equal: (l + 0.05)² = 0.05 × 1.05.
    match luminance(colour).unwrap_or_default() > 0.179_129 {
        true => "#000000",
        false => "#ffffff",
    }
}

/// Relative luminance as WCAG defines it.
fn luminance(colour: &str) -> Option<f64> {
    let digits = colour.strip_prefix('#')?;
    let channel = |at: usize| {
        let value = u8::from_str_radix(digits.get(at..at + 2)?, 16).ok()?;
        let value = f64::from(value) / 255.0;
        Some(match value <= 0.040_45 {
            true => value / 12.92,
            false => ((value + 0.055) / 1.055).powf(2.4),
        })
    };
    Some(0.2126 * channel(0)? + 0.7152 * channel(2)? + 0.0722 * channel(4)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ink_stands_out_from_every_colour() {
        for step in 0..4_096_u32 {
            let (r, g, b) = (step >> 8, (step >> 4) & 15, step & 15);
            let colour = format!("#{:02x}{:02x}{:02x}", r * 17, g * 17, b * 17);
            let light = luminance(&colour).expect("a colour");
            let contrast = match ink_on(&colour) {
                "#000000" => (light + 0.05) / 0.05,
                _ => 1.05 / (light + 0.05),
            };
            assert!(contrast >= 4.5, "{colour}: {contrast}");
        }
    }
}
