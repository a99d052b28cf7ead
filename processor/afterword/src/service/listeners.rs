//! The listeners of a service.

use std::net::SocketAddr;
use std::sync::Arc;

use afterword_readmodel::ReportDatabase;
use afterword_web::access::Access;
use afterword_web::internal::Internal;
use afterword_web::sources::Sources;
use afterword_web::{
    Gate, Limits, Look, Operations, Places, Reports, Router, Starting, SurveyParts, TraceParents,
    WorkspaceLook, WorkspaceLooks, bind, operations_router, reports_router, serve, starting_router,
    survey_router,
};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::Roles;
use super::file::ServiceFile;
use super::health::Health;
use super::toy::ToyChat;
use crate::checkpoint;
use crate::config::Config;
use crate::failure::Failure;
use crate::links;

/// Calls of the log at a time: appends and looks, stories, reads of other processes.
pub const CALLS: usize = 64;
const STORIES: usize = 2;
const READERS: usize = 32;

type Bound = (TcpListener, SocketAddr);

/// Bound, and not served yet.
pub struct Listeners {
    survey: Option<Bound>,
    reports: Option<Bound>,
    operations: Bound,
}

impl Listeners {
    /// Binds the addresses of the configuration.
    ///
    /// # Errors
    /// When one is taken.
    pub async fn bind(config: &Config, roles: Roles) -> Result<Listeners, Failure> {
        let survey = match roles.survey {
            true => {
                let address = config.survey.listen;
                Some(listen(address, "survey.listen", "--survey-listen").await?)
            }
            false => None,
        };
        let reports = match roles.report {
            true => {
                let address = config.reports_listen;
                Some(listen(address, "reports.listen", "--reports-listen").await?)
            }
            false => None,
        };
        let address = config.operations_listen;
        let operations = listen(address, "operations.listen", "--operations-listen").await?;
        Ok(Listeners {
            survey,
            reports,
            operations,
        })
    }

    /// The address of the customers' pages, where they are served.
    #[must_use]
    pub fn survey(&self) -> Option<SocketAddr> {
        self.survey.as_ref().map(|(_, address)| *address)
    }

    /// What other processes should know, with a new token.
    #[must_use]
    pub fn file(&self) -> ServiceFile {
        let half = || uuid::Uuid::new_v4().simple();
        ServiceFile {
            pid: std::process::id(),
            reports: self.reports.as_ref().map(|(_, address)| *address),
            survey: self.survey(),
            operations: self.operations.1,
            token: format!("{}{}", half(), half()),
        }
    }

    /// Serves until `stop` becomes true: at first only that the service is starting.
    #[must_use]
    pub fn serve(
        self,
        config: &Config,
        starting: &Starting,
        stop: &watch::Receiver<bool>,
    ) -> Serving {
        let mut tasks = Vec::new();
        let mut start = |listener| {
            let (router, served) = watch::channel(starting_router(starting));
            let serving = serve(listener, served, limits(config), stop.clone());
            tasks.push(tokio::spawn(serving));
            router
        };
        Serving {
            survey: self.survey.map(|(listener, _)| start(listener)),
            reports: self.reports.map(|(listener, _)| start(listener)),
            operations: start(self.operations.0),
            tasks,
            stop: stop.clone(),
        }
    }
}

/// Listeners that are served.
pub struct Serving {
    survey: Option<watch::Sender<Router>>,
    reports: Option<watch::Sender<Router>>,
    operations: watch::Sender<Router>,
    pub tasks: Vec<JoinHandle<()>>,
    stop: watch::Receiver<bool>,
}

impl Serving {
    /// The service has begun: from now on all of it is served.
    ///
    /// # Errors
    /// When the keys of links cannot be had.
    pub fn begin(
        &self,
        config: &Config,
        health: &Health,
        token: &str,
        access: Option<Access>,
        toy: Option<ToyChat>,
    ) -> Result<(), Failure> {
        if let (Some(survey), Some(database)) = (&self.survey, &health.database) {
            let mut parts = survey_parts(config, health, database)?;
            if let Some(toy) = toy {
                parts.beside = toy.router(config, health, database);
            }
            let router = survey_router(parts);
            survey.send_modify(|served| *served = router);
        }
        if let (Some(reports), Some(access)) = (&self.reports, access) {
            let router = reports_router(reports_state(config, health, &self.stop, access));
            reports.send_modify(|served| *served = router);
        }
        let operations = operations_state(config, health);
        let internal = internal_state(config, health, token);
        let router = operations_router(operations, internal);
        self.operations.send_modify(|served| *served = router);
        Ok(())
    }
}

async fn listen(
    address: SocketAddr,
    key: &str,
    flag: &str,
) -> Result<(TcpListener, SocketAddr), Failure> {
    bind(address).await.map_err(|error| {
        Failure::Failed(format!("{error}; end what listens there, or choose another address with {flag} (key {key}); port 0 takes a free one"))
    })
}

fn limits(config: &Config) -> Limits {
    Limits {
        connections: config.connections,
        head_timeout: config.request_timeout,
        stop_timeout: config.stop_timeout / 2,
    }
}

/// Those of the workspaces that are named in the configuration, for their managers.
fn workspace_looks(config: &Config) -> WorkspaceLooks {
    let looks = config.workspaces.iter().map(|(id, look)| {
        let look = WorkspaceLook {
            name: look.name.clone(),
            colour: look.colour.clone(),
            conversation_url: look.conversation_url.clone(),
        };
        (id.clone(), look)
    });
    looks.collect()
}

fn reports_state(
    config: &Config,
    health: &Health,
    stop: &watch::Receiver<bool>,
    access: Access,
) -> Reports {
    let sources = Sources::new(config.sources.clone(), Arc::clone(&health.metrics.sources));
    Reports {
        log: Arc::clone(&health.log),
        schemas: Arc::clone(&health.schemas),
        database: health.database.clone(),
        gate: Gate::new(CALLS, config.request_timeout),
        stories: Gate::new(STORIES, config.request_timeout),
        body_limit_bytes: config.body_limit_bytes,
        body_timeout: config.request_timeout,
        metrics: Arc::clone(&health.metrics.http),
        stop: stop.clone(),
        places: Places::default(),
        access,
        looks: Arc::new(workspace_looks(config)),
        sources: Arc::new(sources),
        trace_parents: match config.telemetry {
            Some(_) => TraceParents::Taken,
            None => TraceParents::Ignored,
        },
    }
}

fn survey_parts(
    config: &Config,
    health: &Health,
    database: &ReportDatabase,
) -> Result<SurveyParts, Failure> {
    let look = |id: &String| {
        let look = config.look(id);
        Look {
            name: look.name,
            colour: look.colour,
            locale: look.locale,
        }
    };
    Ok(SurveyParts {
        log: Arc::clone(&health.log),
        schemas: Arc::clone(&health.schemas),
        database: database.clone(),
        gate: Gate::new(CALLS, config.request_timeout),
        keys: links::keys(config)?,
        looks: config
            .workspaces
            .keys()
            .map(|id| (id.clone(), look(id)))
            .collect(),
        outcome_timeout: config.survey.outcome_timeout,
        body_timeout: config.request_timeout,
        link_posts: config.survey.link_posts_a_minute,
        address_requests: config.survey.address_requests_a_minute,
        trusted_proxies: config.survey.trusted_proxies.clone(),
        frame_ancestors: config.survey.frame_ancestors.clone(),
        beside: Router::new(),
        metrics: Arc::clone(&health.metrics.survey),
        http: Arc::clone(&health.metrics.http),
    })
}

fn operations_state(config: &Config, health: &Health) -> Operations {
    let (refreshed, asked) = (health.clone(), health.clone());
    Operations {
        registry: health.metrics.registry.clone(),
        refresh: Arc::new(move || refreshed.refresh()),
        readiness: Arc::new(move || asked.readiness()),
        gate: Gate::new(CALLS / 8, config.request_timeout),
        metrics: Arc::clone(&health.metrics.http),
    }
}

fn internal_state(config: &Config, health: &Health, token: &str) -> Internal {
    Internal {
        log: Arc::clone(&health.log),
        checkpoint: checkpoint::of(&health.opened, &config.data_dir),
        gate: Gate::new(CALLS / 4, config.request_timeout),
        readers: Gate::new(READERS, config.request_timeout),
        token: token.into(),
    }
}
