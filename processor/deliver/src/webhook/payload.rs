//! What a webhook says: `type`, `timestamp` and `data`, the same bytes in every attempt.

use afterword_readmodel::{Claim, EventKind, ReadModelError, Source};
use afterword_schemas::json;
use afterword_schemas::records::Timestamp;

use crate::options::DeliverOptions;

/// The body of a delivery's message; none when what it tells of is not there.
///
/// # Errors
/// When the report database cannot be read.
pub async fn of(options: &DeliverOptions, claim: &Claim) -> Result<Option<String>, ReadModelError> {
    let database = &options.database;
    let mut data = Vec::new();
    let at = match claim.event() {
        EventKind::RatingRequested => {
            let Some(asked) = database.asked(&claim.request_id).await? else {
                return Ok(None);
            };
            let source = asked.source.as_ref().map(source);
            json::write(&asked.requested, source.as_ref(), &mut data);
            let link = (options.link)(&claim.workspace_id, &claim.request_id);
            add_link(&mut data, &link);
            asked.requested.requested_at
        }
        EventKind::RatingSubmitted => {
            let submission = database.submission(&claim.request_id, claim.revision);
            let Some((submitted, from)) = submission.await? else {
                return Ok(None);
            };
            json::write(&submitted, Some(&source(&from)), &mut data);
            submitted.submitted_at
        }
    };
    Ok(Some(envelope(claim.event(), at, &data)))
}

fn source(source: &Source) -> json::Source<'static> {
    json::Source {
        topic: source.topic,
        partition: i32::try_from(source.partition).unwrap_or(i32::MAX),
        offset: i64::try_from(source.offset).unwrap_or(i64::MAX),
        index: Some(source.index),
    }
}

/// One member more, at the end of an object. An address of ours has nothing in it that JSON escapes.
fn add_link(object: &mut Vec<u8>, link: &str) {
    let escaped = link.replace('\\', "\\\\").replace('"', "\\\"");
    if object.pop() == Some(b'}') {
        object.extend_from_slice(format!(",\"link\":\"{escaped}\"}}").as_bytes());
    }
}

fn envelope(event: EventKind, at: Timestamp, data: &[u8]) -> String {
    let mut time = Vec::new();
    json::write_time(at, &mut time);
    let (time, data) = (
        String::from_utf8_lossy(&time),
        String::from_utf8_lossy(data),
    );
    format!(
        "{{\"type\":\"{}\",\"timestamp\":{time},\"data\":{data}}}",
        event.name()
    )
}
