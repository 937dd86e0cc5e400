//! Another embedder than before: what was read by the old one is read again in the background, and vectors of the two are
//! never compared.

use std::{path::Path, time::Duration};

use feedback_adapters::{
    embeddings::{Encoder, WordTable},
    sqlite::{Sqlite, SqliteConfig},
};
use feedback_core::{
    domain::Timestamp,
    ports::{Embedder, Storage},
};
use feedback_test_servers::postgres;
use feedback_tests::{
    api::Api,
    host::{Host, free_address},
    wait::until,
};
use reqwest::Method;
use serde_json::json;

/// An encoder of the true form with a few pieces and made-up weights: the true ones are no part of the repository.
#[path = "../../adapters/embeddings/src/encoder/small.rs"]
mod small;

const TOKEN: &str = "embedder-test-token-0123456789";
const KEYS: &str = "k1:pKYY9yyKZ4Y4Y0zqJ2V8d1cF0T0d3nQ8o2m6e1bWc5I=";

async fn report(api: &Api, text: &str) -> String {
    let body = json!({"description": text, "reporter": {"external_user_id": "u-1"}});
    let (status, ticket) = api.call(Method::POST, "/api/tickets", Some(&body)).await;
    assert!(status.is_success(), "{status} {ticket}");
    ticket["id"].as_str().expect("a ticket has an id").to_owned()
}

async fn rest(api: &Api) {
    until("the hub to come to rest", Duration::from_secs(30), || async {
        (api.get("/api/ops/status").await["quiescent"] == true).then_some(())
    })
    .await;
}

/// How many tickets an embedder has read.
async fn read_by(database: &Path, embedder: &dyn Embedder) -> usize {
    let store = Sqlite::open(SqliteConfig::new(database)).expect("the host that had it is gone");
    let vectors = store
        .vectors(embedder.model(), Timestamp::UNIX_EPOCH)
        .await
        .expect("it can be read");
    vectors.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn another_embedder_reads_the_window_again_and_finds_what_the_old_one_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = folder.path().join("hub.db");
    let weights = folder.path().join("encoder.bin");
    let encoder = Encoder::read(&small::encoder()).expect("it is of the true form");
    std::fs::write(&weights, small::encoder()).expect("the folder can be written");
    let address = free_address();
    let mut environment = vec![
        ("FEEDBACK_DATABASE_URL", format!("sqlite://{}", database.display())),
        ("FEEDBACK_SECRET_KEYS", KEYS.to_owned()),
    ];
    let first = Host::serve(address, TOKEN, &environment).await;
    let api = first.api();
    let old = report(&api, "no llega la factura").await;
    report(&api, "la nueva foto tarda demasiado").await;
    rest(&api).await;
    first.kill().await;
    assert_eq!(read_by(&database, &WordTable::new()).await, 2);

    environment.extend([
        ("FEEDBACK_MATCHING__EMBEDDER", "encoder".to_owned()),
        ("FEEDBACK_MATCHING__ENCODER_WEIGHTS", weights.display().to_string()),
    ]);
    let second = Host::serve(address, TOKEN, &environment).await;
    let api = second.api();
    rest(&api).await;
    let again = report(&api, "no llega la factura").await;
    rest(&api).await;
    let ticket = api.get(&format!("/api/tickets/{again}")).await;
    let suggested = ticket["suggestions"].as_array().expect("a list");
    assert!(suggested.iter().any(|link| link.to_string().contains(&old)), "{ticket}");
    second.kill().await;
    // Nothing of the old one was changed or added to: the third report has no vector of its.
    assert_eq!(read_by(&database, &WordTable::new()).await, 2);
    assert_eq!(read_by(&database, &encoder).await, 3);
}

/// The first start is in memory; the second finds on the server what the first one read.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_searches_finds_what_was_read_before_it_was_asked_to() {
    let database = postgres::shared_with_pgvector().database();
    let address = free_address();
    let mut environment = vec![
        ("FEEDBACK_DATABASE_URL", database.url()),
        ("FEEDBACK_SECRET_KEYS", KEYS.to_owned()),
    ];
    let first = Host::serve(address, TOKEN, &environment).await;
    let api = first.api();
    let old = report(&api, "no llega la factura del mes pasado").await;
    report(&api, "la nueva foto tarda demasiado").await;
    rest(&api).await;
    first.kill().await;
    environment.push(("FEEDBACK_MATCHING__SEARCH", "pgvector".to_owned()));
    let second = Host::serve(address, TOKEN, &environment).await;
    let api = second.api();
    let again = report(&api, "no llega la factura del mes pasado").await;
    rest(&api).await;
    let links = database.run("SELECT ticket_id, original_id FROM feedback.ticket_links");
    assert_eq!(links, format!("{again}|{old}"));
    assert_eq!(database.run("SELECT count(*) FROM feedback.ticket_vectors_near"), "3");
    second.kill().await;
}
