//! A provider's word on a message of ours: sent, delivered, read, failed.

use std::collections::HashMap;

use serde_json::json;

use super::{decide, decide::Then, deliver_job};
use crate::{
    domain::{Actor, AttemptId, Notification, NotificationAttempt, NotificationId, TicketId, Timestamp, Write},
    logic::normalize::StatusReport,
    ports::{ChangelogEntryKey, IdSource, NotificationKey, PortError, Storage},
    usecases::timeline::event,
};

/// Status reports of one delivery: each is read against what those before it did, though nothing is committed yet.
#[derive(Debug, Default)]
pub(crate) struct Reports {
    notifications: HashMap<NotificationId, Notification>,
    attempts: HashMap<AttemptId, NotificationAttempt>,
}

/// What a status report does.
#[derive(Debug)]
pub(crate) struct StatusChange {
    /// The writes.
    pub(crate) writes: Vec<Write>,
    /// The ticket whose reporter was told, and of which resolution.
    pub(crate) told: Option<(TicketId, u32)>,
}

impl Reports {
    /// What a status report does; `None` where it is about no message of ours, or says nothing new.
    pub(crate) async fn change(
        &mut self,
        storage: &dyn Storage,
        ids: &dyn IdSource,
        report: &StatusReport,
        now: Timestamp,
    ) -> Result<Option<StatusChange>, PortError> {
        let Some(notification) = self.find(storage, report).await? else {
            return Ok(None);
        };
        let mut attempts = storage.attempts(notification.id).await?;
        for attempt in &mut attempts {
            if let Some(changed) = self.attempts.get(&attempt.id) {
                *attempt = changed.clone();
            }
        }
        let Some((moved, attempt)) = decide::reported(&notification, &attempts, report, now) else {
            return Ok(None);
        };
        let mut writes = Vec::new();
        if let Some(kind) = moved.event {
            let data = json!({
                "notification": notification.id, "channel": notification.channel, "status": moved.notification.status,
                "code": moved.notification.last_error.as_ref().map(|error| &error.code),
            });
            writes.push(event(ids, notification.ticket, kind, Actor::Provider, data, now));
        }
        if let Then::DeliverAt(at) = moved.then {
            writes.push(deliver_job(ids, &moved.notification, at, now));
        }
        if let Some(attempt) = attempt {
            self.attempts.insert(attempt.id, attempt.clone());
            writes.push(Write::UpdateAttempt(attempt));
        }
        let told = match moved.notification.status.has_arrived() {
            true => resolution_of(storage, &notification).await?,
            false => None,
        };
        writes.push(Write::UpdateNotification(Box::new(moved.notification.clone())));
        self.moved(moved.notification);
        Ok(Some(StatusChange { writes, told }))
    }

    /// A notification as an earlier item of this delivery left it.
    pub(super) fn known(&self, id: NotificationId) -> Option<&Notification> {
        self.notifications.get(&id)
    }

    /// A notification as the change will leave it.
    pub(super) fn moved(&mut self, mut notification: Notification) {
        notification.version += 1;
        self.notifications.insert(notification.id, notification);
    }

    async fn find(&self, storage: &dyn Storage, report: &StatusReport) -> Result<Option<Notification>, PortError> {
        let by_message = NotificationKey::ProviderMessage(report.channel, report.provider_message_id.clone());
        let mut found = storage.notification(by_message).await?;
        if let (None, Some(marker)) = (&found, &report.marker) {
            // The report was faster than the answer to our call, or the answer never came.
            found = storage.notification(NotificationKey::Marker(marker.clone())).await?;
        }
        Ok(found.map(|found| self.notifications.get(&found.id).cloned().unwrap_or(found)))
    }
}

async fn resolution_of(
    storage: &dyn Storage,
    notification: &Notification,
) -> Result<Option<(TicketId, u32)>, PortError> {
    let key = ChangelogEntryKey::Id(notification.changelog_entry);
    let entry = storage.changelog_entry(key).await?;
    Ok(entry.map(|entry| (notification.ticket, entry.resolution)))
}
