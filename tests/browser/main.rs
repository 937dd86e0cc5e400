//! The reviewers' pages as a person uses them: a real browser before the real host.

mod accessibility;
mod keyboard;
mod reviewer;
mod session;
mod valve;
