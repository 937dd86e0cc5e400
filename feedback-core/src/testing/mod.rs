//! How to test an adapter (the conformance suites of its ports) and a host (fakes with the real contract).

mod clock;
pub mod conformance;
pub mod fixtures;
pub mod hub;
mod ids;
pub mod memory;
pub mod model;
pub mod outbound;

pub use self::{clock::FixedClock, ids::SeededIds};

/// The examples of the page for authors of adapters, as doc tests.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/WRITING-AN-ADAPTER.md")]
mod writing_an_adapter {}
