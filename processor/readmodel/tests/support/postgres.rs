//! A real PostgreSQL: a server of its own for each test program, a database for each test.
//!
//! The programs come from Debian's package `postgresql` (`/usr/lib/postgresql/*/bin`), or from the `PATH`. The server runs as
//! another user when the tests run as root, which it refuses to be. Its default collation is not that of bytes, as on most
//! servers, so that a query which leans on the server's order is found out.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use sqlx::postgres::{PgConnectOptions, PgConnection, PgRow};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};

pub const USER: &str = "afterword";
pub const PASSWORD: &str = "s3cret/of the%tests";
const ENCODED_PASSWORD: &str = "s3cret%2Fof%20the%25tests";

/// A server that is stopped, and its directory removed, when this program ends, in whatever way.
pub struct Server {
    port: u16,
    root: PathBuf,
    /// When this is closed, the script at its other end stops the server.
    commands: Mutex<ChildStdin>,
}

/// A database of a server, dropped with this.
pub struct Database {
    name: String,
    server: &'static Server,
}

/// Where the programs are, the newest version first.
fn programs() -> PathBuf {
    let has_programs = |folder: &PathBuf| {
        ["initdb", "postgres"]
            .iter()
            .all(|program| folder.join(program).exists())
    };
    let version = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str());
        name.and_then(|name| name.parse::<u32>().ok())
    };
    let versions = std::fs::read_dir("/usr/lib/postgresql");
    let mut versions: Vec<_> = versions
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .collect();
    versions.sort_by_key(|path| std::cmp::Reverse(version(path)));
    let debian = versions.into_iter().map(|path| path.join("bin"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = debian
        .chain(std::env::split_paths(&path))
        .find(has_programs);
    found.expect(
        "expected PostgreSQL's initdb and postgres in /usr/lib/postgresql/*/bin or the PATH, found neither: \
         install the package, on Debian with `apt-get install --no-install-recommends postgresql`",
    )
}

/// The user and group that the server runs as, if it cannot be ours.
fn other_user() -> Option<(u32, u32)> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let users = std::fs::read_to_string("/etc/passwd").unwrap();
    let ids = |name: &str| {
        let user = users.lines().find_map(|line| {
            line.strip_prefix(name)
                .and_then(|rest| rest.strip_prefix(':'))
        })?;
        let mut fields = user.split(':').skip(1);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    };
    let found = ids("postgres").or_else(|| ids("nobody"));
    Some(found.expect("a user postgres or nobody to run the server as"))
}

fn command(program: &Path, user: Option<(u32, u32)>) -> Command {
    let mut command = Command::new(program);
    if let Some((user, group)) = user {
        command.uid(user).gid(group);
    }
    command.env("LC_ALL", "C").current_dir("/");
    command
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

impl Server {
    /// The server that the tests of this program share.
    pub fn shared() -> &'static Server {
        static SHARED: OnceLock<Server> = OnceLock::new();
        SHARED.get_or_init(Server::start)
    }

    /// A server that a test may kill.
    pub fn own() -> &'static Server {
        Box::leak(Box::new(Server::start()))
    }

    #[expect(
        clippy::zombie_processes,
        reason = "the script ends after this program"
    )]
    fn start() -> Server {
        let (programs, user) = (programs(), other_user());
        let root = tempfile::Builder::new()
            .prefix("afterword-postgres-")
            .tempdir();
        let root = root.unwrap().keep();
        std::fs::write(root.join("password"), PASSWORD).unwrap();
        if let Some((user, group)) = user {
            for path in [root.clone(), root.join("password")] {
                std::os::unix::fs::chown(path, Some(user), Some(group)).unwrap();
            }
        }
        let made = command(&programs.join("initdb"), user)
            .arg("-D")
            .arg(root.join("data"))
            .args(["-U", USER, "--encoding=UTF8", "--locale=C", "--no-sync"])
            .args(["--locale-provider=icu", "--icu-locale=en"])
            .args(["--auth-local=trust", "--auth-host=scram-sha-256"])
            .arg(format!("--pwfile={}", root.join("password").display()))
            .output()
            .unwrap();
        assert!(made.status.success(), "initdb: {made:?}");
        let port = free_port();
        let mut script = command(Path::new("/bin/sh"), user)
            .args(["-c", include_str!("postgres.sh"), "postgres.sh"])
            .arg(programs.join("postgres"))
            .arg(&root)
            .args([
                "-c",
                "listen_addresses=127.0.0.1",
                "-c",
                &format!("port={port}"),
            ])
            .args(["-c", &format!("unix_socket_directories={}", root.display())])
            .args([
                "-c",
                "fsync=off",
                "-c",
                "full_page_writes=off",
                "-c",
                "autovacuum=off",
            ])
            .args(["-c", "max_connections=300", "-c", "deadlock_timeout=2s"])
            // What ends the tests at a terminal must not end the script before it has cleaned up.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Server {
            port,
            commands: Mutex::new(script.stdin.take().unwrap()),
            root,
        };
        server.wait_until_up();
        server
    }

    fn options(&self) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass()
            .socket(&self.root)
            .port(self.port)
            .username(USER)
            .database("postgres")
    }

    fn wait_until_up(&self) {
        let began = Instant::now();
        while blocking(async { self.options().connect().await?.close().await }).is_err() {
            if began.elapsed() > Duration::from_secs(60) {
                let log = std::fs::read_to_string(self.root.join("server.log"));
                panic!("PostgreSQL does not come up: {log:?}");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn tell(&self, command: &str) {
        let mut commands = self.commands.lock().unwrap();
        writeln!(commands, "{command}").unwrap();
    }

    /// Kills the server with SIGKILL. What it has committed is in its files.
    pub fn kill(&self) {
        self.tell("kill");
        // Its sessions end by themselves as soon as they notice; until then no other server may start on their memory.
        let began = Instant::now();
        while blocking(async { self.options().connect().await?.close().await }).is_ok() {
            assert!(began.elapsed() < Duration::from_secs(10));
        }
        std::thread::sleep(Duration::from_millis(500));
    }

    /// Starts it again.
    pub fn restart(&self) {
        self.tell("start");
        self.wait_until_up();
    }

    /// Makes a database.
    pub fn database(&'static self) -> Database {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("report_{}", COUNT.fetch_add(1, Ordering::Relaxed));
        self.query(&format!("CREATE DATABASE {name}"));
        Database { name, server: self }
    }

    /// Asks the administrative database.
    pub fn query(&self, sql: &str) -> Vec<PgRow> {
        blocking(async {
            let mut connection = self.options().connect().await?;
            let rows = sqlx::query(AssertSqlSafe(sql.to_owned()));
            let rows = rows.fetch_all(&mut connection).await?;
            connection.close().await?;
            Ok::<_, sqlx::Error>(rows)
        })
        .unwrap()
    }

    /// The URL of a database over TCP, as this user with this password (percent-encoded).
    pub fn url(&self, user: &str, password: &str, database: &str) -> String {
        format!(
            "postgres://{user}:{password}@127.0.0.1:{}/{database}",
            self.port
        )
    }
}

impl Database {
    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn server(&self) -> &'static Server {
        self.server
    }

    pub fn port(&self) -> u16 {
        self.server.port
    }

    pub fn url(&self) -> String {
        self.server.url(USER, ENCODED_PASSWORD, &self.name)
    }

    /// The URL of this database with the server behind something else on this port.
    pub fn url_at(&self, port: u16) -> String {
        self.url()
            .replacen(&format!(":{}/", self.server.port), &format!(":{port}/"), 1)
    }

    /// Breaks the sessions of this database for which the condition on `pg_stat_activity` holds, and says how many those
    /// were: they see it at their next word with the server.
    pub fn terminate(&self, condition: &str) -> usize {
        let sql = format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE pid IN (SELECT pid FROM pg_stat_activity WHERE datname = '{}' AND {condition})",
            self.name
        );
        self.server.query(&sql).len()
    }

    /// A connection beside those of the program under test.
    pub async fn connect(&self) -> PgConnection {
        let options = self.server.options().database(&self.name);
        options.connect().await.unwrap()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // A server that the test has killed takes its databases with it.
        let sql = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        let options = self.server.options();
        let dropped = blocking(async {
            let mut connection = options.connect().await?;
            sqlx::query(AssertSqlSafe(sql))
                .execute(&mut connection)
                .await?;
            connection.close().await
        });
        drop(dropped);
    }
}

/// Does this on a thread with a runtime of its own, since tests are on one already.
fn blocking<T: Send>(work: impl Future<Output = T> + Send) -> T {
    let on_thread = || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(work)
    };
    std::thread::scope(|scope| scope.spawn(on_thread).join().unwrap())
}
