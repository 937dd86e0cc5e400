//! `GET /api/attachments/{id}`: a file of a message, to be saved and not to be shown.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{
        HeaderName, HeaderValue,
        header::{CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE},
    },
    response::{IntoResponse, Response},
};
use feedback_core::{domain::AttachmentId, logic::file_name::content_disposition, usecases::ShowError};

use super::{Api, call::Id};
use crate::problem::{Problem, ProblemBody};

/// Whatever a browser makes of the bytes runs nothing, loads nothing and has no origin.
const NOTHING: &str = "default-src 'none'; frame-ancestors 'none'; sandbox";

/// The bytes of a file that is stored.
#[utoipa::path(
    get, path = "/attachments/{id}", operation_id = "downloadAttachment", tag = "tickets",
    params(("id" = Uuid, Path, description = "The file")),
    responses(
        (status = 200, body = Vec<u8>, content_type = "application/octet-stream",
            description = "The bytes, under the type that was read from them; `Content-Disposition` has the name"),
        (status = "default", body = ProblemBody, content_type = "application/problem+json", description = "Refused"),
    )
)]
pub(crate) async fn download(State(api): State<Arc<Api>>, Id(id): Id<AttachmentId>) -> Result<Response, Problem> {
    let opened = api.hub.attachments.file(id).await;
    let file = opened.map_err(|ShowError::Storage(error)| Problem::port(&error))?;
    let file = file.ok_or_else(|| Problem::not_found("the file"))?;
    let name = file.name.as_ref().map(|name| name.as_str());
    let headers: [(HeaderName, HeaderValue); 3] = [
        (CONTENT_TYPE, value(&file.content_type, "application/octet-stream")),
        (CONTENT_DISPOSITION, value(&content_disposition(name), "attachment")),
        (CONTENT_SECURITY_POLICY, HeaderValue::from_static(NOTHING)),
    ];
    Ok((headers, file.bytes.to_vec()).into_response())
}

fn value(text: &str, otherwise: &'static str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(otherwise))
}
