//! How long does the first page of tickets take among 20,000, plain, filtered and searched, beside the cheapest question
//! that a database knows: one row by its primary key?
//!
//! A page is 50 tickets, each with its reporter and the ids of its messages.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use feedback_adapters::sqlite::Sqlite;
use feedback_benches::{
    compare::{self, compare, timed},
    messages::MESSAGES,
    store,
};
use feedback_core::{
    domain::{Change, PageRequest, Priority, TicketId, TicketStatus, TicketType, Write},
    logic::scrub::{KnownPeople, Scrubber},
    ports::{Queries, Storage, TicketFilter},
    testing::fixtures::Fixtures,
};

const TICKETS: usize = 20_000;
const PEOPLE: usize = 500;

fn first_page(c: &mut Criterion) {
    let folder = store::folder(env!("CARGO_TARGET_TMPDIR"));
    let runtime = store::runtime();
    let hub = store::hub_store(folder.path());
    let ids = runtime.block_on(fill(&hub));
    let bare = store::bare(&folder.path().join("hub.db")).expect("the file is there");
    let by_key = |id: TicketId| {
        let mut select = bare
            .prepare_cached("SELECT * FROM tickets WHERE id = ?1")
            .expect("the table is there");
        let title = select.query_row([id.as_uuid().as_bytes()], |row| row.get::<_, String>("title"));
        title.expect("the ticket is there")
    };

    let plain = TicketFilter::default;
    for (name, filter) in [
        ("no filter", plain()),
        (
            "status, priority and type",
            TicketFilter {
                status: Some(TicketStatus::New),
                priority: Some(Priority::P1),
                ticket_type: Some(TicketType::Question),
                ..plain()
            },
        ),
        (
            "a word of every fortieth",
            TicketFilter {
                search: Some("impresora".into()),
                ..plain()
            },
        ),
        (
            "two words and a priority",
            TicketFilter {
                search: Some("factur client".into()),
                priority: Some(Priority::P3),
                ..plain()
            },
        ),
    ] {
        let page = || {
            let page = runtime.block_on(hub.tickets(&filter, PageRequest::default()));
            page.expect("the store answers").items.len()
        };
        assert!(page() > 40, "{name}: a page that is not nearly full tells nothing");
        let mut next = 0;
        let rival = timed(|| {
            // Far from the one before, so that both read pages that are not at hand.
            next = (next + 7919) % TICKETS;
            by_key(ids[next])
        });
        compare(
            c,
            &format!("lists/{name}"),
            Throughput::Elements(1),
            timed(page),
            ("row by key", rival),
        );
    }
}

/// Tickets of all types and priorities, one a minute.
async fn fill(hub: &Sqlite) -> Vec<TicketId> {
    let fixtures = Fixtures::new(20_000);
    let scrubber = Scrubber::new();
    let mut identities = Vec::with_capacity(PEOPLE);
    let mut people = Change::new();
    for _ in 0..PEOPLE {
        let reporter = fixtures.reporter();
        let identity = fixtures.identity(reporter.id);
        people.push(Write::InsertReporter(reporter));
        people.push(Write::InsertIdentity(identity.clone()));
        identities.push(identity);
    }
    hub.commit(people).await.expect("there is room on the disk");
    let mut ids = Vec::with_capacity(TICKETS);
    let mut change = Change::new();
    for at in 0..TICKETS {
        fixtures.clock.advance(std::time::Duration::from_secs(60));
        let author = &identities[at * 31 % PEOPLE];
        let mut ticket = fixtures.new_ticket(author.reporter);
        let text = MESSAGES[at % MESSAGES.len()];
        ticket.description = scrubber.scrub(&format!("{text} (caso {at})"), &KnownPeople::new()).text;
        ticket.title = scrubber
            .scrub(&text.chars().take(60).collect::<String>(), &KnownPeople::new())
            .text;
        ticket.priority = Priority::ALL[at / 3 % Priority::ALL.len()];
        ticket.ticket_type = TicketType::ALL[at / 7 % TicketType::ALL.len()];
        ids.push(ticket.id);
        let source = fixtures.source(ticket.id, author);
        change.push(Write::InsertTicket(Box::new(ticket)));
        change.push(Write::InsertSource(Box::new(source)));
        if at % 500 == 499 {
            hub.commit(std::mem::take(&mut change))
                .await
                .expect("there is room on the disk");
        }
    }
    ids
}

criterion_group! {
    name = benches;
    config = compare::criterion();
    targets = first_page
}
criterion_main!(benches);
