//! PostgreSQL in a temporary folder, on a free port of loopback and a socket beside its data.

use std::{
    env, fs,
    os::unix::fs::chown,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use tempfile::TempDir;

use crate::port::free_port;

/// Names a server that tests of several processes share.
pub const SHARED: &str = "FEEDBACK_TEST_POSTGRES";

/// Names a server with the extension pgvector that tests of several processes share.
pub const SHARED_WITH_PGVECTOR: &str = "FEEDBACK_TEST_PGVECTOR";

/// Names the folder of the programs of a PostgreSQL with the extension pgvector.
pub const PGVECTOR_TOOLS: &str = "FEEDBACK_TEST_PGVECTOR_TOOLS";

/// Whom the server runs as where the tests run as root: it refuses root.
const USER: &str = "postgres";

/// How long a server may take to start or stop.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the tests share: the server that the environment names, or one that this process starts at the first call.
///
/// # Panics
/// If there is none and none can be started.
pub fn shared() -> &'static Server {
    static SERVER: OnceLock<(Server, Option<PrivateServer>)> = OnceLock::new();
    let (server, _) = SERVER.get_or_init(|| match env::var(SHARED) {
        Ok(url) if !url.is_empty() => (Server::at(&url, tools()), None),
        _ => {
            let own = PrivateServer::start();
            (own.server.clone(), Some(own))
        }
    });
    server
}

/// The same, of a server that has the extension pgvector.
///
/// # Panics
/// If there is none and none can be started.
pub fn shared_with_pgvector() -> &'static Server {
    static SERVER: OnceLock<(Server, Option<PrivateServer>)> = OnceLock::new();
    let (server, _) = SERVER.get_or_init(|| match env::var(SHARED_WITH_PGVECTOR) {
        Ok(url) if !url.is_empty() => (Server::at(&url, tools()), None),
        _ => {
            let own = PrivateServer::start_with_pgvector();
            (own.server.clone(), Some(own))
        }
    });
    server
}

/// Whether a server makes sure that what it says is committed is on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sync {
    /// It does, as in production: for measurements and for tests of crashes.
    On,
    /// It does not: several times faster, and a killed server still loses nothing while the machine lives.
    Off,
}

/// A server that listens, whoever started it.
#[derive(Debug, Clone)]
pub struct Server {
    /// Without a database: `postgres://postgres@127.0.0.1:5433`.
    url: String,
    tools: PathBuf,
}

impl Server {
    fn at(url: &str, tools: PathBuf) -> Self {
        Self {
            url: url.trim_end_matches('/').to_owned(),
            tools,
        }
    }

    /// A new, empty database, dropped with the value.
    ///
    /// # Panics
    /// If the server does not make one.
    pub fn database(&self) -> Database {
        self.database_from("template1")
    }

    /// A new database with all that another one holds, to which nobody may be connected.
    ///
    /// # Panics
    /// As [`Server::database`].
    pub fn copy_of(&self, other: &Database) -> Database {
        self.database_from(&other.name)
    }

    fn database_from(&self, template: &str) -> Database {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let nanos = SystemTime::UNIX_EPOCH
            .elapsed()
            .expect("the clock is after 1970")
            .as_nanos();
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("t_{}_{number}_{nanos}", std::process::id());
        self.run("postgres", &format!("CREATE DATABASE {name} TEMPLATE {template}"));
        Database {
            server: self.clone(),
            name,
        }
    }

    /// Runs statements as the superuser, each in a transaction of its own.
    ///
    /// # Panics
    /// If one fails.
    pub fn run(&self, database: &str, sql: &str) -> String {
        let output = self.try_run(database, sql);
        assert!(
            output.status.success(),
            "{sql}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    fn try_run(&self, database: &str, sql: &str) -> Output {
        Command::new(self.tools.join("psql"))
            .args(["-X", "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1", "-c", sql])
            .arg(format!("{}/{database}", self.url))
            .stdin(Stdio::null())
            .output()
            .expect("psql can be run")
    }
}

/// A database of one test.
#[derive(Debug)]
pub struct Database {
    server: Server,
    name: String,
}

impl Database {
    /// Where a client connects.
    pub fn url(&self) -> String {
        format!("{}/{}", self.server.url, self.name)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs a statement as the superuser; the answer's columns stand apart by `|`.
    ///
    /// # Panics
    /// If it fails.
    pub fn run(&self, sql: &str) -> String {
        self.server.run(&self.name, sql)
    }

    /// Runs a statement that should fail; what the server says about it.
    ///
    /// # Panics
    /// If it does not fail.
    pub fn refused(&self, sql: &str) -> String {
        let output = self.server.try_run(&self.name, sql);
        assert!(!output.status.success(), "{sql} was not refused");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // A server that was stopped by its test takes the database with it.
        let _ = self.server.try_run(
            "postgres",
            &format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name),
        );
    }
}

/// A server of one test, or of one process. It ends when it is dropped, and when the process ends in any other way.
#[derive(Debug)]
pub struct PrivateServer {
    server: Server,
    port: u16,
    sync: Sync,
    // In this order: the keeper stops the server before its folder goes.
    keeper: Child,
    folder: TempDir,
}

impl PrivateServer {
    /// Starts a server that does not sync.
    ///
    /// # Panics
    /// If PostgreSQL is not installed or does not start: `tests/run` installs it.
    pub fn start() -> Self {
        Self::start_with(Sync::Off)
    }

    /// Starts a server.
    ///
    /// # Panics
    /// As [`PrivateServer::start`].
    pub fn start_with(sync: Sync) -> Self {
        Self::start_in(new_folder(), tools(), sync)
    }

    /// Starts a server that has the extension pgvector, and does not sync.
    ///
    /// # Panics
    /// If there is no such server or it does not start: `tests/run` installs it.
    pub fn start_with_pgvector() -> Self {
        let folder = new_folder();
        let tools = pgvector_tools(folder.path());
        Self::start_in(folder, tools, Sync::Off)
    }

    fn start_in(folder: TempDir, tools: PathBuf, sync: Sync) -> Self {
        if let Some((user, group)) = server_user() {
            chown(folder.path(), Some(user), Some(group)).expect("root may give a folder away");
        }
        let data = folder.path().join("data");
        let made = as_server_user(&tools.join("initdb"))
            .args(["--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C"])
            .args(["--no-sync", "--no-instructions", "-D"])
            .arg(&data)
            .stdin(Stdio::null())
            .output()
            .expect("initdb can be run");
        assert!(
            made.status.success(),
            "initdb: {}",
            String::from_utf8_lossy(&made.stderr)
        );
        let port = free_port();
        let keeper = keeper(&tools, folder.path());
        let mut own = Self {
            server: Server::at(&format!("postgres://postgres@127.0.0.1:{port}"), tools),
            port,
            sync,
            keeper,
            folder,
        };
        let mut tries = 1;
        while let Err(why) = own.try_start_again() {
            // Somebody else may have taken the port in between.
            assert!(tries < 3, "PostgreSQL does not start: {why}");
            tries += 1;
            own.port = free_port();
            own.server.url = format!("postgres://postgres@127.0.0.1:{}", own.port);
        }
        own
    }

    /// A new database on it.
    pub fn database(&self) -> Database {
        self.server.database()
    }

    /// Its address without a database.
    pub fn url(&self) -> &str {
        &self.server.url
    }

    /// The port on loopback.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Runs statements as the superuser, in the database `postgres`.
    ///
    /// # Panics
    /// If one fails.
    pub fn run(&self, sql: &str) -> String {
        self.server.run("postgres", sql)
    }

    /// Starts it again after [`PrivateServer::stop`], on the same port with the same data.
    ///
    /// # Panics
    /// If it does not start.
    pub fn start_again(&self) {
        if let Err(why) = self.try_start_again() {
            panic!("PostgreSQL does not start again: {why}");
        }
    }

    fn try_start_again(&self) -> Result<(), String> {
        let sync = match self.sync {
            Sync::On => "on",
            Sync::Off => "off",
        };
        let options = format!(
            "-p {} -k {} -c listen_addresses=127.0.0.1 -c fsync={sync} -c full_page_writes={sync} \
             -c max_connections=200 -c shared_buffers=64MB -c log_min_messages=fatal",
            self.port,
            self.folder.path().display()
        );
        let log = self.folder.path().join("log");
        let started = self
            .pg_ctl()
            .args([
                "start",
                "-w",
                "-t",
                &PATIENCE.as_secs().to_string(),
                "-o",
                &options,
                "-l",
            ])
            .arg(&log)
            // Pipes would be inherited by the server, and held open as long as it runs.
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .expect("pg_ctl can be run");
        if started.success() {
            return Ok(());
        }
        Err(fs::read_to_string(&log).unwrap_or_else(|error| error.to_string()))
    }

    /// Stops it at once, as a crash would: nothing is written any more, and the next start recovers.
    ///
    /// # Panics
    /// If it does not stop.
    pub fn stop(&self) {
        let stopped = self
            .pg_ctl()
            .args(["stop", "-w", "-m", "immediate"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .expect("pg_ctl can be run");
        assert!(stopped.success(), "PostgreSQL does not stop");
    }

    /// Stops all its processes where they are: connections stay, and nobody answers.
    ///
    /// # Panics
    /// If they cannot be stopped.
    pub fn freeze(&self) {
        // The first of them first, so that no further one begins.
        self.signal("-STOP");
        self.signal("-STOP");
    }

    /// Lets them go on.
    ///
    /// # Panics
    /// If they cannot.
    pub fn thaw(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let pids = processes(&self.folder.path().join("data"));
        assert!(!pids.is_empty(), "PostgreSQL runs");
        // One of them may have ended meanwhile.
        let _ = Command::new("kill")
            .arg(signal)
            .args(&pids)
            .stderr(Stdio::null())
            .status();
    }

    fn pg_ctl(&self) -> Command {
        let mut command = as_server_user(&self.server.tools.join("pg_ctl"));
        command
            .arg("-D")
            .arg(self.folder.path().join("data"))
            .stdin(Stdio::null());
        command
    }
}

impl Drop for PrivateServer {
    fn drop(&mut self) {
        // The end of its input tells the keeper to stop the server.
        drop(self.keeper.stdin.take());
        let until = Instant::now() + PATIENCE;
        while matches!(self.keeper.try_wait(), Ok(None)) && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// A shell that waits until we are gone, and then stops the server and removes its folder: also after a kill, where no
/// destructor runs.
fn keeper(tools: &Path, folder: &Path) -> Child {
    let stop = if server_user().is_some() {
        format!("runuser -u {USER} --")
    } else {
        String::new()
    };
    let script = format!(
        "trap '' INT TERM HUP; read -r _ || true\n\
         pid=$(head -n 1 '{folder}/data/postmaster.pid' 2>/dev/null) || exit 0\n\
         all=\"$pid $(cat /proc/$pid/task/$pid/children 2>/dev/null)\"\n\
         kill -CONT $all 2>/dev/null\n\
         {stop} '{tools}/pg_ctl' -D '{folder}/data' -m immediate -t 10 -w stop || kill -KILL $all\n\
         rm -rf '{folder}'\n",
        folder = folder.display(),
        tools = tools.display(),
    );
    Command::new("sh")
        .args(["-c", &script])
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("a shell can be run")
}

/// The server's processes: the first, and all that it started.
fn processes(data: &Path) -> Vec<String> {
    let Some(first) = fs::read_to_string(data.join("postmaster.pid"))
        .ok()
        .and_then(|text| text.lines().next().map(str::to_owned))
    else {
        return Vec::new();
    };
    let children = fs::read_to_string(format!("/proc/{first}/task/{first}/children")).unwrap_or_default();
    let mut all = vec![first];
    all.extend(children.split_whitespace().map(str::to_owned));
    all
}

/// Where PostgreSQL's programs are: on the path, or the newest of Debian's folders.
fn tools() -> PathBuf {
    let path = env::var_os("PATH").unwrap_or_default();
    // Behind links: the other programs stand beside the real one.
    let linked = env::split_paths(&path).find_map(|folder| fs::canonicalize(folder.join("initdb")).ok());
    if let Some(folder) = linked.as_deref().and_then(Path::parent) {
        return folder.to_owned();
    }
    let mut versions: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .filter(|(_, bin)| bin.join("initdb").exists())
        .collect();
    versions.sort();
    let newest = versions.pop().map(|(_, bin)| bin);
    newest.expect("PostgreSQL is installed: `tests/run` installs it")
}

fn new_folder() -> TempDir {
    let made = tempfile::Builder::new().prefix("feedback-postgres-").tempdir();
    made.expect("a temporary folder can be made")
}

/// Where the programs of a PostgreSQL with pgvector are: those that the environment names, or those that `tests/run`
/// installed, out of a package for Python, which brings a whole server.
///
/// Where the server's user may not enter that folder, they are copied into its own.
fn pgvector_tools(folder: &Path) -> PathBuf {
    let installed = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../target/test-tools/pgvector/pgserver/pginstall/bin"
    );
    let named = env::var_os(PGVECTOR_TOOLS).filter(|named| !named.is_empty());
    let bin = named.map_or_else(|| PathBuf::from(installed), PathBuf::from);
    let bin = fs::canonicalize(&bin).unwrap_or(bin);
    assert!(
        bin.join("initdb").exists(),
        "no PostgreSQL with pgvector in {}: `tests/run` installs one there",
        bin.display()
    );
    let runs = as_server_user(&bin.join("initdb")).arg("--version").output();
    if runs.is_ok_and(|output| output.status.success()) {
        return bin;
    }
    // Its libraries stand beside the package, which is two folders above.
    let package = bin.ancestors().nth(3).expect("a package for Python has folders");
    let inside = bin.strip_prefix(package).expect("a folder stands below those above it");
    let copy = folder.join("programs");
    let copied = Command::new("cp").arg("-a").arg(package).arg(&copy).status();
    assert!(
        copied.is_ok_and(|status| status.success()),
        "{} cannot be copied",
        package.display()
    );
    copy.join(inside)
}

/// User and group to run as, where we are root.
fn server_user() -> Option<(u32, u32)> {
    let id = |arguments: &[&str]| -> Option<u32> {
        let output = Command::new("id").args(arguments).output().ok()?;
        String::from_utf8(output.stdout).ok()?.trim().parse().ok()
    };
    if id(&["-u"]) != Some(0) {
        return None;
    }
    let user = id(&["-u", USER]).expect("PostgreSQL's package brings its user");
    let group = id(&["-g", USER]).expect("a user has a group");
    Some((user, group))
}

fn as_server_user(program: &Path) -> Command {
    let mut command = match server_user() {
        None => Command::new(program),
        Some(_) => {
            let mut command = Command::new("runuser");
            command.args(["-u", USER, "--"]).arg(program);
            command
        }
    };
    // The server's user may not enter the folder that the tests run in.
    command.current_dir("/");
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_starts_freezes_and_comes_back_with_its_data() {
        let server = PrivateServer::start();
        let database = server.database();
        database.run("CREATE TABLE t (x int)");
        database.run("INSERT INTO t VALUES (7)");
        server.freeze();
        server.thaw();
        server.stop();
        server.start_again();
        assert_eq!(database.run("SELECT x FROM t"), "7");
        assert!(database.refused("SELECT nothing").contains("nothing"));
        let folder = server.folder.path().to_owned();
        drop(database);
        drop(server);
        assert!(!folder.exists());
    }
}
