//! POST: an answer becomes facts, and the page says what the rules made of them.

use std::sync::Arc;
use std::time::Instant;

use afterword_link::Subject;
use afterword_log::{LogError, Offset, Partition, Record, Topic};
use afterword_readmodel::{AnswerMark, Standing};
use afterword_schemas::RecordKind;
use afterword_schemas::records::{ConversationEvent, Payload, Timestamp};
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::answer;
use super::form::{self, COMMENT_CHARACTERS, Form};
use super::html::Plain;
use super::look::Look;
use super::marks::{self, RAPID, UNREAD};
use super::page::{Page, Said, nowhere};
use super::stamps::{Kind, Outcome, Receipt, Sent, Stamp};
use super::texts::Language;
use super::{
    DATABASE, LIMITED_RETRY_AFTER_S, RETRY_AFTER_S, Shared, Survey, language, reaction, retry_after,
};
use crate::intake::record_of;

/// The handler.
pub async fn post(
    State(survey): State<Survey>,
    path: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let token = path.map(|Path(token)| token).unwrap_or_default();
    let Some(subject) = survey.keys.open(&token) else {
        survey.metrics.answer("not_found");
        return nowhere(&headers);
    };
    let look = survey.look(&subject.workspace_id);
    let language = language(&headers, &look.locale);
    let form = match form::read(&survey, &headers, body).await {
        Ok(form) => form,
        Err((status, name)) => {
            survey.metrics.answer("unreadable");
            return Plain::new(language, status, name).into_response();
        }
    };
    let mut answering = Answering {
        survey: &survey,
        language,
        look,
        subject,
        form,
        standing: None,
    };
    answering.answer(&headers).await
}

/// One form, on its way.
struct Answering<'a> {
    survey: &'a Shared,
    language: Language,
    look: Look,
    subject: Subject,
    form: Form,
    standing: Option<Standing>,
}

impl Answering<'_> {
    async fn answer(&mut self, headers: &HeaderMap) -> Response {
        match self.survey.standing(&self.subject).await {
            Ok(Some(standing)) => self.standing = Some(standing),
            Ok(None) => {
                self.survey.metrics.answer("not_found");
                return nowhere(headers);
            }
            Err(error) => return self.unavailable(&error.to_string()),
        }
        if !self.survey.limits.allows_answer(&self.subject.request_id) {
            self.survey.metrics.limited("link");
            let text = Said::alert(self.language.say("limited"));
            let page = self.again(StatusCode::TOO_MANY_REQUESTS, text, "limited");
            return retry_after(page, LIMITED_RETRY_AFTER_S);
        }
        let request_id = &self.subject.request_id;
        let Some(stamp) = Stamp::unseal(&self.survey.keys, &self.form.stamp, request_id) else {
            self.form.stamp = self.new_stamp();
            return self.mistaken(StatusCode::BAD_REQUEST, "form-broken");
        };
        let characters = self.form.comment.chars().count();
        if characters > COMMENT_CHARACTERS {
            let (status, said) = answer::too_long(self.language, characters);
            return self.again(status, said, "invalid");
        }
        if self.form.reaction.is_none() && self.form.comment.is_empty() {
            let name = match self.form.had_comment {
                true => "write-something",
                false => "choose-one",
            };
            return self.mistaken(StatusCode::UNPROCESSABLE_ENTITY, name);
        }
        self.keep(&stamp).await
    }

    /// Appends the facts, and tells what became of them.
    async fn keep(&mut self, stamp: &Stamp) -> Response {
        let Some(standing) = self.standing.clone() else {
            return self.unavailable("the request is not known");
        };
        let now_ms = crate::now_ms();
        let marks = self.marks(stamp, now_ms);
        let facts = self.facts(stamp);
        let places = match self.append(&standing, &facts, &marks, now_ms).await {
            Ok(places) => places,
            Err(reason) => return self.unavailable(&reason),
        };
        let appended = Instant::now();
        let sent: Vec<Sent> = facts
            .into_iter()
            .zip(places)
            .map(|((kind, event_id, _), (partition, offset))| Sent {
                kind,
                event_id,
                partition,
                offset,
            })
            .collect();
        self.mark(&sent, &marks, now_ms).await;
        let survey = self.survey;
        let waited = survey.outcome_timeout;
        let told = survey
            .outcomes
            .of(&standing.request_id, &sent, waited)
            .await;
        survey.metrics.answer(told.outcome.word());
        if told.outcome != Outcome::Pending {
            survey.metrics.decided(appended.elapsed());
        }
        if let Outcome::Refused(reason) = &told.outcome {
            let characters = self.form.comment.chars().count();
            let (status, said) = answer::refused(self.language, reason, characters);
            self.standing = told.standing.or(Some(standing));
            self.form.stamp = self.new_stamp();
            return self.page(status, said);
        }
        let receipt = Receipt {
            request_id: standing.request_id,
            sent,
            outcome: told.outcome,
            sent_ms: now_ms,
        };
        // Relative: whatever stands before the token is a proxy's matter.
        let place = format!("?k={}#said", receipt.seal(&survey.keys));
        (StatusCode::SEE_OTHER, [(header::LOCATION, place)]).into_response()
    }

    /// Kind, event id and value of each fact.
    fn facts(&self, stamp: &Stamp) -> Vec<(Kind, String, String)> {
        let mut facts = Vec::with_capacity(2);
        if let Some(symbol) = self.form.reaction {
            let id = stamp.event_id("reaction", symbol);
            facts.push((Kind::Reaction(symbol), id, symbol.to_owned()));
        }
        if !self.form.comment.is_empty() {
            let id = stamp.event_id("comment", &self.form.comment);
            facts.push((Kind::Comment, id, self.form.comment.clone()));
        }
        facts
    }

    async fn append(
        &self,
        standing: &Standing,
        facts: &[(Kind, String, String)],
        marks: &[&'static str],
        now_ms: i64,
    ) -> Result<Vec<(Partition, Offset)>, String> {
        let survey = self.survey;
        let framing = survey.schemas.framing(RecordKind::ConversationEvent);
        let framing = framing.map_err(|error| error.to_string())?;
        let partitions = survey.log.partitions(Topic::ConversationEvents);
        let records = facts.iter().map(|(kind, event_id, value)| {
            let event = ConversationEvent {
                event_id,
                workspace_id: &standing.workspace_id,
                conversation_id: &standing.conversation_id,
                occurred_at: Timestamp(now_ms),
                payload: payload(*kind, value, standing),
            };
            let (partition, record) = record_of(&event, partitions, framing, now_ms);
            (partition, marked(record, marks))
        });
        let records = records.collect();
        let log = Arc::clone(&survey.log);
        let append = move || log.append(Topic::ConversationEvents, records);
        match survey.gate.run(append).await {
            Ok(Ok(places)) => Ok(places),
            Ok(Err(
                LogError::Wait(reason)
                | LogError::StartOver(reason)
                | LogError::GiveUp(reason)
                | LogError::Stop(reason),
            )) => Err(reason),
            Err(_) => Err("the log did not answer in time".to_owned()),
        }
    }

    /// What shows that no person sent it.
    fn marks(&self, stamp: &Stamp, now_ms: i64) -> Vec<&'static str> {
        let mut found = Vec::new();
        if marks::is_unread(stamp, now_ms) {
            found.push(UNREAD);
        }
        let event_id = self
            .form
            .reaction
            .map(|symbol| stamp.event_id("reaction", symbol));
        if event_id.is_some_and(|id| self.survey.recent.is_rapid(&stamp.request_id, &id)) {
            found.push(RAPID);
        }
        found
    }

    /// Writes the marks where they can be asked for, also on the reaction just before, which nobody could know then.
    async fn mark(&self, sent: &[Sent], marks: &[&'static str], now_ms: i64) {
        let request_id = &self.subject.request_id;
        let reaction = sent.iter().find(|sent| sent.kind != Kind::Comment);
        let before = reaction.and_then(|sent| self.survey.recent.remember(request_id, sent));
        let mut all: Vec<(&Sent, &'static str)> = Vec::new();
        for sent in sent {
            all.extend(marks.iter().map(|mark| (sent, *mark)));
        }
        if let (Some(before), Some(sent)) = (&before, reaction) {
            all.push((before, RAPID));
            if !marks.contains(&RAPID) {
                all.push((sent, RAPID));
            }
        }
        for (sent, mark) in all {
            let mark = AnswerMark {
                partition: sent.partition,
                offset: sent.offset,
                mark,
                workspace_id: self.subject.workspace_id.clone(),
                request_id: request_id.clone(),
                event_id: sent.event_id.clone(),
                marked_at: now_ms,
            };
            self.survey.metrics.marked(mark.mark);
            let written = self.survey.database.mark_answer(&mark);
            match tokio::time::timeout(DATABASE, written).await {
                Ok(Ok(())) => {}
                failed => {
                    self.survey.metrics.mark_failed();
                    tracing::warn!(?failed, "a mark on an answer could not be written");
                }
            }
        }
    }

    /// 503: nothing is lost, and the form may be sent again as it is; its stamp stays, so that it counts once.
    fn unavailable(&self, reason: &str) -> Response {
        tracing::warn!(reason, "an answer could not be taken");
        let said = Said::alert(self.language.say("unavailable"));
        let page = self.again(StatusCode::SERVICE_UNAVAILABLE, said, "unavailable");
        retry_after(page, RETRY_AFTER_S)
    }

    fn mistaken(&self, status: StatusCode, name: &str) -> Response {
        self.again(status, Said::alert(self.language.say(name)), "invalid")
    }

    /// The form once more, with all that was in it.
    fn again(&self, status: StatusCode, said: Said, outcome: &str) -> Response {
        self.survey.metrics.answer(outcome);
        self.page(status, said)
    }

    fn page(&self, status: StatusCode, said: Said) -> Response {
        let is_comment = self.form.had_comment && self.form.reaction.is_none();
        let page = Page {
            language: self.language,
            look: self.look.clone(),
            stamp: self.form.stamp.clone(),
            said: Some(said),
            standing: self.standing.clone(),
            reaction: self.form.reaction,
            comment: self.form.comment.clone(),
            is_comment_wrong: is_comment && status == StatusCode::UNPROCESSABLE_ENTITY,
            is_pending: false,
        };
        page.respond(status)
    }

    fn new_stamp(&self) -> String {
        Stamp::new(&self.subject.request_id, crate::now_ms()).seal(&self.survey.keys)
    }
}

fn payload<'a>(kind: Kind, value: &'a str, standing: &'a Standing) -> Payload<'a> {
    let (request_id, customer_id) = (&*standing.request_id, &*standing.customer_id);
    match (kind, reaction(value)) {
        (Kind::Reaction(_), Some(reaction)) => Payload::ReactionSelected {
            request_id,
            customer_id,
            reaction,
        },
        _ => Payload::CommentLeft {
            request_id,
            customer_id,
            text: value,
        },
    }
}

fn marked(record: Record, marks: &[&'static str]) -> Record {
    match marks.is_empty() {
        true => record,
        false => record.with_header(marks::HEADER, marks.join(",")),
    }
}
