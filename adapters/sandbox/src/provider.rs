//! The outside services that have a stand-in here.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// An outside service that this crate plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Provider {
    /// Slack's Web API and Events API.
    Slack,
    /// Intercom's REST API and webhooks.
    Intercom,
    /// Meta's Graph API for WhatsApp, and its webhooks.
    WhatsApp,
    /// Notion's API and webhooks.
    Notion,
    /// OpenAI's API, or whoever speaks it.
    OpenAi,
    /// A mail server, and the function that forwards mail to the hub.
    Email,
}

impl Provider {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Slack,
        Self::Intercom,
        Self::WhatsApp,
        Self::Notion,
        Self::OpenAi,
        Self::Email,
    ];

    /// The name in paths and on the page's control routes.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Slack => "slack",
            Self::Intercom => "intercom",
            Self::WhatsApp => "whatsapp",
            Self::Notion => "notion",
            Self::OpenAi => "openai",
            Self::Email => "email",
        }
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The name is none of the providers'.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownProvider;

impl fmt::Display for UnknownProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no such provider: expected slack, intercom, whatsapp, notion, openai or email")
    }
}

impl std::error::Error for UnknownProvider {}

impl FromStr for Provider {
    type Err = UnknownProvider;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|provider| provider.as_str() == name)
            .ok_or(UnknownProvider)
    }
}
