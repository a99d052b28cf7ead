//! Mails and webhooks of a service.

use std::sync::Arc;

use afterword_deliver::{DeliverMetrics, DeliverOptions, DeliverWatch, Deliverer, Look};
use afterword_link::Subject;
use afterword_readmodel::ReportDatabase;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::config::Config;
use crate::failure::Failure;
use crate::links;

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
        stop: watch::Receiver<bool>,
    ) -> Result<Delivering, Failure> {
        let keys = links::keys(config)?;
        let public_url = config.survey.public_url.clone();
        let link = move |workspace_id: &str, request_id: &str| {
            let token = keys.mint(&Subject {
                workspace_id: workspace_id.to_owned(),
                request_id: request_id.to_owned(),
            });
            format!("{public_url}/r/{token}")
        };
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
            link: Arc::new(link),
            look: Arc::new(look),
            mail: config.deliver.mail.clone(),
            endpoints: config.deliver.endpoints.clone(),
            max_age: config.deliver.max_age,
            keep: config.deliver.keep,
            pace: config.deliver.pace,
            metrics: Arc::clone(metrics),
        });
        let watch = deliverer.watch();
        let task = tokio::spawn(deliverer.run(stop));
        Ok(Delivering { watch, task })
    }

    /// Waits for its end, after `stop` became true.
    pub async fn end(self) {
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the deliverer ended");
        }
    }
}
