use super::*;

fn faults(layers: &Layers) -> Vec<String> {
    resolve(layers).faults
}

#[test]
fn a_later_layer_lies_over_an_earlier_one() {
    let layers = Layers {
        file: Some((
            "a.toml".into(),
            "[log]\npartitions = 2\ncache_mib = 3\n".to_owned(),
        )),
        environment: vec![("AFTERWORD_LOG__CACHE_MIB".to_owned(), "5".to_owned())],
        flags: vec![(
            "data_dir".to_owned(),
            "/d".to_owned(),
            "--data-dir".to_owned(),
        )],
    };
    let Resolved { values, faults, .. } = resolve(&layers);
    assert!(faults.is_empty(), "{faults:?}");
    let origin = Origin::File {
        path: "a.toml".into(),
        line: 2,
    };
    assert_eq!(values["log.partitions"], (Value::Number(2), origin));
    assert_eq!(values["log.cache_mib"].0, Value::Number(5));
    assert_eq!(values["data_dir"].0, Value::Text("/d".to_owned()));
}

#[test]
fn every_fault_is_named_with_its_place() {
    let text =
        "data_dirr = 'x'\n[log]\npartitions = -1\ncache_mib = 'many'\n[reports]\nlisten = 8081\n";
    let layers = Layers {
        file: Some(("a.toml".into(), text.to_owned())),
        environment: vec![("AFTERWORD_LOGGING__FORMAT".to_owned(), "xml".to_owned())],
        flags: Vec::new(),
    };
    let faults = faults(&layers);
    assert_eq!(
        faults,
        [
            "a.toml:1: unknown key `data_dirr`; did you mean `data_dir`?",
            "a.toml:3: `log.partitions`: expected a whole number from 0 to 256, found `-1`",
            "a.toml:4: `log.cache_mib`: expected a whole number from 1 to 1048576, found `many`",
            "a.toml:6: `reports.listen`: expected an IP address and a port, such as 127.0.0.1:8081, found the number 8081",
            "AFTERWORD_LOGGING__FORMAT: `logging.format`: expected one of auto, human, json, found `xml`",
        ]
    );
}

#[test]
fn what_is_no_toml_says_where() {
    let layers = Layers {
        file: Some(("a.toml".into(), "x = 1\n[log\n".to_owned())),
        ..Layers::default()
    };
    assert!(
        faults(&layers)[0].starts_with("a.toml:2: expected TOML"),
        "{:?}",
        faults(&layers)
    );
}

#[test]
fn what_kubernetes_sets_is_no_key() {
    let variable = |name: &str| (name.to_owned(), "tcp://10.0.0.1:80".to_owned());
    let environment = vec![
        variable("AFTERWORD_PORT_8081_TCP"),
        variable("AFTERWORD_SERVICE_HOST"),
        variable("HOME"),
    ];
    assert_eq!(
        faults(&Layers {
            environment,
            ..Layers::default()
        }),
        Vec::<String>::new()
    );
}

#[test]
fn properties_of_librdkafka_are_taken_from_every_layer() {
    let text = "[kafka.properties]\n\"security.protocol\" = 'SSL'\nsocket.keepalive.enable = true\nlinger.ms = 0.5\nfetch.max.bytes = 1000\n";
    let variable = |name: &str| format!("AFTERWORD_KAFKA__PROPERTIES__{name}");
    let flag = "--set kafka.properties.client.id".to_owned();
    let layers = Layers {
        file: Some(("a.toml".into(), text.to_owned())),
        environment: vec![(variable("FETCH_MAX_BYTES"), "2000".to_owned())],
        flags: vec![(
            "kafka.properties.client.id".to_owned(),
            "a".to_owned(),
            flag,
        )],
    };
    let resolved = resolve(&layers);
    assert_eq!(resolved.faults, Vec::<String>::new());
    let texts = resolved.properties.iter();
    let texts: Vec<_> = texts
        .map(|(name, (text, _))| (name.as_str(), text.as_str()))
        .collect();
    assert_eq!(
        texts,
        [
            ("client.id", "a"),
            ("fetch.max.bytes", "2000"),
            ("linger.ms", "0.5"),
            ("security.protocol", "SSL"),
            ("socket.keepalive.enable", "true"),
        ]
    );
}

#[test]
fn properties_that_would_break_a_promise_are_refused() {
    let text = "[kafka.properties.enable]\nidempotence = false\n".to_owned();
    let flags = [
        "kafka.properties",
        "kafka.properties.acks",
        "kafka.properties.sasl.passwort",
    ];
    let flags = flags.map(|key| (key.to_owned(), "hush".to_owned(), format!("--set {key}")));
    let layers = Layers {
        file: Some(("a.toml".into(), text)),
        flags: flags.to_vec(),
        ..Layers::default()
    };
    let faults = faults(&layers);
    for (fault, expected) in faults.iter().zip([
        "a.toml:2: `kafka.properties.enable.idempotence`: the program sets this itself: without it",
        "--set kafka.properties: unknown key `kafka.properties`; expected a table",
        "--set kafka.properties.acks: `kafka.properties.acks`: the program sets this itself: an acknowledgement",
        "--set kafka.properties.sasl.passwort: `kafka.properties.sasl.passwort`: librdkafka refuses it",
    ]) {
        assert!(fault.starts_with(expected) && !fault.contains("hush"), "{fault}");
    }
    assert_eq!(faults.len(), 4, "{faults:?}");
}

#[test]
fn workspaces_and_lists_are_read() {
    let text = "[survey]\ntrusted_proxies = ['::1', '10.0.0.0/8']\n[workspaces.w1]\nname = 'Acme'\n[workspaces.'a.b']\ncolour = '#aBcdef'\nlocale = 'pt-BR'\n";
    let layers = Layers {
        file: Some(("a.toml".into(), text.to_owned())),
        ..Layers::default()
    };
    let resolved = resolve(&layers);
    assert_eq!(resolved.faults, Vec::<String>::new());
    let proxies = &resolved.values["survey.trusted_proxies"].0;
    assert_eq!(*proxies, Value::Text("::1,10.0.0.0/8".to_owned()));
    assert_eq!(
        resolved.workspaces["w1"]["name"].0,
        Value::Text("Acme".to_owned())
    );
    assert_eq!(
        resolved.workspaces["a.b"]["locale"].0,
        Value::Text("pt-BR".to_owned())
    );
}

#[test]
fn what_is_wrong_with_workspaces_and_lists_is_told() {
    let text = "[survey]\nlink_keys = ['a', 1]\ntrusted_proxies = ['']\n[workspaces.w1]\ncolour = 'red'\nlocale = 'e'\nnam = 'x'\n[log]\nkind = ['kafka']\n";
    let layers = Layers {
        file: Some(("a.toml".into(), text.to_owned())),
        flags: vec![(
            "workspaces.name".to_owned(),
            "x".to_owned(),
            "--set".to_owned(),
        )],
        ..Layers::default()
    };
    assert_eq!(
        faults(&layers),
        [
            "a.toml:2: `survey.link_keys`: expected a list of texts that are not empty, found an array of other things than texts",
            "a.toml:3: `survey.trusted_proxies`: expected a list of texts that are not empty, found an empty text or a comma within",
            "a.toml:5: `workspaces.w1.colour`: expected a colour of six hexadecimal digits, such as #0f766e, found `red`",
            "a.toml:6: `workspaces.w1.locale`: expected a language, such as en or pt-BR, found `e`",
            "a.toml:7: unknown key `workspaces.w1.nam`; expected workspaces.ID and one of name, colour, locale, conversation_url",
            "a.toml:9: `log.kind`: expected one of embedded, kafka, found an array",
            "--set: unknown key `workspaces.name`; expected workspaces.ID and one of name, colour, locale, conversation_url",
        ]
    );
}
