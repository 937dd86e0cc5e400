//! Pure: what a try's outcome means for its notification, and what comes next.

use std::time::Duration;

use crate::{
    domain::{
        AttemptOutcome, Channel, DeliveryError, EventKind, Marker, Notification, NotificationAttempt,
        NotificationStatus, ReceiptStatus, Ticket, TicketStatus, Timestamp,
    },
    logic::{
        normalize::StatusReport,
        retry::{Backoff, OUTAGE_LIMIT, OUTAGE_PAUSE},
    },
    ports::{PortError, PortErrorKind, Receipt},
};

use super::{DeliverySettings, OnAmbiguous, parked::FRESH};

/// Tries of one notification before a person has to ask for more.
pub(super) const MAX_TRIES: u32 = 5;

/// WhatsApp's code for "the 24 hours are over".
pub(super) const WINDOW_CLOSED: &str = "131047";

/// What happens after a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    /// Nothing: it arrived, or a person decides.
    Nothing,
    /// Another try at this time.
    DeliverAt(Timestamp),
    /// Look at the provider at this time.
    ReconcileAt(Timestamp),
}

/// A notification moved by a try or a look, what the timeline says, and what comes next.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Moved {
    pub(super) notification: Notification,
    pub(super) event: Option<EventKind>,
    pub(super) then: Then,
}

/// The provider took it.
pub(super) fn taken(mut notification: Notification, receipt: &Receipt, sent_as: &str, now: Timestamp) -> Moved {
    // A status report may have been faster than our own bookkeeping: never backwards.
    let event = if notification.status.has_arrived() {
        None
    } else {
        notification.status = NotificationStatus::Sent;
        Some(EventKind::Sent)
    };
    notification.provider_message_id = Some(receipt.provider_message_id.clone());
    notification.sent_as = Some(sent_as.to_owned());
    notification.sent_at = notification.sent_at.or(Some(receipt.at.unwrap_or(now)));
    notification.last_error = None;
    notification.updated_at = now;
    Moved {
        notification,
        event,
        then: Then::Nothing,
    }
}

/// How a try with this failure is written down.
pub(super) fn attempt_outcome(kind: PortErrorKind) -> AttemptOutcome {
    match kind {
        PortErrorKind::NotSent | PortErrorKind::Paused { .. } => AttemptOutcome::NotSent,
        PortErrorKind::Unknown => AttemptOutcome::Unknown,
        _ => AttemptOutcome::Refused,
    }
}

/// The words that a notification keeps of a failure.
pub(super) fn words(error: &PortError) -> DeliveryError {
    DeliveryError {
        code: error.code().unwrap_or(kind_name(error.kind())).to_owned(),
        words: error.reason().map_or_else(|| error.to_string(), str::to_owned),
    }
}

const fn kind_name(kind: PortErrorKind) -> &'static str {
    match kind {
        PortErrorKind::NotSent => "unreachable",
        PortErrorKind::RateLimited { .. } => "rate_limited",
        PortErrorKind::Unauthorized => "unauthorized",
        PortErrorKind::Rejected => "rejected",
        PortErrorKind::NotFound => "not_found",
        PortErrorKind::Conflict => "conflict",
        PortErrorKind::ChannelRestricted => "channel_restricted",
        PortErrorKind::Unavailable => "unavailable",
        PortErrorKind::Unknown => "no_answer",
        PortErrorKind::Paused { .. } => "held_back",
    }
}

/// The try failed.
pub(super) fn failed(
    notification: Notification,
    attempts_before: &[NotificationAttempt],
    error: &PortError,
    settings: &DeliverySettings,
    entropy: u64,
    now: Timestamp,
) -> Moved {
    let said = words(error);
    match error.kind() {
        PortErrorKind::Unknown => {
            let mut waiting = stamped(notification, now);
            waiting.last_error = Some(said);
            Moved {
                notification: waiting,
                event: None,
                then: Then::ReconcileAt(now.plus(settings.settle)),
            }
        }
        PortErrorKind::NotSent | PortErrorKind::Unauthorized | PortErrorKind::Paused { .. } => {
            let since = outage_began(&notification, attempts_before, error, now);
            let pause = match error.kind() {
                PortErrorKind::Paused { resume_after } => resume_after,
                _ => OUTAGE_PAUSE,
            };
            away(notification, said, since, pause, now)
        }
        PortErrorKind::RateLimited { retry_after } => {
            again(notification, said, settings.backoff, retry_after, entropy, now)
        }
        PortErrorKind::Unavailable => again(notification, said, settings.backoff, None, entropy, now),
        PortErrorKind::ChannelRestricted => {
            let switched = attempts_before
                .iter()
                .any(|attempt| closed_window(attempt.error.as_ref()));
            if closed_window(Some(&said)) && !switched {
                // One switch to the template, at once, and not counted as a failure.
                let mut pending = stamped(notification, now);
                pending.status = NotificationStatus::Pending;
                pending.last_error = Some(said);
                return Moved {
                    notification: pending,
                    event: None,
                    then: Then::DeliverAt(now),
                };
            }
            restricted(notification, said, now)
        }
        PortErrorKind::Rejected | PortErrorKind::NotFound | PortErrorKind::Conflict => {
            given_up(notification, said, now)
        }
    }
}

/// Whether an error says that WhatsApp's window is closed.
pub(super) fn closed_window(error: Option<&DeliveryError>) -> bool {
    error.is_some_and(|error| error.code == WINDOW_CLOSED)
}

/// A try that counts failed: another one later, or the end.
fn again(
    notification: Notification,
    said: DeliveryError,
    backoff: Backoff,
    retry_after: Option<Duration>,
    entropy: u64,
    now: Timestamp,
) -> Moved {
    let tries = notification.retry_count + 1;
    if tries >= MAX_TRIES {
        let mut dead = notification;
        dead.retry_count = tries;
        return given_up(dead, said, now);
    }
    let at = now.plus(backoff.delay(tries, retry_after, entropy));
    let mut failed = stamped(notification, now);
    failed.status = NotificationStatus::Failed;
    failed.retry_count = tries;
    failed.last_error = Some(said);
    Moved {
        notification: failed,
        event: Some(EventKind::DeliveryFailed),
        then: Then::DeliverAt(at),
    }
}

/// The provider cannot be reached or our connection is broken: an outage is no failure, up to three days.
fn away(notification: Notification, said: DeliveryError, since: Timestamp, pause: Duration, now: Timestamp) -> Moved {
    if now.since(since) > OUTAGE_LIMIT {
        return given_up(notification, said, now);
    }
    let mut waiting = stamped(notification, now);
    waiting.status = NotificationStatus::Failed;
    waiting.last_error = Some(said);
    Moved {
        notification: waiting,
        event: None,
        then: Then::DeliverAt(now.plus(pause)),
    }
}

/// When the outage began that a notification waits out: its own first try that found nobody there, or the first failure that
/// this process saw; for a younger notification, when it was made.
pub(super) fn outage_began(
    notification: &Notification,
    attempts: &[NotificationAttempt],
    error: &PortError,
    now: Timestamp,
) -> Timestamp {
    let not_sent = |attempt: &&NotificationAttempt| attempt.outcome == Some(AttemptOutcome::NotSent);
    let own = attempts.iter().rev().take_while(not_sent).last();
    let first = own
        .map(|attempt| attempt.started_at)
        .into_iter()
        .chain(error.outage_since());
    first.min().unwrap_or(now).max(notification.created_at)
}

/// What a held-back notification says once its outage has lasted too long; `None` while it may wait.
pub(super) fn expired(
    notification: &Notification,
    attempts: &[NotificationAttempt],
    error: &PortError,
    now: Timestamp,
) -> Option<DeliveryError> {
    let began = outage_began(notification, attempts, error, now);
    (now.since(began) > OUTAGE_LIMIT).then(|| DeliveryError {
        code: "expired".to_owned(),
        words: "the provider could not be reached for three days".to_owned(),
    })
}

/// The ticket as it is once its reporter was told of a resolution: closed, where that resolution is how it stands.
pub(crate) fn closed_by_arrival(ticket: &Ticket, resolution: u32, now: Timestamp) -> Option<Ticket> {
    let about_now = ticket.status == TicketStatus::Resolved && ticket.resolutions == resolution;
    let mut closed = ticket.clone();
    (about_now && closed.move_to(TicketStatus::Closed, now).is_ok()).then_some(closed)
}

/// The channel does not allow it now: parked, for a person to follow up.
pub(super) fn restricted(notification: Notification, said: DeliveryError, now: Timestamp) -> Moved {
    let mut parked = stamped(notification, now);
    parked.status = NotificationStatus::ChannelRestricted;
    parked.last_error = Some(said);
    Moved {
        notification: parked,
        event: Some(EventKind::ChannelRestricted),
        then: Then::Nothing,
    }
}

/// What becomes of a parked delivery when its person has written.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Resumed {
    /// It is tried now.
    GoesOn(Notification),
    /// It was approved too long ago: a person reads it again, and sends it again or not.
    TooOld(Notification),
}

/// What the person's next message does to a parked delivery; `None` where it does not wait for one.
pub(super) fn resumed(parked: &Notification, approved_at: Option<Timestamp>, now: Timestamp) -> Option<Resumed> {
    let by_wish = parked
        .last_error
        .as_ref()
        .is_some_and(|error| error.code == "opted_out");
    let waits = parked.status == NotificationStatus::ChannelRestricted && parked.channel == Channel::WhatsApp;
    if !waits || by_wish {
        return None;
    }
    let mut moved = stamped(parked.clone(), now);
    if approved_at.is_some_and(|at| now.since(at) <= FRESH) {
        moved.status = NotificationStatus::Pending;
        moved.last_error = None;
        return Some(Resumed::GoesOn(moved));
    }
    moved.status = NotificationStatus::PermanentlyFailed;
    moved.last_error = Some(DeliveryError {
        code: "approval_too_old".to_owned(),
        words: "it was approved more than seven days ago: read it again before it is sent".to_owned(),
    });
    Some(Resumed::TooOld(moved))
}

/// No further try by itself.
pub(super) fn given_up(notification: Notification, said: DeliveryError, now: Timestamp) -> Moved {
    let mut dead = stamped(notification, now);
    dead.status = NotificationStatus::PermanentlyFailed;
    dead.last_error = Some(said);
    Moved {
        notification: dead,
        event: Some(EventKind::DeliveryFailed),
        then: Then::Nothing,
    }
}

/// Which of a delivery's jobs will not run again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeadJob {
    /// The one that tries.
    Try,
    /// The one that looks what became of a try.
    Look,
}

/// Its job will not run again. `None` where it does not wait for one.
pub(super) fn abandoned(
    notification: Notification,
    job: DeadJob,
    said: DeliveryError,
    settings: &DeliverySettings,
    now: Timestamp,
) -> Option<Moved> {
    match (notification.status, job) {
        (NotificationStatus::Pending | NotificationStatus::Failed, _) => Some(given_up(notification, said, now)),
        // Bytes may have left. Whatever kills the processes that try, the provider may still be asked.
        (NotificationStatus::Sending, DeadJob::Try) => Some(Moved {
            notification: stamped(notification, now),
            event: None,
            then: Then::ReconcileAt(now.plus(settings.settle)),
        }),
        // Nor can that be found out: only a person can say.
        (NotificationStatus::Sending, DeadJob::Look) => {
            let mut ambiguous = stamped(notification, now);
            ambiguous.status = NotificationStatus::Ambiguous;
            ambiguous.last_error = Some(said);
            Some(Moved {
                notification: ambiguous,
                event: Some(EventKind::DeliveryAmbiguous),
                then: Then::Nothing,
            })
        }
        _ => None,
    }
}

/// The provider was asked and does not have it: surely not sent, so it may be sent.
pub(super) fn absent(notification: Notification, now: Timestamp) -> Moved {
    let mut pending = stamped(notification, now);
    pending.status = NotificationStatus::Pending;
    Moved {
        notification: pending,
        event: None,
        then: Then::DeliverAt(now),
    }
}

/// The provider cannot be asked: wait for its status report, then ask a person.
pub(super) fn blind(
    notification: Notification,
    attempts: &[NotificationAttempt],
    started_at: Timestamp,
    settings: &DeliverySettings,
    now: Timestamp,
) -> Moved {
    let deadline = started_at.plus(settings.ambiguous_after);
    if now < deadline {
        return Moved {
            notification,
            event: None,
            then: Then::ReconcileAt(deadline),
        };
    }
    let unknowns = attempts
        .iter()
        .filter(|a| matches!(a.outcome, None | Some(AttemptOutcome::Unknown)))
        .count();
    if settings.on_ambiguous == OnAmbiguous::RetryOnce && unknowns <= 1 {
        return absent(notification, now);
    }
    let mut ambiguous = stamped(notification, now);
    ambiguous.status = NotificationStatus::Ambiguous;
    Moved {
        notification: ambiguous,
        event: Some(EventKind::DeliveryAmbiguous),
        then: Then::Nothing,
    }
}

/// The try that the notification stands for now: the one whose answer is awaited, else the last one.
pub(super) fn current<'a>(
    notification: &Notification,
    attempts: &'a [NotificationAttempt],
) -> Option<&'a NotificationAttempt> {
    let with = |outcome| attempts.iter().rev().find(move |attempt| attempt.outcome == outcome);
    match notification.status {
        // By its outcome and not by its time: a clock may have been put back between two tries.
        NotificationStatus::Sending => with(None).or_else(|| with(Some(AttemptOutcome::Unknown))),
        _ => attempts.last(),
    }
}

/// What a status report does: the moved notification, and the try that it was about where that is settled now.
pub(super) type Report = (Moved, Option<NotificationAttempt>);

/// What a provider's status report means. `None` where it says nothing new: reports come late, twice and in any order.
pub(super) fn reported(
    notification: &Notification,
    attempts: &[NotificationAttempt],
    report: &StatusReport,
    now: Timestamp,
) -> Option<Report> {
    let at = report.at.unwrap_or(now);
    let current = current(notification, attempts);
    let marked = report.marker.as_ref().and_then(Marker::attempt);
    let about = marked.map_or(current, |id| attempts.iter().find(|attempt| attempt.id == id));
    let failed_before = about.is_some_and(|attempt| attempt.outcome == Some(AttemptOutcome::Refused));
    let mut moved = stamped(notification.clone(), now);
    let event = match report.status {
        ReceiptStatus::Failed => {
            // A message that was read cannot have failed; any other may fail late.
            if matches!(
                notification.status,
                NotificationStatus::Delivered | NotificationStatus::Read
            ) {
                return None;
            }
            // An earlier try's failure, or the same news again: another try has been made since, or is on its way.
            let about =
                about.filter(|about| !failed_before && current.is_some_and(|current| current.id == about.id))?;
            let said = report.error.clone().unwrap_or_else(|| DeliveryError {
                code: "failed".to_owned(),
                words: "the provider reported a failure without a reason".to_owned(),
            });
            let switched = attempts.iter().any(|attempt| closed_window(attempt.error.as_ref()));
            let refused = NotificationAttempt {
                outcome: Some(AttemptOutcome::Refused),
                error: Some(said.clone()),
                finished_at: about.finished_at.or(Some(now)),
                ..about.clone()
            };
            return failed_late(moved, said, switched, now).map(|moved| (moved, Some(refused)));
        }
        // It was passed on and failed behind that: the two reports came in the wrong order.
        ReceiptStatus::Sent if failed_before => return None,
        ReceiptStatus::Sent => {
            moved.sent_at = moved.sent_at.or(Some(at));
            advance(&mut moved, NotificationStatus::Sent).then_some(EventKind::Sent)
        }
        ReceiptStatus::Delivered => {
            moved.sent_at = moved.sent_at.or(Some(at));
            moved.delivered_at = moved.delivered_at.or(Some(at));
            advance(&mut moved, NotificationStatus::Delivered).then_some(EventKind::Delivered)
        }
        ReceiptStatus::Read => {
            moved.sent_at = moved.sent_at.or(Some(at));
            moved.delivered_at = moved.delivered_at.or(Some(at));
            moved.read_at = moved.read_at.or(Some(at));
            advance(&mut moved, NotificationStatus::Read).then_some(EventKind::Read)
        }
    };
    if event.is_some() {
        moved.last_error = None;
    }
    moved
        .provider_message_id
        .get_or_insert_with(|| report.provider_message_id.clone());
    let unchanged = Notification {
        updated_at: notification.updated_at,
        ..moved.clone()
    } == *notification;
    let moved = Moved {
        notification: moved,
        event,
        then: Then::Nothing,
    };
    (!unchanged).then_some((moved, None))
}

/// Accepted first and failed later: permanent but for the closed window, which the template may still pass.
fn failed_late(notification: Notification, said: DeliveryError, switched: bool, now: Timestamp) -> Option<Moved> {
    let waits = matches!(
        notification.status,
        NotificationStatus::Sent | NotificationStatus::Sending | NotificationStatus::Ambiguous
    );
    if !waits {
        return None;
    }
    if closed_window(Some(&said)) {
        if switched {
            return Some(restricted(notification, said, now));
        }
        let mut pending = notification;
        pending.status = NotificationStatus::Pending;
        pending.last_error = Some(said);
        return Some(Moved {
            notification: pending,
            event: None,
            then: Then::DeliverAt(now),
        });
    }
    Some(given_up(notification, said, now))
}

/// Moves forward only. True if it moved.
fn advance(notification: &mut Notification, to: NotificationStatus) -> bool {
    let rank = |status: NotificationStatus| match status {
        NotificationStatus::Sent => 1,
        NotificationStatus::Delivered => 2,
        NotificationStatus::Read => 3,
        _ => 0,
    };
    let forward = rank(to) > rank(notification.status);
    if forward {
        notification.status = to;
    }
    forward
}

fn stamped(mut notification: Notification, now: Timestamp) -> Notification {
    notification.updated_at = now;
    notification
}
