//! A backup is put back: nothing goes out that may have gone out since, until a person says so.

use std::{sync::Arc, time::Duration};

use feedback_core::{
    domain::{Change, Channel, EventKind, Notification, NotificationStatus, Write},
    ports::{Clock, NotificationKey, Storage},
    testing::{SeededIds, hub::TestHub, memory::MemoryStore},
    usecases::{Erase, Restore, RestoreError, Settled},
};

use crate::deliver::{approved_on, notification};

fn restore(test: &TestHub, store: &MemoryStore) -> Restore {
    let (clock, ids) = (Arc::new(test.clock.clone()), Arc::new(SeededIds::new(21)));
    let store = Arc::new(store.clone());
    let erase = Erase::new(store.clone(), store.clone(), None, clock.clone(), ids.clone());
    Restore::new(store.clone(), store, erase, clock, ids)
}

/// A store whose one delivery stands so.
async fn standing(test: &TestHub, status: NotificationStatus) -> (MemoryStore, Notification) {
    let store = test.store.snapshot();
    let mut notification = notification(test);
    notification.status = status;
    let change = Change::new().with(Write::UpdateNotification(Box::new(notification.clone())));
    store.commit(change).await.unwrap();
    let key = NotificationKey::Id(notification.id);
    (store.clone(), store.notification(key).await.unwrap().unwrap())
}

#[tokio::test]
async fn f24_what_had_not_ended_at_the_backup_waits_for_a_person() {
    let (test, _) = approved_on(Channel::Slack, TestHub::new().await).await;
    let fence = test.clock.now();
    for status in NotificationStatus::ALL {
        let (backup, before) = standing(&test, status).await;
        let unfinished = [
            NotificationStatus::Pending,
            NotificationStatus::Sending,
            NotificationStatus::Failed,
            NotificationStatus::ChannelRestricted,
        ]
        .contains(&status);
        let restored = restore(&test, &backup).fence(fence).await.unwrap();
        assert_eq!(restored.deliveries, usize::from(unfinished), "{status}");
        let after = backup
            .notification(NotificationKey::Id(before.id))
            .await
            .unwrap()
            .unwrap();
        if unfinished {
            assert_eq!(after.status, NotificationStatus::Ambiguous, "{status}");
            assert_eq!(after.last_error.map(|error| error.code).as_deref(), Some("restored"));
        } else {
            assert_eq!(after, before, "{status}");
        }
        let again = restore(&test, &backup).fence(fence).await.unwrap();
        assert_eq!(again.deliveries, 0, "{status}: a second time changes nothing");
    }
}

#[tokio::test]
async fn f24_nothing_of_a_fenced_store_is_sent_by_itself_and_a_persons_word_is_taken() {
    let (test, ticket) = approved_on(Channel::Slack, TestHub::new().await).await;
    restore(&test, &test.store).fence(test.clock.now()).await.unwrap();
    let told = test.store.events(ticket).pop().map(|event| event.kind);
    assert_eq!(told, Some(EventKind::DeliveryAmbiguous));
    test.wait(Duration::from_secs(3600)).await;
    assert_eq!(
        (test.slack.calls(), notification(&test).status),
        (0, NotificationStatus::Ambiguous)
    );

    let deliver = &test.hub.deliver;
    let id = notification(&test).id;
    deliver.settle(id, Settled::SendAgain, test.reviewer.id).await.unwrap();
    // The fence is run once more by mistake: what a person decided after it stands.
    let a_minute_ago = test.clock.now().minus(Duration::from_secs(60));
    let restored = restore(&test, &test.store).fence(a_minute_ago).await.unwrap();
    assert_eq!(restored.deliveries, 0);
    test.run_due_jobs().await;
    assert_eq!(notification(&test).status, NotificationStatus::Sent);
    assert_eq!(test.slack.calls(), 1);
}

#[tokio::test]
async fn a_fence_in_the_future_is_refused() {
    let (test, _) = approved_on(Channel::Slack, TestHub::new().await).await;
    let tomorrow = test.clock.now().plus(Duration::from_secs(86_400));
    let refused = restore(&test, &test.store).fence(tomorrow).await;
    assert!(matches!(refused, Err(RestoreError::FenceInFuture)), "{refused:?}");
    assert_eq!(notification(&test).status, NotificationStatus::Pending);
}
