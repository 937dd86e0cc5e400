//! `GET /api/tickets`.

use std::sync::Arc;

use axum::{Json, extract::State};
use feedback_core::{
    domain::{
        Channel, ExternalId, Priority, Reporter, ReporterId, Ticket, TicketId, TicketNumber, TicketStatus, TicketType,
        Timestamp,
    },
    ports::{SourceRef, TicketFilter, TicketRow},
    usecases::Show,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{port, sealed};
use crate::{
    api::{
        Api,
        call::Asked,
        page::{self, List},
        words::{ChannelWord, PriorityWord, TicketStatusWord, TicketTypeWord},
    },
    problem::{Checks, Problem, ProblemBody},
};

/// Longest search.
const MAX_SEARCH_CHARS: usize = 200;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListTickets {
    /// Only those in this status.
    #[param(value_type = Option<TicketStatusWord>)]
    status: Option<String>,
    /// Only those first reported on this channel.
    #[param(value_type = Option<ChannelWord>)]
    channel: Option<String>,
    /// Only those of this priority.
    #[param(value_type = Option<PriorityWord>)]
    priority: Option<String>,
    /// Only those of this type.
    #[param(value_type = Option<TicketTypeWord>)]
    r#type: Option<String>,
    /// Only those with words in title or description that begin like these.
    #[param(max_length = 200)]
    q: Option<String>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// At most how many.
    #[param(value_type = Option<u16>, minimum = 1, maximum = 200, default = 50)]
    limit: Option<String>,
}

/// A ticket in a list.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TicketRow)]
pub(crate) struct TicketRowBody {
    #[schema(value_type = Uuid)]
    id: TicketId,
    /// The short number that people say.
    #[schema(value_type = u64)]
    number: TicketNumber,
    title: String,
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
    /// Its messages.
    sources: Vec<SourceRefBody>,
    /// What a decision about it names.
    version: u32,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

/// Who wrote.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReporterRef)]
pub(crate) struct ReporterBody {
    #[schema(value_type = Uuid)]
    id: ReporterId,
    /// Null where it is not known, and once the person is erased.
    name: Option<String>,
}

/// A message by the ids of its provider.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SourceRef)]
struct SourceRefBody {
    #[schema(value_type = ChannelWord)]
    channel: Channel,
    #[schema(value_type = String)]
    external_id: ExternalId,
}

impl ReporterBody {
    /// Opens the name.
    pub(crate) fn of(show: &Show, reporter: &Reporter) -> Result<Self, Problem> {
        let name = show.reporter(reporter).map_err(sealed)?.name;
        Ok(Self {
            id: reporter.id,
            name: name.map(|name| name.to_string()),
        })
    }
}

impl TicketRowBody {
    fn of(
        show: &Show,
        TicketRow {
            ticket,
            reporter,
            sources,
        }: TicketRow,
    ) -> Result<Self, Problem> {
        Ok(Self::with(&ticket, ReporterBody::of(show, &reporter)?, sources))
    }

    fn with(ticket: &Ticket, reporter: ReporterBody, sources: Vec<SourceRef>) -> Self {
        let source = |SourceRef { channel, external_id }| SourceRefBody { channel, external_id };
        Self {
            id: ticket.id,
            number: ticket.number,
            title: ticket.title.to_string(),
            status: ticket.status,
            r#type: ticket.ticket_type,
            priority: ticket.priority,
            channel: ticket.channel,
            reporter,
            sources: sources.into_iter().map(source).collect(),
            version: ticket.version,
            created_at: ticket.created_at,
        }
    }
}

/// Tickets, newest first.
#[utoipa::path(
    get, path = "/tickets", operation_id = "listTickets", tag = "tickets", params(ListTickets),
    responses(
        (status = 200, body = List<TicketRowBody>, description = "Part of the list"),
        (status = "default", body = ProblemBody, content_type = "application/problem+json", description = "Refused"),
    )
)]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    Asked(asked): Asked<ListTickets>,
) -> Result<Json<List<TicketRowBody>>, Problem> {
    let mut checks = Checks::default();
    let filter = TicketFilter {
        status: checks.parse("status", asked.status.as_deref()),
        channel: checks.parse("channel", asked.channel.as_deref()),
        priority: checks.parse("priority", asked.priority.as_deref()),
        ticket_type: checks.parse("type", asked.r#type.as_deref()),
        search: asked.q.filter(|search| !search.trim().is_empty()),
    };
    if filter
        .search
        .as_ref()
        .is_some_and(|search| search.chars().count() > MAX_SEARCH_CHARS)
    {
        checks.fail("q", format_args!("must have at most {MAX_SEARCH_CHARS} characters"));
    }
    let request = page::requested(asked.cursor.as_deref(), asked.limit.as_deref(), &mut checks);
    checks.finish()?;
    let mut page = api.hub.queries.tickets(&filter, request).await.map_err(port)?;
    let rows = std::mem::take(&mut page.items);
    let rows = rows
        .into_iter()
        .map(|row| TicketRowBody::of(&api.hub.show, row))
        .collect::<Result<_, _>>()?;
    Ok(Json(List::of(&page, rows)))
}
