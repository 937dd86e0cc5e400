//! What changes a message that was recorded before: edits, deletions, and people whose ids change.

use serde_json::json;

use super::{
    Decided, Ingest, Outcome,
    decide::{FollowUp, Plan},
    prepare::{Prepared, identity_index},
    raw_of,
    view::View,
    writes::Writer,
};
use crate::{
    domain::{Actor, EventKind, ExternalId, Identity, IdentityId, TicketSource, Write},
    logic::normalize::{
        Deleted, DeletedMessage, EditedMessage, IdentityChange, InboundMessage, MessageRole, Preference, Stated,
    },
    ports::{IdSourceExt, IdentityKey, PortError, SourceKey},
    usecases::{
        sealing::{place, seal},
        timeline::event,
    },
};

impl Ingest {
    /// An edit becomes a message of its own beside the first one: both wordings are kept, and the timeline says which
    /// came when. Its id is made of the new wording, so that a repeated delivery is known.
    pub(super) async fn decide_edit(
        &self,
        edit: &EditedMessage,
        view: &mut View,
        writer: &mut Writer<'_>,
    ) -> Result<Decided, PortError> {
        let Some(original) = self.recorded(edit.channel, &edit.external_id).await? else {
            return Ok(Decided::Outcome(Outcome::Ignored(
                "edit of a message that is no ticket's",
            )));
        };
        let mut message = InboundMessage {
            channel: edit.channel,
            external_id: edit.external_id.clone(),
            thread: edit.thread.clone(),
            role: MessageRole::Comment,
            author: edit.author.clone(),
            text: edit.text.clone(),
            stated: Stated::default(),
            files: Vec::new(),
            quotes: None,
            sent_at: edit.edited_at,
        };
        let digest = Prepared::new(&*self.vault, &message, Vec::new(), writer.maker.now).digest;
        if digest == original.digest {
            return Ok(Decided::Outcome(Outcome::Duplicate(original.ticket)));
        }
        let Ok(id) = ExternalId::parse(format!("{}#{}", edit.external_id, digest.get(..16).unwrap_or(&digest))) else {
            return Ok(Decided::Outcome(Outcome::Ignored(
                "edit of a message with an id of extreme length",
            )));
        };
        message.external_id = id;
        let raw = raw_of(&message);
        let prepared = Prepared::new(&*self.vault, &message, raw, writer.maker.now);
        view.load(&*self.storage, &prepared.look).await?;
        if view.recorded(&prepared.look).is_some() {
            return Ok(Decided::Outcome(Outcome::Duplicate(original.ticket)));
        }
        let decision = Plan::FollowUp(original.ticket, FollowUp::Edit).into();
        writer.carry_out(&decision, &prepared, view)?;
        Ok(Decided::Outcome(Outcome::FollowUp(original.ticket)))
    }

    /// A deletion at the provider is noted; what the hub keeps is for retention and erasure to decide.
    pub(super) async fn decide_deletion(
        &self,
        deleted: &DeletedMessage,
        writer: &mut Writer<'_>,
    ) -> Result<Decided, PortError> {
        let source = match &deleted.what {
            Deleted::Message(id) => self.recorded(deleted.channel, id).await?,
            Deleted::Thread(thread) => match thread.key() {
                Some(key) => {
                    self.storage
                        .source(SourceKey::NewestInThread(deleted.channel, key))
                        .await?
                }
                None => None,
            },
        };
        let Some(source) = source else {
            return Ok(Decided::Outcome(Outcome::Ignored(
                "deletion of a message that is no ticket's",
            )));
        };
        let whole = matches!(deleted.what, Deleted::Thread(_));
        let data = json!({"source": source.id, "whole_thread": whole});
        let now = writer.maker.now;
        let noted = event(
            writer.maker.ids,
            source.ticket,
            EventKind::MessageDeleted,
            Actor::Provider,
            data,
            now,
        );
        writer.writes.push(noted);
        Ok(Decided::Outcome(Outcome::FollowUp(source.ticket)))
    }

    /// A person has new ids (a new phone number): they stay the same person, known by both.
    pub(super) async fn decide_identity_change(
        &self,
        change: &IdentityChange,
        view: &mut View,
        writer: &mut Writer<'_>,
    ) -> Result<Decided, PortError> {
        let lookup_of = |id: &str| identity_index(&*self.vault, change.channel, &change.connection, id);
        let mut known = None;
        for former in &change.former_user_ids {
            let lookup = lookup_of(former);
            view.load_identity(&*self.storage, change.channel, lookup).await?;
            known = known.or_else(|| view.identity_of(change.channel, lookup).cloned());
        }
        let Some(former) = known else {
            return Ok(Decided::Outcome(Outcome::Ignored("new id of a person who never wrote")));
        };
        let Some(reporter) = view
            .reporter(former.reporter)
            .filter(|reporter| reporter.key.is_some())
            .cloned()
        else {
            return Ok(Decided::Outcome(Outcome::Ignored("new id of a person who is gone")));
        };
        for current in &change.current_user_ids {
            let lookup = lookup_of(current);
            view.load_identity(&*self.storage, change.channel, lookup).await?;
            if view.identity_of(change.channel, lookup).is_some() {
                continue;
            }
            let id: IdentityId = writer.maker.ids.next();
            let at = place::of("reporter_identities", "external_user_id", *id.as_uuid());
            let identity = Identity {
                id,
                reporter: reporter.id,
                lookup,
                external_user_id: seal(&*self.vault, &reporter, at, current.as_bytes())?,
                created_at: writer.maker.now,
                version: 1,
                ..former.clone()
            };
            view.put_identity(identity.clone());
            writer.writes.push(Write::InsertIdentity(identity));
        }
        Ok(Decided::Outcome(Outcome::Ignored("a person's ids changed")))
    }

    /// Noted where the person's last message is: the hub sends no marketing, and Meta itself keeps such messages back.
    pub(super) async fn decide_preference(
        &self,
        preference: &Preference,
        writer: &mut Writer<'_>,
    ) -> Result<Decided, PortError> {
        for id in &preference.user_ids {
            let lookup = identity_index(&*self.vault, preference.channel, &preference.connection, id);
            let key = IdentityKey::External(preference.channel, lookup);
            let Some(identity) = self.storage.identity(key).await? else {
                continue;
            };
            let Some(last) = self.storage.source(SourceKey::NewestBy(identity.id)).await? else {
                continue;
            };
            let data =
                json!({"channel": preference.channel, "purpose": "marketing", "wish": preference.marketing.as_str()});
            let actor = Actor::Reporter(identity.reporter);
            let now = writer.maker.now;
            let noted = event(
                writer.maker.ids,
                last.ticket,
                EventKind::PreferenceNoted,
                actor,
                data,
                now,
            );
            writer.writes.push(noted);
            return Ok(Decided::Outcome(Outcome::FollowUp(last.ticket)));
        }
        Ok(Decided::Outcome(Outcome::Ignored(
            "a preference of a person who never wrote",
        )))
    }

    async fn recorded(
        &self,
        channel: crate::domain::Channel,
        id: &ExternalId,
    ) -> Result<Option<TicketSource>, PortError> {
        self.storage.source(SourceKey::External(channel, id.clone())).await
    }
}
