//! How many characters a text has: Unicode scalar values of what can be seen.

use std::cell::RefCell;

use afterword_schemas::records::Format;
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{
    BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
};

/// The characters of a message.
#[must_use]
pub fn characters(text: &str, format: Format) -> usize {
    match format {
        Format::Plain => plain_characters(text),
        Format::Html => html_characters(text),
    }
}

/// Spaces count, a line break counts one (CR LF together one), nothing is trimmed or collapsed.
#[must_use]
pub fn plain_characters(text: &str) -> usize {
    text.replace("\r\n", "\n").chars().count()
}

/// HTML is counted as a browser shows it.
#[must_use]
pub fn html_characters(text: &str) -> usize {
    html_visible(text).chars().count()
}

/// What a browser shows of this HTML, each break as `\n` and each run of ASCII white space as one space.
#[must_use]
pub fn html_visible(text: &str) -> String {
    let mut seen = String::new();
    for piece in pieces(text) {
        match piece {
            // A run of ASCII white space is one space, and none beside a break (here: after one).
            Piece::Character(c) if c.is_ascii_whitespace() => {
                if !seen.ends_with([' ', '\n']) {
                    seen.push(' ');
                }
            }
            Piece::Character(c) => seen.push(c),
            // Each `<br>` is a break.
            Piece::Br => {
                drop_space_before_break(&mut seen);
                seen.push('\n');
            }
            // The start and the end of a block element is a break unless the text so far is empty or already ends
            // with one.
            Piece::BlockEdge => {
                drop_space_before_break(&mut seen);
                if !seen.is_empty() && !seen.ends_with('\n') {
                    seen.push('\n');
                }
            }
        }
    }
    // Breaks and spaces at the two ends of the whole are dropped.
    seen.trim_matches([' ', '\n']).to_owned()
}

fn drop_space_before_break(seen: &mut String) {
    if seen.ends_with(' ') {
        seen.pop();
    }
}

/// What the tokens come to, once everything that is dropped is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece {
    Character(char),
    Br,
    BlockEdge,
}

const BLOCK_ELEMENTS: &str = "address article aside blockquote body caption center dd details dialog dir div dl dt \
    fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 header hgroup hr html legend li main menu nav ol \
    optgroup option p pre search section summary table tbody td tfoot th thead tr ul";

/// Those of the elements with dropped contents in which the tokenizer sees nothing but text up to their own end tag.
/// (Of the others, `template` and `head`, see [`Pieces`].)
const DROPPED_TEXT_ELEMENTS: &str = "script style title noscript iframe noembed noframes";

fn is_one_of(name: &str, names: &str) -> bool {
    names.split_ascii_whitespace().any(|each| each == name)
}

/// In which state the tokenizer goes on after this start tag, when not in the data state: what the tree construction
/// stage of the standard would tell it, scripting on.
fn raw_kind(name: &str) -> Option<RawKind> {
    match name {
        "title" | "textarea" => Some(RawKind::Rcdata),
        "style" | "xmp" | "iframe" | "noembed" | "noframes" | "noscript" => Some(RawKind::Rawtext),
        "script" => Some(RawKind::ScriptData),
        _ => None,
    }
}

fn pieces(text: &str) -> Vec<Piece> {
    let options = TokenizerOpts {
        // The text is characters already; U+FEFF is one of them.
        discard_bom: false,
        ..TokenizerOpts::default()
    };
    let tokenizer = Tokenizer::new(Pieces::default(), options);
    let input = BufferQueue::default();
    input.push_back(StrTendril::from(text));
    let _ = tokenizer.feed(&input);
    tokenizer.end();
    tokenizer.sink.found.take().pieces
}

/// Collects pieces. There is no tree: every tag means what it means wherever it stands.
#[derive(Default)]
struct Pieces {
    found: RefCell<Found>,
}

#[derive(Default)]
struct Found {
    pieces: Vec<Piece>,
    /// From `<head` to `</head>` or `<body`.
    in_head: bool,
    /// How many `<template` without their `</template>`: the contents of the outer one go on behind an inner one's end.
    templates: usize,
    /// The element with dropped text that we are in.
    dropped_text_of: Option<String>,
}

impl Found {
    fn add(&mut self, piece: Piece) {
        if !self.in_head && self.templates == 0 && self.dropped_text_of.is_none() {
            self.pieces.push(piece);
        }
    }

    fn tag(&mut self, tag: &Tag) -> TokenSinkResult<()> {
        let name: &str = &tag.name;
        let start = tag.kind == TagKind::StartTag;
        match (name, start) {
            // What is dropped is dropped whole: nothing in a head or a template opens or closes the other.
            ("head", _) if self.templates == 0 => self.in_head = start,
            ("body", true) if self.templates == 0 => self.in_head = false,
            ("template", true) if !self.in_head => self.templates += 1,
            ("template", false) => self.templates = self.templates.saturating_sub(1),
            ("br", true) => self.add(Piece::Br),
            _ => {}
        }
        if is_one_of(name, BLOCK_ELEMENTS) {
            self.add(Piece::BlockEdge);
        }
        if is_one_of(name, DROPPED_TEXT_ELEMENTS) {
            self.dropped_text_of = start.then(|| name.to_owned());
        }
        match raw_kind(name) {
            Some(kind) if start => TokenSinkResult::RawData(kind),
            _ if start && name == "plaintext" => TokenSinkResult::Plaintext,
            _ => TokenSinkResult::Continue,
        }
    }
}

impl TokenSink for Pieces {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        let mut found = self.found.borrow_mut();
        match token {
            Token::TagToken(tag) => return found.tag(&tag),
            Token::CharacterTokens(text) => {
                for c in text.chars() {
                    found.add(Piece::Character(c));
                }
            }
            // A browser shows nothing for U+0000.
            Token::NullCharacterToken
            | Token::CommentToken(_)
            | Token::DoctypeToken(_)
            | Token::EOFToken
            | Token::ParseError(_) => {}
        }
        TokenSinkResult::Continue
    }
}
