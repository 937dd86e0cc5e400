//! WhatsApp as a channel sender.

use async_trait::async_trait;
use feedback_core::{
    domain::{Channel, OutboundMessage},
    ports::{ChannelSender, PortError, PortErrorKind, ReadBack, Receipt},
};

use crate::{WhatsApp, mapping};

#[async_trait]
impl ChannelSender for WhatsApp {
    fn channel(&self) -> Channel {
        Channel::WhatsApp
    }

    #[tracing::instrument(name = "whatsapp.send", skip_all, fields(mode = message.route.sent_as()))]
    async fn send(&self, message: &OutboundMessage) -> Result<Receipt, PortError> {
        let outgoing = mapping::outgoing(message, "whatsapp.send")?;
        let provider_message_id = self.send_message(outgoing.phone_number_id, &outgoing.message).await?;
        // Meta does not say when; the first status report does.
        Ok(Receipt {
            provider_message_id,
            at: None,
        })
    }

    async fn read_back(&self, message: &OutboundMessage) -> Result<ReadBack, PortError> {
        if message.route.channel() != Channel::WhatsApp {
            return Err(PortError::new(PortErrorKind::Rejected, "whatsapp.read_back").with_code("foreign_route"));
        }
        Ok(ReadBack::Blind)
    }
}
