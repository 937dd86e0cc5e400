use std::{fmt, sync::Arc};

use secrecy::SecretString;
use uuid::Uuid;

use crate::domain::{
    ApiTokenId, AttachmentId, AttemptId, ChangelogEntryId, EventId, GroupId, IdentityId, IdentityLinkId, JobId,
    LeaseToken, NotificationId, ReporterId, SourceId, TicketId, TicketLinkId, UserId,
};

/// New identifiers and secrets.
///
/// # What an implementer guarantees
/// - *Unique:* no id is given twice, by any host.
/// - *Ordered:* ids are UUIDv7, so that they index well; callers rely on nothing finer than that.
/// - *Unguessable secrets:* 256 bits from the operating system (in tests: from a seed).
pub trait IdSource: fmt::Debug + Send + Sync + 'static {
    /// A new UUIDv7.
    fn uuid(&self) -> Uuid;

    /// A new bearer secret, in 43 characters of unpadded URL-safe base64 or 64 of hex.
    fn secret(&self) -> SecretString;
}

impl<T: IdSource + ?Sized> IdSource for Arc<T> {
    fn uuid(&self) -> Uuid {
        (**self).uuid()
    }

    fn secret(&self) -> SecretString {
        (**self).secret()
    }
}

/// New ids of a kind.
pub trait IdSourceExt {
    /// A new id of the kind that the caller needs.
    fn next<Id: FromUuid>(&self) -> Id;
}

impl<T: IdSource + ?Sized> IdSourceExt for T {
    fn next<Id: FromUuid>(&self) -> Id {
        Id::wrap(self.uuid())
    }
}

/// An id type: made of a UUID.
pub trait FromUuid {
    /// Wraps the UUID.
    fn wrap(uuid: Uuid) -> Self;
}

macro_rules! from_uuid {
    ($($id:ident),*) => {$(
        impl FromUuid for $id {
            fn wrap(uuid: Uuid) -> Self {
                Self::from_uuid(uuid)
            }
        }
    )*};
}

from_uuid!(
    ApiTokenId,
    AttachmentId,
    AttemptId,
    ChangelogEntryId,
    EventId,
    GroupId,
    IdentityId,
    IdentityLinkId,
    JobId,
    LeaseToken,
    NotificationId,
    ReporterId,
    SourceId,
    TicketId,
    TicketLinkId,
    UserId
);
