//! The writes of a change as statements, in their order. Whether it fits is the database's word: unique indexes and
//! foreign keys of the schema, and the version in the `WHERE` of each update. What may run at the same time is settled
//! before the first of them: see `locks`.

use std::{borrow::Cow, collections::BTreeMap};

use feedback_core::{
    domain::{
        ApiToken, Attachment, ChainHash, Change, ChangelogEntry, CommitReceipt, Identity, IdentityLink, JobStatus,
        Lease, LinkStatus, NewJob, NewTicket, Notification, NotificationAttempt, RememberedCall, Reporter, Sealed,
        Session, SignInLink, SourceId, SyncCursor, ThreadRef, Ticket, TicketEvent, TicketGroup, TicketLink,
        TicketNumber, TicketSource, TicketVector, Timestamp, User, Write, error_text,
    },
    ports::PortErrorKind,
};
use serde::Serialize;
use sqlx::{PgConnection, Row};
use uuid::Uuid;

use crate::{
    erase,
    error::Failure,
    row,
    text::{indexed_words, storable},
};

/// A statement with its parameters.
macro_rules! statement {
    ($sql:expr $(, $value:expr)* $(,)?) => {{
        #[cfg(test)]
        crate::plans::record($sql);
        sqlx::query($sql)$(.bind($value))*
    }};
}
pub(crate) use statement;

/// Runs a statement; how many rows it changed.
macro_rules! run {
    ($conn:expr, $what:expr, $sql:expr $(, $value:expr)* $(,)?) => {
        match statement!($sql $(, $value)*).execute(&mut *$conn).await {
            Ok(done) => Ok(done.rows_affected()),
            Err(error) => Err(Failure::from(error).about($what)),
        }
    };
}
pub(crate) use run;

/// What happened, by hour, kind and channel: written once for a whole transaction.
#[derive(Debug, Default)]
pub(crate) struct Tally(BTreeMap<(i64, &'static str, String), i64>);

impl Tally {
    fn count(&mut self, event: &TicketEvent, channel: String) {
        let hour = event.at.floor_to_hour().unix_micros();
        *self.0.entry((hour, event.kind.as_str(), channel)).or_default() += 1;
    }

    pub(crate) fn add(&mut self, other: Self) {
        for (key, count) in other.0 {
            *self.0.entry(key).or_default() += count;
        }
    }

    /// Raises the counters, in the order of their keys, so that two writers of one shard cannot wait for each other in a
    /// ring.
    pub(crate) async fn write(self, conn: &mut PgConnection, shard: i16) -> Result<(), Failure> {
        if self.0.is_empty() {
            return Ok(());
        }
        let (mut hours, mut names, mut labels, mut counts) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for ((hour, name, label), count) in self.0 {
            hours.push(hour);
            names.push(name);
            labels.push(label);
            counts.push(count);
        }
        let sql = "INSERT INTO metric_rollups (hour, name, label, shard, count)
            SELECT hour, name, label, $5, count
            FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[]) AS t (hour, name, label, count)
            ON CONFLICT (hour, name, label, shard) DO UPDATE SET count = metric_rollups.count + excluded.count";
        run!(conn, "counters", sql, hours, names, labels, counts, shard).map(|_| ())
    }
}

/// Applies all writes of a change. What happened is counted in `tally`.
pub(crate) async fn apply(
    conn: &mut PgConnection,
    change: &Change,
    tally: &mut Tally,
) -> Result<CommitReceipt, Failure> {
    let mut receipt = CommitReceipt::default();
    for write in change.writes() {
        apply_one(conn, write, &mut receipt, tally).await?;
    }
    Ok(receipt)
}

async fn apply_one(
    conn: &mut PgConnection,
    write: &Write,
    receipt: &mut CommitReceipt,
    tally: &mut Tally,
) -> Result<(), Failure> {
    match write {
        Write::InsertReporter(reporter) => insert_reporter(conn, reporter).await,
        Write::UpdateReporter(reporter) => update_reporter(conn, reporter).await,
        Write::InsertIdentity(identity) => insert_identity(conn, identity).await,
        Write::UpdateIdentity(identity) => update_identity(conn, identity).await,
        Write::TouchIdentity(id, at) => {
            // greatest() passes over NULL.
            let sql = "UPDATE reporter_identities SET last_message_at = greatest(last_message_at, $2) WHERE id = $1";
            must_change(run!(conn, "identity", sql, *id.as_uuid(), micros(*at)), "identity")
        }
        Write::InsertIdentityLink(link) => insert_identity_link(conn, link).await,
        Write::UpdateIdentityLink(link) => {
            let sql = "UPDATE identity_links SET undone_at = $2, undone_by = $3 WHERE id = $1";
            let (at, by) = (
                link.undone.map(|(at, _)| micros(at)),
                link.undone.map(|(_, by)| *by.as_uuid()),
            );
            must_change(
                run!(conn, "identity link", sql, *link.id.as_uuid(), at, by),
                "identity link",
            )
        }
        Write::InsertTicket(ticket) => {
            let number = insert_ticket(conn, ticket).await?;
            receipt.ticket_numbers.push((ticket.id, number));
            Ok(())
        }
        Write::UpdateTicket(ticket) => update_ticket(conn, ticket).await,
        Write::InsertSource(source) => insert_source(conn, source).await,
        Write::AnchorSource(id, thread) => anchor_source(conn, *id, thread).await,
        Write::AppendEvent(event) => append_event(conn, event, tally).await,
        Write::InsertChangelogEntry(entry) => insert_entry(conn, entry).await,
        Write::UpdateChangelogEntry(entry) => update_entry(conn, entry).await,
        Write::InsertNotification(notification) => insert_notification(conn, notification).await,
        Write::UpdateNotification(notification) => update_notification(conn, notification).await,
        Write::InsertAttempt(attempt) => insert_attempt(conn, attempt).await,
        Write::UpdateAttempt(attempt) => update_attempt(conn, attempt).await,
        Write::SuggestLink(link) => suggest_link(conn, link).await,
        Write::UpdateLink { link, expected } => update_link(conn, link, *expected).await,
        Write::InsertGroup(group) => insert_group(conn, group).await,
        Write::UpdateGroup(group) => update_group(conn, group).await,
        Write::InsertAttachment(file) => insert_attachment(conn, file).await,
        Write::UpdateAttachment(file) => update_attachment(conn, file).await,
        Write::EraseReporter(erasure) => erase::erase(conn, erasure).await,
        Write::PutVector(vector) => put_vector(conn, vector).await,
        Write::PutCursor(cursor) => put_cursor(conn, cursor).await,
        Write::Enqueue(job) => enqueue(conn, job).await,
        Write::BuryJob { lease, error, at } => bury(conn, lease, error, *at).await,
        Write::RememberCall(call) => remember_call(conn, call).await,
        Write::InsertUser(user) => insert_user(conn, user).await,
        Write::UpdateUser(user) => {
            let sql = "UPDATE users SET name = $2, disabled_at = $3 WHERE id = $1";
            let disabled = opt_micros(user.disabled_at);
            must_change(
                run!(conn, "user", sql, *user.id.as_uuid(), storable(&user.name), disabled),
                "user",
            )
        }
        Write::InsertApiToken(token) => insert_api_token(conn, token).await,
        Write::RevokeApiToken(id, at) => {
            // The first revocation stands.
            let sql = "UPDATE api_tokens SET revoked_at = coalesce(revoked_at, $2) WHERE id = $1";
            must_change(run!(conn, "API token", sql, *id.as_uuid(), micros(*at)), "API token")
        }
        Write::InsertSignInLink(link) => insert_sign_in_link(conn, link).await,
        Write::ConsumeSignInLink(digest) => {
            let sql = "DELETE FROM sign_in_links WHERE digest = $1";
            match run!(conn, "sign-in link", sql, digest.as_bytes().as_slice())? {
                0 => Err(Failure::conflict("taken", "sign-in link")),
                _ => Ok(()),
            }
        }
        Write::PutSession(session) => put_session(conn, session).await,
        Write::TouchSession(digest, at) => {
            let sql = "UPDATE sessions SET seen_at = greatest(seen_at, $2) WHERE digest = $1";
            run!(conn, "session", sql, digest.as_bytes().as_slice(), micros(*at)).map(|_| ())
        }
        Write::DeleteSession(digest) => {
            let sql = "DELETE FROM sessions WHERE digest = $1";
            run!(conn, "session", sql, digest.as_bytes().as_slice()).map(|_| ())
        }
    }
}

pub(crate) fn micros(at: Timestamp) -> i64 {
    at.unix_micros()
}

pub(crate) fn opt_micros(at: Option<Timestamp>) -> Option<i64> {
    at.map(Timestamp::unix_micros)
}

pub(crate) fn opt_bytes(sealed: Option<&Sealed>) -> Option<&[u8]> {
    sealed.map(Sealed::as_bytes)
}

pub(crate) fn opt_text(text: Option<&String>) -> Option<Cow<'_, str>> {
    text.map(|text| storable(text))
}

pub(crate) fn json(value: &impl Serialize, what: &'static str) -> Result<String, Failure> {
    let text =
        serde_json::to_string(value).map_err(|_| Failure::new(PortErrorKind::Rejected, "no_json_form").about(what))?;
    Ok(storable(&text).into_owned())
}

pub(crate) fn opt_json<T: Serialize>(value: Option<&T>, what: &'static str) -> Result<Option<String>, Failure> {
    value.map(|value| json(value, what)).transpose()
}

fn must_change(changed: Result<u64, Failure>, what: &'static str) -> Result<(), Failure> {
    match changed? {
        0 => Err(Failure::missing(what)),
        _ => Ok(()),
    }
}

/// An update that names the version it was made from. `exists` is asked only when no row had it.
async fn must_be_current(
    conn: &mut PgConnection,
    changed: Result<u64, Failure>,
    (exists, id): (&'static str, Uuid),
    what: &'static str,
) -> Result<(), Failure> {
    if changed? > 0 {
        return Ok(());
    }
    let found = statement!(exists, id).fetch_optional(&mut *conn).await?;
    Err(if found.is_some() {
        Failure::conflict("stale_version", what)
    } else {
        Failure::missing(what)
    })
}

async fn insert_reporter(conn: &mut PgConnection, reporter: &Reporter) -> Result<(), Failure> {
    let sql = "INSERT INTO reporters (id, subject_key, name, email, email_index, email_verified, phone, phone_index, language,
            merged_into, erased_at, created_at, version)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
    run!(
        conn,
        "reporter",
        sql,
        *reporter.id.as_uuid(),
        reporter.key.as_ref().map(|key| key.as_bytes()),
        opt_bytes(reporter.name.as_ref()),
        opt_bytes(reporter.email.as_ref()),
        reporter.email_index.as_ref().map(|index| index.as_bytes().as_slice()),
        reporter.email_verified,
        opt_bytes(reporter.phone.as_ref()),
        reporter.phone_index.as_ref().map(|index| index.as_bytes().as_slice()),
        reporter.language.map(|language| language.code()),
        reporter.merged_into.map(|id| *id.as_uuid()),
        opt_micros(reporter.erased_at),
        micros(reporter.created_at),
        i64::from(reporter.version),
    )
    .map(|_| ())
}

pub(crate) async fn update_reporter(conn: &mut PgConnection, reporter: &Reporter) -> Result<(), Failure> {
    let sql = "UPDATE reporters SET subject_key = $2, name = $3, email = $4, email_index = $5, email_verified = $6,
            phone = $7, phone_index = $8, language = $9, merged_into = $10, erased_at = $11, version = version + 1
        WHERE id = $1 AND version = $12";
    let id = *reporter.id.as_uuid();
    let changed = run!(
        conn,
        "reporter",
        sql,
        id,
        reporter.key.as_ref().map(|key| key.as_bytes()),
        opt_bytes(reporter.name.as_ref()),
        opt_bytes(reporter.email.as_ref()),
        reporter.email_index.as_ref().map(|index| index.as_bytes().as_slice()),
        reporter.email_verified,
        opt_bytes(reporter.phone.as_ref()),
        reporter.phone_index.as_ref().map(|index| index.as_bytes().as_slice()),
        reporter.language.map(|language| language.code()),
        reporter.merged_into.map(|id| *id.as_uuid()),
        opt_micros(reporter.erased_at),
        i64::from(reporter.version),
    );
    let exists = ("SELECT 1 FROM reporters WHERE id = $1", id);
    must_be_current(conn, changed, exists, "reporter").await
}

async fn insert_identity(conn: &mut PgConnection, identity: &Identity) -> Result<(), Failure> {
    let sql = "INSERT INTO reporter_identities (id, reporter_id, channel, connection, lookup, external_user_id,
            last_message_at, opted_out_at, created_at, version)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    run!(
        conn,
        "identity",
        sql,
        *identity.id.as_uuid(),
        *identity.reporter.as_uuid(),
        identity.channel.as_str(),
        storable(&identity.connection),
        identity.lookup.as_bytes().as_slice(),
        identity.external_user_id.as_bytes(),
        opt_micros(identity.last_message_at),
        opt_micros(identity.opted_out_at),
        micros(identity.created_at),
        i64::from(identity.version),
    )
    .map(|_| ())
}

pub(crate) async fn update_identity(conn: &mut PgConnection, identity: &Identity) -> Result<(), Failure> {
    // A touch raises no version, so that this update may not know of it: the later time stays.
    let sql = "UPDATE reporter_identities SET reporter_id = $2, channel = $3, connection = $4, lookup = $5,
            external_user_id = $6, last_message_at = greatest(last_message_at, $7), opted_out_at = $8,
            version = version + 1
        WHERE id = $1 AND version = $9";
    let id = *identity.id.as_uuid();
    let changed = run!(
        conn,
        "identity",
        sql,
        id,
        *identity.reporter.as_uuid(),
        identity.channel.as_str(),
        storable(&identity.connection),
        identity.lookup.as_bytes().as_slice(),
        identity.external_user_id.as_bytes(),
        opt_micros(identity.last_message_at),
        opt_micros(identity.opted_out_at),
        i64::from(identity.version),
    );
    let exists = ("SELECT 1 FROM reporter_identities WHERE id = $1", id);
    must_be_current(conn, changed, exists, "identity").await
}

async fn insert_identity_link(conn: &mut PgConnection, link: &IdentityLink) -> Result<(), Failure> {
    let sql = "INSERT INTO identity_links (id, identity_id, reporter_id, kind, source_id, at, undone_at, undone_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    run!(
        conn,
        "identity link",
        sql,
        *link.id.as_uuid(),
        *link.identity.as_uuid(),
        *link.reporter.as_uuid(),
        link.kind.as_str(),
        link.source.map(|id| *id.as_uuid()),
        micros(link.at),
        link.undone.map(|(at, _)| micros(at)),
        link.undone.map(|(_, by)| *by.as_uuid()),
    )
    .map(|_| ())
}

async fn insert_ticket(conn: &mut PgConnection, new: &NewTicket) -> Result<TicketNumber, Failure> {
    // What a ticket is at first is the domain's to say; its number is not known yet.
    let ticket = new.clone().numbered(TicketNumber::FIRST);
    let sql =
        "INSERT INTO tickets (number, id, channel, reporter_id, title, description, words, original, placeholders,
            language, status, type, priority, inferred, enrichment_status, resolutions, created_at, updated_at, version)
        VALUES (nextval('ticket_numbers'), $1, $2, $3, $4, $5, array_to_tsvector($6), $7, $8, $9, $10, $11, $12, $13,
            $14, $15, $16, $17, $18)
        RETURNING number";
    let query = statement!(
        sql,
        *ticket.id.as_uuid(),
        ticket.channel.as_str(),
        *ticket.reporter.as_uuid(),
        storable(ticket.title.as_str()),
        storable(ticket.description.as_str()),
        indexed_words(ticket.title.as_str(), ticket.description.as_str()),
        opt_bytes(ticket.original.as_ref()),
        opt_bytes(ticket.placeholders.as_ref()),
        ticket.language.map(|language| language.code()),
        ticket.status.as_str(),
        ticket.ticket_type.as_str(),
        ticket.priority.as_str(),
        json(&ticket.inferred, "ticket")?,
        ticket.enrichment.as_str(),
        i64::from(ticket.resolutions),
        micros(ticket.created_at),
        micros(ticket.updated_at),
        i64::from(ticket.version),
    );
    let row = query
        .fetch_one(&mut *conn)
        .await
        .map_err(|error| Failure::from(error).about("ticket"))?;
    refuse_erased(conn, Whose::Reporter(*new.reporter.as_uuid())).await?;
    let number: i64 = row.try_get("number")?;
    Ok(TicketNumber::new(number.unsigned_abs()))
}

/// A number as the row has it.
pub(crate) fn row_number(number: TicketNumber) -> Option<i64> {
    i64::try_from(number.value()).ok()
}

/// Who may have been erased meanwhile.
enum Whose {
    Reporter(Uuid),
    Identity(Uuid),
}

/// A person who was erased gets no new rows. Nobody is erased between this question and the commit: an erasure waits
/// until it stands alone.
async fn refuse_erased(conn: &mut PgConnection, whose: Whose) -> Result<(), Failure> {
    let (sql, id) = match whose {
        Whose::Reporter(id) => ("SELECT erased_at IS NOT NULL AS gone FROM reporters WHERE id = $1", id),
        Whose::Identity(id) => {
            let sql = "SELECT r.erased_at IS NOT NULL AS gone FROM reporter_identities i JOIN reporters r ON r.id = i.reporter_id
                WHERE i.id = $1";
            (sql, id)
        }
    };
    match statement!(sql, id).fetch_optional(&mut *conn).await? {
        Some(row) if row.try_get("gone")? => Err(Failure::conflict("stale_version", "reporter")),
        // Who is not there is the foreign key's to tell.
        _ => Ok(()),
    }
}

pub(crate) async fn update_ticket(conn: &mut PgConnection, ticket: &Ticket) -> Result<(), Failure> {
    let sql = "UPDATE tickets SET channel = $2, reporter_id = $3, title = $4, description = $5,
            words = array_to_tsvector($6), original = $7, placeholders = $8, language = $9, status = $10, type = $11,
            priority = $12, inferred = $13, ai_suggested_type = $14, ai_suggested_priority = $15, ai_summary = $16,
            ai_made_by = $17, ai_suggested_at = $18, enrichment_status = $19, confirmed_type = $20,
            confirmed_priority = $21, confirmed_by = $22, confirmed_at = $23, group_id = $24, sprint = $25,
            page_id = $26, page = $27, resolutions = $28, resolved_at = $29, updated_at = $30, version = version + 1
        WHERE id = $1 AND version = $31";
    let id = *ticket.id.as_uuid();
    let suggestion = ticket.suggestion.as_ref();
    let confirmation = ticket.confirmation.as_ref();
    let changed = run!(
        conn,
        "ticket",
        sql,
        id,
        ticket.channel.as_str(),
        *ticket.reporter.as_uuid(),
        storable(ticket.title.as_str()),
        storable(ticket.description.as_str()),
        indexed_words(ticket.title.as_str(), ticket.description.as_str()),
        opt_bytes(ticket.original.as_ref()),
        opt_bytes(ticket.placeholders.as_ref()),
        ticket.language.map(|language| language.code()),
        ticket.status.as_str(),
        ticket.ticket_type.as_str(),
        ticket.priority.as_str(),
        json(&ticket.inferred, "ticket")?,
        suggestion.map(|made| made.ticket_type.as_str()),
        suggestion.map(|made| made.priority.as_str()),
        suggestion.map(|made| storable(made.summary.as_str())),
        opt_json(suggestion.map(|made| &made.made_by), "ticket")?,
        suggestion.map(|made| micros(made.at)),
        ticket.enrichment.as_str(),
        confirmation.map(|word| word.ticket_type.as_str()),
        confirmation.map(|word| word.priority.as_str()),
        confirmation.map(|word| *word.by.as_uuid()),
        confirmation.map(|word| micros(word.at)),
        ticket.group.map(|id| *id.as_uuid()),
        opt_text(ticket.sprint.as_ref()),
        ticket.page.as_ref().map(|page| storable(&page.id)),
        opt_json(ticket.page.as_ref(), "ticket")?,
        i64::from(ticket.resolutions),
        opt_micros(ticket.resolved_at),
        micros(ticket.updated_at),
        i64::from(ticket.version),
    );
    let exists = ("SELECT 1 FROM tickets WHERE id = $1", id);
    must_be_current(conn, changed, exists, "ticket").await
}

async fn insert_source(conn: &mut PgConnection, source: &TicketSource) -> Result<(), Failure> {
    let sql =
        "INSERT INTO ticket_sources (id, ticket_id, channel, external_id, thread, thread_key, author_id, text, raw,
            redacted, digest, sent_at, received_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
    run!(
        conn,
        "ticket source",
        sql,
        *source.id.as_uuid(),
        *source.ticket.as_uuid(),
        source.channel.as_str(),
        storable(source.external_id.as_str()),
        json(&source.thread, "ticket source")?,
        source.thread_key.as_ref().map(|key| storable(key.as_str())),
        *source.author.as_uuid(),
        storable(source.text.as_str()),
        opt_bytes(source.raw.as_ref()),
        opt_text(source.redacted.as_ref()),
        storable(&source.digest),
        micros(source.sent_at),
        micros(source.received_at),
    )?;
    refuse_erased(conn, Whose::Identity(*source.author.as_uuid())).await
}

async fn anchor_source(conn: &mut PgConnection, id: SourceId, thread: &ThreadRef) -> Result<(), Failure> {
    let sql = "UPDATE ticket_sources SET thread = $2, thread_key = $3 WHERE id = $1 AND thread_key IS NULL";
    let id = *id.as_uuid();
    let key = thread.key();
    let key = key.as_ref().map(|key| storable(key.as_str()));
    if run!(conn, "ticket source", sql, id, json(thread, "ticket source")?, key)? > 0 {
        return Ok(());
    }
    let exists = statement!("SELECT 1 FROM ticket_sources WHERE id = $1", id);
    match exists.fetch_optional(&mut *conn).await? {
        Some(_) => Ok(()),
        None => Err(Failure::missing("ticket source")),
    }
}

/// Puts a message back without its content.
pub(crate) async fn clear_source(conn: &mut PgConnection, source: &TicketSource) -> Result<(), Failure> {
    let sql = "UPDATE ticket_sources SET thread = $2, text = $3, raw = $4, redacted = $5 WHERE id = $1";
    run!(
        conn,
        "ticket source",
        sql,
        *source.id.as_uuid(),
        json(&source.thread, "ticket source")?,
        storable(source.text.as_str()),
        opt_bytes(source.raw.as_ref()),
        opt_text(source.redacted.as_ref()),
    )
    .map(|_| ())
}

async fn append_event(conn: &mut PgConnection, event: &TicketEvent, tally: &mut Tally) -> Result<(), Failure> {
    let ticket = *event.ticket.as_uuid();
    // We hold the ticket's lock: nobody appends between this question and the commit.
    let sql = "SELECT t.channel, (SELECT e.hash FROM ticket_events e WHERE e.ticket_id = t.id ORDER BY e.seq DESC LIMIT 1) AS hash
        FROM tickets t WHERE t.id = $1";
    let Some(row) = statement!(sql, ticket).fetch_optional(&mut *conn).await? else {
        return Err(Failure::missing("event"));
    };
    let previous: Option<Vec<u8>> = row.try_get("hash")?;
    let previous = previous
        .map(|hash| {
            let hash: [u8; 32] = hash
                .try_into()
                .map_err(|_| Failure::new(PortErrorKind::Unavailable, "unreadable_row").about("event"))?;
            Ok::<_, Failure>(ChainHash::from_bytes(hash))
        })
        .transpose()?;
    let hash = event.chained(previous);
    let sql =
        "INSERT INTO ticket_events (id, ticket_id, kind, actor, data, at, hash) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let data = event.data.to_string();
    run!(
        conn,
        "event",
        sql,
        *event.id.as_uuid(),
        ticket,
        event.kind.as_str(),
        event.actor.to_string(),
        storable(&data),
        micros(event.at),
        hash.as_bytes().as_slice(),
    )?;
    tally.count(event, row.try_get("channel")?);
    Ok(())
}

async fn insert_entry(conn: &mut PgConnection, entry: &ChangelogEntry) -> Result<(), Failure> {
    let sql =
        "INSERT INTO changelog_entries (id, ticket_id, resolution, sealed_for, content, drafted, language, status,
            made_by, edited_by, decided_by, decided_at, seen_version, decision_reason, created_at, updated_at, version)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)";
    let decision = entry.decision.as_ref();
    run!(
        conn,
        "changelog entry",
        sql,
        *entry.id.as_uuid(),
        *entry.ticket.as_uuid(),
        i64::from(entry.resolution),
        *entry.sealed_for.as_uuid(),
        entry.content.as_bytes(),
        entry.drafted.as_bytes(),
        entry.language.code(),
        entry.status.as_str(),
        json(&entry.made_by, "changelog entry")?,
        entry.edited_by.map(|id| *id.as_uuid()),
        decision.and_then(|made| made.by).map(|id| *id.as_uuid()),
        decision.map(|made| micros(made.at)),
        decision.map(|made| i64::from(made.seen_version)),
        opt_text(decision.and_then(|made| made.reason.as_ref())),
        micros(entry.created_at),
        micros(entry.updated_at),
        i64::from(entry.version),
    )
    .map(|_| ())
}

async fn update_entry(conn: &mut PgConnection, entry: &ChangelogEntry) -> Result<(), Failure> {
    let sql =
        "UPDATE changelog_entries SET ticket_id = $2, resolution = $3, sealed_for = $4, content = $5, drafted = $6,
            language = $7, status = $8, made_by = $9, edited_by = $10, decided_by = $11, decided_at = $12,
            seen_version = $13, decision_reason = $14, updated_at = $15, version = version + 1
        WHERE id = $1 AND version = $16";
    let id = *entry.id.as_uuid();
    let decision = entry.decision.as_ref();
    let changed = run!(
        conn,
        "changelog entry",
        sql,
        id,
        *entry.ticket.as_uuid(),
        i64::from(entry.resolution),
        *entry.sealed_for.as_uuid(),
        entry.content.as_bytes(),
        entry.drafted.as_bytes(),
        entry.language.code(),
        entry.status.as_str(),
        json(&entry.made_by, "changelog entry")?,
        entry.edited_by.map(|id| *id.as_uuid()),
        decision.and_then(|made| made.by).map(|id| *id.as_uuid()),
        decision.map(|made| micros(made.at)),
        decision.map(|made| i64::from(made.seen_version)),
        opt_text(decision.and_then(|made| made.reason.as_ref())),
        micros(entry.updated_at),
        i64::from(entry.version),
    );
    let exists = ("SELECT 1 FROM changelog_entries WHERE id = $1", id);
    must_be_current(conn, changed, exists, "changelog entry").await
}

async fn insert_notification(conn: &mut PgConnection, notification: &Notification) -> Result<(), Failure> {
    let sql =
        "INSERT INTO notifications (id, changelog_entry_id, ticket_id, reporter_id, identity_id, channel, thread, mode,
            seal, status, retry_count, last_error, sent_as, provider_message_id, idempotency_key, sent_at, delivered_at,
            read_at, created_at, updated_at, version)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)";
    run!(
        conn,
        "notification",
        sql,
        *notification.id.as_uuid(),
        *notification.changelog_entry.as_uuid(),
        *notification.ticket.as_uuid(),
        *notification.reporter.as_uuid(),
        *notification.identity.as_uuid(),
        notification.channel.as_str(),
        json(&notification.thread, "notification")?,
        json(&notification.mode, "notification")?,
        notification.seal.as_bytes().as_slice(),
        notification.status.as_str(),
        i64::from(notification.retry_count),
        opt_json(notification.last_error.as_ref(), "notification")?,
        opt_text(notification.sent_as.as_ref()),
        opt_text(notification.provider_message_id.as_ref()),
        storable(notification.idempotency_key.as_str()),
        opt_micros(notification.sent_at),
        opt_micros(notification.delivered_at),
        opt_micros(notification.read_at),
        micros(notification.created_at),
        micros(notification.updated_at),
        i64::from(notification.version),
    )?;
    refuse_erased(conn, Whose::Reporter(*notification.reporter.as_uuid())).await
}

pub(crate) async fn update_notification(conn: &mut PgConnection, notification: &Notification) -> Result<(), Failure> {
    let sql = "UPDATE notifications SET changelog_entry_id = $2, ticket_id = $3, reporter_id = $4, identity_id = $5,
            channel = $6, thread = $7, mode = $8, seal = $9, status = $10, retry_count = $11, last_error = $12,
            sent_as = $13, provider_message_id = $14, idempotency_key = $15, sent_at = $16, delivered_at = $17,
            read_at = $18, updated_at = $19, version = version + 1
        WHERE id = $1 AND version = $20";
    let id = *notification.id.as_uuid();
    let changed = run!(
        conn,
        "notification",
        sql,
        id,
        *notification.changelog_entry.as_uuid(),
        *notification.ticket.as_uuid(),
        *notification.reporter.as_uuid(),
        *notification.identity.as_uuid(),
        notification.channel.as_str(),
        json(&notification.thread, "notification")?,
        json(&notification.mode, "notification")?,
        notification.seal.as_bytes().as_slice(),
        notification.status.as_str(),
        i64::from(notification.retry_count),
        opt_json(notification.last_error.as_ref(), "notification")?,
        opt_text(notification.sent_as.as_ref()),
        opt_text(notification.provider_message_id.as_ref()),
        storable(notification.idempotency_key.as_str()),
        opt_micros(notification.sent_at),
        opt_micros(notification.delivered_at),
        opt_micros(notification.read_at),
        micros(notification.updated_at),
        i64::from(notification.version),
    );
    let exists = ("SELECT 1 FROM notifications WHERE id = $1", id);
    must_be_current(conn, changed, exists, "notification").await
}

async fn insert_attempt(conn: &mut PgConnection, attempt: &NotificationAttempt) -> Result<(), Failure> {
    let sql = "INSERT INTO notification_attempts (id, notification_id, started_at, finished_at, outcome, error)
        VALUES ($1, $2, $3, $4, $5, $6)";
    run!(
        conn,
        "attempt",
        sql,
        *attempt.id.as_uuid(),
        *attempt.notification.as_uuid(),
        micros(attempt.started_at),
        opt_micros(attempt.finished_at),
        attempt.outcome.map(|outcome| outcome.as_str()),
        opt_json(attempt.error.as_ref(), "attempt")?,
    )
    .map(|_| ())
}

async fn update_attempt(conn: &mut PgConnection, attempt: &NotificationAttempt) -> Result<(), Failure> {
    let sql = "UPDATE notification_attempts SET finished_at = $2, outcome = $3, error = $4 WHERE id = $1";
    let changed = run!(
        conn,
        "attempt",
        sql,
        *attempt.id.as_uuid(),
        opt_micros(attempt.finished_at),
        attempt.outcome.map(|outcome| outcome.as_str()),
        opt_json(attempt.error.as_ref(), "attempt")?,
    );
    must_change(changed, "attempt")
}

async fn suggest_link(conn: &mut PgConnection, link: &TicketLink) -> Result<(), Failure> {
    let sql = "INSERT INTO ticket_links (id, ticket_id, original_id, score, evidence, status, decided_by, decided_at, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        ON CONFLICT (least(ticket_id, original_id), greatest(ticket_id, original_id)) DO NOTHING";
    run!(
        conn,
        "ticket link",
        sql,
        *link.id.as_uuid(),
        *link.ticket.as_uuid(),
        *link.original.as_uuid(),
        f64::from(link.score),
        json(&link.evidence, "ticket link")?,
        link.status.as_str(),
        link.decided.map(|(by, _)| *by.as_uuid()),
        link.decided.map(|(_, at)| micros(at)),
        micros(link.created_at),
    )
    .map(|_| ())
}

async fn update_link(conn: &mut PgConnection, link: &TicketLink, expected: LinkStatus) -> Result<(), Failure> {
    let sql = "UPDATE ticket_links SET ticket_id = $2, original_id = $3, status = $4, decided_by = $5, decided_at = $6
        WHERE id = $1 AND status = $7";
    let id = *link.id.as_uuid();
    let changed = run!(
        conn,
        "ticket link",
        sql,
        id,
        *link.ticket.as_uuid(),
        *link.original.as_uuid(),
        link.status.as_str(),
        link.decided.map(|(by, _)| *by.as_uuid()),
        link.decided.map(|(_, at)| micros(at)),
        expected.as_str(),
    );
    let exists = ("SELECT 1 FROM ticket_links WHERE id = $1", id);
    must_be_current(conn, changed, exists, "ticket link").await
}

async fn insert_group(conn: &mut PgConnection, group: &TicketGroup) -> Result<(), Failure> {
    let sql =
        "INSERT INTO ticket_groups (id, title, primary_ticket_id, created_at, version) VALUES ($1, $2, $3, $4, $5)";
    run!(
        conn,
        "group",
        sql,
        *group.id.as_uuid(),
        storable(group.title.as_str()),
        *group.primary.as_uuid(),
        micros(group.created_at),
        i64::from(group.version),
    )
    .map(|_| ())
}

async fn update_group(conn: &mut PgConnection, group: &TicketGroup) -> Result<(), Failure> {
    let sql = "UPDATE ticket_groups SET title = $2, primary_ticket_id = $3, version = version + 1
        WHERE id = $1 AND version = $4";
    let id = *group.id.as_uuid();
    let changed = run!(
        conn,
        "group",
        sql,
        id,
        storable(group.title.as_str()),
        *group.primary.as_uuid(),
        i64::from(group.version),
    );
    let exists = ("SELECT 1 FROM ticket_groups WHERE id = $1", id);
    must_be_current(conn, changed, exists, "group").await
}

/// Takes a ticket's words from the groups and pairs that it is part of. Before the ticket's own row loses them.
pub(crate) async fn clear_groups_and_links(conn: &mut PgConnection, ticket: &Ticket) -> Result<(), Failure> {
    let id = *ticket.id.as_uuid();
    let sql = "SELECT * FROM ticket_groups WHERE primary_ticket_id = $1 OR id = $2";
    let groups = statement!(sql, id, ticket.group.map(|group| *group.as_uuid()));
    let groups = groups.fetch_all(&mut *conn).await?;
    for group in row::all(&groups, row::group)? {
        let bare = group.clone().without_title_of(ticket);
        if bare != group {
            update_group(conn, &bare).await?;
        }
    }
    let sql = "SELECT * FROM ticket_links WHERE ticket_id = $1 OR original_id = $1";
    let links = statement!(sql, id).fetch_all(&mut *conn).await?;
    for link in row::all(&links, row::link)? {
        let link = link.without_content();
        let sql = "UPDATE ticket_links SET evidence = $2 WHERE id = $1";
        let evidence = json(&link.evidence, "ticket link")?;
        run!(conn, "ticket link", sql, *link.id.as_uuid(), evidence)?;
    }
    Ok(())
}

/// A size as the row has it.
fn size(file: &Attachment) -> Result<Option<i64>, Failure> {
    let too_large = |_| Failure::new(PortErrorKind::Rejected, "too_large").about("attachment");
    file.size_bytes.map(i64::try_from).transpose().map_err(too_large)
}

async fn insert_attachment(conn: &mut PgConnection, file: &Attachment) -> Result<(), Failure> {
    let sql =
        "INSERT INTO attachments (id, ticket_id, source_id, channel, reference, name, content_type, size_bytes, sha256,
            blob_key, status, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    run!(
        conn,
        "attachment",
        sql,
        *file.id.as_uuid(),
        *file.ticket.as_uuid(),
        *file.source.as_uuid(),
        file.channel.as_str(),
        file.reference.as_bytes(),
        opt_bytes(file.name.as_ref()),
        opt_text(file.content_type.as_ref()),
        size(file)?,
        opt_text(file.sha256.as_ref()),
        opt_text(file.blob_key.as_ref()),
        file.status.as_str(),
        micros(file.created_at),
    )
    .map(|_| ())
}

pub(crate) async fn update_attachment(conn: &mut PgConnection, file: &Attachment) -> Result<(), Failure> {
    let sql = "UPDATE attachments SET reference = $2, name = $3, content_type = $4, size_bytes = $5, sha256 = $6,
            blob_key = $7, status = $8
        WHERE id = $1 AND (status <> 'erased' OR $8 = 'erased')";
    let changed = run!(
        conn,
        "attachment",
        sql,
        *file.id.as_uuid(),
        file.reference.as_bytes(),
        opt_bytes(file.name.as_ref()),
        opt_text(file.content_type.as_ref()),
        size(file)?,
        opt_text(file.sha256.as_ref()),
        opt_text(file.blob_key.as_ref()),
        file.status.as_str(),
    );
    let exists = ("SELECT 1 FROM attachments WHERE id = $1", *file.id.as_uuid());
    must_be_current(conn, changed, exists, "attachment").await
}

async fn put_vector(conn: &mut PgConnection, vector: &TicketVector) -> Result<(), Failure> {
    let sql = "INSERT INTO ticket_vectors (ticket_id, model, dimensions, embedding, ticket_created_at)
        VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (ticket_id, model) DO UPDATE SET dimensions = excluded.dimensions, embedding = excluded.embedding,
            ticket_created_at = excluded.ticket_created_at";
    let bytes: Vec<u8> = vector.values.iter().flat_map(|value| value.to_le_bytes()).collect();
    let dimensions = bytes.len() as i64 / 4;
    run!(
        conn,
        "vector",
        sql,
        *vector.ticket.as_uuid(),
        storable(&vector.model),
        dimensions,
        bytes,
        micros(vector.ticket_created_at),
    )
    .map(|_| ())
}

async fn put_cursor(conn: &mut PgConnection, cursor: &SyncCursor) -> Result<(), Failure> {
    let (name, value) = (storable(&cursor.name), storable(&cursor.value));
    let (at, version) = (micros(cursor.updated_at), i64::from(cursor.version));
    let sql =
        "UPDATE sync_cursors SET value = $2, updated_at = $3, version = version + 1 WHERE name = $1 AND version = $4";
    if run!(conn, "cursor", sql, name.as_ref(), value.as_ref(), at, version)? > 0 {
        return Ok(());
    }
    let exists = statement!("SELECT 1 FROM sync_cursors WHERE name = $1", name.as_ref());
    if exists.fetch_optional(&mut *conn).await?.is_some() {
        return Err(Failure::conflict("stale_version", "cursor"));
    }
    if cursor.version > 0 {
        return Err(Failure::missing("cursor"));
    }
    let sql = "INSERT INTO sync_cursors (name, value, updated_at, version) VALUES ($1, $2, $3, $4 + 1)";
    run!(conn, "cursor", sql, name.as_ref(), value.as_ref(), at, version).map(|_| ())
}

async fn enqueue(conn: &mut PgConnection, job: &NewJob) -> Result<(), Failure> {
    // The waiting job is held until this commit: else it could be claimed and run in between, with the state of before,
    // and nobody would look again. One that is being claimed is waited for, and then does not count.
    let sql = "WITH waiting AS MATERIALIZED (
            SELECT 1 FROM jobs WHERE status = 'ready' AND unique_key = $5 LIMIT 1 FOR SHARE)
        INSERT INTO jobs (id, queue, kind, payload, unique_key, status, attempts, deaths, run_at, last_error, created_at,
            updated_at)
        SELECT $1, $2, $3, $4, $5, $6, 0, 0, $7, $8, $9, $9
        WHERE $6 = 'dead' OR $5::text IS NULL OR NOT EXISTS (SELECT 1 FROM waiting)";
    let kind = job.payload.kind();
    let status = if job.dead.is_some() {
        JobStatus::Dead
    } else {
        JobStatus::Ready
    };
    run!(
        conn,
        "job",
        sql,
        *job.id.as_uuid(),
        job.payload.queue().as_str(),
        storable(kind.as_str()),
        json(&job.payload, "job")?,
        opt_text(job.unique_key.as_ref()),
        status.as_str(),
        micros(job.run_at),
        job.dead.as_deref().map(error_text),
        micros(job.created_at),
    )
    .map(|_| ())
}

/// A leased job becomes a dead letter: the same words for one that is buried alone.
pub(crate) const BURY: &str =
    "UPDATE jobs SET status = 'dead', lease_token = NULL, lease_until = NULL, updated_at = $3, last_error = $4
    WHERE id = $1 AND status = 'leased' AND lease_token = $2";

/// Under its lease, or not at all. One that is being taken back at this moment is waited for, and then does not count.
async fn bury(conn: &mut PgConnection, lease: &Lease, error: &str, at: Timestamp) -> Result<(), Failure> {
    let (job, token) = (*lease.job.as_uuid(), *lease.token.as_uuid());
    match run!(conn, "job", BURY, job, token, micros(at), error_text(error))? {
        0 => Err(Failure::conflict("stale_version", "lease")),
        _ => Ok(()),
    }
}

async fn remember_call(conn: &mut PgConnection, call: &RememberedCall) -> Result<(), Failure> {
    let sql = "INSERT INTO idempotency_keys (scope, key, fingerprint, subject, at) VALUES ($1, $2, $3, $4, $5)";
    run!(
        conn,
        "idempotency key",
        sql,
        storable(&call.scope),
        storable(&call.key),
        call.fingerprint.as_slice(),
        call.subject,
        micros(call.at),
    )
    .map(|_| ())
}

async fn insert_user(conn: &mut PgConnection, user: &User) -> Result<(), Failure> {
    let sql = "INSERT INTO users (id, name, created_at, disabled_at) VALUES ($1, $2, $3, $4)";
    run!(
        conn,
        "user",
        sql,
        *user.id.as_uuid(),
        storable(&user.name),
        micros(user.created_at),
        opt_micros(user.disabled_at),
    )
    .map(|_| ())
}

async fn insert_api_token(conn: &mut PgConnection, token: &ApiToken) -> Result<(), Failure> {
    let sql =
        "INSERT INTO api_tokens (id, digest, name, user_id, created_at, revoked_at) VALUES ($1, $2, $3, $4, $5, $6)";
    run!(
        conn,
        "API token",
        sql,
        *token.id.as_uuid(),
        token.digest.as_bytes().as_slice(),
        storable(&token.name),
        *token.user.as_uuid(),
        micros(token.created_at),
        opt_micros(token.revoked_at),
    )
    .map(|_| ())
}

async fn insert_sign_in_link(conn: &mut PgConnection, link: &SignInLink) -> Result<(), Failure> {
    let sql = "INSERT INTO sign_in_links (digest, user_id, expires_at) VALUES ($1, $2, $3)";
    let digest = link.digest.as_bytes().as_slice();
    run!(
        conn,
        "sign-in link",
        sql,
        digest,
        *link.user.as_uuid(),
        micros(link.expires_at)
    )
    .map(|_| ())
}

async fn put_session(conn: &mut PgConnection, session: &Session) -> Result<(), Failure> {
    let sql = "INSERT INTO sessions (digest, user_id, created_at, seen_at, expires_at) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (digest) DO UPDATE SET seen_at = greatest(sessions.seen_at, excluded.seen_at)";
    run!(
        conn,
        "session",
        sql,
        session.digest.as_bytes().as_slice(),
        *session.user.as_uuid(),
        micros(session.created_at),
        micros(session.seen_at),
        micros(session.expires_at),
    )
    .map(|_| ())
}
