//! How to test an adapter (the conformance suites of its ports) and a host (fakes with the real contract).

mod clock;
pub mod conformance;
pub mod fixtures;
pub mod hub;
mod ids;
pub mod memory;
pub mod outbound;

pub use self::{clock::FixedClock, ids::SeededIds};
