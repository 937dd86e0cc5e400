//! A SQLite file into a PostgreSQL database: what comes, what is refused, and what a move does that was cut off.

use std::{
    path::Path,
    process::Output,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use feedback_adapters::{
    postgres::{Postgres, PostgresConfig, PostgresMove},
    sqlite::{Sqlite, SqliteConfig},
};
use feedback_core::{
    domain::{
        Change, ChangelogStatus, Decision, Erasure, EventKind, LinkKind, LinkStatus, PageRequest, PageSize, Queue,
        Rows, TableShape, TicketStatus, Write,
    },
    logic::scrub::{KnownPeople, Scrubber},
    ports::{
        ClaimRequest, Custody, JobQueue, MoveSource, PortError, PortErrorKind, Queries, Storage, TicketFilter,
        TicketKey,
    },
    testing::fixtures::Fixtures,
    usecases::{MoveError, MoveStore, VerifyTimelines},
};
use feedback_test_servers::postgres::{self, Database};
use feedback_tests::host;

const PAGE: PageRequest = PageRequest {
    after: None,
    size: PageSize::MAX,
};

fn file(folder: &tempfile::TempDir) -> std::path::PathBuf {
    folder.path().join("feedback.db")
}

fn open(path: &Path) -> Sqlite {
    Sqlite::open(SqliteConfig::new(path)).expect("the file opens")
}

async fn commit(store: &Sqlite, change: Change) {
    store.commit(change).await.expect("the change fits");
}

async fn write(store: &Sqlite, write: Write) {
    commit(store, Change::new().with(write)).await;
}

/// A store in which no table is empty, with what engines might treat differently: a reference to a row that comes later,
/// text that PostgreSQL cannot hold as it is, a number with a fraction, deaths and gaps.
async fn rich(path: &Path) -> Fixtures {
    let store = open(path);
    let fixtures = Fixtures::new(5);
    let user = fixtures.user();
    for first in [
        Write::InsertUser(user.clone()),
        Write::InsertApiToken(fixtures.api_token(user.id)),
        Write::PutSession(fixtures.session(user.id)),
        Write::InsertSignInLink(fixtures.sign_in_link(user.id)),
        Write::PutCursor(fixtures.cursor("tracker")),
        Write::RememberCall(fixtures.remembered_call("k1")),
        Write::RememberCall(fixtures.remembered_call("k2")),
    ] {
        write(&store, first).await;
    }
    let mut intakes = Vec::new();
    for number in 0..12 {
        let mut rows = fixtures.intake();
        let title = format!("Exportación {number} \u{0}\u{e000}: ¿qué?");
        rows.ticket.title = Scrubber::new().scrub(&title, &KnownPeople::new()).text;
        commit(&store, rows.change()).await;
        intakes.push(rows);
        fixtures.clock.advance(Duration::from_secs(1_200));
    }
    // The first is merged into the last, and its address is the other's now.
    let (first, last) = (&intakes[0], &intakes[11]);
    let mut merged = first.reporter.clone();
    merged.merged_into = Some(last.reporter.id);
    let mut kept = last.reporter.clone();
    (kept.email_index, kept.email_verified) = (merged.email_index, true);
    let mut link = fixtures.identity_link(&first.identity);
    (link.reporter, link.kind) = (last.reporter.id, LinkKind::Reviewer);
    let change = Change::new()
        .with(Write::UpdateReporter(merged))
        .with(Write::UpdateReporter(kept))
        .with(Write::InsertIdentityLink(link));
    commit(&store, change).await;
    let group = fixtures.group(intakes[3].ticket.id);
    write(&store, Write::InsertGroup(group.clone())).await;
    let key = TicketKey::Id(intakes[1].ticket.id);
    let mut member = store.ticket(key).await.expect("it answers").expect("it is there");
    (member.group, member.status) = (Some(group.id), TicketStatus::Triaged);
    let event = fixtures.event(member.id, EventKind::Updated);
    let change = Change::new().with(Write::UpdateTicket(Box::new(member)));
    commit(&store, change.with(Write::AppendEvent(event))).await;
    let mut pair = fixtures.link(intakes[1].ticket.id, intakes[2].ticket.id);
    pair.score = 0.1;
    write(&store, Write::SuggestLink(pair.clone())).await;
    (pair.status, pair.decided) = (LinkStatus::Dismissed, Some((user.id, fixtures.now())));
    let decided = Write::UpdateLink {
        link: Box::new(pair),
        expected: LinkStatus::Suggested,
    };
    write(&store, decided).await;
    for rows in &intakes[2..5] {
        let mut entry = fixtures.changelog_entry(rows.ticket.id, rows.reporter.id);
        entry.status = ChangelogStatus::Approved;
        entry.decision = Some(Decision {
            by: Some(user.id),
            at: fixtures.now(),
            seen_version: 1,
            reason: Some("\u{0}".to_owned()),
        });
        let notification = fixtures.notification(&entry, &rows.identity);
        let attempt = fixtures.attempt(&notification);
        let change = Change::new()
            .with(Write::InsertChangelogEntry(Box::new(entry)))
            .with(Write::InsertNotification(Box::new(notification)))
            .with(Write::InsertAttempt(attempt))
            .with(Write::InsertAttachment(Box::new(fixtures.attachment(&rows.source))))
            .with(Write::PutVector(fixtures.vector(rows.ticket.id, "m")))
            .with(Write::Enqueue(fixtures.job()))
            .with(Write::Enqueue(fixtures.job().unique("poll_tracker")))
            .with(Write::Enqueue(fixtures.job().dead("from birth")));
        commit(&store, change).await;
    }
    let erased = Erasure {
        reporter: intakes[6].reporter.id,
        at: fixtures.now(),
        by: Some(user.id),
    };
    write(&store, Write::EraseReporter(erased)).await;
    fixtures
}

/// A source that is cut off: after so many pages it does not answer any more.
#[derive(Debug)]
struct CutOff {
    file: Sqlite,
    pages: AtomicUsize,
}

#[async_trait]
impl MoveSource for CutOff {
    async fn tables(&self) -> Result<Vec<TableShape>, PortError> {
        self.file.tables().await
    }

    async fn rows(&self, table: &TableShape, after: Option<i64>, limit: usize) -> Result<Rows, PortError> {
        let left = self
            .pages
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if left.is_err() {
            return Err(PortError::new(PortErrorKind::Unavailable, "cut_off"));
        }
        self.file.rows(table, after, limit).await
    }
}

async fn target(database: &Database) -> Arc<PostgresMove> {
    let config = PostgresConfig::new(database.url().into());
    Arc::new(PostgresMove::open(config).await.expect("the server answers"))
}

async fn hub_on(database: &Database) -> Postgres {
    let store = Postgres::connect(PostgresConfig::new(database.url().into())).await;
    let store = store.expect("the server answers");
    store.migrate().await.expect("a hub may work on it");
    store
}

/// Nobody may be at work on it, and connections end a moment after they are dropped.
fn until_nobody_is_connected(database: &Database) {
    let others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    while database.run(others) != "0" {
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn constraints(database: &Database) -> String {
    database.run(
        "SELECT string_agg(conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid), ';' ORDER BY
            conrelid::regclass::text, conname) FROM pg_constraint WHERE connamespace = 'feedback'::regnamespace",
    )
}

async fn host(arguments: &[&str]) -> Output {
    host::command().args(arguments).output().await.expect("it runs")
}

async fn moved_by_hand(from: &Path, database: &Database) -> Output {
    let from = format!("sqlite://{}", from.display());
    host(&["migrate", "--from", &from, "--to", &database.url()]).await
}

fn said(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// Both stores answer alike, through the ports.
async fn same(one: &Sqlite, other: &Postgres, fixtures: &Fixtures) {
    for search in [None, Some("exportacion"), Some("que"), Some("11"), Some("erased")] {
        let filter = TicketFilter {
            search: search.map(str::to_owned),
            ..TicketFilter::default()
        };
        let listed = one.tickets(&filter, PAGE).await.expect("it answers");
        assert_eq!(
            listed,
            other.tickets(&filter, PAGE).await.expect("it answers"),
            "{search:?}"
        );
        for row in &listed.items {
            assert_eq!(
                one.ticket_detail(row.ticket.id).await.expect("it answers"),
                other.ticket_detail(row.ticket.id).await.expect("it answers"),
            );
        }
    }
    let (letters, dead) = (one.dead_letters(PAGE).await, other.dead_letters(PAGE).await);
    assert_eq!(letters.expect("it answers"), dead.expect("it answers"));
    let from = fixtures.now().minus(Duration::from_secs(40 * 24 * 3600));
    let (vectors, moved) = (one.vectors("m", from).await, other.vectors("m", from).await);
    assert_eq!(vectors.expect("it answers"), moved.expect("it answers"));
    let (metrics, moved) = (
        one.metrics(from, fixtures.now()).await,
        other.metrics(from, fixtures.now()).await,
    );
    assert_eq!(metrics.expect("it answers"), moved.expect("it answers"));
    let (erasures, moved) = (one.erasures().await, other.erasures().await);
    assert_eq!(erasures.expect("it answers"), moved.expect("it answers"));
    let verified = VerifyTimelines::new(Arc::new(other.clone()))
        .verify()
        .await
        .expect("it answers");
    assert_eq!((verified.tickets, verified.broken.len()), (12, 0));
    // The next number, and the same jobs in the same order.
    let next = fixtures.intake();
    let given = one.commit(next.change()).await.expect("it fits").ticket_numbers;
    assert_eq!(
        given,
        other.commit(next.change()).await.expect("it fits").ticket_numbers
    );
    let request = ClaimRequest {
        queue: Queue::Default,
        limit: 100,
        lease_until: fixtures.now().plus(Duration::from_secs(30)),
        now: fixtures.now(),
    };
    let (here, there) = (one.claim(request.clone()).await, other.claim(request).await);
    let jobs = |claimed: Result<Vec<feedback_core::domain::LeasedJob>, PortError>| {
        let claimed = claimed.expect("it answers").into_iter();
        claimed.map(|leased| leased.job).collect::<Vec<_>>()
    };
    let claimed = jobs(here);
    assert!(claimed.len() > 10);
    assert_eq!(claimed, jobs(there));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_move_that_is_cut_off_at_every_step_comes_to_the_same_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let fixtures = rich(&file(&folder)).await;
    let database = postgres::shared().database();
    drop(hub_on(&database).await);
    until_nobody_is_connected(&database);
    let before = constraints(&database);
    // Some pages more before each end: first while rows come, then while both sides are compared.
    let mut moved = Err(MoveError::InUse);
    let (mut pages, mut tries) = (0, 0);
    while moved.is_err() {
        pages += 1 + pages / 8;
        tries += 1;
        let source = CutOff {
            file: open(&file(&folder)),
            pages: AtomicUsize::new(pages),
        };
        let moving = MoveStore::new(Arc::new(source), target(&database).await).with_step(3);
        moved = moving.run("this file").await;
        drop(moving);
        if let Err(error) = &moved {
            assert!(matches!(error, MoveError::Source(_)), "{error:?}");
        }
        if tries == 5 {
            let hub = Postgres::connect(PostgresConfig::new(database.url().into())).await;
            let hub = hub.expect("the server answers");
            let refused = hub.migrate().await.expect_err("half of it is there");
            assert!(
                refused.to_string().contains("half of a move from this file"),
                "{refused}"
            );
        }
        until_nobody_is_connected(&database);
    }
    let moved = moved.expect("it came to an end");
    assert!(!moved.was_done && tries > 15, "{tries} tries");
    assert!(
        moved.tables.iter().all(|(_, rows)| *rows > 0),
        "no table was empty: {moved:?}"
    );
    assert_eq!(constraints(&database), before);
    // Killed before it could say so, it finds that it is done.
    let again = MoveStore::new(Arc::new(open(&file(&folder))), target(&database).await);
    assert!(again.run("this file").await.expect("it is the same").was_done);
    drop(again);
    same(&open(&file(&folder)), &hub_on(&database).await, &fixtures).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_command_moves_a_file_and_says_what_it_moved() {
    let folder = tempfile::tempdir().expect("a folder");
    let fixtures = rich(&file(&folder)).await;
    let database = postgres::shared().database();
    let output = moved_by_hand(&file(&folder), &database).await;
    assert!(output.status.success(), "{}", said(&output));
    assert!(
        said(&output).contains("tickets: 12 rows, the same on both sides"),
        "{}",
        said(&output)
    );
    assert!(!said(&output).contains("postgres://"), "an address has a password");
    let again = moved_by_hand(&file(&folder), &database).await;
    assert!(
        again.status.success() && said(&again).contains("already"),
        "{}",
        said(&again)
    );
    same(&open(&file(&folder)), &hub_on(&database).await, &fixtures).await;
    until_nobody_is_connected(&database);
    let late = moved_by_hand(&file(&folder), &database).await;
    assert_eq!(late.status.code(), Some(65), "{}", said(&late));
    assert!(
        said(&late).contains("not empty"),
        "a hub has worked on it since: {}",
        said(&late)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_was_tampered_with_is_found_and_its_table_named() {
    let folder = tempfile::tempdir().expect("a folder");
    rich(&file(&folder)).await;
    let database = postgres::shared().database();
    // All pages of the move, and none of those that are read to compare.
    let rows: usize = {
        let source = open(&file(&folder));
        let mut pages = 0;
        for table in source.tables().await.expect("it answers") {
            let rows = source.rows(&table, None, 10_000).await.expect("it answers").rows.len();
            pages += rows.div_ceil(50) + 1;
        }
        pages
    };
    let source = CutOff {
        file: open(&file(&folder)),
        pages: AtomicUsize::new(rows),
    };
    let name = format!("sqlite://{}", source.file.path().display());
    let cut = MoveStore::new(Arc::new(source), target(&database).await).with_step(50);
    assert!(matches!(cut.run(&name).await, Err(MoveError::Source(_))));
    drop(cut);
    until_nobody_is_connected(&database);
    database.run("UPDATE feedback.ticket_sources SET digest = digest || 'x' WHERE seq = 4");
    let output = moved_by_hand(&file(&folder), &database).await;
    assert_eq!(output.status.code(), Some(65), "{}", said(&output));
    assert!(
        said(&output).contains("table ticket_sources is not the same"),
        "{}",
        said(&output)
    );
    let hub = Postgres::connect(PostgresConfig::new(database.url().into())).await;
    assert!(
        hub.expect("the server answers").migrate().await.is_err(),
        "nobody works on it"
    );
    until_nobody_is_connected(&database);
    database.run("UPDATE feedback.ticket_sources SET digest = rtrim(digest, 'x') WHERE seq = 4");
    let mended = moved_by_hand(&file(&folder), &database).await;
    assert!(mended.status.success(), "{}", said(&mended));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_in_use_or_somebody_elses_is_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    rich(&file(&folder)).await;
    let database = postgres::shared().database();

    let held = open(&file(&folder));
    let output = moved_by_hand(&file(&folder), &database).await;
    assert_eq!(output.status.code(), Some(75), "a hub has the file: {}", said(&output));
    drop(held);

    let hub = hub_on(&database).await;
    let output = moved_by_hand(&file(&folder), &database).await;
    assert_eq!(
        output.status.code(),
        Some(75),
        "a hub is on the target: {}",
        said(&output)
    );
    let user = Fixtures::new(9).user();
    hub.commit(Change::new().with(Write::InsertUser(user)))
        .await
        .expect("it fits");
    drop(hub);
    until_nobody_is_connected(&database);
    let output = moved_by_hand(&file(&folder), &database).await;
    assert_eq!(output.status.code(), Some(65), "{}", said(&output));
    assert!(said(&output).contains("its table users has rows"), "{}", said(&output));
    assert_eq!(database.run("SELECT count(*) FROM feedback.tickets"), "0");

    let half = postgres::shared().database();
    let other = target(&half).await;
    let shapes = open(&file(&folder)).tables().await.expect("it answers");
    feedback_core::ports::MoveTarget::receive(&other, "another file", &shapes)
        .await
        .expect("it is empty");
    let output = moved_by_hand(&file(&folder), &half).await;
    assert_eq!(output.status.code(), Some(75), "another mover lives: {}", said(&output));
    drop(other);
    until_nobody_is_connected(&half);
    let output = moved_by_hand(&file(&folder), &half).await;
    assert_eq!(output.status.code(), Some(65), "{}", said(&output));
    assert!(
        said(&output).contains("half of a move from another file"),
        "{}",
        said(&output)
    );

    for (from, to) in [
        ("postgres://a/b", "sqlite://x"),
        ("sqlite://x", "mysql://y"),
        ("sqlite://nowhere.db", "postgres://a/b"),
    ] {
        let output = host(&["migrate", "--from", from, "--to", to]).await;
        assert_eq!(output.status.code(), Some(78), "{from} {to}: {}", said(&output));
    }
    assert_eq!(host(&["migrate", "--from", "sqlite://x"]).await.status.code(), Some(2));
}
