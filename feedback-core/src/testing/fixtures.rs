//! Entities with every field filled, so that a test states only what it is about: make one, change its public fields.

use sha2::{Digest, Sha256};

use super::{FixedClock, SeededIds};
use crate::{
    domain::{
        Actor, ApiToken, ApprovalSeal, Attachment, AttachmentStatus, BlindIndex, Change, ChangelogEntry,
        ChangelogStatus, Channel, DeliveryMode, EventKind, Evidence, ExternalId, IdempotencyKey, Identity,
        IdentityLink, Inference, JobPayload, Language, LinkKind, LinkStatus, ModelUse, NewJob, NewTicket, Notification,
        NotificationAttempt, NotificationStatus, Priority, RememberedCall, Reporter, ReporterId, Scrubbed, Sealed,
        SecretDigest, Session, SignInLink, SubjectKey, SyncCursor, ThreadRef, Ticket, TicketEvent, TicketGroup,
        TicketId, TicketLink, TicketSource, TicketType, TicketVector, Timestamp, User, UserId, Write,
    },
    ports::{Clock, FromUuid, IdSource, IdSourceExt},
};

/// Makes entities with fresh ids, at the time of its clock.
#[derive(Debug, Clone, Default)]
pub struct Fixtures {
    /// Where ids come from.
    pub ids: SeededIds,
    /// When everything happens.
    pub clock: FixedClock,
}

impl Fixtures {
    /// Fixtures with ids of a seed, so that two sets never collide.
    pub fn new(seed: u64) -> Self {
        Self {
            ids: SeededIds::new(seed),
            clock: FixedClock::default(),
        }
    }

    /// The time of the clock.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A fresh id of any kind.
    pub fn id<Id: FromUuid>(&self) -> Id {
        self.ids.next()
    }

    /// A look-up digest that no other has.
    pub fn blind_index(&self) -> BlindIndex {
        BlindIndex::from_bytes(Sha256::digest(self.ids.uuid().as_bytes()).into())
    }

    /// The digest of a secret that no other has.
    pub fn secret_digest(&self) -> SecretDigest {
        SecretDigest::from_bytes(Sha256::digest(self.ids.uuid().as_bytes()).into())
    }

    /// A provider's id of a message that no other has.
    pub fn external_id(&self) -> ExternalId {
        ExternalId::parse(format!("T0:C0:{}", self.ids.uuid().simple())).expect("letters and digits make an id")
    }

    /// A person with a key and a name, and no address.
    pub fn reporter(&self) -> Reporter {
        Reporter {
            id: self.id(),
            key: Some(SubjectKey::from_bytes(vec![7; 32])),
            name: Some(Sealed::from_bytes(b"sealed name".to_vec())),
            email: None,
            email_index: None,
            email_verified: false,
            phone: None,
            phone_index: None,
            language: Some(Language::Spanish),
            merged_into: None,
            erased_at: None,
            created_at: self.now(),
            version: 1,
        }
    }

    /// An address of the person in Slack.
    pub fn identity(&self, reporter: ReporterId) -> Identity {
        Identity {
            id: self.id(),
            reporter,
            channel: Channel::Slack,
            connection: "T0".into(),
            lookup: self.blind_index(),
            external_user_id: Sealed::from_bytes(b"sealed user".to_vec()),
            last_message_at: None,
            opted_out_at: None,
            created_at: self.now(),
            version: 1,
        }
    }

    /// Evidence that an identity is a reporter's.
    pub fn identity_link(&self, identity: &Identity) -> IdentityLink {
        IdentityLink {
            id: self.id(),
            identity: identity.id,
            reporter: identity.reporter,
            kind: LinkKind::VerifiedEmail,
            source: None,
            at: self.now(),
            undone: None,
        }
    }

    /// A Slack thread that no other ticket has.
    pub fn thread(&self) -> ThreadRef {
        ThreadRef::Slack {
            team: "T0".into(),
            channel: "C0".into(),
            thread_ts: Some(self.ids.uuid().to_string()),
        }
    }

    /// A bug of priority P2 from Slack, in Spanish, not numbered yet.
    pub fn new_ticket(&self, reporter: ReporterId) -> NewTicket {
        NewTicket {
            id: self.id(),
            channel: Channel::Slack,
            reporter,
            title: Scrubbed::restore("La exportación falla".into()),
            description: Scrubbed::restore("La exportación falla desde ayer, dice [NAME_1].".into()),
            original: Some(Sealed::from_bytes(b"sealed original".to_vec())),
            placeholders: Some(Sealed::from_bytes(b"sealed names".to_vec())),
            language: Some(Language::Spanish),
            inferred: self.inference(),
            ticket_type: TicketType::Bug,
            priority: Priority::P2,
            created_at: self.now(),
        }
    }

    /// What rules read: a bug of priority P2, with a reason.
    pub fn inference(&self) -> Inference {
        Inference {
            ticket_type: TicketType::Bug,
            priority: Priority::P2,
            language: Some(Language::Spanish),
            confidence: 0.75,
            evidence: vec![Evidence {
                rule: "failure".into(),
                span: Some((0, 21)),
                effect: "type bug".into(),
            }],
        }
    }

    /// A message of the identity in a thread of its own.
    pub fn source(&self, ticket: TicketId, author: &Identity) -> TicketSource {
        let thread = self.thread();
        TicketSource {
            id: self.id(),
            ticket,
            channel: author.channel,
            external_id: self.external_id(),
            thread_key: thread.key(),
            thread,
            author: author.id,
            text: Scrubbed::restore("La exportación falla desde ayer.".into()),
            raw: Some(Sealed::from_bytes(b"sealed payload".to_vec())),
            redacted: Some(r#"{"type":"message"}"#.into()),
            digest: "d0".into(),
            sent_at: self.now(),
            received_at: self.now(),
        }
    }

    /// An entry of a timeline, by the hub.
    pub fn event(&self, ticket: TicketId, kind: EventKind) -> TicketEvent {
        let data = serde_json::json!({ "channel": "slack" });
        TicketEvent {
            id: self.id(),
            ticket,
            kind,
            actor: Actor::Hub,
            data,
            at: self.now(),
        }
    }

    /// A first draft for the first resolution.
    pub fn changelog_entry(&self, ticket: TicketId, reporter: ReporterId) -> ChangelogEntry {
        ChangelogEntry {
            id: self.id(),
            ticket,
            resolution: 1,
            sealed_for: reporter,
            content: Sealed::from_bytes(b"sealed words".to_vec()),
            drafted: Sealed::from_bytes(b"sealed words".to_vec()),
            language: Language::Spanish,
            status: ChangelogStatus::Draft,
            made_by: self.model_use(),
            edited_by: None,
            decision: None,
            created_at: self.now(),
            updated_at: self.now(),
            version: 1,
        }
    }

    /// A local model that costs nothing.
    pub fn model_use(&self) -> ModelUse {
        ModelUse {
            model: "local".into(),
            prompt_version: "1".into(),
            input_tokens: 0,
            output_tokens: 0,
        }
    }

    /// A delivery of an entry's words to an identity, not tried yet.
    pub fn notification(&self, entry: &ChangelogEntry, identity: &Identity) -> Notification {
        let id = self.id();
        Notification {
            id,
            changelog_entry: entry.id,
            ticket: entry.ticket,
            reporter: identity.reporter,
            identity: identity.id,
            channel: identity.channel,
            thread: self.thread(),
            mode: DeliveryMode::ThreadReply,
            seal: ApprovalSeal::from_bytes([9; 32]),
            status: NotificationStatus::Pending,
            retry_count: 0,
            last_error: None,
            sent_as: None,
            provider_message_id: None,
            idempotency_key: IdempotencyKey::composed(&[
                &entry.id.to_string(),
                identity.channel.as_str(),
                &identity.reporter.to_string(),
            ]),
            sent_at: None,
            delivered_at: None,
            read_at: None,
            created_at: self.now(),
            updated_at: self.now(),
            version: 1,
        }
    }

    /// A try that is about to begin.
    pub fn attempt(&self, notification: &Notification) -> NotificationAttempt {
        NotificationAttempt {
            id: self.id(),
            notification: notification.id,
            started_at: self.now(),
            finished_at: None,
            outcome: None,
            error: None,
        }
    }

    /// A group with this ticket as its primary one.
    pub fn group(&self, primary: TicketId) -> TicketGroup {
        TicketGroup {
            id: self.id(),
            title: Scrubbed::restore("La exportación falla".into()),
            primary,
            created_at: self.now(),
            version: 1,
        }
    }

    /// A suggested pair.
    pub fn link(&self, ticket: TicketId, original: TicketId) -> TicketLink {
        TicketLink {
            id: self.id(),
            ticket,
            original,
            score: 0.875,
            evidence: vec!["exportación".into()],
            status: LinkStatus::Suggested,
            decided: None,
            created_at: self.now(),
        }
    }

    /// A file of a message, not fetched yet.
    pub fn attachment(&self, source: &TicketSource) -> Attachment {
        Attachment {
            id: self.id(),
            ticket: source.ticket,
            source: source.id,
            channel: source.channel,
            reference: Sealed::from_bytes(b"sealed url".to_vec()),
            name: Some(Sealed::from_bytes(b"sealed file name".to_vec())),
            content_type: Some("image/png".into()),
            size_bytes: Some(2048),
            sha256: None,
            blob_key: None,
            status: AttachmentStatus::Announced,
            created_at: self.now(),
        }
    }

    /// A vector of a ticket, recorded now.
    pub fn vector(&self, ticket: TicketId, model: &str) -> TicketVector {
        TicketVector {
            ticket,
            model: model.into(),
            values: vec![0.6, -0.8, 0.0],
            ticket_created_at: self.now(),
        }
    }

    /// The first position of a poll.
    pub fn cursor(&self, name: &str) -> SyncCursor {
        SyncCursor {
            name: name.into(),
            value: "start".into(),
            updated_at: self.now(),
            version: 0,
        }
    }

    /// Work for a fresh ticket id, due now.
    pub fn job(&self) -> NewJob {
        NewJob::now(self.id(), JobPayload::TriageTicket { ticket: self.id() }, self.now())
    }

    /// A person who reviews.
    pub fn user(&self) -> User {
        User {
            id: self.id(),
            name: "Rita Reviewer".into(),
            created_at: self.now(),
            disabled_at: None,
        }
    }

    /// A signed-in browser, for twelve hours.
    pub fn session(&self, user: UserId) -> Session {
        Session {
            digest: self.secret_digest(),
            user,
            created_at: self.now(),
            seen_at: self.now(),
            expires_at: self.now().plus(std::time::Duration::from_secs(12 * 3600)),
        }
    }

    /// A link that signs in, for an hour.
    pub fn sign_in_link(&self, user: UserId) -> SignInLink {
        let expires_at = self.now().plus(std::time::Duration::from_secs(3600));
        SignInLink {
            digest: self.secret_digest(),
            user,
            expires_at,
        }
    }

    /// A token that works.
    pub fn api_token(&self, user: UserId) -> ApiToken {
        ApiToken {
            id: self.id(),
            digest: self.secret_digest(),
            name: "exports".into(),
            user,
            created_at: self.now(),
            revoked_at: None,
        }
    }

    /// A call of our API that was carried out.
    pub fn remembered_call(&self, key: &str) -> RememberedCall {
        RememberedCall {
            scope: "createTicket".into(),
            key: key.into(),
            fingerprint: [3; 32],
            subject: self.ids.uuid(),
            at: self.now(),
        }
    }

    /// Everything that an intake of one message commits: person, address, ticket, message, first event, first job.
    pub fn intake(&self) -> IntakeRows {
        let reporter = self.reporter();
        let mut identity = self.identity(reporter.id);
        identity.last_message_at = Some(self.now());
        let ticket = self.new_ticket(reporter.id);
        let source = self.source(ticket.id, &identity);
        let event = self.event(ticket.id, EventKind::Received);
        let job = NewJob::now(self.id(), JobPayload::TriageTicket { ticket: ticket.id }, self.now());
        IntakeRows {
            reporter,
            identity,
            ticket,
            source,
            event,
            job,
        }
    }
}

/// The rows of one intake, to be changed and then committed together.
#[derive(Debug, Clone)]
pub struct IntakeRows {
    /// Who wrote.
    pub reporter: Reporter,
    /// From which address.
    pub identity: Identity,
    /// What it became.
    pub ticket: NewTicket,
    /// The message.
    pub source: TicketSource,
    /// The first entry of the timeline.
    pub event: TicketEvent,
    /// The first work.
    pub job: NewJob,
}

impl IntakeRows {
    /// All of it as one change.
    pub fn change(&self) -> Change {
        Change::new()
            .with(Write::InsertReporter(self.reporter.clone()))
            .with(Write::InsertIdentity(self.identity.clone()))
            .with(Write::InsertTicket(Box::new(self.ticket.clone())))
            .with(Write::InsertSource(Box::new(self.source.clone())))
            .with(Write::AppendEvent(self.event.clone()))
            .with(Write::Enqueue(self.job.clone()))
    }

    /// The ticket as storage gives it back under a number.
    pub fn stored_ticket(&self, number: crate::domain::TicketNumber) -> Ticket {
        self.ticket.clone().numbered(number)
    }
}
