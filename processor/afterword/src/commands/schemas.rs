//! `afterword schemas`: this build's schemas in the schema registry, put there and compared.

use afterword_schemas::RecordKind;
use clap::Subcommand;
use serde_json::json;

use crate::config::Config;
use crate::failure::Failure;
use crate::registry::{RULE, Registered, Registry, RegistryError, subject};
use crate::terminal::{Style, Table, colours_on_stdout};

#[derive(Debug, Subcommand)]
pub enum Schemas {
    /// Registers the schema of every topic, and the rule by which it may change
    #[command(after_help = "\
Registering again changes nothing. A service registers nothing itself: it waits until this was run.

Examples:
  afterword schemas register --set schema_registry.url=http://127.0.0.1:8081
  afterword schemas register --keep-rules     a change that the rule forbids, once the rule was relaxed for it")]
    Register {
        /// Leaves the subjects' compatibility rules as they are
        #[arg(long)]
        keep_rules: bool,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Says for each topic whether its latest schema fits this build, and what is in danger if not
    #[command(after_help = "\
Exit code 1 when something is missing, differs in a way that endangers somebody, or lacks its rule.

Example:
  afterword schemas check --config /etc/afterword.toml --json | jq '.[] | select(.dangers != [])'")]
    Check {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

/// Registers or compares.
///
/// # Errors
/// When the registry cannot be asked, refused a schema, or `check` found what endangers somebody.
pub fn execute(config: &Config, schemas: &Schemas) -> Result<(), Failure> {
    let Some(registry) = &config.schema_registry else {
        return Err(Failure::Configuration(vec![
            "`schema_registry.url`: expected a schema registry's address, found none; set it in the file of --config, as \
             AFTERWORD_SCHEMA_REGISTRY__URL, or with --set schema_registry.url=http://… (without a registry there is \
             nothing to register: values carry their schema's fingerprint)"
                .to_owned(),
        ]));
    };
    let registry = Registry::new(registry);
    match schemas {
        Schemas::Register { keep_rules, json } => register(&registry, *keep_rules, *json),
        Schemas::Check { json } => check(&registry, *json),
    }
}

fn failed(error: RegistryError) -> Failure {
    Failure::Failed(error.to_string())
}

/// What became of one subject.
struct Put {
    subject: String,
    registered: Option<Registered>,
    rule: Option<String>,
    is_new: bool,
    refused: Option<String>,
}

fn register(registry: &Registry, keep_rules: bool, as_json: bool) -> Result<(), Failure> {
    let puts: Vec<Put> = RecordKind::ALL
        .iter()
        .map(|kind| put(registry, *kind, keep_rules).map_err(failed))
        .collect::<Result<_, _>>()?;
    print_puts(&puts, as_json);
    let refused: Vec<_> = puts
        .iter()
        .filter_map(|put| Some(format!("{}: {}", put.subject, put.refused.as_ref()?)))
        .collect();
    match refused.is_empty() {
        true => Ok(()),
        false => Err(Failure::Failed(format!(
            "expected every schema to be accepted, found {} refused: {}. Nothing of those changed; when the change is meant \
             and every reader is ready for it, relax the subject's rule in the registry and run `afterword schemas register \
             --keep-rules`, then once more without",
            refused.len(),
            refused.join("; ")
        ))),
    }
}

/// A rule needs a subject (Apicurio keeps none before its first version), and the first version of a subject needs no rule.
fn put(registry: &Registry, kind: RecordKind, keep_rules: bool) -> Result<Put, RegistryError> {
    let (subject, schema) = (subject(kind), kind.schema_text());
    let latest = registry.latest(&subject)?;
    if latest.is_some() && !keep_rules {
        registry.set_rule(&subject, RULE)?;
    }
    let known = registry.find(&subject, schema)?;
    let is_new = known.is_none();
    let refused = match is_new {
        false => None,
        true => match registry.register(&subject, schema) {
            Ok(_) => None,
            Err(RegistryError::Refused(reason)) => Some(reason),
            Err(error) => return Err(error),
        },
    };
    if latest.is_none() && refused.is_none() && !keep_rules {
        registry.set_rule(&subject, RULE)?;
    }
    Ok(Put {
        registered: match is_new {
            true => registry.find(&subject, schema)?,
            false => known,
        },
        rule: registry.rule(&subject)?,
        is_new,
        refused,
        subject,
    })
}

fn print_puts(puts: &[Put], as_json: bool) {
    let said = |put: &Put| match (&put.refused, put.is_new) {
        (Some(_), _) => ("refused", Some(Style::Bad)),
        (None, true) => ("registered", Some(Style::Good)),
        (None, false) => ("there already", None),
    };
    if as_json {
        let list = puts.iter().map(|put| {
            json!({
                "subject": put.subject, "version": put.registered.as_ref().map(|found| found.version),
                "id": put.registered.as_ref().map(|found| found.id), "rule": put.rule, "schema": said(put).0,
                "refused": put.refused,
            })
        });
        outln!("{:#}", serde_json::Value::from_iter(list));
        return;
    }
    let mut table = Table::new(&["subject", "version", "id", "schema", "rule"], &[1, 2]);
    for put in puts {
        let number = |of: fn(&Registered) -> i64| {
            let number = put.registered.as_ref().map(of);
            number.map_or_else(|| "–".to_owned(), |number| number.to_string())
        };
        let (said, style) = said(put);
        table.styled_row(vec![
            (put.subject.clone(), None),
            (number(|found| found.version), None),
            (number(|found| i64::from(found.id)), None),
            (said.to_owned(), style),
            (rule_of(put.rule.as_ref()), None),
        ]);
    }
    out!("{}", table.render(0, colours_on_stdout()));
}

fn rule_of(rule: Option<&String>) -> String {
    rule.cloned().unwrap_or_else(|| "–".to_owned())
}

/// One subject, compared.
struct Compared {
    subject: String,
    latest: Option<Registered>,
    ours: Option<Registered>,
    rule: Option<String>,
    state: State,
    /// What differs, and what it endangers.
    dangers: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// The latest version is this build's schema.
    Same,
    /// It is another's, and each reads the other.
    Compatible,
    /// It is another's, and one of the two cannot read the other.
    Incompatible,
    /// There is no such subject.
    Missing,
}

impl State {
    fn name(self) -> &'static str {
        match self {
            State::Same => "same",
            State::Compatible => "compatible",
            State::Incompatible => "incompatible",
            State::Missing => "missing",
        }
    }
}

fn check(registry: &Registry, as_json: bool) -> Result<(), Failure> {
    let compared: Vec<Compared> = RecordKind::ALL
        .iter()
        .map(|kind| compare(registry, *kind).map_err(failed))
        .collect::<Result<_, _>>()?;
    print_compared(&compared, as_json);
    let dangers: usize = compared.iter().map(|one| one.dangers.len()).sum();
    match dangers {
        0 => Ok(()),
        dangers => Err(Failure::Failed(format!(
            "expected every subject of {} to fit this build, found {dangers} differences (told above)",
            registry.url()
        ))),
    }
}

fn compare(registry: &Registry, kind: RecordKind) -> Result<Compared, RegistryError> {
    let (subject, schema) = (subject(kind), kind.schema_text());
    let latest = registry.latest(&subject)?;
    let ours = registry.find(&subject, schema)?;
    let rule = match latest {
        Some(_) => registry.rule(&subject)?,
        None => None,
    };
    let mut dangers = Vec::new();
    let state = match &latest {
        None => State::Missing,
        Some(latest)
            if ours
                .as_ref()
                .is_some_and(|ours| ours.version == latest.version) =>
        {
            State::Same
        }
        Some(latest) => judge(registry, kind, latest, &mut dangers)?,
    };
    if ours.is_none() {
        dangers.push(format!(
            "this build's schema is not registered: whoever writes {} waits, and says so on /readyz, until `afterword \
             schemas register` is run",
            kind.topic()
        ));
    }
    if latest.is_some() && rule.as_deref() != Some(RULE) {
        dangers.push(format!(
            "expected the rule {RULE}, found {}: a schema may be registered that readers of {} cannot read, or that cannot \
             read what is in the topic; `afterword schemas register` sets the rule",
            rule_of(rule.as_ref()),
            kind.topic()
        ));
    }
    Ok(Compared {
        subject,
        latest,
        ours,
        rule,
        state,
        dangers,
    })
}

/// By Avro's own rules, whatever the subject's rule allows; and by the registry, which sees all versions.
fn judge(
    registry: &Registry,
    kind: RecordKind,
    latest: &Registered,
    dangers: &mut Vec<String>,
) -> Result<State, RegistryError> {
    let before = dangers.len();
    let (topic, version) = (kind.topic(), latest.version);
    if let Err(reason) = kind.can_read(&latest.schema) {
        let fate = match kind {
            RecordKind::ConversationEvent => {
                "its facts become dead letters, or are passed over where only a kind or a symbol is new"
            }
            RecordKind::WorkspaceSettings => "its settings become dead letters",
            _ => "the projector stops there",
        };
        dangers.push(format!(
            "this build cannot read all that version {version} of {topic} may say ({reason}): {fate}"
        ));
    }
    if let Err(reason) = kind.can_be_read_by(&latest.schema) {
        dangers.push(format!(
            "whoever reads {topic} with version {version} cannot read all that this build writes ({reason})"
        ));
    }
    let verdict = registry.judge(&subject(kind), kind.schema_text())?;
    if !verdict.is_compatible && dangers.len() == before {
        let reasons = match verdict.reasons.is_empty() {
            true => "no reason given".to_owned(),
            false => verdict.reasons.join("; "),
        };
        dangers.push(format!(
            "the registry says that this build's schema breaks the subject's rule ({reasons}): some version of {topic} and \
             this build cannot read each other"
        ));
    }
    Ok(match dangers.len() == before {
        true => State::Compatible,
        false => State::Incompatible,
    })
}

fn print_compared(compared: &[Compared], as_json: bool) {
    if as_json {
        let list = compared.iter().map(|one| {
            json!({
                "subject": one.subject, "latest": one.latest.as_ref().map(|found| found.version),
                "version": one.ours.as_ref().map(|found| found.version), "id": one.ours.as_ref().map(|found| found.id),
                "state": one.state.name(), "rule": one.rule, "expected_rule": RULE, "dangers": one.dangers,
            })
        });
        outln!("{:#}", serde_json::Value::from_iter(list));
        return;
    }
    let heading = ["subject", "latest", "ours", "id", "state", "rule"];
    let mut table = Table::new(&heading, &[1, 2, 3]);
    for one in compared {
        let number =
            |number: Option<i64>| number.map_or_else(|| "–".to_owned(), |found| found.to_string());
        let style = match one.state {
            State::Same | State::Compatible => Style::Good,
            State::Incompatible | State::Missing => Style::Bad,
        };
        table.styled_row(vec![
            (one.subject.clone(), None),
            (number(one.latest.as_ref().map(|found| found.version)), None),
            (number(one.ours.as_ref().map(|found| found.version)), None),
            (
                number(one.ours.as_ref().map(|found| i64::from(found.id))),
                None,
            ),
            (one.state.name().to_owned(), Some(style)),
            (rule_of(one.rule.as_ref()), None),
        ]);
    }
    out!("{}", table.render(0, colours_on_stdout()));
    for one in compared {
        for danger in &one.dangers {
            outln!("\n{}: {danger}", one.subject);
        }
    }
}
