//! Random histories: the server and the in-memory fake answer every step alike, and hold the same in the end.

use std::time::Duration;

use feedback_core::{
    domain::{
        Change, ChangelogEntry, ChangelogStatus, Channel, CommitReceipt, EventKind, Identity, LeasedJob, Notification,
        NotificationStatus, PageRequest, PageSize, Queue, Reporter, Scrubbed, Ticket, TicketStatus, TrackerPage, Write,
    },
    ports::{
        ChangelogFilter, ClaimRequest, JobQueue, NotificationFilter, PortError, PortErrorKind, Queries, SettleError,
        Storage, TicketFilter, TicketKey,
    },
    testing::{fixtures::Fixtures, memory::MemoryStore},
};
use feedback_postgres::Postgres;
use proptest::{collection::vec, prelude::*};

use super::store;

/// One step: what is done, and three numbers that choose to what.
type Step = (u8, u8, u8, u8);

#[derive(Default)]
struct Known {
    reporters: Vec<Reporter>,
    identities: Vec<Identity>,
    tickets: Vec<Ticket>,
    entries: Vec<ChangelogEntry>,
    notifications: Vec<Notification>,
    leases: Vec<(LeasedJob, LeasedJob)>,
}

struct Pair {
    server: Postgres,
    memory: MemoryStore,
    fixtures: Fixtures,
    known: Known,
}

fn pick<T: Clone>(from: &[T], which: u8) -> Option<T> {
    if from.is_empty() {
        None
    } else {
        Some(from[usize::from(which) % from.len()].clone())
    }
}

fn word(which: u8) -> Scrubbed {
    Scrubbed::restore(["Exportación", "login", "Factura", "export factura"][usize::from(which) % 4].to_owned())
}

fn outcome(result: Result<CommitReceipt, PortError>) -> Result<CommitReceipt, (PortErrorKind, Option<String>)> {
    result.map_err(|error| (error.kind(), error.code().map(str::to_owned)))
}

fn settled(result: Result<(), SettleError>) -> bool {
    match result {
        Ok(()) => true,
        Err(SettleError::LeaseLost) => false,
        Err(SettleError::Queue(error)) => panic!("{error}"),
    }
}

impl Pair {
    async fn commit(&self, change: Change) -> Option<CommitReceipt> {
        let server = outcome(self.server.commit(change.clone()).await);
        let memory = outcome(self.memory.commit(change.clone()).await);
        assert_eq!(server, memory, "{change:?}");
        server.ok()
    }

    async fn step(&mut self, (what, a, b, c): Step) {
        self.fixtures.clock.advance(Duration::from_secs(u64::from(c % 3)));
        match what % 14 {
            0 => self.intake(a, b).await,
            1 => self.update_ticket(a, b, c).await,
            2 => self.update_reporter(a, b, c).await,
            3 => self.touch(a, b).await,
            4 => self.another_source(a, b, c).await,
            5 => self.draft(a, b, c).await,
            6 => self.decide(a, b).await,
            7 => self.notify(a, b, c).await,
            8 => self.move_notification(a, b, c).await,
            9 => self.link(a, b).await,
            10 => self.enqueue(a, b).await,
            11 => self.claim(a, b).await,
            12 => self.settle(a, b).await,
            _ => self.two_at_once(a, b).await,
        }
    }

    async fn intake(&mut self, a: u8, b: u8) {
        let mut rows = self.fixtures.intake();
        rows.ticket.title = word(a);
        rows.ticket.channel = Channel::ALL[usize::from(b) % 6];
        if let Some(known) = pick(&self.known.reporters, b).filter(|_| a.is_multiple_of(3)) {
            (rows.reporter.email_index, rows.reporter.email_verified) = (known.email_index, a.is_multiple_of(2));
        } else {
            (rows.reporter.email_index, rows.reporter.email_verified) = (Some(self.fixtures.blind_index()), true);
        }
        let Some(receipt) = self.commit(rows.change()).await else {
            return;
        };
        self.known.tickets.push(rows.stored_ticket(receipt.ticket_numbers[0].1));
        self.known.reporters.push(rows.reporter);
        self.known.identities.push(rows.identity);
    }

    async fn update_ticket(&mut self, a: u8, b: u8, c: u8) {
        let Some(mut ticket) = pick(&self.known.tickets, a) else {
            return;
        };
        // Now and then a stale version: what is known here is never refreshed.
        if !b.is_multiple_of(4) {
            ticket.version = self
                .memory
                .ticket(TicketKey::Id(ticket.id))
                .await
                .unwrap()
                .unwrap()
                .version;
        }
        ticket.status = TicketStatus::ALL[usize::from(b) % 7];
        ticket.title = word(c);
        ticket.updated_at = self.fixtures.now();
        let id = format!("page-{}", c % 4);
        ticket.page = Some(TrackerPage {
            id,
            url: None,
            pushed_digest: None,
            pushed_at: None,
            seen_status: None,
        })
        .filter(|_| b.is_multiple_of(2));
        let event = self.fixtures.event(ticket.id, EventKind::Updated);
        self.commit(
            Change::new()
                .with(Write::UpdateTicket(Box::new(ticket)))
                .with(Write::AppendEvent(event)),
        )
        .await;
    }

    async fn update_reporter(&mut self, a: u8, b: u8, c: u8) {
        let (Some(mut one), Some(other)) = (pick(&self.known.reporters, a), pick(&self.known.reporters, b)) else {
            return;
        };
        one.version += u32::from(c % 2);
        one.email_verified = !c.is_multiple_of(3);
        one.merged_into = Some(other.id).filter(|id| *id < one.id && c.is_multiple_of(5));
        one.email_index = other.email_index.filter(|_| c.is_multiple_of(4)).or(one.email_index);
        self.commit(Change::new().with(Write::UpdateReporter(one))).await;
    }

    async fn touch(&mut self, a: u8, b: u8) {
        let Some(mut identity) = pick(&self.known.identities, a) else {
            return;
        };
        let at = self.fixtures.now().minus(Duration::from_secs(u64::from(b)));
        self.commit(Change::new().with(Write::TouchIdentity(identity.id, at)))
            .await;
        identity.version += u32::from(b % 3);
        identity.last_message_at = None;
        self.commit(Change::new().with(Write::UpdateIdentity(identity))).await;
    }

    async fn another_source(&mut self, a: u8, b: u8, c: u8) {
        let (Some(ticket), Some(author)) = (pick(&self.known.tickets, a), pick(&self.known.identities, b)) else {
            return;
        };
        let mut source = self.fixtures.source(ticket.id, &author);
        if c.is_multiple_of(3) {
            source.external_id = feedback_core::domain::ExternalId::parse(format!("again-{}", c % 5)).unwrap();
        }
        self.commit(Change::new().with(Write::InsertSource(Box::new(source))))
            .await;
    }

    async fn draft(&mut self, a: u8, b: u8, c: u8) {
        let Some(ticket) = pick(&self.known.tickets, a) else {
            return;
        };
        let mut entry = self.fixtures.changelog_entry(ticket.id, ticket.reporter);
        entry.resolution = u32::from(b % 3);
        entry.status = ChangelogStatus::ALL[usize::from(c) % 3];
        if self
            .commit(Change::new().with(Write::InsertChangelogEntry(Box::new(entry.clone()))))
            .await
            .is_some()
        {
            self.known.entries.push(entry);
        }
    }

    async fn decide(&mut self, a: u8, b: u8) {
        let Some(mut entry) = pick(&self.known.entries, a) else {
            return;
        };
        entry.version += u32::from(b % 3);
        entry.status = ChangelogStatus::ALL[usize::from(b) % 3];
        self.commit(Change::new().with(Write::UpdateChangelogEntry(Box::new(entry))))
            .await;
    }

    async fn notify(&mut self, a: u8, b: u8, c: u8) {
        let (Some(entry), Some(identity)) = (pick(&self.known.entries, a), pick(&self.known.identities, b)) else {
            return;
        };
        let notification = self.fixtures.notification(&entry, &identity);
        let attempt = self.fixtures.attempt(&notification);
        let mut change = Change::new().with(Write::InsertNotification(Box::new(notification.clone())));
        if c.is_multiple_of(2) {
            change.push(Write::InsertAttempt(attempt));
        }
        if self.commit(change).await.is_some() {
            self.known.notifications.push(notification);
        }
    }

    async fn move_notification(&mut self, a: u8, b: u8, c: u8) {
        let Some(mut notification) = pick(&self.known.notifications, a) else {
            return;
        };
        notification.version += u32::from(b % 2);
        notification.status = NotificationStatus::ALL[usize::from(c) % 9];
        notification.sent_at = Some(self.fixtures.now()).filter(|_| c.is_multiple_of(2));
        self.commit(Change::new().with(Write::UpdateNotification(Box::new(notification))))
            .await;
    }

    async fn link(&mut self, a: u8, b: u8) {
        let (Some(one), Some(other)) = (pick(&self.known.tickets, a), pick(&self.known.tickets, b)) else {
            return;
        };
        if one.id != other.id {
            let mut link = self.fixtures.link(one.id, other.id);
            link.score = f32::from(a) / 255.0;
            self.commit(Change::new().with(Write::SuggestLink(link))).await;
        }
    }

    async fn enqueue(&mut self, a: u8, b: u8) {
        let mut job = self
            .fixtures
            .job()
            .at(self.fixtures.now().plus(Duration::from_secs(u64::from(b % 4))));
        if a.is_multiple_of(2) {
            job = job.unique(format!("key-{}", a % 6));
        }
        if b.is_multiple_of(7) {
            job = job.dead("from birth");
        }
        self.commit(Change::new().with(Write::Enqueue(job))).await;
    }

    async fn claim(&mut self, a: u8, b: u8) {
        let now = self.fixtures.now();
        let lease_until = now.plus(Duration::from_secs(u64::from(b % 4)));
        let request = ClaimRequest {
            queue: Queue::Default,
            limit: usize::from(a % 4),
            lease_until,
            now,
        };
        let server = self.server.claim(request.clone()).await.unwrap();
        let memory = self.memory.claim(request).await.unwrap();
        // Tokens are each store's own.
        let jobs = |claimed: &[LeasedJob]| claimed.iter().map(|leased| leased.job.clone()).collect::<Vec<_>>();
        assert_eq!(jobs(&server), jobs(&memory));
        self.known.leases.extend(server.into_iter().zip(memory));
    }

    async fn settle(&mut self, a: u8, b: u8) {
        let now = self.fixtures.now();
        if b.is_multiple_of(5) {
            assert_eq!(
                self.server.reap(now).await.unwrap(),
                self.memory.reap(now).await.unwrap()
            );
        }
        let Some((server, memory)) = pick(&self.known.leases, a) else {
            return;
        };
        let (one, two) = (&server.lease, &memory.lease);
        let again = now.plus(Duration::from_secs(1));
        let (server, memory) = match b % 7 {
            0 => (
                self.server.extend(one, again).await,
                self.memory.extend(two, again).await,
            ),
            1 => (
                self.server.complete(one, now).await,
                self.memory.complete(two, now).await,
            ),
            2 => (
                self.server.retry_later(one, again, "x", now).await,
                self.memory.retry_later(two, again, "x", now).await,
            ),
            3 => (
                self.server.snooze(one, again, "y", now).await,
                self.memory.snooze(two, again, "y", now).await,
            ),
            4 => (
                self.server.bury(one, "z", now).await,
                self.memory.bury(two, "z", now).await,
            ),
            5 => {
                let (server, memory) = (
                    self.server.revive(one.job, now).await,
                    self.memory.revive(two.job, now).await,
                );
                assert_eq!(server.unwrap(), memory.unwrap());
                return;
            }
            _ => {
                let (server, memory) = (
                    self.server.discard(one.job, now).await,
                    self.memory.discard(two.job, now).await,
                );
                assert_eq!(server.unwrap(), memory.unwrap());
                return;
            }
        };
        assert_eq!(settled(server), settled(memory));
    }

    /// A change whose second half may not fit: then the first must be gone.
    async fn two_at_once(&mut self, a: u8, b: u8) {
        let (Some(ticket), Some(reporter)) = (pick(&self.known.tickets, a), pick(&self.known.reporters, b)) else {
            return;
        };
        let mut moved = self.memory.ticket(TicketKey::Id(ticket.id)).await.unwrap().unwrap();
        moved.sprint = Some(format!("sprint {b}"));
        let change = Change::new()
            .with(Write::UpdateTicket(Box::new(moved)))
            .with(Write::PutVector(self.fixtures.vector(ticket.id, "m")))
            .with(Write::UpdateReporter(reporter));
        self.commit(change).await;
    }

    async fn compare(&self) {
        let page = PageRequest {
            after: None,
            size: PageSize::MAX,
        };
        for search in [None, Some("export"), Some("fact"), Some("login")] {
            let filter = TicketFilter {
                search: search.map(str::to_owned),
                ..TicketFilter::default()
            };
            let listed = self.server.tickets(&filter, page).await.unwrap();
            assert_eq!(listed, self.memory.tickets(&filter, page).await.unwrap());
        }
        for ticket in &self.known.tickets {
            let detail = self.server.ticket_detail(ticket.id).await.unwrap();
            assert_eq!(detail, self.memory.ticket_detail(ticket.id).await.unwrap());
        }
        for reporter in &self.known.reporters {
            assert_eq!(
                self.server.identities(reporter.id).await.unwrap(),
                self.memory.identities(reporter.id).await.unwrap()
            );
        }
        let filter = ChangelogFilter::default();
        let listed = self.server.changelog_entries(&filter, page).await.unwrap();
        assert_eq!(listed, self.memory.changelog_entries(&filter, page).await.unwrap());
        let filter = NotificationFilter::default();
        let listed = Queries::notifications(&self.server, &filter, page).await.unwrap();
        assert_eq!(
            listed,
            Queries::notifications(&self.memory, &filter, page).await.unwrap()
        );
        assert_eq!(
            self.server.dead_letters(page).await.unwrap(),
            self.memory.dead_letters(page).await.unwrap()
        );
        let (from, now) = (self.fixtures.now().minus(Duration::from_secs(20)), self.fixtures.now());
        assert_eq!(
            self.server.metrics(from, now).await.unwrap(),
            self.memory.metrics(from, now).await.unwrap()
        );
        let mut status = self.server.ops_status(now).await.unwrap();
        // The fake has no schema.
        status.schema_version = 0;
        assert_eq!(status, self.memory.ops_status(now).await.unwrap());
        let vectors = self.server.vectors("m", from).await.unwrap();
        assert_eq!(vectors, self.memory.vectors("m", from).await.unwrap());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_server_and_the_fake_never_differ(steps in vec(any::<Step>(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let (server, _database) = store().await;
            let fixtures = Fixtures::default();
            let mut pair = Pair { server, memory: MemoryStore::new(), fixtures, known: Known::default() };
            for number in 0..4 {
                pair.step((0, number, number, 0)).await;
            }
            for step in steps {
                pair.step(step).await;
            }
            pair.compare().await;
        });
    }
}
