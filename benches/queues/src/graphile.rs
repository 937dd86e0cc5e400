//! `graphile_worker`: a port of the well-known Node.js queue.

use std::time::Duration;

use futures::{FutureExt, StreamExt, TryStreamExt, future::BoxFuture, stream};
use graphile_worker::{
    IntoTaskHandlerResult, JobSpec, LocalQueueConfig, TaskHandler, Worker, WorkerContext, WorkerOptions, WorkerUtils,
};
use serde::{Deserialize, Serialize};

use crate::{AT_ONCE, Contender, Outcome};

/// How it is set up.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Mode {
    /// As it comes.
    Plain,
    /// Jobs fetched in batches, completions written in batches a little later.
    Batched,
}

pub(crate) struct Graphile {
    worker: Worker,
    utils: WorkerUtils,
    mode: Mode,
}

#[derive(Clone, Serialize, Deserialize)]
struct Nothing {
    ticket: u64,
}

impl TaskHandler for Nothing {
    const IDENTIFIER: &'static str = "nothing";

    async fn run(self, _: WorkerContext) -> impl IntoTaskHandlerResult {
        Ok::<(), String>(())
    }
}

impl Graphile {
    pub(crate) async fn open(url: &str, mode: Mode) -> Outcome<Self> {
        let mut options = WorkerOptions::default()
            .database_url(url)
            .max_pg_conn(AT_ONCE as u32 + 4)
            .concurrency(AT_ONCE)
            .listen_os_shutdown_signals(false)
            .define_job::<Nothing>();
        if mode == Mode::Batched {
            options = options
                .local_queue(LocalQueueConfig::default().with_size(AT_ONCE * 4))
                .complete_job_batch_delay(Duration::from_millis(1));
        }
        let worker = options.init().await?;
        let utils = worker.create_utils();
        Ok(Self { worker, utils, mode })
    }
}

impl Contender for Graphile {
    fn name(&self) -> &'static str {
        match self.mode {
            Mode::Plain => "graphile_worker",
            Mode::Batched => "graphile_worker, batched",
        }
    }

    fn enqueue(&self, jobs: usize) -> BoxFuture<'_, Outcome<()>> {
        async move {
            stream::iter(0..jobs as u64)
                .map(|ticket| self.utils.add_job(Nothing { ticket }, JobSpec::default()))
                .buffer_unordered(AT_ONCE)
                .try_for_each(|_| async { Ok(()) })
                .await?;
            Ok(())
        }
        .boxed()
    }

    fn work_off(&self, _: usize) -> BoxFuture<'_, Outcome<()>> {
        async move { Ok(self.worker.run_once().await?) }.boxed()
    }
}
