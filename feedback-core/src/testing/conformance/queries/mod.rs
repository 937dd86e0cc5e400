//! The promises of [`Queries`].

mod counts;
mod details;
mod people;
mod search;
mod tickets;

use std::{collections::BTreeSet, future::Future, process::ExitCode};

use self::{
    counts::{
        metrics_count_a_half_open_period, metrics_count_merged_reporters_as_one, metrics_take_the_median_of_each_step,
        rollups_equal_a_count_over_timelines, the_queue_is_counted_without_periodic_work,
    },
    details::{
        a_detail_has_everything_in_order, a_notification_is_shown_with_its_tries,
        a_pair_is_shown_once_as_it_was_decided, a_row_names_the_person_and_the_messages,
        changelog_entries_are_listed_by_filter, dead_letters_are_listed_and_nothing_else,
        notifications_are_listed_by_filter,
    },
    people::{
        an_inbox_follows_merges_and_pages, an_inbox_shows_what_has_arrived_in_the_product,
        groups_are_listed_newest_first_with_their_size,
    },
    search::{
        search_finds_beginnings_of_words_whatever_case_and_accents, search_keeps_filters_pages_and_order,
        search_looks_at_title_and_description_as_they_are_now, search_text_is_never_syntax,
    },
    tickets::{
        a_list_sees_every_answered_commit, a_page_at_the_end_has_no_next, an_empty_store_has_empty_lists,
        each_filter_narrows_and_all_must_hold, pages_show_every_ticket_once_whatever_is_added_meanwhile,
        tickets_come_newest_first_and_ids_break_ties,
    },
};
use super::{Check, Fresh, checks, run_checks};
use crate::{
    domain::{Change, ChangelogEntry, Cursor, Notification, PageRequest, PageSize, Ticket, TicketId, Write},
    ports::{JobQueue, Queries, Storage, TicketFilter, TicketKey},
    testing::fixtures::{Fixtures, IntakeRows},
};

/// Makes stores for the checks. Rows come in by [`Storage`], and jobs die by [`JobQueue`].
pub trait QueriesHarness: Send + Sync + 'static {
    /// The store under test.
    type Adapter: Queries + Storage + JobQueue;

    /// An empty store.
    fn fresh(&self) -> impl Future<Output = Fresh<Self::Adapter>> + Send;
}

/// Runs all checks as a test binary.
pub fn run<H: QueriesHarness>(harness: H) -> ExitCode {
    run_checks(harness, "queries", checks())
}

/// All checks, for a binary that runs several suites.
pub fn checks<H: QueriesHarness>() -> &'static [Check<H>] {
    checks![
        an_empty_store_has_empty_lists,
        tickets_come_newest_first_and_ids_break_ties,
        pages_show_every_ticket_once_whatever_is_added_meanwhile,
        a_page_at_the_end_has_no_next,
        each_filter_narrows_and_all_must_hold,
        search_finds_beginnings_of_words_whatever_case_and_accents,
        search_looks_at_title_and_description_as_they_are_now,
        search_text_is_never_syntax,
        search_keeps_filters_pages_and_order,
        a_row_names_the_person_and_the_messages,
        a_detail_has_everything_in_order,
        a_pair_is_shown_once_as_it_was_decided,
        changelog_entries_are_listed_by_filter,
        notifications_are_listed_by_filter,
        a_notification_is_shown_with_its_tries,
        dead_letters_are_listed_and_nothing_else,
        metrics_count_a_half_open_period,
        metrics_count_merged_reporters_as_one,
        metrics_take_the_median_of_each_step,
        groups_are_listed_newest_first_with_their_size,
        an_inbox_follows_merges_and_pages,
        an_inbox_shows_what_has_arrived_in_the_product,
        rollups_equal_a_count_over_timelines,
        the_queue_is_counted_without_periodic_work,
        a_list_sees_every_answered_commit,
    ]
}

async fn commit(store: &impl Storage, change: Change) {
    store.commit(change).await.expect("the change fits");
}

async fn write(store: &impl Storage, write: Write) {
    commit(store, Change::new().with(write)).await;
}

/// An intake, changed by `adjust` before it is committed.
async fn intake(store: &impl Storage, fixtures: &Fixtures, adjust: impl FnOnce(&mut IntakeRows)) -> IntakeRows {
    let mut rows = fixtures.intake();
    adjust(&mut rows);
    commit(store, rows.change()).await;
    rows
}

async fn stored(store: &impl Storage, id: TicketId) -> Ticket {
    store
        .ticket(TicketKey::Id(id))
        .await
        .expect("look-ups work")
        .expect("the ticket is there")
}

fn page(rows: u16, after: Option<Cursor>) -> PageRequest {
    PageRequest {
        after,
        size: PageSize::new(rows).expect("1 to 200"),
    }
}

async fn tickets(store: &impl Queries, filter: &TicketFilter) -> Vec<TicketId> {
    let page = store.tickets(filter, page(200, None)).await.expect("lists work");
    page.items.iter().map(|row| row.ticket.id).collect()
}

async fn found(store: &impl Queries, search: &str) -> BTreeSet<TicketId> {
    let filter = TicketFilter {
        search: Some(search.into()),
        ..TicketFilter::default()
    };
    tickets(store, &filter).await.into_iter().collect()
}

async fn drafted(store: &impl Storage, fixtures: &Fixtures, rows: &IntakeRows) -> ChangelogEntry {
    let entry = fixtures.changelog_entry(rows.ticket.id, rows.reporter.id);
    write(store, Write::InsertChangelogEntry(Box::new(entry.clone()))).await;
    entry
}

async fn notified(
    store: &impl Storage,
    fixtures: &Fixtures,
    rows: &IntakeRows,
    entry: &ChangelogEntry,
) -> Notification {
    let notification = fixtures.notification(entry, &rows.identity);
    write(store, Write::InsertNotification(Box::new(notification.clone()))).await;
    notification
}
