//! Slack as conversations: single messages by their id, and threads that begin with a receipt.

use async_trait::async_trait;
use bytes::Bytes;
use feedback_core::{
    domain::{Channel, ExternalId, ThreadRef},
    logic::normalize::WantedForm,
    ports::{Conversations, PortError, PortErrorKind, StepEnd, ThreadOpening},
};
use feedback_http_client::Deadline;
use secrecy::ExposeSecret;

use crate::{
    Slack,
    client::Place,
    mapping,
    sender::{MARGIN, MAX_PAGES},
    wire::{Metadata, PostMessage, RECEIPT_TYPE, ReceiptPayload},
};

const MESSAGE: &str = "slack.message";
const OPEN_THREAD: &str = "slack.open_thread";

#[async_trait]
impl Conversations for Slack {
    fn channel(&self) -> Channel {
        Channel::Slack
    }

    #[tracing::instrument(name = "slack.message", skip_all)]
    async fn message(&self, id: &ExternalId) -> Result<Option<Bytes>, PortError> {
        let Some((channel, ts)) = parts_of(id) else {
            return Ok(None);
        };
        let found = match self.message_at(channel, ts, self.deadline()).await {
            Ok(found) => found,
            // Gone, or in a channel that our app is not in: either way there is nothing that we may read.
            Err(error) if is_out_of_sight(&error) => return Ok(None),
            Err(error) => return Err(error),
        };
        let Some(found) = found else { return Ok(None) };
        let body = serde_json::to_vec(&found)
            .map_err(|error| PortError::new(PortErrorKind::Unavailable, MESSAGE).with_source(error))?;
        Ok(Some(Bytes::from(body)))
    }

    #[tracing::instrument(name = "slack.open_thread", skip_all)]
    async fn open_thread(&self, opening: &ThreadOpening) -> Result<ThreadRef, PortError> {
        let ThreadRef::Slack { team, channel, .. } = &opening.place else {
            return Err(PortError::new(PortErrorKind::Rejected, OPEN_THREAD).with_code("foreign_place"));
        };
        let deadline = self.deadline();
        let thread = |channel: String, ts: String| ThreadRef::Slack {
            team: team.clone(),
            channel,
            thread_ts: Some(ts),
        };
        // A person's id in place of a channel's, as a form without a channel has it, means their direct messages.
        if mapping::is_id(channel) && !mapping::is_user(channel) {
            match self.receipt_in(channel, opening, deadline).await {
                Ok(ts) => return Ok(thread(channel.clone(), ts)),
                Err(error) if takes_no_message(&error) => {}
                Err(error) => return Err(error),
            }
        }
        let person = opening.person.expose_secret();
        if !mapping::is_id(person) {
            return Err(PortError::new(PortErrorKind::Rejected, OPEN_THREAD).with_code("invalid_user"));
        }
        let direct = self.open_direct(OPEN_THREAD, person, deadline).await?;
        let ts = self.receipt_in(&direct, opening, deadline).await?;
        Ok(thread(direct, ts))
    }

    #[tracing::instrument(name = "slack.open_form", skip_all)]
    async fn open_form(&self, form: &WantedForm) -> Result<(), PortError> {
        self.show_form(form).await
    }

    #[tracing::instrument(name = "slack.end_step", skip_all)]
    async fn end_step(&self, execution: &ExternalId, end: &StepEnd) -> Result<(), PortError> {
        match self.complete_function(execution.as_str(), end).await {
            // Ended by an earlier try of ours or by a person, or its workflow is gone: there is nobody left to tell.
            Err(error) if is_over(&error) => Ok(()),
            // Slack's word on this run, not on our token.
            Err(error) if error.code() == Some("access_denied") => {
                Err(PortError::new(PortErrorKind::Rejected, "slack.end_step").with_code("access_denied"))
            }
            other => other,
        }
    }
}

impl Slack {
    /// The `ts` of the receipt in a channel: the one that an earlier try posted, else a new one.
    async fn receipt_in(
        &self,
        channel: &str,
        opening: &ThreadOpening,
        deadline: Deadline,
    ) -> Result<String, PortError> {
        if let Some(ts) = self.receipt_posted(channel, opening, deadline).await? {
            return Ok(ts);
        }
        let text = mapping::escaped(&opening.receipt);
        let metadata = Metadata {
            event_type: RECEIPT_TYPE,
            event_payload: ReceiptPayload {
                receipt: &opening.marker,
            },
        };
        let posted = self
            .post_message_within(
                OPEN_THREAD,
                &PostMessage::plain(channel, None, &text, metadata),
                deadline,
            )
            .await?;
        Ok(posted.ts)
    }

    async fn receipt_posted(
        &self,
        channel: &str,
        opening: &ThreadOpening,
        deadline: Deadline,
    ) -> Result<Option<String>, PortError> {
        let oldest = opening.since.minus(MARGIN);
        let mut cursor: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let page = self
                .messages(
                    OPEN_THREAD,
                    Place::Channel(channel),
                    oldest,
                    cursor.as_deref(),
                    deadline,
                )
                .await?;
            if let Some(ts) = mapping::find_receipt(&page.messages, &opening.marker) {
                return Ok(Some(ts.to_owned()));
            }
            match page.next_cursor() {
                Some(next) => cursor = Some(next.to_owned()),
                None => return Ok(None),
            }
        }
        // "None" would be a guess, and the receipt would be posted again.
        Err(PortError::new(PortErrorKind::Unavailable, OPEN_THREAD).with_code("too_many_messages"))
    }
}

/// Channel and `ts` of a message; our client speaks for one workspace, which is the first part.
fn parts_of(id: &ExternalId) -> Option<(&str, &str)> {
    let mut parts = id.as_str().split(':');
    let (team, channel, ts) = (parts.next()?, parts.next()?, parts.next()?);
    let is_whole = parts.next().is_none() && mapping::is_id(team) && mapping::is_id(channel) && mapping::is_ts(ts);
    is_whole.then_some((channel, ts))
}

fn is_out_of_sight(error: &PortError) -> bool {
    matches!(
        error.code(),
        Some("channel_not_found" | "not_in_channel" | "thread_not_found" | "message_not_found")
    )
}

fn is_over(error: &PortError) -> bool {
    matches!(
        error.code(),
        Some("execution_not_in_running_state" | "function_execution_not_found")
    )
}

/// Whether a place takes no message of ours and never will: then the person's direct messages do.
fn takes_no_message(error: &PortError) -> bool {
    let code = error.code().unwrap_or_default();
    matches!(
        code,
        "not_in_channel" | "channel_not_found" | "is_archived" | "cannot_reply_to_message"
    ) || code.starts_with("restricted_action")
}
