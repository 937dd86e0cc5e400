//! The use cases over fakes: whole journeys on a clock that stands still.
#![expect(clippy::unwrap_used, reason = "what a test arranges is there, or the test is wrong")]

mod answers;
mod attachments;
mod batches;
mod board;
mod conversations;
mod deliver;
mod drafts;
mod duplicates;
mod intake;
mod journey;
mod outages;
mod overtaken;
mod payloads;
mod people;
mod privacy;
mod races;
mod receipts;
mod restore;
mod review;
mod rig;
mod seal;
mod sync;
mod templates;
mod valve;
mod workflow_steps;
