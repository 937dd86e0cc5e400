//! What a WhatsApp message says, kind by kind.

use super::{
    super::{
        AnnouncedFile, MessageRole, Stated,
        form::Form,
        wire::{Loose, clean},
    },
    body::{Card, FlowReply, Interactive, Location, Media, Message, Order},
    file, role_of,
};

/// What a message amounts to.
pub(super) enum Content {
    /// A person's words or files.
    Words {
        text: String,
        files: Vec<AnnouncedFile>,
        stated: Stated,
        role: MessageRole,
    },
    /// Other words for an earlier message.
    Edit { original: String, text: String },
    /// An earlier message is taken back.
    Revoke { original: String },
    /// Known, and nothing to read.
    Nothing(&'static str),
    /// A kind that nobody here has heard of.
    Unknown,
}

/// WhatsApp names the kind and withholds the content: polls, one-time photos, its own errors.
const UNREADABLE: &str = "WhatsApp does not pass this kind of message on";

/// Reads a message by its kind.
pub(super) fn content_of(kind: &str, message: &Message<'_>) -> Content {
    match kind {
        "text" => words(message.text.as_ref().map(|text| &text.body)),
        "image" => media(message.image.as_deref()),
        "video" => media(message.video.as_deref()),
        "document" => media(message.document.as_deref()),
        "audio" => media(message.audio.as_deref()),
        "voice" => media(message.voice.as_deref()),
        "sticker" => media(message.sticker.as_deref()),
        "button" => words(message.button.as_ref().map(|button| {
            if button.text.get().is_some() {
                &button.text
            } else {
                &button.payload
            }
        })),
        "interactive" => message
            .interactive
            .as_deref()
            .map_or(Content::Nothing(UNREADABLE), interactive),
        "location" => plain(message.location.as_deref().map(location_words)),
        "contacts" => plain(Some(
            message.contacts.iter().map(card_words).collect::<Vec<_>>().join("\n"),
        )),
        "order" => plain(message.order.as_deref().map(order_words)),
        "edit" => match &message.edit {
            Some(edit) => {
                let new = edit.message.as_ref();
                let caption = |media: Option<&Media<'_>>| media.and_then(|media| media.caption.owned());
                let text = new
                    .and_then(|new| new.text.as_ref()?.body.owned())
                    .or_else(|| new.and_then(|new| caption(new.image.as_ref())))
                    .or_else(|| new.and_then(|new| caption(new.video.as_ref())))
                    .or_else(|| new.and_then(|new| caption(new.document.as_ref())));
                match text {
                    Some(text) => Content::Edit {
                        original: edit.original_message_id.as_str().to_owned(),
                        text,
                    },
                    None => Content::Nothing("an edit without words"),
                }
            }
            None => Content::Unknown,
        },
        "revoke" => match &message.revoke {
            Some(revoke) => Content::Revoke {
                original: revoke.original_message_id.as_str().to_owned(),
            },
            None => Content::Unknown,
        },
        "reaction" => Content::Nothing("a reaction: no words"),
        "unsupported" | "unknown" | "errors" => Content::Nothing(UNREADABLE),
        "ephemeral" | "request_welcome" | "poll" | "event" | "call_permission_reply" => Content::Nothing(UNREADABLE),
        _ => Content::Unknown,
    }
}

fn plain(text: Option<String>) -> Content {
    said(text.map(|text| clean(&text)))
}

fn words(text: Option<&Loose<'_>>) -> Content {
    said(text.and_then(Loose::owned))
}

fn said(text: Option<String>) -> Content {
    match text.filter(|text| !text.is_empty()) {
        Some(text) => Content::Words {
            text,
            files: Vec::new(),
            stated: Stated::default(),
            role: MessageRole::Message,
        },
        None => Content::Nothing(UNREADABLE),
    }
}

fn media(media: Option<&Media<'_>>) -> Content {
    let Some((media, file)) = media.and_then(|media| Some((media, file(media)?))) else {
        return Content::Nothing(UNREADABLE);
    };
    Content::Words {
        text: media.caption.owned().unwrap_or_default(),
        files: vec![file],
        stated: Stated::default(),
        role: MessageRole::Message,
    }
}

fn interactive(interactive: &Interactive<'_>) -> Content {
    if let Some(reply) = interactive.button_reply.as_ref().or(interactive.list_reply.as_ref()) {
        let words: Vec<&str> = [&reply.title, &reply.description]
            .iter()
            .filter_map(|text| text.get())
            .collect();
        return plain(Some(words.join("\n")));
    }
    if let Some(reply) = &interactive.nfm_reply {
        return flow(reply);
    }
    match interactive.kind.as_str() {
        "call_permission_reply" => Content::Nothing("an answer about calls"),
        "button_reply" | "list_reply" | "nfm_reply" | "" => Content::Nothing(UNREADABLE),
        _ => Content::Unknown,
    }
}

/// A filled flow: its answers are JSON inside a string.
fn flow(reply: &FlowReply<'_>) -> Content {
    let Ok(serde_json::Value::Object(answers)) = serde_json::from_str(reply.response_json.as_str()) else {
        return words(Some(&reply.body));
    };
    let mut form = Form::default();
    for (key, value) in answers.iter().filter(|(key, _)| *key != "flow_token") {
        form.put(key, &super::super::form::value_text(value));
    }
    let is_form = form.has_words();
    let (stated, text) = form.into_parts();
    if text.is_empty() {
        return words(Some(&reply.body));
    }
    Content::Words {
        text,
        files: Vec::new(),
        stated,
        role: role_of(is_form),
    }
}

fn location_words(location: &Location<'_>) -> String {
    let place: Vec<&str> = [&location.name, &location.address]
        .iter()
        .filter_map(|text| text.get())
        .collect();
    let point = match (location.latitude.get(), location.longitude.get()) {
        (Some(latitude), Some(longitude)) => format!(" ({latitude}, {longitude})"),
        _ => String::new(),
    };
    if place.is_empty() && point.is_empty() {
        return String::new();
    }
    format!("Location: {}{point}", place.join(", "))
}

fn card_words(card: &Card<'_>) -> String {
    let name = card.name.as_ref().and_then(|name| name.formatted_name.get());
    let phones = card.phones.iter().filter_map(|phone| phone.phone.get());
    let emails = card.emails.iter().filter_map(|email| email.email.get());
    let words: Vec<&str> = name.into_iter().chain(phones).chain(emails).collect();
    if words.is_empty() {
        String::new()
    } else {
        format!("Contact: {}", words.join(", "))
    }
}

fn order_words(order: &Order<'_>) -> String {
    let note = order.text.owned();
    let products = order.product_items.iter().filter_map(|product| {
        let quantity = product.quantity.get().unwrap_or("1");
        Some(format!("{quantity} x {}", product.product_retailer_id.get()?))
    });
    note.into_iter().chain(products).collect::<Vec<_>>().join("\n")
}

/// The id that a system message names as the former one: "User Dana changed from A to B". Names may hold any words, so it
/// is read from the end, and only what is an id or a number counts.
pub(super) fn id_before_change(body: &str) -> Option<String> {
    let (before, _) = body.rsplit_once(" to ")?;
    let (_, former) = before.rsplit_once(" from ")?;
    let is_id =
        former.chars().all(|c| c.is_ascii_alphanumeric() || c == '.') && former.chars().any(|c| c.is_ascii_digit());
    is_id.then(|| former.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_former_id_is_read_from_the_end_of_the_sentence() {
        for (body, id) in [
            ("User Dana changed from 15550109999 to 15550108888", Some("15550109999")),
            ("User Ann from Rome to Go changed from US.1A to US.2B", Some("US.1A")),
            ("User Dana changed from home to work", None),
            ("", None),
        ] {
            assert_eq!(id_before_change(body).as_deref(), id, "{body}");
        }
    }
}
