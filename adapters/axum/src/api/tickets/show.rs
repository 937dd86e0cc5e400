//! `GET /api/tickets/{id}`.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode};
use feedback_core::{
    domain::{
        AttachmentId, AttachmentStatus, Channel, EnrichmentStatus, EventId, EventKind, ExternalId, Inference, Language,
        Priority, SourceId, TicketEvent, TicketId, TicketNumber, TicketSource, TicketStatus, TicketType, Timestamp,
        UserId,
    },
    ports::TicketDetail,
    usecases::{NamedAttachment, attachment_reason},
};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{answered, list::ReporterBody, port};
use crate::{
    api::{
        Api,
        call::{Id, Versioned},
        changelog::EntryBody,
        links::LinkBody,
        notifications::NotificationBody,
        words::{ChannelWord, PriorityWord, TicketStatusWord, TicketTypeWord},
    },
    problem::{Problem, ProblemBody},
};

/// A ticket with everything that a reviewer looks at.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TicketDetail)]
pub(crate) struct TicketDetailBody {
    #[schema(value_type = Uuid)]
    id: TicketId,
    /// The short number that people say.
    #[schema(value_type = u64)]
    number: TicketNumber,
    title: String,
    /// The report, without personal data.
    description: String,
    /// `en`, `es`, or null where it cannot be told.
    #[schema(value_type = Option<String>)]
    language: Option<Language>,
    #[schema(value_type = TicketStatusWord)]
    status: TicketStatus,
    #[schema(value_type = TicketTypeWord)]
    r#type: TicketType,
    #[schema(value_type = PriorityWord)]
    priority: Priority,
    /// Channel of the first message.
    #[schema(value_type = ChannelWord)]
    channel: Channel,
    reporter: ReporterBody,
    /// Its messages, oldest first.
    sources: Vec<SourceBody>,
    /// What happened to it, oldest first.
    timeline: Vec<EventBody>,
    /// Tickets that it may repeat or be repeated by, best first, and nobody has decided.
    suggestions: Vec<LinkBody>,
    /// All pairs that it is part of, decided or not, best first.
    links: Vec<LinkBody>,
    /// Files of its messages.
    attachments: Vec<AttachmentBody>,
    /// What the rules read, and why.
    inferred: InferredBody,
    /// How far AI has come: `pending`, `suggested`, `failed`.
    #[schema(value_type = String)]
    enrichment_status: EnrichmentStatus,
    #[schema(value_type = Option<TicketTypeWord>)]
    ai_suggested_type: Option<TicketType>,
    #[schema(value_type = Option<PriorityWord>)]
    ai_suggested_priority: Option<Priority>,
    ai_summary: Option<String>,
    ai_model: Option<String>,
    #[schema(value_type = Option<TicketTypeWord>)]
    confirmed_type: Option<TicketType>,
    #[schema(value_type = Option<PriorityWord>)]
    confirmed_priority: Option<Priority>,
    #[schema(value_type = Option<Uuid>)]
    confirmed_by: Option<UserId>,
    #[schema(value_type = Option<String>, format = DateTime)]
    confirmed_at: Option<Timestamp>,
    /// The tracker's id of its page.
    notion_page_id: Option<String>,
    /// Where a person opens the page.
    notion_page_url: Option<String>,
    sprint: Option<String>,
    /// What its reporter is to be told: the newest entry.
    changelog: Option<EntryBody>,
    /// Who is told, oldest first.
    notifications: Vec<NotificationBody>,
    /// What a decision about it names.
    version: u32,
    #[schema(value_type = Option<String>, format = DateTime)]
    resolved_at: Option<Timestamp>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

/// One message of a ticket.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TicketSource)]
struct SourceBody {
    #[schema(value_type = Uuid)]
    id: SourceId,
    #[schema(value_type = ChannelWord)]
    channel: Channel,
    /// The provider's id of the message.
    #[schema(value_type = String)]
    external_id: ExternalId,
    /// Its words, without personal data.
    text: String,
    /// Where an answer goes.
    #[schema(value_type = ChannelWord)]
    thread_channel: Channel,
    #[schema(value_type = String, format = DateTime)]
    sent_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    received_at: Timestamp,
}

/// One entry of a timeline.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TimelineEvent)]
struct EventBody {
    #[schema(value_type = Uuid)]
    id: EventId,
    #[schema(value_type = String)]
    kind: EventKind,
    /// `hub`, `ai`, `tracker`, `provider`, `user:…` or `reporter:…`.
    actor: String,
    /// Ids, codes, old and new values.
    #[schema(value_type = Object)]
    data: Value,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
}

/// A file of a message.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Attachment)]
struct AttachmentBody {
    #[schema(value_type = Uuid)]
    id: AttachmentId,
    /// Message that brought it.
    #[schema(value_type = Uuid)]
    source_id: SourceId,
    /// Its name as the person had it: not safe for a disk as it is.
    name: Option<String>,
    /// Once it is stored, what its bytes are; before, what its provider claims.
    content_type: Option<String>,
    size_bytes: Option<u64>,
    /// `announced`, `stored`, `refused`, `failed` or `erased`.
    #[schema(value_type = String)]
    status: AttachmentStatus,
    /// Why it was refused or failed: a code.
    reason: Option<String>,
    /// SHA-256 of the stored bytes, hexadecimal.
    sha256: Option<String>,
    /// Where the bytes are, once it is stored: `/api/attachments/…`.
    download: Option<String>,
}

/// What the rules read, and why.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Inferred)]
struct InferredBody {
    #[schema(value_type = TicketTypeWord)]
    r#type: TicketType,
    #[schema(value_type = PriorityWord)]
    priority: Priority,
    #[schema(value_type = Option<String>)]
    language: Option<Language>,
    /// 0 to 1.
    confidence: f32,
    evidence: Vec<EvidenceBody>,
}

/// One reason.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Evidence)]
struct EvidenceBody {
    rule: String,
    /// Where in the description, in bytes.
    #[schema(value_type = Option<Vec<usize>>)]
    span: Option<(usize, usize)>,
    /// What it spoke for.
    effect: String,
}

impl TicketDetailBody {
    pub(super) const fn version(&self) -> u32 {
        self.version
    }
}

/// A ticket by its id, as it stands.
#[utoipa::path(
    get, path = "/tickets/{id}", operation_id = "getTicket", tag = "tickets",
    params(("id" = Uuid, Path, description = "The ticket")),
    responses(
        (status = 200, body = TicketDetailBody, description = "The ticket; `ETag` is its version"),
        (status = "default", body = ProblemBody, content_type = "application/problem+json", description = "Refused"),
    )
)]
pub(crate) async fn show(
    State(api): State<Arc<Api>>,
    Id(id): Id<TicketId>,
) -> Result<Versioned<TicketDetailBody>, Problem> {
    answered(&api, StatusCode::OK, id).await
}

/// Loads a ticket and opens what a reviewer may read of it.
pub(super) async fn load(api: &Api, id: TicketId) -> Result<TicketDetailBody, Problem> {
    let detail = api.hub.queries.ticket_detail(id).await.map_err(port)?;
    let detail = detail.ok_or_else(|| Problem::not_found("the ticket"))?;
    let changelog = match detail.changelog_entries.first() {
        Some(entry) => Some(EntryBody::opened(&api.hub.review, entry).await?),
        None => None,
    };
    let reporter = ReporterBody::of(&api.hub.show, &detail.reporter)?;
    let named = api.hub.attachments.named(detail.attachments.clone(), &detail.sources);
    let attachments = named.await.into_iter();
    let attachments = attachments
        .map(|file| AttachmentBody::of(file, &detail.events))
        .collect();
    Ok(body(detail, reporter, changelog, attachments))
}

fn body(
    detail: TicketDetail,
    reporter: ReporterBody,
    changelog: Option<EntryBody>,
    attachments: Vec<AttachmentBody>,
) -> TicketDetailBody {
    let TicketDetail {
        ticket,
        sources,
        events,
        links,
        notifications,
        ..
    } = detail;
    let links: Vec<LinkBody> = links.into_iter().map(LinkBody::from).collect();
    let (suggestion, confirmation, page) = (ticket.suggestion, ticket.confirmation, ticket.page);
    TicketDetailBody {
        id: ticket.id,
        number: ticket.number,
        title: ticket.title.to_string(),
        description: ticket.description.to_string(),
        language: ticket.language,
        status: ticket.status,
        r#type: ticket.ticket_type,
        priority: ticket.priority,
        channel: ticket.channel,
        reporter,
        sources: sources.into_iter().map(SourceBody::from).collect(),
        timeline: events.into_iter().map(EventBody::from).collect(),
        suggestions: links.iter().filter(|link| link.is_open()).cloned().collect(),
        links,
        attachments,
        inferred: ticket.inferred.into(),
        enrichment_status: ticket.enrichment,
        ai_suggested_type: suggestion.as_ref().map(|suggestion| suggestion.ticket_type),
        ai_suggested_priority: suggestion.as_ref().map(|suggestion| suggestion.priority),
        ai_model: suggestion.as_ref().map(|suggestion| suggestion.made_by.model.clone()),
        ai_summary: suggestion.map(|suggestion| suggestion.summary),
        confirmed_type: confirmation.as_ref().map(|word| word.ticket_type),
        confirmed_priority: confirmation.as_ref().map(|word| word.priority),
        confirmed_by: confirmation.as_ref().map(|word| word.by),
        confirmed_at: confirmation.as_ref().map(|word| word.at),
        notion_page_url: page.as_ref().and_then(|page| page.url.clone()),
        notion_page_id: page.map(|page| page.id),
        sprint: ticket.sprint,
        changelog,
        notifications: notifications.into_iter().map(NotificationBody::from).collect(),
        version: ticket.version,
        resolved_at: ticket.resolved_at,
        created_at: ticket.created_at,
        updated_at: ticket.updated_at,
    }
}

impl From<TicketSource> for SourceBody {
    fn from(source: TicketSource) -> Self {
        Self {
            id: source.id,
            channel: source.channel,
            external_id: source.external_id,
            text: source.text.to_string(),
            thread_channel: source.thread.channel(),
            sent_at: source.sent_at,
            received_at: source.received_at,
        }
    }
}

impl From<TicketEvent> for EventBody {
    fn from(event: TicketEvent) -> Self {
        Self {
            id: event.id,
            kind: event.kind,
            actor: event.actor.to_string(),
            data: event.data,
            at: event.at,
        }
    }
}

impl AttachmentBody {
    fn of(file: NamedAttachment, events: &[TicketEvent]) -> Self {
        let NamedAttachment { attachment, name } = file;
        let is_missing = matches!(attachment.status, AttachmentStatus::Refused | AttachmentStatus::Failed);
        let reason = attachment_reason(events, attachment.id).filter(|_| is_missing);
        let is_stored = attachment.status == AttachmentStatus::Stored;
        Self {
            id: attachment.id,
            source_id: attachment.source,
            name: name.map(|name| name.to_string()),
            content_type: attachment.content_type,
            size_bytes: attachment.size_bytes,
            status: attachment.status,
            reason: reason.map(str::to_owned),
            sha256: attachment.sha256,
            download: is_stored.then(|| format!("/api/attachments/{}", attachment.id)),
        }
    }
}

impl From<Inference> for InferredBody {
    fn from(inferred: Inference) -> Self {
        let evidence = inferred.evidence.into_iter();
        Self {
            r#type: inferred.ticket_type,
            priority: inferred.priority,
            language: inferred.language,
            confidence: inferred.confidence,
            evidence: evidence
                .map(|reason| EvidenceBody {
                    rule: reason.rule,
                    span: reason.span,
                    effect: reason.effect,
                })
                .collect(),
        }
    }
}
