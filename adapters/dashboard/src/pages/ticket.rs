//! One ticket: what was reported, what is suggested, what happened, and the release valve.

use askama::Template;
use axum::{
    Extension,
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use feedback_core::{
    domain::{
        Actor, Attachment, AttachmentStatus, EventKind, NotificationStatus, Priority, Reporter, Ticket, TicketEvent,
        TicketNumber, TicketType,
    },
    logic::file_name::safe_name,
    ports::TicketDetail,
    usecases::{ConfirmError, Confirmed, NamedAttachment, ShowError, attachment_reason},
};
use serde::Deserialize;

use super::{
    Choice, Moment,
    input::{Address, Sent},
    lookalikes::Lookalike,
    page, problem,
    tickets::choice,
    valve::Valve,
};
use crate::{Dashboard, session::Visitor, words};

struct Message {
    channel: &'static str,
    text: String,
    sent: Moment,
    files: Vec<File>,
}

struct File {
    name: String,
    words: String,
    /// Where it can be had, once it is stored.
    address: Option<String>,
    why: Option<String>,
}

struct Happened {
    words: &'static str,
    detail: Option<String>,
    who: String,
    at: Moment,
}

struct Delivery {
    channel: &'static str,
    mode: String,
    status: NotificationStatus,
    status_label: &'static str,
    needs_person: bool,
    error: Option<String>,
    at: Moment,
}

#[derive(Template)]
#[template(path = "ticket.html")]
struct View {
    visitor: Visitor,
    here: &'static str,
    number: u64,
    version: u32,
    title: String,
    /// The title for places without markup.
    plain_title: String,
    lang: &'static str,
    status: &'static str,
    status_label: &'static str,
    priority: &'static str,
    type_label: &'static str,
    channel_label: &'static str,
    language: &'static str,
    reporter: String,
    person: String,
    address: Option<String>,
    created: Moment,
    original: Option<String>,
    description: String,
    files: Vec<File>,
    messages: Vec<Message>,
    summary: Option<String>,
    suggested: Option<String>,
    enrichment: &'static str,
    reasons: Vec<String>,
    confirmed: Option<String>,
    types: Vec<Choice>,
    priorities: Vec<Choice>,
    board: Option<String>,
    valve: Valve,
    deliveries: Vec<Delivery>,
    lookalikes: Vec<Lookalike>,
    /// Where the ticket's group is shown.
    group: Option<String>,
    timeline: Vec<Happened>,
}

pub(crate) async fn show(
    State(dashboard): State<Dashboard>,
    Extension(visitor): Extension<Visitor>,
    Address(number): Address<u64>,
) -> Response {
    match view(&dashboard, visitor, number).await {
        Ok(Some(view)) => page(&view),
        Ok(None) => problem::not_found(),
        Err(ShowError::Storage(error)) => problem::unavailable(&error),
    }
}

async fn view(dashboard: &Dashboard, visitor: Visitor, number: u64) -> Result<Option<View>, ShowError> {
    let hub = &dashboard.hub;
    let Some(ticket) = hub.show.find_ticket(TicketNumber::new(number)).await? else {
        return Ok(None);
    };
    let Some(detail) = hub.queries.ticket_detail(ticket.id).await.map_err(ShowError::Storage)? else {
        return Ok(None);
    };
    let ticket = &detail.ticket;
    let name = hub.show.reporter(&detail.reporter)?;
    let address = name.email.or(name.phone).map(|address| address.to_string());
    let chosen = ticket
        .suggestion
        .as_ref()
        .map_or((ticket.ticket_type, ticket.priority), |suggestion| {
            // A suggestion may not make light of what the rules found urgent without a person's doing.
            let urgent = ticket.inferred.priority.is_urgent();
            let priority = if urgent {
                suggestion.priority.min(ticket.inferred.priority)
            } else {
                suggestion.priority
            };
            (suggestion.ticket_type, priority)
        });
    let chosen = ticket
        .confirmation
        .as_ref()
        .map_or(chosen, |word| (word.ticket_type, word.priority));
    // The report itself shows the first one.
    let mut messages = messages(dashboard, &detail).await.into_iter();
    Ok(Some(View {
        here: "tickets",
        number,
        version: ticket.version,
        title: words::shown(ticket.title.as_str()),
        plain_title: words::without_direction_marks(&ticket.title.to_string()),
        lang: words::language_code(ticket.language),
        status: ticket.status.as_str(),
        status_label: ticket.status.label(),
        priority: ticket.priority.as_str(),
        type_label: ticket.ticket_type.label(),
        channel_label: ticket.channel.label(),
        language: words::language(ticket.language),
        reporter: words::shown(&name_of(dashboard, &detail.reporter)),
        person: format!("/people/{}", detail.reporter.id),
        address,
        created: Moment::of(ticket.created_at),
        original: hub.show.original(ticket).await?.map(|text| words::shown(&text)),
        description: words::shown(ticket.description.as_str()),
        files: messages.next().map(|first| first.files).unwrap_or_default(),
        messages: messages.collect(),
        summary: ticket
            .suggestion
            .as_ref()
            .map(|suggestion| words::shown(&suggestion.summary)),
        suggested: suggested(ticket),
        enrichment: words::enrichment(ticket.enrichment),
        reasons: ticket
            .inferred
            .evidence
            .iter()
            .map(|why| format!("{}: {}", why.rule, why.effect))
            .collect(),
        confirmed: confirmed(dashboard, ticket).await?,
        types: TicketType::ALL
            .map(|kind| choice(kind.as_str(), kind.label(), chosen.0.as_str()))
            .into(),
        priorities: Priority::ALL
            .map(|level| choice(level.as_str(), level.as_str(), chosen.1.as_str()))
            .into(),
        board: ticket
            .page
            .as_ref()
            .and_then(|page| page.url.clone())
            .filter(|url| url.starts_with("https://")),
        valve: Valve::of(dashboard, &detail).await?,
        deliveries: deliveries(&detail),
        lookalikes: Lookalike::all_of(dashboard, &detail).await?,
        group: ticket.group.map(|group| format!("/groups/{group}")),
        timeline: timeline(dashboard, &detail.events).await?,
        visitor,
    }))
}

/// What was written, oldest first, each with its files.
async fn messages(dashboard: &Dashboard, detail: &TicketDetail) -> Vec<Message> {
    let named = dashboard
        .hub
        .attachments
        .named(detail.attachments.clone(), &detail.sources)
        .await;
    let messages = detail.sources.iter().map(|source| Message {
        channel: source.channel.label(),
        text: words::shown(source.text.as_str()),
        sent: Moment::of(source.sent_at),
        files: named
            .iter()
            .filter(|file| file.attachment.source == source.id)
            .map(|file| file_of(file, &detail.events))
            .collect(),
    });
    messages.collect()
}

fn file_of(file: &NamedAttachment, events: &[TicketEvent]) -> File {
    let Attachment {
        id,
        status,
        content_type,
        size_bytes,
        ..
    } = &file.attachment;
    let kind = content_type.as_deref().unwrap_or("file");
    let condition = match status {
        AttachmentStatus::Announced => "on its way",
        AttachmentStatus::Stored => "stored",
        AttachmentStatus::Refused => "not kept",
        AttachmentStatus::Failed => "not fetched",
        AttachmentStatus::Erased => "removed",
    };
    let size = size_bytes.map(|bytes| format!(", {} KB", bytes.div_ceil(1024)));
    File {
        name: file
            .name
            .as_ref()
            .and_then(|name| safe_name(name))
            .unwrap_or_else(|| "file".to_owned()),
        words: format!("{kind}{}, {condition}", size.unwrap_or_default()),
        address: (*status == AttachmentStatus::Stored).then(|| format!("/attachments/{id}")),
        why: match status {
            AttachmentStatus::Refused | AttachmentStatus::Failed => {
                attachment_reason(events, *id).map(words::file_reason)
            }
            _ => None,
        },
    }
}

fn suggested(ticket: &Ticket) -> Option<String> {
    let suggestion = ticket.suggestion.as_ref()?;
    let model = &suggestion.made_by.model;
    Some(format!(
        "{}, {} ({model})",
        suggestion.ticket_type.label(),
        suggestion.priority
    ))
}

async fn confirmed(dashboard: &Dashboard, ticket: &Ticket) -> Result<Option<String>, ShowError> {
    let Some(word) = &ticket.confirmation else {
        return Ok(None);
    };
    let who = dashboard
        .hub
        .show
        .user_name(word.by)
        .await?
        .unwrap_or_else(|| "somebody".to_owned());
    Ok(Some(format!(
        "{}, {}, by {who}, {}",
        word.ticket_type.label(),
        word.priority,
        words::moment(word.at)
    )))
}

fn deliveries(detail: &TicketDetail) -> Vec<Delivery> {
    let rows = detail.notifications.iter().map(|notification| Delivery {
        channel: notification.channel.label(),
        mode: words::sent_as(notification),
        status: notification.status,
        status_label: words::delivery(notification),
        needs_person: matches!(
            notification.status,
            NotificationStatus::Ambiguous
                | NotificationStatus::PermanentlyFailed
                | NotificationStatus::ChannelRestricted
        ),
        error: words::failure(notification),
        at: Moment::of(notification.updated_at),
    });
    rows.collect()
}

async fn timeline(dashboard: &Dashboard, events: &[TicketEvent]) -> Result<Vec<Happened>, ShowError> {
    let mut lines = Vec::with_capacity(events.len());
    for event in events {
        let who = match event.actor {
            Actor::Hub => "the hub".to_owned(),
            Actor::Ai => "AI".to_owned(),
            Actor::Tracker => "the engineers".to_owned(),
            Actor::Provider => "the channel".to_owned(),
            Actor::Reporter(_) => "the reporter".to_owned(),
            Actor::User(id) => dashboard
                .hub
                .show
                .user_name(id)
                .await?
                .unwrap_or_else(|| "a reviewer".to_owned()),
        };
        lines.push(Happened {
            words: words::event(event.kind),
            detail: detail_of(event),
            who,
            at: Moment::of(event.at),
        });
    }
    Ok(lines)
}

/// What a reader would ask next, where the event says it.
fn detail_of(event: &TicketEvent) -> Option<String> {
    let text = |key: &str| event.data.get(key).and_then(|value| value.as_str()).map(str::to_owned);
    match event.kind {
        EventKind::Enriched | EventKind::Confirmed => {
            Some(format!("{}, {}", text("type")?.replace('_', " "), text("priority")?))
        }
        EventKind::Received | EventKind::MessageReceived | EventKind::Sent | EventKind::Delivered | EventKind::Read => {
            Some(words::channel(&text("channel")?))
        }
        EventKind::AttachmentRefused | EventKind::AttachmentFailed => {
            text("reason").map(|reason| words::file_reason(&reason))
        }
        EventKind::DeliveryFailed | EventKind::ChannelRestricted => text("code"),
        EventKind::Resolved | EventKind::Reopened | EventKind::MovedInTracker => {
            Some(format!("from {}", text("from")?.replace('_', " ")))
        }
        _ => None,
    }
}

/// How a reporter is called on a page.
pub(crate) fn name_of(dashboard: &Dashboard, reporter: &Reporter) -> String {
    let opened = dashboard.hub.show.reporter(reporter).unwrap_or_else(|error| {
        tracing::error!(%error, reporter.id = %reporter.id, "could not open a reporter's name");
        feedback_core::usecases::ReporterName::default()
    });
    let name = opened.name.or(opened.email).or(opened.phone);
    match name {
        Some(name) => name.to_string(),
        None if reporter.erased_at.is_some() => "(erased)".to_owned(),
        None => "(no name yet)".to_owned(),
    }
}

/// What the confirm form sends.
#[derive(Deserialize)]
pub(crate) struct ConfirmForm {
    version: u32,
    #[serde(rename = "type")]
    ticket_type: String,
    priority: String,
}

pub(crate) async fn confirm(
    State(dashboard): State<Dashboard>,
    Extension(visitor): Extension<Visitor>,
    Address(number): Address<u64>,
    Sent(form): Sent<ConfirmForm>,
) -> Response {
    let back = format!("/tickets/{number}");
    let (Ok(ticket_type), Ok(priority)) = (form.ticket_type.parse(), form.priority.parse()) else {
        return problem::invalid("Choose a type and a priority.", &back);
    };
    let id = match dashboard.hub.show.find_ticket(TicketNumber::new(number)).await {
        Ok(Some(ticket)) => ticket.id,
        Ok(None) => return problem::not_found(),
        Err(ShowError::Storage(error)) => return problem::unavailable(&error),
    };
    let word = Confirmed {
        seen_version: form.version,
        ticket_type,
        priority,
        title: None,
    };
    match dashboard.hub.confirm.confirm(id, &word, visitor.user.id, None).await {
        Ok(_) => Redirect::to(&back).into_response(),
        Err(ConfirmError::NotFound) => problem::not_found(),
        Err(ConfirmError::Stale { .. }) => problem::conflict(
            "The ticket changed since you opened it. Look at it again, then confirm.",
            &back,
        ),
        Err(ConfirmError::Storage(error)) => problem::unavailable(&error),
        Err(error @ (ConfirmError::IllegalMove(_) | ConfirmError::InvalidTitle | ConfirmError::KeyReused)) => {
            problem::invalid(&super::valve::sentence(&error.to_string()), &back)
        }
    }
}
