//! What [`Tracker`] promises.
//!
//! The suite plays the hub; a [`Board`] is the engineers' side of the same tracker: they move, annotate and delete
//! pages, and the tracker fails on command.

#![expect(
    clippy::unwrap_used,
    reason = "a check fails by panicking, under the name of the promise"
)]

use std::{process::ExitCode, sync::Arc, time::Duration};

use async_trait::async_trait;
use libtest_mimic::{Arguments, Trial};
use uuid::Uuid;

use super::{Check, trials};
use crate::{
    domain::{Priority, Scrubbed, TicketId, TicketNumber, TicketType, Timestamp, TrackerStatus},
    ports::{PortError, PortErrorKind, TrackedTicket, Tracker, TrackerChanges, TrackerUpdate},
};

/// A word of the tickets below that no error may repeat.
const CANARY: &str = "zarzamora";

/// Makes fresh boards for the suite.
#[async_trait]
pub trait TrackerHarness: Send + Sync + 'static {
    /// An empty board of its own, and the tracker that writes to it. Dropping it stops whatever stands behind it.
    async fn fresh(&self) -> Box<dyn Board>;
}

/// The engineers' side of the tracker under test.
#[async_trait]
pub trait Board: Send + Sync {
    /// The adapter. Its time limit should be short, since the suite lets answers get lost.
    fn tracker(&self) -> Arc<dyn Tracker>;

    /// A moment before anything happened on the board.
    fn start(&self) -> Timestamp;

    /// What must appear in no error and no `Debug`: tokens.
    fn secrets(&self) -> Vec<String>;

    /// How many pages the board has for a ticket.
    async fn pages_of(&self, ticket: TicketId) -> usize;

    /// The page's body as a person reads it there.
    async fn body_of(&self, page_id: &str) -> String;

    /// An engineer moves the page.
    async fn move_page(&self, page_id: &str, to: TrackerStatus);

    /// An engineer moves the page to a column that stands for no status.
    async fn move_to_unknown_column(&self, page_id: &str);

    /// An engineer writes about the solution on the page.
    async fn write_notes(&self, page_id: &str, text: &str);

    /// An engineer deletes the page.
    async fn delete_page(&self, page_id: &str);

    /// An engineer makes a page that has nothing to do with the hub, and its id.
    async fn add_foreign_page(&self, title: &str) -> String;

    /// Time passes on the board.
    async fn pass_time(&self, by: Duration);

    /// Lets the next request fail.
    async fn fail_next(&self, fault: TrackerFault);
}

/// How a tracker lets its client down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TrackerFault {
    /// The next request that *creates a page* does it, and the answer is lost.
    CreatesAndIsSilent,
    /// Too many requests; wait so long.
    RateLimited(Duration),
    /// The token is not accepted.
    Unauthorized,
    /// It cannot now.
    Unavailable,
}

/// Runs the suite as a test binary.
pub fn run(harness: impl TrackerHarness) -> ExitCode {
    libtest_mimic::run(&Arguments::from_args(), tracker_trials(harness)).exit_code()
}

/// The trials of the suite, for a binary that runs several.
pub fn tracker_trials(harness: impl TrackerHarness) -> Vec<Trial> {
    let harness: Arc<dyn TrackerHarness> = Arc::new(harness);
    trials(harness, "tracker", PROMISES)
}

macro_rules! checks {
    ($($name:ident),* $(,)?) => {
        &[$(Check {
            name: stringify!($name),
            run: |harness: &Arc<dyn TrackerHarness>| Box::pin(async move { $name(harness.fresh().await.as_ref()).await }),
        }),*]
    };
}

static PROMISES: &[Check<Arc<dyn TrackerHarness>>] = checks![
    the_same_ticket_twice_leaves_one_page_and_one_id,
    a_ticket_whose_page_was_forgotten_finds_it_again,
    a_lost_answer_leaves_one_page,
    a_dropped_call_leaves_one_page,
    what_is_written_comes_back,
    a_title_and_a_body_of_any_length_arrive_whole,
    without_a_status_the_engineers_word_stays,
    an_update_brings_the_page_up_to_date,
    an_engineers_move_is_seen_and_is_not_ours,
    every_edit_of_one_minute_is_seen,
    a_poll_that_was_not_stored_is_answered_again,
    more_pages_than_fit_in_one_answer_all_come,
    changes_come_in_the_order_of_edits,
    a_quiet_board_moves_nothing,
    a_page_of_the_engineers_has_no_ticket,
    a_column_of_no_meaning_has_a_name_and_no_status,
    a_deleted_page_is_not_found,
    notes_are_the_engineers_words_and_not_ours,
    failures_say_what_may_be_done,
    the_cursor_survives_a_failure,
    errors_and_debug_show_neither_secret_nor_text,
];

fn ticket(number: u64) -> TrackedTicket {
    TrackedTicket {
        id: TicketId::from_uuid(Uuid::from_u128(
            0x0190_0000_0000_7000_8000_0000_0000_0000 + u128::from(number),
        )),
        number: TicketNumber::new(number),
        title: Scrubbed::from_scrubber(format!("La {CANARY} {number} no abre")),
        description: Scrubbed::from_scrubber(format!("Desde hoy la {CANARY} {number} no abre, dice [NAME_1].")),
        ticket_type: TicketType::Bug,
        priority: Priority::P2,
        source: "Slack".to_owned(),
        reporter: "Reporter 7f3a".to_owned(),
        link: Some(format!("https://hub.example.test/tickets/{number}")),
        status: Some(TrackerStatus::ToDo),
        page: None,
    }
}

/// The last answer that holds the page.
fn of<'c>(changes: &'c TrackerChanges, page_id: &str) -> Option<&'c TrackerUpdate> {
    changes.updates.iter().rev().find(|update| update.page_id == page_id)
}

async fn all(board: &dyn Board) -> TrackerChanges {
    board.tracker().changes_since(None, board.start()).await.unwrap()
}

async fn since(board: &dyn Board, cursor: &str) -> TrackerChanges {
    board
        .tracker()
        .changes_since(Some(cursor), board.start())
        .await
        .unwrap()
}

async fn the_same_ticket_twice_leaves_one_page_and_one_id(board: &dyn Board) {
    let mut ticket = ticket(1);
    let first = board.tracker().upsert_page(&ticket).await.unwrap();
    ticket.page = Some(first.clone());
    let second = board.tracker().upsert_page(&ticket).await.unwrap();
    assert_eq!(first.id, second.id);
    assert_eq!(board.pages_of(ticket.id).await, 1);
}

async fn a_ticket_whose_page_was_forgotten_finds_it_again(board: &dyn Board) {
    let first = board.tracker().upsert_page(&ticket(1)).await.unwrap();
    let second = board.tracker().upsert_page(&ticket(1)).await.unwrap();
    let other = board.tracker().upsert_page(&ticket(2)).await.unwrap();
    assert_eq!(first.id, second.id);
    assert_ne!(first.id, other.id);
    assert_eq!(
        (board.pages_of(ticket(1).id).await, board.pages_of(ticket(2).id).await),
        (1, 1)
    );
}

async fn a_lost_answer_leaves_one_page(board: &dyn Board) {
    board.fail_next(TrackerFault::CreatesAndIsSilent).await;
    let error = board.tracker().upsert_page(&ticket(1)).await.unwrap_err();
    assert_eq!(error.kind(), PortErrorKind::Unknown, "{error}");
    board.tracker().upsert_page(&ticket(1)).await.unwrap();
    assert_eq!(board.pages_of(ticket(1).id).await, 1);
}

async fn a_dropped_call_leaves_one_page(board: &dyn Board) {
    for wait in [0, 1, 3, 10] {
        // Whether the call ends in time does not matter: it may have acted or not.
        let _ = tokio::time::timeout(Duration::from_millis(wait), board.tracker().upsert_page(&ticket(1))).await;
        // A request that is still on its way lands before the next call, as it does behind a job's backoff.
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
    board.tracker().upsert_page(&ticket(1)).await.unwrap();
    assert_eq!(board.pages_of(ticket(1).id).await, 1);
}

async fn what_is_written_comes_back(board: &dyn Board) {
    let page = board.tracker().upsert_page(&ticket(1)).await.unwrap();
    let changes = all(board).await;
    let update = of(&changes, &page.id).expect("a new page is a change");
    assert_eq!(update.ticket, Some(ticket(1).id));
    assert_eq!(
        (update.status, update.priority),
        (Some(TrackerStatus::ToDo), Some(Priority::P2))
    );
    assert_eq!(update.ticket_type, Some(TicketType::Bug));
    assert!(update.edited_by_us, "the last edit was ours");
    assert!(update.edited_at >= board.start());
    assert!(page.pushed_digest.is_some(), "our own echo is known by it");
}

async fn a_title_and_a_body_of_any_length_arrive_whole(board: &dyn Board) {
    let mut ticket = ticket(1);
    let body = "El botón no hace nada 👩‍👩‍👧‍👦, ñandú. ".repeat(400);
    ticket.description = Scrubbed::from_scrubber(body.clone());
    ticket.title = Scrubbed::from_scrubber("Título 👩‍👩‍👧‍👦 largo ".repeat(200));
    let page = board.tracker().upsert_page(&ticket).await.unwrap();
    let without_space = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
    assert!(without_space(&board.body_of(&page.id).await).contains(&without_space(&body)));
}

async fn without_a_status_the_engineers_word_stays(board: &dyn Board) {
    let page = board.tracker().upsert_page(&ticket(1)).await.unwrap();
    board.move_page(&page.id, TrackerStatus::InProgress).await;
    let later = TrackedTicket {
        status: None,
        page: Some(page.clone()),
        ..ticket(1)
    };
    board.tracker().upsert_page(&later).await.unwrap();
    let changes = all(board).await;
    assert_eq!(of(&changes, &page.id).unwrap().status, Some(TrackerStatus::InProgress));
}

async fn an_update_brings_the_page_up_to_date(board: &dyn Board) {
    let page = board.tracker().upsert_page(&ticket(1)).await.unwrap();
    let later = TrackedTicket {
        priority: Priority::P0,
        ticket_type: TicketType::Incident,
        status: Some(TrackerStatus::Done),
        page: Some(page.clone()),
        ..ticket(1)
    };
    let after = board.tracker().upsert_page(&later).await.unwrap();
    assert_ne!(
        after.pushed_digest, page.pushed_digest,
        "another content has another digest"
    );
    let changes = all(board).await;
    let update = of(&changes, &page.id).unwrap();
    assert_eq!(
        (update.priority, update.ticket_type),
        (Some(Priority::P0), Some(TicketType::Incident))
    );
    assert_eq!(update.status, Some(TrackerStatus::Done));
}

async fn an_engineers_move_is_seen_and_is_not_ours(board: &dyn Board) {
    let page = board.tracker().upsert_page(&ticket(1)).await.unwrap();
    let cursor = all(board).await.cursor;
    board.pass_time(Duration::from_secs(600)).await;
    board.move_page(&page.id, TrackerStatus::Done).await;
    let changes = since(board, &cursor).await;
    let update = of(&changes, &page.id).expect("the move is a change");
    assert_eq!(update.status, Some(TrackerStatus::Done));
    assert!(!update.edited_by_us);
}

async fn every_edit_of_one_minute_is_seen(board: &dyn Board) {
    let page = board.tracker().upsert_page(&ticket(1)).await.unwrap();
    let mut cursor = all(board).await.cursor;
    for status in [TrackerStatus::InProgress, TrackerStatus::ToDo, TrackerStatus::Done] {
        board.move_page(&page.id, status).await;
        let changes = since(board, &cursor).await;
        assert_eq!(of(&changes, &page.id).and_then(|update| update.status), Some(status));
        cursor = changes.cursor;
    }
}

async fn a_poll_that_was_not_stored_is_answered_again(board: &dyn Board) {
    let page = board.tracker().upsert_page(&ticket(1)).await.unwrap();
    let cursor = all(board).await.cursor;
    board.move_page(&page.id, TrackerStatus::Done).await;
    for _ in 0..2 {
        let changes = since(board, &cursor).await;
        assert_eq!(
            of(&changes, &page.id).and_then(|update| update.status),
            Some(TrackerStatus::Done)
        );
    }
}

async fn more_pages_than_fit_in_one_answer_all_come(board: &dyn Board) {
    let mut made = Vec::new();
    for number in 1..=105 {
        made.push(board.tracker().upsert_page(&ticket(number)).await.unwrap().id);
    }
    let mut changes = all(board).await;
    let mut seen: Vec<String> = changes.updates.iter().map(|update| update.page_id.clone()).collect();
    // An adapter may give a long answer in parts, each under a cursor that moves on.
    for _ in 0..10 {
        changes = since(board, &changes.cursor).await;
        seen.extend(changes.updates.iter().map(|update| update.page_id.clone()));
    }
    assert!(
        made.iter().all(|page| seen.contains(page)),
        "{} of {} pages came",
        seen.len(),
        made.len()
    );
}

async fn changes_come_in_the_order_of_edits(board: &dyn Board) {
    for number in 1..=3 {
        board.tracker().upsert_page(&ticket(number)).await.unwrap();
        board.pass_time(Duration::from_secs(120)).await;
    }
    let changes = all(board).await;
    assert_eq!(changes.updates.len(), 3);
    assert!(changes.updates.is_sorted_by_key(|update| update.edited_at));
}

async fn a_quiet_board_moves_nothing(board: &dyn Board) {
    let page = board.tracker().upsert_page(&ticket(1)).await.unwrap();
    let first = all(board).await;
    board.pass_time(Duration::from_secs(3_600)).await;
    let second = since(board, &first.cursor).await;
    let third = since(board, &second.cursor).await;
    // A page may come again, but then unchanged.
    for changes in [&second, &third] {
        assert!(
            changes
                .updates
                .iter()
                .all(|update| update.page_id == page.id && update.status == Some(TrackerStatus::ToDo))
        );
    }
    board.move_page(&page.id, TrackerStatus::Done).await;
    let fourth = since(board, &third.cursor).await;
    assert_eq!(
        of(&fourth, &page.id).and_then(|update| update.status),
        Some(TrackerStatus::Done)
    );
}

async fn a_page_of_the_engineers_has_no_ticket(board: &dyn Board) {
    let foreign = board.add_foreign_page("Buy more coffee").await;
    let changes = all(board).await;
    if let Some(update) = of(&changes, &foreign) {
        assert_eq!(update.ticket, None);
        assert!(!update.edited_by_us);
    }
}

async fn a_column_of_no_meaning_has_a_name_and_no_status(board: &dyn Board) {
    let page = board.tracker().upsert_page(&ticket(1)).await.unwrap();
    board.move_to_unknown_column(&page.id).await;
    let changes = all(board).await;
    let update = of(&changes, &page.id).unwrap();
    assert_eq!(update.status, None);
    assert!(update.status_name.as_deref().is_some_and(|name| !name.is_empty()));
}

async fn a_deleted_page_is_not_found(board: &dyn Board) {
    let page = board.tracker().upsert_page(&ticket(1)).await.unwrap();
    board.delete_page(&page.id).await;
    let known = TrackedTicket {
        page: Some(page.clone()),
        ..ticket(1)
    };
    assert_eq!(
        board.tracker().upsert_page(&known).await.unwrap_err().kind(),
        PortErrorKind::NotFound
    );
    assert_eq!(
        board.tracker().resolution_notes(&page.id).await.unwrap_err().kind(),
        PortErrorKind::NotFound
    );
    let anew = board.tracker().upsert_page(&ticket(1)).await.unwrap();
    assert_ne!(anew.id, page.id, "without the page it is created anew");
}

async fn notes_are_the_engineers_words_and_not_ours(board: &dyn Board) {
    let page = board.tracker().upsert_page(&ticket(1)).await.unwrap();
    assert_eq!(board.tracker().resolution_notes(&page.id).await.unwrap(), "");
    board.write_notes(&page.id, "The cache kept an old total.").await;
    board
        .write_notes(&page.id, "It is cleared after each payment now.")
        .await;
    let notes = board.tracker().resolution_notes(&page.id).await.unwrap();
    assert!(notes.contains("The cache kept an old total."), "{notes}");
    assert!(notes.contains("It is cleared after each payment now."), "{notes}");
    assert!(!notes.contains(CANARY), "our own description is no note: {notes}");
}

/// One call of each kind, each with the fault before it.
async fn failures(board: &dyn Board, fault: TrackerFault) -> Vec<PortError> {
    let tracker = board.tracker();
    let page = tracker.upsert_page(&ticket(1)).await.unwrap();
    let mut errors = Vec::new();
    board.fail_next(fault).await;
    errors.push(
        tracker
            .upsert_page(&TrackedTicket {
                page: Some(page.clone()),
                ..ticket(1)
            })
            .await
            .unwrap_err(),
    );
    board.fail_next(fault).await;
    errors.push(tracker.upsert_page(&ticket(2)).await.unwrap_err());
    board.fail_next(fault).await;
    errors.push(tracker.changes_since(None, board.start()).await.unwrap_err());
    board.fail_next(fault).await;
    errors.push(tracker.resolution_notes(&page.id).await.unwrap_err());
    errors
}

async fn failures_say_what_may_be_done(board: &dyn Board) {
    let wait = Duration::from_secs(7);
    for (fault, kind) in [
        (
            TrackerFault::RateLimited(wait),
            PortErrorKind::RateLimited {
                retry_after: Some(wait),
            },
        ),
        (TrackerFault::Unauthorized, PortErrorKind::Unauthorized),
        (TrackerFault::Unavailable, PortErrorKind::Unavailable),
    ] {
        for error in failures(board, fault).await {
            assert_eq!(error.kind(), kind, "{error}");
        }
    }
}

async fn the_cursor_survives_a_failure(board: &dyn Board) {
    let page = board.tracker().upsert_page(&ticket(1)).await.unwrap();
    let cursor = all(board).await.cursor;
    board.move_page(&page.id, TrackerStatus::Done).await;
    board.fail_next(TrackerFault::Unavailable).await;
    assert!(
        board
            .tracker()
            .changes_since(Some(&cursor), board.start())
            .await
            .is_err()
    );
    let changes = since(board, &cursor).await;
    assert_eq!(
        of(&changes, &page.id).and_then(|update| update.status),
        Some(TrackerStatus::Done)
    );
}

async fn errors_and_debug_show_neither_secret_nor_text(board: &dyn Board) {
    let mut shown = format!("{:?}", board.tracker());
    for fault in [TrackerFault::Unauthorized, TrackerFault::Unavailable] {
        for error in failures(board, fault).await {
            shown.push_str(&format!("{error} {error:?}"));
        }
    }
    assert!(!shown.contains(CANARY), "the ticket's text is in {shown}");
    for secret in board.secrets() {
        assert!(!shown.contains(&secret), "a secret is in {shown}");
    }
}
