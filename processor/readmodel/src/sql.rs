//! Statements with many rows. One statement a row would cost a hop to the database each (to SQLite's thread, to the
//! server), so rows go in statements of a few fixed sizes, which the connection keeps prepared.

use sqlx::any::{AnyArguments, AnyRow};
use sqlx::{AnyConnection, Arguments, AssertSqlSafe, Executor};

use crate::database::Dialect;
use crate::error::ReadModelError;

/// Values for a statement's placeholders, in order.
#[derive(Default)]
pub(crate) struct Values {
    arguments: AnyArguments,
    failure: Option<sqlx::Error>,
}

/// How rows of a table are written.
pub(crate) struct Table {
    pub name: &'static str,
    pub columns: &'static [&'static str],
    /// What follows the values: nothing, or an `ON CONFLICT` clause.
    pub conflict: &'static str,
}

/// Something that is a row of a [`Table`]: gives its values in the order of the columns.
pub(crate) trait Row {
    fn values(&self, values: &mut Values);
}

impl<R: Row> Row for &R {
    fn values(&self, values: &mut Values) {
        (**self).values(values);
    }
}

/// Rows of one statement, largest first. Measured with `benches/projector.rs`: from 32 on it makes little difference.
const CHUNKS: [usize; 4] = [128, 32, 8, 1];

/// SQLite allows 32,766 placeholders, PostgreSQL 65,535.
const MAX_PLACEHOLDERS: usize = 32_766;

impl Values {
    fn add<T>(&mut self, value: T)
    where
        T: for<'t> sqlx::Encode<'t, sqlx::Any> + sqlx::Type<sqlx::Any>,
    {
        if let Err(error) = self.arguments.add(value) {
            self.failure = Some(sqlx::Error::Encode(error));
        }
    }

    pub fn text(&mut self, value: &str) {
        self.add(storable(value));
    }

    pub fn text_or_null(&mut self, value: Option<&str>) {
        self.add(value.map(storable));
    }

    pub fn integer(&mut self, value: i64) {
        self.add(value);
    }

    pub fn integer_or_null(&mut self, value: Option<i64>) {
        self.add(value);
    }

    /// Offsets: SQL's integers end at 2^63 - 1, far beyond any log.
    pub fn unsigned(&mut self, value: u64) {
        self.add(i64::try_from(value).unwrap_or(i64::MAX));
    }

    pub fn real_or_null(&mut self, value: Option<f64>) {
        self.add(value);
    }

    pub fn flag(&mut self, value: bool) {
        self.add(i16::from(value));
    }

    pub fn flag_or_null(&mut self, value: Option<bool>) {
        self.add(value.map(i16::from));
    }

    pub fn finish(self) -> Result<AnyArguments, ReadModelError> {
        match self.failure {
            Some(error) => Err(error.into()),
            None => Ok(self.arguments),
        }
    }
}

/// PostgreSQL's texts cannot hold U+0000, which a customer's comment can; so on either database it becomes what stands for a
/// character that cannot be shown. The log keeps it as it is.
fn storable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// Appends `(?, ?, …)`. SQLite finds a numbered placeholder by walking through all of them, which is quadratic in a long
/// statement; PostgreSQL knows numbered ones alone.
fn push_placeholders(sql: &mut String, dialect: Dialect, first: usize, count: usize) {
    for index in 0..count {
        sql.push(if index == 0 { '(' } else { ',' });
        match dialect {
            Dialect::Sqlite => sql.push('?'),
            Dialect::Postgres => sql.push_str(&format!("${}", first + index + 1)),
        }
    }
    sql.push(')');
}

impl Table {
    fn statement(&self, dialect: Dialect, rows: usize) -> String {
        let columns = self.columns.join(", ");
        let mut sql = format!("INSERT INTO {} ({columns}) VALUES ", self.name);
        for row in 0..rows {
            if row > 0 {
                sql.push(',');
            }
            let width = self.columns.len();
            push_placeholders(&mut sql, dialect, row * width, width);
        }
        sql.push(' ');
        sql.push_str(self.conflict);
        sql
    }

    /// Writes all rows, and returns how many it made or changed. Rows that several projectors write are locked in the order in
    /// which they are given: it must be the same everywhere, or two of them wait for each other.
    pub async fn write<R: Row>(
        &self,
        connection: &mut AnyConnection,
        dialect: Dialect,
        rows: &[R],
    ) -> Result<u64, ReadModelError> {
        let mut written = 0;
        let mut rest = rows;
        while !rest.is_empty() {
            let fits = |size: &&usize| {
                **size <= rest.len() && **size * self.columns.len() <= MAX_PLACEHOLDERS
            };
            let size = CHUNKS.iter().find(fits).copied().unwrap_or(1);
            let (chunk, after) = rest.split_at(size);
            rest = after;
            let mut values = Values::default();
            for row in chunk {
                row.values(&mut values);
            }
            let sql = AssertSqlSafe(self.statement(dialect, size));
            let query = sqlx::query_with(sql, values.finish()?);
            let done = (&mut *connection).execute(query).await;
            let done = done.map_err(|error| ReadModelError::from(error).during(self.name))?;
            written += done.rows_affected();
        }
        Ok(written)
    }
}

/// All rows that `SELECT … WHERE column IN (keys)` finds; `select` ends with the column's name.
pub(crate) async fn select_in(
    connection: &mut AnyConnection,
    dialect: Dialect,
    select: &str,
    keys: &[&str],
) -> Result<Vec<AnyRow>, ReadModelError> {
    let mut found = Vec::new();
    let mut rest = keys;
    while let Some(last) = rest.len().checked_sub(1) {
        // The last key is repeated until the statement has one of the sizes that are kept prepared.
        let size = CHUNKS.into_iter().rev().find(|size| *size > last);
        let size = size.unwrap_or(CHUNKS[0]);
        let mut values = Values::default();
        for index in 0..size {
            values.text(rest[index.min(last)]);
        }
        rest = &rest[size.min(rest.len())..];
        let mut sql = format!("{select} IN ");
        push_placeholders(&mut sql, dialect, 0, size);
        let query = sqlx::query_with(AssertSqlSafe(sql), values.finish()?);
        found.extend((&mut *connection).fetch_all(query).await?);
    }
    Ok(found)
}

/// Executes `UPDATE … WHERE column IN (keys)`; `statement` ends with the column's name. Returns how many rows it changed.
pub(crate) async fn execute_in(
    connection: &mut AnyConnection,
    dialect: Dialect,
    statement: &str,
    keys: &[&str],
) -> Result<u64, ReadModelError> {
    let mut changed = 0;
    for keys in keys.chunks(CHUNKS[0]) {
        let mut values = Values::default();
        keys.iter().for_each(|key| values.text(key));
        let mut sql = format!("{statement} IN ");
        push_placeholders(&mut sql, dialect, 0, keys.len());
        let query = sqlx::query_with(AssertSqlSafe(sql), values.finish()?).persistent(false);
        changed += (&mut *connection).execute(query).await?.rows_affected();
    }
    Ok(changed)
}
