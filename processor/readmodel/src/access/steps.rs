//! Statements that are done together or not at all.

use sqlx::Connection;

use crate::database::ReportDatabase;
use crate::error::ReadModelError;
use crate::sql::Values;

/// One statement.
pub struct Step {
    sql: &'static str,
    values: Values,
    need: Need,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Need {
    /// It may change any number of rows.
    Any,
    /// When it changes none, nothing is done at all.
    SomeRow,
}

impl Step {
    /// It may change any number of rows.
    pub fn any(sql: &'static str, fill: impl FnOnce(&mut Values)) -> Step {
        Step::new(sql, Need::Any, fill)
    }

    /// When it changes none, nothing is done at all.
    pub fn needed(sql: &'static str, fill: impl FnOnce(&mut Values)) -> Step {
        Step::new(sql, Need::SomeRow, fill)
    }

    fn new(sql: &'static str, need: Need, fill: impl FnOnce(&mut Values)) -> Step {
        let mut values = Values::default();
        fill(&mut values);
        Step { sql, values, need }
    }
}

impl ReportDatabase {
    /// Does all steps in one transaction. `Some`: the step of this number changed nothing and was needed, so nothing was done.
    pub(super) async fn together(&self, steps: Vec<Step>) -> Result<Option<usize>, ReadModelError> {
        let dialect = self.dialect();
        let mut connection = self.writer().await?;
        let done = async {
            let mut transaction = connection.begin_with(dialect.begin()).await?;
            for (number, step) in steps.into_iter().enumerate() {
                let query = sqlx::query_with(step.sql, step.values.finish()?);
                let changed = query.execute(&mut *transaction).await?.rows_affected();
                if changed == 0 && step.need == Need::SomeRow {
                    transaction.rollback().await?;
                    return Ok(Some(number));
                }
            }
            transaction.commit().await?;
            Ok(None)
        };
        let done = dialect.limited(done).await;
        if done.is_err() {
            connection.close_on_drop();
        }
        done
    }
}
