//! Tickets, their messages, their timelines and their vectors.

use std::time::Duration;

use super::{StorageHarness, commit, intake, only_winner, refused, sixteen, ticket, write};
use crate::{
    domain::{
        Change, Channel, Confirmation, EnrichmentStatus, Erasure, EventKind, Priority, Scrubbed, Suggestion, ThreadRef,
        TicketNumber, TicketStatus, TicketType, TrackerPage, TrackerStatus, Write,
    },
    ports::{PortErrorKind, SourceKey, Storage, TicketKey, TicketsKey},
    testing::fixtures::{Fixtures, IntakeRows},
};

pub(super) async fn every_field_of_a_ticket_survives<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let (_, mut full) = intake(store, &fixtures).await;
    full.channel = Channel::WhatsApp;
    full.title = Scrubbed::restore("Título ñ 🚀 \u{0}'\"".into());
    full.status = TicketStatus::Closed;
    full.ticket_type = TicketType::Incident;
    full.priority = Priority::P0;
    full.inferred.confidence = 0.1;
    full.suggestion = Some(Suggestion {
        ticket_type: TicketType::Question,
        priority: Priority::P5,
        summary: "Breve".into(),
        made_by: fixtures.model_use(),
        at: fixtures.now(),
    });
    full.enrichment = EnrichmentStatus::Suggested;
    let by = fixtures.id();
    full.confirmation = Some(Confirmation {
        ticket_type: TicketType::Bug,
        priority: Priority::P1,
        by,
        at: fixtures.now(),
    });
    full.sprint = Some("Sprint 7".into());
    full.page = Some(TrackerPage {
        id: "page-1".into(),
        url: Some("https://tracker.test/1".into()),
        pushed_digest: Some("d1".into()),
        pushed_at: Some(fixtures.now()),
        seen_status: Some(TrackerStatus::Done),
    });
    full.resolutions = 3;
    full.resolved_at = Some(fixtures.now());
    full.updated_at = fixtures.clock.advance(Duration::from_micros(1));
    write(store, Write::UpdateTicket(Box::new(full.clone()))).await;
    full.version += 1;
    assert_eq!(ticket(store, full.id).await, full);
    assert_eq!(
        store.ticket(TicketKey::Page("page-1".into())).await.unwrap_or(None),
        Some(full.clone())
    );

    let mut bare = full;
    (bare.original, bare.placeholders, bare.language) = (None, None, None);
    (
        bare.suggestion,
        bare.confirmation,
        bare.sprint,
        bare.page,
        bare.resolved_at,
    ) = (None, None, None, None, None);
    write(store, Write::UpdateTicket(Box::new(bare.clone()))).await;
    bare.version += 1;
    assert_eq!(ticket(store, bare.id).await, bare);
}

pub(super) async fn every_kind_of_thread_survives<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let (rows, _) = intake(store, &fixtures).await;
    for thread in [
        ThreadRef::Slack {
            team: "T0".into(),
            channel: "C0".into(),
            thread_ts: None,
        },
        ThreadRef::Intercom {
            app: "a1".into(),
            conversation: "9".into(),
        },
        ThreadRef::WhatsApp {
            phone_number_id: "1".into(),
            quoted: Some("wamid.2".into()),
        },
        ThreadRef::Email {
            message_id: Some("m@x.test".into()),
            references: vec!["r@x.test".into()],
            subject: None,
        },
        ThreadRef::InApp,
        ThreadRef::Backoffice,
    ] {
        let mut source = fixtures.source(rows.ticket.id, &rows.identity);
        (source.channel, source.thread_key, source.thread) = (thread.channel(), thread.key(), thread);
        (source.raw, source.redacted) = (None, None);
        write(store, Write::InsertSource(Box::new(source.clone()))).await;
        let key = SourceKey::External(source.channel, source.external_id.clone());
        assert_eq!(store.source(key).await.unwrap_or(None), Some(source));
    }
}

pub(super) async fn a_message_without_a_thread_gets_one_and_keeps_it<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let (rows, _) = intake(store, &fixtures).await;
    let thread = |ts: Option<&str>| ThreadRef::Slack {
        team: "T0".into(),
        channel: "C0".into(),
        thread_ts: ts.map(Into::into),
    };
    let mut source = fixtures.source(rows.ticket.id, &rows.identity);
    (source.thread_key, source.thread) = (None, thread(None));
    write(store, Write::InsertSource(Box::new(source.clone()))).await;
    let begun = thread(Some("1767225600.000100"));
    for offered in [begun.clone(), thread(Some("1767225999.000900"))] {
        write(store, Write::AnchorSource(source.id, offered)).await;
        let key = begun.key().expect("it has a root");
        let found = store
            .source(SourceKey::NewestInThread(Channel::Slack, key.clone()))
            .await;
        (source.thread_key, source.thread) = (Some(key), begun.clone());
        assert_eq!(
            found.unwrap_or(None),
            Some(source.clone()),
            "by its thread, the first one that it got"
        );
    }
    let error = store
        .commit(Change::new().with(Write::AnchorSource(fixtures.id(), begun)))
        .await
        .expect_err("there is no such message");
    assert_eq!(error.kind(), PortErrorKind::NotFound);
}

pub(super) async fn numbers_rise_from_the_first<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let reporter = fixtures.reporter();
    let tickets = [fixtures.new_ticket(reporter.id), fixtures.new_ticket(reporter.id)];
    let change = Change::new()
        .with(Write::InsertReporter(reporter))
        .with(Write::InsertTicket(Box::new(tickets[0].clone())))
        .with(Write::InsertTicket(Box::new(tickets[1].clone())));
    let receipt = commit(store, change).await;
    let first = TicketNumber::FIRST;
    let second = TicketNumber::new(first.value() + 1);
    assert_eq!(
        receipt.ticket_numbers,
        [(tickets[0].id, first), (tickets[1].id, second)]
    );
    let (_, third) = intake(store, &fixtures).await;
    assert!(third.number > second);
}

pub(super) async fn no_number_is_given_twice_under_sixteen_writers<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let results = sixteen(store, |_| fixtures.intake().change()).await;
    let mut numbers: Vec<u64> = results
        .iter()
        .flat_map(|result| &result.as_ref().expect("sixteen intakes fit").ticket_numbers)
        .map(|(_, number)| number.value())
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), 16);
}

pub(super) async fn a_message_makes_one_source<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let (rows, _) = intake(store, &fixtures).await;
    let mut again = fixtures.source(rows.ticket.id, &rows.identity);
    again.external_id = rows.source.external_id.clone();
    assert_eq!(
        refused(store, Write::InsertSource(Box::new(again.clone()))).await,
        PortErrorKind::Conflict
    );
    again.channel = Channel::Email;
    write(store, Write::InsertSource(Box::new(again))).await;
}

pub(super) async fn of_sixteen_deliveries_of_a_message_one_is_recorded<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let external_id = fixtures.external_id();
    let all: Vec<IntakeRows> = (0..16)
        .map(|_| {
            let mut rows = fixtures.intake();
            rows.source.external_id = external_id.clone();
            rows
        })
        .collect();
    let winner = only_winner(&sixteen(store, |number| all[number].change()).await);
    for (number, rows) in all.iter().enumerate() {
        let found = store
            .ticket(TicketKey::Id(rows.ticket.id))
            .await
            .expect("look-ups work");
        assert_eq!(found.is_some(), number == winner, "a loser left a ticket behind");
    }
}

pub(super) async fn sources_come_in_the_order_of_recording<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let (rows, _) = intake(store, &fixtures).await;
    let mut recorded = vec![rows.source.clone()];
    for _ in 0..3 {
        let mut source = fixtures.source(rows.ticket.id, &rows.identity);
        // Written earlier, recorded later: recording decides.
        source.sent_at = fixtures.now().minus(Duration::from_secs(60));
        (source.thread, source.thread_key) = (rows.source.thread.clone(), rows.source.thread_key.clone());
        recorded.push(source.clone());
        write(store, Write::InsertSource(Box::new(source))).await;
    }
    assert_eq!(store.sources(rows.ticket.id).await.unwrap_or_default(), recorded);
    let thread = rows.source.thread_key.expect("the fixture has a thread");
    for key in [
        SourceKey::NewestInThread(Channel::Slack, thread),
        SourceKey::NewestBy(rows.identity.id),
    ] {
        assert_eq!(store.source(key).await.unwrap_or(None).as_ref(), recorded.last());
    }
}

pub(super) async fn a_page_belongs_to_one_ticket<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let page = TrackerPage {
        id: "p1".into(),
        url: None,
        pushed_digest: None,
        pushed_at: None,
        seen_status: None,
    };
    let ((_, mut one), (_, mut other)) = (intake(store, &fixtures).await, intake(store, &fixtures).await);
    (one.page, other.page) = (Some(page.clone()), Some(page));
    write(store, Write::UpdateTicket(Box::new(one))).await;
    assert_eq!(
        refused(store, Write::UpdateTicket(Box::new(other))).await,
        PortErrorKind::Conflict
    );
}

pub(super) async fn events_are_chained_in_the_order_of_commit<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let ((rows, _), (other, _)) = (intake(store, &fixtures).await, intake(store, &fixtures).await);
    let mut expected = vec![rows.event.chained(None)];
    for kind in [EventKind::Enriched, EventKind::Confirmed, EventKind::Synced] {
        let mut event = fixtures.event(rows.ticket.id, kind);
        // The order of commit decides, not the time that an event names.
        event.at = fixtures.now().minus(Duration::from_secs(expected.len() as u64));
        event.data = serde_json::json!({"ü": [1, 2.5, null], "a": {"z": true, "b": "x"}});
        expected.push(event.chained(expected.last().copied()));
        write(store, Write::AppendEvent(event)).await;
    }
    assert_eq!(harness.chain_of(store, rows.ticket.id).await, expected);
    assert_eq!(
        harness.chain_of(store, other.ticket.id).await,
        [other.event.chained(None)]
    );
}

pub(super) async fn chains_of_sixteen_writers_hold<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let (rows, _) = intake(store, &fixtures).await;
    let event = |_| {
        Change::new().with(Write::AppendEvent(
            fixtures.event(rows.ticket.id, EventKind::MessageReceived),
        ))
    };
    assert!(sixteen(store, event).await.iter().all(Result::is_ok));
    let mut chain = harness.chain_of(store, rows.ticket.id).await;
    assert_eq!(chain.len(), 17);
    chain.sort_by_key(|hash| *hash.as_bytes());
    chain.dedup();
    assert_eq!(chain.len(), 17, "two events have one link");
}

pub(super) async fn a_vector_replaces_that_of_its_model<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let (rows, _) = intake(store, &fixtures).await;
    let mut vector = fixtures.vector(rows.ticket.id, "small");
    write(store, Write::PutVector(vector.clone())).await;
    write(store, Write::PutVector(fixtures.vector(rows.ticket.id, "large"))).await;
    vector.values = vec![f32::MIN_POSITIVE, -1.5, 0.1];
    write(store, Write::PutVector(vector.clone())).await;
    assert_eq!(
        store.vectors("small", fixtures.now()).await.unwrap_or_default(),
        [vector]
    );
}

pub(super) async fn vectors_of_a_window_come_newest_first<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let mut made = Vec::new();
    for _ in 0..3 {
        let (rows, _) = intake(store, &fixtures).await;
        let vector = fixtures.vector(rows.ticket.id, "m");
        write(store, Write::PutVector(vector.clone())).await;
        made.push(vector);
        fixtures.clock.advance(Duration::from_secs(60));
    }
    let found = store.vectors("m", made[1].ticket_created_at).await.unwrap_or_default();
    assert_eq!(found, [made[2].clone(), made[1].clone()]);
}

pub(super) async fn tickets_without_a_vector_of_the_model_are_found_oldest_first<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let mut tickets = Vec::new();
    for _ in 0..5 {
        fixtures.clock.advance(Duration::from_secs(1));
        tickets.push(intake(store, &fixtures).await.1);
    }
    write(store, Write::PutVector(fixtures.vector(tickets[2].id, "m1"))).await;
    let key = |model: &str, since, limit| TicketsKey::WithoutVector {
        model: model.into(),
        since,
        limit,
    };
    // Erased: it has nothing left to say.
    let gone = intake(store, &fixtures).await.0;
    let erasure = Erasure {
        reporter: gone.reporter.id,
        at: fixtures.now(),
        by: None,
    };
    write(store, Write::EraseReporter(erasure)).await;
    let expected = [tickets[1].clone(), tickets[3].clone(), tickets[4].clone()];
    let since = tickets[1].created_at;
    for (key, expected) in [
        (key("m1", since, 10), &expected[..]),
        (key("m1", since, 2), &expected[..2]),
        (key("m2", since, 10), &tickets[1..]),
    ] {
        assert_eq!(store.tickets_of(key).await.unwrap_or_default(), expected);
    }
}

pub(super) async fn tickets_stay_those_of_whoever_wrote_them<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let ((rows, mut first), (other, _)) = (intake(store, &fixtures).await, intake(store, &fixtures).await);
    fixtures.clock.advance(Duration::from_secs(1));
    let second = fixtures.new_ticket(rows.reporter.id);
    let number = commit(store, Change::new().with(Write::InsertTicket(Box::new(second.clone())))).await;
    let number = number.number_of(second.id).expect("a new ticket has a number");
    let mut merged = rows.reporter.clone();
    merged.merged_into = Some(other.reporter.id);
    write(store, Write::UpdateReporter(merged)).await;
    first.sprint = Some("S1".into());
    write(store, Write::UpdateTicket(Box::new(first.clone()))).await;
    first.version += 1;
    let found = store.tickets_of(TicketsKey::Reporter(rows.reporter.id)).await;
    assert_eq!(found.unwrap_or_default(), [first, second.numbered(number)]);
}
