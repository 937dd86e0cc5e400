//! The search of the window on the server, by the extension pgvector: for windows that outgrow a host's memory.

mod setup;

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use feedback_core::ports::{NearTicket, NearestQuery, NearestTickets, PortError};
use sqlx::{AssertSqlSafe, PgConnection, Row};
use uuid::Uuid;

use crate::{
    OpenError, Postgres,
    connection::{reading, work},
    error::Failure,
    row,
    text::storable,
};

/// Windows of up to so many vectors are scanned: that is exact, and a matter of some milliseconds.
const SCANNED: usize = 10_000;

/// So many more than asked for are taken: a ticket that was erased while it was embedded may have left a vector.
const SPARE: usize = 8;

/// How many candidates the index keeps while it looks: its default of 40 finds too few of 25.
const CANDIDATES: usize = 200;

/// Searches the vectors of a [`Postgres`] on its server. Clones share its connections.
#[derive(Clone)]
pub struct PgVector {
    store: Postgres,
    search: Arc<Search>,
}

impl PgVector {
    /// Makes what is missing in the database of a store whose schema is up to date: the extension, a table beside the
    /// vectors, which a trigger keeps in step, and an index for this model; and brings over the vectors that are there.
    /// That may take minutes where there are a million of them, and is nothing the next time. Other models are searched
    /// as well, without an index.
    ///
    /// # Errors
    /// [`OpenError::NoPgvector`] where the server has no such extension, or the role may not create it.
    pub async fn open(store: &Postgres, model: &str, dimensions: usize) -> Result<Self, OpenError> {
        let config = &store.inner.config;
        let found = setup::set_up(config, model, dimensions).await?;
        let mut settings = format!(
            "SET LOCAL search_path = {}, {}; SET LOCAL plan_cache_mode = force_custom_plan;
            SET LOCAL hnsw.ef_search = {CANDIDATES};",
            config.schema, found.schema
        );
        if found.goes_on {
            // We sort: to have them in order, the strict one leaves out what it finds late.
            settings.push_str("SET LOCAL hnsw.iterative_scan = relaxed_order;");
        }
        let search = Search {
            settings,
            scanned: SCANNED,
        };
        Ok(Self {
            store: store.clone(),
            search: Arc::new(search),
        })
    }

    /// With another limit up to which a window is scanned, 10,000 by default: 0 always takes the index, where there is one.
    #[must_use]
    pub fn with_scanned(mut self, vectors: usize) -> Self {
        self.search = Arc::new(Search {
            settings: self.search.settings.clone(),
            scanned: vectors,
        });
        self
    }
}

#[async_trait]
impl NearestTickets for PgVector {
    async fn nearest(&self, query: &NearestQuery) -> Result<Vec<NearTicket>, PortError> {
        let Some(values) = of_unit_length(&query.values) else {
            return Ok(Vec::new());
        };
        let wanted = Arc::new(Wanted {
            model: storable(&query.model).into_owned(),
            values,
            since: query.since.unix_micros(),
            limit: query.limit,
        });
        let read = reading(|conn| {
            let (search, wanted) = (Arc::clone(&self.search), Arc::clone(&wanted));
            work(async move { search.run(conn, &wanted).await })
        });
        self.store
            .inner
            .connections
            .snapshot("nearest_tickets.nearest", read)
            .await
    }
}

impl fmt::Debug for PgVector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PgVector")
            .field("store", &self.store)
            .finish_non_exhaustive()
    }
}

/// The same direction, of length 1; `None` for a vector without content, which nothing is near.
fn of_unit_length(values: &[f32]) -> Option<Vec<f32>> {
    let squares: f64 = values.iter().map(|value| f64::from(*value).powi(2)).sum();
    let length = squares.sqrt();
    (length.is_finite() && length > 1e-6)
        .then(|| values.iter().map(|value| (f64::from(*value) / length) as f32).collect())
}

struct Search {
    /// What is set for the length of a search.
    settings: String,
    scanned: usize,
}

struct Wanted {
    model: String,
    values: Vec<f32>,
    since: i64,
    limit: usize,
}

/// How the nearest are found.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Index,
    Scan,
}

impl Search {
    async fn run(&self, conn: &mut PgConnection, wanted: &Wanted) -> Result<Vec<NearTicket>, Failure> {
        if wanted.limit == 0 {
            return Ok(Vec::new());
        }
        let settings = sqlx::raw_sql(AssertSqlSafe(self.settings.clone()));
        settings.execute(&mut *conn).await?;
        let mut way = match is_longer_than(conn, wanted, self.scanned).await? {
            true => Way::Index,
            false => Way::Scan,
        };
        let mut limit = wanted.limit + SPARE;
        loop {
            let (taken, mut near) = look(conn, wanted, way, limit).await?;
            if near.len() >= wanted.limit || (taken < limit && way == Way::Scan) {
                near.sort_by(|one, other| other.cosine.total_cmp(&one.cosine));
                near.truncate(wanted.limit);
                return Ok(near);
            }
            // The index gave up before it had enough that are young enough, or many of those that it found are gone.
            way = Way::Scan;
            limit *= 4;
        }
    }
}

/// Whether the window holds more vectors than a scan is good for.
async fn is_longer_than(conn: &mut PgConnection, wanted: &Wanted, vectors: usize) -> Result<bool, Failure> {
    let vectors = i64::try_from(vectors).map_or(i64::MAX - 1, |vectors| vectors.min(i64::MAX - 1));
    let sql = "SELECT count(*) FROM (SELECT FROM ticket_vectors_near
        WHERE model = $1 AND dimensions = $2 AND ticket_created_at >= $3 LIMIT $4) young";
    let count = sqlx::query(sql)
        .bind(&wanted.model)
        .bind(wanted.values.len() as i32)
        .bind(wanted.since)
        .bind(vectors + 1);
    let count: i64 = count.fetch_one(&mut *conn).await?.try_get(0)?;
    Ok(count > vectors)
}

/// Takes the nearest vectors, and gives their number and those of their tickets that have content.
async fn look(
    conn: &mut PgConnection,
    wanted: &Wanted,
    way: Way,
    limit: usize,
) -> Result<(usize, Vec<NearTicket>), Failure> {
    let dimensions = wanted.values.len();
    // Only the expression of the index is served by it.
    let (vector, sorting) = match way {
        Way::Index => (format!("vector({dimensions})"), "off"),
        Way::Scan => ("vector".to_owned(), "on"),
    };
    // Sorting is what the index saves: without, the planner takes it wherever there is one.
    let sorting = AssertSqlSafe(format!("SET LOCAL enable_sort = {sorting}"));
    sqlx::raw_sql(sorting).execute(&mut *conn).await?;
    let sql = format!(
        "SELECT t.*, near.ticket_id AS near_id, near.cosine AS near_cosine FROM (
            SELECT ticket_id, 1 - (embedding::{vector} <=> $1::real[]::{vector}) AS cosine FROM ticket_vectors_near
            WHERE model = $2 AND dimensions = {dimensions} AND ticket_created_at >= $3
            ORDER BY embedding::{vector} <=> $1::real[]::{vector} LIMIT $4) near
        LEFT JOIN tickets t ON t.id = near.ticket_id AND t.original IS NOT NULL"
    );
    let rows = sqlx::query(AssertSqlSafe(sql))
        .bind(&wanted.values)
        .bind(&wanted.model)
        .bind(wanted.since)
        .bind(limit as i64);
    let rows = rows.fetch_all(&mut *conn).await?;
    let taken = rows.len();
    let mut there = Vec::with_capacity(taken);
    for row in rows {
        if row.try_get::<Option<Uuid>, _>("id")?.is_some() {
            there.push(row);
        }
    }
    let near = row::all(&there, |cells| {
        Ok(NearTicket {
            ticket: row::ticket(cells)?,
            cosine: cells.real("near_cosine")? as f32,
        })
    })?;
    Ok((taken, near))
}
