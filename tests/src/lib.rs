#![doc = include_str!("../README.md")]

pub mod api;
pub mod browser;
pub mod host;
pub mod proxy;
pub mod strace;
pub mod wait;

/// The examples of the pages that a reader begins with, as doc tests.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../../README.md")]
    mod readme {}

    #[doc = include_str!("../../docs/EMBEDDING.md")]
    mod embedding {}
}
