//! The port: pages made once, changes polled, notes read.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use feedback_core::{
    domain::{TicketId, Timestamp, TrackerPage},
    ports::{PortError, PortErrorKind, TrackedTicket, Tracker, TrackerChanges},
};
use feedback_http_client::ConfigError;
use serde_json::{Value, json};

use crate::{
    NotionConfig,
    board::{Board, MissingColumn},
    client::{Client, Turn},
    content::{digest, new_page, properties},
    mapping::{has_new_option, update},
    notes::{Line, is_separate, notes},
    poll::{Poll, Sweep},
    wire::{Block, List, Page, bare},
};

/// Rows of one poll, after which the rest waits for the next one.
const MAX_ROWS: usize = 1_000;
/// Requests for one page's content, and how deep it is read: notes are short, and a toggle in a toggle is deep enough.
const MAX_CONTENT_CALLS: usize = 20;
const MAX_DEPTH: usize = 3;

/// Notion as the engineers' board. Made without I/O; the board's schema is read at the first call and kept.
pub struct Notion {
    client: Client,
    config: NotionConfig,
    board: Mutex<Option<Arc<Board>>>,
}

/// What a look at the board found, for a person who sets the hub up.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NotionHealth {
    /// The integration's name, where Notion gives it.
    pub integration: Option<String>,
    /// The board's name.
    pub board: String,
    /// Configured columns that the board does not have: they are left out.
    pub missing_properties: Vec<String>,
    /// Status options that mean nothing to the hub.
    pub statuses_without_meaning: Vec<String>,
}

impl Notion {
    /// Checks the configuration. No I/O.
    ///
    /// # Errors
    /// Where the token, the id, the version or the address cannot be right, or no TLS provider is installed.
    pub fn new(config: NotionConfig) -> Result<Self, ConfigError> {
        let id = bare(&config.data_source_id);
        if id.len() != 32 || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(ConfigError::Setting {
                name: "data_source_id",
                problem: "it is not an id of 32 hex digits",
            });
        }
        Ok(Self {
            client: Client::new(&config)?,
            config,
            board: Mutex::new(None),
        })
    }

    /// Looks at the integration and the board anew and says what a person may want to repair.
    ///
    /// # Errors
    /// As the calls of the port: `Unauthorized` for a bad token or a board that is not shared, `Rejected` for a board
    /// without the columns that it must have.
    pub async fn health(&self) -> Result<NotionHealth, PortError> {
        let turn = self.client.turn("notion.health");
        self.forget_board();
        let me = self.client.me(&turn).await?;
        let board = self.board(&turn).await?;
        Ok(NotionHealth {
            integration: me.name,
            board: board.name.clone(),
            missing_properties: board.missing.clone(),
            statuses_without_meaning: board.statuses.without_meaning(),
        })
    }

    /// The board, read where it is not known. Two first callers at once both read it, which harms nobody.
    async fn board(&self, turn: &Turn) -> Result<Arc<Board>, PortError> {
        let known = self.lock().clone();
        if let Some(board) = known {
            return Ok(board);
        }
        let bot = self.client.me(turn).await?;
        let source = match self.client.data_source(turn, &self.config.data_source_id).await? {
            Some(source) => source,
            None => self.only_source_of_database(turn).await?,
        };
        let board = Board::new(&source, &bot, &self.config).map_err(|MissingColumn(name)| {
            let reason = format!("the data source has no such text property: {name}");
            turn.failed(PortErrorKind::Rejected)
                .with_code("missing_property")
                .with_reason(reason)
        })?;
        for name in &board.missing {
            tracing::warn!(property = name, "the Notion board lacks a property, which is left out");
        }
        let board = Arc::new(board);
        *self.lock() = Some(Arc::clone(&board));
        Ok(board)
    }

    /// The id in a Notion address is the database's: good enough where it has one data source.
    async fn only_source_of_database(&self, turn: &Turn) -> Result<crate::wire::DataSource, PortError> {
        let not_shared = || {
            let reason = "the data source does not exist or is not shared with the integration";
            turn.failed(PortErrorKind::Unauthorized)
                .with_code("object_not_found")
                .with_reason(reason)
        };
        let database = self.client.database(turn, &self.config.data_source_id).await?;
        match database.data_sources.as_slice() {
            [only] => self.client.data_source(turn, &only.id).await?.ok_or_else(not_shared),
            [] => Err(not_shared()),
            several => {
                let reason = format!(
                    "the id is that of a database with {} data sources: name one",
                    several.len()
                );
                Err(turn
                    .failed(PortErrorKind::Rejected)
                    .with_code("several_data_sources")
                    .with_reason(reason))
            }
        }
    }

    fn forget_board(&self) {
        *self.lock() = None;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Arc<Board>>> {
        // Only whole values are put in, so that a panic elsewhere leaves nothing half done.
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes the ticket, under the board as it is known.
    async fn write(&self, turn: &Turn, board: &Board, ticket: &TrackedTicket) -> Result<TrackerPage, PortError> {
        let properties = properties(ticket, board);
        let known = match &ticket.page {
            Some(page) => Some(page.id.clone()),
            None => self.find(turn, board, ticket.id).await?,
        };
        let page = match known {
            Some(id) => self.update(turn, &id, &properties).await?,
            None => self.client.create_page(turn, &new_page(ticket, board)).await?,
        };
        let said = update(&page, board);
        Ok(TrackerPage {
            url: page.url,
            pushed_digest: Some(digest(&properties)),
            pushed_at: said.as_ref().map(|said| said.edited_at),
            seen_status: said.and_then(|said| said.status),
            id: page.id,
        })
    }

    /// The oldest page with the ticket's id on it. Two are there only where two hosts once made one each.
    async fn find(&self, turn: &Turn, board: &Board, ticket: TicketId) -> Result<Option<String>, PortError> {
        let body = json!({
            "filter": {"property": board.hub_id.id, "rich_text": {"equals": ticket.to_string()}},
            "sorts": [{"timestamp": "created_time", "direction": "ascending"}],
            "page_size": 2,
        });
        let found = self.client.query(turn, &board.data_source, &body).await?;
        if found.results.len() > 1 {
            tracing::warn!(ticket.id = %ticket, "the Notion board has more than one page of a ticket; the oldest counts");
        }
        Ok(found
            .results
            .first()
            .and_then(|page| page["id"].as_str())
            .map(str::to_owned))
    }

    /// Changes a page. A page in the trash answers 400 like any mistake: a look at it tells them apart.
    async fn update(&self, turn: &Turn, id: &str, properties: &Value) -> Result<Page, PortError> {
        let error = match self
            .client
            .update_page(turn, id, &json!({"properties": properties}))
            .await
        {
            Ok(page) => return Ok(page),
            Err(error) if error.kind() == PortErrorKind::Rejected => error,
            Err(error) => return Err(error),
        };
        let page = self.client.page(turn, id).await?;
        Err(if is_deleted(&page) {
            turn.failed(PortErrorKind::NotFound).with_code("in_trash")
        } else {
            error
        })
    }

    /// Reads pages from the poll's minute on. From each full answer it goes on at the last minute read and not at an
    /// offset; only within one minute there is no other way than Notion's own cursor.
    async fn sweep(&self, turn: &Turn, board: &Board, poll: Poll) -> Result<TrackerChanges, PortError> {
        let (mut from, mut cursor, mut rows) = (poll.from(), None::<String>, 0);
        let mut sweep = Sweep::new(poll);
        loop {
            let answer = self.changed_from(turn, board, from, cursor.as_deref()).await?;
            rows += answer.results.len();
            self.take_all(&answer, board, &mut sweep);
            let is_cut = answer
                .request_status
                .is_some_and(|status| status.incomplete_reason.is_some());
            if !answer.has_more && !is_cut {
                break;
            }
            if sweep.has_progress() && (rows >= MAX_ROWS || !turn.has_time()) {
                break;
            }
            if sweep.newest() > from {
                (from, cursor) = (sweep.newest(), None);
            } else if is_cut || answer.next_cursor.is_none() {
                // Ten thousand edits in one minute: Notion gives no way past them.
                return Err(turn
                    .failed(PortErrorKind::Rejected)
                    .with_code("query_result_limit_reached"));
            } else {
                cursor = answer.next_cursor;
            }
        }
        Ok(sweep.finish())
    }

    async fn changed_from(
        &self,
        turn: &Turn,
        board: &Board,
        from: Timestamp,
        cursor: Option<&str>,
    ) -> Result<List, PortError> {
        let mut body = json!({
            "filter": {"timestamp": "last_edited_time", "last_edited_time": {"on_or_after": from.to_string()}},
            "sorts": [{"timestamp": "last_edited_time", "direction": "ascending"}],
            "page_size": 100,
        });
        if let Some(cursor) = cursor {
            body["start_cursor"] = json!(cursor);
        }
        self.client
            .query(turn, &board.data_source, &body)
            .await
            .map_err(|error| match error.kind() {
                // A cursor went stale: the next poll begins where this one did.
                PortErrorKind::Rejected if cursor.is_some() => turn
                    .failed(PortErrorKind::Unavailable)
                    .with_code("stale_cursor")
                    .with_source(error),
                _ => error,
            })
    }

    fn take_all(&self, answer: &List, board: &Board, sweep: &mut Sweep) {
        for item in &answer.results {
            // Where access is limited Notion gives an id and nothing else.
            let Ok(page) = serde_json::from_value::<Page>(item.clone()) else {
                continue;
            };
            if has_new_option(&page, board) {
                self.forget_board();
            }
            match update(&page, board) {
                Some(update) => sweep.take(update),
                None => tracing::warn!("a Notion page has no readable edit time and was left out"),
            }
        }
    }

    /// All lines of a page, children below their parents, within the limits above.
    async fn lines(&self, turn: &Turn, page_id: &str, bot: &str) -> Result<Vec<Line>, PortError> {
        let mut lines = Vec::new();
        // A stack of what is still to read: siblings of a level, and the level's place in the answer's order.
        let mut open = vec![Open {
            id: page_id.to_owned(),
            cursor: None,
            depth: 0,
            queued: Vec::new(),
        }];
        let mut calls = 0;
        while let Some(mut level) = open.pop() {
            if level.queued.is_empty() {
                if calls == MAX_CONTENT_CALLS {
                    tracing::warn!("a Notion page has more content than is read for notes");
                    break;
                }
                calls += 1;
                let answer = self.client.children(turn, &level.id, level.cursor.as_deref()).await?;
                level.cursor = answer.next_cursor.filter(|_| answer.has_more);
                level.queued = answer
                    .results
                    .into_iter()
                    .rev()
                    .filter_map(|block| serde_json::from_value(block).ok())
                    .collect();
            }
            let block = level.queued.pop();
            let is_open = !level.queued.is_empty() || level.cursor.is_some();
            let depth = level.depth + 1;
            if is_open {
                open.push(level);
            }
            let Some(block) = block.filter(|block| !is_separate(block)) else {
                continue;
            };
            lines.extend(Line::of(&block, bot));
            if block.has_children && depth < MAX_DEPTH {
                open.push(Open {
                    id: block.id,
                    cursor: None,
                    depth,
                    queued: Vec::new(),
                });
            }
        }
        Ok(lines)
    }
}

/// A list of siblings that is being read.
struct Open {
    id: String,
    cursor: Option<String>,
    depth: usize,
    /// Blocks that were read and not yet looked at, last one first.
    queued: Vec<Block>,
}

fn is_deleted(page: &Page) -> bool {
    page.in_trash || page.archived
}

#[async_trait]
impl Tracker for Notion {
    #[tracing::instrument(name = "notion.upsert_page", skip_all, fields(ticket.id = %ticket.id))]
    async fn upsert_page(&self, ticket: &TrackedTicket) -> Result<TrackerPage, PortError> {
        let turn = self.client.turn("notion.upsert_page");
        let board = self.board(&turn).await?;
        let refused = match self.write(&turn, &board, ticket).await {
            Err(error) if error.kind() == PortErrorKind::Rejected => error,
            other => return other,
        };
        // The columns may have changed since they were read. Nothing was written, so that one more try is no repeat.
        self.forget_board();
        let board_now = self.board(&turn).await?;
        if *board_now == *board {
            return Err(refused);
        }
        self.write(&turn, &board_now, ticket).await
    }

    #[tracing::instrument(name = "notion.changes_since", skip_all)]
    async fn changes_since(&self, cursor: Option<&str>, start: Timestamp) -> Result<TrackerChanges, PortError> {
        let turn = self.client.turn("notion.changes_since");
        let board = self.board(&turn).await?;
        self.sweep(&turn, &board, Poll::resume(cursor, start)).await
    }

    #[tracing::instrument(name = "notion.resolution_notes", skip_all)]
    async fn resolution_notes(&self, page_id: &str) -> Result<String, PortError> {
        let turn = self.client.turn("notion.resolution_notes");
        let board = self.board(&turn).await?;
        // Content of a page in the trash can still be read, so that the page itself is asked first.
        if is_deleted(&self.client.page(&turn, page_id).await?) {
            return Err(turn.failed(PortErrorKind::NotFound).with_code("in_trash"));
        }
        Ok(notes(&self.lines(&turn, page_id, &board.bot).await?))
    }
}

impl fmt::Debug for Notion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notion")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
