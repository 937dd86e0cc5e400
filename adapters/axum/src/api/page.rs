//! Keyset pages: what a list is asked, and what it answers.

use feedback_core::domain::{Page, PageRequest, PageSize};
use serde::Serialize;
use utoipa::ToSchema;

use crate::problem::Checks;

/// Part of a list, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct List<T> {
    /// The rows.
    items: Vec<T>,
    /// `cursor` of the next page; null at the end.
    next_cursor: Option<String>,
}

impl<T> List<T> {
    /// The same rows with the cursor that `page` had.
    pub(super) fn of<R>(page: &Page<R>, items: Vec<T>) -> Self {
        Self {
            items,
            next_cursor: page.next.map(|cursor| cursor.to_string()),
        }
    }
}

/// Reads `cursor` and `limit`.
pub(super) fn requested(cursor: Option<&str>, limit: Option<&str>, checks: &mut Checks) -> PageRequest {
    let after = checks.parse("cursor", cursor);
    let size = match limit.map(|limit| limit.parse().ok().and_then(PageSize::new)) {
        None => PageSize::default(),
        Some(Some(size)) => size,
        Some(None) => {
            checks.fail(
                "limit",
                format_args!("must be a number from 1 to {}", PageSize::MAX.rows()),
            );
            PageSize::default()
        }
    };
    PageRequest { after, size }
}
