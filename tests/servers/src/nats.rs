//! NATS with JetStream in a temporary folder, on a free port of loopback.

use std::{
    fs,
    net::{Ipv4Addr, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::port::free_port;

/// How long a server may take to start.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server of one test. It ends when it is dropped, and when the process ends in any other way.
#[derive(Debug)]
pub struct NatsServer {
    port: u16,
    login: Option<(String, String)>,
    server: Mutex<Option<Child>>,
    // In this order: the keeper stops the server before its folder goes.
    keeper: Child,
    folder: TempDir,
}

impl NatsServer {
    /// Starts a server that lets everybody in.
    ///
    /// # Panics
    /// If NATS is not installed or does not start: `tests/run` installs it.
    pub fn start() -> Self {
        Self::start_as(None)
    }

    /// Starts a server that asks for this name and password.
    ///
    /// # Panics
    /// As [`NatsServer::start`].
    pub fn start_with_login(name: &str, password: &str) -> Self {
        Self::start_as(Some((name.to_owned(), password.to_owned())))
    }

    fn start_as(login: Option<(String, String)>) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("feedback-nats-")
            .tempdir()
            .expect("a temporary folder can be made");
        let mut own = Self {
            port: free_port(),
            login,
            server: Mutex::new(None),
            keeper: keeper(&folder),
            folder,
        };
        let mut tries = 1;
        while let Err(why) = own.try_start() {
            // Somebody else may have taken the port in between.
            assert!(tries < 3, "nats-server does not start: {why}");
            tries += 1;
            own.port = free_port();
        }
        own
    }

    /// Where a client connects, with name and password if it takes one.
    pub fn url(&self) -> String {
        let login = self.login.as_ref();
        let login = login.map_or_else(String::new, |(name, password)| format!("{name}:{password}@"));
        format!("nats://{login}127.0.0.1:{}", self.port)
    }

    /// The port on loopback.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Kills it at once, as a crash would. What it stored stays.
    ///
    /// # Panics
    /// If it cannot be killed.
    pub fn stop(&self) {
        let running = self.server.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(mut server) = running {
            server.kill().expect("a child can be killed");
            server.wait().expect("a child can be waited for");
        }
    }

    /// Starts it again after [`NatsServer::stop`], on the same port with what is stored.
    ///
    /// # Panics
    /// If it does not start.
    pub fn start_again(&self) {
        if let Err(why) = self.try_start() {
            panic!("nats-server does not start again: {why}");
        }
    }

    /// Removes all streams, while the server is stopped.
    ///
    /// # Panics
    /// If it runs, or the folder cannot be removed.
    pub fn delete_store(&self) {
        let runs = self.server.lock().unwrap_or_else(PoisonError::into_inner).is_some();
        assert!(!runs, "a running server holds its store");
        fs::remove_dir_all(self.store()).expect("the store can be removed");
    }

    fn store(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    fn try_start(&self) -> Result<(), String> {
        let log = self.folder.path().join("log");
        let mut command = Command::new("nats-server");
        command
            .args(["--addr", "127.0.0.1", "--port", &self.port.to_string(), "--jetstream"])
            .arg("--store_dir")
            .arg(self.store())
            .arg("--pid")
            .arg(self.folder.path().join("pid"))
            .arg("--log")
            .arg(&log)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if let Some((name, password)) = &self.login {
            command.args(["--user", name, "--pass", password]);
        }
        let mut server = command
            .spawn()
            .expect("nats-server is installed: `tests/run` installs it");
        let until = Instant::now() + PATIENCE;
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_err() {
            let ended = server.try_wait().expect("a child can be asked").is_some();
            if ended || Instant::now() > until {
                let _ = server.kill();
                let _ = server.wait();
                return Err(fs::read_to_string(&log).unwrap_or_else(|error| error.to_string()));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        *self.server.lock().unwrap_or_else(PoisonError::into_inner) = Some(server);
        Ok(())
    }
}

impl Drop for NatsServer {
    fn drop(&mut self) {
        self.stop();
        // The end of its input tells the keeper that nobody is left.
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

/// A shell that waits until we are gone, and then kills the server and removes its folder: also after a kill, where no
/// destructor runs.
fn keeper(folder: &TempDir) -> Child {
    let script = format!(
        "trap '' INT TERM HUP; read -r _ || true\n\
         pid=$(cat '{folder}/pid' 2>/dev/null) && grep -q nats-server \"/proc/$pid/cmdline\" 2>/dev/null && kill -KILL \"$pid\"\n\
         rm -rf '{folder}'\n",
        folder = folder.path().display(),
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
