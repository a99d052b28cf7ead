//! HTML counted as a browser shows it. Rules, "HTML".
//!
//! html5gum tokenizes as the HTML standard says. What the standard leaves to the tree builder, switching the tokenizer for
//! elements of raw text, is done here by the name of the start tag, with scripting enabled as in a browser: the contents of
//! `noscript` are raw text, which ends at the first `</noscript`, whatever stands between.
//!
//! Where the rules leave something open: templates nest; what is dropped is dropped whole, so that nothing within a template or a
//! head opens or closes anything but its own end; the contents of `textarea`, `xmp` and `plaintext` are text and shown; U+0000 is
//! ignored in text, as browsers do.
//!
//! Work is linear in the text, and of a tag nothing but its name is kept.

use html5gum::{Emitter, Error, State, Tokenizer};

/// The characters of HTML as a browser shows it, counted no further than `at_most`.
pub(crate) fn characters(html: &str, at_most: u32) -> u32 {
    // The counter yields one item: the count, at the end of the text or as soon as it is enough.
    let mut tokens = Tokenizer::new_with_emitter(html, Counter::new(at_most));
    match tokens.next() {
        Some(Ok(count)) => count.min(at_most),
        None => 0,
    }
}

/// What a tag means for the text that a browser shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Element {
    /// Changes nothing: the text goes on across it, and so does a run of white space. Images are such.
    Inline,
    /// `<br>`; `</br>` is nothing.
    LineBreak,
    Block,
    /// `body` is a block, and its start ends `head`.
    Body,
    Head,
    Template,
    /// Its contents are text for the tokenizer, up to its own end tag, and a browser shows it.
    RawShown(State),
    /// The same, and a browser does not show it.
    RawDropped(State),
}

fn element(name: &[u8]) -> Element {
    match name {
        b"br" => Element::LineBreak,
        b"body" => Element::Body,
        b"head" => Element::Head,
        b"template" => Element::Template,
        b"script" => Element::RawDropped(State::ScriptData),
        b"style" | b"noscript" | b"iframe" | b"noembed" | b"noframes" => {
            Element::RawDropped(State::RawText)
        }
        b"title" => Element::RawDropped(State::RcData),
        b"textarea" => Element::RawShown(State::RcData),
        b"xmp" => Element::RawShown(State::RawText),
        b"plaintext" => Element::RawShown(State::PlainText),
        b"address" | b"article" | b"aside" | b"blockquote" | b"caption" | b"center" | b"dd"
        | b"details" | b"dialog" | b"dir" | b"div" | b"dl" | b"dt" | b"fieldset"
        | b"figcaption" | b"figure" | b"footer" | b"form" | b"h1" | b"h2" | b"h3" | b"h4"
        | b"h5" | b"h6" | b"header" | b"hgroup" | b"hr" | b"html" | b"legend" | b"li" | b"main"
        | b"menu" | b"nav" | b"ol" | b"optgroup" | b"option" | b"p" | b"pre" | b"search"
        | b"section" | b"summary" | b"table" | b"tbody" | b"td" | b"tfoot" | b"th" | b"thead"
        | b"tr" | b"ul" => Element::Block,
        _ => Element::Inline,
    }
}

/// The text that a browser shows, of which nothing need be kept but its length and its end.
#[derive(Default)]
struct Visible {
    /// Up to the last character that is neither a break nor a collapsible space.
    count: u32,
    /// What stands after that; it counts once something visible follows.
    breaks: u32,
    space: bool,
}

impl Visible {
    /// A byte of text. Every scalar value has one byte that does not continue another, so counting those is counting
    /// scalar values, in whatever pieces the tokenizer hands them over.
    fn push(&mut self, byte: u8) {
        match byte {
            // A run of ASCII white space is one space, and none beside a break (or at an end of the whole).
            b' ' | b'\t' | b'\n' | b'\x0C' | b'\r' => {
                self.space |= self.count > 0 && self.breaks == 0
            }
            // Browsers ignore U+0000 in text.
            b'\0' => {}
            0x80..=0xBF => {}
            _ => {
                let before = self.breaks.saturating_add(u32::from(self.space));
                self.count = self.count.saturating_add(before).saturating_add(1);
                self.breaks = 0;
                self.space = false;
            }
        }
    }

    /// `<br>`; at the start of the whole it is dropped.
    fn line_break(&mut self) {
        self.space = false;
        if self.count > 0 {
            self.breaks = self.breaks.saturating_add(1);
        }
    }

    /// The start or the end of a block: a break, unless the text so far is empty or already ends with one.
    fn block_boundary(&mut self) {
        if self.breaks == 0 {
            self.line_break();
        }
    }
}

/// What is being dropped with everything in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Dropping {
    Nothing,
    /// Up to `</head>` or `<body`, nothing else.
    Head,
    /// Up to the end tag that closes the outermost; how many are open.
    Template(u32),
}

/// Longer than any name that matters.
const NAME_BYTES: usize = 15;

/// The name of the tag being read, lower case; one longer than any that matters is no element's.
#[derive(Default)]
struct Name {
    bytes: [u8; NAME_BYTES],
    len: usize,
}

impl Name {
    fn clear(&mut self) {
        self.len = 0;
    }

    fn push(&mut self, more: &[u8]) {
        let start = self.len.min(NAME_BYTES);
        for (place, byte) in self.bytes[start..].iter_mut().zip(more) {
            *place = *byte;
        }
        self.len = self.len.saturating_add(more.len());
    }

    fn get(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or(b"")
    }
}

/// Takes the tokens and keeps the count.
struct Counter {
    visible: Visible,
    enough: u32,
    dropping: Dropping,
    /// Whether the tokenizer is inside raw text that is dropped.
    in_dropped_raw: bool,
    name: Name,
    is_start: bool,
    /// The last start tag that switched the tokenizer to raw text: the only one whose end tag it must know.
    raw_name: Name,
    ended: bool,
}

impl Counter {
    fn new(enough: u32) -> Self {
        Counter {
            visible: Visible::default(),
            enough,
            dropping: Dropping::Nothing,
            in_dropped_raw: false,
            name: Name::default(),
            is_start: false,
            raw_name: Name::default(),
            ended: false,
        }
    }

    fn start(&mut self, element: Element) -> Option<State> {
        match (element, self.dropping) {
            (Element::Body, Dropping::Nothing | Dropping::Head) => {
                self.dropping = Dropping::Nothing;
                self.visible.block_boundary();
            }
            (Element::Template, Dropping::Template(open)) => {
                self.dropping = Dropping::Template(open.saturating_add(1));
            }
            (Element::RawShown(state), _) => return self.raw(state, false),
            (Element::RawDropped(state), _) => return self.raw(state, true),
            (_, Dropping::Head | Dropping::Template(_)) | (Element::Inline, Dropping::Nothing) => {}
            (Element::LineBreak, Dropping::Nothing) => self.visible.line_break(),
            (Element::Block, Dropping::Nothing) => self.visible.block_boundary(),
            (Element::Head, Dropping::Nothing) => self.dropping = Dropping::Head,
            (Element::Template, Dropping::Nothing) => self.dropping = Dropping::Template(1),
        }
        None
    }

    fn raw(&mut self, state: State, dropped: bool) -> Option<State> {
        self.in_dropped_raw = dropped;
        self.raw_name.clear();
        self.raw_name.push(self.name.get());
        Some(state)
    }

    /// Tokens, no tree: an end tag is an end wherever it stands.
    fn end(&mut self, element: Element) {
        // Within raw text the tokenizer lets no other end tag through than its own.
        self.in_dropped_raw = false;
        match (element, self.dropping) {
            (Element::Head, Dropping::Head) => self.dropping = Dropping::Nothing,
            (Element::Template, Dropping::Template(open)) => {
                self.dropping = match open {
                    0 | 1 => Dropping::Nothing,
                    _ => Dropping::Template(open - 1),
                };
            }
            (Element::Block | Element::Body, Dropping::Nothing) => self.visible.block_boundary(),
            _ => {}
        }
    }
}

impl Emitter for Counter {
    type Token = u32;

    fn pop_token(&mut self) -> Option<u32> {
        (self.ended || self.visible.count >= self.enough).then_some(self.visible.count)
    }

    fn emit_eof(&mut self) {
        self.ended = true;
    }

    fn emit_string(&mut self, text: &[u8]) {
        if self.in_dropped_raw || self.dropping != Dropping::Nothing {
            return;
        }
        for &byte in text {
            if self.visible.count >= self.enough {
                return;
            }
            self.visible.push(byte);
        }
    }

    fn init_start_tag(&mut self) {
        self.name.clear();
        self.is_start = true;
    }

    fn init_end_tag(&mut self) {
        self.name.clear();
        self.is_start = false;
    }

    fn push_tag_name(&mut self, more: &[u8]) {
        self.name.push(more);
    }

    fn emit_current_tag(&mut self) -> Option<State> {
        let element = element(self.name.get());
        if self.is_start {
            return self.start(element);
        }
        self.end(element);
        None
    }

    fn current_is_appropriate_end_tag_token(&mut self) -> bool {
        !self.is_start && self.name.get() == self.raw_name.get()
    }

    fn should_emit_errors(&mut self) -> bool {
        false
    }

    // Nothing else of HTML is seen: no comment, no doctype, no attribute.
    fn set_last_start_tag(&mut self, _: Option<&[u8]>) {}
    fn emit_error(&mut self, _: Error) {}
    fn init_comment(&mut self) {}
    fn emit_current_comment(&mut self) {}
    fn emit_current_doctype(&mut self) {}
    fn set_self_closing(&mut self) {}
    fn set_force_quirks(&mut self) {}
    fn push_comment(&mut self, _: &[u8]) {}
    fn push_doctype_name(&mut self, _: &[u8]) {}
    fn init_doctype(&mut self) {}
    fn init_attribute(&mut self) {}
    fn push_attribute_name(&mut self, _: &[u8]) {}
    fn push_attribute_value(&mut self, _: &[u8]) {}
    fn set_doctype_public_identifier(&mut self, _: &[u8]) {}
    fn set_doctype_system_identifier(&mut self, _: &[u8]) {}
    fn push_doctype_public_identifier(&mut self, _: &[u8]) {}
    fn push_doctype_system_identifier(&mut self, _: &[u8]) {}
}
