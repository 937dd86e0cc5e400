//! Nothing that no person approved reaches a customer, and of many decisions at once one is taken.

use std::sync::Arc;

use feedback_core::{
    domain::{
        Change, ChangelogEntry, ChangelogStatus, Channel, DeliveryMode, Notification, NotificationStatus, ThreadRef,
        TicketId, Write,
    },
    ports::{ChangelogEntryKey, Storage},
    testing::hub::{TestHub, ticket_of},
    usecases::ReviewError,
};
use tokio::sync::Barrier;

use crate::{
    deliver::{approved_on, notification},
    journey::{kinds, resolve},
    payloads,
};

async fn drafted(test: &TestHub) -> TicketId {
    let body = payloads::slack("1767225600.000100", "U0DANA", "the export hangs");
    let id = ticket_of(&test.receive(Channel::Slack, body).await);
    test.run_due_jobs().await;
    resolve(test, id).await;
    id
}

/// Approve, approve, edit and reject at the same moment, on threads of their own.
async fn race() {
    let test = TestHub::new().await;
    let ticket = drafted(&test).await;
    let entry = test.hub.review.newest_of(ticket).await.unwrap().unwrap();
    let (id, seen, by) = (entry.id, entry.version, test.reviewer.id);
    let barrier = Arc::new(Barrier::new(4));
    let tasks = ["approve", "approve", "edit", "reject"].map(|what| {
        let (hub, barrier) = (Arc::clone(&test.hub), Arc::clone(&barrier));
        tokio::spawn(async move {
            barrier.wait().await;
            let review = &hub.review;
            let decided = match what {
                "approve" => review.approve(id, seen, by, None).await.map(|_| ()),
                "edit" => review.update(id, seen, "Otras palabras", by, None).await.map(|_| ()),
                _ => review.reject(id, seen, "not so", by, None).await.map(|_| ()),
            };
            (what, decided)
        })
    });
    let mut won = Vec::new();
    for task in tasks {
        match task.await.unwrap() {
            (what, Ok(())) => won.push(what),
            (_, Err(ReviewError::AlreadyDecided { current } | ReviewError::Stale { current, .. })) => {
                assert_eq!(current.id, id, "whoever comes too late learns what stands");
            }
            (what, Err(other)) => panic!("{what}: {other}"),
        }
    }
    assert_eq!(won.len(), 1, "{won:?}");
    test.run_due_jobs().await;
    assert_eq!(test.slack.texts().len(), usize::from(won[0] == "approve"), "{won:?}");
    let decisions = kinds(&test, ticket)
        .iter()
        .filter(|kind| matches!(kind.as_str(), "approved" | "rejected" | "draft_edited"))
        .count();
    assert_eq!(decisions, 1, "one entry on the timeline");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn f72_in_a_thousand_races_one_decision_is_taken_and_one_message_goes_out_at_most() {
    for _ in 0..1_000 {
        race().await;
    }
}

async fn entry_of(test: &TestHub, notification: &Notification) -> ChangelogEntry {
    let key = ChangelogEntryKey::Id(notification.changelog_entry);
    test.store.changelog_entry(key).await.unwrap().unwrap()
}

/// What somebody with access to the database might change after an approval.
enum Tampering {
    Entry(fn(&mut ChangelogEntry)),
    Notification(fn(&mut Notification)),
}

#[tokio::test]
async fn f74_whatever_is_changed_after_the_approval_nothing_is_sent() {
    let tamperings: [(&str, Tampering); 9] = [
        ("text", Tampering::Entry(|entry| entry.content = entry.drafted.clone())),
        ("no decision", Tampering::Entry(|entry| entry.decision = None)),
        (
            "back to draft",
            Tampering::Entry(|entry| entry.status = ChangelogStatus::Draft),
        ),
        (
            "approved by nobody",
            Tampering::Entry(|entry| entry.decision.iter_mut().for_each(|decision| decision.by = None)),
        ),
        (
            "another version",
            Tampering::Entry(|entry| {
                entry
                    .decision
                    .iter_mut()
                    .for_each(|decision| decision.seen_version += 1)
            }),
        ),
        (
            "another thread",
            Tampering::Notification(|notification| {
                notification.thread = ThreadRef::Slack {
                    team: "T0ACME".into(),
                    channel: "C0OTHER".into(),
                    thread_ts: Some("1767225600.000100".into()),
                };
            }),
        ),
        (
            "another way",
            Tampering::Notification(|notification| notification.mode = DeliveryMode::DirectMessage),
        ),
        (
            "another channel",
            Tampering::Notification(|notification| notification.channel = Channel::Intercom),
        ),
        (
            "a seal of something else",
            Tampering::Notification(|notification| {
                notification.seal = feedback_core::domain::ApprovalSeal::from_bytes([7; 32]);
            }),
        ),
    ];
    for (what, tampering) in tamperings {
        let test = TestHub::new().await;
        let id = drafted(&test).await;
        // An edit, so that the text as drafted is another one.
        let entry = test.hub.review.newest_of(id).await.unwrap().unwrap();
        let edited = test
            .hub
            .review
            .update(entry.id, entry.version, "Ya funciona.", test.reviewer.id, None)
            .await
            .unwrap();
        test.hub
            .review
            .approve(edited.id, edited.version, test.reviewer.id, None)
            .await
            .unwrap();
        let approved = notification(&test);
        let write = match tampering {
            Tampering::Entry(change) => {
                let mut entry = entry_of(&test, &approved).await;
                change(&mut entry);
                Write::UpdateChangelogEntry(Box::new(entry))
            }
            Tampering::Notification(change) => {
                let mut changed = approved.clone();
                change(&mut changed);
                Write::UpdateNotification(Box::new(changed))
            }
        };
        test.store.commit(Change::new().with(write)).await.unwrap();
        // A text sealed in another place does not open at all: that is a failure of the job, not a message.
        let _ = test.hub.deliver.deliver(approved.id).await;
        assert_eq!(test.slack.calls() + test.intercom.calls(), 0, "{what}");
        assert_ne!(notification(&test).status, NotificationStatus::Sent, "{what}");
    }
}

#[tokio::test]
async fn f74_what_goes_out_is_what_was_approved_to_the_letter() {
    for channel in [Channel::Slack, Channel::Intercom, Channel::WhatsApp] {
        let (test, _) = approved_on(channel, TestHub::new().await).await;
        test.run_due_jobs().await;
        let sent = notification(&test);
        let entry = entry_of(&test, &sent).await;
        let approved = test.hub.review.content(&entry).await.unwrap().unwrap();
        let outside = [test.slack.texts(), test.intercom.texts(), test.whatsapp.texts()].concat();
        assert_eq!(outside, [approved.to_string()], "{channel}");
        let decision = entry.decision.expect("a decision");
        assert!(
            decision.by.is_some() && decision.at <= sent.sent_at.expect("sent"),
            "{channel}"
        );
    }
}
