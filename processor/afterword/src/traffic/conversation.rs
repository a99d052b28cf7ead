//! One made-up conversation, from its start to its rating.

use afterword_schemas::records::{Channel, Origin, Reaction, Visibility};

use super::dice::Dice;
use super::fact::{Deed, Made, Person};
use super::people::{self, Day, Teammate};
use super::{Plan, texts};

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// In live traffic a conversation passes so much faster.
const HASTE: i64 = 250;
/// Shortest and longest pause of live traffic.
const LIVE_PAUSE: (i64, i64) = (250, 6 * SECOND);

/// Writes down what happens, with the time passing.
struct Scribe<'a> {
    plan: &'a Plan,
    dice: Dice,
    conversation_id: String,
    workspace_id: &'static str,
    began_ms: i64,
    now_ms: i64,
    /// How much earlier than it arrives everything happens: more than a week for what is stale in live traffic.
    backdated_ms: i64,
    facts: Vec<Made>,
}

/// What the dice say of a conversation before it begins.
struct Fate {
    closed_by_bot: bool,
    no_reply: bool,
    short: bool,
    stale: bool,
    group: bool,
    outbound: bool,
    no_customer: bool,
    snoozed: bool,
    reopened: bool,
    answered: bool,
}

/// The facts of conversation `number`, which begins at this time, in the order in which they happen.
#[must_use]
pub fn conversation(plan: &Plan, number: u64, begins_ms: i64) -> Vec<Made> {
    let mut dice = Dice::new(plan.seed, number);
    let workspace_id = match dice.chance(plan.shares.not_live) {
        true => super::NOT_LIVE,
        false => super::WORKSPACE,
    };
    let conversation_id = format!("{}-{number:06}", plan.tag);
    let fate = Fate::cast(plan, &mut dice);
    let mut scribe = Scribe {
        plan,
        dice,
        conversation_id,
        workspace_id,
        began_ms: begins_ms,
        now_ms: begins_ms,
        backdated_ms: 0,
        facts: Vec::new(),
    };
    scribe.tell(&fate);
    scribe.facts
}

impl Fate {
    fn cast(plan: &Plan, dice: &mut Dice) -> Fate {
        let shares = &plan.shares;
        let mut chance = |per_mille| dice.chance(per_mille);
        Fate {
            closed_by_bot: chance(shares.closed_by_bot),
            no_reply: chance(shares.no_reply),
            short: chance(shares.short),
            stale: chance(shares.stale),
            group: chance(shares.group),
            outbound: chance(shares.outbound),
            no_customer: chance(shares.no_customer),
            snoozed: chance(shares.snoozed),
            reopened: chance(shares.reopened),
            answered: chance(shares.answered),
        }
    }
}

impl Fate {
    /// Whether a request will be sent, as far as these dice say.
    fn is_eligible(&self) -> bool {
        let ways = [
            self.closed_by_bot,
            self.no_reply,
            self.short,
            self.stale,
            self.group,
            self.outbound,
            self.no_customer,
        ];
        !ways.contains(&true)
    }
}

impl Scribe<'_> {
    fn tell(&mut self, fate: &Fate) {
        let customer = people::customer(&mut self.dice, self.plan.customers);
        let teammate = Teammate::any(&mut self.dice);
        if fate.stale && self.plan.is_live {
            self.backdated_ms = 8 * DAY;
        }
        self.start(fate, &customer, teammate);
        self.talk(fate, &customer, teammate);
        if fate.group {
            self.wait(MINUTE, HOUR);
            let other = people::customer(&mut self.dice, self.plan.customers);
            self.note(Deed::Joined(other));
        }
        if fate.snoozed {
            self.snooze(teammate);
        }
        if fate.no_customer {
            self.note(Deed::Left(customer.clone()));
        }
        self.backdated_ms = 0;
        match fate.stale && !self.plan.is_live {
            true => self.now_ms += self.dice.between(7 * DAY + HOUR, 10 * DAY),
            false => self.wait(5 * SECOND, 3 * HOUR),
        }
        self.note(Deed::Closed(if fate.closed_by_bot {
            people::bot()
        } else {
            teammate.person()
        }));
        // Without a request there is nothing to answer; somebody tries an old link now and then all the same.
        let is_asked = fate.is_eligible() || self.dice.chance(10);
        if fate.answered && is_asked {
            self.answer(&customer, teammate);
        }
        if fate.reopened {
            self.reopen(&customer, teammate);
        }
    }

    fn start(&mut self, fate: &Fate, customer: &Person, teammate: &Teammate) {
        let channel = if self.dice.chance(300) {
            Channel::Email
        } else {
            Channel::Messenger
        };
        let (origin, by) = match fate.outbound {
            true if self.dice.chance(300) => (Origin::CustomBot, people::bot()),
            true => (Origin::OutboundMessage, teammate.person()),
            false if self.dice.chance(150) => (Origin::VisitorMessage, people::bot()),
            false => (Origin::CustomerInitiated, customer.clone()),
        };
        self.note(Deed::Started {
            origin,
            by,
            channel,
        });
        if fate.outbound {
            self.say(&teammate.person(), texts::campaign());
            self.wait(MINUTE, 6 * HOUR);
        }
    }

    fn talk(&mut self, fate: &Fate, customer: &Person, teammate: &Teammate) {
        if fate.short {
            let (question, answer) = texts::short(&mut self.dice);
            self.say(customer, question);
            self.wait(20 * SECOND, HOUR);
            if !fate.no_reply {
                self.say(&teammate.person(), answer);
            }
            return;
        }
        let (_, day) = self.occasion();
        let question = texts::question(&mut self.dice, day);
        self.say(customer, question);
        if fate.no_reply {
            let further = texts::further(&mut self.dice);
            self.wait(HOUR, DAY);
            self.say(customer, further);
            return;
        }
        if self.dice.chance(120) {
            let note = texts::note(&mut self.dice);
            self.note(Deed::Wrote {
                by: teammate.person(),
                text: note,
                visibility: Visibility::Internal,
            });
        }
        for _ in 0..self.dice.between(1, 4) {
            self.wait(30 * SECOND, 4 * HOUR);
            let reply = texts::reply(&mut self.dice);
            self.say(&teammate.person(), reply);
            if self.dice.chance(850) {
                self.wait(20 * SECOND, 2 * HOUR);
                let further = texts::further(&mut self.dice);
                self.say(customer, further);
            }
        }
        if self.dice.chance(600) {
            self.wait(10 * SECOND, HOUR);
            let closing = texts::closing(&mut self.dice);
            self.say(&teammate.person(), closing);
        }
    }

    fn snooze(&mut self, teammate: &Teammate) {
        let until_ms = self.now_ms - self.backdated_ms + self.dice.between(HOUR, DAY);
        self.note(Deed::Snoozed {
            by: teammate.person(),
            until_ms,
        });
        self.wait(HOUR, DAY);
        self.note(Deed::Reopened(people::bot()));
    }

    /// The customer's answer to the request, if there is one: this one does not know, as nobody outside does.
    fn answer(&mut self, customer: &Person, teammate: &Teammate) {
        self.wait(20 * SECOND, 8 * HOUR);
        let (weeks, day) = self.occasion();
        let reaction = teammate.reaction(&mut self.dice, weeks, day);
        self.react(customer, reaction);
        if self.dice.chance(120) {
            self.wait(5 * SECOND, HOUR);
            let second = *self.dice.pick(Reaction::ALL);
            self.react(customer, second);
            self.wait(2 * SECOND, MINUTE);
            self.react(customer, reaction);
        }
        // Who is unhappy says why more often.
        let has_more_to_say = matches!(reaction, Reaction::Terrible | Reaction::Bad);
        if self.dice.chance(if has_more_to_say { 620 } else { 340 }) {
            self.wait(10 * SECOND, 10 * MINUTE);
            let text = texts::comment(&mut self.dice, reaction, day);
            let request_id = self.request_id();
            self.note(Deed::Commented {
                request_id,
                customer_id: customer.id.clone(),
                text,
            });
            if self.dice.chance(60) {
                let later = *self.dice.pick(Reaction::ALL);
                self.react(customer, later);
            }
        }
    }

    /// How many weeks before the present it is, and what kind of day it was when the conversation began.
    fn occasion(&self) -> (i64, Day) {
        let weeks = self
            .plan
            .until_ms
            .map_or(0, |until| (until - self.now_ms) / (7 * DAY));
        let incident = self.plan.incident;
        let is_incident = incident.is_some_and(|(from, to)| (from..to).contains(&self.began_ms));
        (
            weeks,
            if is_incident {
                Day::Incident
            } else {
                Day::Usual
            },
        )
    }

    fn react(&mut self, customer: &Person, reaction: Reaction) {
        let request_id = self.request_id();
        self.note(Deed::Reacted {
            request_id,
            customer_id: customer.id.clone(),
            reaction,
        });
    }

    fn reopen(&mut self, customer: &Person, teammate: &Teammate) {
        self.wait(HOUR, 2 * DAY);
        match self.dice.chance(700) {
            true => {
                let further = texts::further(&mut self.dice);
                self.say(customer, further);
            }
            false => self.note(Deed::Reopened(teammate.person())),
        }
        self.wait(MINUTE, 4 * HOUR);
        let reply = texts::reply(&mut self.dice);
        self.say(&teammate.person(), reply);
        self.wait(MINUTE, HOUR);
        self.note(Deed::Closed(teammate.person()));
    }

    fn request_id(&self) -> String {
        afterword_domain::request_id(self.workspace_id, &self.conversation_id)
    }

    /// Time passes: short times are likelier than long ones.
    fn wait(&mut self, least: i64, most: i64) {
        let share = self.dice.share();
        let pause = least + ((most - least) as f64 * share * share * share) as i64;
        self.now_ms += match self.plan.is_live {
            true => (pause / HASTE).clamp(LIVE_PAUSE.0, LIVE_PAUSE.1),
            false => pause,
        };
    }

    fn say(&mut self, by: &Person, text: String) {
        self.note(Deed::Wrote {
            by: by.clone(),
            text,
            visibility: Visibility::Public,
        });
    }

    fn note(&mut self, deed: Deed) {
        // A millisecond keeps what happens in the order in which it is told.
        self.now_ms += 1;
        let is_message = matches!(deed, Deed::Wrote { .. });
        let mut made = Made {
            arrives_ms: self.now_ms,
            occurred_ms: self.now_ms - self.backdated_ms,
            event_id: format!("{}.{}", self.conversation_id, self.facts.len()),
            workspace_id: self.workspace_id,
            conversation_id: self.conversation_id.clone(),
            deed,
        };
        if is_message && self.dice.chance(self.plan.shares.late) {
            made.arrives_ms += self
                .dice
                .between(SECOND, if self.plan.is_live { 5 * SECOND } else { HOUR });
        }
        if self.dice.chance(self.plan.shares.repeated) {
            let mut again = made.clone();
            again.arrives_ms += self.dice.between(1, 30 * SECOND);
            self.facts.push(again);
        }
        self.facts.push(made);
    }
}
