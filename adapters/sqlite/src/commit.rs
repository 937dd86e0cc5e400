//! The writes of a change as statements, in their order. Whether it fits is the database's word: unique indexes and
//! foreign keys of the schema, and the version in the `WHERE` of each update.

use feedback_core::domain::{
    ApiToken, Attachment, ChainHash, Change, ChangelogEntry, CommitReceipt, Identity, IdentityLink, JobStatus, NewJob,
    NewTicket, Notification, NotificationAttempt, RememberedCall, Reporter, Sealed, Session, SignInLink, SyncCursor,
    Ticket, TicketEvent, TicketLink, TicketNumber, TicketSource, TicketVector, Timestamp, User, Write, error_text,
};
use feedback_core::ports::PortErrorKind;
use rusqlite::{Connection, OptionalExtension, Params, named_params, params};
use serde::Serialize;

use crate::{connection::Statements, error::Failure, row};

pub(crate) fn apply(conn: &Connection, change: Change) -> Result<CommitReceipt, Failure> {
    let mut receipt = CommitReceipt::default();
    for write in change.into_writes() {
        apply_one(conn, &write, &mut receipt)?;
    }
    Ok(receipt)
}

fn apply_one(conn: &Connection, write: &Write, receipt: &mut CommitReceipt) -> Result<(), Failure> {
    match write {
        Write::InsertReporter(reporter) => insert_reporter(conn, reporter),
        Write::UpdateReporter(reporter) => update_reporter(conn, reporter),
        Write::InsertIdentity(identity) => insert_identity(conn, identity),
        Write::UpdateIdentity(identity) => update_identity(conn, identity),
        Write::TouchIdentity(id, at) => {
            // A scalar max() of NULL is NULL.
            let sql =
                "UPDATE reporter_identities SET last_message_at = max(ifnull(last_message_at, ?2), ?2) WHERE id = ?1";
            must_change(conn, sql, params![id.as_uuid().as_bytes(), micros(*at)], "identity")
        }
        Write::InsertIdentityLink(link) => insert_identity_link(conn, link),
        Write::InsertTicket(ticket) => {
            let number = insert_ticket(conn, ticket)?;
            receipt.ticket_numbers.push((ticket.id, number));
            Ok(())
        }
        Write::UpdateTicket(ticket) => update_ticket(conn, ticket),
        Write::InsertSource(source) => insert_source(conn, source),
        Write::AppendEvent(event) => append_event(conn, event),
        Write::InsertChangelogEntry(entry) => insert_entry(conn, entry),
        Write::UpdateChangelogEntry(entry) => update_entry(conn, entry),
        Write::InsertNotification(notification) => insert_notification(conn, notification),
        Write::UpdateNotification(notification) => update_notification(conn, notification),
        Write::InsertAttempt(attempt) => insert_attempt(conn, attempt),
        Write::UpdateAttempt(attempt) => update_attempt(conn, attempt),
        Write::SuggestLink(link) => suggest_link(conn, link),
        Write::InsertAttachment(attachment) => insert_attachment(conn, attachment),
        Write::PutVector(vector) => put_vector(conn, vector),
        Write::PutCursor(cursor) => put_cursor(conn, cursor),
        Write::Enqueue(job) => enqueue(conn, job),
        Write::RememberCall(call) => remember_call(conn, call),
        Write::InsertUser(user) => insert_user(conn, user),
        Write::UpdateUser(user) => {
            let sql = "UPDATE users SET name = ?2, disabled_at = ?3 WHERE id = ?1";
            must_change(
                conn,
                sql,
                params![user.id.as_uuid().as_bytes(), user.name, opt_micros(user.disabled_at)],
                "user",
            )
        }
        Write::InsertApiToken(token) => insert_api_token(conn, token),
        Write::RevokeApiToken(id, at) => {
            // The first revocation stands.
            let sql = "UPDATE api_tokens SET revoked_at = ifnull(revoked_at, ?2) WHERE id = ?1";
            must_change(conn, sql, params![id.as_uuid().as_bytes(), micros(*at)], "API token")
        }
        Write::InsertSignInLink(link) => insert_sign_in_link(conn, link),
        Write::ConsumeSignInLink(digest) => {
            let sql = "DELETE FROM sign_in_links WHERE digest = ?1";
            match run(conn, sql, [digest.as_bytes()], "sign-in link")? {
                0 => Err(Failure::conflict("taken", "sign-in link")),
                _ => Ok(()),
            }
        }
        Write::PutSession(session) => put_session(conn, session),
        Write::DeleteSession(digest) => run(
            conn,
            "DELETE FROM sessions WHERE digest = ?1",
            [digest.as_bytes()],
            "session",
        )
        .map(|_| ()),
    }
}

fn micros(at: Timestamp) -> i64 {
    at.unix_micros()
}

fn opt_micros(at: Option<Timestamp>) -> Option<i64> {
    at.map(Timestamp::unix_micros)
}

fn opt_bytes(sealed: Option<&Sealed>) -> Option<&[u8]> {
    sealed.map(Sealed::as_bytes)
}

fn json(value: &impl Serialize, what: &'static str) -> Result<String, Failure> {
    serde_json::to_string(value).map_err(|_| Failure::new(PortErrorKind::Rejected, "no_json_form").about(what))
}

fn opt_json<T: Serialize>(value: Option<&T>, what: &'static str) -> Result<Option<String>, Failure> {
    value.map(|value| json(value, what)).transpose()
}

fn run(conn: &Connection, sql: &str, params: impl Params, what: &'static str) -> Result<usize, Failure> {
    let done = conn.statement(sql).and_then(|mut statement| statement.execute(params));
    done.map_err(|error| Failure::from(error).about(what))
}

fn must_change(conn: &Connection, sql: &str, params: impl Params, what: &'static str) -> Result<(), Failure> {
    match run(conn, sql, params, what)? {
        0 => Err(Failure::missing(what)),
        _ => Ok(()),
    }
}

/// An update that names the version it was made from. `exists` is asked only when no row had it.
fn must_be_current(
    conn: &Connection,
    sql: &str,
    params: impl Params,
    exists: (&str, &[u8; 16]),
    what: &'static str,
) -> Result<(), Failure> {
    if run(conn, sql, params, what)? > 0 {
        return Ok(());
    }
    let (sql, id) = exists;
    let found = conn.statement(sql)?.query_row([id], |_| Ok(())).optional()?;
    Err(if found.is_some() {
        Failure::conflict("stale_version", what)
    } else {
        Failure::missing(what)
    })
}

fn insert_reporter(conn: &Connection, reporter: &Reporter) -> Result<(), Failure> {
    let sql = "INSERT INTO reporters (id, subject_key, name, email, email_index, email_verified, phone, phone_index, language,
            merged_into, erased_at, created_at, version)
        VALUES (:id, :subject_key, :name, :email, :email_index, :email_verified, :phone, :phone_index, :language,
            :merged_into, :erased_at, :created_at, :version)";
    let params = named_params! {
        ":id": reporter.id.as_uuid().as_bytes(),
        ":subject_key": reporter.key.as_ref().map(|key| key.as_bytes()),
        ":name": opt_bytes(reporter.name.as_ref()),
        ":email": opt_bytes(reporter.email.as_ref()),
        ":email_index": reporter.email_index.as_ref().map(|index| index.as_bytes()),
        ":email_verified": reporter.email_verified,
        ":phone": opt_bytes(reporter.phone.as_ref()),
        ":phone_index": reporter.phone_index.as_ref().map(|index| index.as_bytes()),
        ":language": reporter.language.map(|language| language.code()),
        ":merged_into": reporter.merged_into.as_ref().map(|id| id.as_uuid().as_bytes()),
        ":erased_at": opt_micros(reporter.erased_at),
        ":created_at": micros(reporter.created_at),
        ":version": reporter.version,
    };
    run(conn, sql, params, "reporter").map(|_| ())
}

fn update_reporter(conn: &Connection, reporter: &Reporter) -> Result<(), Failure> {
    let sql =
        "UPDATE reporters SET subject_key = :subject_key, name = :name, email = :email, email_index = :email_index,
            email_verified = :email_verified, phone = :phone, phone_index = :phone_index, language = :language,
            merged_into = :merged_into, erased_at = :erased_at, version = version + 1
        WHERE id = :id AND version = :version";
    let id = reporter.id.as_uuid().as_bytes();
    let params = named_params! {
        ":id": id,
        ":subject_key": reporter.key.as_ref().map(|key| key.as_bytes()),
        ":name": opt_bytes(reporter.name.as_ref()),
        ":email": opt_bytes(reporter.email.as_ref()),
        ":email_index": reporter.email_index.as_ref().map(|index| index.as_bytes()),
        ":email_verified": reporter.email_verified,
        ":phone": opt_bytes(reporter.phone.as_ref()),
        ":phone_index": reporter.phone_index.as_ref().map(|index| index.as_bytes()),
        ":language": reporter.language.map(|language| language.code()),
        ":merged_into": reporter.merged_into.as_ref().map(|id| id.as_uuid().as_bytes()),
        ":erased_at": opt_micros(reporter.erased_at),
        ":version": reporter.version,
    };
    must_be_current(
        conn,
        sql,
        params,
        ("SELECT 1 FROM reporters WHERE id = ?1", id),
        "reporter",
    )
}

fn insert_identity(conn: &Connection, identity: &Identity) -> Result<(), Failure> {
    let sql = "INSERT INTO reporter_identities (id, reporter_id, channel, connection, lookup, external_user_id, last_message_at,
            opted_out_at, created_at, version)
        VALUES (:id, :reporter_id, :channel, :connection, :lookup, :external_user_id, :last_message_at,
            :opted_out_at, :created_at, :version)";
    let params = named_params! {
        ":id": identity.id.as_uuid().as_bytes(),
        ":reporter_id": identity.reporter.as_uuid().as_bytes(),
        ":channel": identity.channel.as_str(),
        ":connection": identity.connection,
        ":lookup": identity.lookup.as_bytes(),
        ":external_user_id": identity.external_user_id.as_bytes(),
        ":last_message_at": opt_micros(identity.last_message_at),
        ":opted_out_at": opt_micros(identity.opted_out_at),
        ":created_at": micros(identity.created_at),
        ":version": identity.version,
    };
    run(conn, sql, params, "identity").map(|_| ())
}

fn update_identity(conn: &Connection, identity: &Identity) -> Result<(), Failure> {
    // A touch raises no version, so that this update may not know of it: the later time stays.
    let sql = "UPDATE reporter_identities SET reporter_id = :reporter_id, channel = :channel, connection = :connection,
            lookup = :lookup, external_user_id = :external_user_id,
            last_message_at = max(ifnull(last_message_at, :last_message_at), ifnull(:last_message_at, last_message_at)),
            opted_out_at = :opted_out_at, version = version + 1
        WHERE id = :id AND version = :version";
    let id = identity.id.as_uuid().as_bytes();
    let params = named_params! {
        ":id": id,
        ":reporter_id": identity.reporter.as_uuid().as_bytes(),
        ":channel": identity.channel.as_str(),
        ":connection": identity.connection,
        ":lookup": identity.lookup.as_bytes(),
        ":external_user_id": identity.external_user_id.as_bytes(),
        ":last_message_at": opt_micros(identity.last_message_at),
        ":opted_out_at": opt_micros(identity.opted_out_at),
        ":version": identity.version,
    };
    must_be_current(
        conn,
        sql,
        params,
        ("SELECT 1 FROM reporter_identities WHERE id = ?1", id),
        "identity",
    )
}

fn insert_identity_link(conn: &Connection, link: &IdentityLink) -> Result<(), Failure> {
    let sql = "INSERT INTO identity_links (id, identity_id, reporter_id, kind, source_id, at, undone_at, undone_by)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let params = params![
        link.id.as_uuid().as_bytes(),
        link.identity.as_uuid().as_bytes(),
        link.reporter.as_uuid().as_bytes(),
        link.kind.as_str(),
        link.source.as_ref().map(|id| id.as_uuid().as_bytes()),
        micros(link.at),
        link.undone.map(|(at, _)| micros(at)),
        link.undone.as_ref().map(|(_, by)| by.as_uuid().as_bytes()),
    ];
    run(conn, sql, params, "identity link").map(|_| ())
}

fn insert_ticket(conn: &Connection, ticket: &NewTicket) -> Result<TicketNumber, Failure> {
    // One writer: nobody takes a number between these two statements. Tickets are never deleted.
    let newest = conn
        .statement("SELECT max(number) FROM tickets")?
        .query_row([], |row| row.get::<_, Option<i64>>(0))?;
    let newest = newest.and_then(|number| u64::try_from(number).ok());
    let number = TicketNumber::new(newest.map_or(TicketNumber::FIRST.value(), |number| number + 1));
    let ticket = ticket.clone().numbered(number);
    let sql = "INSERT INTO tickets (number, id, channel, reporter_id, title, description, original, placeholders, language,
            status, type, priority, inferred, enrichment_status, resolutions, created_at, updated_at, version)
        VALUES (:number, :id, :channel, :reporter_id, :title, :description, :original, :placeholders, :language,
            :status, :type, :priority, :inferred, :enrichment_status, :resolutions, :created_at, :updated_at, :version)";
    let params = named_params! {
        ":number": row_number(number)?,
        ":id": ticket.id.as_uuid().as_bytes(),
        ":channel": ticket.channel.as_str(),
        ":reporter_id": ticket.reporter.as_uuid().as_bytes(),
        ":title": ticket.title.as_str(),
        ":description": ticket.description.as_str(),
        ":original": opt_bytes(ticket.original.as_ref()),
        ":placeholders": opt_bytes(ticket.placeholders.as_ref()),
        ":language": ticket.language.map(|language| language.code()),
        ":status": ticket.status.as_str(),
        ":type": ticket.ticket_type.as_str(),
        ":priority": ticket.priority.as_str(),
        ":inferred": json(&ticket.inferred, "ticket")?,
        ":enrichment_status": ticket.enrichment.as_str(),
        ":resolutions": ticket.resolutions,
        ":created_at": micros(ticket.created_at),
        ":updated_at": micros(ticket.updated_at),
        ":version": ticket.version,
    };
    run(conn, sql, params, "ticket")?;
    Ok(number)
}

/// A number as the row has it.
pub(crate) fn row_number(number: TicketNumber) -> Result<i64, Failure> {
    i64::try_from(number.value()).map_err(|_| Failure::new(PortErrorKind::Rejected, "too_large").about("ticket number"))
}

fn update_ticket(conn: &Connection, ticket: &Ticket) -> Result<(), Failure> {
    let sql = "UPDATE tickets SET channel = :channel, reporter_id = :reporter_id, title = :title, description = :description,
            original = :original, placeholders = :placeholders, language = :language, status = :status, type = :type,
            priority = :priority, inferred = :inferred, ai_suggested_type = :ai_suggested_type,
            ai_suggested_priority = :ai_suggested_priority, ai_summary = :ai_summary, ai_made_by = :ai_made_by,
            ai_suggested_at = :ai_suggested_at, enrichment_status = :enrichment_status, confirmed_type = :confirmed_type,
            confirmed_priority = :confirmed_priority, confirmed_by = :confirmed_by, confirmed_at = :confirmed_at,
            group_id = :group_id, sprint = :sprint, page_id = :page_id, page = :page, resolutions = :resolutions,
            resolved_at = :resolved_at, updated_at = :updated_at, version = version + 1
        WHERE id = :id AND version = :version";
    let id = ticket.id.as_uuid().as_bytes();
    let suggestion = ticket.suggestion.as_ref();
    let confirmation = ticket.confirmation.as_ref();
    let params = named_params! {
        ":id": id,
        ":channel": ticket.channel.as_str(),
        ":reporter_id": ticket.reporter.as_uuid().as_bytes(),
        ":title": ticket.title.as_str(),
        ":description": ticket.description.as_str(),
        ":original": opt_bytes(ticket.original.as_ref()),
        ":placeholders": opt_bytes(ticket.placeholders.as_ref()),
        ":language": ticket.language.map(|language| language.code()),
        ":status": ticket.status.as_str(),
        ":type": ticket.ticket_type.as_str(),
        ":priority": ticket.priority.as_str(),
        ":inferred": json(&ticket.inferred, "ticket")?,
        ":ai_suggested_type": suggestion.map(|made| made.ticket_type.as_str()),
        ":ai_suggested_priority": suggestion.map(|made| made.priority.as_str()),
        ":ai_summary": suggestion.map(|made| made.summary.as_str()),
        ":ai_made_by": opt_json(suggestion.map(|made| &made.made_by), "ticket")?,
        ":ai_suggested_at": suggestion.map(|made| micros(made.at)),
        ":enrichment_status": ticket.enrichment.as_str(),
        ":confirmed_type": confirmation.map(|word| word.ticket_type.as_str()),
        ":confirmed_priority": confirmation.map(|word| word.priority.as_str()),
        ":confirmed_by": confirmation.map(|word| word.by.as_uuid().as_bytes()),
        ":confirmed_at": confirmation.map(|word| micros(word.at)),
        ":group_id": ticket.group.as_ref().map(|id| id.as_uuid().as_bytes()),
        ":sprint": ticket.sprint,
        ":page_id": ticket.page.as_ref().map(|page| page.id.as_str()),
        ":page": opt_json(ticket.page.as_ref(), "ticket")?,
        ":resolutions": ticket.resolutions,
        ":resolved_at": opt_micros(ticket.resolved_at),
        ":updated_at": micros(ticket.updated_at),
        ":version": ticket.version,
    };
    must_be_current(conn, sql, params, ("SELECT 1 FROM tickets WHERE id = ?1", id), "ticket")
}

fn insert_source(conn: &Connection, source: &TicketSource) -> Result<(), Failure> {
    let sql = "INSERT INTO ticket_sources (id, ticket_id, channel, external_id, thread, thread_key, author_id, text, raw, redacted,
            digest, sent_at, received_at)
        VALUES (:id, :ticket_id, :channel, :external_id, :thread, :thread_key, :author_id, :text, :raw, :redacted,
            :digest, :sent_at, :received_at)";
    let params = named_params! {
        ":id": source.id.as_uuid().as_bytes(),
        ":ticket_id": source.ticket.as_uuid().as_bytes(),
        ":channel": source.channel.as_str(),
        ":external_id": source.external_id.as_str(),
        ":thread": json(&source.thread, "ticket source")?,
        ":thread_key": source.thread_key.as_ref().map(|key| key.as_str()),
        ":author_id": source.author.as_uuid().as_bytes(),
        ":text": source.text.as_str(),
        ":raw": opt_bytes(source.raw.as_ref()),
        ":redacted": source.redacted,
        ":digest": source.digest,
        ":sent_at": micros(source.sent_at),
        ":received_at": micros(source.received_at),
    };
    run(conn, sql, params, "ticket source").map(|_| ())
}

fn append_event(conn: &Connection, event: &TicketEvent) -> Result<(), Failure> {
    let ticket = event.ticket.as_uuid().as_bytes();
    let last = "SELECT hash FROM ticket_events WHERE ticket_id = ?1 ORDER BY seq DESC LIMIT 1";
    let previous: Option<ChainHash> = row::first(conn, last, [ticket], row::chain_hash)?;
    let hash = event.chained(previous);
    let sql =
        "INSERT INTO ticket_events (id, ticket_id, kind, actor, data, at, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let params = params![
        event.id.as_uuid().as_bytes(),
        ticket,
        event.kind.as_str(),
        event.actor.to_string(),
        event.data.to_string(),
        micros(event.at),
        hash.as_bytes(),
    ];
    run(conn, sql, params, "event").map(|_| ())
}

fn insert_entry(conn: &Connection, entry: &ChangelogEntry) -> Result<(), Failure> {
    let sql = "INSERT INTO changelog_entries (id, ticket_id, resolution, sealed_for, content, drafted, language, status, made_by,
            edited_by, decided_by, decided_at, seen_version, decision_reason, created_at, updated_at, version)
        VALUES (:id, :ticket_id, :resolution, :sealed_for, :content, :drafted, :language, :status, :made_by,
            :edited_by, :decided_by, :decided_at, :seen_version, :decision_reason, :created_at, :updated_at, :version)";
    let decision = entry.decision.as_ref();
    let params = named_params! {
        ":id": entry.id.as_uuid().as_bytes(),
        ":ticket_id": entry.ticket.as_uuid().as_bytes(),
        ":resolution": entry.resolution,
        ":sealed_for": entry.sealed_for.as_uuid().as_bytes(),
        ":content": entry.content.as_bytes(),
        ":drafted": entry.drafted.as_bytes(),
        ":language": entry.language.code(),
        ":status": entry.status.as_str(),
        ":made_by": json(&entry.made_by, "changelog entry")?,
        ":edited_by": entry.edited_by.as_ref().map(|id| id.as_uuid().as_bytes()),
        ":decided_by": decision.and_then(|made| made.by.as_ref()).map(|id| id.as_uuid().as_bytes()),
        ":decided_at": decision.map(|made| micros(made.at)),
        ":seen_version": decision.map(|made| made.seen_version),
        ":decision_reason": decision.and_then(|made| made.reason.as_deref()),
        ":created_at": micros(entry.created_at),
        ":updated_at": micros(entry.updated_at),
        ":version": entry.version,
    };
    run(conn, sql, params, "changelog entry").map(|_| ())
}

fn update_entry(conn: &Connection, entry: &ChangelogEntry) -> Result<(), Failure> {
    let sql = "UPDATE changelog_entries SET ticket_id = :ticket_id, resolution = :resolution, sealed_for = :sealed_for,
            content = :content, drafted = :drafted, language = :language, status = :status, made_by = :made_by,
            edited_by = :edited_by, decided_by = :decided_by, decided_at = :decided_at, seen_version = :seen_version,
            decision_reason = :decision_reason, updated_at = :updated_at, version = version + 1
        WHERE id = :id AND version = :version";
    let id = entry.id.as_uuid().as_bytes();
    let decision = entry.decision.as_ref();
    let params = named_params! {
        ":id": id,
        ":ticket_id": entry.ticket.as_uuid().as_bytes(),
        ":resolution": entry.resolution,
        ":sealed_for": entry.sealed_for.as_uuid().as_bytes(),
        ":content": entry.content.as_bytes(),
        ":drafted": entry.drafted.as_bytes(),
        ":language": entry.language.code(),
        ":status": entry.status.as_str(),
        ":made_by": json(&entry.made_by, "changelog entry")?,
        ":edited_by": entry.edited_by.as_ref().map(|id| id.as_uuid().as_bytes()),
        ":decided_by": decision.and_then(|made| made.by.as_ref()).map(|id| id.as_uuid().as_bytes()),
        ":decided_at": decision.map(|made| micros(made.at)),
        ":seen_version": decision.map(|made| made.seen_version),
        ":decision_reason": decision.and_then(|made| made.reason.as_deref()),
        ":updated_at": micros(entry.updated_at),
        ":version": entry.version,
    };
    must_be_current(
        conn,
        sql,
        params,
        ("SELECT 1 FROM changelog_entries WHERE id = ?1", id),
        "changelog entry",
    )
}

fn insert_notification(conn: &Connection, notification: &Notification) -> Result<(), Failure> {
    let sql = "INSERT INTO notifications (id, changelog_entry_id, ticket_id, reporter_id, identity_id, channel, thread, mode, seal,
            status, retry_count, last_error, sent_as, provider_message_id, idempotency_key, sent_at, delivered_at, read_at,
            created_at, updated_at, version)
        VALUES (:id, :changelog_entry_id, :ticket_id, :reporter_id, :identity_id, :channel, :thread, :mode, :seal,
            :status, :retry_count, :last_error, :sent_as, :provider_message_id, :idempotency_key, :sent_at, :delivered_at, :read_at,
            :created_at, :updated_at, :version)";
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
    run(conn, sql, params, "notification").map(|_| ())
}

fn update_notification(conn: &Connection, notification: &Notification) -> Result<(), Failure> {
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

fn insert_attempt(conn: &Connection, attempt: &NotificationAttempt) -> Result<(), Failure> {
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

fn update_attempt(conn: &Connection, attempt: &NotificationAttempt) -> Result<(), Failure> {
    let sql = "UPDATE notification_attempts SET finished_at = ?2, outcome = ?3, error = ?4 WHERE id = ?1";
    let params = params![
        attempt.id.as_uuid().as_bytes(),
        opt_micros(attempt.finished_at),
        attempt.outcome.map(|outcome| outcome.as_str()),
        opt_json(attempt.error.as_ref(), "attempt")?,
    ];
    must_change(conn, sql, params, "attempt")
}

fn suggest_link(conn: &Connection, link: &TicketLink) -> Result<(), Failure> {
    let sql = "INSERT INTO ticket_links (id, ticket_id, original_id, score, evidence, status, decided_by, decided_at, created_at)
        SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9
        WHERE NOT EXISTS (SELECT 1 FROM ticket_links
            WHERE min(ticket_id, original_id) = min(?2, ?3) AND max(ticket_id, original_id) = max(?2, ?3))";
    let params = params![
        link.id.as_uuid().as_bytes(),
        link.ticket.as_uuid().as_bytes(),
        link.original.as_uuid().as_bytes(),
        f64::from(link.score),
        json(&link.evidence, "ticket link")?,
        link.status.as_str(),
        link.decided.as_ref().map(|(by, _)| by.as_uuid().as_bytes()),
        link.decided.map(|(_, at)| micros(at)),
        micros(link.created_at),
    ];
    run(conn, sql, params, "ticket link").map(|_| ())
}

fn insert_attachment(conn: &Connection, file: &Attachment) -> Result<(), Failure> {
    let sql =
        "INSERT INTO attachments (id, ticket_id, source_id, channel, reference, name, content_type, size_bytes, sha256,
            blob_key, status, created_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
    let too_large = |_| Failure::new(PortErrorKind::Rejected, "too_large").about("attachment");
    let params = params![
        file.id.as_uuid().as_bytes(),
        file.ticket.as_uuid().as_bytes(),
        file.source.as_uuid().as_bytes(),
        file.channel.as_str(),
        file.reference.as_bytes(),
        opt_bytes(file.name.as_ref()),
        file.content_type,
        file.size_bytes.map(i64::try_from).transpose().map_err(too_large)?,
        file.sha256,
        file.blob_key,
        file.status.as_str(),
        micros(file.created_at),
    ];
    run(conn, sql, params, "attachment").map(|_| ())
}

fn put_vector(conn: &Connection, vector: &TicketVector) -> Result<(), Failure> {
    let sql = "INSERT INTO ticket_vectors (ticket_id, model, dimensions, embedding, ticket_created_at)
        VALUES (?1, ?2, ?3, ?4, ?5)
        ON CONFLICT (ticket_id, model) DO UPDATE SET dimensions = excluded.dimensions, embedding = excluded.embedding,
            ticket_created_at = excluded.ticket_created_at";
    let bytes: Vec<u8> = vector.values.iter().flat_map(|value| value.to_le_bytes()).collect();
    let dimensions = bytes.len() as i64 / 4;
    let params = params![
        vector.ticket.as_uuid().as_bytes(),
        vector.model,
        dimensions,
        bytes,
        micros(vector.ticket_created_at)
    ];
    run(conn, sql, params, "vector").map(|_| ())
}

fn put_cursor(conn: &Connection, cursor: &SyncCursor) -> Result<(), Failure> {
    let params = params![cursor.name, cursor.value, micros(cursor.updated_at), cursor.version];
    let sql =
        "UPDATE sync_cursors SET value = ?2, updated_at = ?3, version = version + 1 WHERE name = ?1 AND version = ?4";
    if run(conn, sql, params, "cursor")? > 0 {
        return Ok(());
    }
    let exists = "SELECT 1 FROM sync_cursors WHERE name = ?1";
    if conn
        .statement(exists)?
        .query_row([&cursor.name], |_| Ok(()))
        .optional()?
        .is_some()
    {
        return Err(Failure::conflict("stale_version", "cursor"));
    }
    if cursor.version > 0 {
        return Err(Failure::missing("cursor"));
    }
    let sql = "INSERT INTO sync_cursors (name, value, updated_at, version) VALUES (?1, ?2, ?3, ?4 + 1)";
    run(conn, sql, params, "cursor").map(|_| ())
}

fn enqueue(conn: &Connection, job: &NewJob) -> Result<(), Failure> {
    // One writer: nobody queues the same key between the question and the row.
    let sql = "INSERT INTO jobs (id, queue, kind, payload, unique_key, status, attempts, deaths, run_at, last_error, created_at,
            updated_at)
        SELECT :id, :queue, :kind, :payload, :unique_key, :status, 0, 0, :run_at, :last_error, :created_at, :created_at
        WHERE :status = 'dead' OR :unique_key IS NULL
            OR NOT EXISTS (SELECT 1 FROM jobs WHERE status = 'ready' AND unique_key = :unique_key)";
    let kind = job.payload.kind();
    let status = if job.dead.is_some() {
        JobStatus::Dead
    } else {
        JobStatus::Ready
    };
    let params = named_params! {
        ":id": job.id.as_uuid().as_bytes(),
        ":queue": job.payload.queue().as_str(),
        ":kind": kind.as_str(),
        ":payload": json(&job.payload, "job")?,
        ":unique_key": job.unique_key,
        ":status": status.as_str(),
        ":run_at": micros(job.run_at),
        ":last_error": job.dead.as_deref().map(error_text),
        ":created_at": micros(job.created_at),
    };
    run(conn, sql, params, "job").map(|_| ())
}

fn remember_call(conn: &Connection, call: &RememberedCall) -> Result<(), Failure> {
    let sql = "INSERT INTO idempotency_keys (scope, key, fingerprint, subject, at) VALUES (?1, ?2, ?3, ?4, ?5)";
    let params = params![
        call.scope,
        call.key,
        call.fingerprint,
        call.subject.as_bytes(),
        micros(call.at)
    ];
    run(conn, sql, params, "idempotency key").map(|_| ())
}

fn insert_user(conn: &Connection, user: &User) -> Result<(), Failure> {
    let sql = "INSERT INTO users (id, name, created_at, disabled_at) VALUES (?1, ?2, ?3, ?4)";
    let params = params![
        user.id.as_uuid().as_bytes(),
        user.name,
        micros(user.created_at),
        opt_micros(user.disabled_at)
    ];
    run(conn, sql, params, "user").map(|_| ())
}

fn insert_api_token(conn: &Connection, token: &ApiToken) -> Result<(), Failure> {
    let sql =
        "INSERT INTO api_tokens (id, digest, name, user_id, created_at, revoked_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let params = params![
        token.id.as_uuid().as_bytes(),
        token.digest.as_bytes(),
        token.name,
        token.user.as_uuid().as_bytes(),
        micros(token.created_at),
        opt_micros(token.revoked_at),
    ];
    run(conn, sql, params, "API token").map(|_| ())
}

fn insert_sign_in_link(conn: &Connection, link: &SignInLink) -> Result<(), Failure> {
    let sql = "INSERT INTO sign_in_links (digest, user_id, expires_at) VALUES (?1, ?2, ?3)";
    let params = params![
        link.digest.as_bytes(),
        link.user.as_uuid().as_bytes(),
        micros(link.expires_at)
    ];
    run(conn, sql, params, "sign-in link").map(|_| ())
}

fn put_session(conn: &Connection, session: &Session) -> Result<(), Failure> {
    let sql = "INSERT INTO sessions (digest, user_id, created_at, seen_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5)
        ON CONFLICT (digest) DO UPDATE SET seen_at = max(seen_at, excluded.seen_at)";
    let params = params![
        session.digest.as_bytes(),
        session.user.as_uuid().as_bytes(),
        micros(session.created_at),
        micros(session.seen_at),
        micros(session.expires_at),
    ];
    run(conn, sql, params, "session").map(|_| ())
}
