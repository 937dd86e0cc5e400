//! Deliveries: what went out, what did not, and what a person has to decide.

use askama::Template;
use axum::{
    Extension,
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use feedback_core::{
    domain::{NotificationId, NotificationStatus, PageRequest},
    ports::NotificationFilter,
    usecases::{SettleAmbiguousError, Settled},
};
use serde::Deserialize;

use super::{
    Choice, Moment,
    input::{Address, Asked, Sent},
    page, problem,
    tickets::{choice, percent_encoded},
};
use crate::{Dashboard, session::Visitor, words};

struct Row {
    id: String,
    ticket: u64,
    channel: &'static str,
    mode: String,
    status: NotificationStatus,
    status_label: &'static str,
    tries: u32,
    error: Option<String>,
    at: Moment,
}

#[derive(Template)]
#[template(path = "notifications.html")]
struct Notifications {
    visitor: Visitor,
    here: &'static str,
    heading: &'static str,
    rows: Vec<Row>,
    statuses: Vec<Choice>,
    is_filtered: bool,
    next: Option<String>,
}

/// Filters as the address bar has them.
#[derive(Deserialize, Default)]
pub(crate) struct Filters {
    #[serde(default)]
    status: String,
    #[serde(default)]
    cursor: String,
}

pub(crate) async fn list(
    State(dashboard): State<Dashboard>,
    Extension(visitor): Extension<Visitor>,
    Asked(filters): Asked<Filters>,
) -> Response {
    let filter = NotificationFilter {
        status: filters.status.parse().ok(),
        ..NotificationFilter::default()
    };
    let request = PageRequest {
        after: filters.cursor.parse().ok(),
        ..PageRequest::default()
    };
    let queries = &dashboard.hub.queries;
    let found = match queries.notifications(&filter, request).await {
        Ok(found) => found,
        Err(error) => return problem::unavailable(&error),
    };
    let next = found.next.map(|cursor| {
        format!(
            "/notifications?status={}&cursor={cursor}",
            percent_encoded(&filters.status)
        )
    });
    let mut rows = Vec::with_capacity(found.items.len());
    for notification in found.items {
        let detail = match queries.notification_detail(notification.id).await {
            Ok(Some(detail)) => detail,
            Ok(None) => continue,
            Err(error) => return problem::unavailable(&error),
        };
        rows.push(Row {
            id: notification.id.to_string(),
            ticket: detail.ticket_number.value(),
            channel: notification.channel.label(),
            mode: words::sent_as(&notification),
            status: notification.status,
            status_label: words::delivery(&notification),
            tries: notification.retry_count,
            error: words::failure(&notification),
            at: Moment::of(notification.updated_at),
        });
    }
    let statuses = NotificationStatus::ALL
        .map(|s| choice(s.as_str(), words::notification(s), &filters.status))
        .into();
    // What a person follows up has a place of its own in the navigation.
    let (here, heading) = match filter.status {
        Some(NotificationStatus::ChannelRestricted) => ("follow-ups", "Follow-ups"),
        _ => ("notifications", "Deliveries"),
    };
    page(&Notifications {
        visitor,
        here,
        heading,
        rows,
        statuses,
        is_filtered: filter.status.is_some(),
        next,
    })
}

pub(crate) async fn retry(
    State(dashboard): State<Dashboard>,
    Extension(visitor): Extension<Visitor>,
    Address(id): Address<String>,
) -> Response {
    let Ok(id) = id.parse::<NotificationId>() else {
        return problem::not_found();
    };
    answer(dashboard.hub.deliver.retry(id, visitor.user.id).await.map(|_| ()))
}

/// What a person says about an ambiguous delivery.
#[derive(Deserialize)]
pub(crate) struct ResolveForm {
    outcome: String,
}

pub(crate) async fn resolve(
    State(dashboard): State<Dashboard>,
    Extension(visitor): Extension<Visitor>,
    Address(id): Address<String>,
    Sent(form): Sent<ResolveForm>,
) -> Response {
    let Ok(id) = id.parse::<NotificationId>() else {
        return problem::not_found();
    };
    let settled = match form.outcome.as_str() {
        "sent" => Settled::Sent,
        "send_again" => Settled::SendAgain,
        _ => return problem::invalid("Say whether it was sent or is to be sent again.", "/notifications"),
    };
    answer(
        dashboard
            .hub
            .deliver
            .settle(id, settled, visitor.user.id)
            .await
            .map(|_| ()),
    )
}

fn answer(result: Result<(), SettleAmbiguousError>) -> Response {
    match result {
        Ok(()) => Redirect::to("/notifications").into_response(),
        Err(SettleAmbiguousError::NotFound) => problem::not_found(),
        Err(SettleAmbiguousError::NotWaiting { status }) => {
            let words = format!(
                "Nothing to decide any more: {}.",
                words::notification(status).to_lowercase()
            );
            problem::conflict(&words, "/notifications")
        }
        Err(SettleAmbiguousError::Storage(error)) => problem::unavailable(&error),
    }
}
