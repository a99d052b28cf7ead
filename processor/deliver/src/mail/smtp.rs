//! One conversation with a mail server, command by command: who refuses at which of them says what to do about it.

use std::time::Duration;

use afterword_readmodel::DeliveryState;
use lettre::Address;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt, Rset};
use lettre::transport::smtp::extension::ClientId;

use tokio::sync::watch;

use super::compose::mailbox;
use crate::lane::Attempted;
use crate::options::MailOptions;

/// How the connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// TLS from the first byte (port 465).
    Tls,
    /// TLS after `STARTTLS`, without which nothing is sent (port 587).
    StartTls,
    /// None: for a server on this machine.
    None,
}

/// How far an attempt has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Connecting, logging in, naming the sender: all about us.
    Ours,
    Recipient,
    /// The mail is under way: who falls silent now may have taken it.
    Content,
}

/// A connection that is opened when it is needed.
pub struct Session {
    options: MailOptions,
    connection: Option<AsyncSmtpConnection>,
    stage: Stage,
}

impl Session {
    pub fn new(options: MailOptions) -> Session {
        Session {
            options,
            connection: None,
            stage: Stage::Ours,
        }
    }

    /// Sends one mail to one address. A service that stops waits for a slow server for some seconds only.
    pub async fn send(
        &mut self,
        message: &[u8],
        to: &Address,
        limit: Duration,
        stop: watch::Receiver<bool>,
    ) -> Attempted {
        self.stage = Stage::Ours;
        let transacting = tokio::time::timeout(limit, self.transact(message, to));
        let sent = tokio::select! {
            sent = transacting => sent,
            () = stopped(stop) => Ok(Err(Failure::Stopped)),
        };
        let attempted = match sent {
            Ok(Ok(())) => return Attempted::Final(DeliveryState::Sent, String::new()),
            Ok(Err(failure)) => self.judge(&failure),
            Err(_) => {
                let why = format!("no answer within {} s", limit.as_secs_f64());
                self.silent(why)
            }
        };
        self.tidy(&attempted).await;
        without_address(attempted, to)
    }

    /// Ends the conversation politely, if there is one.
    pub async fn quit(&mut self) {
        if let Some(mut connection) = self.connection.take() {
            let _ = tokio::time::timeout(Duration::from_secs(5), connection.quit()).await;
        }
    }

    async fn transact(&mut self, message: &[u8], to: &Address) -> Result<(), Failure> {
        let from = mailbox("deliver.from", &self.options.from).map_err(Failure::Ours)?;
        if self
            .connection
            .as_ref()
            .is_none_or(AsyncSmtpConnection::has_broken)
        {
            self.connection = Some(connect(&self.options).await?);
        }
        let Some(connection) = self.connection.as_mut() else {
            return Ok(());
        };
        connection
            .command(Mail::new(Some(from.email), vec![]))
            .await?;
        self.stage = Stage::Recipient;
        connection.command(Rcpt::new(to.clone(), vec![])).await?;
        connection.command(Data).await?;
        self.stage = Stage::Content;
        connection.message(message).await?;
        Ok(())
    }

    /// Whose fault it is. What the server says is kept; of ourselves it knows no password.
    fn judge(&self, failure: &Failure) -> Attempted {
        let error = match failure {
            Failure::Ours(why) => return Attempted::Unreachable(why.clone()),
            Failure::Stopped => return self.silent("the service stopped".to_owned()),
            Failure::Smtp(error) => error,
        };
        let detail = text_of(error);
        let Some(code) = error.status().map(u16::from) else {
            return self.silent(detail);
        };
        // It is closing, wants a login, or does not relay for us: that is about us, and the next mail would fare the same.
        let is_about_us = self.stage == Stage::Ours
            || matches!(code, 421 | 454 | 530 | 535)
            || detail.to_ascii_lowercase().contains("relay");
        match error.is_permanent() {
            _ if is_about_us => Attempted::Unreachable(detail),
            true => Attempted::Final(DeliveryState::Bounced, detail),
            false => Attempted::Again {
                detail,
                after: None,
            },
        }
    }

    /// The connection broke, or nobody answered. Once the mail is under way it may have been taken, so it is tried again
    /// later and later like what was refused for now, not at once.
    fn silent(&self, why: String) -> Attempted {
        match self.stage {
            Stage::Content => Attempted::Again {
                detail: format!("cut off while the mail was under way, it may have arrived: {why}"),
                after: None,
            },
            Stage::Ours | Stage::Recipient => Attempted::Unreachable(why),
        }
    }

    /// After a refusal the connection can go on; after anything else it is not trusted.
    async fn tidy(&mut self, attempted: &Attempted) {
        let may_go_on = !matches!(attempted, Attempted::Unreachable(_));
        let reset = async {
            match self.connection.as_mut().filter(|_| may_go_on) {
                Some(connection) => connection.command(Rset).await.is_ok(),
                None => false,
            }
        };
        let is_reset = tokio::time::timeout(Duration::from_secs(5), reset).await;
        if is_reset != Ok(true) {
            self.connection = None;
        }
    }
}

enum Failure {
    /// What we need for a conversation is not in order.
    Ours(String),
    Smtp(Error),
    /// It was time to stop.
    Stopped,
}

/// How long a server may still take when the service stops.
const LAST_ANSWER: Duration = Duration::from_secs(10);

async fn stopped(mut stop: watch::Receiver<bool>) {
    // A sender that is gone means the same.
    let _ = stop.wait_for(|stop| *stop).await;
    tokio::time::sleep(LAST_ANSWER).await;
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::Smtp(error)
    }
}

async fn connect(options: &MailOptions) -> Result<AsyncSmtpConnection, Failure> {
    let hello = ClientId::default();
    let server = (options.host.as_str(), options.port);
    let tls = match options.security {
        Security::Tls => Some(tls_of(options)?),
        Security::StartTls | Security::None => None,
    };
    let connecting = AsyncSmtpConnection::connect_tokio1(server, None, &hello, tls, None);
    let mut connection = connecting.await?;
    if options.security == Security::StartTls {
        connection.starttls(tls_of(options)?, &hello).await?;
    }
    if let Some((name, password)) = &options.credentials {
        let credentials = Credentials::new(name.clone(), password.clone());
        let mechanisms = [Mechanism::Plain, Mechanism::Login];
        connection.auth(&mechanisms, &credentials).await?;
    }
    Ok(connection)
}

fn tls_of(options: &MailOptions) -> Result<TlsParameters, Failure> {
    let mut builder = TlsParameters::builder(options.host.clone());
    if let Some(path) = &options.ca_file {
        let wrong = |error: String| Failure::Ours(format!("{}: {error}", path.display()));
        let pem = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
        let certificate = Certificate::from_pem(&pem).map_err(|error| wrong(error.to_string()))?;
        builder = builder.add_root_certificate(certificate);
    }
    builder.build_native().map_err(Failure::Smtp)
}

/// The error and what lies under it, which says most.
fn text_of(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let below = error.to_string();
        if !text.contains(&below) {
            text = format!("{text}: {below}");
        }
        cause = error.source();
    }
    text
}

/// Servers like to repeat the address that they refuse; it is not kept beside the request, and never logged.
fn without_address(attempted: Attempted, to: &Address) -> Attempted {
    let address = to.to_string().to_ascii_lowercase();
    let clean = |mut detail: String| {
        while let Some(at) = detail.to_ascii_lowercase().find(&address) {
            detail.replace_range(at..at + address.len(), "…");
        }
        detail
    };
    match attempted {
        Attempted::Final(state, detail) => Attempted::Final(state, clean(detail)),
        Attempted::Again { detail, after } => Attempted::Again {
            detail: clean(detail),
            after,
        },
        Attempted::Unreachable(detail) => Attempted::Unreachable(clean(detail)),
        Attempted::NoAddress => Attempted::NoAddress,
    }
}
