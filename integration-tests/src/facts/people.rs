//! Few ids for many roles. Customers' and teammates' ids are separate spaces, so some are in both.

use afterword_schemas::records::{ActorKind, OwnedActor};

use super::dice::Dice;

pub const CUSTOMERS: &[&str] = &["x1", "x2", "u3", "l4", "ü/5%", "\u{10000}"];
/// Such that "the greater id, byte by byte" differs from other orders: by length, by case, by UTF-16 unit.
pub const TEAMMATES: &[&str] = &[
    "x1",
    "x2",
    "t1",
    "t10",
    "Z",
    "a",
    "é",
    "\u{FFFD}",
    "\u{10000}",
];
pub const BOTS: &[&str] = &["operator", "x1"];

#[must_use]
pub fn actor(kind: ActorKind, id: &str) -> OwnedActor {
    OwnedActor {
        kind,
        id: id.to_owned(),
    }
}

pub fn any_customer(dice: &mut Dice) -> OwnedActor {
    let kind = *dice.pick(&[ActorKind::User, ActorKind::Lead]);
    actor(kind, dice.word(CUSTOMERS))
}

pub fn any_teammate(dice: &mut Dice) -> OwnedActor {
    actor(ActorKind::Teammate, dice.word(TEAMMATES))
}

pub fn any_bot(dice: &mut Dice) -> OwnedActor {
    actor(ActorKind::Bot, dice.word(BOTS))
}

#[must_use]
pub fn system() -> OwnedActor {
    actor(ActorKind::System, "system")
}

/// Somebody of any kind.
pub fn anybody(dice: &mut Dice) -> OwnedActor {
    match dice.index(4) {
        0 => any_teammate(dice),
        1 => any_bot(dice),
        2 => system(),
        _ => any_customer(dice),
    }
}
