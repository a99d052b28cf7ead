//! Drawings as SVG. Horizontal places are per cent, so that a drawing fills whatever width it has and its text keeps its size;
//! colours are classes of the stylesheet. What a drawing shows stands in words or in a table beside it.

use std::fmt::Write as _;

use afterword_readmodel::figures::{Interval, TrendPoint};
use afterword_schemas::records::Reaction;

use super::words;

/// Counts by reaction, worst to best.
pub type Counts = [i64; Reaction::ALL.len()];

/// A segment narrower than this has no number in it: in a drawing as wide as a page, and in one of a table's column.
const ROOM_ON_A_PAGE: f64 = 0.09;
const ROOM_IN_A_COLUMN: f64 = 0.17;
/// From this height on a drawing is one of a page.
const PAGE_HEIGHT: u32 = 32;

/// Text as content or attribute of an element.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            other => out.push(other),
        }
    }
    out
}

/// A drawing that is put together. Writing to a string cannot fail.
pub(super) struct Pen(String);

impl Pen {
    /// An image with its name and what can be seen in it.
    pub fn new(class: &str, height: u32, title: &str, description: &str) -> Pen {
        let (title, description) = (escaped(title), escaped(description));
        let mut pen = Pen(String::new());
        pen.draw(format_args!(
            "<svg class=\"{class}\" width=\"100%\" height=\"{height}\" role=\"img\" aria-label=\"{title}. {description}\">\
             <title>{title}</title><desc>{description}</desc>"
        ));
        pen
    }

    pub fn draw(&mut self, what: std::fmt::Arguments<'_>) {
        let _: std::fmt::Result = self.0.write_fmt(what);
    }

    pub fn finish(mut self) -> String {
        self.0.push_str("</svg>");
        self.0
    }
}

/// How many of each reaction, in words: "Terrible 3, Bad 4, …".
pub fn in_words(counts: &Counts) -> String {
    let words = Reaction::ALL.iter().zip(counts);
    let words = words.map(|(reaction, count)| {
        format!("{} {}", words::reaction(*reaction), words::count(*count))
    });
    words.collect::<Vec<_>>().join(", ")
}

/// One bar, cut by the shares of the reactions.
pub fn stack(title: &str, counts: &Counts, height: u32) -> String {
    let room = match height >= PAGE_HEIGHT {
        true => ROOM_ON_A_PAGE,
        false => ROOM_IN_A_COLUMN,
    };
    let mut pen = Pen::new("stack", height, title, &in_words(counts));
    let whole: i64 = counts.iter().sum();
    let mut left = 0.0;
    for (reaction, count) in Reaction::ALL.iter().zip(counts) {
        let share = if whole > 0 {
            *count as f64 / whole as f64
        } else {
            0.0
        };
        if *count == 0 {
            continue;
        }
        let symbol = reaction.symbol();
        pen.draw(format_args!(
            "<rect class=\"r-{symbol}\" x=\"{:.3}%\" width=\"{:.3}%\" height=\"{height}\"><title>{} {}, {}</title></rect>",
            left * 100.0,
            share * 100.0,
            words::reaction(*reaction),
            words::count(*count),
            words::percent(share),
        ));
        if share >= room {
            pen.draw(format_args!(
                "<text class=\"on-{symbol}\" x=\"{:.3}%\" y=\"{}\" text-anchor=\"middle\">{}</text>",
                (left + share / 2.0) * 100.0,
                height / 2 + 5,
                words::percent_short(share),
            ));
        }
        left += share;
    }
    if whole == 0 {
        pen.draw(format_args!(
            "<rect class=\"track\" width=\"100%\" height=\"{height}\"/>"
        ));
    }
    pen.finish()
}

/// A share on a scale from 0 to 100 %, its interval as a band, the target as a mark.
pub fn interval(
    title: &str,
    share: Option<f64>,
    interval: Option<Interval>,
    target: Option<f64>,
) -> String {
    let mut description = match share.zip(interval) {
        Some((share, Interval { low, high })) => format!(
            "{}, between {} and {}",
            words::percent(share),
            words::percent(low),
            words::percent(high)
        ),
        None => "no ratings".to_owned(),
    };
    if let Some(target) = target {
        let _: std::fmt::Result = write!(description, "; target {}", words::percent_short(target));
    }
    let mut pen = Pen::new("interval", 24, title, &description);
    pen.draw(format_args!(
        "<rect class=\"track\" x=\"0\" y=\"10\" width=\"100%\" height=\"4\" rx=\"2\"/>"
    ));
    if let Some(Interval { low, high }) = interval {
        let (from, width) = (low * 100.0, (high - low) * 100.0);
        pen.draw(format_args!(
            "<rect class=\"band\" x=\"{from:.2}%\" y=\"7\" width=\"{width:.2}%\" height=\"10\" rx=\"3\"/>"
        ));
    }
    if let Some(target) = target {
        let at = target * 100.0;
        pen.draw(format_args!(
            "<line class=\"target\" x1=\"{at:.2}%\" x2=\"{at:.2}%\" y1=\"1\" y2=\"23\"/>"
        ));
    }
    if let Some(share) = share {
        pen.draw(format_args!(
            "<circle class=\"dot\" cx=\"{:.2}%\" cy=\"12\" r=\"5\"/>",
            share * 100.0
        ));
    }
    pen.finish()
}

/// A part of a whole, as a bar.
pub fn part(title: &str, share: f64, class: &str) -> String {
    let mut pen = Pen::new("part", 16, title, &words::percent(share));
    let width = share.clamp(0.0, 1.0) * 100.0;
    pen.draw(format_args!(
        "<rect class=\"track\" width=\"100%\" height=\"16\" rx=\"3\"/>"
    ));
    pen.draw(format_args!(
        "<rect class=\"{class}\" width=\"{width:.2}%\" height=\"16\" rx=\"3\"/>"
    ));
    pen.finish()
}

/// The positive share over time, small.
pub fn trend(title: &str, points: &[TrendPoint]) -> String {
    let share = |point: &TrendPoint| match point.ratings {
        0 => None,
        ratings => Some(point.positive as f64 / ratings as f64),
    };
    let known: Vec<f64> = points.iter().filter_map(share).collect();
    let description = match (known.first(), known.last()) {
        (Some(first), Some(last)) => {
            format!(
                "from {} to {}",
                words::percent_short(*first),
                words::percent_short(*last)
            )
        }
        _ => "no ratings".to_owned(),
    };
    let mut pen = Pen::new("trend", 32, title, &description);
    let slot = 100.0 / points.len().max(1) as f64;
    let x = |index: usize| slot * (index as f64 + 0.5);
    let y = |share: f64| 29.0 - 26.0 * share;
    pen.draw(format_args!(
        "<line class=\"grid\" x1=\"0\" x2=\"100%\" y1=\"{0}\" y2=\"{0}\"/>",
        y(0.5)
    ));
    let mut before: Option<(usize, f64)> = None;
    for (index, point) in points.iter().enumerate() {
        let Some(share) = share(point) else { continue };
        if let Some((from, at)) = before {
            pen.draw(format_args!(
                "<line class=\"line\" x1=\"{:.2}%\" y1=\"{:.1}\" x2=\"{:.2}%\" y2=\"{:.1}\"/>",
                x(from),
                y(at),
                x(index),
                y(share)
            ));
        }
        before = Some((index, share));
    }
    if let Some((index, share)) = before {
        pen.draw(format_args!(
            "<circle class=\"dot\" cx=\"{:.2}%\" cy=\"{:.1}\" r=\"3.5\"/>",
            x(index),
            y(share)
        ));
    }
    pen.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_has_a_segment_for_each_reaction_that_was_given() {
        let drawn = stack("Reactions", &[1, 0, 0, 1, 2], 32);
        assert_eq!(drawn.matches("<rect").count(), 3);
        assert!(drawn.contains("x=\"50.000%\" width=\"50.000%\""), "{drawn}");
        assert!(drawn.contains("Terrible 1, Bad 0, OK 0, Great 1, Amazing 2"));
        assert!(stack("<&>", &[0; 5], 32).contains("&lt;&amp;&gt;"));
    }
}
