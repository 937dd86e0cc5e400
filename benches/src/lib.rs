#![doc = include_str!("../README.md")]

pub mod compare;
pub mod deliveries;
pub mod messages;
pub mod store;
