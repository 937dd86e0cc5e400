//! A store that came back from a backup is made safe to serve: who was erased since is erased again, and nothing goes out
//! that may have gone out after the backup was made.

use std::sync::Arc;

use serde_json::json;

use super::{Erase, EraseError, TRIES, timeline::event};
use crate::{
    domain::{
        Actor, Change, DeliveryError, EventKind, Notification, NotificationId, NotificationStatus, PageRequest,
        PageSize, Timestamp, Write,
    },
    ports::{Clock, IdSource, NotificationFilter, NotificationKey, PortError, Queries, Storage},
};

/// Statuses from which a delivery would go on by itself, a parked one at its person's next message.
const UNFINISHED: [NotificationStatus; 4] = [
    NotificationStatus::Pending,
    NotificationStatus::Sending,
    NotificationStatus::Failed,
    NotificationStatus::ChannelRestricted,
];

/// Makes a restored store safe to serve.
#[derive(Debug, Clone)]
pub struct Restore {
    storage: Arc<dyn Storage>,
    queries: Arc<dyn Queries>,
    erase: Erase,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
}

/// What a restored store had forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Restored {
    /// People who were erased again.
    pub erased: usize,
    /// Deliveries that wait for a person's word now.
    pub deliveries: usize,
}

/// Why a store is not safe to serve yet. Doing it again goes on where this ended.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The fence is later than now: it would stop deliveries that are yet to be approved.
    #[error("the fence is in the future")]
    FenceInFuture,
    /// Somebody is still to be erased again.
    #[error("could not erase again whom the backup brought back")]
    Erase(#[source] EraseError),
    /// A delivery is still to be stopped.
    #[error("could not stop the deliveries of the backup")]
    Storage(#[source] PortError),
}

impl Restore {
    /// The use case over its ports.
    pub fn new(
        storage: Arc<dyn Storage>,
        queries: Arc<dyn Queries>,
        erase: Erase,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdSource>,
    ) -> Self {
        Self {
            storage,
            queries,
            erase,
            clock,
            ids,
        }
    }

    /// Erases again who was erased since the backup, and makes every delivery `ambiguous` that has not ended and was last
    /// changed at `fence` or before: the store that was lost may have sent it. What a person decided after the fence
    /// stands, so doing it again changes nothing.
    ///
    /// # Errors
    /// [`RestoreError`]; the host must not serve.
    #[tracing::instrument(name = "restore.fence", skip_all, fields(%fence))]
    pub async fn fence(&self, fence: Timestamp) -> Result<Restored, RestoreError> {
        if fence > self.clock.now() {
            return Err(RestoreError::FenceInFuture);
        }
        let mut restored = Restored {
            erased: self.erase.erase_again().await.map_err(RestoreError::Erase)?,
            deliveries: 0,
        };
        for status in UNFINISHED {
            let stopped = self.fence_all(status, fence).await;
            restored.deliveries += stopped.map_err(RestoreError::Storage)?;
        }
        Ok(restored)
    }

    async fn fence_all(&self, status: NotificationStatus, fence: Timestamp) -> Result<usize, PortError> {
        let filter = NotificationFilter {
            status: Some(status),
            ..NotificationFilter::default()
        };
        let (mut stopped, mut after) = (0, None);
        loop {
            let request = PageRequest {
                after,
                size: PageSize::MAX,
            };
            let page = self.queries.notifications(&filter, request).await?;
            for notification in page.items {
                stopped += usize::from(self.fence_one(notification.id, fence).await?);
            }
            after = page.next;
            if after.is_none() {
                return Ok(stopped);
            }
        }
    }

    async fn fence_one(&self, id: NotificationId, fence: Timestamp) -> Result<bool, PortError> {
        for tries_left in (0..TRIES).rev() {
            let Some(found) = self.storage.notification(NotificationKey::Id(id)).await? else {
                return Ok(false);
            };
            let now = self.clock.now();
            let Some(stopped) = fenced(found, fence, now) else {
                return Ok(false);
            };
            let data = json!({
                "notification": stopped.id, "channel": stopped.channel, "status": stopped.status,
                "code": stopped.last_error.as_ref().map(|error| &error.code),
            });
            let kind = EventKind::DeliveryAmbiguous;
            let change = Change::new()
                .with(event(&*self.ids, stopped.ticket, kind, Actor::Hub, data, now))
                .with(Write::UpdateNotification(Box::new(stopped)));
            match self.storage.commit(change).await {
                Ok(_) => return Ok(true),
                Err(error) if error.is_conflict() && tries_left > 0 => {}
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }
}

/// A delivery that the lost store may have made: only a person can say. `None` where it has ended, or was changed since.
fn fenced(mut notification: Notification, fence: Timestamp, now: Timestamp) -> Option<Notification> {
    if !UNFINISHED.contains(&notification.status) || notification.updated_at > fence {
        return None;
    }
    notification.status = NotificationStatus::Ambiguous;
    notification.last_error = Some(DeliveryError {
        code: "restored".to_owned(),
        words: "the database was restored from a backup: this may have been sent after the backup was made".to_owned(),
    });
    notification.updated_at = now;
    Some(notification)
}
