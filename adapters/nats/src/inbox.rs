//! What the stream told this host of one queue, and how much more it wants to hear. It asks for as many messages as the
//! worker has free places, so that no host keeps what another could run.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_nats::jetstream::Message;
use feedback_core::domain::JobId;
use tokio::{sync::Notify, time::Instant};

/// A message about a job.
pub(crate) struct Told {
    pub(crate) job: JobId,
    pub(crate) message: Message,
}

#[derive(Default)]
pub(crate) struct Inbox {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    /// Messages that may be fetched; `None` until somebody claims or waits.
    wanted: Option<usize>,
    waiting: VecDeque<Told>,
    looked_at: Option<Instant>,
}

impl Inbox {
    /// The oldest messages.
    pub(crate) fn take(&self, limit: usize) -> Vec<Told> {
        let mut state = self.lock();
        let count = limit.min(state.waiting.len());
        state.waiting.drain(..count).collect()
    }

    pub(crate) fn put(&self, told: Told) {
        self.lock().waiting.push_back(told);
    }

    /// So many places are free now.
    pub(crate) fn want(&self, places: usize) {
        self.lock().wanted = Some(places);
        self.changed.notify_one();
    }

    /// Somebody waits, who never claimed: one message would be news.
    pub(crate) fn want_news(&self) {
        let mut state = self.lock();
        if state.wanted.is_none() {
            state.wanted = Some(1);
            self.changed.notify_one();
        }
    }

    /// Returns when messages may be fetched: how many.
    pub(crate) async fn room(&self) -> usize {
        loop {
            {
                let state = self.lock();
                let room = state.wanted.unwrap_or(0).saturating_sub(state.waiting.len());
                if room > 0 {
                    return room;
                }
            }
            self.changed.notified().await;
        }
    }

    /// Whether it is time to look into the database; if so, that is taken as done.
    pub(crate) fn is_time_to_look(&self, every: Duration) -> bool {
        let mut state = self.lock();
        let now = Instant::now();
        let due = state.looked_at.is_none_or(|at| now.duration_since(at) >= every);
        if due {
            state.looked_at = Some(now);
        }
        due
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
