#![doc = include_str!("../README.md")]

mod blob_store;
mod config;
mod error;

pub use self::{
    blob_store::ObjectBlobs,
    config::{ConfigError, ObjectStoreConfig, S3Access},
};
