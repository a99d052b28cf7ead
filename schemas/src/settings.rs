//! What settings may say.

use std::fmt;

use jiff::tz::TimeZoneDatabase;

use crate::limits::{self, LimitError};
use crate::records::{Target, WorkspaceSettings};

/// Why a record cannot be: a member that is not as it has to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidMember {
    /// Its name, with those around it, such as `author.kind`; empty for the record as a whole.
    pub member: String,
    /// What it has to be.
    pub expected: String,
    /// What it is; long values shortened.
    pub found: String,
}

impl InvalidMember {
    pub(crate) fn new(member: &str, expected: impl Into<String>, found: impl ToString) -> Self {
        Self {
            member: member.to_owned(),
            expected: expected.into(),
            found: found.to_string(),
        }
    }

    pub(crate) fn limit(member: &str, error: LimitError) -> Self {
        Self::new(member, error.expected(), error.found())
    }
}

impl fmt::Display for InvalidMember {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.member.is_empty() {
            write!(f, "{}: ", self.member)?;
        }
        write!(f, "expected {}, found {}", self.expected, self.found)
    }
}

impl std::error::Error for InvalidMember {}

impl WorkspaceSettings {
    /// Checks what a type cannot say: the version is 1 or more, ids keep their limits, the time zone is a name of the IANA
    /// database (the one that is built in, spelled as there; the same answer on every machine), and targets are possible.
    ///
    /// # Errors
    /// The first member that is not so.
    pub fn validate(&self) -> Result<(), InvalidMember> {
        check_id("workspace_id", &self.workspace_id)?;
        if self.version < 1 {
            return Err(InvalidMember::new("version", "1 or more", self.version));
        }
        if !is_time_zone(&self.time_zone) {
            let expected = "an IANA name such as Europe/Berlin";
            return Err(InvalidMember::new(
                "time_zone",
                expected,
                format!("{:?}", self.time_zone),
            ));
        }
        if let Some(target) = &self.target {
            check_target("target", target)?;
        }
        for (teammate, target) in &self.teammate_targets {
            check_id("teammate_targets", teammate)?;
            check_target(&format!("teammate_targets.{teammate}"), target)?;
        }
        Ok(())
    }
}

fn check_id(member: &str, id: &str) -> Result<(), InvalidMember> {
    limits::check_id(id).map_err(|error| InvalidMember::limit(member, error))
}

fn check_target(member: &str, target: &Target) -> Result<(), InvalidMember> {
    if !(0.0..=1.0).contains(&target.positive_share) {
        let member = format!("{member}.positive_share");
        return Err(InvalidMember::new(
            &member,
            "0.0 to 1.0",
            target.positive_share,
        ));
    }
    if target.minimum_ratings < 0 {
        let member = format!("{member}.minimum_ratings");
        return Err(InvalidMember::new(
            &member,
            "0 or more",
            target.minimum_ratings,
        ));
    }
    Ok(())
}

fn is_time_zone(name: &str) -> bool {
    // `Etc/Unknown` is jiff's word for none, and look-ups ignore case; other programs do not.
    let zone = TimeZoneDatabase::bundled().get(name);
    zone.is_ok_and(|zone| !zone.is_unknown() && zone.iana_name() == Some(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_zones_are_iana_names() {
        for name in [
            "UTC",
            "Europe/Berlin",
            "America/Argentina/Buenos_Aires",
            "Asia/Kathmandu",
            "US/Eastern",
        ] {
            assert!(is_time_zone(name), "{name}");
        }
        for name in [
            "",
            "europe/berlin",
            "CET-1CEST",
            "Europe/Atlantis",
            "+02:00",
            "Etc/Unknown",
            "Z",
            "local",
        ] {
            assert!(!is_time_zone(name), "{name}");
        }
    }
}
