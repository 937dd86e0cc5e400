//! The real host binary as a child process, which can be killed.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    time::timeout,
};

use crate::{api::Api, wait::until};

/// A running host. Dropping it kills it.
#[derive(Debug)]
pub struct Host {
    child: Child,
    /// Where it answers.
    pub url: String,
    /// A bearer token for its API.
    pub token: String,
    /// The link that signs in once, where it printed one.
    pub sign_in: Option<String>,
    /// The sandbox's page, for a demo.
    pub outside: Option<String>,
}

/// The host binary, built beside this test.
///
/// # Panics
/// If it was not built: `tests/run` does so first.
pub fn binary() -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its own path");
    // target/<profile>/deps/<test> beside target/<profile>/host-example
    let profile = test
        .parent()
        .and_then(|deps| deps.parent())
        .expect("a test lies in target/<profile>/deps");
    let binary = profile.join(format!("host-example{}", std::env::consts::EXE_SUFFIX));
    assert!(
        binary.exists(),
        "{} is missing: build it with `cargo build -p host-example`",
        binary.display()
    );
    binary
}

/// A loopback address that is free now.
///
/// # Panics
/// If the machine has none.
pub fn free_address() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has a free port");
    listener.local_addr().expect("a bound socket has an address")
}

impl Host {
    /// The demo, with further arguments, until it said where it answers.
    ///
    /// # Panics
    /// If it does not start within 30 s.
    pub async fn demo(arguments: &[&str]) -> Self {
        let mut command = command();
        command
            .arg("demo")
            .args(arguments)
            .env("FEEDBACK_LISTEN", "127.0.0.1:0")
            .stdout(Stdio::piped());
        let mut child = command.spawn().expect("the host binary can be run");
        let stdout = child.stdout.take().expect("its output is a pipe");
        let mut lines = BufReader::new(stdout).lines();
        let sign_in = line_after(&mut lines, "Dashboard: ").await;
        let outside = line_after(&mut lines, "Outside:   ").await;
        let token = line_after(&mut lines, "API token: ").await;
        let url = sign_in.split("/sign-in").next().unwrap_or_default().to_owned();
        // Somebody must go on reading, or the host would block on a full pipe.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let host = Self {
            child,
            url,
            token,
            sign_in: Some(sign_in),
            outside: Some(outside),
        };
        host.ready().await;
        host
    }

    /// `serve` with this environment, until it is ready.
    ///
    /// # Panics
    /// If it is not ready within 30 s.
    pub async fn serve(address: SocketAddr, token: &str, environment: &[(&str, String)]) -> Self {
        let host = Self::spawn(address, token, environment);
        host.ready().await;
        host
    }

    /// `serve` with this environment, whatever becomes of it.
    ///
    /// # Panics
    /// If the binary cannot be run.
    pub fn spawn(address: SocketAddr, token: &str, environment: &[(&str, String)]) -> Self {
        let mut command = command();
        command
            .arg("serve")
            .env("FEEDBACK_LISTEN", address.to_string())
            .env("FEEDBACK_API_TOKEN", token);
        command.env("RUST_LOG", "error").stdout(Stdio::null());
        for (key, value) in environment {
            command.env(key, value);
        }
        let child = command.spawn().expect("the host binary can be run");
        Self {
            child,
            url: format!("http://{address}"),
            token: token.to_owned(),
            sign_in: None,
            outside: None,
        }
    }

    /// A client of its API.
    pub fn api(&self) -> Api {
        Api::new(&self.url, &self.token)
    }

    /// Kills it without warning, as a power cut would.
    ///
    /// # Panics
    /// If there is nothing to kill: it ended by itself.
    pub async fn kill(mut self) {
        assert!(
            self.child.try_wait().expect("a child can be asked").is_none(),
            "the host ended by itself"
        );
        self.child.kill().await.expect("a running child can be killed");
    }

    /// Sends it a signal by name, for instance `TERM`.
    ///
    /// # Panics
    /// If it cannot be sent: the process is gone.
    pub async fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args(["-s", name, &self.pid().to_string()])
            .status()
            .await
            .expect("kill can be run");
        assert!(sent.success(), "SIG{name} cannot be sent");
    }

    /// How it ended, once it has.
    ///
    /// # Panics
    /// If it still runs after `limit`.
    pub async fn ended(&mut self, limit: Duration) -> ExitStatus {
        timeout(limit, self.child.wait())
            .await
            .unwrap_or_else(|_| panic!("the host still runs after {limit:?}"))
            .expect("a child can be waited for")
    }

    /// How it ended, where it has.
    ///
    /// # Panics
    /// If a child cannot be asked.
    pub fn has_ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a child can be asked")
    }

    /// Whether it says that it is ready.
    pub async fn is_ready(&self) -> bool {
        let answer = self.api().try_call(reqwest::Method::GET, "/readyz", None).await;
        answer.is_some_and(|(status, _)| status.is_success())
    }

    /// Its process id, for looking at what it uses.
    ///
    /// # Panics
    /// If it ended and was waited for.
    pub fn pid(&self) -> u32 {
        self.child
            .id()
            .expect("a host that was not waited for has a process id")
    }

    async fn ready(&self) {
        until("the host to be ready", Duration::from_secs(30), || async {
            self.is_ready().await.then_some(())
        })
        .await;
    }
}

/// The host binary with nothing of this machine's configuration, in a folder that holds none.
pub fn command() -> Command {
    unconfigured(&binary())
}

/// A program that is, or will start, a host of the test's own.
pub(crate) fn unconfigured(program: &Path) -> Command {
    let mut command = Command::new(program);
    // What the machine has configured must not reach the test's host.
    for (key, _) in std::env::vars().filter(|(key, _)| key.starts_with("FEEDBACK_")) {
        command.env_remove(key);
    }
    command
        .current_dir(std::env::temp_dir())
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}

async fn line_after(lines: &mut Lines<BufReader<ChildStdout>>, label: &str) -> String {
    let read = async {
        while let Ok(Some(line)) = lines.next_line().await {
            if let Some(rest) = line.strip_prefix(label) {
                return rest.split(' ').next().unwrap_or_default().to_owned();
            }
        }
        panic!("the host ended before it said {label:?}");
    };
    timeout(Duration::from_secs(30), read)
        .await
        .unwrap_or_else(|_| panic!("the host did not say {label:?}"))
}
