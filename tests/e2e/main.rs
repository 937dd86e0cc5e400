//! Whole journeys over the real host binary.

mod attachments;
mod by_hand;
mod crash;
mod demo;
mod edge;
mod last_mile;
