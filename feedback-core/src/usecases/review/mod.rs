//! The release valve: a person edits, approves or rejects what the reporter will be told. One decision for an entry,
//! about the version that the person saw.

mod plan;
mod strangers;

use std::sync::Arc;

use serde_json::json;
use zeroize::Zeroizing;

use super::{
    TRIES,
    deliver::deliver_job,
    person::person_of,
    sealing::{open, open_placeholders, place, seal},
    templates::TemplateRegistry,
    timeline::event,
};
use crate::{
    domain::{
        Actor, ApprovalSeal, ApprovalTerms, Change, ChangelogEntry, ChangelogEntryId, ChangelogStatus, Channel,
        Decision, EventKind, IdempotencyKey, Notification, NotificationStatus, RememberedCall, Reporter, ReporterId,
        TemplateRef, Ticket, TicketId, TicketStatus, Timestamp, UserId, Write, without_overrides,
    },
    logic::scrub::{KnownPeople, Label, Scrubber},
    ports::{
        ChangelogEntryKey, Clock, IdSource, IdSourceExt, NotificationsKey, PortError, PortErrorKind, ReporterKey,
        Storage, TicketKey, Vault,
    },
};

use self::strangers::strangers_in;
pub use plan::{Audience, PlannedDelivery, WhatsAppPlan};

/// Longest text that a reviewer can approve, in characters: what the strictest channel takes in one message.
pub const MAX_CONTENT_CHARS: usize = 4000;

/// Decides what goes out.
#[derive(Debug, Clone)]
pub struct Review {
    storage: Arc<dyn Storage>,
    vault: Arc<dyn Vault>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    scrubber: Scrubber,
    template: Option<TemplateRef>,
    /// Without one, every template is taken for usable until the provider says otherwise.
    templates: Option<Arc<TemplateRegistry>>,
    /// Channels that something is configured for; `None` where that is not known.
    senders: Option<Vec<Channel>>,
}

/// What an approval made.
#[derive(Debug, Clone, PartialEq)]
pub struct Approval {
    /// The approved entry.
    pub entry: ChangelogEntry,
    /// The deliveries that were queued.
    pub notifications: Vec<Notification>,
}

/// Why a decision or edit was not taken.
#[derive(Debug, thiserror::Error)]
pub enum ReviewError {
    /// There is no such entry.
    #[error("changelog entry does not exist")]
    NotFound,
    /// Another reviewer was first; the caller shows who. `None` where the hub withdrew the draft.
    #[error("changelog entry was already decided")]
    AlreadyDecided {
        /// The entry as it stands.
        current: Box<ChangelogEntry>,
    },
    /// The person saw another version.
    #[error("changelog entry was changed since version {seen}")]
    Stale {
        /// The version that the person saw.
        seen: u32,
        /// The entry as it stands.
        current: Box<ChangelogEntry>,
    },
    /// The ticket is not resolved any more: what the draft says is no longer so.
    #[error("ticket moved on since the draft was written")]
    TicketMovedOn,
    /// The text is empty or too long.
    #[error("text must have 1 to {MAX_CONTENT_CHARS} characters")]
    InvalidContent,
    /// A rejection says why.
    #[error("a rejection needs a reason")]
    ReasonMissing,
    /// The idempotency key came with another request before.
    #[error("idempotency key was used for another request")]
    KeyReused,
    /// Others are to be told, and the text names the person that it was written for.
    #[error("text names its reporter, and others would read it")]
    NamesReporter,
    /// The draft holds personal data that is not its reporter's, and nobody has taken its words over yet: a person edits
    /// it, or saves it as it is.
    #[error("draft holds personal data of others; edit it, or save it as your own words first")]
    NamesOthers {
        /// What kinds of data, never the data.
        kinds: Vec<Label>,
    },
    /// The reporter was erased; nothing can be said to them.
    #[error("reporter was erased")]
    Erased,
    /// Storage or vault failed.
    #[error("could not load or store the changelog entry")]
    Storage(#[source] PortError),
}

/// An entry with what belongs to it.
struct Loaded {
    entry: ChangelogEntry,
    ticket: Ticket,
    keeper: Reporter,
}

/// Who is to read a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Readers {
    /// The one whom it was written for.
    Reporter,
    /// Others as well: what the reporter told is not theirs to read.
    Others,
}

impl Review {
    /// The use case over its ports. `template` is what WhatsApp messages use outside the 24 hours.
    pub fn new(
        storage: Arc<dyn Storage>,
        vault: Arc<dyn Vault>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdSource>,
        template: Option<TemplateRef>,
    ) -> Self {
        Self {
            storage,
            vault,
            clock,
            ids,
            scrubber: Scrubber::new(),
            template,
            templates: None,
            senders: None,
        }
    }

    /// The same, looking for personal data with the host's scrubber, which knows the host's products.
    #[must_use]
    pub fn with_scrubber(mut self, scrubber: Scrubber) -> Self {
        self.scrubber = scrubber;
        self
    }

    /// The same, knowing the channels that something is configured for: a plan says where nothing is.
    #[must_use]
    pub fn with_senders(mut self, channels: impl IntoIterator<Item = Channel>) -> Self {
        self.senders = Some(channels.into_iter().collect());
        self
    }

    /// The same, with the provider's word on templates.
    #[must_use]
    pub(crate) fn with_templates(mut self, registry: TemplateRegistry) -> Self {
        self.templates = Some(Arc::new(registry));
        self
    }

    /// [`approve_for`](Self::approve_for) the ticket's own reporter.
    ///
    /// # Errors
    /// [`ReviewError`]; nothing was decided by this call.
    pub async fn approve(
        &self,
        id: ChangelogEntryId,
        seen: u32,
        by: UserId,
        call: Option<RememberedCall>,
    ) -> Result<Approval, ReviewError> {
        self.approve_for(id, seen, Audience::Reporter, by, call).await
    }

    /// Approves the version that the reviewer saw: seals it for each recipient and queues the deliveries.
    ///
    /// # Errors
    /// [`ReviewError`]; nothing was decided by this call.
    #[tracing::instrument(name = "review.approve", skip_all, fields(changelog_entry.id = %id))]
    pub async fn approve_for(
        &self,
        id: ChangelogEntryId,
        seen: u32,
        audience: Audience,
        by: UserId,
        call: Option<RememberedCall>,
    ) -> Result<Approval, ReviewError> {
        for _ in 0..TRIES {
            if let Some(decided) = self.repeated(call.as_ref()).await? {
                return self.approval(decided).await;
            }
            let loaded = self.load(id).await?;
            check_open(&loaded.entry, seen)?;
            check_ticket(&loaded.ticket, &loaded.entry)?;
            let text = self.opened(&loaded)?.ok_or(ReviewError::Erased)?;
            let plan = self.plan_for_all(&loaded, audience).await?;
            if plan.len() > 1 && names_somebody(&text, &self.known_of(&loaded.keeper)?) {
                return Err(ReviewError::NamesReporter);
            }
            let readers = if plan.len() > 1 {
                Readers::Others
            } else {
                Readers::Reporter
            };
            let kinds = self.strangers(&loaded, &text, readers).await?;
            if loaded.entry.edited_by.is_none() && !kinds.is_empty() {
                return Err(ReviewError::NamesOthers { kinds });
            }
            let now = self.clock.now();
            let (entry, notifications, change) = self.decide_approval(&loaded, &text, seen, plan, by, now);
            let change = remembering(change, call.as_ref(), id);
            match self.storage.commit(change).await {
                Ok(_) => {
                    metrics::counter!("feedback_review_total", "decision" => "approved").increment(1);
                    return Ok(Approval {
                        entry: raised(entry),
                        notifications,
                    });
                }
                Err(error) if error.is_conflict() => {}
                Err(error) => return Err(ReviewError::Storage(error)),
            }
        }
        Err(ReviewError::Storage(PortError::new(
            PortErrorKind::Conflict,
            "review.approve",
        )))
    }

    /// Pure but for ids: the approved entry, its sealed deliveries, and their commit.
    fn decide_approval(
        &self,
        loaded: &Loaded,
        text: &str,
        seen: u32,
        plan: Vec<PlannedDelivery>,
        by: UserId,
        now: Timestamp,
    ) -> (ChangelogEntry, Vec<Notification>, Change) {
        let mut entry = loaded.entry.clone();
        entry.status = ChangelogStatus::Approved;
        entry.decision = Some(Decision {
            by: Some(by),
            at: now,
            seen_version: seen,
            reason: None,
        });
        entry.updated_at = now;
        let mut change = Change::new().with(Write::UpdateChangelogEntry(Box::new(entry.clone())));
        let notifications: Vec<_> = plan
            .into_iter()
            .map(|planned| self.notification(&entry, planned, seen, text, now))
            .collect();
        for notification in &notifications {
            change.push(Write::InsertNotification(Box::new(notification.clone())));
            change.push(deliver_job(&*self.ids, notification, now, now));
        }
        let data = json!({"changelog_entry": entry.id, "version": seen, "recipients": notifications.len()});
        change.push(event(
            &*self.ids,
            entry.ticket,
            EventKind::Approved,
            Actor::User(by),
            data,
            now,
        ));
        (entry, notifications, change)
    }

    fn notification(
        &self,
        entry: &ChangelogEntry,
        planned: PlannedDelivery,
        seen: u32,
        text: &str,
        now: Timestamp,
    ) -> Notification {
        let seal = ApprovalSeal::over(&ApprovalTerms {
            entry: entry.id,
            version: seen,
            text,
            recipient: planned.identity,
            channel: planned.channel,
            thread: &planned.thread,
            mode: &planned.mode,
        });
        let key = [
            entry.id.to_string(),
            planned.channel.to_string(),
            planned.reporter.to_string(),
        ];
        Notification {
            id: self.ids.next(),
            changelog_entry: entry.id,
            ticket: entry.ticket,
            reporter: planned.reporter,
            identity: planned.identity,
            channel: planned.channel,
            thread: planned.thread,
            mode: planned.mode,
            seal,
            status: NotificationStatus::Pending,
            retry_count: 0,
            last_error: None,
            sent_as: None,
            provider_message_id: None,
            idempotency_key: IdempotencyKey::composed(&key.each_ref().map(String::as_str)),
            sent_at: None,
            delivered_at: None,
            read_at: None,
            created_at: now,
            updated_at: now,
            version: 1,
        }
    }

    /// Rejects the version that the reviewer saw, with a reason.
    ///
    /// # Errors
    /// [`ReviewError`]; nothing was decided by this call.
    #[tracing::instrument(name = "review.reject", skip_all, fields(changelog_entry.id = %id))]
    pub async fn reject(
        &self,
        id: ChangelogEntryId,
        seen: u32,
        reason: &str,
        by: UserId,
        call: Option<RememberedCall>,
    ) -> Result<ChangelogEntry, ReviewError> {
        let reason = reason.trim();
        if reason.is_empty() {
            return Err(ReviewError::ReasonMissing);
        }
        self.change(id, seen, call.as_ref(), |loaded, now| {
            let mut entry = loaded.entry.clone();
            entry.status = ChangelogStatus::Rejected;
            let reason = Some(reason.to_owned());
            entry.decision = Some(Decision {
                by: Some(by),
                at: now,
                seen_version: seen,
                reason,
            });
            // The reason may quote the report, so it is the entry's and not the timeline's.
            Ok((entry, EventKind::Rejected, by))
        })
        .await
    }

    /// Replaces the draft's text; the text as drafted is kept beside it.
    ///
    /// # Errors
    /// [`ReviewError`]; nothing changed.
    #[tracing::instrument(name = "review.update", skip_all, fields(changelog_entry.id = %id))]
    pub async fn update(
        &self,
        id: ChangelogEntryId,
        seen: u32,
        content: &str,
        by: UserId,
        call: Option<RememberedCall>,
    ) -> Result<ChangelogEntry, ReviewError> {
        let content = without_overrides(content);
        let content = content.trim();
        if content.is_empty() || content.chars().count() > MAX_CONTENT_CHARS {
            return Err(ReviewError::InvalidContent);
        }
        self.change(id, seen, call.as_ref(), |loaded, _| {
            if loaded.keeper.key.is_none() {
                return Err(ReviewError::Erased);
            }
            let mut entry = loaded.entry.clone();
            let at = place::of("changelog_entries", "content", *entry.id.as_uuid());
            entry.content = seal(&*self.vault, &loaded.keeper, at, content.as_bytes()).map_err(ReviewError::Storage)?;
            entry.edited_by = Some(by);
            Ok((entry, EventKind::DraftEdited, by))
        })
        .await
    }

    async fn change(
        &self,
        id: ChangelogEntryId,
        seen: u32,
        call: Option<&RememberedCall>,
        decide: impl Fn(&Loaded, Timestamp) -> Result<(ChangelogEntry, EventKind, UserId), ReviewError>,
    ) -> Result<ChangelogEntry, ReviewError> {
        for _ in 0..TRIES {
            if let Some(decided) = self.repeated(call).await? {
                return self.entry(decided).await;
            }
            let loaded = self.load(id).await?;
            check_open(&loaded.entry, seen)?;
            let now = self.clock.now();
            let (mut entry, kind, by) = decide(&loaded, now)?;
            if kind == EventKind::DraftEdited {
                check_ticket(&loaded.ticket, &loaded.entry)?;
            }
            entry.updated_at = now;
            let data = json!({"changelog_entry": id, "version": seen});
            let change = Change::new()
                .with(Write::UpdateChangelogEntry(Box::new(entry.clone())))
                .with(event(&*self.ids, entry.ticket, kind, Actor::User(by), data, now));
            match self.storage.commit(remembering(change, call, id)).await {
                Ok(_) => return Ok(raised(entry)),
                Err(error) if error.is_conflict() => {}
                Err(error) => return Err(ReviewError::Storage(error)),
            }
        }
        Err(ReviewError::Storage(PortError::new(
            PortErrorKind::Conflict,
            "review.change",
        )))
    }

    async fn person(&self, id: ReporterId) -> Result<Option<Reporter>, ReviewError> {
        person_of(&*self.storage, id).await.map_err(ReviewError::Storage)
    }

    /// Name and addresses of the person that a text was written for.
    fn known_of(&self, keeper: &Reporter) -> Result<Vec<Zeroizing<String>>, ReviewError> {
        let mut known = Vec::new();
        for (column, sealed) in [
            ("name", &keeper.name),
            ("email", &keeper.email),
            ("phone", &keeper.phone),
        ] {
            let Some(sealed) = sealed else { continue };
            let at = place::of("reporters", column, *keeper.id.as_uuid());
            known.extend(open(&*self.vault, keeper, at, sealed).map_err(ReviewError::Storage)?);
        }
        Ok(known)
    }

    /// The kinds of personal data in an entry's text that are not its reporter's own: what a person should look at before
    /// they approve it. While nobody has edited the draft, it cannot be approved with any.
    ///
    /// # Errors
    /// [`ReviewError::NotFound`], [`ReviewError::Storage`].
    pub async fn personal_data_of_others(&self, entry: &ChangelogEntry) -> Result<Vec<Label>, ReviewError> {
        let loaded = self.load(entry.id).await?;
        match self.opened(&loaded)? {
            Some(text) => self.strangers(&loaded, &text, Readers::Reporter).await,
            None => Ok(Vec::new()),
        }
    }

    async fn strangers(&self, loaded: &Loaded, text: &str, readers: Readers) -> Result<Vec<Label>, ReviewError> {
        let found = self.scrubber.personal_data_in(text, &KnownPeople::new());
        if found.is_empty() {
            return Ok(Vec::new());
        }
        if readers == Readers::Others {
            return Ok(strangers_in(text, &found, []));
        }
        let own = self.known_of(&loaded.keeper)?;
        let teller = match loaded.ticket.reporter {
            id if id == loaded.keeper.id => None,
            id => self
                .storage
                .reporter(ReporterKey::Id(id))
                .await
                .map_err(ReviewError::Storage)?,
        };
        let teller = teller.as_ref().unwrap_or(&loaded.keeper);
        let told = open_placeholders(&*self.vault, &loaded.ticket, teller).map_err(ReviewError::Storage)?;
        let expected = own
            .iter()
            .map(|value| value.as_str())
            .chain(told.scrubbed_values().map(|(_, _, value)| value))
            // A draft quotes the report, and a word may look like a name in the one and not in the other.
            .chain([loaded.ticket.title.as_str(), loaded.ticket.description.as_str()]);
        Ok(strangers_in(text, &found, expected))
    }

    /// The text of an entry, opened for a person to read; `None` once the reporter is erased.
    ///
    /// # Errors
    /// [`ReviewError::NotFound`], [`ReviewError::Storage`].
    pub async fn content(&self, entry: &ChangelogEntry) -> Result<Option<Zeroizing<String>>, ReviewError> {
        let keeper = self.keeper(entry).await?;
        let at = place::of("changelog_entries", "content", *entry.id.as_uuid());
        open(&*self.vault, &keeper, at, &entry.content).map_err(ReviewError::Storage)
    }

    /// The entry as it stands.
    ///
    /// # Errors
    /// [`ReviewError::NotFound`], [`ReviewError::Storage`].
    pub async fn entry(&self, id: ChangelogEntryId) -> Result<ChangelogEntry, ReviewError> {
        let found = self
            .storage
            .changelog_entry(ChangelogEntryKey::Id(id))
            .await
            .map_err(ReviewError::Storage)?;
        found.ok_or(ReviewError::NotFound)
    }

    /// The newest entry of a ticket, if there is one.
    ///
    /// # Errors
    /// [`ReviewError::Storage`].
    pub async fn newest_of(&self, ticket: TicketId) -> Result<Option<ChangelogEntry>, ReviewError> {
        self.storage
            .changelog_entry(ChangelogEntryKey::NewestOf(ticket))
            .await
            .map_err(ReviewError::Storage)
    }

    async fn approval(&self, id: ChangelogEntryId) -> Result<Approval, ReviewError> {
        let entry = self.entry(id).await?;
        let notifications = self
            .storage
            .notifications(NotificationsKey::Entry(id))
            .await
            .map_err(ReviewError::Storage)?;
        Ok(Approval { entry, notifications })
    }

    async fn load(&self, id: ChangelogEntryId) -> Result<Loaded, ReviewError> {
        let entry = self.entry(id).await?;
        let ticket = self
            .storage
            .ticket(TicketKey::Id(entry.ticket))
            .await
            .map_err(ReviewError::Storage)?;
        let keeper = self.keeper(&entry).await?;
        Ok(Loaded {
            ticket: ticket.ok_or(ReviewError::NotFound)?,
            keeper,
            entry,
        })
    }

    async fn keeper(&self, entry: &ChangelogEntry) -> Result<Reporter, ReviewError> {
        let keeper = self
            .storage
            .reporter(ReporterKey::Id(entry.sealed_for))
            .await
            .map_err(ReviewError::Storage)?;
        keeper.ok_or(ReviewError::NotFound)
    }

    fn opened(&self, loaded: &Loaded) -> Result<Option<Zeroizing<String>>, ReviewError> {
        let at = place::of("changelog_entries", "content", *loaded.entry.id.as_uuid());
        open(&*self.vault, &loaded.keeper, at, &loaded.entry.content).map_err(ReviewError::Storage)
    }

    /// The entry that this very call was about when it was carried out before. The ticket may have a newer one by now,
    /// and a repeat is not about that.
    async fn repeated(&self, call: Option<&RememberedCall>) -> Result<Option<ChangelogEntryId>, ReviewError> {
        let Some(call) = call else { return Ok(None) };
        let before = self
            .storage
            .remembered_call(&call.scope, &call.key)
            .await
            .map_err(ReviewError::Storage)?;
        match before {
            None => Ok(None),
            Some(before) if before.fingerprint == call.fingerprint => {
                Ok(Some(ChangelogEntryId::from_uuid(before.subject)))
            }
            Some(_) => Err(ReviewError::KeyReused),
        }
    }
}

/// Pure: whether a text has a word of somebody's name, or an address of theirs.
fn names_somebody(text: &str, known: &[Zeroizing<String>]) -> bool {
    let text = text.to_lowercase();
    let is_word = |word: &str| text.split(|c: char| !c.is_alphanumeric()).any(|other| other == word);
    known.iter().any(|value| {
        let value = value.to_lowercase();
        let whole = value.chars().count() >= 3 && text.contains(value.as_str());
        let named = !value.contains('@')
            && value
                .split_whitespace()
                .any(|word| word.chars().count() >= 3 && is_word(word));
        whole || named
    })
}

/// Pure: whether the entry can still be decided, by a person who saw version `seen`.
fn check_open(entry: &ChangelogEntry, seen: u32) -> Result<(), ReviewError> {
    if entry.status != ChangelogStatus::Draft {
        return Err(ReviewError::AlreadyDecided {
            current: Box::new(entry.clone()),
        });
    }
    if entry.version != seen {
        return Err(ReviewError::Stale {
            seen,
            current: Box::new(entry.clone()),
        });
    }
    Ok(())
}

/// Pure: whether what the draft says is still so. A draft may be written ahead of the resolution that it is about.
pub(super) fn check_ticket(ticket: &Ticket, entry: &ChangelogEntry) -> Result<(), ReviewError> {
    let put_away = matches!(ticket.status, TicketStatus::Duplicate | TicketStatus::Dismissed);
    let about_now = entry.resolution == current_resolution(ticket);
    if put_away || !about_now {
        Err(ReviewError::TicketMovedOn)
    } else {
        Ok(())
    }
}

/// The resolution that a draft written now is about: the last one, or the coming one while the ticket is open.
pub(super) fn current_resolution(ticket: &Ticket) -> u32 {
    match ticket.status {
        TicketStatus::Resolved | TicketStatus::Closed => ticket.resolutions,
        _ => ticket.resolutions + 1,
    }
}

fn remembering(change: Change, call: Option<&RememberedCall>, id: ChangelogEntryId) -> Change {
    match call {
        None => change,
        Some(call) => change.with(Write::RememberCall(RememberedCall {
            subject: *id.as_uuid(),
            ..call.clone()
        })),
    }
}

/// The entry as storage has it after the commit.
fn raised(mut entry: ChangelogEntry) -> ChangelogEntry {
    entry.version += 1;
    entry
}
