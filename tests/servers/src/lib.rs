#![doc = include_str!("../README.md")]
#![expect(
    clippy::disallowed_methods,
    reason = "the environment says which server the tests share"
)]

pub mod nats;
mod port;
pub mod postgres;
