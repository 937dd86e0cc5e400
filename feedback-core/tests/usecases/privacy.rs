//! A person's copy, their erasure, retention, new keys, and timelines that nobody rewrote.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use feedback_core::{
    domain::{Change, Channel, EventKind, NewJob, NotificationStatus, ReporterId, Write},
    logic::normalize::Author,
    ports::{Clock, Custody, ErasureLog, Expired, KeyScope, LoggedErasure, PortError, Storage, Vault},
    testing::{
        SeededIds,
        hub::{TestHub, ticket_of},
        memory::{MemoryStore, MemoryVault},
    },
    usecases::{Erase, EraseError, Outcome, RotateKeys, Submission, VerifyTimelines, to_csv},
};

use crate::{
    deliver::approved_on,
    journey::{approve, resolve, stored},
    payloads,
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn report(user: &str, email: &str, text: &str) -> Submission {
    Submission {
        channel: Channel::InApp,
        external_id: None,
        author: Author {
            external_user_id: user.into(),
            name: Some("Ana Quiroga".into()),
            email: Some(email.into()),
            email_verified: true,
            ..Author::default()
        },
        text: text.into(),
        title: None,
        ticket_type: None,
        priority: None,
    }
}

async fn erase(test: &TestHub, id: ReporterId) -> feedback_core::usecases::Erased {
    test.hub.erase.erase(id, Some(test.reviewer.id)).await.unwrap()
}

#[tokio::test]
async fn an_export_holds_what_the_person_wrote_and_was_told_and_nothing_of_others() {
    let test = TestHub::new().await;
    let mine = report("ana", "ana@example.test", "the export hangs for =SUM(A1)");
    let ticket = test.hub.ingest.submit(&mine, None).await.unwrap().ticket;
    test.hub
        .ingest
        .submit(&report("bob", "bob@example.test", "mine too"), None)
        .await
        .unwrap();
    test.run_due_jobs().await;
    resolve(&test, ticket).await;
    approve(&test, ticket).await;
    test.run_due_jobs().await;
    let exported = test.hub.export.export(stored(&test, ticket).reporter).await.unwrap();
    assert_eq!(exported.names, ["Ana Quiroga"]);
    assert_eq!(exported.emails, ["ana@example.test"]);
    assert_eq!(exported.identities[0].external_user_id.as_deref(), Some("ana"));
    assert_eq!(
        exported.tickets[0].text.as_deref(),
        Some("the export hangs for =SUM(A1)")
    );
    assert!(exported.tickets[0].messages[0].payload.is_some());
    assert_eq!(exported.notifications.len(), 1);
    assert!(exported.notifications[0].text.is_some());
    let json = serde_json::to_string(&exported).unwrap();
    assert!(!json.contains("bob@example.test"));
    let csv = to_csv(&exported);
    assert!(
        csv.contains("\"email\",\"\",\"\",\"\",\"\",\"ana@example.test\""),
        "{csv}"
    );
}

#[tokio::test]
async fn f85_an_erased_person_is_unreadable_found_by_nothing_and_told_nothing() {
    let (test, ticket) = approved_on(Channel::Slack, TestHub::new().await).await;
    let reporter = stored(&test, ticket).reporter;
    let erased = erase(&test, reporter).await;
    assert_eq!((erased.tickets, erased.pages), (1, 1));
    assert_eq!(erased.kept_at, [Channel::Slack]);
    test.run_due_jobs().await;
    assert!(
        test.slack.texts().is_empty(),
        "what was approved before is not sent after"
    );
    let [notification] = &test.store.all_notifications()[..] else {
        panic!("one notification")
    };
    assert_eq!(notification.status, NotificationStatus::PermanentlyFailed);
    let after = stored(&test, ticket);
    assert_eq!((after.title.as_str(), after.original), ("[erased]", None));
    assert_eq!(test.hub.verify_timelines.verify().await.unwrap().broken, []);
    assert!(
        test.store
            .events(ticket)
            .iter()
            .any(|event| event.kind == EventKind::Erased)
    );
    let page = test.tracker.page_of(ticket).unwrap();
    assert_eq!(page.title, "[erased]", "the engineers' page is blanked by a job");

    let again = erase(&test, reporter).await;
    assert_eq!(again.reporters, [reporter]);
    let count = test
        .store
        .events(ticket)
        .iter()
        .filter(|event| event.kind == EventKind::Erased)
        .count();
    assert_eq!(count, 1, "a second erasure leaves no second line");
    let exported = test.hub.export.export(reporter).await.unwrap();
    assert!(exported.names.is_empty() && exported.tickets[0].text.is_none() && exported.erased_at.is_some());
}

#[tokio::test]
async fn f85_an_erasure_at_any_step_of_a_report_stops_it_there() {
    for steps in 0..6 {
        let test = TestHub::new().await;
        let slack = payloads::slack("1767225600.000100", "U0DANA", "the export hangs");
        let ticket = ticket_of(&test.receive(Channel::Slack, slack).await);
        if steps >= 1 {
            test.run_due_jobs().await;
        }
        if steps >= 2 {
            resolve(&test, ticket).await;
        }
        if steps >= 3 {
            approve(&test, ticket).await;
        }
        if steps >= 4 {
            test.slack.script(feedback_core::testing::memory::SendStep::LoseAnswer);
            test.run_due_jobs().await;
        }
        let sent = test.slack.texts().len();
        erase(&test, stored(&test, ticket).reporter).await;
        for _ in 0..5 {
            test.wait(Duration::from_secs(3600)).await;
        }
        assert_eq!(test.slack.texts().len(), sent, "after step {steps}");
        assert_eq!(stored(&test, ticket).description.as_str(), "[erased]");
    }
}

#[tokio::test]
async fn who_writes_after_their_erasure_is_somebody_new_and_a_repeat_brings_nothing_back() {
    let test = TestHub::new().await;
    let body = payloads::slack("1767225600.000100", "U0DANA", "the export hangs");
    let ticket = ticket_of(&test.receive(Channel::Slack, body.clone()).await);
    let reporter = stored(&test, ticket).reporter;
    erase(&test, reporter).await;
    let repeated = test.receive(Channel::Slack, body).await;
    assert!(
        matches!(repeated.outcomes[..], [Outcome::Duplicate(_) | Outcome::Conflicting(_)]),
        "{repeated:?}"
    );
    assert_eq!(stored(&test, ticket).description.as_str(), "[erased]");
    let next = payloads::slack("1767225700.000100", "U0DANA", "another thing");
    let next = ticket_of(&test.receive(Channel::Slack, next).await);
    assert_ne!(stored(&test, next).reporter, reporter);
}

#[tokio::test]
async fn an_erasure_reaches_everybody_who_is_the_same_person() {
    let test = TestHub::new().await;
    let mut people = Vec::new();
    for user in ["one", "two", "three"] {
        let submission = report(user, &format!("{user}@example.test"), "it hangs");
        let ticket = test.hub.ingest.submit(&submission, None).await.unwrap().ticket;
        people.push((ticket, stored(&test, ticket).reporter));
    }
    let by = test.reviewer.id;
    test.hub
        .merge_reporters
        .merge(people[1].1, people[0].1, by)
        .await
        .unwrap();
    let erased = erase(&test, people[1].1).await;
    assert_eq!(erased.reporters, [people[0].1, people[1].1]);
    for (ticket, _) in &people[..2] {
        assert_eq!(stored(&test, *ticket).title.as_str(), "[erased]");
    }
    assert_eq!(
        stored(&test, people[2].0).title.as_str(),
        "it hangs",
        "others are untouched"
    );
}

#[tokio::test]
async fn a_person_of_many_merges_is_exported_and_erased_whole_from_either_end() {
    let test = TestHub::new().await;
    let mut people = Vec::new();
    for user in 0..20 {
        let submission = report(&format!("u{user}"), &format!("u{user}@example.test"), "it hangs");
        let ticket = test.hub.ingest.submit(&submission, None).await.unwrap().ticket;
        people.push((ticket, stored(&test, ticket).reporter));
    }
    // Each is merged into the next one: the first is nineteen steps from who they are.
    for pair in people.windows(2) {
        let merged = test
            .hub
            .merge_reporters
            .merge(pair[0].1, pair[1].1, test.reviewer.id)
            .await;
        merged.unwrap();
    }
    let exported = test.hub.export.export(people[0].1).await.unwrap();
    assert_eq!((exported.reporters.len(), exported.tickets.len()), (20, 20));
    assert_eq!(erase(&test, people[0].1).await.reporters.len(), 20);
    for (ticket, _) in people {
        assert_eq!(stored(&test, ticket).title.as_str(), "[erased]");
    }
}

#[derive(Debug, Default)]
struct MemoryLog(Mutex<Vec<LoggedErasure>>);

#[async_trait]
impl ErasureLog for MemoryLog {
    async fn append(&self, erasure: LoggedErasure) -> Result<(), PortError> {
        self.0.lock().unwrap().push(erasure);
        Ok(())
    }

    async fn all(&self) -> Result<Vec<LoggedErasure>, PortError> {
        Ok(self.0.lock().unwrap().clone())
    }
}

fn erase_over(store: &MemoryStore, log: &Arc<MemoryLog>, test: &TestHub) -> Erase {
    let (store, log) = (Arc::new(store.clone()), Arc::clone(log));
    let ids = Arc::new(SeededIds::new(99));
    Erase::new(store.clone(), store, Some(log), Arc::new(test.clock.clone()), ids)
}

#[tokio::test]
async fn f24_a_restored_backup_erases_again_before_it_is_served() {
    let test = TestHub::new().await;
    let mine = report("ana", "ana@example.test", "it hangs");
    let ticket = test.hub.ingest.submit(&mine, None).await.unwrap().ticket;
    let reporter = stored(&test, ticket).reporter;
    let backup = test.store.snapshot();
    let log = Arc::new(MemoryLog::default());
    erase_over(&test.store, &log, &test)
        .erase(reporter, None)
        .await
        .unwrap();

    let erase = erase_over(&backup, &log, &test);
    assert_eq!(backup.all_tickets()[0].title.as_str(), "it hangs");
    assert_eq!(erase.erase_again().await.unwrap(), 1);
    assert_eq!(backup.all_tickets()[0].title.as_str(), "[erased]");
    assert_eq!(erase.erase_again().await.unwrap(), 0);

    let older = MemoryStore::new();
    let erase = erase_over(&older, &log, &test);
    assert_eq!(
        erase.erase_again().await.unwrap(),
        0,
        "a backup from before the person has nothing to erase"
    );
    assert_eq!(older.erasures().await.unwrap().len(), 1, "and remembers them");
}

#[tokio::test]
async fn nobody_is_erased_whom_the_hub_does_not_know() {
    let test = TestHub::new().await;
    let nobody = ReporterId::from_uuid(uuid::Uuid::from_u128(5));
    let refused = test.hub.erase.erase(nobody, None).await;
    assert!(matches!(refused, Err(EraseError::NotFound)), "{refused:?}");
}

#[tokio::test]
async fn a_rotation_moves_everything_once_and_everything_still_opens() {
    let test = TestHub::new().await;
    let vault = MemoryVault::new(7);
    let mine = report("ana", "ana@example.test", "it hangs");
    let ticket = test.hub.ingest.submit(&mine, None).await.unwrap().ticket;
    test.receive(
        Channel::WhatsApp,
        r#"{"object":"whatsapp_business_account","entry":"surprise"}"#,
    )
    .await;
    let rotate = RotateKeys::new(Arc::new(test.store.clone()), Arc::new(vault.clone()));
    let rotated = rotate.rotate().await.unwrap();
    assert_eq!((rotated.moved, rotated.current, rotated.unreadable), (0, 2, 0));
    vault.rotate();
    let rotated = rotate.rotate().await.unwrap();
    assert_eq!((rotated.moved, rotated.current, rotated.unreadable), (2, 0, 0));
    let rotated = rotate.rotate().await.unwrap();
    assert_eq!((rotated.moved, rotated.current, rotated.unreadable), (0, 2, 0));

    let reporter = test
        .hub
        .show
        .find_reporter(stored(&test, ticket).reporter)
        .await
        .unwrap()
        .unwrap();
    let (key, name) = (reporter.key.unwrap(), reporter.name.unwrap());
    let at = feedback_core::ports::Place {
        table: "reporters",
        column: "name",
        row: *reporter.id.as_uuid(),
    };
    let opened = vault.open(KeyScope::Subject(reporter.id, &key), at, &name).unwrap();
    assert_eq!(opened.as_slice(), b"Ana Quiroga");
}

#[tokio::test]
async fn what_has_had_its_time_is_gone_and_the_rest_stays() {
    let test = TestHub::new().await;
    let mine = report("ana", "ana@example.test", "it hangs");
    let ticket = test.hub.ingest.submit(&mine, None).await.unwrap().ticket;
    let raw = |test: &TestHub| {
        let store = test.store.clone();
        async move { store.sources(ticket).await.unwrap()[0].raw.is_some() }
    };
    test.clock.advance(29 * DAY);
    test.hub.retain.purge().await.unwrap();
    assert!(raw(&test).await);
    test.clock.advance(2 * DAY);
    let purged = test.hub.retain.purge().await.unwrap();
    assert!(purged.rows.contains(&(Expired::RawPayloads, 1)), "{purged:?}");
    assert!(!raw(&test).await);
    assert_eq!(stored(&test, ticket).title.as_str(), "it hangs");
}

#[tokio::test]
async fn the_purge_is_one_job_that_comes_again() {
    let test = TestHub::new().await;
    test.hub.schedule_periodic().await.unwrap();
    test.hub.schedule_periodic().await.unwrap();
    test.run_due_jobs().await;
    test.wait(2 * Duration::from_secs(3600)).await;
    let jobs = test.store.jobs();
    let purges = jobs.iter().filter(|job| job.kind.as_str() == "purge_expired");
    let ready = purges
        .filter(|job| job.status == feedback_core::domain::JobStatus::Ready)
        .count();
    assert_eq!(ready, 1);
}

#[tokio::test]
async fn a_rewritten_event_is_named() {
    let test = TestHub::new().await;
    let mine = report("ana", "ana@example.test", "it hangs");
    let ticket = test.hub.ingest.submit(&mine, None).await.unwrap().ticket;
    test.run_due_jobs().await;
    let verified = test.hub.verify_timelines.verify().await.unwrap();
    assert_eq!((verified.tickets, verified.broken.len()), (1, 0));
    let tampered = test.store.snapshot();
    tampered.rewrite_event(ticket, 0, EventKind::Dismissed);
    let verified = VerifyTimelines::new(Arc::new(tampered)).verify().await.unwrap();
    let [broken] = &verified.broken[..] else {
        panic!("{verified:?}")
    };
    assert_eq!((broken.position, broken.kind), (1, EventKind::Dismissed));
}

/// A job that waits for its time, so that a store is never quite idle.
#[tokio::test]
async fn finished_jobs_are_put_away_and_waiting_ones_stay() {
    let test = TestHub::new().await;
    let ids = SeededIds::new(5);
    let ticket = ReporterId::from_uuid(uuid::Uuid::from_u128(1));
    let payload = feedback_core::domain::JobPayload::LookUpReporter { reporter: ticket };
    let job = |run_at| {
        let id = feedback_core::ports::IdSourceExt::next(&ids);
        Write::Enqueue(NewJob::now(id, payload.clone(), test.clock.now()).at(run_at))
    };
    let (now, later) = (test.clock.now(), test.clock.now().plus(90 * DAY));
    test.store
        .commit(Change::new().with(job(now)).with(job(later)))
        .await
        .unwrap();
    test.run_due_jobs().await;
    test.clock.advance(8 * DAY);
    test.hub.retain.purge().await.unwrap();
    let left = test.store.jobs();
    assert_eq!(
        left.iter()
            .filter(|job| job.kind.as_str() == "look_up_reporter")
            .count(),
        1
    );
}
