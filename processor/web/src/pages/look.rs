//! What the configuration says of a workspace's look to its managers.

use std::collections::BTreeMap;

/// A workspace's name and colour, and the way into its help desk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkspaceLook {
    pub name: String,
    /// `#rrggbb`.
    pub colour: String,
    /// `{conversation}` stands for the id.
    pub conversation_url: Option<String>,
}

/// Those of the workspaces that were given one, by id.
pub type WorkspaceLooks = BTreeMap<String, WorkspaceLook>;

impl WorkspaceLook {
    /// Of a workspace that was given none.
    pub fn of(workspace_id: &str) -> WorkspaceLook {
        WorkspaceLook {
            name: workspace_id.to_owned(),
            colour: "#0f766e".to_owned(),
            conversation_url: None,
        }
    }
}
