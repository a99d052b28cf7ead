//! Removes what is old, never what a task or the projector still needs.

use std::time::Duration;

use afterword_log::{LogError, Removed, Retention, Topic};
use tokio::sync::watch;

use super::health::Health;
use super::opened::Opened;
use crate::config::Config;

const BETWEEN: Duration = Duration::from_secs(60);
/// Scorecards are compacted every so many rounds.
const COMPACT_EVERY: u64 = 15;

/// Runs until the stop.
pub async fn run(config: Config, health: Health, mut stop: watch::Receiver<bool>) {
    for round in 1.. {
        if tokio::time::timeout(BETWEEN, stop.wait_for(|stop| *stop))
            .await
            .is_ok()
        {
            return;
        }
        let (config, health) = (config.clone(), health.clone());
        let done = tokio::task::spawn_blocking(move || tidy(&config, &health, round)).await;
        match done {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(%error, "retention could not remove what is old; it is tried again in a minute")
            }
            Err(error) => tracing::error!(%error, "retention panicked"),
        }
    }
}

fn tidy(config: &Config, health: &Health, round: u64) -> Result<(), LogError> {
    // Kafka's brokers do it themselves, as the topics say.
    let Opened::Embedded(log) = &health.opened else {
        return Ok(());
    };
    if config.retention_ms.is_some() || config.retention_bytes.is_some() {
        let keep_ms = config.retention_ms.and_then(|ms| i64::try_from(ms).ok());
        let policy = Retention {
            older_than_ms: keep_ms.map(|keep_ms| afterword_web::now_ms().saturating_sub(keep_ms)),
            partition_bytes: config.retention_bytes,
        };
        let keep_from = health.keep_from();
        count(health, "retention", &log.retain(&policy, &keep_from)?);
    }
    if round.is_multiple_of(COMPACT_EVERY) {
        count(
            health,
            "compaction",
            &log.compact(Topic::TeammateScorecards)?,
        );
    }
    Ok(())
}

fn count(health: &Health, by: &str, removed: &Removed) {
    health
        .metrics
        .removed_records
        .with_label_values(&[by])
        .inc_by(removed.records);
    health
        .metrics
        .removed_bytes
        .with_label_values(&[by])
        .inc_by(removed.bytes);
    if removed.records > 0 {
        tracing::info!(
            records = removed.records,
            bytes = removed.bytes,
            by,
            "removed what is old"
        );
    }
}
