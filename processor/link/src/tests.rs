use std::os::unix::fs::PermissionsExt;

use proptest::prelude::*;

use super::*;

fn keys(count: usize) -> Vec<String> {
    (0..count).map(|_| LinkKeys::generate()).collect()
}

fn parsed(texts: &[String]) -> LinkKeys {
    LinkKeys::parse(texts).expect("keys")
}

fn subject(workspace: &str, request: &str) -> Subject {
    Subject {
        workspace_id: workspace.to_owned(),
        request_id: request.to_owned(),
    }
}

#[test]
fn what_is_no_key_is_refused_and_not_told() {
    let check = |texts: &[&str], expected: &str| {
        let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        let error = LinkKeys::parse(&texts).expect_err("no keys");
        assert!(error.contains(expected), "{error}");
        assert!(
            texts
                .iter()
                .all(|text| text.len() < 4 || !error.contains(text)),
            "{error}"
        );
    };
    let good = LinkKeys::generate();
    check(&[], "found none");
    check(&["hush"], "key 1 of 1: expected 32 random bytes");
    check(&[&good, "aHVzaA=="], "key 2 of 2");
    check(&[&STANDARD.encode([0; 32])], "key 1 of 1");
    check(&[&STANDARD.encode([7; 33])], "key 1 of 1");
    assert!(!format!("{:?}", parsed(std::slice::from_ref(&good))).contains(&good));
}

#[test]
fn a_changed_token_does_not_open() {
    let keys = parsed(&keys(2));
    let token = keys.mint(&subject("w1", "b139f598-a267-5ce6-86df-efde7935a099"));
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for at in 0..token.len() {
        let mut changed = token.clone().into_bytes();
        let place = alphabet.iter().position(|byte| *byte == changed[at]);
        changed[at] = alphabet[(place.expect("of the alphabet") + 1) % alphabet.len()];
        let changed = String::from_utf8(changed).expect("ASCII");
        assert_eq!(keys.open(&changed), None, "at {at}");
        assert_eq!(keys.open(&token[..at]), None, "cut at {at}");
    }
    for wrong in [
        format!("{token}A"),
        format!("{token}="),
        format!("{token}."),
        format!("{token}.{token}"),
        format!("v4.local.{token}"),
        format!(" {token}"),
        token.repeat(50),
        String::new(),
        "%00".to_owned(),
        "é".to_owned(),
    ] {
        assert_eq!(keys.open(&wrong), None, "{wrong}");
    }
}

#[test]
fn keys_rotate() {
    let texts = keys(2);
    let old = parsed(&texts[..1]);
    let token = old.mint(&subject("w1", "r1"));
    let rotated = parsed(&[texts[1].clone(), texts[0].clone()]);
    assert_eq!(rotated.open(&token), Some(subject("w1", "r1")));
    let new = rotated.mint(&subject("w1", "r1"));
    assert_eq!(old.open(&new), None, "the first key mints");
    let dropped = parsed(&texts[1..]);
    assert_eq!(
        dropped.open(&token),
        None,
        "a key that is gone opens nothing"
    );
    assert_eq!(dropped.open(&new), Some(subject("w1", "r1")));
}

#[test]
fn a_token_of_the_same_key_for_another_purpose_does_not_open() {
    let texts = keys(1);
    let key = key_of(&texts[0]).expect("a key");
    let other = LocalToken::encrypt(&key, b"w1\0r1", None, Some(b"something else"));
    let other = other.expect("encrypted");
    assert_eq!(parsed(&texts).open(&other[HEADER.len()..]), None);
    let sealed = parsed(&texts).seal("form", "w1\0r1");
    assert_eq!(parsed(&texts).open(&sealed), None);
    assert_eq!(
        parsed(&texts).unseal("form", &sealed).as_deref(),
        Some("w1\0r1")
    );
    assert_eq!(parsed(&texts).unseal("receipt", &sealed), None);
    let noted = LocalToken::encrypt(&key, b"w1\0r1", Some(b"note"), Some(LINK.as_bytes()));
    let noted = noted.expect("encrypted");
    assert_eq!(
        parsed(&texts).open(&noted[HEADER.len()..]),
        None,
        "a footer"
    );
}

#[test]
fn nothing_is_named_in_clear() {
    let keys = parsed(&keys(1));
    let subject = subject("acme-support", "b139f598-a267-5ce6-86df-efde7935a099");
    let token = keys.mint(&subject);
    assert_ne!(
        token,
        keys.mint(&subject),
        "two tokens of one request differ"
    );
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(&token);
    let bytes = bytes.expect("base64");
    for name in [&subject.workspace_id, &subject.request_id] {
        assert!(!token.contains(name.as_str()));
        assert!(
            !bytes
                .windows(name.len())
                .any(|part| part == name.as_bytes())
        );
    }
    assert!(token.len() < 180, "{} characters", token.len());
}

#[test]
fn a_key_is_made_once_and_kept() {
    let directory = tempfile::tempdir().expect("a directory");
    let data = directory.path().join("data");
    let made: Vec<LinkKeys> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| keys_of_directory(&data).expect("keys")))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("no panic"))
            .collect()
    });
    let token = made[0].mint(&subject("w1", "r1"));
    assert!(made.iter().all(|keys| keys.open(&token).is_some()));
    let path = data.join(KEY_FILE);
    let mode = std::fs::metadata(&path)
        .expect("the file")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(
        std::fs::read_dir(&data).expect("listed").count(),
        1,
        "no draft is left"
    );

    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).expect("changed");
    let error = keys_of_directory(&data).expect_err("others may read it");
    assert!(error.contains("chmod 600"), "{error}");
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).expect("changed");
    std::fs::write(&path, "\n").expect("written");
    let error = keys_of_directory(&data).expect_err("an empty file");
    assert!(error.contains("found none"), "{error}");
}

proptest! {
    #[test]
    fn what_is_minted_opens(workspace in "[^\\p{Cc}]{1,64}", request in "[^\\p{Cc}]{1,64}") {
        let keys = parsed(&keys(1));
        let subject = subject(&workspace, &request);
        prop_assert_eq!(keys.open(&keys.mint(&subject)), Some(subject));
    }

    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,300}") {
        prop_assert_eq!(parsed(&keys(1)).open(&text), None);
    }
}
