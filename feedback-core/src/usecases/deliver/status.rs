//! A provider's word on a message of ours: sent, delivered, read, failed.

use serde_json::json;

use super::{decide, decide::Then, deliver_job};
use crate::{
    domain::{Actor, EventKind, TicketStatus, Timestamp, Write},
    logic::normalize::StatusReport,
    ports::{IdSource, NotificationKey, PortError, Storage, TicketKey},
    usecases::timeline::event,
};

/// The writes of a status report; `None` where it is about no message of ours, or says nothing new.
pub(crate) async fn status_change(
    storage: &dyn Storage,
    ids: &dyn IdSource,
    report: &StatusReport,
    now: Timestamp,
) -> Result<Option<Vec<Write>>, PortError> {
    let by_message = NotificationKey::ProviderMessage(report.channel, report.provider_message_id.clone());
    let mut found = storage.notification(by_message).await?;
    if let (None, Some(marker)) = (&found, &report.marker) {
        // The report was faster than the answer to our call, or the answer never came.
        found = storage.notification(NotificationKey::Marker(marker.clone())).await?;
    }
    let Some(notification) = found else { return Ok(None) };
    let Some(moved) = decide::reported(&notification, report, now) else {
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
    if moved.notification.status.has_arrived()
        && let Some(mut ticket) = storage.ticket(TicketKey::Id(notification.ticket)).await?
        && ticket.status == TicketStatus::Resolved
        && ticket.move_to(TicketStatus::Closed, now).is_ok()
    {
        writes.push(event(ids, ticket.id, EventKind::Closed, Actor::Hub, json!({}), now));
        writes.push(Write::UpdateTicket(Box::new(ticket)));
    }
    writes.push(Write::UpdateNotification(Box::new(moved.notification)));
    Ok(Some(writes))
}
