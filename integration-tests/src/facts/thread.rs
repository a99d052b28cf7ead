//! One conversation in the making: its people, its clock, and how a step becomes a fact.

use std::collections::VecDeque;

use afterword_schemas::records::{
    ActorKind, Channel, Format, OwnedActor, Reaction, Timestamp, Visibility, WorkspaceSettings,
};

use super::dice::Dice;
use super::people::{CUSTOMERS, actor, any_bot, any_customer, any_teammate, anybody, system};
use super::plan::{Gap, Length, Step, Who};
use super::texts::{any_text, comment_of, text_of, white_space};
use crate::model::{COMMENT_LIMIT, History, OwnedPayload, request_id};

const DAY_MS: i64 = 86_400_000;
/// 2100-01-01T00:00:00Z; clocks stay before it, whatever single facts say.
const FAR_FUTURE_MS: i64 = 4_102_444_800_000;

/// The longest text that the contract lets pass, in scalar values.
pub const TEXT_LIMIT: usize = 262_144;

/// A conversation that facts are made for.
#[derive(Clone, Debug)]
pub struct Thread {
    pub workspace_id: String,
    pub conversation_id: String,
    /// What happens next.
    pub plan: VecDeque<Step>,
    /// Up to when things have happened, as a rule.
    pub clock_ms: i64,
    pub customer: OwnedActor,
    /// Few, so that two often write in the same millisecond.
    teammates: Vec<OwnedActor>,
}

/// What a step needs to know of the world around it.
pub struct Surroundings<'a> {
    /// What the model has folded of this conversation.
    pub history: Option<&'a History>,
    /// All settings appended so far.
    pub known: &'a [WorkspaceSettings],
    /// May times be at the ends of the range?
    pub extreme_times: bool,
}

impl Thread {
    pub fn new(dice: &mut Dice, workspace_id: &str, conversation_id: &str, clock_ms: i64) -> Self {
        Thread {
            workspace_id: workspace_id.to_owned(),
            conversation_id: conversation_id.to_owned(),
            plan: VecDeque::new(),
            clock_ms,
            customer: any_customer(dice),
            teammates: vec![any_teammate(dice), any_teammate(dice)],
        }
    }

    /// The time and the payload of the fact that this step comes to.
    pub fn act(
        &mut self,
        step: Step,
        dice: &mut Dice,
        around: &Surroundings<'_>,
    ) -> (Timestamp, OwnedPayload) {
        let at = self.time_of(step, dice, around);
        let payload = match step {
            Step::Start(origin, by) => OwnedPayload::ConversationStarted {
                origin,
                initiator: self.somebody(by, dice),
                channel: *dice.pick(&[Channel::Messenger, Channel::Email]),
            },
            Step::Write(by, length) => {
                let (text, format) = Self::text(length, dice, around);
                self.message(by, text, format, Visibility::Public, dice)
            }
            Step::Note(by) => {
                let (text, format) = any_text(dice, 10);
                self.message(by, text, format, Visibility::Internal, dice)
            }
            Step::Join(who) => OwnedPayload::ParticipantJoined {
                participant: self.somebody(who, dice),
            },
            Step::Leave(who) => OwnedPayload::ParticipantLeft {
                participant: self.somebody(who, dice),
            },
            Step::Close(by, _) => OwnedPayload::ConversationClosed {
                by: self.somebody(by, dice),
            },
            Step::Snooze => OwnedPayload::ConversationSnoozed {
                by: self.somebody(Who::Teammate, dice),
                until: dice
                    .chance(500)
                    .then_some(Timestamp(at.0.saturating_add(DAY_MS))),
            },
            Step::Reopen => OwnedPayload::ConversationReopened {
                by: self.somebody(Who::Anybody, dice),
            },
            Step::Delete => OwnedPayload::ConversationDeleted {
                by: self.somebody(Who::Teammate, dice),
            },
            Step::React => self.reaction(dice, around),
            Step::Comment => self.comment(dice, around),
        };
        (at, payload)
    }

    fn time_of(&mut self, step: Step, dice: &mut Dice, around: &Surroundings<'_>) -> Timestamp {
        if around.extreme_times && dice.chance(10) {
            return Timestamp(*dice.pick(&[i64::MIN, i64::MIN + 1, i64::MAX - 1, i64::MAX]));
        }
        let last_reply_ms = around
            .history
            .and_then(History::last_reply_at)
            .map_or(self.clock_ms, |at| at.0);
        let planned_ms = match step {
            Step::Close(_, Gap::AfterLastReply(gap_ms)) => {
                Some(last_reply_ms.saturating_add(gap_ms))
            }
            Step::Close(_, Gap::AtSettings(gap_ms)) => {
                let versions: Vec<i64> = around
                    .known
                    .iter()
                    .filter(|version| version.workspace_id == self.workspace_id)
                    .map(|version| version.effective_from.0.saturating_add(gap_ms))
                    .filter(|at_ms| at_ms.abs_diff(last_reply_ms) < 7 * DAY_MS.unsigned_abs())
                    .collect();
                (!versions.is_empty()).then(|| *dice.pick(&versions))
            }
            _ => None,
        };
        if let Some(at_ms) = planned_ms {
            if at_ms < FAR_FUTURE_MS {
                self.clock_ms = self.clock_ms.max(at_ms);
            }
            return Timestamp(at_ms);
        }
        let is_answer = matches!(step, Step::React | Step::Comment);
        if dice.chance(if is_answer { 100 } else { 40 }) {
            // Out of order: earlier than what was seen, or far ahead of it. The clock stays.
            let away_ms = dice.weighted(&[
                (4, -1),
                (4, -60_000),
                (2, -3 * DAY_MS),
                (1, 1),
                (1, 400 * DAY_MS),
            ]);
            return Timestamp(self.clock_ms + away_ms);
        }
        self.clock_ms += match dice.index(20) {
            0..=6 => 0,
            7..=9 => 1,
            10..=15 => dice.number(1_000..=90_000),
            16..=18 => dice.number(60_000..=7_200_000),
            _ => dice.number(DAY_MS..=5 * DAY_MS),
        };
        Timestamp(self.clock_ms)
    }

    fn somebody(&self, who: Who, dice: &mut Dice) -> OwnedActor {
        match who {
            Who::Customer if dice.chance(60) => {
                // A lead becomes a user, or the other way round.
                let kind = *dice.pick(&[ActorKind::User, ActorKind::Lead]);
                actor(kind, &self.customer.id)
            }
            Who::Customer => self.customer.clone(),
            Who::AnotherCustomer => any_customer(dice),
            Who::Teammate if dice.chance(100) => any_teammate(dice),
            Who::Teammate => dice.pick(&self.teammates).clone(),
            Who::Bot => any_bot(dice),
            Who::System => system(),
            Who::Anybody => anybody(dice),
        }
    }

    fn message(
        &self,
        by: Who,
        text: String,
        format: Format,
        visibility: Visibility,
        dice: &mut Dice,
    ) -> OwnedPayload {
        OwnedPayload::MessageAdded {
            author: self.somebody(by, dice),
            text,
            format,
            visibility,
        }
    }

    fn text(length: Length, dice: &mut Dice, around: &Surroundings<'_>) -> (String, Format) {
        let sum = around.history.map_or(0, History::character_sum);
        match length {
            Length::Pieces(pieces) => any_text(dice, pieces),
            Length::SumOf(wanted) => text_of(dice, wanted.saturating_sub(sum)),
            Length::Longest => ("z".repeat(TEXT_LIMIT), *dice.pick(Format::ALL)),
        }
    }

    /// As a rule the right one, which can be known before the request is sent.
    fn answered_request(&self, dice: &mut Dice) -> String {
        let right = request_id(&self.workspace_id, &self.conversation_id);
        match dice.index(20) {
            0 => right.to_uppercase(),
            1 => request_id(&self.conversation_id, &self.workspace_id),
            2 => "no-such-request".to_owned(),
            _ => right,
        }
    }

    /// As a rule the one who was asked, or will be.
    fn answering_customer(&self, dice: &mut Dice, around: &Surroundings<'_>) -> String {
        if dice.chance(100) {
            return dice.word(CUSTOMERS).to_owned();
        }
        around.history.and_then(History::request).map_or_else(
            || self.customer.id.clone(),
            |request| request.customer.id.clone(),
        )
    }

    fn reaction(&self, dice: &mut Dice, around: &Surroundings<'_>) -> OwnedPayload {
        let rating = around.history.and_then(History::rating);
        let reaction = match rating {
            Some(rating) if dice.chance(200) => rating.reaction,
            _ => *dice.pick(Reaction::ALL),
        };
        OwnedPayload::ReactionSelected {
            request_id: self.answered_request(dice),
            customer_id: self.answering_customer(dice, around),
            reaction,
        }
    }

    fn comment(&self, dice: &mut Dice, around: &Surroundings<'_>) -> OwnedPayload {
        let left_before = around
            .history
            .and_then(History::rating)
            .and_then(|rating| rating.comment.clone());
        let text = match (dice.index(10), left_before) {
            (0, _) => String::new(),
            (1, _) => comment_of(dice, COMMENT_LIMIT),
            (2 | 3, _) => comment_of(dice, COMMENT_LIMIT + 1),
            (4..=6, Some(comment)) => comment,
            _ => {
                let length = dice.count(1..=60);
                comment_of(dice, length)
            }
        };
        OwnedPayload::CommentLeft {
            request_id: self.answered_request(dice),
            customer_id: self.answering_customer(dice, around),
            text: format!("{}{text}{}", white_space(dice), white_space(dice)),
        }
    }
}
