//! The business number, and how WhatsApp spells any number.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, RawQuery, State},
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value, json};
use url::form_urlencoded;

use super::entrance::enter;
use crate::world::World;

/// What Meta knows of the business number: the asked `fields`, and always its id.
pub(super) async fn show(
    State(world): State<Arc<World>>,
    Path((version, phone_number_id)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    if let Some(media) = media(&world, &phone_number_id, &headers) {
        return Json(media).into_response();
    }
    if let Err(refusal) = enter(&world, &version, &phone_number_id, &headers) {
        return refusal.answer(&world);
    }
    let account = &world.config.whatsapp;
    let known = json!({
        "id": account.phone_number_id,
        "display_phone_number": account.display_phone_number,
        "verified_name": "Sandbox",
        "quality_rating": "GREEN",
        "code_verification_status": "VERIFIED",
    });
    let asked =
        form_urlencoded::parse(query.as_deref().unwrap_or_default().as_bytes()).find(|(name, _)| name == "fields");
    let Some((_, fields)) = asked else {
        return Json(known).into_response();
    };
    let wanted = |name: &str| name == "id" || fields.split(',').any(|field| field.trim() == name);
    let shown: Map<String, Value> = known
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(name, _)| wanted(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    Json(shown).into_response()
}

/// Where a picture is, for five minutes: the same path as a number's, told apart by the id.
fn media(world: &World, id: &str, headers: &HeaderMap) -> Option<Value> {
    if crate::bearer::token(headers) != Some(world.config.whatsapp.access_token.as_str()) {
        return None;
    }
    let files = world.files.lock();
    let file = files.get(id)?;
    let root = world
        .urls
        .get()
        .map_or("https://lookaside.fbsbx.com", |urls| urls.whatsapp.as_str());
    Some(json!({
        "messaging_product": "whatsapp", "id": id, "url": format!("{root}/whatsapp_business/attachments/{id}"),
        "mime_type": file.content_type, "sha256": file.sha256(), "file_size": file.bytes.len(),
    }))
}

/// The `wa_id` that Meta makes of a number: digits only, with the mobile digit that Argentina (9) and Mexico (1) have on
/// WhatsApp even where people leave it out.
pub fn canonical_wa_id(number: &str) -> String {
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    let with_mobile_digit = |country: &str, digit: &str| {
        digits
            .strip_prefix(country)
            .filter(|rest| rest.len() == 10)
            .map(|rest| format!("{country}{digit}{rest}"))
    };
    with_mobile_digit("54", "9")
        .or_else(|| with_mobile_digit("52", "1"))
        .unwrap_or(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mobile_digit_is_added_where_it_is_missing() {
        let cases = [
            ("+54 11 5550-1001", "5491155501001"),
            ("5491155501001", "5491155501001"),
            ("525555501281", "5215555501281"),
            ("5215555501281", "5215555501281"),
            ("+34 655 501 561", "34655501561"),
            ("15550101555", "15550101555"),
        ];
        for (number, wa_id) in cases {
            assert_eq!(canonical_wa_id(number), wa_id);
        }
    }
}
