//! Builds all use cases from a set of ports. Given to none of them: each takes only the ports that it uses.

use std::{sync::Arc, time::Duration};

use crate::{
    domain::{Channel, TemplateRef},
    logic::{breaker::BreakerSettings, normalize::Rules, scrub::Scrubber},
    ports::{
        BlobStore, ChangelogWriter, ChannelSender, Clock, Conversations, Custody, Directory, Embedder, ErasureLog,
        FileSource, Guards, IdSource, JobQueue, NearestTickets, PortError, Queries, Storage, Templates, Tracker,
        Triage, Vault, guard::Guarded,
    },
    usecases::{
        Access, Confirm, DeadLetters, Deliver, DeliverySettings, Drafts, Duplicates, EndStep, Enrich, Erase, Export,
        FetchAttachment, Groups, Ingest, IngestSettings, LookUpReporter, MatchDuplicates, MatchError, MergeReporters,
        OpenThread, PollTracker, PushToTracker, ReceiptText, Receipts, Retain, RetainError, RetentionSettings, Review,
        RotateKeys, SendReceipt, Show, ShowAttachments, SyncError, TemplateRegistry, VerifyTimelines, WriteProbe,
    },
};

/// Everything outside that a hub needs. One value often serves several ports: SQLite is storage, queries and queue.
#[derive(Debug, Clone)]
pub struct Ports {
    /// The truth.
    pub storage: Arc<dyn Storage>,
    /// Key rotation, retention and proof over the same rows.
    pub custody: Arc<dyn Custody>,
    /// Who was erased, kept beside the store; without it a restored backup forgets erasures.
    pub erasure_log: Option<Arc<dyn ErasureLog>>,
    /// Lists and metrics.
    pub queries: Arc<dyn Queries>,
    /// Queued work.
    pub queue: Arc<dyn JobQueue>,
    /// Sealing.
    pub vault: Arc<dyn Vault>,
    /// Now.
    pub clock: Arc<dyn Clock>,
    /// New ids and secrets.
    pub ids: Arc<dyn IdSource>,
    /// Suggests type and priority.
    pub triage: Arc<dyn Triage>,
    /// Drafts what reporters are told.
    pub writer: Arc<dyn ChangelogWriter>,
    /// Text as vectors.
    pub embedder: Arc<dyn Embedder>,
    /// The engineers' board, where there is one.
    pub tracker: Option<Arc<dyn Tracker>>,
    /// One for each channel that can be answered.
    pub senders: Vec<Arc<dyn ChannelSender>>,
    /// Bytes of attachments.
    pub blobs: Arc<dyn BlobStore>,
    /// One for each channel whose files can be fetched.
    pub files: Vec<Arc<dyn FileSource>>,
    /// One for each channel that knows its users.
    pub directories: Vec<Arc<dyn Directory>>,
    /// One for each channel whose messages can be fetched and whose threads can be begun.
    pub conversations: Vec<Arc<dyn Conversations>>,
}

impl Ports {
    /// What no hub can do without: one store that is storage, queue and queries, one AI (or rules) that suggests, drafts
    /// and compares. There is nothing outside yet: no tracker, no channel that can be answered. Set those fields.
    ///
    /// ```
    /// # #[cfg(feature = "testing")] {
    /// use std::sync::Arc;
    /// use feedback_core::{Hub, HubSettings, Ports, domain::Channel};
    /// use feedback_core::testing::{FixedClock, hub::fake_ports, memory::{MemoryStore, ScriptedSender}};
    ///
    /// let mut ports = fake_ports(Arc::new(MemoryStore::new()), &FixedClock::default(), 1); // or `Ports::new(..)`
    /// ports.senders.push(Arc::new(ScriptedSender::new(Channel::Slack)));
    /// let hub = Hub::new(ports, HubSettings::default());
    /// # }
    /// ```
    pub fn new<S, A>(
        store: Arc<S>,
        vault: Arc<dyn Vault>,
        blobs: Arc<dyn BlobStore>,
        ai: Arc<A>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdSource>,
    ) -> Self
    where
        S: Storage + Custody + Queries + JobQueue,
        A: Triage + ChangelogWriter + Embedder,
    {
        Self {
            storage: store.clone(),
            custody: store.clone(),
            erasure_log: None,
            queries: store.clone(),
            queue: store,
            vault,
            clock,
            ids,
            triage: ai.clone(),
            writer: ai.clone(),
            embedder: ai,
            tracker: None,
            senders: Vec::new(),
            blobs,
            files: Vec::new(),
            directories: Vec::new(),
            conversations: Vec::new(),
        }
    }
}

/// What an operator decides about a hub.
#[derive(Debug, Clone)]
pub struct HubSettings {
    /// How the normalizers read each provider's payloads.
    pub rules: Rules,
    /// Chat messages of one person closer together than this are one report.
    pub burst: Duration,
    /// Where people open the hub, without a slash at the end.
    pub public_url: Option<String>,
    /// What WhatsApp messages use outside the 24 hours.
    pub template: Option<TemplateRef>,
    /// Times and policies of delivery.
    pub delivery: DeliverySettings,
    /// When a provider that fails is left alone, and how calls to it begin again.
    pub breaker: BreakerSettings,
    /// Which reports get a receipt.
    pub receipts: Receipts,
    /// The receipt's words.
    pub receipt_text: ReceiptText,
    /// For how long what is kept.
    pub retention: RetentionSettings,
    /// How often the tracker is polled.
    pub poll_every: Duration,
    /// How far back duplicates are looked for.
    pub duplicates_window: Duration,
    /// What is never taken for personal data beyond the scrubber's own list: product names and the like.
    pub scrubber: Scrubber,
}

impl Default for HubSettings {
    /// Bursts of 10 minutes, polls of 2, duplicates of 14 days.
    fn default() -> Self {
        Self {
            rules: Rules::default(),
            burst: Duration::from_secs(10 * 60),
            public_url: None,
            template: None,
            delivery: DeliverySettings::default(),
            breaker: BreakerSettings::default(),
            receipts: Receipts::Off,
            receipt_text: ReceiptText::default(),
            retention: RetentionSettings::default(),
            poll_every: Duration::from_secs(120),
            duplicates_window: Duration::from_secs(14 * 24 * 60 * 60),
            scrubber: Scrubber::new(),
        }
    }
}

/// All use cases over one set of ports.
#[derive(Debug, Clone)]
pub struct Hub {
    /// Records what comes in.
    pub ingest: Ingest,
    /// AI's suggestions.
    pub enrich: Enrich,
    /// Suggested duplicates.
    pub match_duplicates: MatchDuplicates,
    /// A person's word on suggested duplicates.
    pub duplicates: Duplicates,
    /// Tickets that are answered together.
    pub groups: Groups,
    /// One person known as two.
    pub merge_reporters: MergeReporters,
    /// A reviewer's word on tickets.
    pub confirm: Confirm,
    /// Drafts for reporters.
    pub drafts: Drafts,
    /// The release valve.
    pub review: Review,
    /// Deliveries.
    pub deliver: Deliver,
    /// Files of messages.
    pub fetch_attachment: FetchAttachment,
    /// Files and their names, opened for a signed-in person.
    pub attachments: ShowAttachments,
    /// Who a reporter is.
    pub look_up_reporter: LookUpReporter,
    /// Threads for reports without one.
    pub open_thread: OpenThread,
    /// Receipts at intake.
    pub send_receipt: SendReceipt,
    /// Workflows that wait for a word.
    pub end_step: EndStep,
    /// Out to the tracker, where there is one.
    pub push: Option<PushToTracker>,
    /// In from the tracker, where there is one.
    pub poll: Option<PollTracker>,
    /// Erasure of people.
    pub erase: Erase,
    /// A person's copy of everything.
    pub export: Export,
    /// What has had its time.
    pub retain: Retain,
    /// Keys that change.
    pub rotate_keys: RotateKeys,
    /// Proof of the timelines.
    pub verify_timelines: VerifyTimelines,
    /// What gave up.
    pub dead_letters: DeadLetters,
    /// Who may.
    pub access: Access,
    /// What a signed-in person may read.
    pub show: Show,
    /// Lists and metrics.
    pub queries: Arc<dyn Queries>,
    /// Whether the store takes writes.
    pub write_probe: WriteProbe,
    /// How the providers are doing.
    pub guards: Guards,
    /// Now.
    pub clock: Arc<dyn Clock>,
    #[cfg(feature = "worker")]
    work: Work,
}

/// What only the worker asks for.
#[cfg(feature = "worker")]
#[derive(Debug, Clone)]
struct Work {
    storage: Arc<dyn Storage>,
    queue: Arc<dyn JobQueue>,
    ids: Arc<dyn IdSource>,
    shifts: crate::usecases::Shifts,
    poll_every: Duration,
}

impl Hub {
    /// Builds the use cases. Does no I/O.
    pub fn new(ports: Ports, settings: HubSettings) -> Self {
        let Ports {
            storage,
            custody,
            erasure_log,
            queries,
            queue,
            vault,
            clock,
            ids,
            triage,
            writer,
            embedder,
            tracker,
            senders,
            blobs,
            files,
            directories,
            conversations,
        } = ports;
        let channels: Vec<Channel> = directories.iter().map(|directory| directory.channel()).collect();
        let ingest = IngestSettings {
            burst: settings.burst,
            directories: channels,
            receipts: settings.receipts,
            senders: senders.iter().map(|sender| sender.channel()).collect(),
            ..IngestSettings::new(settings.rules)
        };
        let (s, c, i) = (|| Arc::clone(&storage), || Arc::clone(&clock), || Arc::clone(&ids));
        let v = || Arc::clone(&vault);
        let scrubber = || settings.scrubber.clone();
        let guards = Guards::new(c(), i(), settings.breaker);
        #[cfg(feature = "worker")]
        let work = Work {
            storage: s(),
            queue: Arc::clone(&queue),
            ids: i(),
            shifts: crate::usecases::Shifts::new(s(), c()),
            poll_every: settings.poll_every,
        };
        let ai = guards.gate("ai");
        let triage: Arc<dyn Triage> = Arc::new(Guarded::new(triage, Arc::clone(&ai)));
        let writer: Arc<dyn ChangelogWriter> = Arc::new(Guarded::new(writer, ai));
        let embedder: Arc<dyn Embedder> = Arc::new(Guarded::new(embedder, guards.gate("embedder")));
        let tracker =
            tracker.map(|tracker| Arc::new(Guarded::new(tracker, guards.gate("tracker"))) as Arc<dyn Tracker>);
        // Looking people up has scopes and limits of its own: that it fails says nothing about sending.
        let directories = directories.into_iter().map(|directory| {
            let gate = guards.gate(format!("{} directory", directory.channel()));
            Arc::new(Guarded::new(directory, gate)) as Arc<dyn Directory>
        });
        let directories: Vec<_> = directories.collect();
        let conversations = conversations.into_iter().map(|port| {
            let gate = guards.gate(format!("{} conversations", port.channel()));
            Arc::new(Guarded::new(port, gate)) as Arc<dyn Conversations>
        });
        let conversations: Vec<_> = conversations.collect();
        let push = tracker
            .clone()
            .map(|tracker| PushToTracker::new(s(), tracker, c(), i(), settings.public_url.clone()));
        let poll = tracker.clone().map(|tracker| PollTracker::new(s(), tracker, c(), i()));
        Self {
            ingest: Ingest::new(s(), v(), c(), i(), scrubber(), ingest).with_conversations(conversations.clone()),
            end_step: EndStep::new(s(), conversations.clone()),
            open_thread: OpenThread::new(s(), v(), c(), i(), conversations, settings.receipt_text.clone()),
            send_receipt: SendReceipt::new(s(), v(), c(), i(), senders.clone(), &guards, settings.receipt_text),
            enrich: Enrich::new(s(), triage, c(), i()),
            match_duplicates: MatchDuplicates::new(s(), embedder, c(), i(), settings.duplicates_window),
            duplicates: Duplicates::new(s(), Arc::clone(&queries), c(), i()),
            groups: Groups::new(s(), c(), i(), scrubber()),
            merge_reporters: MergeReporters::new(s(), c(), i()),
            confirm: Confirm::new(s(), c(), i(), scrubber()),
            drafts: Drafts::new(s(), writer, tracker, v(), c(), i(), scrubber()),
            review: Review::new(s(), v(), c(), i(), settings.template)
                .with_scrubber(scrubber())
                .with_senders(senders.iter().map(|sender| sender.channel())),
            deliver: Deliver::new(s(), v(), c(), i(), senders, &guards, settings.delivery),
            fetch_attachment: FetchAttachment::new(s(), v(), Arc::clone(&blobs), c(), i(), files),
            attachments: ShowAttachments::new(s(), v(), blobs),
            look_up_reporter: LookUpReporter::new(s(), v(), MergeReporters::new(s(), c(), i()), directories),
            push,
            poll,
            erase: Erase::new(s(), Arc::clone(&custody), erasure_log, c(), i()),
            export: Export::new(s(), v(), c()),
            retain: Retain::new(s(), Arc::clone(&custody), c(), i(), settings.retention),
            rotate_keys: RotateKeys::new(Arc::clone(&custody), v()),
            verify_timelines: VerifyTimelines::new(custody),
            dead_letters: DeadLetters::new(queue, Arc::clone(&queries), c()),
            access: Access::new(s(), c(), i()),
            show: Show::new(s(), v()),
            write_probe: WriteProbe::new(s(), c()),
            queries,
            guards,
            #[cfg(feature = "worker")]
            work,
            clock,
        }
    }

    /// The same, with the provider's word on which WhatsApp templates can be used.
    #[must_use]
    pub fn with_templates(mut self, templates: Arc<dyn Templates>) -> Self {
        let gate = self.guards.gate("whatsapp templates");
        let registry = TemplateRegistry::new(templates, gate, Arc::clone(&self.clock));
        self.review = self.review.with_templates(registry);
        self
    }

    /// The same, with another search for duplicates than the window in memory.
    #[must_use]
    pub fn with_search(mut self, search: Arc<dyn NearestTickets>) -> Self {
        self.match_duplicates = self.match_duplicates.with_search(search);
        self
    }

    /// Queues the periodic work, unless it is waiting already. Call it once at start.
    ///
    /// # Errors
    /// As [`Storage::commit`].
    pub async fn schedule_periodic(&self) -> Result<(), PortError> {
        self.retain
            .schedule(Duration::ZERO)
            .await
            .map_err(|RetainError::Store(error)| error)?;
        // The embedder may be another one than before.
        match self.match_duplicates.schedule_embedding().await {
            Ok(()) => {}
            Err(MatchError::Storage(error) | MatchError::Embedder(error)) => return Err(error),
        }
        let Some(poll) = &self.poll else { return Ok(()) };
        match poll.schedule(Duration::ZERO).await {
            Ok(()) => Ok(()),
            Err(SyncError::Storage(error) | SyncError::Tracker(error)) => Err(error),
        }
    }

    /// A worker for this hub's queue. A server runs [`Worker::run`](crate::worker::Worker::run) in a task.
    #[cfg(feature = "worker")]
    pub fn worker(&self, settings: crate::worker::WorkerSettings) -> crate::worker::Worker {
        let Work { queue, ids, .. } = &self.work;
        crate::worker::Worker::new(
            Arc::clone(queue),
            self.registry(),
            Arc::clone(&self.clock),
            Arc::clone(ids),
            settings,
        )
    }

    /// The use cases that jobs run, for a [`Worker`](crate::worker::Worker) over another queue.
    #[cfg(feature = "worker")]
    pub fn registry(&self) -> crate::worker::Registry {
        crate::worker::Registry {
            storage: Arc::clone(&self.work.storage),
            ingest: self.ingest.clone(),
            enrich: self.enrich.clone(),
            match_duplicates: self.match_duplicates.clone(),
            drafts: self.drafts.clone(),
            deliver: self.deliver.clone(),
            fetch_attachment: self.fetch_attachment.clone(),
            look_up_reporter: self.look_up_reporter.clone(),
            open_thread: self.open_thread.clone(),
            send_receipt: self.send_receipt.clone(),
            end_step: self.end_step.clone(),
            queries: Arc::clone(&self.queries),
            push: self.push.clone(),
            poll: self.poll.clone(),
            retain: self.retain.clone(),
            poll_every: self.work.poll_every,
            shifts: self.work.shifts.clone(),
        }
    }
}
