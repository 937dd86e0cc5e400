//! Intercom notifications, in both shapes that an app may be set to (1.x and 2.x): the customer's first message and
//! replies, what was taken back, and everything that is a teammate's, a bot's or nobody's.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    AnnouncedFile, Answer, Author, Deleted, DeletedMessage, InboundMessage, Intake, MessageRole, Normalized, Stated,
    html,
    wire::{self, Flag, Items, Loose, Object, nullable},
};
use crate::{
    domain::{Channel, ExternalId, MAX_TITLE_CHARS, ThreadRef, Timestamp, shortened},
    logic::verify::{Payload, Verified},
};

/// What the operator configured about Intercom.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IntercomRules {
    /// Workspaces (`app_id`) whose conversations are ours. Empty: every workspace that the app is installed in.
    pub app_ids: Vec<String>,
}

/// Reads a notification.
pub fn normalize(payload: &Verified<Payload>, rules: &IntercomRules) -> Normalized {
    let Some(text) = wire::open(&payload.get().body) else {
        return Normalized::of(Intake::Unparsed("Intercom notification is nested too deeply"));
    };
    // Read in one go where it is what most notifications are. Items of other topics have other shapes, so what does not
    // read as a conversation is read again with its item left for later.
    let items = match wire::read::<Notification<'_, Object<Conversation<'_>>>>(&text.text) {
        Some(notification) => notification.items(rules, |conversation| Some(&conversation.0)),
        None => match wire::read::<Notification<'_, &RawValue>>(&text.text) {
            // Read in one go it failed by its item: where that is to be a conversation, it is none.
            Some(notification) => notification.items(rules, |_| None),
            None => vec![Intake::Unparsed("body is no Intercom notification")],
        },
    };
    Normalized {
        answer: Answer::Empty,
        items,
        lossy: text.lossy,
    }
}

/// A notification; what its item is depends on the topic.
#[derive(Deserialize)]
#[serde(bound(deserialize = "I: Deserialize<'de>"))]
struct Notification<'a, I> {
    #[serde(borrow, default)]
    topic: Loose<'a>,
    #[serde(borrow, default)]
    app_id: Loose<'a>,
    #[serde(borrow, default)]
    created_at: Loose<'a>,
    #[serde(default = "none")]
    data: Option<Data<I>>,
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "I: Deserialize<'de>"))]
struct Data<I> {
    #[serde(default = "none")]
    item: Option<I>,
}

/// Spares the item's type a default of its own.
fn none<T>() -> Option<T> {
    None
}

/// What holds for all messages of a notification.
#[derive(Clone, Copy)]
struct Envelope<'n> {
    app: &'n str,
    at: Option<Timestamp>,
}

/// Topics whose item is a conversation that concerns us.
const CONVERSATION_TOPICS: [&str; 4] = [
    "conversation.user.created",
    "conversation.user.replied",
    "conversation_part.redacted",
    "conversation.deleted",
];

impl<I> Notification<'_, I> {
    fn items<'c, 'a: 'c>(
        &'c self,
        rules: &IntercomRules,
        conversation_of: impl FnOnce(&'c I) -> Option<&'c Conversation<'a>>,
    ) -> Vec<Intake> {
        let topic = self.topic.as_str();
        if !CONVERSATION_TOPICS.contains(&topic) {
            return vec![other_topic(topic)];
        }
        let app = self.app_id.as_str();
        if app.is_empty() {
            return vec![Intake::Unparsed("Intercom notification names no workspace")];
        }
        if !rules.app_ids.is_empty() && rules.app_ids.iter().all(|id| id != app) {
            return vec![Intake::Foreign("of a workspace that is not configured")];
        }
        let item = self.data.as_ref().and_then(|data| data.item.as_ref());
        let Some(conversation) = item.and_then(conversation_of) else {
            return vec![Intake::Unparsed("Intercom conversation has an unknown shape")];
        };
        if conversation.id().is_none() {
            return vec![Intake::Unparsed("Intercom conversation has no id")];
        }
        let envelope = Envelope {
            app,
            at: self.created_at.seconds(),
        };
        match topic {
            "conversation.user.created" => conversation.created(envelope),
            "conversation.user.replied" => conversation.replied(envelope),
            "conversation_part.redacted" => conversation.redacted(envelope),
            _ => conversation.deleted(envelope),
        }
    }
}

/// Topics that hold no customer's words. A prefix that is known stays known when Intercom adds to it.
fn other_topic(topic: &str) -> Intake {
    if topic == "ping" {
        return Intake::Ignored("Intercom asks whether the endpoint answers");
    }
    if topic.starts_with("conversation.admin.") {
        return Intake::Ignored("a teammate's act in Intercom");
    }
    if topic.starts_with("conversation.operator.") || topic.starts_with("conversation.bot.") {
        return Intake::Ignored("a bot's act in Intercom");
    }
    if topic.starts_with("ticket.") {
        return Intake::Ignored("about Intercom's own tickets; the hub reads conversations");
    }
    const KNOWN: [&str; 15] = [
        "conversation.read",
        "conversation.rating.",
        "conversation.contact.",
        "conversation.priority.",
        "conversation.sla",
        "conversation_part.tag.",
        "contact.",
        "contacts.",
        "user.",
        "visitor.",
        "company.",
        "event.",
        "content_stat.",
        "admin.",
        "subscription.",
    ];
    const KNOWN_TOO: [&str; 8] = [
        "call.",
        "article.",
        "job.",
        "granular.",
        "message.",
        "tag.",
        "data_event.",
        "conversation.user.contacted",
    ];
    if KNOWN.iter().chain(&KNOWN_TOO).any(|prefix| topic.starts_with(prefix)) {
        return Intake::Ignored("an Intercom topic without messages");
    }
    Intake::Unparsed("Intercom topic is unknown")
}

/// A conversation in either shape: 2.x has `source` and `contacts`, 1.x has `conversation_message` and `user`.
#[derive(Deserialize)]
struct Conversation<'a> {
    #[serde(borrow, default)]
    id: Loose<'a>,
    #[serde(borrow, default)]
    conversation_id: Loose<'a>,
    #[serde(borrow, default)]
    created_at: Loose<'a>,
    #[serde(borrow, default)]
    source: Option<Source<'a>>,
    #[serde(borrow, default)]
    conversation_message: Option<Source<'a>>,
    #[serde(borrow, default)]
    user: Option<Person<'a>>,
    #[serde(borrow, default)]
    contacts: Option<Contacts<'a>>,
    #[serde(borrow, default)]
    conversation_parts: Option<Parts<'a>>,
}

#[derive(Deserialize)]
struct Source<'a> {
    #[serde(borrow, default)]
    id: Loose<'a>,
    #[serde(borrow, default)]
    subject: Loose<'a>,
    #[serde(borrow, default)]
    body: Loose<'a>,
    #[serde(borrow, default)]
    author: Option<Person<'a>>,
    #[serde(borrow, default, deserialize_with = "nullable")]
    attachments: Items<'a>,
    #[serde(default)]
    redacted: Flag,
}

#[derive(Deserialize)]
struct Parts<'a> {
    #[serde(borrow, default, deserialize_with = "nullable")]
    conversation_parts: Items<'a>,
}

#[derive(Deserialize)]
struct Part<'a> {
    #[serde(borrow, default)]
    id: Loose<'a>,
    #[serde(borrow, default)]
    part_type: Loose<'a>,
    #[serde(borrow, default)]
    body: Loose<'a>,
    #[serde(borrow, default)]
    created_at: Loose<'a>,
    #[serde(borrow, default)]
    author: Option<Person<'a>>,
    #[serde(borrow, default, deserialize_with = "nullable")]
    attachments: Items<'a>,
    #[serde(default)]
    redacted: Flag,
}

/// An author, a 1.x user or a 2.x contact.
#[derive(Deserialize)]
struct Person<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Loose<'a>,
    #[serde(borrow, default)]
    id: Loose<'a>,
    #[serde(borrow, default)]
    name: Loose<'a>,
    #[serde(borrow, default)]
    email: Loose<'a>,
    #[serde(borrow, default)]
    phone: Loose<'a>,
    #[serde(borrow, default)]
    user_id: Loose<'a>,
    #[serde(borrow, default)]
    external_id: Loose<'a>,
}

#[derive(Deserialize)]
struct Contacts<'a> {
    #[serde(borrow, default, deserialize_with = "nullable")]
    contacts: Vec<Person<'a>>,
}

#[derive(Deserialize)]
struct Upload<'a> {
    #[serde(borrow, default)]
    url: Loose<'a>,
    #[serde(borrow, default)]
    name: Loose<'a>,
    #[serde(borrow, default)]
    content_type: Loose<'a>,
    #[serde(borrow, default)]
    filesize: Loose<'a>,
}

/// The words of one message, wherever they stood.
struct Written<'a, 'm> {
    id: &'m Loose<'a>,
    body: &'m Loose<'a>,
    attachments: &'m Items<'a>,
    author: &'m Person<'a>,
    title: Option<String>,
    role: MessageRole,
    at: Option<Timestamp>,
}

impl<'a> Conversation<'a> {
    fn id(&self) -> Option<&str> {
        self.conversation_id.get().or(self.id.get())
    }

    fn thread(&self, envelope: Envelope<'_>) -> ThreadRef {
        ThreadRef::Intercom {
            app: envelope.app.to_owned(),
            conversation: self.id().unwrap_or_default().to_owned(),
        }
    }

    fn external_id(&self, part: &Loose<'_>) -> Option<ExternalId> {
        ExternalId::parse(format!("{}:{}", self.id()?, part.get()?)).ok()
    }

    fn created(&self, envelope: Envelope<'_>) -> Vec<Intake> {
        let first = self.source.as_ref().or(self.conversation_message.as_ref());
        let first = match first {
            Some(source) => self.first(source, envelope),
            None => Intake::Unparsed("Intercom conversation has no first message"),
        };
        std::iter::once(first)
            .chain(self.parts().map(|part| self.part(part, envelope)))
            .collect()
    }

    fn first(&self, source: &Source<'a>, envelope: Envelope<'_>) -> Intake {
        if source.redacted.0 {
            return Intake::Ignored("a message whose words were taken back");
        }
        let Some(author) = source.author.as_ref().or(self.user.as_ref()) else {
            return Intake::Unparsed("Intercom message names no author");
        };
        let title = html::to_text(source.subject.as_str()).text;
        let written = Written {
            id: &source.id,
            body: &source.body,
            attachments: &source.attachments,
            author,
            title: (!title.is_empty()).then(|| shortened(&title, MAX_TITLE_CHARS)),
            role: MessageRole::Message,
            at: self.created_at.seconds().or(envelope.at),
        };
        self.message(&written, envelope)
    }

    fn replied(&self, envelope: Envelope<'_>) -> Vec<Intake> {
        let items: Vec<Intake> = self.parts().map(|part| self.part(part, envelope)).collect();
        if items.is_empty() {
            vec![Intake::Unparsed("Intercom reply holds no part")]
        } else {
            items
        }
    }

    fn parts(&self) -> impl Iterator<Item = &'a RawValue> {
        self.conversation_parts
            .iter()
            .flat_map(|parts| parts.conversation_parts.iter().copied())
    }

    fn part(&self, raw: &RawValue, envelope: Envelope<'_>) -> Intake {
        let Some(part) = wire::read::<Part<'_>>(raw.get()) else {
            return Intake::Unparsed("Intercom part has an unknown shape");
        };
        // Any other kind may carry the customer's words: a reply that reopens or reassigns is no `comment`.
        if part.part_type.as_str() == "note" {
            return Intake::Ignored("a teammate's internal note");
        }
        if part.redacted.0 {
            return Intake::Ignored("a message whose words were taken back");
        }
        let Some(author) = &part.author else {
            return Intake::Unparsed("Intercom message names no author");
        };
        let written = Written {
            id: &part.id,
            body: &part.body,
            attachments: &part.attachments,
            author,
            title: None,
            role: MessageRole::Reply,
            at: part.created_at.seconds().or(envelope.at),
        };
        self.message(&written, envelope)
    }

    fn message(&self, written: &Written<'_, '_>, envelope: Envelope<'_>) -> Intake {
        match written.author.kind.as_str() {
            "user" | "lead" | "contact" | "visitor" => {}
            "admin" | "team" => return Intake::Ignored("a teammate's message"),
            "bot" => return Intake::Ignored("a bot's message"),
            _ => return Intake::Unparsed("Intercom author is of an unknown kind"),
        }
        let Some(external_id) = self.external_id(written.id) else {
            return Intake::Unparsed("Intercom message has no usable id");
        };
        let Some(author) = self.author(written.author) else {
            return Intake::Unparsed("Intercom author has no id");
        };
        let plain = html::to_text(written.body.as_str());
        let mut files: Vec<AnnouncedFile> = written.attachments.iter().filter_map(|raw| upload(raw)).collect();
        for reference in plain.images {
            if reference.starts_with("https://") && files.iter().all(|file| file.reference != reference) {
                files.push(AnnouncedFile {
                    reference,
                    name: None,
                    content_type: None,
                    size_bytes: None,
                });
            }
        }
        if plain.text.is_empty() && files.is_empty() && written.title.is_none() {
            return Intake::Ignored("a part without words");
        }
        let text = if plain.text.is_empty() {
            written.title.clone().unwrap_or_default()
        } else {
            plain.text
        };
        Intake::Message(Box::new(InboundMessage {
            channel: Channel::Intercom,
            external_id,
            thread: self.thread(envelope),
            role: written.role,
            author,
            text,
            stated: Stated {
                title: written.title.clone(),
                ..Stated::default()
            },
            files,
            quotes: None,
            sent_at: written.at,
        }))
    }

    /// The author, completed by what the conversation says of the same person.
    fn author(&self, author: &Person<'_>) -> Option<Author> {
        let listed = self.contacts.iter().flat_map(|contacts| &contacts.contacts);
        let same: Vec<&Person<'_>> = listed
            .chain(&self.user)
            .filter(|person| person.id.get().is_some() && person.id == author.id)
            .collect();
        let first_of = |field: fn(&Person<'_>) -> Option<String>| {
            field(author).or_else(|| same.iter().find_map(|person| field(person)))
        };
        let is_known_to_company = std::iter::once(&author)
            .chain(&same)
            .any(|person| person.external_id.get().is_some() || person.user_id.get().is_some());
        let email = first_of(|person| person.email.owned());
        Some(Author {
            external_user_id: author.id.owned()?,
            other_user_ids: Vec::new(),
            name: first_of(|person| person.name.owned()),
            // A lead typed it. A user's comes from the company's own product, which knows them by an id of its own;
            // `user` alone is no proof, since Intercom says it of leads too.
            email_verified: email.is_some() && author.kind.as_str() != "lead" && is_known_to_company,
            email,
            phone: first_of(|person| person.phone.owned()),
        })
    }

    fn redacted(&self, envelope: Envelope<'_>) -> Vec<Intake> {
        let parts = self.parts().filter_map(|raw| wire::read::<Part<'_>>(raw.get()));
        let parts: Vec<Option<ExternalId>> = parts.map(|part| self.external_id(&part.id)).collect();
        let source = self
            .source
            .as_ref()
            .filter(|source| parts.is_empty() || source.redacted.0);
        let gone = parts
            .into_iter()
            .chain(source.map(|source| self.external_id(&source.id)));
        let items: Vec<Intake> = gone
            .map(|id| match id {
                Some(id) => Intake::Deleted(DeletedMessage {
                    channel: Channel::Intercom,
                    what: Deleted::Message(id),
                    at: envelope.at,
                }),
                None => Intake::Unparsed("Intercom message has no usable id"),
            })
            .collect();
        if items.is_empty() {
            vec![Intake::Unparsed("Intercom redaction names no message")]
        } else {
            items
        }
    }

    fn deleted(&self, envelope: Envelope<'_>) -> Vec<Intake> {
        vec![Intake::Deleted(DeletedMessage {
            channel: Channel::Intercom,
            what: Deleted::Thread(self.thread(envelope)),
            at: envelope.at,
        })]
    }
}

fn upload(raw: &RawValue) -> Option<AnnouncedFile> {
    let upload: Upload<'_> = wire::read(raw.get())?;
    Some(AnnouncedFile {
        reference: upload.url.owned()?,
        name: upload.name.owned(),
        content_type: upload.content_type.owned(),
        size_bytes: upload.filesize.get().and_then(|size| size.parse().ok()),
    })
}
