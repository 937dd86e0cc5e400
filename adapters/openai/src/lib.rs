#![doc = include_str!("../README.md")]

mod changelog_writer;
mod clean;
mod client;
mod config;
mod embedder;
mod error;
mod mapping;
mod prompt;
mod triage;
mod wire;

pub use feedback_http_client::ConfigError;

pub use self::{client::OpenAi, config::OpenAiConfig};
