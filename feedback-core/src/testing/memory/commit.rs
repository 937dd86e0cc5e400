//! One write at a time onto a copy of the state; the copy replaces the state when all of them fit.

use std::collections::btree_map::Entry;

use super::{State, StoredJob};
use crate::{
    domain::{
        ApiToken, Attachment, AttachmentStatus, ChangelogEntry, ChangelogStatus, CommitReceipt, Identity, Job,
        JobStatus, LinkStatus, NewJob, NewTicket, Notification, NotificationAttempt, Reporter, ReporterId, Session,
        SyncCursor, Ticket, TicketEvent, TicketGroup, TicketId, TicketLink, TicketNumber, TicketSource, TicketVector,
        Write, error_text,
    },
    ports::PortErrorKind,
};

/// Why a write does not fit.
pub(super) struct Misfit {
    pub(super) kind: PortErrorKind,
    pub(super) code: &'static str,
    pub(super) what: &'static str,
}

fn taken(what: &'static str) -> Misfit {
    Misfit {
        kind: PortErrorKind::Conflict,
        code: "taken",
        what,
    }
}

fn stale(what: &'static str) -> Misfit {
    Misfit {
        kind: PortErrorKind::Conflict,
        code: "stale_version",
        what,
    }
}

fn missing(what: &'static str) -> Misfit {
    Misfit {
        kind: PortErrorKind::NotFound,
        code: "missing",
        what,
    }
}

fn require(condition: bool, misfit: Misfit) -> Result<(), Misfit> {
    if condition { Ok(()) } else { Err(misfit) }
}

impl State {
    pub(super) fn apply(&mut self, write: Write, receipt: &mut CommitReceipt) -> Result<(), Misfit> {
        match write {
            Write::InsertReporter(reporter) => self.insert_reporter(reporter),
            Write::UpdateReporter(reporter) => self.update_reporter(reporter),
            Write::InsertIdentity(identity) => self.insert_identity(identity),
            Write::UpdateIdentity(identity) => self.update_identity(identity),
            Write::TouchIdentity(id, at) => {
                let identity = self.identities.get_mut(&id).ok_or(missing("identity"))?;
                identity.last_message_at = identity.last_message_at.max(Some(at));
                Ok(())
            }
            Write::InsertIdentityLink(link) => {
                require(!self.identity_links.contains_key(&link.id), taken("identity link"))?;
                require(self.identities.contains_key(&link.identity), missing("identity"))?;
                require(self.reporters.contains_key(&link.reporter), missing("reporter"))?;
                insert(self.identity_links.entry(link.id), link, "identity link")
            }
            Write::UpdateIdentityLink(link) => {
                let stored = self.identity_links.get_mut(&link.id).ok_or(missing("identity link"))?;
                stored.undone = link.undone;
                Ok(())
            }
            Write::InsertTicket(ticket) => self.insert_ticket(*ticket, receipt),
            Write::UpdateTicket(ticket) => self.update_ticket(*ticket),
            Write::InsertSource(source) => self.insert_source(*source),
            Write::AnchorSource(id, thread) => {
                let source = self.sources.iter_mut().find(|source| source.id == id);
                let source = source.ok_or(missing("ticket source"))?;
                if source.thread_key.is_none() {
                    source.thread_key = thread.key();
                    source.thread = thread;
                }
                Ok(())
            }
            Write::AppendEvent(event) => self.append_event(event),
            Write::InsertChangelogEntry(entry) => self.insert_entry(*entry),
            Write::UpdateChangelogEntry(entry) => self.update_entry(*entry),
            Write::InsertNotification(notification) => self.insert_notification(*notification),
            Write::UpdateNotification(notification) => self.update_notification(*notification),
            Write::InsertAttempt(attempt) => {
                require(!self.attempts.contains_key(&attempt.id), taken("attempt"))?;
                require(
                    self.notifications.contains_key(&attempt.notification),
                    missing("notification"),
                )?;
                insert(self.attempts.entry(attempt.id), attempt, "attempt")
            }
            Write::UpdateAttempt(attempt) => self.update_attempt(attempt),
            Write::SuggestLink(link) => self.suggest_link(link),
            Write::UpdateLink { link, expected } => self.update_link(*link, expected),
            Write::InsertGroup(group) => {
                require(!self.groups.contains_key(&group.id), taken("group"))?;
                require(self.tickets.contains_key(&group.primary), missing("ticket"))?;
                insert(self.groups.entry(group.id), group, "group")
            }
            Write::UpdateGroup(group) => self.update_group(group),
            Write::UpdateAttachment(attachment) => self.update_attachment(*attachment),
            Write::EraseReporter(erasure) => {
                self.erase(erasure);
                Ok(())
            }
            Write::InsertAttachment(attachment) => {
                require(!self.attachments.contains_key(&attachment.id), taken("attachment"))?;
                require(self.tickets.contains_key(&attachment.ticket), missing("ticket"))?;
                require(self.source_by_id(attachment.source).is_some(), missing("ticket source"))?;
                insert(self.attachments.entry(attachment.id), *attachment, "attachment")
            }
            Write::PutVector(vector) => self.put_vector(vector),
            Write::PutCursor(cursor) => self.put_cursor(cursor),
            Write::Enqueue(job) => self.enqueue(job),
            Write::BuryJob { lease, error, at } => {
                let held = |stored: &&mut StoredJob| {
                    stored.job.status == JobStatus::Leased && stored.lease.is_some_and(|held| held.token == lease.token)
                };
                let stored = self.jobs.get_mut(&lease.job).filter(held).ok_or(stale("lease"))?;
                stored.lease = None;
                stored.job.status = JobStatus::Dead;
                stored.job.updated_at = at;
                stored.job.last_error = Some(error_text(&error));
                Ok(())
            }
            Write::RememberCall(call) => insert(
                self.calls.entry((call.scope.clone(), call.key.clone())),
                call,
                "idempotency key",
            ),
            Write::InsertUser(user) => insert(self.users.entry(user.id), user, "user"),
            Write::UpdateUser(user) => {
                let stored = self.users.get_mut(&user.id).ok_or(missing("user"))?;
                stored.name = user.name;
                stored.disabled_at = user.disabled_at;
                Ok(())
            }
            Write::InsertApiToken(token) => self.insert_api_token(token),
            Write::RevokeApiToken(id, at) => {
                let token = self.api_tokens.get_mut(&id).ok_or(missing("API token"))?;
                token.revoked_at = token.revoked_at.or(Some(at));
                Ok(())
            }
            Write::InsertSignInLink(link) => {
                require(!self.sign_in_links.contains_key(&link.digest), taken("sign-in link"))?;
                require(self.users.contains_key(&link.user), missing("user"))?;
                self.sign_in_links.insert(link.digest, link);
                Ok(())
            }
            Write::ConsumeSignInLink(digest) => self
                .sign_in_links
                .remove(&digest)
                .map(|_| ())
                .ok_or(taken("sign-in link")),
            Write::PutSession(session) => self.put_session(session),
            Write::TouchSession(digest, at) => {
                if let Some(session) = self.sessions.get_mut(&digest) {
                    session.seen_at = session.seen_at.max(at);
                }
                Ok(())
            }
            Write::DeleteSession(digest) => {
                self.sessions.remove(&digest);
                Ok(())
            }
        }
    }

    fn verified_email_is_free(&self, reporter: &Reporter) -> Result<(), Misfit> {
        let claims = |other: &Reporter| other.email_verified && other.merged_into.is_none();
        let clash = claims(reporter)
            && reporter.email_index.is_some()
            && self
                .reporters
                .values()
                .any(|other| other.id != reporter.id && claims(other) && other.email_index == reporter.email_index);
        require(!clash, taken("verified email"))
    }

    fn insert_reporter(&mut self, reporter: Reporter) -> Result<(), Misfit> {
        require(!self.reporters.contains_key(&reporter.id), taken("reporter"))?;
        self.verified_email_is_free(&reporter)?;
        self.merge_target_exists(&reporter)?;
        insert(self.reporters.entry(reporter.id), reporter, "reporter")
    }

    fn update_reporter(&mut self, reporter: Reporter) -> Result<(), Misfit> {
        let stored = self.reporters.get(&reporter.id).ok_or(missing("reporter"))?;
        require(stored.version == reporter.version, stale("reporter"))?;
        self.verified_email_is_free(&reporter)?;
        self.merge_target_exists(&reporter)?;
        let kept = (stored.created_at, stored.version + 1);
        self.reporters.insert(
            reporter.id,
            Reporter {
                created_at: kept.0,
                version: kept.1,
                ..reporter
            },
        );
        Ok(())
    }

    fn merge_target_exists(&self, reporter: &Reporter) -> Result<(), Misfit> {
        let exists = reporter
            .merged_into
            .is_none_or(|target| self.reporters.contains_key(&target));
        require(exists, missing("reporter"))
    }

    fn insert_identity(&mut self, identity: Identity) -> Result<(), Misfit> {
        let known = self.identities.contains_key(&identity.id);
        require(
            !known && self.identity_by_lookup(identity.channel, identity.lookup).is_none(),
            taken("identity"),
        )?;
        require(self.reporters.contains_key(&identity.reporter), missing("reporter"))?;
        insert(self.identities.entry(identity.id), identity, "identity")
    }

    fn update_identity(&mut self, identity: Identity) -> Result<(), Misfit> {
        let stored = self.identities.get(&identity.id).ok_or(missing("identity"))?;
        require(stored.version == identity.version, stale("identity"))?;
        let owner = self.identity_by_lookup(identity.channel, identity.lookup);
        require(owner.is_none_or(|owner| owner.id == identity.id), taken("identity"))?;
        require(self.reporters.contains_key(&identity.reporter), missing("reporter"))?;
        let updated = Identity {
            created_at: stored.created_at,
            version: stored.version + 1,
            // A touch raises no version, so that this update may not know of it.
            last_message_at: stored.last_message_at.max(identity.last_message_at),
            ..identity
        };
        self.identities.insert(updated.id, updated);
        Ok(())
    }

    fn insert_ticket(&mut self, ticket: NewTicket, receipt: &mut CommitReceipt) -> Result<(), Misfit> {
        require(!self.tickets.contains_key(&ticket.id), taken("ticket"))?;
        self.is_not_erased(ticket.reporter)?;
        let newest = self.tickets.values().map(|ticket| ticket.number).max();
        let number = newest.map_or(TicketNumber::FIRST, |number| TicketNumber::new(number.value() + 1));
        receipt.ticket_numbers.push((ticket.id, number));
        insert(self.tickets.entry(ticket.id), ticket.numbered(number), "ticket")
    }

    fn update_ticket(&mut self, ticket: Ticket) -> Result<(), Misfit> {
        let stored = self.tickets.get(&ticket.id).ok_or(missing("ticket"))?;
        require(stored.version == ticket.version, stale("ticket"))?;
        let page = ticket.page.as_ref().map(|page| &page.id);
        let clash = page.is_some()
            && self
                .tickets
                .values()
                .any(|other| other.id != ticket.id && other.page.as_ref().map(|page| &page.id) == page);
        require(!clash, taken("tracker page"))?;
        require(self.reporters.contains_key(&ticket.reporter), missing("reporter"))?;
        let known_group = ticket.group.is_none_or(|group| self.groups.contains_key(&group));
        require(known_group, missing("group"))?;
        let kept = (stored.number, stored.created_at, stored.version + 1);
        self.tickets.insert(
            ticket.id,
            Ticket {
                number: kept.0,
                created_at: kept.1,
                version: kept.2,
                ..ticket
            },
        );
        Ok(())
    }

    fn insert_source(&mut self, source: TicketSource) -> Result<(), Misfit> {
        let known = self.sources.iter().any(|other| {
            other.id == source.id || (other.channel == source.channel && other.external_id == source.external_id)
        });
        let author = self.identities.get(&source.author);
        if let Some(author) = author {
            self.is_not_erased(author.reporter)?;
        }
        require(!known, taken("ticket source"))?;
        require(self.tickets.contains_key(&source.ticket), missing("ticket"))?;
        require(author.is_some(), missing("identity"))?;
        self.sources.push(source);
        Ok(())
    }

    fn append_event(&mut self, event: TicketEvent) -> Result<(), Misfit> {
        let known = self.events.values().flatten().any(|(other, _)| other.id == event.id);
        require(!known, taken("event"))?;
        require(self.tickets.contains_key(&event.ticket), missing("ticket"))?;
        let timeline = self.events.entry(event.ticket).or_default();
        let hash = event.chained(timeline.last().map(|(_, hash)| *hash));
        timeline.push((event, hash));
        Ok(())
    }

    fn entry_fits(&self, entry: &ChangelogEntry) -> Result<(), Misfit> {
        let clash = self
            .entries
            .values()
            .filter(|other| other.id != entry.id && other.ticket == entry.ticket)
            .any(|other| {
                let two_drafts = entry.status == ChangelogStatus::Draft && other.status == ChangelogStatus::Draft;
                let live = |status| status != ChangelogStatus::Rejected;
                two_drafts || (live(entry.status) && live(other.status) && other.resolution == entry.resolution)
            });
        require(!clash, taken("changelog entry"))?;
        require(self.tickets.contains_key(&entry.ticket), missing("ticket"))?;
        require(self.reporters.contains_key(&entry.sealed_for), missing("reporter"))
    }

    fn insert_entry(&mut self, entry: ChangelogEntry) -> Result<(), Misfit> {
        require(!self.entries.contains_key(&entry.id), taken("changelog entry"))?;
        self.entry_fits(&entry)?;
        insert(self.entries.entry(entry.id), entry, "changelog entry")
    }

    fn update_entry(&mut self, entry: ChangelogEntry) -> Result<(), Misfit> {
        let stored = self.entries.get(&entry.id).ok_or(missing("changelog entry"))?;
        require(stored.version == entry.version, stale("changelog entry"))?;
        self.entry_fits(&entry)?;
        let kept = (stored.created_at, stored.version + 1);
        self.entries.insert(
            entry.id,
            ChangelogEntry {
                created_at: kept.0,
                version: kept.1,
                ..entry
            },
        );
        Ok(())
    }

    fn notification_fits(&self, notification: &Notification) -> Result<(), Misfit> {
        let clash = self
            .notifications
            .values()
            .any(|other| other.id != notification.id && other.idempotency_key == notification.idempotency_key);
        require(!clash, taken("notification"))?;
        require(
            self.entries.contains_key(&notification.changelog_entry),
            missing("changelog entry"),
        )?;
        require(self.tickets.contains_key(&notification.ticket), missing("ticket"))?;
        require(self.reporters.contains_key(&notification.reporter), missing("reporter"))?;
        require(
            self.identities.contains_key(&notification.identity),
            missing("identity"),
        )
    }

    fn insert_notification(&mut self, notification: Notification) -> Result<(), Misfit> {
        if self.reporters.contains_key(&notification.reporter) {
            self.is_not_erased(notification.reporter)?;
        }
        require(
            !self.notifications.contains_key(&notification.id),
            taken("notification"),
        )?;
        self.notification_fits(&notification)?;
        insert(self.notifications.entry(notification.id), notification, "notification")
    }

    fn update_notification(&mut self, notification: Notification) -> Result<(), Misfit> {
        let stored = self
            .notifications
            .get(&notification.id)
            .ok_or(missing("notification"))?;
        require(stored.version == notification.version, stale("notification"))?;
        self.notification_fits(&notification)?;
        let kept = (stored.created_at, stored.version + 1);
        self.notifications.insert(
            notification.id,
            Notification {
                created_at: kept.0,
                version: kept.1,
                ..notification
            },
        );
        Ok(())
    }

    fn update_attempt(&mut self, attempt: NotificationAttempt) -> Result<(), Misfit> {
        let stored = self.attempts.get_mut(&attempt.id).ok_or(missing("attempt"))?;
        stored.finished_at = attempt.finished_at;
        stored.outcome = attempt.outcome;
        stored.error = attempt.error;
        Ok(())
    }

    fn suggest_link(&mut self, link: TicketLink) -> Result<(), Misfit> {
        let pair = |link: &TicketLink| -> (TicketId, TicketId) {
            (link.ticket.min(link.original), link.ticket.max(link.original))
        };
        if self.links.values().any(|other| pair(other) == pair(&link)) {
            return Ok(());
        }
        require(!self.links.contains_key(&link.id), taken("ticket link"))?;
        require(self.tickets.contains_key(&link.ticket), missing("ticket"))?;
        require(self.tickets.contains_key(&link.original), missing("ticket"))?;
        insert(self.links.entry(link.id), link, "ticket link")
    }

    fn update_link(&mut self, link: TicketLink, expected: LinkStatus) -> Result<(), Misfit> {
        let stored = self.links.get_mut(&link.id).ok_or(missing("ticket link"))?;
        require(stored.status == expected, stale("ticket link"))?;
        stored.ticket = link.ticket;
        stored.original = link.original;
        stored.status = link.status;
        stored.decided = link.decided;
        Ok(())
    }

    fn update_group(&mut self, group: TicketGroup) -> Result<(), Misfit> {
        let stored = self.groups.get(&group.id).ok_or(missing("group"))?;
        require(stored.version == group.version, stale("group"))?;
        require(self.tickets.contains_key(&group.primary), missing("ticket"))?;
        let kept = (stored.created_at, stored.version + 1);
        self.groups.insert(
            group.id,
            TicketGroup {
                created_at: kept.0,
                version: kept.1,
                ..group
            },
        );
        Ok(())
    }

    fn update_attachment(&mut self, file: Attachment) -> Result<(), Misfit> {
        let stored = self.attachments.get_mut(&file.id).ok_or(missing("attachment"))?;
        let revived = stored.status == AttachmentStatus::Erased && file.status != AttachmentStatus::Erased;
        require(!revived, stale("attachment"))?;
        *stored = Attachment {
            ticket: stored.ticket,
            source: stored.source,
            channel: stored.channel,
            created_at: stored.created_at,
            ..file
        };
        Ok(())
    }

    fn is_not_erased(&self, reporter: ReporterId) -> Result<(), Misfit> {
        let reporter = self.reporters.get(&reporter).ok_or(missing("reporter"))?;
        require(reporter.erased_at.is_none(), stale("reporter"))
    }

    fn put_vector(&mut self, vector: TicketVector) -> Result<(), Misfit> {
        require(self.tickets.contains_key(&vector.ticket), missing("ticket"))?;
        self.vectors
            .retain(|other| other.ticket != vector.ticket || other.model != vector.model);
        self.vectors.push(vector);
        Ok(())
    }

    fn put_cursor(&mut self, cursor: SyncCursor) -> Result<(), Misfit> {
        match self.cursors.get(&cursor.name) {
            None => require(cursor.version == 0, missing("cursor"))?,
            Some(stored) => require(stored.version == cursor.version, stale("cursor"))?,
        }
        let version = cursor.version + 1;
        self.cursors
            .insert(cursor.name.clone(), SyncCursor { version, ..cursor });
        Ok(())
    }

    fn enqueue(&mut self, job: NewJob) -> Result<(), Misfit> {
        let waiting =
            |stored: &StoredJob| stored.job.status == JobStatus::Ready && stored.job.unique_key == job.unique_key;
        if job.dead.is_none() && job.unique_key.is_some() && self.jobs.values().any(waiting) {
            return Ok(());
        }
        // A payload of ours is plain data with text keys: it always has a JSON form.
        let payload = serde_json::to_string(&job.payload).unwrap_or_default();
        let job = Job {
            id: job.id,
            queue: job.payload.queue(),
            kind: job.payload.kind(),
            payload,
            unique_key: job.unique_key,
            status: if job.dead.is_some() {
                JobStatus::Dead
            } else {
                JobStatus::Ready
            },
            attempts: 0,
            deaths: 0,
            run_at: job.run_at,
            last_error: job.dead.map(|reason| error_text(&reason)),
            created_at: job.created_at,
            updated_at: job.created_at,
        };
        insert(
            self.jobs.entry(job.id),
            StoredJob {
                job,
                lease: None,
                published_at: None,
            },
            "job",
        )
    }

    fn insert_api_token(&mut self, token: ApiToken) -> Result<(), Misfit> {
        let known = self
            .api_tokens
            .values()
            .any(|other| other.id == token.id || other.digest == token.digest);
        require(!known, taken("API token"))?;
        require(self.users.contains_key(&token.user), missing("user"))?;
        insert(self.api_tokens.entry(token.id), token, "API token")
    }

    fn put_session(&mut self, session: Session) -> Result<(), Misfit> {
        require(self.users.contains_key(&session.user), missing("user"))?;
        let seen_at = self
            .sessions
            .get(&session.digest)
            .map_or(session.seen_at, |stored| stored.seen_at.max(session.seen_at));
        match self.sessions.get_mut(&session.digest) {
            Some(stored) => stored.seen_at = seen_at,
            None => {
                self.sessions.insert(session.digest, session);
            }
        }
        Ok(())
    }
}

fn insert<K: Ord, V>(entry: Entry<'_, K, V>, value: V, what: &'static str) -> Result<(), Misfit> {
    match entry {
        Entry::Vacant(place) => {
            place.insert(value);
            Ok(())
        }
        Entry::Occupied(_) => Err(taken(what)),
    }
}
