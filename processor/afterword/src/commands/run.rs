//! `afterword run`: the service.

use std::future::Future;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};

use super::configure;
use crate::cli::{Common, Role, Run};
use crate::config::Config;
use crate::failure::Failure;
use crate::service::{Roles, Service, drain};

/// Runs until it is told to stop, or drains.
///
/// # Errors
/// As [`Failure`] says.
pub fn execute(common: &Common, run: &Run) -> Result<(), Failure> {
    let roles = roles_of(run);
    let flags = [
        (
            "survey.listen",
            "--survey-listen",
            run.survey_listen.clone(),
        ),
        (
            "reports.listen",
            "--reports-listen",
            run.reports_listen.clone(),
        ),
        (
            "operations.listen",
            "--operations-listen",
            run.operations_listen.clone(),
        ),
    ];
    let config = configure(common, &flags)?;
    match run.drain {
        true => with_runtime(async {
            let summary = drain::run(&config, roles).await?;
            drain::print(&summary, run.json);
            Ok(())
        }),
        false => with_runtime(serve(&config, roles)),
    }
}

/// The roles that are asked for; all when none is named.
fn roles_of(run: &Run) -> Roles {
    let has = |role| run.roles.is_empty() || run.roles.contains(&role);
    Roles {
        process: has(Role::Process),
        project: has(Role::Project),
        survey: has(Role::Survey),
        report: has(Role::Report),
        deliver: has(Role::Deliver),
    }
}

/// Runs a future to its end on a runtime of its own.
///
/// # Errors
/// The future's, or that of making the runtime.
pub fn with_runtime<T>(future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime =
        Runtime::new().map_err(|error| Failure::while_doing("starting the runtime", error))?;
    let done = runtime.block_on(future);
    runtime.shutdown_timeout(Duration::from_secs(1));
    done
}

async fn serve(config: &Config, roles: Roles) -> Result<(), Failure> {
    let mut signals = Signals::new()?;
    let service = tokio::select! {
        started = Service::start(config, roles) => started?,
        () = signals.next() => {
            tracing::info!("stopped before everything had started");
            return Ok(());
        }
    };
    tracing::info!(
        data_dir = %config.data_dir.display(),
        survey = service.survey.map(tracing::field::display),
        reports = service.reports.map(tracing::field::display),
        operations = %service.operations,
        "the service runs"
    );
    signals.next().await;
    tracing::info!("stopping; a second signal ends at once");
    stop(service, config.stop_timeout, &mut signals).await?;
    tracing::info!("stopped");
    Ok(())
}

/// Stops the service, within its time, unless a second signal comes.
///
/// # Errors
/// When it did not end cleanly.
pub async fn stop(service: Service, limit: Duration, signals: &mut Signals) -> Result<(), Failure> {
    tokio::select! {
        stopped = tokio::time::timeout(limit, service.stop()) => stopped.unwrap_or_else(|_| {
            Err(Failure::Failed(format!(
                "the stop took longer than {} s (key stop_timeout_s) and was cut short; what was committed is safe, the rest is folded again",
                limit.as_secs()
            )))
        }),
        () = signals.next() => {
            Err(Failure::Failed("ended at once by a second signal; what was committed is safe, the rest is folded again".to_owned()))
        }
    }
}

/// SIGTERM and SIGINT.
pub struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    /// Takes the signals over: from now on they do not end the process by themselves.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn new() -> Result<Signals, Failure> {
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Returns when one came.
    pub async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
