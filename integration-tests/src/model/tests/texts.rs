//! Characters.

use crate::model::{html_visible, plain_characters};

#[test]
fn plain_text_counts_scalar_values_and_a_line_break_once() {
    for (text, expected) in [
        ("", 0),
        ("  a  b  ", 8),
        ("a\r\nb", 3),
        ("a\rb\nc", 5),
        ("\n\r", 2),
        ("\r\r\n\n", 3),
        ("👩‍👩‍👧", 5),
        ("e\u{301}", 2),
        ("日本語", 3),
        ("<b>&amp;</b>", 12),
        ("\u{FEFF}\u{200B}\0", 3),
    ] {
        assert_eq!(plain_characters(text), expected, "{text:?}");
    }
}

/// What is seen of each, breaks as `\n`.
fn check(cases: &[(&str, &str)]) {
    for (html, expected) in cases {
        assert_eq!(html_visible(html), *expected, "{html:?}");
    }
}

#[test]
fn white_space_collapses_and_is_none_beside_a_break() {
    check(&[
        ("  a \t\r\n\u{c} b  ", "a b"),
        ("a <b> b</b>", "a b"),
        ("a <img> <img alt=x> b", "a b"),
        ("a <br> b", "a\nb"),
        ("a <p> b", "a\nb"),
        ("<pre>a\n  b</pre>", "a b"),
        ("a<textarea>\n b</textarea>", "a b"),
        ("a&#32; &Tab;b", "a b"),
        ("a\u{b}\u{a0} &nbsp;b", "a\u{b}\u{a0} \u{a0}b"),
        ("a <!-- c --> <script> </script> b", "a b"),
    ]);
}

#[test]
fn breaks_of_br_add_up_and_of_blocks_do_not() {
    check(&[
        ("a<br><br/>b", "a\n\nb"),
        ("a<p></p><div><p>b", "a\nb"),
        ("a</p><br>b", "a\n\nb"),
        ("a<br></p>b", "a\nb"),
        ("a<br> <p>b", "a\nb"),
        ("<p>a</p>\n<p>b</p>", "a\nb"),
        ("<br><p> <br>a<br></p><br> ", "a"),
        ("a<hr>b<option>c<LI>d<h6>e<h7>f", "a\nb\nc\nd\nef"),
        ("a<span>b<custom-p>c</article>d", "abc\nd"),
        ("<html><body>a</body></html>b", "a\nb"),
    ]);
}

#[test]
fn tags_mean_what_they_mean_wherever_they_stand() {
    check(&[
        ("a</p>b</li>c", "a\nb\nc"),
        ("a</br>b", "ab"),
        ("a</hr>b", "a\nb"),
        ("a</img>b</script>c</title>d", "abcd"),
        ("<head>a<p>b</head>c", "c"),
        ("x<head>a<body>b", "x\nb"),
        ("<head>a</body>b", ""),
        ("x<head/>a</head>b", "xb"),
        ("a<template>b<p></template>c", "ac"),
        ("a<template>b<template></template>c</template>d", "ad"),
        ("a</template>b", "ab"),
        ("<head><title></head></title>a</head>b", "b"),
    ]);
}

#[test]
fn what_is_not_shown_is_dropped() {
    check(&[
        ("a<script>b</p></script>c", "ac"),
        ("a<script><!--<script></script>--></script>b", "ab"),
        ("a<style>b{}</style >c", "ac"),
        ("a<title>b &amp; <p></title>c", "ac"),
        ("a<noscript><p>b</noscript>c", "ac"),
        (
            "a<iframe>b</iframe><noembed>c</noembed><noframes>d</noframes>e",
            "ae",
        ),
        ("a<style/>b", "a"),
        ("a<script>b", "a"),
        (
            "a<!-- b --!>c<!-->d<?e?>f<![CDATA[g]]>h<!DOCTYPE i>j",
            "acdfhj",
        ),
        ("a<p hidden style='display:none'>b", "a\nb"),
        ("a<b title='>'>b", "ab"),
        ("a<b", "a"),
        ("a< b", "a< b"),
    ]);
}

#[test]
fn raw_text_that_is_shown_is_text() {
    check(&[
        ("<textarea><p>a&lt;</textarea>b", "<p>a<b"),
        ("<xmp><p>a&lt;</xmp>b", "<p>a&lt;b"),
        ("<plaintext><p>a</plaintext>", "<p>a</plaintext>"),
    ]);
}

#[test]
fn entities_are_decoded_as_the_standard_says() {
    check(&[
        ("&amp;&lt;&#x1F600;&#128512;", "&<😀😀"),
        ("&notit; &ampx &bogus; &", "¬it; &x &bogus; &"),
        ("&NotEqualTilde;", "\u{2242}\u{338}"),
        ("&#0;&#xD800;&#x110000;&#x80;", "\u{FFFD}\u{FFFD}\u{FFFD}€"),
        ("<a href='&amp;'>a</a>", "a"),
        ("\u{FEFF}a\0b", "\u{FEFF}ab"),
        ("<xmp>\0</xmp>", "\u{FFFD}"),
    ]);
}
