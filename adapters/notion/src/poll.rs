//! How far a poll has come: the newest minute seen, and what was seen in the overlap before it.

use std::{collections::BTreeMap, time::Duration};

use feedback_core::{
    domain::Timestamp,
    ports::{TrackerChanges, TrackerUpdate},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::wire::bare;

/// Edits show up late, and two in one minute share a stamp: a poll begins this much before the newest minute.
const OVERLAP: Duration = Duration::from_secs(120);

/// The cursor. Opaque to the core.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Poll {
    /// Newest minute of an edit that was seen.
    minute: Timestamp,
    /// Pages of the overlap, each with a digest of what it said.
    seen: BTreeMap<String, String>,
}

impl Poll {
    /// Where a poll goes on. A cursor that cannot be read begins anew: pages come again, none is lost.
    pub(crate) fn resume(cursor: Option<&str>, start: Timestamp) -> Self {
        let read = cursor.and_then(|text| serde_json::from_str(text).ok());
        if cursor.is_some() && read.is_none() {
            tracing::warn!("the tracker's cursor could not be read, so that the poll begins anew");
        }
        // The overlap is taken off again in `from`, so that nothing before the start is missed.
        read.unwrap_or_else(|| Self {
            minute: start.floor_to_minute().plus(OVERLAP),
            seen: BTreeMap::new(),
        })
    }

    /// From which minute on to ask.
    pub(crate) fn from(&self) -> Timestamp {
        self.minute.minus(OVERLAP)
    }
}

/// One run over the pages from [`Poll::from`] on.
#[derive(Debug)]
pub(crate) struct Sweep {
    poll: Poll,
    /// Newest edit of this run.
    newest: Timestamp,
    seen: BTreeMap<String, (Timestamp, String)>,
    updates: Vec<TrackerUpdate>,
}

impl Sweep {
    pub(crate) fn new(poll: Poll) -> Self {
        Self {
            newest: poll.from(),
            seen: BTreeMap::new(),
            updates: Vec::new(),
            poll,
        }
    }

    /// Takes a page in. What was seen with the same content, in this run or the last, is no change.
    pub(crate) fn take(&mut self, update: TrackerUpdate) {
        let (page, at, digest) = (bare(&update.page_id), update.edited_at, digest(&update));
        self.newest = self.newest.max(at);
        let before = self
            .seen
            .insert(page.clone(), (at, digest.clone()))
            .map(|(_, digest)| digest);
        if before.as_ref().or_else(|| self.poll.seen.get(&page)) != Some(&digest) {
            self.updates.push(update);
        }
    }

    /// Newest edit of this run.
    pub(crate) fn newest(&self) -> Timestamp {
        self.newest
    }

    /// Whether the next run would begin later than this one did: only then may this one end early.
    pub(crate) fn has_progress(&self) -> bool {
        self.newest > self.poll.minute
    }

    /// The changes, and where the next run begins.
    pub(crate) fn finish(self) -> TrackerChanges {
        let minute = self.poll.minute.max(self.newest);
        let overlap = minute.minus(OVERLAP);
        let seen = self
            .seen
            .into_iter()
            .filter(|(_, (at, _))| *at >= overlap)
            .map(|(page, (_, digest))| (page, digest));
        let next = Poll {
            minute,
            seen: seen.collect(),
        };
        // Strings and a time: nothing here can fail to be JSON, and an empty cursor would only begin anew.
        let cursor = serde_json::to_string(&next).unwrap_or_default();
        TrackerChanges {
            updates: self.updates,
            cursor,
        }
    }
}

/// Everything that a page says. Sixteen digits: two contents of one page that share them are not to be expected.
fn digest(update: &TrackerUpdate) -> String {
    hex::encode(&Sha256::digest(format!("{update:?}"))[..8])
}

#[cfg(test)]
mod tests {
    use feedback_core::domain::TrackerStatus;
    use proptest::prelude::*;

    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_unix_seconds(1_767_225_600 + minute * 60).unwrap()
    }

    fn page(id: u8, minute: i64, status: TrackerStatus) -> TrackerUpdate {
        TrackerUpdate {
            page_id: format!("page-{id}"),
            ticket: None,
            status: Some(status),
            status_name: None,
            priority: None,
            ticket_type: None,
            sprint: None,
            edited_at: at(minute),
            edited_by_us: false,
        }
    }

    fn run(cursor: Option<&str>, pages: &[TrackerUpdate]) -> TrackerChanges {
        let poll = Poll::resume(cursor, at(0));
        let from = poll.from();
        let mut sweep = Sweep::new(poll);
        let mut pages: Vec<_> = pages.iter().filter(|page| page.edited_at >= from).cloned().collect();
        pages.sort_by_key(|page| page.edited_at);
        pages.into_iter().for_each(|page| sweep.take(page));
        sweep.finish()
    }

    #[test]
    fn f79_a_second_edit_of_one_minute_is_a_change_and_a_repeat_is_none() {
        let first = run(None, &[page(1, 5, TrackerStatus::ToDo)]);
        assert_eq!(first.updates.len(), 1);
        let repeat = run(Some(&first.cursor), &[page(1, 5, TrackerStatus::ToDo)]);
        assert!(repeat.updates.is_empty());
        let second = run(Some(&repeat.cursor), &[page(1, 5, TrackerStatus::Done)]);
        assert_eq!(second.updates.len(), 1);
    }

    #[test]
    fn the_start_itself_is_in_the_first_run() {
        assert_eq!(Poll::resume(None, at(3)).from(), at(3));
        assert_eq!(Poll::resume(Some("rubbish"), at(3)).from(), at(3));
    }

    #[test]
    fn a_page_that_moved_to_the_end_while_we_read_counts_once_more() {
        let mut sweep = Sweep::new(Poll::resume(None, at(0)));
        sweep.take(page(1, 1, TrackerStatus::ToDo));
        sweep.take(page(1, 1, TrackerStatus::ToDo));
        sweep.take(page(1, 9, TrackerStatus::Done));
        let changes = sweep.finish();
        assert_eq!(changes.updates.len(), 2);
    }

    proptest! {
        /// Edits at random minutes, polls in between, some of which are lost before their cursor is stored.
        #[test]
        fn f79_every_last_word_is_seen(steps in prop::collection::vec((0_u8..4, 0_u8..3, 0_i64..2, any::<bool>(), any::<bool>()), 1..120)) {
            let statuses = [TrackerStatus::ToDo, TrackerStatus::InProgress, TrackerStatus::Done];
            let mut board: BTreeMap<u8, TrackerUpdate> = BTreeMap::new();
            let mut known: BTreeMap<String, Option<TrackerStatus>> = BTreeMap::new();
            let (mut minute, mut cursor) = (0, None::<String>);
            for (id, status, passes, polls, stores) in steps {
                minute += passes;
                board.insert(id, page(id, minute, statuses[usize::from(status)]));
                if polls {
                    let pages: Vec<_> = board.values().cloned().collect();
                    let changes = run(cursor.as_deref(), &pages);
                    if stores {
                        for update in changes.updates {
                            known.insert(update.page_id, update.status);
                        }
                        cursor = Some(changes.cursor);
                        for page in board.values() {
                            prop_assert_eq!(known.get(&page.page_id), Some(&page.status));
                        }
                    }
                }
            }
        }
    }
}
