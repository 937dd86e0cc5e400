-- The whole data model, as in SQLite: ids are UUIDv7, times are microseconds since 1970 in UTC, JSON is text, so that it
-- comes back byte for byte (jsonb would order keys anew, and the hash chain is over bytes). What the hub alone may read is
-- sealed before it comes here.
--
-- Who decided is named by user id without a foreign key: a host may keep its reviewers elsewhere.
--
-- A text column cannot hold U+0000, which mails and chats can: the adapter writes it as an escape of its own.

CREATE TABLE users (
    id          uuid PRIMARY KEY,
    name        text NOT NULL,
    created_at  bigint NOT NULL,
    disabled_at bigint
);

CREATE TABLE api_tokens (
    id         uuid PRIMARY KEY,
    digest     bytea NOT NULL CHECK (length(digest) = 32),
    name       text NOT NULL,
    user_id    uuid NOT NULL REFERENCES users (id),
    created_at bigint NOT NULL,
    revoked_at bigint
);
CREATE UNIQUE INDEX api_tokens_digest ON api_tokens (digest);
CREATE INDEX api_tokens_of_user ON api_tokens (user_id);

CREATE TABLE sessions (
    digest     bytea PRIMARY KEY CHECK (length(digest) = 32),
    user_id    uuid NOT NULL REFERENCES users (id),
    created_at bigint NOT NULL,
    seen_at    bigint NOT NULL,
    expires_at bigint NOT NULL
);
CREATE INDEX sessions_of_user ON sessions (user_id);
CREATE INDEX sessions_by_end ON sessions (expires_at);

CREATE TABLE sign_in_links (
    digest     bytea PRIMARY KEY CHECK (length(digest) = 32),
    user_id    uuid NOT NULL REFERENCES users (id),
    expires_at bigint NOT NULL
);
CREATE INDEX sign_in_links_of_user ON sign_in_links (user_id);
CREATE INDEX sign_in_links_by_end ON sign_in_links (expires_at);

CREATE TABLE reporters (
    id             uuid PRIMARY KEY,
    subject_key    bytea,
    name           bytea,
    email          bytea,
    email_index    bytea CHECK (length(email_index) = 32),
    email_verified boolean NOT NULL,
    phone          bytea,
    phone_index    bytea CHECK (length(phone_index) = 32),
    language       text CHECK (language IN ('en', 'es')),
    merged_into    uuid REFERENCES reporters (id),
    erased_at      bigint,
    created_at     bigint NOT NULL,
    version        bigint NOT NULL
);
-- Never two people for one address that a provider vouches for.
CREATE UNIQUE INDEX reporters_verified_email ON reporters (email_index) WHERE email_verified AND merged_into IS NULL;
CREATE INDEX reporters_email ON reporters (email_index, created_at, id) WHERE email_index IS NOT NULL;
CREATE INDEX reporters_phone ON reporters (phone_index, created_at, id) WHERE phone_index IS NOT NULL;
CREATE INDEX reporters_merged ON reporters (merged_into, created_at, id) WHERE merged_into IS NOT NULL;
-- What a key rotation walks.
CREATE INDEX reporters_wrapped ON reporters (id) WHERE subject_key IS NOT NULL;

CREATE TABLE reporter_identities (
    id               uuid PRIMARY KEY,
    reporter_id      uuid NOT NULL REFERENCES reporters (id),
    channel          text NOT NULL CHECK (channel IN ('slack', 'intercom', 'whatsapp', 'email', 'in_app', 'backoffice')),
    connection       text NOT NULL,
    lookup           bytea NOT NULL CHECK (length(lookup) = 32),
    external_user_id bytea NOT NULL,
    last_message_at  bigint,
    opted_out_at     bigint,
    created_at       bigint NOT NULL,
    version          bigint NOT NULL
);
CREATE UNIQUE INDEX reporter_identities_lookup ON reporter_identities (channel, lookup);
CREATE INDEX reporter_identities_of_reporter ON reporter_identities (reporter_id, created_at, id);

-- A merge and its undo are rows; nothing is deleted. The source may be written later in the same commit, so no foreign key.
CREATE TABLE identity_links (
    id          uuid PRIMARY KEY,
    identity_id uuid NOT NULL REFERENCES reporter_identities (id),
    reporter_id uuid NOT NULL REFERENCES reporters (id),
    kind        text NOT NULL CHECK (kind IN ('verified_email', 'phone', 'unverified_email', 'reviewer')),
    source_id   uuid,
    at          bigint NOT NULL,
    undone_at   bigint,
    undone_by   uuid,
    CHECK ((undone_at IS NULL) = (undone_by IS NULL))
);
CREATE INDEX identity_links_of_identity ON identity_links (identity_id, at);
CREATE INDEX identity_links_of_reporter ON identity_links (reporter_id, at);

CREATE TABLE ticket_groups (
    id                uuid PRIMARY KEY,
    title             text NOT NULL,
    primary_ticket_id uuid NOT NULL,
    created_at        bigint NOT NULL,
    version           bigint NOT NULL
);
CREATE INDEX ticket_groups_primary ON ticket_groups (primary_ticket_id);
CREATE INDEX ticket_groups_by_time ON ticket_groups (created_at, id);

-- The numbers that people say. A commit that fails leaves a gap; none is given twice.
CREATE SEQUENCE ticket_numbers START WITH 1001;

CREATE TABLE tickets (
    id                    uuid PRIMARY KEY,
    number                bigint NOT NULL UNIQUE,
    channel               text NOT NULL CHECK (channel IN ('slack', 'intercom', 'whatsapp', 'email', 'in_app', 'backoffice')),
    reporter_id           uuid NOT NULL REFERENCES reporters (id),
    title                 text NOT NULL,
    description           text NOT NULL,
    -- The folded words of title and description, as the core folds them: no dictionary and no extension of the server
    -- decides what is found.
    words                 tsvector NOT NULL,
    original              bytea,
    placeholders          bytea,
    language              text CHECK (language IN ('en', 'es')),
    status                text NOT NULL CHECK (status IN ('new', 'triaged', 'in_progress', 'resolved', 'closed', 'duplicate', 'dismissed')),
    type                  text NOT NULL CHECK (type IN ('incident', 'bug', 'feature_request', 'question')),
    priority              text NOT NULL CHECK (priority IN ('P0', 'P1', 'P2', 'P3', 'P4', 'P5')),
    inferred              text NOT NULL CHECK (inferred::json IS NOT NULL),
    ai_suggested_type     text CHECK (ai_suggested_type IN ('incident', 'bug', 'feature_request', 'question')),
    ai_suggested_priority text CHECK (ai_suggested_priority IN ('P0', 'P1', 'P2', 'P3', 'P4', 'P5')),
    ai_summary            text,
    ai_made_by            text CHECK (ai_made_by::json IS NOT NULL OR ai_made_by IS NULL),
    ai_suggested_at       bigint,
    enrichment_status     text NOT NULL CHECK (enrichment_status IN ('pending', 'suggested', 'failed')),
    confirmed_type        text CHECK (confirmed_type IN ('incident', 'bug', 'feature_request', 'question')),
    confirmed_priority    text CHECK (confirmed_priority IN ('P0', 'P1', 'P2', 'P3', 'P4', 'P5')),
    confirmed_by          uuid,
    confirmed_at          bigint,
    group_id              uuid REFERENCES ticket_groups (id),
    sprint                text,
    page_id               text,
    page                  text CHECK (page::json IS NOT NULL OR page IS NULL),
    resolutions           bigint NOT NULL,
    resolved_at           bigint,
    created_at            bigint NOT NULL,
    updated_at            bigint NOT NULL,
    version               bigint NOT NULL,
    CHECK ((page_id IS NULL) = (page IS NULL)),
    CHECK ((ai_suggested_at IS NULL) = (ai_suggested_type IS NULL)),
    CHECK ((confirmed_at IS NULL) = (confirmed_type IS NULL))
);
ALTER TABLE ticket_groups ADD FOREIGN KEY (primary_ticket_id) REFERENCES tickets (id);
-- Partial, so that a new page is no change of a key: what refers to the ticket need not wait for it.
CREATE UNIQUE INDEX tickets_page ON tickets (page_id) WHERE page_id IS NOT NULL;
-- The keyset order of every list, behind each filter that it may begin with.
CREATE INDEX tickets_by_time ON tickets (created_at, id);
CREATE INDEX tickets_by_status ON tickets (status, created_at, id);
CREATE INDEX tickets_by_channel ON tickets (channel, created_at, id);
CREATE INDEX tickets_by_priority ON tickets (priority, created_at, id);
CREATE INDEX tickets_by_type ON tickets (type, created_at, id);
CREATE INDEX tickets_of_reporter ON tickets (reporter_id, created_at, id);
CREATE INDEX tickets_of_group ON tickets (group_id, created_at, id) WHERE group_id IS NOT NULL;
CREATE INDEX tickets_confirmed ON tickets (confirmed_at, created_at) WHERE confirmed_at IS NOT NULL;
CREATE INDEX tickets_resolved ON tickets (resolved_at, created_at) WHERE resolved_at IS NOT NULL;
-- What retention removes, here and below: each holds only rows that are still to be removed some day.
CREATE INDEX tickets_over ON tickets (updated_at, number)
    WHERE status IN ('closed', 'dismissed', 'duplicate') AND (title <> '[erased]' OR description <> '[erased]'
        OR original IS NOT NULL OR placeholders IS NOT NULL OR ai_summary <> '[erased]');
CREATE INDEX tickets_words ON tickets USING gin (words);

CREATE TABLE ticket_sources (
    -- The order of recording.
    seq         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id          uuid NOT NULL UNIQUE,
    ticket_id   uuid NOT NULL REFERENCES tickets (id),
    channel     text NOT NULL CHECK (channel IN ('slack', 'intercom', 'whatsapp', 'email', 'in_app', 'backoffice')),
    external_id text NOT NULL,
    thread      text NOT NULL CHECK (thread::json IS NOT NULL),
    thread_key  text,
    author_id   uuid NOT NULL REFERENCES reporter_identities (id),
    text        text NOT NULL,
    raw         bytea,
    redacted    text,
    digest      text NOT NULL,
    sent_at     bigint NOT NULL,
    received_at bigint NOT NULL
);
-- The idempotency of the whole intake.
CREATE UNIQUE INDEX ticket_sources_external ON ticket_sources (channel, external_id);
CREATE INDEX ticket_sources_of_ticket ON ticket_sources (ticket_id, seq);
CREATE INDEX ticket_sources_of_thread ON ticket_sources (channel, thread_key, seq) WHERE thread_key IS NOT NULL;
CREATE INDEX ticket_sources_of_author ON ticket_sources (author_id, seq);
CREATE INDEX ticket_sources_raw ON ticket_sources (received_at, seq) WHERE raw IS NOT NULL OR redacted IS NOT NULL;

CREATE TABLE ticket_events (
    -- The order of commit, in which the events of a ticket are chained.
    seq       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id        uuid NOT NULL UNIQUE,
    ticket_id uuid NOT NULL REFERENCES tickets (id),
    kind      text NOT NULL,
    actor     text NOT NULL,
    data      text NOT NULL CHECK (data::json IS NOT NULL),
    at        bigint NOT NULL,
    hash      bytea NOT NULL CHECK (length(hash) = 32)
);
CREATE INDEX ticket_events_of_ticket ON ticket_events (ticket_id, seq);
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
END
$$;
CREATE TRIGGER ticket_events_refuse_change BEFORE UPDATE OR DELETE ON ticket_events
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ticket_events_refuse_truncate BEFORE TRUNCATE ON ticket_events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE ticket_links (
    id          uuid PRIMARY KEY,
    ticket_id   uuid NOT NULL REFERENCES tickets (id),
    original_id uuid NOT NULL REFERENCES tickets (id),
    score       double precision NOT NULL,
    evidence    text NOT NULL CHECK (evidence::json IS NOT NULL),
    status      text NOT NULL CHECK (status IN ('suggested', 'accepted', 'dismissed')),
    decided_by  uuid,
    decided_at  bigint,
    created_at  bigint NOT NULL,
    CHECK ((decided_by IS NULL) = (decided_at IS NULL))
);
CREATE UNIQUE INDEX ticket_links_pair ON ticket_links (least(ticket_id, original_id), greatest(ticket_id, original_id));
CREATE INDEX ticket_links_of_ticket ON ticket_links (ticket_id);
CREATE INDEX ticket_links_of_original ON ticket_links (original_id);

CREATE TABLE changelog_entries (
    id               uuid PRIMARY KEY,
    ticket_id        uuid NOT NULL REFERENCES tickets (id),
    resolution       bigint NOT NULL,
    sealed_for       uuid NOT NULL REFERENCES reporters (id),
    content          bytea NOT NULL,
    drafted          bytea NOT NULL,
    language         text NOT NULL CHECK (language IN ('en', 'es')),
    status           text NOT NULL CHECK (status IN ('draft', 'approved', 'rejected')),
    made_by          text NOT NULL CHECK (made_by::json IS NOT NULL),
    edited_by        uuid,
    decided_by       uuid,
    decided_at       bigint,
    seen_version     bigint,
    decision_reason  text,
    created_at       bigint NOT NULL,
    updated_at       bigint NOT NULL,
    version          bigint NOT NULL,
    CHECK ((decided_at IS NULL) = (seen_version IS NULL))
);
CREATE UNIQUE INDEX changelog_entries_open_draft ON changelog_entries (ticket_id) WHERE status = 'draft';
CREATE UNIQUE INDEX changelog_entries_resolution ON changelog_entries (ticket_id, resolution) WHERE status <> 'rejected';
CREATE INDEX changelog_entries_by_time ON changelog_entries (created_at, id);
CREATE INDEX changelog_entries_by_status ON changelog_entries (status, created_at, id);
CREATE INDEX changelog_entries_of_ticket ON changelog_entries (ticket_id, created_at, id);
CREATE INDEX changelog_entries_of_person ON changelog_entries (sealed_for);
CREATE INDEX changelog_entries_approved ON changelog_entries (decided_at, created_at) WHERE status = 'approved';

CREATE TABLE notifications (
    id                  uuid PRIMARY KEY,
    changelog_entry_id  uuid NOT NULL REFERENCES changelog_entries (id),
    ticket_id           uuid NOT NULL REFERENCES tickets (id),
    reporter_id         uuid NOT NULL REFERENCES reporters (id),
    identity_id         uuid NOT NULL REFERENCES reporter_identities (id),
    channel             text NOT NULL CHECK (channel IN ('slack', 'intercom', 'whatsapp', 'email', 'in_app', 'backoffice')),
    thread              text NOT NULL CHECK (thread::json IS NOT NULL),
    mode                text NOT NULL CHECK (mode::json IS NOT NULL),
    seal                bytea NOT NULL CHECK (length(seal) = 32),
    status              text NOT NULL CHECK (status IN ('pending', 'sending', 'sent', 'delivered', 'read', 'failed', 'permanently_failed', 'channel_restricted', 'ambiguous')),
    retry_count         bigint NOT NULL,
    last_error          text CHECK (last_error::json IS NOT NULL OR last_error IS NULL),
    sent_as             text,
    provider_message_id text,
    idempotency_key     text NOT NULL,
    sent_at             bigint,
    delivered_at        bigint,
    read_at             bigint,
    created_at          bigint NOT NULL,
    updated_at          bigint NOT NULL,
    version             bigint NOT NULL
);
CREATE UNIQUE INDEX notifications_idempotency ON notifications (idempotency_key);
CREATE INDEX notifications_by_time ON notifications (created_at, id);
CREATE INDEX notifications_by_status ON notifications (status, created_at, id);
CREATE INDEX notifications_by_channel ON notifications (channel, created_at, id);
CREATE INDEX notifications_of_ticket ON notifications (ticket_id, created_at, id);
CREATE INDEX notifications_of_entry ON notifications (changelog_entry_id, created_at, id);
CREATE INDEX notifications_of_reporter ON notifications (reporter_id, created_at, id);
CREATE INDEX notifications_of_identity ON notifications (identity_id, created_at, id);
CREATE INDEX notifications_by_message ON notifications (channel, provider_message_id, created_at, id) WHERE provider_message_id IS NOT NULL;
CREATE INDEX notifications_sent ON notifications (sent_at, created_at) WHERE sent_at IS NOT NULL;
CREATE INDEX notifications_parked ON notifications (identity_id, created_at, id) WHERE status = 'channel_restricted';
-- A person's inbox inside the product: what has arrived there.
CREATE INDEX notifications_inbox ON notifications (reporter_id, created_at, id)
    WHERE channel = 'in_app' AND status IN ('sent', 'delivered', 'read');

-- Committed before the first byte of a send leaves.
CREATE TABLE notification_attempts (
    id              uuid PRIMARY KEY,
    notification_id uuid NOT NULL REFERENCES notifications (id),
    started_at      bigint NOT NULL,
    finished_at     bigint,
    outcome         text CHECK (outcome IN ('sent', 'not_sent', 'refused', 'unknown')),
    error           text CHECK (error::json IS NOT NULL OR error IS NULL)
);
CREATE INDEX notification_attempts_of_notification ON notification_attempts (notification_id, started_at, id);

CREATE TABLE attachments (
    id           uuid PRIMARY KEY,
    ticket_id    uuid NOT NULL REFERENCES tickets (id),
    source_id    uuid NOT NULL REFERENCES ticket_sources (id),
    channel      text NOT NULL CHECK (channel IN ('slack', 'intercom', 'whatsapp', 'email', 'in_app', 'backoffice')),
    reference    bytea NOT NULL,
    name         bytea,
    content_type text,
    size_bytes   bigint CHECK (size_bytes >= 0),
    sha256       text,
    blob_key     text,
    status       text NOT NULL CHECK (status IN ('announced', 'stored', 'refused', 'failed', 'erased')),
    created_at   bigint NOT NULL
);
CREATE INDEX attachments_of_ticket ON attachments (ticket_id, created_at, id);
CREATE INDEX attachments_of_source ON attachments (source_id, created_at, id);
CREATE INDEX attachments_stored ON attachments (created_at, id) WHERE status = 'stored';

-- Vectors as little-endian f32; two models are never compared.
CREATE TABLE ticket_vectors (
    ticket_id         uuid NOT NULL REFERENCES tickets (id),
    model             text NOT NULL,
    dimensions        bigint NOT NULL,
    embedding         bytea NOT NULL CHECK (length(embedding) = 4 * dimensions),
    ticket_created_at bigint NOT NULL,
    PRIMARY KEY (ticket_id, model)
);
CREATE INDEX ticket_vectors_by_time ON ticket_vectors (model, ticket_created_at, ticket_id);

CREATE TABLE jobs (
    id          uuid PRIMARY KEY,
    queue       text NOT NULL CHECK (queue IN ('critical', 'notifications', 'default', 'low')),
    -- No list of kinds: a newer program's jobs must survive an older one.
    kind        text NOT NULL,
    payload     text NOT NULL,
    unique_key  text,
    status      text NOT NULL CHECK (status IN ('ready', 'leased', 'done', 'dead', 'discarded')),
    attempts    bigint NOT NULL CHECK (attempts >= 0),
    deaths      bigint NOT NULL CHECK (deaths >= 0),
    run_at      bigint NOT NULL,
    lease_token uuid,
    lease_until bigint,
    last_error  text,
    created_at  bigint NOT NULL,
    updated_at  bigint NOT NULL,
    CHECK ((status = 'leased') = (lease_token IS NOT NULL)),
    CHECK ((status = 'leased') = (lease_until IS NOT NULL))
);
-- Claims read this alone: a million jobs behind it cost nothing.
CREATE INDEX jobs_ready ON jobs (queue, run_at, id, kind) WHERE status = 'ready';
-- Not unique: a job that comes back from a failed run may find a newer one with its key waiting.
CREATE INDEX jobs_waiting_key ON jobs (unique_key) WHERE status = 'ready' AND unique_key IS NOT NULL;
CREATE INDEX jobs_leased ON jobs (lease_until, kind) WHERE status = 'leased';
CREATE INDEX jobs_dead ON jobs (created_at, id) WHERE status = 'dead';
CREATE INDEX jobs_done ON jobs (updated_at) WHERE status = 'done';
CREATE INDEX jobs_discarded ON jobs (updated_at) WHERE status = 'discarded';
-- What a key rotation walks: deliveries that could not be read, kept sealed in their jobs.
CREATE INDEX jobs_deliveries ON jobs (id) WHERE kind = 'unparsed';
-- A queue's rows change all the time: what is dead is cleared away early, and pages keep room for the next version.
ALTER TABLE jobs SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);

CREATE TABLE sync_cursors (
    name       text PRIMARY KEY,
    value      text NOT NULL,
    updated_at bigint NOT NULL,
    version    bigint NOT NULL
);

-- Hourly counters, kept with the change that they count. Each writer has a shard of its own, as far as there are any, so
-- that hosts do not queue behind one row; a reader adds them up.
CREATE TABLE metric_rollups (
    hour  bigint NOT NULL,
    name  text NOT NULL,
    label text NOT NULL,
    shard smallint NOT NULL,
    count bigint NOT NULL,
    PRIMARY KEY (hour, name, label, shard)
);

CREATE TABLE idempotency_keys (
    scope       text NOT NULL,
    key         text NOT NULL,
    fingerprint bytea NOT NULL CHECK (length(fingerprint) = 32),
    subject     uuid NOT NULL,
    at          bigint NOT NULL,
    PRIMARY KEY (scope, key)
);
CREATE INDEX idempotency_keys_by_time ON idempotency_keys (at);

-- Who was erased, so that a restored backup erases again. No foreign key: the backup may not know the person.
CREATE TABLE erasures (
    reporter_id uuid PRIMARY KEY,
    erased_at   bigint NOT NULL,
    asked_by    uuid
);
CREATE INDEX erasures_by_time ON erasures (erased_at, reporter_id);
