//! What is said of a wrong configuration or command line, and with which exit code.

mod common;

use common::Home;
use serde_json::json;

#[test]
fn an_unknown_key_is_named_with_the_nearest_known_one() {
    let home = Home::new();
    let file = home.file("a.toml", "[log]\npartitons = 3\n");
    let ended = home.run(&["config", "check", "--config", &file]);
    assert_eq!(ended.code, Some(78));
    assert!(
        ended
            .err
            .contains("a.toml:2: unknown key `log.partitons`; did you mean `log.partitions`?"),
        "{}",
        ended.err
    );
    let ended = home.run_with_environment(&["run"], &[("AFTERWORD_LOG__CACHE", "3")]);
    assert_eq!(ended.code, Some(78));
    assert!(
        ended.err.contains(
            "AFTERWORD_LOG__CACHE: unknown key `log.cache`; did you mean `log.cache_mib`?"
        ),
        "{}",
        ended.err
    );
}

/// `make demo` runs the program by `cargo run`, which hands it the variables that its build script set.
#[test]
fn what_cargo_run_sets_is_no_configuration() {
    let names = include_str!("../build.rs").split("rustc-env=").skip(1);
    let names: Vec<&str> = names.filter_map(|rest| rest.split('=').next()).collect();
    assert_eq!(names.len(), 3, "{names:?}");
    let home = Home::new();
    let variables: Vec<(&str, &str)> = names.iter().map(|name| (*name, "x")).collect();
    let ended = home.run_with_environment(&["config", "check"], &variables);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
}

#[test]
fn every_wrong_value_is_told_at_once() {
    let home = Home::new();
    let file = home.file(
        "a.toml",
        "[process]\ncache_mib = -1\ncommit_interval_ms = \"soon\"\n",
    );
    let ended = home.run(&[
        "tail",
        "rating-requested",
        "--config",
        &file,
        "--set",
        "reports.listen=nowhere",
    ]);
    assert_eq!(ended.code, Some(78));
    for expected in [
        "a.toml:2: `process.cache_mib`: expected a whole number from 1 to 1048576, found `-1`",
        "a.toml:3: `process.commit_interval_ms`: expected a whole number from 1 to 60000, found `soon`",
        "--set reports.listen: `reports.listen`: expected an IP address and a port",
    ] {
        assert!(ended.err.contains(expected), "{}", ended.err);
    }
    assert_eq!(
        home.run(&["config", "check", "--config", "missing.toml"])
            .code,
        Some(78)
    );
    let ended = home.run(&["topics", "--set", "logging.level=a=b=c"]);
    assert_eq!(ended.code, Some(78), "{ended:?}");
}

#[test]
fn the_check_says_where_each_value_came_from() {
    let home = Home::new();
    let file = home.file("a.toml", "\n[log]\ncache_mib = 5\n");
    let arguments = [
        "config",
        "check",
        "--json",
        "--config",
        &file,
        "--set",
        "stop_timeout_s=4",
    ];
    let ended = home.run_with_environment(&arguments, &[("AFTERWORD_PROCESS__DEBT_FACTS", "0")]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let effective = ended.json();
    assert_eq!(effective["log.cache_mib"]["value"], 5);
    assert!(
        effective["log.cache_mib"]["origin"]
            .as_str()
            .expect("text")
            .ends_with("a.toml:3")
    );
    assert_eq!(
        effective["process.debt_facts"]["origin"],
        "AFTERWORD_PROCESS__DEBT_FACTS"
    );
    assert_eq!(effective["stop_timeout_s"]["value"], 4);
    assert_eq!(effective["data_dir"]["origin"], "--data-dir");
    assert_eq!(
        effective["logging.level"],
        json!({ "value": "info", "origin": "default", "variable": "AFTERWORD_LOGGING__LEVEL" })
    );
}

#[test]
fn kafka_without_brokers_and_brokers_without_kafka_are_told() {
    let home = Home::new();
    for (arguments, said) in [
        (
            &["run", "--log", "kafka"][..],
            "--log: `log.kind` is kafka: expected its brokers, found none; set `kafka.bootstrap_servers` (--bootstrap-servers HOST:PORT,…)",
        ),
        (
            &["topics", "--bootstrap-servers", "localhost:9092"],
            "--bootstrap-servers: `kafka.bootstrap_servers` is set, and nothing says which log is meant",
        ),
        (
            &[
                "run",
                "--log",
                "kafka",
                "--bootstrap-servers",
                "localhost:1",
                "--role",
                "survey",
            ],
            "`survey.link_keys`: the roles survey and deliver need the same keys in every process, found none",
        ),
        (
            &["topics", "--set", "kafka.properties.acks=1"],
            "--set kafka.properties.acks: `kafka.properties.acks`: the program sets this itself",
        ),
    ] {
        let ended = home.run(arguments);
        assert_eq!(ended.code, Some(78), "{arguments:?} {ended:?}");
        assert!(ended.err.contains(said), "{arguments:?} {ended:?}");
    }
}

#[test]
fn secrets_are_never_printed() {
    let home = Home::new();
    let text = "[kafka.properties]\n\"sasl.password\" = 'hush1'\n\"security.protocol\" = 'SASL_SSL'\n[schema_registry]\nurl = 'http://r'\nusername = 'a'\npassword = 'hush2'\n";
    let file = home.file("a.toml", text);
    let environment = [
        ("AFTERWORD_REPORTS__DATABASE_URL", "postgres://u:hush3@h/d"),
        ("AFTERWORD_KAFKA__PROPERTIES__SSL_KEY_PASSWORD", "hush4"),
    ];
    let check = |arguments: &[&str]| {
        let ended = home.run_with_environment(arguments, &environment);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert!(!ended.out.contains("hush"), "{ended:?}");
        assert!(!ended.err.contains("hush"), "{ended:?}");
        ended
    };
    let table = check(&["config", "check", "--config", &file]);
    assert_eq!(table.out.matches("(secret)").count(), 4, "{table:?}");
    let effective = check(&["config", "check", "--json", "--config", &file]).json();
    let value = |key: &str| effective[key]["value"].clone();
    assert_eq!(value("kafka.properties.sasl.password"), "(secret)");
    assert_eq!(value("kafka.properties.security.protocol"), "SASL_SSL");
    assert_eq!(value("reports.database_url"), "(secret)");
    assert_eq!(value("schema_registry.username"), "a");
    assert_eq!(
        effective["kafka.properties.ssl.key.password"]["origin"],
        "AFTERWORD_KAFKA__PROPERTIES__SSL_KEY_PASSWORD"
    );
    let plain = home.run(&["config", "check", "--json"]).json();
    assert_eq!(plain["schema_registry.password"]["value"], "");
}

#[test]
fn what_is_not_built_is_said_with_exit_code_2() {
    let home = Home::new();
    for (arguments, said) in [
        (
            &["tail", "ratings"][..],
            "expected a topic, one of conversation-events",
        ),
        (&["run", "--json"], "--drain"),
        (&["frobnicate"], "unrecognized subcommand"),
        (
            &["simulate", "--until", "yesterday"],
            "--until: expected a time",
        ),
    ] {
        let ended = home.run(arguments);
        assert_eq!(ended.code, Some(2), "{arguments:?} {ended:?}");
        assert!(ended.err.contains(said), "{arguments:?} {ended:?}");
    }
}

#[test]
fn help_and_version_are_there() {
    let home = Home::new();
    let version = home.run(&["--version"]);
    assert!(
        version.out.starts_with(concat!(
            "afterword ",
            env!("CARGO_PKG_VERSION"),
            " (commit "
        )),
        "{version:?}"
    );
    for command in ["demo", "run", "simulate", "import", "tail", "explain"] {
        let help = home.run(&[command, "--help"]);
        assert!(
            help.code == Some(0) && help.out.contains("Example"),
            "{command} {help:?}"
        );
    }
}

#[test]
fn a_directory_without_a_log_is_told() {
    let home = Home::new();
    for arguments in [
        &["tail", "rating-requested"][..],
        &["explain", "c1"],
        &["topics"],
        &["settings", "get"],
    ] {
        let ended = home.run(arguments);
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(ended.err.contains("expected a log in "), "{ended:?}");
    }
}
