//! The toy chat of the demo, beside the survey's pages.

use std::net::SocketAddr;
use std::sync::Arc;

use afterword_deliver::{Endpoint, Secret};
use afterword_link::LinkKeys;
use afterword_readmodel::ReportDatabase;
use afterword_web::demo::{self, DemoParts};
use afterword_web::{Gate, Router};

use super::health::Health;
use super::listeners::CALLS;
use crate::config::{Config, WorkspaceLook};
use crate::failure::Failure;

/// Requests in a minute that the survey takes in the demo, where pages look every second and webhooks come from the same address.
const REQUESTS_A_MINUTE: u32 = 100_000;

/// How its page calls the workspace, where the configuration does not say.
const NAME: &str = "Acme";

/// What the toy chat needs to know.
pub struct ToyChat {
    secret: Secret,
    workspace: &'static str,
}

impl ToyChat {
    /// A chat of this workspace, with a new secret for its webhooks.
    ///
    /// # Errors
    /// Never, as long as a new key is as long as a secret must be.
    pub fn new(workspace: &'static str) -> Result<ToyChat, Failure> {
        let secret = Secret::parse(&format!("whsec_{}", LinkKeys::generate()));
        let secret = secret.map_err(|error| Failure::while_doing("making a secret", error))?;
        Ok(ToyChat { secret, workspace })
    }

    /// The configuration with what the toy chat needs: webhooks to its backend, and leave to show the survey.
    #[must_use]
    pub fn allowed_by(&self, config: &Config, survey: Option<SocketAddr>) -> Config {
        let mut config = config.clone();
        let look = WorkspaceLook {
            name: NAME.to_owned(),
            ..config.look(self.workspace)
        };
        let looks = &mut config.workspaces;
        looks.entry(self.workspace.to_owned()).or_insert(look);
        if let Some(address) = survey {
            let port = address.port();
            let origins = [
                format!("http://{address}"),
                format!("http://localhost:{port}"),
            ];
            config.survey.frame_ancestors.extend(origins);
            config.survey.address_requests_a_minute = REQUESTS_A_MINUTE;
            config.deliver.endpoints.push(Endpoint {
                name: "demo".to_owned(),
                url: format!("http://{address}{}", demo::WEBHOOK_PATH),
                secrets: vec![self.secret.clone()],
                workspaces: vec![self.workspace.to_owned()],
                events: Vec::new(),
            });
        }
        config
    }

    pub(super) fn router(
        self,
        config: &Config,
        health: &Health,
        database: &ReportDatabase,
    ) -> Router {
        let secret = self.secret;
        demo::router(DemoParts {
            log: Arc::clone(&health.log),
            schemas: Arc::clone(&health.schemas),
            database: database.clone(),
            gate: Gate::new(CALLS, config.request_timeout),
            verify: Arc::new(move |id, timestamp_s, signatures, body| {
                secret.signed(id, timestamp_s, body, signatures)
            }),
            workspace: self.workspace,
            public_url: config.survey.public_url.clone(),
        })
    }
}
