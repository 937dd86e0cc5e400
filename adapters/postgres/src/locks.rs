//! What a change takes hold of, before its first statement.
//!
//! Every row that a change updates and every key that it claims has a number; a transaction takes the locks of all its
//! numbers at once, in rising order, and only then begins. So no two transactions of any hosts ever wait for each other in
//! a ring, an event is chained to the last one of its ticket, and whoever waited sees what the other committed. The
//! numbers are hashes: two keys that share one wait for each other in vain, and nothing else.

use std::collections::BTreeSet;

use feedback_core::domain::{Change, Write};
use uuid::Uuid;

/// Shared by all commits, and taken alone by an erasure: it touches rows that nobody can name beforehand.
pub(crate) const EVERYTHING: i64 = 0x6662_6862_0000_0001;

/// The locks of a change.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Locks {
    /// Numbers to be locked, in rising order.
    pub(crate) keys: BTreeSet<i64>,
    /// Nobody may commit meanwhile.
    pub(crate) alone: bool,
}

impl Locks {
    /// What a change takes hold of.
    pub(crate) fn of(change: &Change) -> Self {
        let mut locks = Self::default();
        for write in change.writes() {
            locks.add(write);
        }
        locks
    }

    fn row(&mut self, table: &str, id: &Uuid) {
        self.key(table, &[id.as_bytes()]);
    }

    fn key(&mut self, table: &str, parts: &[&[u8]]) {
        self.keys.insert(number(table, parts));
    }

    fn add(&mut self, write: &Write) {
        match write {
            Write::InsertReporter(reporter) | Write::UpdateReporter(reporter) => {
                self.row("reporter", reporter.id.as_uuid());
                if let Some(index) = reporter.email_index.filter(|_| reporter.email_verified) {
                    self.key("email", &[index.as_bytes()]);
                }
            }
            Write::InsertIdentity(identity) | Write::UpdateIdentity(identity) => {
                self.row("identity", identity.id.as_uuid());
                self.key(
                    "lookup",
                    &[identity.channel.as_str().as_bytes(), identity.lookup.as_bytes()],
                );
            }
            Write::TouchIdentity(id, _) => self.row("identity", id.as_uuid()),
            Write::InsertIdentityLink(link) | Write::UpdateIdentityLink(link) => {
                self.row("identity link", link.id.as_uuid());
            }
            Write::InsertTicket(ticket) => self.row("ticket", ticket.id.as_uuid()),
            Write::UpdateTicket(ticket) => {
                self.row("ticket", ticket.id.as_uuid());
                if let Some(page) = &ticket.page {
                    self.key("page", &[page.id.as_bytes()]);
                }
            }
            Write::InsertSource(source) => {
                let message = [
                    source.channel.as_str().as_bytes(),
                    source.external_id.as_str().as_bytes(),
                ];
                self.key("message", &message);
            }
            Write::AnchorSource(id, _) => self.row("source", id.as_uuid()),
            Write::AppendEvent(event) => self.row("ticket", event.ticket.as_uuid()),
            Write::InsertChangelogEntry(entry) | Write::UpdateChangelogEntry(entry) => {
                self.row("changelog entry", entry.id.as_uuid());
                self.row("ticket", entry.ticket.as_uuid());
            }
            Write::InsertNotification(notification) | Write::UpdateNotification(notification) => {
                self.row("notification", notification.id.as_uuid());
                self.key("delivery", &[notification.idempotency_key.as_str().as_bytes()]);
            }
            Write::InsertAttempt(attempt) | Write::UpdateAttempt(attempt) => {
                self.row("notification", attempt.notification.as_uuid());
            }
            Write::SuggestLink(link) => {
                let (one, other) = (link.ticket.min(link.original), link.ticket.max(link.original));
                self.key("pair", &[one.as_uuid().as_bytes(), other.as_uuid().as_bytes()]);
            }
            Write::UpdateLink { link, .. } => {
                self.row("link", link.id.as_uuid());
                let (one, other) = (link.ticket.min(link.original), link.ticket.max(link.original));
                self.key("pair", &[one.as_uuid().as_bytes(), other.as_uuid().as_bytes()]);
            }
            Write::InsertGroup(group) | Write::UpdateGroup(group) => self.row("group", group.id.as_uuid()),
            Write::InsertAttachment(file) | Write::UpdateAttachment(file) => self.row("attachment", file.id.as_uuid()),
            Write::EraseReporter(_) => self.alone = true,
            Write::PutVector(vector) => {
                self.key("vector", &[vector.ticket.as_uuid().as_bytes(), vector.model.as_bytes()]);
            }
            Write::PutCursor(cursor) => self.key("cursor", &[cursor.name.as_bytes()]),
            Write::Enqueue(job) => {
                self.row("job", job.id.as_uuid());
                if let Some(key) = &job.unique_key {
                    self.key("waiting", &[key.as_bytes()]);
                }
            }
            Write::BuryJob { lease, .. } => self.row("job", lease.job.as_uuid()),
            Write::RememberCall(call) => self.key("call", &[call.scope.as_bytes(), call.key.as_bytes()]),
            Write::InsertUser(user) | Write::UpdateUser(user) => self.row("user", user.id.as_uuid()),
            Write::InsertApiToken(token) => self.key("token", &[token.digest.as_bytes()]),
            Write::RevokeApiToken(id, _) => self.row("token id", id.as_uuid()),
            Write::InsertSignInLink(link) => self.key("sign-in link", &[link.digest.as_bytes()]),
            Write::ConsumeSignInLink(digest) => self.key("sign-in link", &[digest.as_bytes()]),
            Write::PutSession(session) => self.key("session", &[session.digest.as_bytes()]),
            Write::TouchSession(digest, _) | Write::DeleteSession(digest) => {
                self.key("session", &[digest.as_bytes()]);
            }
        }
    }

    /// With those of another change.
    pub(crate) fn and(&mut self, other: &Self) {
        self.keys.extend(&other.keys);
        self.alone |= other.alone;
    }

    /// Statements that begin a transaction and take the locks, in one text: numbers only, so that one round trip is
    /// enough.
    pub(crate) fn begin(&self) -> String {
        let everything = if self.alone {
            "pg_advisory_xact_lock"
        } else {
            "pg_advisory_xact_lock_shared"
        };
        let mut sql = format!("BEGIN; SELECT {everything}({EVERYTHING})");
        if !self.keys.is_empty() {
            let keys: Vec<String> = self.keys.iter().map(i64::to_string).collect();
            sql.push_str(&format!(
                "; SELECT pg_advisory_xact_lock(k) FROM unnest('{{{}}}'::bigint[]) AS k",
                keys.join(",")
            ));
        }
        sql
    }
}

/// FNV-1a, so that all hosts of all versions come to the same number.
fn number(table: &str, parts: &[&[u8]]) -> i64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let mut eat = |byte: u8| {
        hash ^= u64::from(byte);
        hash = hash.wrapping_mul(0x0100_0000_01b3);
    };
    for part in [table.as_bytes()].iter().chain(parts) {
        part.iter().copied().for_each(&mut eat);
        // Between two parts, so that they cannot trade letters.
        eat(0xff);
    }
    hash.cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_host_comes_to_the_same_numbers() {
        assert_eq!(number("ticket", &[&[0; 16]]), number("ticket", &[&[0; 16]]));
        assert_ne!(number("ticket", &[&[0; 16]]), number("reporter", &[&[0; 16]]));
        assert_ne!(number("x", &[b"ab", b"c"]), number("x", &[b"a", b"bc"]));
        // Written down: another number would let an old and a new version run past each other.
        assert_eq!(number("cursor", &[b"tracker"]), WRITTEN_DOWN);
    }

    const WRITTEN_DOWN: i64 = -6_117_461_547_535_562_103;

    #[test]
    fn locks_are_taken_in_rising_order_and_at_once() {
        let mut locks = Locks::default();
        locks.keys.extend([3, -7, 3, 5]);
        assert_eq!(
            locks.begin(),
            format!(
                "BEGIN; SELECT pg_advisory_xact_lock_shared({EVERYTHING}); \
                 SELECT pg_advisory_xact_lock(k) FROM unnest('{{-7,3,5}}'::bigint[]) AS k"
            )
        );
        locks.alone = true;
        assert!(
            locks
                .begin()
                .starts_with(&format!("BEGIN; SELECT pg_advisory_xact_lock({EVERYTHING})"))
        );
    }
}
