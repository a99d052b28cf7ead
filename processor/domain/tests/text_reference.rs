//! Counting against a slow and obvious reference.

use afterword_domain::text::{characters, comment, plain};
use afterword_schemas::records::Format;
use proptest::prelude::*;

/// Character by character.
fn plain_reference(text: &str) -> u32 {
    let mut count = 0;
    let mut before = None;
    for c in text.chars() {
        if !(before == Some('\r') && c == '\n') {
            count += 1;
        }
        before = Some(c);
    }
    count
}

/// A piece of HTML of which it is known what a browser shows.
#[derive(Clone, Debug)]
enum Piece {
    /// Shown as it is, but for white space.
    Text(String),
    /// Markup that shows nothing.
    Nothing(&'static str),
    LineBreak,
    BlockBoundary(&'static str),
}

fn piece() -> impl Strategy<Value = Piece> {
    prop_oneof![
        4 => "[a-z é字😀]{0,6}".prop_map(Piece::Text),
        2 => "[ \t\n]{1,3}".prop_map(Piece::Text),
        1 => prop::sample::select(vec![
            "<b>", "</b>", "<img src='x'>", "<!-- c -->", "</br>", "<style>p {}</style>", "<script>'<p>'</script>",
            "<template>a<br></template>", "<title>t</title>", "<noscript><p>n</p></noscript>", "<head>h</head>", "<a href=\"<p>\">",
        ]).prop_map(Piece::Nothing),
        1 => Just(Piece::LineBreak),
        2 => prop::sample::select(vec!["<p>", "</p>", "<div>", "</div>", "<LI>", "<td class=x>", "<hr/>", "</h1>", "<body>"])
            .prop_map(Piece::BlockBoundary),
    ]
}

fn html(pieces: &[Piece]) -> String {
    let written = pieces.iter().map(|piece| match piece {
        Piece::Text(text) => text.as_str(),
        Piece::Nothing(markup) | Piece::BlockBoundary(markup) => markup,
        Piece::LineBreak => "<br>",
    });
    written.collect()
}

/// Builds the text that is shown, with U+2028 for a break, and then takes away what the rules take away.
fn html_reference(pieces: &[Piece]) -> String {
    const BREAK: char = '\u{2028}';
    let mut shown = String::new();
    for piece in pieces {
        match piece {
            Piece::Text(text) => shown += &text.replace(['\t', '\n'], " "),
            Piece::Nothing(_) => {}
            Piece::LineBreak => shown.push(BREAK),
            Piece::BlockBoundary(_) => {
                let so_far = shown.trim_end_matches(' ');
                if !(so_far.is_empty() || so_far.ends_with(BREAK)) {
                    shown.push(BREAK);
                }
            }
        }
    }
    while shown.contains("  ") {
        shown = shown.replace("  ", " ");
    }
    shown = shown
        .replace(&format!(" {BREAK}"), &BREAK.to_string())
        .replace(&format!("{BREAK} "), &BREAK.to_string());
    shown.trim_matches([' ', BREAK]).to_owned()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn plain_text_equals_the_reference(text in "([\r\n a字😀é]|\r\n|\\PC){0,600}", at_most in 0u32..700) {
        let expected = plain_reference(&text);
        prop_assert_eq!(plain(&text, u32::MAX), expected);
        prop_assert_eq!(plain(&text, at_most), expected.min(at_most));
        prop_assert_eq!(characters(&text, Format::Plain, at_most), expected.min(at_most));
    }

    #[test]
    fn html_equals_the_reference(pieces in prop::collection::vec(piece(), 0..30), at_most in 0u32..80) {
        let html = html(&pieces);
        let shown = html_reference(&pieces);
        let expected = shown.chars().count() as u32;
        prop_assert_eq!(characters(&html, Format::Html, u32::MAX), expected, "{:?} is shown as {:?}", html, shown);
        prop_assert_eq!(characters(&html, Format::Html, at_most), expected.min(at_most));
    }

    #[test]
    fn no_html_panics_or_counts_more_than_it_has(
        text in "([<>/!&;#x'\"= \r\n\0\\-]|<!--|-->|</?(p|br|style|script|title|textarea|template|head|body|plaintext|a)[ >]?|&[a-z]{1,4};?|é|😀|[a-z]){0,60}",
        at_most in 0u32..40,
    ) {
        let all = characters(&text, Format::Html, u32::MAX);
        // The only thing that is shown longer than it is written is an entity of two scalar values.
        prop_assert!(all as usize <= text.chars().count());
        prop_assert_eq!(characters(&text, Format::Html, at_most), all.min(at_most));
    }

    #[test]
    fn a_comment_is_trimmed_by_unicode_white_space(text in "[ \t\r\n\u{85}\u{A0}\u{1680}\u{2003}\u{2028}\u{3000}\u{200B}a]{0,12}") {
        let is_white = |c: char| "\t\n\x0B\x0C\r \u{85}\u{A0}\u{1680}\u{2028}\u{2029}\u{202F}\u{205F}\u{3000}".contains(c)
            || ('\u{2000}'..='\u{200A}').contains(&c);
        let mut expected: Vec<char> = text.chars().collect();
        while expected.last().is_some_and(|c| is_white(*c)) { expected.pop(); }
        while expected.first().is_some_and(|c| is_white(*c)) { expected.remove(0); }
        prop_assert_eq!(comment(&text), expected.into_iter().collect::<String>());
    }
}
