//! Where a report came from and where an answer goes: the channel, the message's own id, and the thread.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A way in, and a way back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// Slack: messages, slash commands, forms.
    Slack,
    /// Intercom: conversations.
    Intercom,
    /// WhatsApp Business.
    #[serde(rename = "whatsapp")]
    WhatsApp,
    /// Email.
    Email,
    /// The company's own product.
    InApp,
    /// A colleague who writes a report down for somebody.
    Backoffice,
}

impl Channel {
    /// All channels, in the order in which pages show them.
    pub const ALL: [Self; 6] = [
        Self::Slack,
        Self::Intercom,
        Self::WhatsApp,
        Self::Email,
        Self::InApp,
        Self::Backoffice,
    ];

    /// The name in storage, in the API and in configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Slack => "slack",
            Self::Intercom => "intercom",
            Self::WhatsApp => "whatsapp",
            Self::Email => "email",
            Self::InApp => "in_app",
            Self::Backoffice => "backoffice",
        }
    }

    /// The name that people read.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Slack => "Slack",
            Self::Intercom => "Intercom",
            Self::WhatsApp => "WhatsApp",
            Self::Email => "Email",
            Self::InApp => "In-app",
            Self::Backoffice => "Backoffice",
        }
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The word names no channel.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown channel: expected slack, intercom, whatsapp, email, in_app or backoffice")]
pub struct UnknownChannel;

impl FromStr for Channel {
    type Err = UnknownChannel;

    fn from_str(text: &str) -> Result<Self, UnknownChannel> {
        Self::ALL
            .into_iter()
            .find(|channel| channel.as_str() == text)
            .ok_or(UnknownChannel)
    }
}

/// The provider's id of one inbound message. With its channel it is the key that makes a repeated delivery harmless.
///
/// Where the provider's id is unique only inside a workspace, the connection is part of it: Slack messages are
/// `team:channel:ts`, Intercom messages `conversation:part`. WhatsApp's `wamid…` and a command's `trigger_id` stand alone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ExternalId(String);

/// Longer ids are refused: no provider comes near, and an index entry must stay small.
pub const MAX_EXTERNAL_ID_BYTES: usize = 512;

/// An id that is empty, too long, or holds control characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("could not use id: empty, over {MAX_EXTERNAL_ID_BYTES} bytes, or with control characters")]
pub struct InvalidExternalId;

impl ExternalId {
    /// Takes an id as the provider sent it; it is opaque and never rewritten.
    pub fn parse(id: impl Into<String>) -> Result<Self, InvalidExternalId> {
        let id = id.into();
        if id.is_empty() || id.len() > MAX_EXTERNAL_ID_BYTES || id.chars().any(char::is_control) {
            return Err(InvalidExternalId);
        }
        Ok(Self(id))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ExternalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where in a channel a conversation lives: enough to answer in the same place. It holds no address of a person:
/// that is the identity's, sealed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "via", rename_all = "snake_case")]
pub enum ThreadRef {
    /// A Slack thread; without `thread_ts` (slash commands) the answer is a direct message to the identity.
    Slack {
        /// Workspace.
        team: String,
        /// Channel of the message.
        channel: String,
        /// The root message's `ts`, as text: its digits matter.
        thread_ts: Option<String>,
    },
    /// An Intercom conversation.
    Intercom {
        /// Workspace (`app_id`).
        app: String,
        /// Conversation id.
        conversation: String,
    },
    /// A chat with one of our WhatsApp numbers.
    #[serde(rename = "whatsapp")]
    WhatsApp {
        /// Our number's id.
        phone_number_id: String,
        /// The message to quote in the answer.
        quoted: Option<String>,
    },
    /// An email thread.
    Email {
        /// `Message-ID` of the message to answer, without brackets.
        message_id: Option<String>,
        /// Ids of the thread, oldest first.
        references: Vec<String>,
        /// Subject of the thread.
        subject: Option<String>,
    },
    /// The inbox inside the product.
    InApp,
    /// Nowhere: a colleague wrote it down, and tells the person themselves.
    Backoffice,
}

impl ThreadRef {
    /// The channel of the thread.
    pub const fn channel(&self) -> Channel {
        match self {
            Self::Slack { .. } => Channel::Slack,
            Self::Intercom { .. } => Channel::Intercom,
            Self::WhatsApp { .. } => Channel::WhatsApp,
            Self::Email { .. } => Channel::Email,
            Self::InApp => Channel::InApp,
            Self::Backoffice => Channel::Backoffice,
        }
    }

    /// The key under which follow-ups find the thread; `None` where messages of a channel do not name one
    /// (WhatsApp, in-app: the person and the time decide there).
    pub fn key(&self) -> Option<ThreadKey> {
        match self {
            Self::Slack {
                team,
                channel,
                thread_ts: Some(ts),
            } => Some(ThreadKey(format!("{team}:{channel}:{ts}"))),
            Self::Intercom { app, conversation } => Some(ThreadKey(format!("{app}:{conversation}"))),
            Self::Email {
                message_id, references, ..
            } => references
                .first()
                .or(message_id.as_ref())
                .map(|root| ThreadKey(root.clone())),
            Self::Slack { .. } | Self::WhatsApp { .. } | Self::InApp | Self::Backoffice => None,
        }
    }

    /// The connection that the thread belongs to (Slack team, Intercom app, WhatsApp number): ids of people are unique
    /// only inside it.
    pub fn connection(&self) -> &str {
        match self {
            Self::Slack { team, .. } => team,
            Self::Intercom { app, .. } => app,
            Self::WhatsApp { phone_number_id, .. } => phone_number_id,
            Self::Email { .. } | Self::InApp | Self::Backoffice => "",
        }
    }
}

/// What two messages of one thread have in common, within a channel.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ThreadKey(String);

impl ThreadKey {
    /// Wraps a key that storage kept.
    pub fn from_stored(key: String) -> Self {
        Self(key)
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What makes a repeat harmless: the same key never has two effects.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// Longest key that our own API takes.
    pub const MAX_BYTES: usize = 255;

    /// A key that the hub composes of its own ids.
    pub fn composed(parts: &[&str]) -> Self {
        Self(parts.join(":"))
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_channel_survives_its_name() {
        for channel in Channel::ALL {
            assert_eq!(channel.as_str().parse(), Ok(channel));
            assert_eq!(serde_json::to_value(channel).unwrap(), channel.as_str());
        }
        assert_eq!("fax".parse::<Channel>(), Err(UnknownChannel));
    }

    #[test]
    fn ids_that_no_provider_sends_are_refused() {
        assert!(ExternalId::parse("").is_err());
        assert!(ExternalId::parse("a\u{0}b").is_err());
        assert!(ExternalId::parse("x".repeat(MAX_EXTERNAL_ID_BYTES + 1)).is_err());
        assert_eq!(ExternalId::parse("wamid.HBgN=").unwrap().as_str(), "wamid.HBgN=");
    }

    #[test]
    fn a_slash_command_has_no_thread_key_and_a_slack_ts_keeps_its_digits() {
        let thread = |ts: Option<&str>| ThreadRef::Slack {
            team: "T0".into(),
            channel: "C0".into(),
            thread_ts: ts.map(Into::into),
        };
        assert_eq!(thread(None).key(), None);
        assert_eq!(
            thread(Some("1700000000.000100")).key().unwrap().as_str(),
            "T0:C0:1700000000.000100"
        );
    }
}
