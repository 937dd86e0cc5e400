//! The log is emptied for what was erased, whoever reads meanwhile.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use feedback_core::{
    ports::{Custody, PortErrorKind, Queries, Storage, TicketFilter},
    testing::fixtures::Fixtures,
};
use feedback_sqlite::{Sqlite, SqliteConfig};
use rusqlite::{Connection, OpenFlags};

use super::{file, store};

#[tokio::test]
async fn a_strangers_read_is_waited_for_and_then_the_log_stays() {
    let folder = tempfile::tempdir().unwrap();
    let config = SqliteConfig::new(file(&folder)).with_busy_timeout(Duration::from_millis(80));
    let store = Sqlite::open(config).unwrap();
    let fixtures = Fixtures::default();
    store.commit(fixtures.intake().change()).await.unwrap();
    let stranger = Connection::open_with_flags(store.path(), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    stranger.execute_batch("BEGIN; SELECT count(*) FROM tickets").unwrap();
    store.commit(fixtures.intake().change()).await.unwrap();
    let error = store.settle_erasures().await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (PortErrorKind::Unavailable, Some("busy")));
    store.commit(fixtures.intake().change()).await.unwrap();
    stranger.execute_batch("ROLLBACK").unwrap();
    store.settle_erasures().await.unwrap();
    assert_eq!(store.wal_bytes(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_own_reads_never_hold_the_log() {
    let (store, _folder) = store();
    let fixtures = Fixtures::default();
    let stop = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..4)
        .map(|_| {
            let (store, stop) = (store.clone(), Arc::clone(&stop));
            tokio::spawn(async move {
                while !stop.load(Ordering::SeqCst) {
                    store
                        .tickets(&TicketFilter::default(), Default::default())
                        .await
                        .unwrap();
                }
            })
        })
        .collect();
    for _ in 0..20 {
        store.commit(fixtures.intake().change()).await.unwrap();
        store.settle_erasures().await.unwrap();
        assert_eq!(store.wal_bytes(), 0);
    }
    stop.store(true, Ordering::SeqCst);
    for reader in readers {
        reader.await.unwrap();
    }
}
