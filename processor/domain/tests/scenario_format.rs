//! The scenario files are read strictly: what is not understood is an error with its file and line.

use afterword_domain::Effects;
use afterword_domain::scenario::{Checker, DAY_1, OwnedPayload, Scenario, Step, parse};
use afterword_domain::{Conversation, Rules, SettingsTable, fold};

#[track_caller]
fn check_error(text: &str, line: usize, part: &str) {
    let error = parse("some.txt", text).expect_err(text);
    assert_eq!(
        (error.file.as_str(), error.line),
        ("some.txt", line),
        "{error}"
    );
    assert!(error.message.contains(part), "{error}");
    assert!(error.to_string().starts_with(&format!("some.txt:{line}: ")));
}

#[test]
fn what_is_not_understood_is_named_with_its_line() {
    check_error("09:00 closed by teammate t1", 1, "scenario: TITLE");
    check_error("scenario: a\n", 1, "without a fact");
    check_error(
        "scenario: a\n09:00 user u1 joins\nscenario: a\n09:00 user u1 joins",
        3,
        "second scenario",
    );
    check_error(
        "scenario: a\n\n# note\nclosed by teammate t1",
        4,
        "begins with its time",
    );
    check_error(
        "scenario: a\n9:00 closed by teammate t1",
        2,
        "begins with its time",
    );
    check_error(
        "scenario: a\n24:00 closed by teammate t1",
        2,
        "begins with its time",
    );
    check_error("scenario: a\n09:00 closed by someone t1", 2, "somebody");
    check_error("scenario: a\n09:00 closed by teammate", 2, "an id");
    check_error(
        "scenario: a\n09:00 closed by teammate t1 now",
        2,
        "the end of the line",
    );
    check_error("scenario: a\n09:00 user u1 shouts \"x\"", 2, "`shouts`");
    check_error("scenario: a\n09:00 user u1 writes x", 2, "a text");
    check_error(
        "scenario: a\n09:00 user u1 writes \"x",
        2,
        "closing quotation mark",
    );
    check_error(
        "scenario: a\n09:00 user u1 writes \"\\q\"",
        2,
        "unknown escape",
    );
    check_error("scenario: a\n09:00 user u1 writes 10", 2, "`characters`");
    check_error(
        "scenario: a\n09:00 started by user u1 (inbound, email)",
        2,
        "an origin",
    );
    check_error(
        "scenario: a\n09:00 started by user u1 (custom_bot, fax)",
        2,
        "a channel",
    );
    check_error(
        "scenario: a\n09:00 customer u1 reacts good",
        2,
        "a reaction",
    );
    check_error(
        "scenario: a\nagain [x]",
        2,
        "no fact before has the label [x]",
    );
    check_error(
        "scenario: a\n09:00 user u1 joins [x]\n09:01 user u1 joins [x]",
        3,
        "second fact",
    );
    check_error("scenario: a\n09:00 user u1 joins, 3 days", 2, "`times`");
    check_error("scenario: a\ngiven nothing", 2, "no `given nothing:`");
    check_error("given a:\ngiven a:\n", 2, "a second");
    check_error(
        "given a:\n09:00 nobody\nscenario: b\ngiven a",
        2,
        "somebody",
    );
    check_error(
        "scenario: a\nsettings 1 from 09:00 (users on, leads on)",
        2,
        "`,`",
    );
    check_error(
        "scenario: a\nsettings 1 from 09:00 (users on, leads maybe, plan on)",
        2,
        "`on` or `off`",
    );
}

#[test]
fn so_are_outcomes() {
    let after = |outcome: &str| format!("scenario: a\n09:00 closed by teammate t1\n=> {outcome}");
    check_error("scenario: a\n=> nothing", 2, "before the first fact");
    check_error(&after("something"), 3, "`something`");
    check_error(&after("not asked: short"), 3, "a criterion's code");
    check_error(
        &after("not asked: too_short stale"),
        3,
        "the end of the line",
    );
    check_error(
        &after("not asked: too_short (length 3)"),
        3,
        "`length` is no field",
    );
    check_error(
        &after("not asked: too_short (revision 3)"),
        3,
        "`revision` is no field",
    );
    check_error(
        &after("not asked: too_short (characters many)"),
        3,
        "a number",
    );
    check_error(
        &after("not asked: stale (since_last_reply 3 days)"),
        3,
        "a duration",
    );
    check_error(&after("asked u1"), 3, "`about`");
    check_error(&after("rated good"), 3, "a reaction");
    check_error(&after("refused: because"), 3, "a reason");
    check_error(&after("counted: sheep"), 3, "what is counted");
    check_error(
        "scenario: a\nsettings 1 from 09:00 (users on, leads on, plan on)\n=> asked",
        3,
        "repeated or refused",
    );
}

#[test]
fn times_labels_and_texts_are_what_they_say() {
    let text = "scenario: A title\n09:00:01.002 user u1 writes \"a\\n\" + 2 times \"é\" + 1 character [m]\n\
        day 3 00:00 closed by bot b\n10:00 closed by bot b, 2 times\nagain [m]";
    let scenarios = parse("some.txt", text).expect("a right one");
    let [
        Scenario {
            title,
            workspace_id,
            conversation_id,
            steps,
            ..
        },
    ] = scenarios.as_slice()
    else {
        panic!("one scenario")
    };
    assert_eq!(
        (
            title.as_str(),
            workspace_id.as_str(),
            conversation_id.as_str()
        ),
        ("A title", "some-1", "some-1-c")
    );
    let facts: Vec<_> = steps
        .iter()
        .map(|step| match step {
            Step::Fact(step) => &step.fact,
            Step::Settings(_) => panic!("no settings"),
        })
        .collect();
    let times: Vec<i64> = facts
        .iter()
        .map(|fact| fact.occurred_at.0 - DAY_1.0)
        .collect();
    let day_3 = 2 * 86_400_000;
    assert_eq!(
        times,
        [
            32_401_002,
            day_3,
            day_3 + 36_000_000,
            day_3 + 36_000_000,
            32_401_002
        ]
    );
    let ids: Vec<_> = facts.iter().map(|fact| fact.event_id.as_str()).collect();
    assert_eq!(ids, ["m", "e1", "e2", "e3", "m"]);
    assert_eq!(facts[0], facts[4]);
    assert!(
        matches!(&facts[0].payload, OwnedPayload::MessageAdded { text, .. } if text == "a\nééx")
    );
}

/// What a scenario states wrongly is found: no output passes that is not stated, none is missing, no field differs.
#[test]
fn a_wrong_statement_is_found() {
    let facts = "scenario: a\n09:00 started by user u1 (customer_initiated, messenger)\n09:01 user u1 writes 200 characters\n\
        09:05 teammate t1 writes 100 characters\n09:10 closed by teammate t1\n";
    let right =
        "=> asked u1 about t1 (characters 251)\n09:20 customer u1 reacts great\n=> rated great\n";
    assert_eq!(run(&format!("{facts}{right}")), Ok(()));
    let wrong = [
        "",
        "=> nothing\n",
        "=> not asked: too_short\n",
        "=> asked u2 about t1\n",
        "=> asked u1 about t2\n",
        "=> asked u1 about t1 (characters 250)\n",
        "=> asked u1 about t1 (channel email)\n",
        "=> asked u1 about t1 (settings 1)\n",
        "=> asked u1 about t1 (since_last_reply 4m)\n",
        "=> asked u1 about t1\n=> rated great\n",
        "=> asked u1 about t1\n=> counted: repeated\n",
        "=> asked u1 about t1\n09:20 customer u1 reacts great\n",
        "=> asked u1 about t1\n09:20 customer u1 reacts great\n=> rated ok\n",
        "=> asked u1 about t1\n09:20 customer u1 reacts great\n=> rated great with comment \"x\"\n",
        "=> asked u1 about t1\n09:20 customer u1 reacts great\n=> rated great (after_reopen yes)\n",
        "=> asked u1 about t1\n09:20 customer u1 reacts great\n=> rated great (revision 2)\n",
        "=> asked u1 about t1\n09:20 customer u1 reacts great\n=> rated great (before ok)\n",
        "=> asked u1 about t1\n09:20 customer u1 reacts great\n=> refused: locked\n",
        "=> asked u1 about t1\n09:20 customer u2 reacts great\n=> refused: locked\n",
        "=> asked u1 about t1\n09:20 customer u2 reacts great\n",
    ];
    for outcome in wrong {
        let error = run(&format!("{facts}{outcome}"));
        assert!(
            error
                .as_ref()
                .is_err_and(|error| error.starts_with("some.txt:")),
            "{outcome:?}: {error:?}"
        );
    }
}

fn run(text: &str) -> Result<(), String> {
    let scenarios = parse("some.txt", text).map_err(|error| error.to_string())?;
    let mut conversation = Conversation::default();
    let mut checker = Checker::new(&scenarios[0]);
    for step in &scenarios[0].steps {
        let Step::Fact(step) = step else { continue };
        let mut effects = Effects::default();
        fold(
            &mut conversation,
            &step.fact.as_event(),
            &Rules::default(),
            &SettingsTable::default(),
            &mut effects,
        );
        checker
            .check(step, &effects.outputs)
            .map_err(|error| error.to_string())?;
        checker
            .check_notes(step, &effects.notes)
            .map_err(|error| error.to_string())?;
    }
    Ok(())
}
