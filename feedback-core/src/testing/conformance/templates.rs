//! The promises of [`Templates`], as checks against a provider's stand-in.

use std::{error::Error, process::ExitCode, sync::Arc, time::Duration};

use super::{BoxFuture, Check, checks, run_checks, trials};
use crate::{
    domain::TemplateRef,
    ports::{MessageTemplate, PortError, PortErrorKind, TemplateStanding, Templates},
};

/// What the suite needs of an adapter's author: a fresh provider for each check.
pub trait TemplatesHarness: Send + Sync + 'static {
    /// Starts a provider whose account has these templates and no other.
    fn start(&self, templates: Vec<MessageTemplate>) -> BoxFuture<'_, Box<dyn TemplatesBench>>;
}

/// One adapter and the provider behind it. Dropping it stops the provider.
pub trait TemplatesBench: Send + Sync {
    /// The adapter. Its time limit should be short (a second).
    fn templates(&self) -> Arc<dyn Templates>;

    /// The same, but nobody listens at its provider's address.
    fn unreachable(&self) -> Arc<dyn Templates>;

    /// Lets a request fail once so many have been answered; `false` where the provider never fails so.
    fn fail(&self, answered: u32, failure: ListFailure) -> bool;

    /// Requests that the provider has got.
    fn requests(&self) -> usize;

    /// What must never show: tokens.
    fn secrets(&self) -> Vec<String>;
}

/// A way in which a call can fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListFailure {
    /// Too many requests.
    RateLimited,
    /// Our credentials are not accepted.
    Unauthorized,
    /// The provider says that it cannot now.
    Unavailable,
    /// It takes the request and never answers.
    Silent,
    /// It answers with something else than a list.
    Garbled,
}

/// Runs the suite as a test binary.
pub fn run(harness: impl TemplatesHarness) -> ExitCode {
    run_checks(Suite(Box::new(harness)), "templates", CHECKS)
}

/// The suite's trials, for a binary that runs several suites.
pub fn all(harness: impl TemplatesHarness) -> Vec<libtest_mimic::Trial> {
    trials(Suite(Box::new(harness)), "templates", CHECKS)
}

/// The harness behind one type, so that the checks can stand in a constant.
struct Suite(Box<dyn TemplatesHarness>);

/// Every promise, by name.
const CHECKS: &[Check<Suite>] = checks![
    an_account_without_templates_has_an_empty_list,
    every_template_of_every_page_is_there_once,
    each_language_is_a_template_of_its_own,
    each_standing_and_body_is_the_providers,
    a_page_that_fails_is_no_shorter_list,
    failures_say_what_may_be_done,
    an_unreachable_provider_is_not_sent,
    a_silent_provider_is_unknown_within_twenty_seconds,
    nothing_secret_shows,
];

/// More than a page of any provider's stand-in.
const MANY: usize = 23;

fn template(name: &str, language: &str, standing: TemplateStanding, body: &str) -> MessageTemplate {
    MessageTemplate {
        template: TemplateRef {
            name: name.to_owned(),
            language: language.to_owned(),
        },
        standing,
        body: body.to_owned(),
        wants_more: false,
    }
}

fn many() -> Vec<MessageTemplate> {
    (0..MANY)
        .map(|nth| {
            let name = format!("update_{nth:02}");
            template(&name, "es", TemplateStanding::Approved, "Hola: {{1}}")
        })
        .collect()
}

fn sorted(mut templates: Vec<MessageTemplate>) -> Vec<MessageTemplate> {
    let key = |one: &MessageTemplate| (one.template.name.clone(), one.template.language.clone());
    templates.sort_by_key(key);
    templates
}

async fn listed(bench: &dyn TemplatesBench) -> Vec<MessageTemplate> {
    sorted(bench.templates().templates().await.expect("the provider answers"))
}

async fn an_account_without_templates_has_an_empty_list(suite: &Suite) {
    let bench = suite.0.start(Vec::new()).await;
    assert_eq!(listed(&*bench).await, []);
}

async fn every_template_of_every_page_is_there_once(suite: &Suite) {
    let bench = suite.0.start(many()).await;
    assert_eq!(listed(&*bench).await, many());
    assert!(bench.requests() > 1, "the stand-in has pages");
}

async fn each_language_is_a_template_of_its_own(suite: &Suite) {
    let templates = sorted(vec![
        template("update", "es", TemplateStanding::Approved, "Hola: {{1}}"),
        template("update", "es_AR", TemplateStanding::Paused, "Che: {{1}}"),
        template("update", "en_US", TemplateStanding::Pending, "Hello: {{1}}"),
    ]);
    let bench = suite.0.start(templates.clone()).await;
    assert_eq!(listed(&*bench).await, templates);
}

async fn each_standing_and_body_is_the_providers(suite: &Suite) {
    let standings = [
        TemplateStanding::Approved,
        TemplateStanding::Pending,
        TemplateStanding::Paused,
        TemplateStanding::Disabled,
    ];
    let bodies = ["Listo.", "{{1}} y {{2}}", "«¿Ya anda?» {{1}} 🙏", "a\nb {{1}}"];
    let templates = standings.into_iter().zip(bodies).enumerate();
    let templates: Vec<_> = templates
        .map(|(nth, (standing, body))| template(&format!("t{nth}"), "es", standing, body))
        .collect();
    let bench = suite.0.start(templates.clone()).await;
    assert_eq!(listed(&*bench).await, templates);
}

/// A list with a part of the account would say of the rest that it does not exist.
async fn a_page_that_fails_is_no_shorter_list(suite: &Suite) {
    let bench = suite.0.start(many()).await;
    listed(&*bench).await;
    let pages = u32::try_from(bench.requests()).expect("a few pages");
    for answered in 1..pages {
        assert!(
            bench.fail(answered, ListFailure::Unavailable),
            "every provider can be down"
        );
        let error = bench.templates().templates().await.expect_err("told to fail");
        assert_eq!(error.kind(), PortErrorKind::Unavailable, "after {answered} pages");
    }
    assert_eq!(listed(&*bench).await, many());
}

async fn failures_say_what_may_be_done(suite: &Suite) {
    let bench = suite.0.start(many()).await;
    for failure in [
        ListFailure::RateLimited,
        ListFailure::Unauthorized,
        ListFailure::Unavailable,
        ListFailure::Garbled,
    ] {
        if !bench.fail(0, failure) {
            continue;
        }
        let error = bench.templates().templates().await.expect_err("told to fail");
        let fits = match failure {
            ListFailure::RateLimited => matches!(error.kind(), PortErrorKind::RateLimited { .. }),
            ListFailure::Unauthorized => error.kind() == PortErrorKind::Unauthorized,
            ListFailure::Unavailable => error.kind() == PortErrorKind::Unavailable,
            ListFailure::Garbled | ListFailure::Silent => {
                matches!(error.kind(), PortErrorKind::Unavailable | PortErrorKind::Unknown)
            }
        };
        assert!(fits, "{failure:?}: {error}");
        assert_eq!(listed(&*bench).await, many(), "after {failure:?}");
    }
}

async fn an_unreachable_provider_is_not_sent(suite: &Suite) {
    let bench = suite.0.start(many()).await;
    let error = bench.unreachable().templates().await.expect_err("nobody listens there");
    assert_eq!(error.kind(), PortErrorKind::NotSent, "{error}");
}

async fn a_silent_provider_is_unknown_within_twenty_seconds(suite: &Suite) {
    let bench = suite.0.start(many()).await;
    assert!(bench.fail(0, ListFailure::Silent), "every provider can be silent");
    let adapter = bench.templates();
    let result = tokio::time::timeout(Duration::from_secs(20), adapter.templates())
        .await
        .expect("the call ends by itself");
    assert_eq!(result.expect_err("no answer came").kind(), PortErrorKind::Unknown);
}

async fn nothing_secret_shows(suite: &Suite) {
    let bench = suite.0.start(many()).await;
    let adapter = bench.templates();
    let mut shown = vec![format!("{adapter:?}")];
    for failure in [
        ListFailure::RateLimited,
        ListFailure::Unauthorized,
        ListFailure::Garbled,
    ] {
        if bench.fail(0, failure) {
            shown.push(everything_of(&adapter.templates().await.expect_err("told to fail")));
        }
    }
    for text in shown {
        for secret in bench.secrets() {
            assert!(!text.contains(&secret), "a secret shows in {text}");
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
