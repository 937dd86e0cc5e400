//! What each provider's account is called and opened with.

use std::{fmt, time::Duration};

use super::Template;

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
    pub(super) fn demo() -> Self {
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
    pub(super) fn demo() -> Self {
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
    pub(super) fn demo() -> Self {
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
    pub(super) fn demo() -> Self {
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

impl OpenAiAccount {
    pub(super) fn demo() -> Self {
        Self {
            api_key: "sk-sandbox-demo".into(),
        }
    }
}

impl fmt::Debug for OpenAiAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenAiAccount").finish_non_exhaustive()
    }
}

/// The company's mailbox, and the function that forwards what it gets.
#[derive(Clone)]
pub struct EmailAccount {
    /// The secret that the function signs with.
    pub webhook_secret: String,
    /// Where people write to.
    pub address: String,
}

impl EmailAccount {
    pub(super) fn demo() -> Self {
        Self {
            webhook_secret: "email-sandbox-forwarding-secret".into(),
            address: "help@acme.example".into(),
        }
    }
}

debug_without_secrets!(EmailAccount { address });
