//! Which version of a workspace's settings judges a close.

use std::collections::BTreeMap;

use afterword_schemas::records::{Timestamp, WorkspaceSettings};

/// A version of settings together with when it became known: after `position` facts of the log.
#[derive(Clone, Debug, PartialEq)]
pub struct PlacedSettings {
    pub position: usize,
    pub settings: WorkspaceSettings,
}

/// What holds before a workspace's first version: live for both, plan included, UTC.
#[must_use]
pub fn default_settings(workspace_id: &str) -> WorkspaceSettings {
    WorkspaceSettings {
        workspace_id: workspace_id.to_owned(),
        version: 0,
        effective_from: Timestamp(i64::MIN),
        live_for_users: true,
        live_for_leads: true,
        plan_includes_ratings: true,
        time_zone: "UTC".to_owned(),
        target: None,
        teammate_targets: BTreeMap::new(),
    }
}

/// Of the known versions of this workspace the one with the latest `effective_from` not after `at`, on a tie the higher
/// version; before the first, the default.
///
/// `known` may hold versions of other workspaces too.
#[must_use]
pub fn settings_in_force(
    known: &[WorkspaceSettings],
    workspace_id: &str,
    at: Timestamp,
) -> WorkspaceSettings {
    known
        .iter()
        .filter(|settings| settings.workspace_id == workspace_id)
        .filter(|settings| settings.effective_from <= at)
        .max_by_key(|settings| (settings.effective_from, settings.version))
        .cloned()
        .unwrap_or_else(|| default_settings(workspace_id))
}

/// Adds a version to those known, unless that version is known already: a version never changes.
/// Returns false when it is known and differs, which is refused.
pub fn learn(known: &mut Vec<WorkspaceSettings>, settings: &WorkspaceSettings) -> bool {
    let same_version = known.iter().find(|each| {
        each.workspace_id == settings.workspace_id && each.version == settings.version
    });
    match same_version {
        Some(first) => first == settings,
        None => {
            known.push(settings.clone());
            true
        }
    }
}
