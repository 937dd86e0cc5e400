#![doc = include_str!("../README.md")]

mod checkup;
mod commit;
mod config;
mod connection;
mod custody;
mod erase;
mod error;
mod herald;
mod job_queue;
mod locks;
mod migrate;
mod move_target;
mod outbox;
#[cfg(feature = "pgvector")]
mod pgvector;
mod queries;
mod row;
mod storage;
mod store;
mod text;
mod writer;

#[cfg(test)]
mod plans;

#[cfg(feature = "pgvector")]
pub use self::pgvector::PgVector;
pub use self::{
    checkup::Checkup, config::PostgresConfig, error::OpenError, move_target::PostgresMove, store::Postgres,
};
