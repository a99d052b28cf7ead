//! The facts of a conversation's story, read from the log.

use std::sync::Arc;

use afterword_schemas::records::{Actor, ConversationEvent, Payload, Visibility};

use super::desk::Desk;
use super::fault::Fault;
use super::story::Moment;
use super::{Pages, words};
use crate::story::{self, Found};

/// Characters of a message that are shown.
const SHOWN: usize = 1_200;

/// Every fact of a conversation, as far as the log has it.
///
/// # Errors
/// When the log is busy or cannot be read.
pub async fn facts(
    pages: &Pages,
    desk: &Desk,
    conversation_id: &str,
) -> Result<Vec<Moment>, Fault> {
    let (log, schemas) = (Arc::clone(&pages.log), Arc::clone(&pages.schemas));
    let asked = (desk.workspace_id.clone(), conversation_id.to_owned());
    let search = move || story::find(&*log, &schemas, Some(&asked.0), &asked.1);
    let later =
        |_| Fault::Unavailable("The log is busy; the facts can be read in a moment.".to_owned());
    let found = pages.stories.run(search).await.map_err(later)?;
    match found.map_err(|error| Fault::Unavailable(format!("The log cannot be read: {error}")))? {
        Found::One(story) => Ok(story
            .events()
            .map(|(fact, event)| told(desk, fact.offset.0, &event))
            .collect()),
        Found::Nothing | Found::Several(_) => Ok(Vec::new()),
    }
}

fn somebody(actor: &Actor<'_>) -> String {
    format!("{} {}", actor.kind, actor.id)
}

fn told(desk: &Desk, offset: u64, event: &ConversationEvent<'_>) -> Moment {
    let moment = |title: &str, by: String| Moment {
        by,
        ..Moment::new(
            desk,
            (offset, 0),
            event.occurred_at.0,
            "fact",
            title.to_owned(),
        )
    };
    match &event.payload {
        Payload::ConversationStarted {
            origin,
            initiator,
            channel,
        } => Moment {
            notes: vec![
                origin.symbol().replace('_', " "),
                words::channel(channel.symbol()).to_owned(),
            ],
            ..moment("Conversation started", somebody(initiator))
        },
        Payload::MessageAdded {
            author,
            text,
            visibility,
            ..
        } => Moment {
            text: Some(shortened(text)),
            ..moment(
                if *visibility == Visibility::Internal {
                    "Internal note"
                } else {
                    "Message"
                },
                somebody(author),
            )
        },
        Payload::ParticipantJoined { participant } => moment("Joined", somebody(participant)),
        Payload::ParticipantLeft { participant } => moment("Left", somebody(participant)),
        Payload::ConversationClosed { by } => moment("Closed", somebody(by)),
        Payload::ConversationSnoozed { by, until } => Moment {
            notes: until
                .map(|until| format!("until {}", desk.moment(until.0)))
                .into_iter()
                .collect(),
            ..moment("Snoozed", somebody(by))
        },
        Payload::ConversationReopened { by } => moment("Reopened", somebody(by)),
        Payload::ConversationDeleted { by } => moment("Deleted", somebody(by)),
        Payload::ReactionSelected {
            customer_id,
            reaction,
            ..
        } => Moment {
            reaction: Some((
                reaction.symbol().to_owned(),
                words::reaction(*reaction).to_owned(),
            )),
            ..moment("Reaction sent", format!("customer {customer_id}"))
        },
        Payload::CommentLeft {
            customer_id, text, ..
        } => Moment {
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
