//! The database refuses to change or delete an event, whoever asks.

use feedback_core::{ports::Storage, testing::fixtures::Fixtures};
use rusqlite::Connection;

use super::store;

#[tokio::test]
async fn i10_events_are_append_only_for_every_connection() {
    let (store, _folder) = store();
    store.commit(Fixtures::default().intake().change()).await.unwrap();
    let stranger = Connection::open(store.path()).unwrap();
    for change in [
        "UPDATE ticket_events SET kind = 'closed'",
        "UPDATE ticket_events SET at = 0",
        "DELETE FROM ticket_events",
        "INSERT OR REPLACE INTO ticket_events SELECT * FROM ticket_events",
        "REPLACE INTO ticket_events SELECT seq, randomblob(16), ticket_id, 'closed', actor, data, at, hash FROM ticket_events",
    ] {
        let error = stranger.execute(change, []).unwrap_err();
        assert!(error.to_string().contains("append-only"), "{change}: {error}");
    }
    let kinds: String = stranger
        .query_row("SELECT group_concat(kind) FROM ticket_events", [], |row| row.get(0))
        .unwrap();
    assert_eq!(kinds, "received");
}

#[tokio::test]
async fn enums_and_references_hold_for_every_connection() {
    let (store, _folder) = store();
    store.commit(Fixtures::default().intake().change()).await.unwrap();
    let stranger = Connection::open(store.path()).unwrap();
    stranger.pragma_update(None, "foreign_keys", true).unwrap();
    for change in [
        "UPDATE tickets SET status = 'lost'",
        "UPDATE tickets SET priority = 'P6'",
        "UPDATE tickets SET created_at = 'yesterday'",
        "UPDATE tickets SET reporter_id = randomblob(16)",
        "UPDATE jobs SET status = 'leased'",
        "DELETE FROM tickets",
        "DELETE FROM reporters",
    ] {
        assert!(stranger.execute(change, []).is_err(), "{change}");
    }
}
