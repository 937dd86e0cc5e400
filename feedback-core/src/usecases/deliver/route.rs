//! Where approved words go now: the approved way, with the person's address opened and WhatsApp's window judged.

use std::sync::Arc;

use super::{Deliver, Guarded, Loaded, decide::closed_window, error};
use crate::{
    domain::{Channel, DeliveryError, DeliveryMode, NotificationAttempt, Route, ThreadRef, Timestamp},
    logic::window::{self, ProviderSays},
    ports::{ChannelSender, Gate, PortError},
    usecases::sealing::{open, place},
};

/// A way that is open.
pub(super) struct Routed {
    pub(super) sender: Arc<dyn ChannelSender>,
    pub(super) gate: Arc<Gate>,
    pub(super) route: Route,
}

/// No way is open; what the notification is to say.
pub(super) struct NoRoute(pub(super) DeliveryError);

impl Deliver {
    pub(super) fn route(
        &self,
        loaded: &Loaded,
        text: &str,
        now: Timestamp,
    ) -> Result<Result<Routed, NoRoute>, PortError> {
        let notification = &loaded.notification;
        let Some(Guarded { sender, gate }) = self.senders.get(&notification.channel) else {
            return Ok(Err(no_sender(notification.channel)));
        };
        let at = place::of("reporter_identities", "external_user_id", *loaded.identity.id.as_uuid());
        let Some(address) = open(&*self.vault, &loaded.reporter, at, &loaded.identity.external_user_id)? else {
            return Ok(Err(NoRoute(error("erased", "the reporter was erased"))));
        };
        let route = match (&notification.thread, &notification.mode) {
            (
                ThreadRef::Slack {
                    team,
                    channel,
                    thread_ts: Some(ts),
                },
                DeliveryMode::ThreadReply,
            ) => Route::SlackThread {
                team: team.clone(),
                channel: channel.clone(),
                thread_ts: ts.clone(),
            },
            (ThreadRef::Slack { team, .. }, DeliveryMode::DirectMessage) => Route::SlackDirect {
                team: team.clone(),
                user: address.to_string(),
            },
            (ThreadRef::Intercom { conversation, .. }, DeliveryMode::ConversationReply) => Route::Intercom {
                conversation: conversation.clone(),
            },
            (
                ThreadRef::WhatsApp {
                    phone_number_id,
                    quoted,
                },
                DeliveryMode::SessionOrTemplate { template },
            ) => {
                let last = loaded.identity.last_message_at;
                // The provider's word holds until the person writes again.
                let holds = |attempt: &NotificationAttempt| last.is_none_or(|last| attempt.started_at >= last);
                let closed = loaded
                    .attempts
                    .iter()
                    .any(|attempt| closed_window(attempt.error.as_ref()) && holds(attempt));
                let provider = if closed {
                    ProviderSays::Closed
                } else {
                    ProviderSays::Nothing
                };
                match window::whatsapp_mode(last, provider, template.as_ref(), text, now) {
                    Ok(mode) => Route::WhatsApp {
                        phone_number_id: phone_number_id.clone(),
                        to: address.to_string(),
                        quoted: quoted.clone(),
                        mode,
                    },
                    Err(restricted) => {
                        return Ok(Err(NoRoute(error("window_closed", &restricted.to_string()))));
                    }
                }
            }
            (
                ThreadRef::Email {
                    message_id,
                    references,
                    subject,
                },
                DeliveryMode::Email,
            ) => Route::Email {
                to: address.to_string(),
                subject: subject.clone(),
                message_id: message_id.clone(),
                references: references.clone(),
            },
            _ => return Ok(Err(no_sender(notification.channel))),
        };
        Ok(Ok(Routed {
            sender: Arc::clone(sender),
            gate: Arc::clone(gate),
            route,
        }))
    }
}

fn no_sender(channel: Channel) -> NoRoute {
    NoRoute(error(
        "no_sender",
        &format!(
            "nothing is configured that sends by {}: tell the person yourself",
            channel.label()
        ),
    ))
}
