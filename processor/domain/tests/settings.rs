//! The table of settings, where scenarios do not reach.

use afterword_domain::{Insertion, SettingsConflict, SettingsTable};
use afterword_schemas::records::{Target, Timestamp, WorkspaceSettings};

fn version(workspace_id: &str, version: i64, effective_from: i64) -> WorkspaceSettings {
    WorkspaceSettings {
        workspace_id: workspace_id.to_owned(),
        version,
        effective_from: Timestamp(effective_from),
        live_for_users: true,
        live_for_leads: false,
        plan_includes_ratings: true,
        time_zone: "Europe/Berlin".to_owned(),
        target: Some(Target {
            positive_share: 0.9,
            minimum_ratings: 20,
        }),
        teammate_targets: Default::default(),
    }
}

fn table(versions: &[WorkspaceSettings]) -> SettingsTable {
    let mut table = SettingsTable::default();
    for settings in versions {
        assert_eq!(table.insert(settings.clone()), Ok(Insertion::New));
    }
    table
}

#[test]
fn the_default_is_version_0_live_for_both_with_the_plan_in_utc() {
    let table = SettingsTable::default();
    for at in [i64::MIN, 0, i64::MAX] {
        let settings = table.in_force("any", Timestamp(at));
        assert_eq!(
            (
                settings.version,
                settings.workspace_id.as_str(),
                settings.time_zone.as_str()
            ),
            (0, "", "UTC")
        );
        assert!(
            settings.live_for_users && settings.live_for_leads && settings.plan_includes_ratings
        );
        assert_eq!(settings.target, None);
    }
    assert_eq!(table.versions("any").count(), 0);
}

#[test]
fn in_force_is_the_latest_not_after_the_moment_and_on_a_tie_the_higher_version() {
    let table = table(&[
        version("w", 5, 30),
        version("w", 2, 20),
        version("w", 1, 10),
        version("w", 3, 20),
        version("w", 4, 5),
    ]);
    let in_force = |at| table.in_force("w", Timestamp(at)).version;
    let moments = [
        (i64::MIN, 0),
        (4, 0),
        (5, 4),
        (9, 4),
        (10, 1),
        (19, 1),
        (20, 3),
        (29, 3),
        (30, 5),
        (i64::MAX, 5),
    ];
    for (at, version) in moments {
        assert_eq!(in_force(at), version, "at {at}");
    }
    let versions: Vec<i64> = table
        .versions("w")
        .map(|settings| settings.version)
        .collect();
    assert_eq!(versions, [1, 2, 3, 4, 5]);
}

#[test]
fn the_order_in_which_versions_become_known_does_not_matter() {
    let versions = [version("w", 1, 10), version("w", 2, 10), version("w", 3, 5)];
    for order in [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ] {
        let table = table(&order.map(|place| versions[place].clone()));
        assert_eq!(table.in_force("w", Timestamp(10)).version, 2);
        assert_eq!(table.in_force("w", Timestamp(9)).version, 3);
    }
}

#[test]
fn a_workspace_has_its_own_settings() {
    let table = table(&[version("w1", 1, 10), version("w2", 7, 10)]);
    assert_eq!(table.in_force("w1", Timestamp(10)).version, 1);
    assert_eq!(table.in_force("w2", Timestamp(10)).version, 7);
    assert_eq!(table.in_force("w3", Timestamp(10)).version, 0);
}

#[test]
fn a_version_never_changes() {
    let known = version("w", 1, 10);
    let mut table = table(std::slice::from_ref(&known));
    assert_eq!(table.insert(known.clone()), Ok(Insertion::Repeated));
    let conflict = Err(SettingsConflict {
        workspace_id: "w".to_owned(),
        version: 1,
    });
    let changes: [fn(&mut WorkspaceSettings); 7] = [
        |s| s.effective_from = Timestamp(11),
        |s| s.live_for_users = false,
        |s| s.live_for_leads = true,
        |s| s.plan_includes_ratings = false,
        |s| s.time_zone = "UTC".to_owned(),
        |s| s.target = None,
        |s| {
            _ = s.teammate_targets.insert(
                "t".to_owned(),
                Target {
                    positive_share: 0.5,
                    minimum_ratings: 1,
                },
            )
        },
    ];
    for change in changes {
        let mut changed = known.clone();
        change(&mut changed);
        assert_eq!(table.insert(changed), conflict);
        assert_eq!(table.in_force("w", Timestamp(10)), &known);
    }
    assert_eq!(table.versions("w").count(), 1);
}

#[test]
fn the_default_version_and_negative_ones_are_nobodys_to_define() {
    let mut table = SettingsTable::default();
    for number in [0, -1, i64::MIN] {
        let error = table.insert(version("w", number, 10)).expect_err("refused");
        assert_eq!(error.version, number);
        assert!(error.to_string().contains("never"), "{error}");
    }
    assert_eq!(table.in_force("w", Timestamp(10)).version, 0);
}
