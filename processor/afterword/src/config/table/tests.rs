use super::*;

#[test]
fn the_nearest_key_is_found() {
    assert_eq!(Setting::nearest("log.partition"), Some("log.partitions"));
    assert_eq!(Setting::nearest("debt_facts"), Some("process.debt_facts"));
    assert_eq!(Setting::nearest("datadir"), Some("data_dir"));
    assert_eq!(Setting::nearest("zzzzzzzzzzz"), None);
}

#[test]
fn variables_have_two_underscores_between_levels() {
    let setting = Setting::of("log.cache_mib").expect("known");
    assert_eq!(setting.variable(), "AFTERWORD_LOG__CACHE_MIB");
}
