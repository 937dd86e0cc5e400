//! One approved notification, at most once, and known to have arrived.
//!
//! An attempt is committed before its first byte leaves. A send whose outcome is unknown is looked up at the provider
//! before anything is sent again; where the provider cannot be asked, a person decides. Every step queues the next one
//! in its own commit, so that no notification is left without a job that will move it.

mod decide;
mod in_app;
mod parked;
mod reconcile;
mod route;
mod status;

use std::{collections::HashMap, sync::Arc, time::Duration};

use serde_json::json;

pub use self::decide::DeadJob;
pub(crate) use self::{
    decide::closed_by_arrival,
    status::{Reports, StatusChange},
};
use self::{
    decide::{Moved, Then},
    route::{NoRoute, Routed},
};
use super::{
    TRIES,
    guarded::{self, Guarded},
    review::check_ticket,
    sealing::{open, place},
    timeline::event,
};
use crate::{
    domain::{
        Actor, Approved, AttemptOutcome, Change, ChangelogEntry, Channel, DeliveryError, DeliveryMode, EventKind,
        Identity, JobPayload, NewJob, Notification, NotificationAttempt, NotificationId, NotificationStatus,
        OutboundMessage, Reporter, Ticket, TicketStatus, Timestamp, UserId, Write,
    },
    logic::retry::Backoff,
    ports::{
        ChangelogEntryKey, ChannelSender, Clock, Guards, IdSource, IdSourceExt, IdentityKey, NotificationKey,
        PortError, PortErrorKind, Receipt, ReporterKey, Storage, TicketKey, TicketsKey, Turn, Vault,
    },
};

/// How long a sender may take: the bound of [`ChannelSender`].
const SEND_LIMIT: Duration = Duration::from_secs(20);

/// What to do about a send that nobody can tell the outcome of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnAmbiguous {
    /// A person says *it was sent* or *send again*.
    #[default]
    Ask,
    /// One more try without asking: at most one visible duplicate.
    RetryOnce,
}

/// Times and policies of delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeliverySettings {
    /// How long after an attempt began an unknown outcome is looked up: longer than a send may take, so that no request
    /// of ours is still under way.
    pub settle: Duration,
    /// How long a provider that cannot be asked may still report.
    pub ambiguous_after: Duration,
    /// What then.
    pub on_ambiguous: OnAmbiguous,
    /// Steps between tries.
    pub backoff: Backoff,
}

impl Default for DeliverySettings {
    /// 30 s, 15 minutes, ask a person.
    fn default() -> Self {
        Self {
            settle: Duration::from_secs(30),
            ambiguous_after: Duration::from_secs(900),
            on_ambiguous: OnAmbiguous::Ask,
            backoff: Backoff::default(),
        }
    }
}

/// Delivers approved words.
#[derive(Debug, Clone)]
pub struct Deliver {
    storage: Arc<dyn Storage>,
    vault: Arc<dyn Vault>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    senders: Arc<HashMap<Channel, Guarded>>,
    settings: DeliverySettings,
}

/// Why a delivery could not go on; its job is tried again.
#[derive(Debug, thiserror::Error)]
pub enum DeliverError {
    /// Storage or vault failed.
    #[error("could not load or record the delivery")]
    Storage(#[source] PortError),
    /// The provider is down or asked for a pause: nothing was tried, and nothing counts.
    #[error("the delivery waits for its provider")]
    Paused(#[source] PortError),
}

/// A person's word on an ambiguous delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// It was sent.
    Sent,
    /// Send it again.
    SendAgain,
}

/// Why a person's word could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum SettleAmbiguousError {
    /// There is no such notification.
    #[error("notification does not exist")]
    NotFound,
    /// It is not in a state that a person decides.
    #[error("notification is {status}")]
    NotWaiting {
        /// Where it stands.
        status: NotificationStatus,
    },
    /// Storage failed.
    #[error("could not load or store the notification")]
    Storage(#[source] PortError),
}

/// Everything about one notification that a try needs.
struct Loaded {
    notification: Notification,
    entry: ChangelogEntry,
    /// Whose key sealed the text.
    keeper: Reporter,
    identity: Identity,
    /// Whose key sealed the address.
    reporter: Reporter,
    attempts: Vec<NotificationAttempt>,
    ticket: Ticket,
}

impl Deliver {
    /// The use case over its ports; one sender for a channel, each behind its channel's gate.
    pub fn new(
        storage: Arc<dyn Storage>,
        vault: Arc<dyn Vault>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdSource>,
        senders: impl IntoIterator<Item = Arc<dyn ChannelSender>>,
        guards: &Guards,
        settings: DeliverySettings,
    ) -> Self {
        Self {
            storage,
            vault,
            clock,
            ids,
            senders: guarded::by_channel(senders, guards),
            settings,
        }
    }

    /// Makes a try, if the notification waits for one. Safe to call at any time and any number of times.
    ///
    /// # Errors
    /// [`DeliverError::Storage`]: an attempt that was begun is on record and will be reconciled. [`DeliverError::Paused`]: the
    /// notification waits as it did.
    #[tracing::instrument(name = "deliver.send", skip_all, fields(notification.id = %id))]
    pub async fn deliver(&self, id: NotificationId) -> Result<(), DeliverError> {
        self.try_deliver(id).await.map_err(|error| match error.kind() {
            PortErrorKind::Paused { .. } => DeliverError::Paused(error),
            _ => DeliverError::Storage(error),
        })
    }

    async fn try_deliver(&self, id: NotificationId) -> Result<(), PortError> {
        let mut last = None;
        for _ in 0..TRIES {
            match self.try_once(id).await {
                // A status report, a person, another worker, or a change of the ticket came first: look again. What was
                // begun meanwhile is found and not repeated.
                Err(error) if error.is_conflict() => last = Some(error),
                other => return other,
            }
        }
        Err(last.unwrap_or_else(|| PortError::new(PortErrorKind::Conflict, "deliver.send")))
    }

    async fn try_once(&self, id: NotificationId) -> Result<(), PortError> {
        let Some(loaded) = self.load(id).await? else {
            return Ok(());
        };
        match loaded.notification.status {
            NotificationStatus::Pending | NotificationStatus::Failed => {}
            // A try was begun and not recorded: its process died, or it waits for its answer.
            NotificationStatus::Sending => return self.queue_reconcile(&loaded).await,
            _ => return Ok(()),
        }
        let now = self.clock.now();
        let approved = match self.approved(&loaded)? {
            Ok(approved) => approved,
            Err(said) => {
                return self
                    .commit_moved(&loaded, decide::given_up(loaded.notification.clone(), said, now))
                    .await;
            }
        };
        if check_ticket(&loaded.ticket, &loaded.entry).is_err() {
            let said = error("ticket_moved_on", "the ticket moved on since these words were approved");
            return self
                .commit_moved(&loaded, decide::given_up(loaded.notification.clone(), said, now))
                .await;
        }
        if loaded.identity.opted_out_at.is_some() {
            let said = error("opted_out", "the person asked not to be written to");
            return self
                .commit_moved(&loaded, decide::restricted(loaded.notification.clone(), said, now))
                .await;
        }
        if loaded.notification.mode == DeliveryMode::Inbox {
            return self.deliver_in_app(&loaded, now).await;
        }
        let routed = match self.route(&loaded, approved.text(), now)? {
            Ok(routed) => routed,
            Err(NoRoute(said)) => {
                return self
                    .commit_moved(&loaded, decide::restricted(loaded.notification.clone(), said, now))
                    .await;
            }
        };
        // Asked before the attempt is committed: while calls are held back there is nothing to record.
        match routed.gate.enter("deliver.send") {
            Ok(turn) => self.send(loaded, approved, routed, turn, now).await,
            Err(error) => match decide::expired(&loaded.notification, &loaded.attempts, &error, now) {
                None => Err(error),
                Some(said) => {
                    let moved = decide::given_up(loaded.notification.clone(), said, now);
                    self.commit_moved(&loaded, moved).await
                }
            },
        }
    }

    /// Commits the attempt, sends, and records the outcome.
    async fn send(
        &self,
        loaded: Loaded,
        approved: Approved,
        routed: Routed,
        turn: Turn,
        now: Timestamp,
    ) -> Result<(), PortError> {
        let attempt = NotificationAttempt {
            id: self.ids.next(),
            notification: loaded.notification.id,
            started_at: now,
            finished_at: None,
            outcome: None,
            error: None,
        };
        let mut sending = loaded.notification.clone();
        sending.status = NotificationStatus::Sending;
        // The id of an earlier try's message: a report on that one says nothing about this one.
        sending.provider_message_id = None;
        sending.sent_as = Some(routed.route.sent_as().to_owned());
        sending.updated_at = now;
        let intent = Change::new()
            .with(Write::UpdateNotification(Box::new(sending)))
            // If the process dies before recording what became of it, this job's lease lapses, and its next run finds
            // the attempt and queues a look at the provider.
            .with(Write::InsertAttempt(attempt.clone()));
        self.storage.commit(intent).await?;
        let sent_as = routed.route.sent_as();
        let message = OutboundMessage {
            approved,
            route: routed.route,
            marker: attempt.marker(),
            started_at: attempt.started_at,
        };
        // A process that was stopped here has lost its turn: once the attempt has settled, others look for it and send.
        let late = self.clock.now().since(attempt.started_at) > begin_within(self.settings.settle);
        let result = if late {
            Err(PortError::new(PortErrorKind::NotSent, "deliver.send").with_code("woke_late"))
        } else {
            turn.settle(routed.sender.send(&message).await)
        };
        let channel = loaded.notification.channel.as_str();
        let outcome = result
            .as_ref()
            .err()
            .map_or(AttemptOutcome::Sent, |error| decide::attempt_outcome(error.kind()));
        metrics::counter!("feedback_send_total", "channel" => channel, "outcome" => outcome.as_str()).increment(1);
        if let Err(error) = &result {
            tracing::warn!(%channel, %error, "a send failed");
        }
        self.record(&loaded, attempt, outcome, result, sent_as).await
    }

    /// Records what became of an attempt. Status reports and people may have moved the notification meanwhile, so it is
    /// loaded anew, again on `Conflict`.
    async fn record(
        &self,
        loaded: &Loaded,
        mut attempt: NotificationAttempt,
        outcome: AttemptOutcome,
        result: Result<Receipt, PortError>,
        sent_as: &str,
    ) -> Result<(), PortError> {
        let entropy = entropy(&*self.ids);
        attempt.outcome = Some(outcome);
        attempt.error = result.as_ref().err().map(decide::words);
        for _ in 0..TRIES {
            let now = self.clock.now();
            attempt.finished_at = Some(now);
            let Some(fresh) = self
                .storage
                .notification(NotificationKey::Id(loaded.notification.id))
                .await?
            else {
                return Ok(());
            };
            let attempts = self.storage.attempts(fresh.id).await?;
            let told = |a: &NotificationAttempt| a.id == attempt.id && a.outcome == Some(AttemptOutcome::Refused);
            if attempts.iter().any(told) {
                // The report of a failure was faster than the answer that the provider took it: the report stands.
                return Ok(());
            }
            let is_current = decide::current(&fresh, &attempts).is_some_and(|current| current.id == attempt.id);
            let change = match &result {
                Ok(receipt) => {
                    let moved = decide::taken(fresh, receipt, sent_as, now);
                    self.change_of(moved, Actor::Hub, now).await?
                }
                Err(error) if is_current && fresh.status == NotificationStatus::Sending => {
                    let moved = decide::failed(fresh, &loaded.attempts, error, &self.settings, entropy, now);
                    self.change_of(moved, Actor::Hub, now).await?
                }
                // A status report was faster than the failure, or another try has begun: what they say stands.
                Err(_) => Change::new(),
            };
            let change = change.with(Write::UpdateAttempt(attempt.clone()));
            match self.storage.commit(change).await {
                Ok(_) => return Ok(()),
                Err(error) if error.is_conflict() => {}
                Err(error) => return Err(error),
            }
        }
        Err(PortError::new(PortErrorKind::Conflict, "deliver.record"))
    }

    /// Commits a move that no attempt belongs to.
    async fn commit_moved(&self, loaded: &Loaded, moved: Moved) -> Result<(), PortError> {
        let now = moved.notification.updated_at;
        tracing::info!(notification.id = %loaded.notification.id, status = %moved.notification.status, "notification moved");
        let change = self.change_of(moved, Actor::Hub, now).await?;
        self.storage.commit(change).await.map(|_| ())
    }

    /// The writes of a move: the notification, its event, the next job, and the ticket that is closed by an arrival.
    async fn change_of(&self, moved: Moved, actor: Actor, now: Timestamp) -> Result<Change, PortError> {
        let Moved {
            notification,
            event: kind,
            then,
        } = moved;
        let mut change = Change::new();
        let data = json!({
            "notification": notification.id, "channel": notification.channel, "status": notification.status,
            "code": notification.last_error.as_ref().map(|error| &error.code),
        });
        if let Some(kind) = kind {
            change.push(event(&*self.ids, notification.ticket, kind, actor, data, now));
        }
        if notification.status.has_arrived() && kind.is_some() {
            self.close_ticket(&notification, now, &mut change).await?;
        }
        let id = notification.id;
        match then {
            Then::Nothing => {}
            Then::DeliverAt(at) => change.push(deliver_job(&*self.ids, &notification, at, now)),
            Then::ReconcileAt(at) => change.push(self.reconcile_job(id, at, now)),
        }
        change.push(Write::UpdateNotification(Box::new(notification)));
        Ok(change)
    }

    /// The reporter was told: a resolved ticket is closed.
    async fn close_ticket(
        &self,
        notification: &Notification,
        now: Timestamp,
        change: &mut Change,
    ) -> Result<(), PortError> {
        let key = ChangelogEntryKey::Id(notification.changelog_entry);
        let Some(entry) = self.storage.changelog_entry(key).await? else {
            return Ok(());
        };
        let ticket = self.storage.ticket(TicketKey::Id(notification.ticket)).await?;
        let Some(closed) = ticket.and_then(|ticket| closed_by_arrival(&ticket, entry.resolution, now)) else {
            return Ok(());
        };
        let answered = answered_with(&*self.storage, &closed).await?;
        let members = answered
            .iter()
            .filter_map(|member| closed_by_arrival(member, member.resolutions, now));
        for (ticket, data) in [(closed.clone(), json!({}))]
            .into_iter()
            .chain(members.map(|member| (member, json!({"answered_by": closed.id}))))
        {
            change.push(event(&*self.ids, ticket.id, EventKind::Closed, Actor::Hub, data, now));
            change.push(Write::UpdateTicket(Box::new(ticket)));
        }
        Ok(())
    }

    /// What a job of it leaves behind that gave up at `at`: the notification says so, and is not left waiting for nobody. One
    /// that moved since has another job, and the change is empty. Committed together with the job's burial.
    ///
    /// # Errors
    /// [`DeliverError::Storage`].
    pub async fn left_behind(
        &self,
        id: NotificationId,
        job: DeadJob,
        why: &str,
        at: Timestamp,
    ) -> Result<Change, DeliverError> {
        let found = self.storage.notification(NotificationKey::Id(id)).await;
        let found = found.map_err(DeliverError::Storage)?;
        let now = self.clock.now();
        let moved = found
            .filter(|notification| notification.updated_at <= at)
            .and_then(|notification| decide::abandoned(notification, job, error("gave_up", why), &self.settings, now));
        match moved {
            None => Ok(Change::new()),
            Some(moved) => self
                .change_of(moved, Actor::Hub, now)
                .await
                .map_err(DeliverError::Storage),
        }
    }

    fn reconcile_job(&self, id: NotificationId, at: Timestamp, now: Timestamp) -> Write {
        let payload = JobPayload::ReconcileNotification { notification: id };
        Write::Enqueue(NewJob::now(self.ids.next(), payload, now).at(at))
    }

    async fn load(&self, id: NotificationId) -> Result<Option<Loaded>, PortError> {
        let storage = &*self.storage;
        let Some(notification) = storage.notification(NotificationKey::Id(id)).await? else {
            return Ok(None);
        };
        let entry = storage
            .changelog_entry(ChangelogEntryKey::Id(notification.changelog_entry))
            .await?;
        let entry = entry.ok_or_else(|| missing("changelog entry"))?;
        let keeper = storage
            .reporter(ReporterKey::Id(entry.sealed_for))
            .await?
            .ok_or_else(|| missing("reporter"))?;
        let identity = storage.identity(IdentityKey::Id(notification.identity)).await?;
        let identity = identity.ok_or_else(|| missing("identity"))?;
        let reporter = storage
            .reporter(ReporterKey::Id(identity.reporter))
            .await?
            .ok_or_else(|| missing("reporter"))?;
        let attempts = storage.attempts(id).await?;
        let ticket = storage.ticket(TicketKey::Id(notification.ticket)).await?;
        let ticket = ticket.ok_or_else(|| missing("ticket"))?;
        Ok(Some(Loaded {
            notification,
            entry,
            keeper,
            identity,
            reporter,
            attempts,
            ticket,
        }))
    }

    /// The words that a person approved, if they still are those; else what the notification is to say.
    fn approved(&self, loaded: &Loaded) -> Result<Result<Approved, DeliveryError>, PortError> {
        let at = place::of("changelog_entries", "content", *loaded.entry.id.as_uuid());
        let Some(text) = open(&*self.vault, &loaded.keeper, at, &loaded.entry.content)? else {
            return Ok(Err(error("erased", "the reporter was erased")));
        };
        Ok(Approved::unseal(&loaded.entry, &loaded.notification, text.to_string())
            .map_err(|refusal| error("approval_broken", &refusal.to_string())))
    }

    /// A person asks for another try of what failed for good or was not allowed.
    ///
    /// # Errors
    /// [`SettleAmbiguousError`]; nothing changed.
    pub async fn retry(&self, id: NotificationId, by: UserId) -> Result<Notification, SettleAmbiguousError> {
        self.decided_by_person(id, by, "retry", |notification| match notification.status {
            NotificationStatus::PermanentlyFailed
            | NotificationStatus::ChannelRestricted
            | NotificationStatus::Failed => {
                notification.status = NotificationStatus::Pending;
                notification.retry_count = 0;
                true
            }
            _ => false,
        })
        .await
    }

    /// A person says what became of an ambiguous delivery.
    ///
    /// # Errors
    /// [`SettleAmbiguousError`]; nothing changed.
    pub async fn settle(
        &self,
        id: NotificationId,
        settled: Settled,
        by: UserId,
    ) -> Result<Notification, SettleAmbiguousError> {
        let name = match settled {
            Settled::Sent => "sent",
            Settled::SendAgain => "send_again",
        };
        self.decided_by_person(id, by, name, |notification| {
            if notification.status != NotificationStatus::Ambiguous {
                return false;
            }
            notification.status = match settled {
                Settled::Sent => NotificationStatus::Sent,
                Settled::SendAgain => NotificationStatus::Pending,
            };
            notification.sent_at = (settled == Settled::Sent).then_some(notification.updated_at);
            true
        })
        .await
    }

    async fn decided_by_person(
        &self,
        id: NotificationId,
        by: UserId,
        decision: &str,
        apply: impl Fn(&mut Notification) -> bool,
    ) -> Result<Notification, SettleAmbiguousError> {
        for _ in 0..TRIES {
            match self.decide_once(id, by, decision, &apply).await {
                // The notification or its ticket was changed at the same moment: does the word still fit?
                Err(SettleAmbiguousError::Storage(error)) if error.is_conflict() => {}
                other => return other,
            }
        }
        let error = PortError::new(PortErrorKind::Conflict, "deliver.settle");
        Err(SettleAmbiguousError::Storage(error))
    }

    async fn decide_once(
        &self,
        id: NotificationId,
        by: UserId,
        decision: &str,
        apply: &impl Fn(&mut Notification) -> bool,
    ) -> Result<Notification, SettleAmbiguousError> {
        let found = self
            .storage
            .notification(NotificationKey::Id(id))
            .await
            .map_err(SettleAmbiguousError::Storage)?;
        let mut notification = found.ok_or(SettleAmbiguousError::NotFound)?;
        let status = notification.status;
        if !apply(&mut notification) {
            return Err(SettleAmbiguousError::NotWaiting { status });
        }
        let now = self.clock.now();
        notification.updated_at = now;
        let data = json!({"notification": id, "decision": decision, "from": status});
        let mut change = Change::new().with(event(
            &*self.ids,
            notification.ticket,
            EventKind::DeliveryDecided,
            Actor::User(by),
            data,
            now,
        ));
        if notification.status == NotificationStatus::Pending {
            // Under a key of its own: a try that waits for its time does not stand for one that a person wants now.
            let key = format!("deliver:{id}:asked:{}", notification.version);
            change.push(Write::Enqueue(
                new_deliver_job(&*self.ids, &notification, now).unique(key),
            ));
        } else {
            self.close_ticket(&notification, now, &mut change)
                .await
                .map_err(SettleAmbiguousError::Storage)?;
        }
        change.push(Write::UpdateNotification(Box::new(notification.clone())));
        let committed = self.storage.commit(change).await;
        committed.map_err(SettleAmbiguousError::Storage)?;
        notification.version += 1;
        Ok(notification)
    }
}

/// Tickets that are answered by the words of another one: of its group, where it speaks for that, those whose work is done.
pub(crate) async fn answered_with(storage: &dyn Storage, speaker: &Ticket) -> Result<Vec<Ticket>, PortError> {
    let Some(id) = speaker.group else {
        return Ok(Vec::new());
    };
    let Some(group) = storage.group(id).await? else {
        return Ok(Vec::new());
    };
    let mut members = storage.tickets_of(TicketsKey::Group(id)).await?;
    // A primary ticket that was put away says nothing; another one speaks in its place.
    let put_away = |member: &Ticket| {
        member.id == group.primary && matches!(member.status, TicketStatus::Duplicate | TicketStatus::Dismissed)
    };
    if group.primary != speaker.id && !members.iter().any(put_away) {
        return Ok(Vec::new());
    }
    members.retain(|member| member.id != speaker.id && member.status == TicketStatus::Resolved);
    Ok(members)
}

/// The job that makes the next try of a notification.
pub(crate) fn deliver_job(ids: &dyn IdSource, notification: &Notification, at: Timestamp, now: Timestamp) -> Write {
    let key = format!("deliver:{}", notification.id);
    Write::Enqueue(new_deliver_job(ids, notification, now).at(at).unique(key))
}

fn new_deliver_job(ids: &dyn IdSource, notification: &Notification, now: Timestamp) -> NewJob {
    let payload = JobPayload::DeliverNotification {
        notification: notification.id,
        changelog_entry: notification.changelog_entry,
    };
    NewJob::now(ids.next(), payload, now)
}

/// How long after its attempt began a send may still begin, so that it ends before others look for it.
fn begin_within(settle: Duration) -> Duration {
    let before_others = settle.saturating_sub(SEND_LIMIT);
    // A host that settles faster than a send may take (a demonstration) has no such time; it has until others look.
    let latest = if before_others.is_zero() { settle } else { before_others };
    latest.max(Duration::from_secs(1))
}

fn error(code: &str, words: &str) -> DeliveryError {
    DeliveryError {
        code: code.to_owned(),
        words: words.to_owned(),
    }
}

/// A row that another one names is not there: storage broke its promise.
fn missing(what: &str) -> PortError {
    PortError::new(PortErrorKind::NotFound, "deliver.load").with_reason(format!("{what} is missing"))
}

/// 64 random bits, for jitter.
fn entropy(ids: &dyn IdSource) -> u64 {
    ids.uuid().as_u64_pair().1
}
