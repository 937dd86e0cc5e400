//! How many signed deliveries a second become durable tickets, one sender at a time and 64 at once, beside a bare loop of
//! one INSERT for each transaction on the same disk with the same pragmas?
//!
//! Ours is the whole intake: signature, JSON, scrubbing, inference, sealing, look-ups, and one commit of a ticket, its
//! message, its timeline and its jobs. The loop writes one row.

use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use feedback_adapters::{
    system::{RandomIds, SystemClock},
    vault::{KeyRing, RingVault},
};
use feedback_benches::{
    compare::{self, compare, timed},
    deliveries::{SECRET, slack_event},
    messages::MESSAGES,
    store,
};
use feedback_core::{
    logic::{normalize::Rules, scrub::Scrubber},
    usecases::{Ingest, IngestSettings, Outcome},
};
use rusqlite::params;
use tokio::task::JoinSet;

/// How many people write.
const PEOPLE: u64 = 200;

fn intake(c: &mut Criterion) {
    for at_once in [1, 64] {
        let folder = store::folder(env!("CARGO_TARGET_TMPDIR"));
        let runtime = store::runtime();
        let ingest = ingest(&store::hub_store(folder.path()));
        let mut number = 0;
        // Making and signing a delivery counts against us; it is a hundredth of the rest.
        let ours = timed(|| {
            let mut senders = JoinSet::new();
            for _ in 0..at_once {
                number += 1;
                let (ingest, number) = (ingest.clone(), number);
                senders.spawn_on(async move { record(&ingest, number).await }, runtime.handle());
            }
            runtime.block_on(senders.join_all())
        });
        let bare = store::bare(&folder.path().join("bare.db")).expect("a new file can be opened");
        bare.execute_batch(
            "CREATE TABLE deliveries (id INTEGER PRIMARY KEY, external_id TEXT NOT NULL UNIQUE, body TEXT NOT NULL)",
        )
        .expect("the file is new");
        let mut row = 0;
        let rival = timed(|| {
            for _ in 0..at_once {
                row += 1;
                let mut insert = bare
                    .prepare_cached("INSERT INTO deliveries (external_id, body) VALUES (?1, ?2)")
                    .expect("the table is there");
                insert
                    .execute(params![format!("T0:C0:{row}"), SECRET])
                    .expect("there is room on the disk");
            }
        });
        let name = format!("ingest/{at_once} at once");
        compare(
            c,
            &name,
            Throughput::Elements(at_once),
            ours,
            ("one INSERT a commit", rival),
        );
    }
}

fn ingest(store: &feedback_adapters::sqlite::Sqlite) -> Ingest {
    let ring = KeyRing::parse("bench:0f8B1pVYk0nq3cJ6m4x2rT5uW7yZ9aBdEfGhIjKlMno=").expect("it is 32 drawn bytes");
    Ingest::new(
        Arc::new(store.clone()),
        Arc::new(RingVault::new(ring)),
        Arc::new(SystemClock),
        Arc::new(RandomIds),
        Scrubber::new(),
        IngestSettings::new(Rules::default()),
    )
}

async fn record(ingest: &Ingest, number: u64) {
    let text = MESSAGES[number as usize % MESSAGES.len()];
    let delivery = slack_event(number % PEOPLE, number, text);
    let verified = delivery.verified().expect("it is signed with the bench's own secret");
    let recorded = ingest.record(&verified).await.expect("there is room on the disk");
    assert!(
        matches!(recorded.outcomes[..], [Outcome::NewTicket { .. }]),
        "{recorded:?}"
    );
}

criterion_group! {
    name = benches;
    config = compare::criterion();
    targets = intake
}
criterion_main!(benches);
