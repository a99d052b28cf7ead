//! Drawings of figures over time: a column or a point for each piece of time.

use std::fmt::Write as _;

use afterword_readmodel::figures::Interval;
use afterword_schemas::records::Reaction;

use super::chart::{Counts, Pen, escaped};
use super::words;

/// A piece of time in a drawing.
pub struct Piece {
    /// Under the axis.
    pub label: String,
    /// What the pointer reads.
    pub title: String,
    /// Where a click leads.
    pub href: String,
    pub counts: Counts,
    pub share: Option<f64>,
    pub interval: Option<Interval>,
}

const COLUMNS_HEIGHT: f64 = 168.0;
const LINE_HEIGHT: f64 = 168.0;

/// Above the plot, and below it for the labels.
const HEAD: f64 = 8.0;
const FOOT: f64 = 24.0;

/// Labels that fit beside each other on a telephone.
const LABELS: usize = 5;

/// The axis of a plot: a drawing of its own, as wide as its labels.
fn axis(height: f64, marks: &[(f64, String)]) -> String {
    let mut out = format!(
        "<svg class=\"axis\" width=\"44\" height=\"{}\" aria-hidden=\"true\">",
        height + HEAD + FOOT
    );
    for (y, label) in marks {
        let _: std::fmt::Result = write!(
            out,
            "<text x=\"38\" y=\"{:.1}\" text-anchor=\"end\">{label}</text>",
            y + 4.0
        );
    }
    out + "</svg>"
}

fn grid(pen: &mut Pen, marks: &[(f64, String)]) {
    for (y, _) in marks {
        pen.draw(format_args!(
            "<line class=\"grid\" x1=\"0\" x2=\"100%\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>"
        ));
    }
}

fn labels(pen: &mut Pen, pieces: &[Piece], y: f64) {
    let each = pieces.len().div_ceil(LABELS).max(1);
    let slot = 100.0 / pieces.len().max(1) as f64;
    for (index, piece) in pieces.iter().enumerate() {
        // Counted from the latest, which is the one that people look for; the first might stick out.
        let from_latest = pieces.len() - 1 - index;
        if from_latest.is_multiple_of(each) {
            // Narrow windows have room for every second one.
            let class = match (from_latest / each).is_multiple_of(2) {
                true => "label",
                false => "label spare",
            };
            let x = slot * (index as f64 + 0.5);
            let anchor = match x {
                x if x > 93.0 => "end",
                x if x < 7.0 => "start",
                _ => "middle",
            };
            let x = match anchor {
                "end" => 100.0,
                "start" => 0.0,
                _ => x,
            };
            pen.draw(format_args!(
                "<text class=\"{class}\" x=\"{x:.2}%\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{}</text>",
                escaped(&piece.label)
            ));
        }
    }
}

/// The round number at the top of an axis.
fn top(most: i64) -> i64 {
    let mut unit = 1;
    loop {
        for step in [2, 4, 6, 8, 10, 12, 16] {
            if most <= step * unit {
                return step * unit;
            }
        }
        unit *= 10;
    }
}

/// Ratings over time: a column a piece, the reactions on top of each other, the best below.
pub fn columns(title: &str, pieces: &[Piece]) -> String {
    let most = pieces
        .iter()
        .map(|piece| piece.counts.iter().sum::<i64>())
        .max();
    let top = top(most.unwrap_or(0).max(1));
    let y = |count: f64| HEAD + COLUMNS_HEIGHT * (1.0 - count / top as f64);
    let marks = [0, top / 2, top].map(|mark| (y(mark as f64), words::count(mark)));
    let all: i64 = pieces.iter().flat_map(|piece| piece.counts).sum();
    let description = format!(
        "{} in {} pieces of time",
        words::counted(all, "rating", "ratings"),
        pieces.len()
    );
    let height = (HEAD + COLUMNS_HEIGHT + FOOT) as u32;
    let mut pen = Pen::new("plot", height, title, &description);
    grid(&mut pen, &marks);
    let slot = 100.0 / pieces.len().max(1) as f64;
    let width = (slot * 0.76).min(9.0);
    for (index, piece) in pieces.iter().enumerate() {
        pen.draw(format_args!(
            "<g data-href=\"{}\"><title>{}</title><rect class=\"slot\" x=\"{:.3}%\" y=\"{HEAD}\" width=\"{slot:.3}%\" height=\"{COLUMNS_HEIGHT}\"/>",
            escaped(&piece.href),
            escaped(&piece.title),
            slot * index as f64,
        ));
        let mut below = 0;
        for (reaction, count) in Reaction::ALL
            .iter()
            .zip(piece.counts)
            .rev()
            .filter(|(_, count)| *count > 0)
        {
            let (low, high) = (y(below as f64), y((below + count) as f64));
            pen.draw(format_args!(
                "<rect class=\"r-{}\" x=\"{:.3}%\" y=\"{high:.1}\" width=\"{width:.3}%\" height=\"{:.1}\"/>",
                reaction.symbol(),
                slot * (index as f64 + 0.5) - width / 2.0,
                low - high
            ));
            below += count;
        }
        pen.draw(format_args!("</g>"));
    }
    labels(&mut pen, pieces, HEAD + COLUMNS_HEIGHT + 18.0);
    format!(
        "<div class=\"plotted\">{}{}</div>",
        axis(COLUMNS_HEIGHT, &marks),
        pen.finish()
    )
}

/// The positive share over time, each with its interval.
pub fn shares(title: &str, pieces: &[Piece], target: Option<f64>) -> String {
    let y = |share: f64| HEAD + LINE_HEIGHT * (1.0 - share);
    let marks = [0.0, 0.5, 1.0].map(|mark| (y(mark), format!("{:.0}%", mark * 100.0)));
    let known: Vec<f64> = pieces.iter().filter_map(|piece| piece.share).collect();
    let least = known.iter().copied().fold(f64::INFINITY, f64::min);
    let most = known.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let description = match known.is_empty() {
        true => "no ratings".to_owned(),
        false => format!(
            "between {} and {}",
            words::percent_short(least),
            words::percent_short(most)
        ),
    };
    let height = (HEAD + LINE_HEIGHT + FOOT) as u32;
    let mut pen = Pen::new("plot", height, title, &description);
    grid(&mut pen, &marks);
    if let Some(target) = target {
        let at = y(target);
        pen.draw(format_args!(
            "<line class=\"target\" x1=\"0\" x2=\"100%\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>"
        ));
    }
    draw_shares(&mut pen, pieces, y);
    labels(&mut pen, pieces, HEAD + LINE_HEIGHT + 18.0);
    format!(
        "<div class=\"plotted\">{}{}</div>",
        axis(LINE_HEIGHT, &marks),
        pen.finish()
    )
}

fn draw_shares(pen: &mut Pen, pieces: &[Piece], y: impl Fn(f64) -> f64) {
    let slot = 100.0 / pieces.len().max(1) as f64;
    let x = |index: usize| slot * (index as f64 + 0.5);
    for (index, piece) in pieces.iter().enumerate() {
        if let Some(Interval { low, high }) = piece.interval {
            pen.draw(format_args!(
                "<line class=\"whisker\" x1=\"{0:.2}%\" x2=\"{0:.2}%\" y1=\"{1:.1}\" y2=\"{2:.1}\"/>",
                x(index),
                y(high),
                y(low)
            ));
        }
    }
    let known = |(index, piece): (usize, &Piece)| Some((index, piece.share?));
    let points: Vec<(usize, f64)> = pieces.iter().enumerate().filter_map(known).collect();
    for pair in points.windows(2) {
        let [(from, start), (to, end)] = [pair[0], pair[1]];
        pen.draw(format_args!(
            "<line class=\"line\" x1=\"{:.2}%\" y1=\"{:.1}\" x2=\"{:.2}%\" y2=\"{:.1}\"/>",
            x(from),
            y(start),
            x(to),
            y(end)
        ));
    }
    for (index, share) in points {
        let (href, title) = (escaped(&pieces[index].href), escaped(&pieces[index].title));
        pen.draw(format_args!(
            "<g data-href=\"{href}\"><title>{title}</title><circle class=\"dot\" cx=\"{:.2}%\" cy=\"{:.1}\" r=\"4\"/></g>",
            x(index),
            y(share)
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_end_at_round_numbers() {
        for (most, expected) in [(1, 2), (9, 10), (11, 12), (17, 20), (95, 100), (170, 200)] {
            assert_eq!(top(most), expected, "{most}");
        }
    }
}
