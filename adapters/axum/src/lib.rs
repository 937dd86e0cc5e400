#![doc = include_str!("../README.md")]

pub mod api;
mod auth;
mod guard;
mod limits;
mod problem;
pub mod webhooks;

pub use self::{api::health, limits::InFlight};
