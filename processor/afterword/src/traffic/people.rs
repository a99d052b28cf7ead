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
}

const fn teammate(id: &'static str, positive: u32, weight: u32) -> Teammate {
    Teammate {
        id,
        positive,
        weight,
    }
}

/// The team.
pub const TEAM: [Teammate; 12] = [
    teammate("amara", 960, 12),
    teammate("ben", 910, 10),
    teammate("chiara", 930, 9),
    teammate("dmitri", 840, 11),
    teammate("esther", 880, 8),
    teammate("farid", 790, 10),
    teammate("grace", 950, 5),
    teammate("hiro", 860, 7),
    teammate("ines", 720, 8),
    teammate("jonas", 640, 6),
    teammate("kavya", 900, 4),
    teammate("liam", 810, 2),
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

    /// What a customer thinks of this one's work.
    pub fn reaction(&self, dice: &mut Dice) -> Reaction {
        let (positive, within) = (dice.chance(self.positive), dice.share());
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
