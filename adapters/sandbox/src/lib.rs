#![doc = include_str!("../README.md")]

mod bearer;
mod clock;
mod config;
mod connection;
mod email;
mod faults;
mod files;
mod hub;
mod ids;
mod intercept;
mod intercom;
mod notion;
mod openai;
mod page;
mod people;
mod post;
mod provider;
mod sandbox;
mod shared;
mod simulator;
mod slack;
pub mod webhooks;
mod whatsapp;
mod world;

pub use config::{
    ChannelAccess, Echoes, EmailAccount, EmailScope, IntercomAccount, NotionAccount, OpenAiAccount, Patience, Ports,
    SandboxConfig, SlackAccount, SlackChannel, Template, TemplateStatus, WhatsAppAccount,
};
pub use email::{Email, Mail};
pub use faults::{Fault, Faults, Scope, ScriptedFault};
pub use files::SandboxFile;
pub use hub::Delivery;
pub use intercept::RecordedRequest;
pub use intercom::{
    Intercom, IntercomContact, IntercomConversation, IntercomPart, IntercomPartAuthor, IntercomPartKind,
};
pub use notion::{Notion, NotionPage, UnknownPage};
pub use openai::{OpenAi, ScriptedAnswer};
pub use people::Person;
pub use provider::{Provider, UnknownProvider};
pub use sandbox::{Inbound, Sandbox};
pub use simulator::{Report, ReportChannel, Simulator, SimulatorConfig, SimulatorTarget};
pub use slack::{Slack, SlackAnswer, SlackAuthor, SlackMessage, SlackStepEnd, SlackUser};
pub use webhooks::{SendError, SignedRequest, WebhookSecrets};
pub use whatsapp::{
    Receipts, WhatsApp, WhatsAppContent, WhatsAppInbound, WhatsAppMessage, WhatsAppState, WindowRefusal,
    canonical_wa_id,
};
