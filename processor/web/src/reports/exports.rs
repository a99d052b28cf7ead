//! `export/{file}`: everything of a period, as it is read: a page of rows at a time, so the size does not matter. How many rows there
//! will be stands in the header `afterword-rows`, for a bar of progress.

use std::io;

use afterword_readmodel::ReadModelError;
use afterword_readmodel::figures::{DecisionsExport, RatingsExport};
use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream::unfold;
use tokio::sync::OwnedSemaphorePermit;

use super::Reports;
use super::answer::{ProblemDocument, ReadProblems, failed};
use super::figures::no_channel;
use super::parameters::{FilterParameters, PeriodParameters, Query, check_id};
use super::table::{self, Cell, Column, Parquet, Sink};
use crate::problem::Problem;

const ROWS_HEADER: &str = "afterword-rows";
/// Rows of a Parquet row group, at least, but for the last.
const GROUP_ROWS: usize = 20_000;
const RETRY_AFTER_S: u32 = 30;

enum Source {
    Ratings(RatingsExport),
    Decisions(DecisionsExport),
}

enum Format {
    Csv,
    Parquet(Box<Parquet>),
}

/// An export on its way.
struct Export {
    source: Source,
    /// None when the file has ended.
    format: Option<Format>,
    sink: Sink,
    _place: OwnedSemaphorePermit,
}

/// Ratings or decisions of a period as a file.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspace}/export/{file}",
    operation_id = "export",
    tag = "lists",
    params(
        ("workspace" = String, Path, description = "The workspace's id."),
        ("file" = String, Path, description = "`ratings.csv`, `ratings.parquet`, `decisions.csv` or `decisions.parquet`."),
        PeriodParameters,
        FilterParameters,
    ),
    responses(
        (status = 200, description = "The file.", content((String = "text/csv"), (Vec<u8> = "application/vnd.apache.parquet")),
         headers(("afterword-rows" = i64, description = "How many rows the file will have; those that come while it is made may be more."))),
        (status = 404, description = "No such file.", body = ProblemDocument, content_type = "application/problem+json"),
        ReadProblems,
    )
)]
pub async fn export(
    State(reports): State<Reports>,
    Path((workspace, file)): Path<(String, String)>,
    RawQuery(raw): RawQuery,
) -> Result<Response, Problem> {
    check_id("workspace", &workspace)?;
    let Some((what, kind)) = file.split_once('.').filter(|(what, kind)| {
        ["ratings", "decisions"].contains(what) && ["csv", "parquet"].contains(kind)
    }) else {
        let detail = "expected ratings.csv, ratings.parquet, decisions.csv or decisions.parquet";
        return Err(Problem::new(StatusCode::NOT_FOUND, detail));
    };
    if what == "decisions" {
        no_channel(raw.as_deref())?;
    }
    let query = Query::parse(raw.as_deref(), &["from", "to", "teammate", "channel"])?;
    let database = reports.database()?;
    let filter = query.filter(database, &workspace).await?;
    let place = std::sync::Arc::clone(&reports.places.exports);
    let Ok(place) = place.try_acquire_owned() else {
        let detail = "as many exports are made as there may be; ask again later";
        return Err(Problem::unavailable(detail, RETRY_AFTER_S));
    };
    let (source, rows, columns) = match what {
        "ratings" => {
            let export = database.export_ratings(&filter).await.map_err(failed)?;
            let rows = export.rows;
            (Source::Ratings(export), rows, table::RATINGS)
        }
        _ => {
            let export = database.export_decisions(&filter).await.map_err(failed)?;
            let rows = export.rows;
            (Source::Decisions(export), rows, table::DECISIONS)
        }
    };
    let export = Export::new(source, kind, columns, place).map_err(|error| {
        tracing::error!(%error, "an export could not be begun");
        Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "a fault of this program; its log says more",
        )
    })?;
    let name = format!(
        "attachment; filename=\"{what}-{}-{}.{kind}\"",
        filter.period.from, filter.period.to
    );
    Ok(answer(export, kind, rows, &name))
}

fn answer(export: Export, kind: &str, rows: i64, name: &str) -> Response {
    let chunks = unfold(export, async |mut export| {
        let chunk = export.chunk().await.transpose()?;
        Some((chunk, export))
    });
    let mut response = Body::from_stream(Box::pin(chunks)).into_response();
    let kind = match kind {
        "csv" => "text/csv; charset=utf-8",
        _ => "application/vnd.apache.parquet",
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(ROWS_HEADER, HeaderValue::from(rows));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(name) = HeaderValue::from_str(name) {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    response
}

impl Export {
    fn new(
        source: Source,
        kind: &str,
        columns: &'static [Column],
        place: OwnedSemaphorePermit,
    ) -> Result<Export, io::Error> {
        let mut sink = Sink::default();
        let format = match kind {
            "csv" => {
                let mut head = Vec::new();
                table::csv_head(columns, &mut head);
                io::Write::write_all(&mut sink, &head)?;
                Format::Csv
            }
            _ => Format::Parquet(Box::new(
                Parquet::new(columns, sink.clone()).map_err(io::Error::other)?,
            )),
        };
        Ok(Export {
            source,
            format: Some(format),
            sink,
            _place: place,
        })
    }

    /// The next bytes; None at the end. An error breaks the answer off, so that nobody takes a part for the whole.
    async fn chunk(&mut self) -> Result<Option<Vec<u8>>, io::Error> {
        loop {
            let Some(format) = self.format.take() else {
                return Ok(None);
            };
            self.format = self.advance(format).await.inspect_err(|error| {
                tracing::warn!(%error, "an export was broken off");
            })?;
            let bytes = self.sink.take();
            if !bytes.is_empty() {
                return Ok(Some(bytes));
            }
        }
    }

    async fn advance(&mut self, format: Format) -> Result<Option<Format>, io::Error> {
        match format {
            Format::Csv => {
                let Some(rows) = self.rows().await.map_err(io::Error::other)? else {
                    return Ok(None);
                };
                let mut lines = Vec::new();
                rows.iter().for_each(|row| table::csv_line(row, &mut lines));
                io::Write::write_all(&mut self.sink, &lines)?;
                Ok(Some(Format::Csv))
            }
            Format::Parquet(mut file) => {
                let mut group = Vec::new();
                while group.len() < GROUP_ROWS {
                    match self.rows().await.map_err(io::Error::other)? {
                        Some(rows) => group.extend(rows),
                        None => break,
                    }
                }
                let is_last = group.len() < GROUP_ROWS;
                if !group.is_empty() {
                    file.rows(&group).map_err(io::Error::other)?;
                }
                if is_last {
                    file.finish().map_err(io::Error::other)?;
                    return Ok(None);
                }
                Ok(Some(Format::Parquet(file)))
            }
        }
    }

    async fn rows(&mut self) -> Result<Option<Vec<Vec<Cell>>>, ReadModelError> {
        Ok(match &mut self.source {
            Source::Ratings(export) => {
                let page = export.page().await?;
                page.map(|page| page.into_iter().map(table::rating).collect())
            }
            Source::Decisions(export) => {
                let page = export.page().await?;
                page.map(|page| page.into_iter().map(table::decision).collect())
            }
        })
    }
}
