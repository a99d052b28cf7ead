//! Which settings a close is judged by when it is folded again.
//!
//! Those that judged it, as its decision names them, so that what differs comes from what was asked for and not from when
//! settings became known; beside them those that are given, as if they had been known from the beginning.

use std::collections::BTreeMap;

use afterword_domain::{SettingsTable, settings::DEFAULT_VERSION};
use afterword_schemas::records::WorkspaceSettings;

/// Versions of settings by workspace and version.
pub type Versions = BTreeMap<(String, i64), WorkspaceSettings>;

/// What becomes of the log's own settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Own {
    /// They judge as they did, but for versions that are given anew.
    Kept,
    /// They are as if they had never been.
    Dropped,
}

/// Settings that are supposed.
pub struct Supposed {
    known: Versions,
    given: Versions,
    own: Own,
    /// By workspace and what judged.
    tables: BTreeMap<String, BTreeMap<i64, SettingsTable>>,
}

impl Supposed {
    pub fn new(known: Versions, given: Versions, own: Own) -> Supposed {
        Supposed {
            known,
            given,
            own,
            tables: BTreeMap::new(),
        }
    }

    /// The settings by which a close is judged again that was judged by this version; nothing when the log does not have
    /// that.
    pub fn table(&mut self, workspace: &str, judged_by: i64) -> Option<&SettingsTable> {
        let key = (workspace.to_owned(), judged_by);
        let is_known = self.known.contains_key(&key);
        if judged_by != DEFAULT_VERSION && !is_known && self.own == Own::Kept {
            return None;
        }
        if !self.tables.contains_key(workspace) {
            self.tables.insert(key.0.clone(), BTreeMap::new());
        }
        let (known, given, own) = (&self.known, &self.given, self.own);
        let tables = self.tables.get_mut(workspace)?;
        let table = tables.entry(judged_by).or_insert_with(|| {
            let first = (key.0.clone(), i64::MIN);
            let last = (key.0.clone(), i64::MAX);
            let mut table = SettingsTable::default();
            for (_, settings) in given.range(first..=last) {
                // A version is given once, and one below 1 was refused when the file was read.
                let _ = table.insert(settings.clone());
            }
            if let (Some(settings), Own::Kept) = (known.get(&key), own) {
                // Refused where it is given anew: then that prevails.
                let _ = table.insert(settings.clone());
            }
            table
        });
        Some(table)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use afterword_schemas::records::Timestamp;

    fn version(version: i64, from: i64, live: bool) -> WorkspaceSettings {
        let mut settings = SettingsTable::default().in_force("w", Timestamp(0)).clone();
        settings.workspace_id = "w".to_owned();
        (settings.version, settings.live_for_users) = (version, live);
        settings.effective_from = Timestamp(from);
        settings
    }

    fn versions(all: &[WorkspaceSettings]) -> Versions {
        let keyed = |settings: &WorkspaceSettings| {
            let key = (settings.workspace_id.clone(), settings.version);
            (key, settings.clone())
        };
        all.iter().map(keyed).collect()
    }

    fn in_force(supposed: &mut Supposed, judged_by: i64, at: i64) -> Option<(i64, bool)> {
        let table = supposed.table("w", judged_by)?;
        let found = table.in_force("w", Timestamp(at));
        Some((found.version, found.live_for_users))
    }

    #[test]
    fn what_judged_judges_again_and_what_is_given_beside_it() {
        let known = versions(&[version(1, 10, true), version(2, 20, true)]);
        let none = Versions::new();
        let mut same = Supposed::new(known.clone(), none.clone(), Own::Kept);
        // Version 2 was not known yet when this was decided.
        assert_eq!(in_force(&mut same, 1, 30), Some((1, true)));
        assert_eq!(in_force(&mut same, 0, 30), Some((0, true)));
        assert_eq!(
            in_force(&mut same, 7, 30),
            None,
            "the log does not have that"
        );
        let given = versions(&[version(3, 25, false)]);
        let mut later = Supposed::new(known.clone(), given, Own::Kept);
        assert_eq!(in_force(&mut later, 1, 24), Some((1, true)));
        assert_eq!(in_force(&mut later, 1, 25), Some((3, false)));
        let anew = versions(&[version(1, 10, false)]);
        let mut replaced = Supposed::new(known.clone(), anew, Own::Kept);
        assert_eq!(in_force(&mut replaced, 1, 30), Some((1, false)));
        assert_eq!(in_force(&mut replaced, 2, 30), Some((2, true)));
        let given = versions(&[version(5, 25, false)]);
        let mut alone = Supposed::new(known, given, Own::Dropped);
        assert_eq!(in_force(&mut alone, 2, 24), Some((0, true)));
        assert_eq!(in_force(&mut alone, 2, 26), Some((5, false)));
    }
}
