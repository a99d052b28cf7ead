//! Rust source, prepared for looking at: what is text and what is code, what is a test and what is not. No parser: a
//! scanner that knows comments, strings and characters, which is enough for code that rustfmt has laid out.

/// One file of Rust.
pub struct Source {
    /// From the repository's root, with `/`.
    pub path: String,
    /// The code, line by line, with every comment, string and character literal blanked.
    pub code: Vec<String>,
    /// The same lines as they are.
    pub text: Vec<String>,
    /// Whether a line belongs to a test.
    pub is_test: Vec<bool>,
}

impl Source {
    pub fn new(path: &str, text: &str) -> Source {
        let blanked = blank(text);
        let is_test = match is_test_file(path) {
            true => vec![true; blanked.lines().count()],
            false => test_lines(&blanked),
        };
        Source {
            path: path.to_owned(),
            code: blanked.lines().map(str::to_owned).collect(),
            text: text.lines().map(str::to_owned).collect(),
            is_test,
        }
    }

    /// Lines of code outside tests, with their numbers from 1.
    pub fn product_code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.code.iter().zip(&self.is_test).enumerate();
        lines
            .filter(|(_, (_, is_test))| !**is_test)
            .map(|(index, (line, _))| (index + 1, line.as_str()))
    }
}

/// Files that are no part of the program: tests, benchmarks, fuzz targets, examples, and all of the package of tests.
pub fn is_test_file(path: &str) -> bool {
    let folders = ["/tests/", "/benches/", "/examples/", "/fuzz/"];
    path.starts_with("integration-tests/")
        || path.ends_with("/tests.rs")
        || folders.iter().any(|folder| path.contains(folder))
}

/// Blanks comments and the contents of literals; every line break stays where it is.
pub fn blank(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let end = match literal_end(&chars, at) {
            Some(end) => end,
            None => {
                out.push(chars[at]);
                at += 1;
                continue;
            }
        };
        out.extend(
            chars[at..end]
                .iter()
                .map(|char| if *char == '\n' { '\n' } else { ' ' }),
        );
        at = end;
    }
    out
}

/// Where the comment or literal that begins here ends, if one does.
fn literal_end(chars: &[char], at: usize) -> Option<usize> {
    let next = chars.get(at + 1).copied();
    match chars[at] {
        '/' if next == Some('/') => Some(find(chars, at, '\n')),
        '/' if next == Some('*') => Some(block_comment_end(chars, at)),
        '"' => Some(string_end(chars, at)),
        '\'' => char_end(chars, at),
        'r' if !is_word(chars, at) => raw_string_end(chars, at),
        _ => None,
    }
}

/// Whether this character only continues a word, such as the `r` of `for`; `br"…"` and `cr"…"` are raw strings too.
fn is_word(chars: &[char], at: usize) -> bool {
    let continues = |back: usize| {
        let before = at.checked_sub(back).map(|index| chars[index]);
        before.is_some_and(|c| c.is_alphanumeric() || c == '_')
    };
    let prefixed = at > 0 && matches!(chars[at - 1], 'b' | 'c') && !continues(2);
    continues(1) && !prefixed
}

fn find(chars: &[char], from: usize, wanted: char) -> usize {
    let found = chars[from..].iter().position(|char| *char == wanted);
    found.map_or(chars.len(), |offset| from + offset)
}

fn block_comment_end(chars: &[char], from: usize) -> usize {
    let mut depth = 0;
    let mut at = from;
    while at + 1 < chars.len() {
        match (chars[at], chars[at + 1]) {
            ('/', '*') => depth += 1,
            ('*', '/') => depth -= 1,
            _ => {
                at += 1;
                continue;
            }
        }
        at += 2;
        if depth == 0 {
            return at;
        }
    }
    chars.len()
}

fn string_end(chars: &[char], from: usize) -> usize {
    let mut at = from + 1;
    while at < chars.len() {
        match chars[at] {
            '\\' => at += 2,
            '"' => return at + 1,
            _ => at += 1,
        }
    }
    chars.len()
}

fn raw_string_end(chars: &[char], from: usize) -> Option<usize> {
    let hashes = chars[from + 1..].iter().take_while(|c| **c == '#').count();
    if chars.get(from + 1 + hashes) != Some(&'"') {
        return None;
    }
    let mut at = from + 2 + hashes;
    while at < chars.len() {
        let closing = chars[at] == '"' && chars[at + 1..].iter().take(hashes).all(|c| *c == '#');
        if closing && chars.len() > at + hashes {
            return Some(at + 1 + hashes);
        }
        at += 1;
    }
    Some(chars.len())
}

/// A character literal, and not a lifetime.
fn char_end(chars: &[char], from: usize) -> Option<usize> {
    match chars.get(from + 1)? {
        '\\' => Some((find(chars, from + 3, '\'') + 1).min(chars.len())),
        _ if chars.get(from + 2) == Some(&'\'') => Some(from + 3),
        _ => None,
    }
}

/// Which lines stand under `#[cfg(test)]`: from the attribute to the end of the item after it.
fn test_lines(blanked: &str) -> Vec<bool> {
    let lines: Vec<&str> = blanked.lines().collect();
    let mut is_test = vec![false; lines.len()];
    let mut at = 0;
    while at < lines.len() {
        if lines[at].trim_start().starts_with("#[cfg(test)]") {
            let end = item_end(&lines, at);
            is_test[at..=end].fill(true);
            at = end;
        }
        at += 1;
    }
    is_test
}

/// The last line of the item that begins at this line: the one that closes its first brace, or ends it by a semicolon.
pub fn item_end(lines: &[&str], from: usize) -> usize {
    let (mut braces, mut others, mut opened) = (0i32, 0i32, false);
    for (index, line) in lines.iter().enumerate().skip(from) {
        for char in line.chars() {
            match char {
                '{' => (braces, opened) = (braces + 1, true),
                '}' => braces -= 1,
                '(' | '[' => others += 1,
                ')' | ']' => others -= 1,
                ';' if !opened && others == 0 => return index,
                _ => {}
            }
            if opened && braces == 0 {
                return index;
            }
        }
    }
    lines.len().saturating_sub(1)
}

#[test]
fn comments_and_literals_are_blanked_and_code_is_not() {
    let check = |text: &str, code: &str| {
        let words: Vec<String> = blank(text).split_whitespace().map(str::to_owned).collect();
        assert_eq!(words.join(" "), code, "{text}");
    };
    check("a(); // b {", "a();");
    check("a /* b /* { */ } */ c", "a c");
    check(r#"a("{ \" }", b)"#, "a( , b)");
    check(r##"a(r#"{ " }"#, br"{", for)"##, "a( , b , for)");
    check(
        r"a('{', '\'', '\\', '\u{7d}', b'}', &'static x)",
        "a( , , , , b , &'static x)",
    );
    check("fn a<'a>(b: &'a str) {}", "fn a<'a>(b: &'a str) {}");
    check("r#type = 1", "r#type = 1");
    assert_eq!(blank("\"a\nb\"\nc"), "  \n  \nc");
}

#[test]
fn tests_are_told_from_the_product() {
    let text = "fn a() {\n}\n#[cfg(test)]\nmod tests {\n    fn b() {\n    }\n}\nfn c() {}\n#[cfg(test)]\nmod d;\nfn e() {}\n";
    let source = Source::new("x/src/lib.rs", text);
    let product: Vec<usize> = source.product_code().map(|(line, _)| line).collect();
    assert_eq!(product, [1, 2, 8, 11]);
    assert_eq!(Source::new("x/tests/y.rs", text).product_code().count(), 0);
}
