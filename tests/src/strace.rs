//! Faults of the machine, by `strace`: system calls of a running process that fail, or that it does not survive.

use std::{path::Path, process::Stdio, time::Duration};

use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::timeout,
};

/// How long `strace` may take to hold all threads of a process.
const PATIENCE: Duration = Duration::from_secs(20);

/// A fault that a process is under, until it is lifted.
#[derive(Debug)]
pub struct Injected(Child);

/// The syscalls that make SQLite's bytes durable.
pub const SYNCS: &str = "fsync,fdatasync";

/// Puts a running process under a fault: which calls (`fsync,fdatasync`), and what becomes of them in `strace`'s own words
/// (`error=EIO`, `signal=KILL:when=1`).
///
/// # Panics
/// If `strace` is missing (`tests/run` installs it) or may not hold the process.
pub async fn inject(pid: u32, calls: &str, what: &str) -> Injected {
    let mut command = Command::new("strace");
    command
        .args(["-f", "-o", "/dev/null", "-p", &pid.to_string()])
        .args(["-e", &format!("trace={calls}"), "-e", &format!("inject={calls}:{what}")])
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let mut child = command.spawn().expect("strace can be run: tests/run installs it");
    let mut said = BufReader::new(child.stderr.take().expect("its errors are a pipe")).lines();
    let attached = async {
        while let Ok(Some(line)) = said.next_line().await {
            if line.contains("attached") {
                return true;
            }
        }
        false
    };
    assert_eq!(timeout(PATIENCE, attached).await, Ok(true), "strace holds the process");
    // Somebody must go on reading, or it would block on a full pipe.
    tokio::spawn(async move { while let Ok(Some(_)) = said.next_line().await {} });
    Injected(child)
}

impl Injected {
    /// Lets the process go on as before.
    ///
    /// # Panics
    /// If `strace` does not let go.
    pub async fn lift(mut self) {
        if let Some(pid) = self.0.id() {
            // Asked politely it lets go of every thread; killed, it might leave one stopped.
            let _ = Command::new("kill")
                .args(["-s", "INT", &pid.to_string()])
                .status()
                .await;
        }
        timeout(PATIENCE, self.0.wait())
            .await
            .expect("strace lets go")
            .expect("a child can be waited for");
    }
}

/// The program under `strace` from its first instruction on, killed at the `nth` call of one of its threads.
pub fn killed_at(program: &Path, calls: &str, nth: u32) -> Command {
    let mut command = crate::host::unconfigured(Path::new("strace"));
    command
        .args(["-f", "-o", "/dev/null", "-e", &format!("trace={calls}")])
        .args(["-e", &format!("inject={calls}:signal=KILL:when={nth}")])
        .arg(program);
    command
}
