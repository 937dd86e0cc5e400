//! `apalis`, with its PostgreSQL backend.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use apalis::{layers::WorkerBuilderExt, prelude::*};
use apalis_postgres::{Config, PgPool, PostgresStorage};
use futures::{FutureExt, StreamExt, TryStreamExt, future::BoxFuture, stream};
use serde::{Deserialize, Serialize};

use crate::{AT_ONCE, Contender, Outcome};

pub(crate) struct Apalis {
    pool: PgPool,
    /// A worker's name is taken for a while after it stopped.
    workers: AtomicUsize,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Nothing {
    ticket: u64,
}

async fn run(_: Nothing, left: Data<Arc<AtomicUsize>>, worker: WorkerContext) -> Result<(), BoxDynError> {
    if left.fetch_sub(1, Ordering::SeqCst) == 1 {
        worker.stop()?;
    }
    Ok(())
}

impl Apalis {
    pub(crate) async fn open(url: &str) -> Outcome<Self> {
        let pool = PgPool::connect(url).await?;
        PostgresStorage::setup(&pool).await?;
        Ok(Self {
            pool,
            workers: AtomicUsize::new(0),
        })
    }

    fn storage(&self) -> PostgresStorage<Nothing> {
        let config = Config::default().queue("nothing").batch_size(AT_ONCE);
        PostgresStorage::new(&self.pool).with_config(config)
    }
}

impl Contender for Apalis {
    fn name(&self) -> &'static str {
        "apalis-postgres"
    }

    fn enqueue(&self, jobs: usize) -> BoxFuture<'_, Outcome<()>> {
        async move {
            stream::iter(0..jobs as u64)
                .map(|ticket| {
                    let mut storage = self.storage();
                    async move { storage.push(Nothing { ticket }).await }
                })
                .buffer_unordered(AT_ONCE)
                .try_for_each(|()| async { Ok(()) })
                .await?;
            Ok(())
        }
        .boxed()
    }

    fn work_off(&self, jobs: usize) -> BoxFuture<'_, Outcome<()>> {
        async move {
            let left = Arc::new(AtomicUsize::new(jobs));
            let worker = WorkerBuilder::new(format!("bench-{}", self.workers.fetch_add(1, Ordering::SeqCst)))
                .backend(self.storage())
                .data(left)
                .concurrency(AT_ONCE)
                .build(run);
            worker.run().await?;
            Ok(())
        }
        .boxed()
    }
}
