-- The whole data model. Ids are UUIDv7 as 16 bytes, times are microseconds since 1970 in UTC, JSON is text; what the
-- hub alone may read is sealed before it comes here.
--
-- Who decided is named by user id without a foreign key: a host may keep its reviewers elsewhere.

-- "fbhb": tells the file from any other program's.
PRAGMA application_id = 0x66626862;

CREATE TABLE users (
    id          BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    name        TEXT NOT NULL,
    created_at  INTEGER NOT NULL,
    disabled_at INTEGER
) STRICT;

CREATE TABLE api_tokens (
    id         BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    digest     BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
    name       TEXT NOT NULL,
    user_id    BLOB NOT NULL REFERENCES users (id),
    created_at INTEGER NOT NULL,
    revoked_at INTEGER
) STRICT;
CREATE INDEX api_tokens_of_user ON api_tokens (user_id);

CREATE TABLE sessions (
    digest     BLOB PRIMARY KEY NOT NULL CHECK (length(digest) = 32),
    user_id    BLOB NOT NULL REFERENCES users (id),
    created_at INTEGER NOT NULL,
    seen_at    INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX sessions_of_user ON sessions (user_id);

CREATE TABLE sign_in_links (
    digest     BLOB PRIMARY KEY NOT NULL CHECK (length(digest) = 32),
    user_id    BLOB NOT NULL REFERENCES users (id),
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX sign_in_links_of_user ON sign_in_links (user_id);

CREATE TABLE reporters (
    id             BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    subject_key    BLOB,
    name           BLOB,
    email          BLOB,
    email_index    BLOB CHECK (length(email_index) = 32),
    email_verified INTEGER NOT NULL CHECK (email_verified IN (0, 1)),
    phone          BLOB,
    phone_index    BLOB CHECK (length(phone_index) = 32),
    language       TEXT CHECK (language IN ('en', 'es')),
    merged_into    BLOB REFERENCES reporters (id),
    erased_at      INTEGER,
    created_at     INTEGER NOT NULL,
    version        INTEGER NOT NULL
) STRICT;
-- Never two people for one address that a provider vouches for.
CREATE UNIQUE INDEX reporters_verified_email ON reporters (email_index) WHERE email_verified = 1 AND merged_into IS NULL;
CREATE INDEX reporters_email ON reporters (email_index, created_at, id) WHERE email_index IS NOT NULL;
CREATE INDEX reporters_phone ON reporters (phone_index, created_at, id) WHERE phone_index IS NOT NULL;
CREATE INDEX reporters_merged ON reporters (merged_into) WHERE merged_into IS NOT NULL;

CREATE TABLE reporter_identities (
    id               BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    reporter_id      BLOB NOT NULL REFERENCES reporters (id),
    channel          TEXT NOT NULL CHECK (channel IN ('slack', 'intercom', 'whatsapp', 'email', 'in_app', 'backoffice')),
    connection       TEXT NOT NULL,
    lookup           BLOB NOT NULL CHECK (length(lookup) = 32),
    external_user_id BLOB NOT NULL,
    last_message_at  INTEGER,
    opted_out_at     INTEGER,
    created_at       INTEGER NOT NULL,
    version          INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX reporter_identities_lookup ON reporter_identities (channel, lookup);
CREATE INDEX reporter_identities_of_reporter ON reporter_identities (reporter_id, created_at, id);

-- A merge and its undo are rows; nothing is deleted. The source may be written later in the same commit, so no foreign key.
CREATE TABLE identity_links (
    id          BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    identity_id BLOB NOT NULL REFERENCES reporter_identities (id),
    reporter_id BLOB NOT NULL REFERENCES reporters (id),
    kind        TEXT NOT NULL CHECK (kind IN ('verified_email', 'phone', 'unverified_email', 'reviewer')),
    source_id   BLOB CHECK (length(source_id) = 16),
    at          INTEGER NOT NULL,
    undone_at   INTEGER,
    undone_by   BLOB CHECK (length(undone_by) = 16),
    CHECK ((undone_at IS NULL) = (undone_by IS NULL))
) STRICT;
CREATE INDEX identity_links_of_identity ON identity_links (identity_id, at);
CREATE INDEX identity_links_of_reporter ON identity_links (reporter_id, at);

CREATE TABLE ticket_groups (
    id                BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    title             TEXT NOT NULL,
    primary_ticket_id BLOB NOT NULL REFERENCES tickets (id),
    created_at        INTEGER NOT NULL,
    version           INTEGER NOT NULL
) STRICT;
CREATE INDEX ticket_groups_primary ON ticket_groups (primary_ticket_id);
CREATE INDEX ticket_groups_by_time ON ticket_groups (created_at, id);

CREATE TABLE tickets (
    -- The rowid, so that full-text search joins by it.
    number                INTEGER PRIMARY KEY NOT NULL,
    id                    BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    channel               TEXT NOT NULL CHECK (channel IN ('slack', 'intercom', 'whatsapp', 'email', 'in_app', 'backoffice')),
    reporter_id           BLOB NOT NULL REFERENCES reporters (id),
    title                 TEXT NOT NULL,
    description           TEXT NOT NULL,
    original              BLOB,
    placeholders          BLOB,
    language              TEXT CHECK (language IN ('en', 'es')),
    status                TEXT NOT NULL CHECK (status IN ('new', 'triaged', 'in_progress', 'resolved', 'closed', 'duplicate', 'dismissed')),
    type                  TEXT NOT NULL CHECK (type IN ('incident', 'bug', 'feature_request', 'question')),
    priority              TEXT NOT NULL CHECK (priority IN ('P0', 'P1', 'P2', 'P3', 'P4', 'P5')),
    inferred              TEXT NOT NULL CHECK (json_valid(inferred)),
    ai_suggested_type     TEXT CHECK (ai_suggested_type IN ('incident', 'bug', 'feature_request', 'question')),
    ai_suggested_priority TEXT CHECK (ai_suggested_priority IN ('P0', 'P1', 'P2', 'P3', 'P4', 'P5')),
    ai_summary            TEXT,
    ai_made_by            TEXT CHECK (json_valid(ai_made_by)),
    ai_suggested_at       INTEGER,
    enrichment_status     TEXT NOT NULL CHECK (enrichment_status IN ('pending', 'suggested', 'failed')),
    confirmed_type        TEXT CHECK (confirmed_type IN ('incident', 'bug', 'feature_request', 'question')),
    confirmed_priority    TEXT CHECK (confirmed_priority IN ('P0', 'P1', 'P2', 'P3', 'P4', 'P5')),
    confirmed_by          BLOB CHECK (length(confirmed_by) = 16),
    confirmed_at          INTEGER,
    group_id              BLOB REFERENCES ticket_groups (id),
    sprint                TEXT,
    page_id               TEXT UNIQUE,
    page                  TEXT CHECK (json_valid(page)),
    resolutions           INTEGER NOT NULL,
    resolved_at           INTEGER,
    created_at            INTEGER NOT NULL,
    updated_at            INTEGER NOT NULL,
    version               INTEGER NOT NULL,
    CHECK ((page_id IS NULL) = (page IS NULL)),
    CHECK ((ai_suggested_at IS NULL) = (ai_suggested_type IS NULL)),
    CHECK ((confirmed_at IS NULL) = (confirmed_type IS NULL))
) STRICT;
-- The keyset order of every list, behind each filter that it may begin with.
CREATE INDEX tickets_by_time ON tickets (created_at, id);
CREATE INDEX tickets_by_status ON tickets (status, created_at, id);
CREATE INDEX tickets_by_channel ON tickets (channel, created_at, id);
CREATE INDEX tickets_by_priority ON tickets (priority, created_at, id);
CREATE INDEX tickets_by_type ON tickets (type, created_at, id);
CREATE INDEX tickets_of_reporter ON tickets (reporter_id, created_at, id);
CREATE INDEX tickets_of_group ON tickets (group_id) WHERE group_id IS NOT NULL;
CREATE INDEX tickets_confirmed ON tickets (confirmed_at, created_at) WHERE confirmed_at IS NOT NULL;
CREATE INDEX tickets_resolved ON tickets (resolved_at, created_at) WHERE resolved_at IS NOT NULL;

-- Search over scrubbed text. Accents fold ("exportación" is found by "exportacion"), words are found by their beginning.
CREATE VIRTUAL TABLE ticket_search USING fts5 (
    title, description,
    content = 'tickets', content_rowid = 'number',
    tokenize = 'unicode61 remove_diacritics 2',
    prefix = '2 3'
);
CREATE TRIGGER tickets_search_insert AFTER INSERT ON tickets BEGIN
    INSERT INTO ticket_search (rowid, title, description) VALUES (new.number, new.title, new.description);
END;
CREATE TRIGGER tickets_search_update AFTER UPDATE OF title, description ON tickets
WHEN old.title IS NOT new.title OR old.description IS NOT new.description BEGIN
    INSERT INTO ticket_search (ticket_search, rowid, title, description)
    VALUES ('delete', old.number, old.title, old.description);
    INSERT INTO ticket_search (rowid, title, description) VALUES (new.number, new.title, new.description);
END;
CREATE TRIGGER tickets_search_delete AFTER DELETE ON tickets BEGIN
    INSERT INTO ticket_search (ticket_search, rowid, title, description)
    VALUES ('delete', old.number, old.title, old.description);
END;

CREATE TABLE ticket_sources (
    -- The order of recording.
    seq         INTEGER PRIMARY KEY NOT NULL,
    id          BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    ticket_id   BLOB NOT NULL REFERENCES tickets (id),
    channel     TEXT NOT NULL CHECK (channel IN ('slack', 'intercom', 'whatsapp', 'email', 'in_app', 'backoffice')),
    external_id TEXT NOT NULL,
    thread      TEXT NOT NULL CHECK (json_valid(thread)),
    thread_key  TEXT,
    author_id   BLOB NOT NULL REFERENCES reporter_identities (id),
    text        TEXT NOT NULL,
    raw         BLOB,
    redacted    TEXT,
    digest      TEXT NOT NULL,
    sent_at     INTEGER NOT NULL,
    received_at INTEGER NOT NULL
) STRICT;
-- The idempotency of the whole intake.
CREATE UNIQUE INDEX ticket_sources_external ON ticket_sources (channel, external_id);
CREATE INDEX ticket_sources_of_ticket ON ticket_sources (ticket_id, seq);
CREATE INDEX ticket_sources_of_thread ON ticket_sources (channel, thread_key, seq) WHERE thread_key IS NOT NULL;
CREATE INDEX ticket_sources_of_author ON ticket_sources (author_id, seq);

CREATE TABLE ticket_events (
    -- The order of commit, in which events are chained.
    seq       INTEGER PRIMARY KEY NOT NULL,
    id        BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    ticket_id BLOB NOT NULL REFERENCES tickets (id),
    kind      TEXT NOT NULL,
    actor     TEXT NOT NULL,
    data      TEXT NOT NULL CHECK (json_valid(data)),
    at        INTEGER NOT NULL,
    hash      BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;
CREATE INDEX ticket_events_of_ticket ON ticket_events (ticket_id, seq);
CREATE TRIGGER ticket_events_refuse_update BEFORE UPDATE ON ticket_events BEGIN
    SELECT RAISE(ABORT, 'ticket_events is append-only');
END;
CREATE TRIGGER ticket_events_refuse_delete BEFORE DELETE ON ticket_events BEGIN
    SELECT RAISE(ABORT, 'ticket_events is append-only');
END;
-- INSERT OR REPLACE deletes without firing the trigger above.
CREATE TRIGGER ticket_events_refuse_replace BEFORE INSERT ON ticket_events
WHEN EXISTS (SELECT 1 FROM ticket_events WHERE id = new.id) OR EXISTS (SELECT 1 FROM ticket_events WHERE seq = new.seq) BEGIN
    SELECT RAISE(ABORT, 'ticket_events is append-only');
END;

CREATE TABLE ticket_links (
    id          BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    ticket_id   BLOB NOT NULL REFERENCES tickets (id),
    original_id BLOB NOT NULL REFERENCES tickets (id),
    score       REAL NOT NULL,
    evidence    TEXT NOT NULL CHECK (json_valid(evidence)),
    status      TEXT NOT NULL CHECK (status IN ('suggested', 'accepted', 'dismissed')),
    decided_by  BLOB CHECK (length(decided_by) = 16),
    decided_at  INTEGER,
    created_at  INTEGER NOT NULL,
    CHECK ((decided_by IS NULL) = (decided_at IS NULL))
) STRICT;
CREATE UNIQUE INDEX ticket_links_pair ON ticket_links (min(ticket_id, original_id), max(ticket_id, original_id));
CREATE INDEX ticket_links_of_ticket ON ticket_links (ticket_id);
CREATE INDEX ticket_links_of_original ON ticket_links (original_id);

CREATE TABLE changelog_entries (
    id               BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    ticket_id        BLOB NOT NULL REFERENCES tickets (id),
    resolution       INTEGER NOT NULL,
    sealed_for       BLOB NOT NULL REFERENCES reporters (id),
    content          BLOB NOT NULL,
    drafted          BLOB NOT NULL,
    language         TEXT NOT NULL CHECK (language IN ('en', 'es')),
    status           TEXT NOT NULL CHECK (status IN ('draft', 'approved', 'rejected')),
    made_by          TEXT NOT NULL CHECK (json_valid(made_by)),
    edited_by        BLOB CHECK (length(edited_by) = 16),
    decided_by       BLOB CHECK (length(decided_by) = 16),
    decided_at       INTEGER,
    seen_version     INTEGER,
    decision_reason  TEXT,
    created_at       INTEGER NOT NULL,
    updated_at       INTEGER NOT NULL,
    version          INTEGER NOT NULL,
    CHECK ((decided_at IS NULL) = (seen_version IS NULL))
) STRICT;
CREATE UNIQUE INDEX changelog_entries_open_draft ON changelog_entries (ticket_id) WHERE status = 'draft';
CREATE UNIQUE INDEX changelog_entries_resolution ON changelog_entries (ticket_id, resolution) WHERE status <> 'rejected';
CREATE INDEX changelog_entries_by_time ON changelog_entries (created_at, id);
CREATE INDEX changelog_entries_by_status ON changelog_entries (status, created_at, id);
CREATE INDEX changelog_entries_of_ticket ON changelog_entries (ticket_id, created_at, id);
CREATE INDEX changelog_entries_of_person ON changelog_entries (sealed_for);
CREATE INDEX changelog_entries_approved ON changelog_entries (decided_at, created_at) WHERE status = 'approved';

CREATE TABLE notifications (
    id                  BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    changelog_entry_id  BLOB NOT NULL REFERENCES changelog_entries (id),
    ticket_id           BLOB NOT NULL REFERENCES tickets (id),
    reporter_id         BLOB NOT NULL REFERENCES reporters (id),
    identity_id         BLOB NOT NULL REFERENCES reporter_identities (id),
    channel             TEXT NOT NULL CHECK (channel IN ('slack', 'intercom', 'whatsapp', 'email', 'in_app', 'backoffice')),
    thread              TEXT NOT NULL CHECK (json_valid(thread)),
    mode                TEXT NOT NULL CHECK (json_valid(mode)),
    seal                BLOB NOT NULL CHECK (length(seal) = 32),
    status              TEXT NOT NULL CHECK (status IN ('pending', 'sending', 'sent', 'delivered', 'read', 'failed', 'permanently_failed', 'channel_restricted', 'ambiguous')),
    retry_count         INTEGER NOT NULL,
    last_error          TEXT CHECK (json_valid(last_error)),
    sent_as             TEXT,
    provider_message_id TEXT,
    idempotency_key     TEXT NOT NULL UNIQUE,
    sent_at             INTEGER,
    delivered_at        INTEGER,
    read_at             INTEGER,
    created_at          INTEGER NOT NULL,
    updated_at          INTEGER NOT NULL,
    version             INTEGER NOT NULL
) STRICT;
CREATE INDEX notifications_by_time ON notifications (created_at, id);
CREATE INDEX notifications_by_status ON notifications (status, created_at, id);
CREATE INDEX notifications_by_channel ON notifications (channel, created_at, id);
CREATE INDEX notifications_of_ticket ON notifications (ticket_id, created_at, id);
CREATE INDEX notifications_of_entry ON notifications (changelog_entry_id, created_at, id);
CREATE INDEX notifications_of_reporter ON notifications (reporter_id, created_at, id);
CREATE INDEX notifications_of_identity ON notifications (identity_id);
CREATE INDEX notifications_by_message ON notifications (channel, provider_message_id, created_at, id) WHERE provider_message_id IS NOT NULL;
CREATE INDEX notifications_sent ON notifications (sent_at, created_at) WHERE sent_at IS NOT NULL;

-- Committed before the first byte of a send leaves.
CREATE TABLE notification_attempts (
    id              BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    notification_id BLOB NOT NULL REFERENCES notifications (id),
    started_at      INTEGER NOT NULL,
    finished_at     INTEGER,
    outcome         TEXT CHECK (outcome IN ('sent', 'not_sent', 'refused', 'unknown')),
    error           TEXT CHECK (json_valid(error))
) STRICT;
CREATE INDEX notification_attempts_of_notification ON notification_attempts (notification_id, started_at, id);

CREATE TABLE attachments (
    id           BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    ticket_id    BLOB NOT NULL REFERENCES tickets (id),
    source_id    BLOB NOT NULL REFERENCES ticket_sources (id),
    channel      TEXT NOT NULL CHECK (channel IN ('slack', 'intercom', 'whatsapp', 'email', 'in_app', 'backoffice')),
    reference    BLOB NOT NULL,
    name         BLOB,
    content_type TEXT,
    size_bytes   INTEGER CHECK (size_bytes >= 0),
    sha256       TEXT,
    blob_key     TEXT,
    status       TEXT NOT NULL CHECK (status IN ('announced', 'stored', 'refused', 'failed')),
    created_at   INTEGER NOT NULL
) STRICT;
CREATE INDEX attachments_of_ticket ON attachments (ticket_id, created_at, id);
CREATE INDEX attachments_of_source ON attachments (source_id);

-- Vectors as little-endian f32; two models are never compared.
CREATE TABLE ticket_vectors (
    ticket_id         BLOB NOT NULL REFERENCES tickets (id),
    model             TEXT NOT NULL,
    dimensions        INTEGER NOT NULL,
    embedding         BLOB NOT NULL CHECK (length(embedding) = 4 * dimensions),
    ticket_created_at INTEGER NOT NULL,
    PRIMARY KEY (ticket_id, model)
) STRICT;
CREATE INDEX ticket_vectors_by_time ON ticket_vectors (model, ticket_created_at, ticket_id);

CREATE TABLE jobs (
    id          BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    queue       TEXT NOT NULL CHECK (queue IN ('critical', 'notifications', 'default', 'low')),
    -- No list of kinds: a newer program's jobs must survive an older one.
    kind        TEXT NOT NULL,
    payload     TEXT NOT NULL,
    unique_key  TEXT,
    status      TEXT NOT NULL CHECK (status IN ('ready', 'leased', 'done', 'dead', 'discarded')),
    attempts    INTEGER NOT NULL CHECK (attempts >= 0),
    deaths      INTEGER NOT NULL CHECK (deaths >= 0),
    run_at      INTEGER NOT NULL,
    lease_token BLOB CHECK (length(lease_token) = 16),
    lease_until INTEGER,
    last_error  TEXT,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    CHECK ((status = 'leased') = (lease_token IS NOT NULL)),
    CHECK ((status = 'leased') = (lease_until IS NOT NULL))
) STRICT;
-- Claims read this alone: a million jobs behind it cost nothing.
CREATE INDEX jobs_ready ON jobs (queue, run_at, id, kind) WHERE status = 'ready';
-- Not unique: a job that comes back from a failed run may find a newer one with its key waiting.
CREATE INDEX jobs_waiting_key ON jobs (unique_key) WHERE status = 'ready' AND unique_key IS NOT NULL;
CREATE INDEX jobs_leased ON jobs (lease_until, kind) WHERE status = 'leased';
CREATE INDEX jobs_dead ON jobs (created_at, id) WHERE status = 'dead';
CREATE INDEX jobs_done ON jobs (updated_at) WHERE status = 'done';

CREATE TABLE sync_cursors (
    name       TEXT PRIMARY KEY NOT NULL,
    value      TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    version    INTEGER NOT NULL
) STRICT;

-- Periodic work of hosts that share a store: who runs it, until when, and when it is due again.
CREATE TABLE schedules (
    name        TEXT PRIMARY KEY NOT NULL,
    lease_token BLOB CHECK (length(lease_token) = 16),
    lease_until INTEGER,
    next_run_at INTEGER NOT NULL,
    last_run_at INTEGER
) STRICT;
CREATE INDEX schedules_due ON schedules (next_run_at);

-- Hourly counters, kept with the change that they count.
CREATE TABLE metric_rollups (
    hour  INTEGER NOT NULL,
    name  TEXT NOT NULL,
    label TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (hour, name, label)
) STRICT, WITHOUT ROWID;

CREATE TABLE idempotency_keys (
    scope       TEXT NOT NULL,
    key         TEXT NOT NULL,
    fingerprint BLOB NOT NULL CHECK (length(fingerprint) = 32),
    subject     BLOB NOT NULL CHECK (length(subject) = 16),
    at          INTEGER NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_keys_by_time ON idempotency_keys (at);

-- Who was erased, so that a restored backup erases again. No foreign key: the backup may not know the person.
CREATE TABLE erasures (
    reporter_id BLOB PRIMARY KEY NOT NULL CHECK (length(reporter_id) = 16),
    erased_at   INTEGER NOT NULL,
    asked_by    BLOB CHECK (length(asked_by) = 16)
) STRICT;
