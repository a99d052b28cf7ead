//! Mails and webhooks of a service.

use std::sync::Arc;

use afterword_deliver::{DeliverMetrics, DeliverOptions, DeliverWatch, Deliverer, Look};
use afterword_link::Subject;
use afterword_readmodel::ReportDatabase;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::Roles;
use crate::config::{Config, LogKind};
use crate::failure::Failure;
use crate::links;

type Link = dyn Fn(&str, &str) -> String + Send + Sync;

/// What makes links. Where nothing is sent, no keys are needed.
fn link(config: &Config) -> Result<Arc<Link>, Failure> {
    if config.deliver.mail.is_none() && config.deliver.endpoints.is_empty() {
        return Ok(Arc::new(|_, _| String::new()));
    }
    let keys = links::keys(config)?;
    let public_url = config.survey.public_url.clone();
    Ok(Arc::new(move |workspace_id, request_id| {
        let token = keys.mint(&Subject {
            workspace_id: workspace_id.to_owned(),
            request_id: request_id.to_owned(),
        });
        format!("{public_url}/r/{token}")
    }))
}

/// Whether this process can see the report database at all: on Kafka, a file here is another process's only when that
/// projects into it.
///
/// # Errors
/// When it would deliver from an empty one.
pub fn check(config: &Config, roles: Roles) -> Result<(), Failure> {
    let is_alone = config.log == LogKind::Kafka && config.database_url.is_none() && !roles.project;
    match roles.deliver && is_alone {
        true => Err(Failure::Configuration(vec![
            "`reports.database_url`: the role deliver without the role project needs the database that others project into, \
             found none; set it to postgres://…, everywhere alike"
                .to_owned(),
        ])),
        false => Ok(()),
    }
}

/// A deliverer at work.
pub struct Delivering {
    pub watch: DeliverWatch,
    task: JoinHandle<()>,
}

impl Delivering {
    /// Delivers from this database until `stop` becomes true.
    ///
    /// # Errors
    /// When the keys of links cannot be had.
    pub fn start(
        config: &Config,
        database: ReportDatabase,
        metrics: &Arc<DeliverMetrics>,
        stop: &watch::Receiver<bool>,
    ) -> Result<Delivering, Failure> {
        let looks = config.clone();
        let look = move |workspace_id: &str| {
            let look = looks.look(workspace_id);
            Look {
                name: look.name,
                colour: look.colour,
                locale: look.locale,
            }
        };
        let deliverer = Deliverer::new(DeliverOptions {
            database,
            link: link(config)?,
            look: Arc::new(look),
            mail: config.deliver.mail.clone(),
            endpoints: config.deliver.endpoints.clone(),
            max_age: config.deliver.max_age,
            keep: config.deliver.keep,
            pace: config.deliver.pace,
            metrics: Arc::clone(metrics),
        });
        let watch = deliverer.watch();
        let task = tokio::spawn(deliverer.run(stop.clone()));
        Ok(Delivering { watch, task })
    }

    /// Waits for its end, after `stop` became true.
    pub async fn end(self) {
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the deliverer ended");
        }
    }
}
