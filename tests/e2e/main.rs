//! Whole journeys over the real host binary.

mod attachments;
mod by_hand;
mod canary;
mod crash;
mod decodings;
mod demo;
mod doctor;
mod edge;
mod embedders;
mod keys;
mod last_mile;
mod machine;
mod move_store;
mod peers;
mod restore;
mod rights;
