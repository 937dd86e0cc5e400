//! Reports: tickets, their messages, their timelines with the counters beside them, and their texts as vectors.

use feedback_core::{
    domain::{
        ChainHash, NewTicket, SourceId, ThreadRef, Ticket, TicketEvent, TicketNumber, TicketSource, TicketVector,
    },
    ports::PortErrorKind,
};
use rusqlite::{Connection, OptionalExtension, named_params, params};

use super::{json, micros, must_be_current, must_insert, opt_bytes, opt_json, opt_micros, run};
use crate::{connection::Statements, error::Failure, row};

pub(super) fn insert_ticket(conn: &Connection, ticket: &NewTicket) -> Result<TicketNumber, Failure> {
    // One writer: nobody takes a number between these two statements. Tickets are never deleted.
    let newest = conn
        .statement("SELECT max(number) FROM tickets")?
        .query_row([], |row| row.get::<_, Option<i64>>(0))?;
    let newest = newest.and_then(|number| u64::try_from(number).ok());
    let number = TicketNumber::new(newest.map_or(TicketNumber::FIRST.value(), |number| number + 1));
    let ticket = ticket.clone().numbered(number);
    let sql =
        "INSERT INTO tickets (number, id, channel, reporter_id, title, description, original, placeholders, language,
            status, type, priority, inferred, enrichment_status, resolutions, created_at, updated_at, version)
        SELECT :number, :id, :channel, :reporter_id, :title, :description, :original, :placeholders, :language,
            :status, :type, :priority, :inferred, :enrichment_status, :resolutions, :created_at, :updated_at, :version
        WHERE NOT EXISTS (SELECT 1 FROM reporters WHERE id = :reporter_id AND erased_at IS NOT NULL)";
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
    must_insert(conn, sql, params, "ticket")?;
    Ok(number)
}

/// A number as the row has it.
pub(crate) fn row_number(number: TicketNumber) -> Result<i64, Failure> {
    i64::try_from(number.value()).map_err(|_| Failure::new(PortErrorKind::Rejected, "too_large").about("ticket number"))
}

pub(crate) fn update_ticket(conn: &Connection, ticket: &Ticket) -> Result<(), Failure> {
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

pub(super) fn insert_source(conn: &Connection, source: &TicketSource) -> Result<(), Failure> {
    let sql = "INSERT INTO ticket_sources (id, ticket_id, channel, external_id, thread, thread_key, author_id, text, raw, redacted,
            digest, sent_at, received_at)
        SELECT :id, :ticket_id, :channel, :external_id, :thread, :thread_key, :author_id, :text, :raw, :redacted,
            :digest, :sent_at, :received_at
        WHERE NOT EXISTS (SELECT 1 FROM reporter_identities i JOIN reporters r ON r.id = i.reporter_id
            WHERE i.id = :author_id AND r.erased_at IS NOT NULL)";
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
    must_insert(conn, sql, params, "ticket source")
}

pub(super) fn anchor_source(conn: &Connection, id: SourceId, thread: &ThreadRef) -> Result<(), Failure> {
    let id = id.as_uuid().as_bytes();
    let sql = "UPDATE ticket_sources SET thread = ?2, thread_key = ?3 WHERE id = ?1 AND thread_key IS NULL";
    let key = thread.key();
    let params = params![id, json(thread, "ticket source")?, key.as_ref().map(|key| key.as_str())];
    if run(conn, sql, params, "ticket source")? > 0 {
        return Ok(());
    }
    let exists = "SELECT 1 FROM ticket_sources WHERE id = ?1";
    match conn.statement(exists)?.query_row([id], |_| Ok(())).optional()? {
        Some(()) => Ok(()),
        None => Err(Failure::missing("ticket source")),
    }
}

/// Puts a message back without its content.
pub(crate) fn clear_source(conn: &Connection, source: &TicketSource) -> Result<(), Failure> {
    let sql = "UPDATE ticket_sources SET thread = ?2, text = ?3, raw = ?4, redacted = ?5 WHERE id = ?1";
    let params = params![
        source.id.as_uuid().as_bytes(),
        json(&source.thread, "ticket source")?,
        source.text.as_str(),
        opt_bytes(source.raw.as_ref()),
        source.redacted,
    ];
    run(conn, sql, params, "ticket source").map(|_| ())
}

pub(super) fn append_event(conn: &Connection, event: &TicketEvent) -> Result<(), Failure> {
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
    run(conn, sql, params, "event")?;
    count_event(conn, event)
}

/// Raises the counter of the event's hour, kind and channel.
fn count_event(conn: &Connection, event: &TicketEvent) -> Result<(), Failure> {
    let sql = "INSERT INTO metric_rollups (hour, name, label, count)
        SELECT ?1, ?2, channel, 1 FROM tickets WHERE id = ?3
        ON CONFLICT (hour, name, label) DO UPDATE SET count = count + 1";
    let params = params![
        micros(event.at.floor_to_hour()),
        event.kind.as_str(),
        event.ticket.as_uuid().as_bytes()
    ];
    run(conn, sql, params, "rollup").map(|_| ())
}

pub(super) fn put_vector(conn: &Connection, vector: &TicketVector) -> Result<(), Failure> {
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
