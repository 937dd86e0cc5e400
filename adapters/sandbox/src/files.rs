//! Files that people attach, and how each provider gives them to an app.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::{bearer, world::World};

/// A file that a person attaches to a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SandboxFile {
    /// Its name.
    pub name: String,
    /// What the person's program says it is.
    pub content_type: String,
    /// Its bytes.
    pub bytes: Bytes,
}

impl SandboxFile {
    /// A file of any kind.
    pub fn new(name: impl Into<String>, content_type: impl Into<String>, bytes: impl Into<Bytes>) -> Self {
        Self {
            name: name.into(),
            content_type: content_type.into(),
            bytes: bytes.into(),
        }
    }

    pub(crate) fn sha256(&self) -> String {
        hex::encode(Sha256::digest(&self.bytes))
    }

    /// A picture of an error message, drawn for this.
    pub fn screenshot() -> Self {
        Self::new("error.png", "image/png", &include_bytes!("screenshot.png")[..])
    }
}

/// The files of all stand-ins, by id.
#[derive(Debug, Default)]
pub(crate) struct Files(BTreeMap<String, SandboxFile>);

impl Files {
    pub(crate) fn put(&mut self, id: String, file: SandboxFile) {
        self.0.insert(id, file);
    }

    pub(crate) fn get(&self, id: &str) -> Option<&SandboxFile> {
        self.0.get(id)
    }
}

/// Slack: the token of the app, or a page to sign in on.
pub(crate) async fn of_slack(
    State(world): State<Arc<World>>,
    Path((id, _name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    if bearer::token(&headers) != Some(&world.config.slack.bot_token) {
        return (StatusCode::FOUND, [(header::LOCATION, "/?redir=files-pri")]).into_response();
    }
    given(&world, &id)
}

/// WhatsApp: the token of the account.
pub(crate) async fn of_whatsapp(
    State(world): State<Arc<World>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    if bearer::token(&headers) != Some(&world.config.whatsapp.access_token) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    given(&world, &id)
}

/// Intercom: the address is the secret.
pub(crate) async fn of_intercom(
    State(world): State<Arc<World>>,
    Path((id, _name)): Path<(String, String)>,
) -> Response {
    given(&world, &id)
}

fn given(world: &World, id: &str) -> Response {
    match world.files.lock().get(id) {
        Some(file) => ([(header::CONTENT_TYPE, file.content_type.clone())], file.bytes.clone()).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
