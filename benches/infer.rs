//! What does it cost to read type, priority and language out of a message, with the reasons, beside the pass that it
//! replaces: forty keywords looked for in one go?

use aho_corasick::AhoCorasick;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use feedback_benches::{
    compare::{self, compare, timed},
    messages::MESSAGES,
};
use feedback_core::logic::infer::infer;

/// Each with the type and the priority that it votes for.
const KEYWORDS: [(&str, u8, u8); 40] = [
    ("urgente", 0, 1),
    ("urgent", 0, 1),
    ("p0", 0, 0),
    ("p1", 0, 1),
    ("caído", 0, 0),
    ("se cayó", 0, 0),
    ("down", 0, 0),
    ("outage", 0, 0),
    ("incident", 0, 1),
    ("nadie puede", 0, 0),
    ("nobody can", 0, 0),
    ("everyone", 0, 1),
    ("todas las", 0, 1),
    ("losing money", 0, 0),
    ("error", 1, 2),
    ("falla", 1, 2),
    ("fallo", 1, 2),
    ("bug", 1, 2),
    ("crash", 1, 2),
    ("se cierra", 1, 2),
    ("no funciona", 1, 2),
    ("does not work", 1, 2),
    ("broken", 1, 2),
    ("no puedo", 1, 2),
    ("cannot", 1, 2),
    ("slow", 1, 3),
    ("lento", 1, 3),
    ("wrong", 1, 3),
    ("estaría bueno", 2, 4),
    ("would like", 2, 4),
    ("feature", 2, 4),
    ("could you add", 2, 4),
    ("agregar", 2, 4),
    ("mejora", 2, 4),
    ("how do i", 3, 4),
    ("cómo", 3, 4),
    ("where", 3, 4),
    ("dónde", 3, 4),
    ("is there", 3, 4),
    ("?", 3, 4),
];

fn keywords_say(finder: &AhoCorasick, text: &str) -> (usize, u8) {
    let (mut votes, mut priority) = ([0; 4], 5);
    for hit in finder.find_iter(&text.to_lowercase()) {
        let (_, kind, level) = KEYWORDS[hit.pattern().as_usize()];
        votes[usize::from(kind)] += 1;
        priority = priority.min(level);
    }
    let kind = (0..votes.len()).max_by_key(|&kind| votes[kind]);
    (kind.unwrap_or_default(), priority)
}

fn messages(c: &mut Criterion) {
    let finder = AhoCorasick::new(KEYWORDS.map(|(word, ..)| word)).expect("they are constants");
    // The model is trained at the first use, once for a process.
    infer(MESSAGES[0]);
    let mut next = (0..).map(|at: usize| MESSAGES[at % MESSAGES.len()]);
    let mut next_too = next.clone();
    let ours = timed(move || next.next().map(infer));
    let rival = timed(move || next_too.next().map(|text| keywords_say(&finder, text)));
    compare(
        c,
        "infer/message",
        Throughput::Elements(1),
        ours,
        ("40 keywords", rival),
    );
}

criterion_group! {
    name = benches;
    config = compare::criterion();
    targets = messages
}
criterion_main!(benches);
