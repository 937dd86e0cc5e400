//! Cursors, remembered calls, and who may review.

use std::{sync::Arc, time::Duration};

use futures::future::join_all;

use super::{StorageHarness, commit, only_winner, refused, sixteen, write};
use crate::{
    domain::{Change, JobId, Write},
    ports::{PortErrorKind, Storage},
    testing::fixtures::Fixtures,
    usecases::{Shift, Shifts},
};

pub(super) async fn a_cursor_begins_at_version_0_and_has_one_mover<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let put = |cursor: &crate::domain::SyncCursor| Change::new().with(Write::PutCursor(cursor.clone()));
    only_winner(&sixteen(store, |_| put(&fixtures.cursor("tracker"))).await);
    let mut cursor = store.cursor("tracker").await.unwrap_or(None).expect("it was put");
    assert_eq!((cursor.version, cursor.value.as_str()), (1, "start"));
    cursor.value = "next".into();
    only_winner(&sixteen(store, |_| put(&cursor)).await);
    cursor.version = 2;
    assert_eq!(store.cursor("tracker").await.unwrap_or(None), Some(cursor));
    assert_eq!(store.cursor("other").await.unwrap_or(None), None);
}

pub(super) async fn a_shift_has_one_holder_and_is_taken_over_when_it_lapses<H: StorageHarness>(harness: &H) {
    const HOLD: Duration = Duration::from_secs(90);
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let shifts = Shifts::new(Arc::clone(store) as Arc<dyn Storage>, Arc::new(fixtures.clock.clone()));
    // The first row, a row that was given back, and one that lapsed: each time sixteen hosts want it at once.
    for round in 0..3 {
        let jobs: Vec<JobId> = (0..16).map(|_| fixtures.id()).collect();
        let takes = jobs.iter().map(|&job| {
            let shifts = shifts.clone();
            tokio::spawn(async move { shifts.take("poll", job, HOLD).await.expect("the store answers") })
        });
        let mut held = Vec::new();
        for (job, shift) in jobs.iter().zip(join_all(takes).await) {
            match shift.expect("no task panics") {
                Shift::Ours(shift) => held.push((*job, shift)),
                Shift::Taken { until } => assert_eq!(until, fixtures.now().plus(HOLD)),
            }
        }
        assert_eq!(held.len(), 1, "round {round}");
        let (winner, shift) = held.remove(0);
        fixtures.clock.advance(HOLD - Duration::from_secs(1));
        let late = shifts
            .take("poll", fixtures.id(), HOLD)
            .await
            .expect("the store answers");
        assert!(matches!(late, Shift::Taken { .. }), "a shift holds as long as was said");
        let other = shifts
            .take("purge", fixtures.id(), HOLD)
            .await
            .expect("the store answers");
        assert!(
            matches!(other, Shift::Ours(_)) || round > 0,
            "shifts of two names are two"
        );
        if round == 0 {
            shifts.give_back(shift).await.expect("the store answers");
        } else {
            fixtures.clock.advance(Duration::from_secs(1));
            let next = shifts
                .take("poll", fixtures.id(), HOLD)
                .await
                .expect("the store answers");
            assert!(matches!(next, Shift::Ours(_)), "who died holds nobody up for longer");
            // The dead one was only slow: what it gives back is not its own any more.
            shifts.give_back(shift).await.expect("the store answers");
            let late = shifts.take("poll", winner, HOLD).await.expect("the store answers");
            assert!(matches!(late, Shift::Taken { .. }));
            fixtures.clock.advance(HOLD);
        }
    }
    // A job that is run again after its host died needs not wait for itself.
    let job = fixtures.id();
    for _ in 0..2 {
        let shift = shifts.take("poll", job, HOLD).await.expect("the store answers");
        assert!(matches!(shift, Shift::Ours(_)));
    }
}

pub(super) async fn a_call_is_remembered_once<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let calls: Vec<_> = (0..16).map(|_| fixtures.remembered_call("k1")).collect();
    let results = sixteen(store, |number| {
        Change::new().with(Write::RememberCall(calls[number].clone()))
    })
    .await;
    let winner = only_winner(&results);
    let found = store.remembered_call("createTicket", "k1").await.unwrap_or(None);
    assert_eq!(found.as_ref(), Some(&calls[winner]));
    assert_eq!(store.remembered_call("confirmTriage", "k1").await.unwrap_or(None), None);
    write(store, Write::RememberCall(fixtures.remembered_call("k2"))).await;
}

pub(super) async fn users_and_tokens_keep_what_was_decided<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let mut user = fixtures.user();
    let mut token = fixtures.api_token(user.id);
    let change = Change::new()
        .with(Write::InsertUser(user.clone()))
        .with(Write::InsertApiToken(token.clone()));
    commit(store, change).await;
    assert_eq!(store.api_token(token.digest).await.unwrap_or(None), Some(token.clone()));
    (user.name, user.disabled_at) = ("Rita R.".into(), Some(fixtures.now()));
    write(store, Write::UpdateUser(user.clone())).await;
    assert_eq!(store.user(user.id).await.unwrap_or(None), Some(user.clone()));
    let mut same_secret = fixtures.api_token(user.id);
    same_secret.digest = token.digest;
    assert_eq!(
        refused(store, Write::InsertApiToken(same_secret)).await,
        PortErrorKind::Conflict
    );
    token.revoked_at = Some(fixtures.now());
    for at in [fixtures.now(), fixtures.clock.advance(Duration::from_secs(60))] {
        write(store, Write::RevokeApiToken(token.id, at)).await;
    }
    assert_eq!(
        store.api_token(token.digest).await.unwrap_or(None),
        Some(token),
        "the first revocation stands"
    );
}

pub(super) async fn a_sign_in_link_is_used_once_by_sixteen<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let user = fixtures.user();
    let link = fixtures.sign_in_link(user.id);
    let change = Change::new()
        .with(Write::InsertUser(user))
        .with(Write::InsertSignInLink(link.clone()));
    commit(store, change).await;
    assert_eq!(
        store.sign_in_link(link.digest).await.unwrap_or(None),
        Some(link.clone())
    );
    only_winner(&sixteen(store, |_| Change::new().with(Write::ConsumeSignInLink(link.digest))).await);
    assert_eq!(store.sign_in_link(link.digest).await.unwrap_or(None), None);
}

pub(super) async fn a_session_is_seen_later_and_ends<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let user = fixtures.user();
    let mut session = fixtures.session(user.id);
    let change = Change::new()
        .with(Write::InsertUser(user))
        .with(Write::PutSession(session.clone()));
    commit(store, change).await;
    let earlier = session.clone();
    session.seen_at = fixtures.clock.advance(Duration::from_secs(60));
    for put in [session.clone(), earlier] {
        write(store, Write::PutSession(put)).await;
    }
    assert_eq!(
        store.session(session.digest).await.unwrap_or(None),
        Some(session.clone())
    );
    for _ in 0..2 {
        write(store, Write::DeleteSession(session.digest)).await;
    }
    assert_eq!(store.session(session.digest).await.unwrap_or(None), None);
}

pub(super) async fn a_touch_of_an_ended_session_is_a_no_op<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let user = fixtures.user();
    let mut session = fixtures.session(user.id);
    let change = Change::new()
        .with(Write::InsertUser(user))
        .with(Write::PutSession(session.clone()));
    commit(store, change).await;
    let earlier = session.seen_at;
    session.seen_at = fixtures.clock.advance(Duration::from_secs(60));
    for at in [session.seen_at, earlier] {
        write(store, Write::TouchSession(session.digest, at)).await;
    }
    assert_eq!(
        store.session(session.digest).await.unwrap_or(None),
        Some(session.clone())
    );
    write(store, Write::DeleteSession(session.digest)).await;
    write(store, Write::TouchSession(session.digest, fixtures.now())).await;
    assert_eq!(
        store.session(session.digest).await.unwrap_or(None),
        None,
        "the sign-out stands"
    );
}
