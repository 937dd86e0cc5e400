#![doc = include_str!("../README.md")]

mod clock;
mod ids;

pub use self::{clock::SystemClock, ids::RandomIds};
