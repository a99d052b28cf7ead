//! The lane of mails: one request, one mail.

mod compose;
mod smtp;

use std::time::Instant;

use afterword_readmodel::{Asked, Claim, Contact, DeliveryState, ReadModelError, is_email};
use lettre::Address;
use lettre::message::Mailbox;

use crate::lane::{Attempted, Batch, LaneLoop};
use crate::options::MailOptions;
use compose::Letter;
pub use smtp::Security;
use smtp::Session;

/// Whether a configured address can be used.
///
/// # Errors
/// With the key, and what was expected.
pub fn check_mailbox(key: &str, text: &str) -> Result<(), String> {
    compose::mailbox(key, text).map(drop)
}

/// Mails that one claim takes, sent one after the other over one connection.
const AT_ONCE: u32 = 20;

/// Sends mails until it is time to stop.
pub async fn run(mut lane: LaneLoop, mail: MailOptions) {
    let mut session = Session::new(mail.clone());
    while let Some(batch) = lane.next(AT_ONCE).await {
        send_all(&mut lane, &mail, &mut session, batch).await;
        // Nobody waits at the other end of a connection that nobody uses.
        session.quit().await;
    }
}

async fn send_all(lane: &mut LaneLoop, mail: &MailOptions, session: &mut Session, batch: Batch) {
    for (index, claim) in batch.claims.iter().enumerate() {
        if lane.is_stopped() || !batch.has_time(lane.options.pace.claim) {
            let rest = &batch.claims[index..];
            return lane.release(rest, std::time::Duration::ZERO).await;
        }
        let began = Instant::now();
        let attempted = attempt(lane, mail, session, claim).await;
        let seconds = began.elapsed().as_secs_f64();
        if let Some(pause) = lane.settle(claim, attempted, seconds).await {
            lane.release(&batch.claims[index + 1..], pause).await;
            return lane.sleep(pause).await;
        }
    }
}

async fn attempt(
    lane: &LaneLoop,
    mail: &MailOptions,
    session: &mut Session,
    claim: &Claim,
) -> Attempted {
    let again = |detail: String| Attempted::Again {
        detail,
        after: None,
    };
    let (asked, contact) = match known(lane, claim).await {
        Ok(known) => known,
        Err(error) => return again(format!("the report database: {error}")),
    };
    let Some(asked) = asked else {
        let why = "its request is not in the report database";
        return Attempted::Final(DeliveryState::Failed, why.to_owned());
    };
    if asked.is_answered {
        return Attempted::Final(DeliveryState::Answered, String::new());
    }
    if contact.as_ref().is_some_and(|contact| !contact.wants_mail) {
        return Attempted::Final(DeliveryState::OptedOut, String::new());
    }
    let Some(to) = recipient(&asked, contact.as_ref()) else {
        return Attempted::NoAddress;
    };
    let letter = Letter {
        asked,
        contact,
        to: to.clone(),
        look: (lane.options.look)(&claim.workspace_id),
        link: (lane.options.link)(&claim.workspace_id, &claim.request_id),
    };
    let options = mail.clone();
    // It computes for a while; and should it panic over a text, then over this one alone.
    let composing = tokio::task::spawn_blocking(move || letter.compose(&options));
    match composing
        .await
        .unwrap_or_else(|error| Err(error.to_string()))
    {
        Ok(message) => {
            let (limit, stop) = (lane.attempt_limit(), lane.stop.clone());
            session.send(&message, &to.email, limit, stop).await
        }

        // The same again would fail the same way.
        Err(error) => Attempted::Final(DeliveryState::Failed, error),
    }
}

async fn known(
    lane: &LaneLoop,
    claim: &Claim,
) -> Result<(Option<Asked>, Option<Contact>), ReadModelError> {
    let database = &lane.options.database;
    let asked = database.asked(&claim.request_id).await?;
    let contact = database.contact(&claim.workspace_id, &claim.customer_id);
    Ok((asked, contact.await?))
}

/// Where the customer reads: as the directory says, or at the id when that is an address.
fn recipient(asked: &Asked, contact: Option<&Contact>) -> Option<Mailbox> {
    let known = contact.and_then(|contact| contact.email.as_deref());
    let id = Some(asked.requested.customer.id.as_str()).filter(|id| is_email(id));
    let address: Address = known.or(id)?.parse().ok()?;
    let name = contact.and_then(|contact| contact.name.clone());
    Some(Mailbox::new(name, address))
}
