//! `/{workspace}/changes`: a stream of server-sent events, one whenever something of the workspace has changed. What changed is
//! not in it: the page that listens loads itself again and puts in what is new, without moving what is being read.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::request::Parts;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use tokio::sync::OwnedSemaphorePermit;

use super::Pages;
use super::fault::Fault;
use super::visitor::visitor;

/// Between two looks at the database.
const LOOK: Duration = Duration::from_secs(1);

/// A comment is sent so often, so that nobody on the way thinks the stream dead.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

struct Listening {
    pages: Pages,
    workspace_id: String,
    known: Option<String>,
    _place: OwnedSemaphorePermit,
}

/// The stream. It begins with the present state.
pub async fn get(
    State(pages): State<Pages>,
    Path(workspace): Path<String>,
    parts: Parts,
) -> Result<Response, Fault> {
    visitor(&parts, &workspace)?;
    let place = std::sync::Arc::clone(&pages.streams).try_acquire_owned();
    let place =
        place.map_err(|_| Fault::Unavailable("Too many pages listen for changes.".to_owned()))?;
    let listening = Listening {
        pages,
        workspace_id: workspace,
        known: None,
        _place: place,
    };
    let events = stream::unfold(listening, |mut listening| async move {
        let event = listening.next().await?;
        Some((Ok::<_, Infallible>(event), listening))
    });
    Ok(Sse::new(events)
        .keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
        .into_response())
}

impl Listening {
    /// The next change; none when the service stops.
    async fn next(&mut self) -> Option<Event> {
        let mut stop = self.pages.stop.clone();
        loop {
            let state = self.pages.database.state(&self.workspace_id).await.ok();
            if state.is_some() && state != self.known {
                self.known.clone_from(&state);
                return Some(
                    Event::default()
                        .event("state")
                        .data(state.unwrap_or_default()),
                );
            }
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return None,
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }
}
