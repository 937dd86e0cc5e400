//! The shape of WhatsApp's deliveries, as far as the hub reads them.

use serde::Deserialize;

use super::super::wire::{Items, Loose, Object, nullable, read};

#[derive(Deserialize)]
#[serde(bound(deserialize = "E: Deserialize<'de>"))]
pub(super) struct Batch<'a, E> {
    #[serde(borrow, default)]
    pub(super) object: Loose<'a>,
    #[serde(default, deserialize_with = "nullable")]
    pub(super) entry: Vec<E>,
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "C: Deserialize<'de>"))]
pub(super) struct Entry<'a, C> {
    #[serde(borrow, default, rename = "id")]
    _account: Loose<'a>,
    #[serde(default, deserialize_with = "nullable")]
    pub(super) changes: Vec<C>,
}

#[derive(Deserialize)]
pub(super) struct Change<'a> {
    #[serde(borrow, default)]
    pub(super) field: Loose<'a>,
    #[serde(borrow, default)]
    pub(super) value: Value<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Value<'a> {
    #[serde(borrow)]
    pub(super) metadata: Metadata<'a>,
    #[serde(borrow, deserialize_with = "nullable")]
    pub(super) contacts: List<Contact<'a>>,
    #[serde(borrow, deserialize_with = "nullable")]
    pub(super) messages: List<Message<'a>>,
    #[serde(borrow, deserialize_with = "nullable")]
    pub(super) statuses: List<Status<'a>>,
    #[serde(borrow, deserialize_with = "nullable")]
    pub(super) errors: Items<'a>,
    #[serde(borrow, deserialize_with = "nullable")]
    pub(super) user_id_update: Items<'a>,
    #[serde(borrow, deserialize_with = "nullable")]
    pub(super) user_preferences: Items<'a>,
}

/// The items of a list, `None` for each that has another shape.
pub(super) type List<T> = Vec<Option<Object<T>>>;

/// A change as it is read when one of its items is odd: each item apart.
#[derive(Deserialize)]
pub(super) struct OddChange<'a> {
    #[serde(borrow, default)]
    field: Loose<'a>,
    #[serde(borrow, default)]
    value: OddValue<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct OddValue<'a> {
    #[serde(borrow)]
    metadata: Metadata<'a>,
    #[serde(borrow, deserialize_with = "nullable")]
    contacts: Items<'a>,
    #[serde(borrow, deserialize_with = "nullable")]
    messages: Items<'a>,
    #[serde(borrow, deserialize_with = "nullable")]
    statuses: Items<'a>,
    #[serde(borrow, deserialize_with = "nullable")]
    errors: Items<'a>,
    #[serde(borrow, deserialize_with = "nullable")]
    user_id_update: Items<'a>,
    #[serde(borrow, deserialize_with = "nullable")]
    user_preferences: Items<'a>,
}

impl<'a> From<OddChange<'a>> for Change<'a> {
    fn from(odd: OddChange<'a>) -> Self {
        let OddValue {
            metadata,
            contacts,
            messages,
            statuses,
            errors,
            user_id_update,
            user_preferences,
        } = odd.value;
        let value = Value {
            metadata,
            contacts: apart(&contacts),
            messages: apart(&messages),
            statuses: apart(&statuses),
            errors,
            user_id_update,
            user_preferences,
        };
        Self {
            field: odd.field,
            value,
        }
    }
}

fn apart<'a, T: Deserialize<'a>>(items: &Items<'a>) -> List<T> {
    items.iter().map(|raw| read(raw.get()).map(Object)).collect()
}

#[derive(Deserialize, Default)]
pub(super) struct Metadata<'a> {
    #[serde(borrow, default)]
    pub(super) phone_number_id: Loose<'a>,
}

#[derive(Deserialize)]
pub(super) struct Contact<'a> {
    #[serde(borrow, default)]
    pub(super) wa_id: Loose<'a>,
    #[serde(borrow, default)]
    pub(super) user_id: Loose<'a>,
    #[serde(borrow, default)]
    pub(super) profile: Option<Profile<'a>>,
}

#[derive(Deserialize)]
pub(super) struct Profile<'a> {
    #[serde(borrow, default)]
    pub(super) name: Loose<'a>,
}

/// One message: the fields of all kinds together, since the kind may be missing and is then read off what is there.
#[derive(Deserialize)]
pub(super) struct Message<'a> {
    #[serde(borrow, default)]
    pub(super) id: Loose<'a>,
    #[serde(borrow, default)]
    pub(super) from: Loose<'a>,
    #[serde(borrow, default)]
    pub(super) from_user_id: Loose<'a>,
    #[serde(borrow, default)]
    pub(super) timestamp: Loose<'a>,
    #[serde(borrow, default, rename = "type")]
    stated_kind: Loose<'a>,
    #[serde(borrow, default)]
    pub(super) group_id: Loose<'a>,
    #[serde(borrow, default)]
    pub(super) context: Option<Context<'a>>,
    #[serde(borrow, default)]
    pub(super) text: Option<TextBody<'a>>,
    #[serde(borrow, default)]
    pub(super) image: Option<Box<Media<'a>>>,
    #[serde(borrow, default)]
    pub(super) video: Option<Box<Media<'a>>>,
    #[serde(borrow, default)]
    pub(super) document: Option<Box<Media<'a>>>,
    #[serde(borrow, default)]
    pub(super) audio: Option<Box<Media<'a>>>,
    #[serde(borrow, default)]
    pub(super) voice: Option<Box<Media<'a>>>,
    #[serde(borrow, default)]
    pub(super) sticker: Option<Box<Media<'a>>>,
    #[serde(borrow, default)]
    pub(super) button: Option<Box<Button<'a>>>,
    #[serde(borrow, default)]
    pub(super) interactive: Option<Box<Interactive<'a>>>,
    #[serde(borrow, default)]
    pub(super) location: Option<Box<Location<'a>>>,
    #[serde(borrow, default, deserialize_with = "nullable")]
    pub(super) contacts: Vec<Card<'a>>,
    #[serde(borrow, default)]
    pub(super) order: Option<Box<Order<'a>>>,
    #[serde(borrow, default)]
    pub(super) system: Option<Box<System<'a>>>,
    #[serde(borrow, default)]
    pub(super) edit: Option<Box<Edit<'a>>>,
    #[serde(borrow, default)]
    pub(super) revoke: Option<Revoke<'a>>,
    #[serde(borrow, default)]
    reaction: Option<Reaction<'a>>,
}

impl Message<'_> {
    /// The kind as stated, or as the object that is there says it.
    pub(super) fn kind(&self) -> &str {
        if let Some(kind) = self.stated_kind.get() {
            return kind;
        }
        [
            (self.text.is_some(), "text"),
            (self.image.is_some(), "image"),
            (self.video.is_some(), "video"),
            (self.document.is_some(), "document"),
            (self.audio.is_some(), "audio"),
            (self.voice.is_some(), "voice"),
            (self.sticker.is_some(), "sticker"),
            (self.button.is_some(), "button"),
            (self.interactive.is_some(), "interactive"),
            (self.location.is_some(), "location"),
            (!self.contacts.is_empty(), "contacts"),
            (self.order.is_some(), "order"),
            (self.system.is_some(), "system"),
            (self.edit.is_some(), "edit"),
            (self.revoke.is_some(), "revoke"),
            (self.reaction.is_some(), "reaction"),
        ]
        .into_iter()
        .find_map(|(is_there, kind)| is_there.then_some(kind))
        .unwrap_or_default()
    }
}

#[derive(Deserialize)]
pub(super) struct Context<'a> {
    #[serde(borrow, default)]
    pub(super) id: Loose<'a>,
}

#[derive(Deserialize)]
pub(super) struct TextBody<'a> {
    #[serde(borrow, default)]
    pub(super) body: Loose<'a>,
}

#[derive(Deserialize)]
pub(super) struct Media<'a> {
    #[serde(borrow, default)]
    pub(super) id: Loose<'a>,
    #[serde(borrow, default)]
    pub(super) mime_type: Loose<'a>,
    #[serde(borrow, default)]
    pub(super) filename: Loose<'a>,
    #[serde(borrow, default)]
    pub(super) caption: Loose<'a>,
}

#[derive(Deserialize)]
pub(super) struct Button<'a> {
    #[serde(borrow, default)]
    pub(super) text: Loose<'a>,
    #[serde(borrow, default)]
    pub(super) payload: Loose<'a>,
}

#[derive(Deserialize)]
pub(super) struct Interactive<'a> {
    #[serde(borrow, default)]
    pub(super) button_reply: Option<Choice<'a>>,
    #[serde(borrow, default)]
    pub(super) list_reply: Option<Choice<'a>>,
    #[serde(borrow, default)]
    pub(super) nfm_reply: Option<FlowReply<'a>>,
    #[serde(borrow, default, rename = "type")]
    pub(super) kind: Loose<'a>,
}

#[derive(Deserialize)]
pub(super) struct Choice<'a> {
    #[serde(borrow, default)]
    pub(super) title: Loose<'a>,
    #[serde(borrow, default)]
    pub(super) description: Loose<'a>,
}

#[derive(Deserialize)]
pub(super) struct FlowReply<'a> {
    #[serde(borrow, default)]
    pub(super) body: Loose<'a>,
    #[serde(borrow, default)]
    pub(super) response_json: Loose<'a>,
}

#[derive(Deserialize)]
pub(super) struct Location<'a> {
    #[serde(borrow, default)]
    pub(super) name: Loose<'a>,
    #[serde(borrow, default)]
    pub(super) address: Loose<'a>,
    #[serde(borrow, default)]
    pub(super) latitude: Loose<'a>,
    #[serde(borrow, default)]
    pub(super) longitude: Loose<'a>,
}

#[derive(Deserialize)]
pub(super) struct Card<'a> {
    #[serde(borrow, default)]
    pub(super) name: Option<CardName<'a>>,
    #[serde(borrow, default, deserialize_with = "nullable")]
    pub(super) phones: Vec<CardPhone<'a>>,
    #[serde(borrow, default, deserialize_with = "nullable")]
    pub(super) emails: Vec<CardEmail<'a>>,
}

#[derive(Deserialize)]
pub(super) struct CardName<'a> {
    #[serde(borrow, default)]
    pub(super) formatted_name: Loose<'a>,
}

#[derive(Deserialize)]
pub(super) struct CardPhone<'a> {
    #[serde(borrow, default)]
    pub(super) phone: Loose<'a>,
}

#[derive(Deserialize)]
pub(super) struct CardEmail<'a> {
    #[serde(borrow, default)]
    pub(super) email: Loose<'a>,
}

#[derive(Deserialize)]
pub(super) struct Order<'a> {
    #[serde(borrow, default)]
    pub(super) text: Loose<'a>,
    #[serde(borrow, default, deserialize_with = "nullable")]
    pub(super) product_items: Vec<Product<'a>>,
}

#[derive(Deserialize)]
pub(super) struct Product<'a> {
    #[serde(borrow, default)]
    pub(super) product_retailer_id: Loose<'a>,
    #[serde(borrow, default)]
    pub(super) quantity: Loose<'a>,
}

#[derive(Deserialize)]
pub(super) struct System<'a> {
    #[serde(borrow, default)]
    pub(super) body: Loose<'a>,
    #[serde(borrow, default)]
    pub(super) wa_id: Loose<'a>,
    #[serde(borrow, default)]
    pub(super) new_wa_id: Loose<'a>,
    #[serde(borrow, default)]
    pub(super) user_id: Loose<'a>,
    #[serde(borrow, default)]
    pub(super) previous_user_id: Loose<'a>,
}

#[derive(Deserialize)]
pub(super) struct Edit<'a> {
    #[serde(borrow, default)]
    pub(super) original_message_id: Loose<'a>,
    #[serde(borrow, default)]
    pub(super) message: Option<Edited<'a>>,
}

/// The new form of an edited message: words or a caption.
#[derive(Deserialize)]
pub(super) struct Edited<'a> {
    #[serde(borrow, default)]
    pub(super) text: Option<TextBody<'a>>,
    #[serde(borrow, default)]
    pub(super) image: Option<Media<'a>>,
    #[serde(borrow, default)]
    pub(super) video: Option<Media<'a>>,
    #[serde(borrow, default)]
    pub(super) document: Option<Media<'a>>,
}

#[derive(Deserialize)]
pub(super) struct Revoke<'a> {
    #[serde(borrow, default)]
    pub(super) original_message_id: Loose<'a>,
}

#[derive(Deserialize)]
struct Reaction<'a> {
    #[serde(borrow, default, rename = "message_id")]
    _message: Loose<'a>,
}

#[derive(Deserialize)]
pub(super) struct Status<'a> {
    #[serde(borrow, default)]
    pub(super) id: Loose<'a>,
    #[serde(borrow, default)]
    pub(super) status: Loose<'a>,
    #[serde(borrow, default)]
    pub(super) timestamp: Loose<'a>,
    #[serde(borrow, default)]
    pub(super) biz_opaque_callback_data: Loose<'a>,
    #[serde(borrow, default, deserialize_with = "nullable")]
    pub(super) errors: Vec<StatusError<'a>>,
}

#[derive(Deserialize)]
pub(super) struct StatusError<'a> {
    #[serde(borrow, default)]
    pub(super) code: Loose<'a>,
    #[serde(borrow, default)]
    pub(super) title: Loose<'a>,
    #[serde(borrow, default)]
    pub(super) message: Loose<'a>,
}

/// What a person told WhatsApp about marketing messages.
#[derive(Deserialize)]
pub(super) struct UserPreference<'a> {
    #[serde(borrow, default)]
    pub(super) wa_id: Loose<'a>,
    #[serde(borrow, default)]
    pub(super) user_id: Loose<'a>,
    #[serde(borrow, default)]
    pub(super) category: Loose<'a>,
    #[serde(borrow, default)]
    pub(super) value: Loose<'a>,
    #[serde(borrow, default)]
    pub(super) timestamp: Loose<'a>,
}

#[derive(Deserialize)]
pub(super) struct UserIdUpdate<'a> {
    #[serde(borrow, default)]
    pub(super) wa_id: Loose<'a>,
    #[serde(borrow, default)]
    pub(super) timestamp: Loose<'a>,
    #[serde(borrow, default)]
    pub(super) user_id: Option<IdPair<'a>>,
}

#[derive(Deserialize)]
pub(super) struct IdPair<'a> {
    #[serde(borrow, default)]
    pub(super) previous: Loose<'a>,
    #[serde(borrow, default)]
    pub(super) current: Loose<'a>,
}
