//! Blocking calls of the log from async code: a bounded number at a time, each with a limit.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::problem::Problem;

/// Lets so many blocking calls run at once; others wait, and not for ever.
#[derive(Clone, Debug)]
pub struct Gate {
    permits: Arc<Semaphore>,
    limit: Duration,
}

impl Gate {
    /// At most `calls` at a time, and `limit` for waiting and for the call, each.
    #[must_use]
    pub fn new(calls: usize, limit: Duration) -> Gate {
        Gate {
            permits: Arc::new(Semaphore::new(calls)),
            limit,
        }
    }

    /// Runs the call on a thread that may block.
    ///
    /// # Errors
    /// 503 when its turn does not come in time or it takes too long (it may then still be done), 500 when it panics.
    pub async fn run<T, F>(&self, call: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        let permit =
            tokio::time::timeout(self.limit, Arc::clone(&self.permits).acquire_owned()).await;
        let Ok(Ok(permit)) = permit else {
            return Err(Problem::unavailable(
                "too many requests wait for the log; try again",
                1,
            ));
        };
        let task = tokio::task::spawn_blocking(move || {
            let answer = call();
            drop(permit);
            answer
        });
        match tokio::time::timeout(self.limit, task).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => {
                tracing::error!(%error, "a request's call of the log panicked");
                let status = axum::http::StatusCode::INTERNAL_SERVER_ERROR;
                Err(Problem::new(
                    status,
                    "a fault of this program; its log says more",
                ))
            }
            Err(_) => Err(Problem::unavailable(
                "the log did not answer in time: what was sent may be durable or not; sending it again is harmless",
                1,
            )),
        }
    }
}
