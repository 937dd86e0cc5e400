//! The smallest host: a hub over fakes, one report, all the way to its reporter.
//!
//! `cargo run -p feedback-core --features testing --example embed`

use feedback_core::{
    domain::{Channel, Priority, TicketType, TrackerStatus},
    testing::hub::{TestHub, ticket_of},
    usecases::Confirmed,
};

const REPORT: &str = r#"{"type":"event_callback","team_id":"T0ACME","event_id":"Ev1","event":{"type":"message",
    "channel":"C0SUPPORT","user":"U0DANA","text":"La exportación se cuelga","ts":"1767225600.000100"}}"#;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // In a real host: `Hub::new(ports, settings)` with adapters, and a `Worker` that runs the jobs.
    let test = TestHub::new().await;
    let (hub, reviewer) = (&test.hub, test.reviewer.id);

    let ticket = ticket_of(&test.receive(Channel::Slack, REPORT).await);
    test.run_due_jobs().await;

    let version = hub
        .queries
        .ticket_detail(ticket)
        .await?
        .ok_or("the ticket is stored")?
        .ticket
        .version;
    let word = Confirmed {
        seen_version: version,
        ticket_type: TicketType::Bug,
        priority: Priority::P2,
        title: None,
    };
    hub.confirm.confirm(ticket, &word, reviewer, None).await?;
    test.run_due_jobs().await;

    let page = test.tracker.page_of(ticket).ok_or("a confirmed ticket has a page")?;
    test.tracker.move_page(&page.update.page_id, TrackerStatus::Done);
    hub.poll.as_ref().ok_or("the test hub has a tracker")?.poll().await?;
    test.run_due_jobs().await;

    let draft = hub.review.newest_of(ticket).await?.ok_or("a resolution is drafted")?;
    hub.review.approve(draft.id, draft.version, reviewer, None).await?;
    test.run_due_jobs().await;

    println!("Dana reads in Slack: {:?}", test.slack.texts());
    Ok(())
}
