#![doc = include_str!("../README.md")]

mod board;
mod client;
mod config;
mod content;
mod error;
mod mapping;
mod notes;
mod poll;
mod status;
mod text;
mod tracker;
mod wire;

pub use self::{
    config::{NotionConfig, PropertyNames},
    tracker::{Notion, NotionHealth},
};
pub use feedback_http_client::ConfigError;
