//! `/{workspace}/conversations/{conversation}`: what happened in a conversation, each decision with everything that was measured,
//! the rating's history, and the answers that were refused. Decisions and answers come from the report database; the facts come
//! from the log, which takes longer, so they are asked for by themselves.

use afterword_readmodel::{Measured, Story, StoryDecision};
use afterword_schemas::records::Criterion;
use askama::Template;
use axum::extract::{Path, State};
use axum::http::request::Parts;
use axum::response::Response;

use super::desk::Desk;
use super::facts::facts;
use super::fault::Fault;
use super::{Pages, page, words};

/// One criterion at one close.
pub(super) struct Check {
    has_held: bool,
    word: &'static str,
    code: &'static str,
    measured: String,
    asked_for: String,
}

/// What happened at one moment.
pub(super) struct Moment {
    /// Where it stands in the log: offset of the fact, and its place among what the fact caused.
    pub place: (u64, u32),
    pub when: String,
    pub when_machine: String,
    pub class: &'static str,
    pub title: String,
    pub by: String,
    pub text: Option<String>,
    pub reaction: Option<(String, String)>,
    pub checks: Vec<Check>,
    pub notes: Vec<String>,
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
        let text = format!(
            "No conversation “{conversation}” is known in this workspace. Ids are those of the facts; capital letters matter."
        );
        return Err(Fault::NotFound(text));
    }
    moments.sort_by_key(|moment| moment.place);
    let (verdict, verdict_class, reasons) = verdict(&known);
    let credit = known.request.as_ref().map(|request| {
        (
            request.teammate_id.clone(),
            desk.teammate(&request.teammate_id).to_string(),
        )
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
    let answer = story
        .request
        .as_ref()
        .map(|request| request.reaction.as_deref());
    match (answer, story.decisions.last()) {
        (Some(Some(reaction)), _) => (
            format!("Asked, and answered: {}.", words::reaction_of(reaction)),
            "met",
            Vec::new(),
        ),
        (Some(None), _) => ("Asked; not answered yet.".to_owned(), "open", Vec::new()),
        (None, Some(decision)) => {
            let reasons = decision
                .failed
                .iter()
                .map(|code| words::criterion(code).to_owned());
            (
                "Not asked at its last close.".to_owned(),
                "missed",
                reasons.collect(),
            )
        }
        (None, None) => (
            "Never closed so far, so nothing was decided.".to_owned(),
            "open",
            Vec::new(),
        ),
    }
}

fn of_database(desk: &Desk, story: &Story) -> Vec<Moment> {
    let mut moments: Vec<Moment> = story
        .decisions
        .iter()
        .map(|decision| decided(desk, decision))
        .collect();
    for submission in &story.submissions {
        let word = words::reaction_of(&submission.reaction);
        let title = match (&submission.previous_reaction, &submission.comment) {
            (None, _) => "Rated".to_owned(),
            (Some(_), Some(_)) => "Comment kept, rating locked".to_owned(),
            (Some(before), None) => {
                format!("Rating changed, before: {}", words::reaction_of(before))
            }
        };
        let notes = if submission.after_reopen {
            vec!["after the conversation was reopened".to_owned()]
        } else {
            Vec::new()
        };
        moments.push(Moment {
            reaction: Some((submission.reaction.clone(), word)),
            text: submission.comment.clone(),
            notes,
            ..Moment::new(
                desk,
                (submission.source.offset, submission.source.index + 1),
                submission.submitted_at,
                "rated",
                title,
            )
        });
    }
    for refusal in &story.refusals {
        let place = (refusal.source.offset, refusal.source.index + 1);
        moments.push(Moment {
            notes: vec![format!("because {}", words::refusal(&refusal.reason))],
            ..Moment::new(
                desk,
                place,
                refusal.refused_at,
                "refused",
                "Answer refused".to_owned(),
            )
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
        checks: Criterion::ALL
            .iter()
            .map(|criterion| check(*criterion, decision))
            .collect(),
        notes: vec![
            format!("last teammate: {teammate}"),
            format!("rules {}, {settings}", decision.rules_version),
        ],
        ..Moment::new(
            desk,
            place,
            decision.decided_at,
            if decision.requested { "asked" } else { "held" },
            title.to_owned(),
        )
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

fn yes_or_no(yes: bool) -> &'static str {
    if yes { "yes" } else { "no" }
}

fn since(last_reply_ms: Option<i64>) -> String {
    match last_reply_ms {
        None => "no reply".to_owned(),
        Some(ms) if ms < 0 => format!("reply {} after the close", words::span(ms)),
        Some(ms) => words::span(ms),
    }
}

fn measured(
    criterion: Criterion,
    measured: &Measured,
    decision: &StoryDecision,
) -> (&'static str, String, String) {
    let customers = || words::counted(measured.customers, "customer", "customers");
    let thresholds = &decision.thresholds;
    match criterion {
        Criterion::NotLive => (
            "Ratings are live",
            format!(
                "in the plan: {}; live for this customer: {}",
                yes_or_no(measured.plan),
                yes_or_no(measured.live)
            ),
            "both".to_owned(),
        ),
        Criterion::ClosedByNonTeammate => (
            "Closed by a teammate",
            format!("a {}", measured.closed_by),
            "a teammate".to_owned(),
        ),
        Criterion::NoCustomer => ("Has a customer", customers(), "at least 1".to_owned()),
        Criterion::NoTeammateReply => (
            "A teammate replied",
            yes_or_no(measured.teammate_replied).to_owned(),
            "yes".to_owned(),
        ),
        Criterion::TooShort => {
            let over = if measured.characters > thresholds.characters {
                "over "
            } else {
                ""
            };
            let shown = words::count(measured.characters.min(thresholds.characters));
            (
                "Long enough",
                format!("{over}{shown} characters"),
                format!("over {}", words::count(thresholds.characters)),
            )
        }
        Criterion::Stale => (
            "Last reply is recent",
            since(measured.milliseconds_since_last_reply),
            format!("at most {}", words::span(thresholds.milliseconds)),
        ),
        Criterion::GroupConversation => ("One customer only", customers(), "at most 1".to_owned()),
        Criterion::AlreadyRequested => (
            "Not asked before",
            if measured.already_requested {
                "asked before"
            } else {
                "never asked"
            }
            .to_owned(),
            "never asked".to_owned(),
        ),
        Criterion::OriginNotCustomer => (
            "Begun by the customer",
            measured.origin.replace('_', " "),
            "customer initiated, or a visitor’s message once a customer wrote".to_owned(),
        ),
    }
}

impl Moment {
    pub fn new(
        desk: &Desk,
        place: (u64, u32),
        at_ms: i64,
        class: &'static str,
        title: String,
    ) -> Moment {
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
