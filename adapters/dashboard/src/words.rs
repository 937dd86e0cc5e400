//! What pages call things.

use feedback_core::{
    domain::{
        ChangelogStatus, Channel, DeliveryMode, EnrichmentStatus, EventKind, Language, Notification,
        NotificationStatus, ThreadRef, Timestamp, is_direction_override,
    },
    logic::scrub::Label,
    usecases::PlannedDelivery,
};

/// What happened, in a few words.
pub(crate) const fn event(kind: EventKind) -> &'static str {
    match kind {
        EventKind::Received => "Report received",
        EventKind::ReceiptSent => "Receipt sent: answers go to its thread",
        EventKind::MessageReceived => "Further message received",
        EventKind::ConflictingDelivery => "The same message came again with another text; the first stands",
        EventKind::MessageEdited => "The reporter edited a message",
        EventKind::MessageDeleted => "A message was deleted on its channel",
        EventKind::AttachmentStored => "File stored",
        EventKind::AttachmentRefused => "File not kept, for safety",
        EventKind::AttachmentFailed => "File could not be fetched",
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
        EventKind::DeliveryResumed => "The person wrote, and the delivery goes on",
        EventKind::ReturnedToReview => "Approved too long ago to be sent unread",
        EventKind::ThanksReceived => "The reporter said thanks",
        EventKind::QuestionReceived => "The reporter asks something: somebody should answer",
        EventKind::WentOnElsewhere => "The reporter raised another matter: it is a ticket of its own",
        EventKind::PreferenceNoted => "The reporter decided about marketing messages",
        EventKind::ReporterLinked => "Reporter recognised on another channel",
        EventKind::OptedOut => "The reporter asked not to be written to",
        EventKind::OptedIn => "The reporter wants to be written to again",
        EventKind::Erased => "Reporter erased",
    }
}

/// Why a file is not there: a code of the hub's own, as a person says it; other codes are the provider's.
pub(crate) fn file_reason(code: &str) -> String {
    match code {
        "too_large" => "larger than 10 MB",
        "program" => "a program",
        "empty" => "empty",
        "foreign_address" | "forbidden_address" | "bad_reference" => "its address is not the provider's",
        "redirected" => "the provider sent us elsewhere: perhaps the token may not read files",
        "encoded" => "in a packed form that was not asked for",
        "gone" | "no_address" => "the provider does not have it any more",
        "message_gone" => "its message was removed",
        "not_in_the_mail" => "the mail came without it",
        "no_source" => "its channel is not connected",
        "gave_up" => "the provider did not give it; see dead letters",
        other => return other.replace('_', " "),
    }
    .to_owned()
}

/// Where one delivery stands: a try whose outcome is being looked for is no longer being sent.
pub(crate) fn delivery(notification: &Notification) -> &'static str {
    match (notification.status, &notification.last_error) {
        (NotificationStatus::Sending, Some(_)) => "Not known yet",
        (status, _) => self::notification(status),
    }
}

/// Why the last try failed, with the provider's code once.
pub(crate) fn failure(notification: &Notification) -> Option<String> {
    let error = notification.last_error.as_ref()?;
    if error.words.contains(&error.code) {
        return Some(error.words.clone());
    }
    Some(format!("{} ({})", error.words, error.code))
}

/// What a status of deliveries is called.
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

/// How a delivery went out, or will: in the words of `sent_as`, or of the approved mode where nothing was tried yet.
pub(crate) fn sent_as(notification: &Notification) -> String {
    let mode = notification.sent_as.as_deref().unwrap_or(notification.mode.as_str());
    let known = match mode {
        "thread_reply" => "reply in the thread",
        "direct_message" => "direct message",
        "conversation_reply" => "reply in the conversation",
        "session" => "free text",
        "template" => "template",
        "session_or_template" => "free text or template",
        "email" => "email",
        "inbox" => "in-app inbox",
        "by_hand" => "by hand",
        other => return other.replace('_', " "),
    };
    known.to_owned()
}

/// A channel's name for people, from its name in storage.
pub(crate) fn channel(name: &str) -> String {
    name.parse()
        .map_or_else(|_| name.to_owned(), |channel: Channel| channel.label().to_owned())
}

/// Text for places that cannot be isolated by markup, as the tab's title: without marks that turn what follows around.
pub(crate) fn without_direction_marks(text: &str) -> String {
    text.chars()
        .filter(|c| !matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{200E}' | '\u{200F}'))
        .collect()
}

/// A person's words as they may be shown inside an isolating element: characters that turn the direction around are named
/// in their place, so that a reviewer sees that they are there and what they would have hidden.
pub(crate) fn shown(text: &str) -> String {
    if !text.chars().any(is_direction_override) {
        return text.to_owned();
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_direction_override(c) {
            shown.push_str(&format!("⟦U+{:04X}⟧", u32::from(c)));
        } else {
            shown.push(c);
        }
    }
    shown
}

/// "a name and a phone number": kinds of personal data as a sentence has them; empty for none.
pub(crate) fn kinds_of_data(kinds: &[Label]) -> String {
    let words: Vec<&str> = kinds
        .iter()
        .map(|kind| match kind {
            Label::Name => "a name",
            Label::Email => "an email address",
            Label::Phone => "a phone number",
            Label::Card => "a card number",
            Label::Iban => "a bank account",
            Label::NationalId => "a national id",
            Label::Address => "an address",
            Label::Ip => "an IP address",
            Label::UrlToken => "a secret link",
            Label::Secret => "a password or key",
            Label::Username => "a user name",
        })
        .collect();
    match words.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, before)) => format!("{} and {last}", before.join(", ")),
        None => String::new(),
    }
}

/// A language for `lang`, which screen readers and spell checks go by; empty where it is not known.
pub(crate) fn language_code(language: Option<Language>) -> &'static str {
    language.map_or("", Language::code)
}

/// A language's own name for readers of English.
pub(crate) const fn language(language: Option<Language>) -> &'static str {
    match language {
        Some(Language::English) => "English",
        Some(Language::Spanish) => "Spanish",
        None => "language unknown",
    }
}

/// How one recipient would be told if the draft were approved at `now`.
pub(crate) fn plan(planned: &PlannedDelivery, now: Timestamp) -> String {
    if planned.opted_out {
        return "Not told: the person asked not to be written to.".to_owned();
    }
    let has_words_of_its_own = planned.whatsapp.is_some() || planned.mode == DeliveryMode::ByHand;
    if let Some(why) = planned.restricted.as_ref().filter(|_| !has_words_of_its_own) {
        return format!("Not told: {why}. Tell the person yourself.");
    }
    match &planned.mode {
        DeliveryMode::ThreadReply => match &planned.thread {
            ThreadRef::Slack { channel, .. } => format!("As a reply in the Slack thread in {channel}."),
            _ => "As a reply in the thread.".to_owned(),
        },
        DeliveryMode::DirectMessage => "As a direct message in Slack: a slash command has no thread.".to_owned(),
        DeliveryMode::ConversationReply => "As a reply in the Intercom conversation.".to_owned(),
        DeliveryMode::SessionOrTemplate { .. } => whatsapp(planned, now),
        DeliveryMode::Email => "By email, in the thread of their mail.".to_owned(),
        DeliveryMode::Inbox => "In the in-app inbox.".to_owned(),
        DeliveryMode::ByHand => "By you: a colleague wrote this report down, and there is no way back.".to_owned(),
    }
}

fn whatsapp(planned: &PlannedDelivery, now: Timestamp) -> String {
    let Some(plan) = &planned.whatsapp else {
        return "On WhatsApp.".to_owned();
    };
    let is_open = plan.session_until.is_some() || plan.template.is_some();
    if let Some(why) = planned.restricted.as_ref().filter(|_| is_open) {
        return format!("Not told: {why}. Tell the person yourself.");
    }
    let later = match (&plan.template, &plan.template_text, &plan.why_no_template) {
        (Some((template, _)), Some(text), _) => {
            format!(
                "the template {} ({}): \u{201c}{text}\u{201d}",
                template.name, template.language
            )
        }
        (Some((template, parameters)), None, _) => format!(
            "the template {} ({}) with \u{201c}{}\u{201d}",
            template.name,
            template.language,
            parameters.join("\u{201d}, \u{201c}")
        ),
        (None, _, why) => {
            let why = why.as_deref().unwrap_or("no template is configured");
            return match plan.session_until {
                Some(closes) => format!(
                    "On WhatsApp as free text: the 24 hours run for another {}. After that it waits for the person's next message: {why}.",
                    left(closes, now)
                ),
                None => {
                    format!("Not now: WhatsApp's 24 hours are over, and {why}. It waits for the person's next message.")
                }
            };
        }
    };
    match plan.session_until {
        Some(closes) => format!(
            "On WhatsApp as free text: the 24 hours run for another {}. After that, {later}.",
            left(closes, now)
        ),
        None => format!("On WhatsApp, since the 24 hours are over, with {later}."),
    }
}

fn left(closes: Timestamp, now: Timestamp) -> String {
    let minutes = closes.since(now).as_secs() / 60;
    format!("{} h {} min", minutes / 60, minutes % 60)
}

/// A moment for people: to the minute, in UTC.
pub(crate) fn moment(at: Timestamp) -> String {
    let text = at.to_string();
    format!(
        "{} {}",
        text.get(..10).unwrap_or_default(),
        text.get(11..16).unwrap_or_default()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_that_turn_text_around_are_left_out_of_plain_places() {
        assert_eq!(
            without_direction_marks("a\u{202E}b\u{2066}c ñ 👩\u{200D}🔧"),
            "abc ñ 👩\u{200D}🔧"
        );
    }

    #[test]
    fn channels_have_their_own_names() {
        assert_eq!([channel("whatsapp"), channel("pigeon")], ["WhatsApp", "pigeon"]);
    }
}
