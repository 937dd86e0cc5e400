//! The adapter keeps every promise of the tracker port, against the stand-in.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{process::ExitCode, sync::Arc, time::Duration};

use async_trait::async_trait;
use feedback_core::{
    domain::{TicketId, Timestamp, TrackerStatus},
    ports::Tracker,
    testing::conformance::tracker::{self, Board, TrackerFault, TrackerHarness},
};
use feedback_notion::{Notion, NotionConfig};
use feedback_sandbox::{Fault, Provider, Sandbox, SandboxConfig, Scope};
use serde_json::{Value, json};

struct OverSandbox;

struct NotionBoard {
    sandbox: Sandbox,
    notion: Arc<Notion>,
}

#[async_trait]
impl TrackerHarness for OverSandbox {
    async fn fresh(&self) -> Box<dyn Board> {
        // A second check finds the provider installed by the first.
        rustls::crypto::ring::default_provider().install_default().ok();
        let sandbox = Sandbox::start(SandboxConfig::demo()).await.unwrap();
        let account = &sandbox.config().notion;
        let config = NotionConfig::new(account.token.clone(), account.data_source_id.clone())
            .with_base_url(sandbox.notion_base_url())
            .with_timeout(Duration::from_secs(5));
        let notion = Arc::new(Notion::new(config).unwrap());
        Box::new(NotionBoard { sandbox, notion })
    }
}

impl NotionBoard {
    /// What no adapter call does: a request of somebody else's.
    async fn post(&self, path: &str, body: Value) -> Value {
        let url = format!("{}{path}", self.sandbox.notion_base_url());
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let token = &self.sandbox.config().notion.token;
        let request = client
            .post(url)
            .bearer_auth(token)
            .header("notion-version", "2025-09-03")
            .json(&body);
        request.send().await.unwrap().json().await.unwrap()
    }
}

#[async_trait]
impl Board for NotionBoard {
    fn tracker(&self) -> Arc<dyn Tracker> {
        self.notion.clone()
    }

    fn start(&self) -> Timestamp {
        "2026-01-01T00:00:00Z".parse().unwrap()
    }

    fn secrets(&self) -> Vec<String> {
        vec![self.sandbox.config().notion.token.clone()]
    }

    async fn pages_of(&self, ticket: TicketId) -> usize {
        let id = ticket.to_string();
        let pages = self.sandbox.notion().pages();
        pages
            .iter()
            .filter(|page| !page.is_in_trash && page.properties.get("Hub ID") == Some(&id))
            .count()
    }

    async fn body_of(&self, page_id: &str) -> String {
        self.sandbox.notion().page(page_id).unwrap().content.join("\n")
    }

    async fn move_page(&self, page_id: &str, to: TrackerStatus) {
        let name = match to {
            TrackerStatus::ToDo => "Not started",
            TrackerStatus::InProgress => "In progress",
            TrackerStatus::Done => "Done",
        };
        self.sandbox.notion().move_page(page_id, name).unwrap();
    }

    async fn move_to_unknown_column(&self, page_id: &str) {
        self.sandbox.notion().rename_choice("Status", "Done", "Won't do");
        self.sandbox.notion().move_page(page_id, "Won't do").unwrap();
    }

    async fn write_notes(&self, page_id: &str, text: &str) {
        self.sandbox.notion().add_notes(page_id, text).unwrap();
    }

    async fn delete_page(&self, page_id: &str) {
        self.sandbox.notion().trash_page(page_id).unwrap();
    }

    async fn add_foreign_page(&self, title: &str) -> String {
        let source = &self.sandbox.config().notion.data_source_id;
        let page = json!({
            "parent": {"type": "data_source_id", "data_source_id": source},
            "properties": {"Name": {"title": [{"text": {"content": title}}]}},
        });
        let made = self.post("/v1/pages", page).await;
        let id = made["id"].as_str().unwrap().to_owned();
        // Made with the only token there is, and then a person's.
        self.sandbox.notion().move_page(&id, "In progress").unwrap();
        id
    }

    async fn pass_time(&self, by: Duration) {
        self.sandbox.advance_clock(by);
    }

    async fn fail_next(&self, fault: TrackerFault) {
        let faults = self.sandbox.faults();
        match fault {
            TrackerFault::CreatesAndIsSilent => {
                let creating = Scope::path("/v1/pages").with_method("POST");
                faults.fail_next_in(Provider::Notion, 1, Fault::CloseAfterEffect, creating);
            }
            TrackerFault::RateLimited(wait) => {
                let fault = Fault::RateLimited {
                    retry_after_secs: wait.as_secs(),
                };
                faults.fail_next(Provider::Notion, 1, fault);
            }
            TrackerFault::Unauthorized => faults.fail_next(Provider::Notion, 1, Fault::code("unauthorized")),
            TrackerFault::Unavailable => faults.fail_next(Provider::Notion, 1, Fault::code("service_unavailable")),
            other => panic!("the stand-in cannot do {other:?}"),
        }
    }
}

fn main() -> ExitCode {
    tracker::run(OverSandbox)
}
