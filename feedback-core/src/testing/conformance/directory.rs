//! The promises of [`Directory`], as checks against a provider's stand-in.

use std::{error::Error, process::ExitCode, sync::Arc, time::Duration};

use secrecy::ExposeSecret;

use super::{BoxFuture, Check, checks, run_checks, trials};
use crate::{
    domain::Channel,
    ports::{Directory, PortError, PortErrorKind},
};

/// What the suite needs of an adapter's author: a fresh provider for each check.
pub trait DirectoryHarness: Send + Sync + 'static {
    /// Starts a provider with the people that the bench names.
    fn start(&self) -> BoxFuture<'_, Box<dyn DirectoryBench>>;
}

/// One directory and the provider behind it. Dropping it stops the provider.
pub trait DirectoryBench: Send + Sync {
    /// The directory. Its time limit should be short (a second).
    fn directory(&self) -> Arc<dyn Directory>;

    /// The same directory, but nobody listens at its provider's address.
    fn unreachable(&self) -> Arc<dyn Directory>;

    /// The channel that it must name.
    fn channel(&self) -> Channel;

    /// People who exist, with what must be said of them: one whose address the provider vouches for, one whose address it
    /// does not vouch for or who has none.
    fn people(&self) -> Vec<KnownPerson>;

    /// An id of the provider's form that nobody has.
    fn nobody(&self) -> String;

    /// Lets the next request fail; `false` where the provider never fails so.
    fn fail_next(&self, failure: LookUpFailure) -> bool;

    /// Changes at the provider that requests of ours made so far: must stay zero.
    fn changes(&self) -> usize;

    /// What must never show: tokens.
    fn secrets(&self) -> Vec<String>;
}

/// A person at the provider, and what the directory must say.
#[derive(Debug, Clone)]
pub struct KnownPerson {
    /// The provider's id of them.
    pub external_user_id: String,
    /// Name.
    pub name: Option<String>,
    /// Email address.
    pub email: Option<String>,
    /// Whether the provider vouches for it.
    pub email_verified: bool,
    /// Phone number as the provider has it.
    pub phone: Option<String>,
}

/// A way in which a look-up can fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LookUpFailure {
    /// Too many requests.
    RateLimited,
    /// Our credentials are not accepted.
    Unauthorized,
    /// The provider says that it cannot now.
    Unavailable,
    /// The request arrives, and no answer comes.
    Silent,
    /// The request arrives, and the connection ends without an answer.
    Closed,
}

/// Runs the suite as a test binary.
pub fn run(harness: impl DirectoryHarness) -> ExitCode {
    run_checks(Suite(Box::new(harness)), "directory", CHECKS)
}

/// The suite's trials, for a binary that runs several suites.
pub fn all(harness: impl DirectoryHarness) -> Vec<libtest_mimic::Trial> {
    trials(Suite(Box::new(harness)), "directory", CHECKS)
}

/// The harness behind one type, so that the checks can stand in a constant.
pub(crate) struct Suite(pub(crate) Box<dyn DirectoryHarness>);

impl Suite {
    async fn start(&self) -> Box<dyn DirectoryBench> {
        self.0.start().await
    }
}

/// Every promise, by name.
pub(crate) const CHECKS: &[Check<Suite>] = checks![
    it_names_its_channel,
    it_says_what_the_provider_knows_and_vouches_only_where_the_provider_does,
    an_id_that_nobody_has_is_none,
    hostile_ids_are_none_or_refused_and_never_another_person,
    failures_say_what_may_be_done,
    an_unreachable_provider_is_not_sent,
    a_silent_provider_is_unknown_within_twenty_seconds,
    nothing_secret_shows,
];

async fn it_names_its_channel(suite: &Suite) {
    let bench = suite.start().await;
    assert_eq!(bench.directory().channel(), bench.channel());
}

async fn it_says_what_the_provider_knows_and_vouches_only_where_the_provider_does(suite: &Suite) {
    let bench = suite.start().await;
    let people = bench.people();
    assert!(
        people.iter().any(|known| known.email_verified),
        "the harness has to know somebody with a verified address"
    );
    assert!(
        people.iter().any(|known| !known.email_verified),
        "the harness has to know somebody without one"
    );
    for known in people {
        let found = bench
            .directory()
            .person(&known.external_user_id)
            .await
            .expect("the provider answers");
        let person = found.expect("the provider knows them");
        let open = |value: &Option<secrecy::SecretString>| value.as_ref().map(|value| value.expose_secret().to_owned());
        assert_eq!(open(&person.name), known.name);
        assert_eq!(open(&person.email), known.email);
        assert_eq!(open(&person.phone), known.phone);
        assert_eq!(
            person.email_verified, known.email_verified,
            "for {:?}",
            known.external_user_id
        );
    }
    assert_eq!(bench.changes(), 0, "a look-up changes nothing");
}

async fn an_id_that_nobody_has_is_none(suite: &Suite) {
    let bench = suite.start().await;
    assert!(
        bench
            .directory()
            .person(&bench.nobody())
            .await
            .expect("the provider answers")
            .is_none()
    );
    assert_eq!(bench.changes(), 0);
}

async fn hostile_ids_are_none_or_refused_and_never_another_person(suite: &Suite) {
    let bench = suite.start().await;
    let known = bench.people().remove(0).external_user_id;
    let ids = [
        String::new(),
        "..".into(),
        format!("../contacts/{known}"),
        format!("{known}/../{known}"),
        format!("{known}?x=1"),
        format!("{known}&user={known}"),
        format!("{known}#"),
        format!("{known}\r\nx-evil: 1"),
        "ñ\u{0}\u{202e}".into(),
    ];
    for id in ids {
        match bench.directory().person(&id).await {
            Ok(found) => assert!(found.is_none(), "{id:?} is nobody's id"),
            Err(error) => assert_eq!(error.kind(), PortErrorKind::Rejected, "{id:?}: {error}"),
        }
    }
    assert_eq!(bench.changes(), 0);
}

async fn failures_say_what_may_be_done(suite: &Suite) {
    let failures = [
        (LookUpFailure::Unauthorized, PortErrorKind::Unauthorized),
        (LookUpFailure::Unavailable, PortErrorKind::Unavailable),
        (LookUpFailure::Closed, PortErrorKind::Unknown),
    ];
    let bench = suite.start().await;
    let known = bench.people().remove(0).external_user_id;
    for (failure, expected) in failures {
        if bench.fail_next(failure) {
            let error = bench
                .directory()
                .person(&known)
                .await
                .expect_err("the provider was told to fail");
            assert_eq!(error.kind(), expected, "{error}");
        }
    }
    if bench.fail_next(LookUpFailure::RateLimited) {
        let error = bench
            .directory()
            .person(&known)
            .await
            .expect_err("the provider was told to fail");
        assert!(matches!(error.kind(), PortErrorKind::RateLimited { .. }), "{error}");
    }
}

async fn an_unreachable_provider_is_not_sent(suite: &Suite) {
    let bench = suite.start().await;
    let known = bench.people().remove(0).external_user_id;
    let error = bench
        .unreachable()
        .person(&known)
        .await
        .expect_err("nobody listens there");
    assert_eq!(error.kind(), PortErrorKind::NotSent, "{error}");
}

async fn a_silent_provider_is_unknown_within_twenty_seconds(suite: &Suite) {
    let bench = suite.start().await;
    let known = bench.people().remove(0).external_user_id;
    assert!(bench.fail_next(LookUpFailure::Silent), "every provider can be silent");
    let directory = bench.directory();
    let result = tokio::time::timeout(Duration::from_secs(20), directory.person(&known))
        .await
        .expect("the call ends by itself");
    assert_eq!(result.expect_err("no answer came").kind(), PortErrorKind::Unknown);
}

async fn nothing_secret_shows(suite: &Suite) {
    let bench = suite.start().await;
    let people = bench.people();
    let known = people[0].clone();
    let directory = bench.directory();
    let found = directory
        .person(&known.external_user_id)
        .await
        .expect("the provider answers");
    let mut shown = vec![format!("{directory:?}"), format!("{found:?}")];
    for failure in [
        LookUpFailure::RateLimited,
        LookUpFailure::Unauthorized,
        LookUpFailure::Unavailable,
        LookUpFailure::Closed,
    ] {
        if bench.fail_next(failure) {
            let error = directory
                .person(&known.external_user_id)
                .await
                .expect_err("the provider was told to fail");
            shown.push(everything_of(&error));
        }
    }
    let mut hidden = bench.secrets();
    hidden.push(known.external_user_id);
    hidden.extend([known.name, known.email, known.phone].into_iter().flatten());
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
