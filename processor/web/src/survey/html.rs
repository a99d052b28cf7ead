//! Pages as HTML, with the policy that goes with each.

use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use afterword_schemas::records::Reaction;
use uuid::Uuid;

use super::look::ink_on;
use super::page::Said;
use super::texts::Language;

const CSS: &str = concat!(
    include_str!("../../assets/base.css"),
    include_str!("../../templates/survey.css")
);
/// For a page that stands in a chat.
const SCRIPT: &str = include_str!("../messenger/frame.js");

/// What the template is filled with.
#[derive(Default, Template)]
#[template(path = "survey.html")]
pub struct Html {
    pub lang: &'static str,
    pub dir: &'static str,
    pub title: String,
    pub nonce: String,
    pub accent: String,
    pub on_accent: &'static str,
    pub css: &'static str,
    pub script: &'static str,
    /// What a chat is told, as docs/messenger.md has it.
    pub state: &'static str,
    pub close: String,
    pub said: Option<Said>,
    pub heading: String,
    pub paragraphs: Vec<String>,
    pub again: Option<String>,
    pub form: String,
    pub comment: Option<CommentForm>,
    pub rating: Option<RatingForm>,
    pub privacy: Option<String>,
}

/// The form of a comment.
pub struct CommentForm {
    pub question: String,
    pub label: String,
    pub note: String,
    pub text: String,
    pub is_wrong: bool,
    pub send: String,
}

/// The form of a reaction.
pub struct RatingForm {
    /// Where it is not the page's own.
    pub question: Option<String>,
    pub legend: String,
    pub send: String,
    pub choices: Vec<Choice>,
}

/// One reaction.
pub struct Choice {
    pub symbol: &'static str,
    pub word: String,
    pub mouth: &'static str,
    pub is_checked: bool,
}

impl Html {
    /// An empty page in this language and colour.
    pub fn of(language: Language, colour: &str) -> Html {
        Html {
            lang: language.tag,
            dir: language.direction,
            nonce: Uuid::new_v4().simple().to_string(),
            accent: colour.to_owned(),
            on_accent: ink_on(colour),
            css: CSS,
            script: SCRIPT,
            state: "open",
            close: language.say("close"),
            ..Html::default()
        }
    }

    /// The page as an answer with this status.
    pub fn respond(self, status: StatusCode) -> Response {
        let policy = format!(
            "default-src 'none'; style-src 'nonce-{0}'; script-src 'nonce-{0}'; img-src data:; form-action 'self'; base-uri 'none'",
            self.nonce
        );
        let Ok(text) = self.render() else {
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        };
        let kind = [
            (header::CONTENT_TYPE, "text/html; charset=utf-8"),
            (header::CONTENT_LANGUAGE, self.lang),
        ];
        let mut response = (status, kind, text).into_response();
        if let Ok(policy) = HeaderValue::from_str(&policy) {
            let headers = response.headers_mut();
            headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        }
        response
    }
}

/// The face's mouth, as a path of SVG.
pub fn mouth(reaction: Reaction) -> &'static str {
    match reaction {
        Reaction::Terrible => "M12 29q8-10 16 0",
        Reaction::Bad => "M13 28q7-5 14 0",
        Reaction::Ok => "M13 26h14",
        Reaction::Great => "M13 24q7 6 14 0",
        Reaction::Amazing => "M12 23q8 13 16 0z",
    }
}

/// A page that knows of no request: always the same for everybody.
pub struct Plain {
    language: Language,
    status: StatusCode,
    name: &'static str,
}

impl Plain {
    /// The page with the texts `NAME-title` and `NAME-text`.
    #[must_use]
    pub fn new(language: Language, status: StatusCode, name: &'static str) -> Plain {
        Plain {
            language,
            status,
            name,
        }
    }
}

impl IntoResponse for Plain {
    fn into_response(self) -> Response {
        let say = |part: &str| self.language.say(&format!("{}-{part}", self.name));
        let mut html = Html::of(self.language, "#0f766e");
        html.state = match self.status {
            StatusCode::NOT_FOUND => "gone",
            _ => "busy",
        };
        html.title = say("title");
        html.heading = say("title");
        html.paragraphs.push(say("text"));
        html.respond(self.status)
    }
}
