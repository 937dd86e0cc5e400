#![doc = include_str!("../README.md")]

mod client;
mod config;
mod conversations;
mod directory;
mod error;
mod files;
mod form;
mod mapping;
mod sender;
mod wire;

pub use feedback_http_client::ConfigError;

pub use self::{
    client::{Slack, SlackIdentity},
    config::SlackConfig,
};
