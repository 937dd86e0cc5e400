//! Keyset pages of lists, and cursors of polls.

use std::{fmt, str::FromStr};

use uuid::Uuid;

use super::Timestamp;

/// Where a list goes on: behind this row, newest first. Opaque to clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// Time by which the list is ordered.
    pub at: Timestamp,
    /// Id that breaks ties.
    pub id: Uuid,
}

/// The text is no cursor that a list gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("could not read cursor: not one that a list gave")]
pub struct InvalidCursor;

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}.{}", self.at.unix_micros(), self.id.simple())
    }
}

impl FromStr for Cursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let (micros, id) = text.split_once('.').ok_or(InvalidCursor)?;
        if id.len() != 32 {
            return Err(InvalidCursor);
        }
        // As written: a time before 1970 is the two's complement.
        let micros = u64::from_str_radix(micros, 16)
            .map_err(|_| InvalidCursor)?
            .cast_signed();
        let at = Timestamp::from_unix_micros(micros).ok_or(InvalidCursor)?;
        let id = Uuid::try_parse(id).map_err(|_| InvalidCursor)?;
        Ok(Self { at, id })
    }
}

/// How many rows a page holds: 1 to 200.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageSize(u16);

impl PageSize {
    /// Most rows of one page.
    pub const MAX: Self = Self(200);

    /// `None` for 0 and for more than [`PageSize::MAX`].
    pub const fn new(rows: u16) -> Option<Self> {
        if rows >= 1 && rows <= Self::MAX.0 {
            Some(Self(rows))
        } else {
            None
        }
    }

    /// Rows.
    pub const fn rows(self) -> usize {
        self.0 as usize
    }
}

impl Default for PageSize {
    /// 50 rows.
    fn default() -> Self {
        Self(50)
    }
}

/// A part of a list: where it begins and how long it may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PageRequest {
    /// Behind which row; `None` for the beginning.
    pub after: Option<Cursor>,
    /// At most how many.
    pub size: PageSize,
}

/// Some rows of a list, newest first.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<Cursor>,
}

impl<T> Page<T> {
    /// Makes a page of rows that were fetched with one more than fits: the extra row says that there is a next page.
    pub fn from_overfetched(mut rows: Vec<T>, size: PageSize, cursor_of: impl Fn(&T) -> Cursor) -> Self {
        let more = rows.len() > size.rows();
        rows.truncate(size.rows());
        let next = if more { rows.last().map(cursor_of) } else { None };
        Self { items: rows, next }
    }

    /// The same page of other things.
    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Page<U> {
        Page {
            items: self.items.into_iter().map(f).collect(),
            next: self.next,
        }
    }
}

/// How far a poll has come. The value is the tracker adapter's own, opaque to the core.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncCursor {
    /// Which poll.
    pub name: String,
    /// Where it goes on.
    pub value: String,
    /// When it was moved.
    pub updated_at: Timestamp,
    /// Version that was loaded, 0 for a new one; an update names it.
    pub version: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_its_text_form_and_rubbish_is_refused() {
        let cursor = Cursor {
            at: Timestamp::from_unix_seconds(1_767_225_600).unwrap(),
            id: Uuid::from_u128(9),
        };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        for rubbish in [
            "",
            ".",
            "zz.zz",
            "1.2",
            "-.00000000000000000000000000000009",
            "7fffffffffffffff.00000000000000000000000000000009",
        ] {
            assert_eq!(rubbish.parse::<Cursor>(), Err(InvalidCursor), "{rubbish}");
        }
    }

    #[test]
    fn only_an_overfetched_page_has_a_next() {
        let cursor = |n: &u8| Cursor {
            at: Timestamp::UNIX_EPOCH,
            id: Uuid::from_u128((*n).into()),
        };
        let two = PageSize::new(2).unwrap();
        assert_eq!(Page::from_overfetched(vec![1, 2], two, cursor).next, None);
        let page = Page::from_overfetched(vec![1, 2, 3], two, cursor);
        assert_eq!((page.items.as_slice(), page.next), (&[1, 2][..], Some(cursor(&2))));
    }
}
