//! Every route over the fakes: what callers get, and what is stored by then.

mod changelog;
mod description;
mod headers;
mod operations;
mod slow_storage;
mod tickets;
mod webhooks;
mod world;
