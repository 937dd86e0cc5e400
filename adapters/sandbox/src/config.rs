//! What the stand-ins check requests against, and how they behave towards the hub.

use std::{fmt, time::Duration};

use crate::{people::Person, webhooks::WebhookSecrets};

/// Prints what identifies an account and keeps its credentials out of logs.
macro_rules! debug_without_secrets {
    ($name:ident { $($field:ident),+ }) => {
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name))$(.field(stringify!($field), &self.$field))+.finish_non_exhaustive()
            }
        }
    };
}

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
            openai: OpenAiAccount {
                api_key: "sk-sandbox-demo".into(),
            },
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
        use crate::Provider::{Intercom, Notion, OpenAi, Slack, WhatsApp};
        let millis: &[u64] = match (self, provider) {
            (Self::Short, Slack) => &[100, 1_000, 5_000],
            (Self::Real, Slack) => &[0, 60_000, 300_000],
            (Self::Short, _) => &[
                200, 400, 800, 1_500, 2_000, 3_000, 5_000, 5_000, 5_000, 5_000, 5_000, 5_000, 5_000, 5_000,
            ],
            (Self::Real, Intercom) => &[1_000, 10_000, 60_000, 300_000],
            (Self::Real, WhatsApp) => &[1_000, 5_000, 30_000, 120_000, 600_000, 1_800_000, 3_600_000, 7_200_000],
            (Self::Real, Notion | OpenAi) => &[60_000, 300_000, 900_000, 1_800_000, 3_600_000, 7_200_000, 14_400_000],
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

/// A Slack app, installed in one workspace.
#[derive(Clone)]
pub struct SlackAccount {
    /// `xoxb-…`, which the Web API asks for.
    pub bot_token: String,
    /// Signs everything that Slack posts to the app.
    pub signing_secret: String,
    /// The workspace.
    pub team_id: String,
    /// The app.
    pub app_id: String,
    /// The app's user in the workspace.
    pub bot_user_id: String,
    /// The app's bot identity.
    pub bot_id: String,
    /// Whether the app may see email addresses (`users:read.email`).
    pub email_scope: EmailScope,
    /// The channels that exist.
    pub channels: Vec<SlackChannel>,
}

/// Whether the Slack app was granted `users:read.email`. Without it the key is absent, without an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmailScope {
    /// `profile.email` is there.
    Granted,
    /// `profile.email` is absent and `users.lookupByEmail` answers `missing_scope`.
    Missing,
}

/// A Slack channel, and what the app is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlackChannel {
    /// `C…`.
    pub id: String,
    /// Without the `#`.
    pub name: String,
    /// Whether the app may read and write here.
    pub access: ChannelAccess,
}

impl SlackChannel {
    /// A public channel that the app was added to.
    pub fn joined(id: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            name: name.into(),
            access: ChannelAccess::Member,
        }
    }
}

/// What the app is in a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChannelAccess {
    /// It was added: everything works.
    Member,
    /// It was not: `not_in_channel`.
    NotMember,
    /// The channel is archived: `is_archived`.
    Archived,
}

impl SlackAccount {
    fn demo() -> Self {
        Self {
            bot_token: "xoxb-sandbox-demo".into(),
            signing_secret: "sandbox-slack-signing-secret".into(),
            team_id: "T0SANDBOX".into(),
            app_id: "A0FEEDBACK".into(),
            bot_user_id: "U0FEEDBACKBOT".into(),
            bot_id: "B0FEEDBACK".into(),
            email_scope: EmailScope::Granted,
            channels: vec![
                SlackChannel::joined("C0SUPPORT", "soporte"),
                SlackChannel::joined("C0PRODUCT", "product-feedback"),
                SlackChannel {
                    id: "C0PRIVATE".into(),
                    name: "finance".into(),
                    access: ChannelAccess::NotMember,
                },
                SlackChannel {
                    id: "C0ARCHIVE".into(),
                    name: "old-support".into(),
                    access: ChannelAccess::Archived,
                },
            ],
        }
    }
}

debug_without_secrets!(SlackAccount {
    team_id,
    app_id,
    bot_user_id,
    bot_id,
    email_scope,
    channels
});

/// An Intercom workspace and the teammate that the hub answers as.
#[derive(Clone)]
pub struct IntercomAccount {
    /// The bearer token.
    pub access_token: String,
    /// Signs webhooks.
    pub client_secret: String,
    /// The workspace, `app_id` in webhooks.
    pub app_id: String,
    /// The teammate whose id replies must name.
    pub admin_id: String,
    /// That teammate's name.
    pub admin_name: String,
}

impl IntercomAccount {
    fn demo() -> Self {
        Self {
            access_token: "intercom-sandbox-token".into(),
            client_secret: "sandbox-intercom-client-secret".into(),
            app_id: "wksandbox".into(),
            admin_id: "814860".into(),
            admin_name: "Equipo de soporte".into(),
        }
    }
}

debug_without_secrets!(IntercomAccount {
    app_id,
    admin_id,
    admin_name
});

/// A WhatsApp business number.
#[derive(Clone)]
pub struct WhatsAppAccount {
    /// The system user's bearer token.
    pub access_token: String,
    /// Signs webhooks.
    pub app_secret: String,
    /// What the hub must repeat in the subscription handshake.
    pub verify_token: String,
    /// The business account, `entry[].id` in webhooks.
    pub business_account_id: String,
    /// The number's id, which is part of the path.
    pub phone_number_id: String,
    /// The number that people see.
    pub display_phone_number: String,
    /// The templates that exist.
    pub templates: Vec<Template>,
    /// The pause before each status of an accepted message.
    pub status_pause: Duration,
}

/// The template that the demo's account has approved in each language.
const DEMO_TEMPLATE: &str = "feedback_update";

impl WhatsAppAccount {
    fn demo() -> Self {
        let texts = [
            ("es", "Hola, tenemos novedades sobre lo que nos contaste: {{1}}"),
            ("es_AR", "Hola, tenemos novedades sobre lo que nos contaste: {{1}}"),
            ("es_ES", "Hola, tenemos novedades sobre lo que nos contaste: {{1}}"),
            ("es_MX", "Hola, tenemos novedades sobre lo que nos contaste: {{1}}"),
            ("en", "Hello, there is news on what you told us: {{1}}"),
            ("en_US", "Hello, there is news on what you told us: {{1}}"),
        ];
        Self {
            access_token: "EAA-sandbox-demo".into(),
            app_secret: "sandbox-meta-app-secret".into(),
            verify_token: "sandbox-verify-token".into(),
            business_account_id: "102290129340398".into(),
            phone_number_id: "106540352242922".into(),
            display_phone_number: "15550100000".into(),
            templates: texts
                .iter()
                .map(|(language, text)| Template::approved(DEMO_TEMPLATE, *language, *text))
                .collect(),
            status_pause: Duration::from_millis(150),
        }
    }
}

debug_without_secrets!(WhatsAppAccount {
    business_account_id,
    phone_number_id,
    display_phone_number,
    templates
});

/// A message template as Meta reviews it: a name in one language, with numbered gaps in its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// Exact, case and all.
    pub name: String,
    /// Exact: `es` is not `es_MX`.
    pub language: String,
    /// The body with `{{1}}`, `{{2}}`, … for its parameters.
    pub body: String,
    /// Whether it may be used.
    pub status: TemplateStatus,
}

impl Template {
    /// An approved template.
    pub fn approved(name: impl Into<String>, language: impl Into<String>, body: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            language: language.into(),
            body: body.into(),
            status: TemplateStatus::Approved,
        }
    }

    /// How many parameters the body takes: the highest gap number.
    pub fn parameters(&self) -> usize {
        let mut highest = 0;
        while self.body.contains(&format!("{{{{{}}}}}", highest + 1)) {
            highest += 1;
        }
        highest
    }

    /// The text that a person reads.
    pub(crate) fn fill(&self, parameters: &[String]) -> String {
        parameters
            .iter()
            .enumerate()
            .fold(self.body.clone(), |text, (index, value)| {
                text.replace(&format!("{{{{{}}}}}", index + 1), value)
            })
    }
}

/// What Meta thinks of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TemplateStatus {
    /// It may be used.
    Approved,
    /// Still under review: as if it did not exist.
    Pending,
    /// Paused for low quality: 132015.
    Paused,
    /// Disabled for good: 132016.
    Disabled,
}

/// A Notion workspace with one database of one data source.
#[derive(Clone)]
pub struct NotionAccount {
    /// The integration's bearer token.
    pub token: String,
    /// The data source that tickets live in.
    pub data_source_id: String,
    /// The database around it, whose id people copy from the address bar.
    pub database_id: String,
    /// Signs the webhooks that announce edits; `None` sends none.
    pub verification_token: Option<String>,
}

impl NotionAccount {
    fn demo() -> Self {
        Self {
            token: "ntn_sandbox_demo".into(),
            data_source_id: "22222222-2222-4222-8222-222222222222".into(),
            database_id: "33333333-3333-4333-8333-333333333333".into(),
            verification_token: Some("secret_sandbox_notion".into()),
        }
    }
}

debug_without_secrets!(NotionAccount {
    data_source_id,
    database_id
});

/// An account with the AI provider.
#[derive(Clone)]
pub struct OpenAiAccount {
    /// The bearer token.
    pub api_key: String,
}

impl fmt::Debug for OpenAiAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenAiAccount").finish_non_exhaustive()
    }
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
        ] {
            assert!(!shown.contains(secret.as_str()));
        }
    }

    #[test]
    fn a_template_counts_and_fills_its_gaps() {
        let template = Template::approved("t", "en", "Ticket {{1}} is {{2}}");
        assert_eq!(template.parameters(), 2);
        assert_eq!(template.fill(&["#7".into(), "done".into()]), "Ticket #7 is done");
    }
}
