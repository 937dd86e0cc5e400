-- What groups, merges, the inbox, erasure, retention and key rotation ask for by index, and what they may write.

-- A CHECK cannot be changed in place. Nothing refers to attachments, so the table may be rebuilt with references on.
CREATE TABLE attachments_rebuilt (
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
    status       TEXT NOT NULL CHECK (status IN ('announced', 'stored', 'refused', 'failed', 'erased')),
    created_at   INTEGER NOT NULL
) STRICT;
INSERT INTO attachments_rebuilt (id, ticket_id, source_id, channel, reference, name, content_type, size_bytes, sha256,
    blob_key, status, created_at)
SELECT id, ticket_id, source_id, channel, reference, name, content_type, size_bytes, sha256, blob_key, status, created_at
FROM attachments;
DROP TABLE attachments;
ALTER TABLE attachments_rebuilt RENAME TO attachments;
CREATE INDEX attachments_of_ticket ON attachments (ticket_id, created_at, id);
CREATE INDEX attachments_of_source ON attachments (source_id, created_at, id);
CREATE INDEX attachments_stored ON attachments (created_at, id) WHERE status = 'stored';

-- Members of a group and merged reporters are read oldest first.
DROP INDEX tickets_of_group;
CREATE INDEX tickets_of_group ON tickets (group_id, created_at, id) WHERE group_id IS NOT NULL;
DROP INDEX reporters_merged;
CREATE INDEX reporters_merged ON reporters (merged_into, created_at, id) WHERE merged_into IS NOT NULL;

CREATE INDEX notifications_parked ON notifications (identity_id, created_at, id) WHERE status = 'channel_restricted';
-- One person's inbox; a page of it reads no delivery on another channel.
CREATE INDEX notifications_inbox ON notifications (reporter_id, created_at, id)
    WHERE channel = 'in_app' AND status IN ('sent', 'delivered', 'read');

-- What retention removes. Each holds only rows that are still to be removed some day, so that a run costs what it finds.
CREATE INDEX ticket_sources_raw ON ticket_sources (received_at, seq) WHERE raw IS NOT NULL OR redacted IS NOT NULL;
CREATE INDEX tickets_over ON tickets (updated_at, number)
    WHERE status IN ('closed', 'dismissed', 'duplicate') AND (title <> '[erased]' OR description <> '[erased]'
        OR original IS NOT NULL OR placeholders IS NOT NULL OR ai_summary <> '[erased]');
CREATE INDEX sessions_by_end ON sessions (expires_at);
CREATE INDEX sign_in_links_by_end ON sign_in_links (expires_at);
CREATE INDEX jobs_discarded ON jobs (updated_at) WHERE status = 'discarded';

-- Bodies that the hub's own key ring seals.
CREATE INDEX jobs_deliveries ON jobs (id) WHERE kind = 'unparsed';

CREATE INDEX erasures_by_time ON erasures (erased_at, reporter_id);

-- A deleted word is taken out of the index at once, instead of being marked as deleted until segments are merged.
INSERT INTO ticket_search (ticket_search, rank) VALUES ('secure-delete', 1);
-- And what was marked so far goes now.
INSERT INTO ticket_search (ticket_search) VALUES ('optimize');

-- Counters of the events that are there. SQLite's % has the sign of the left side; an hour's first moment lies before it
-- also before 1970.
INSERT INTO metric_rollups (hour, name, label, count)
SELECT e.at - ((e.at % 3600000000) + 3600000000) % 3600000000 AS hour, e.kind, t.channel, count(*)
FROM ticket_events e JOIN tickets t ON t.id = e.ticket_id
GROUP BY hour, e.kind, t.channel;
