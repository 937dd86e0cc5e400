#![doc = include_str!("../README.md")]

pub mod api;
mod auth;
mod clock_skew;
mod guard;
mod limits;
mod problem;
pub mod webhooks;

pub use self::{api::health, clock_skew::ClockSkew, limits::InFlight};
