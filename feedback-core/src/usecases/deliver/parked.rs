//! What the channel did not allow waits for the person's next message, and goes on while its approval is fresh.

use std::time::Duration;

use serde_json::json;

use super::{
    decide::{self, Resumed},
    deliver_job,
    status::Reports,
};
use crate::{
    domain::{Actor, ChangelogEntry, EventKind, IdentityId, Timestamp, Write},
    ports::{ChangelogEntryKey, IdSource, NotificationsKey, PortError, Storage},
    usecases::timeline::event,
};

/// How long words may wait to be sent as they were approved.
pub(super) const FRESH: Duration = Duration::from_secs(7 * 24 * 60 * 60);

impl Reports {
    /// The writes by which deliveries go on that waited for a message of this identity; those whose approval is too old go
    /// back to people instead.
    pub(crate) async fn resume(
        &mut self,
        storage: &dyn Storage,
        ids: &dyn IdSource,
        identity: IdentityId,
        now: Timestamp,
    ) -> Result<Vec<Write>, PortError> {
        let mut writes = Vec::new();
        for parked in storage.notifications(NotificationsKey::Parked(identity)).await? {
            // A status report or an earlier message of the same delivery may have moved it, though nothing is committed yet.
            let parked = self.known(parked.id).cloned().unwrap_or(parked);
            let key = ChangelogEntryKey::Id(parked.changelog_entry);
            let approved_at = storage.changelog_entry(key).await?.and_then(approved_at);
            let Some(resumed) = decide::resumed(&parked, approved_at, now) else {
                continue;
            };
            let (notification, kind) = match resumed {
                Resumed::GoesOn(notification) => {
                    writes.push(deliver_job(ids, &notification, now, now));
                    (notification, EventKind::DeliveryResumed)
                }
                Resumed::TooOld(notification) => (notification, EventKind::ReturnedToReview),
            };
            let data = json!({"notification": notification.id, "channel": notification.channel, "status": notification.status});
            writes.push(event(ids, notification.ticket, kind, Actor::Hub, data, now));
            writes.push(Write::UpdateNotification(Box::new(notification.clone())));
            self.moved(notification);
        }
        Ok(writes)
    }
}

fn approved_at(entry: ChangelogEntry) -> Option<Timestamp> {
    entry.decision.map(|decision| decision.at)
}
