//! Whether the time of a signature check says anything about the signature: Welch's t between two classes of requests that
//! differ in one thing only, by the method of *dudect*. Over some millions of samples |t| stays under 5; a comparison that
//! stops at the first difference passes 100 within seconds.
//!
//! Run by hand on a quiet machine, until `n` is above 10 million:
//! `cargo bench -p feedback-benches --bench constant_time -- --continuous first_or_last_byte`.

use std::hint::black_box;

use bytes::Bytes;
use dudect_bencher::{BenchRng, Class, CtRunner, ctbench_main, rand::RngExt};
use feedback_core::{
    domain::Channel,
    logic::verify::{Payload, whatsapp},
};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::SecretString;
use sha2::Sha256;

const BODY: &[u8] = br#"{"object":"whatsapp_business_account","entry":[]}"#;
const SAMPLES: usize = 100_000;

fn secrets() -> Vec<SecretString> {
    vec!["the-current-app-secret".into(), "the-previous-app-secret".into()]
}

fn code() -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(b"the-current-app-secret").expect("HMAC takes keys of any length");
    mac.update(BODY);
    mac.finalize().into_bytes().into()
}

fn header(code: [u8; 32]) -> Vec<u8> {
    format!("sha256={}", hex::encode(code)).into_bytes()
}

fn measure(runner: &mut CtRunner, rng: &mut BenchRng, secrets: [&[SecretString]; 2], headers: [Vec<u8>; 2]) {
    let payload = Payload {
        channel: Channel::WhatsApp,
        content_type: None,
        body: Bytes::from_static(BODY),
    };
    let classes: Vec<bool> = (0..SAMPLES).map(|_| rng.random()).collect();
    for is_right in classes {
        let (class, at) = if is_right { (Class::Right, 1) } else { (Class::Left, 0) };
        let header: &[u8] = &headers[at];
        runner.run_one(class, || {
            black_box(whatsapp::verify(secrets[at], &[black_box(header)], payload.clone()).is_ok())
        });
    }
}

/// A code that differs in its first byte, and one that differs in its last.
fn first_or_last_byte(runner: &mut CtRunner, rng: &mut BenchRng) {
    let (mut first, mut last) = (code(), code());
    first[0] ^= 1;
    last[31] ^= 1;
    let secrets = secrets();
    measure(runner, rng, [&secrets, &secrets], [header(first), header(last)]);
}

/// A code of nobody, and one that differs from ours in one bit: what a forger knows of the secret shows nowhere.
fn unknown_or_near(runner: &mut CtRunner, rng: &mut BenchRng) {
    let mut near = code();
    near[16] ^= 1;
    let secrets = secrets();
    measure(runner, rng, [&secrets, &secrets], [header([0x5a; 32]), header(near)]);
}

ctbench_main!(first_or_last_byte, unknown_or_near);
