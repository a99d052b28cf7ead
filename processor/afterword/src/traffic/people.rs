//! Who writes: a dozen teammates of different quality, and customers.

use afterword_schemas::records::{ActorKind, Reaction};

use super::dice::Dice;
use super::fact::Person;

/// A member of the made-up team.
#[derive(Clone, Copy, Debug)]
pub struct Teammate {
    pub id: &'static str,
    /// Of 1,000 answers, how many are positive.
    pub positive: u32,
    /// How many conversations come to this one, beside the others.
    pub weight: u32,
    /// How many of 1,000 were positive fewer four weeks before the present; negative: more.
    pub learnt: i32,
}

const fn teammate(id: &'static str, positive: u32, weight: u32, learnt: i32) -> Teammate {
    Teammate {
        id,
        positive,
        weight,
        learnt,
    }
}

/// What kind of day it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Day {
    Usual,
    /// Something is broken, and nobody can help much.
    Incident,
}

/// The team.
pub const TEAM: [Teammate; 12] = [
    teammate("amara", 960, 12, 0),
    teammate("ben", 910, 10, 10),
    teammate("chiara", 930, 9, 0),
    teammate("dmitri", 840, 11, -25),
    teammate("esther", 880, 8, 15),
    teammate("farid", 790, 10, 40),
    teammate("grace", 950, 5, 0),
    teammate("hiro", 860, 7, 0),
    teammate("ines", 720, 8, -60),
    teammate("jonas", 640, 6, 70),
    teammate("kavya", 900, 4, 20),
    teammate("liam", 810, 2, 30),
];

impl Teammate {
    /// One of the team, the busy ones more often.
    pub fn any(dice: &mut Dice) -> &'static Teammate {
        let all: u32 = TEAM.iter().map(|teammate| teammate.weight).sum();
        let mut left = dice.between(1, all.into());
        let busy = TEAM.iter().find(|teammate| {
            left -= i64::from(teammate.weight);
            left <= 0
        });
        busy.unwrap_or(&TEAM[0])
    }

    /// As facts name this one.
    #[must_use]
    pub fn person(&self) -> Person {
        Person {
            kind: ActorKind::Teammate,
            id: self.id.to_owned(),
        }
    }

    /// How many of 1,000 answers were positive so many weeks before the present.
    fn positive_before(&self, weeks: i64) -> u32 {
        let weeks = i32::try_from(weeks.clamp(0, 8)).unwrap_or(0);
        self.positive
            .saturating_add_signed(-self.learnt * weeks / 4)
            .min(985)
    }

    /// What a customer thinks of this one's work, so many weeks before the present, on a day like this.
    pub fn reaction(&self, dice: &mut Dice, weeks: i64, day: Day) -> Reaction {
        let positive = self.positive_before(weeks);
        let positive = match day {
            Day::Usual => positive,
            Day::Incident => positive * 2 / 5,
        };
        let (positive, within) = (dice.chance(positive), dice.share());
        match positive {
            true if within < 0.55 => Reaction::Amazing,
            true => Reaction::Great,
            false if within < 0.45 => Reaction::Ok,
            false if within < 0.75 => Reaction::Bad,
            false => Reaction::Terrible,
        }
    }
}

/// A customer among so many; every fourth is a lead.
pub fn customer(dice: &mut Dice, among: u64) -> Person {
    let number = dice.between(1, i64::try_from(among.max(1)).unwrap_or(i64::MAX));
    match number % 4 {
        0 => Person {
            kind: ActorKind::Lead,
            id: format!("lead-{number:06}"),
        },
        _ => Person {
            kind: ActorKind::User,
            id: format!("user-{number:06}"),
        },
    }
}

/// The bot that greets and tidies up.
#[must_use]
pub fn bot() -> Person {
    Person {
        kind: ActorKind::Bot,
        id: "operator".to_owned(),
    }
}
