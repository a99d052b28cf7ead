//! HTML made to hurt.

use std::time::{Duration, Instant};

use afterword_domain::text::characters;
use afterword_schemas::records::Format;

fn count(html: &str) -> u32 {
    characters(html, Format::Html, u32::MAX)
}

/// 262,144 characters is the longest text there is. None of these may take more than a moment, in a build without
/// optimisation neither; a quadratic one would take minutes.
#[test]
fn hostile_texts_of_the_greatest_length_take_linear_time() {
    const LONGEST: usize = 262_144;
    let pieces = [
        "<",
        "</",
        "<a",
        "<a ",
        "<a b=c ",
        "<a b=\"",
        "&",
        "&#",
        "&#9",
        "&#x1",
        "&a",
        "&notinx",
        "<!",
        "<!-",
        "<!--",
        "<!-- -",
        "-->",
        "<![CDATA[",
        "<style>",
        "<style></",
        "</style",
        "<script><!--",
        "<script><!--<script>",
        "</script",
        "<title></",
        "<textarea>",
        "</textarea",
        "<template>",
        "</template>",
        "<head>",
        "<br>",
        "<p>",
        "</p>",
        " ",
        "\r",
        "\0",
        "é",
        "<é",
        "<plaintext>",
        "<!doctype ",
        "<a/",
        "a ",
        "'",
        "\"<",
        "<a '",
        "<a =",
    ];
    let clock = Instant::now();
    for piece in pieces {
        let repeated = piece.repeat(LONGEST / piece.chars().count());
        count(&repeated);
        for before in [
            "<style>",
            "<title>",
            "<script>",
            "<script><!--",
            "<textarea>",
            "<template>",
            "<head>",
            "a<b ",
            "<!--",
        ] {
            count(&format!("{before}{repeated}"));
        }
        // The name of a tag, an attribute's name and value, a reference without an end.
        count(&format!("<{}", "a".repeat(LONGEST)));
        count(&format!("<style></{}", "a".repeat(LONGEST)));
        count(&format!("&#{}", "9".repeat(LONGEST)));
    }
    assert!(
        clock.elapsed() < Duration::from_secs(120),
        "{:?}",
        clock.elapsed()
    );
}
