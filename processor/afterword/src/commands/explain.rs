//! `afterword explain`: a conversation's story for people. Everything comes from the log: what the facts say, and what was
//! decided when they were folded.

use afterword_log::LogError;
use afterword_schemas::records::{Actor, Channel, ConversationEvent, Payload, Visibility};
use afterword_web::story::{self, Found, Story};

use super::decision::{decision, time};
use crate::access::{Access, Missing};
use crate::cli::Explain;
use crate::config::Config;
use crate::failure::Failure;
use crate::output;
use crate::registry;
use crate::terminal::{Style, Table, colours_on_stdout, harmless, paint};

/// Characters of a text that are shown.
const TEXT_SHOWN: usize = 60;

/// Prints the story.
///
/// # Errors
/// When there is no such conversation, or several and no workspace is named.
pub fn execute(config: &Config, explain: &Explain) -> Result<(), Failure> {
    let access = Access::open(config, Missing::Refuse)?;
    let found = story::find(
        &*access.log(),
        &registry::schemas(config),
        explain.workspace.as_deref(),
        &explain.conversation,
    );
    access.close()?;
    let found = found.map_err(|error: LogError| Failure::while_doing("reading the log", error))?;
    let id = harmless(&explain.conversation);
    let story = match found {
        Found::One(story) => story,
        Found::Nothing => {
            let place = explain.workspace.as_ref().map_or_else(
                || "the log".to_owned(),
                |id| format!("workspace {}", harmless(id)),
            );
            return Err(Failure::Failed(format!(
                "expected facts of conversation {id} in {place}, found none; ids are compared letter by letter"
            )));
        }
        Found::Several(workspaces) => {
            let list: Vec<_> = workspaces
                .iter()
                .map(|id| format!("  {}", harmless(id)))
                .collect();
            return Err(Failure::Failed(format!(
                "{} workspaces have a conversation {id}; name one with --workspace:\n{}",
                list.len(),
                list.join("\n")
            )));
        }
    };
    let mut out = match explain.json {
        true => story.to_json(),
        false => describe(&story, colours_on_stdout()).into_bytes(),
    };
    if explain.json {
        out.push(b'\n');
    }
    output::bytes(&out);
    Ok(())
}

/// The story as text.
#[must_use]
pub fn describe(story: &Story, colours: bool) -> String {
    let bold = |text: &str| paint(text, Style::Bold, colours);
    let mut out = format!(
        "Conversation {} of workspace {}\n",
        bold(&harmless(&story.conversation_id)),
        bold(&harmless(&story.workspace_id))
    );
    out.push_str(&format!(
        "\n{}\n",
        bold("Facts, in the order they were folded")
    ));
    out.push_str(&facts(story).render(2, colours));
    if story.not_facts > 0 {
        out.push_str(&format!("  {} more records under this key could not be folded: see `afterword tail dead-letters`\n", story.not_facts));
    }
    for told in &story.decisions {
        out.push_str(&decision(told, colours));
    }
    if story.decisions.is_empty() {
        out.push_str(
            "\nNo decision yet: it has not been closed, or the facts are not folded yet.\n",
        );
    }
    if let Some(request) = story.requests.first().map(|told| &told.record) {
        out.push_str(&format!(
            "\n{} sent {} to {} {} by {}, about {}\n  {}\n",
            bold("Request"),
            time(request.requested_at),
            request.customer.kind,
            harmless(&request.customer.id),
            channel(request.channel),
            harmless(&request.teammate_id),
            paint(&request.request_id, Style::Dim, colours),
        ));
        out.push_str(&format!("\n{}\n", bold("Rating")));
        out.push_str(&match story.submissions.is_empty() {
            true => "  not answered yet\n".to_owned(),
            false => rating(story).render(2, colours),
        });
    }
    if !story.refusals.is_empty() {
        out.push_str(&format!("\n{}\n", bold("Answers refused")));
        out.push_str(&refusals(story).render(2, colours));
    }
    out
}

fn facts(story: &Story) -> Table {
    let mut table = Table::new(&["place", "occurred", "fact", "who", "what"], &[0]);
    for (fact, event) in story.events() {
        let (who, what) = who_and_what(&event);
        let place = format!("{}/{}", fact.partition, fact.offset);
        table.row([
            place,
            time(event.occurred_at),
            event.payload.kind().replace('_', " "),
            who,
            what,
        ]);
    }
    table
}

fn person(actor: &Actor<'_>) -> String {
    format!("{} {}", actor.kind, harmless(actor.id))
}

fn who_and_what(event: &ConversationEvent<'_>) -> (String, String) {
    match &event.payload {
        Payload::ConversationStarted {
            origin,
            initiator,
            channel: by,
        } => (person(initiator), format!("{origin}, by {}", channel(*by))),
        Payload::MessageAdded {
            author,
            text,
            visibility,
            ..
        } => {
            let note = if *visibility == Visibility::Internal {
                "(note) "
            } else {
                ""
            };
            (person(author), format!("{note}{}", shortened(text)))
        }
        Payload::ParticipantJoined { participant } | Payload::ParticipantLeft { participant } => {
            (person(participant), String::new())
        }
        Payload::ConversationClosed { by }
        | Payload::ConversationReopened { by }
        | Payload::ConversationDeleted { by } => (person(by), String::new()),
        Payload::ConversationSnoozed { by, until } => (
            person(by),
            until
                .map(|until| format!("until {}", time(until)))
                .unwrap_or_default(),
        ),
        Payload::ReactionSelected {
            customer_id,
            reaction,
            ..
        } => (
            format!("customer {}", harmless(customer_id)),
            reaction.to_string(),
        ),
        Payload::CommentLeft {
            customer_id, text, ..
        } => (
            format!("customer {}", harmless(customer_id)),
            shortened(text),
        ),
    }
}

fn shortened(text: &str) -> String {
    let shown: String = text.chars().take(TEXT_SHOWN).collect();
    let more = if text.chars().nth(TEXT_SHOWN).is_some() {
        "…"
    } else {
        ""
    };
    format!("“{}{more}”", harmless(&shown))
}

fn channel(channel: Channel) -> &'static str {
    match channel {
        Channel::Messenger => "messenger",
        Channel::Email => "email",
    }
}

fn rating(story: &Story) -> Table {
    let mut table = Table::new(
        &["revision", "given", "reaction", "before", "comment", ""],
        &[0],
    );
    for submitted in story.submissions.iter().map(|told| &told.record) {
        let mut marks = Vec::new();
        marks.extend(submitted.locked.then_some("locked"));
        marks.extend(submitted.after_reopen.then_some("after a reopening"));
        table.row([
            submitted.revision.to_string(),
            time(submitted.submitted_at),
            submitted.reaction.to_string(),
            submitted
                .previous_reaction
                .map_or_else(|| "–".to_owned(), |reaction| reaction.to_string()),
            submitted
                .comment
                .as_deref()
                .map_or_else(|| "–".to_owned(), shortened),
            marks.join(", "),
        ]);
    }
    table
}

fn refusals(story: &Story) -> Table {
    let mut table = Table::new(&["when", "reason", "event", "request"], &[]);
    for refused in story.refusals.iter().map(|told| &told.record) {
        table.row([
            time(refused.refused_at),
            refused.reason.to_string(),
            harmless(&refused.event_id),
            harmless(&refused.request_id),
        ]);
    }
    table
}
