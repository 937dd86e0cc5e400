//! A second hub over the same store whose calls outside can be stopped half way: how races are played out in order.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use feedback_core::{
    Hub, HubSettings, Ports,
    domain::{Channel, OutboundMessage, Timestamp, TrackerPage},
    ports::{
        ChangelogWriter, ChannelSender, Clock, Draft, DraftRequest, PortError, ReadBack, Receipt, TrackedTicket,
        Tracker, TrackerChanges,
    },
    testing::{
        FixedClock,
        hub::{TestHub, fake_ports},
        memory::{MemoryVault, ScriptedSender, tracker::ScriptedTracker},
    },
};
use tokio::sync::Notify;

/// Stops one call after its effect and before its answer.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    closed: AtomicBool,
    reached: Notify,
    open: Notify,
}

impl Gate {
    async fn pass(&self) {
        if self.closed.swap(false, Ordering::SeqCst) {
            self.reached.notify_one();
            self.open.notified().await;
        }
    }

    /// Runs `call`, stops it at the gate, runs `meanwhile`, and lets the call go on to its end.
    pub(crate) async fn during<T>(&self, call: impl Future<Output = T>, meanwhile: impl Future<Output = ()>) -> T {
        self.closed.store(true, Ordering::SeqCst);
        let meanwhile = async {
            self.reached.notified().await;
            meanwhile.await;
            self.open.notify_one();
        };
        futures::join!(call, meanwhile).0
    }
}

#[derive(Debug)]
struct Gated<P> {
    inner: P,
    gate: Arc<Gate>,
}

#[async_trait]
impl ChannelSender for Gated<Arc<ScriptedSender>> {
    fn channel(&self) -> Channel {
        self.inner.channel()
    }

    async fn send(&self, message: &OutboundMessage) -> Result<Receipt, PortError> {
        let result = self.inner.send(message).await;
        self.gate.pass().await;
        result
    }

    async fn read_back(&self, message: &OutboundMessage) -> Result<ReadBack, PortError> {
        let result = self.inner.read_back(message).await;
        self.gate.pass().await;
        result
    }
}

#[async_trait]
impl Tracker for Gated<ScriptedTracker> {
    async fn upsert_page(&self, ticket: &TrackedTicket) -> Result<TrackerPage, PortError> {
        let result = self.inner.upsert_page(ticket).await;
        self.gate.pass().await;
        result
    }

    async fn changes_since(&self, cursor: Option<&str>, start: Timestamp) -> Result<TrackerChanges, PortError> {
        self.inner.changes_since(cursor, start).await
    }

    async fn resolution_notes(&self, page_id: &str) -> Result<String, PortError> {
        self.inner.resolution_notes(page_id).await
    }
}

#[async_trait]
impl ChangelogWriter for Gated<Arc<feedback_core::testing::memory::ai::ScriptedWriter>> {
    async fn draft(&self, request: &DraftRequest) -> Result<Draft, PortError> {
        let result = self.inner.draft(request).await;
        self.gate.pass().await;
        result
    }
}

/// A clock on which a minute passes between any two looks: a machine that is stopped again and again.
#[derive(Debug)]
struct Halting(FixedClock);

impl Clock for Halting {
    fn now(&self) -> Timestamp {
        self.0.advance(Duration::from_secs(60))
    }
}

/// The hub of `test` once more, with a gate at every call outside.
pub(crate) fn gated(test: &TestHub) -> (Hub, Arc<Gate>) {
    let gate = Arc::new(Gate::default());
    let hub = second(test, Arc::new(test.clock.clone()), &gate);
    (hub, gate)
}

/// The hub of `test` once more, on a machine that halts for a minute at every step.
pub(crate) fn halting(test: &TestHub) -> Hub {
    second(test, Arc::new(Halting(test.clock.clone())), &Arc::default())
}

fn second(test: &TestHub, clock: Arc<dyn Clock>, gate: &Arc<Gate>) -> Hub {
    let sender = |inner: &Arc<ScriptedSender>| -> Arc<dyn ChannelSender> {
        Arc::new(Gated {
            inner: Arc::clone(inner),
            gate: Arc::clone(gate),
        })
    };
    let ports = Ports {
        // The keys of the first one, and ids of its own.
        vault: Arc::new(MemoryVault::new(7)),
        clock,
        triage: test.triage.clone(),
        writer: Arc::new(Gated {
            inner: Arc::clone(&test.writer),
            gate: Arc::clone(gate),
        }),
        tracker: Some(Arc::new(Gated {
            inner: test.tracker.clone(),
            gate: Arc::clone(gate),
        })),
        senders: vec![sender(&test.slack), sender(&test.intercom), sender(&test.whatsapp)],
        blobs: Arc::new(test.blobs.clone()),
        files: vec![test.files.clone()],
        ..fake_ports(Arc::new(test.store.clone()), &test.clock, 8)
    };
    Hub::new(ports, HubSettings::default())
}
