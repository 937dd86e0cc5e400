//! The database refuses to change or delete an event, whoever asks.

use feedback_core::{ports::Storage, testing::fixtures::Fixtures};

use super::store;

#[tokio::test]
async fn i10_events_are_append_only_for_every_connection() {
    let (store, database) = store().await;
    store.commit(Fixtures::default().intake().change()).await.unwrap();
    for change in [
        "UPDATE feedback.ticket_events SET kind = 'closed'",
        "UPDATE feedback.ticket_events SET at = 0",
        "DELETE FROM feedback.ticket_events",
        "TRUNCATE feedback.ticket_events",
        "TRUNCATE feedback.tickets CASCADE",
        "INSERT INTO feedback.ticket_events (id, ticket_id, kind, actor, data, at, hash)
            SELECT id, ticket_id, kind, actor, data, at, hash FROM feedback.ticket_events
            ON CONFLICT (id) DO UPDATE SET kind = 'closed'",
    ] {
        let error = database.refused(change);
        assert!(error.contains("append-only"), "{change}: {error}");
    }
    let kinds = database.run("SELECT string_agg(kind, ',') FROM feedback.ticket_events");
    assert_eq!(kinds, "received");
}

#[tokio::test]
async fn enums_and_references_hold_for_every_connection() {
    let (store, database) = store().await;
    store.commit(Fixtures::default().intake().change()).await.unwrap();
    for change in [
        "UPDATE feedback.tickets SET status = 'lost'",
        "UPDATE feedback.tickets SET priority = 'P6'",
        "UPDATE feedback.tickets SET inferred = '{'",
        "UPDATE feedback.tickets SET reporter_id = gen_random_uuid()",
        "UPDATE feedback.jobs SET status = 'leased'",
        "DELETE FROM feedback.tickets",
        "DELETE FROM feedback.reporters",
    ] {
        database.refused(change);
    }
}
