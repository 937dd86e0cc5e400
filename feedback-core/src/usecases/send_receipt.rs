//! Tells a reporter that their report is here: fixed words that the operator approved by configuration, and the ticket's
//! number, in the thread where they wrote.
//!
//! A courtesy, so it is sent at most once: what may have left is never sent again, not even where the channel could be asked.
//! It answers a report and nothing else, to nobody who asked not to be written to, and a few times an hour to one address at
//! most: two machines that answer each other come to rest.

use std::{collections::HashMap, sync::Arc, time::Duration};

use serde_json::json;
use sha2::{Digest, Sha256};

use super::{
    guarded::{self, Guarded},
    open_thread::ReceiptText,
    sealing::{open, place},
    timeline::event,
};
use crate::{
    domain::{
        Actor, Approved, AttemptId, Change, Channel, EventKind, Identity, IdentityId, Language, Marker,
        OutboundMessage, RememberedCall, Route, SourceId, ThreadRef, Ticket, TicketId, TicketSource, TicketStatus,
        Timestamp, Write,
    },
    logic::window::{self, ProviderSays},
    ports::{
        ChannelSender, Clock, Guards, IdSource, IdSourceExt, IdentityKey, PortError, PortErrorKind, ReporterKey,
        Storage, TicketKey, Vault,
    },
};

/// Later than this a receipt tells nothing. Shorter than remembered calls are kept, so that none is forgotten before.
const LATE: Duration = Duration::from_secs(60 * 60);

/// Tries that the provider surely did not take.
const SURE_TRIES: u32 = 3;

/// Receipts to one address in an hour.
const PER_HOUR: u32 = 3;

/// What the remembered calls of receipts are filed under.
const SCOPE: &str = "receipts";

/// What is filed under it is which receipt was about which ticket, so that an answer to one finds its way.
const QUOTED: &str = "receipts_sent";

/// How long an answer to a receipt finds its ticket, beyond the day that remembered calls are kept.
const QUOTABLE: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// The ticket that a message of ours was the receipt of.
pub(super) async fn receipted(
    storage: &dyn Storage,
    channel: Channel,
    message: &str,
) -> Result<Option<TicketId>, PortError> {
    let call = storage.remembered_call(QUOTED, &quoted(channel, message)).await?;
    Ok(call.map(|call| TicketId::from_uuid(call.subject)))
}

/// A digest: the id that WhatsApp gives a message holds the number it went to.
fn quoted(channel: Channel, message: &str) -> String {
    hex::encode(Sha256::digest(format!("{channel}:{message}")))
}

/// Sends receipts.
#[derive(Debug, Clone)]
pub struct SendReceipt {
    storage: Arc<dyn Storage>,
    vault: Arc<dyn Vault>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    senders: Arc<HashMap<Channel, Guarded>>,
    words: Arc<ReceiptText>,
}

/// Why a receipt was not sent; its job is tried again.
#[derive(Debug, thiserror::Error)]
pub enum SendReceiptError {
    /// The channel surely did not take it.
    #[error("could not send the receipt of a report")]
    Channel(#[source] PortError),
    /// Storage or vault failed.
    #[error("could not load or store the report")]
    Storage(#[source] PortError),
}

/// A receipt that may go out.
struct Due {
    ticket: Ticket,
    source: TicketSource,
    identity: IdentityId,
    text: String,
    route: Route,
}

impl SendReceipt {
    /// The use case over its ports; one sender for a channel, behind the gate of its deliveries.
    pub fn new(
        storage: Arc<dyn Storage>,
        vault: Arc<dyn Vault>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdSource>,
        senders: impl IntoIterator<Item = Arc<dyn ChannelSender>>,
        guards: &Guards,
        words: ReceiptText,
    ) -> Self {
        Self {
            storage,
            vault,
            clock,
            ids,
            senders: guarded::by_channel(senders, guards),
            words: Arc::new(words),
        }
    }

    /// Tells the reporter of a ticket its number, unless they may know it already.
    ///
    /// # Errors
    /// [`SendReceiptError`]; nothing was sent.
    #[tracing::instrument(name = "receipt.send", skip_all, fields(ticket.id = %id))]
    pub async fn send(&self, id: TicketId) -> Result<(), SendReceiptError> {
        let now = self.clock.now();
        let due = self.due(id, now).await.map_err(SendReceiptError::Storage)?;
        let Some(due) = due else { return Ok(()) };
        let Some(Guarded { sender, gate }) = self.senders.get(&due.source.channel) else {
            return Ok(());
        };
        let Some((nth, intent)) = self.intent(&due, now).await.map_err(SendReceiptError::Storage)? else {
            return Ok(());
        };
        let turn = gate.enter("receipt.send").map_err(SendReceiptError::Channel)?;
        match self.storage.commit(intent).await {
            Ok(_) => {}
            // Another run was first, and it sends.
            Err(error) if error.is_conflict() => return Ok(()),
            Err(error) => return Err(SendReceiptError::Storage(error)),
        }
        let message = OutboundMessage {
            approved: Approved::by_operator(due.identity, due.text),
            route: due.route,
            marker: Marker::of(self.ids.next::<AttemptId>()),
            started_at: now,
        };
        let result = turn.settle(sender.send(&message).await);
        let (channel, source) = (due.source.channel, due.source.id);
        let outcome = result
            .as_ref()
            .map_or_else(|error| outcome_of(error.kind()), |_| "sent");
        metrics::counter!("feedback_receipt_total", "channel" => channel.as_str(), "outcome" => outcome).increment(1);
        let now = self.clock.now();
        match result {
            Ok(receipt) => {
                let data = json!({"channel": channel, "source": source});
                let sent = event(&*self.ids, due.ticket.id, EventKind::ReceiptSent, Actor::Hub, data, now);
                let answered = Write::RememberCall(RememberedCall {
                    scope: QUOTED.to_owned(),
                    key: quoted(channel, &receipt.provider_message_id),
                    fingerprint: [0; 32],
                    subject: *due.ticket.id.as_uuid(),
                    // Kept by its time: it is forgotten a day after it.
                    at: now.plus(QUOTABLE),
                });
                let noted = self.storage.commit(Change::new().with(sent).with(answered)).await;
                noted.map(|_| ()).map_err(SendReceiptError::Storage)
            }
            Err(error) if is_sure(error.kind()) => {
                let not_sent = remembered(not_sent(source, nth), due.ticket.id, now);
                let noted = self.storage.commit(Change::new().with(not_sent)).await;
                noted.map_err(SendReceiptError::Storage)?;
                Err(SendReceiptError::Channel(error))
            }
            Err(error) => {
                tracing::warn!(%channel, %error, "a receipt was refused, or may not have arrived; it is not sent again");
                Ok(())
            }
        }
    }

    /// What the reporter is to be told now, if anything.
    async fn due(&self, id: TicketId, now: Timestamp) -> Result<Option<Due>, PortError> {
        let storage = &*self.storage;
        let Some(ticket) = storage.ticket(TicketKey::Id(id)).await? else {
            return Ok(None);
        };
        let put_away = matches!(
            ticket.status,
            TicketStatus::Duplicate | TicketStatus::Dismissed | TicketStatus::Closed
        );
        let Some(source) = storage.sources(id).await?.into_iter().next() else {
            return Ok(None);
        };
        // A provider may deliver days late what was written then.
        if put_away || now.since(source.sent_at) > LATE || now.since(source.received_at) > LATE {
            return Ok(None);
        }
        let identity = storage.identity(IdentityKey::Id(source.author)).await?;
        let Some(identity) = identity.filter(|identity| identity.opted_out_at.is_none()) else {
            return Ok(None);
        };
        let Some(reporter) = storage.reporter(ReporterKey::Id(identity.reporter)).await? else {
            return Ok(None);
        };
        let at = place::of("reporter_identities", "external_user_id", *identity.id.as_uuid());
        let Some(address) = open(&*self.vault, &reporter, at, &identity.external_user_id)? else {
            return Ok(None);
        };
        let language = ticket.language.or(reporter.language).unwrap_or(Language::English);
        let text = self.words.of(ticket.number, language);
        let route = route_of(&source.thread, &address, &identity, &text, now);
        Ok(route.map(|route| Due {
            identity: identity.id,
            ticket,
            source,
            text,
            route,
        }))
    }

    /// What is committed before the first byte leaves: that this try was begun, and one of the address's few of the hour.
    /// `None` where an earlier try may have arrived, or the address had its share.
    async fn intent(&self, due: &Due, now: Timestamp) -> Result<Option<(u32, Change)>, PortError> {
        let (source, ticket) = (due.source.id, due.ticket.id);
        let mut nth = 1;
        while self.is_remembered(&begun(source, nth)).await? {
            if !self.is_remembered(&not_sent(source, nth)).await? || nth == SURE_TRIES {
                return Ok(None);
            }
            nth += 1;
        }
        let mut change = Change::new().with(remembered(begun(source, nth), ticket, now));
        if nth == 1 {
            let hour = now.floor_to_hour().unix_seconds();
            let mut share = 0;
            while self.is_remembered(&shared(due.identity, hour, share)).await? {
                share += 1;
                if share == PER_HOUR {
                    return Ok(None);
                }
            }
            change.push(remembered(shared(due.identity, hour, share), ticket, now));
        }
        Ok(Some((nth, change)))
    }

    async fn is_remembered(&self, key: &str) -> Result<bool, PortError> {
        Ok(self.storage.remembered_call(SCOPE, key).await?.is_some())
    }
}

/// Where a receipt goes: into the thread of the report. `None` where there is no such thread, or the channel takes no free
/// text now.
fn route_of(thread: &ThreadRef, address: &str, identity: &Identity, text: &str, now: Timestamp) -> Option<Route> {
    Some(match thread {
        ThreadRef::Slack {
            team,
            channel,
            thread_ts: Some(ts),
        } => Route::SlackThread {
            team: team.clone(),
            channel: channel.clone(),
            thread_ts: ts.clone(),
        },
        ThreadRef::Intercom { conversation, .. } => Route::Intercom {
            conversation: conversation.clone(),
        },
        ThreadRef::WhatsApp {
            phone_number_id,
            quoted,
        } => Route::WhatsApp {
            phone_number_id: phone_number_id.clone(),
            to: address.to_owned(),
            quoted: quoted.clone(),
            // No template: outside the 24 hours a receipt is not worth one.
            mode: window::whatsapp_mode(identity.last_message_at, ProviderSays::Nothing, None, text, now).ok()?,
        },
        ThreadRef::Email {
            message_id,
            references,
            subject,
        } => Route::Email {
            to: address.to_owned(),
            subject: subject.clone(),
            message_id: message_id.clone(),
            references: references.clone(),
        },
        ThreadRef::Slack { thread_ts: None, .. } | ThreadRef::InApp | ThreadRef::Backoffice => return None,
    })
}

/// Whether the receipt of a report on this thread would be sent by this use case, as far as the thread says.
pub(super) fn takes_receipt(thread: &ThreadRef) -> bool {
    match thread {
        ThreadRef::Slack { thread_ts, .. } => thread_ts.is_some(),
        ThreadRef::Intercom { .. } | ThreadRef::WhatsApp { .. } | ThreadRef::Email { .. } => true,
        ThreadRef::InApp | ThreadRef::Backoffice => false,
    }
}

/// Whether a failure says that the provider surely did not take it and may another time.
const fn is_sure(kind: PortErrorKind) -> bool {
    matches!(
        kind,
        PortErrorKind::NotSent
            | PortErrorKind::RateLimited { .. }
            | PortErrorKind::Unavailable
            | PortErrorKind::Unauthorized
            | PortErrorKind::Paused { .. }
    )
}

const fn outcome_of(kind: PortErrorKind) -> &'static str {
    match kind {
        PortErrorKind::Unknown => "unknown",
        kind if is_sure(kind) => "not_sent",
        _ => "refused",
    }
}

fn begun(source: SourceId, nth: u32) -> String {
    format!("{source}:{nth}")
}

fn not_sent(source: SourceId, nth: u32) -> String {
    format!("{source}:{nth}:not_sent")
}

fn shared(identity: IdentityId, hour: i64, share: u32) -> String {
    format!("{identity}:{hour}:{share}")
}

fn remembered(key: String, ticket: TicketId, at: Timestamp) -> Write {
    Write::RememberCall(RememberedCall {
        scope: SCOPE.to_owned(),
        key,
        fingerprint: [0; 32],
        subject: *ticket.as_uuid(),
        at,
    })
}
