//! Messages on their way out, for tests of senders: approved and sealed by the same code that the hub uses.
//!
//! [`Approved`] and the two ways of WhatsApp have no public maker. These are the ones for tests; the `testing` feature is
//! theirs, so a program that is built without it cannot reach them.

use std::sync::atomic::{AtomicU64, Ordering};

use super::fixtures::Fixtures;
use crate::domain::{
    ApprovalSeal, ApprovalTerms, Approved, AttemptId, ChangelogEntry, ChangelogStatus, Decision, DeliveryMode, Marker,
    Notification, OutboundMessage, Route, SessionGrant, TemplateRef, TemplateUse, ThreadRef, Timestamp, WhatsAppMode,
};

/// Each message has fixtures of its own, so that no two in a process share a marker.
static NEXT_SEED: AtomicU64 = AtomicU64::new(0x5EED_0000);

/// A text that a reviewer approved for one recipient in a Slack thread: the entry, the delivery, and the words.
pub fn approved(text: &str) -> (ChangelogEntry, Notification, Approved) {
    let fixtures = fresh_fixtures();
    let thread = fixtures.thread();
    approved_for(&fixtures, thread, DeliveryMode::ThreadReply, text)
}

/// A message for a route, with approved words and a marker that no other message has, whose attempt begins at `started_at`.
pub fn outbound(route: Route, text: &str, started_at: Timestamp) -> OutboundMessage {
    let fixtures = fresh_fixtures();
    let (thread, mode) = terms_of(&route);
    let (_, _, approved) = approved_for(&fixtures, thread, mode, text);
    OutboundMessage {
        approved,
        route,
        marker: Marker::of(fixtures.id::<AttemptId>()),
        started_at,
    }
}

/// The receipt of a report, as the operator's fixed words make one.
pub fn receipt(route: Route, text: &str, started_at: Timestamp) -> OutboundMessage {
    let fixtures = fresh_fixtures();
    OutboundMessage {
        approved: Approved::by_operator(fixtures.id(), text.to_owned()),
        route,
        marker: Marker::of(fixtures.id::<AttemptId>()),
        started_at,
    }
}

/// Free text on WhatsApp, as while the 24 hours run.
pub fn whatsapp_session(closes_at: Timestamp) -> WhatsAppMode {
    WhatsAppMode::Session(SessionGrant::until(closes_at))
}

/// A template on WhatsApp with these parameters, which stand in for what the 24-hour rule renders.
pub fn whatsapp_template(name: &str, language: &str, parameters: &[&str]) -> WhatsAppMode {
    let template = TemplateRef {
        name: name.into(),
        language: language.into(),
    };
    let parameters = parameters.iter().map(|&parameter| parameter.to_owned()).collect();
    WhatsAppMode::Template(TemplateUse::new(template, parameters))
}

fn fresh_fixtures() -> Fixtures {
    Fixtures::new(NEXT_SEED.fetch_add(1, Ordering::Relaxed))
}

fn approved_for(
    fixtures: &Fixtures,
    thread: ThreadRef,
    mode: DeliveryMode,
    text: &str,
) -> (ChangelogEntry, Notification, Approved) {
    let reporter = fixtures.reporter();
    let mut identity = fixtures.identity(reporter.id);
    identity.channel = thread.channel();
    identity.connection = thread.connection().to_owned();
    let mut entry = fixtures.changelog_entry(fixtures.id(), reporter.id);
    entry.status = ChangelogStatus::Approved;
    entry.decision = Some(Decision {
        by: Some(fixtures.id()),
        at: fixtures.now(),
        seen_version: entry.version,
        reason: None,
    });
    let mut notification = fixtures.notification(&entry, &identity);
    notification.thread = thread;
    notification.mode = mode;
    notification.seal = ApprovalSeal::over(&ApprovalTerms {
        entry: entry.id,
        version: entry.version,
        text,
        recipient: notification.identity,
        channel: notification.channel,
        thread: &notification.thread,
        mode: &notification.mode,
    });
    let approved = Approved::unseal(&entry, &notification, text.to_owned())
        .expect("the entry was approved above, and the seal is over the same terms");
    (entry, notification, approved)
}

/// What a reviewer saw who approved a delivery over this route.
fn terms_of(route: &Route) -> (ThreadRef, DeliveryMode) {
    match route {
        Route::SlackThread {
            team,
            channel,
            thread_ts,
        } => {
            let (team, channel) = (team.clone(), channel.clone());
            (
                ThreadRef::Slack {
                    team,
                    channel,
                    thread_ts: Some(thread_ts.clone()),
                },
                DeliveryMode::ThreadReply,
            )
        }
        Route::SlackDirect { team, .. } => {
            let thread = ThreadRef::Slack {
                team: team.clone(),
                channel: "C0".into(),
                thread_ts: None,
            };
            (thread, DeliveryMode::DirectMessage)
        }
        Route::Intercom { conversation } => {
            let thread = ThreadRef::Intercom {
                app: "app".into(),
                conversation: conversation.clone(),
            };
            (thread, DeliveryMode::ConversationReply)
        }
        Route::WhatsApp {
            phone_number_id,
            quoted,
            mode,
            ..
        } => {
            let template = match mode {
                WhatsAppMode::Session(_) => None,
                WhatsAppMode::Template(template) => Some(template.template().clone()),
            };
            let thread = ThreadRef::WhatsApp {
                phone_number_id: phone_number_id.clone(),
                quoted: quoted.clone(),
            };
            (thread, DeliveryMode::SessionOrTemplate { template })
        }
        Route::Email {
            subject,
            message_id,
            references,
            ..
        } => {
            let thread = ThreadRef::Email {
                message_id: message_id.clone(),
                references: references.clone(),
                subject: subject.clone(),
            };
            (thread, DeliveryMode::Email)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_for_tests_pass_the_same_seal_as_real_ones() {
        let (entry, notification, approved) = approved("Listo: ya exporta.");
        assert_eq!(approved.text(), "Listo: ya exporta.");
        assert_eq!(
            Approved::unseal(&entry, &notification, "Listo: ya exporta.".into()),
            Ok(approved)
        );
        assert!(Approved::unseal(&entry, &notification, "Otra cosa".into()).is_err());
    }

    #[test]
    fn no_two_messages_share_a_marker() {
        let route = || Route::SlackDirect {
            team: "T0".into(),
            user: "U0".into(),
        };
        let (one, two) = (
            outbound(route(), "a", Timestamp::UNIX_EPOCH),
            outbound(route(), "a", Timestamp::UNIX_EPOCH),
        );
        assert_ne!(one.marker, two.marker);
    }
}
