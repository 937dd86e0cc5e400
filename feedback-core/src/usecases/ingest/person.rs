//! Who wrote: the reporter and identity of a message, recognised by evidence or made anew.

use super::{
    prepare::Prepared,
    view::{LookUps, View},
};
use crate::{
    domain::{
        BlindIndex, Identity, IdentityLink, LinkKind, LinkStrength, Reporter, ReporterId, SourceId, Timestamp, Write,
    },
    logic::normalize::Author,
    ports::{IdSource, IdSourceExt, PortError, PortErrorKind, Vault},
    usecases::sealing::{place, seal},
};

/// Why a message belongs to a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    /// The identity has written before.
    Known,
    /// A new address of a known person, by strong evidence.
    Linked(ReporterId, LinkKind),
    /// A new person; weak evidence may suspect that it is a known one.
    New(Option<(ReporterId, LinkKind)>),
}

/// Pure: who wrote, from what was looked up.
pub(super) fn recognise(view: &View, look: &LookUps) -> Who {
    if view.identity(look).is_some() {
        return Who::Known;
    }
    let strong = (view.by_verified_email(look).map(|id| (id, LinkKind::VerifiedEmail)))
        .or_else(|| view.by_phone(look).map(|id| (id, LinkKind::Phone)));
    if let Some((reporter, kind)) = strong {
        debug_assert_eq!(
            kind.strength(),
            LinkStrength::Strong,
            "weak evidence never links by itself"
        );
        return Who::Linked(reporter, kind);
    }
    Who::New(view.by_any_email(look).map(|id| (id, LinkKind::UnverifiedEmail)))
}

/// The ports that making a person needs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Maker<'a> {
    pub(super) vault: &'a dyn Vault,
    pub(super) ids: &'a dyn IdSource,
    pub(super) now: Timestamp,
}

impl Maker<'_> {
    /// The reporter and identity of a message; what is new of them is written and put into the view.
    pub(super) fn person(
        &self,
        message: &Prepared<'_>,
        source: SourceId,
        view: &mut View,
        writes: &mut Vec<Write>,
    ) -> Result<(Reporter, Identity), PortError> {
        let look = &message.look;
        let author = &message.message.author;
        let who = recognise(view, look);
        let known = view.identity(look).cloned();
        let owner = match (&known, who) {
            (Some(identity), _) => view.reporter(identity.reporter).cloned(),
            (None, Who::Linked(reporter, _)) => view.reporter(reporter).cloned(),
            (None, Who::Known | Who::New(_)) => None,
        };
        // Erased, and the person writes again: somebody new, so that nothing old can be opened with the new key.
        let owner = owner.filter(|reporter| reporter.key.is_some());
        let email_proved_by = view.email_proved_by(look);
        let reporter = match owner {
            Some(reporter) => self.filled_in(reporter, message, email_proved_by, writes)?,
            None => self.new_reporter(message, email_proved_by, writes)?,
        };
        view.put_reporter(reporter.clone());
        let mut author_identity = None;
        let ids = std::iter::once(&author.external_user_id).chain(&author.other_user_ids);
        for (external_user_id, lookup) in ids.zip(&look.identities) {
            let identity = match view.identity_of(look.channel, *lookup).cloned() {
                Some(found) => self.kept(found, external_user_id, &reporter, view, writes)?,
                None => self.new_identity(message, *lookup, external_user_id, &reporter, view, writes)?,
            };
            writes.push(Write::TouchIdentity(identity.id, message.sent_at));
            let is_author = known.as_ref().is_none_or(|known| known.id == identity.id);
            author_identity = author_identity.or(is_author.then_some(identity));
        }
        // A message has an author id, and with it one identity at least.
        let identity = author_identity
            .ok_or_else(|| PortError::new(PortErrorKind::Rejected, "ingest.person").with_code("no_id"))?;
        if known.is_none() {
            self.link(who, &identity, source, writes);
        }
        Ok((reporter, identity))
    }

    fn new_reporter(
        &self,
        message: &Prepared<'_>,
        email_proved_by: Option<ReporterId>,
        writes: &mut Vec<Write>,
    ) -> Result<Reporter, PortError> {
        let id: ReporterId = self.ids.next();
        let mut reporter = Reporter {
            id,
            key: Some(self.vault.new_subject_key(id)?),
            name: None,
            email: None,
            email_index: None,
            email_verified: false,
            phone: None,
            phone_index: None,
            language: message.language,
            merged_into: None,
            erased_at: None,
            created_at: self.now,
            version: 1,
        };
        fill_in(self.vault, &mut reporter, message, email_proved_by)?;
        writes.push(Write::InsertReporter(reporter.clone()));
        Ok(reporter)
    }

    /// A known reporter with what was missing and this message tells. What is there is never overwritten: a display
    /// name changed by a stranger in a shared channel is no reason to forget the old one.
    fn filled_in(
        &self,
        mut reporter: Reporter,
        message: &Prepared<'_>,
        email_proved_by: Option<ReporterId>,
        writes: &mut Vec<Write>,
    ) -> Result<Reporter, PortError> {
        let before = reporter.clone();
        fill_in(self.vault, &mut reporter, message, email_proved_by)?;
        reporter.language = message.language.or(reporter.language);
        if reporter != before {
            writes.push(Write::UpdateReporter(reporter.clone()));
            reporter.version += 1;
        }
        Ok(reporter)
    }

    /// A known identity; that of an erased person goes to the person who writes now, its address sealed anew.
    fn kept(
        &self,
        identity: Identity,
        external_user_id: &str,
        reporter: &Reporter,
        view: &mut View,
        writes: &mut Vec<Write>,
    ) -> Result<Identity, PortError> {
        if view.reporter(identity.reporter).is_none_or(|owner| owner.key.is_some()) {
            return Ok(identity);
        }
        let at = place::of("reporter_identities", "external_user_id", *identity.id.as_uuid());
        let mut identity = Identity {
            reporter: reporter.id,
            external_user_id: seal(self.vault, reporter, at, external_user_id.as_bytes())?,
            ..identity
        };
        writes.push(Write::UpdateIdentity(identity.clone()));
        identity.version += 1;
        view.put_identity(identity.clone());
        Ok(identity)
    }

    fn new_identity(
        &self,
        message: &Prepared<'_>,
        lookup: BlindIndex,
        external_user_id: &str,
        reporter: &Reporter,
        view: &mut View,
        writes: &mut Vec<Write>,
    ) -> Result<Identity, PortError> {
        let id: crate::domain::IdentityId = self.ids.next();
        let at = place::of("reporter_identities", "external_user_id", *id.as_uuid());
        let identity = Identity {
            id,
            reporter: reporter.id,
            channel: message.message.channel,
            connection: message.message.thread.connection().to_owned(),
            lookup,
            external_user_id: seal(self.vault, reporter, at, external_user_id.as_bytes())?,
            last_message_at: None,
            opted_out_at: None,
            created_at: self.now,
            version: 1,
        };
        writes.push(Write::InsertIdentity(identity.clone()));
        view.put_identity(identity.clone());
        Ok(identity)
    }

    fn link(&self, who: Who, identity: &Identity, source: SourceId, writes: &mut Vec<Write>) {
        let (Who::Linked(reporter, kind) | Who::New(Some((reporter, kind)))) = who else {
            return;
        };
        writes.push(Write::InsertIdentityLink(IdentityLink {
            id: self.ids.next(),
            identity: identity.id,
            reporter,
            kind,
            source: Some(source),
            at: self.now,
            undone: None,
        }));
    }
}

/// Puts name and addresses of the message where the reporter has none.
fn fill_in(
    vault: &dyn Vault,
    reporter: &mut Reporter,
    message: &Prepared<'_>,
    email_proved_by: Option<ReporterId>,
) -> Result<(), PortError> {
    let author: &Author = &message.message.author;
    let row = *reporter.id.as_uuid();
    let sealed = |reporter: &Reporter, column, value: &str| {
        seal(vault, reporter, place::of("reporters", column, row), value.as_bytes())
    };
    if let (None, Some(name)) = (&reporter.name, &author.name) {
        reporter.name = Some(sealed(reporter, "name", name)?);
    }
    if let (None, Some(email)) = (&reporter.email, &author.email) {
        reporter.email = Some(sealed(reporter, "email", email)?);
        reporter.email_index = message.look.email;
        // Somebody else has proved the address: that the two are one person is for a reviewer to say.
        reporter.email_verified = author.email_verified && email_proved_by.is_none_or(|owner| owner == reporter.id);
    }
    if let (None, Some(phone)) = (&reporter.phone, &author.phone) {
        reporter.phone = Some(sealed(reporter, "phone", phone)?);
        reporter.phone_index = message.look.phones.first().copied();
    }
    Ok(())
}
