#![doc = include_str!("../README.md")]

mod blind_index;
mod key_ring;
mod seal;
mod vault;

pub use self::{
    key_ring::{InvalidKeyRing, KeyRing},
    vault::RingVault,
};
