//! The list of tickets: newest first, filtered, searched.

use askama::Template;
use axum::{
    Extension,
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use feedback_core::{
    domain::{Channel, PageRequest, Priority, TicketStatus, TicketType},
    ports::{TicketFilter, TicketRow},
};
use serde::Deserialize;

use super::{Choice, Moment, input::Asked, page, problem};
use crate::{Dashboard, session::Visitor, words};

/// Filters as the address bar has them; what is empty or unknown filters nothing.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Filters {
    #[serde(default)]
    q: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    channel: String,
    #[serde(default)]
    priority: String,
    #[serde(default, rename = "type")]
    ticket_type: String,
    #[serde(default)]
    cursor: String,
}

struct Row {
    number: u64,
    title: String,
    lang: &'static str,
    status: &'static str,
    status_label: &'static str,
    priority: &'static str,
    type_label: &'static str,
    channel_label: &'static str,
    reporter: String,
    created: Moment,
}

#[derive(Template)]
#[template(path = "tickets.html")]
struct Tickets {
    visitor: Visitor,
    here: &'static str,
    rows: Vec<Row>,
    q: String,
    statuses: Vec<Choice>,
    channels: Vec<Choice>,
    priorities: Vec<Choice>,
    types: Vec<Choice>,
    is_filtered: bool,
    next: Option<String>,
}

pub(crate) async fn home() -> Response {
    Redirect::to("/tickets").into_response()
}

pub(crate) async fn list(
    State(dashboard): State<Dashboard>,
    Extension(visitor): Extension<Visitor>,
    Asked(filters): Asked<Filters>,
) -> Response {
    let filter = TicketFilter {
        status: filters.status.parse().ok(),
        channel: filters.channel.parse().ok(),
        priority: filters.priority.parse().ok(),
        ticket_type: filters.ticket_type.parse().ok(),
        search: Some(filters.q.trim().to_owned()).filter(|words| !words.is_empty()),
    };
    let request = PageRequest {
        after: filters.cursor.parse().ok(),
        ..PageRequest::default()
    };
    let found = match dashboard.hub.queries.tickets(&filter, request).await {
        Ok(found) => found,
        Err(error) => return problem::unavailable(&error),
    };
    let next = found.next.map(|cursor| filters.address(&cursor.to_string()));
    let rows = found.items.iter().map(|row| Row::of(&dashboard, row)).collect();
    page(&Tickets {
        visitor,
        here: "tickets",
        rows,
        statuses: TicketStatus::ALL
            .map(|s| choice(s.as_str(), s.label(), &filters.status))
            .into(),
        channels: Channel::ALL
            .map(|c| choice(c.as_str(), c.label(), &filters.channel))
            .into(),
        priorities: Priority::ALL
            .map(|p| choice(p.as_str(), p.as_str(), &filters.priority))
            .into(),
        types: TicketType::ALL
            .map(|t| choice(t.as_str(), t.label(), &filters.ticket_type))
            .into(),
        is_filtered: filter != TicketFilter::default(),
        q: filters.q,
        next,
    })
}

impl Filters {
    /// The same list from `cursor` on.
    fn address(&self, cursor: &str) -> String {
        let pairs = [
            ("q", self.q.as_str()),
            ("status", &self.status),
            ("channel", &self.channel),
            ("priority", &self.priority),
            ("type", &self.ticket_type),
            ("cursor", cursor),
        ];
        let set = pairs.into_iter().filter(|(_, value)| !value.is_empty());
        let query: Vec<_> = set
            .map(|(key, value)| format!("{key}={}", percent_encoded(value)))
            .collect();
        format!("/tickets?{}", query.join("&"))
    }
}

impl Row {
    fn of(dashboard: &Dashboard, row: &TicketRow) -> Self {
        let ticket = &row.ticket;
        Self {
            number: ticket.number.value(),
            title: words::shown(ticket.title.as_str()),
            lang: words::language_code(ticket.language),
            status: ticket.status.as_str(),
            status_label: ticket.status.label(),
            priority: ticket.priority.as_str(),
            type_label: ticket.ticket_type.label(),
            channel_label: ticket.channel.label(),
            reporter: words::shown(&super::ticket::name_of(dashboard, &row.reporter)),
            created: Moment::of(ticket.created_at),
        }
    }
}

pub(crate) fn choice(value: &'static str, label: &'static str, present: &str) -> Choice {
    Choice {
        value,
        label,
        is_chosen: value == present,
    }
}

/// Everything but letters and digits as `%XX`: right in every part of an address.
pub(crate) fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_keeps_the_filters_and_escapes_what_was_typed() {
        let filters = Filters {
            q: "no abre & ñ".into(),
            status: "new".into(),
            ..Filters::default()
        };
        assert_eq!(
            filters.address("1.2"),
            "/tickets?q=no%20abre%20%26%20%C3%B1&status=new&cursor=1.2"
        );
    }
}
