//! Every promise in a port's documentation, as a named check. A third party's adapter passes its port's suite or is
//! wrong; the in-memory fakes run the same suites.
//!
//! A test target with `harness = false` hands over something that makes fresh adapters:
//!
//! ```text
//! fn main() -> std::process::ExitCode {
//!     conformance::storage::run(MyHarness)
//! }
//! ```

pub mod ai;
pub mod blob_store;
pub mod channel_sender;
pub mod conversations;
pub mod custody;
pub mod directory;
pub mod templates;
pub mod tracker;

pub mod job_queue;
pub mod nearest_tickets;
pub mod outbox;
pub mod queries;
pub mod storage;
pub mod vault;

use std::{any::Any, fmt, future::Future, pin::Pin, process::ExitCode, sync::Arc};

use libtest_mimic::{Arguments, Trial};

/// A future of a check, boxed so that checks of one suite stand in one list.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// One promise, by the name that the test run prints. It panics where the promise is broken.
pub struct Check<H: ?Sized> {
    /// A statement: `a_dropped_commit_is_whole_or_nothing`.
    pub name: &'static str,
    /// Runs it against a fresh adapter.
    pub run: for<'a> fn(&'a H) -> BoxFuture<'a, ()>,
}

/// A fresh adapter for one check, and what has to live as long as it does: a folder, a stand-in.
pub struct Fresh<A> {
    /// The adapter, with nothing in it.
    pub adapter: Arc<A>,
    guard: Box<dyn Any + Send + Sync>,
}

impl<A> Fresh<A> {
    /// An adapter that needs nothing beside it.
    pub fn new(adapter: A) -> Self {
        Self {
            adapter: Arc::new(adapter),
            guard: Box::new(()),
        }
    }

    /// Keeps `guard` until the check has ended.
    #[must_use]
    pub fn with_guard(mut self, guard: impl Any + Send + Sync) -> Self {
        self.guard = Box::new((self.guard, guard));
        self
    }
}

impl<A: fmt::Debug> fmt::Debug for Fresh<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fresh")
            .field("adapter", &self.adapter)
            .field("guard", &self.guard)
            .finish()
    }
}

/// A list of checks: async functions of one harness, each under its own name.
macro_rules! checks {
    ($($name:ident),* $(,)?) => {
        const { &[$($crate::testing::conformance::Check {
            name: stringify!($name),
            run: |harness| Box::pin($name(harness)),
        }),*] }
    };
}
use checks;

/// Runs a suite as a test binary: one trial for each check, each on a runtime of its own, so that `cargo test` and
/// nextest list, filter and time them like any test. The exit code is that of a test run.
pub fn run_checks<H: Send + Sync + 'static>(harness: H, suite: &str, checks: &'static [Check<H>]) -> ExitCode {
    let arguments = Arguments::from_args();
    libtest_mimic::run(&arguments, trials(harness, suite, checks)).exit_code()
}

/// The trials of a suite, for a binary that runs several.
pub fn trials<H: Send + Sync + 'static>(harness: H, suite: &str, checks: &'static [Check<H>]) -> Vec<Trial> {
    let harness = Arc::new(harness);
    checks
        .iter()
        .map(|check| {
            let harness = Arc::clone(&harness);
            Trial::test(format!("{suite}::{}", check.name), move || {
                let runtime = tokio::runtime::Builder::new_multi_thread()
                    .worker_threads(2)
                    .enable_all()
                    .build()?;
                runtime.block_on((check.run)(&harness));
                Ok(())
            })
        })
        .collect()
}
