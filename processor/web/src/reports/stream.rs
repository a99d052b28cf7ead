//! `heart/stream`: happy comments as they arrive, as server-sent events.
//!
//! Each event is a rating as `heart` lists it, under the name `comment`; its id is where it stands, and a client that comes back
//! with it as `Last-Event-ID` gets what came since. A stream looks for new ones when the report database has moved; comments that
//! are projected late are sent too, as long as they are among the latest.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use afterword_readmodel::figures::{Cursor, HeartFilter, Rating};
use afterword_readmodel::{ReadModelError, ReportDatabase};
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::unfold;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{Instant, sleep};

use super::Reports;
use super::answer::{ReadProblems, failed};
use super::parameters::{FilterParameters, Query, check_id};
use crate::problem::Problem;

/// Between two looks.
const INTERVAL: Duration = Duration::from_millis(500);
/// A stream ends after it, and the client comes back by itself: so that none lasts for ever.
const LONGEST: Duration = Duration::from_secs(3_600);
/// Comments looked at each time, and so the most that a client that comes back is sent.
const LATEST: usize = 100;
const KEEP_ALIVE: Duration = Duration::from_secs(15);
const RETRY_AFTER_S: u32 = 10;

/// One client's stream.
struct Stream {
    database: ReportDatabase,
    filter: HeartFilter,
    /// What has been sent, or was there before: the latest, by id.
    known: VecDeque<String>,
    waiting: VecDeque<Rating>,
    state: String,
    until: Instant,
    stop: watch::Receiver<bool>,
    _place: OwnedSemaphorePermit,
}

/// Happy comments as they arrive. With `Last-Event-ID` at first those since that event, at most 100.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspace}/heart/stream",
    operation_id = "heart_stream",
    tag = "lists",
    params(
        ("workspace" = String, Path, description = "The workspace's id."),
        FilterParameters,
        ("Last-Event-ID" = Option<String>, Header, nullable = false, description = "The id of the last event that the client has."),
    ),
    responses(
        (status = 200, description = "Events named `comment`, each with a rating as `heart` lists it.", body = String, content_type = "text/event-stream"),
        ReadProblems,
    )
)]
pub async fn heart_stream(
    State(reports): State<Reports>,
    Path(workspace): Path<String>,
    RawQuery(raw): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    check_id("workspace", &workspace)?;
    let query = Query::parse(raw.as_deref(), &["teammate", "channel"])?;
    let filter = HeartFilter {
        workspace_id: workspace,
        teammate_id: query.teammate()?,
        channel: query.channel()?,
    };
    let last = last_event(&headers)?;
    let place = std::sync::Arc::clone(&reports.places.streams);
    let Ok(place) = place.try_acquire_owned() else {
        let detail = "as many streams are open as there may be; ask again later";
        return Err(Problem::unavailable(detail, RETRY_AFTER_S));
    };
    let mut stream = Stream {
        database: reports.database()?.clone(),
        filter,
        known: VecDeque::new(),
        waiting: VecDeque::new(),
        state: String::new(),
        until: Instant::now() + LONGEST,
        stop: reports.stop.clone(),
        _place: place,
    };
    stream.begin(last.as_ref()).await.map_err(failed)?;
    let events = unfold(stream, async |mut stream| {
        let event = stream.next().await?;
        Some((Ok::<_, Infallible>(event), stream))
    });
    let events = Sse::new(Box::pin(events)).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    let mut response = events.into_response();
    let uncached = HeaderValue::from_static("no-store");
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, uncached);
    Ok(response)
}

fn last_event(headers: &HeaderMap) -> Result<Option<Cursor>, Problem> {
    let Some(id) = headers.get("last-event-id").filter(|id| !id.is_empty()) else {
        return Ok(None);
    };
    let cursor = id.to_str().ok().and_then(|id| Cursor::decode(id).ok());
    let wrong = || {
        let detail = "Last-Event-ID: expected the id of an event of this stream";
        Problem::new(StatusCode::BAD_REQUEST, detail)
    };
    cursor.map(Some).ok_or_else(wrong)
}

impl Stream {
    /// What is there already is known, or where the client says what it has, what came up to that.
    async fn begin(&mut self, last: Option<&Cursor>) -> Result<(), ReadModelError> {
        self.state = self.database.state(&self.filter.workspace_id).await?;
        let latest = self
            .database
            .hearts(&self.filter, None, LATEST)
            .await?
            .entries;
        for rating in latest.into_iter().rev() {
            self.known.push_back(rating.request_id.clone());
            if last.is_some_and(|last| rating.is_later_than(last)) {
                self.waiting.push_back(rating);
            }
        }
        Ok(())
    }

    /// The next event; None when the stream ends.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(rating) = self.waiting.pop_front() {
                let id = rating.cursor().encode();
                let event = Event::default().event("comment").id(id);
                return event.json_data(&rating).ok();
            }
            if Instant::now() >= self.until {
                return None;
            }
            tokio::select! {
                _ = self.stop.wait_for(|stop| *stop) => return None,
                () = sleep(INTERVAL) => {}
            }
            // What cannot be read now is read later.
            if let Err(error) = self.look().await {
                tracing::debug!(%error, "the heart's stream waits for the report database");
            }
        }
    }

    async fn look(&mut self) -> Result<(), ReadModelError> {
        let state = self.database.state(&self.filter.workspace_id).await?;
        if state == self.state {
            return Ok(());
        }
        let latest = self
            .database
            .hearts(&self.filter, None, LATEST)
            .await?
            .entries;
        self.state = state;
        for rating in latest.into_iter().rev() {
            if self.known.contains(&rating.request_id) {
                continue;
            }
            self.known.push_back(rating.request_id.clone());
            if self.known.len() > 2 * LATEST {
                self.known.pop_front();
            }
            self.waiting.push_back(rating);
        }
        Ok(())
    }
}
