//! A key that is made once and kept in the data directory, for whoever configures none.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use zeroize::Zeroizing;

use crate::LinkKeys;

/// The file's name in the data directory: one key a line, the first mints.
pub const KEY_FILE: &str = "link-keys";
const BYTES_MOST: u64 = 64 * 1024;

/// The keys in the directory's key file; makes the file, readable by its owner alone, when there is none. Safe when several
/// processes do so at once: all get the same key.
///
/// # Errors
/// When the file cannot be made or read, when others may read it, or when it holds no keys.
pub fn keys_of_directory(directory: &Path) -> Result<LinkKeys, String> {
    let path = directory.join(KEY_FILE);
    let named = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    if !path.exists() {
        fs::create_dir_all(directory).map_err(|error| named(&error))?;
        create(directory, &path).map_err(|error| named(&error))?;
    }
    let about = fs::metadata(&path).map_err(|error| named(&error))?;
    if about.permissions().mode() & 0o077 != 0 {
        return Err(named(
            &"expected a file that its owner alone may read; `chmod 600` it, and replace its keys if somebody else may have read them",
        ));
    }
    if about.len() > BYTES_MOST {
        return Err(named(&"expected one key a line, found a long file"));
    }
    let text = Zeroizing::new(fs::read_to_string(&path).map_err(|error| named(&error))?);
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let keys = Zeroizing::new(lines.map(str::to_owned).collect::<Vec<_>>());
    LinkKeys::parse(&keys).map_err(|error| named(&error))
}

/// Written whole under another name, then linked: there is never half a file under the right name, nor a second key.
fn create(directory: &Path, path: &Path) -> std::io::Result<()> {
    let mut name = [0; 8];
    getrandom::fill(&mut name).map_err(std::io::Error::other)?;
    let name = u64::from_ne_bytes(name);
    let draft = directory.join(format!("{KEY_FILE}.{name:016x}"));
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)?;
    let key = Zeroizing::new(LinkKeys::generate());
    file.write_all(format!("{}\n", *key).as_bytes())?;
    file.sync_all()?;
    let linked = match fs::hard_link(&draft, path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    };
    fs::remove_file(&draft)?;
    fs::File::open(directory)?.sync_all()?;
    linked
}
