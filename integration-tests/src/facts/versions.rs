//! Versions of workspaces' settings that come up in between.

use std::collections::BTreeMap;

use afterword_schemas::records::{Target, Timestamp, WorkspaceSettings};

use super::dice::Dice;
use super::people::TEAMMATES;

const TIME_ZONES: &[&str] = &[
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "America/St_Johns",
];

/// The next version of a workspace's settings, or one that is known already. `now_ms` is when something happens in one
/// of its conversations.
pub fn next_version(
    dice: &mut Dice,
    workspace_id: &str,
    now_ms: i64,
    known: &[WorkspaceSettings],
    may_differ: bool,
) -> WorkspaceSettings {
    let of_workspace: Vec<&WorkspaceSettings> = known
        .iter()
        .filter(|version| version.workspace_id == workspace_id)
        .collect();
    if !of_workspace.is_empty() && dice.chance(150) {
        let again = (*dice.pick(&of_workspace)).clone();
        if may_differ && dice.chance(500) {
            return WorkspaceSettings {
                plan_includes_ratings: !again.plan_includes_ratings,
                ..again
            };
        }
        return again;
    }
    let effective_from = match dice.index(10) {
        // A tie, which the higher version wins.
        0 | 1 if !of_workspace.is_empty() => dice.pick(&of_workspace).effective_from,
        0 | 1 => Timestamp(0),
        2 | 3 => Timestamp(now_ms),
        4 => Timestamp(now_ms + 1),
        5 | 6 => Timestamp(now_ms + dice.number(1_000..=7_200_000)),
        7 => Timestamp(now_ms + dice.number(86_400_000..=864_000_000)),
        _ => Timestamp(now_ms - dice.number(1_000..=864_000_000)),
    };
    let live = *dice.pick(&[
        (true, true, true),
        (true, true, true),
        (true, true, true),
        (true, false, true),
        (false, true, true),
        (false, false, true),
        (true, true, false),
    ]);
    WorkspaceSettings {
        workspace_id: workspace_id.to_owned(),
        version: unused_version(dice, &of_workspace),
        effective_from,
        live_for_users: live.0,
        live_for_leads: live.1,
        plan_includes_ratings: live.2,
        time_zone: dice.word(TIME_ZONES).to_owned(),
        target: dice.chance(500).then(|| any_target(dice)),
        teammate_targets: (0..dice.index(3))
            .map(|_| (dice.word(TEAMMATES).to_owned(), any_target(dice)))
            .collect::<BTreeMap<_, _>>(),
    }
}

/// As a rule the next number; sometimes one is left out, and sometimes one left out is made up for.
fn unused_version(dice: &mut Dice, of_workspace: &[&WorkspaceSettings]) -> i64 {
    let highest = of_workspace.iter().map(|version| version.version).max();
    let next = highest.unwrap_or(0) + 1;
    let left_out = (1..next).find(|number| of_workspace.iter().all(|each| each.version != *number));
    match left_out {
        Some(number) if dice.chance(300) => number,
        _ if dice.chance(200) => next + 1,
        _ => next,
    }
}

fn any_target(dice: &mut Dice) -> Target {
    Target {
        positive_share: *dice.pick(&[0.0, 0.5, 0.8, 0.95, 1.0]),
        minimum_ratings: *dice.pick(&[0, 1, 5, 20]),
    }
}
