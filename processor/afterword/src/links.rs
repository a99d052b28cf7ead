//! The keys of survey links, from wherever this configuration has them.

use afterword_link::{LinkKeys, keys_of_directory};

use crate::config::{Config, LogKind};
use crate::failure::Failure;

/// The keys that are configured; on the embedded log otherwise those of the data directory, made when there are none.
///
/// # Errors
/// On Kafka without configured keys (a key that each process makes for itself would open no other's links), and when the key
/// file cannot be used.
pub fn keys(config: &Config) -> Result<LinkKeys, Failure> {
    match (&config.survey.link_keys, config.log) {
        (Some(keys), _) => Ok(keys.clone()),
        (None, LogKind::Embedded) => keys_of_directory(&config.data_dir)
            .map_err(|error| Failure::while_doing("reading the keys of links", error)),
        (None, LogKind::Kafka) => Err(Failure::Configuration(vec![
            "`survey.link_keys`: the roles survey and deliver need the same keys in every process, found none; set it to what `openssl rand -base64 32` prints, everywhere alike".to_owned(),
        ])),
    }
}
