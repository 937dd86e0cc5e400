//! What pages call things.

use feedback_core::{
    domain::{
        ChangelogStatus, DeliveryMode, EnrichmentStatus, EventKind, Language, NotificationStatus, ThreadRef, Timestamp,
    },
    logic::window,
    usecases::PlannedDelivery,
};

/// What happened, in a few words.
pub(crate) const fn event(kind: EventKind) -> &'static str {
    match kind {
        EventKind::Received => "Report received",
        EventKind::MessageReceived => "Further message received",
        EventKind::ConflictingDelivery => "The same message came again with another text; the first stands",
        EventKind::MessageEdited => "The reporter edited a message",
        EventKind::MessageDeleted => "A message was deleted on its channel",
        EventKind::Enriched => "AI suggested type and priority",
        EventKind::EnrichmentFailed => "AI gave no usable suggestion",
        EventKind::Confirmed => "Type and priority confirmed",
        EventKind::Updated => "Ticket changed",
        EventKind::Synced => "Page on the engineers' board is up to date",
        EventKind::SyncFailed => "The engineers' board could not be updated",
        EventKind::MovedInTracker => "Moved on the engineers' board",
        EventKind::Resolved => "Resolved",
        EventKind::Reopened => "Reopened",
        EventKind::Closed => "Closed: the reporter was told",
        EventKind::Dismissed => "Dismissed",
        EventKind::DuplicateSuggested => "Looks like another ticket",
        EventKind::DuplicateDecided => "A suggested duplicate was decided",
        EventKind::Merged => "Merged",
        EventKind::Grouped => "Group changed",
        EventKind::Drafted => "Message to the reporter drafted",
        EventKind::DraftEdited => "Draft edited",
        EventKind::Approved => "Message approved",
        EventKind::Rejected => "Draft rejected",
        EventKind::Withdrawn => "Draft withdrawn: the ticket moved on",
        EventKind::Sent => "Message sent",
        EventKind::Delivered => "Message delivered",
        EventKind::Read => "Message read",
        EventKind::DeliveryFailed => "Delivery failed",
        EventKind::ChannelRestricted => "The channel does not allow a message now",
        EventKind::DeliveryAmbiguous => "Nobody knows whether the message arrived",
        EventKind::DeliveryDecided => "A person decided about a delivery",
        EventKind::ThanksReceived => "The reporter said thanks",
        EventKind::ReporterLinked => "Reporter recognised on another channel",
        EventKind::OptedOut => "The reporter asked not to be written to",
        EventKind::Erased => "Reporter erased",
    }
}

/// Where a delivery stands.
pub(crate) const fn notification(status: NotificationStatus) -> &'static str {
    match status {
        NotificationStatus::Pending => "Waiting",
        NotificationStatus::Sending => "Being sent",
        NotificationStatus::Sent => "Sent",
        NotificationStatus::Delivered => "Delivered",
        NotificationStatus::Read => "Read",
        NotificationStatus::Failed => "Failed, will be tried again",
        NotificationStatus::PermanentlyFailed => "Failed",
        NotificationStatus::ChannelRestricted => "Not allowed now",
        NotificationStatus::Ambiguous => "May have been sent",
    }
}

/// Where a draft stands.
pub(crate) const fn changelog(status: ChangelogStatus) -> &'static str {
    match status {
        ChangelogStatus::Draft => "Draft",
        ChangelogStatus::Approved => "Approved",
        ChangelogStatus::Rejected => "Rejected",
    }
}

/// How far AI has come.
pub(crate) const fn enrichment(status: EnrichmentStatus) -> &'static str {
    match status {
        EnrichmentStatus::Pending => "AI has not answered yet; the ticket can be worked on meanwhile.",
        EnrichmentStatus::Suggested => "AI suggestion",
        EnrichmentStatus::Failed => "AI gave no usable suggestion.",
    }
}

/// A language's own name for readers of English.
pub(crate) const fn language(language: Option<Language>) -> &'static str {
    match language {
        Some(Language::English) => "English",
        Some(Language::Spanish) => "Spanish",
        None => "unknown",
    }
}

/// How one recipient would be told if the draft were approved at `now`.
pub(crate) fn plan(planned: &PlannedDelivery, now: Timestamp) -> String {
    if planned.opted_out {
        return "Not told: the person asked not to be written to.".to_owned();
    }
    match &planned.mode {
        DeliveryMode::ThreadReply => match &planned.thread {
            ThreadRef::Slack { channel, .. } => format!("As a reply in the Slack thread in {channel}."),
            _ => "As a reply in the thread.".to_owned(),
        },
        DeliveryMode::DirectMessage => "As a direct message in Slack: a slash command has no thread.".to_owned(),
        DeliveryMode::ConversationReply => "As a reply in the Intercom conversation.".to_owned(),
        DeliveryMode::SessionOrTemplate { template } => whatsapp(planned, template.is_some(), now),
        DeliveryMode::Email => "By email; this hub sends none yet, so it will wait for you.".to_owned(),
        DeliveryMode::Inbox => "In the in-app inbox.".to_owned(),
        DeliveryMode::ByHand => "By you: a colleague wrote this report down, and there is no way back.".to_owned(),
    }
}

fn whatsapp(planned: &PlannedDelivery, has_template: bool, now: Timestamp) -> String {
    let closes = planned.last_message_at.map(window::closes_at).filter(|closes| now < *closes);
    match (closes, has_template) {
        (Some(closes), _) => {
            let minutes = closes.since(now).as_secs() / 60;
            format!("On WhatsApp as free text: the 24 hours run for another {} h {} min.", minutes / 60, minutes % 60)
        }
        (None, true) => "On WhatsApp with the template: the 24 hours are over.".to_owned(),
        (None, false) => "Not now: WhatsApp's 24 hours are over, and no template is configured.".to_owned(),
    }
}

/// A moment for people: to the minute, in UTC.
pub(crate) fn moment(at: Timestamp) -> String {
    let text = at.to_string();
    format!("{} {}", text.get(..10).unwrap_or_default(), text.get(11..16).unwrap_or_default())
}
