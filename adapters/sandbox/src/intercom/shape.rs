//! Intercom's objects, in the 2.14 shape.

use serde_json::{Value, json};

use super::{IntercomContact, IntercomConversation, IntercomPart, IntercomPartAuthor, IntercomPartKind, State, html};
use crate::{config::IntercomAccount, world::World};

/// `GET /conversations/{id}` returns no more parts than this.
const PARTS_LIMIT: usize = 500;

/// How bodies are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DisplayAs {
    Html,
    PlainText,
}

impl DisplayAs {
    fn body(self, html: &str) -> String {
        match self {
            Self::Html => html.to_owned(),
            Self::PlainText => html::to_text(html),
        }
    }
}

/// The whole conversation.
pub(super) fn conversation(
    world: &World,
    state: &State,
    conversation: &IntercomConversation,
    display_as: DisplayAs,
) -> Value {
    let later = conversation.parts.get(1..).unwrap_or_default();
    let shown = &later[later.len().saturating_sub(PARTS_LIMIT)..];
    let parts: Vec<Value> = shown
        .iter()
        .map(|part| part_shape(world, state, part, display_as))
        .collect();
    with_parts(world, state, conversation, display_as, (parts, later.len()))
}

/// The conversation with one part only, as webhooks have it.
pub(super) fn conversation_with_part(
    world: &World,
    state: &State,
    conversation: &IntercomConversation,
    part: &IntercomPart,
) -> Value {
    let parts = vec![part_shape(world, state, part, DisplayAs::Html)];
    with_parts(world, state, conversation, DisplayAs::Html, (parts, 1))
}

fn with_parts(
    world: &World,
    state: &State,
    conversation: &IntercomConversation,
    display_as: DisplayAs,
    (parts, total): (Vec<Value>, usize),
) -> Value {
    let contact = state.contacts.get(&conversation.contact_id);
    let updated_at = conversation
        .parts
        .last()
        .map_or(conversation.created_at, |part| part.at);
    let source = conversation.parts.first();
    json!({
        "type": "conversation",
        "id": conversation.id,
        "created_at": conversation.created_at.timestamp(),
        "updated_at": updated_at.timestamp(),
        "waiting_since": null,
        "snoozed_until": null,
        "source": {
            "type": "conversation",
            "id": source.map(|part| part.id.clone()),
            "delivered_as": "customer_initiated",
            "subject": "",
            "body": source.map(|part| display_as.body(&part.body)),
            "author": source.map(|part| author(world, state, part)),
            "attachments": [],
            "url": null,
            "redacted": false,
        },
        "contacts": {"type": "contact.list", "contacts": [{
            "type": "contact", "id": conversation.contact_id, "external_id": contact.and_then(|contact| contact.external_id.clone()),
        }]},
        "first_contact_reply": {"created_at": conversation.created_at.timestamp(), "type": "conversation", "url": null},
        "admin_assignee_id": null,
        "team_assignee_id": null,
        "open": true,
        "state": "open",
        "read": false,
        "tags": {"type": "tag.list", "tags": []},
        "priority": "not_priority",
        "sla_applied": null,
        "statistics": null,
        "conversation_rating": null,
        "teammates": null,
        "title": null,
        "custom_attributes": {},
        "topics": {},
        "ticket": null,
        "linked_objects": {"type": "list", "data": [], "total_count": 0, "has_more": false},
        "ai_agent": null,
        "ai_agent_participated": false,
        "conversation_parts": {"type": "conversation_part.list", "conversation_parts": parts, "total_count": total},
    })
}

fn part_shape(world: &World, state: &State, part: &IntercomPart, display_as: DisplayAs) -> Value {
    let at = part.at.timestamp();
    let by_api = matches!(part.author, IntercomPartAuthor::Admin(_));
    json!({
        "type": "conversation_part",
        "id": part.id,
        "part_type": match part.kind { IntercomPartKind::Comment => "comment", IntercomPartKind::Note => "note" },
        "body": display_as.body(&part.body),
        "created_at": at,
        "updated_at": at,
        "notified_at": at,
        "assigned_to": null,
        "author": author(world, state, part),
        "attachments": [],
        "external_id": null,
        "redacted": false,
        "metadata": {},
        "email_message_metadata": null,
        "app_package_code": by_api.then_some("feedback-hub"),
    })
}

fn author(world: &World, state: &State, part: &IntercomPart) -> Value {
    match &part.author {
        IntercomPartAuthor::Contact(id) => {
            let contact = state.contacts.get(id);
            json!({
                "type": contact.map_or("lead", |contact| contact.role.as_str()),
                "id": id,
                "name": contact.and_then(|contact| contact.name.clone()),
                "email": contact.and_then(|contact| contact.email.clone()).unwrap_or_default(),
            })
        }
        IntercomPartAuthor::Admin(id) => {
            json!({"type": "admin", "id": id, "name": world.config.intercom.admin_name, "email": ADMIN_EMAIL})
        }
    }
}

const ADMIN_EMAIL: &str = "soporte@empresa.example";

/// A teammate.
pub(super) fn admin(account: &IntercomAccount) -> Value {
    json!({
        "type": "admin", "id": account.admin_id, "name": account.admin_name, "email": ADMIN_EMAIL, "email_verified": true,
        "has_inbox_seat": true, "away_mode_enabled": false, "team_ids": [],
    })
}

/// A contact.
pub(super) fn contact(account: &IntercomAccount, contact: &IntercomContact) -> Value {
    let list = |kind: &str| json!({"type": "list", "data": [], "url": format!("/contacts/{}/{kind}", contact.id), "total_count": 0, "has_more": false});
    json!({
        "type": "contact",
        "id": contact.id,
        "workspace_id": account.app_id,
        "external_id": contact.external_id,
        "role": contact.role,
        "email": contact.email,
        "phone": contact.phone,
        "name": contact.name,
        "avatar": null,
        "owner_id": null,
        "social_profiles": {"type": "list", "data": []},
        "has_hard_bounced": false,
        "marked_email_as_spam": false,
        "unsubscribed_from_emails": false,
        "created_at": 1_767_225_600,
        "updated_at": 1_767_225_600,
        "signed_up_at": 1_767_225_600,
        "last_seen_at": null,
        "language_override": null,
        "location": {"type": "location", "country": null, "region": null, "city": null},
        "custom_attributes": {},
        "tags": list("tags"),
        "notes": list("notes"),
        "companies": list("companies"),
    })
}
