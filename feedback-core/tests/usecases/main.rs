//! The use cases over fakes: whole journeys on a clock that stands still.

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
