#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "encoder")]
mod encoder;
mod reader;
mod words;

#[cfg(feature = "encoder")]
#[cfg_attr(docsrs, doc(cfg(feature = "encoder")))]
pub use encoder::Encoder;
pub use reader::UnusableWeights;
pub use words::WordTable;
