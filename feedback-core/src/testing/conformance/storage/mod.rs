//! The promises of [`Storage`] and of every [`Write`].

mod access;
mod attachments;
mod changelog;
mod commits;
mod erasure;
mod groups;
mod look_ups;
mod people;
mod tickets;
mod versions;

use std::{future::Future, process::ExitCode, sync::Arc};

use futures::future::join_all;

use self::{
    access::{
        a_call_is_remembered_once, a_cursor_begins_at_version_0_and_has_one_mover, a_session_is_seen_later_and_ends,
        a_shift_has_one_holder_and_is_taken_over_when_it_lapses, a_sign_in_link_is_used_once_by_sixteen,
        a_touch_of_an_ended_session_is_a_no_op, users_and_tokens_keep_what_was_decided,
    },
    attachments::{an_erased_file_is_never_brought_back, files_are_found_by_message_by_ticket_and_by_age},
    changelog::{
        a_notification_is_found_by_message_and_by_marker, a_resolution_has_one_entry_that_is_not_rejected,
        a_ticket_has_one_open_draft, an_idempotency_key_makes_one_notification,
        deliveries_that_wait_for_an_address_are_found_by_it, every_field_of_a_notification_and_its_tries_survives,
        every_field_of_an_entry_survives, notifications_and_tries_come_oldest_first,
        the_newest_entry_of_a_ticket_is_found,
    },
    commits::{
        a_dropped_commit_is_whole_or_nothing, an_empty_change_does_nothing, one_misfit_leaves_nothing_of_its_change,
        the_same_id_twice_is_a_conflict, what_a_write_refers_to_must_be_there, writes_apply_in_their_order,
    },
    erasure::{
        a_groups_title_that_is_an_erased_persons_goes, a_second_erasure_changes_nothing,
        an_erased_persons_rows_hold_no_content, an_update_from_before_an_erasure_conflicts,
        nothing_new_is_recorded_for_an_erased_person, what_others_wrote_stays_beside_an_erased_persons_words,
    },
    groups::{
        a_changed_group_keeps_its_creation_and_a_stale_one_conflicts, a_group_is_found_with_its_members_oldest_first,
        a_known_pair_is_never_suggested_again, a_pair_that_somebody_else_decided_is_a_conflict,
        pairs_come_best_first_whichever_way_round,
    },
    look_ups::{
        a_look_up_sees_every_answered_commit, a_look_up_that_finds_nothing_is_none,
        an_intake_is_found_again_by_every_key, errors_and_debug_say_nothing_of_the_rows,
    },
    people::{
        a_look_up_digest_belongs_to_one_identity_of_a_channel,
        a_merged_reporter_is_found_where_nobody_else_has_the_address, a_verified_email_belongs_to_one_reporter,
        an_unverified_email_or_a_merged_reporter_claims_nothing, an_update_never_takes_a_message_time_back,
        evidence_is_found_by_the_person_and_by_their_addresses, merged_reporters_come_oldest_first,
        the_oldest_reporter_comes_first, touching_keeps_the_later_time_and_raises_no_version,
        undoing_a_link_changes_nothing_else_of_it,
    },
    tickets::{
        a_message_makes_one_source, a_message_without_a_thread_gets_one_and_keeps_it, a_page_belongs_to_one_ticket,
        a_vector_replaces_that_of_its_model, chains_of_sixteen_writers_hold, events_are_chained_in_the_order_of_commit,
        every_field_of_a_ticket_survives, every_kind_of_thread_survives,
        no_number_is_given_twice_under_sixteen_writers, numbers_rise_from_the_first,
        of_sixteen_deliveries_of_a_message_one_is_recorded, sources_come_in_the_order_of_recording,
        tickets_stay_those_of_whoever_wrote_them, tickets_without_a_vector_of_the_model_are_found_oldest_first,
        vectors_of_a_window_come_newest_first,
    },
    versions::{
        a_stale_update_is_a_conflict_and_changes_nothing, an_update_keeps_number_and_creation,
        an_update_of_nothing_is_not_found, an_update_raises_the_version_by_one,
        of_sixteen_updates_of_one_version_one_wins,
    },
};
use super::{Check, Fresh, checks, run_checks};
use crate::{
    domain::{
        ChainHash, Change, ChangelogEntry, ChangelogStatus, CommitReceipt, Decision, Notification, Ticket, TicketId,
        Write,
    },
    ports::{PortError, PortErrorKind, Storage, TicketKey},
    testing::fixtures::{Fixtures, IntakeRows},
};

/// Makes stores for the checks.
pub trait StorageHarness: Send + Sync + 'static {
    /// The store under test.
    type Adapter: Storage;

    /// An empty store.
    fn fresh(&self) -> impl Future<Output = Fresh<Self::Adapter>> + Send;

    /// The stored links of a ticket's chain, oldest first: no port gives them, since only an auditor asks.
    fn chain_of(&self, adapter: &Self::Adapter, ticket: TicketId) -> impl Future<Output = Vec<ChainHash>> + Send;
}

/// Runs all checks as a test binary.
pub fn run<H: StorageHarness>(harness: H) -> ExitCode {
    run_checks(harness, "storage", checks())
}

/// All checks, for a binary that runs several suites.
pub fn checks<H: StorageHarness>() -> &'static [Check<H>] {
    checks![
        an_intake_is_found_again_by_every_key,
        a_look_up_that_finds_nothing_is_none,
        an_empty_change_does_nothing,
        every_field_of_a_ticket_survives,
        every_field_of_an_entry_survives,
        every_field_of_a_notification_and_its_tries_survives,
        every_kind_of_thread_survives,
        a_message_without_a_thread_gets_one_and_keeps_it,
        one_misfit_leaves_nothing_of_its_change,
        writes_apply_in_their_order,
        what_a_write_refers_to_must_be_there,
        the_same_id_twice_is_a_conflict,
        an_update_raises_the_version_by_one,
        a_stale_update_is_a_conflict_and_changes_nothing,
        an_update_of_nothing_is_not_found,
        an_update_keeps_number_and_creation,
        of_sixteen_updates_of_one_version_one_wins,
        numbers_rise_from_the_first,
        no_number_is_given_twice_under_sixteen_writers,
        a_verified_email_belongs_to_one_reporter,
        an_unverified_email_or_a_merged_reporter_claims_nothing,
        a_merged_reporter_is_found_where_nobody_else_has_the_address,
        the_oldest_reporter_comes_first,
        a_look_up_digest_belongs_to_one_identity_of_a_channel,
        touching_keeps_the_later_time_and_raises_no_version,
        an_update_never_takes_a_message_time_back,
        a_message_makes_one_source,
        of_sixteen_deliveries_of_a_message_one_is_recorded,
        sources_come_in_the_order_of_recording,
        a_page_belongs_to_one_ticket,
        a_ticket_has_one_open_draft,
        a_resolution_has_one_entry_that_is_not_rejected,
        the_newest_entry_of_a_ticket_is_found,
        an_idempotency_key_makes_one_notification,
        a_notification_is_found_by_message_and_by_marker,
        notifications_and_tries_come_oldest_first,
        a_known_pair_is_never_suggested_again,
        a_vector_replaces_that_of_its_model,
        vectors_of_a_window_come_newest_first,
        a_cursor_begins_at_version_0_and_has_one_mover,
        a_shift_has_one_holder_and_is_taken_over_when_it_lapses,
        a_call_is_remembered_once,
        users_and_tokens_keep_what_was_decided,
        a_sign_in_link_is_used_once_by_sixteen,
        a_session_is_seen_later_and_ends,
        events_are_chained_in_the_order_of_commit,
        chains_of_sixteen_writers_hold,
        a_dropped_commit_is_whole_or_nothing,
        a_look_up_sees_every_answered_commit,
        errors_and_debug_say_nothing_of_the_rows,
        tickets_without_a_vector_of_the_model_are_found_oldest_first,
        tickets_stay_those_of_whoever_wrote_them,
        merged_reporters_come_oldest_first,
        evidence_is_found_by_the_person_and_by_their_addresses,
        undoing_a_link_changes_nothing_else_of_it,
        deliveries_that_wait_for_an_address_are_found_by_it,
        a_pair_that_somebody_else_decided_is_a_conflict,
        pairs_come_best_first_whichever_way_round,
        a_group_is_found_with_its_members_oldest_first,
        a_changed_group_keeps_its_creation_and_a_stale_one_conflicts,
        files_are_found_by_message_by_ticket_and_by_age,
        an_erased_file_is_never_brought_back,
        an_erased_persons_rows_hold_no_content,
        what_others_wrote_stays_beside_an_erased_persons_words,
        a_groups_title_that_is_an_erased_persons_goes,
        a_second_erasure_changes_nothing,
        an_update_from_before_an_erasure_conflicts,
        nothing_new_is_recorded_for_an_erased_person,
        a_touch_of_an_ended_session_is_a_no_op,
    ]
}

async fn commit(store: &impl Storage, change: Change) -> CommitReceipt {
    store.commit(change).await.expect("the change fits")
}

async fn write(store: &impl Storage, write: Write) {
    commit(store, Change::new().with(write)).await;
}

async fn refused(store: &impl Storage, write: Write) -> PortErrorKind {
    store
        .commit(Change::new().with(write))
        .await
        .expect_err("the write does not fit")
        .kind()
}

/// An intake, committed; the ticket as it is stored.
async fn intake(store: &impl Storage, fixtures: &Fixtures) -> (IntakeRows, Ticket) {
    let rows = fixtures.intake();
    let receipt = commit(store, rows.change()).await;
    let number = receipt.number_of(rows.ticket.id).expect("a new ticket has a number");
    let ticket = rows.stored_ticket(number);
    (rows, ticket)
}

async fn ticket(store: &impl Storage, id: TicketId) -> Ticket {
    store
        .ticket(TicketKey::Id(id))
        .await
        .expect("look-ups work")
        .expect("the ticket is there")
}

/// An approved entry with a notification, committed.
async fn approved(store: &impl Storage, fixtures: &Fixtures) -> (IntakeRows, ChangelogEntry, Notification) {
    let (rows, _) = intake(store, fixtures).await;
    let mut entry = fixtures.changelog_entry(rows.ticket.id, rows.reporter.id);
    entry.status = ChangelogStatus::Approved;
    entry.decision = Some(Decision {
        by: Some(fixtures.id()),
        at: fixtures.now(),
        seen_version: 1,
        reason: None,
    });
    let notification = fixtures.notification(&entry, &rows.identity);
    let change = Change::new()
        .with(Write::InsertChangelogEntry(Box::new(entry.clone())))
        .with(Write::InsertNotification(Box::new(notification.clone())));
    commit(store, change).await;
    (rows, entry, notification)
}

/// Commits sixteen changes at once, each from a task of its own.
async fn sixteen<S: Storage>(
    store: &Arc<S>,
    change: impl Fn(usize) -> Change,
) -> Vec<Result<CommitReceipt, PortError>> {
    let tasks = (0..16).map(|number| {
        let (store, change) = (Arc::clone(store), change(number));
        tokio::spawn(async move { store.commit(change).await })
    });
    join_all(tasks)
        .await
        .into_iter()
        .map(|result| result.expect("no task panics"))
        .collect()
}

fn only_winner(results: &[Result<CommitReceipt, PortError>]) -> usize {
    let winners: Vec<usize> = (0..results.len()).filter(|&number| results[number].is_ok()).collect();
    assert_eq!(winners.len(), 1, "winners: {winners:?}");
    for error in results.iter().filter_map(|result| result.as_ref().err()) {
        assert_eq!(error.kind(), PortErrorKind::Conflict);
    }
    winners[0]
}
