//! What people see: colours where they are wanted, aligned tables, a line of progress.

use std::fmt::Write as _;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

use unicode_width::UnicodeWidthStr;

/// Whether standard output takes colours: it is a terminal, and nobody asked for none.
#[must_use]
pub fn colours_on_stdout() -> bool {
    std::io::stdout().is_terminal() && wanted()
}

/// Whether standard error takes colours.
#[must_use]
pub fn colours_on_stderr() -> bool {
    std::io::stderr().is_terminal() && wanted()
}

fn wanted() -> bool {
    let unset =
        |name| std::env::var_os(name).is_none_or(|value: std::ffi::OsString| value.is_empty());
    unset("NO_COLOR") && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// The few ways text is set off.
#[derive(Clone, Copy, Debug)]
pub enum Style {
    Bold,
    Dim,
    Good,
    Bad,
    Warning,
}

/// Text set off, when there are colours.
#[must_use]
pub fn paint(text: &str, style: Style, colours: bool) -> String {
    let code = match style {
        Style::Bold => "1",
        Style::Dim => "2",
        Style::Good => "32",
        Style::Bad => "31",
        Style::Warning => "33",
    };
    match colours {
        true => format!("\x1b[{code}m{text}\x1b[0m"),
        false => text.to_owned(),
    }
}

/// Text without control characters: what strangers wrote must not steer the terminal.
#[must_use]
pub fn harmless(text: &str) -> String {
    let clean = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().map(clean).collect()
}

/// Rows of cells in columns as wide as their widest cell.
#[derive(Clone, Debug, Default)]
pub struct Table {
    rows: Vec<Vec<(String, Option<Style>)>>,
    right: Vec<usize>,
}

impl Table {
    /// A table with this heading; the columns named are aligned to the right.
    #[must_use]
    pub fn new(heading: &[&str], right: &[usize]) -> Table {
        let heading = heading
            .iter()
            .map(|cell| ((*cell).to_owned(), Some(Style::Dim)))
            .collect();
        Table {
            rows: vec![heading],
            right: right.to_vec(),
        }
    }

    /// Adds a row of plain cells.
    pub fn row<I: IntoIterator<Item = S>, S: Into<String>>(&mut self, cells: I) {
        self.rows
            .push(cells.into_iter().map(|cell| (cell.into(), None)).collect());
    }

    /// Adds a row of cells with styles.
    pub fn styled_row(&mut self, cells: Vec<(String, Option<Style>)>) {
        self.rows.push(cells);
    }

    /// The table as text, each line indented by so many spaces.
    #[must_use]
    pub fn render(&self, indent: usize, colours: bool) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            self.rows
                .iter()
                .filter_map(|row| row.get(column))
                .map(|(cell, _)| cell.width())
                .max()
        };
        let widths: Vec<usize> = (0..columns)
            .map(|column| width(column).unwrap_or(0))
            .collect();
        let mut out = String::new();
        for row in &self.rows {
            let mut line = " ".repeat(indent);
            for (column, (cell, style)) in row.iter().enumerate() {
                let space = " ".repeat(widths[column].saturating_sub(cell.width()));
                let cell = style.map_or_else(|| cell.clone(), |style| paint(cell, style, colours));
                let _ = match self.right.contains(&column) {
                    true => write!(line, "{space}{cell}  "),
                    false => write!(line, "{cell}{space}  "),
                };
            }
            out.push_str(line.trim_end());
            out.push('\n');
        }
        out
    }
}

/// One line of progress on standard error, when that is a terminal; nothing otherwise.
#[derive(Debug)]
pub struct Progress {
    what: &'static str,
    started: Instant,
    shown: Option<Instant>,
    visible: bool,
}

const BETWEEN: Duration = Duration::from_millis(200);
/// Work shorter than this shows no progress.
const PATIENCE: Duration = Duration::from_millis(800);

impl Progress {
    /// Progress of this work, from now on.
    #[must_use]
    pub fn new(what: &'static str) -> Progress {
        let visible = std::io::stderr().is_terminal();
        Progress {
            what,
            started: Instant::now(),
            shown: None,
            visible,
        }
    }

    /// Shows how much of the whole (when that is known) is done, and how long the rest will take.
    pub fn show(&mut self, done: u64, whole: Option<u64>, detail: &str) {
        let now = Instant::now();
        let early =
            now - self.started < PATIENCE || self.shown.is_some_and(|shown| now - shown < BETWEEN);
        if !self.visible || early {
            return;
        }
        self.shown = Some(now);
        let share = whole
            .filter(|whole| *whole > 0)
            .map(|whole| done as f64 / whole as f64);
        let rest = share.filter(|share| *share > 0.01).map(|share| {
            let left_s = (now - self.started).as_secs_f64() * (1.0 - share) / share;
            format!(" · about {} left", short_duration(left_s))
        });
        let share = share.map(|share| format!(" {:3.0} %", (share * 100.0).min(100.0)));
        let (share, rest) = (share.unwrap_or_default(), rest.unwrap_or_default());
        err!("\r\x1b[2K{}{share} · {detail}{rest}", self.what);
    }

    /// Takes the line away.
    pub fn clear(&mut self) {
        if self.shown.take().is_some() {
            err!("\r\x1b[2K");
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}

/// `12 s`, `3 min`, `2 h`.
#[must_use]
pub fn short_duration(seconds: f64) -> String {
    match seconds {
        s if s < 90.0 => format!("{s:.0} s"),
        s if s < 5_400.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3_600.0),
    }
}

/// A number with a comma every three digits.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(&["name", "count"], &[1]);
        table.row(["a", "1"]);
        table.row(["longer", "1,000"]);
        assert_eq!(
            table.render(2, false),
            "  name    count\n  a           1\n  longer  1,000\n"
        );
    }

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(
            (grouped(0), grouped(999), grouped(1_000), grouped(1_234_567)).3,
            "1,234,567"
        );
        assert_eq!(grouped(1_000), "1,000");
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        assert_eq!(harmless("a\x1b[31mb\n"), "a [31mb ");
    }
}
