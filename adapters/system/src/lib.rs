#![doc = include_str!("../README.md")]

mod clock;
mod erasure_log;
mod ids;

pub use self::{clock::SystemClock, erasure_log::FileErasureLog, ids::RandomIds};
