//! What does it cost to hide personal data in a message, beside the pass that most programs stop at: one regular
//! expression for email addresses and phone numbers?

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use feedback_benches::{
    compare::{self, compare, timed},
    messages::MESSAGES,
};
use feedback_core::logic::scrub::{KnownPeople, Scrubber};
use regex::Regex;

fn messages(c: &mut Criterion) {
    let (scrubber, nobody) = (Scrubber::new(), KnownPeople::new());
    let trivial = Regex::new(r"[\w.+-]+@[\w-]+\.[\w.-]+|\+?\(?\d[\d ().-]{7,}\d").expect("it is a constant");
    let mut next = (0..).map(|at: usize| MESSAGES[at % MESSAGES.len()]);
    let mut next_too = next.clone();
    // One message at a time: what a delivery has to wait for.
    let ours = timed(move || next.next().map(|text| scrubber.scrub(text, &nobody)));
    let rival = timed(move || {
        next_too
            .next()
            .map(|text| trivial.replace_all(text, "[HIDDEN]").into_owned())
    });
    compare(c, "scrub/message", Throughput::Elements(1), ours, ("one regex", rival));
}

criterion_group! {
    name = benches;
    config = compare::criterion();
    targets = messages
}
criterion_main!(benches);
