//! A file of a message, to be saved and not to be shown.

use axum::{
    extract::State,
    http::{
        HeaderName, HeaderValue,
        header::{CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE},
    },
    response::{IntoResponse, Response},
};
use feedback_core::{domain::AttachmentId, logic::file_name::content_disposition, usecases::ShowError};

use super::{input::Address, problem};
use crate::Dashboard;

/// Whatever a browser makes of the bytes runs nothing, loads nothing and has no origin.
const NOTHING: &str = "default-src 'none'; frame-ancestors 'none'; sandbox";

pub(crate) async fn download(State(dashboard): State<Dashboard>, Address(id): Address<AttachmentId>) -> Response {
    let file = match dashboard.hub.attachments.file(id).await {
        Ok(Some(file)) => file,
        Ok(None) => return problem::not_found(),
        Err(ShowError::Storage(error)) => return problem::unavailable(&error),
    };
    let name = file.name.as_ref().map(|name| name.as_str());
    let headers: [(HeaderName, HeaderValue); 3] = [
        (CONTENT_TYPE, value(&file.content_type, "application/octet-stream")),
        (CONTENT_DISPOSITION, value(&content_disposition(name), "attachment")),
        (CONTENT_SECURITY_POLICY, HeaderValue::from_static(NOTHING)),
    ];
    (headers, file.bytes.to_vec()).into_response()
}

fn value(text: &str, otherwise: &'static str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(otherwise))
}
