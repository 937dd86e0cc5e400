//! What engineers do to their board while the hub runs.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{sync::Once, time::Duration};

use feedback_core::{
    domain::{Priority, Scrubbed, TicketId, TicketNumber, TicketType, Timestamp, TrackerStatus},
    logic::scrub::{KnownPeople, Scrubber},
    ports::{PortErrorKind, TrackedTicket, Tracker},
};
use feedback_notion::{Notion, NotionConfig};
use feedback_sandbox::{Fault, Provider, Sandbox, SandboxConfig, Scope};

static TLS: Once = Once::new();

async fn sandbox() -> Sandbox {
    TLS.call_once(|| rustls::crypto::ring::default_provider().install_default().unwrap());
    Sandbox::start(SandboxConfig::demo()).await.unwrap()
}

fn config(sandbox: &Sandbox, data_source_id: &str) -> NotionConfig {
    NotionConfig::new(sandbox.config().notion.token.clone(), data_source_id)
        .with_base_url(sandbox.notion_base_url())
        .with_timeout(Duration::from_secs(10))
}

fn notion(sandbox: &Sandbox) -> Notion {
    Notion::new(config(sandbox, &sandbox.config().notion.data_source_id)).unwrap()
}

fn scrubbed(text: &str) -> Scrubbed {
    Scrubber::new().scrub(text, &KnownPeople::new()).text
}

fn ticket(number: u64) -> TrackedTicket {
    TrackedTicket {
        id: format!("01900000-0000-7000-8000-{number:012}")
            .parse::<TicketId>()
            .unwrap(),
        number: TicketNumber::new(number),
        title: scrubbed("The export hangs"),
        description: scrubbed("Since this morning the export hangs."),
        ticket_type: TicketType::FeatureRequest,
        priority: Priority::P3,
        source: "slack".into(),
        reporter: "Reporter 7f3a".into(),
        link: None,
        status: None,
        page: None,
    }
}

fn start() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

#[tokio::test]
async fn f80_renamed_columns_and_options_change_nothing() {
    let sandbox = sandbox().await;
    let notion = notion(&sandbox);
    let page = notion.upsert_page(&ticket(1)).await.unwrap();
    sandbox.notion().rename_property("Status", "Estado");
    sandbox.notion().rename_property("Hub ID", "Identificador");
    sandbox.notion().rename_choice("Estado", "Done", "Hecho");
    sandbox.notion().move_page(&page.id, "Hecho").unwrap();
    let changes = notion.changes_since(None, start()).await.unwrap();
    assert_eq!(changes.updates[0].status, Some(TrackerStatus::Done));
    assert_eq!(changes.updates[0].status_name.as_deref(), Some("Hecho"));
    assert_eq!(changes.updates[0].ticket, Some(ticket(1).id));
}

#[tokio::test]
async fn f80_a_deleted_column_is_left_out_from_then_on() {
    let sandbox = sandbox().await;
    let notion = notion(&sandbox);
    notion.upsert_page(&ticket(1)).await.unwrap();
    sandbox.notion().remove_property("Reporter");
    let page = notion.upsert_page(&ticket(2)).await.unwrap();
    let properties = sandbox.notion().page(&page.id).unwrap().properties;
    assert_eq!(properties.get("Priority").map(String::as_str), Some("P3"));
    assert_eq!(notion.health().await.unwrap().missing_properties, ["Reporter"]);
}

#[tokio::test]
async fn without_the_hub_id_nothing_is_written_and_the_reason_is_said() {
    let sandbox = sandbox().await;
    sandbox.notion().remove_property("Hub ID");
    let error = notion(&sandbox).upsert_page(&ticket(1)).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.code()),
        (PortErrorKind::Rejected, Some("missing_property"))
    );
    assert!(error.to_string().contains("Hub ID"), "{error}");
    assert!(sandbox.notion().pages().is_empty());
}

#[tokio::test]
async fn the_id_of_a_database_with_one_data_source_is_good_enough() {
    let sandbox = sandbox().await;
    let notion = Notion::new(config(&sandbox, &sandbox.config().notion.database_id)).unwrap();
    notion.upsert_page(&ticket(1)).await.unwrap();
    assert_eq!(sandbox.notion().pages().len(), 1);
}

#[tokio::test]
async fn a_board_that_is_not_shared_is_for_a_person_to_repair() {
    let sandbox = sandbox().await;
    let notion = Notion::new(config(&sandbox, &"0".repeat(32))).unwrap();
    let error = notion.changes_since(None, start()).await.unwrap_err();
    assert_eq!(error.kind(), PortErrorKind::Unauthorized);
}

#[tokio::test]
async fn f79_a_poll_that_breaks_on_its_second_answer_is_whole_the_next_time() {
    let sandbox = sandbox().await;
    let notion = notion(&sandbox);
    for number in 1..=230 {
        notion.upsert_page(&ticket(number)).await.unwrap();
        if number % 80 == 0 {
            sandbox.advance_clock(Duration::from_secs(300));
        }
    }
    let query = Scope::path("/query");
    sandbox.faults().fail_next_in(
        Provider::Notion,
        1,
        Fault::Slow(Duration::from_millis(1)),
        query.clone(),
    );
    sandbox
        .faults()
        .fail_next_in(Provider::Notion, 1, Fault::code("internal_server_error"), query);
    assert_eq!(
        notion.changes_since(None, start()).await.unwrap_err().kind(),
        PortErrorKind::Unavailable
    );
    let changes = notion.changes_since(None, start()).await.unwrap();
    assert_eq!(changes.updates.len(), 230);
    assert!(changes.updates.is_sorted_by_key(|update| update.edited_at));
    let quiet = notion.changes_since(Some(&changes.cursor), start()).await.unwrap();
    assert!(quiet.updates.is_empty(), "what was seen is not told again");
}

#[tokio::test]
async fn f78_a_page_that_was_made_before_the_connection_broke_is_found_by_its_id() {
    let sandbox = sandbox().await;
    let notion = notion(&sandbox);
    let creating = Scope::path("/v1/pages").with_method("POST");
    sandbox
        .faults()
        .fail_next_in(Provider::Notion, 1, Fault::CloseAfterEffect, creating);
    assert_eq!(
        notion.upsert_page(&ticket(1)).await.unwrap_err().kind(),
        PortErrorKind::Unknown
    );
    let page = notion.upsert_page(&ticket(1)).await.unwrap();
    let pages = sandbox.notion().pages();
    assert_eq!(
        pages.iter().map(|page| page.id.as_str()).collect::<Vec<_>>(),
        [page.id.as_str()]
    );
    assert_eq!(
        pages[0].content,
        ["Report", "Since this morning the export hangs.", "Resolution"]
    );
}

#[tokio::test]
async fn a_page_back_from_the_trash_is_a_change() {
    let sandbox = sandbox().await;
    let notion = notion(&sandbox);
    let page = notion.upsert_page(&ticket(1)).await.unwrap();
    sandbox.notion().trash_page(&page.id).unwrap();
    let gone = notion.changes_since(None, start()).await.unwrap();
    assert!(gone.updates.is_empty());
    sandbox.notion().restore_page(&page.id).unwrap();
    let back = notion.changes_since(Some(&gone.cursor), start()).await.unwrap();
    assert_eq!(back.updates.len(), 1);
}

#[tokio::test]
async fn health_names_the_board_and_what_it_lacks() {
    let sandbox = sandbox().await;
    let health = notion(&sandbox).health().await.unwrap();
    assert_eq!(health.board, "Feedback");
    assert_eq!(health.integration.as_deref(), Some("Feedback Hub"));
    assert!(health.missing_properties.is_empty() && health.statuses_without_meaning.is_empty());
}
