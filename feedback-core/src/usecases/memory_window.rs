//! The search of the window in memory: what is there unless a host brings another.

use std::{
    collections::{HashMap, HashSet},
    fmt,
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use futures::lock::Mutex;

use crate::{
    domain::{TicketId, Timestamp},
    logic::matching::VectorWindow,
    ports::{Clock, NearTicket, NearestQuery, NearestTickets, PortError, Storage, TicketKey, TicketsKey},
};

/// Clocks of two hosts, and the time between a ticket's recording and its commit, differ by less.
const CLOCKS_AGREE: Duration = Duration::from_secs(300);

/// After so long the window is read anew, as a whole: tickets that grew old leave it, and vectors that took another's place
/// come in.
const READ_ANEW: Duration = Duration::from_secs(60 * 60);

/// So much more than what was asked for is read: jobs that waited ask for older tickets than the one before.
const SLACK: Duration = Duration::from_secs(6 * 60 * 60);

/// The vectors of the window in memory, read from storage as they come. Copies share them.
#[derive(Clone)]
pub struct MemoryWindow {
    storage: Arc<dyn Storage>,
    clock: Arc<dyn Clock>,
    // One search at a time: reading what is new and looking among all of it must not be torn apart by another's reading
    // anew.
    loaded: Arc<Mutex<HashMap<(String, usize), Loaded>>>,
}

/// What was read of one model so far.
struct Loaded {
    vectors: VectorWindow,
    /// Tickets recorded before that were not read.
    from: Timestamp,
    /// When the whole was read.
    read_at: Timestamp,
    /// From when on there may be tickets whose vectors come later.
    complete_before: Timestamp,
}

impl MemoryWindow {
    /// An empty window over storage; the first search reads it.
    pub fn new(storage: Arc<dyn Storage>, clock: Arc<dyn Clock>) -> Self {
        Self {
            storage,
            clock,
            loaded: Arc::default(),
        }
    }

    /// The nearest by what is in memory, once that is up to date; some more than are wanted.
    async fn search(&self, query: &NearestQuery, more: usize) -> Result<Vec<(TicketId, f32)>, PortError> {
        let key = (query.model.clone(), query.values.len());
        let mut all = self.loaded.lock().await;
        let loaded = match all.remove(&key) {
            Some(loaded) if loaded.serves(query, self.clock.now()) => self.read_new(&query.model, loaded).await,
            _ => self.read_all(query).await,
        }?;
        let found = loaded.vectors.nearest(&query.values, query.since, query.limit + more);
        all.insert(key, loaded);
        Ok(found)
    }

    async fn read_all(&self, query: &NearestQuery) -> Result<Loaded, PortError> {
        let from = query.since.minus(SLACK);
        let empty = Loaded {
            vectors: VectorWindow::new(query.values.len()),
            from,
            read_at: self.clock.now(),
            complete_before: from,
        };
        self.read_new(&query.model, empty).await
    }

    /// Reads the vectors that came since the last time, from whichever host.
    ///
    /// Vectors do not come in the order of their tickets: a job may have waited. But a vector that is not there yet belongs
    /// to a ticket that has none yet, or that was not recorded yet; so nothing before the oldest of those can be missed.
    async fn read_new(&self, model: &str, mut loaded: Loaded) -> Result<Loaded, PortError> {
        let now = self.clock.now();
        let waiting = self.storage.tickets_of(TicketsKey::WithoutVector {
            model: model.to_owned(),
            since: loaded.from,
            limit: 1,
        });
        let waiting = waiting.await?;
        let complete_before = waiting
            .first()
            .map_or(now, |ticket| ticket.created_at.min(now))
            .minus(CLOCKS_AGREE);
        let from = loaded.complete_before.max(loaded.from);
        for vector in self.storage.vectors(model, from).await? {
            loaded
                .vectors
                .put(vector.ticket, vector.ticket_created_at, &vector.values);
        }
        loaded.complete_before = complete_before;
        Ok(loaded)
    }

    async fn forget(&self, query: &NearestQuery, tickets: &HashSet<TicketId>) {
        let key = (query.model.clone(), query.values.len());
        if let Some(loaded) = self.loaded.lock().await.get_mut(&key) {
            tickets.iter().for_each(|ticket| loaded.vectors.forget(*ticket));
        }
    }
}

impl Loaded {
    fn serves(&self, query: &NearestQuery, now: Timestamp) -> bool {
        self.from <= query.since && now.since(self.read_at) < READ_ANEW
    }
}

#[async_trait]
impl NearestTickets for MemoryWindow {
    async fn nearest(&self, query: &NearestQuery) -> Result<Vec<NearTicket>, PortError> {
        let mut gone = HashSet::new();
        loop {
            let mut near = Vec::new();
            let known = gone.len();
            for (id, cosine) in self.search(query, known).await? {
                if near.len() == query.limit || gone.contains(&id) {
                    continue;
                }
                let ticket = self.storage.ticket(TicketKey::Id(id)).await?;
                match ticket.filter(|ticket| ticket.original.is_some()) {
                    Some(ticket) => near.push(NearTicket { ticket, cosine }),
                    None => _ = gone.insert(id),
                }
            }
            if gone.len() == known {
                return Ok(near);
            }
            // Erased or purged since their vectors were read: others come up in their places.
            self.forget(query, &gone).await;
        }
    }
}

impl fmt::Debug for MemoryWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryWindow").finish_non_exhaustive()
    }
}
