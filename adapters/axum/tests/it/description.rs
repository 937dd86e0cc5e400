//! `/openapi.json` and the file in the repository are made of the code, and name what callers rely on.

use std::collections::BTreeSet;

use feedback_axum::api;
use serde_json::Value;

use crate::world::World;

#[tokio::test]
async fn the_description_is_served_as_it_is_made() {
    let world = World::new().await;
    let reply = world.get("/openapi.json").await;
    assert_eq!(
        (reply.content_type(), reply.text.as_str()),
        ("application/json", api::openapi().as_str())
    );
}

#[test]
fn the_operations_have_the_names_that_callers_generate_code_from() {
    let document: Value = serde_json::from_str(&api::openapi()).unwrap();
    assert_eq!(document["info"]["title"], "Feedback Hub");
    assert_eq!(document["components"]["securitySchemes"]["bearer"]["scheme"], "bearer");
    let paths = document["paths"].as_object().unwrap().values();
    let operations = paths.flat_map(|path| path.as_object().unwrap().values());
    let ids: Vec<&str> = operations
        .map(|operation| operation["operationId"].as_str().unwrap())
        .collect();
    let expected = [
        "acceptLink",
        "approveChangelog",
        "confirmTriage",
        "createGroup",
        "createTicket",
        "discardDeadLetter",
        "dismissLink",
        "downloadAttachment",
        "eraseReporter",
        "exportReporter",
        "findIntercomEndpoint",
        "generateChangelog",
        "getChangelog",
        "getGroup",
        "getKnownAs",
        "getNotification",
        "getReporter",
        "getTicket",
        "hintNotion",
        "ingestEmail",
        "ingestIntercom",
        "ingestSlack",
        "ingestWhatsapp",
        "listChangelogEntries",
        "listDeadLetters",
        "listGroups",
        "listInbox",
        "listNotifications",
        "listTickets",
        "mergeReporter",
        "mergeTicket",
        "metricsSummary",
        "opsStatus",
        "partReporter",
        "readInboxMessage",
        "rejectChangelog",
        "resolveNotification",
        "retryDeadLetter",
        "retryNotification",
        "swapLink",
        "undoLink",
        "updateDraft",
        "updateGroup",
        "updateTicket",
        "verifyWhatsappEndpoint",
    ];
    assert_eq!(ids.len(), expected.len(), "a name comes twice");
    assert_eq!(ids.into_iter().collect::<BTreeSet<_>>(), expected.into_iter().collect());
}

#[test]
fn every_reference_leads_to_a_schema() {
    let text = api::openapi();
    let document: Value = serde_json::from_str(&text).unwrap();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    for reference in text.split("#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(schemas.contains_key(name), "{name} is not described");
    }
}

#[test]
fn the_file_in_the_repository_is_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");
    let file = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        file == api::openapi(),
        "docs/openapi.json is not what the code says: cargo run -p feedback-axum --example openapi > docs/openapi.json"
    );
}
