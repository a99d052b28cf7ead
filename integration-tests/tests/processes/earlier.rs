//! Data directories that earlier builds wrote, each killed in the middle of its work (`earlier/make`): this build goes on with them as
//! if they were its own. A file is named after the commit that wrote it; one is added whenever a stored format changes.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::by_hand;
use crate::place::Place;

/// Lines of the facts written by hand that lie in each, as `earlier/make` puts them there.
const LINES: usize = 50;

/// A place with what is in this file.
fn unpacked(archive: &Path) -> Place {
    let place = Place::new().with("log.partitions", 1);
    let ground = place.data().parent().unwrap();
    let status = Command::new("tar")
        .arg("--extract")
        .arg("--gzip")
        .arg("--file")
        .arg(archive)
        .arg("--directory")
        .arg(ground)
        .status()
        .unwrap();
    assert!(status.success(), "{}", archive.display());
    place
}

fn archives() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/processes/earlier");
    let files = std::fs::read_dir(folder).unwrap();
    let mut archives: Vec<_> = files
        .map(|file| file.unwrap().path())
        .filter(|path| path.to_string_lossy().ends_with(".tar.gz"))
        .collect();
    archives.sort();
    assert!(archives.len() >= 2, "{archives:?}");
    archives
}

#[test]
fn what_an_earlier_build_wrote_is_gone_on_with() {
    for archive in archives() {
        println!("{}", archive.display());
        let place = unpacked(&archive);
        by_hand::import_after(&place, LINES);
        place.drain();
        by_hand::expect_everything(&place);
        // What that build had taken in is known to this one.
        by_hand::import_after(&place, 0);
        place.drain();
        by_hand::expect_everything(&place);
        place.must(&["verify"]);
    }
}

#[test]
fn a_service_that_begins_on_it_is_ready_and_can_be_backed_up() {
    for archive in archives() {
        println!("{}", archive.display());
        let place = unpacked(&archive);
        let service = place.serve(&[]);
        by_hand::import_after(&place, LINES);
        let backup = place.file("backup");
        place.must(&["backup", backup.to_str().unwrap()]);
        assert_eq!(service.stop().code(), Some(0));
        let restored = Place::new().with("log.partitions", 1);
        restored.must(&["restore", backup.to_str().unwrap()]);
        restored.drain();
        by_hand::expect_everything(&restored);
        restored.must(&["verify"]);
    }
}
