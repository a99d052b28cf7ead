//! The words of a line: numbers, times, people, texts.

use afterword_schemas::records::{ActorKind, OwnedActor, Timestamp};

use super::DAY_1;

/// What is still to be read of a line. Errors say what was expected and what was found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Words<'a> {
    rest: &'a str,
}

pub(super) type Read<T> = Result<T, String>;

const MS_PER_DAY: i64 = 86_400_000;

impl<'a> Words<'a> {
    pub(super) fn new(line: &'a str) -> Self {
        Words { rest: line.trim() }
    }

    fn expected<T>(&self, what: &str) -> Read<T> {
        match self.rest {
            "" => Err(format!("expected {what}, found the end of the line")),
            rest => Err(format!("expected {what}, found `{rest}`")),
        }
    }

    fn advance(&mut self, bytes: usize) {
        self.rest = self.rest[bytes..].trim_start();
    }

    /// The next word without taking it: up to white space or punctuation.
    pub(super) fn peek(&self) -> &'a str {
        let end = self
            .rest
            .find(|c: char| c.is_whitespace() || "(),[]+\"".contains(c));
        &self.rest[..end.unwrap_or(self.rest.len())]
    }

    pub(super) fn word(&mut self, what: &str) -> Read<&'a str> {
        let word = self.peek();
        if word.is_empty() {
            return self.expected(what);
        }
        self.advance(word.len());
        Ok(word)
    }

    /// Takes these words if they come next.
    pub(super) fn eat(&mut self, words: &str) -> bool {
        let mut ahead = *self;
        let all = words.split(' ').all(|word| {
            let is_next = ahead.peek() == word;
            ahead.advance(if is_next { word.len() } else { 0 });
            is_next
        });
        if all {
            *self = ahead;
        }
        all
    }

    pub(super) fn require(&mut self, words: &str) -> Read<()> {
        if self.eat(words) {
            Ok(())
        } else {
            self.expected(&format!("`{words}`"))
        }
    }

    /// Takes a punctuation mark if it comes next.
    pub(super) fn mark(&mut self, mark: char) -> bool {
        let is_next = self.rest.starts_with(mark);
        self.advance(if is_next { mark.len_utf8() } else { 0 });
        is_next
    }

    pub(super) fn require_mark(&mut self, mark: char) -> Read<()> {
        if self.mark(mark) {
            Ok(())
        } else {
            self.expected(&format!("`{mark}`"))
        }
    }

    pub(super) fn end(&self) -> Read<()> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            self.expected("the end of the line")
        }
    }

    pub(super) fn symbol<T>(&mut self, what: &str, parse: impl Fn(&str) -> Option<T>) -> Read<T> {
        match parse(self.peek()) {
            Some(value) => {
                self.word(what)?;
                Ok(value)
            }
            None => self.expected(what),
        }
    }

    pub(super) fn number(&mut self, what: &str) -> Read<i64> {
        self.symbol(what, |word| word.replace('_', "").parse().ok())
    }

    pub(super) fn yes_or_no(&mut self) -> Read<bool> {
        self.symbol("`yes` or `no`", |word| match word {
            "yes" => Some(true),
            "no" => Some(false),
            _ => None,
        })
    }

    /// `none`, or something.
    pub(super) fn or_none<T>(&mut self, read: impl Fn(&mut Self) -> Read<T>) -> Read<Option<T>> {
        if self.eat("none") {
            Ok(None)
        } else {
            read(self).map(Some)
        }
    }

    /// `user u1`.
    pub(super) fn actor(&mut self) -> Read<OwnedActor> {
        let what = "somebody (user, lead, teammate, bot or system, and an id)";
        let kind = self.symbol(what, ActorKind::from_symbol)?;
        let id = self.word("an id")?.to_owned();
        Ok(OwnedActor { kind, id })
    }

    /// Whether a time comes next.
    pub(super) fn is_at_time(&self) -> bool {
        self.peek() == "day" || clock_ms(self.peek()).is_some()
    }

    /// `09:00`, `09:00:30`, `09:00:30.001`, `day 8 09:00`; without a day it is that of `day`, which is kept up.
    pub(super) fn time(&mut self, day: &mut i64) -> Read<Timestamp> {
        if self.eat("day") {
            *day = self.number("a day's number")?;
        }
        let ms = self.symbol("a time such as 09:00 or 09:00:30.001", clock_ms)?;
        Ok(Timestamp(DAY_1.0 + (*day - 1) * MS_PER_DAY + ms))
    }

    /// `7d 1ms`, `-5m`.
    pub(super) fn duration_ms(&mut self) -> Read<i64> {
        let is_negative = self.mark('-');
        let mut sum = self.symbol("a duration such as 7d 1ms", duration_part_ms)?;
        while let Some(more) = duration_part_ms(self.peek()) {
            self.word("a duration")?;
            sum += more;
        }
        Ok(if is_negative { -sum } else { sum })
    }

    /// `120 characters`, `125 times "\r\n"`, `"literal"`, and several of them with ` + ` between.
    pub(super) fn text(&mut self) -> Read<String> {
        let mut text = self.text_term()?;
        while self.mark('+') {
            text += &self.text_term()?;
        }
        Ok(text)
    }

    fn text_term(&mut self) -> Read<String> {
        if self.rest.starts_with('"') {
            return self.quoted();
        }
        let count = self.number("a text: \"…\", N characters or N times \"…\"")?;
        let count =
            usize::try_from(count).map_err(|_| "a negative number of characters".to_owned())?;
        if self.eat("times") {
            return Ok(self.quoted()?.repeat(count));
        }
        if !self.eat("character") {
            self.require("characters")?;
        }
        Ok("x".repeat(count))
    }

    /// `"…"` with the escapes \" \\ \n \r \t \u{…}.
    fn quoted(&mut self) -> Read<String> {
        if !self.rest.starts_with('"') {
            return self.expected("a text in quotation marks");
        }
        let mut text = String::new();
        let mut chars = self.rest.char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.advance(at + 1);
                    return Ok(text);
                }
                '\\' => text.push(escaped(&mut chars)?),
                c => text.push(c),
            }
        }
        Err("a text without its closing quotation mark".to_owned())
    }
}

fn escaped(chars: &mut impl Iterator<Item = (usize, char)>) -> Read<char> {
    let unknown = || "an unknown escape: there are \\\" \\\\ \\n \\r \\t \\u{…}".to_owned();
    match chars.next().map(|(_, c)| c) {
        Some('n') => Ok('\n'),
        Some('r') => Ok('\r'),
        Some('t') => Ok('\t'),
        Some(c @ ('"' | '\\')) => Ok(c),
        Some('u') => {
            let digits = chars.map(|(_, c)| c).skip_while(|c| *c == '{');
            let digits: String = digits.take_while(|c| *c != '}').collect();
            let code = u32::from_str_radix(&digits, 16).ok();
            code.and_then(char::from_u32).ok_or_else(unknown)
        }
        _ => Err(unknown()),
    }
}

/// `09:00`, `09:00:30`, `09:00:30.001` as milliseconds of a day.
fn clock_ms(word: &str) -> Option<i64> {
    let (clock, ms) = word.split_once('.').unwrap_or((word, "000"));
    let mut parts = clock.split(':');
    let mut part = |len: usize, below: i64| digits(parts.next()?, len, below);
    let (hours, minutes) = (part(2, 24)?, part(2, 60)?);
    let has_seconds = clock.len() > 5;
    let seconds = if has_seconds { part(2, 60)? } else { 0 };
    if parts.next().is_some() || (word.contains('.') && !has_seconds) {
        return None;
    }
    Some(((hours * 60 + minutes) * 60 + seconds) * 1_000 + digits(ms, 3, 1_000)?)
}

fn digits(text: &str, len: usize, below: i64) -> Option<i64> {
    let is_number = text.len() == len && text.bytes().all(|b| b.is_ascii_digit());
    text.parse()
        .ok()
        .filter(|number| is_number && *number < below)
}

fn duration_part_ms(word: &str) -> Option<i64> {
    let unit = word.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = word.split_at(unit);
    let unit_ms = match unit {
        "d" => MS_PER_DAY,
        "h" => 3_600_000,
        "m" => 60_000,
        "s" => 1_000,
        "ms" => 1,
        _ => return None,
    };
    number.parse::<i64>().ok().map(|number| number * unit_ms)
}
