//! Files of messages.

use std::time::Duration;

use super::{StorageHarness, intake, refused, write};
use crate::{
    domain::{Attachment, AttachmentStatus, Write},
    ports::{AttachmentsKey, PortErrorKind, Storage},
    testing::fixtures::Fixtures,
};

pub(super) async fn files_are_found_by_message_by_ticket_and_by_age<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let (rows, _) = intake(store, &fixtures).await;
    let second = fixtures.source(rows.ticket.id, &rows.identity);
    write(store, Write::InsertSource(Box::new(second.clone()))).await;
    let mut files = Vec::new();
    for source in [&second, &rows.source, &second] {
        let mut file = fixtures.attachment(source);
        file.status = AttachmentStatus::Stored;
        write(store, Write::InsertAttachment(Box::new(file.clone()))).await;
        files.push(file);
        fixtures.clock.advance(Duration::from_secs(1));
    }
    let announced = fixtures.attachment(&rows.source);
    write(store, Write::InsertAttachment(Box::new(announced.clone()))).await;
    let before = announced.created_at;
    let stored = |limit, before| AttachmentsKey::StoredBefore { before, limit };
    let pair = [files[0].clone(), files[2].clone()];
    for (key, expected) in [
        (AttachmentsKey::Id(files[1].id), &files[1..2]),
        (AttachmentsKey::Source(second.id), &pair[..]),
        (stored(10, before), &files[..]),
        (stored(2, before), &files[..2]),
        (stored(10, files[1].created_at), &files[..1]),
        (AttachmentsKey::Source(fixtures.id()), &[]),
    ] {
        assert_eq!(store.attachments(key).await.unwrap_or_default(), expected, "{key:?}");
    }
    let all = store.attachments(AttachmentsKey::Ticket(rows.ticket.id)).await;
    files.push(announced);
    assert_eq!(all.unwrap_or_default(), files);
}

pub(super) async fn an_erased_file_is_never_brought_back<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let (rows, _) = intake(store, &fixtures).await;
    let mut file = fixtures.attachment(&rows.source);
    write(store, Write::InsertAttachment(Box::new(file.clone()))).await;
    (file.status, file.blob_key) = (AttachmentStatus::Stored, Some("b/1".into()));
    (file.sha256, file.size_bytes) = (Some("ab".into()), Some(7));
    let update = |file: &Attachment| Write::UpdateAttachment(Box::new(file.clone()));
    write(store, update(&file)).await;
    let one = AttachmentsKey::Id(file.id);
    assert_eq!(store.attachments(one).await.unwrap_or_default(), [file.clone()]);
    let erased = file.clone().erased();
    for _ in 0..2 {
        write(store, update(&erased)).await;
    }
    assert_eq!(refused(store, update(&file)).await, PortErrorKind::Conflict);
    assert_eq!(store.attachments(one).await.unwrap_or_default(), [erased]);
    file.id = fixtures.id();
    assert_eq!(refused(store, update(&file)).await, PortErrorKind::NotFound);
}
