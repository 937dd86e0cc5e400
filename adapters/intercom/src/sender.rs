//! Intercom as a channel sender.

use std::time::Duration;

use async_trait::async_trait;
use feedback_core::{
    domain::{Channel, OutboundMessage, Route, Timestamp},
    ports::{ChannelSender, PortError, PortErrorKind, ReadBack, Receipt},
};

use crate::{
    Intercom,
    error::{Effect, unreadable},
    mapping,
};

/// How far before an attempt its comment is looked for: our clock and Intercom's may differ by minutes, and an equal text of
/// earlier must not be taken for this one.
const MARGIN: Duration = Duration::from_secs(300);

#[async_trait]
impl ChannelSender for Intercom {
    fn channel(&self) -> Channel {
        Channel::Intercom
    }

    #[tracing::instrument(name = "intercom.send", skip_all)]
    async fn send(&self, message: &OutboundMessage) -> Result<Receipt, PortError> {
        let id = conversation_of(message, "intercom.send")?;
        let text = message.approved.text();
        let refused = |code| PortError::new(PortErrorKind::Rejected, "intercom.send").with_code(code);
        if text.chars().count() > mapping::MAX_TEXT_CHARS {
            return Err(refused("body_too_long").with_reason("over 10,000 characters"));
        }
        if text.trim().is_empty() {
            return Err(refused("no_text"));
        }
        let conversation = self.reply(id, &mapping::html_of(text)).await?;
        // The answer is the whole conversation. Two comments at once are told apart by their words.
        mapping::find(conversation.parts(), self.admin_id(), text, Timestamp::UNIX_EPOCH)
            .or_else(|| mapping::newest(conversation.parts(), self.admin_id()))
            .and_then(|part| mapping::receipt(id, part))
            .ok_or_else(|| unreadable("intercom.send", Effect::Sends))
    }

    #[tracing::instrument(name = "intercom.read_back", skip_all)]
    async fn read_back(&self, message: &OutboundMessage) -> Result<ReadBack, PortError> {
        let id = conversation_of(message, "intercom.read_back")?;
        let conversation = self.conversation(id).await?;
        let earliest = message.started_at.minus(MARGIN);
        let found = mapping::find(conversation.parts(), self.admin_id(), message.approved.text(), earliest);
        Ok(found
            .and_then(|part| mapping::receipt(id, part))
            .map_or(ReadBack::Absent, ReadBack::Found))
    }
}

fn conversation_of<'a>(message: &'a OutboundMessage, operation: &'static str) -> Result<&'a str, PortError> {
    let refused = |code| PortError::new(PortErrorKind::Rejected, operation).with_code(code);
    match &message.route {
        Route::Intercom { conversation } if mapping::is_id(conversation) => Ok(conversation),
        Route::Intercom { .. } => Err(refused("invalid_conversation")),
        _ => Err(refused("foreign_route")),
    }
}
