//! From a JSON object to settings.

use std::collections::BTreeMap;

use super::JsonError;
use super::members::Members;
use crate::RecordKind;
use crate::records::{Target, WorkspaceSettings};

/// Settings that were read from JSON.
#[derive(Clone, Debug)]
pub struct ParsedSettings {
    pub settings: WorkspaceSettings,
    /// The names of members that say nothing, such as `target.maximum_ratings`.
    pub ignored: Vec<String>,
}

/// Reads one version of a workspace's settings from a JSON object; white space may stand around it.
///
/// `type` may be absent, and must be `workspace_settings` otherwise. `target` may be absent or null: no target.
/// `teammate_targets` may be absent or null: none. All else is required. The settings are
/// [valid](WorkspaceSettings::validate).
///
/// # Errors
/// The first member that is missing, ill-typed or impossible; none when the text is no JSON object.
pub fn parse_settings(object: &[u8]) -> Result<ParsedSettings, JsonError> {
    let mut members = Members::parse(object)?;
    let expected = RecordKind::WorkspaceSettings
        .json_type()
        .unwrap_or_default();
    match members.optional_string("type")? {
        Some(found) if found != expected => {
            return Err(JsonError::new("type", expected, format!("{found:?}")));
        }
        _ => {}
    }
    members.take("source")?;
    let mut ignored = Vec::new();
    let settings = WorkspaceSettings {
        workspace_id: members.id("workspace_id")?.into_owned(),
        version: members.number("version", "an integer")?,
        effective_from: members.time("effective_from")?,
        live_for_users: members.boolean("live_for_users")?,
        live_for_leads: members.boolean("live_for_leads")?,
        plan_includes_ratings: members.boolean("plan_includes_ratings")?,
        time_zone: members.string("time_zone")?.into_owned(),
        target: members
            .optional_object("target")?
            .map(|inner| target(inner, &mut ignored))
            .transpose()?,
        teammate_targets: match members.optional_object("teammate_targets")? {
            Some(inner) => teammate_targets(inner, &mut ignored)?,
            None => BTreeMap::new(),
        },
    };
    members.finish(&mut ignored);
    settings.validate()?;
    Ok(ParsedSettings { settings, ignored })
}

fn teammate_targets(
    mut members: Members<'_>,
    ignored: &mut Vec<String>,
) -> Result<BTreeMap<String, Target>, JsonError> {
    let mut targets = BTreeMap::new();
    for teammate in members.names() {
        let own = target(members.object(&teammate)?, ignored)?;
        targets.insert(teammate, own);
    }
    Ok(targets)
}

fn target(mut members: Members<'_>, ignored: &mut Vec<String>) -> Result<Target, JsonError> {
    let target = Target {
        positive_share: members.number("positive_share", "a number")?,
        minimum_ratings: members.number("minimum_ratings", "an integer of 32 bits")?,
    };
    members.finish(ignored);
    Ok(target)
}
