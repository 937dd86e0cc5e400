#![doc = include_str!("../README.md")]

mod client;
mod config;
mod error;
mod files;
mod mapping;
mod sender;
mod templates;
mod wire;

pub use feedback_http_client::ConfigError;

pub use self::{
    client::{PhoneNumber, WhatsApp},
    config::WhatsAppConfig,
};
