//! Every route over the fakes: what callers get, and what is stored by then.

#![expect(clippy::unwrap_used, reason = "what does not unwrap is a failed test")]

mod attachments;
mod changelog;
mod description;
mod email;
mod groups;
mod headers;
mod notion;
mod operations;
mod people;
mod reporters;
mod slow_storage;
mod tickets;
mod webhooks;
mod wire;
mod world;
