//! Messages that a delivery only pointed at (an emoji that asks for a ticket): a job fetches them, and they are recorded as
//! if they had come by themselves.

use secrecy::{ExposeSecret, SecretString};

use super::{Decided, Ingest, Origin, Outcome, kept_at, writes::Writer};
use crate::{
    domain::{Channel, ExternalId, JobId, JobPayload, NewJob, Sealed, ThreadRef, Write},
    logic::{
        normalize::{self, Author, Intake, WantedMessage},
        verify::Payload,
    },
    ports::{IdSourceExt, KeyScope, PortError, PortErrorKind, SourceKey},
};

/// Why a message was not fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// What the channel gave cannot be read.
    #[error("the message that was fetched cannot be read: {0}")]
    Unreadable(&'static str),
    /// The channel failed.
    #[error("could not fetch the message")]
    Channel(#[source] PortError),
    /// Storage or vault failed.
    #[error("could not record the message that was fetched")]
    Storage(#[source] PortError),
}

impl Ingest {
    /// A message that is known needs no fetching; any other does, outside the delivery's request.
    pub(super) async fn decide_wanted(
        &self,
        wanted: &WantedMessage,
        writer: &mut Writer<'_>,
    ) -> Result<Decided, PortError> {
        let key = SourceKey::External(wanted.channel, wanted.external_id.clone());
        if let Some(known) = self.storage.source(key).await? {
            return Ok(Decided::Outcome(Outcome::Duplicate(known.ticket)));
        }
        if !self.conversations.contains_key(&wanted.channel) {
            return Ok(Decided::Outcome(Outcome::Ignored(
                "a message to fetch, from a channel that nothing is configured to read",
            )));
        }
        let id: JobId = writer.maker.ids.next();
        let payload = JobPayload::FetchMessage {
            channel: wanted.channel,
            external_id: wanted.external_id.clone(),
            thread: wanted.thread.clone(),
            asked_by: self
                .vault
                .seal(KeyScope::Hub, kept_at(id), wanted.asked_by.as_bytes())?,
        };
        let job = NewJob::now(id, payload, writer.maker.now).unique(format!("fetch:{}", wanted.external_id));
        writer.writes.push(Write::Enqueue(job));
        Ok(Decided::Outcome(Outcome::Fetching))
    }

    /// Fetches a message and records it. One that is gone is no failure: there is nothing left to report.
    ///
    /// # Errors
    /// [`FetchError`]; nothing was recorded.
    #[tracing::instrument(name = "ingest.fetch", skip_all, fields(%channel, %job))]
    pub async fn fetch(
        &self,
        job: JobId,
        channel: Channel,
        external_id: ExternalId,
        thread: ThreadRef,
        asked_by: &Sealed,
    ) -> Result<Vec<Outcome>, FetchError> {
        let Some(port) = self.conversations.get(&channel) else {
            let error = PortError::new(PortErrorKind::NotSent, "ingest.fetch").with_code("not_configured");
            return Err(FetchError::Channel(error));
        };
        let asked_by = self
            .vault
            .open(KeyScope::Hub, kept_at(job), asked_by)
            .map_err(FetchError::Storage)?;
        let asked_by = SecretString::from(String::from_utf8_lossy(&asked_by).into_owned());
        let Some(body) = port.message(&external_id).await.map_err(FetchError::Channel)? else {
            tracing::info!("a message that somebody wants a ticket of is gone");
            return Ok(vec![Outcome::Ignored("the message is gone")]);
        };
        let wanted = WantedMessage {
            channel,
            external_id,
            thread,
            author: Author::default(),
            asked_by: asked_by.expose_secret().to_owned(),
            asked_at: None,
        };
        let normalized = normalize::fetched(&body, &wanted, &self.settings.rules);
        // Kept as a dead letter of this job: a delivery to replay it is not.
        if let Some(reason) = normalized.items.iter().find_map(|item| match item {
            Intake::Unparsed(reason) => Some(*reason),
            _ => None,
        }) {
            return Err(FetchError::Unreadable(reason));
        }
        let payload = Payload {
            channel,
            content_type: Some("application/json".to_owned()),
            body,
        };
        let origin = Origin {
            lossy: normalized.lossy,
            ..Origin::unsigned(&payload)
        };
        self.commit_items(origin, &normalized.items, None)
            .await
            .map_err(FetchError::Storage)
    }
}
