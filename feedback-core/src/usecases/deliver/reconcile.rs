//! An unknown outcome is asked for, not repeated.

use super::{Deliver, DeliverError, Loaded, NoRoute, TRIES, decide, entropy};
use crate::{
    domain::{
        Actor, AttemptOutcome, Change, NotificationAttempt, NotificationId, NotificationStatus, OutboundMessage, Write,
    },
    logic::retry::OUTAGE_LIMIT,
    ports::{NotificationKey, PortError, PortErrorKind, ReadBack},
    usecases::failure::{NextStep, next_step},
};

impl Deliver {
    /// Finds out what became of the last attempt, if nobody knows yet. Safe to call at any time and any number of times.
    ///
    /// # Errors
    /// [`DeliverError::Storage`]; nothing changed, and the job is tried again.
    #[tracing::instrument(name = "deliver.reconcile", skip_all, fields(notification.id = %id))]
    pub async fn reconcile(&self, id: NotificationId) -> Result<(), DeliverError> {
        self.try_reconcile(id).await.map_err(DeliverError::Storage)
    }

    async fn try_reconcile(&self, id: NotificationId) -> Result<(), PortError> {
        let Some(loaded) = self.load(id).await? else {
            return Ok(());
        };
        if loaded.notification.status != NotificationStatus::Sending {
            return Ok(());
        }
        let Some(attempt) = decide::current(&loaded.notification, &loaded.attempts).cloned() else {
            return Ok(());
        };
        let now = self.clock.now();
        let settled_at = attempt.started_at.plus(self.settings.settle);
        if now < settled_at {
            return self.queue_reconcile(&loaded).await;
        }
        match self.look(&loaded, &attempt).await {
            Ok(found) => self.record_look(&loaded, attempt, found).await,
            // Nobody could look for three days: as good as blind.
            Err(_) if now.since(attempt.started_at) > OUTAGE_LIMIT => {
                self.record_look(&loaded, attempt, ReadBack::Blind).await
            }
            Err(error) => {
                tracing::warn!(%error, "could not look for a message whose send got no answer");
                let pause = match next_step(error.kind()) {
                    NextStep::Snooze(pause) => pause,
                    NextStep::Retry { retry_after } => self.settings.backoff.delay(3, retry_after, entropy(&*self.ids)),
                    // It can never be looked up (the thread is gone): as good as blind.
                    NextStep::GiveUp => return self.record_look(&loaded, attempt, ReadBack::Blind).await,
                };
                let change = Change::new().with(self.reconcile_job(id, now.plus(pause), now));
                self.storage.commit(change).await.map(|_| ())
            }
        }
    }

    async fn look(&self, loaded: &Loaded, attempt: &NotificationAttempt) -> Result<ReadBack, PortError> {
        let Ok(approved) = self.approved(loaded)? else {
            return Ok(ReadBack::Blind);
        };
        match self.route(loaded, approved.text(), attempt.started_at)? {
            Err(NoRoute(_)) => Ok(ReadBack::Blind),
            Ok(routed) => {
                let message = OutboundMessage {
                    approved,
                    route: routed.route,
                    marker: attempt.marker(),
                    started_at: attempt.started_at,
                };
                routed
                    .gate
                    .call("deliver.read_back", routed.sender.read_back(&message))
                    .await
            }
        }
    }

    async fn record_look(
        &self,
        loaded: &Loaded,
        mut attempt: NotificationAttempt,
        found: ReadBack,
    ) -> Result<(), PortError> {
        for _ in 0..TRIES {
            let now = self.clock.now();
            let id = loaded.notification.id;
            let Some(fresh) = self.storage.notification(NotificationKey::Id(id)).await? else {
                return Ok(());
            };
            let attempts = self.storage.attempts(id).await?;
            let is_current = decide::current(&fresh, &attempts).is_some_and(|current| current.id == attempt.id);
            // A report, or another look that led to another try, came first: what was found is about neither.
            if fresh.status != NotificationStatus::Sending || !is_current {
                return Ok(());
            }
            let moved = match &found {
                ReadBack::Found(receipt) => {
                    attempt.outcome = Some(AttemptOutcome::Sent);
                    let sent_as = fresh.sent_as.clone().unwrap_or_else(|| fresh.mode.as_str().to_owned());
                    decide::taken(fresh, receipt, &sent_as, now)
                }
                ReadBack::Absent => {
                    attempt.outcome = Some(AttemptOutcome::NotSent);
                    decide::absent(fresh, now)
                }
                ReadBack::Blind => {
                    attempt.outcome = Some(AttemptOutcome::Unknown);
                    decide::blind(fresh, &loaded.attempts, attempt.started_at, &self.settings, now)
                }
            };
            attempt.finished_at = attempt.finished_at.or(Some(now));
            let change = self
                .change_of(moved, Actor::Hub, now)
                .await?
                .with(Write::UpdateAttempt(attempt.clone()));
            match self.storage.commit(change).await {
                Ok(_) => return Ok(()),
                Err(error) if error.is_conflict() => {}
                Err(error) => return Err(error),
            }
        }
        Err(PortError::new(PortErrorKind::Conflict, "deliver.reconcile"))
    }

    /// A look for the last attempt, when no request of ours can still be under way.
    pub(super) async fn queue_reconcile(&self, loaded: &Loaded) -> Result<(), PortError> {
        let Some(attempt) = decide::current(&loaded.notification, &loaded.attempts) else {
            return Ok(());
        };
        let now = self.clock.now();
        // Never further away than a new attempt's: the clock may have been put back.
        let settled_at = attempt.started_at.min(now).plus(self.settings.settle);
        let at = settled_at.max(now);
        let change = Change::new().with(self.reconcile_job(loaded.notification.id, at, now));
        self.storage.commit(change).await.map(|_| ())
    }
}
