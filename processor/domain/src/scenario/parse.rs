//! From a file's text to scenarios. Strict: what is not understood is an error with its line.

use std::collections::{BTreeMap, BTreeSet};

use afterword_schemas::records::{
    Channel, Format, Origin, Reaction, Timestamp, Visibility, WorkspaceSettings,
};

use super::words::{Read, Words};
use super::{
    Expected, FactStep, OwnedEvent, OwnedPayload, Scenario, ScenarioError, SettingsOutcome,
    SettingsStep, Step, expect,
};
use crate::request_id;

/// A line with its number.
type Line<'a> = (usize, &'a str);

/// Reads a file's scenarios.
///
/// # Errors
/// [`ScenarioError`] with the first line that is not understood.
pub fn parse(file: &str, text: &str) -> Result<Vec<Scenario>, ScenarioError> {
    let at = |line: usize| {
        move |message: String| ScenarioError {
            file: file.to_owned(),
            line,
            message,
        }
    };
    let blocks = blocks(text).map_err(|(line, message)| at(line)(message))?;
    let mut scenarios: Vec<Scenario> = Vec::new();
    let mut titles = BTreeSet::new();
    for (line, title, lines) in &blocks.scenarios {
        if !titles.insert(*title) {
            return Err(at(*line)(format!(
                "a second scenario with the title `{title}`"
            )));
        }
        let stem = file.strip_suffix(".txt").unwrap_or(file);
        let workspace_id = format!("{stem}-{}", scenarios.len() + 1);
        let scenario = Scenario {
            file: file.to_owned(),
            line: *line,
            title: (*title).to_owned(),
            conversation_id: format!("{workspace_id}-c"),
            workspace_id,
            steps: Vec::new(),
        };
        let mut builder = Builder::new(scenario, &blocks.givens);
        builder
            .read_lines(lines)
            .map_err(|(line, message)| at(line)(message))?;
        if builder.scenario.steps.is_empty() {
            return Err(at(*line)("a scenario without a fact".to_owned()));
        }
        scenarios.push(builder.scenario);
    }
    Ok(scenarios)
}

#[derive(Default)]
struct Blocks<'a> {
    givens: BTreeMap<&'a str, Vec<Line<'a>>>,
    scenarios: Vec<(usize, &'a str, Vec<Line<'a>>)>,
}

type Located<T> = Result<T, (usize, String)>;

fn blocks(text: &str) -> Located<Blocks<'_>> {
    let mut blocks = Blocks::default();
    let mut given = None;
    for (number, line) in (1..)
        .zip(text.lines())
        .map(|(number, line)| (number, line.trim()))
    {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let definition = line
            .strip_prefix("given ")
            .and_then(|name| name.strip_suffix(':'));
        if let Some(title) = line.strip_prefix("scenario:") {
            blocks.scenarios.push((number, title.trim(), Vec::new()));
            given = None;
        } else if let Some(name) = definition {
            if blocks.givens.insert(name, Vec::new()).is_some() {
                return Err((number, format!("a second `given {name}:`")));
            }
            given = Some(name);
        } else if let Some(lines) = given.and_then(|name| blocks.givens.get_mut(name)) {
            lines.push((number, line));
        } else if let Some((_, _, lines)) = blocks.scenarios.last_mut() {
            lines.push((number, line));
        } else {
            return Err((
                number,
                "expected `scenario: TITLE` or `given NAME:` first".to_owned(),
            ));
        }
    }
    Ok(blocks)
}

struct Builder<'a> {
    scenario: Scenario,
    givens: &'a BTreeMap<&'a str, Vec<Line<'a>>>,
    /// The day of the line before, for lines that name none.
    day: i64,
    labelled: BTreeMap<String, OwnedEvent>,
    events: usize,
}

impl<'a> Builder<'a> {
    fn new(scenario: Scenario, givens: &'a BTreeMap<&'a str, Vec<Line<'a>>>) -> Self {
        let labelled = BTreeMap::new();
        Builder {
            scenario,
            givens,
            day: 1,
            labelled,
            events: 0,
        }
    }

    fn read_lines(&mut self, lines: &[Line<'_>]) -> Located<()> {
        for (number, line) in lines {
            if let Some(name) = line.strip_prefix("given ") {
                let unknown = || (*number, format!("there is no `given {name}:` in this file"));
                let given = self.givens.get(name).ok_or_else(unknown)?;
                if given.iter().any(|(_, line)| line.starts_with("given ")) {
                    return Err((*number, format!("`given {name}:` uses another `given`")));
                }
                self.read_lines(given)?;
            } else {
                self.read_line(*number, line)
                    .map_err(|message| (*number, message))?;
            }
        }
        Ok(())
    }

    fn read_line(&mut self, number: usize, line: &str) -> Read<()> {
        if let Some(expectation) = line.strip_prefix("=>") {
            return self.read_expectation(&mut Words::new(expectation));
        }
        let mut words = Words::new(line);
        if words.eat("settings") {
            return self.read_settings(number, &mut words);
        }
        if words.eat("again") {
            words.require_mark('[')?;
            let label = words.word("a label")?;
            words.require_mark(']')?;
            let unknown = || format!("no fact before has the label [{label}]");
            let fact = self.labelled.get(label).cloned().ok_or_else(unknown)?;
            self.push(number, fact);
            return words.end();
        }
        self.read_facts(number, &mut words)
    }

    fn push(&mut self, line: usize, fact: OwnedEvent) {
        let expected = Expected::default();
        self.scenario.steps.push(Step::Fact(FactStep {
            line,
            fact,
            expected,
        }));
    }

    fn read_expectation(&mut self, words: &mut Words<'_>) -> Read<()> {
        match self.scenario.steps.last_mut() {
            None => Err("`=>` before the first fact".to_owned()),
            Some(Step::Fact(step)) => expect::read(words, &mut step.expected),
            Some(Step::Settings(step)) => {
                step.expected = words.symbol("repeated or refused", |word| match word {
                    "repeated" => Some(SettingsOutcome::Repeated),
                    "refused" => Some(SettingsOutcome::Refused),
                    _ => None,
                })?;
                words.end()
            }
        }
    }

    /// `settings 1 from day 1 08:00 (users on, leads off, plan on)`.
    fn read_settings(&mut self, line: usize, words: &mut Words<'_>) -> Read<()> {
        let on_or_off = |words: &mut Words<'_>, what: &str| {
            words.require(what)?;
            words.symbol("`on` or `off`", |word| match word {
                "on" => Some(true),
                "off" => Some(false),
                _ => None,
            })
        };
        let version = words.number("a version")?;
        words.require("from")?;
        let effective_from = words.time(&mut self.day.clone())?;
        words.require_mark('(')?;
        let live_for_users = on_or_off(words, "users")?;
        words.require_mark(',')?;
        let live_for_leads = on_or_off(words, "leads")?;
        words.require_mark(',')?;
        let plan_includes_ratings = on_or_off(words, "plan")?;
        words.require_mark(')')?;
        let settings = WorkspaceSettings {
            workspace_id: self.scenario.workspace_id.clone(),
            version,
            effective_from,
            live_for_users,
            live_for_leads,
            plan_includes_ratings,
            time_zone: "UTC".to_owned(),
            target: None,
            teammate_targets: BTreeMap::new(),
        };
        let expected = SettingsOutcome::New;
        self.scenario.steps.push(Step::Settings(SettingsStep {
            line,
            settings,
            expected,
        }));
        words.end()
    }

    /// `TIME SENTENCE`, then perhaps `[LABEL]` or `, N times`.
    fn read_facts(&mut self, line: usize, words: &mut Words<'_>) -> Read<()> {
        if !words.is_at_time() {
            words.word("a fact, which begins with its time, or settings, again, given or =>")?;
            return Err(
                "expected a fact, which begins with its time, or settings, again, given or =>"
                    .to_owned(),
            );
        }
        let occurred_at = words.time(&mut self.day)?;
        let payload = self.read_sentence(words)?;
        if words.mark('[') {
            let label = words.word("a label")?.to_owned();
            words.require_mark(']')?;
            let fact = self.event(label.clone(), occurred_at, payload);
            if self.labelled.insert(label.clone(), fact.clone()).is_some() {
                return Err(format!("a second fact with the label [{label}]"));
            }
            self.push(line, fact);
        } else {
            let times = if words.mark(',') {
                words.number("a number of times")?
            } else {
                1
            };
            if times != 1 {
                words.require("times")?;
            }
            for _ in 0..times {
                self.events += 1;
                let fact = self.event(format!("e{}", self.events), occurred_at, payload.clone());
                self.push(line, fact);
            }
        }
        words.end()
    }

    fn event(&self, event_id: String, occurred_at: Timestamp, payload: OwnedPayload) -> OwnedEvent {
        OwnedEvent {
            event_id,
            workspace_id: self.scenario.workspace_id.clone(),
            conversation_id: self.scenario.conversation_id.clone(),
            occurred_at,
            payload,
        }
    }

    fn read_sentence(&mut self, words: &mut Words<'_>) -> Read<OwnedPayload> {
        if words.eat("started by") {
            let initiator = words.actor()?;
            words.require_mark('(')?;
            let origin = words.symbol("an origin", Origin::from_symbol)?;
            words.require_mark(',')?;
            let channel = words.symbol("a channel", Channel::from_symbol)?;
            words.require_mark(')')?;
            Ok(OwnedPayload::ConversationStarted {
                origin,
                initiator,
                channel,
            })
        } else if words.eat("closed by") {
            Ok(OwnedPayload::ConversationClosed { by: words.actor()? })
        } else if words.eat("snoozed by") {
            let by = words.actor()?;
            let is_until = words.eat("until");
            let until = if is_until {
                Some(words.time(&mut self.day.clone())?)
            } else {
                None
            };
            Ok(OwnedPayload::ConversationSnoozed { by, until })
        } else if words.eat("reopened by") {
            Ok(OwnedPayload::ConversationReopened { by: words.actor()? })
        } else if words.eat("deleted by") {
            Ok(OwnedPayload::ConversationDeleted { by: words.actor()? })
        } else if words.eat("customer") {
            self.read_answer(words)
        } else {
            read_deed(words)
        }
    }

    /// `customer u1 reacts great`, `customer u1 comments "…"`, and perhaps `to another request`.
    fn read_answer(&self, words: &mut Words<'_>) -> Read<OwnedPayload> {
        let customer_id = words.word("a customer's id")?.to_owned();
        let conversation_id = &self.scenario.conversation_id;
        let own = request_id(&self.scenario.workspace_id, conversation_id);
        let another = request_id(
            &self.scenario.workspace_id,
            &format!("not-{conversation_id}"),
        );
        let named = |words: &mut Words<'_>| match words.eat("to another request") {
            true => another,
            false => own,
        };
        if words.eat("reacts") {
            let reaction = words.symbol("a reaction", Reaction::from_symbol)?;
            return Ok(OwnedPayload::ReactionSelected {
                request_id: named(words),
                customer_id,
                reaction,
            });
        }
        words.require("comments")?;
        let text = words.text()?;
        Ok(OwnedPayload::CommentLeft {
            request_id: named(words),
            customer_id,
            text,
        })
    }
}

/// `user u1 joins`, `leaves`, `writes TEXT`, `writes html TEXT`, `notes TEXT`.
fn read_deed(words: &mut Words<'_>) -> Read<OwnedPayload> {
    let author = words.actor()?;
    let visibility = match words.word("joins, leaves, writes or notes")? {
        "joins" => {
            return Ok(OwnedPayload::ParticipantJoined {
                participant: author,
            });
        }
        "leaves" => {
            return Ok(OwnedPayload::ParticipantLeft {
                participant: author,
            });
        }
        "writes" => Visibility::Public,
        "notes" => Visibility::Internal,
        other => {
            return Err(format!(
                "expected joins, leaves, writes or notes, found `{other}`"
            ));
        }
    };
    let format = if words.eat("html") {
        Format::Html
    } else {
        Format::Plain
    };
    let text = words.text()?;
    Ok(OwnedPayload::MessageAdded {
        author,
        text,
        format,
        visibility,
    })
}
