//! `/{workspace}/conversations/{conversation}`: what happened in a conversation, each decision with everything that was measured,
//! the rating's history, and the answers that were refused. Decisions and answers come from the report database; the facts come
//! from the log, which takes longer, so they are asked for by themselves.

use std::sync::Arc;

use afterword_readmodel::{Measured, Story, StoryDecision};
use afterword_schemas::records::{Actor, ConversationEvent, Criterion, Payload, Visibility};
use askama::Template;
use axum::extract::{Path, State};
use axum::http::request::Parts;
use axum::response::Response;

use super::desk::Desk;
use super::fault::Fault;
use super::{Pages, page, words};
use crate::story::{self, Found};

/// Characters of a message that are shown.
const SHOWN: usize = 1_200;

/// One criterion at one close.
struct Check {
    has_held: bool,
    word: &'static str,
    code: &'static str,
    measured: String,
    asked_for: String,
}

/// What happened at one moment.
struct Moment {
    /// Where it stands in the log: offset of the fact, and its place among what the fact caused.
    place: (u64, u32),
    when: String,
    when_machine: String,
    class: &'static str,
    title: String,
    by: String,
    text: Option<String>,
    reaction: Option<(String, String)>,
    checks: Vec<Check>,
    notes: Vec<String>,
}

#[derive(Template)]
#[template(path = "pages/story.html")]
struct StoryPage {
    desk: Desk,
    here: &'static str,
    id: String,
    help_desk: Option<String>,
    verdict: String,
    verdict_class: &'static str,
    reasons: Vec<String>,
    credit: Option<(String, String)>,
    moments: Vec<Moment>,
    has_facts: bool,
    facts_href: String,
    json: String,
}

/// The page.
pub async fn get(
    State(pages): State<Pages>,
    Path((workspace, conversation)): Path<(String, String)>,
    parts: Parts,
) -> Result<Response, Fault> {
    let desk = Desk::open(&pages, &workspace, &parts).await?;
    let known = pages.database.story(&workspace, &conversation).await?;
    let has_facts = desk.query.get("facts").is_some() || known.is_empty();
    let mut moments = of_database(&desk, &known);
    if has_facts {
        moments.extend(facts(&pages, &desk, &conversation).await?);
    }
    if moments.is_empty() {
        let text = format!("No conversation “{conversation}” is known in this workspace. Ids are those of the facts; capital letters matter.");
        return Err(Fault::NotFound(text));
    }
    moments.sort_by_key(|moment| moment.place);
    let (verdict, verdict_class, reasons) = verdict(&known);
    let credit = known.request.as_ref().map(|request| {
        (request.teammate_id.clone(), desk.teammate(&request.teammate_id).to_string())
    });
    let body = StoryPage {
        here: "why-not",
        help_desk: desk.help_desk(&conversation),
        verdict,
        verdict_class,
        reasons,
        credit,
        moments,
        has_facts,
        facts_href: format!("{}?facts=shown", desk.story(&conversation)),
        json: format!("/api/v1/workspaces{}", desk.story(&conversation)),
        id: conversation,
        desk,
    };
    page(&body)
}

/// What it comes to, in a sentence.
fn verdict(story: &Story) -> (String, &'static str, Vec<String>) {
    let answer = story.request.as_ref().map(|request| request.reaction.as_deref());
    match (answer, story.decisions.last()) {
        (Some(Some(reaction)), _) => (format!("Asked, and answered: {}.", words::reaction_of(reaction)), "met", Vec::new()),
        (Some(None), _) => ("Asked; not answered yet.".to_owned(), "open", Vec::new()),
        (None, Some(decision)) => {
            let reasons = decision.failed.iter().map(|code| words::criterion(code).to_owned());
            ("Not asked at its last close.".to_owned(), "missed", reasons.collect())
        }
        (None, None) => ("Never closed so far, so nothing was decided.".to_owned(), "open", Vec::new()),
    }
}

fn of_database(desk: &Desk, story: &Story) -> Vec<Moment> {
    let mut moments: Vec<Moment> = story.decisions.iter().map(|decision| decided(desk, decision)).collect();
    for submission in &story.submissions {
        let word = words::reaction_of(&submission.reaction);
        let title = match (&submission.previous_reaction, &submission.comment) {
            (None, _) => "Rated".to_owned(),
            (Some(_), Some(_)) => "Comment kept, rating locked".to_owned(),
            (Some(before), None) => format!("Rating changed, before: {}", words::reaction_of(before)),
        };
        let notes = if submission.after_reopen { vec!["after the conversation was reopened".to_owned()] } else { Vec::new() };
        moments.push(Moment {
            reaction: Some((submission.reaction.clone(), word)),
            text: submission.comment.clone(),
            notes,
            ..Moment::new(desk, (submission.source.offset, submission.source.index + 1), submission.submitted_at, "rated", title)
        });
    }
    for refusal in &story.refusals {
        let place = (refusal.source.offset, refusal.source.index + 1);
        moments.push(Moment {
            notes: vec![format!("because {}", words::refusal(&refusal.reason))],
            ..Moment::new(desk, place, refusal.refused_at, "refused", "Answer refused".to_owned())
        });
    }
    moments
}

fn decided(desk: &Desk, decision: &StoryDecision) -> Moment {
    let place = (decision.source.offset, decision.source.index + 1);
    let title = match decision.requested {
        true => "Decided: the customer is asked",
        false => "Decided: no request",
    };
    let settings = match decision.settings_version {
        0 => "default settings".to_owned(),
        version => format!("settings version {version}"),
    };
    let teammate = decision.teammate_id.as_deref().unwrap_or("nobody");
    Moment {
        checks: Criterion::ALL.iter().map(|criterion| check(*criterion, decision)).collect(),
        notes: vec![format!("last teammate: {teammate}"), format!("rules {}, {settings}", decision.rules_version)],
        ..Moment::new(desk, place, decision.decided_at, if decision.requested { "asked" } else { "held" }, title.to_owned())
    }
}

fn check(criterion: Criterion, decision: &StoryDecision) -> Check {
    let code = criterion.symbol();
    let (word, measured, asked_for) = measured(criterion, &decision.measured, decision);
    Check {
        has_held: !decision.failed.iter().any(|failed| failed == code),
        word,
        code,
        measured,
        asked_for,
    }
}

fn measured(criterion: Criterion, measured: &Measured, decision: &StoryDecision) -> (&'static str, String, String) {
    let yes = |yes: bool| if yes { "yes" } else { "no" };
    let customers = || words::counted(measured.customers, "customer", "customers");
    let thresholds = &decision.thresholds;
    match criterion {
        Criterion::NotLive => (
            "Ratings are live",
            format!("in the plan: {}; live for this customer: {}", yes(measured.plan), yes(measured.live)),
            "both".to_owned(),
        ),
        Criterion::ClosedByNonTeammate => ("Closed by a teammate", format!("a {}", measured.closed_by), "a teammate".to_owned()),
        Criterion::NoCustomer => ("Has a customer", customers(), "at least 1".to_owned()),
        Criterion::NoTeammateReply => ("A teammate replied", yes(measured.teammate_replied).to_owned(), "yes".to_owned()),
        Criterion::TooShort => {
            let over = if measured.characters > thresholds.characters { "over " } else { "" };
            let shown = words::count(measured.characters.min(thresholds.characters));
            ("Long enough", format!("{over}{shown} characters"), format!("over {}", words::count(thresholds.characters)))
        }
        Criterion::Stale => {
            let since = match measured.milliseconds_since_last_reply {
                None => "no reply".to_owned(),
                Some(ms) if ms < 0 => format!("reply {} after the close", words::span(ms)),
                Some(ms) => words::span(ms),
            };
            ("Last reply is recent", since, format!("at most {}", words::span(thresholds.milliseconds)))
        }
        Criterion::GroupConversation => ("One customer only", customers(), "at most 1".to_owned()),
        Criterion::AlreadyRequested => ("Not asked before", if measured.already_requested { "asked before" } else { "never asked" }.to_owned(), "never asked".to_owned()),
        Criterion::OriginNotCustomer => (
            "Begun by the customer",
            measured.origin.replace('_', " "),
            "customer initiated, or a visitor’s message once a customer wrote".to_owned(),
        ),
    }
}

async fn facts(pages: &Pages, desk: &Desk, conversation_id: &str) -> Result<Vec<Moment>, Fault> {
    let (log, schemas) = (Arc::clone(&pages.log), Arc::clone(&pages.schemas));
    let asked = (desk.workspace_id.clone(), conversation_id.to_owned());
    let search = move || story::find(&*log, &schemas, Some(&asked.0), &asked.1);
    let later = |_| Fault::Unavailable("The log is busy; the facts can be read in a moment.".to_owned());
    let found = pages.stories.run(search).await.map_err(later)?;
    match found.map_err(|error| Fault::Unavailable(format!("The log cannot be read: {error}")))? {
        Found::One(story) => Ok(story.events().map(|(fact, event)| told(desk, fact.offset.0, &event)).collect()),
        Found::Nothing | Found::Several(_) => Ok(Vec::new()),
    }
}

fn somebody(actor: &Actor<'_>) -> String {
    format!("{} {}", actor.kind, actor.id)
}

fn told(desk: &Desk, offset: u64, event: &ConversationEvent<'_>) -> Moment {
    let moment = |title: &str, by: String| Moment {
        by,
        ..Moment::new(desk, (offset, 0), event.occurred_at.0, "fact", title.to_owned())
    };
    match &event.payload {
        Payload::ConversationStarted { origin, initiator, channel } => Moment {
            notes: vec![origin.symbol().replace('_', " "), words::channel(channel.symbol()).to_owned()],
            ..moment("Conversation started", somebody(initiator))
        },
        Payload::MessageAdded { author, text, visibility, .. } => Moment {
            text: Some(shortened(text)),
            ..moment(if *visibility == Visibility::Internal { "Internal note" } else { "Message" }, somebody(author))
        },
        Payload::ParticipantJoined { participant } => moment("Joined", somebody(participant)),
        Payload::ParticipantLeft { participant } => moment("Left", somebody(participant)),
        Payload::ConversationClosed { by } => moment("Closed", somebody(by)),
        Payload::ConversationSnoozed { by, until } => Moment {
            notes: until.map(|until| format!("until {}", desk.moment(until.0))).into_iter().collect(),
            ..moment("Snoozed", somebody(by))
        },
        Payload::ConversationReopened { by } => moment("Reopened", somebody(by)),
        Payload::ConversationDeleted { by } => moment("Deleted", somebody(by)),
        Payload::ReactionSelected { customer_id, reaction, .. } => Moment {
            reaction: Some((reaction.symbol().to_owned(), words::reaction(*reaction).to_owned())),
            ..moment("Reaction sent", format!("customer {customer_id}"))
        },
        Payload::CommentLeft { customer_id, text, .. } => Moment {
            text: Some(shortened(text)),
            ..moment("Comment sent", format!("customer {customer_id}"))
        },
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

impl Moment {
    fn new(desk: &Desk, place: (u64, u32), at_ms: i64, class: &'static str, title: String) -> Moment {
        Moment {
            place,
            when: words::exact_moment(at_ms, &desk.zone),
            when_machine: words::machine_time(at_ms),
            class,
            title,
            by: String::new(),
            text: None,
            reaction: None,
            checks: Vec::new(),
            notes: Vec::new(),
        }
    }
}
