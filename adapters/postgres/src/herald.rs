//! Tells of work, and hears of it: within the process at once, and between processes by `NOTIFY`. All of it is a hint;
//! whoever waits looks by itself in the end.

use std::{sync::Arc, time::Duration};

use sqlx::{
    AssertSqlSafe, PgConnection,
    postgres::{PgConnectOptions, PgListener, PgPoolOptions},
};
use tokio::{
    sync::Notify,
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};

use crate::{PostgresConfig, connection::connect};

const CHANNEL: &str = "feedback_jobs";
/// Between two notices to the others: a burst of commits is one hint.
const PAUSE: Duration = Duration::from_millis(20);
/// A line that says nothing for so long is asked whether it still lives.
const SILENCE: Duration = Duration::from_secs(10);
/// How long a listener waits before it connects again.
const AGAIN: Duration = Duration::from_secs(1);

/// Where work is waited for.
#[derive(Clone)]
pub(crate) struct Herald {
    heard: Arc<Notify>,
    told: Arc<Notify>,
    /// For a relay: what other processes bring is theirs to publish.
    own: Arc<Notify>,
    /// Tells our own notices from those of others.
    name: Arc<str>,
}

impl Herald {
    /// Starts what tells and what listens.
    pub(crate) fn start(config: &PostgresConfig, options: &PgConnectOptions) -> (Self, Vec<JoinHandle<()>>) {
        let mut name = [0; 8];
        // Two processes of one name merely overhear each other, and look by themselves.
        let _ = getrandom::fill(&mut name);
        let herald = Self {
            heard: Arc::default(),
            told: Arc::default(),
            own: Arc::default(),
            name: hex::encode(name).into(),
        };
        let limit = config.connect_timeout;
        let tells = tell(herald.clone(), options.clone(), limit);
        let listens = listen(herald.clone(), options.clone(), limit);
        (herald, vec![tokio::spawn(tells), tokio::spawn(listens)])
    }

    /// There is work: for this process at once, for the others soon.
    pub(crate) fn announce(&self) {
        self.wake();
        self.told.notify_one();
        self.own.notify_one();
    }

    /// Returns when there may be work, and after `at_most` in any case.
    pub(crate) async fn wait(&self, at_most: Duration) {
        // The time limit is the other way out, so its outcome tells nothing.
        let _ = timeout(at_most, self.heard.notified()).await;
    }

    /// Returns when this process has brought work, and after `at_most` in any case.
    pub(crate) async fn wait_for_own(&self, at_most: Duration) {
        // As above.
        let _ = timeout(at_most, self.own.notified()).await;
    }

    /// Wakes everybody who waits, and the next one who comes: it may have looked just before the commit.
    fn wake(&self) {
        self.heard.notify_waiters();
        self.heard.notify_one();
    }
}

/// A notice is no part of the commit that it tells of: in there it would make all commits of a database queue for one
/// lock. On a connection of its own it may get lost, as a hint may.
async fn tell(herald: Herald, options: PgConnectOptions, limit: Duration) {
    let mut conn: Option<PgConnection> = None;
    // Hexadecimal digits: nothing of it is syntax.
    let notice = format!("NOTIFY {CHANNEL}, '{}'", herald.name);
    loop {
        herald.told.notified().await;
        let begun = Instant::now();
        if conn.is_none() {
            conn = connect(&options, limit).await.ok();
        }
        if let Some(open) = conn.as_mut() {
            let told = sqlx::raw_sql(AssertSqlSafe(notice.as_str())).execute(open);
            if !matches!(timeout(limit, told).await, Ok(Ok(_))) {
                conn = None;
            }
        }
        sleep(PAUSE.saturating_sub(begun.elapsed())).await;
    }
}

async fn listen(herald: Herald, options: PgConnectOptions, limit: Duration) {
    let mut was_lost = false;
    loop {
        // A new one each time: the old connection's place may be held by one that never answers.
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .acquire_timeout(limit)
            .connect_lazy_with(options.clone());
        if let Ok(mut listener) = PgListener::connect_with(&pool).await
            && matches!(timeout(limit, listener.listen(CHANNEL)).await, Ok(Ok(())))
        {
            if was_lost {
                tracing::info!("notices of work from other processes are heard again");
            }
            // Something may have been said meanwhile.
            herald.wake();
            hear(&herald, &mut listener, limit).await;
        }
        if !was_lost {
            tracing::warn!("notices of work from other processes are not heard: jobs are found by looking for them");
        }
        was_lost = true;
        sleep(AGAIN).await;
    }
}

/// Until the line is lost: also one that only falls silent.
async fn hear(herald: &Herald, listener: &mut PgListener, limit: Duration) {
    loop {
        match timeout(SILENCE, listener.try_recv()).await {
            Ok(Ok(Some(notice))) if notice.payload() == &*herald.name => {}
            Ok(Ok(Some(_))) => herald.wake(),
            Ok(Ok(None) | Err(_)) => return,
            Err(_) => {
                let asked = timeout(limit, sqlx::query("SELECT 1").execute(&mut *listener)).await;
                if !matches!(asked, Ok(Ok(_))) {
                    return;
                }
            }
        }
    }
}
