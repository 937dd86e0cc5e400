//! Tickets that are resolved and answered together.

use askama::Template;
use axum::{Extension, extract::State, response::Response};
use feedback_core::{
    domain::{GroupId, TicketId},
    usecases::GroupError,
};

use super::{
    Moment,
    input::{Address, Asked, ListFrom},
    page, problem,
};
use crate::{Dashboard, session::Visitor, words};

struct Row {
    id: String,
    title: String,
    tickets: u64,
    at: Moment,
}

#[derive(Template)]
#[template(path = "groups.html")]
struct Groups {
    visitor: Visitor,
    here: &'static str,
    rows: Vec<Row>,
    next: Option<String>,
}

struct Member {
    number: u64,
    title: String,
    lang: &'static str,
    status: &'static str,
    status_label: &'static str,
    channel: &'static str,
    speaks: bool,
}

#[derive(Template)]
#[template(path = "group.html")]
struct Group {
    visitor: Visitor,
    here: &'static str,
    title: String,
    members: Vec<Member>,
}

pub(crate) async fn list(
    State(dashboard): State<Dashboard>,
    Extension(visitor): Extension<Visitor>,
    Asked(from): Asked<ListFrom>,
) -> Response {
    let request = from.request();
    let found = match dashboard.hub.queries.groups(request).await {
        Ok(found) => found,
        Err(error) => return problem::unavailable(&error),
    };
    let next = found.next.map(|cursor| format!("/groups?cursor={cursor}"));
    // A group that all tickets left again is nothing to look at.
    let rows = found.items.into_iter().filter(|row| row.tickets > 0).map(|row| Row {
        id: row.group.id.to_string(),
        title: words::shown(row.group.title.as_str()),
        tickets: row.tickets,
        at: Moment::of(row.group.created_at),
    });
    page(&Groups {
        visitor,
        here: "groups",
        rows: rows.collect(),
        next,
    })
}

pub(crate) async fn show(
    State(dashboard): State<Dashboard>,
    Extension(visitor): Extension<Visitor>,
    Address(id): Address<String>,
) -> Response {
    let Ok(id) = id.parse::<GroupId>() else {
        return problem::not_found();
    };
    let detail = match dashboard.hub.groups.detail(id).await {
        Ok(detail) => detail,
        Err(GroupError::Storage(error)) => return problem::unavailable(&error),
        Err(_) => return problem::not_found(),
    };
    let primary: TicketId = detail.group.primary;
    let members = detail.tickets.into_iter().map(|ticket| Member {
        number: ticket.number.value(),
        title: words::shown(ticket.title.as_str()),
        lang: words::language_code(ticket.language),
        status: ticket.status.as_str(),
        status_label: ticket.status.label(),
        channel: ticket.channel.label(),
        speaks: ticket.id == primary,
    });
    page(&Group {
        visitor,
        here: "groups",
        title: words::shown(detail.group.title.as_str()),
        members: members.collect(),
    })
}
