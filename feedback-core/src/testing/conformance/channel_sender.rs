//! The promises of [`ChannelSender`], as checks against a provider's stand-in.

use std::{error::Error, process::ExitCode, sync::Arc, time::Duration};

use super::{BoxFuture, Check, checks, run_checks, trials};
use crate::{
    domain::{Channel, OutboundMessage, Route, Timestamp, WhatsAppMode},
    ports::{ChannelSender, PortError, PortErrorKind, ReadBack, Receipt},
    testing::outbound,
};

/// What the suite needs of an adapter's author: a fresh provider for each check.
pub trait ChannelSenderHarness: Send + Sync + 'static {
    /// Starts a provider that nobody has written to, and a sender that is connected to it.
    fn start(&self) -> BoxFuture<'_, Box<dyn ChannelSenderBench>>;
}

/// One sender and the provider behind it. Dropping it stops the provider.
pub trait ChannelSenderBench: Send + Sync {
    /// The sender. Its time limit should be short (a second), so that the check of a silent provider ends soon.
    fn sender(&self) -> Arc<dyn ChannelSender>;

    /// The same sender, but nobody listens at its provider's address.
    fn unreachable(&self) -> Arc<dyn ChannelSender>;

    /// A route of every way in which this sender delivers, each to a place that exists. `text` is what will be sent: a
    /// template's parameters are made of it.
    fn routes(&self, text: &str) -> Vec<Route>;

    /// What time it is at the provider.
    fn now(&self) -> Timestamp;

    /// What people see, in order, as they see it: markup resolved, escapes undone. Of a template its parameters, one on a
    /// line, since the words around them are Meta's to approve.
    fn delivered(&self) -> BoxFuture<'_, Vec<Delivered>>;

    /// How many requests reached the provider so far, of any kind.
    fn requests(&self) -> usize;

    /// How the provider is asked for a message whose answer was lost.
    fn looks_back(&self) -> LooksBack;

    /// Lets the next sending request fail, and tells the code that the sender must hand on.
    fn fail_next(&self, failure: Failure) -> Scripted;

    /// The most characters that the channel takes in one message; longer texts must be refused whole.
    fn longest_text(&self) -> usize;

    /// What must never show: tokens, and addresses of people.
    fn secrets(&self) -> Vec<String>;
}

/// One message as its recipient has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivered {
    /// The provider's id of it.
    pub id: String,
    /// What is read.
    pub text: String,
    /// What travelled beside it, where the provider keeps such a thing.
    pub marker: Option<String>,
}

/// What a provider lets us find out about a message whose answer was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LooksBack {
    /// Messages carry their marker and can be read.
    ByMarker,
    /// Messages can be read, but carry nothing of ours: author, time and words decide.
    ByWords,
    /// Messages cannot be read; the marker comes back in status reports.
    NotAtAll,
}

/// A way in which a sending request can fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The provider refuses this message for good.
    Refused,
    /// The provider says that it was called too often; it asks for a wait of seven seconds, where it can ask.
    RateLimited,
    /// The provider does not accept our credentials.
    Unauthorized,
    /// The provider says that it cannot now, and did nothing.
    Unavailable,
    /// The channel does not allow a message of this kind now.
    Restricted,
    /// The message goes out, and no answer comes.
    SilentAfterEffect,
    /// The message goes out, and the connection ends without an answer.
    ClosedAfterEffect,
    /// The request arrives, nothing goes out, and the connection ends without an answer.
    ClosedBeforeEffect,
}

/// What [`ChannelSenderBench::fail_next`] arranged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scripted {
    /// The failure comes, with this code of the provider's.
    WithCode(String),
    /// The failure comes, and the provider says nothing.
    Silently,
    /// This provider never fails so.
    Impossible,
}

/// Runs the suite as a test binary.
pub fn run(harness: impl ChannelSenderHarness) -> ExitCode {
    run_checks(Suite(Box::new(harness)), "channel_sender", CHECKS)
}

/// The suite's trials, for a binary that runs several suites.
pub fn all(harness: impl ChannelSenderHarness) -> Vec<libtest_mimic::Trial> {
    trials(Suite(Box::new(harness)), "channel_sender", CHECKS)
}

/// The harness behind one type, so that the checks can stand in a constant.
pub(crate) struct Suite(pub(crate) Box<dyn ChannelSenderHarness>);

impl Suite {
    async fn start(&self) -> Box<dyn ChannelSenderBench> {
        self.0.start().await
    }
}

/// Every promise, by name.
pub(crate) const CHECKS: &[Check<Suite>] = checks![
    it_serves_the_channel_that_it_names,
    approved_words_arrive_to_the_letter,
    one_call_sends_one_message,
    a_text_over_the_limit_is_refused_whole_and_without_a_call,
    the_marker_travels_where_the_provider_keeps_one,
    a_route_of_another_channel_is_refused_without_a_call,
    a_failed_send_is_not_repeated_inside,
    refusals_say_what_may_be_done_and_carry_the_providers_code,
    an_unreachable_provider_is_not_sent,
    a_lost_answer_is_unknown_and_the_message_is_found_again,
    a_message_that_never_arrived_is_not_found,
    an_older_message_with_the_same_words_is_not_taken_for_this_one,
    another_message_with_the_same_words_is_told_apart_by_its_marker,
    looking_back_changes_nothing,
    a_silent_provider_is_unknown_within_twenty_seconds,
    nothing_secret_shows,
];

/// Words that break naive senders: markup of every channel, escapes that must not be undone, and characters of many bytes.
const HOSTILE_TEXTS: [&str; 14] = [
    "Ya está: la exportación del año pasado funciona, ¿la pruebas?",
    "<!channel> <!here> <!everyone> @here @channel",
    "<@U0LUCIAFERN> <#C0SUPPORT> <https://evil.example|Click>",
    "&lt;b&gt; stays &amp;lt; and so does &#39; and &nbsp;",
    "*bold* _italic_ ~struck~ `code` ```block``` > quote",
    "<p>a</p><br/><script>alert(1)</script><img src=x onerror=y>",
    "first line\nsecond line\n\nnew paragraph\n\n\nafter two empty lines",
    "a < b && b > c; \"quoted\" 'single' \\n \\",
    "👩‍👩‍👧 🇦🇷 ñandú e\u{301} 漢字 שלום",
    "{{1}} %s ${x} {0}",
    "See https://status.example/q?a=1&b=2#c and www.example.com, mail a@b.example",
    "  two spaces at the start, two  inside, and at the end  ",
    "- one\n- two\n1. three\n\ttabbed",
    ":smile: :+1: <mailto:a@b.example> tel:+5491155550000",
];

const WORDS: &str = "Arreglamos la exportación: ya puede probarla.";

async fn it_serves_the_channel_that_it_names(suite: &Suite) {
    let bench = suite.start().await;
    let routes = bench.routes(WORDS);
    assert!(!routes.is_empty(), "the harness has to name a route");
    for route in routes {
        assert_eq!(bench.sender().channel(), route.channel());
    }
}

async fn approved_words_arrive_to_the_letter(suite: &Suite) {
    let bench = suite.start().await;
    let mut sent = 0;
    for text in HOSTILE_TEXTS {
        for route in bench.routes(text) {
            let expected = as_seen(&route, text);
            let message = message(&*bench, route, text);
            let receipt = bench
                .sender()
                .send(&message)
                .await
                .expect("the provider takes the message");
            sent += 1;
            let delivered = bench.delivered().await;
            assert_eq!(delivered.len(), sent, "one message for one call");
            let last = delivered.last().expect("at least one was sent");
            assert_eq!(last.text, expected);
            assert_eq!(last.id, receipt.provider_message_id, "the receipt names the message");
        }
    }
}

async fn one_call_sends_one_message(suite: &Suite) {
    let bench = suite.start().await;
    for route in bench.routes(WORDS) {
        let (before, message) = (bench.delivered().await.len(), message(&*bench, route, WORDS));
        let first = bench
            .sender()
            .send(&message)
            .await
            .expect("the provider takes the message");
        assert_eq!(bench.delivered().await.len(), before + 1);
        let second = bench
            .sender()
            .send(&message)
            .await
            .expect("the provider takes it again: keeping count is the core's");
        assert_eq!(bench.delivered().await.len(), before + 2);
        // A provider that gives messages no id: they are known by what the sender made of their marker.
        let attempt = message.marker.attempt().map(|id| id.to_string()).unwrap_or_default();
        if !first.provider_message_id.contains(&attempt) {
            assert_ne!(
                first.provider_message_id, second.provider_message_id,
                "each message has an id of its own"
            );
        }
    }
}

async fn a_text_over_the_limit_is_refused_whole_and_without_a_call(suite: &Suite) {
    let bench = suite.start().await;
    let (longest, over) = ("x".repeat(bench.longest_text()), "x".repeat(bench.longest_text() + 1));
    for route in bench.routes(WORDS).into_iter().filter(|route| !is_template(route)) {
        let before = bench.requests();
        let error = bench
            .sender()
            .send(&message(&*bench, route.clone(), &over))
            .await
            .expect_err("it is too long");
        assert_eq!(error.kind(), PortErrorKind::Rejected);
        assert!(error.code().is_some(), "the reviewer reads why");
        assert_eq!(bench.requests(), before, "nothing was sent");
        bench
            .sender()
            .send(&message(&*bench, route, &longest))
            .await
            .expect("the longest text fits");
        assert_eq!(
            bench.delivered().await.last().map(|seen| seen.text.len()),
            Some(longest.len())
        );
    }
}

async fn the_marker_travels_where_the_provider_keeps_one(suite: &Suite) {
    let bench = suite.start().await;
    for route in bench.routes(WORDS) {
        let message = message(&*bench, route, WORDS);
        bench
            .sender()
            .send(&message)
            .await
            .expect("the provider takes the message");
        let marker = bench.delivered().await.pop().and_then(|seen| seen.marker);
        match bench.looks_back() {
            LooksBack::ByMarker | LooksBack::NotAtAll => assert_eq!(marker.as_deref(), Some(message.marker.as_str())),
            LooksBack::ByWords => assert_eq!(marker, None, "then the harness should say that it carries markers"),
        }
    }
}

async fn a_route_of_another_channel_is_refused_without_a_call(suite: &Suite) {
    let bench = suite.start().await;
    let sender = bench.sender();
    for route in one_route_of_each_channel(bench.now()) {
        if route.channel() == sender.channel() {
            continue;
        }
        let error = sender
            .send(&message(&*bench, route, WORDS))
            .await
            .expect_err("the route is not its own");
        assert_eq!(error.kind(), PortErrorKind::Rejected);
        assert_eq!(bench.requests(), 0, "no call is made");
    }
}

async fn a_failed_send_is_not_repeated_inside(suite: &Suite) {
    for failure in [
        Failure::Refused,
        Failure::RateLimited,
        Failure::Unavailable,
        Failure::ClosedBeforeEffect,
    ] {
        let bench = suite.start().await;
        for route in bench.routes(WORDS) {
            if bench.fail_next(failure) == Scripted::Impossible {
                continue;
            }
            // Only the next request fails: a sender that tries again would succeed.
            let before = bench.requests();
            bench
                .sender()
                .send(&message(&*bench, route, WORDS))
                .await
                .expect_err("the provider was told to fail");
            assert_eq!(bench.requests(), before + 1, "{failure:?}: one request for one call");
            assert_eq!(bench.delivered().await, [], "{failure:?}");
        }
    }
}

async fn refusals_say_what_may_be_done_and_carry_the_providers_code(suite: &Suite) {
    let failures = [
        (Failure::Refused, PortErrorKind::Rejected),
        (Failure::Unauthorized, PortErrorKind::Unauthorized),
        (Failure::Unavailable, PortErrorKind::Unavailable),
        (Failure::Restricted, PortErrorKind::ChannelRestricted),
        (Failure::RateLimited, PortErrorKind::RateLimited { retry_after: None }),
    ];
    for (failure, expected) in failures {
        let bench = suite.start().await;
        for route in bench.routes(WORDS) {
            let Scripted::WithCode(code) = bench.fail_next(failure) else {
                continue;
            };
            let error = bench
                .sender()
                .send(&message(&*bench, route, WORDS))
                .await
                .expect_err("the provider refuses");
            match (error.kind(), expected) {
                (PortErrorKind::RateLimited { retry_after }, PortErrorKind::RateLimited { .. }) => {
                    // A second may pass between a moment that the provider names and the date of its answer.
                    let asked = Duration::from_secs(6)..=Duration::from_secs(8);
                    assert!(
                        retry_after.is_none_or(|wait| asked.contains(&wait)),
                        "asked for 7 s, read {retry_after:?}"
                    );
                }
                (kind, expected) => assert_eq!(kind, expected, "{error}"),
            }
            assert_eq!(error.code(), Some(code.as_str()), "{error}");
        }
    }
}

async fn an_unreachable_provider_is_not_sent(suite: &Suite) {
    let bench = suite.start().await;
    for route in bench.routes(WORDS) {
        let message = message(&*bench, route, WORDS);
        let error = bench
            .unreachable()
            .send(&message)
            .await
            .expect_err("nobody listens there");
        assert_eq!(error.kind(), PortErrorKind::NotSent, "{error}");
        match bench.unreachable().read_back(&message).await {
            Ok(found) => assert_eq!((found, bench.looks_back()), (ReadBack::Blind, LooksBack::NotAtAll)),
            Err(error) => assert_eq!(error.kind(), PortErrorKind::NotSent, "{error}"),
        }
    }
}

async fn a_lost_answer_is_unknown_and_the_message_is_found_again(suite: &Suite) {
    // A silent provider costs the sender's whole time limit, so it is tried with one text.
    let tried: [(Failure, &[&str]); 2] = [
        (Failure::ClosedAfterEffect, &HOSTILE_TEXTS),
        (Failure::SilentAfterEffect, &[WORDS]),
    ];
    for (failure, texts) in tried {
        let bench = suite.start().await;
        for &text in texts {
            for route in bench.routes(text) {
                let message = message(&*bench, route, text);
                assert_ne!(
                    bench.fail_next(failure),
                    Scripted::Impossible,
                    "every provider can fail so"
                );
                let error = bench.sender().send(&message).await.expect_err("the answer is lost");
                assert_eq!(error.kind(), PortErrorKind::Unknown, "{error}");
                let id = bench.delivered().await.pop().expect("the message went out").id;
                match (
                    bench
                        .sender()
                        .read_back(&message)
                        .await
                        .expect("the provider answers again"),
                    bench.looks_back(),
                ) {
                    (
                        ReadBack::Found(Receipt {
                            provider_message_id, ..
                        }),
                        _,
                    ) => assert_eq!(provider_message_id, id),
                    (ReadBack::Blind, LooksBack::NotAtAll) => {}
                    (other, _) => panic!("the message is there, and {other:?} was said"),
                }
            }
        }
    }
}

async fn a_message_that_never_arrived_is_not_found(suite: &Suite) {
    let bench = suite.start().await;
    for route in bench.routes(WORDS) {
        let message = message(&*bench, route, WORDS);
        assert_ne!(
            bench.fail_next(Failure::ClosedBeforeEffect),
            Scripted::Impossible,
            "every provider can fail so"
        );
        let error = bench.sender().send(&message).await.expect_err("the connection ends");
        assert_eq!(
            error.kind(),
            PortErrorKind::Unknown,
            "bytes left, and nobody knows: {error}"
        );
        let expected = absent_or_blind(&*bench);
        assert_eq!(
            bench
                .sender()
                .read_back(&message)
                .await
                .expect("the provider answers again"),
            expected
        );
    }
}

async fn an_older_message_with_the_same_words_is_not_taken_for_this_one(suite: &Suite) {
    let bench = suite.start().await;
    for route in bench.routes(WORDS) {
        bench
            .sender()
            .send(&message(&*bench, route.clone(), WORDS))
            .await
            .expect("the provider takes the message");
        // An hour later the same words are to go out again: clocks that differ by minutes must not matter.
        let later = outbound::outbound(route, WORDS, bench.now().plus(Duration::from_secs(3600)));
        let expected = absent_or_blind(&*bench);
        assert_eq!(
            bench.sender().read_back(&later).await.expect("the provider answers"),
            expected
        );
    }
}

async fn another_message_with_the_same_words_is_told_apart_by_its_marker(suite: &Suite) {
    let bench = suite.start().await;
    if bench.looks_back() == LooksBack::ByWords {
        // Nothing of ours is in such a message: its provider's documentation has to say so, and the check before this one
        // holds what time can tell.
        return;
    }
    for route in bench.routes(WORDS) {
        bench
            .sender()
            .send(&message(&*bench, route.clone(), WORDS))
            .await
            .expect("the provider takes the message");
        let other = message(&*bench, route, WORDS);
        let expected = absent_or_blind(&*bench);
        assert_eq!(
            bench.sender().read_back(&other).await.expect("the provider answers"),
            expected
        );
    }
}

async fn looking_back_changes_nothing(suite: &Suite) {
    let bench = suite.start().await;
    for route in bench.routes(WORDS) {
        let message = message(&*bench, route, WORDS);
        bench
            .sender()
            .send(&message)
            .await
            .expect("the provider takes the message");
        let before = bench.delivered().await;
        for _ in 0..2 {
            bench.sender().read_back(&message).await.expect("the provider answers");
        }
        assert_eq!(bench.delivered().await, before);
    }
}

async fn a_silent_provider_is_unknown_within_twenty_seconds(suite: &Suite) {
    let bench = suite.start().await;
    let route = bench.routes(WORDS).remove(0);
    bench.fail_next(Failure::SilentAfterEffect);
    let message = message(&*bench, route, WORDS);
    let sender = bench.sender();
    let result = tokio::time::timeout(Duration::from_secs(20), sender.send(&message))
        .await
        .expect("the send ends by itself");
    assert_eq!(result.expect_err("no answer came").kind(), PortErrorKind::Unknown);
}

async fn nothing_secret_shows(suite: &Suite) {
    const FAILURES: [Failure; 7] = [
        Failure::Refused,
        Failure::RateLimited,
        Failure::Unauthorized,
        Failure::Unavailable,
        Failure::Restricted,
        Failure::ClosedAfterEffect,
        Failure::ClosedBeforeEffect,
    ];
    let bench = suite.start().await;
    let words = "El gato violeta de Zulema";
    let mut shown = vec![format!("{:?}", bench.sender())];
    for route in bench.routes(words) {
        for failure in FAILURES {
            if bench.fail_next(failure) == Scripted::Impossible {
                continue;
            }
            let message = message(&*bench, route.clone(), words);
            let error = bench
                .sender()
                .send(&message)
                .await
                .expect_err("the provider was told to fail");
            shown.push(everything_of(&error));
        }
        let message = message(&*bench, route, words);
        shown.push(everything_of(
            &bench
                .unreachable()
                .send(&message)
                .await
                .expect_err("nobody listens there"),
        ));
        shown.push(format!("{message:?}"));
    }
    for text in shown {
        assert!(!text.contains("violeta"), "the message shows in {text}");
        for secret in bench.secrets() {
            assert!(!text.contains(&secret), "a secret or an address shows in {text}");
        }
    }
}

fn message(bench: &dyn ChannelSenderBench, route: Route, text: &str) -> OutboundMessage {
    outbound::outbound(route, text, bench.now())
}

/// What the person must read. A template shows what the 24-hour rule rendered, which the route already holds.
fn as_seen(route: &Route, text: &str) -> String {
    match route {
        Route::WhatsApp {
            mode: WhatsAppMode::Template(template),
            ..
        } => template.parameters().join("\n"),
        _ => text.to_owned(),
    }
}

fn is_template(route: &Route) -> bool {
    matches!(
        route,
        Route::WhatsApp {
            mode: WhatsAppMode::Template(_),
            ..
        }
    )
}

fn absent_or_blind(bench: &dyn ChannelSenderBench) -> ReadBack {
    match bench.looks_back() {
        LooksBack::ByMarker | LooksBack::ByWords => ReadBack::Absent,
        LooksBack::NotAtAll => ReadBack::Blind,
    }
}

fn one_route_of_each_channel(now: Timestamp) -> Vec<Route> {
    let routes = vec![
        Route::SlackThread {
            team: "T0".into(),
            channel: "C0".into(),
            thread_ts: "1767225600.000100".into(),
        },
        Route::Intercom {
            conversation: "900100".into(),
        },
        Route::WhatsApp {
            phone_number_id: "PN1".into(),
            to: "15550109999".into(),
            quoted: None,
            mode: outbound::whatsapp_session(now.plus(Duration::from_secs(3600))),
        },
        Route::Email {
            to: "dana@example.test".into(),
            subject: None,
            message_id: None,
            references: Vec::new(),
        },
    ];
    debug_assert!(
        Channel::ALL.len() > routes.len(),
        "in-app and backoffice are delivered without a sender"
    );
    routes
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
