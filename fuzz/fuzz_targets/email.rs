//! Mails, as JSON and as they came.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[expect(dead_code, reason = "each target uses one of the checks")]
#[path = "../checks.rs"]
mod checks;

fuzz_target!(|data: &[u8]| checks::email(data));
