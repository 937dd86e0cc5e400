#![doc = include_str!("../README.md")]

mod config;
mod dialogue;
mod error;
mod message;
mod sender;

pub use self::{
    config::{ConfigError, EmailConfig},
    sender::Email,
};
