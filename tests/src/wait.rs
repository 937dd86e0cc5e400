//! Waiting for what happens elsewhere: ask again until it is so, or say what was missing.

use std::{future::Future, time::Duration};

use tokio::time::{Instant, sleep};

/// Asks every 100 ms until the answer is `Some`.
///
/// # Panics
/// When it was not so within `limit`; the message names what was waited for.
pub async fn until<T, F>(what: &str, limit: Duration, mut ask: impl FnMut() -> F) -> T
where
    F: Future<Output = Option<T>>,
{
    let end = Instant::now() + limit;
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(Instant::now() < end, "after {limit:?} still waiting for {what}");
        sleep(Duration::from_millis(100)).await;
    }
}
