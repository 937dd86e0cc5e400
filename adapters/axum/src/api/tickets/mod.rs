//! Tickets.

pub(super) mod confirm;
pub(super) mod create;
pub(super) mod list;
pub(super) mod merge;
pub(super) mod show;
pub(super) mod update;

use axum::{Json, http::StatusCode};
use feedback_core::{domain::TicketId, ports::PortError, usecases::ShowError};

use super::{
    Api,
    call::{Versioned, etag},
};
use crate::problem::Problem;

/// A ticket with everything, as it stands, under a status.
async fn answered(api: &Api, status: StatusCode, id: TicketId) -> Result<Versioned<show::TicketDetailBody>, Problem> {
    let body = show::load(api, id).await?;
    Ok((status, etag(body.version()), Json(body)))
}

fn port(error: PortError) -> Problem {
    Problem::port(&error)
}

fn sealed(ShowError::Storage(error): ShowError) -> Problem {
    Problem::port(&error)
}
