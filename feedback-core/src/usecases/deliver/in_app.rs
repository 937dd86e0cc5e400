//! In-app: the inbox row is the delivery, so it cannot be lost or doubled.

use super::{Deliver, Loaded, Moved, SettleAmbiguousError, TRIES, Then};
use crate::{
    domain::{Actor, Channel, EventKind, Notification, NotificationId, NotificationStatus, ReporterId, Timestamp},
    ports::{NotificationKey, PortError, PortErrorKind, ReporterKey},
};

impl Deliver {
    pub(super) async fn deliver_in_app(&self, loaded: &Loaded, now: Timestamp) -> Result<(), PortError> {
        let mut notification = loaded.notification.clone();
        notification.status = NotificationStatus::Delivered;
        notification.sent_as = Some("inbox".to_owned());
        notification.sent_at = Some(now);
        notification.delivered_at = Some(now);
        notification.last_error = None;
        notification.updated_at = now;
        self.commit_moved(
            loaded,
            Moved {
                notification,
                event: Some(EventKind::Delivered),
                then: Then::Nothing,
            },
        )
        .await
    }

    /// The person has read a message in their inbox. Read again, it stays as it is.
    ///
    /// # Errors
    /// [`SettleAmbiguousError::NotFound`] where it is no message in this person's inbox; [`SettleAmbiguousError::NotWaiting`]
    /// where it has not arrived yet.
    pub async fn mark_read(
        &self,
        reporter: ReporterId,
        id: NotificationId,
    ) -> Result<Notification, SettleAmbiguousError> {
        for _ in 0..TRIES {
            match self.mark_read_once(reporter, id).await {
                Err(SettleAmbiguousError::Storage(error)) if error.is_conflict() => {}
                other => return other,
            }
        }
        let error = PortError::new(PortErrorKind::Conflict, "deliver.mark_read");
        Err(SettleAmbiguousError::Storage(error))
    }

    async fn mark_read_once(
        &self,
        reporter: ReporterId,
        id: NotificationId,
    ) -> Result<Notification, SettleAmbiguousError> {
        let found = self.storage.notification(NotificationKey::Id(id)).await;
        let found = found.map_err(SettleAmbiguousError::Storage)?;
        let mut notification = found
            .filter(|found| found.channel == Channel::InApp)
            .ok_or(SettleAmbiguousError::NotFound)?;
        let is_theirs = self.is_or_was_merged_into(notification.reporter, reporter).await;
        if !is_theirs.map_err(SettleAmbiguousError::Storage)? {
            return Err(SettleAmbiguousError::NotFound);
        }
        match notification.status {
            NotificationStatus::Read => return Ok(notification),
            NotificationStatus::Delivered => {}
            status => return Err(SettleAmbiguousError::NotWaiting { status }),
        }
        let now = self.clock.now();
        notification.status = NotificationStatus::Read;
        notification.read_at = Some(now);
        notification.updated_at = now;
        let moved = Moved {
            notification: notification.clone(),
            event: Some(EventKind::Read),
            then: Then::Nothing,
        };
        let change = self.change_of(moved, Actor::Hub, now).await;
        let committed = self
            .storage
            .commit(change.map_err(SettleAmbiguousError::Storage)?)
            .await;
        committed.map_err(SettleAmbiguousError::Storage)?;
        notification.version += 1;
        Ok(notification)
    }

    async fn is_or_was_merged_into(&self, reporter: ReporterId, into: ReporterId) -> Result<bool, PortError> {
        let mut next = Some(reporter);
        // Merges do not go in circles; a bound all the same, since a row is only as good as the program that wrote it.
        for _ in 0..64 {
            match next {
                Some(id) if id == into => return Ok(true),
                Some(id) => {
                    let reporter = self.storage.reporter(ReporterKey::Id(id)).await?;
                    next = reporter.and_then(|reporter| reporter.merged_into);
                }
                None => return Ok(false),
            }
        }
        Ok(false)
    }
}
