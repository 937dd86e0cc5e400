//! A board in memory: keeps pages as a tracker would, lets a test act as an engineer, fails on command.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use sha2::{Digest, Sha256};

use crate::{
    domain::{TicketId, Timestamp, TrackerPage, TrackerStatus},
    ports::{PortError, PortErrorKind, TrackedTicket, Tracker, TrackerChanges, TrackerUpdate},
    testing::conformance::tracker::{Board, TrackerFault, TrackerHarness},
};

/// 2026-01-01T00:00:00Z, when every board begins.
const START_SECONDS: i64 = 1_767_225_600;

/// One page of a [`ScriptedTracker`].
#[derive(Debug, Clone, PartialEq)]
pub struct BoardPage {
    /// What the page says.
    pub update: TrackerUpdate,
    /// Title.
    pub title: String,
    /// What the hub wrote into the body.
    pub description: String,
    /// What engineers wrote about the solution, in order.
    pub notes: Vec<String>,
    /// Which edit of the board was its last.
    edit: u64,
}

#[derive(Debug, Default)]
struct State {
    pages: HashMap<String, BoardPage>,
    made: u64,
    edits: u64,
    clock: Duration,
    faults: VecDeque<TrackerFault>,
    upserts: Vec<TrackedTicket>,
}

/// A [`Tracker`] for tests of a host or a use case. Clones share one board.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// use feedback_core::{domain::{Timestamp, TrackerStatus}, ports::Tracker, testing::memory::tracker::ScriptedTracker};
/// let board = ScriptedTracker::default();
/// let page = board.add_page("Made by hand");
/// board.move_page(&page, TrackerStatus::Done);
/// let changes = board.changes_since(None, Timestamp::UNIX_EPOCH).await?;
/// assert_eq!(changes.updates[0].status, Some(TrackerStatus::Done));
/// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct ScriptedTracker(Arc<Mutex<State>>);

impl ScriptedTracker {
    /// Lets the next call fail.
    pub fn fail_next(&self, fault: TrackerFault) {
        self.lock().faults.push_back(fault);
    }

    /// The board's clock goes on. It stands still otherwise, but for a second with each edit.
    pub fn pass_time(&self, by: Duration) {
        self.lock().clock += by;
    }

    /// All pages, oldest first.
    pub fn pages(&self) -> Vec<BoardPage> {
        let mut pages: Vec<_> = self.lock().pages.values().cloned().collect();
        pages.sort_by(|a, b| a.update.page_id.cmp(&b.update.page_id));
        pages
    }

    /// The page of a ticket.
    pub fn page_of(&self, ticket: TicketId) -> Option<BoardPage> {
        self.pages().into_iter().find(|page| page.update.ticket == Some(ticket))
    }

    /// What the hub asked to write, oldest first, also where it failed.
    pub fn upserts(&self) -> Vec<TrackedTicket> {
        self.lock().upserts.clone()
    }

    /// An engineer makes a page; its id.
    pub fn add_page(&self, title: &str) -> String {
        let mut state = self.lock();
        state.made += 1;
        let page_id = format!("page-{:06}", state.made);
        let update = TrackerUpdate {
            page_id: page_id.clone(),
            ticket: None,
            status: None,
            status_name: None,
            priority: None,
            ticket_type: None,
            sprint: None,
            edited_at: Timestamp::UNIX_EPOCH,
            edited_by_us: false,
        };
        let page = BoardPage {
            update,
            title: title.to_owned(),
            description: String::new(),
            notes: Vec::new(),
            edit: 0,
        };
        state.pages.insert(page_id.clone(), page);
        state.touch(&page_id, false);
        page_id
    }

    /// An engineer moves the page. Nothing happens where there is none.
    pub fn move_page(&self, page_id: &str, to: TrackerStatus) {
        self.edit(page_id, |page| {
            page.update.status = Some(to);
            page.update.status_name = Some(name_of(to).to_owned());
        });
    }

    /// An engineer edits whatever the page says.
    pub fn edit(&self, page_id: &str, edit: impl FnOnce(&mut BoardPage)) {
        let mut state = self.lock();
        if let Some(page) = state.pages.get_mut(page_id) {
            edit(page);
            state.touch(page_id, false);
        }
    }

    /// An engineer writes about the solution.
    pub fn write_notes(&self, page_id: &str, text: &str) {
        self.edit(page_id, |page| page.notes.push(text.to_owned()));
    }

    /// An engineer deletes the page.
    pub fn delete_page(&self, page_id: &str) {
        self.lock().pages.remove(page_id);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A check that panicked elsewhere leaves whole values behind.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn now(&self) -> Timestamp {
        let start = Timestamp::from_unix_seconds(START_SECONDS).unwrap_or(Timestamp::UNIX_EPOCH);
        start.plus(self.clock + Duration::from_secs(self.edits))
    }

    fn touch(&mut self, page_id: &str, by_us: bool) {
        self.edits += 1;
        let (edit, now) = (self.edits, self.now());
        if let Some(page) = self.pages.get_mut(page_id) {
            page.edit = edit;
            page.update.edited_at = now;
            page.update.edited_by_us = by_us;
        }
    }

    /// The scripted failure of a call that writes nothing.
    fn fail(&mut self, operation: &'static str) -> Result<(), PortError> {
        let fault = self
            .faults
            .pop_front_if(|fault| *fault != TrackerFault::CreatesAndIsSilent);
        fault.map_or(Ok(()), |fault| {
            Err(PortError::new(kind_of(fault), operation).with_reason("scripted"))
        })
    }

    fn upsert(&mut self, ticket: &TrackedTicket) -> Result<TrackerPage, PortError> {
        const OPERATION: &str = "scripted.upsert_page";
        self.upserts.push(ticket.clone());
        self.fail(OPERATION)?;
        let known = match &ticket.page {
            Some(page) if self.pages.contains_key(&page.id) => Some(page.id.clone()),
            Some(_) => return Err(PortError::new(PortErrorKind::NotFound, OPERATION)),
            None => self
                .pages
                .values()
                .find(|page| page.update.ticket == Some(ticket.id))
                .map(|page| page.update.page_id.clone()),
        };
        let is_new = known.is_none();
        let page_id = known.unwrap_or_else(|| {
            self.made += 1;
            format!("page-{:06}", self.made)
        });
        let page = self.pages.entry(page_id.clone()).or_insert_with(|| BoardPage {
            update: TrackerUpdate {
                page_id: page_id.clone(),
                ticket: Some(ticket.id),
                status: None,
                status_name: None,
                priority: None,
                ticket_type: None,
                sprint: None,
                edited_at: Timestamp::UNIX_EPOCH,
                edited_by_us: true,
            },
            title: String::new(),
            description: ticket.description.to_string(),
            notes: Vec::new(),
            edit: 0,
        });
        page.title = ticket.title.to_string();
        page.update.priority = Some(ticket.priority);
        page.update.ticket_type = Some(ticket.ticket_type);
        if let Some(status) = ticket.status {
            page.update.status = Some(status);
            page.update.status_name = Some(name_of(status).to_owned());
        }
        self.touch(&page_id, true);
        if is_new
            && self
                .faults
                .pop_front_if(|fault| *fault == TrackerFault::CreatesAndIsSilent)
                .is_some()
        {
            return Err(PortError::new(PortErrorKind::Unknown, OPERATION).with_reason("scripted"));
        }
        Ok(TrackerPage {
            url: Some(format!("https://board.example.test/{page_id}")),
            pushed_digest: Some(digest_of(ticket)),
            pushed_at: Some(self.now()),
            seen_status: self.pages.get(&page_id).and_then(|page| page.update.status),
            id: page_id,
        })
    }
}

#[async_trait]
impl Tracker for ScriptedTracker {
    async fn upsert_page(&self, ticket: &TrackedTicket) -> Result<TrackerPage, PortError> {
        self.lock().upsert(ticket)
    }

    async fn changes_since(&self, cursor: Option<&str>, start: Timestamp) -> Result<TrackerChanges, PortError> {
        const OPERATION: &str = "scripted.changes_since";
        let mut state = self.lock();
        state.fail(OPERATION)?;
        let seen = match cursor {
            None => 0,
            Some(text) => text
                .parse()
                .map_err(|_| PortError::new(PortErrorKind::Rejected, OPERATION))?,
        };
        let mut changed: Vec<&BoardPage> = state
            .pages
            .values()
            .filter(|page| page.edit > seen && page.update.edited_at >= start)
            .collect();
        changed.sort_by_key(|page| page.edit);
        let updates = changed.into_iter().map(|page| page.update.clone()).collect();
        Ok(TrackerChanges {
            updates,
            cursor: state.edits.to_string(),
        })
    }

    async fn resolution_notes(&self, page_id: &str) -> Result<String, PortError> {
        const OPERATION: &str = "scripted.resolution_notes";
        let mut state = self.lock();
        state.fail(OPERATION)?;
        let page = state
            .pages
            .get(page_id)
            .ok_or_else(|| PortError::new(PortErrorKind::NotFound, OPERATION))?;
        Ok(page.notes.join("\n"))
    }
}

fn name_of(status: TrackerStatus) -> &'static str {
    match status {
        TrackerStatus::ToDo => "To do",
        TrackerStatus::InProgress => "In progress",
        TrackerStatus::Done => "Done",
    }
}

fn kind_of(fault: TrackerFault) -> PortErrorKind {
    match fault {
        TrackerFault::CreatesAndIsSilent => PortErrorKind::Unknown,
        TrackerFault::RateLimited(wait) => PortErrorKind::RateLimited {
            retry_after: Some(wait),
        },
        TrackerFault::Unauthorized => PortErrorKind::Unauthorized,
        TrackerFault::Unavailable => PortErrorKind::Unavailable,
    }
}

/// A digest of everything that is written.
fn digest_of(ticket: &TrackedTicket) -> String {
    let TrackedTicket {
        title,
        ticket_type,
        priority,
        source,
        reporter,
        link,
        status,
        ..
    } = ticket;
    let written = format!("{title:?} {ticket_type} {priority} {source:?} {reporter:?} {link:?} {status:?}");
    hex::encode(Sha256::digest(written))
}

/// The board in memory as the tracker suite wants it.
#[derive(Debug, Clone, Copy, Default)]
pub struct ScriptedBoard;

#[async_trait]
impl TrackerHarness for ScriptedBoard {
    async fn fresh(&self) -> Box<dyn Board> {
        Box::new(ScriptedTracker::default())
    }
}

#[async_trait]
impl Board for ScriptedTracker {
    fn tracker(&self) -> Arc<dyn Tracker> {
        Arc::new(self.clone())
    }

    fn start(&self) -> Timestamp {
        Timestamp::from_unix_seconds(START_SECONDS).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    fn secrets(&self) -> Vec<String> {
        Vec::new()
    }

    async fn pages_of(&self, ticket: TicketId) -> usize {
        self.pages()
            .iter()
            .filter(|page| page.update.ticket == Some(ticket))
            .count()
    }

    async fn body_of(&self, page_id: &str) -> String {
        self.lock()
            .pages
            .get(page_id)
            .map(|page| page.description.clone())
            .unwrap_or_default()
    }

    async fn move_page(&self, page_id: &str, to: TrackerStatus) {
        Self::move_page(self, page_id, to);
    }

    async fn move_to_unknown_column(&self, page_id: &str) {
        self.edit(page_id, |page| {
            page.update.status = None;
            page.update.status_name = Some("Icebox".to_owned());
        });
    }

    async fn write_notes(&self, page_id: &str, text: &str) {
        Self::write_notes(self, page_id, text);
    }

    async fn delete_page(&self, page_id: &str) {
        Self::delete_page(self, page_id);
    }

    async fn add_foreign_page(&self, title: &str) -> String {
        self.add_page(title)
    }

    async fn pass_time(&self, by: Duration) {
        Self::pass_time(self, by);
    }

    async fn fail_next(&self, fault: TrackerFault) {
        Self::fail_next(self, fault);
    }
}
