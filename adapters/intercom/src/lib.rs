#![doc = include_str!("../README.md")]

mod client;
mod config;
mod directory;
mod error;
mod files;
mod mapping;
mod sender;
mod wire;

pub use feedback_http_client::ConfigError;

pub use self::{
    client::{Intercom, IntercomIdentity},
    config::{IntercomConfig, IntercomRegion},
};
