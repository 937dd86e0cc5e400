//! Reporters, their addresses, and why an address is theirs.

use std::time::Duration;

use super::{StorageHarness, commit, intake, only_winner, refused, sixteen, write};
use crate::{
    domain::{Change, Channel, Write},
    ports::{IdentityKey, PortErrorKind, ReporterKey, Storage},
    testing::fixtures::Fixtures,
};

pub(super) async fn a_verified_email_belongs_to_one_reporter<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let email = fixtures.blind_index();
    let claimant = || {
        let mut reporter = fixtures.reporter();
        (reporter.email_index, reporter.email_verified) = (Some(email), true);
        reporter
    };
    only_winner(&sixteen(store, |_| Change::new().with(Write::InsertReporter(claimant()))).await);
    let mut later = fixtures.reporter();
    write(store, Write::InsertReporter(later.clone())).await;
    (later.email_index, later.email_verified) = (Some(email), true);
    assert_eq!(
        refused(store, Write::UpdateReporter(later)).await,
        PortErrorKind::Conflict
    );
}

pub(super) async fn an_unverified_email_or_a_merged_reporter_claims_nothing<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let email = fixtures.blind_index();
    let mut verified = fixtures.reporter();
    (verified.email_index, verified.email_verified) = (Some(email), true);
    let mut typed = fixtures.reporter();
    typed.email_index = Some(email);
    let other = fixtures.reporter();
    let mut merged = fixtures.reporter();
    (merged.email_index, merged.email_verified, merged.merged_into) = (Some(email), true, Some(other.id));
    let change = [verified.clone(), typed, other, merged]
        .map(Write::InsertReporter)
        .into_iter();
    commit(store, change.fold(Change::new(), Change::with)).await;
    let found = store.reporter(ReporterKey::VerifiedEmail(email)).await.unwrap_or(None);
    assert_eq!(found.map(|reporter| reporter.id), Some(verified.id));
}

pub(super) async fn a_merged_reporter_is_found_where_nobody_else_has_the_address<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let kept = fixtures.reporter();
    let mut merged = fixtures.reporter();
    let (email, phone) = (fixtures.blind_index(), fixtures.blind_index());
    (merged.email_index, merged.email_verified, merged.phone_index) = (Some(email), true, Some(phone));
    merged.merged_into = Some(kept.id);
    let mut active = fixtures.reporter();
    (active.email_index, active.email_verified, active.phone_index) = (Some(email), true, Some(phone));
    active.created_at = merged.created_at.plus(Duration::from_secs(1));
    let keys = [
        ReporterKey::VerifiedEmail(email),
        ReporterKey::AnyEmail(email),
        ReporterKey::Phone(vec![phone]),
    ];
    let change = Change::new()
        .with(Write::InsertReporter(kept))
        .with(Write::InsertReporter(merged.clone()));
    commit(store, change).await;
    for key in keys.clone() {
        let found = store.reporter(key).await.unwrap_or(None);
        assert_eq!(found.as_ref(), Some(&merged));
    }
    write(store, Write::InsertReporter(active.clone())).await;
    for key in keys {
        let found = store.reporter(key).await.unwrap_or(None);
        assert_eq!(found.map(|reporter| reporter.id), Some(active.id));
    }
}

pub(super) async fn the_oldest_reporter_comes_first<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let (email, phones) = (fixtures.blind_index(), [fixtures.blind_index(), fixtures.blind_index()]);
    let mut people = [fixtures.reporter(), fixtures.reporter(), fixtures.reporter()];
    for (number, person) in people.iter_mut().enumerate() {
        person.email_index = Some(email);
        person.phone_index = Some(phones[number % 2]);
        person.created_at = fixtures.now().minus(Duration::from_secs(number as u64));
    }
    let oldest = people[2].id;
    commit(
        store,
        people
            .map(Write::InsertReporter)
            .into_iter()
            .fold(Change::new(), Change::with),
    )
    .await;
    for key in [ReporterKey::AnyEmail(email), ReporterKey::Phone(phones.to_vec())] {
        assert_eq!(
            store.reporter(key).await.unwrap_or(None).map(|reporter| reporter.id),
            Some(oldest)
        );
    }
}

pub(super) async fn a_look_up_digest_belongs_to_one_identity_of_a_channel<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let reporter = fixtures.reporter();
    write(store, Write::InsertReporter(reporter.clone())).await;
    let lookup = fixtures.blind_index();
    let identity = |channel| {
        let mut identity = fixtures.identity(reporter.id);
        (identity.lookup, identity.channel) = (lookup, channel);
        identity
    };
    let insert = |channel| Change::new().with(Write::InsertIdentity(identity(channel)));
    only_winner(&sixteen(store, |_| insert(Channel::Slack)).await);
    commit(store, insert(Channel::Intercom)).await;
}

pub(super) async fn touching_keeps_the_later_time_and_raises_no_version<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let (rows, _) = intake(store, &fixtures).await;
    let (early, late) = (
        fixtures.now().minus(Duration::from_secs(9)),
        fixtures.now().plus(Duration::from_secs(9)),
    );
    for at in [late, early] {
        write(store, Write::TouchIdentity(rows.identity.id, at)).await;
    }
    let touched = store
        .identity(IdentityKey::Id(rows.identity.id))
        .await
        .unwrap_or(None)
        .expect("it is there");
    assert_eq!(
        (touched.last_message_at, touched.version),
        (Some(late), rows.identity.version)
    );
}

pub(super) async fn an_update_never_takes_a_message_time_back<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let (rows, _) = intake(store, &fixtures).await;
    let late = fixtures.now().plus(Duration::from_secs(9));
    write(store, Write::TouchIdentity(rows.identity.id, late)).await;
    let mut loaded_before = rows.identity.clone();
    loaded_before.opted_out_at = Some(fixtures.now());
    write(store, Write::UpdateIdentity(loaded_before)).await;
    let stored = store
        .identity(IdentityKey::Id(rows.identity.id))
        .await
        .unwrap_or(None)
        .expect("it is there");
    assert_eq!(
        (stored.last_message_at, stored.opted_out_at),
        (Some(late), Some(fixtures.now()))
    );
}

pub(super) async fn merged_reporters_come_oldest_first<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let kept = fixtures.reporter();
    write(store, Write::InsertReporter(kept.clone())).await;
    let mut merged = Vec::new();
    for _ in 0..3 {
        let mut reporter = fixtures.reporter();
        reporter.created_at = fixtures.now().minus(Duration::from_secs(merged.len() as u64));
        reporter.merged_into = Some(kept.id);
        write(store, Write::InsertReporter(reporter.clone())).await;
        merged.insert(0, reporter);
    }
    // Of those who were merged into one of them nobody was asked.
    let mut indirect = fixtures.reporter();
    indirect.merged_into = Some(merged[0].id);
    write(store, Write::InsertReporter(indirect.clone())).await;
    assert_eq!(store.merged_reporters(kept.id).await.unwrap_or_default(), merged);
    assert_eq!(
        store.merged_reporters(merged[0].id).await.unwrap_or_default(),
        [indirect]
    );
}

pub(super) async fn evidence_is_found_by_the_person_and_by_their_addresses<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let ((one, _), (other, _)) = (intake(store, &fixtures).await, intake(store, &fixtures).await);
    let mut links = Vec::new();
    for (identity, reporter) in [(&one.identity, one.reporter.id), (&one.identity, other.reporter.id)] {
        fixtures.clock.advance(Duration::from_secs(1));
        let mut link = fixtures.identity_link(identity);
        link.reporter = reporter;
        write(store, Write::InsertIdentityLink(link.clone())).await;
        links.push(link);
    }
    let found = store.identity_links(one.reporter.id).await.unwrap_or_default();
    assert_eq!(found, links, "the second is of an address of theirs");
    let found = store.identity_links(other.reporter.id).await.unwrap_or_default();
    assert_eq!(found, links[1..]);
    assert_eq!(store.identity_links(fixtures.id()).await.unwrap_or_default(), []);
}

pub(super) async fn undoing_a_link_changes_nothing_else_of_it<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let (rows, _) = intake(store, &fixtures).await;
    let mut link = fixtures.identity_link(&rows.identity);
    link.source = Some(rows.source.id);
    write(store, Write::InsertIdentityLink(link.clone())).await;
    let mut undone = link.clone();
    undone.undone = Some((fixtures.clock.advance(Duration::from_secs(5)), fixtures.id()));
    (undone.source, undone.at) = (None, fixtures.now());
    write(store, Write::UpdateIdentityLink(undone.clone())).await;
    link.undone = undone.undone;
    assert_eq!(store.identity_links(rows.reporter.id).await.unwrap_or_default(), [link]);
    undone.id = fixtures.id();
    assert_eq!(
        refused(store, Write::UpdateIdentityLink(undone)).await,
        PortErrorKind::NotFound
    );
}
