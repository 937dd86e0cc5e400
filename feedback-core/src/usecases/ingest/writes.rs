//! From a plan to the writes that carry it out.

use serde_json::json;

use super::{
    decide::{Decision, FollowUp, Plan},
    person::Maker,
    prepare::Prepared,
    view::View,
};
use crate::{
    domain::{
        Actor, Attachment, AttachmentStatus, Channel, EventKind, Identity, JobPayload, NewJob, NewTicket, Reporter,
        Scrubbed, SourceId, TicketId, TicketNumber, TicketSource, TicketStatus, Timestamp, WaitingStep, Write,
        title_of,
    },
    logic::{
        infer::infer,
        opt_out::ContactWish,
        reply::ReplyReading,
        scrub::{KnownPeople, Placeholders, Scrubber},
        verify::KeyId,
    },
    ports::{IdSourceExt, PortError, PortErrorKind},
    usecases::{
        deliver::closed_by_arrival,
        open_thread::is_without_thread,
        sealing::{open, place, seal},
        send_receipt::takes_receipt,
        timeline::event,
    },
};

/// What a report's text is called where it has none.
const FILE_ONLY: &str = "(file without text)";

/// Turns decided messages into writes.
#[derive(Debug)]
pub(super) struct Writer<'a> {
    pub(super) maker: Maker<'a>,
    pub(super) scrubber: &'a Scrubber,
    /// Whether a directory can tell more about authors of this channel.
    pub(super) look_up: bool,
    /// Whether a report without a thread gets one.
    pub(super) open_thread: bool,
    /// Whether a report in a thread is answered with a receipt.
    pub(super) send_receipt: bool,
    /// Which secret signed the delivery.
    pub(super) signed_by: Option<KeyId>,
    /// Whether the delivery was no proper Unicode, and U+FFFD stands for what could not be read.
    pub(super) lossy: bool,
    pub(super) writes: Vec<Write>,
}

impl Writer<'_> {
    /// Carries a plan out. Returns the ticket that the message belongs to now.
    pub(super) fn carry_out(
        &mut self,
        decision: &Decision,
        message: &Prepared<'_>,
        view: &mut View,
    ) -> Result<Option<TicketId>, PortError> {
        let reading = decision.reading.as_ref();
        match decision.plan {
            Plan::Repeat(ticket) => Ok(Some(ticket)),
            Plan::Ignore(_) => Ok(None),
            Plan::Wish(wish) => {
                let source = self.maker.ids.next();
                let (_, identity) = self.maker.person(message, source, view, &mut self.writes)?;
                self.heed(wish, identity, message, view);
                Ok(None)
            }
            Plan::Conflicting(ticket) => {
                let data = json!({"external_id": message.look.external_id, "digest": message.digest});
                self.event(ticket, EventKind::ConflictingDelivery, Actor::Provider, data);
                Ok(Some(ticket))
            }
            Plan::FollowUp(ticket, effect) => self.follow_up(ticket, effect, reading, message, view).map(Some),
            Plan::NewTicket { related } => self.new_ticket(related, reading, message, view).map(Some),
        }
    }

    fn new_ticket(
        &mut self,
        related: Option<TicketId>,
        reading: Option<&ReplyReading>,
        message: &Prepared<'_>,
        view: &mut View,
    ) -> Result<TicketId, PortError> {
        let source_id: SourceId = self.maker.ids.next();
        let (reporter, identity) = self.maker.person(message, source_id, view, &mut self.writes)?;
        let id: TicketId = self.maker.ids.next();
        let mut placeholders = Placeholders::default();
        let known = self.known_people(&reporter, message)?;
        let text = described(message);
        let description = self.scrubber.scrub_with(text, &known, &mut placeholders).0;
        let stated = &message.message.stated;
        let title = match stated.title.as_deref().map(str::trim).filter(|title| !title.is_empty()) {
            Some(title) => title_of(&self.scrubber.scrub_with(title, &known, &mut placeholders).0),
            None => title_of(&description),
        };
        let inferred = infer(description.as_str());
        let row = *id.as_uuid();
        let vault = self.maker.vault;
        let ticket = NewTicket {
            id,
            channel: message.message.channel,
            reporter: reporter.id,
            title,
            description: description.clone(),
            original: Some(seal(
                vault,
                &reporter,
                place::of("tickets", "original", row),
                text.as_bytes(),
            )?),
            placeholders: seal_placeholders(vault, &reporter, id, &placeholders)?,
            language: message.language.or(inferred.language),
            ticket_type: stated.ticket_type.unwrap_or(inferred.ticket_type),
            priority: stated.priority.unwrap_or(inferred.priority),
            inferred,
            created_at: self.maker.now,
        };
        // The view needs a ticket to decide by; the number comes from storage and decides nothing.
        view.put_ticket(ticket.clone().numbered(TicketNumber::new(0)));
        self.writes.push(Write::InsertTicket(Box::new(ticket)));
        self.add_source(source_id, id, &reporter, &identity, message, description, view)?;
        let actor = Actor::Reporter(reporter.id);
        let mut data = self.data_of(message, source_id, reading);
        data["related"] = json!(related);
        self.event(id, EventKind::Received, actor, data);
        if let Some(related) = related {
            let data = json!({"channel": message.message.channel, "ticket": id});
            self.event(related, EventKind::WentOnElsewhere, actor, data);
        }
        if self.open_thread && is_without_thread(&message.message.thread) {
            self.enqueue(JobPayload::OpenThread { ticket: id }, format!("open_thread:{id}"));
        }
        // A mail whose sender nobody vouches for may be from somebody else, who would get the answer.
        let is_theirs = message.message.channel != Channel::Email || message.message.author.email_verified;
        if self.send_receipt && is_theirs && takes_receipt(&message.message.thread) {
            self.enqueue(JobPayload::SendReceipt { ticket: id }, format!("receipt:{id}"));
        }
        self.enqueue(JobPayload::TriageTicket { ticket: id }, format!("triage:{id}"));
        self.enqueue(JobPayload::MatchDuplicates { ticket: id }, format!("match:{id}"));
        if self.look_up && (reporter.name.is_none() || reporter.email.is_none()) {
            self.enqueue(
                JobPayload::LookUpReporter { reporter: reporter.id },
                format!("look_up:{}", reporter.id),
            );
        }
        Ok(id)
    }

    fn follow_up(
        &mut self,
        ticket_id: TicketId,
        effect: FollowUp,
        reading: Option<&ReplyReading>,
        message: &Prepared<'_>,
        view: &mut View,
    ) -> Result<TicketId, PortError> {
        let source_id: SourceId = self.maker.ids.next();
        let (reporter, identity) = self.maker.person(message, source_id, view, &mut self.writes)?;
        let known = self.known_people(&reporter, message)?;
        let text = self.scrubber.scrub(described(message), &known).text;
        self.add_source(source_id, ticket_id, &reporter, &identity, message, text, view)?;
        let actor = Actor::Reporter(reporter.id);
        let data = self.data_of(message, source_id, reading);
        match effect {
            FollowUp::Add => self.event(ticket_id, EventKind::MessageReceived, actor, data),
            FollowUp::Edit => self.event(ticket_id, EventKind::MessageEdited, actor, data),
            FollowUp::Wish(wish) => {
                let kind = match wish {
                    ContactWish::OptOut => EventKind::OptedOut,
                    ContactWish::OptIn => EventKind::OptedIn,
                };
                self.event(ticket_id, kind, actor, data);
                self.heed(wish, identity, message, view);
            }
            FollowUp::Thanks => self.event(ticket_id, EventKind::ThanksReceived, actor, data),
            FollowUp::Question => self.event(ticket_id, EventKind::QuestionReceived, actor, data),
            FollowUp::Reopen => {
                self.event(ticket_id, EventKind::MessageReceived, actor, data);
                self.reopen(ticket_id, actor, source_id, view)?;
            }
        }
        Ok(ticket_id)
    }

    /// The person said whether the hub may write to them. An older message that comes late changes nothing.
    fn heed(&mut self, wish: ContactWish, identity: Identity, message: &Prepared<'_>, view: &mut View) {
        if identity.last_message_at.is_some_and(|last| message.sent_at < last) {
            return;
        }
        let opted_out_at = match wish {
            ContactWish::OptOut => Some(identity.opted_out_at.unwrap_or(message.sent_at)),
            ContactWish::OptIn => None,
        };
        if opted_out_at == identity.opted_out_at {
            return;
        }
        let mut identity = Identity {
            opted_out_at,
            ..identity
        };
        self.writes.push(Write::UpdateIdentity(identity.clone()));
        identity.version += 1;
        view.put_identity(identity);
    }

    /// The reporter says that it is still broken: back to triaged, and the tracker's page leaves its Done column.
    fn reopen(&mut self, id: TicketId, actor: Actor, source: SourceId, view: &mut View) -> Result<(), PortError> {
        let Some(mut ticket) = view.ticket(id).cloned() else {
            return Err(PortError::new(PortErrorKind::Conflict, "ingest.reopen"));
        };
        let from = ticket.status;
        if ticket.move_to(TicketStatus::Triaged, self.maker.now).is_err() {
            return Ok(());
        }
        self.writes.push(Write::UpdateTicket(Box::new(ticket.clone())));
        ticket.version += 1;
        view.put_ticket(ticket);
        self.event(id, EventKind::Reopened, actor, json!({"from": from, "source": source}));
        self.enqueue(
            JobPayload::PushToTracker {
                ticket: id,
                reopened: true,
            },
            format!("push:{id}:reopened"),
        );
        Ok(())
    }

    /// The reporter was told: the ticket is closed, if what they were told is how it stands. Whether it was.
    pub(super) fn close(
        &mut self,
        id: TicketId,
        resolution: u32,
        answered_by: Option<TicketId>,
        view: &mut View,
    ) -> bool {
        let closed = view
            .ticket(id)
            .and_then(|ticket| closed_by_arrival(ticket, resolution, self.maker.now));
        let Some(mut ticket) = closed else {
            return false;
        };
        let data = answered_by.map_or_else(|| json!({}), |speaker| json!({"answered_by": speaker}));
        self.event(id, EventKind::Closed, Actor::Hub, data);
        self.writes.push(Write::UpdateTicket(Box::new(ticket.clone())));
        ticket.version += 1;
        view.put_ticket(ticket);
        true
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "a source is where all that is known of a message meets"
    )]
    fn add_source(
        &mut self,
        id: SourceId,
        ticket: TicketId,
        reporter: &Reporter,
        identity: &Identity,
        message: &Prepared<'_>,
        text: Scrubbed,
        view: &mut View,
    ) -> Result<(), PortError> {
        let raw_place = place::of("ticket_sources", "raw", *id.as_uuid());
        let inbound = message.message;
        let mut redacted = json!({
            "channel": inbound.channel, "external_id": inbound.external_id, "sent_at": message.sent_at,
            "text": text, "files": inbound.files.len(), "author": "[hidden]",
        });
        if self.lossy {
            redacted["lossy_decode"] = json!(true);
        }
        let source = TicketSource {
            id,
            ticket,
            channel: inbound.channel,
            external_id: inbound.external_id.clone(),
            thread: inbound.thread.clone(),
            thread_key: inbound.thread.key(),
            author: identity.id,
            text,
            raw: Some(seal(self.maker.vault, reporter, raw_place, &message.raw)?),
            redacted: Some(redacted.to_string()),
            digest: message.digest.clone(),
            sent_at: message.sent_at,
            received_at: self.maker.now,
        };
        view.add_source(&source);
        self.writes.push(Write::InsertSource(Box::new(source)));
        self.add_attachments(id, ticket, reporter, message)
    }

    fn add_attachments(
        &mut self,
        source: SourceId,
        ticket: TicketId,
        reporter: &Reporter,
        message: &Prepared<'_>,
    ) -> Result<(), PortError> {
        for file in &message.message.files {
            let id: crate::domain::AttachmentId = self.maker.ids.next();
            let sealed = |column, value: &str| {
                let at = place::of("attachments", column, *id.as_uuid());
                seal(self.maker.vault, reporter, at, value.as_bytes())
            };
            let attachment = Attachment {
                id,
                ticket,
                source,
                channel: message.message.channel,
                reference: sealed("reference", &file.reference)?,
                name: file.name.as_deref().map(|name| sealed("name", name)).transpose()?,
                content_type: file.content_type.clone(),
                size_bytes: file.size_bytes,
                sha256: None,
                blob_key: None,
                status: AttachmentStatus::Announced,
                created_at: self.maker.now,
            };
            self.writes.push(Write::InsertAttachment(Box::new(attachment)));
            self.enqueue(
                JobPayload::FetchAttachment { attachment: id },
                format!("fetch_attachment:{id}"),
            );
        }
        Ok(())
    }

    /// The author's names and addresses, as the message and the hub have them: hidden wherever they return.
    fn known_people(&self, reporter: &Reporter, message: &Prepared<'_>) -> Result<KnownPeople, PortError> {
        let author = &message.message.author;
        let mut known = KnownPeople::new();
        if let Some(name) = &author.name {
            known = known.with_name(name);
        }
        for address in [&author.email, &author.phone].into_iter().flatten() {
            known = known.with_address(address);
        }
        let row = *reporter.id.as_uuid();
        if let Some(name) = &reporter.name
            && let Some(name) = open(self.maker.vault, reporter, place::of("reporters", "name", row), name)?
        {
            known = known.with_name(&name);
        }
        Ok(known)
    }

    /// What the timeline says of a message: where it is kept, by which secret it was proved, and how it was read.
    fn data_of(&self, message: &Prepared<'_>, source: SourceId, reading: Option<&ReplyReading>) -> serde_json::Value {
        let mut data = json!({"channel": message.message.channel, "source": source});
        if let Some(key) = self.signed_by {
            data["signed_by"] = json!(key.to_string());
        }
        if self.lossy {
            data["lossy_decode"] = json!(true);
        }
        if let Some(reading) = reading {
            data["read_as"] = json!(reading.kind.as_str());
            // Names of rules and places in the text: none of its words.
            data["because"] = reading
                .evidence
                .iter()
                .map(|found| json!({"rule": found.rule, "span": found.span}))
                .collect();
        }
        data
    }

    /// Lets a workflow's step end once its report is durable.
    pub(super) fn end_step(&mut self, step: &WaitingStep, ticket: Option<TicketId>) {
        let key = format!("end_step:{}:{}", step.channel, step.execution);
        let step = step.clone();
        self.enqueue(JobPayload::EndStep { step, ticket }, key);
    }

    fn event(&mut self, ticket: TicketId, kind: EventKind, actor: Actor, data: serde_json::Value) {
        self.writes
            .push(event(self.maker.ids, ticket, kind, actor, data, self.now()));
    }

    fn enqueue(&mut self, payload: JobPayload, key: String) {
        let job = NewJob::now(self.maker.ids.next(), payload, self.now()).unique(key);
        self.writes.push(Write::Enqueue(job));
    }

    fn now(&self) -> Timestamp {
        self.maker.now
    }
}

fn described<'a>(message: &'a Prepared<'_>) -> &'a str {
    let text = message.message.text.trim();
    if text.is_empty() { FILE_ONLY } else { text }
}

fn seal_placeholders(
    vault: &dyn crate::ports::Vault,
    reporter: &Reporter,
    ticket: TicketId,
    placeholders: &Placeholders,
) -> Result<Option<crate::domain::Sealed>, PortError> {
    if placeholders.is_empty() {
        return Ok(None);
    }
    let json = serde_json::to_vec(placeholders)
        .map_err(|error| PortError::new(PortErrorKind::Rejected, "ingest.seal_placeholders").with_source(error))?;
    seal(
        vault,
        reporter,
        place::of("tickets", "placeholders", *ticket.as_uuid()),
        &json,
    )
    .map(Some)
}
