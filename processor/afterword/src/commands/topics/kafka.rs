//! `afterword topics create` and `check` on Kafka.

use afterword_log::kafka::admin::{self, AdminError, Finding, Made, Severity, Wish};
use serde_json::{Value as Json, json};

use crate::access::kafka_options;
use crate::cli::CreateTopics;
use crate::config::Config;
use crate::failure::Failure;
use crate::terminal::{self, Style, Table};

/// Enough for a dozen processes, and little for one.
const PARTITIONS: u32 = 12;
const DAY_MS: u64 = 86_400_000;

/// Makes the topics that are missing.
///
/// # Errors
/// When the brokers cannot be reached or refuse, or when a promise would not hold on what is there.
pub fn create(config: &Config, create: &CreateTopics) -> Result<(), Failure> {
    let wish = Wish {
        partitions: create.partitions.unwrap_or(PARTITIONS),
        replicas: create.replication_factor,
        retention_ms: create.retention_days.map(|days| u64::from(days) * DAY_MS),
        debt_facts: config.debt_facts,
    };
    let report = admin::create(&kafka_options(config), &wish).map_err(failure)?;
    if create.json {
        let object = json!({
            "made": report.made.iter().map(made).collect::<Vec<_>>(),
            "kept": report.kept,
            "findings": report.findings.iter().map(finding).collect::<Vec<_>>(),
        });
        outln!("{object:#}");
        return verdict(&report.findings);
    }
    print_made(&report.made, &report.kept);
    let asked = create
        .partitions
        .filter(|_| report.kept.iter().any(|kept| kept == FACTS));
    if let Some(asked) = asked {
        outln!("\n{FACTS} was there: its partitions count, and not --partitions {asked}");
    }
    print(&report.findings);
    verdict(&report.findings)
}

const FACTS: &str = afterword_log::Topic::ConversationEvents.name();

/// Compares the topics and brokers with what they must be.
///
/// # Errors
/// When the brokers cannot be reached, or when a promise does not hold.
pub fn check(config: &Config, as_json: bool) -> Result<(), Failure> {
    let findings =
        admin::check_for_run(&kafka_options(config), config.debt_facts).map_err(failure)?;
    match as_json {
        true => outln!("{:#}", Json::from_iter(findings.iter().map(finding))),
        false => print(&findings),
    }
    verdict(&findings)
}

fn failure(error: AdminError) -> Failure {
    Failure::Failed(error.to_string())
}

fn verdict(findings: &[Finding]) -> Result<(), Failure> {
    let breaks = |finding: &&Finding| finding.severity == Severity::Breaks;
    match findings.iter().filter(breaks).count() {
        0 => Ok(()),
        1 => Err(Failure::Failed(
            "1 finding breaks a promise: `afterword run` will refuse to start".to_owned(),
        )),
        many => Err(Failure::Failed(format!(
            "{many} findings break promises: `afterword run` will refuse to start"
        ))),
    }
}

fn print_made(made: &[Made], kept: &[String]) {
    let mut table = Table::new(&["topic", "", "partitions", "copies", "settings"], &[2, 3]);
    for Made {
        topic,
        partitions,
        replicas,
        settings,
    } in made
    {
        let settings: Vec<String> = settings
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        table.styled_row(vec![
            (topic.clone(), None),
            ("made".to_owned(), Some(Style::Good)),
            (partitions.to_string(), None),
            (replicas.to_string(), None),
            (settings.join(" "), Some(Style::Dim)),
        ]);
    }
    for topic in kept {
        let mut row = vec![(topic.clone(), None), ("was there".to_owned(), None)];
        row.extend(vec![(String::new(), None); 3]);
        table.styled_row(row);
    }
    out!("{}", table.render(0, terminal::colours_on_stdout()));
}

fn print(findings: &[Finding]) {
    if findings.is_empty() {
        outln!("\nall topics and brokers are as they must be");
        return;
    }
    let heading = ["", "topic", "setting", "expected", "found"];
    let mut table = Table::new(&heading, &[]);
    for finding in findings {
        let style = match finding.severity {
            Severity::Breaks => Style::Bad,
            Severity::Weakens => Style::Warning,
            Severity::Note => Style::Dim,
        };
        table.styled_row(vec![
            (finding.severity.name().to_owned(), Some(style)),
            (terminal::harmless(&finding.place), None),
            (finding.setting.clone(), None),
            (finding.expected.clone(), None),
            (terminal::harmless(&finding.found), None),
        ]);
    }
    outln!();
    out!("{}", table.render(0, terminal::colours_on_stdout()));
    outln!("\nWhat they endanger, and what mends them:");
    let mut told: Vec<(&str, &str, &str)> = Vec::new();
    for Finding {
        place,
        setting,
        endangers,
        mend,
        ..
    } in findings
    {
        let same = (setting.as_str(), endangers.as_str(), mend.as_str());
        // The same of many topics, such as one copy of everything, is told once.
        if !told.contains(&same) {
            outln!(
                "  {}: {setting}: {endangers}\n    {}",
                terminal::harmless(place),
                terminal::harmless(mend)
            );
            told.push(same);
        }
    }
}

fn made(made: &Made) -> Json {
    let settings = made.settings.iter();
    let settings = settings.map(|(name, value)| (name.clone(), Json::from(value.as_str())));
    json!({
        "topic": made.topic, "partitions": made.partitions, "replication_factor": made.replicas,
        "settings": serde_json::Map::from_iter(settings),
    })
}

fn finding(finding: &Finding) -> Json {
    json!({
        "severity": finding.severity.name(), "place": finding.place, "setting": finding.setting,
        "expected": finding.expected, "found": finding.found, "endangers": finding.endangers, "mend": finding.mend,
    })
}
