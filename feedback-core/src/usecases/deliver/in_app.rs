//! In-app: the inbox row is the delivery, so it cannot be lost or doubled.

use super::{Deliver, Loaded, Moved, Then};
use crate::{
    domain::{EventKind, NotificationStatus, Timestamp},
    ports::PortError,
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
}
