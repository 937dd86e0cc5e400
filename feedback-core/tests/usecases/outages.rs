//! A provider that is down, refuses us, or asks for a pause: nothing is lost, nothing is counted, and the crowd that waited
//! does not fell it again.

use std::time::Duration;

use feedback_core::{
    HubSettings,
    domain::{Channel, JobStatus, Notification, NotificationStatus, TicketId, Timestamp},
    logic::breaker::{HeldBecause, Standing},
    ports::{PortErrorKind, Storage},
    testing::{
        hub::{TestHub, ticket_of},
        memory::SendStep,
    },
    usecases::DeadJob,
};

use crate::{
    deliver::{approved_on, notification},
    journey::{approve, resolve},
    payloads,
};

const CROWD: usize = 15;
const SECOND: Duration = Duration::from_secs(1);

/// Tickets of as many people, each with an approved answer that nobody has sent yet.
async fn crowd(test: &TestHub, size: usize) -> Vec<TicketId> {
    let mut ids = Vec::new();
    for n in 0..size {
        let ts = format!("17672256{n:02}.000100");
        let body = payloads::slack(&ts, &format!("U{n:03}"), &format!("report {n}: page {n} is blank"));
        ids.push(ticket_of(&test.receive(Channel::Slack, body).await));
    }
    test.run_due_jobs().await;
    for id in &ids {
        resolve(test, *id).await;
        approve(test, *id).await;
    }
    ids
}

fn statuses(test: &TestHub) -> Vec<NotificationStatus> {
    test.store.all_notifications().iter().map(|n| n.status).collect()
}

fn dead_jobs(test: &TestHub) -> usize {
    test.store
        .jobs()
        .iter()
        .filter(|job| job.status == JobStatus::Dead)
        .count()
}

fn slack_standing(test: &TestHub) -> Standing {
    let health = test.hub.guards.health();
    health.iter().find(|one| one.provider == "slack").unwrap().standing
}

#[tokio::test]
async fn f35_after_ten_hours_a_probe_goes_alone_and_the_rest_follows_at_the_rate() {
    let test = TestHub::new().await;
    test.slack.set_down(Some((PortErrorKind::NotSent, "connect")));
    crowd(&test, CROWD).await;
    for _ in 0..120 {
        test.wait(Duration::from_secs(300)).await;
    }
    let calls = test.slack.calls();
    assert!(
        calls <= 5 + 1_300,
        "only probes go to a provider that is down: {calls} calls"
    );
    assert_eq!(dead_jobs(&test), 0);

    test.slack.set_down(None);
    for _ in 0..240 {
        test.wait(SECOND).await;
    }
    assert!(statuses(&test).iter().all(|status| *status == NotificationStatus::Sent));
    assert_eq!(dead_jobs(&test), 0, "an outage makes no dead letter");
    let sent = test.slack.delivered();
    assert_eq!(sent.len(), CROWD, "each once");
    let mut times: Vec<_> = sent.iter().map(|message| message.started_at).collect();
    times.sort_unstable();
    assert!(times[1].since(times[0]) >= SECOND, "the probe goes alone");
    for (n, from) in times.iter().enumerate() {
        let within = times[n..].iter().take_while(|at| at.since(*from) < SECOND).count();
        assert!(within <= 21, "{within} messages within a second");
    }
    let counted: u32 = test.store.all_notifications().iter().map(|n| n.retry_count).sum();
    assert_eq!(counted, 0, "an outage is no failure");
}

#[tokio::test]
async fn f35_what_a_provider_that_answers_503_costs_is_bounded_by_the_five_failures_that_open_the_breaker() {
    let test = TestHub::new().await;
    test.slack
        .set_down(Some((PortErrorKind::Unavailable, "service_unavailable")));
    crowd(&test, CROWD).await;
    for _ in 0..120 {
        test.wait(Duration::from_secs(300)).await;
    }
    let counted: u32 = test.store.all_notifications().iter().map(|n| n.retry_count).sum();
    assert_eq!(counted, 5, "probes count for nothing");
    test.slack.set_down(None);
    for _ in 0..240 {
        test.wait(SECOND).await;
    }
    assert!(statuses(&test).iter().all(|status| *status == NotificationStatus::Sent));
    assert_eq!((test.slack.texts().len(), dead_jobs(&test)), (CROWD, 0));
}

#[tokio::test]
async fn f35_three_days_after_an_outage_began_what_waits_for_it_is_over() {
    let test = TestHub::new().await;
    // Made long before: its age is not the outage's.
    test.slack
        .script(SendStep::Fail(PortErrorKind::Rejected, "is_archived"));
    let (test, _) = approved_on(Channel::Slack, test).await;
    test.run_due_jobs().await;
    test.wait(Duration::from_secs(80 * 3600)).await;
    test.slack.set_down(Some((PortErrorKind::NotSent, "connect")));
    test.hub
        .deliver
        .retry(notification(&test).id, test.reviewer.id)
        .await
        .unwrap();
    for _ in 0..71 {
        test.wait(Duration::from_secs(3600)).await;
    }
    assert_eq!(notification(&test).status, NotificationStatus::Failed, "it still waits");
    for _ in 0..4 {
        test.wait(Duration::from_secs(3600)).await;
    }
    let over = notification(&test);
    assert_eq!(over.status, NotificationStatus::PermanentlyFailed);
    assert_eq!(over.retry_count, 0);
}

#[tokio::test]
async fn a_refused_token_stops_all_calls_at_once_and_is_shown() {
    let test = TestHub::new().await;
    test.slack
        .script(SendStep::Fail(PortErrorKind::Unauthorized, "invalid_auth"));
    crowd(&test, 5).await;
    test.run_due_jobs().await;
    assert_eq!(test.slack.calls(), 1);
    let health = test.hub.guards.health();
    let slack = health.iter().find(|one| one.provider == "slack").unwrap();
    assert!(matches!(
        slack.standing,
        Standing::Held {
            because: HeldBecause::Unauthorized,
            ..
        }
    ));
    assert!(slack.last_error.as_deref().unwrap_or_default().contains("invalid_auth"));
    for _ in 0..60 {
        test.wait(SECOND * 2).await;
    }
    assert_eq!(test.slack.texts().len(), 5, "the token was mended");
}

#[tokio::test]
async fn f36_a_limit_pauses_everything_that_goes_to_the_provider() {
    let test = TestHub::new().await;
    let limited = PortErrorKind::RateLimited {
        retry_after: Some(Duration::from_secs(600)),
    };
    test.slack.script(SendStep::Fail(limited, "ratelimited"));
    crowd(&test, 6).await;
    test.run_due_jobs().await;
    assert_eq!(test.slack.calls(), 1, "one was told, the others were not sent at all");
    for _ in 0..59 {
        test.wait(SECOND * 10).await;
    }
    assert_eq!(test.slack.calls(), 1);
    assert!(matches!(slack_standing(&test), Standing::Held { .. }));
    for _ in 0..120 {
        test.wait(SECOND).await;
    }
    assert_eq!(test.slack.texts().len(), 6);
    let counted: u32 = test.store.all_notifications().iter().map(|n| n.retry_count).sum();
    assert_eq!(counted, 1, "only the one that was told");
}

#[tokio::test]
async fn f36_ten_years_are_an_hour_and_no_word_is_our_own_step() {
    for (asked, at_most) in [(Some(10 * 365 * 24 * 3600), 3600 + 60), (None, 60)] {
        let test = TestHub::new().await;
        let limited = PortErrorKind::RateLimited {
            retry_after: asked.map(Duration::from_secs),
        };
        test.slack.script(SendStep::Fail(limited, "ratelimited"));
        let (test, _) = approved_on(Channel::Slack, test).await;
        test.run_due_jobs().await;
        test.wait(Duration::from_secs(at_most)).await;
        test.wait(SECOND).await;
        assert_eq!(
            notification(&test).status,
            NotificationStatus::Sent,
            "asked for {asked:?}"
        );
    }
}

#[tokio::test]
async fn one_provider_that_is_down_holds_no_other_back() {
    let test = TestHub::with_settings(HubSettings::default()).await;
    test.slack.set_down(Some((PortErrorKind::NotSent, "connect")));
    crowd(&test, 6).await;
    test.run_due_jobs().await;
    assert!(matches!(slack_standing(&test), Standing::Held { .. }));
    let body = payloads::whatsapp("5491155550101", &[("wamid.A", 1_767_225_600, "the export hangs")]);
    let id = ticket_of(&test.receive(Channel::WhatsApp, body).await);
    test.run_due_jobs().await;
    resolve(&test, id).await;
    approve(&test, id).await;
    test.run_due_jobs().await;
    assert_eq!(test.whatsapp.texts().len(), 1);
}

/// What a delivery's job leaves behind that took its third process with it.
async fn job_died(test: &TestHub, notification: &Notification, job: DeadJob, at: Timestamp) {
    let left = test
        .hub
        .deliver
        .left_behind(notification.id, job, "crash_loop", at)
        .await;
    test.store.commit(left.unwrap()).await.unwrap();
}

#[tokio::test]
async fn a_delivery_whose_job_is_dead_says_so_and_one_that_moved_since_does_not() {
    let test = TestHub::new().await;
    let (test, _) = approved_on(Channel::Slack, test).await;
    let waiting = notification(&test);
    let buried_at = waiting.updated_at;
    job_died(&test, &waiting, DeadJob::Try, buried_at).await;
    let dead = notification(&test);
    assert_eq!(dead.status, NotificationStatus::PermanentlyFailed);
    assert_eq!(dead.last_error.as_ref().unwrap().code, "gave_up");
    test.clock.advance(SECOND);
    test.hub.deliver.retry(dead.id, test.reviewer.id).await.unwrap();
    job_died(&test, &dead, DeadJob::Try, buried_at).await;
    test.run_due_jobs().await;
    assert_eq!(notification(&test).status, NotificationStatus::Sent);
}

#[tokio::test]
async fn a_try_under_way_whose_job_is_dead_is_for_a_person_to_decide() {
    let test = TestHub::new().await;
    test.whatsapp.script(SendStep::LoseAnswer);
    let (test, _) = approved_on(Channel::WhatsApp, test).await;
    test.run_due_jobs().await;
    let sending = notification(&test);
    assert_eq!(sending.status, NotificationStatus::Sending);
    job_died(&test, &sending, DeadJob::Look, sending.updated_at).await;
    assert_eq!(notification(&test).status, NotificationStatus::Ambiguous);
}

#[tokio::test]
async fn f30_a_try_whose_job_died_with_its_processes_is_looked_up_where_the_channel_can_be_asked() {
    let test = TestHub::new().await;
    test.slack.script(SendStep::LoseAnswer);
    let (test, _) = approved_on(Channel::Slack, test).await;
    test.run_due_jobs().await;
    let sending = notification(&test);
    assert_eq!(sending.status, NotificationStatus::Sending);
    test.clock.advance(SECOND);
    job_died(&test, &sending, DeadJob::Try, sending.updated_at).await;
    assert_eq!(notification(&test).status, NotificationStatus::Sending);
    test.wait(Duration::from_secs(31)).await;
    assert_eq!(notification(&test).status, NotificationStatus::Sent);
    assert_eq!(test.slack.texts().len(), 1);
}
