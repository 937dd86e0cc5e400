//! Whole journeys over the real host binary.

mod by_hand;
mod crash;
mod demo;
mod edge;
