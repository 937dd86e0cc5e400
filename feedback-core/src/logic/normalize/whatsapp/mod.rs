//! WhatsApp deliveries: every entry, change, message and status of a batch, each read by itself, so that one odd item
//! costs the others nothing.

use serde_json::value::RawValue;

use super::{
    AnnouncedFile, Answer, Author, Deleted, DeletedMessage, EditedMessage, IdentityChange, InboundMessage, Intake,
    Marketing, MessageRole, Normalized, Preference, StatusReport,
    wire::{self, Loose},
};
use crate::{
    domain::{Channel, DeliveryError, ExternalId, Marker, ReceiptStatus, ThreadRef, Timestamp},
    logic::verify::{Payload, Verified},
};

mod body;
mod content;

use self::{
    body::{Batch, Change, Contact, Entry, Message, OddChange, Status, UserIdUpdate, UserPreference, Value},
    content::{Content, content_of},
};

/// What the operator configured about WhatsApp.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WhatsAppRules {
    /// Ids of our numbers; what is for another number is ignored. Empty: every number of the app is ours.
    pub phone_number_ids: Vec<String>,
}

/// Reads a delivery.
pub fn normalize(payload: &Verified<Payload>, rules: &WhatsAppRules) -> Normalized {
    let Some(text) = wire::open(&payload.get().body) else {
        return Normalized::of(Intake::Unparsed("WhatsApp delivery is nested too deeply"));
    };
    let mut reader = Reader {
        rules,
        items: Vec::new(),
    };
    reader.delivery(&text.text);
    Normalized {
        answer: Answer::Empty,
        items: reader.items,
        lossy: text.lossy,
    }
}

/// A parse of one level that failed is repeated item by item, so the good ones still count.
struct Reader<'r> {
    rules: &'r WhatsAppRules,
    items: Vec<Intake>,
}

impl Reader<'_> {
    fn delivery(&mut self, text: &str) {
        if let Some(batch) = wire::read::<Batch<'_, Entry<'_, Change<'_>>>>(text) {
            if batch.object.as_str() != "whatsapp_business_account" {
                return self.items.push(Intake::Unparsed("delivery is of no WhatsApp account"));
            }
            batch
                .entry
                .iter()
                .flat_map(|entry| &entry.changes)
                .for_each(|change| self.change(change));
        } else if let Some(batch) = wire::read::<Batch<'_, &RawValue>>(text) {
            if batch.object.as_str() != "whatsapp_business_account" {
                return self.items.push(Intake::Unparsed("delivery is of no WhatsApp account"));
            }
            for raw in batch.entry {
                match wire::read::<Entry<'_, &RawValue>>(raw.get()) {
                    Some(entry) => entry
                        .changes
                        .iter()
                        .for_each(|raw| match wire::read::<OddChange<'_>>(raw.get()) {
                            Some(change) => self.change(&change.into()),
                            None => self
                                .items
                                .push(Intake::Unparsed("WhatsApp change has an unknown shape")),
                        }),
                    None => self.items.push(Intake::Unparsed("WhatsApp entry has an unknown shape")),
                }
            }
        } else {
            return self.items.push(Intake::Unparsed("body is no WhatsApp delivery"));
        }
        if self.items.is_empty() {
            self.items.push(Intake::Ignored("delivery holds nothing"));
        }
    }

    fn change(&mut self, change: &Change<'_>) {
        match change.field.as_str() {
            "messages" => self.value(&change.value),
            "user_id_update" => self.user_id_updates(&change.value),
            "user_preferences" => self.preferences(&change.value),
            field => self.items.push(other_field(field)),
        }
    }

    fn value(&mut self, value: &Value<'_>) {
        let number = value.metadata.phone_number_id.as_str();
        if number.is_empty() {
            return self.items.push(Intake::Unparsed("WhatsApp change names no number"));
        }
        if !self.is_ours(number) {
            return self.items.push(Intake::Foreign("for a number that is not configured"));
        }
        let contacts: Vec<&Contact<'_>> = value.contacts.iter().flatten().map(|contact| &contact.0).collect();
        self.items.reserve(value.messages.len() + value.statuses.len());
        for message in &value.messages {
            self.items.push(match message {
                Some(message) => message_item(number, &contacts, &message.0),
                None => Intake::Unparsed("WhatsApp message has an unknown shape"),
            });
        }
        for status in &value.statuses {
            self.items.push(match status {
                Some(status) => status_item(&status.0),
                None => Intake::Unparsed("WhatsApp status has an unknown shape"),
            });
        }
        if value.messages.is_empty() && value.statuses.is_empty() {
            self.items.push(if value.errors.is_empty() {
                Intake::Ignored("change holds no message and no status")
            } else {
                Intake::Notice("WhatsApp reports an error of the account or number")
            });
        }
    }

    fn user_id_updates(&mut self, value: &Value<'_>) {
        let number = value.metadata.phone_number_id.as_str();
        if !self.is_ours(number) {
            return self.items.push(Intake::Foreign("for a number that is not configured"));
        }
        for raw in &value.user_id_update {
            let update = wire::read::<UserIdUpdate<'_>>(raw.get());
            self.items.push(
                update
                    .and_then(|update| user_id_item(number, &update))
                    .unwrap_or(Intake::Unparsed("WhatsApp user id update has an unknown shape")),
            );
        }
        if value.user_id_update.is_empty() {
            self.items
                .push(Intake::Unparsed("WhatsApp user id update has an unknown shape"));
        }
    }

    fn preferences(&mut self, value: &Value<'_>) {
        let number = value.metadata.phone_number_id.as_str();
        if !self.is_ours(number) {
            return self.items.push(Intake::Foreign("for a number that is not configured"));
        }
        let contacts: Vec<&Contact<'_>> = value.contacts.iter().flatten().map(|contact| &contact.0).collect();
        for raw in &value.user_preferences {
            let preference = wire::read::<UserPreference<'_>>(raw.get());
            self.items.push(
                preference
                    .and_then(|preference| preference_item(number, &contacts, &preference))
                    .unwrap_or(Intake::Unparsed("WhatsApp user preference has an unknown shape")),
            );
        }
        if value.user_preferences.is_empty() {
            self.items
                .push(Intake::Unparsed("WhatsApp user preference has an unknown shape"));
        }
    }

    fn is_ours(&self, number: &str) -> bool {
        let ours = &self.rules.phone_number_ids;
        ours.is_empty() || ours.iter().any(|id| id == number)
    }
}

fn message_item(number: &str, contacts: &[&Contact<'_>], message: &Message<'_>) -> Intake {
    let Ok(external_id) = ExternalId::parse(message.id.as_str()) else {
        return Intake::Unparsed("WhatsApp message has no usable id");
    };
    if message.group_id.get().is_some() {
        return Intake::Ignored("a message of a WhatsApp group");
    }
    let at = message.timestamp.seconds();
    let kind = message.kind();
    if kind == "system" {
        return system_item(number, message).unwrap_or(Intake::Ignored("WhatsApp's word on a contact's security"));
    }
    let Some(author) = author_of(contacts, message) else {
        return Intake::Unparsed("WhatsApp message names no person");
    };
    let thread = |quoted| ThreadRef::WhatsApp {
        phone_number_id: number.to_owned(),
        quoted,
    };
    match content_of(kind, message) {
        Content::Words {
            text,
            files,
            stated,
            role,
        } => Intake::Message(Box::new(InboundMessage {
            channel: Channel::WhatsApp,
            thread: thread(Some(external_id.as_str().to_owned())),
            external_id,
            role,
            author,
            text,
            stated,
            files,
            quotes: message
                .context
                .as_ref()
                .and_then(|context| ExternalId::parse(context.id.as_str()).ok()),
            sent_at: at,
        })),
        Content::Edit { original, text } => match ExternalId::parse(original) {
            Ok(external_id) => Intake::Edited(Box::new(EditedMessage {
                channel: Channel::WhatsApp,
                thread: thread(Some(external_id.as_str().to_owned())),
                external_id,
                author,
                text,
                edited_at: at,
            })),
            Err(_) => Intake::Unparsed("WhatsApp edit names no message"),
        },
        Content::Revoke { original } => match ExternalId::parse(original) {
            Ok(id) => Intake::Deleted(DeletedMessage {
                channel: Channel::WhatsApp,
                what: Deleted::Message(id),
                at,
            }),
            Err(_) => Intake::Unparsed("WhatsApp deletion names no message"),
        },
        Content::Nothing(why) => Intake::Ignored(why),
        Content::Unknown => Intake::Unparsed("WhatsApp message is of an unknown kind"),
    }
}

/// Who wrote: by phone where there is one, by the business-scoped id where the person goes by a user name.
fn author_of(contacts: &[&Contact<'_>], message: &Message<'_>) -> Option<Author> {
    let phone = message.from.get();
    let scoped = message.from_user_id.get();
    let contact = contacts.iter().copied().find(|contact| {
        (phone.is_some() && contact.wa_id.get() == phone) || (scoped.is_some() && contact.user_id.get() == scoped)
    });
    // A person without a number may be named in the contacts alone; beside others that would be a guess.
    let contact = contact.or(match (phone, scoped, contacts) {
        (None, None, [only]) => Some(only),
        _ => None,
    });
    let phone = phone.or_else(|| contact?.wa_id.get());
    let scoped = scoped.or_else(|| contact?.user_id.get());
    let external_user_id = phone.or(scoped)?;
    Some(Author {
        external_user_id: wire::clean(external_user_id),
        other_user_ids: scoped
            .filter(|id| *id != external_user_id)
            .map(wire::clean)
            .into_iter()
            .collect(),
        name: contact.and_then(|contact| contact.profile.as_ref()?.name.owned()),
        phone: phone.map(wire::clean),
        ..Author::default()
    })
}

/// A number or an id changed hands; `None` for news without new ids.
fn system_item(number: &str, message: &Message<'_>) -> Option<Intake> {
    let system = message.system.as_ref()?;
    let current: Vec<String> = [&system.wa_id, &system.new_wa_id, &system.user_id]
        .iter()
        .filter_map(|id| id.owned())
        .collect();
    let told = system
        .previous_user_id
        .owned()
        .or_else(|| content::id_before_change(system.body.as_str()));
    let former: Vec<String> = [message.from.owned(), message.from_user_id.owned(), told]
        .into_iter()
        .flatten()
        .collect();
    identity_change(number, former, current, message.timestamp.seconds())
}

fn user_id_item(number: &str, update: &UserIdUpdate<'_>) -> Option<Intake> {
    let ids = update.user_id.as_ref()?;
    let former = ids.previous.owned().into_iter().chain(update.wa_id.owned()).collect();
    let current = ids.current.owned().into_iter().chain(update.wa_id.owned()).collect();
    identity_change(number, former, current, update.timestamp.seconds())
}

/// `None` for a preference of nobody, or with a word that nobody here knows.
fn preference_item(number: &str, contacts: &[&Contact<'_>], preference: &UserPreference<'_>) -> Option<Intake> {
    if !matches!(preference.category.as_str(), "" | "marketing_messages") {
        return Some(Intake::Ignored(
            "a preference about messages that the hub does not send",
        ));
    }
    let marketing = match preference.value.as_str() {
        "stop" => Marketing::Stop,
        "resume" => Marketing::Resume,
        _ => return None,
    };
    let mut user_ids: Vec<String> = [&preference.wa_id, &preference.user_id]
        .into_iter()
        .filter_map(Loose::owned)
        .collect();
    if let (true, [only]) = (user_ids.is_empty(), contacts) {
        user_ids.extend([&only.wa_id, &only.user_id].into_iter().filter_map(Loose::owned));
    }
    (!user_ids.is_empty()).then(|| {
        Intake::Preference(Box::new(Preference {
            channel: Channel::WhatsApp,
            connection: number.to_owned(),
            user_ids,
            marketing,
            at: preference.timestamp.seconds(),
        }))
    })
}

fn identity_change(
    number: &str,
    mut former: Vec<String>,
    mut current: Vec<String>,
    at: Option<Timestamp>,
) -> Option<Intake> {
    for ids in [&mut former, &mut current] {
        let mut seen = Vec::new();
        ids.retain(|id| {
            !seen.contains(id) && {
                seen.push(id.clone());
                true
            }
        });
    }
    let is_news = current.iter().any(|id| !former.contains(id));
    (is_news && !former.is_empty()).then(|| {
        Intake::IdentityChanged(Box::new(IdentityChange {
            channel: Channel::WhatsApp,
            connection: number.to_owned(),
            former_user_ids: former,
            current_user_ids: current,
            at,
        }))
    })
}

fn status_item(status: &Status<'_>) -> Intake {
    let Some(provider_message_id) = status.id.owned() else {
        return Intake::Unparsed("WhatsApp status names no message");
    };
    let reached = match status.status.as_str() {
        "sent" => ReceiptStatus::Sent,
        "delivered" => ReceiptStatus::Delivered,
        // A voice message that was played was read.
        "read" | "played" => ReceiptStatus::Read,
        "failed" => ReceiptStatus::Failed,
        "deleted" | "warning" | "pending" | "accepted" | "held_for_quality_assessment" => {
            return Intake::Ignored("a WhatsApp status that changes nothing");
        }
        _ => return Intake::Unparsed("WhatsApp status is of an unknown kind"),
    };
    let error = status
        .errors
        .first()
        .filter(|_| reached == ReceiptStatus::Failed)
        .map(|error| DeliveryError {
            code: error.code.owned().unwrap_or_else(|| "unknown".to_owned()),
            words: [&error.title, &error.message]
                .iter()
                .find_map(|text| text.owned())
                .map_or_else(String::new, |words| words.chars().take(MAX_ERROR_CHARS).collect()),
        });
    Intake::Status(StatusReport {
        channel: Channel::WhatsApp,
        provider_message_id,
        marker: status.biz_opaque_callback_data.get().and_then(Marker::parse),
        status: reached,
        at: status.timestamp.seconds(),
        error,
    })
}

/// A provider's sentence fits; what is longer is no sentence.
const MAX_ERROR_CHARS: usize = 200;

/// Fields that WhatsApp sends beside messages.
fn other_field(field: &str) -> Intake {
    match field {
        "message_template_status_update"
        | "template_category_update"
        | "message_template_quality_update"
        | "message_template_components_update" => Intake::Notice("WhatsApp changed a template"),
        "account_update"
        | "account_alerts"
        | "account_review_update"
        | "business_capability_update"
        | "phone_number_quality_update"
        | "phone_number_name_update"
        | "security"
        | "payment_configuration_update" => Intake::Notice("WhatsApp changed the account or number"),
        "smb_message_echoes" | "message_echoes" => Intake::Ignored("our own message, sent from the phone app"),
        "history"
        | "smb_app_state_sync"
        | "calls"
        | "flows"
        | "automatic_events"
        | "partner_solutions"
        | "message_tracking"
        | "tracking_events"
        | "business_status_update"
        | "account_settings_update"
        | "group_lifecycle_update"
        | "group_participants_update"
        | "group_settings_update"
        | "group_status_update"
        | "messaging_handovers"
        | "standby"
        | "business_username_update"
        | "business_username_updates" => Intake::Ignored("a WhatsApp field without reports"),
        _ => Intake::Unparsed("WhatsApp field is unknown"),
    }
}

fn file(media: &body::Media<'_>) -> Option<AnnouncedFile> {
    Some(AnnouncedFile {
        reference: media.id.owned()?,
        name: media.filename.owned(),
        content_type: media.mime_type.owned(),
        size_bytes: None,
    })
}

/// Forms open tickets; the rest continues what is open.
fn role_of(is_form: bool) -> MessageRole {
    if is_form {
        MessageRole::Report
    } else {
        MessageRole::Message
    }
}
