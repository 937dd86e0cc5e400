#![doc = include_str!("../README.md")]

mod commit;
mod config;
mod connection;
mod custody;
mod error;
mod instance_lock;
mod job_queue;
mod migrate;
mod move_source;
mod outbox;
mod queries;
mod row;
mod storage;
mod store;

#[cfg(test)]
mod plans;

pub use self::{config::SqliteConfig, error::OpenError, store::Sqlite};
