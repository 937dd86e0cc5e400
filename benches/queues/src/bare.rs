//! The limit: one INSERT, and claims and completions by hand. No attempts, no leases, no errors, nothing kept in step.

use apalis_postgres::PgPool;
use futures::{
    FutureExt, StreamExt, TryStreamExt,
    future::{BoxFuture, try_join_all},
    stream,
};

use crate::{AT_ONCE, Contender, Outcome};

pub(crate) struct Bare {
    pool: PgPool,
}

impl Bare {
    pub(crate) async fn open(url: &str) -> Outcome<Self> {
        let pool = PgPool::connect(url).await?;
        for statement in [
            "CREATE TABLE jobs (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, payload TEXT NOT NULL, status TEXT NOT NULL)",
            "CREATE INDEX jobs_ready ON jobs (id) WHERE status = 'ready'",
        ] {
            sqlx::query(statement).execute(&pool).await?;
        }
        Ok(Self { pool })
    }
}

impl Contender for Bare {
    fn name(&self) -> &'static str {
        "bare INSERT, UPDATE, UPDATE"
    }

    fn enqueue(&self, jobs: usize) -> BoxFuture<'_, Outcome<()>> {
        async move {
            stream::iter(0..jobs)
                .map(|_| {
                    sqlx::query("INSERT INTO jobs (payload, status) VALUES ('{\"kind\":\"triage_ticket\"}', 'ready')")
                        .execute(&self.pool)
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
            let claim = "UPDATE jobs SET status = 'leased' WHERE id IN (SELECT id FROM jobs WHERE status = 'ready'
                ORDER BY id LIMIT 16 FOR UPDATE SKIP LOCKED) RETURNING id";
            let mut done = 0;
            while done < jobs {
                let claimed: Vec<(i64,)> = sqlx::query_as(claim).fetch_all(&self.pool).await?;
                if claimed.is_empty() {
                    return Err("the queue ran dry".into());
                }
                done += claimed.len();
                try_join_all(claimed.iter().map(|(id,)| {
                    sqlx::query("UPDATE jobs SET status = 'done' WHERE id = $1 AND status = 'leased'")
                        .bind(id)
                        .execute(&self.pool)
                }))
                .await?;
            }
            Ok(())
        }
        .boxed()
    }
}
