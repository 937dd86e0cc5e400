//! The pages over a hub of fakes: who is let in, what is refused, and what a reviewer sees.

#![expect(clippy::unwrap_used, reason = "what does not unwrap is a failed test")]

mod files;
mod lookalikes;
mod operations;
mod pages;
mod people;
mod person;
mod sign_in;
mod valve;
mod writes;
