//! Whether a close asks for a rating: the table of the rules, "When a request is sent".

use afterword_schemas::records::{
    ActorKind, Criterion, EligibilityDecided, Measured, Origin, Thresholds, Timestamp,
    WorkspaceSettings,
};

use crate::RULES_VERSION;
use crate::conversation::Start;
use crate::defect::Defect;
use crate::registers::Registers;

/// The rules that have a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Characters a conversation must be over, and milliseconds after the last reply within which it must be closed.
    pub thresholds: Thresholds,
}

impl Default for Rules {
    /// Over 250 characters; within 7 days.
    fn default() -> Self {
        let thresholds = Thresholds {
            characters: 250,
            milliseconds: 604_800_000,
        };
        Rules { thresholds }
    }
}

impl Rules {
    /// How far characters are counted: one past the threshold.
    #[must_use]
    pub(crate) fn count_at_most(&self) -> u32 {
        let one_past = i64::from(self.thresholds.characters) + 1;
        u32::try_from(one_past).unwrap_or(0)
    }
}

/// One row of the table: a criterion and whether it held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// What is reported when it failed.
    pub code: Criterion,
    /// Whether it held.
    pub held: bool,
}

/// The table: every criterion in the order in which failures are reported, with what it measures and whether that held.
#[must_use]
pub fn table(measured: &Measured, customer_wrote: bool, thresholds: &Thresholds) -> [Row; 9] {
    let m = measured;
    let row = |code, held| Row { code, held };
    [
        row(Criterion::NotLive, m.live),
        row(
            Criterion::ClosedByNonTeammate,
            m.closed_by == ActorKind::Teammate,
        ),
        row(Criterion::NoCustomer, m.customers >= 1),
        row(Criterion::NoTeammateReply, m.teammate_replied),
        row(
            Criterion::TooShort,
            m.characters > thresholds.characters
                || (m.characters == thresholds.characters && Defect::ThresholdPasses.is_on()),
        ),
        row(
            Criterion::Stale,
            within(m.milliseconds_since_last_reply, thresholds.milliseconds),
        ),
        row(Criterion::GroupConversation, m.customers <= 1),
        row(Criterion::AlreadyRequested, !m.already_requested),
        row(
            Criterion::OriginNotCustomer,
            started_or_answered_by_customer(m.origin, customer_wrote),
        ),
    ]
}

/// Inclusive; holds when there was no reply at all, and when the last reply is later than the close.
fn within(since_last_reply: Option<i64>, threshold: i64) -> bool {
    since_last_reply.is_none_or(|milliseconds| {
        milliseconds < threshold
            || (milliseconds == threshold && !Defect::SevenDaysAreStale.is_on())
    })
}

/// Rules, "Origin".
fn started_or_answered_by_customer(origin: Option<Origin>, customer_wrote: bool) -> bool {
    match origin {
        Some(Origin::CustomerInitiated) => true,
        Some(Origin::VisitorMessage) => customer_wrote,
        Some(Origin::OutboundMessage | Origin::CustomBot) | None => false,
    }
}

/// A close that makes a conversation closed, and what it is judged by.
pub(crate) struct Close<'a> {
    pub(crate) by: ActorKind,
    pub(crate) at: Timestamp,
    pub(crate) start: Option<Start>,
    pub(crate) registers: &'a Registers,
    pub(crate) already_requested: bool,
    /// In force at the close.
    pub(crate) settings: &'a WorkspaceSettings,
    pub(crate) rules: &'a Rules,
}

impl Close<'_> {
    fn origin(&self) -> Option<Origin> {
        self.start.map(|start| start.origin)
    }

    fn measure(&self) -> Measured {
        let origin = self.origin();
        let customers = self.registers.included().count();
        let only = self.registers.included().next().filter(|_| customers == 1);
        let sum = self
            .registers
            .characters
            .sum
            .min(self.rules.count_at_most());
        Measured {
            closed_by: self.by,
            plan: self.settings.plan_includes_ratings,
            live: self.live(),
            audience: only.map(|customer| customer.kind()),
            customers: i32::try_from(customers).unwrap_or(i32::MAX),
            teammate_replied: self.registers.last_teammate_reply(origin).is_some(),
            characters: i32::try_from(sum).unwrap_or(i32::MAX),
            milliseconds_since_last_reply: self
                .registers
                .last_reply(origin)
                .map(|reply| self.at.since_ms(reply)),
            origin,
            already_requested: self.already_requested,
        }
    }

    /// The plan, and the audience switch of any included customer; with none, either switch.
    fn live(&self) -> bool {
        let switch = |kind| match kind {
            ActorKind::User => self.settings.live_for_users,
            _ => self.settings.live_for_leads,
        };
        let mut kinds = self
            .registers
            .included()
            .map(|customer| customer.kind())
            .peekable();
        let any_switch = match kinds.peek() {
            None => switch(ActorKind::User) || switch(ActorKind::Lead),
            Some(_) => kinds.any(switch),
        };
        self.settings.plan_includes_ratings && any_switch
    }

    /// The decision, but for `requested` and `request_id`, which follow from nothing having failed.
    pub(crate) fn decide(&self, workspace_id: &str, conversation_id: &str) -> EligibilityDecided {
        let measured = self.measure();
        let customer_wrote = self.registers.customer_messages.is_some();
        let rows = table(&measured, customer_wrote, &self.rules.thresholds);
        let last_teammate = self.registers.last_teammate_reply(self.origin());
        EligibilityDecided {
            workspace_id: workspace_id.to_owned(),
            conversation_id: conversation_id.to_owned(),
            decided_at: self.at,
            requested: false,
            failed: rows
                .iter()
                .filter(|row| !row.held)
                .map(|row| row.code)
                .collect(),
            measured,
            thresholds: self.rules.thresholds,
            rules_version: RULES_VERSION,
            settings_version: self.settings.version,
            teammate_id: last_teammate.map(|reply| reply.teammate_id.to_string()),
            request_id: None,
        }
    }
}
