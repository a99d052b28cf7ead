//! The decision about a close: when a request is sent.

use afterword_schemas::records::{
    ActorKind, Criterion, EligibilityDecided, Measured, Origin, Output, OwnedActor,
    RatingRequested, Thresholds, Timestamp, WorkspaceSettings,
};
use uuid::Uuid;

use super::history::History;

/// The version of the rules that this model follows.
pub const RULES_VERSION: i32 = 1;

/// 250 characters, 7 days.
pub const DEFAULT_THRESHOLDS: Thresholds = Thresholds {
    characters: 250,
    milliseconds: 604_800_000,
};

/// A close that made a conversation closed.
#[derive(Clone, Copy, Debug)]
pub struct Close<'a> {
    pub workspace_id: &'a str,
    pub conversation_id: &'a str,
    pub at: Timestamp,
    pub by: ActorKind,
}

/// The id of a conversation's only request: the UUIDv5 with namespace 6ba7b811-9dad-11d1-80b4-00c04fd430c8 over
/// `afterword`, 0x00, the workspace id, 0x00, the conversation id.
#[must_use]
pub fn request_id(workspace_id: &str, conversation_id: &str) -> String {
    let namespace = Uuid::from_u128(0x6ba7_b811_9dad_11d1_80b4_00c0_4fd4_30c8);
    let name = format!("afterword\0{workspace_id}\0{conversation_id}");
    Uuid::new_v5(&namespace, name.as_bytes())
        .hyphenated()
        .to_string()
}

/// The decision, and the request if it is sent. The decision is recorded whether or not a request goes out.
#[must_use]
pub fn decide(
    close: Close<'_>,
    history: &History,
    settings: &WorkspaceSettings,
    thresholds: Thresholds,
) -> Vec<Output> {
    let measured = measure(close, history, settings, thresholds);
    let failed = failed_criteria(&measured, history.customer_wrote(), thresholds);
    let request = if failed.is_empty() {
        request(close, history, settings)
    } else {
        None
    };
    let decision = EligibilityDecided {
        workspace_id: close.workspace_id.to_owned(),
        conversation_id: close.conversation_id.to_owned(),
        decided_at: close.at,
        requested: request.is_some(),
        failed,
        measured,
        thresholds,
        rules_version: RULES_VERSION,
        settings_version: settings.version,
        teammate_id: history.last_teammate(),
        request_id: request.as_ref().map(|request| request.request_id.clone()),
    };
    let mut outputs = vec![Output::EligibilityDecided(decision)];
    outputs.extend(request.map(Output::RatingRequested));
    outputs
}

fn measure(
    close: Close<'_>,
    history: &History,
    settings: &WorkspaceSettings,
    thresholds: Thresholds,
) -> Measured {
    let customers = history.included_customers();
    let kinds: Vec<ActorKind> = customers.iter().map(|(_, kind)| *kind).collect();
    Measured {
        closed_by: close.by,
        plan: settings.plan_includes_ratings,
        live: live(&kinds, settings),
        audience: match kinds[..] {
            [only] => Some(only),
            _ => None,
        },
        customers: i32::try_from(customers.len()).unwrap_or(i32::MAX),
        teammate_replied: !history.teammate_replies().is_empty(),
        characters: counted_to(history.character_sum(), thresholds.characters),
        milliseconds_since_last_reply: history
            .last_reply_at()
            .map(|last_reply_at| close.at.since_ms(last_reply_at)),
        origin: history.start().map(|start| start.origin),
        already_requested: history.request().is_some(),
    }
}

/// The sum, counted no further than one past the threshold.
fn counted_to(sum: usize, threshold: i32) -> i32 {
    i32::try_from(sum)
        .unwrap_or(i32::MAX)
        .min(threshold.saturating_add(1))
}

/// Live with one customer included is the plan and that customer's audience switch; with none, the plan and either
/// switch; with several, the plan and the switch of any of them.
fn live(kinds: &[ActorKind], settings: &WorkspaceSettings) -> bool {
    let users_or_leads = [ActorKind::User, ActorKind::Lead];
    let audiences = if kinds.is_empty() {
        &users_or_leads
    } else {
        kinds
    };
    let any_switch_is_on = audiences.iter().any(|kind| match kind {
        ActorKind::User => settings.live_for_users,
        ActorKind::Lead => settings.live_for_leads,
        ActorKind::Teammate | ActorKind::Bot | ActorKind::System => false,
    });
    settings.plan_includes_ratings && any_switch_is_on
}

/// All failing criteria, in the order of the table. Each row: its code, and when it holds.
fn failed_criteria(
    measured: &Measured,
    customer_wrote: bool,
    thresholds: Thresholds,
) -> Vec<Criterion> {
    let table = [
        (Criterion::NotLive, measured.live),
        (
            Criterion::ClosedByNonTeammate,
            measured.closed_by == ActorKind::Teammate,
        ),
        (Criterion::NoCustomer, measured.customers >= 1),
        (Criterion::NoTeammateReply, measured.teammate_replied),
        (
            Criterion::TooShort,
            measured.characters > thresholds.characters,
        ),
        (
            Criterion::Stale,
            // Holds when there was no reply at all, and when the last reply is later than the close.
            match measured.milliseconds_since_last_reply {
                None => true,
                Some(since) => since <= thresholds.milliseconds,
            },
        ),
        (Criterion::GroupConversation, measured.customers <= 1),
        (Criterion::AlreadyRequested, !measured.already_requested),
        (
            Criterion::OriginNotCustomer,
            match measured.origin {
                Some(Origin::CustomerInitiated) => true,
                Some(Origin::VisitorMessage) => customer_wrote,
                Some(Origin::OutboundMessage | Origin::CustomBot) | None => false,
            },
        ),
    ];
    table
        .into_iter()
        .filter(|(_, holds)| !holds)
        .map(|(criterion, _)| criterion)
        .collect()
}

/// The request of a close at which all criteria hold; so there are one customer, a start and a last teammate.
fn request(
    close: Close<'_>,
    history: &History,
    settings: &WorkspaceSettings,
) -> Option<RatingRequested> {
    let (id, kind) = history.included_customers().into_iter().next()?;
    Some(RatingRequested {
        request_id: request_id(close.workspace_id, close.conversation_id),
        workspace_id: close.workspace_id.to_owned(),
        conversation_id: close.conversation_id.to_owned(),
        customer: OwnedActor { kind, id },
        teammate_id: history.last_teammate()?,
        channel: history.start()?.channel,
        requested_at: close.at,
        settings_version: settings.version,
    })
}
