//! What the page shows, and GET.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use afterword_link::Subject;
use afterword_readmodel::Standing;
use afterword_schemas::records::Reaction;

use super::form::COMMENT_CHARACTERS;
use super::html::{Choice, CommentForm, Html, Plain, RatingForm, mouth};
use super::look::Look;
use super::stamps::{Outcome, Receipt, Stamp};
use super::{RETRY_AFTER_S, Shared, Survey, language, reaction, retry_after};
use crate::survey::texts::Language;

/// Between two looks of a page that waits, and for how long it looks by itself.
const REFRESH_S: u32 = 3;
const REFRESHING_MS: i64 = 120_000;
/// A page that is reloaded asks once more, and does not wait long.
const RELOADED: std::time::Duration = std::time::Duration::from_millis(500);

/// The page of one request.
pub struct Page {
    pub language: Language,
    pub look: Look,
    /// As the form carries it.
    pub stamp: String,
    pub said: Option<Said>,
    /// None: the report database does not answer, and what was sent is shown as it was.
    pub standing: Option<Standing>,
    /// To be checked; otherwise what the rating is.
    pub reaction: Option<&'static str>,
    pub comment: String,
    pub is_comment_wrong: bool,
    /// An answer is in the log and not decided.
    pub is_pending: bool,
}

/// What happened to an answer.
#[derive(Clone, Debug)]
pub struct Said {
    pub text: String,
    pub is_alert: bool,
    pub has_focus: bool,
}

impl Said {
    /// Good or neutral news.
    #[must_use]
    pub fn status(text: String) -> Said {
        Said {
            text,
            is_alert: false,
            has_focus: true,
        }
    }

    /// Something was not saved.
    #[must_use]
    pub fn alert(text: String) -> Said {
        Said {
            is_alert: true,
            ..Said::status(text)
        }
    }
}

impl Page {
    /// The page as an answer with this status.
    pub fn respond(self, status: StatusCode) -> Response {
        let language = self.language;
        let name = self.look.name.clone();
        let question = language.say_with("question", &[("workspace", &name)]);
        let is_deleted = self
            .standing
            .as_ref()
            .is_some_and(|standing| standing.deleted);
        let mut html = Html::of(language, &self.look.colour);
        html.title = match &self.said {
            Some(said) => format!("{} – {name}", said.text),
            None => question.clone(),
        };
        html.heading = question.clone();
        html.state = state(self.standing.as_ref());
        if is_deleted {
            html.heading = language.say("deleted-title");
            html.paragraphs.push(language.say("deleted-text"));
        } else if self.is_pending {
            html.again = Some(language.say("look-again"));
        } else {
            self.fill(&mut html, &question);
        }
        html.privacy = Some(language.say_with("privacy", &[("workspace", &name)]));
        html.said = self.said.map(|said| Said {
            has_focus: !self.is_comment_wrong,
            ..said
        });
        html.form = self.stamp;
        html.respond(status)
    }

    /// The rating as it stands, and the forms that may still be sent.
    fn fill(&self, html: &mut Html, question: &str) {
        let language = self.language;
        let standing = self.standing.as_ref();
        let rated = standing.and_then(|standing| standing.reaction.as_deref());
        if let (Some(symbol), None) = (rated, &self.said) {
            let word = language.say(symbol);
            let text = language.say_with("your-rating", &[("reaction", &word)]);
            html.paragraphs.push(text);
        }
        if standing.is_some_and(|standing| standing.locked) {
            html.paragraphs.push(language.say("locked-note"));
            return;
        }
        let is_unknown = standing.is_none();
        if rated.is_some() || !self.comment.is_empty() {
            html.comment = Some(self.comment_form());
        }
        if !is_unknown || self.reaction.is_some() || self.comment.is_empty() {
            let checked = self.reaction.or(rated);
            html.rating = Some(self.rating_form(question, checked, rated.is_some()));
        }
    }

    fn comment_form(&self) -> CommentForm {
        let say = |name| self.language.say(name);
        let limit = COMMENT_CHARACTERS.to_string();
        CommentForm {
            question: say("comment-question"),
            label: say("comment-label"),
            note: self.language.say_with("comment-note", &[("limit", &limit)]),
            text: self.comment.clone(),
            is_wrong: self.is_comment_wrong,
            send: say("send-comment"),
        }
    }

    fn rating_form(&self, question: &str, checked: Option<&str>, is_rated: bool) -> RatingForm {
        let say = |name| self.language.say(name);
        let choice = |reaction: &Reaction| Choice {
            symbol: reaction.symbol(),
            word: say(reaction.symbol()),
            mouth: mouth(*reaction),
            is_checked: checked == Some(reaction.symbol()),
        };
        RatingForm {
            question: is_rated.then(|| say("change-question")),
            legend: question.to_owned(),
            send: say(match is_rated {
                true => "change-rating",
                false => "send-rating",
            }),
            choices: Reaction::ALL.iter().map(choice).collect(),
        }
    }
}

/// How far the customer got.
fn state(standing: Option<&Standing>) -> &'static str {
    match standing {
        Some(standing) if standing.deleted => "gone",
        Some(standing) if standing.locked => "final",
        Some(standing) if standing.reaction.is_some() => "rated",
        _ => "open",
    }
}

/// For addresses that are none, and for tokens that are none: nobody learns which.
pub async fn not_found(headers: HeaderMap) -> Response {
    nowhere(&headers)
}

/// The same.
pub fn nowhere(headers: &HeaderMap) -> Response {
    Plain::new(language(headers, "en"), StatusCode::NOT_FOUND, "not-found").into_response()
}

/// For other methods.
pub async fn method(headers: HeaderMap) -> Response {
    let status = StatusCode::METHOD_NOT_ALLOWED;
    let page = Plain::new(language(&headers, "en"), status, "wrong-form");
    let allow = [(header::ALLOW, "GET, HEAD, POST")];
    (allow, page).into_response()
}

/// The report database does not answer.
pub fn busy(language: Language) -> Response {
    let page = Plain::new(language, StatusCode::SERVICE_UNAVAILABLE, "busy");
    retry_after(page.into_response(), RETRY_AFTER_S)
}

/// The handler of GET and HEAD. It writes nothing.
pub async fn get(
    State(survey): State<Survey>,
    path: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    // Bytes that are no text are no token.
    let token = path.map(|Path(token)| token).unwrap_or_default();
    let subject = survey.keys.open(&token);
    let Some(subject) = subject else {
        survey.metrics.page("not_found");
        return nowhere(&headers);
    };
    let look = survey.look(&subject.workspace_id);
    let language = language(&headers, &look.locale);
    let standing = match survey.standing(&subject).await {
        Ok(Some(standing)) => standing,
        Ok(None) => {
            survey.metrics.page("not_found");
            return nowhere(&headers);
        }
        Err(error) => {
            tracing::warn!(%error, "a page of the survey could not be shown");
            survey.metrics.page("busy");
            return busy(language);
        }
    };
    let (mut preselected, mut receipt) = (None, None);
    for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        match &*name {
            "r" => preselected = reaction(&value).map(|reaction| reaction.symbol()),
            "k" => receipt = Receipt::unseal(&survey.keys, &value, &subject.request_id),
            _ => {}
        }
    }
    show(
        &survey,
        subject,
        (language, look),
        standing,
        preselected,
        receipt,
    )
    .await
}

async fn show(
    survey: &Shared,
    subject: Subject,
    (language, look): (Language, Look),
    standing: Standing,
    preselected: Option<&'static str>,
    receipt: Option<Receipt>,
) -> Response {
    let (mut standing, mut said) = (standing, None);
    let mut is_pending = false;
    if let Some(receipt) = &receipt {
        let (outcome, newer) = outcome_of(survey, receipt).await;
        standing = newer.unwrap_or(standing);
        is_pending = outcome == Outcome::Pending;
        said = Some(say(language, &outcome, &standing, receipt));
    }
    survey.metrics.page(kind(&standing, is_pending));
    let page = Page {
        language,
        look,
        stamp: Stamp::new(&subject.request_id, crate::now_ms()).seal(&survey.keys),
        said,
        standing: Some(standing),
        reaction: preselected,
        comment: String::new(),
        is_comment_wrong: false,
        is_pending,
    };
    let mut response = page.respond(StatusCode::OK);
    let age_ms = receipt.map(|receipt| crate::now_ms().saturating_sub(receipt.sent_ms));
    if is_pending && age_ms.is_some_and(|age| age < REFRESHING_MS) {
        // A header and not a part of the page, which has nothing on it that could be lost.
        let refresh = HeaderValue::from(REFRESH_S);
        response.headers_mut().insert("refresh", refresh);
    }
    response
}

async fn outcome_of(survey: &Shared, receipt: &Receipt) -> (Outcome, Option<Standing>) {
    if receipt.outcome != Outcome::Pending {
        return (receipt.outcome.clone(), None);
    }
    let (id, sent) = (&receipt.request_id, &receipt.sent);
    let told = survey.outcomes.of(id, sent, RELOADED).await;
    (told.outcome, told.standing)
}

/// For the metric.
fn kind(standing: &Standing, is_pending: bool) -> &'static str {
    match standing {
        _ if is_pending => "pending",
        Standing { deleted: true, .. } => "deleted",
        Standing { locked: true, .. } => "locked",
        Standing { reaction: None, .. } => "form",
        _ => "rated",
    }
}

/// What became of an answer, in words.
fn say(language: Language, outcome: &Outcome, standing: &Standing, receipt: &Receipt) -> Said {
    super::answer::words(language, outcome, standing, &receipt.sent)
}
