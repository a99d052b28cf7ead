//! The toy chat of the demo, beside the survey's pages.

use std::net::SocketAddr;
use std::sync::Arc;

use afterword_readmodel::ReportDatabase;
use afterword_web::demo::{self, DemoParts, Verify};
use afterword_web::{Gate, Router};

use super::health::Health;
use super::listeners::CALLS;
use crate::config::Config;

/// What the toy chat needs to know.
pub struct ToyChat {
    pub verify: Verify,
    pub workspace: &'static str,
}

impl ToyChat {
    /// The configuration with leave for the toy chat to show the survey, at the address that the survey listens on.
    #[must_use]
    pub fn allowed_by(config: &Config, survey: Option<SocketAddr>) -> Config {
        let mut config = config.clone();
        if let Some(address) = survey {
            let port = address.port();
            let origins = [
                format!("http://{address}"),
                format!("http://localhost:{port}"),
            ];
            config.survey.frame_ancestors.extend(origins);
        }
        config
    }

    pub(super) fn router(
        self,
        config: &Config,
        health: &Health,
        database: &ReportDatabase,
    ) -> Router {
        demo::router(DemoParts {
            log: Arc::clone(&health.log),
            schemas: Arc::clone(&health.schemas),
            database: database.clone(),
            gate: Gate::new(CALLS, config.request_timeout),
            verify: self.verify,
            workspace: self.workspace,
            public_url: config.survey.public_url.clone(),
        })
    }
}
