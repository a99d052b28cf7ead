//! Who may see reports: the accounts' database, opened before anything of them is served.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use afterword_readmodel::{ConfiguredAccount, ReadModelError, ReportDatabase};
use afterword_web::Starting;
use afterword_web::access::{Access, AccessMetrics};

use super::{Roles, projecting};
use crate::config::Config;
use crate::failure::Failure;

const BETWEEN_TRIES: Duration = Duration::from_secs(1);

/// The accounts of a process with the role `report`. Connections of its own, so that signing in waits for no report.
pub struct Guarding {
    database: ReportDatabase,
}

impl Guarding {
    /// The accounts, with the role `report`.
    ///
    /// # Errors
    /// As [`Guarding::open`].
    pub async fn of(
        config: &Config,
        roles: Roles,
        starting: &Starting,
    ) -> Result<Option<Guarding>, Failure> {
        match roles.report {
            true => Guarding::open(config, starting).await.map(Some),
            false => Ok(None),
        }
    }

    /// Opens the accounts and makes those of the configuration what it says; while the database's server does not answer it is
    /// waited for.
    ///
    /// # Errors
    /// When others than this machine would reach the reports, and nobody has an account.
    async fn open(config: &Config, starting: &Starting) -> Result<Guarding, Failure> {
        let database = loop {
            match prepared(config).await {
                Ok(database) => break database,
                Err(ReadModelError::Wait(reason)) => {
                    starting.waits(format!("the accounts: {reason}"));
                    tokio::time::sleep(BETWEEN_TRIES).await;
                }
                Err(error) => return Err(failed(error)),
            }
        };
        let faults = faults(config, database.is_guarded().await.map_err(failed)?);
        match faults.is_empty() {
            true => Ok(Guarding { database }),
            false => {
                database.close().await;
                Err(Failure::Configuration(faults))
            }
        }
    }

    /// What the layer of rights needs.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn access(
        this: Option<&Guarding>,
        config: &Config,
        metrics: &Arc<AccessMetrics>,
    ) -> Result<Option<Access>, Failure> {
        let Some(Guarding { database }) = this else {
            return Ok(None);
        };
        let (database, metrics) = (database.clone(), Arc::clone(metrics));
        let access = Access::new(database, config.access_options(), metrics);
        access.map(Some).map_err(Failure::Failed)
    }

    /// Closes it.
    pub async fn close(self) {
        self.database.close().await;
    }
}

fn failed(error: ReadModelError) -> Failure {
    Failure::while_doing("opening the accounts in the report database", error)
}

async fn prepared(config: &Config) -> Result<ReportDatabase, ReadModelError> {
    let database = projecting::database(config).await?;
    let named = config.access.accounts.iter();
    let named: Vec<_> = named
        .map(|named| ConfiguredAccount {
            account_id: uuid::Uuid::new_v4().to_string(),
            name: named.name.clone(),
            password_hash: named.password_hash.clone(),
            grants: named.grants.clone(),
        })
        .collect();
    let now_ms = afterword_web::now_ms();
    match database.configure_accounts(&named, now_ms).await {
        Ok(()) => Ok(database),
        Err(error) => {
            database.close().await;
            Err(error)
        }
    }
}

/// Why reports may not be listened for at this address.
fn faults(config: &Config, is_guarded: bool) -> Vec<String> {
    let address: SocketAddr = config.reports_listen;
    if address.ip().is_loopback() {
        return Vec::new();
    }
    let mut faults = Vec::new();
    if !is_guarded {
        faults.push(format!(
            "`reports.listen` is {address}, which others than this machine reach: expected an account, found none; `afterword accounts invite NAME --manager` with this configuration makes a link for the first one, or name one in [accounts.NAME], or listen on 127.0.0.1"
        ));
    }
    if config.access.public_origin.is_none() {
        faults.push(format!(
            "`reports.listen` is {address}, which others than this machine reach: expected `reports.public_url`, found none; set it to where people reach the reports, such as https://ratings.example.com (a proxy does TLS), or listen on 127.0.0.1"
        ));
    }
    faults
}
