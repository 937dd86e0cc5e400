#![doc = include_str!("../README.md")]

mod config;
mod error;
mod inbox;
mod job_queue;
mod link;
mod relay;

pub use self::{
    config::NatsConfig,
    error::{ConfigError, LinkError},
    job_queue::{Nats, Standing},
};
