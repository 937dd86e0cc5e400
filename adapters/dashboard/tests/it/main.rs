//! The pages over a hub of fakes: who is let in, what is refused, and what a reviewer sees.

mod pages;
mod person;
mod sign_in;
mod valve;
mod writes;
