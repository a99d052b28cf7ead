//! Certificates for brokers that demand TLS, made anew for each cluster by the `openssl` command.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A folder with `ca.pem`, `server.pem` (key and chain), `client.pem` and `client.key`.
#[derive(Debug)]
pub struct Certificates {
    folder: PathBuf,
}

impl Certificates {
    /// # Panics
    /// When `openssl` is missing or refuses.
    pub fn make(folder: PathBuf) -> Certificates {
        fs::create_dir_all(&folder).unwrap();
        let mut authority = request("Test authority", "ca.key");
        authority.extend(words("-x509 -days 2 -out ca.pem"));
        openssl(&folder, &authority);
        fs::write(
            folder.join("names.conf"),
            "subjectAltName=IP:127.0.0.1,DNS:localhost\n",
        )
        .unwrap();
        for name in ["server", "client"] {
            let mut wanted = request(&format!("test-{name}"), &format!("{name}.key"));
            wanted.extend(words("-out request.pem"));
            openssl(&folder, &wanted);
            let sign = "x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names.conf -out";
            let mut signed = words(sign);
            signed.push(format!("{name}.crt"));
            openssl(&folder, &signed);
        }
        let join = |to: &str, from: [&str; 3]| {
            let parts = from.map(|name| fs::read_to_string(folder.join(name)).unwrap());
            fs::write(folder.join(to), parts.concat()).unwrap();
        };
        join("server.pem", ["server.key", "server.crt", "ca.pem"]);
        Certificates { folder }
    }

    /// The path of one of its files.
    pub fn file(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }
}

fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

fn request(name: &str, key: &str) -> Vec<String> {
    let mut arguments =
        words("req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout");
    arguments.extend([key.to_owned(), "-subj".to_owned(), format!("/CN={name}")]);
    arguments
}

fn openssl(folder: &Path, arguments: &[String]) {
    let mut command = Command::new("openssl");
    let done = command.args(arguments).current_dir(folder).output();
    let done = done.expect("openssl is needed; `.ci/services` installs it");
    assert!(
        done.status.success(),
        "openssl {arguments:?}: {}",
        String::from_utf8_lossy(&done.stderr)
    );
}
