//! Files of messages: fetched, kept sealed, refused, lost, erased.

use std::time::Duration;

use feedback_core::{
    domain::{
        Attachment, AttachmentStatus, Change, Channel, Erasure, EventKind, JobPayload, JobStatus, NewJob, TicketId,
        Write,
    },
    ports::{AttachmentsKey, BlobStore, Clock, IdSourceExt, PortErrorKind, Storage},
    testing::{
        SeededIds,
        hub::{TestHub, ticket_of},
    },
    usecases::attachment_reason,
};
use serde_json::json;

const REFERENCE: &str = "https://files.slack.com/files-pri/T1-F1/error.png";
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n the picture of Ana Example";

async fn receive(test: &TestHub, name: &str, size: u64) -> TicketId {
    let body = json!({
        "type": "event_callback", "team_id": "T0", "event_id": "Ev1",
        "event": {"type": "message", "subtype": "file_share", "channel": "C0", "user": "U0DANA", "text": "mirá esto",
            "ts": "1767225600.000100", "files": [{
                "id": "F1", "name": name, "mimetype": "image/png", "size": size, "mode": "hosted",
                "url_private_download": REFERENCE,
            }]},
    });
    ticket_of(&test.receive(Channel::Slack, body.to_string()).await)
}

async fn file(test: &TestHub, ticket: TicketId) -> Attachment {
    let mut files = test.store.attachments(AttachmentsKey::Ticket(ticket)).await.unwrap();
    assert_eq!(files.len(), 1);
    files.remove(0)
}

/// Status of the only file, and why it is not there.
async fn outcome(test: &TestHub, ticket: TicketId) -> (AttachmentStatus, Option<String>) {
    let file = file(test, ticket).await;
    let events = test.store.events(ticket);
    (file.status, attachment_reason(&events, file.id).map(str::to_owned))
}

fn fetches(test: &TestHub) -> Vec<JobStatus> {
    let jobs = test.store.jobs().into_iter();
    jobs.filter(|job| job.kind.as_str() == "fetch_attachment")
        .map(|job| job.status)
        .collect()
}

#[tokio::test]
async fn a_file_is_kept_sealed_and_opened_for_who_may_see_it() {
    let test = TestHub::new().await;
    test.files.offer(REFERENCE, PNG);
    let ticket = receive(&test, "../error\n.png", PNG.len() as u64).await;
    assert_eq!(outcome(&test, ticket).await, (AttachmentStatus::Announced, None));
    test.run_due_jobs().await;

    let stored = file(&test, ticket).await;
    assert_eq!(stored.status, AttachmentStatus::Stored);
    assert_eq!(stored.content_type.as_deref(), Some("image/png"));
    assert_eq!(stored.size_bytes, Some(PNG.len() as u64));
    assert_eq!(stored.sha256.as_ref().map(String::len), Some(64));
    let key = stored.blob_key.clone().unwrap();
    assert!(!key.contains("error") && test.blobs.keys() == [key.clone()], "{key}");
    let bytes = test.blobs.get(&key).await.unwrap();
    assert!(
        !bytes.windows(3).any(|window| window == b"Ana" || window == b"PNG"),
        "the blob is not sealed"
    );

    let opened = test.hub.attachments.file(stored.id).await.unwrap().unwrap();
    assert_eq!(
        (opened.bytes.as_slice(), opened.content_type.as_str()),
        (PNG, "image/png")
    );
    assert_eq!(opened.name.as_ref().map(|name| name.as_str()), Some("../error\n.png"));
    assert!(!format!("{opened:?}").contains("Ana"));
    let kinds: Vec<_> = test.store.events(ticket).iter().map(|event| event.kind).collect();
    assert!(kinds.contains(&EventKind::AttachmentStored), "{kinds:?}");

    // The job again changes nothing.
    test.hub.fetch_attachment.fetch(stored.id).await.unwrap();
    assert_eq!(test.files.asked(), [REFERENCE]);
    assert_eq!(file(&test, ticket).await, stored);
}

#[tokio::test]
async fn what_is_not_fetched_for_safety_is_refused_with_its_reason_and_the_ticket_stands() {
    let test = TestHub::new().await;
    test.files.fail_next(PortErrorKind::Rejected, "foreign_address");
    let ticket = receive(&test, "a.png", 10).await;
    test.run_due_jobs().await;
    assert_eq!(
        outcome(&test, ticket).await,
        (AttachmentStatus::Refused, Some("foreign_address".to_owned()))
    );
    assert_eq!(fetches(&test), [JobStatus::Done]);
    assert!(test.blobs.keys().is_empty());
    assert!(
        test.hub
            .attachments
            .file(file(&test, ticket).await.id)
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn programs_and_giants_are_refused_and_a_giant_that_says_so_is_not_even_asked_for() {
    let test = TestHub::new().await;
    test.files.offer(REFERENCE, *b"MZ\x90\0 a program");
    let ticket = receive(&test, "invoice.pdf", 10).await;
    test.run_due_jobs().await;
    assert_eq!(
        outcome(&test, ticket).await,
        (AttachmentStatus::Refused, Some("program".to_owned()))
    );

    let test = TestHub::new().await;
    let ticket = receive(&test, "video.mp4", 11 * 1024 * 1024).await;
    test.run_due_jobs().await;
    assert_eq!(
        outcome(&test, ticket).await,
        (AttachmentStatus::Refused, Some("too_large".to_owned()))
    );
    assert!(test.files.asked().is_empty());
}

#[tokio::test]
async fn an_outage_is_waited_for_and_a_broken_token_ends_as_a_visible_failure_that_a_person_can_revive() {
    let test = TestHub::new().await;
    test.files.offer(REFERENCE, PNG);
    test.files.fail_next(PortErrorKind::Unavailable, "http_503");
    test.files.fail_next(PortErrorKind::Unknown, "timeout");
    let ticket = receive(&test, "a.png", 10).await;
    test.run_due_jobs().await;
    assert_eq!(outcome(&test, ticket).await.0, AttachmentStatus::Announced);
    for _ in 0..3 {
        test.wait(Duration::from_secs(3600)).await;
    }
    assert_eq!(outcome(&test, ticket).await, (AttachmentStatus::Stored, None));

    let test = TestHub::new().await;
    for _ in 0..5 {
        test.files.fail_next(PortErrorKind::Unauthorized, "missing_scope");
    }
    let ticket = receive(&test, "a.png", 10).await;
    for _ in 0..6 {
        test.wait(Duration::from_secs(3600)).await;
    }
    assert_eq!(fetches(&test), [JobStatus::Dead]);
    assert_eq!(
        outcome(&test, ticket).await,
        (AttachmentStatus::Failed, Some("gave_up".to_owned()))
    );
    test.files.offer(REFERENCE, PNG);
    test.hub
        .fetch_attachment
        .fetch(file(&test, ticket).await.id)
        .await
        .unwrap();
    assert_eq!(file(&test, ticket).await.status, AttachmentStatus::Stored);
}

#[tokio::test]
async fn a_file_that_the_provider_lost_says_so() {
    let test = TestHub::new().await;
    let ticket = receive(&test, "a.png", 10).await;
    test.run_due_jobs().await;
    assert_eq!(
        outcome(&test, ticket).await,
        (AttachmentStatus::Failed, Some("gone".to_owned()))
    );
}

#[tokio::test]
async fn a_blob_store_that_is_away_is_tried_again_and_nothing_is_told_to_be_stored_before_it_is() {
    let test = TestHub::new().await;
    test.files.offer(REFERENCE, PNG);
    test.blobs.fail_next(PortErrorKind::Unavailable);
    let ticket = receive(&test, "a.png", 10).await;
    test.run_due_jobs().await;
    assert_eq!(outcome(&test, ticket).await.0, AttachmentStatus::Announced);
    test.wait(Duration::from_secs(3600)).await;
    assert_eq!(outcome(&test, ticket).await.0, AttachmentStatus::Stored);
}

#[tokio::test]
async fn an_erased_persons_file_is_not_kept_however_late_the_job_comes() {
    let test = TestHub::new().await;
    test.files.offer(REFERENCE, PNG);
    let ticket = receive(&test, "a.png", 10).await;
    test.run_due_jobs().await;
    let stored = file(&test, ticket).await;
    let ticket_row = test.store.all_tickets().remove(0);
    let erasure = Erasure {
        reporter: ticket_row.reporter,
        at: test.clock.now(),
        by: None,
    };
    test.store
        .commit(Change::new().with(Write::EraseReporter(erasure)))
        .await
        .unwrap();
    assert!(test.hub.attachments.file(stored.id).await.unwrap().is_none());

    // The bytes are a job's to remove: that of the erasure, or a fetch that comes after it.
    test.hub.fetch_attachment.fetch(stored.id).await.unwrap();
    assert!(test.blobs.keys().is_empty());
    assert_eq!(file(&test, ticket).await.status, AttachmentStatus::Erased);

    test.blobs.put("attachments/x", vec![1]).await.unwrap();
    let payload = JobPayload::DeleteBlob {
        key: "attachments/x".to_owned(),
    };
    let job = NewJob::now(SeededIds::new(3).next(), payload, test.clock.now());
    test.store
        .commit(Change::new().with(Write::Enqueue(job)))
        .await
        .unwrap();
    test.run_due_jobs().await;
    assert!(test.blobs.keys().is_empty());
}
