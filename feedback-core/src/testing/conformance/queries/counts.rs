//! Figures of the hub.

use std::{collections::BTreeMap, time::Duration};

use super::{QueriesHarness, commit, drafted, intake, stored, write};
use crate::{
    domain::{
        Change, ChangelogStatus, Channel, Confirmation, Decision, EventKind, JobPayload, NewJob, NotificationStatus,
        Priority, Queue, TicketStatus, TicketType, Timestamp, Write,
    },
    ports::{ClaimRequest, JobQueue, Queries, Storage},
    testing::fixtures::Fixtures,
};

pub(super) async fn metrics_count_a_half_open_period<H: QueriesHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let from: Timestamp = "2026-03-01T22:00:00Z".parse().expect("a time");
    let to = from.plus(Duration::from_secs(4 * 3600));
    let last = to.minus(Duration::from_micros(1));
    for at in [from.minus(Duration::from_micros(1)), from, last, to] {
        let rows = intake(store, &fixtures, |rows| {
            rows.ticket.created_at = at;
            rows.ticket.channel = if at == last { Channel::InApp } else { Channel::Slack };
            rows.ticket.priority = if at == last { Priority::P0 } else { Priority::P3 };
            rows.ticket.ticket_type = if at == last {
                TicketType::Question
            } else {
                TicketType::Bug
            };
        })
        .await;
        let entry = drafted(store, &fixtures, &rows).await;
        let mut notification = fixtures.notification(&entry, &rows.identity);
        notification.created_at = at;
        write(store, Write::InsertNotification(Box::new(notification))).await;
        if at == last {
            let mut moved = stored(store, rows.ticket.id).await;
            moved.status = TicketStatus::Triaged;
            write(store, Write::UpdateTicket(Box::new(moved))).await;
        }
    }
    let metrics = store.metrics(from, to).await.expect("metrics work");
    assert_eq!(metrics.received, 2);
    assert_eq!(metrics.by_channel, [(Channel::Slack, 1), (Channel::InApp, 1)]);
    assert_eq!(metrics.by_type, [(TicketType::Bug, 1), (TicketType::Question, 1)]);
    assert_eq!(metrics.by_priority, [(Priority::P0, 1), (Priority::P3, 1)]);
    assert_eq!(metrics.by_status, [(TicketStatus::New, 1), (TicketStatus::Triaged, 1)]);
    let day = |text: &str| text.parse::<Timestamp>().expect("a time");
    assert_eq!(
        metrics.by_day,
        [(day("2026-03-01T00:00:00Z"), 1), (day("2026-03-02T00:00:00Z"), 1)]
    );
    assert_eq!(metrics.notifications, [(NotificationStatus::Pending, 2)]);
    assert_eq!(metrics.top_reporters.len(), 2);
}

pub(super) async fn metrics_count_merged_reporters_as_one<H: QueriesHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let mut people = Vec::new();
    for _ in 0..12 {
        people.push(intake(store, &fixtures, |_| {}).await.reporter);
    }
    let busiest = people[11].clone();
    let mut merged = people[0].clone();
    merged.merged_into = Some(busiest.id);
    write(store, Write::UpdateReporter(merged)).await;
    let to = fixtures.now().plus(Duration::from_secs(1));
    let top = store
        .metrics(Timestamp::UNIX_EPOCH, to)
        .await
        .expect("metrics work")
        .top_reporters;
    let mut expected: Vec<_> = people[1..11].iter().map(|person| (person.id, 1)).collect();
    expected.sort_unstable();
    expected.insert(0, (busiest.id, 2));
    expected.truncate(10);
    assert_eq!(top, expected);
}

pub(super) async fn metrics_take_the_median_of_each_step<H: QueriesHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let start = fixtures.now();
    let after = |seconds: u64| start.plus(Duration::from_secs(seconds));
    let by = fixtures.id();
    for seconds in [10, 20, 60] {
        let rows = intake(store, &fixtures, |_| {}).await;
        let mut ticket = stored(store, rows.ticket.id).await;
        let (ticket_type, priority) = (TicketType::Bug, Priority::P1);
        ticket.confirmation = Some(Confirmation {
            ticket_type,
            priority,
            by,
            at: after(seconds),
        });
        ticket.resolved_at = Some(after(seconds * 2));
        let mut entry = fixtures.changelog_entry(rows.ticket.id, rows.reporter.id);
        entry.status = ChangelogStatus::Approved;
        entry.decision = Some(Decision {
            by: Some(by),
            at: after(seconds * 3),
            seen_version: 1,
            reason: None,
        });
        let mut notification = fixtures.notification(&entry, &rows.identity);
        notification.sent_at = Some(after(seconds * 4));
        let change = Change::new()
            .with(Write::UpdateTicket(Box::new(ticket)))
            .with(Write::InsertChangelogEntry(Box::new(entry)))
            .with(Write::InsertNotification(Box::new(notification)));
        commit(store, change).await;
    }
    let seconds = |seconds: u64| Some(Duration::from_secs(seconds));
    let all = store.metrics(start, after(1000)).await.expect("metrics work").steps;
    assert_eq!((all.to_confirmed, all.to_resolved), (seconds(20), seconds(40)));
    assert_eq!((all.to_approved, all.to_sent), (seconds(60), seconds(80)));
    // Steps made in the period count, whenever their tickets were recorded.
    let late = store.metrics(after(50), after(1000)).await.expect("metrics work");
    assert_eq!((late.received, late.steps.to_confirmed), (0, seconds(60)));
    let none = store
        .metrics(after(500), after(1000))
        .await
        .expect("metrics work")
        .steps;
    assert_eq!(none.to_sent, None);
    let two = store.metrics(start, after(21)).await.expect("metrics work").steps;
    assert_eq!((two.to_confirmed, two.to_resolved), (seconds(15), seconds(20)));
}

pub(super) async fn the_queue_is_counted_without_periodic_work<H: QueriesHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let now = fixtures.now();
    let later = now.plus(Duration::from_secs(60));
    let poll = || NewJob::now(fixtures.id(), JobPayload::PollTracker, now);
    let jobs = [
        poll(),
        poll().at(later),
        fixtures.job(),
        fixtures.job(),
        fixtures.job().at(later),
        fixtures.job().dead("x"),
    ];
    commit(
        store,
        jobs.map(Write::Enqueue).into_iter().fold(Change::new(), Change::with),
    )
    .await;
    for queue in [Queue::Default, Queue::Low] {
        let request = ClaimRequest {
            queue,
            limit: 1,
            lease_until: later,
            now,
        };
        assert_eq!(store.claim(request).await.expect("jobs can be claimed").len(), 1);
    }
    let status = store.ops_status(now).await.expect("the queue can be counted");
    assert_eq!(
        (status.jobs_due, status.jobs_running, status.jobs_scheduled, status.dead),
        (1, 1, 1, 1)
    );
    assert!(!status.is_quiescent());
    let status = store.ops_status(later).await.expect("the queue can be counted");
    assert_eq!((status.jobs_due, status.jobs_scheduled), (2, 0));
}

pub(super) async fn rollups_equal_a_count_over_timelines<H: QueriesHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let store = &fresh.adapter;
    let mut seen = BTreeMap::new();
    let start = Timestamp::UNIX_EPOCH;
    for seed in 1..4_u64 {
        let fixtures = Fixtures::new(seed);
        let mut tickets = Vec::new();
        for channel in Channel::ALL {
            let rows = intake(store, &fixtures, |rows| {
                rows.ticket.channel = channel;
                rows.event.at = start;
            })
            .await;
            *seen.entry((start, "received", channel.as_str())).or_insert(0) += 1;
            tickets.push((rows.ticket.id, channel));
        }
        // A generator of its own, so that a failure comes again: the middle bits of a multiplication.
        let mut state = seed;
        let mut random = |below: usize| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            usize::try_from((state >> 33) % below as u64).expect("it is small")
        };
        for _ in 0..40 {
            let mut change = Change::new();
            let mut counted = Vec::new();
            for _ in 0..1 + random(3) {
                let (ticket, channel) = tickets[random(tickets.len())];
                let kind = EventKind::ALL[random(EventKind::ALL.len())];
                let mut event = fixtures.event(ticket, kind);
                event.at = start.plus(Duration::from_micros(random(4 * 3_600_000_000) as u64));
                event.at = event.at.minus(Duration::from_secs(2 * 3_600));
                counted.push((event.at.floor_to_hour(), kind.as_str(), channel.as_str()));
                change.push(Write::AppendEvent(event));
            }
            if random(4) == 0 {
                // What is refused is not counted.
                change.push(Write::AppendEvent(fixtures.event(fixtures.id(), EventKind::Updated)));
                store.commit(change).await.expect_err("there is no such ticket");
                continue;
            }
            commit(store, change).await;
            for key in counted {
                *seen.entry(key).or_insert(0) += 1;
            }
        }
    }
    let hour = |hours: i64| {
        let by = Duration::from_secs(hours.unsigned_abs() * 3_600);
        if hours < 0 { start.minus(by) } else { start.plus(by) }
    };
    for (from, to) in [(-9, 9), (-1, 1), (0, 1), (1, 1), (2, 1)] {
        let (from, to) = (hour(from), hour(to));
        let found = store.rollups(from, to).await.expect("metrics work");
        let found: Vec<_> = found
            .iter()
            .map(|rollup| {
                (
                    (rollup.hour, rollup.kind.as_str(), rollup.channel.as_str()),
                    rollup.count,
                )
            })
            .collect();
        let within = |key: &(Timestamp, &str, &str)| from <= key.0 && key.0 < to;
        let expected: Vec<_> = seen
            .iter()
            .filter(|(key, _)| within(key))
            .map(|(key, count)| (*key, *count))
            .collect();
        assert_eq!(found, expected, "from {from} to {to}");
    }
}
