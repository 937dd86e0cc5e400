//! Random histories: the file and the in-memory store answer every step alike, and hold the same in the end; and workers
//! at the same time break no promise of the queue.

use std::{fs, thread};

use feedback_core::testing::{
    conformance::{Fresh, custody::CustodyHarness},
    model::{self, Campaign, claims},
};
use feedback_sqlite::{Sqlite, SqliteConfig};

use super::{file, open};

/// Each history begins on a copy of one migrated file, in memory where the system has such a place: the disk is the
/// other tests' matter.
struct Copies(tempfile::TempDir);

fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .unwrap()
}

impl Copies {
    fn new() -> Self {
        let template = folder();
        drop(open(&file(&template)));
        Self(template)
    }
}

impl CustodyHarness for Copies {
    type Adapter = Sqlite;

    async fn fresh(&self) -> Fresh<Sqlite> {
        let folder = folder();
        fs::copy(file(&self.0), file(&folder)).unwrap();
        let config = SqliteConfig::new(file(&folder)).with_readers(1);
        Fresh::new(Sqlite::open(config).unwrap()).with_guard(folder)
    }

    async fn files(&self, _: &Sqlite) -> Vec<u8> {
        Vec::new()
    }
}

/// How many histories: a few thousand for each change, millions for a campaign.
#[expect(clippy::disallowed_methods, reason = "a campaign's size is not a setting of the hub")]
fn histories(usual: u64) -> u64 {
    match std::env::var("FEEDBACK_MODEL_HISTORIES") {
        Ok(asked) => asked.parse().expect("FEEDBACK_MODEL_HISTORIES is a number"),
        Err(_) => usual,
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

#[test]
fn the_file_and_the_fake_never_differ() {
    let histories = histories(2_000);
    let campaigns = [1, 2].map(|seed| {
        let histories = histories.div_ceil(2);
        thread::spawn(move || runtime().block_on(model::run(&Copies::new(), Campaign { histories, seed })))
    });
    for campaign in campaigns {
        campaign.join().expect("no history differs");
    }
}

#[test]
fn workers_at_the_same_time_break_no_promise_of_the_queue() {
    let histories = histories(2_000) / 50;
    runtime().block_on(claims::run(&Copies::new(), Campaign { histories, seed: 1 }));
}
