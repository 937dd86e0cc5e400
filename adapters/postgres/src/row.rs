//! Rows to entities. Names of columns are those of `migrations/V1__data_model.sql`.

use feedback_core::{
    domain::{
        Actor, ApiToken, ApprovalSeal, Attachment, BlindIndex, ChainHash, ChangelogEntry, Confirmation, Decision,
        Erasure, ExternalId, IdempotencyKey, Identity, IdentityLink, Job, JobKind, Language, Notification,
        NotificationAttempt, RememberedCall, Reporter, Scrubbed, Sealed, SecretDigest, Session, SignInLink, SubjectKey,
        Suggestion, SyncCursor, ThreadKey, Ticket, TicketEvent, TicketGroup, TicketLink, TicketNumber, TicketSource,
        TicketVector, Timestamp, User,
    },
    ports::{FromUuid, Rollup},
};
use serde::de::{DeserializeOwned, IntoDeserializer, value};
use sqlx::{Row, postgres::PgRow};
use uuid::Uuid;

use crate::{
    error::{Failure, Unreadable},
    text::restored,
};

pub(crate) type Read<T> = Result<T, sqlx::Error>;

/// All rows as entities, in their order.
pub(crate) fn all<T>(rows: &[PgRow], read: impl Fn(&Cells<'_>) -> Read<T>) -> Result<Vec<T>, Failure> {
    let entities = rows.iter().map(|row| read(&Cells(row)));
    Ok(entities.collect::<Read<Vec<T>>>()?)
}

/// One row, or none.
pub(crate) fn one<T>(row: Option<&PgRow>, read: impl Fn(&Cells<'_>) -> Read<T>) -> Result<Option<T>, Failure> {
    Ok(row.map(|row| read(&Cells(row))).transpose()?)
}

/// One row, by the names of its columns.
pub(crate) struct Cells<'r>(&'r PgRow);

fn unreadable(name: &'static str) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(Unreadable(name)))
}

impl Cells<'_> {
    pub(crate) fn text(&self, name: &'static str) -> Read<String> {
        self.0.try_get(name).map(restored)
    }

    /// A text as it is stored, to be compared with what is stored.
    pub(crate) fn plain_text(&self, name: &'static str) -> Read<String> {
        self.0.try_get(name)
    }

    fn text_or_none(&self, name: &'static str) -> Read<Option<String>> {
        let text: Option<String> = self.0.try_get(name)?;
        Ok(text.map(restored))
    }

    pub(crate) fn bytes(&self, name: &'static str) -> Read<Vec<u8>> {
        self.0.try_get(name)
    }

    fn bytes_or_none(&self, name: &'static str) -> Read<Option<Vec<u8>>> {
        self.0.try_get(name)
    }

    fn digest(&self, name: &'static str) -> Read<[u8; 32]> {
        self.bytes(name)?.try_into().map_err(|_| unreadable(name))
    }

    fn flag(&self, name: &'static str) -> Read<bool> {
        self.0.try_get(name)
    }

    pub(crate) fn integer(&self, name: &'static str) -> Read<i64> {
        self.0.try_get(name)
    }

    #[cfg(feature = "pgvector")]
    pub(crate) fn real(&self, name: &'static str) -> Read<f64> {
        self.0.try_get(name)
    }

    pub(crate) fn uuid(&self, name: &'static str) -> Read<Uuid> {
        self.0.try_get(name)
    }

    pub(crate) fn id<T: FromUuid>(&self, name: &'static str) -> Read<T> {
        self.uuid(name).map(T::wrap)
    }

    pub(crate) fn id_or_none<T: FromUuid>(&self, name: &'static str) -> Read<Option<T>> {
        let id: Option<Uuid> = self.0.try_get(name)?;
        Ok(id.map(T::wrap))
    }

    pub(crate) fn time(&self, name: &'static str) -> Read<Timestamp> {
        self.time_or_none(name)?.ok_or_else(|| unreadable(name))
    }

    pub(crate) fn time_or_none(&self, name: &'static str) -> Read<Option<Timestamp>> {
        let micros: Option<i64> = self.0.try_get(name)?;
        micros
            .map(|micros| Timestamp::from_unix_micros(micros).ok_or_else(|| unreadable(name)))
            .transpose()
    }

    /// An enum by its name in storage.
    pub(crate) fn word<T: DeserializeOwned>(&self, name: &'static str) -> Read<T> {
        self.word_or_none(name)?.ok_or_else(|| unreadable(name))
    }

    fn word_or_none<T: DeserializeOwned>(&self, name: &'static str) -> Read<Option<T>> {
        let text: Option<String> = self.0.try_get(name)?;
        let read = |text: String| -> Result<T, value::Error> { T::deserialize(text.into_deserializer()) };
        text.map(|text| read(text).map_err(|_| unreadable(name))).transpose()
    }

    fn json<T: DeserializeOwned>(&self, name: &'static str) -> Read<T> {
        self.json_or_none(name)?.ok_or_else(|| unreadable(name))
    }

    fn json_or_none<T: DeserializeOwned>(&self, name: &'static str) -> Read<Option<T>> {
        let text: Option<String> = self.text_or_none(name)?;
        // serde's own message would quote the value.
        text.map(|text| serde_json::from_str(&text).map_err(|_| unreadable(name)))
            .transpose()
    }

    fn scrubbed(&self, name: &'static str) -> Read<Scrubbed> {
        self.text(name).map(Scrubbed::restore)
    }

    fn sealed(&self, name: &'static str) -> Read<Sealed> {
        self.bytes(name).map(Sealed::from_bytes)
    }

    fn sealed_or_none(&self, name: &'static str) -> Read<Option<Sealed>> {
        Ok(self.bytes_or_none(name)?.map(Sealed::from_bytes))
    }

    fn index_or_none(&self, name: &'static str) -> Read<Option<BlindIndex>> {
        let bytes = self.bytes_or_none(name)?;
        bytes
            .map(|bytes| {
                bytes
                    .try_into()
                    .map(BlindIndex::from_bytes)
                    .map_err(|_| unreadable(name))
            })
            .transpose()
    }

    pub(crate) fn external_id(&self, name: &'static str) -> Read<ExternalId> {
        ExternalId::parse(self.text(name)?).map_err(|_| unreadable(name))
    }

    pub(crate) fn ticket_number(&self, name: &'static str) -> Read<TicketNumber> {
        self.count(name).map(TicketNumber::new)
    }

    /// A count: never negative.
    pub(crate) fn count(&self, name: &'static str) -> Read<u64> {
        u64::try_from(self.integer(name)?).map_err(|_| unreadable(name))
    }

    /// A small count, as versions and attempts are.
    pub(crate) fn small(&self, name: &'static str) -> Read<u32> {
        u32::try_from(self.integer(name)?).map_err(|_| unreadable(name))
    }
}

pub(crate) fn reporter(row: &Cells<'_>) -> Read<Reporter> {
    let key = row.bytes_or_none("subject_key")?;
    Ok(Reporter {
        id: row.id("id")?,
        key: key.map(SubjectKey::from_bytes),
        name: row.sealed_or_none("name")?,
        email: row.sealed_or_none("email")?,
        email_index: row.index_or_none("email_index")?,
        email_verified: row.flag("email_verified")?,
        phone: row.sealed_or_none("phone")?,
        phone_index: row.index_or_none("phone_index")?,
        language: row.word_or_none("language")?,
        merged_into: row.id_or_none("merged_into")?,
        erased_at: row.time_or_none("erased_at")?,
        created_at: row.time("created_at")?,
        version: row.small("version")?,
    })
}

pub(crate) fn identity(row: &Cells<'_>) -> Read<Identity> {
    Ok(Identity {
        id: row.id("id")?,
        reporter: row.id("reporter_id")?,
        channel: row.word("channel")?,
        connection: row.text("connection")?,
        lookup: BlindIndex::from_bytes(row.digest("lookup")?),
        external_user_id: row.sealed("external_user_id")?,
        last_message_at: row.time_or_none("last_message_at")?,
        opted_out_at: row.time_or_none("opted_out_at")?,
        created_at: row.time("created_at")?,
        version: row.small("version")?,
    })
}

pub(crate) fn ticket(row: &Cells<'_>) -> Read<Ticket> {
    Ok(Ticket {
        id: row.id("id")?,
        number: row.ticket_number("number")?,
        channel: row.word("channel")?,
        reporter: row.id("reporter_id")?,
        title: row.scrubbed("title")?,
        description: row.scrubbed("description")?,
        original: row.sealed_or_none("original")?,
        placeholders: row.sealed_or_none("placeholders")?,
        language: row.word_or_none("language")?,
        status: row.word("status")?,
        ticket_type: row.word("type")?,
        priority: row.word("priority")?,
        inferred: row.json("inferred")?,
        suggestion: suggestion(row)?,
        enrichment: row.word("enrichment_status")?,
        confirmation: confirmation(row)?,
        group: row.id_or_none("group_id")?,
        sprint: row.text_or_none("sprint")?,
        page: row.json_or_none("page")?,
        resolutions: row.small("resolutions")?,
        resolved_at: row.time_or_none("resolved_at")?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
        version: row.small("version")?,
    })
}

fn suggestion(row: &Cells<'_>) -> Read<Option<Suggestion>> {
    let Some(at) = row.time_or_none("ai_suggested_at")? else {
        return Ok(None);
    };
    Ok(Some(Suggestion {
        ticket_type: row.word("ai_suggested_type")?,
        priority: row.word("ai_suggested_priority")?,
        summary: row.text("ai_summary")?,
        made_by: row.json("ai_made_by")?,
        at,
    }))
}

fn confirmation(row: &Cells<'_>) -> Read<Option<Confirmation>> {
    let Some(at) = row.time_or_none("confirmed_at")? else {
        return Ok(None);
    };
    Ok(Some(Confirmation {
        ticket_type: row.word("confirmed_type")?,
        priority: row.word("confirmed_priority")?,
        by: row.id("confirmed_by")?,
        at,
    }))
}

pub(crate) fn source(row: &Cells<'_>) -> Read<TicketSource> {
    let thread_key = row.text_or_none("thread_key")?;
    Ok(TicketSource {
        id: row.id("id")?,
        ticket: row.id("ticket_id")?,
        channel: row.word("channel")?,
        external_id: row.external_id("external_id")?,
        thread: row.json("thread")?,
        thread_key: thread_key.map(ThreadKey::from_stored),
        author: row.id("author_id")?,
        text: row.scrubbed("text")?,
        raw: row.sealed_or_none("raw")?,
        redacted: row.text_or_none("redacted")?,
        digest: row.text("digest")?,
        sent_at: row.time("sent_at")?,
        received_at: row.time("received_at")?,
    })
}

pub(crate) fn event(row: &Cells<'_>) -> Read<TicketEvent> {
    let actor = row.text("actor")?;
    Ok(TicketEvent {
        id: row.id("id")?,
        ticket: row.id("ticket_id")?,
        kind: row.word("kind")?,
        actor: actor.parse::<Actor>().map_err(|()| unreadable("actor"))?,
        data: row.json("data")?,
        at: row.time("at")?,
    })
}

pub(crate) fn chain_hash(row: &Cells<'_>) -> Read<ChainHash> {
    row.digest("hash").map(ChainHash::from_bytes)
}

pub(crate) fn link(row: &Cells<'_>) -> Read<TicketLink> {
    let score: f64 = row.0.try_get("score")?;
    let decided_at = row.time_or_none("decided_at")?;
    Ok(TicketLink {
        id: row.id("id")?,
        ticket: row.id("ticket_id")?,
        original: row.id("original_id")?,
        // It was an f32 when it was stored, so nothing is lost.
        score: score as f32,
        evidence: row.json("evidence")?,
        status: row.word("status")?,
        decided: row.id_or_none("decided_by")?.zip(decided_at),
        created_at: row.time("created_at")?,
    })
}

pub(crate) fn changelog_entry(row: &Cells<'_>) -> Read<ChangelogEntry> {
    Ok(ChangelogEntry {
        id: row.id("id")?,
        ticket: row.id("ticket_id")?,
        resolution: row.small("resolution")?,
        sealed_for: row.id("sealed_for")?,
        content: row.sealed("content")?,
        drafted: row.sealed("drafted")?,
        language: row.word::<Language>("language")?,
        status: row.word("status")?,
        made_by: row.json("made_by")?,
        edited_by: row.id_or_none("edited_by")?,
        decision: decision(row)?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
        version: row.small("version")?,
    })
}

fn decision(row: &Cells<'_>) -> Read<Option<Decision>> {
    let Some(at) = row.time_or_none("decided_at")? else {
        return Ok(None);
    };
    Ok(Some(Decision {
        by: row.id_or_none("decided_by")?,
        at,
        seen_version: row.small("seen_version")?,
        reason: row.text_or_none("decision_reason")?,
    }))
}

pub(crate) fn notification(row: &Cells<'_>) -> Read<Notification> {
    let key = row.text("idempotency_key")?;
    Ok(Notification {
        id: row.id("id")?,
        changelog_entry: row.id("changelog_entry_id")?,
        ticket: row.id("ticket_id")?,
        reporter: row.id("reporter_id")?,
        identity: row.id("identity_id")?,
        channel: row.word("channel")?,
        thread: row.json("thread")?,
        mode: row.json("mode")?,
        seal: ApprovalSeal::from_bytes(row.digest("seal")?),
        status: row.word("status")?,
        retry_count: row.small("retry_count")?,
        last_error: row.json_or_none("last_error")?,
        sent_as: row.text_or_none("sent_as")?,
        provider_message_id: row.text_or_none("provider_message_id")?,
        idempotency_key: IdempotencyKey::composed(&[&key]),
        sent_at: row.time_or_none("sent_at")?,
        delivered_at: row.time_or_none("delivered_at")?,
        read_at: row.time_or_none("read_at")?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
        version: row.small("version")?,
    })
}

pub(crate) fn attempt(row: &Cells<'_>) -> Read<NotificationAttempt> {
    Ok(NotificationAttempt {
        id: row.id("id")?,
        notification: row.id("notification_id")?,
        started_at: row.time("started_at")?,
        finished_at: row.time_or_none("finished_at")?,
        outcome: row.word_or_none("outcome")?,
        error: row.json_or_none("error")?,
    })
}

pub(crate) fn attachment(row: &Cells<'_>) -> Read<Attachment> {
    let size: Option<i64> = row.0.try_get("size_bytes")?;
    Ok(Attachment {
        id: row.id("id")?,
        ticket: row.id("ticket_id")?,
        source: row.id("source_id")?,
        channel: row.word("channel")?,
        reference: row.sealed("reference")?,
        name: row.sealed_or_none("name")?,
        content_type: row.text_or_none("content_type")?,
        size_bytes: size
            .map(u64::try_from)
            .transpose()
            .map_err(|_| unreadable("size_bytes"))?,
        sha256: row.text_or_none("sha256")?,
        blob_key: row.text_or_none("blob_key")?,
        status: row.word("status")?,
        created_at: row.time("created_at")?,
    })
}

pub(crate) fn vector(row: &Cells<'_>) -> Read<TicketVector> {
    let bytes = row.bytes("embedding")?;
    let (numbers, rest) = bytes.as_chunks::<4>();
    if !rest.is_empty() {
        return Err(unreadable("embedding"));
    }
    Ok(TicketVector {
        ticket: row.id("ticket_id")?,
        model: row.text("model")?,
        values: numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect(),
        ticket_created_at: row.time("ticket_created_at")?,
    })
}

pub(crate) fn job(row: &Cells<'_>) -> Read<Job> {
    Ok(Job {
        id: row.id("id")?,
        queue: row.word("queue")?,
        kind: JobKind::from_stored(row.text("kind")?),
        payload: row.text("payload")?,
        unique_key: row.text_or_none("unique_key")?,
        status: row.word("status")?,
        attempts: row.small("attempts")?,
        deaths: row.small("deaths")?,
        run_at: row.time("run_at")?,
        last_error: row.text_or_none("last_error")?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
    })
}

pub(crate) fn cursor(row: &Cells<'_>) -> Read<SyncCursor> {
    Ok(SyncCursor {
        name: row.text("name")?,
        value: row.text("value")?,
        updated_at: row.time("updated_at")?,
        version: row.small("version")?,
    })
}

pub(crate) fn remembered_call(row: &Cells<'_>) -> Read<RememberedCall> {
    Ok(RememberedCall {
        scope: row.text("scope")?,
        key: row.text("key")?,
        fingerprint: row.digest("fingerprint")?,
        subject: row.uuid("subject")?,
        at: row.time("at")?,
    })
}

pub(crate) fn user(row: &Cells<'_>) -> Read<User> {
    Ok(User {
        id: row.id("id")?,
        name: row.text("name")?,
        created_at: row.time("created_at")?,
        disabled_at: row.time_or_none("disabled_at")?,
    })
}

pub(crate) fn session(row: &Cells<'_>) -> Read<Session> {
    Ok(Session {
        digest: SecretDigest::from_bytes(row.digest("digest")?),
        user: row.id("user_id")?,
        created_at: row.time("created_at")?,
        seen_at: row.time("seen_at")?,
        expires_at: row.time("expires_at")?,
    })
}

pub(crate) fn sign_in_link(row: &Cells<'_>) -> Read<SignInLink> {
    Ok(SignInLink {
        digest: SecretDigest::from_bytes(row.digest("digest")?),
        user: row.id("user_id")?,
        expires_at: row.time("expires_at")?,
    })
}

pub(crate) fn api_token(row: &Cells<'_>) -> Read<ApiToken> {
    Ok(ApiToken {
        id: row.id("id")?,
        digest: SecretDigest::from_bytes(row.digest("digest")?),
        name: row.text("name")?,
        user: row.id("user_id")?,
        created_at: row.time("created_at")?,
        revoked_at: row.time_or_none("revoked_at")?,
    })
}

pub(crate) fn identity_link(row: &Cells<'_>) -> Read<IdentityLink> {
    let undone_at = row.time_or_none("undone_at")?;
    Ok(IdentityLink {
        id: row.id("id")?,
        identity: row.id("identity_id")?,
        reporter: row.id("reporter_id")?,
        kind: row.word("kind")?,
        source: row.id_or_none("source_id")?,
        at: row.time("at")?,
        undone: undone_at.zip(row.id_or_none("undone_by")?),
    })
}

pub(crate) fn group(row: &Cells<'_>) -> Read<TicketGroup> {
    Ok(TicketGroup {
        id: row.id("id")?,
        title: row.scrubbed("title")?,
        primary: row.id("primary_ticket_id")?,
        created_at: row.time("created_at")?,
        version: row.small("version")?,
    })
}

pub(crate) fn erasure(row: &Cells<'_>) -> Read<Erasure> {
    Ok(Erasure {
        reporter: row.id("reporter_id")?,
        at: row.time("erased_at")?,
        by: row.id_or_none("asked_by")?,
    })
}

pub(crate) fn rollup(row: &Cells<'_>) -> Read<Rollup> {
    Ok(Rollup {
        hour: row.time("hour")?,
        kind: row.word("name")?,
        channel: row.word("label")?,
        count: row.count("count")?,
    })
}
