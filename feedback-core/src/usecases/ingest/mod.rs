//! One verified delivery becomes one commit: tickets, follow-ups, status reports and dead letters together, or nothing.

mod amend;
mod decide;
mod fetch;
mod person;
mod prepare;
mod view;
mod writes;

use std::{collections::HashMap, sync::Arc, time::Duration};

use serde_json::json;

pub use self::fetch::FetchError;
use self::{
    decide::{Facts, FollowUp, Plan, decide},
    person::Maker,
    prepare::Prepared,
    view::View,
    writes::Writer,
};
use super::{
    TRIES,
    deliver::{Reports, StatusChange, answered_with},
    draft::withdrawal_for,
};
use crate::{
    domain::{
        Change, Channel, ExternalId, JobId, JobPayload, NewJob, Priority, RememberedCall, Sealed, ThreadRef, TicketId,
        TicketNumber, TicketType, Timestamp, WaitingStep, Write,
    },
    logic::{
        normalize::{self, Answer, Author, InboundMessage, Intake, MessageRole, Rules, Stated, WantedForm},
        scrub::Scrubber,
        verify::{KeyId, Payload, Verified},
    },
    ports::{Clock, Conversations, IdSource, IdSourceExt, KeyScope, Place, PortError, Storage, TicketKey, Vault},
};

/// How the intake reads and joins messages.
#[derive(Debug, Clone)]
pub struct IngestSettings {
    /// How the normalizers read each provider's payloads.
    pub rules: Rules,
    /// Chat messages of one person closer together than this are one report.
    pub burst: Duration,
    /// Channels with a directory that can tell who a user is.
    pub directories: Vec<Channel>,
    /// Which reports get a receipt.
    pub receipts: Receipts,
    /// Channels that can send one.
    pub senders: Vec<Channel>,
}

/// Whether the hub sends receipts at intake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Receipts {
    /// It says nothing that no person approved.
    #[default]
    Off,
    /// A report without a thread gets one, which begins with the operator's fixed words.
    BeginThreads,
    /// So does that, and every other report is answered with those words in its thread, where the channel allows it.
    Everywhere,
}

impl IngestSettings {
    /// Bursts of ten minutes, no directory.
    pub fn new(rules: Rules) -> Self {
        Self {
            rules,
            burst: Duration::from_secs(10 * 60),
            directories: Vec::new(),
            receipts: Receipts::Off,
            senders: Vec::new(),
        }
    }
}

/// Records what comes in.
#[derive(Debug, Clone)]
pub struct Ingest {
    storage: Arc<dyn Storage>,
    vault: Arc<dyn Vault>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    scrubber: Scrubber,
    settings: Arc<IngestSettings>,
    conversations: Arc<HashMap<Channel, Arc<dyn Conversations>>>,
}

/// A delivery, and what holds for all its items.
#[derive(Debug, Clone, Copy)]
struct Origin<'a> {
    payload: &'a Payload,
    /// Which secret signed it.
    signed_by: Option<KeyId>,
    /// Whether some of it was no proper Unicode.
    lossy: bool,
}

impl<'a> Origin<'a> {
    /// What came through no signature check now: our own API, what was fetched, what is replayed.
    fn unsigned(payload: &'a Payload) -> Self {
        Self {
            payload,
            signed_by: None,
            lossy: false,
        }
    }
}

/// What became of a delivery.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// Body of the 200 answer.
    pub answer: Answer,
    /// What became of each item, in the order of the payload.
    pub outcomes: Vec<Outcome>,
}

/// What became of one item of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// A new ticket.
    NewTicket {
        /// Its id.
        ticket: TicketId,
        /// Its number.
        number: TicketNumber,
    },
    /// A further message of a ticket.
    FollowUp(TicketId),
    /// The same message again: nothing was done.
    Duplicate(TicketId),
    /// The same id with another text: the first stands, and the ticket's timeline says so.
    Conflicting(TicketId),
    /// A message that was only pointed at: a job fetches it.
    Fetching,
    /// A workflow's step is told what became of its report.
    EndingStep,
    /// A status report moved a notification.
    StatusApplied,
    /// Nothing for us, and why.
    Ignored(&'static str),
    /// It could not be read: kept as a dead letter, and why.
    Quarantined(&'static str),
}

impl Outcome {
    /// The name in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NewTicket { .. } => "new_ticket",
            Self::FollowUp(_) => "follow_up",
            Self::Duplicate(_) => "duplicate",
            Self::Conflicting(_) => "conflicting",
            Self::Fetching => "fetching",
            Self::EndingStep => "step",
            Self::StatusApplied => "status",
            Self::Ignored(_) => "ignored",
            Self::Quarantined(_) => "quarantined",
        }
    }
}

/// Why a delivery was not recorded.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// Storage or vault failed.
    #[error("could not record the delivery")]
    Storage(#[source] PortError),
    /// Nothing of it is for a workspace or number of ours, whoever signed it: refused like a wrong signature. A provider may
    /// batch ours with others'; then ours counts.
    #[error("the delivery is for a connection that is not configured")]
    Foreign,
}

/// Why a kept delivery could not be replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// This program cannot read it either.
    #[error("the delivery still cannot be read")]
    StillUnreadable,
    /// Storage or vault failed.
    #[error("could not replay the delivery")]
    Storage(#[source] PortError),
}

/// A report by our own API.
#[derive(Clone, PartialEq)]
pub struct Submission {
    /// In-app or backoffice.
    pub channel: Channel,
    /// The caller's id of the report; the same id is the same report.
    pub external_id: Option<ExternalId>,
    /// Who reported it.
    pub author: Author,
    /// The report.
    pub text: String,
    /// Title, where the caller has one.
    pub title: Option<String>,
    /// Type, where the caller knows it.
    pub ticket_type: Option<TicketType>,
    /// Priority, where the caller knows it.
    pub priority: Option<Priority>,
}

/// What became of a submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Submitted {
    /// The ticket.
    pub ticket: TicketId,
    /// Whether this call made it; else it was there.
    pub created: bool,
}

/// Why a submission was not recorded.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// The idempotency key came with another request before.
    #[error("idempotency key was used for another request")]
    KeyReused,
    /// Storage or vault failed.
    #[error("could not record the report")]
    Storage(#[source] PortError),
}

impl Ingest {
    /// The use case over its ports.
    pub fn new(
        storage: Arc<dyn Storage>,
        vault: Arc<dyn Vault>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdSource>,
        scrubber: Scrubber,
        settings: IngestSettings,
    ) -> Self {
        Self {
            storage,
            vault,
            clock,
            ids,
            scrubber,
            settings: Arc::new(settings),
            conversations: Arc::default(),
        }
    }

    /// The same, able to fetch messages of these channels.
    #[must_use]
    pub fn with_conversations(mut self, conversations: impl IntoIterator<Item = Arc<dyn Conversations>>) -> Self {
        let by_channel = conversations.into_iter().map(|port| (port.channel(), port)).collect();
        self.conversations = Arc::new(by_channel);
        self
    }

    /// Records a delivery: returning `Ok` means that it is durable, and that the sender may forget it.
    ///
    /// # Errors
    /// [`IngestError::Storage`] if nothing was recorded; the sender shall deliver again. [`IngestError::Foreign`] where it is
    /// somebody else's; it leaves no row.
    #[tracing::instrument(name = "ingest.record", skip_all, fields(channel = %delivery.get().channel))]
    pub async fn record(&self, delivery: &Verified<Payload>) -> Result<Recorded, IngestError> {
        let normalized = normalize::normalize(delivery, &self.settings.rules);
        let is_foreign = |item: &Intake| matches!(item, Intake::Foreign(_));
        if !normalized.items.is_empty() && normalized.items.iter().all(is_foreign) {
            return Err(IngestError::Foreign);
        }
        let outcomes = self
            .commit_items(
                Origin {
                    payload: delivery.get(),
                    signed_by: delivery.signed_by(),
                    lossy: normalized.lossy,
                },
                &normalized.items,
                None,
            )
            .await
            .map_err(IngestError::Storage)?;
        for outcome in &outcomes {
            let channel = delivery.get().channel.as_str();
            metrics::counter!("feedback_intake_total", "channel" => channel, "outcome" => outcome.as_str())
                .increment(1);
        }
        Ok(Recorded {
            answer: normalized.answer,
            outcomes,
        })
    }

    /// Reads a delivery again that was verified and kept when it came and could not be read then.
    ///
    /// # Errors
    /// [`ReplayError::StillUnreadable`] after recording what could be read.
    #[tracing::instrument(name = "ingest.replay", skip_all, fields(%channel, %job))]
    pub async fn replay(
        &self,
        job: JobId,
        channel: Channel,
        content_type: Option<String>,
        body: &Sealed,
    ) -> Result<Vec<Outcome>, ReplayError> {
        let body = self
            .vault
            .open(KeyScope::Hub, kept_at(job), body)
            .map_err(ReplayError::Storage)?;
        // It passed its signature check when it came, and nothing but the hub's own key seals in this place.
        let delivery = Verified::vouch(Payload {
            channel,
            content_type,
            body: body.to_vec().into(),
        });
        let normalize::Normalized { mut items, lossy, .. } = normalize::normalize(&delivery, &self.settings.rules);
        let all = items.len();
        items.retain(|item| !matches!(item, Intake::Unparsed(_)));
        let outcomes = self
            .commit_items(
                Origin {
                    lossy,
                    ..Origin::unsigned(delivery.get())
                },
                &items,
                None,
            )
            .await
            .map_err(ReplayError::Storage)?;
        if items.len() < all {
            Err(ReplayError::StillUnreadable)
        } else {
            Ok(outcomes)
        }
    }

    /// Records a report by our own API. A repeat, by external id or by `call`, has no second effect.
    ///
    /// # Errors
    /// [`SubmitError`]; nothing was recorded.
    #[tracing::instrument(name = "ingest.submit", skip_all, fields(channel = %submission.channel))]
    pub async fn submit(
        &self,
        submission: &Submission,
        call: Option<RememberedCall>,
    ) -> Result<Submitted, SubmitError> {
        if let Some(call) = &call
            && let Some(before) = self.remembered(call).await?
        {
            return Ok(before);
        }
        let message = self.message_of(submission);
        let raw = Payload {
            channel: submission.channel,
            content_type: None,
            body: raw_of(&message).into(),
        };
        let items = [Intake::Message(Box::new(message))];
        match self.commit_items(Origin::unsigned(&raw), &items, call.as_ref()).await {
            Ok(outcomes) => match outcomes.first() {
                Some(Outcome::NewTicket { ticket, .. }) => Ok(Submitted {
                    ticket: *ticket,
                    created: true,
                }),
                Some(Outcome::FollowUp(ticket) | Outcome::Duplicate(ticket) | Outcome::Conflicting(ticket)) => {
                    Ok(Submitted {
                        ticket: *ticket,
                        created: false,
                    })
                }
                _ => Err(SubmitError::Storage(PortError::new(
                    crate::ports::PortErrorKind::Rejected,
                    "ingest.submit",
                ))),
            },
            Err(error) => {
                // Two calls with one key at the same time: the other was first, and its answer is ours.
                if let Some(call) = call.as_ref().filter(|_| error.is_conflict())
                    && let Some(before) = self.remembered(call).await?
                {
                    return Ok(before);
                }
                Err(SubmitError::Storage(error))
            }
        }
    }

    async fn remembered(&self, call: &RememberedCall) -> Result<Option<Submitted>, SubmitError> {
        let before = self
            .storage
            .remembered_call(&call.scope, &call.key)
            .await
            .map_err(SubmitError::Storage)?;
        match before {
            None => Ok(None),
            Some(before) if before.fingerprint != call.fingerprint => Err(SubmitError::KeyReused),
            Some(before) => Ok(Some(Submitted {
                ticket: TicketId::from_uuid(before.subject),
                created: true,
            })),
        }
    }

    fn message_of(&self, submission: &Submission) -> InboundMessage {
        let mut author = submission.author.clone();
        if author.external_user_id.is_empty() {
            // Somebody without an id in the product is known by an address; without one, by this report alone.
            let known_by = author.email.as_ref().or(author.phone.as_ref());
            author.external_user_id = known_by.map_or_else(|| self.ids.uuid().to_string(), Clone::clone);
        }
        let id = submission.external_id.clone();
        InboundMessage {
            channel: submission.channel,
            external_id: id.unwrap_or_else(|| {
                ExternalId::parse(self.ids.uuid().to_string()).expect("a UUID is a legal external id")
            }),
            thread: if submission.channel == Channel::InApp {
                ThreadRef::InApp
            } else {
                ThreadRef::Backoffice
            },
            role: MessageRole::Report,
            author,
            text: submission.text.clone(),
            stated: Stated {
                title: submission.title.clone(),
                ticket_type: submission.ticket_type,
                priority: submission.priority,
            },
            files: Vec::new(),
            quotes: None,
            sent_at: None,
        }
    }

    /// Decides and commits, again on `Conflict`: a concurrent delivery may have made the ticket, the identity or the
    /// reporter that this one was about to make.
    async fn commit_items(
        &self,
        origin: Origin<'_>,
        items: &[Intake],
        call: Option<&RememberedCall>,
    ) -> Result<Vec<Outcome>, PortError> {
        let mut last = None;
        for _ in 0..TRIES {
            let now = self.clock.now();
            let (change, outcomes) = self.decide_items(origin, items, call, now).await?;
            if change.is_empty() {
                return Ok(numbered(outcomes, |_| None));
            }
            match self.storage.commit(change).await {
                Ok(receipt) => return Ok(numbered(outcomes, |ticket| receipt.number_of(ticket))),
                Err(error) if error.is_conflict() => last = Some(error),
                Err(error) => return Err(error),
            }
        }
        Err(last.unwrap_or_else(|| PortError::new(crate::ports::PortErrorKind::Conflict, "ingest.commit")))
    }

    async fn decide_items(
        &self,
        origin: Origin<'_>,
        items: &[Intake],
        call: Option<&RememberedCall>,
        now: Timestamp,
    ) -> Result<(Change, Vec<Decided>), PortError> {
        let payload = origin.payload;
        let mut view = View::default();
        let mut reports = Reports::default();
        let mut writer = Writer {
            maker: Maker {
                vault: &*self.vault,
                ids: &*self.ids,
                now,
            },
            scrubber: &self.scrubber,
            look_up: self.settings.directories.contains(&payload.channel),
            open_thread: self.settings.receipts != Receipts::Off && self.conversations.contains_key(&payload.channel),
            send_receipt: self.settings.receipts == Receipts::Everywhere
                && self.settings.senders.contains(&payload.channel),
            signed_by: origin.signed_by,
            lossy: origin.lossy,
            writes: Vec::new(),
        };
        let alone = items.iter().filter(|item| matches!(item, Intake::Message(_))).count() == 1;
        let mut decided = Vec::with_capacity(items.len());
        for item in items {
            decided.push(match item {
                Intake::Message(message) => {
                    // A batch holds several people's words: what is kept for one must not hold another's.
                    let raw = if alone { payload.body.to_vec() } else { raw_of(message) };
                    let decided = self.decide_message(message, raw, &mut view, &mut writer).await?;
                    let wrote = Prepared::new(&*self.vault, message, Vec::new(), now).look.identities;
                    for identity in view.known(message.channel, &wrote) {
                        // Whoever was not to be written to has written: what waits for them goes on.
                        let resumed = reports.resume(&*self.storage, &*self.ids, identity, now).await?;
                        writer.writes.extend(resumed);
                    }
                    decided
                }
                Intake::Status(report) => match reports.change(&*self.storage, &*self.ids, report, now).await? {
                    None => Decided::Outcome(Outcome::Ignored("status report that changes nothing")),
                    Some(StatusChange { writes, told }) => {
                        writer.writes.extend(writes);
                        if let Some((ticket, resolution)) = told {
                            view.load_ticket(&*self.storage, ticket).await?;
                            if writer.close(ticket, resolution, None, &mut view) {
                                self.close_answered(ticket, &mut view, &mut writer).await?;
                            }
                        }
                        Decided::Outcome(Outcome::StatusApplied)
                    }
                },
                Intake::Edited(edit) => self.decide_edit(edit, &mut view, &mut writer).await?,
                Intake::Deleted(deleted) => self.decide_deletion(deleted, &mut writer).await?,
                Intake::IdentityChanged(change) => self.decide_identity_change(change, &mut view, &mut writer).await?,
                Intake::Preference(preference) => self.decide_preference(preference, &mut writer).await?,
                Intake::Wanted(wanted) => self.decide_wanted(wanted, &mut writer).await?,
                Intake::Step(step) => self.decide_step(step, decided.last(), &mut writer),
                Intake::Notice(notice) => {
                    tracing::warn!(channel = %payload.channel, notice, "a provider tells the operator something");
                    Decided::Outcome(Outcome::Ignored(notice))
                }
                Intake::Ignored(reason) | Intake::Foreign(reason) => Decided::Outcome(Outcome::Ignored(reason)),
                Intake::Unparsed(reason) => Decided::Outcome(Outcome::Quarantined(reason)),
            });
        }
        if let Some(reason) = decided.iter().find_map(Decided::quarantined) {
            writer.writes.push(self.quarantine(payload, reason, now)?);
        }
        if let (Some(call), Some(ticket)) = (call, decided.iter().find_map(Decided::ticket)) {
            writer.writes.push(Write::RememberCall(RememberedCall {
                subject: *ticket.as_uuid(),
                ..call.clone()
            }));
        }
        let mut change = Change::new();
        for write in writer.writes {
            change.push(write);
        }
        Ok((change, decided))
    }

    /// Other tickets of the group that a ticket speaks for are answered with it.
    async fn close_answered(
        &self,
        speaker: TicketId,
        view: &mut View,
        writer: &mut Writer<'_>,
    ) -> Result<(), PortError> {
        let Some(ticket) = view.ticket(speaker).cloned() else {
            return Ok(());
        };
        for member in answered_with(&*self.storage, &ticket).await? {
            view.load_ticket(&*self.storage, member.id).await?;
            writer.close(member.id, member.resolutions, Some(speaker), view);
        }
        Ok(())
    }

    async fn decide_message(
        &self,
        message: &InboundMessage,
        raw: Vec<u8>,
        view: &mut View,
        writer: &mut Writer<'_>,
    ) -> Result<Decided, PortError> {
        let prepared = Prepared::new(&*self.vault, message, raw, writer.maker.now);
        view.load(&*self.storage, &prepared.look).await?;
        let facts = Facts {
            role: message.role,
            channel: message.channel,
            sent_at: prepared.sent_at,
            text: &message.text,
            recorded: view.recorded(&prepared.look),
            digest: &prepared.digest,
            answered: view.answered(&prepared.look),
            in_thread: view.in_thread(&prepared.look),
            last_of_author: view.last_of_author(&prepared.look),
        };
        let decision = decide(&facts, self.settings.burst);
        let plan = decision.plan;
        if let Plan::FollowUp(ticket, FollowUp::Reopen) = plan {
            // "It is solved" is not so any more.
            let withdrawn = withdrawal_for(&*self.storage, &*self.ids, ticket, writer.maker.now).await?;
            writer.writes.extend(withdrawn);
        }
        let ticket = writer.carry_out(&decision, &prepared, view)?;
        Ok(match (plan, ticket) {
            (Plan::NewTicket { .. }, Some(ticket)) => Decided::NewTicket(ticket),
            (Plan::FollowUp(ticket, _), _) => Decided::Outcome(Outcome::FollowUp(ticket)),
            (Plan::Repeat(ticket), _) => Decided::Outcome(Outcome::Duplicate(ticket)),
            (Plan::Conflicting(ticket), _) => Decided::Outcome(Outcome::Conflicting(ticket)),
            (Plan::Wish(_), _) => Decided::Outcome(Outcome::Ignored("a wish about being written to, which was noted")),
            (Plan::Ignore(reason), _) => Decided::Outcome(Outcome::Ignored(reason)),
            (Plan::NewTicket { .. }, None) => Decided::Outcome(Outcome::Ignored("no ticket was made")),
        })
    }

    /// A job tells the workflow how its step ended, in the commit of its report. A repeated delivery asks nobody again.
    fn decide_step(&self, step: &WaitingStep, report: Option<&Decided>, writer: &mut Writer<'_>) -> Decided {
        if !self.conversations.contains_key(&step.channel) {
            return Decided::Outcome(Outcome::Ignored(
                "a workflow's step, and nothing is configured to end it",
            ));
        }
        if let Some(Decided::Outcome(Outcome::Duplicate(_) | Outcome::Conflicting(_))) = report {
            return Decided::Outcome(Outcome::Ignored("a workflow's step that is being told already"));
        }
        writer.end_step(step, report.and_then(Decided::ticket));
        Decided::Outcome(Outcome::EndingStep)
    }

    /// Keeps what could not be read, sealed, as a dead letter that a person can replay after a fix.
    fn quarantine(&self, payload: &Payload, reason: &'static str, now: Timestamp) -> Result<Write, PortError> {
        let id: JobId = self.ids.next();
        let replay = JobPayload::ReplayDelivery {
            channel: payload.channel,
            content_type: payload.content_type.clone(),
            body: self.vault.seal(KeyScope::Hub, kept_at(id), &payload.body)?,
            received_at: now,
        };
        Ok(Write::Enqueue(NewJob::now(id, replay, now).dead(reason)))
    }

    /// Shows who asked for it a form to report with.
    ///
    /// # Errors
    /// As [`Conversations::open_form`]; `Rejected` where nothing is configured that could.
    pub async fn open_form(&self, channel: Channel, form: &WantedForm) -> Result<(), PortError> {
        match self.conversations.get(&channel) {
            Some(port) => port.open_form(form).await,
            None => {
                Err(PortError::new(crate::ports::PortErrorKind::Rejected, "ingest.open_form").with_code("no_forms"))
            }
        }
    }

    /// The number of a ticket, for the answer to a slash command.
    ///
    /// # Errors
    /// [`IngestError::Storage`].
    pub async fn number_of(&self, ticket: TicketId) -> Result<Option<TicketNumber>, IngestError> {
        let ticket = self
            .storage
            .ticket(TicketKey::Id(ticket))
            .await
            .map_err(IngestError::Storage)?;
        Ok(ticket.map(|ticket| ticket.number))
    }
}

/// Where the body of a delivery is kept that could not be read.
fn kept_at(job: JobId) -> Place {
    Place {
        table: "jobs",
        column: "payload",
        row: *job.as_uuid(),
    }
}

/// An outcome whose ticket may not have its number yet.
#[derive(Debug, Clone, Copy)]
enum Decided {
    NewTicket(TicketId),
    Outcome(Outcome),
}

impl Decided {
    fn quarantined(&self) -> Option<&'static str> {
        match self {
            Self::Outcome(Outcome::Quarantined(reason)) => Some(reason),
            _ => None,
        }
    }

    fn ticket(&self) -> Option<TicketId> {
        match self {
            Self::NewTicket(ticket)
            | Self::Outcome(Outcome::FollowUp(ticket) | Outcome::Duplicate(ticket) | Outcome::Conflicting(ticket)) => {
                Some(*ticket)
            }
            Self::Outcome(_) => None,
        }
    }
}

fn numbered(decided: Vec<Decided>, number_of: impl Fn(TicketId) -> Option<TicketNumber>) -> Vec<Outcome> {
    decided
        .into_iter()
        .map(|decided| match decided {
            Decided::Outcome(outcome) => outcome,
            Decided::NewTicket(ticket) => match number_of(ticket) {
                Some(number) => Outcome::NewTicket { ticket, number },
                None => Outcome::FollowUp(ticket),
            },
        })
        .collect()
}

/// A message as the hub understood it, to be sealed where the payload held others' words too.
fn raw_of(message: &InboundMessage) -> Vec<u8> {
    let author = &message.author;
    json!({
        "external_id": message.external_id, "thread": message.thread, "text": message.text, "sent_at": message.sent_at,
        "author": {
            "id": author.external_user_id, "other_ids": author.other_user_ids, "name": author.name,
            "email": author.email, "phone": author.phone,
        },
    })
    .to_string()
    .into_bytes()
}

impl std::fmt::Debug for Submission {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Submission")
            .field("channel", &self.channel)
            .finish_non_exhaustive()
    }
}
