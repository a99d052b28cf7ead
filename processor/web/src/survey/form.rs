//! The form as it arrives: bounded in size and time, of the one type that our page sends, and cleaned.

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};

use super::{BODY_BYTES, Shared, reaction};
use crate::events::is_length;

/// The rules' limit of a comment, in characters. They count again: this one spares the way to the log.
pub const COMMENT_CHARACTERS: usize = 5_000;

/// What was sent. What is not there is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Form {
    /// The sealed stamp.
    pub stamp: String,
    /// The symbol of a reaction.
    pub reaction: Option<&'static str>,
    /// Without the white space at its ends, with plain line ends and no control characters.
    pub comment: String,
    /// Whether there was a field for a comment.
    pub had_comment: bool,
}

/// Why there is no form: the status, and the name of the page that says so.
pub type Unreadable = (StatusCode, &'static str);

/// Reads the body.
pub async fn read(survey: &Shared, headers: &HeaderMap, body: Body) -> Result<Form, Unreadable> {
    let kind = headers.get(header::CONTENT_TYPE);
    let kind = kind
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, "wrong-form"));
    }
    let too_large = (StatusCode::PAYLOAD_TOO_LARGE, "too-large");
    let length = headers.get(header::CONTENT_LENGTH);
    let length = length.and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if length.is_some_and(|length| length > BODY_BYTES) {
        return Err(too_large);
    }
    let read = axum::body::to_bytes(body, BODY_BYTES);
    match tokio::time::timeout(survey.body_timeout, read).await {
        Ok(Ok(bytes)) => Ok(parse(&bytes)),
        Ok(Err(error)) if is_length(&error) => Err(too_large),
        Ok(Err(_)) => Err((StatusCode::BAD_REQUEST, "wrong-form")),
        Err(_) => Err((StatusCode::REQUEST_TIMEOUT, "slow")),
    }
}

/// The first field of each name counts.
fn parse(bytes: &[u8]) -> Form {
    let mut form = Form::default();
    let (mut had_stamp, mut had_reaction) = (false, false);
    for (name, value) in form_urlencoded::parse(bytes) {
        match &*name {
            "form" if !std::mem::replace(&mut had_stamp, true) => form.stamp = value.into_owned(),
            "reaction" if !std::mem::replace(&mut had_reaction, true) => {
                form.reaction = reaction(&value).map(|reaction| reaction.symbol());
            }
            "comment" if !std::mem::replace(&mut form.had_comment, true) => {
                form.comment = clean(&value);
            }
            _ => {}
        }
    }
    form
}

/// Browsers send line ends as CR LF, and nobody can type a control character.
fn clean(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let kept = text
        .chars()
        .filter(|c| !c.is_control() || "\n\t".contains(*c));
    let kept: String = kept.collect();
    kept.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_read_and_cleaned() {
        let check = |body: &str, reaction: Option<&str>, comment: &str| {
            let form = parse(body.as_bytes());
            assert_eq!(
                (form.reaction, &*form.comment),
                (reaction, comment),
                "{body}"
            );
        };
        check("", None, "");
        check("&&=&reaction", None, "");
        check("reaction=great&reaction=bad", Some("great"), "");
        check("reaction=good&reaction=bad", None, "");
        check("comment=+a%0D%0Ab%0Dc+%0A", None, "a\nb\nc");
        check("comment=%00%07a%09b%1B%5B31m%C2%85", None, "a\tb[31m");
        check("comment=%F0%9F%98%80%E2%80%AE", None, "\u{1F600}\u{202E}");
        check("comment=%FF%FE", None, "\u{FFFD}\u{FFFD}");
        check("comment=<b>%26amp;&comment=x", None, "<b>&amp;");
    }
}
