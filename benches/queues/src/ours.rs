//! The hub's own queue, through its ports.

use std::time::Duration;

use feedback_core::{
    domain::{Change, Queue, Write},
    ports::{ClaimRequest, JobQueue, Storage},
    testing::fixtures::Fixtures,
};
use feedback_postgres::{Postgres, PostgresConfig};
use futures::{
    FutureExt, StreamExt, TryStreamExt,
    future::{BoxFuture, try_join_all},
    stream,
};
use secrecy::SecretString;

use crate::{AT_ONCE, Contender, Outcome};

pub(crate) struct Hub {
    store: Postgres,
    fixtures: Fixtures,
}

impl Hub {
    pub(crate) async fn open(url: &str) -> Outcome<Self> {
        let store = Postgres::connect(PostgresConfig::new(SecretString::from(url))).await?;
        store.migrate().await?;
        Ok(Self {
            store,
            fixtures: Fixtures::default(),
        })
    }
}

impl Contender for Hub {
    fn name(&self) -> &'static str {
        "feedback-postgres"
    }

    fn enqueue(&self, jobs: usize) -> BoxFuture<'_, Outcome<()>> {
        async move {
            stream::iter(0..jobs)
                .map(|_| {
                    self.store
                        .commit(Change::new().with(Write::Enqueue(self.fixtures.job())))
                })
                .buffer_unordered(AT_ONCE)
                .try_for_each(|_| async { Ok(()) })
                .await?;
            Ok(())
        }
        .boxed()
    }

    fn work_off(&self, jobs: usize) -> BoxFuture<'_, Outcome<()>> {
        async move {
            let now = self.fixtures.now();
            let mut done = 0;
            while done < jobs {
                let request = ClaimRequest {
                    queue: Queue::Default,
                    limit: AT_ONCE,
                    lease_until: now.plus(Duration::from_secs(60)),
                    now,
                };
                let claimed = self.store.claim(request).await?;
                if claimed.is_empty() {
                    return Err("the queue ran dry".into());
                }
                done += claimed.len();
                try_join_all(claimed.iter().map(|job| self.store.complete(&job.lease, now))).await?;
            }
            Ok(())
        }
        .boxed()
    }
}
