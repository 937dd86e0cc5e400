//! The use cases over fakes: whole journeys on a clock that stands still.

mod deliver;
mod intake;
mod journey;
mod payloads;
mod review;
mod sync;
