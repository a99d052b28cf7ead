//! Kafka's errors, sorted by what the caller must do next.

use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use super::client::describe;
use crate::error::LogError;

/// Another producer has taken this transactional id over, or the coordinator has given this one up.
fn is_fenced(code: RDKafkaErrorCode) -> bool {
    matches!(
        code,
        RDKafkaErrorCode::Fenced
            | RDKafkaErrorCode::ProducerFenced
            | RDKafkaErrorCode::InvalidProducerEpoch
            | RDKafkaErrorCode::FencedInstanceId
    )
}

/// Whether the group has moved on since the member was asked for: it may still give this process the partition.
pub(super) fn is_stale_member(error: &KafkaError) -> bool {
    matches!(
        code(error),
        Some(
            RDKafkaErrorCode::IllegalGeneration
                | RDKafkaErrorCode::UnknownMemberId
                | RDKafkaErrorCode::RebalanceInProgress
        )
    )
}

fn code(error: &KafkaError) -> Option<RDKafkaErrorCode> {
    match error {
        KafkaError::Transaction(error) => Some(error.code()),
        other => other.rdkafka_error_code(),
    }
}

/// A call of an open transaction failed: whatever it was, the transaction is not to be trusted.
pub(super) fn in_transaction(doing: &str, error: &KafkaError) -> LogError {
    let text = format!("{doing}: {}", describe(error));
    match code(error) {
        Some(code) if is_fenced(code) => LogError::GiveUp(text),
        _ => LogError::StartOver(text),
    }
}

/// Whether the same question may be answered a moment later.
pub(super) fn is_passing(error: &KafkaError) -> bool {
    matches!(
        code(error),
        Some(
            RDKafkaErrorCode::NotLeaderForPartition
                | RDKafkaErrorCode::LeaderNotAvailable
                | RDKafkaErrorCode::OffsetNotAvailable
                | RDKafkaErrorCode::UnknownTopicOrPartition
        )
    )
}

/// A question failed, and nothing was changed by it.
pub(super) fn asking(doing: &str, error: &KafkaError) -> LogError {
    LogError::Wait(format!("{doing}: {}", describe(error)))
}
