//! A third party's adapter and its conformance test: a tracker over [`ScriptedTracker`]'s board that writes down every
//! call, as one would wrap an adapter for an audit.
//!
//! `cargo run -p feedback-core --features testing --example custom_tracker` runs the whole suite of the port against it,
//! as a test target with `harness = false` would: an adapter that passes keeps the port's promises.

use std::{
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use feedback_core::{
    domain::{TicketId, Timestamp, TrackerPage, TrackerStatus},
    ports::{PortError, TrackedTicket, Tracker, TrackerChanges},
    testing::{
        conformance::tracker::{self, Board, TrackerFault, TrackerHarness},
        memory::tracker::ScriptedBoard,
    },
};

/// Counts what passes through. A real adapter would call its provider here and classify what comes back.
#[derive(Debug)]
struct Counted {
    inner: Arc<dyn Tracker>,
    calls: AtomicU64,
}

#[async_trait]
impl Tracker for Counted {
    async fn upsert_page(&self, ticket: &TrackedTicket) -> Result<TrackerPage, PortError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.inner.upsert_page(ticket).await
    }

    async fn changes_since(&self, cursor: Option<&str>, start: Timestamp) -> Result<TrackerChanges, PortError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.inner.changes_since(cursor, start).await
    }

    async fn resolution_notes(&self, page_id: &str) -> Result<String, PortError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.inner.resolution_notes(page_id).await
    }
}

/// The engineers' side: for a real tracker, its stand-in or a test workspace.
struct CountedBoard {
    board: Box<dyn Board>,
    tracker: Arc<Counted>,
}

#[async_trait]
impl Board for CountedBoard {
    fn tracker(&self) -> Arc<dyn Tracker> {
        self.tracker.clone()
    }

    fn start(&self) -> Timestamp {
        self.board.start()
    }

    fn secrets(&self) -> Vec<String> {
        self.board.secrets()
    }

    async fn pages_of(&self, ticket: TicketId) -> usize {
        self.board.pages_of(ticket).await
    }

    async fn body_of(&self, page_id: &str) -> String {
        self.board.body_of(page_id).await
    }

    async fn move_page(&self, page_id: &str, to: TrackerStatus) {
        self.board.move_page(page_id, to).await;
    }

    async fn move_to_unknown_column(&self, page_id: &str) {
        self.board.move_to_unknown_column(page_id).await;
    }

    async fn write_notes(&self, page_id: &str, text: &str) {
        self.board.write_notes(page_id, text).await;
    }

    async fn delete_page(&self, page_id: &str) {
        self.board.delete_page(page_id).await;
    }

    async fn add_foreign_page(&self, title: &str) -> String {
        self.board.add_foreign_page(title).await
    }

    async fn pass_time(&self, by: Duration) {
        self.board.pass_time(by).await;
    }

    async fn fail_next(&self, fault: TrackerFault) {
        self.board.fail_next(fault).await;
    }
}

/// Gives the suite a fresh board for each check.
struct CountedHarness;

#[async_trait]
impl TrackerHarness for CountedHarness {
    async fn fresh(&self) -> Box<dyn Board> {
        let board = ScriptedBoard.fresh().await;
        let tracker = Arc::new(Counted {
            inner: board.tracker(),
            calls: AtomicU64::new(0),
        });
        Box::new(CountedBoard { board, tracker })
    }
}

fn main() -> ExitCode {
    tracker::run(CountedHarness)
}
