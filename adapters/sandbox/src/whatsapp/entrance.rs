//! What every call has to get right: version, token, and a number of this account.

use axum::http::HeaderMap;

use super::errors::Refusal;
use crate::world::World;

pub(super) fn enter(world: &World, version: &str, phone_number_id: &str, headers: &HeaderMap) -> Result<(), Refusal> {
    let number = version.strip_prefix('v').and_then(|version| version.strip_suffix(".0"));
    if number.is_none_or(|number| number.parse::<u8>().is_err()) {
        return Err(Refusal::unknown_path());
    }
    if crate::bearer::token(headers) != Some(world.config.whatsapp.access_token.as_str()) {
        return Err(Refusal::new(190, ""));
    }
    if phone_number_id != world.config.whatsapp.phone_number_id {
        return Err(Refusal::unknown_object(phone_number_id));
    }
    Ok(())
}
