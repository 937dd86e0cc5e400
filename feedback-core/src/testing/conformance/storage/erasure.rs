//! What is left of a person who was erased.

use std::time::Duration;

use super::{StorageHarness, approved, commit, intake, refused, ticket, write};
use crate::{
    domain::{
        AttachmentStatus, Change, Erasure, IdempotencyKey, Identity, Notification, NotificationStatus, Scrubbed,
        Sealed, Suggestion, Ticket, TicketId, Timestamp, Write,
    },
    ports::{
        AttachmentsKey, ChangelogEntryKey, IdentityKey, LinksKey, NotificationsKey, PortErrorKind, ReporterKey,
        Storage, TicketKey,
    },
    testing::fixtures::{Fixtures, IntakeRows},
};

/// A person with all that can be theirs, and somebody else's ticket on which they wrote.
struct Person {
    rows: IntakeRows,
    ticket: Ticket,
    elsewhere: TicketId,
    unsent: Notification,
    sent: Notification,
}

async fn person(store: &impl Storage, fixtures: &Fixtures) -> Person {
    let (rows, entry, unsent) = approved(store, fixtures).await;
    let (other, _) = intake(store, fixtures).await;
    let mut sent = fixtures.notification(&entry, &rows.identity);
    sent.idempotency_key = IdempotencyKey::composed(&["sent"]);
    (sent.status, sent.sent_at) = (NotificationStatus::Sent, Some(fixtures.now()));
    let comment = fixtures.source(other.ticket.id, &rows.identity);
    let mut known = rows.reporter.clone();
    (known.email, known.email_index) = (Some(Sealed::from_bytes(vec![1])), Some(fixtures.blind_index()));
    known.email_verified = true;
    let mut ticket = ticket(store, rows.ticket.id).await;
    ticket.suggestion = Some(Suggestion {
        ticket_type: ticket.ticket_type,
        priority: ticket.priority,
        summary: "La exportación".into(),
        made_by: fixtures.model_use(),
        at: fixtures.now(),
    });
    let change = Change::new()
        .with(Write::InsertSource(Box::new(comment.clone())))
        .with(Write::InsertAttachment(Box::new(fixtures.attachment(&rows.source))))
        .with(Write::InsertAttachment(Box::new(fixtures.attachment(&comment))))
        .with(Write::InsertNotification(Box::new(sent.clone())))
        .with(Write::PutVector(fixtures.vector(rows.ticket.id, "m")))
        .with(Write::PutVector(fixtures.vector(other.ticket.id, "m")))
        .with(Write::SuggestLink(fixtures.link(other.ticket.id, rows.ticket.id)))
        .with(Write::UpdateReporter(known))
        .with(Write::UpdateTicket(Box::new(ticket.clone())));
    commit(store, change).await;
    ticket.version += 1;
    Person {
        rows,
        ticket,
        elsewhere: other.ticket.id,
        unsent,
        sent,
    }
}

fn erase(person: &Person, at: Timestamp) -> Write {
    Write::EraseReporter(Erasure {
        reporter: person.rows.reporter.id,
        at,
        by: None,
    })
}

/// Everything of the person that a look-up shows.
async fn shown(store: &impl Storage, person: &Person) -> String {
    let reporter = person.rows.reporter.id;
    let mut shown = String::new();
    for ticket in [person.rows.ticket.id, person.elsewhere] {
        let sources = store.sources(ticket).await.expect("look-ups work");
        let files = store
            .attachments(AttachmentsKey::Ticket(ticket))
            .await
            .expect("look-ups work");
        let ticket = store.ticket(TicketKey::Id(ticket)).await.expect("look-ups work");
        shown += &format!("{ticket:?} {sources:?} {files:?}\n");
    }
    let found = store.reporter(ReporterKey::Id(reporter)).await.expect("look-ups work");
    let identities = store.identities(reporter).await.expect("look-ups work");
    let told = store
        .notifications(NotificationsKey::Reporter(reporter))
        .await
        .expect("look-ups work");
    let vectors = store.vectors("m", Timestamp::UNIX_EPOCH).await.expect("look-ups work");
    shown + &format!("{found:?} {identities:?} {told:?} {vectors:?}")
}

pub(super) async fn an_erased_persons_rows_hold_no_content<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let person = person(store, &fixtures).await;
    let at = fixtures.clock.advance(Duration::from_secs(60));
    write(store, erase(&person, at)).await;

    let reporter = store
        .reporter(ReporterKey::Id(person.rows.reporter.id))
        .await
        .unwrap_or(None);
    let reporter = reporter.expect("the row stays");
    assert_eq!((reporter.key.clone(), reporter.email_index), (None, None));
    assert_eq!((reporter.erased_at, reporter.version), (Some(at), 3));
    assert_eq!(reporter.clone().erased(at), reporter, "nothing is left to erase");

    let identities = store.identities(reporter.id).await.unwrap_or_default();
    let expected = Identity {
        version: 2,
        ..person.rows.identity.clone().erased(at)
    };
    assert_eq!(identities, [expected]);
    let (channel, lookup) = (person.rows.identity.channel, person.rows.identity.lookup);
    let found = store
        .identity(IdentityKey::External(channel, lookup))
        .await
        .unwrap_or(None);
    assert_eq!(found, None, "nobody is found by the address");

    let expected = Ticket {
        version: person.ticket.version + 1,
        ..person.ticket.clone().without_content()
    };
    assert_eq!(ticket(store, person.ticket.id).await, expected);
    for source in store.sources(person.ticket.id).await.unwrap_or_default() {
        assert_eq!(source.clone().without_content(), source);
    }
    let pairs = store
        .links(LinksKey::Ticket(person.elsewhere))
        .await
        .unwrap_or_default();
    let words: Vec<_> = pairs.iter().map(|pair| pair.evidence.as_slice()).collect();
    assert_eq!(words, [&[] as &[String]], "the pair stays, its words go");
    for id in [person.ticket.id, person.elsewhere] {
        for file in store.attachments(AttachmentsKey::Ticket(id)).await.unwrap_or_default() {
            assert_eq!((file.status, &file.name), (AttachmentStatus::Erased, &None));
            assert_eq!(file.clone().erased(), file);
        }
    }
    let of = |status, version, notification: &Notification| Notification {
        status,
        version,
        ..notification.clone().erased(at)
    };
    let told = store
        .notifications(NotificationsKey::Reporter(reporter.id))
        .await
        .unwrap_or_default();
    let unsent = of(NotificationStatus::PermanentlyFailed, 2, &person.unsent);
    assert_eq!(told, [unsent, of(NotificationStatus::Sent, 2, &person.sent)]);
    let vectors = store.vectors("m", Timestamp::UNIX_EPOCH).await.unwrap_or_default();
    let vectors: Vec<TicketId> = vectors.into_iter().map(|vector| vector.ticket).collect();
    assert_eq!(
        vectors,
        [person.elsewhere],
        "the other person's ticket keeps its vector"
    );
}

pub(super) async fn what_others_wrote_stays_beside_an_erased_persons_words<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let person = person(store, &fixtures).await;
    let before = ticket(store, person.elsewhere).await;
    let sources = store.sources(person.elsewhere).await.unwrap_or_default();
    write(store, erase(&person, fixtures.now())).await;
    assert_eq!(ticket(store, person.elsewhere).await, before);
    let after = store.sources(person.elsewhere).await.unwrap_or_default();
    assert_eq!(after, [sources[0].clone(), sources[1].clone().without_content()]);
}

pub(super) async fn a_groups_title_that_is_an_erased_persons_goes<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let person = person(store, &fixtures).await;
    // Titles are taken from the primary ticket unless a reviewer gives one.
    let mut groups = Vec::new();
    for (primary, title, expected) in [
        (person.ticket.id, "Exports", "[erased]"),
        (person.elsewhere, person.ticket.title.as_str(), "[erased]"),
        (person.elsewhere, "Exports", "Exports"),
    ] {
        let mut group = fixtures.group(primary);
        group.title = Scrubbed::restore(title.to_owned());
        let mut member = fixtures.new_ticket(person.rows.reporter.id);
        member.title = person.ticket.title.clone();
        let change = Change::new()
            .with(Write::InsertGroup(group.clone()))
            .with(Write::InsertTicket(Box::new(member.clone())));
        commit(store, change).await;
        let mut member = ticket(store, member.id).await;
        member.group = Some(group.id);
        write(store, Write::UpdateTicket(Box::new(member))).await;
        groups.push((group, expected));
    }
    write(store, erase(&person, fixtures.now())).await;
    for (mut group, expected) in groups {
        group.version += u32::from(group.title.as_str() != expected);
        group.title = Scrubbed::restore(expected.to_owned());
        assert_eq!(store.group(group.id).await.unwrap_or(None), Some(group));
    }
}

pub(super) async fn a_second_erasure_changes_nothing<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let person = person(store, &fixtures).await;
    let before = shown(store, &person).await;
    write(store, erase(&person, fixtures.now())).await;
    let once = shown(store, &person).await;
    assert_ne!(before, once);
    let later = fixtures.clock.advance(Duration::from_secs(60));
    write(store, erase(&person, later)).await;
    assert_eq!(shown(store, &person).await, once);
}

pub(super) async fn an_update_from_before_an_erasure_conflicts<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let person = person(store, &fixtures).await;
    let reporter = store
        .reporter(ReporterKey::Id(person.rows.reporter.id))
        .await
        .unwrap_or(None);
    let reporter = reporter.expect("the person is there");
    write(store, erase(&person, fixtures.now())).await;
    for stale in [
        Write::UpdateReporter(reporter),
        Write::UpdateIdentity(person.rows.identity.clone()),
        Write::UpdateTicket(Box::new(person.ticket.clone())),
        Write::UpdateNotification(Box::new(person.unsent.clone())),
        Write::UpdateAttachment(Box::new({
            let files = store.attachments(AttachmentsKey::Ticket(person.ticket.id)).await;
            let mut file = files.unwrap_or_default().remove(0);
            file.status = AttachmentStatus::Stored;
            file
        })),
    ] {
        assert_eq!(refused(store, stale).await, PortErrorKind::Conflict);
    }
}

pub(super) async fn nothing_new_is_recorded_for_an_erased_person<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let person = person(store, &fixtures).await;
    let rows = &person.rows;
    let entry = ChangelogEntryKey::NewestOf(person.ticket.id);
    let entry = store
        .changelog_entry(entry)
        .await
        .unwrap_or(None)
        .expect("it was approved");
    let mut another = fixtures.notification(&entry, &rows.identity);
    another.idempotency_key = IdempotencyKey::composed(&["another"]);
    let inserts = [
        Write::InsertTicket(Box::new(fixtures.new_ticket(rows.reporter.id))),
        Write::InsertSource(Box::new(fixtures.source(person.elsewhere, &rows.identity))),
        Write::InsertNotification(Box::new(another)),
    ];
    for insert in inserts.clone() {
        // In the same change the order of writes decides.
        let change = Change::new().with(erase(&person, fixtures.now())).with(insert);
        let error = store.commit(change).await.expect_err("the person is erased by then");
        assert_eq!(error.kind(), PortErrorKind::Conflict);
    }
    let found = store.reporter(ReporterKey::Id(rows.reporter.id)).await.unwrap_or(None);
    assert_eq!(
        found.and_then(|reporter| reporter.erased_at),
        None,
        "a refused change erases nobody"
    );
    write(store, erase(&person, fixtures.now())).await;
    for insert in inserts {
        assert_eq!(refused(store, insert).await, PortErrorKind::Conflict);
    }
}
