//! Tickets that are resolved and answered together.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use feedback_core::{
    domain::{GroupId, TicketGroup, TicketId, TicketNumber, TicketStatus, Timestamp},
    ports::GroupRow,
    usecases::{GroupDetail, GroupEdit, GroupError},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    Api,
    call::{Asked, Call, Id, Seen, Versioned, etag},
    page::{self, List},
    words::TicketStatusWord,
};
use crate::problem::{Checks, Problem, ProblemBody};

/// A group in a list.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = GroupRow)]
pub(crate) struct GroupRowBody {
    #[schema(value_type = Uuid)]
    id: GroupId,
    title: String,
    /// The ticket that speaks for all.
    #[schema(value_type = Uuid)]
    primary_ticket_id: TicketId,
    /// How many tickets it has.
    tickets: u64,
    version: u32,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

/// A group with its tickets.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = GroupDetail)]
pub(crate) struct GroupBody {
    #[schema(value_type = Uuid)]
    id: GroupId,
    title: String,
    /// The ticket that speaks for all.
    #[schema(value_type = Uuid)]
    primary_ticket_id: TicketId,
    /// Its tickets, oldest first.
    tickets: Vec<MemberBody>,
    /// What a change of it names.
    version: u32,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

/// A ticket of a group.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = GroupMember)]
struct MemberBody {
    #[schema(value_type = Uuid)]
    id: TicketId,
    #[schema(value_type = u64)]
    number: TicketNumber,
    title: String,
    #[schema(value_type = TicketStatusWord)]
    status: TicketStatus,
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListGroups {
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// At most how many.
    #[param(value_type = Option<u16>, minimum = 1, maximum = 200, default = 50)]
    limit: Option<String>,
}

/// A new group.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateGroup {
    /// The ticket that speaks for all.
    primary_ticket_id: Uuid,
    /// The others.
    #[serde(default)]
    ticket_ids: Vec<Uuid>,
    /// The primary ticket's title, where none is given.
    #[schema(min_length = 1, max_length = 120)]
    title: Option<String>,
}

/// What changes of a group.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpdateGroup {
    /// The version that the person saw; or as `If-Match`.
    version: Option<u32>,
    #[schema(min_length = 1, max_length = 120)]
    title: Option<String>,
    /// Another member that speaks for all.
    primary_ticket_id: Option<Uuid>,
    /// Tickets that join.
    #[serde(default)]
    add_ticket_ids: Vec<Uuid>,
    /// Tickets that leave.
    #[serde(default)]
    remove_ticket_ids: Vec<Uuid>,
}

impl From<GroupRow> for GroupRowBody {
    fn from(GroupRow { group, tickets }: GroupRow) -> Self {
        Self {
            id: group.id,
            title: group.title.to_string(),
            primary_ticket_id: group.primary,
            tickets,
            version: group.version,
            created_at: group.created_at,
        }
    }
}

impl From<GroupDetail> for GroupBody {
    fn from(GroupDetail { group, tickets }: GroupDetail) -> Self {
        let member = |ticket: feedback_core::domain::Ticket| MemberBody {
            id: ticket.id,
            number: ticket.number,
            title: ticket.title.to_string(),
            status: ticket.status,
        };
        Self {
            id: group.id,
            title: group.title.to_string(),
            primary_ticket_id: group.primary,
            tickets: tickets.into_iter().map(member).collect(),
            version: group.version,
            created_at: group.created_at,
        }
    }
}

/// Groups, newest first. One that all tickets left again has none.
#[utoipa::path(
    get, path = "/groups", operation_id = "listGroups", tag = "groups",
    params(ListGroups),
    responses(
        (status = 200, body = List<GroupRowBody>, description = "Part of the list"),
        (status = "default", body = ProblemBody, content_type = "application/problem+json", description = "Refused"),
    )
)]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    Asked(asked): Asked<ListGroups>,
) -> Result<Json<List<GroupRowBody>>, Problem> {
    let mut checks = Checks::default();
    let request = page::requested(asked.cursor.as_deref(), asked.limit.as_deref(), &mut checks);
    checks.finish()?;
    let page = api
        .hub
        .queries
        .groups(request)
        .await
        .map_err(|error| Problem::port(&error))?;
    let items = page.items.iter().cloned().map(GroupRowBody::from).collect();
    Ok(Json(List::of(&page, items)))
}

/// Makes a group.
#[utoipa::path(
    post, path = "/groups", operation_id = "createGroup", tag = "groups",
    request_body = CreateGroup,
    responses(
        (status = 201, body = GroupBody, description = "Made"),
        (status = "default", body = ProblemBody, content_type = "application/problem+json", description = "Refused"),
    )
)]
pub(crate) async fn create(
    State(api): State<Arc<Api>>,
    call: Call<CreateGroup>,
) -> Result<Versioned<GroupBody>, Problem> {
    let body = &call.body;
    let primary = TicketId::from_uuid(body.primary_ticket_id);
    let members = tickets(&body.ticket_ids);
    let made = api
        .hub
        .groups
        .create(primary, &members, body.title.as_deref(), call.by)
        .await;
    match made {
        Ok(detail) => Ok(answer(StatusCode::CREATED, detail)),
        Err(error) => Err(refusal(None, error)),
    }
}

/// One group with its tickets.
#[utoipa::path(
    get, path = "/groups/{id}", operation_id = "getGroup", tag = "groups",
    params(("id" = Uuid, Path, description = "The group")),
    responses(
        (status = 200, body = GroupBody, description = "The group"),
        (status = "default", body = ProblemBody, content_type = "application/problem+json", description = "Refused"),
    )
)]
pub(crate) async fn show(State(api): State<Arc<Api>>, Id(id): Id<GroupId>) -> Result<Versioned<GroupBody>, Problem> {
    match api.hub.groups.detail(id).await {
        Ok(detail) => Ok(answer(StatusCode::OK, detail)),
        Err(error) => Err(refusal(None, error)),
    }
}

/// Changes title, primary ticket or members.
#[utoipa::path(
    patch, path = "/groups/{id}", operation_id = "updateGroup", tag = "groups",
    params(
        ("id" = Uuid, Path, description = "The group"),
        ("If-Match" = Option<String>, Header, description = "The version that the person saw"),
    ),
    request_body = UpdateGroup,
    responses(
        (status = 200, body = GroupBody, description = "Changed"),
        (status = "default", body = ProblemBody, content_type = "application/problem+json", description = "Refused"),
    )
)]
pub(crate) async fn update(
    State(api): State<Arc<Api>>,
    Id(id): Id<GroupId>,
    call: Call<UpdateGroup>,
) -> Result<Versioned<GroupBody>, Problem> {
    let seen = call.must_have_seen(call.body.version)?;
    let edit = GroupEdit {
        seen_version: seen.version,
        title: call.body.title.clone(),
        primary: call.body.primary_ticket_id.map(TicketId::from_uuid),
        add: tickets(&call.body.add_ticket_ids),
        remove: tickets(&call.body.remove_ticket_ids),
    };
    match api.hub.groups.edit(id, &edit, call.by).await {
        Ok(detail) => Ok(answer(StatusCode::OK, detail)),
        Err(error) => Err(refusal(Some(seen), error)),
    }
}

fn tickets(ids: &[Uuid]) -> Vec<TicketId> {
    ids.iter().copied().map(TicketId::from_uuid).collect()
}

fn answer(status: StatusCode, detail: GroupDetail) -> Versioned<GroupBody> {
    (status, etag(detail.group.version), Json(detail.into()))
}

fn refusal(seen: Option<Seen>, error: GroupError) -> Problem {
    let detail = error.to_string();
    match (error, seen) {
        (GroupError::NotFound, _) => Problem::not_found("the group or ticket"),
        (GroupError::Stale { current, .. }, Some(seen)) => seen.stale(&row(*current)),
        (GroupError::Stale { .. }, None) => Problem::conflict("stale-version", detail),
        (GroupError::InvalidTitle, _) => Problem::invalid_field("title", detail),
        (GroupError::InAnotherGroup { .. }, _) => Problem::conflict("in-another-group", detail),
        (GroupError::PrimaryNotMember, _) => Problem::invalid_field("primary_ticket_id", detail),
        (GroupError::Storage(error), _) => Problem::port(&error),
    }
}

/// What a person whose version is stale is shown: enough to load it again.
fn row(group: TicketGroup) -> StaleGroup {
    StaleGroup {
        id: group.id,
        title: group.title.to_string(),
        primary_ticket_id: group.primary,
        version: group.version,
    }
}

#[derive(Debug, Serialize)]
struct StaleGroup {
    id: GroupId,
    title: String,
    primary_ticket_id: TicketId,
    version: u32,
}
