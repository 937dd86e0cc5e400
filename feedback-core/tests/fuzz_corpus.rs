//! Fuzzing on a stable compiler. Each target's corpus (every seed and every past crash) is replayed, and then changed at
//! random, from a fixed seed, for ten seconds. What a fuzzer with coverage finds beyond that is in `fuzz/`.

use std::{
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};

#[path = "../../fuzz/checks.rs"]
mod checks;

/// How long each target is fed changed inputs.
const TIME: Duration = Duration::from_secs(10);

/// Longer inputs are cut: time is better spent on many.
const MAX_BYTES: usize = 16 * 1024;

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../fuzz/corpus")
        .join(target);
    let entries = fs::read_dir(folder).expect("every target has a folder of seeds");
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.expect("the folder can be listed").path())
        .collect();
    // The order of a folder differs between machines; what is made of a seed must not.
    paths.sort();
    let seeds: Vec<Vec<u8>> = paths
        .iter()
        .map(|path| fs::read(path).expect("a seed can be read"))
        .collect();
    assert!(!seeds.is_empty(), "{target} has no seeds");
    seeds
}

fn run(target: &str, check: fn(&[u8])) {
    let seeds = corpus(target);
    seeds.iter().for_each(|seed| check(seed));
    let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
    let begun = Instant::now();
    let mut inputs = 0_u64;
    while begun.elapsed() < TIME {
        let input = changed(&seeds, &mut chance);
        if let Err(panic) = std::panic::catch_unwind(|| check(&input)) {
            eprintln!(
                "{target} fails on its input {inputs}: {}",
                String::from_utf8_lossy(&input)
            );
            std::panic::resume_unwind(panic);
        }
        inputs += 1;
    }
    // A check that hangs on an input would pass by the clock alone.
    assert!(inputs > 100, "{target} took {inputs} inputs only");
    println!("{target}: {inputs} inputs");
}

/// A generator that gives the same numbers on every machine (xorshift).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(limit.max(1)).unwrap_or(1)).unwrap_or(0)
    }

    fn of<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }
}

/// What parsers stumble over: brackets, escapes, broken Unicode, numbers at their limits, ends of things.
const PIECES: [&[u8]; 34] = [
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b"\\",
    b":",
    b",",
    b"null",
    b"true",
    b"-0",
    b"1e999",
    b"9223372036854775808",
    b"\\u0000",
    b"\\ud83d",
    b"\\udc00",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\xc0\xaf",
    b"\0",
    b"\r\n",
    b"\r\n\r\n",
    b"%00",
    b"%F0%9F",
    b"&",
    b"=",
    b"<@U1>",
    b"&amp;lt;",
    b"<p>",
    b"--b\r\n",
    b"=?utf-8?q?",
    "\u{202e}".as_bytes(),
    "\u{301}".as_bytes(),
    "👨‍👩‍👧".as_bytes(),
];

fn changed(seeds: &[Vec<u8>], chance: &mut Chance) -> Vec<u8> {
    let mut input = chance.of(seeds).clone();
    for _ in 0..=chance.below(6) {
        let (at, end) = range(&input, chance);
        match chance.below(9) {
            0 => {
                if let Some(byte) = input.get_mut(at) {
                    *byte ^= 1 << chance.below(8);
                }
            }
            1 => {
                input.drain(at..end);
            }
            2 => {
                let copied = input[at..end].to_vec();
                input.splice(at..at, copied);
            }
            3 | 4 => {
                let piece = chance.of(&PIECES).to_vec();
                input.splice(at..at, piece);
            }
            5 => {
                let piece = chance.of(&PIECES).to_vec();
                input.splice(at..end, piece);
            }
            6 => input.truncate(at),
            7 => {
                let piece = chance.of(&PIECES).repeat(1 + chance.below(300));
                input.splice(at..at, piece);
            }
            _ => {
                let other = chance.of(seeds);
                let (from, to) = range(other, chance);
                input.splice(at..end, other[from..to].to_vec());
            }
        }
        input.truncate(MAX_BYTES);
    }
    input
}

fn range(bytes: &[u8], chance: &mut Chance) -> (usize, usize) {
    let at = chance.below(bytes.len() + 1);
    let end = (at + chance.below(64)).min(bytes.len());
    (at, end)
}

#[test]
fn slack_holds() {
    run("slack", checks::slack);
}

#[test]
fn intercom_holds() {
    run("intercom", checks::intercom);
}

#[test]
fn whatsapp_holds() {
    run("whatsapp", checks::whatsapp);
}

#[test]
fn email_holds() {
    run("email", checks::email);
}

#[test]
fn signature_holds() {
    run("signature", checks::signature);
}

#[test]
fn cursor_holds() {
    run("cursor", checks::cursor);
}

#[test]
fn scrub_holds() {
    run("scrub", checks::scrub);
}
