//! Texts that are hard to count, of any number of characters wanted.

use afterword_schemas::records::Format;

use super::dice::Dice;
use crate::model::{characters, plain_characters};

/// Pieces of plain text: words, white space of all sorts, line breaks of all sorts, long and short scalar values, what
/// looks like one character and is several, and what looks like HTML.
const PLAIN: &[&str] = &[
    "Hello",
    " ",
    "  ",
    "\n",
    "\r\n",
    "\r",
    "\r\r\n",
    "\n\r",
    "\t",
    "refund?",
    "日本語",
    "。",
    "😀",
    "👩‍👩‍👧",
    "🇩🇪",
    "e\u{301}",
    "\u{200B}",
    "\u{FEFF}",
    "\u{A0}",
    "שלום",
    "<br>",
    "&amp;",
    "<p>",
    "\0",
    "\u{2028}",
    "\u{1F3FD}",
    "x",
];

/// Pieces of HTML; most of them harmless, so that not every text is swallowed by an element that never ends.
const HTML: &[&str] = &[
    "Hello",
    "refund",
    "x",
    "y z",
    " ",
    "\n",
    "\r\n",
    " \t ",
    "日本語",
    "😀",
    "&amp;",
    "&nbsp;",
    "&#x1F600;",
    "&#32;",
    "&lt",
    "&notit;",
    "&bogus;",
    "&",
    "<",
    "<b>",
    "</b>",
    "<i class=\"p\">",
    "<a href='>'>",
    "</a>",
    "<img src=x alt=y>",
    "<br>",
    "<br/>",
    "</br>",
    "<p>",
    "</p>",
    "<P>",
    "<div>",
    "</div>",
    "<div hidden>",
    "<ul><li>",
    "</li></ul>",
    "<hr>",
    "<pre>\n",
    "</pre>",
    "<td>",
    "<h2>",
    "</h2>",
    "</html>",
    "<custom-p>",
    "<!-- c -->",
    "<!---->",
    "<!-- > </p> -->",
];

/// Pieces that hide what follows, break off, or are read in a state of their own.
const HARD_HTML: &[&str] = &[
    "<script>if (a < b) '</p>'</script>",
    "<script><!--<script></script>x--></script>",
    "<style>p{}</style>",
    "<title>t &amp; <p></title>",
    "<noscript><p>no</noscript>",
    "<template>t<p></template>",
    "<template>a<template>b</template>c</template>",
    "<head>h</head>",
    "<head><title>t</title>h<body>",
    "<iframe>i</iframe>",
    "<noembed>n</noembed>",
    "<noframes>n</noframes>",
    "<textarea>\n<p> &lt;</textarea>",
    "<xmp><p> &lt;</xmp>",
    "<svg><title>s</title></svg>",
    "<![CDATA[c]]>",
    "<!DOCTYPE html>",
    "<html><body>",
    "</body>",
    "<?xml?>",
    "<!-->",
    "<!--a--!>",
    "</>",
    "</ p>",
    "<p/>",
    "<br / x='>'>",
    "&#0;",
    "&#x80;",
    "&#xD800;",
    "&#13;&#10;",
    "\u{FEFF}",
    "\0",
    "\u{c}",
    "\u{b}",
    "\u{A0}",
    "<image>",
    "<option>o",
    "<summary>s",
    "<dialog>d",
    "</template>",
    "</head>",
    "</script>",
    "&NotEqualTilde;",
    "&Tab;",
    "<p title=\"</p>\">",
    "<style/>s</style>",
    "<a\nb>",
    "<ſcript>",
];

/// Pieces after which nothing is shown any more, or nothing is a tag any more.
const LAST_HTML: &[&str] = &[
    "<script>x",
    "<template>x",
    "<!-- x",
    "<b title='x",
    "<plaintext><p>x",
    "<textarea>x</p>",
    "</",
    "<b",
    "&am",
    "&#x",
    "<title>x",
    "<head>x",
    "<!DOCTYPE x",
];

/// A text of as many pieces, however many characters these are.
pub fn any_text(dice: &mut Dice, pieces: usize) -> (String, Format) {
    if dice.chance(500) {
        return (any_plain(dice, pieces), Format::Plain);
    }
    (any_html(dice, pieces), Format::Html)
}

/// A text with exactly this many characters.
pub fn text_of(dice: &mut Dice, wanted: usize) -> (String, Format) {
    let (mut text, format) = any_text(dice, (wanted / 4).min(60));
    while characters(&text, format) >= wanted && !text.is_empty() {
        // Half of it, cut where a character ends.
        let half = text.char_indices().nth(text.chars().count() / 2);
        text.truncate(half.map_or(0, |(at, _)| at));
    }
    (fill(&text, format, wanted), format)
}

/// Letters in front, where in HTML nothing can swallow them, until there are as many characters as wanted. (In HTML the
/// first letter may bring to light white space and breaks at the front; each further one is one more.)
fn fill(text: &str, format: Format, wanted: usize) -> String {
    if characters(text, format) == wanted {
        return text.to_owned();
    }
    let with_one = characters(&format!("x{text}"), format);
    match (wanted + 1).checked_sub(with_one) {
        Some(letters) if letters > 0 => format!("{}{text}", "x".repeat(letters)),
        _ => "x".repeat(wanted),
    }
}

/// A plain text with exactly this many characters, neither the first nor the last of them white space.
pub fn comment_of(dice: &mut Dice, wanted: usize) -> String {
    let middle = any_plain(dice, (wanted / 4).min(40));
    let rest = wanted.saturating_sub(plain_characters(&middle) + 1);
    let text = format!("{}{middle}.", "x".repeat(rest));
    if rest > 0 && plain_characters(&text) == wanted {
        text
    } else {
        "y".repeat(wanted)
    }
}

/// White space, as Unicode understands it, and never nothing else.
pub fn white_space(dice: &mut Dice) -> String {
    let spaces = [
        "", " ", "\n", "\r\n", "\t", "\u{85}", "\u{A0}", "\u{2028}", "\u{3000}", "\u{c}", "\u{b}",
    ];
    (0..dice.count(0..=3)).map(|_| dice.word(&spaces)).collect()
}

fn any_plain(dice: &mut Dice, pieces: usize) -> String {
    (0..pieces).map(|_| dice.word(PLAIN)).collect()
}

fn any_html(dice: &mut Dice, pieces: usize) -> String {
    let mut text = String::new();
    for _ in 0..pieces {
        let from = if dice.chance(150) { HARD_HTML } else { HTML };
        text.push_str(dice.word(from));
    }
    if dice.chance(100) {
        text.push_str(dice.word(LAST_HTML));
    }
    text
}
