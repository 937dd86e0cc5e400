//! A whole hub over fakes: how a host or a use case is tested without I/O, on a clock that stands still.

use std::{sync::Arc, time::Duration};

use hmac::{Hmac, KeyInit, Mac};
use secrecy::SecretString;
use sha1::Sha1;
use sha2::Sha256;

use super::{
    FixedClock, SeededIds,
    memory::{
        MemoryBlobs, MemoryStore, MemoryVault, ScriptedConversations, ScriptedDirectory, ScriptedFiles, ScriptedSender,
        ai::{ScriptedEmbedder, ScriptedTriage, ScriptedWriter},
        tracker::ScriptedTracker,
    },
};
use crate::{
    Hub, HubSettings, Ports,
    domain::{Channel, Timestamp, User},
    logic::verify::{Payload, Verified, email, intercom, slack, whatsapp},
    ports::{ChannelSender, Clock, Custody, Directory, JobQueue, Queries, Storage, Tracker},
    usecases::{Outcome, Recorded},
    worker::{Worker, WorkerSettings},
};

/// What the fake providers sign with.
const SECRET: &str = "test-hub-signing-secret";

/// A hub over fakes. Everything that happened can be read from its parts; nothing sleeps.
///
/// ```
/// # use feedback_core::{domain::Channel, testing::hub::TestHub, usecases::Outcome};
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// let test = TestHub::new().await;
/// let body = r#"{"type":"event_callback","team_id":"T0","event_id":"Ev1","event":{"type":"message",
///     "channel":"C0","user":"U0DANA","text":"the export hangs","ts":"1767225600.000100"}}"#;
/// let recorded = test.receive(Channel::Slack, body).await;
/// assert!(matches!(recorded.outcomes[..], [Outcome::NewTicket { .. }]));
/// # });
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct TestHub {
    /// The use cases.
    pub hub: Arc<Hub>,
    /// What is stored.
    pub store: MemoryStore,
    /// The time.
    pub clock: FixedClock,
    /// AI's readings.
    pub triage: Arc<ScriptedTriage>,
    /// AI's drafts.
    pub writer: Arc<ScriptedWriter>,
    /// The engineers' board.
    pub tracker: ScriptedTracker,
    /// Slack.
    pub slack: Arc<ScriptedSender>,
    /// Intercom.
    pub intercom: Arc<ScriptedSender>,
    /// WhatsApp, which cannot be asked what became of a message.
    pub whatsapp: Arc<ScriptedSender>,
    /// Mail, which cannot be asked either.
    pub email: Arc<ScriptedSender>,
    /// Who Slack's users are.
    pub directory: Arc<ScriptedDirectory>,
    /// Bytes of attachments.
    pub blobs: MemoryBlobs,
    /// Slack's files.
    pub files: Arc<ScriptedFiles>,
    /// Slack's messages and threads.
    pub conversations: Arc<ScriptedConversations>,
    /// A person who reviews.
    pub reviewer: User,
    worker: Worker,
}

/// The ports of a hub over a store and otherwise fakes: no tracker, no channel, ids and keys drawn from `seed`. A test sets
/// the fields that it looks at.
pub fn fake_ports<S>(store: Arc<S>, clock: &FixedClock, seed: u64) -> Ports
where
    S: Storage + Custody + Queries + JobQueue,
{
    Ports {
        storage: store.clone(),
        custody: store.clone(),
        erasure_log: None,
        queries: store.clone(),
        queue: store,
        vault: Arc::new(MemoryVault::new(seed)),
        clock: Arc::new(clock.clone()),
        ids: Arc::new(SeededIds::new(seed)),
        triage: Arc::new(ScriptedTriage::default()),
        writer: Arc::new(ScriptedWriter::default()),
        embedder: Arc::new(ScriptedEmbedder::default()),
        tracker: None,
        senders: Vec::new(),
        blobs: Arc::new(MemoryBlobs::new()),
        files: Vec::new(),
        directories: Vec::new(),
        conversations: Vec::new(),
    }
}

impl TestHub {
    /// A hub with default settings, at 2026-01-01.
    pub async fn new() -> Self {
        Self::with_settings(HubSettings::default()).await
    }

    /// A hub with these settings.
    ///
    /// # Panics
    /// Never: the memory store takes a first user.
    pub async fn with_settings(settings: HubSettings) -> Self {
        let start = Timestamp::from_unix_seconds(1_767_225_600).expect("2026 is in the calendar");
        let clock = FixedClock::at(start);
        let store = MemoryStore::new();
        let triage = Arc::new(ScriptedTriage::default());
        let writer = Arc::new(ScriptedWriter::default());
        let tracker = ScriptedTracker::default();
        let slack = Arc::new(ScriptedSender::new(Channel::Slack));
        let intercom = Arc::new(ScriptedSender::new(Channel::Intercom));
        let whatsapp = Arc::new(ScriptedSender::new(Channel::WhatsApp).blind());
        let email = Arc::new(ScriptedSender::new(Channel::Email).blind());
        let directory = Arc::new(ScriptedDirectory::new(Channel::Slack));
        let conversations = Arc::new(ScriptedConversations::default());
        let blobs = MemoryBlobs::new();
        let files = Arc::new(ScriptedFiles::new(Channel::Slack));
        let senders: Vec<Arc<dyn ChannelSender>> =
            vec![slack.clone(), intercom.clone(), whatsapp.clone(), email.clone()];
        let directories: Vec<Arc<dyn Directory>> = vec![directory.clone()];
        let board: Arc<dyn Tracker> = Arc::new(tracker.clone());
        let ports = Ports {
            triage: triage.clone(),
            writer: writer.clone(),
            tracker: Some(board),
            senders,
            blobs: Arc::new(blobs.clone()),
            files: vec![files.clone()],
            directories,
            conversations: vec![conversations.clone()],
            ..fake_ports(Arc::new(store.clone()), &clock, 7)
        };
        let hub = Arc::new(Hub::new(ports, settings));
        let worker = hub.worker(WorkerSettings::default());
        let reviewer = hub.access.add_user("Rita Reviewer").await;
        let reviewer = reviewer.expect("the memory store takes a first user");
        Self {
            hub,
            store,
            clock,
            triage,
            writer,
            tracker,
            slack,
            intercom,
            whatsapp,
            email,
            directory,
            blobs,
            files,
            conversations,
            reviewer,
            worker,
        }
    }

    /// Delivers a webhook as its provider would sign it.
    ///
    /// # Panics
    /// If the hub refuses or cannot record it.
    pub async fn receive(&self, channel: Channel, body: impl Into<String>) -> Recorded {
        let delivery = self.signed(channel, "application/json", body.into());
        self.hub
            .ingest
            .record(&delivery)
            .await
            .expect("the delivery is recorded")
    }

    /// Delivers a form as Slack would sign it.
    ///
    /// # Panics
    /// If the hub refuses or cannot record it.
    pub async fn receive_form(&self, body: impl Into<String>) -> Recorded {
        let delivery = self.signed(Channel::Slack, "application/x-www-form-urlencoded", body.into());
        self.hub
            .ingest
            .record(&delivery)
            .await
            .expect("the delivery is recorded")
    }

    /// A delivery that went through its provider's signature check.
    ///
    /// # Panics
    /// For a channel without webhooks.
    pub fn signed(&self, channel: Channel, content_type: &str, body: String) -> Verified<Payload> {
        let secrets = [SecretString::from(SECRET)];
        let payload = Payload {
            channel,
            content_type: Some(content_type.to_owned()),
            body: body.clone().into(),
        };
        let now = self.clock.now();
        let verified = match channel {
            Channel::Slack => {
                let time = now.unix_seconds().to_string();
                let signature = format!("v0={}", mac::<Hmac<Sha256>>(&format!("v0:{time}:{body}")));
                let headers = slack::SlackHeaders {
                    signature: &[signature.as_bytes()],
                    timestamp: &[time.as_bytes()],
                };
                slack::verify(&secrets, &headers, payload, now)
            }
            Channel::Intercom => {
                let signature = format!("sha1={}", mac::<Hmac<Sha1>>(&body));
                intercom::verify(&secrets, &[signature.as_bytes()], payload)
            }
            Channel::WhatsApp => {
                let signature = format!("sha256={}", mac::<Hmac<Sha256>>(&body));
                whatsapp::verify(&secrets, &[signature.as_bytes()], payload)
            }
            Channel::Email => {
                let time = now.unix_seconds().to_string();
                let signature = format!("sha256={}", mac::<Hmac<Sha256>>(&format!("v1:{time}:{body}")));
                let headers = email::EmailHeaders {
                    signature: &[signature.as_bytes()],
                    timestamp: &[time.as_bytes()],
                };
                email::verify(&secrets, &headers, payload, now)
            }
            Channel::InApp | Channel::Backoffice => panic!("{channel} has no webhook"),
        };
        verified.expect("the signature was made with the hub's own secret")
    }

    /// Runs every job that is due, and those that they queue, until none is left at this moment.
    pub async fn run_due_jobs(&self) {
        while self.worker.run_due().await > 0 {}
    }

    /// Lets time pass, and runs what comes due at its end.
    pub async fn wait(&self, time: Duration) {
        self.clock.advance(time);
        self.run_due_jobs().await;
    }
}

/// The ticket of a new or continued report.
///
/// # Panics
/// If the outcome has none.
pub fn ticket_of(recorded: &Recorded) -> crate::domain::TicketId {
    match recorded.outcomes.first() {
        Some(Outcome::NewTicket { ticket, .. }) => *ticket,
        Some(Outcome::FollowUp(ticket) | Outcome::Duplicate(ticket) | Outcome::Conflicting(ticket)) => *ticket,
        other => panic!("no ticket came of it: {other:?}"),
    }
}

fn mac<M: Mac + KeyInit>(signed: &str) -> String {
    let mut mac = <M as KeyInit>::new_from_slice(SECRET.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(signed.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}
