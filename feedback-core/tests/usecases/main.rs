//! The use cases over fakes: whole journeys on a clock that stands still.
#![expect(clippy::unwrap_used, reason = "what a test arranges is there, or the test is wrong")]

mod batches;
mod board;
mod deliver;
mod drafts;
mod intake;
mod journey;
mod payloads;
mod races;
mod review;
mod rig;
mod sync;
