//! What the configuration says of help desks whose webhooks are received.

use std::collections::BTreeMap;

use afterword_schemas::limits::check_id;
use afterword_web::sources::{Secret, Source, SourceKind};

use super::{Effective, layers};
use crate::config::layers::{Origin, SOURCES};

/// Sources at most.
const MOST: usize = 64;
/// Longest name: it is part of an address.
const NAME_BYTES: usize = 40;

impl Effective {
    pub(super) fn sources(&self) -> Vec<Source> {
        let sources = self.sources.iter();
        sources
            .filter_map(|(name, values)| source(name, values).ok())
            .collect()
    }
}

/// A source, or the member that is wrong and why. No secret is part of the message.
fn source(name: &str, values: &layers::Values) -> Result<Source, (&'static str, String)> {
    let text = |key: &str| values.get(key).map(|(value, _)| value.to_string());
    let text = |key: &str| text(key).filter(|text| !text.is_empty());
    let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
    if name.len() > NAME_BYTES || !name.chars().all(is_name) {
        let expected =
            format!("expected a name of at most {NAME_BYTES} of the characters a-z 0-9 _ -");
        return Err(("kind", format!("{expected} after `sources.`")));
    }
    let kind = text("kind").unwrap_or_default();
    let kind = SourceKind::ALL.into_iter().find(|one| one.name() == kind);
    let kind = kind.ok_or_else(|| {
        let expected = "expected intercom, chatwoot or zendesk, found none";
        ("kind", expected.to_owned())
    })?;
    let workspace_id = text("workspace").ok_or_else(|| {
        let expected = "expected the workspace that its conversations belong to, found none";
        ("workspace", expected.to_owned())
    })?;
    check_id(&workspace_id).map_err(|error| ("workspace", error.to_string()))?;
    let mut secrets = Vec::new();
    for key in ["secret", "former_secret"] {
        match text(key) {
            Some(text) => secrets.push(Secret::new(&text).map_err(|error| (key, error))?),
            None if key == "secret" => {
                let error = Secret::new("").err().unwrap_or_default();
                return Err((key, format!("{error}; found none")));
            }
            None => {}
        }
    }
    Ok(Source {
        name: name.to_owned(),
        kind,
        workspace_id,
        secrets,
    })
}

/// What does not fit together.
pub(super) fn contradictions(effective: &Effective) -> Vec<String> {
    let wrong = effective.sources.iter().filter_map(|(name, values)| {
        let (member, why) = source(name, values).err()?;
        let place = place(values, member);
        Some(format!("{place}: `{SOURCES}{name}.{member}`: {why}"))
    });
    let mut faults: Vec<String> = wrong.collect();
    faults.extend(shared_workspaces(effective));
    let found = effective.sources.len();
    if found > MOST {
        faults.push(format!(
            "`sources`: expected at most {MOST} help desks, found {found}"
        ));
    }
    faults
}

/// The ids of two desks would be taken for each other.
fn shared_workspaces(effective: &Effective) -> Vec<String> {
    let mut first = BTreeMap::new();
    let mut faults = Vec::new();
    for source in effective.sources() {
        let Some(other) = first.insert(source.workspace_id.clone(), source.name.clone()) else {
            continue;
        };
        let place = place(&effective.sources[&source.name], "workspace");
        faults.push(format!(
            "{place}: `{SOURCES}{}.workspace`: expected a workspace for this help desk alone (ids of two desks may be the same), found that of `{SOURCES}{other}`",
            source.name
        ));
    }
    faults
}

fn place(values: &layers::Values, member: &str) -> Origin {
    let place = values.get(member).or_else(|| values.values().next());
    place.map_or(Origin::Default, |(_, origin)| origin.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::resolve_file as resolve;

    const SECRET: &str = "secret = 'hush-hush-hush-hush'";

    #[test]
    fn what_is_wrong_with_a_source_is_told_without_its_secret() {
        let check = |text: &str, expected: &str| {
            let faults = resolve(&text.replace("SECRET", SECRET)).err();
            let found = faults.expect("wrong").join("\n");
            assert!(found.contains(expected), "{found}");
            assert!(!found.contains("hush"), "{found}");
        };
        check(
            "[sources.desk]\nworkspace = 'w1'\nSECRET",
            "`sources.desk.kind`: expected intercom, chatwoot or zendesk, found none",
        );
        check(
            "[sources.desk]\nkind = 'email'\nworkspace = 'w1'\nSECRET",
            "a.toml:2: `sources.desk.kind`: expected one of intercom, chatwoot, zendesk, found `email`",
        );
        check(
            "[sources.desk]\nkind = 'zendesk'\nSECRET",
            "`sources.desk.workspace`: expected the workspace",
        );
        check(
            "[sources.desk]\nkind = 'zendesk'\nworkspace = 'w1'",
            "`sources.desk.secret`: expected the secret with which the help desk signs, of at least 16 characters; found none",
        );
        check(
            "[sources.desk]\nkind = 'zendesk'\nworkspace = 'w1'\nsecret = 'hush'",
            "a.toml:4: `sources.desk.secret`: expected the secret",
        );
        check(
            "[sources.'a b']\nkind = 'zendesk'\nworkspace = 'w1'\nSECRET",
            "a name of at most 40",
        );
        check(
            "[sources.desk]\nkind = 'zendesk'\nworkspace = 'w1'\nSECRET\nurl = 'x'",
            "unknown key `sources.desk.url`; expected sources.NAME and one of kind, workspace, secret, former_secret",
        );
        check(
            "[sources.a]\nkind = 'zendesk'\nworkspace = 'w1'\nSECRET\n[sources.b]\nkind = 'intercom'\nworkspace = 'w1'\nSECRET",
            "a.toml:7: `sources.b.workspace`: expected a workspace for this help desk alone",
        );
    }

    #[test]
    fn sources_are_read() {
        let text = "[sources.desk]\nkind = 'chatwoot'\nworkspace = 'w1'\nSECRET\nformer_secret = 'hushed-hushed-hushed'";
        let effective = resolve(&text.replace("SECRET", SECRET)).expect("right");
        let sources = effective.config().sources;
        let [source] = sources.as_slice() else {
            panic!("one source: {sources:?}");
        };
        assert_eq!(
            (source.name.as_str(), source.kind),
            ("desk", SourceKind::Chatwoot)
        );
        assert_eq!(
            (source.workspace_id.as_str(), source.secrets.len()),
            ("w1", 2)
        );
    }
}
