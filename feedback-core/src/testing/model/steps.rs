use std::time::Duration;

use super::{
    Difference, Step,
    pair::{Pair, kind, pick, same},
};
use crate::{
    domain::{
        AttachmentStatus, Change, ChangelogStatus, Channel, Erasure, EventKind, ExternalId, JobPayload, LeasedJob,
        LinkStatus, NewJob, NotificationStatus, Queue, Scrubbed, Sealed, ThreadRef, TicketStatus, TrackerPage, Write,
    },
    ports::{
        ClaimRequest, Custody, Expired, JobQueue, Queries, ReporterKey, SettleError, Storage, TicketKey, WrappedKind,
    },
};

const WORDS: [&str; 4] = ["Exportación", "login", "Factura", "export factura"];

fn word(which: u8) -> Scrubbed {
    Scrubbed::restore(WORDS[usize::from(which) % 4].to_owned())
}

fn seconds(count: u8) -> Duration {
    Duration::from_secs(u64::from(count))
}

fn settled(result: Result<(), SettleError>) -> &'static str {
    match result {
        Ok(()) => "done",
        Err(SettleError::LeaseLost) => "lease lost",
        Err(SettleError::Queue(_)) => "failed",
    }
}

impl<S: Storage + Queries + JobQueue + Custody> Pair<'_, S> {
    pub(super) async fn step(&mut self, [what, a, b, c]: Step) -> Result<(), Difference> {
        self.fixtures.clock.advance(seconds(c % 3));
        match what % 24 {
            0 => self.intake(a, b).await,
            1 => self.update_ticket(a, b, c).await,
            2 => self.update_reporter(a, b, c).await,
            3 => self.touch(a, b).await,
            4 => self.another_source(a, b, c).await,
            5 => self.draft(a, b, c).await,
            6 => self.decide(a, b).await,
            7 => self.notify(a, b, c).await,
            8 => self.move_notification(a, b, c).await,
            9 => self.suggest_link(a, b).await,
            10 => self.enqueue(a, b).await,
            11 => self.claim(a, b).await,
            12 => self.settle(a, b).await,
            13 => self.two_at_once(a, b).await,
            14 => self.decide_link(a, b, c).await,
            15 => self.group(a, b, c).await,
            16 => self.attach(a, b).await,
            17 => self.move_attachment(a, b).await,
            18 => self.erase(a, b).await,
            19 => self.link_identity(a, b, c).await,
            20 => self.anchor(a).await,
            21 => self.purge(a, b).await,
            22 => self.rewrap(a, b).await,
            _ => self.session(a, b).await,
        }
    }

    async fn intake(&mut self, a: u8, b: u8) -> Result<(), Difference> {
        let mut rows = self.fixtures.intake();
        rows.ticket.title = word(a);
        rows.ticket.channel = Channel::ALL[usize::from(b) % 6];
        rows.identity.channel = rows.ticket.channel;
        if a.is_multiple_of(4) {
            // A command without a thread.
            rows.source.thread_key = None;
        }
        if let Some(known) = pick(&self.known.reporters, b).filter(|_| a.is_multiple_of(3)) {
            (rows.reporter.email_index, rows.reporter.email_verified) = (known.email_index, a.is_multiple_of(2));
        } else {
            (rows.reporter.email_index, rows.reporter.email_verified) = (Some(self.fixtures.blind_index()), true);
        }
        let Some(receipt) = self.commit(rows.change()).await? else {
            return Ok(());
        };
        if let Some(number) = receipt.number_of(rows.ticket.id) {
            self.known.tickets.push(rows.stored_ticket(number));
        }
        self.known.reporters.push(rows.reporter);
        self.known.identities.push(rows.identity);
        self.known.sources.push(rows.source);
        Ok(())
    }

    async fn update_ticket(&mut self, a: u8, b: u8, c: u8) -> Result<(), Difference> {
        let Some(mut ticket) = pick(&self.known.tickets, a) else {
            return Ok(());
        };
        // Now and then a stale version: what is known here is never refreshed.
        if !b.is_multiple_of(4) {
            let stored = kind(self.memory.ticket(TicketKey::Id(ticket.id)).await);
            ticket.version = stored.ok().flatten().map_or(ticket.version, |stored| stored.version);
        }
        ticket.status = TicketStatus::ALL[usize::from(b) % 7];
        ticket.title = word(c);
        ticket.updated_at = self.fixtures.now();
        ticket.group = pick(&self.known.groups, c)
            .map(|group| group.id)
            .filter(|_| b.is_multiple_of(3));
        ticket.page = b.is_multiple_of(2).then(|| TrackerPage {
            id: format!("page-{}", c % 4),
            url: None,
            pushed_digest: None,
            pushed_at: None,
            seen_status: None,
        });
        let kinds = EventKind::ALL;
        let event = self.fixtures.event(ticket.id, kinds[usize::from(c) % kinds.len()]);
        let change = Change::new()
            .with(Write::UpdateTicket(Box::new(ticket)))
            .with(Write::AppendEvent(event));
        self.commit(change).await.map(drop)
    }

    async fn update_reporter(&mut self, a: u8, b: u8, c: u8) -> Result<(), Difference> {
        let (Some(mut one), Some(other)) = (pick(&self.known.reporters, a), pick(&self.known.reporters, b)) else {
            return Ok(());
        };
        if c.is_multiple_of(2) {
            let stored = kind(self.memory.reporter(ReporterKey::Id(one.id)).await);
            let Some(stored) = stored.ok().flatten() else {
                return Ok(());
            };
            one = stored;
        }
        one.email_verified = !c.is_multiple_of(3);
        one.merged_into = Some(other.id).filter(|id| *id < one.id && c.is_multiple_of(5));
        one.email_index = other.email_index.filter(|_| c.is_multiple_of(4)).or(one.email_index);
        self.commit(Change::new().with(Write::UpdateReporter(one)))
            .await
            .map(drop)
    }

    async fn touch(&mut self, a: u8, b: u8) -> Result<(), Difference> {
        let Some(mut identity) = pick(&self.known.identities, a) else {
            return Ok(());
        };
        let at = self.fixtures.now().minus(seconds(b));
        self.commit(Change::new().with(Write::TouchIdentity(identity.id, at)))
            .await?;
        identity.version += u32::from(b % 3);
        identity.last_message_at = None;
        if let Some(other) = pick(&self.known.reporters, b).filter(|_| b.is_multiple_of(4)) {
            identity.reporter = other.id;
        }
        self.commit(Change::new().with(Write::UpdateIdentity(identity)))
            .await
            .map(drop)
    }

    async fn another_source(&mut self, a: u8, b: u8, c: u8) -> Result<(), Difference> {
        let (Some(ticket), Some(author)) = (pick(&self.known.tickets, a), pick(&self.known.identities, b)) else {
            return Ok(());
        };
        let mut source = self.fixtures.source(ticket.id, &author);
        if let Ok(again) = ExternalId::parse(format!("again-{}", c % 5))
            && c.is_multiple_of(3)
        {
            source.external_id = again;
        }
        if c.is_multiple_of(4) {
            (source.raw, source.redacted) = (None, None);
        }
        let insert = Write::InsertSource(Box::new(source.clone()));
        if self.commit(Change::new().with(insert)).await?.is_some() {
            self.known.sources.push(source);
        }
        Ok(())
    }

    async fn draft(&mut self, a: u8, b: u8, c: u8) -> Result<(), Difference> {
        let Some(ticket) = pick(&self.known.tickets, a) else {
            return Ok(());
        };
        let mut entry = self.fixtures.changelog_entry(ticket.id, ticket.reporter);
        entry.resolution = u32::from(b % 3);
        entry.status = ChangelogStatus::ALL[usize::from(c) % 3];
        let insert = Write::InsertChangelogEntry(Box::new(entry.clone()));
        if self.commit(Change::new().with(insert)).await?.is_some() {
            self.known.entries.push(entry);
        }
        Ok(())
    }

    async fn decide(&mut self, a: u8, b: u8) -> Result<(), Difference> {
        let Some(mut entry) = pick(&self.known.entries, a) else {
            return Ok(());
        };
        entry.version += u32::from(b % 3);
        entry.status = ChangelogStatus::ALL[usize::from(b) % 3];
        let update = Write::UpdateChangelogEntry(Box::new(entry));
        self.commit(Change::new().with(update)).await.map(drop)
    }

    async fn notify(&mut self, a: u8, b: u8, c: u8) -> Result<(), Difference> {
        let (Some(entry), Some(identity)) = (pick(&self.known.entries, a), pick(&self.known.identities, b)) else {
            return Ok(());
        };
        let mut notification = self.fixtures.notification(&entry, &identity);
        if c.is_multiple_of(3) {
            (notification.channel, notification.thread) = (Channel::InApp, ThreadRef::InApp);
        }
        let attempt = self.fixtures.attempt(&notification);
        let mut change = Change::new().with(Write::InsertNotification(Box::new(notification.clone())));
        if c.is_multiple_of(2) {
            change.push(Write::InsertAttempt(attempt));
        }
        if self.commit(change).await?.is_some() {
            self.known.notifications.push(notification);
        }
        Ok(())
    }

    async fn move_notification(&mut self, a: u8, b: u8, c: u8) -> Result<(), Difference> {
        let Some(mut notification) = pick(&self.known.notifications, a) else {
            return Ok(());
        };
        notification.version += u32::from(b % 2);
        notification.status = NotificationStatus::ALL[usize::from(c) % 9];
        notification.sent_at = Some(self.fixtures.now()).filter(|_| c.is_multiple_of(2));
        let update = Write::UpdateNotification(Box::new(notification));
        self.commit(Change::new().with(update)).await.map(drop)
    }

    async fn suggest_link(&mut self, a: u8, b: u8) -> Result<(), Difference> {
        let (Some(one), Some(other)) = (pick(&self.known.tickets, a), pick(&self.known.tickets, b)) else {
            return Ok(());
        };
        if one.id == other.id {
            return Ok(());
        }
        let mut link = self.fixtures.link(one.id, other.id);
        link.score = f32::from(a) / 255.0;
        if self
            .commit(Change::new().with(Write::SuggestLink(link.clone())))
            .await?
            .is_some()
        {
            self.known.links.push(link);
        }
        Ok(())
    }

    async fn decide_link(&mut self, a: u8, b: u8, c: u8) -> Result<(), Difference> {
        let Some(mut link) = pick(&self.known.links, a) else {
            return Ok(());
        };
        let statuses = [LinkStatus::Suggested, LinkStatus::Accepted, LinkStatus::Dismissed];
        let expected = statuses[usize::from(b) % 3];
        link.status = statuses[usize::from(c) % 3];
        if c.is_multiple_of(2) {
            (link.ticket, link.original) = (link.original, link.ticket);
        }
        link.decided = Some((self.fixtures.id(), self.fixtures.now()));
        let link = Box::new(link);
        self.commit(Change::new().with(Write::UpdateLink { link, expected }))
            .await
            .map(drop)
    }

    async fn group(&mut self, a: u8, b: u8, c: u8) -> Result<(), Difference> {
        let Some(primary) = pick(&self.known.tickets, a) else {
            return Ok(());
        };
        if let Some(mut group) = pick(&self.known.groups, b).filter(|_| c.is_multiple_of(2)) {
            group.version += u32::from(c % 3);
            (group.primary, group.title) = (primary.id, word(c));
            return self
                .commit(Change::new().with(Write::UpdateGroup(group)))
                .await
                .map(drop);
        }
        let group = self.fixtures.group(primary.id);
        if self
            .commit(Change::new().with(Write::InsertGroup(group.clone())))
            .await?
            .is_some()
        {
            self.known.groups.push(group);
        }
        Ok(())
    }

    async fn attach(&mut self, a: u8, b: u8) -> Result<(), Difference> {
        let Some(source) = pick(&self.known.sources, a) else {
            return Ok(());
        };
        let mut file = self.fixtures.attachment(&source);
        if b.is_multiple_of(2) {
            file.status = AttachmentStatus::Stored;
        }
        let insert = Write::InsertAttachment(Box::new(file.clone()));
        if self.commit(Change::new().with(insert)).await?.is_some() {
            self.known.attachments.push(file);
        }
        Ok(())
    }

    async fn move_attachment(&mut self, a: u8, b: u8) -> Result<(), Difference> {
        let Some(mut file) = pick(&self.known.attachments, a) else {
            return Ok(());
        };
        file = match b % 4 {
            0 => file.erased(),
            1 => {
                (file.blob_key, file.status) = (Some(format!("b/{b}")), AttachmentStatus::Stored);
                file
            }
            2 => {
                file.status = AttachmentStatus::Failed;
                file
            }
            _ => {
                file.id = self.fixtures.id();
                file
            }
        };
        let update = Write::UpdateAttachment(Box::new(file));
        self.commit(Change::new().with(update)).await.map(drop)
    }

    async fn erase(&mut self, a: u8, b: u8) -> Result<(), Difference> {
        // Rarely: a history of erased people says little about the living.
        if b > 96 {
            return Ok(());
        }
        let known = pick(&self.known.reporters, a).map(|reporter| reporter.id);
        let reporter = known.filter(|_| b > 8).unwrap_or_else(|| self.fixtures.id());
        let erasure = Erasure {
            reporter,
            at: self.fixtures.now(),
            by: None,
        };
        self.commit(Change::new().with(Write::EraseReporter(erasure)))
            .await
            .map(drop)
    }

    async fn link_identity(&mut self, a: u8, b: u8, c: u8) -> Result<(), Difference> {
        if let Some(mut link) = pick(&self.known.identity_links, a).filter(|_| c.is_multiple_of(2)) {
            link.undone = Some((self.fixtures.now(), self.fixtures.id()));
            return self
                .commit(Change::new().with(Write::UpdateIdentityLink(link)))
                .await
                .map(drop);
        }
        let (Some(identity), Some(reporter)) = (pick(&self.known.identities, a), pick(&self.known.reporters, b)) else {
            return Ok(());
        };
        let mut link = self.fixtures.identity_link(&identity);
        link.reporter = reporter.id;
        if self
            .commit(Change::new().with(Write::InsertIdentityLink(link.clone())))
            .await?
            .is_some()
        {
            self.known.identity_links.push(link);
        }
        Ok(())
    }

    async fn anchor(&mut self, a: u8) -> Result<(), Difference> {
        let Some(source) = pick(&self.known.sources, a) else {
            return Ok(());
        };
        let anchor = Write::AnchorSource(source.id, self.fixtures.thread());
        self.commit(Change::new().with(anchor)).await.map(drop)
    }

    async fn purge(&mut self, a: u8, b: u8) -> Result<(), Difference> {
        let what = Expired::ALL[usize::from(a) % Expired::ALL.len()];
        let before = self.fixtures.now().minus(seconds(b % 4));
        // Which rows go first is each store's own choice: all of them, so that the same are left.
        let tested = kind(self.tested.purge(what, before, 10_000).await);
        let expected = kind(self.memory.purge(what, before, 10_000).await);
        same("purge", tested, expected)
    }

    async fn rewrap(&mut self, a: u8, b: u8) -> Result<(), Difference> {
        let of = [WrappedKind::SubjectKey, WrappedKind::Job][usize::from(a) % 2];
        let tested = kind(self.tested.wrapped(of, None, 100).await);
        let expected = kind(self.memory.wrapped(of, None, 100).await);
        let found = tested.clone().unwrap_or_default();
        same("wrapped", tested, expected)?;
        let Some(mut old) = pick(&found, b) else {
            return Ok(());
        };
        if b.is_multiple_of(5) {
            old.bytes.push(0);
        }
        let new = [a, b, 7];
        let tested = kind(self.tested.rewrap(of, &old, &new).await);
        same("rewrap", tested, kind(self.memory.rewrap(of, &old, &new).await))
    }

    async fn session(&mut self, a: u8, b: u8) -> Result<(), Difference> {
        let now = self.fixtures.now();
        let Some(session) = pick(&self.known.sessions, a).filter(|_| !b.is_multiple_of(4)) else {
            let user = self.fixtures.user();
            let mut session = self.fixtures.session(user.id);
            session.expires_at = now.plus(seconds(b % 8));
            let change = Change::new()
                .with(Write::InsertUser(user))
                .with(Write::PutSession(session.clone()));
            self.commit(change).await?;
            self.known.sessions.push(session);
            return Ok(());
        };
        let write = match b % 4 {
            1 => Write::DeleteSession(session.digest),
            _ => Write::TouchSession(session.digest, now.minus(seconds(b % 3))),
        };
        self.commit(Change::new().with(write)).await?;
        let tested = kind(self.tested.session(session.digest).await);
        same("session", tested, kind(self.memory.session(session.digest).await))
    }

    async fn enqueue(&mut self, a: u8, b: u8) -> Result<(), Difference> {
        let mut job = self.fixtures.job().at(self.fixtures.now().plus(seconds(b % 4)));
        if a.is_multiple_of(5) {
            let body = Sealed::from_bytes(vec![a, b, 1, 2, 3]);
            let payload = JobPayload::ReplayDelivery {
                channel: Channel::Slack,
                content_type: None,
                body,
                received_at: self.fixtures.now(),
            };
            job = NewJob::now(self.fixtures.id(), payload, self.fixtures.now());
        }
        if a.is_multiple_of(2) {
            job = job.unique(format!("key-{}", a % 6));
        }
        if b.is_multiple_of(7) {
            job = job.dead("from birth");
        }
        self.commit(Change::new().with(Write::Enqueue(job))).await.map(drop)
    }

    async fn claim(&mut self, a: u8, b: u8) -> Result<(), Difference> {
        let now = self.fixtures.now();
        let request = ClaimRequest {
            queue: if b.is_multiple_of(5) {
                Queue::Low
            } else {
                Queue::Default
            },
            limit: usize::from(a % 4),
            lease_until: now.plus(seconds(b % 4)),
            now,
        };
        let tested = kind(self.tested.claim(request.clone()).await);
        let expected = kind(self.memory.claim(request).await);
        let jobs = |claimed: &Result<Vec<LeasedJob>, _>| {
            let jobs = claimed.iter().flatten();
            jobs.map(|leased| leased.job.clone()).collect::<Vec<_>>()
        };
        same("claim", jobs(&tested), jobs(&expected))?;
        let leases = tested.into_iter().flatten().zip(expected.into_iter().flatten());
        self.known.leases.extend(leases);
        Ok(())
    }

    async fn settle(&mut self, a: u8, b: u8) -> Result<(), Difference> {
        let now = self.fixtures.now();
        if b.is_multiple_of(5) {
            let tested = kind(self.tested.reap(now).await);
            same("reap", tested, kind(self.memory.reap(now).await))?;
        }
        let Some((tested, memory)) = pick(&self.known.leases, a) else {
            return Ok(());
        };
        let (one, two) = (&tested.lease, &memory.lease);
        let again = now.plus(seconds(1));
        let (left, right) = (self.tested, &self.memory);
        let (tested, expected) = match b % 7 {
            0 => (left.extend(one, again).await, right.extend(two, again).await),
            1 => (left.complete(one, now).await, right.complete(two, now).await),
            2 => (
                left.retry_later(one, again, "x", now).await,
                right.retry_later(two, again, "x", now).await,
            ),
            3 => (
                left.snooze(one, again, "y", now).await,
                right.snooze(two, again, "y", now).await,
            ),
            4 => (left.bury(one, "z", now).await, right.bury(two, "z", now).await),
            5 => {
                let tested = kind(left.revive(one.job, now).await);
                return same("revive", tested, kind(right.revive(two.job, now).await));
            }
            _ => {
                let tested = kind(left.discard(one.job, now).await);
                return same("discard", tested, kind(right.discard(two.job, now).await));
            }
        };
        same("settle", settled(tested), settled(expected))
    }

    /// A change whose second half may not fit: then the first must be gone.
    async fn two_at_once(&mut self, a: u8, b: u8) -> Result<(), Difference> {
        let (Some(ticket), Some(reporter)) = (pick(&self.known.tickets, a), pick(&self.known.reporters, b)) else {
            return Ok(());
        };
        let stored = kind(self.memory.ticket(TicketKey::Id(ticket.id)).await);
        let Some(mut moved) = stored.ok().flatten() else {
            return Ok(());
        };
        moved.sprint = Some(format!("sprint {b}"));
        let change = Change::new()
            .with(Write::UpdateTicket(Box::new(moved)))
            .with(Write::PutVector(self.fixtures.vector(ticket.id, "m")))
            .with(Write::AppendEvent(self.fixtures.event(ticket.id, EventKind::Updated)))
            .with(Write::UpdateReporter(reporter));
        self.commit(change).await.map(drop)
    }
}
