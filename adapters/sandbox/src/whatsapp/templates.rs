//! The account's templates, a few on each page.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, Query, State},
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::json;

use super::{entrance::enter, errors::Refusal};
use crate::{TemplateStatus, world::World};

/// Fewer than Meta's, so that clients are seen to follow the pages.
const PAGE: usize = 4;

#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    after: Option<String>,
}

/// `GET /{business_account_id}/message_templates`.
pub(super) async fn list(
    State(world): State<Arc<World>>,
    Path((version, account)): Path<(String, String)>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Response {
    let known = &world.config.whatsapp;
    if let Err(refusal) = enter(&world, &version, &known.phone_number_id, &headers) {
        return refusal.answer(&world);
    }
    if account != known.business_account_id {
        return Refusal::unknown_object(&account).answer(&world);
    }
    let from = asked.after.and_then(|after| after.parse().ok()).unwrap_or(0_usize);
    let rest = known.templates.get(from..).unwrap_or_default();
    let rows: Vec<_> = rest
        .iter()
        .take(PAGE)
        .map(|template| {
            let status = match template.status {
                TemplateStatus::Approved => "APPROVED",
                TemplateStatus::Pending => "PENDING",
                TemplateStatus::Paused => "PAUSED",
                TemplateStatus::Disabled => "DISABLED",
            };
            json!({
                "id": format!("{}.{}", template.name, template.language),
                "name": template.name, "language": template.language, "status": status, "category": "UTILITY",
                "components": [{"type": "BODY", "text": template.body}],
            })
        })
        .collect();
    let next = from + rows.len();
    let mut answer =
        json!({"data": rows, "paging": {"cursors": {"before": from.to_string(), "after": next.to_string()}}});
    if next < known.templates.len() {
        answer["paging"]["next"] =
            format!("https://graph.facebook.com/{version}/{account}/message_templates?after={next}").into();
    }
    Json(answer).into_response()
}
