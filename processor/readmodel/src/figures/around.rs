//! What stands around every page: whether a workspace is known, who is on its team, and how many answers
//! there are of each kind.

use afterword_schemas::records::Reaction;
use sqlx::Row as _;

use crate::database::ReportDatabase;
use crate::error::ReadModelError;
use crate::figures::Filter;
use crate::figures::sums::Sums;

const KNOWN: &str = "SELECT CASE WHEN EXISTS (SELECT 1 FROM decision_days WHERE workspace_id = $1) \
     OR EXISTS (SELECT 1 FROM scorecards WHERE workspace_id = $1) \
     OR EXISTS (SELECT 1 FROM settings_versions WHERE workspace_id = $1) THEN CAST(1 AS BIGINT) ELSE CAST(0 AS BIGINT) END";

impl ReportDatabase {
    /// Whether anything is known of a workspace.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn knows_workspace(&self, workspace_id: &str) -> Result<bool, ReadModelError> {
        let row = sqlx::query(KNOWN).bind(workspace_id);
        let row = row.fetch_one(self.readers()).await?;
        Ok(row.try_get::<i64, _>(0)? != 0)
    }

    /// The ratings first given in the filter's period, by their present reaction, worst to best.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn reactions(
        &self,
        filter: &Filter,
    ) -> Result<[i64; Reaction::ALL.len()], ReadModelError> {
        let mut sums = Sums::default();
        let days = self.sums_by_day(filter).await?;
        days.iter().for_each(|(_, day)| sums.add(day));
        Ok(sums.reactions)
    }

    /// Who may be chosen from a list: the teammates that have anything in the months of the filter's period, by id.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn teammate_names(
        &self,
        filter: &Filter,
        limit: usize,
    ) -> Result<Vec<String>, ReadModelError> {
        self.teammate_ids(filter, None, limit).await
    }
}
