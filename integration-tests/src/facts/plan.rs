//! What happens next in a conversation: scenes of a few steps each. Most go towards a close that asks; a flaw in a
//! scene makes one criterion fail, as a rule that one alone.

use std::collections::VecDeque;

use afterword_schemas::records::Origin;

use super::dice::Dice;

/// One fact to be, with what is decided only when its turn comes left open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Start(Origin, Who),
    Write(Who, Length),
    Note(Who),
    Join(Who),
    Leave(Who),
    Close(Who, Gap),
    Snooze,
    Reopen,
    Delete,
    React,
    Comment,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// The customer whose conversation it is.
    Customer,
    /// Another one, maybe the same by chance.
    AnotherCustomer,
    Teammate,
    Bot,
    System,
    Anybody,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// This many pieces of text.
    Pieces(usize),
    /// As many characters as bring the sum of the conversation to this.
    SumOf(usize),
    /// As long as a text may be.
    Longest,
}

/// How long a close comes after the last reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gap {
    /// Whenever it is.
    Whenever,
    /// That many milliseconds after the last reply (before it, when negative).
    AfterLastReply(i64),
    /// When a version of the settings takes effect, or that many milliseconds later.
    AtSettings(i64),
}

pub const WEEK_MS: i64 = 604_800_000;

/// What makes an otherwise eligible close fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flaw {
    None,
    Origin,
    NoStart,
    NoReply,
    OnlyAnOpening,
    ClosedByAnother,
    TooShort,
    Stale,
    Group,
    CustomerLeft,
    Several,
    /// Nobody has written but those who opened.
    Silent,
}

fn any_flaw(dice: &mut Dice) -> Flaw {
    dice.weighted(&[
        (40, Flaw::None),
        (6, Flaw::Origin),
        (3, Flaw::NoStart),
        (8, Flaw::NoReply),
        (5, Flaw::OnlyAnOpening),
        (8, Flaw::ClosedByAnother),
        (8, Flaw::TooShort),
        (8, Flaw::Stale),
        (8, Flaw::Group),
        (8, Flaw::CustomerLeft),
        (6, Flaw::Several),
        (5, Flaw::Silent),
    ])
}

/// A conversation from its start to its first close.
pub fn opening(dice: &mut Dice) -> VecDeque<Step> {
    let flaw = any_flaw(dice);
    let mut steps = VecDeque::new();
    if flaw != Flaw::NoStart {
        steps.push_back(start(dice, flaw));
    }
    if dice.chance(150) {
        steps.push_back(Step::Write(Who::Bot, Length::Pieces(8)));
    }
    if flaw == Flaw::OnlyAnOpening || flaw == Flaw::Silent && dice.chance(500) {
        steps.push_back(Step::Write(Who::Teammate, Length::Pieces(40)));
    }
    if flaw == Flaw::Silent {
        steps.push_back(any_aside(dice));
        steps.push_back(close(dice, flaw));
        return steps;
    }
    steps.push_back(Step::Write(
        Who::Customer,
        Length::Pieces(dice.count(0..=15)),
    ));
    steps.extend(middle(dice, flaw));
    if dice.chance(100) {
        // The start is seen late.
        steps.rotate_left(1);
    }
    steps.push_back(close(dice, flaw));
    steps
}

/// From an open or snoozed conversation to a close.
pub fn towards_a_close(dice: &mut Dice) -> VecDeque<Step> {
    let flaw = any_flaw(dice);
    let mut steps: VecDeque<Step> = middle(dice, flaw).into();
    if dice.chance(200) {
        steps.push_back(Step::Snooze);
    }
    steps.push_back(close(dice, flaw));
    steps
}

fn start(dice: &mut Dice, flaw: Flaw) -> Step {
    match flaw {
        Flaw::Origin => {
            let by = *dice.pick(&[Who::Teammate, Who::Bot, Who::System]);
            Step::Start(
                *dice.pick(&[Origin::OutboundMessage, Origin::CustomBot]),
                by,
            )
        }
        Flaw::OnlyAnOpening => Step::Start(Origin::VisitorMessage, Who::Teammate),
        _ if dice.chance(250) => Step::Start(Origin::VisitorMessage, Who::Teammate),
        _ => Step::Start(Origin::CustomerInitiated, Who::Customer),
    }
}

/// Between the start and the close: enough is written, by those who should (or by those who should not).
fn middle(dice: &mut Dice, flaw: Flaw) -> Vec<Step> {
    let mut steps = Vec::new();
    let replier = match flaw {
        Flaw::NoReply => *dice.pick(&[Who::Bot, Who::Customer]),
        Flaw::OnlyAnOpening => Who::Customer,
        _ => Who::Teammate,
    };
    if matches!(flaw, Flaw::NoReply | Flaw::OnlyAnOpening) && dice.chance(300) {
        steps.push(Step::Note(Who::Teammate));
    }
    for _ in 0..dice.count(1..=3) {
        steps.push(Step::Write(replier, Length::Pieces(dice.count(0..=12))));
    }
    if dice.chance(200) {
        steps.push(any_aside(dice));
    }
    let sum = match flaw {
        Flaw::TooShort => *dice.pick(&[250, 250, 249, 100]),
        _ => *dice.pick(&[251, 251, 252, 400]),
    };
    let last_writer = if dice.chance(500) || replier == Who::Bot {
        Who::Customer
    } else {
        replier
    };
    steps.push(Step::Write(last_writer, Length::SumOf(sum)));
    match flaw {
        Flaw::Group => steps.push(Step::Join(Who::AnotherCustomer)),
        Flaw::CustomerLeft => steps.push(Step::Leave(Who::Customer)),
        Flaw::Several => steps.extend([any_aside(dice), any_aside(dice), any_aside(dice)]),
        _ => {}
    }
    steps
}

/// A step that as a rule alters nothing, but can.
fn any_aside(dice: &mut Dice) -> Step {
    dice.weighted(&[
        (3, Step::Note(Who::Anybody)),
        (3, Step::Join(Who::Customer)),
        (2, Step::Join(Who::Teammate)),
        (2, Step::Leave(Who::Teammate)),
        (2, Step::Leave(Who::AnotherCustomer)),
        (2, Step::Snooze),
        (1, Step::Reopen),
        (2, Step::Start(Origin::OutboundMessage, Who::Teammate)),
        (
            1,
            Step::Start(Origin::CustomerInitiated, Who::AnotherCustomer),
        ),
        (2, Step::Write(Who::Teammate, Length::Pieces(0))),
        (2, Step::Write(Who::System, Length::Pieces(5))),
        (1, Step::React),
        (1, Step::Comment),
    ])
}

fn close(dice: &mut Dice, flaw: Flaw) -> Step {
    let by = match flaw {
        Flaw::ClosedByAnother => *dice.pick(&[Who::Bot, Who::Customer, Who::System]),
        _ => Who::Teammate,
    };
    let gap = match flaw {
        Flaw::Stale => Gap::AfterLastReply(*dice.pick(&[WEEK_MS + 1, WEEK_MS + 1, 3 * WEEK_MS])),
        _ => dice.weighted(&[
            (50, Gap::Whenever),
            (12, Gap::AfterLastReply(WEEK_MS)),
            (5, Gap::AfterLastReply(WEEK_MS - 1)),
            (8, Gap::AfterLastReply(0)),
            (4, Gap::AfterLastReply(-1)),
            (2, Gap::AfterLastReply(-WEEK_MS)),
            (12, Gap::AtSettings(0)),
            (4, Gap::AtSettings(-1)),
        ]),
    };
    Step::Close(by, gap)
}

/// What the customer does with a request, or without one.
pub fn answers(dice: &mut Dice) -> VecDeque<Step> {
    (0..dice.count(1..=6))
        .map(|_| *dice.pick(&[Step::React, Step::React, Step::Comment]))
        .collect()
}

/// Out of the closed state, in one of the ways that there are, or nearly out of it.
pub fn reopening(dice: &mut Dice) -> VecDeque<Step> {
    let written = Step::Write(Who::Customer, Length::Pieces(3));
    match dice.index(5) {
        0 => [Step::Reopen].into(),
        1 => [Step::Snooze, Step::Reopen].into(),
        2 => [Step::Snooze, written].into(),
        3 => [Step::Write(Who::Teammate, Length::Pieces(3)), written].into(),
        _ => [written].into(),
    }
}

/// Puts right what was wrong, as far as it can be.
pub fn repair(dice: &mut Dice) -> VecDeque<Step> {
    let mut steps = reopening(dice);
    steps.push_back(Step::Join(Who::Customer));
    steps.push_back(Step::Leave(Who::AnotherCustomer));
    steps.extend(middle(dice, Flaw::None));
    steps.push_back(close(dice, Flaw::None));
    steps
}

pub fn deletion(dice: &mut Dice) -> VecDeque<Step> {
    let mut steps: VecDeque<Step> = [Step::Delete].into();
    for _ in 0..dice.count(1..=4) {
        steps.push_back(*dice.pick(&[Step::React, Step::Comment, Step::Reopen, Step::Delete]));
        steps.push_back(any_step(dice));
    }
    steps
}

/// Anything.
pub fn chaos(dice: &mut Dice) -> VecDeque<Step> {
    (0..dice.count(2..=8)).map(|_| any_step(dice)).collect()
}

fn any_step(dice: &mut Dice) -> Step {
    let who = *dice.pick(&[
        Who::Customer,
        Who::AnotherCustomer,
        Who::Teammate,
        Who::Anybody,
    ]);
    let pieces = Length::Pieces(dice.count(0..=10));
    dice.weighted(&[
        (8, Step::Write(who, pieces)),
        (2, Step::Note(who)),
        (3, Step::Join(who)),
        (3, Step::Leave(who)),
        (4, Step::Close(Who::Teammate, Gap::Whenever)),
        (2, Step::Close(Who::Anybody, Gap::AfterLastReply(0))),
        (3, Step::Snooze),
        (4, Step::Reopen),
        (3, Step::React),
        (3, Step::Comment),
        (1, Step::Start(Origin::CustomBot, who)),
    ])
}
