//! Deliveries and their tries.

use feedback_core::domain::{Notification, NotificationAttempt};
use rusqlite::{Connection, named_params, params};

use super::{json, micros, must_be_current, must_change, must_insert, opt_json, opt_micros, run};
use crate::error::Failure;

pub(super) fn insert_notification(conn: &Connection, notification: &Notification) -> Result<(), Failure> {
    let sql = "INSERT INTO notifications (id, changelog_entry_id, ticket_id, reporter_id, identity_id, channel, thread, mode, seal,
            status, retry_count, last_error, sent_as, provider_message_id, idempotency_key, sent_at, delivered_at, read_at,
            created_at, updated_at, version)
        SELECT :id, :changelog_entry_id, :ticket_id, :reporter_id, :identity_id, :channel, :thread, :mode, :seal,
            :status, :retry_count, :last_error, :sent_as, :provider_message_id, :idempotency_key, :sent_at, :delivered_at, :read_at,
            :created_at, :updated_at, :version
        WHERE NOT EXISTS (SELECT 1 FROM reporters WHERE id = :reporter_id AND erased_at IS NOT NULL)";
    let params = named_params! {
        ":id": notification.id.as_uuid().as_bytes(),
        ":changelog_entry_id": notification.changelog_entry.as_uuid().as_bytes(),
        ":ticket_id": notification.ticket.as_uuid().as_bytes(),
        ":reporter_id": notification.reporter.as_uuid().as_bytes(),
        ":identity_id": notification.identity.as_uuid().as_bytes(),
        ":channel": notification.channel.as_str(),
        ":thread": json(&notification.thread, "notification")?,
        ":mode": json(&notification.mode, "notification")?,
        ":seal": notification.seal.as_bytes(),
        ":status": notification.status.as_str(),
        ":retry_count": notification.retry_count,
        ":last_error": opt_json(notification.last_error.as_ref(), "notification")?,
        ":sent_as": notification.sent_as,
        ":provider_message_id": notification.provider_message_id,
        ":idempotency_key": notification.idempotency_key.as_str(),
        ":sent_at": opt_micros(notification.sent_at),
        ":delivered_at": opt_micros(notification.delivered_at),
        ":read_at": opt_micros(notification.read_at),
        ":created_at": micros(notification.created_at),
        ":updated_at": micros(notification.updated_at),
        ":version": notification.version,
    };
    must_insert(conn, sql, params, "notification")
}

pub(super) fn update_notification(conn: &Connection, notification: &Notification) -> Result<(), Failure> {
    let sql = "UPDATE notifications SET changelog_entry_id = :changelog_entry_id, ticket_id = :ticket_id,
            reporter_id = :reporter_id, identity_id = :identity_id, channel = :channel, thread = :thread, mode = :mode,
            seal = :seal, status = :status, retry_count = :retry_count, last_error = :last_error, sent_as = :sent_as,
            provider_message_id = :provider_message_id, idempotency_key = :idempotency_key, sent_at = :sent_at,
            delivered_at = :delivered_at, read_at = :read_at, updated_at = :updated_at, version = version + 1
        WHERE id = :id AND version = :version";
    let id = notification.id.as_uuid().as_bytes();
    let params = named_params! {
        ":id": id,
        ":changelog_entry_id": notification.changelog_entry.as_uuid().as_bytes(),
        ":ticket_id": notification.ticket.as_uuid().as_bytes(),
        ":reporter_id": notification.reporter.as_uuid().as_bytes(),
        ":identity_id": notification.identity.as_uuid().as_bytes(),
        ":channel": notification.channel.as_str(),
        ":thread": json(&notification.thread, "notification")?,
        ":mode": json(&notification.mode, "notification")?,
        ":seal": notification.seal.as_bytes(),
        ":status": notification.status.as_str(),
        ":retry_count": notification.retry_count,
        ":last_error": opt_json(notification.last_error.as_ref(), "notification")?,
        ":sent_as": notification.sent_as,
        ":provider_message_id": notification.provider_message_id,
        ":idempotency_key": notification.idempotency_key.as_str(),
        ":sent_at": opt_micros(notification.sent_at),
        ":delivered_at": opt_micros(notification.delivered_at),
        ":read_at": opt_micros(notification.read_at),
        ":updated_at": micros(notification.updated_at),
        ":version": notification.version,
    };
    must_be_current(
        conn,
        sql,
        params,
        ("SELECT 1 FROM notifications WHERE id = ?1", id),
        "notification",
    )
}

pub(super) fn insert_attempt(conn: &Connection, attempt: &NotificationAttempt) -> Result<(), Failure> {
    let sql = "INSERT INTO notification_attempts (id, notification_id, started_at, finished_at, outcome, error)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let params = params![
        attempt.id.as_uuid().as_bytes(),
        attempt.notification.as_uuid().as_bytes(),
        micros(attempt.started_at),
        opt_micros(attempt.finished_at),
        attempt.outcome.map(|outcome| outcome.as_str()),
        opt_json(attempt.error.as_ref(), "attempt")?,
    ];
    run(conn, sql, params, "attempt").map(|_| ())
}

pub(super) fn update_attempt(conn: &Connection, attempt: &NotificationAttempt) -> Result<(), Failure> {
    let sql = "UPDATE notification_attempts SET finished_at = ?2, outcome = ?3, error = ?4 WHERE id = ?1";
    let params = params![
        attempt.id.as_uuid().as_bytes(),
        opt_micros(attempt.finished_at),
        attempt.outcome.map(|outcome| outcome.as_str()),
        opt_json(attempt.error.as_ref(), "attempt")?,
    ];
    must_change(conn, sql, params, "attempt")
}
