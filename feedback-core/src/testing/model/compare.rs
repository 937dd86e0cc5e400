//! Everything that the two stores can be asked, asked of both.

use std::time::Duration;

use super::{
    Difference,
    pair::{Pair, kind, same},
};
use crate::{
    domain::{PageRequest, PageSize, Timestamp},
    ports::{
        AttachmentsKey, ChangelogFilter, Custody, JobQueue, LinksKey, NotificationFilter, NotificationsKey, Queries,
        ReporterKey, Storage, TicketFilter, TicketsKey,
    },
};

/// Asks both; the answers must be the same.
macro_rules! both {
    ($pair:expr, $what:literal, |$store:ident| $question:expr) => {{
        let tested = {
            let $store = $pair.tested;
            kind($question.await)
        };
        let expected = {
            let $store = &$pair.memory;
            kind($question.await)
        };
        same($what, tested, expected)?;
    }};
}

impl<S: Storage + Queries + JobQueue + Custody> Pair<'_, S> {
    pub(super) async fn compare(&self) -> Result<(), Difference> {
        self.compare_lists().await?;
        self.compare_tickets().await?;
        self.compare_people().await?;
        let now = self.fixtures.now();
        let (from, to) = (now.minus(Duration::from_secs(86_400)), now.plus(Duration::from_secs(1)));
        both!(self, "metrics", |store| store.metrics(from, to));
        both!(self, "rollups", |store| store.rollups(from, to));
        both!(self, "erasures", |store| store.erasures());
        both!(self, "timelines", |store| store.timelines(None, 1_000));
        both!(self, "vectors", |store| store.vectors("m", Timestamp::UNIX_EPOCH));
        let without = || TicketsKey::WithoutVector {
            model: "m".into(),
            since: from,
            limit: 5,
        };
        both!(self, "tickets without vector", |store| store.tickets_of(without()));
        let stored = AttachmentsKey::StoredBefore { before: now, limit: 3 };
        both!(self, "stored files", |store| store.attachments(stored));
        // The fake has no schema.
        let mut tested = kind(self.tested.ops_status(now).await);
        if let Ok(status) = &mut tested {
            status.schema_version = 0;
        }
        same("status", tested, kind(self.memory.ops_status(now).await))
    }

    async fn compare_lists(&self) -> Result<(), Difference> {
        let page = PageRequest {
            after: None,
            size: PageSize::MAX,
        };
        for search in [None, Some("export"), Some("fact"), Some("login"), Some("erased")] {
            let filter = TicketFilter {
                search: search.map(str::to_owned),
                ..TicketFilter::default()
            };
            both!(self, "tickets", |store| store.tickets(&filter, page));
        }
        let filter = ChangelogFilter::default();
        both!(self, "entries", |store| store.changelog_entries(&filter, page));
        let filter = NotificationFilter::default();
        both!(self, "notifications", |store| Queries::notifications(
            store, &filter, page
        ));
        both!(self, "dead letters", |store| store.dead_letters(page));
        both!(self, "groups", |store| store.groups(page));
        Ok(())
    }

    async fn compare_tickets(&self) -> Result<(), Difference> {
        for ticket in &self.known.tickets {
            both!(self, "detail", |store| store.ticket_detail(ticket.id));
            both!(self, "links", |store| store.links(LinksKey::Ticket(ticket.id)));
        }
        for group in &self.known.groups {
            both!(self, "group", |store| store.group(group.id));
            both!(self, "members", |store| store.tickets_of(TicketsKey::Group(group.id)));
        }
        for source in &self.known.sources {
            both!(self, "files", |store| store
                .attachments(AttachmentsKey::Source(source.id)));
        }
        Ok(())
    }

    async fn compare_people(&self) -> Result<(), Difference> {
        let page = PageRequest {
            after: None,
            size: PageSize::new(2).unwrap_or(PageSize::MAX),
        };
        for reporter in &self.known.reporters {
            let id = reporter.id;
            both!(self, "reporter", |store| store.reporter(ReporterKey::Id(id)));
            both!(self, "identities", |store| store.identities(id));
            both!(self, "identity links", |store| store.identity_links(id));
            both!(self, "merged", |store| store.merged_reporters(id));
            both!(self, "their tickets", |store| store
                .tickets_of(TicketsKey::Reporter(id)));
            let theirs = NotificationsKey::Reporter(id);
            both!(self, "their notifications", |store| Storage::notifications(
                store, theirs
            ));
            both!(self, "inbox", |store| store.inbox(id, page));
            if let Some(email) = reporter.email_index {
                both!(self, "by email", |store| store.reporter(ReporterKey::AnyEmail(email)));
                both!(self, "by verified email", |store| store
                    .reporter(ReporterKey::VerifiedEmail(email)));
            }
        }
        for identity in &self.known.identities {
            let parked = NotificationsKey::Parked(identity.id);
            both!(self, "parked", |store| Storage::notifications(store, parked));
        }
        Ok(())
    }
}
