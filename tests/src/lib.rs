#![doc = include_str!("../README.md")]

pub mod api;
pub mod browser;
pub mod host;
pub mod wait;
