//! Search over the scrubbed words.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{QueriesHarness, found, intake, page, stored, write};
use crate::{
    domain::{Page, PageRequest, Scrubbed, TicketStatus, Write},
    ports::{Queries, TicketFilter, TicketRow},
    testing::fixtures::Fixtures,
};

pub(super) async fn search_finds_beginnings_of_words_whatever_case_and_accents<H: QueriesHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let rows = intake(store, &fixtures, |rows| {
        rows.ticket.title = Scrubbed::restore("La EXPORTACIÓN de mañana".into());
        rows.ticket.description = Scrubbed::restore("Error HTTP-500 en v2.3 (São Paulo), dice [NAME_1]".into());
    })
    .await;
    intake(store, &fixtures, |rows| {
        rows.ticket.title = Scrubbed::restore("Login".into());
        rows.ticket.description = Scrubbed::restore("Password reset mail never comes".into());
    })
    .await;
    let one = BTreeSet::from([rows.ticket.id]);
    for hit in [
        "exportacion",
        "EXPORT",
        "manana",
        "mañ",
        "exp man",
        "man exp",
        "sao pau",
        "500",
        "http-5",
        "v2",
        "name_1",
    ] {
        assert_eq!(found(store, hit).await, one, "{hit}");
    }
    for miss in ["portacion", "exportacion login", "exportaciones", "x"] {
        assert_eq!(found(store, miss).await, BTreeSet::new(), "{miss}");
    }
    // Without words there is no filter.
    for nothing in ["", "  ", "*"] {
        assert_eq!(found(store, nothing).await.len(), 2, "{nothing:?}");
    }
}

pub(super) async fn search_looks_at_title_and_description_as_they_are_now<H: QueriesHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let rows = intake(store, &fixtures, |_| {}).await;
    let mut ticket = stored(store, rows.ticket.id).await;
    ticket.title = Scrubbed::restore("Facturas duplicadas".into());
    ticket.description = Scrubbed::restore("Se cobra dos veces".into());
    write(store, Write::UpdateTicket(Box::new(ticket))).await;
    assert_eq!(found(store, "exportacion").await.len(), 0);
    assert_eq!(found(store, "factura cobra").await.len(), 1);
    let mut ticket = stored(store, rows.ticket.id).await;
    ticket.sprint = Some("7".into());
    write(store, Write::UpdateTicket(Box::new(ticket))).await;
    assert_eq!(found(store, "factura cobra").await.len(), 1);
}

pub(super) async fn search_text_is_never_syntax<H: QueriesHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    intake(store, &fixtures, |_| {}).await;
    for hostile in [
        "\"",
        "'",
        "exporta\" OR \"zzz",
        "NOT exportacion zzz",
        "title:zzz",
        "exporta NEAR zzz",
        "(((",
        "a AND",
        "^zzz",
        "-zzz",
        "zzz*",
        "{zzz}",
        "zzz\u{0}",
        "'; DROP TABLE tickets; --zzz",
        "%zzz_",
        "zzz + zzz",
    ] {
        let filter = TicketFilter {
            search: Some(hostile.into()),
            ..TicketFilter::default()
        };
        let page = store.tickets(&filter, PageRequest::default()).await;
        let page = page.unwrap_or_else(|error| panic!("{hostile:?}: {error}"));
        // Without words ("(((") nothing is filtered; every other one has a word that no ticket has.
        let has_words = hostile.chars().any(char::is_alphanumeric);
        assert_eq!(page.items.len(), usize::from(!has_words), "{hostile:?}");
    }
    let long = "palabra ".repeat(300);
    let filter = TicketFilter {
        search: Some(long),
        ..TicketFilter::default()
    };
    assert!(
        store
            .tickets(&filter, PageRequest::default())
            .await
            .expect("a long search is a search")
            .items
            .is_empty()
    );
}

pub(super) async fn search_keeps_filters_pages_and_order<H: QueriesHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let mut expected = Vec::new();
    for number in 0..5 {
        let at = fixtures.now().plus(Duration::from_secs([3, 1, 4, 0, 2][number]));
        let rows = intake(store, &fixtures, |rows| rows.ticket.created_at = at).await;
        expected.push((at, rows.ticket.id));
    }
    expected.sort_unstable_by(|a, b| b.cmp(a));
    let filter = TicketFilter {
        search: Some("exportación".into()),
        status: Some(TicketStatus::New),
        ..TicketFilter::default()
    };
    let (mut seen, mut after) = (Vec::new(), None);
    for _ in 0..3 {
        let part: Page<TicketRow> = store.tickets(&filter, page(2, after)).await.expect("lists work");
        seen.extend(part.items.iter().map(|row| (row.ticket.created_at, row.ticket.id)));
        after = part.next;
    }
    assert_eq!((seen, after), (expected, None));
}
