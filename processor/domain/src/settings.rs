//! Which settings are in force when. Rules, "Time, order and repetition": settings are judged by event time, and a version
//! never changes.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use afterword_schemas::records::{Timestamp, WorkspaceSettings};
use thiserror::Error;

/// The version number of the built-in default.
pub const DEFAULT_VERSION: i64 = 0;

/// Every known version of every workspace's settings.
#[derive(Clone, Debug)]
pub struct SettingsTable {
    workspaces: BTreeMap<String, Versions>,
    default: WorkspaceSettings,
}

#[derive(Clone, Debug, Default)]
struct Versions {
    by_version: BTreeMap<i64, WorkspaceSettings>,
    /// (`effective_from`, version), ascending: the last one not after a moment is in force then, and of two that become
    /// effective together the higher version comes last.
    by_time: Vec<(Timestamp, i64)>,
}

/// What an insertion found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Insertion {
    /// The version was not known before.
    New,
    /// The very same version was known already; nothing changed.
    Repeated,
}

/// A version never changes: somebody gave one that is known already another content. The table keeps the first.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "settings version {version} of workspace {workspace_id:?} is known already with another content, and a version never \
     changes: publish the change under a higher version (1 or more; 0 is the built-in default)"
)]
pub struct SettingsConflict {
    /// Whose settings.
    pub workspace_id: String,
    /// The version that was given twice.
    pub version: i64,
}

impl Default for SettingsTable {
    fn default() -> Self {
        SettingsTable {
            workspaces: BTreeMap::new(),
            default: WorkspaceSettings {
                workspace_id: String::new(),
                version: DEFAULT_VERSION,
                effective_from: Timestamp(i64::MIN),
                live_for_users: true,
                live_for_leads: true,
                plan_includes_ratings: true,
                time_zone: "UTC".to_owned(),
                target: None,
                teammate_targets: BTreeMap::new(),
            },
        }
    }
}

impl SettingsTable {
    /// Adds a version.
    ///
    /// # Errors
    /// [`SettingsConflict`] when this version is known with another content, or is not 1 or more (0 is the built-in
    /// default, which never changes either).
    pub fn insert(&mut self, settings: WorkspaceSettings) -> Result<Insertion, SettingsConflict> {
        let conflict = |settings: WorkspaceSettings| SettingsConflict {
            workspace_id: settings.workspace_id,
            version: settings.version,
        };
        if settings.version <= DEFAULT_VERSION {
            return Err(conflict(settings));
        }
        let workspace_id = settings.workspace_id.clone();
        let known = self.workspaces.entry(workspace_id).or_default();
        match known.by_version.entry(settings.version) {
            Entry::Occupied(entry) if *entry.get() == settings => Ok(Insertion::Repeated),
            Entry::Occupied(_) => Err(conflict(settings)),
            Entry::Vacant(entry) => {
                let key = (settings.effective_from, settings.version);
                let place = known.by_time.partition_point(|other| *other < key);
                known.by_time.insert(place, key);
                entry.insert(settings);
                Ok(Insertion::New)
            }
        }
    }

    /// The settings in force in a workspace at a moment: the version with the latest `effective_from` not after it, on a
    /// tie the higher version; before the first, the default (version 0, live for both, plan included, UTC), whose
    /// workspace id is empty.
    #[must_use]
    pub fn in_force(&self, workspace_id: &str, at: Timestamp) -> &WorkspaceSettings {
        self.workspaces
            .get(workspace_id)
            .and_then(|known| {
                let later = known.by_time.partition_point(|(from, _)| *from <= at);
                let (_, version) = known.by_time.get(later.checked_sub(1)?)?;
                known.by_version.get(version)
            })
            .unwrap_or(&self.default)
    }

    /// A workspace's known versions, ascending by version; the default is none of them.
    pub fn versions(&self, workspace_id: &str) -> impl Iterator<Item = &WorkspaceSettings> {
        self.workspaces
            .get(workspace_id)
            .into_iter()
            .flat_map(|known| known.by_version.values())
    }
}
