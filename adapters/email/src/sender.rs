//! Email as a channel sender.

use std::fmt;

use async_trait::async_trait;
use feedback_core::{
    domain::{Channel, OutboundMessage},
    ports::{ChannelSender, PortError, PortErrorKind, ReadBack, Receipt},
};

use crate::{ConfigError, EmailConfig, config::Server, dialogue, message};

/// Mail, through one server and one sender's address.
pub struct Email {
    server: Server,
}

impl Email {
    /// Checks the configuration. No I/O.
    ///
    /// # Errors
    /// [`ConfigError`] for an address, sender or time limit that cannot be used.
    pub fn new(config: EmailConfig) -> Result<Self, ConfigError> {
        Server::check(config).map(|server| Self { server })
    }

    /// The domain of the `Message-ID`s that are made here: mail that bears one is the hub's own.
    pub fn message_id_domain(&self) -> String {
        message::id_domain(self.server.from.email.domain())
    }

    /// The address that the mails are from.
    pub fn address(&self) -> String {
        self.server.from.email.to_string()
    }

    /// Connects and signs in: the first thing to try when a connection is checked.
    ///
    /// # Errors
    /// `NotSent` where the server cannot be reached or speaks no TLS that we trust; `Unauthorized` where it does not let us in.
    #[tracing::instrument(name = "email.check", skip_all)]
    pub async fn check(&self) -> Result<(), PortError> {
        dialogue::greet(&self.server).await
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Email")
            .field("host", &self.server.host)
            .field("port", &self.server.port)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl ChannelSender for Email {
    fn channel(&self) -> Channel {
        Channel::Email
    }

    #[tracing::instrument(name = "email.send", skip_all)]
    async fn send(&self, message: &OutboundMessage) -> Result<Receipt, PortError> {
        let outgoing = message::outgoing(&self.server, message)?;
        dialogue::deliver(&self.server, &outgoing.mail).await?;
        // The server's answer names its own queue's id at best; the mail is known by the id that it carries.
        Ok(Receipt {
            provider_message_id: outgoing.message_id,
            at: None,
        })
    }

    async fn read_back(&self, message: &OutboundMessage) -> Result<ReadBack, PortError> {
        if message.route.channel() != Channel::Email {
            return Err(PortError::new(PortErrorKind::Rejected, "email.read_back").with_code("foreign_route"));
        }
        Ok(ReadBack::Blind)
    }
}
