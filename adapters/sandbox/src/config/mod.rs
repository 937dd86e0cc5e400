//! What the stand-ins check requests against, and how they behave towards the hub.

use std::time::Duration;

use crate::{people::Person, webhooks::WebhookSecrets};

mod accounts;
mod template;

pub use accounts::{
    ChannelAccess, EmailAccount, EmailScope, IntercomAccount, NotionAccount, OpenAiAccount, SlackAccount, SlackChannel,
    WhatsAppAccount,
};
pub use template::{Template, TemplateStatus};

/// Everything a sandbox has to know before it starts. Begin with [`SandboxConfig::demo`] and change what differs.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SandboxConfig {
    /// Which loopback ports to listen on; 0 takes a free one.
    pub ports: Ports,
    /// The Slack app and its workspace.
    pub slack: SlackAccount,
    /// The Intercom workspace.
    pub intercom: IntercomAccount,
    /// The WhatsApp business number.
    pub whatsapp: WhatsAppAccount,
    /// The Notion workspace and its one data source.
    pub notion: NotionAccount,
    /// The AI provider's account.
    pub openai: OpenAiAccount,
    /// The company's mailbox.
    pub email: EmailAccount,
    /// Who exists on the other side: Slack users, Intercom contacts, WhatsApp numbers.
    pub people: Vec<Person>,
    /// How long a provider keeps trying when the hub does not answer.
    pub patience: Patience,
    /// Whether the hub hears of its own posts, as it does in the real world.
    pub echoes: Echoes,
}

impl SandboxConfig {
    /// Credentials that are public on purpose: they open nothing but this sandbox.
    pub fn demo() -> Self {
        Self {
            ports: Ports::default(),
            slack: SlackAccount::demo(),
            intercom: IntercomAccount::demo(),
            whatsapp: WhatsAppAccount::demo(),
            notion: NotionAccount::demo(),
            openai: OpenAiAccount::demo(),
            email: EmailAccount::demo(),
            people: Person::demo_people(),
            patience: Patience::Short,
            echoes: Echoes::On,
        }
    }

    /// The secrets that webhooks from this sandbox are signed with.
    pub fn secrets(&self) -> WebhookSecrets {
        WebhookSecrets {
            slack_signing_secret: self.slack.signing_secret.clone(),
            intercom_client_secret: self.intercom.client_secret.clone(),
            whatsapp_app_secret: self.whatsapp.app_secret.clone(),
            notion_verification_token: self.notion.verification_token.clone().unwrap_or_default(),
            email_secret: self.email.webhook_secret.clone(),
        }
    }
}

impl Default for SandboxConfig {
    fn default() -> Self {
        Self::demo()
    }
}

/// One loopback port for each provider, since most base URLs have no path to tell them apart. 0 takes a free port.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ports {
    /// Slack's Web API and response URLs.
    pub slack: u16,
    /// Intercom's REST API.
    pub intercom: u16,
    /// The Graph API.
    pub whatsapp: u16,
    /// Notion's API.
    pub notion: u16,
    /// The AI provider's API.
    pub openai: u16,
    /// The mail server.
    pub email: u16,
    /// The page for people, and the control routes.
    pub page: u16,
}

/// How long a provider keeps trying when a webhook is not answered with 2xx.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// The providers' number of attempts, with pauses cut down to fit a demo or a test.
    Short,
    /// The pauses that the providers really make: minutes and more.
    Real,
}

impl Patience {
    /// The pauses before each further attempt.
    pub(crate) fn pauses(self, provider: crate::Provider) -> Vec<Duration> {
        use crate::Provider::{Email, Intercom, Notion, OpenAi, Slack, WhatsApp};
        let millis: &[u64] = match (self, provider) {
            (Self::Short, Slack) => &[100, 1_000, 5_000],
            (Self::Real, Slack) => &[0, 60_000, 300_000],
            (Self::Short, _) => &[
                200, 400, 800, 1_500, 2_000, 3_000, 5_000, 5_000, 5_000, 5_000, 5_000, 5_000, 5_000, 5_000,
            ],
            (Self::Real, Intercom) => &[1_000, 10_000, 60_000, 300_000],
            (Self::Real, WhatsApp) => &[1_000, 5_000, 30_000, 120_000, 600_000, 1_800_000, 3_600_000, 7_200_000],
            (Self::Real, Notion | OpenAi | Email) => {
                &[60_000, 300_000, 900_000, 1_800_000, 3_600_000, 7_200_000, 14_400_000]
            }
        };
        millis.iter().copied().map(Duration::from_millis).collect()
    }
}

/// Whether a provider announces to the app what the app itself has just done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Echoes {
    /// Slack and Intercom send the app's own posts back to it, as the real ones do. The hub has to ignore them.
    On,
    /// Only what people do is announced.
    Off,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_shows_no_credential() {
        let config = SandboxConfig::demo();
        let shown = format!("{config:?}");
        let secrets = config.secrets();
        for secret in [
            &config.slack.bot_token,
            &config.intercom.access_token,
            &config.whatsapp.access_token,
            &config.whatsapp.verify_token,
            &config.notion.token,
            &config.openai.api_key,
            &secrets.slack_signing_secret,
            &secrets.intercom_client_secret,
            &secrets.whatsapp_app_secret,
            &secrets.notion_verification_token,
            &secrets.email_secret,
        ] {
            assert!(!shown.contains(secret.as_str()));
        }
    }
}
