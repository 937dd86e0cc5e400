//! The rules: pure functions from values to values. Nothing here awaits, reads a clock or knows a provider's client.

pub mod breaker;
pub mod file_name;
pub mod file_type;
pub mod identity;
pub mod infer;
pub mod language;
pub mod matching;
pub mod normalize;
pub mod opt_out;
pub mod reply;
pub mod retry;
pub mod scrub;
pub mod verify;
pub mod window;
