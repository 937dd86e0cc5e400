//! A workflow that hands a report over goes on once the report is recorded.

use std::time::Duration;

use feedback_core::{
    domain::{Channel, ExternalId, JobStatus},
    ports::{PortErrorKind, StepEnd},
    testing::hub::{TestHub, ticket_of},
    usecases::Outcome,
};
use serde_json::json;

use crate::{journey::stored, payloads::workflow_step};

const OUTPUTS: [(&str, &str); 2] = [("ticket", "integer"), ("ticket_number", "string")];

fn execution() -> ExternalId {
    ExternalId::parse("Fx01").unwrap()
}

async fn waiting(outputs: &[&str]) -> TestHub {
    let test = TestHub::new().await;
    test.conversations.begin_step(execution(), outputs);
    test
}

#[tokio::test]
async fn a_step_is_told_the_tickets_number_as_its_workflow_declares_it() {
    let test = waiting(&["ticket", "ticket_number"]).await;
    let delivery = || workflow_step("Fx01", "Need a new badge", &OUTPUTS);
    let recorded = test.receive(Channel::Slack, delivery()).await;
    assert_eq!(recorded.outcomes[1], Outcome::EndingStep);
    let number = stored(&test, ticket_of(&recorded)).number.value();
    assert!(
        test.conversations.ended_steps().is_empty(),
        "the request says nothing to Slack"
    );
    test.run_due_jobs().await;
    let outputs = json!({"ticket": number, "ticket_number": number.to_string()});
    let end = StepEnd::Done(outputs.as_object().unwrap().clone());
    assert_eq!(
        test.conversations.ended_steps(),
        [(execution(), end)].into_iter().collect()
    );

    let jobs = test.store.jobs().len();
    test.receive(Channel::Slack, delivery()).await;
    assert_eq!(test.store.jobs().len(), jobs, "a repeated delivery asks nobody again");
}

#[tokio::test]
async fn a_step_is_told_again_until_slack_heard_it() {
    let test = waiting(&[]).await;
    test.receive(Channel::Slack, workflow_step("Fx01", "Need a new badge", &[]))
        .await;
    test.conversations
        .fail_next(PortErrorKind::Unavailable, "service_unavailable");
    test.run_due_jobs().await;
    assert!(test.conversations.ended_steps().is_empty());
    // The next answer is lost: the step is over, and nobody here knows.
    test.conversations.lose_next_answer();
    test.wait(Duration::from_secs(3600)).await;
    test.wait(Duration::from_secs(3600)).await;
    let end = StepEnd::Done(serde_json::Map::new());
    assert_eq!(
        test.conversations.ended_steps(),
        [(execution(), end)].into_iter().collect()
    );
    let unsettled = test
        .store
        .jobs()
        .into_iter()
        .filter(|job| job.kind.as_str() == "end_step" && job.status != JobStatus::Done);
    assert_eq!(unsettled.count(), 0);
}

#[tokio::test]
async fn a_form_without_words_fails_its_step_in_words_and_makes_no_ticket() {
    let test = waiting(&["ticket_number"]).await;
    let recorded = test.receive(Channel::Slack, workflow_step("Fx01", " ", &OUTPUTS)).await;
    assert_eq!(
        recorded.outcomes,
        [Outcome::Ignored("a form without words"), Outcome::EndingStep]
    );
    test.run_due_jobs().await;
    let ended = test.conversations.ended_steps();
    assert!(matches!(&ended[&execution()], StepEnd::Failed(words) if words.contains("no ticket")));
}

#[tokio::test]
async fn a_step_that_wants_what_the_hub_does_not_have_fails_in_words_and_its_report_stands() {
    let test = waiting(&["assignee"]).await;
    let outputs = [("assignee", "slack#/types/user_id")];
    let recorded = test
        .receive(Channel::Slack, workflow_step("Fx01", "Need a new badge", &outputs))
        .await;
    ticket_of(&recorded);
    test.run_due_jobs().await;
    let ended = test.conversations.ended_steps();
    assert!(matches!(&ended[&execution()], StepEnd::Failed(words) if words.contains("was recorded")));
}
