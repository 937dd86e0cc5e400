//! A file of the first version goes on under the present one.

use feedback_core::{
    domain::{Channel, EventKind, Timestamp},
    ports::{AttachmentsKey, Queries, Storage},
};
use refinery::{Migration, Runner};
use rusqlite::Connection;

use super::{file, open};

const FIRST: &str = include_str!("../../migrations/V1__data_model.sql");

/// Rows as the first version wrote them: a ticket with three events in two hours, and a file.
const ROWS: &str = "
    INSERT INTO reporters (id, email_verified, created_at, version) VALUES (zeroblob(16), 0, 0, 1);
    INSERT INTO reporter_identities (id, reporter_id, channel, connection, lookup, external_user_id, created_at, version)
    VALUES (zeroblob(16), zeroblob(16), 'slack', 'T0', zeroblob(32), x'00', 0, 1);
    INSERT INTO tickets (number, id, channel, reporter_id, title, description, status, type, priority, inferred,
        enrichment_status, resolutions, created_at, updated_at, version)
    VALUES (1001, zeroblob(16), 'slack', zeroblob(16), 'Export', 'It fails', 'new', 'bug', 'P2',
        '{\"type\":\"bug\",\"priority\":\"P2\",\"evidence\":[]}', 'pending', 0, 0, 0, 1);
    INSERT INTO ticket_sources (id, ticket_id, channel, external_id, thread, author_id, text, digest, sent_at, received_at)
    VALUES (zeroblob(16), zeroblob(16), 'slack', 'E1', '{\"channel\":\"in_app\"}', zeroblob(16), 'It fails', 'd', 0, 0);
    INSERT INTO ticket_events (id, ticket_id, kind, actor, data, at, hash) VALUES
        (x'00000000000000000000000000000001', zeroblob(16), 'received', 'hub', '{}', -1, zeroblob(32)),
        (x'00000000000000000000000000000002', zeroblob(16), 'updated', 'hub', '{}', 0, zeroblob(32)),
        (x'00000000000000000000000000000003', zeroblob(16), 'updated', 'hub', '{}', 3599999999, zeroblob(32));
    INSERT INTO attachments (id, ticket_id, source_id, channel, reference, status, created_at)
    VALUES (zeroblob(16), zeroblob(16), zeroblob(16), 'slack', x'01', 'stored', 5);";

#[tokio::test]
async fn events_that_are_there_are_counted_and_files_stay() {
    let folder = tempfile::tempdir().unwrap();
    let mut conn = Connection::open(file(&folder)).unwrap();
    let first = Migration::unapplied("V1__data_model", FIRST).unwrap();
    Runner::new(&[first]).run(&mut conn).unwrap();
    conn.execute_batch(ROWS).unwrap();
    drop(conn);

    let store = open(&file(&folder));
    assert!(store.schema_version() >= 2);
    let hour = |hours: i64| Timestamp::from_unix_micros(hours * 3_600_000_000).unwrap();
    let rollups = store.rollups(hour(-1), hour(1)).await.unwrap();
    let rollups: Vec<_> = rollups
        .iter()
        .map(|rollup| (rollup.hour, rollup.kind, rollup.channel, rollup.count))
        .collect();
    let expected = [
        (hour(-1), EventKind::Received, Channel::Slack, 1),
        (hour(0), EventKind::Updated, Channel::Slack, 2),
    ];
    assert_eq!(rollups, expected);
    let stored = AttachmentsKey::StoredBefore {
        before: hour(1),
        limit: 10,
    };
    let files = store.attachments(stored).await.unwrap();
    assert_eq!(files.len(), 1);
    assert_eq!(files[0].reference.as_bytes(), [1]);
    let stranger = Connection::open(store.path()).unwrap();
    stranger
        .execute("UPDATE attachments SET status = 'erased'", [])
        .unwrap();
    assert!(stranger.execute("UPDATE attachments SET status = 'lost'", []).is_err());
    let found: i64 = stranger
        .query_row(
            "SELECT count(*) FROM ticket_search WHERE ticket_search MATCH 'export'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(found, 1);
}
