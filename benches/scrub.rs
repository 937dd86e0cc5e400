//! What does it cost to hide personal data in a message, beside the pass that most programs stop at (one regular
//! expression for email addresses and phone numbers), and beside two other scrubbers? And what do they all find?

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use datafog_core::{ScanAndTransformConfig, TransformationConfig, TransformationStrategy, scan_and_transform};
use feedback_benches::{
    compare::{self, compare, timed},
    messages::MESSAGES,
};
use feedback_core::logic::scrub::{KnownPeople, Scrubber};
use leakguard::Redactor;
use regex::Regex;

/// Messages without end, one at a time: what a delivery has to wait for.
fn endless() -> impl Iterator<Item = &'static str> {
    MESSAGES.iter().copied().cycle()
}

fn messages(c: &mut Criterion) {
    let nobody = KnownPeople::new();
    let ours = || {
        let (scrubber, nobody, mut next) = (Scrubber::new(), nobody.clone(), endless());
        timed(move || next.next().map(|text| scrubber.scrub(text, &nobody)))
    };
    let trivial = Regex::new(r"[\w.+-]+@[\w-]+\.[\w.-]+|\+?\(?\d[\d ().-]{7,}\d").expect("it is a constant");
    let mut next = endless();
    let rival = timed(move || {
        next.next()
            .map(|text| trivial.replace_all(text, "[HIDDEN]").into_owned())
    });
    compare(
        c,
        "scrub/message",
        Throughput::Elements(1),
        ours(),
        ("one regex", rival),
    );

    let (leakguard, mut next) = (Redactor::new(), endless());
    let rival = timed(move || next.next().map(|text| leakguard.clean(text)));
    compare(
        c,
        "scrub/leakguard",
        Throughput::Elements(1),
        ours(),
        ("leakguard", rival),
    );

    let redact = ScanAndTransformConfig::new(TransformationConfig::new(TransformationStrategy::Redact));
    let mut next = endless();
    let rival = timed(move || next.next().map(|text| scan_and_transform(text, &redact)));
    compare(
        c,
        "scrub/datafog",
        Throughput::Elements(1),
        ours(),
        ("datafog-core", rival),
    );
}

criterion_group! {
    name = benches;
    config = compare::criterion();
    targets = messages
}
criterion_main!(benches);
