//! What a workspace's answers depend on, as one short text: as long as it is the same, so are the answers.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use sqlx::Row as _;

use crate::database::ReportDatabase;
use crate::error::ReadModelError;

const STATE: &str = "SELECT partition_number, next_offset FROM projector_positions ORDER BY topic, partition_number";
const FOLLOWED: &str =
    "SELECT COALESCE(MAX(changed_at), 0) FROM follow_ups WHERE workspace_id = $1";

impl ReportDatabase {
    /// The state of what is projected and of what was marked in this workspace: 16 hexadecimal digits. Read it before the
    /// answer: then an answer is at least as new as its state.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn state(&self, workspace_id: &str) -> Result<String, ReadModelError> {
        let mut hasher = DefaultHasher::new();
        for row in sqlx::query(STATE).fetch_all(self.readers()).await? {
            row.try_get::<i64, _>(0)?.hash(&mut hasher);
            row.try_get::<i64, _>(1)?.hash(&mut hasher);
        }
        let followed = sqlx::query(FOLLOWED).bind(workspace_id);
        let followed = followed.fetch_one(self.readers()).await?;
        followed.try_get::<i64, _>(0)?.hash(&mut hasher);
        Ok(format!("{:016x}", hasher.finish()))
    }
}
