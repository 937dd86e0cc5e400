//! What people do in Notion, and what a test may ask.

use std::{collections::BTreeMap, sync::Arc};

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;

use super::{
    Author, State, Version, block_draft::paragraphs, block_store::Place, page::Page, schema::Kind, signal, value::Cell,
};
use crate::{Provider, RecordedRequest, world::World};

/// A page as a member sees it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct NotionPage {
    /// With dashes.
    pub id: String,
    /// When it was created, exactly.
    pub created_at: DateTime<Utc>,
    /// When it was last edited, exactly; the API shows the minute only.
    pub last_edited_at: DateTime<Utc>,
    /// Whether the last edit was the integration's own.
    pub is_last_edited_by_integration: bool,
    /// The title.
    pub title: String,
    /// The status.
    pub status: Option<String>,
    /// What each column reads; empty ones are left out.
    pub properties: BTreeMap<String, String>,
    /// The content, a line for each block.
    pub content: Vec<String>,
    /// Whether it is in the trash.
    pub is_in_trash: bool,
}

/// No page has this id, or the board has no such status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownPage;

impl std::fmt::Display for UnknownPage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the Notion board has no such page or status")
    }
}

impl std::error::Error for UnknownPage {}

/// What people and the integration did in Notion.
#[derive(Debug, Clone)]
pub struct Notion {
    world: Arc<World>,
}

impl Notion {
    pub(crate) fn new(world: Arc<World>) -> Self {
        Self { world }
    }

    /// All pages in the order in which they were created, trashed ones too: a ticket that was pushed twice is here twice.
    pub fn pages(&self) -> Vec<NotionPage> {
        let state = self.world.notion.lock();
        state.in_order().map(|page| view(&state, page)).collect()
    }

    /// One page.
    pub fn page(&self, id: &str) -> Option<NotionPage> {
        let state = self.world.notion.lock();
        state.page(id).map(|page| view(&state, page))
    }

    /// A page as `GET /v1/pages/{id}` answers it.
    pub fn raw_page(&self, id: &str) -> Option<Value> {
        let state = self.world.notion.lock();
        state
            .page(id)
            .map(|page| page.shape(&state.schema, &self.world.config.notion, Version::V2025, &[]))
    }

    /// Raw requests, in order.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.world.arrivals(Provider::Notion).lock().to_vec()
    }

    /// The names of the status column's choices, in board order.
    pub fn statuses(&self) -> Vec<String> {
        let state = self.world.notion.lock();
        let status = state.schema.of_kind(Kind::Status);
        status
            .into_iter()
            .flat_map(|status| &status.choices)
            .map(|choice| choice.name.clone())
            .collect()
    }

    /// A member drags a card to another status.
    ///
    /// # Errors
    /// When there is no such page or status.
    pub fn move_page(&self, id: &str, status: &str) -> Result<(), UnknownPage> {
        self.edit(id, "page.properties_updated", |state| {
            let property = state.schema.of_kind(Kind::Status).ok_or(UnknownPage)?;
            let choice = property.choice_named(status).ok_or(UnknownPage)?;
            Ok(BTreeMap::from([(property.id, Cell::Choice(Some(choice.id.clone())))]))
        })
    }

    /// A member changes a text column, for instance `Sprint`.
    ///
    /// # Errors
    /// When there is no such page or text column.
    pub fn set_text(&self, id: &str, property: &str, text: &str) -> Result<(), UnknownPage> {
        self.edit(id, "page.properties_updated", |state| {
            let property = state.schema.find(property).ok_or(UnknownPage)?;
            if !matches!(property.kind, Kind::Title | Kind::RichText) {
                return Err(UnknownPage);
            }
            Ok(BTreeMap::from([(
                property.id,
                Cell::Text(vec![super::rich_text::from_text(text)]),
            )]))
        })
    }

    /// A member replaces the page's content with notes, one paragraph for each line.
    ///
    /// # Errors
    /// When there is no such page.
    pub fn set_notes(&self, id: &str, notes: &str) -> Result<(), UnknownPage> {
        self.world.notion.lock().page(id).ok_or(UnknownPage)?;
        {
            let mut state = self.world.notion.lock();
            state.blocks.clear(id);
            state
                .blocks
                .append(&self.world, id, paragraphs(notes), Place::End, Author::Member);
        }
        self.edit(id, "page.content_updated", |_| Ok(BTreeMap::new()))
    }

    /// A member adds notes below what is there.
    ///
    /// # Errors
    /// When there is no such page.
    pub fn add_notes(&self, id: &str, notes: &str) -> Result<(), UnknownPage> {
        {
            let mut state = self.world.notion.lock();
            state.page(id).ok_or(UnknownPage)?;
            state
                .blocks
                .append(&self.world, id, paragraphs(notes), Place::End, Author::Member);
        }
        self.edit(id, "page.content_updated", |_| Ok(BTreeMap::new()))
    }

    /// A member throws a page away.
    ///
    /// # Errors
    /// When there is no such page.
    pub fn trash_page(&self, id: &str) -> Result<(), UnknownPage> {
        self.world.notion.lock().page_mut(id).ok_or(UnknownPage)?.is_in_trash = true;
        self.edit(id, "page.deleted", |_| Ok(BTreeMap::new()))
    }

    /// A member takes a page out of the trash.
    ///
    /// # Errors
    /// When there is no such page.
    pub fn restore_page(&self, id: &str) -> Result<(), UnknownPage> {
        self.world.notion.lock().page_mut(id).ok_or(UnknownPage)?.is_in_trash = false;
        self.edit(id, "page.undeleted", |_| Ok(BTreeMap::new()))
    }

    /// An owner renames a column.
    pub fn rename_property(&self, from: &str, to: &str) {
        self.world.notion.lock().schema.rename_property(from, to);
    }

    /// An owner deletes a column.
    pub fn remove_property(&self, name: &str) {
        self.world.notion.lock().schema.remove_property(name);
    }

    /// An owner renames a choice, for instance the status `Done` to `Hecho`.
    pub fn rename_choice(&self, property: &str, from: &str, to: &str) {
        self.world.notion.lock().schema.rename_choice(property, from, to);
    }

    fn edit(
        &self,
        id: &str,
        kind: &str,
        cells: impl FnOnce(&State) -> Result<BTreeMap<&'static str, Cell>, UnknownPage>,
    ) -> Result<(), UnknownPage> {
        let now = self.world.clock.now();
        let page = {
            let mut state = self.world.notion.lock();
            let cells = cells(&state)?;
            let page = state.page_mut(id).ok_or(UnknownPage)?;
            page.edit(now, Author::Member, cells);
            page.clone()
        };
        signal(&self.world, kind, &page);
        Ok(())
    }
}

fn view(state: &State, page: &Page) -> NotionPage {
    let plain = |kind| state.schema.of_kind(kind).and_then(|property| page.plain(property));
    let columns = state.schema.properties().iter();
    NotionPage {
        id: page.id.clone(),
        created_at: page.created_at,
        last_edited_at: page.last_edited_at,
        is_last_edited_by_integration: page.last_edited_by == Author::Integration,
        title: plain(Kind::Title).unwrap_or_default(),
        status: plain(Kind::Status),
        properties: columns
            .filter_map(|property| Some((property.name.clone(), page.plain(property)?)))
            .collect(),
        content: state.blocks.lines(&page.id),
        is_in_trash: page.is_in_trash,
    }
}
