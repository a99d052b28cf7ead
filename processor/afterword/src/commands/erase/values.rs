//! Reading values, as far as an erasure needs it.

use afterword_domain::Conversation;
use afterword_log::{LogError, Reader, Topic};
use afterword_schemas::SchemaStore;
use afterword_schemas::records::{Output, RatingRequested, RatingSubmitted};

use super::search::LEAST_BYTES;

/// A request or a submission.
pub fn decode_output(store: &SchemaStore, topic: Topic, value: &[u8]) -> Option<Output> {
    match topic {
        Topic::RatingRequested => {
            let requested = store.decode::<RatingRequested>(value).ok()?;
            Some(Output::RatingRequested(requested))
        }
        Topic::RatingSubmitted => {
            let submitted = store.decode::<RatingSubmitted>(value).ok()?;
            Some(Output::RatingSubmitted(submitted))
        }
        _ => None,
    }
}

/// A stored state: up to which fact it is, and the conversation.
///
/// # Errors
/// [`LogError::Stop`] when it cannot be read.
pub fn decode_state(key: &[u8], value: &[u8]) -> Result<(u64, Conversation), LogError> {
    let unreadable = |error: &dyn std::fmt::Display| {
        let key = String::from_utf8_lossy(key).replace('\0', "/");
        LogError::Stop(format!("the stored state of {key} cannot be read: {error}"))
    };
    let mut reader = Reader::new(value);
    let applied = reader.varint().map_err(|error| unreadable(&error))?;
    let conversation = Conversation::decode(&value[reader.position()..]);
    Ok((applied, conversation.map_err(|error| unreadable(&error))?))
}

/// Whether bytes that cannot be decoded say this id. A short one counts only as Avro or JSON would write it.
pub fn says(bytes: &[u8], id: &str) -> bool {
    let has = |wanted: &[u8]| bytes.windows(wanted.len()).any(|window| window == wanted);
    if id.is_empty() || bytes.len() < id.len() {
        return false;
    }
    if id.len() >= LEAST_BYTES {
        return has(id.as_bytes());
    }
    let mut avro = vec![(id.len() as u8) << 1];
    avro.extend_from_slice(id.as_bytes());
    has(&avro) || has(format!("\"{id}\"").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::says;

    #[test]
    fn a_short_id_is_not_found_in_every_word() {
        assert!(says(b"{\"id\":\"u1\"}", "u1"));
        assert!(says(b"\x02\x04u1\x06abc", "u1"));
        assert!(!says(b"menu1 item", "u1"));
        assert!(says(b"from anna@example.com!", "anna@example.com"));
        assert!(!says(b"u", "u1") && !says(b"", "") && !says(b"abc", ""));
    }
}
