//! The counting of HTML, clause by clause of the rules' paragraph. Each case states the text that a browser shows, with `⏎` for a
//! break; its length is what is counted.

use afterword_domain::text::characters;
use afterword_schemas::records::Format;

const ALL: u32 = u32::MAX;

fn count(html: &str) -> u32 {
    characters(html, Format::Html, ALL)
}

#[track_caller]
fn check(cases: &[(&str, &str)]) {
    for (html, shown) in cases {
        let expected = u32::try_from(shown.chars().count()).expect("a short case");
        assert_eq!(count(html), expected, "{html:?} is shown as {shown:?}");
    }
}

#[test]
fn text_without_tags_is_its_characters() {
    check(&[
        ("", ""),
        ("Hello", "Hello"),
        ("Grüße 😀 字", "Grüße 😀 字"),
        ("e\u{301}", "e\u{301}"),
        ("a<b>b</b>c", "abc"),
    ]);
}

#[test]
fn entities_are_decoded() {
    check(&[
        ("&amp;&lt;&gt;&quot;", "&<>\""),
        ("&auml;&#228;&#xe4;", "äää"),
        ("&amp", "&"),
        ("&ampx", "&x"),
        ("&notit;", "¬it;"),
        ("&notin;", "∉"),
        ("&unknown;", "&unknown;"),
        ("& &; &#; &#x;", "& &; &#; &#x;"),
        // Two scalar values from one entity.
        ("&NotEqualTilde;", "≂\u{338}"),
        // Windows-1252 leftovers, surrogates and what is beyond Unicode become one character each.
        (
            "&#128;&#xD800;&#x110000;&#99999999999999;&#0;",
            "€\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}",
        ),
        ("&lt;br&gt;", "<br>"),
        // A no-break space is a character, and not one of ASCII white space.
        ("&nbsp;", "\u{A0}"),
        ("a&nbsp;&nbsp; b", "a\u{A0}\u{A0} b"),
    ]);
}

#[test]
fn white_space_from_entities_collapses_too() {
    check(&[
        ("a&#32;&#9;&#10;&#12;&#13;&Tab;&NewLine;b", "a b"),
        ("&#32;a&#32;", "a"),
    ]);
}

#[test]
fn comments_declarations_and_processing_instructions_are_dropped() {
    check(&[
        ("a<!-- x > y -->b", "ab"),
        ("a<!---->b", "ab"),
        ("a<!-->b", "ab"),
        ("a<!-- x --!>b", "ab"),
        ("a<!-- never ends", "a"),
        ("a <!-- x --> b", "a b"),
        ("<!DOCTYPE html>a", "a"),
        ("a<?php x ?>b", "ab"),
        ("a<!bogus>b", "ab"),
        ("a</ bogus>b", "ab"),
        ("a<![CDATA[x]]>b", "ab"),
        ("<!--[if mso]><p>x</p><![endif]-->a", "a"),
    ]);
}

#[test]
fn what_looks_like_a_tag_and_is_none_is_text() {
    check(&[
        ("1 < 2 > 0", "1 < 2 > 0"),
        ("a<3", "a<3"),
        ("a<", "a<"),
        ("a</", "a</"),
        ("<é>", "<é>"),
        ("<😀", "<😀"),
        ("a</>b", "ab"),
        // A tag that never ends is dropped by the tokenizer.
        ("a<b", "a"),
        ("a<b href=\"", "a"),
        ("a<b title='<p>x</p>'>b</b>", "ab"),
        ("a<b title=\">\">b", "ab"),
        ("a<B\nTITLE=x>b</B >c", "abc"),
    ]);
}

#[test]
fn contents_of_elements_that_are_not_shown_are_dropped() {
    for name in [
        "script", "style", "template", "head", "title", "noscript", "iframe", "noembed", "noframes",
    ] {
        check(&[
            (&format!("a<{name}>x y</{name}>b"), "ab"),
            (&format!("a <{name}>x y</{name}> b"), "a b"),
            (
                &format!("a<{}>x</{}>b", name.to_uppercase(), name.to_uppercase()),
                "ab",
            ),
            (&format!("a<{name} id='x'>x</{name} >b"), "ab"),
            (&format!("a<{name}>never ends"), "a"),
            (&format!("a<{name}/>x</{name}>b"), "ab"),
            (&format!("a</{name}>b"), "ab"),
            (&format!("a<{name}>x</{name}x>y</{name}>b"), "ab"),
            (&format!("a<{name}>x&amp;<br></{name}>b"), "ab"),
        ]);
    }
}

#[test]
fn raw_text_ends_at_its_own_end_tag_only() {
    check(&[
        ("<style>a > b { } </p><p></style>c", "c"),
        ("<style><!-- </style>c", "c"),
        ("<script>if (a < b) '</p>'; </script>c", "c"),
        ("<script><!-- <script> </script> --></script>c", "c"),
        ("<title>a <b> &amp; </b></title>c", "c"),
        ("<noscript><style></noscript>c", "c"),
        ("<noscript><!-- </noscript>c", "c"),
        ("<iframe><p></iframe>c", "c"),
        ("<style></styl></style>c", "c"),
        ("<style></style\n>c", "c"),
        // An end tag longer than any name that matters.
        ("<style></stylestylestylestylestyle></style>c", "c"),
    ]);
}

#[test]
fn raw_text_that_is_shown_counts() {
    check(&[
        ("<textarea>a <b> &lt;c</textarea>d", "a <b> <cd"),
        ("<xmp>a <b> &lt;</xmp>d", "a <b> &lt;d"),
        ("a<plaintext><p>b</p></plaintext>", "a<p>b</p></plaintext>"),
        ("<textarea></textarea x>d", "d"),
        ("<textarea>é</é</textarea>", "é</é"),
    ]);
}

#[test]
fn templates_nest() {
    check(&[
        ("a<template>x<template>y</template>z</template>b", "ab"),
        ("a<template><p>x</p><br></template>b", "ab"),
        ("a<template><script></template></script>x</template>b", "ab"),
        ("a</template>b<template>x</template>c", "abc"),
        // What is dropped is dropped whole: a head within opens nothing.
        ("a<template><head></template>b", "ab"),
    ]);
}

#[test]
fn head_ends_at_its_end_tag_or_at_body() {
    check(&[
        ("<html><head><title>x</title><meta></head>a", "a"),
        ("<head>x<body>a", "a"),
        ("<head>x<body class='y'>a</body>", "a"),
        ("a<head>x<body>b", "a⏎b"),
        ("a<head><p>x</p><div>y</div></head>b", "ab"),
        ("a<head>x</body>y</html>z</head>b", "ab"),
        ("<head><template></head>a", "a"),
        ("a<header>b</header>c", "a⏎b⏎c"),
    ]);
}

#[test]
fn images_are_nothing_and_white_space_collapses_across_them() {
    check(&[
        ("<img src=x alt='a picture'>", ""),
        ("a<img>b", "ab"),
        ("a <img> b", "a b"),
        ("a<img> b", "a b"),
        ("a <b> </b> b", "a b"),
    ]);
}

#[test]
fn a_run_of_ascii_white_space_is_one_space() {
    check(&[
        ("a  b", "a b"),
        ("a \t\n\r\x0C b", "a b"),
        ("a\r\nb", "a b"),
        ("a\rb", "a b"),
        // Vertical tab is no ASCII white space, neither are the wide ones.
        ("a\x0Bb", "a\x0Bb"),
        ("a\u{2003}\u{2003}b", "a\u{2003}\u{2003}b"),
        ("a\u{3000}", "a\u{3000}"),
    ]);
}

#[test]
fn there_is_no_space_beside_a_break() {
    check(&[
        ("a <br> b", "a⏎b"),
        ("a <br> <br> b", "a⏎⏎b"),
        ("a <p> b </p> c", "a⏎b⏎c"),
        ("a <img> <br> <img> b", "a⏎b"),
    ]);
}

#[test]
fn every_br_is_a_break() {
    check(&[
        ("a<br>b", "a⏎b"),
        ("a<br/>b", "a⏎b"),
        ("a<BR class=x>b", "a⏎b"),
        ("a<br><br><br>b", "a⏎⏎⏎b"),
        ("a<p><br>b", "a⏎⏎b"),
        ("<p>a<br></p>b", "a⏎b"),
        ("<p>a</p><br><p>b</p>", "a⏎⏎b"),
    ]);
}

#[test]
fn the_end_tag_of_br_is_nothing() {
    check(&[("a</br>b", "ab"), ("a </br> b", "a b")]);
}

#[test]
fn blocks_break_unless_the_text_is_empty_or_ends_with_a_break() {
    check(&[
        ("<div>a</div><div>b</div>", "a⏎b"),
        ("<div><div>a</div></div><div>b</div>", "a⏎b"),
        ("a<div></div>b", "a⏎b"),
        ("a<hr>b", "a⏎b"),
        ("a<hr><hr>b", "a⏎b"),
        ("<ul><li>a</li><li>b</li></ul>c", "a⏎b⏎c"),
        ("<ul><li>a<li>b</ul>c", "a⏎b⏎c"),
        ("<table><tr><td>a</td><td>b</td></tr></table>", "a⏎b"),
        ("<select><option>a<option>b</select>", "a⏎b"),
        ("<html><body><p>a</p></body></html>", "a"),
        ("a<body>b</body>c", "a⏎b⏎c"),
    ]);
}

#[test]
fn an_end_tag_is_an_end_wherever_it_stands() {
    check(&[
        ("a</p>b", "a⏎b"),
        ("a</div></div>b", "a⏎b"),
        ("<b>a<p>b</b>c</p>d", "a⏎bc⏎d"),
        ("a</hr>b", "a⏎b"),
        ("a</span>b", "ab"),
    ]);
}

#[test]
fn every_block_element_breaks_at_its_start_and_at_its_end() {
    let blocks = "address article aside blockquote body caption center dd details dialog dir div dl dt fieldset \
        figcaption figure footer form h1 h2 h3 h4 h5 h6 header hgroup hr html legend li main menu nav ol optgroup option p \
        pre search section summary table tbody td tfoot th thead tr ul";
    assert_eq!(blocks.split_ascii_whitespace().count(), 50);
    for name in blocks.split_ascii_whitespace() {
        check(&[
            (&format!("a<{name}>b"), "a⏎b"),
            (&format!("a</{name}>b"), "a⏎b"),
            (&format!("a<{name}>b</{name}>c"), "a⏎b⏎c"),
            (&format!("a<{}>b", name.to_uppercase()), "a⏎b"),
        ]);
    }
}

#[test]
fn every_other_element_does_not() {
    let others = "a abbr acronym area audio b base basefont bdi bdo big button canvas cite code col colgroup data datalist \
        del dfn em embed font frame frameset h7 i img input ins kbd label link listing map mark math meta meter nobr object \
        output param picture progress q rb rp rt rtc ruby s samp select slot small source span strike strong sub sup \
        svg time track tt u unknown var video wbr divx ptr x-p";
    for name in others.split_ascii_whitespace() {
        check(&[
            (&format!("a<{name}>b</{name}>c"), "abc"),
            (&format!("a <{name}> b"), "a b"),
        ]);
    }
}

#[test]
fn breaks_and_spaces_at_the_ends_of_the_whole_are_dropped() {
    check(&[
        (" a ", "a"),
        ("<br><br>a<br><br>", "a"),
        (" <br> <p> a </p> <br> ", "a"),
        ("<p> </p>", ""),
        ("<br>", ""),
        (" \n\t ", ""),
        ("<p>a</p>\n\n<p>b</p>\n", "a⏎b"),
        ("&nbsp;<br>", "\u{A0}"),
    ]);
}

#[test]
fn white_space_collapses_in_pre_and_css_is_not_looked_at() {
    check(&[
        ("<pre>a\n\n  b</pre>", "a b"),
        ("<pre>\na</pre>", "a"),
        ("<p style='display:none'>a</p>", "a"),
        ("<p hidden>a</p>", "a"),
        ("<span style='display:block'>a</span>b", "ab"),
        ("<b style='white-space:pre'>a  b</b>", "a b"),
    ]);
}

#[test]
fn nul_is_ignored_in_text_as_browsers_do() {
    check(&[
        ("a\0b", "ab"),
        ("a \0 b", "a b"),
        ("<textarea>\0</textarea>", "\u{FFFD}"),
        ("a<\0>b", "a<>b"),
    ]);
}

#[test]
fn counting_stops_at_the_limit() {
    for at_most in 0..8 {
        assert_eq!(
            characters("<p>ab</p><br><p>c &amp; d", Format::Html, at_most),
            at_most
        );
    }
    assert_eq!(characters("a<br><br><br>b", Format::Html, 3), 3);
    assert_eq!(characters("ab", Format::Html, 3), 2);
}
