//! The promises of [`Conversations`], as checks against a provider's stand-in.

use std::{error::Error, process::ExitCode, sync::Arc};

use super::{BoxFuture, Check, checks, run_checks, trials};
use crate::{
    domain::{Channel, ExternalId, ThreadRef},
    logic::normalize::WantedForm,
    ports::{Conversations, PortError, PortErrorKind, StepEnd, ThreadOpening},
};

/// What the suite needs of an adapter's author: a fresh provider for each check.
pub trait ConversationsHarness: Send + Sync + 'static {
    /// Starts a provider with the message and the places that the bench names.
    fn start(&self) -> BoxFuture<'_, Box<dyn ConversationsBench>>;
}

/// One adapter and the provider behind it. Dropping it stops the provider.
pub trait ConversationsBench: Send + Sync {
    /// The adapter. Its time limit should be short (a second).
    fn conversations(&self) -> Arc<dyn Conversations>;

    /// The same, but nobody listens at its provider's address.
    fn unreachable(&self) -> Arc<dyn Conversations>;

    /// The channel that it must name.
    fn channel(&self) -> Channel;

    /// A message that is there, and words that its JSON must hold.
    fn known_message(&self) -> (ExternalId, String);

    /// An id of the provider's form that no message has.
    fn unknown_message(&self) -> ExternalId;

    /// An opening in a place that takes messages.
    fn opening(&self, marker: &str, receipt: &str) -> ThreadOpening;

    /// An opening in a place that our app may not post to.
    fn closed_opening(&self, marker: &str, receipt: &str) -> ThreadOpening;

    /// Everything that our app posted, as a person reads it, and the thread that each message begins.
    fn receipts(&self) -> BoxFuture<'_, Vec<(String, ThreadRef)>>;

    /// Somebody's leave to be shown a form, used once at most.
    fn wanted_form(&self) -> WantedForm;

    /// The forms that people see: the place that each will come back with.
    fn forms(&self) -> BoxFuture<'_, Vec<Option<String>>>;

    /// A run of a workflow's step that waits, and the one output that it demands, as text; `None` where the provider has no
    /// workflows.
    fn waiting_step(&self) -> Option<(ExternalId, String)>;

    /// How each run of a step ended, as the workflow has it.
    fn ended_steps(&self) -> BoxFuture<'_, Vec<(ExternalId, StepEnd)>>;

    /// Lets the next request fail; `false` where the provider never fails so.
    fn fail_next(&self, failure: ConversationsFailure) -> bool;

    /// The next receipt is posted, and the connection ends without an answer.
    fn lose_next_receipt(&self);

    /// What must never show: tokens and people.
    fn secrets(&self) -> Vec<String>;
}

/// A way in which a call can fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConversationsFailure {
    /// Too many requests.
    RateLimited,
    /// Our credentials are not accepted.
    Unauthorized,
    /// The provider says that it cannot now.
    Unavailable,
}

/// Runs the suite as a test binary.
pub fn run(harness: impl ConversationsHarness) -> ExitCode {
    run_checks(Suite(Box::new(harness)), "conversations", CHECKS)
}

/// The suite's trials, for a binary that runs several suites.
pub fn all(harness: impl ConversationsHarness) -> Vec<libtest_mimic::Trial> {
    trials(Suite(Box::new(harness)), "conversations", CHECKS)
}

/// The harness behind one type, so that the checks can stand in a constant.
pub(crate) struct Suite(pub(crate) Box<dyn ConversationsHarness>);

impl Suite {
    async fn start(&self) -> Box<dyn ConversationsBench> {
        self.0.start().await
    }
}

/// Every promise, by name.
pub(crate) const CHECKS: &[Check<Suite>] = checks![
    it_names_its_channel,
    a_message_is_given_whole_and_nothing_is_posted,
    a_message_that_is_not_there_is_none,
    hostile_ids_are_none_or_refused,
    a_thread_begins_where_its_receipt_stands,
    the_same_opening_again_gives_the_same_thread,
    another_opening_gives_another_thread,
    an_opening_whose_answer_was_lost_is_found_by_the_next,
    a_place_that_takes_no_message_leads_to_the_person,
    the_receipt_is_plain_text_to_the_letter,
    a_form_is_shown_once_for_a_leave_and_knows_its_place,
    a_step_is_ended_once_and_ending_it_again_changes_nothing,
    a_step_that_demands_more_can_still_fail_in_words,
    a_step_that_nobody_knows_is_over,
    failures_say_what_may_be_done,
    an_unreachable_provider_is_not_sent,
    nothing_secret_shows,
];

const FAILURES: [ConversationsFailure; 3] = [
    ConversationsFailure::RateLimited,
    ConversationsFailure::Unauthorized,
    ConversationsFailure::Unavailable,
];

async fn it_names_its_channel(suite: &Suite) {
    let bench = suite.start().await;
    assert_eq!(bench.conversations().channel(), bench.channel());
}

async fn a_message_is_given_whole_and_nothing_is_posted(suite: &Suite) {
    let bench = suite.start().await;
    let (id, words) = bench.known_message();
    let found = bench.conversations().message(&id).await.expect("the provider answers");
    let found = found.expect("the message is there");
    let json: serde_json::Value = serde_json::from_slice(&found).expect("it is JSON");
    assert!(
        json.to_string().contains(&words),
        "another message than the one asked for"
    );
    assert!(bench.receipts().await.is_empty());
}

async fn a_message_that_is_not_there_is_none(suite: &Suite) {
    let bench = suite.start().await;
    let found = bench.conversations().message(&bench.unknown_message()).await;
    assert_eq!(found.expect("the provider answers"), None);
}

async fn hostile_ids_are_none_or_refused(suite: &Suite) {
    let bench = suite.start().await;
    let (known, _) = bench.known_message();
    for id in [
        "x".to_owned(),
        "::".to_owned(),
        format!("{known}&channel=C0"),
        format!("{known}:1"),
        format!("../{known}"),
    ] {
        let id = ExternalId::parse(id).expect("legal as an id of ours");
        match bench.conversations().message(&id).await {
            Ok(found) => assert_eq!(found, None, "{id}"),
            Err(error) => assert_eq!(error.kind(), PortErrorKind::Rejected, "{id}: {error}"),
        }
    }
}

async fn a_thread_begins_where_its_receipt_stands(suite: &Suite) {
    let bench = suite.start().await;
    let opening = bench.opening("m1", "Ticket #1042");
    let thread = bench
        .conversations()
        .open_thread(&opening)
        .await
        .expect("the place takes it");
    assert_eq!(bench.receipts().await, [("Ticket #1042".to_owned(), thread.clone())]);
    assert!(thread.key().is_some(), "a thread can be found again");
    assert_eq!(thread.connection(), opening.place.connection());
}

async fn the_same_opening_again_gives_the_same_thread(suite: &Suite) {
    let bench = suite.start().await;
    let opening = bench.opening("m1", "Ticket #1042");
    let first = bench
        .conversations()
        .open_thread(&opening)
        .await
        .expect("the place takes it");
    let again = bench.conversations().open_thread(&opening).await.expect("it is found");
    assert_eq!(first, again);
    assert_eq!(bench.receipts().await.len(), 1);
    let closed = bench.closed_opening("m2", "Ticket #1043");
    let first = bench
        .conversations()
        .open_thread(&closed)
        .await
        .expect("the person takes it");
    let again = bench.conversations().open_thread(&closed).await.expect("it is found");
    assert_eq!(first, again);
    assert_eq!(bench.receipts().await.len(), 2);
}

async fn another_opening_gives_another_thread(suite: &Suite) {
    let bench = suite.start().await;
    let one = bench
        .conversations()
        .open_thread(&bench.opening("m1", "Ticket #1"))
        .await;
    let other = bench
        .conversations()
        .open_thread(&bench.opening("m2", "Ticket #2"))
        .await;
    assert_ne!(one.expect("the place takes it"), other.expect("and the other"));
    assert_eq!(bench.receipts().await.len(), 2);
}

async fn an_opening_whose_answer_was_lost_is_found_by_the_next(suite: &Suite) {
    let bench = suite.start().await;
    let opening = bench.opening("m1", "Ticket #1042");
    bench.lose_next_receipt();
    let lost = bench.conversations().open_thread(&opening).await;
    assert_eq!(lost.expect_err("no answer came").kind(), PortErrorKind::Unknown);
    let thread = bench.conversations().open_thread(&opening).await.expect("it is found");
    assert_eq!(bench.receipts().await, [("Ticket #1042".to_owned(), thread)]);
}

async fn a_place_that_takes_no_message_leads_to_the_person(suite: &Suite) {
    let bench = suite.start().await;
    let opening = bench.closed_opening("m1", "Ticket #1042");
    let thread = bench
        .conversations()
        .open_thread(&opening)
        .await
        .expect("the person takes it");
    assert_eq!(bench.receipts().await, [("Ticket #1042".to_owned(), thread.clone())]);
    assert_ne!(thread, opening.place);
}

async fn the_receipt_is_plain_text_to_the_letter(suite: &Suite) {
    let bench = suite.start().await;
    let words = "<!channel> <@U0ANA> *#1042* & <https://x.example|y>";
    bench
        .conversations()
        .open_thread(&bench.opening("m1", words))
        .await
        .expect("the place takes it");
    assert_eq!(bench.receipts().await[0].0, words);
}

async fn a_form_is_shown_once_for_a_leave_and_knows_its_place(suite: &Suite) {
    let bench = suite.start().await;
    let wanted = bench.wanted_form();
    assert!(wanted.place.is_some(), "it was asked for somewhere");
    let began = std::time::Instant::now();
    bench.conversations().open_form(&wanted).await.expect("it is shown");
    assert!(began.elapsed() < std::time::Duration::from_secs(2), "in time");
    assert_eq!(bench.forms().await, std::slice::from_ref(&wanted.place));
    let again = bench
        .conversations()
        .open_form(&wanted)
        .await
        .expect_err("the leave was used");
    assert_eq!(again.kind(), PortErrorKind::Rejected, "{again}");
    assert_eq!(bench.forms().await.len(), 1);
    assert!(bench.receipts().await.is_empty(), "nobody else sees it");
    let error = bench
        .unreachable()
        .open_form(&wanted)
        .await
        .expect_err("nobody listens there");
    assert_eq!(error.kind(), PortErrorKind::NotSent, "{error}");
    assert!(
        !format!("{wanted:?} {error:?}").contains(&wanted.trigger),
        "the leave is a secret"
    );
}

fn done(output: &str, value: &str) -> StepEnd {
    StepEnd::Done([(output.to_owned(), value.into())].into_iter().collect())
}

async fn a_step_is_ended_once_and_ending_it_again_changes_nothing(suite: &Suite) {
    let bench = suite.start().await;
    let Some((step, output)) = bench.waiting_step() else {
        return;
    };
    assert!(bench.ended_steps().await.is_empty());
    let (conversations, end) = (bench.conversations(), done(&output, "1042"));
    for _ in 0..2 {
        conversations.end_step(&step, &end).await.expect("it is ended");
    }
    let failed = StepEnd::Failed("too late".into());
    conversations.end_step(&step, &failed).await.expect("it is over");
    assert_eq!(bench.ended_steps().await, [(step, end)]);
}

async fn a_step_that_demands_more_can_still_fail_in_words(suite: &Suite) {
    let bench = suite.start().await;
    let Some((step, _)) = bench.waiting_step() else { return };
    let nothing = StepEnd::Done(serde_json::Map::new());
    let refused = bench.conversations().end_step(&step, &nothing).await;
    assert_eq!(
        refused.expect_err("an output is missing").kind(),
        PortErrorKind::Rejected
    );
    assert!(bench.ended_steps().await.is_empty(), "it waits still");
    let failed = StepEnd::Failed("The report is recorded.".into());
    bench
        .conversations()
        .end_step(&step, &failed)
        .await
        .expect("words always do");
    assert_eq!(bench.ended_steps().await, [(step, failed)]);
}

async fn a_step_that_nobody_knows_is_over(suite: &Suite) {
    let bench = suite.start().await;
    if bench.waiting_step().is_none() {
        return;
    }
    let unknown = ExternalId::parse("Fx0NOBODY").expect("a legal id");
    let ended = bench.conversations().end_step(&unknown, &done("ticket", "1")).await;
    ended.expect("there is nobody left to tell");
    assert!(bench.ended_steps().await.is_empty());
}

async fn failures_say_what_may_be_done(suite: &Suite) {
    let bench = suite.start().await;
    let (id, _) = bench.known_message();
    for failure in FAILURES {
        let is_expected = |kind| match failure {
            ConversationsFailure::RateLimited => matches!(kind, PortErrorKind::RateLimited { .. }),
            ConversationsFailure::Unauthorized => kind == PortErrorKind::Unauthorized,
            ConversationsFailure::Unavailable => kind == PortErrorKind::Unavailable,
        };
        if bench.fail_next(failure) {
            let error = bench.conversations().message(&id).await.expect_err("told to fail");
            assert!(is_expected(error.kind()), "{error}");
        }
        if bench.fail_next(failure) {
            let opening = bench.opening("m1", "Ticket #1042");
            let error = bench
                .conversations()
                .open_thread(&opening)
                .await
                .expect_err("told to fail");
            assert!(is_expected(error.kind()), "{error}");
        }
        if let Some((step, output)) = bench.waiting_step()
            && bench.fail_next(failure)
        {
            let error = bench.conversations().end_step(&step, &done(&output, "1")).await;
            let error = error.expect_err("told to fail");
            assert!(is_expected(error.kind()), "{error}");
        }
    }
    assert!(bench.receipts().await.is_empty());
    assert!(bench.ended_steps().await.is_empty());
}

async fn an_unreachable_provider_is_not_sent(suite: &Suite) {
    let bench = suite.start().await;
    let unreachable = bench.unreachable();
    let error = unreachable
        .message(&bench.known_message().0)
        .await
        .expect_err("nobody listens");
    assert_eq!(error.kind(), PortErrorKind::NotSent, "{error}");
    let error = unreachable
        .open_thread(&bench.opening("m1", "x"))
        .await
        .expect_err("nobody listens");
    assert_eq!(error.kind(), PortErrorKind::NotSent, "{error}");
    if let Some((step, output)) = bench.waiting_step() {
        let error = unreachable.end_step(&step, &done(&output, "1")).await;
        assert_eq!(error.expect_err("nobody listens").kind(), PortErrorKind::NotSent);
    }
}

async fn nothing_secret_shows(suite: &Suite) {
    let bench = suite.start().await;
    let conversations = bench.conversations();
    let opening = bench.opening("m1", "the words of the receipt");
    let mut shown = vec![format!("{conversations:?} {opening:?}")];
    for failure in FAILURES {
        if bench.fail_next(failure) {
            let error = conversations.open_thread(&opening).await.expect_err("told to fail");
            shown.push(everything_of(&error));
        }
    }
    let mut hidden = bench.secrets();
    hidden.push("the words of the receipt".into());
    for text in shown {
        for secret in &hidden {
            assert!(!text.contains(secret), "a secret or a person shows in {text}");
        }
    }
}

/// Display and Debug of an error and of everything under it.
fn everything_of(error: &PortError) -> String {
    let (mut shown, mut next) = (format!("{error}\n{error:?}"), error.source());
    while let Some(source) = next {
        shown.push_str(&format!("\n{source}\n{source:?}"));
        next = source.source();
    }
    shown
}
