//! One person known as two, and what a person may ask of the hub: their copy, and their erasure.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use feedback_core::{
    domain::{
        Channel, IdentityId, IdentityLink, IdentityLinkId, LinkKind, LinkStrength, Reporter, ReporterId, Timestamp,
    },
    usecases::{EraseError, ExportError, KnownAs, MergeError, to_csv},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    Api,
    call::{Asked, Call, Id},
    words::ChannelWord,
};
use crate::problem::{Problem, ProblemBody};

/// Who a reporter is, and why the hub thinks so.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = KnownAs)]
pub(crate) struct KnownAsBody {
    /// The person that the asked-for reporter turned out to be.
    #[schema(value_type = Uuid)]
    reporter_id: ReporterId,
    /// Reporters who turned out to be the same person.
    #[schema(value_type = Vec<Uuid>)]
    merged_ids: Vec<ReporterId>,
    /// People that weak evidence takes for the same: for a reviewer to merge, or not.
    #[schema(value_type = Vec<Uuid>)]
    suspected_ids: Vec<ReporterId>,
    /// The evidence, oldest first.
    evidence: Vec<EvidenceBody>,
}

/// Why an address belongs to a person.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = IdentityEvidence)]
struct EvidenceBody {
    #[schema(value_type = Uuid)]
    id: IdentityLinkId,
    #[schema(value_type = Uuid)]
    identity_id: IdentityId,
    #[schema(value_type = Uuid)]
    reporter_id: ReporterId,
    /// `verified_email`, `phone`, `unverified_email` or `reviewer`.
    #[schema(value_type = String)]
    kind: LinkKind,
    /// `strong` links by itself, `weak` only suggests.
    #[schema(value_type = String)]
    strength: LinkStrength,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    undone_at: Option<Timestamp>,
}

/// Who it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MergeReporter {
    /// The reporter that stays.
    into: Uuid,
}

/// Nothing is said beside the decision itself.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PartReporter {}

/// What an erasure reached.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Erased)]
pub(crate) struct ErasedBody {
    /// The person, and everybody who turned out to be the same.
    #[schema(value_type = Vec<Uuid>)]
    reporter_ids: Vec<ReporterId>,
    /// Tickets whose text is gone.
    tickets: usize,
    /// Files whose bytes are being removed.
    files: usize,
    /// Pages of the tracker that are being blanked.
    pages: usize,
    /// Channels at whose provider the person's own messages are still kept: ask there.
    #[schema(value_type = Vec<ChannelWord>)]
    kept_at: Vec<Channel>,
    /// Whether the store's files (log, free pages) are clean already; if not, the next purge sees to it.
    settled: bool,
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExportReporter {
    /// `json` (default) or `csv`.
    format: Option<String>,
}

impl From<KnownAs> for KnownAsBody {
    fn from(known: KnownAs) -> Self {
        let evidence = |link: IdentityLink| EvidenceBody {
            id: link.id,
            identity_id: link.identity,
            reporter_id: link.reporter,
            kind: link.kind,
            strength: link.kind.strength(),
            at: link.at,
            undone_at: link.undone.map(|(at, _)| at),
        };
        Self {
            reporter_id: known.reporter.id,
            merged_ids: known.merged.iter().map(|reporter| reporter.id).collect(),
            suspected_ids: known.suspected,
            evidence: known.links.into_iter().map(evidence).collect(),
        }
    }
}

/// Who a reporter is, and why the hub thinks so.
#[utoipa::path(
    get, path = "/reporters/{id}/known_as", operation_id = "getKnownAs", tag = "reporters",
    params(("id" = Uuid, Path, description = "The reporter")),
    responses(
        (status = 200, body = KnownAsBody, description = "The person with the evidence"),
        (status = "default", body = ProblemBody, content_type = "application/problem+json", description = "Refused"),
    )
)]
pub(crate) async fn known_as(
    State(api): State<Arc<Api>>,
    Id(id): Id<ReporterId>,
) -> Result<Json<KnownAsBody>, Problem> {
    answered(&api, id).await
}

/// Says that a reporter is the same person as another. Nothing is moved, and it can be taken back.
#[utoipa::path(
    post, path = "/reporters/{id}/merge", operation_id = "mergeReporter", tag = "reporters",
    params(("id" = Uuid, Path, description = "The reporter that goes up in the other")),
    request_body = MergeReporter,
    responses(
        (status = 200, body = KnownAsBody, description = "The person that both are"),
        (status = "default", body = ProblemBody, content_type = "application/problem+json", description = "Refused"),
    )
)]
pub(crate) async fn merge(
    State(api): State<Arc<Api>>,
    Id(id): Id<ReporterId>,
    call: Call<MergeReporter>,
) -> Result<Json<KnownAsBody>, Problem> {
    let into = ReporterId::from_uuid(call.body.into);
    settled(&api, api.hub.merge_reporters.merge(id, into, call.by).await).await
}

/// Takes a merge back: the reporter is a person of their own again.
#[utoipa::path(
    post, path = "/reporters/{id}/part", operation_id = "partReporter", tag = "reporters",
    params(("id" = Uuid, Path, description = "The reporter that was merged")),
    request_body = PartReporter,
    responses(
        (status = 200, body = KnownAsBody, description = "The reporter on their own"),
        (status = "default", body = ProblemBody, content_type = "application/problem+json", description = "Refused"),
    )
)]
pub(crate) async fn part(
    State(api): State<Arc<Api>>,
    Id(id): Id<ReporterId>,
    call: Call<PartReporter>,
) -> Result<Json<KnownAsBody>, Problem> {
    settled(&api, api.hub.merge_reporters.part(id, call.by).await).await
}

/// Everything that the hub keeps of a person, in the clear: for them alone.
#[utoipa::path(
    get, path = "/reporters/{id}/export", operation_id = "exportReporter", tag = "reporters",
    params(("id" = Uuid, Path, description = "The reporter"), ExportReporter),
    responses(
        (status = 200, body = Object, description = "The copy, as JSON or as CSV"),
        (status = "default", body = ProblemBody, content_type = "application/problem+json", description = "Refused"),
    )
)]
pub(crate) async fn export(
    State(api): State<Arc<Api>>,
    Id(id): Id<ReporterId>,
    Asked(asked): Asked<ExportReporter>,
) -> Result<Response, Problem> {
    let as_csv = match asked.format.as_deref() {
        None | Some("json") => false,
        Some("csv") => true,
        Some(_) => return Err(Problem::invalid_field("format", "must be json or csv")),
    };
    let exported = api.hub.export.export(id).await.map_err(|error| match error {
        ExportError::NotFound => Problem::not_found("the reporter"),
        ExportError::Storage(error) => Problem::port(&error),
    })?;
    let name = if as_csv { "reporter.csv" } else { "reporter.json" };
    let mut response = if as_csv {
        ([(header::CONTENT_TYPE, "text/csv; charset=utf-8")], to_csv(&exported)).into_response()
    } else {
        Json(exported).into_response()
    };
    let headers = response.headers_mut();
    // Both names are ASCII without quotes.
    if let Ok(disposition) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
        headers.insert(header::CONTENT_DISPOSITION, disposition);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// Erases a person: keys, names, addresses, texts and files. It cannot be taken back.
#[utoipa::path(
    delete, path = "/reporters/{id}", operation_id = "eraseReporter", tag = "reporters",
    params(("id" = Uuid, Path, description = "The reporter")),
    responses(
        (status = 200, body = ErasedBody, description = "Erased, and what that reached"),
        (status = "default", body = ProblemBody, content_type = "application/problem+json", description = "Refused"),
    )
)]
pub(crate) async fn erase(
    State(api): State<Arc<Api>>,
    Id(id): Id<ReporterId>,
    call: Call<PartReporter>,
) -> Result<Json<ErasedBody>, Problem> {
    match api.hub.erase.erase(id, Some(call.by)).await {
        Ok(erased) => Ok(Json(ErasedBody {
            reporter_ids: erased.reporters,
            tickets: erased.tickets,
            files: erased.files,
            pages: erased.pages,
            kept_at: erased.kept_at,
            settled: erased.settled,
        })),
        Err(EraseError::NotFound) => Err(Problem::not_found("the reporter")),
        Err(EraseError::Log(error) | EraseError::Storage(error)) => Err(Problem::port(&error)),
    }
}

async fn settled(api: &Api, result: Result<Reporter, MergeError>) -> Result<Json<KnownAsBody>, Problem> {
    match result {
        Ok(reporter) => answered(api, reporter.id).await,
        Err(error) => Err(refusal(&error)),
    }
}

async fn answered(api: &Api, id: ReporterId) -> Result<Json<KnownAsBody>, Problem> {
    let known = api.hub.merge_reporters.known_as(id).await;
    known.map(|known| Json(known.into())).map_err(|error| refusal(&error))
}

fn refusal(error: &MergeError) -> Problem {
    let detail = error.to_string();
    match error {
        MergeError::NotFound => Problem::not_found("the reporter"),
        MergeError::Same => Problem::conflict("same-person", detail),
        MergeError::NotMerged => Problem::conflict("not-merged", detail),
        MergeError::Erased => Problem::conflict("erased", detail),
        MergeError::AddressTaken => Problem::conflict("address-taken", detail),
        MergeError::Storage(error) => Problem::port(error),
    }
}
